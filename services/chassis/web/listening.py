"""Opens the port of the web role, or says in one line why it cannot be had."""

from __future__ import annotations

import socket
import struct
from typing import Final

from services.chassis.ports import port_refused

#: A client that reads nothing of its answer for so long is cut off.
SEND_S: Final = 30


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        StartError: the port or the address cannot be had.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Inherited by the connections: a client that does not read gives its thread back.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_S, 0))
        listener.bind((host, port))
        listener.listen(1024)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise port_refused(error, host, port) from None
    return listener
