"""Fewer system calls for py-amqp: reads that take what is there, writes that are sent together (measured: ADR 6)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import amqp
from amqp import method_framing
from amqp.transport import TCPTransport

#: Bytes asked for in one read; py-amqp asks for the exact length of each part of a frame, six reads a message.
READ = 16 * 1024
#: Bytes that are sent together at most.
WRITE = 64 * 1024


class Tolerant(amqp.Message):  # type: ignore[misc]
    """A message whose properties may be what py-amqp cannot read: a date of the year 55840, a table 1,500 deep.

    Its own class raises out of the loop that reads the socket: one such message would end the worker.
    """

    def _load_properties(self, class_id: int, buf: bytes, offset: int) -> int:
        try:
            return int(super()._load_properties(class_id, buf, offset))
        except Exception as error:
            self.properties = {UNREADABLE: type(error).__name__}
            return len(buf)


#: Property of a message whose properties cannot be read: the class of the error.
UNREADABLE = "unreadable"
method_framing.Message = Tolerant


def read_ahead(connection: Any) -> None:
    """Let a connection read what is there; py-amqp keeps what it has not asked for in its own buffer.

    Args:
        connection: a kombu connection that is open. TLS is left alone: there py-amqp reads ahead by itself.
    """
    transport = connection.connection.transport
    if isinstance(transport, TCPTransport):
        receive = transport.sock.recv
        transport._quick_recv = lambda length: receive(max(length, READ))


class Cork:
    """Gathers what a connection writes, to send it in few large pieces.

    Args:
        connection: a kombu connection that is open.
    """

    def __init__(self, connection: Any) -> None:
        self._transport = connection.connection.transport
        self._send: Any = self._transport._write
        self._held = bytearray()

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Gather inside; all is sent at the end, also when it fails half-way."""
        self._transport._write = self._gather
        try:
            yield
        finally:
            self._transport._write = self._send
            self.send()

    def send(self) -> None:
        """Send what was gathered."""
        held, self._held = self._held, bytearray()
        if held:
            self._send(held)

    def _gather(self, data: Any) -> None:
        self._held += data
        if len(self._held) >= WRITE:
            self.send()
