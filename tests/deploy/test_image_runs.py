"""The images run as deploy/compose.yaml says, on real PostgreSQL and RabbitMQ, behind the real front door."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from services.chassis.broker_node import BrokerNode
from tests.deploy.compose_parts import Podman, secrets
from tests.deploy.image_parts import ROOT, SERVICES, Image
from tests.house import petition, until
from tests.parts import absent, free_port
from tests.parts.postgresql import PostgresServer

pytestmark = [pytest.mark.timeout(900), pytest.mark.broker, pytest.mark.postgres, pytest.mark.xdist_group("images")]

ROLES = [f"{service}-{role}" for service in SERVICES for role in ("web", "worker")]
ADDRESSES = {name: f"127.0.0.{11 + place}" for place, name in enumerate(ROLES)}


@dataclass
class Town:
    """Everything of the compose file, running."""

    engine: Podman
    door: str
    password: str

    def token(self) -> str:
        """The supervisor's token."""
        given = {"id": "chief", "password": self.password}
        answer = requests.post(f"{self.door}/sign-in/token", json=given, timeout=30)
        assert answer.ok, answer.text
        return str(answer.json()["token"])


@pytest.fixture(scope="module")
def town(
    images: dict[str, Image],
    postgres: PostgresServer,
    broker_node: BrokerNode,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Town]:
    """What `docker compose up` would start, each process in a container of its own."""
    for program in ("podman", "nginx", "dnsmasq"):
        _program(program)
    folder = tmp_path_factory.mktemp("compose")
    keys = folder / "secrets"
    secrets(keys)
    port = free_port()
    _make_databases(keys, postgres)
    vhost = f"compose-{uuid.uuid4().hex[:8]}"
    broker_node.ensure_vhost(vhost)
    (keys / "broker-url").write_text(broker_node.url_of(vhost))
    engine = Podman(folder, keys, ADDRESSES, port)
    try:
        for service in SERVICES:
            done = engine.run(f"{service}-migrate")
            assert done.returncode == 0, done.stdout + done.stderr
        for name in ROLES:
            assert engine.run(name, detach=True).returncode == 0
        for name in ROLES:
            # What is told before a service first runs is not told to it: its queues are not there yet.
            _until_ready(engine, name)
        password = _fill_in(engine)
        with _front_door(folder, port) as door:
            yield Town(engine, door, password)
    finally:
        engine.clear()
        broker_node.delete_vhost(vhost)
        for service in SERVICES:
            postgres.execute(f"drop database if exists {service} with (force)")
            postgres.execute(f"drop role if exists {service}")


