"""wenzheng-healthz: one word that says whether the process of a container is ready."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.parts import free_port


@contextmanager
def process(status: int, body: bytes = b'{"database": "ok"}\n') -> Iterator[int]:
    """Something that answers /readyz with ``status`` and everything else with 500; its port."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 500)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quietly."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def healthz(**environ: str) -> tuple[int, str]:
    """Run it; exit code and what it said."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WENZHENG_")}
    command = [sys.executable, "-m", "services.cli.healthz"]
    done = subprocess.run(command, env={**clean, **environ}, capture_output=True, text=True)
    assert done.stderr == ""
    return done.returncode, done.stdout.strip()


def test_a_web_role_that_is_ready_is_told_by_exit_code_0() -> None:
    with process(200) as port:
        code, said = healthz(WENZHENG_PORT=str(port), WENZHENG_WORKER_PORT=str(free_port()))
    assert (code, said) == (0, f'{port}: 200 OK {{"database": "ok"}}')


def test_a_worker_that_is_ready_is_found_on_its_own_port() -> None:
    with process(200) as port:
        assert healthz(WENZHENG_PORT=str(free_port()), WENZHENG_WORKER_PORT=str(port))[0] == 0


def test_one_that_is_not_ready_is_told_by_exit_code_1_and_why() -> None:
    with process(503, b'{"database": "OperationalError"}') as port:
        code, said = healthz(WENZHENG_PORT=str(port))
    assert code == 1
    assert "503" in said
    assert "OperationalError" in said


def test_where_both_roles_run_both_have_to_be_ready() -> None:
    with process(200) as web, process(503) as worker:
        assert healthz(WENZHENG_PORT=str(web), WENZHENG_WORKER_PORT=str(worker))[0] == 1


def test_where_nobody_listens_it_is_not_ready() -> None:
    port = free_port()
    code, said = healthz(WENZHENG_PORT=str(port))
    assert (code, said) == (1, f"nobody listens on 127.0.0.1, port {port}")


def test_the_setting_of_one_service_wins() -> None:
    with process(200) as port:
        assert healthz(WENZHENG_PORT=str(free_port()), WENZHENG_SEARCH_PORT=str(port))[0] == 0


def test_a_process_that_listens_on_every_address_is_asked_on_the_loopback() -> None:
    with process(200) as port:
        assert healthz(WENZHENG_PORT=str(port), WENZHENG_HOST="0.0.0.0")[0] == 0


def test_a_wrong_port_is_said_in_one_line() -> None:
    assert healthz(WENZHENG_PORT="http") == (1, "WENZHENG_PORT is no port: 'http'")


def test_a_process_that_never_answers_is_not_waited_for_longer_than_a_probe_waits() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = time.monotonic()
        code, said = healthz(WENZHENG_PORT=str(silent.getsockname()[1]))
    assert code == 1
    assert "timed out" in said
    assert time.monotonic() - begun < 5


def test_it_loads_nothing_but_a_little_of_the_standard_library() -> None:
    code = "import sys, services.cli.healthz; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-Sc", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert "socket" in loaded
    assert not loaded & {"asyncio", "email", "http", "logging", "pathlib", "re", "ssl", "typing", "urllib"}
