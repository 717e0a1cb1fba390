"""A small load generator: kept-alive connections, requests made beforehand, as little work of its own as possible."""

from __future__ import annotations

import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator

CLIENTS = 16


def requests_for(port: int, number: int) -> list[bytes]:
    """Requests that each file another petition."""
    made = []
    for index in range(number):
        body = json.dumps(
            {
                "kind": "complaint",
                "title": f"路灯不亮，第 {index} 处",
                "body": "芦汀镇鸬浜村村口的路灯坏了两个星期，晚上接孩子放学看不清路，请派人来修。" * 3,
                "place": {"text": "芦汀镇鸬浜村"},
                "contact": {"mail": f"{uuid.uuid4().hex[:12]}@example.org"},
            },
            ensure_ascii=False,
        ).encode()
        head = (
            f"POST /api/petitions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
            f"Idempotency-Key: {uuid.uuid4()}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


class Connection:
    """One kept-alive connection that opens itself anew when the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send one request; status and body of the answer."""
        for _ in range(2):
            if self._socket is None:
                self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=30)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                self._socket.sendall(request)
                return self._read()
            except (ConnectionError, IndexError):
                self._socket.close()
                self._socket = None
        raise ConnectionError("the server closes every connection")

    def _read(self) -> tuple[int, bytes]:
        assert self._socket is not None
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        while len(body) < length:
            body += self._more()
        if b"connection: close" in head.lower():
            self._socket.close()
            self._socket = None
        return int(head[9:12]), body

    def _more(self) -> bytes:
        assert self._socket is not None
        got = self._socket.recv(65536)
        if not got:
            raise ConnectionError("closed")
        return got


def rate(port: int, seconds: float, prepared: Iterator[bytes]) -> float:
    """Answers of 201 per second, with all clients asking as fast as they can."""
    done = [0] * CLIENTS
    stop = time.monotonic() + seconds
    lock = threading.Lock()

    def client(index: int) -> None:
        connection = Connection(port)
        while time.monotonic() < stop:
            with lock:
                request = next(prepared)
            status, _ = connection.ask(request)
            assert status == 201, status
            done[index] += 1

    threads = [threading.Thread(target=client, args=(n,)) for n in range(CLIENTS)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.monotonic() - started)
