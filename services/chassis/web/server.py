"""The production server of the web role: gunicorn's threaded worker, run in this process.

No master process: whoever started us watches over us (``wenzheng up``, a container's runtime), and a fork would
double the memory of a machine that runs everything. What gunicorn brings is its hardened HTTP/1.1 parser, kept-alive
connections and real threads.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from selectors import EVENT_READ
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from gunicorn.config import Config
from gunicorn.http import errors as parse_errors
from gunicorn.workers.gthread import TConn, ThreadWorker

from services.chassis.errors import StartError
from services.chassis.telemetry import log
from services.chassis.web.arriving import arrived, plain_answer, too_slow
from services.chassis.web.crowd import APART, Crowd, turning_away
from services.chassis.web.front_door import FrontDoor
from services.chassis.web.listening import listen

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["FrontDoor", "serve"]

#: Connections held open at most, idle ones included.
CONNECTIONS: Final = 1000
#: An idle connection is closed after this many seconds.
KEEP_ALIVE_S: Final = 15
#: Requests that may wait for a thread, when nobody says otherwise.
WAITING: Final = 64
#: Time for a request to arrive that no thread reads yet, for the head where one does, and for a longer body.
ARRIVE_S: Final = 12.0
HEAD_S: Final = 10.0
BODY_S: Final = 15.0
#: A longer body gets a second more for so many bytes.
BYTES_PER_S: Final = 20_000
#: Time that requests in hand get after SIGTERM.
GRACE_S: Final = 20
#: Limits of the head of a request: bytes of its first line, number of fields, bytes of one field.
LINE_BYTES: Final = 8190
FIELDS: Final = 100
FIELD_BYTES: Final = 8190

_STATUS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (parse_errors.LimitRequestLine, "414 URI Too Long"),
    (parse_errors.LimitRequestHeaders, "431 Request Header Fields Too Large"),
    (parse_errors.UnsupportedTransferCoding, "501 Not Implemented"),
    (parse_errors.ExpectationFailed, "417 Expectation Failed"),
    (parse_errors.ParseException, "400 Bad Request"),
)


def serve(
    apps: WSGIApplication | Mapping[str, WSGIApplication],
    *,
    host: str,
    port: int,
    threads: int,
    waiting: int = WAITING,
    on_started: Callable[[], None] | None = None,
    grace: float = GRACE_S,
) -> None:
    """Serve until asked to stop; must be called in the main thread, whose signals it takes.

    SIGTERM (or SIGINT once): stop listening, finish the requests in hand for at most ``grace`` seconds, return.
    SIGINT twice or SIGQUIT: end at once. It also stops, in the same graceful way, when the parent process is gone.

    Args:
        apps: a WSGI application, or several by their path prefix (see ``FrontDoor``).
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        threads: requests handled at the same time.
        waiting: how many more may wait for a thread; any others are told to come again.
        on_started: called once the port is open.
        grace: seconds that requests in hand get.

    Raises:
        StartError: the port or the address cannot be had.
    """
    app = FrontDoor(list(apps.items())) if isinstance(apps, Mapping) else apps
    listener = listen(host, port)
    config = Config()
    for name, value in {
        "threads": threads,
        "worker_connections": CONNECTIONS,
        "keepalive": KEEP_ALIVE_S,
        "graceful_timeout": int(grace),
        "limit_request_line": LINE_BYTES,
        "limit_request_fields": FIELDS,
        "limit_request_field_size": FIELD_BYTES,
        # Whose X-Forwarded-… is believed is a setting of ours (trusted_proxies), decided in the application.
        "forwarded_allow_ips": "",
    }.items():
        config.set(name, value)
    if on_started is not None:
        started = on_started
        config.set("post_worker_init", lambda worker: started())
    try:
        worker = _Worker(1, os.getppid(), [listener], _Loaded(app), 0, config, _Log())
        worker.crowd = Crowd(threads, waiting)
    except OSError:
        listener.close()
        raise StartError("no folder for temporary files can be written; name one with TMPDIR") from None
    try:
        worker.init_process()
    finally:
        worker.tmp.close()
        listener.close()
    if worker.nr_conns > 0:
        log().warning("requests cut off", number=worker.nr_conns)
        # Threads that hang would keep the process from ending; the caller gets a moment to close what is open.
        last = threading.Timer(3, os._exit, (0,))
        last.daemon = True
        last.start()


class _Loaded:
    """What gunicorn's worker asks for its application."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def wsgi(self) -> WSGIApplication:
        return self._app


