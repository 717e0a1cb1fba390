"""RabbitMQ as this house uses it: connections and confirmed publishing; names are in ``topology``."""

from __future__ import annotations

import os
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import amqp
import kombu
from amqp.exceptions import AccessRefused, AMQPError, NotAllowed
from kombu.exceptions import OperationalError

from services.chassis.errors import Exit, StartError, Transient
from services.chassis.transport import Cork, read_ahead

#: Everything that means "the broker is away": wait, connect again.
AWAY: tuple[type[Exception], ...] = (AMQPError, OperationalError, OSError)
#: Quorum queues keep no message's expiry before (RabbitMQ 3.10, release notes).
OLDEST = (3, 10)
#: Seconds a publisher waits for the broker to move before it drops the connection.
STALL_S = 10.0
#: Seconds within which the broker must answer a question, and a farewell.
ANSWER_S = 30.0
RELEASE_S = 3.0


class Once(kombu.Connection):  # type: ignore[misc]
    """A connection that is never opened anew behind its owner's back.

    kombu does so in ``drain_events``; the new one would have neither channel nor consumer, and nobody would be told.
    """

    _opened = False

    def _ensure_connection(self, *args: Any, **kwargs: Any) -> Any:
        if self._opened and self.connected:
            return self._connection
        if self._opened:
            raise ConnectionResetError("the connection to the broker is lost")
        connection = super()._ensure_connection(*args, **kwargs)
        self._opened = True
        return connection


def release(connection: kombu.Connection) -> None:
    """Close a connection, in good order if the broker answers within a few seconds."""
    try:
        _answer_within(connection, RELEASE_S)
        connection.release()
    except AWAY:
        # It is gone already, or stands still for an alarm; there is nothing left to give back.
        connection.collect()


def _answer_within(connection: kombu.Connection, seconds: float) -> None:
    """Bound every wait for an answer; py-amqp's own time-outs are the kernel's, which eventlet's sockets pass by."""
    transport = connection.connection.transport
    if transport is not None and transport.sock is not None:
        transport.sock.settimeout(seconds)


def connect(url: str, name: str, *, on_blocked: Callable[[bool], None] | None = None) -> kombu.Connection:
    """A connection of its own for one loop.

    Args:
        url: amqp URL.
        name: shown in the broker's list of connections.
        on_blocked: told True when the broker blocks publishing, False when it takes up again.

    Raises:
        Transient: the broker cannot be reached.
        StartError: it refuses the user or the virtual host, its certificate is not accepted, it is too old.
    """
    url, tls = _tls(url)
    options: dict[str, Any] = {
        "read_timeout": 30,
        "write_timeout": 30,
        "client_properties": {"connection_name": name},
        # py-amqp's own is one second: every hiccup and every alarm would end the connection.
        "socket_settings": {socket.TCP_USER_TIMEOUT: int(ANSWER_S * 1000)},
    }
    if on_blocked is not None:
        options["on_blocked"] = lambda *_: on_blocked(True)
        options["on_unblocked"] = lambda *_: on_blocked(False)
    connection = Once(url, heartbeat=30, connect_timeout=5, transport_options=options, ssl=tls)
    try:
        connection.connect()
    except (AccessRefused, NotAllowed) as error:
        connection.release()
        raise StartError(
            f"the broker {_where(url)} refuses this user or virtual host ({error.reply_code}); check user, "
            "password and virtual host in WENZHENG_BROKER_URL",
            Exit.BROKER_REFUSES,
        ) from None
    except ssl.SSLError as error:
        connection.release()
        reason = getattr(error, "verify_message", "") or error.reason
        raise StartError(
            f"the certificate of the broker {_where(url)} is not accepted ({reason}); renew it, or name its CA with "
            "WENZHENG_BROKER_CA_FILE",
            Exit.BROKER_CERTIFICATE,
        ) from None
    except AWAY as error:
        connection.release()
        raise Transient(f"broker: {_reason(error)}") from error
    _require_version(connection, url)
    _answer_within(connection, ANSWER_S)
    read_ahead(connection)
    return connection


def _tls(url: str) -> tuple[str, dict[str, Any] | bool]:
    """The URL without its CA, and how TLS is checked: the server's certificate and its name, always.

    Raises:
        StartError: the CA cannot be read.
    """
    parts = urlsplit(url)
    if parts.scheme != "amqps":
        return url, False
    tls: dict[str, Any] = {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": parts.hostname}
    query = parse_qs(parts.query)
    for ca_file in query.pop("cacertfile", []):
        if not os.access(ca_file, os.R_OK):
            raise StartError(f"WENZHENG_BROKER_CA_FILE: {ca_file} cannot be read", Exit.SECRET)
        tls["ca_certs"] = ca_file
    return urlunsplit(parts._replace(query=urlencode(query, doseq=True))), tls


def _where(url: str) -> str:
    """Host, port and virtual host of a URL, without its user."""
    parts = urlsplit(url)
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}"


def _reason(error: Exception) -> str:
    strerror = getattr(error, "strerror", None)
    return f"{type(error).__name__}, {strerror}" if isinstance(strerror, str) and strerror else type(error).__name__