def _program(name: str) -> str:
    """Path of a program."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        absent(name, {"nginx": "nginx-light", "dnsmasq": "dnsmasq-base"}.get(name, name))
    return found


def _make_databases(keys: Path, postgres: PostgresServer) -> None:
    """By the script that PostgreSQL's image runs; then the URLs get this server's address."""
    server = urlsplit(postgres.url("postgres"))
    environ = {
        **os.environ,
        "SECRETS": str(keys),
        "PGHOST": "127.0.0.1",
        "PGPORT": str(server.port),
        "PGPASSWORD": str(server.password),
        "POSTGRES_USER": str(server.username),
    }
    done = subprocess.run(["sh", ROOT / "deploy/compose/databases.sh"], env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for service in SERVICES:
        file = keys / f"{service}-database-url"
        file.write_text(file.read_text(encoding="ascii").replace("@postgres/", f"@127.0.0.1:{server.port}/"))


def _fill_in(engine: Podman) -> str:
    """A directory and somebody who may see everything, as docs/compose.md tells; the password that was made."""
    sample = "/opt/wenzheng/app/services/routing/sample/directory.yaml"
    person = ("staff", "add", "chief", "--name", "Chief", "--role", "supervisor")
    for command in (("directory", "import", sample), person):
        done = engine.execute("routing-web", "wenzheng", *command)
        assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split()[-1]


@contextmanager
def _front_door(folder: Path, port: int) -> Iterator[str]:
    """nginx with the template of the compose file, and a name server as the container engine has one; its address."""
    names, door = free_port(), free_port()
    template = (ROOT / "deploy/compose/templates/wenzheng.conf.template").read_text(encoding="utf-8")
    changes = {
        "${NGINX_LOCAL_RESOLVERS}": f"127.0.0.1:{names}",
        "listen 8080;": f"listen 127.0.0.1:{door};",
        "/etc/nginx/wenzheng/paths.conf": str(ROOT / "deploy/compose/paths.conf"),
        "-web:8080;": f"-web:{port};",
    }
    for old, new in changes.items():
        assert template.count(old) == 1, old
        template = template.replace(old, new)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    conf = folder / "nginx.conf"
    conf.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; events {{}}\n"
        f"http {{ access_log off; {temporary}\n{template} }}\n",
        encoding="utf-8",
    )
    hosts = [f"--address=/{name}/{address}" for name, address in ADDRESSES.items()]
    resolver = ["--keep-in-foreground", "--no-hosts", "--no-resolv", "--conf-file=/dev/null", "--pid-file"]
    resolver += ["--listen-address=127.0.0.1", "--bind-interfaces", f"--port={names}", *hosts]
    commands = [
        [_program("dnsmasq"), *resolver],
        [_program("nginx"), "-p", str(folder), "-c", str(conf), "-e", str(folder / "nginx.log")],
    ]
    running = [subprocess.Popen(command) for command in commands]
    url = f"http://127.0.0.1:{door}"
    try:
        until(lambda: _answers(f"{url}/livez"), 180, 0.5)
        yield url
    finally:
        for process in running:
            process.terminate()
            process.wait(20)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False


def _until_ready(engine: Podman, name: str) -> None:
    until(lambda: engine.probe(name).returncode == 0, 180, 0.5)


def test_both_roles_of_each_service_become_healthy(town: Town) -> None:
    for name in ROLES:
        _until_ready(town.engine, name)


def test_a_petition_filed_at_the_front_door_is_found_by_search_there(town: Town) -> None:
    key = uuid.uuid4().hex
    filed = requests.post(f"{town.door}/api/petitions", json=petition(), headers={"Idempotency-Key": key}, timeout=30)
    assert filed.status_code == 201, filed.text
    number = filed.json()["number"]
    who = {"Authorization": f"Bearer {town.token()}"}

    def found() -> bool:
        answer = requests.get(f"{town.door}/api/search", params={"q": number}, headers=who, timeout=30)
        if answer.status_code == 401:
            # Search has not heard of the new account yet.
            return False
        assert answer.ok, answer.text
        return number in {hit["number"] for hit in answer.json()["hits"]}

    until(found, 60, 0.2)
    case = requests.get(f"{town.door}/api/cases/{number}", headers=who, timeout=30)
    assert case.ok, case.text


def test_figures_and_readiness_are_not_for_the_public(town: Town) -> None:
    for path in ("/metrics", "/readyz", "/startupz"):
        assert requests.get(town.door + path, timeout=30).status_code == 404


def test_the_front_door_asks_the_service_whose_path_it_is(town: Town) -> None:
    for path in ("/", "/petitions/new", "/sign-in", "/static/house/house.css"):
        assert requests.get(town.door + path, timeout=30).status_code == 200, path
    # Not /search: a path ends where a segment ends.
    assert requests.get(f"{town.door}/searching", timeout=30).status_code == 404


def test_a_role_writes_to_its_data_folder_and_nowhere_else(town: Town) -> None:
    script = (
        "import os, pathlib\n"
        "def may(path):\n"
        "    try: pathlib.Path(path, 'probe').write_text('x'); return True\n"
        "    except OSError: return False\n"
        "print(os.getuid(), [path for path in ('/', '/opt/wenzheng', '/opt/wenzheng/app/services', '/etc', '/usr',"
        " '/var/tmp', '/home', '/data', '/tmp') if may(path)])"
    )
    for name in ("intake-web", "search-worker"):
        said = town.engine.podman("exec", town.engine.container(name), "python", "-c", script).stdout
        assert said.strip() == "10001 ['/data', '/tmp']"


def test_an_image_says_in_one_line_that_it_lacks_another_service(town: Town) -> None:
    done = town.engine.run("intake-web", "run", "search", "--role", "web")
    town.engine.run("intake-web", detach=True)
    assert done.returncode == 2
    said = json.loads(done.stderr)
    assert said["event"] == "there is no service 'search' here; there are: intake"


def test_the_probe_of_a_role_is_quick(town: Town) -> None:
    script = (
        "import subprocess, time\n"
        "begun = time.monotonic()\n"
        "for _ in range(10): subprocess.run(['wenzheng-healthz'], check=True, stdout=subprocess.DEVNULL)\n"
        "print((time.monotonic() - begun) / 10)"
    )
    said = town.engine.podman("exec", town.engine.container("notify-worker"), "python", "-c", script).stdout
    assert float(said) < 0.5, f"{said} s a probe"


@pytest.mark.parametrize("name", ROLES)
def test_a_role_that_is_told_to_stop_drains_and_ends_with_0(town: Town, name: str) -> None:
    _until_ready(town.engine, name)
    begun = time.monotonic()
    town.engine.podman("stop", "--time", "40", town.engine.container(name))
    code = town.engine.podman("inspect", "--format", "{{.State.ExitCode}}", town.engine.container(name)).stdout
    assert code.strip() == "0", town.engine.logs(name)[-2000:]
    assert time.monotonic() - begun < 30
    assert not re.search(r"Traceback", town.engine.logs(name))