class _Worker(ThreadWorker):  # type: ignore[misc]
    """The threaded worker without a master above it, and with an eye on slow clients."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._reading: dict[TConn, float] = {}
        self._interrupted = False
        self.crowd = Crowd(self.cfg.threads, WAITING)
        self._apart = ThreadPoolExecutor(APART, "apart")

    def init_signals(self) -> None:
        super().init_signals()
        signal.signal(signal.SIGINT, self._interrupt)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._interrupted:
            os._exit(130)
        self._interrupted = True
        self.handle_exit(number, frame)

    def accept(self, listener: socket.socket) -> None:
        """Take a connection and wait for its first byte here: browsers open spare ones, which hold no thread so."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED):
                return
            if error.errno in (errno.EMFILE, errno.ENFILE):
                log().error("no file descriptor left for a connection")
                time.sleep(0.1)
                return
            raise
        self.nr_conns += 1
        conn = TConn(self.cfg, client, address, listener.getsockname())
        conn.timeout = time.monotonic() + ARRIVE_S
        self.pending_conns.append(conn)
        self.poller.register(client, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def on_pending_socket_readable(self, conn: TConn, client: socket.socket) -> None:
        """Give a thread the request that has arrived; one that has not goes on arriving here."""
        if arrived(client):
            super().on_pending_socket_readable(conn, client)

    def on_client_socket_readable(self, conn: TConn, client: socket.socket) -> None:
        """The same for a kept-alive connection, which gets its full time from its first byte."""
        if arrived(client):
            super().on_client_socket_readable(conn, client)
            return
        self.keepalived_conns.remove(conn)
        conn.timeout = time.monotonic() + ARRIVE_S
        self.pending_conns.append(conn)
        self.poller.modify(client, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def enqueue_req(self, conn: TConn) -> None:
        """Give it to a thread, or to one that turns it away when too many wait already."""
        let_in = self.crowd.come()
        answered = self.tpool.submit(self.handle, conn) if let_in else self._apart.submit(self._turn_away, conn)
        answered.add_done_callback(lambda done: self.method_queue.defer(self._done, conn, done, let_in))

    def _done(self, conn: TConn, done: Any, let_in: bool) -> None:
        if let_in:
            self.crowd.go()
        self.finish_request(conn, done)

    def _turn_away(self, conn: TConn) -> Any:
        turning_away.set(True)
        return self.handle(conn)

    def handle(self, conn: TConn) -> Any:
        self._reading[conn] = time.monotonic() + HEAD_S
        try:
            return super().handle(conn)
        finally:
            self._reading.pop(conn, None)

    def handle_request(self, req: Any, conn: TConn) -> Any:
        length = next((value for name, value in req.headers if name == "CONTENT-LENGTH"), "")
        more = int(length) / BYTES_PER_S if length.isascii() and length.isdigit() else 0.0
        self._reading[conn] = time.monotonic() + BODY_S + min(more, 3 * BODY_S)
        return super().handle_request(req, conn)

    def murder_pending(self) -> None:
        """Besides idle ones, close the reading side of connections whose request does not come to its end."""
        now = time.monotonic()
        for conn in self.pending_conns:
            if conn.timeout > now:
                break
            too_slow(conn.sock)
        super().murder_pending()
        for conn, deadline in list(self._reading.items()):
            if deadline < now and self._reading.pop(conn, None) is not None:
                try:
                    conn.sock.shutdown(socket.SHUT_RD)
                except OSError as error:
                    if error.errno not in (errno.ENOTCONN, errno.EBADF):
                        raise

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answer what is no HTTP request. Nothing of it is repeated, in the answer or in the log."""
        status = next((text for kind, text in _STATUS if isinstance(exc, kind)), "500 Internal Server Error")
        if status.startswith("500"):
            log().error("request failed in the server", exc_info=exc)
        else:
            log().info("malformed request", error=type(exc).__name__, status=int(status[:3]))
        try:
            client.sendall(plain_answer(status))
        except OSError as error:
            log().debug("client gone", error=type(error).__name__)


class _Log:
    """gunicorn's log in the house's way: the class of what happened, never the address or what was asked."""

    def debug(self, message: str, *args: object, **kwargs: object) -> None:
        log().debug("server", error=_kind())

    def info(self, message: str, *args: object, **kwargs: object) -> None:
        log().debug("server", error=_kind())

    def warning(self, message: str, *args: object, **kwargs: object) -> None:
        log().warning("server", error=_kind())

    def error(self, message: str, *args: object, **kwargs: object) -> None:
        log().error("server", error=_kind())

    def exception(self, message: str, *args: object, **kwargs: object) -> None:
        """An exception; a client that went away or stalled is no fault of ours."""
        error = sys.exc_info()[1]
        if isinstance(error, OSError):
            log().info("connection lost", error=type(error).__name__)
        else:
            log().error("server", exc_info=True)

    critical = error

    def access(self, *args: object) -> None:
        """The application writes its own line for each request."""

    def reopen_files(self) -> None:
        """There are none: the log goes to standard error."""

    def close_on_exec(self) -> None:
        """There are no files of its own."""


def _kind() -> str:
    kind = sys.exc_info()[0]
    return kind.__name__ if kind else ""