def _require_version(connection: kombu.Connection, url: str) -> None:
    told = connection.connection.server_properties
    version = str(told.get("version", ""))
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if told.get("product") == "RabbitMQ" and numbers < OLDEST:
        connection.release()
        raise StartError(
            f"the broker {_where(url)} is RabbitMQ {version}; {OLDEST[0]}.{OLDEST[1]} is the oldest that keeps what we "
            "need (quorum queues whose messages expire): upgrade it",
            Exit.BROKER_VERSION,
        )


def beside(connection: kombu.Connection, on_blocked: Callable[[bool], None]) -> kombu.Connection:
    """A second connection like this one: an alarm blocks the one that publishes, not the one that consumes.

    Raises:
        Transient: the broker cannot be reached.
    """
    options = dict(connection.transport_options)
    options["on_blocked"] = lambda *_: on_blocked(True)
    options["on_unblocked"] = lambda *_: on_blocked(False)
    second = connection.clone(transport_options=options)
    try:
        second.connect()
    except AWAY as error:
        second.release()
        raise Transient(f"broker: {type(error).__name__}") from error
    _answer_within(second, ANSWER_S)
    read_ahead(second)
    return second


class Publisher:
    """Publishes on one channel with pipelined confirms, mandatory, and tells what became of each message.

    Args:
        connection: the owner's connection; nobody else may use it meanwhile.
        window: unconfirmed messages at most.
        beat: called while it waits for the broker, so that its owner is seen to be alive.
    """

    def __init__(
        self, connection: kombu.Connection, window: int = 300, beat: Callable[[], None] = lambda: None
    ) -> None:
        self._connection, self._window, self.beat = connection, window, beat
        self._cork = Cork(connection)
        self._open: dict[int, str] = {}
        self._outcome: dict[str, str] = {}
        #: Ids of the current messages that the broker refused.
        self.nacked: set[str] = set()
        #: True while an alarm of the broker stops all publishing; set by the owner's ``on_blocked``.
        self.blocked = False
        #: Set by an owner that wants to end: a blocked broker is not waited for any longer.
        self.stopping = False
        self._open_channel()

    def _open_channel(self) -> None:
        self.channel: Any = self._connection.channel()
        self.channel.confirm_select()
        self.channel.events["basic_ack"].add(self._on_ack)
        self.channel.events["basic_nack"].add(self._on_nack)
        self.channel.events["basic_return"].add(self._on_return)
        self._tag = 0

    def _settle(self, tag: int, multiple: bool, outcome: str) -> None:
        tags = [t for t in self._open if t <= tag] if multiple else [tag]
        for settled in tags:
            message_id = self._open.pop(settled, None)
            if message_id is not None:
                # A return comes before its ack: an unroutable message is "confirmed" too.
                if self._outcome.setdefault(message_id, outcome) == "nack":
                    self.nacked.add(message_id)

    def _on_ack(self, tag: int, multiple: bool) -> None:
        self._settle(tag, multiple, "ok")

    def _on_nack(self, tag: int, multiple: bool) -> None:
        self._settle(tag, multiple, "nack")

    def _on_return(self, error: Exception, exchange: str, key: str, message: amqp.Message) -> None:
        self._outcome[str(message.properties.get("message_id"))] = "unroutable"

    def publish(self, messages: Iterable[tuple[amqp.Message, str, str]]) -> dict[str, str]:
        """Publish (message, exchange, routing key) and wait for the broker's word on each.

        Returns:
            ``ok``, ``nack`` or ``unroutable`` by message id.

        Raises:
            Transient: the broker stalled or went away; what is not known may have arrived. The channel is of no more
                use: a late confirm would be taken for the next message's.
        """
        self._outcome = {}
        try:
            if self.nacked and not self.blocked:
                self.nacked.clear()
                # A queue that was full tells a channel when it has room again, but not when its limit was taken away:
                # the channel would be refused for ever (RabbitMQ's rabbit_fifo, evaluate_limit). A new one asks.
                self.channel.close()
                self._open_channel()
            with self._cork.gathering():
                for message, exchange, key in messages:
                    while len(self._open) >= self._window:
                        self._drain()
                    self._tag += 1
                    self._open[self._tag] = str(message.properties["message_id"])
                    self.channel.basic_publish(message, exchange=exchange, routing_key=key, mandatory=True)
            while self._open:
                self._drain()
        except AWAY as error:
            raise Transient(f"broker: {type(error).__name__}") from error
        return self._outcome

    def look(self) -> None:
        """Read what the broker says while nothing is published: alarms, heartbeats.

        Raises:
            Transient: the connection is gone.
        """
        try:
            self._connection.drain_events(timeout=0.001)
        except TimeoutError:
            self._heartbeat()
        except AWAY as error:
            raise Transient(f"broker: {type(error).__name__}") from error

    def _heartbeat(self) -> None:
        try:
            self._connection.heartbeat_check()
        except AWAY as error:
            raise Transient(f"broker: {type(error).__name__}") from error

    def _drain(self) -> None:
        self._cork.send()
        before, since = len(self._open), time.monotonic()
        while len(self._open) == before:
            if self.blocked:
                # An alarm is no stall: the broker says when it is over. What is open will be confirmed then.
                since = time.monotonic()
                if self.stopping:
                    raise Transient("the broker blocks publishing")
            if time.monotonic() - since > STALL_S:
                raise Transient("the broker did not confirm in time")
            self.beat()
            try:
                self._connection.drain_events(timeout=1.0)
            except TimeoutError:
                self._heartbeat()
