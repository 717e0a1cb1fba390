"""A real HTTP server that takes webhooks, or misbehaves as it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass(frozen=True)
class Post:
    """One request as it came over the wire."""

    path: str
    headers: dict[str, str]
    body: bytes


class WebhookServer:
    """A server on the loopback.

    ``answers`` are given one after the other, then 204 for ever: a status, ``(status, headers)``, or a misdeed:
    ``"hang"`` answers nothing, ``"drip"`` one byte of a header now and then, ``"cut"`` hangs up once the body was read,
    ``"endless"`` says 200 and never stops talking.
    """

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.answers: list[int | str | tuple[int, dict[str, str]]] = []
        #: What would be found under another address of this server, were a redirect followed.
        self.strayed = 0
        self.over = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                server.take(self)

            def do_GET(self) -> None:
                server.strayed += 1

            def log_message(self, format: str, *args: object) -> None:
                """Tests are quiet."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/updates?from=house"

    def take(self, request: BaseHTTPRequestHandler) -> None:
        """Read one request and answer it as told."""
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        if request.path != "/updates?from=house":
            self.strayed += 1
            return
        self.posts.append(Post(request.path, {k.lower(): v for k, v in request.headers.items()}, body))
        answer = self.answers.pop(0) if self.answers else 204
        if isinstance(answer, str):
            self._misbehave(request, answer)
            return
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", "0")
        request.end_headers()

    def _misbehave(self, request: BaseHTTPRequestHandler, how: str) -> None:
        request.close_connection = True
        try:
            if how == "hang":
                self.over.wait(20)
            elif how == "drip":
                for letter in b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 1000:
                    request.wfile.write(bytes([letter]))
                    request.wfile.flush()
                    if self.over.wait(0.2):
                        return
            elif how == "endless":
                request.send_response(200)
                request.end_headers()
                while not self.over.is_set():
                    request.wfile.write(b"x" * 65536)
                    time.sleep(0.001)
        except OSError:
            # The other side hung up, which is what it should do.
            return

    def start(self) -> None:
        """Begin to listen."""
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        self.over.set()
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def webhook_server() -> Iterator[WebhookServer]:
    """A running server of this test's own."""
    server = WebhookServer()
    server.start()
    yield server
    server.stop()
