"""The production server, as a process of its own: what it answers, what it refuses, how it stops."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAM = """
import os, sys, time
from datetime import UTC, datetime
from pathlib import Path
from flask import request
from services.chassis.clock import DrivenClock
from services.chassis.errors import StartError
from services.chassis.house import open_house
from services.chassis.settings import ServiceSettings, load
from services.chassis.telemetry import set_up_logs
from services.chassis.web import api, body_json, make_app
from services.chassis.web import server

set_up_logs("INFO", "json")
server.HEAD_S, server.BODY_S, server.ARRIVE_S = 1.0, 2.0, 3.0
folder, port, grace = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
house = open_house("sample", load(ServiceSettings, "sample", {}, data_folder=folder, max_body_bytes=50_000))
app = make_app(house, "services.chassis")

@app.get("/slow")
def slow():
    Path(folder, "slow-began").touch()
    time.sleep(float(request.args["s"]))
    return "done"

@app.get("/boom")
def boom():
    raise RuntimeError("the citizen wrote: my neighbour's secret")

@app.post("/api/take")
@api
def take():
    return {"size": len(body_json()["text"])}

@app.post("/api/form")
@api
def form():
    Path(folder, "form-taken").write_text(request.form["text"])
    return {}

@app.post("/api/ignore")
@api
def ignore():
    return {"read": False}

try:
    server.serve(app, host="127.0.0.1", port=port, threads=4, grace=grace,
                 on_started=lambda: print("started", flush=True))
except StartError as error:
    print(error, file=sys.stderr)
    sys.exit(2)
print("closed", flush=True)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Server:
    """A running server."""

    process: subprocess.Popen[str]
    port: int
    folder: Path

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    def get(self, path: str) -> tuple[int, str]:
        with contextlib.closing(self.connect()) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def raw(self, data: bytes, wait: float = 10) -> bytes:
        """Send bytes, return everything until the server closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as plug:
            plug.sendall(data)
            return b"".join(iter(lambda: plug.recv(65536), b""))

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Send a signal, return exit code, standard output and standard error."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, str, str]:
        """The same of one that was told to stop before: a signal while the interpreter is taken down would kill it."""
        out, err = self.process.communicate(timeout=15)
        return self.process.returncode, out, err


def start(folder: Path, port: int, grace: float = 5) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, str(folder), str(port), str(grace)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@contextlib.contextmanager
def running(folder: Path, grace: float = 5) -> Iterator[Server]:
    port = free_port()
    process = start(folder, port, grace)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        yield Server(process, port, folder)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """One of its own, to be stopped."""
    with running(tmp_path) as server:
        yield server


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests that leave it running."""
    with running(tmp_path_factory.mktemp("server")) as server:
        yield server


def test_one_connection_serves_many_requests(shared: Server) -> None:
    with contextlib.closing(shared.connect()) as connection:
        for _ in range(3):
            connection.request("GET", "/livez")
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b'{"status":"ok"}')
            assert answer.getheader("Connection") != "close"


def test_a_request_in_hand_is_answered_after_the_order_to_stop(server: Server) -> None:
    answers: list[tuple[int, str]] = []
    asking = threading.Thread(target=lambda: answers.append(server.get("/slow?s=1.5")))
    asking.start()
    began = server.folder / "slow-began"
    while not began.exists():
        time.sleep(0.01)
    server.process.send_signal(signal.SIGTERM)
    server.process.send_signal(signal.SIGTERM)
    asking.join()
    code, out, _ = server.ended()
    assert answers == [(200, "done")]
    assert (code, out) == (0, "closed\n")
    with pytest.raises(ConnectionRefusedError):
        server.get("/livez")


def test_an_idle_server_stops_at_once(server: Server) -> None:
    began = time.monotonic()
    assert server.stop(signal.SIGINT)[:2] == (0, "closed\n")
    assert time.monotonic() - began < 2


def test_a_request_that_hangs_does_not_keep_the_process(tmp_path: Path) -> None:
    with running(tmp_path, grace=1) as server:
        plug = socket.create_connection(("127.0.0.1", server.port))
        with plug:
            plug.sendall(b"GET /slow?s=60 HTTP/1.1\r\nHost: x\r\n\r\n")
            while not (server.folder / "slow-began").exists():
                time.sleep(0.01)
            began = time.monotonic()
            code, out, err = server.stop()
        assert (code, out) == (0, "closed\n")
        assert time.monotonic() - began < 8
        assert "requests cut off" in err


def test_a_taken_port_is_one_line(shared: Server, tmp_path: Path) -> None:
    second = start(tmp_path, shared.port)
    _, err = second.communicate(timeout=20)
    assert second.returncode == 2
    assert err == f"port {shared.port} on 127.0.0.1 is taken by another program; choose another with WENZHENG_PORT\n"


def test_a_body_without_length_is_limited_too(shared: Server) -> None:
    def send(size: int) -> tuple[int, dict[str, object]]:
        with contextlib.closing(shared.connect()) as connection:
            body = [b'{"text":"', *[b"a" * 1000] * size, b'"}']
            connection.request("POST", "/api/take", iter(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    assert send(40) == (200, {"size": 40_000})
    status, document = send(60)
    assert (status, document["code"]) == (413, "body_too_large")


def test_an_unread_body_does_not_disturb_the_next_request(shared: Server) -> None:
    with contextlib.closing(shared.connect()) as connection:
        for _ in range(2):
            connection.request("POST", "/api/ignore", b"x" * 30_000, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b'{"read":false}\n')


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"rubbish\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nbad header\r\n\r\n", 400),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(120)) + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 431),
        (b"POST /api/take HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /api/take HTTP/1.1\r\nContent-Length: -3\r\n\r\n", 400),
        (b"POST /api/take HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
    ],
)
def test_what_is_no_request_is_refused_without_an_echo(shared: Server, request_bytes: bytes, status: int) -> None:
    answer = shared.raw(request_bytes)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"Connection: close" in answer
    assert b"rubbish" not in answer
    assert b"bad header" not in answer
    assert shared.get("/livez")[0] == 200


def test_clients_that_drip_bytes_do_not_hold_the_threads(shared: Server) -> None:
    plugs = [socket.create_connection(("127.0.0.1", shared.port)) for _ in range(8)]
    with contextlib.ExitStack() as stack:
        for plug in plugs:
            stack.enter_context(plug)
            plug.sendall(b"GET /livez HTTP/1.1\r\nX-A: ")
        began = time.monotonic()
        # They wait where they hold no thread; each is cut off after its time (3 s here).
        assert shared.get("/livez")[0] == 200
        assert time.monotonic() - began < 1


def test_requests_that_arrive_byte_by_byte_hold_no_thread_and_are_cut(shared: Server) -> None:
    body = b"POST /api/take HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n"
    with contextlib.ExitStack() as stack:
        plugs = [stack.enter_context(socket.create_connection(("127.0.0.1", shared.port))) for _ in range(60)]
        for number, plug in enumerate(plugs):
            plug.sendall(b"GET /livez HT" if number % 2 else body + b"{")
        waits = []
        for _ in range(20):
            for plug in plugs:
                with contextlib.suppress(OSError):
                    plug.sendall(b"x")
            began = time.monotonic()
            assert shared.get("/livez")[0] == 200
            waits.append(time.monotonic() - began)
            time.sleep(0.1)
        assert max(waits) < 1
        for plug in plugs:
            plug.settimeout(10)
            with contextlib.suppress(ConnectionError):
                assert b" 200 " not in plug.recv(65536)


def test_a_request_in_several_pieces_is_taken_whole(shared: Server) -> None:
    text = b'{"text": "' + b"a" * 150_000 + b'"}'
    head = b"POST /api/take HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
    whole = head + b"Content-Length: %d\r\n\r\n" % len(text) + text
    with socket.create_connection(("127.0.0.1", shared.port)) as plug:
        for piece in (whole[:7], whole[7:60], whole[60:200], whole[200:50_000], whole[50_000:149_000], whole[149_000:]):
            plug.sendall(piece)
            time.sleep(0.05)
        plug.settimeout(10)
        assert plug.recv(65536).startswith(b"HTTP/1.1 ")
    # Once more on a kept-alive connection, after a request that came in one piece.
    with socket.create_connection(("127.0.0.1", shared.port)) as plug:
        plug.settimeout(10)
        for pieces in ((b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n",), (b"GET /livez HT", b"TP/1.1\r\nHost: x\r\n\r\n")):
            for piece in pieces:
                plug.sendall(piece)
                time.sleep(0.05)
            assert plug.recv(65536).startswith(b"HTTP/1.1 200")


def test_connections_that_say_nothing_hold_no_thread(shared: Server) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(socket.create_connection(("127.0.0.1", shared.port)))
        began = time.monotonic()
        assert shared.get("/livez")[0] == 200
        assert time.monotonic() - began < 1


def test_an_unfinished_body_is_given_up(shared: Server) -> None:
    head = b"POST /api/take HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    began = time.monotonic()
    answer = shared.raw(head + b'{"text":')
    assert time.monotonic() - began < 8
    assert b" 200 " not in answer.split(b"\r\n")[0]


def test_half_a_form_is_never_taken_for_the_whole(shared: Server) -> None:
    head = b"POST /api/form HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    broken = [
        head + b"Content-Length: 100\r\n\r\ntext=the first half",
        head + b"Transfer-Encoding: chunked\r\n\r\n13\r\ntext=the first half\r\n",
        head + b"Transfer-Encoding: chunked\r\n\r\n13\r\ntext=the first half\r\nrubbish\r\n",
    ]
    for data in broken:
        with socket.create_connection(("127.0.0.1", shared.port)) as plug:
            plug.sendall(data)
            plug.shutdown(socket.SHUT_WR)
            plug.settimeout(10)
            assert plug.recv(65536).startswith(b"HTTP/1.1 400")
    whole = head + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n8\r\ntext=all\r\n0\r\n\r\n"
    assert shared.raw(whole).startswith(b"HTTP/1.1 200")
    assert (shared.folder / "form-taken").read_text() == "all"


def test_the_log_tells_what_happened_and_nothing_of_what_was_said(server: Server) -> None:
    server.get("/boom")
    server.get("/livez?secret=7")
    server.get("/nope/secret-path?secret=7")
    server.raw(b"GET / HTTP/1.1\r\nbad secret\r\n\r\n")
    err = server.stop()[2]
    lines = [json.loads(line) for line in err.splitlines()]
    assert "secret" not in err
    assert "127.0.0.1" not in err
    failed = next(line for line in lines if line["event"] == "request failed")
    assert failed["error"] == "RuntimeError"
    requests = [line for line in lines if line["event"] == "request"]
    assert [(line["route"], line["status"]) for line in requests] == [("/boom", 500), ("", 404)]
    assert requests[0]["request_id"] == failed["request_id"]


def test_the_server_ends_when_its_parent_is_gone(tmp_path: Path) -> None:
    port = free_port()
    parent = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', *sys.argv[1:]], stderr=subprocess.DEVNULL,"
        " stdout=subprocess.PIPE, text=True); print(p.stdout.readline(), p.pid, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", parent, PROGRAM, str(tmp_path), str(port), "5"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    child = int(process.stdout.readline())
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 8
    while time.monotonic() < deadline:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{child}/stat").read_text().split()[2] == "Z":
            return
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the server outlived its parent")
