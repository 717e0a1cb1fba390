"""A house in pieces: every service and role a process of its own, on PostgreSQL and RabbitMQ."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import amqp
import psycopg2
import requests
import yaml

from tests.fault.ground import Ground
from tests.fault.processes import ROOT, Failed, Process, until
from tests.parts import free_port

SERVICES = ("intake", "routing", "notify", "search")
#: Queues of the house by the service that reads them.
QUEUES = {
    "routing": ("routing.petitions", "routing.reports"),
    "notify": ("notify.events", "notify.reports", "notify.contacts", "notify.contacts-sealed", "notify.directory"),
    "search": ("search.events", "search.reports"),
    "intake": ("intake.progress", "intake.progress-sealed"),
}
#: Exchanges that events of petitions are published to.
EXCHANGES = ("wz.intake", "wz.intake.contacts", "wz.routing", "wz.routing.risks", "wz.notify")


class Cluster:
    """The four services, each worker and each web role a process.

    Args:
        ground: broker and database server.
        webs: services whose web role is started.
        environ: further settings, for every process.
    """

    def __init__(self, ground: Ground, webs: Iterable[str] = ("intake", "routing", "search"), **environ: str) -> None:
        self.ground = ground
        self.mark = uuid.uuid4().hex[:8]
        self.vhost = f"fault-{self.mark}"
        self.folder = ground.folder / self.mark
        self.folder.mkdir()
        self.databases = {service: ground.database() for service in SERVICES}
        self.broker_url = ground.broker.vhost(self.vhost)
        self.portals: dict[str, dict[str, Any]] = {
            name: {
                "id": name,
                "name": name,
                "vhost": f"{self.vhost}-{name}",
                "user": f"{name}-{self.mark}",
                "password": uuid.uuid4().hex,
                "webhook_secrets": [_secret(), _secret()],
            }
            for name in ("north", "south")
        }
        for portal in self.portals.values():
            ground.broker.user(
                str(portal["user"]), str(portal["password"]), str(portal["vhost"]), write="^house$", read="^answers$"
            )
        portals = self.folder / "portals.yaml"
        portals.write_text(yaml.safe_dump({"portals": list(self.portals.values())}), encoding="utf-8")
        clean = {name: value for name, value in os.environ.items() if not name.startswith("WENZHENG_")}
        self.environ = clean | {
            "WENZHENG_DATA_FOLDER": str(self.folder),
            "WENZHENG_BROKER_URL": self.broker_url,
            "WENZHENG_PORTALS_FILE": str(portals),
            "WENZHENG_LOG_FORMAT": "json",
            "WENZHENG_SIGN_INS_PER_MINUTE": "1000",
            "WENZHENG_FILING_PER_MINUTE": "1000000",
            "WENZHENG_RETRY_LADDER": "1,2,4,8,16",
            **{f"WENZHENG_{s.upper()}_DATABASE_URL": ground.postgres.url(d) for s, d in self.databases.items()},
            **environ,
        }
        self.workers = {service: self._process(service, "worker") for service in SERVICES}
        self.webs = {service: self._process(service, "web") for service in webs}
        self._tokens: dict[str, str] = {}
        self._channel: Any = None

    def _process(self, service: str, role: str) -> Process:
        port = free_port()
        variable = "WENZHENG_PORT" if role == "web" else "WENZHENG_WORKER_PORT"
        return Process(service, role, self.environ | {variable: str(port)}, port, self.folder / f"{service}-{role}.log")

    def another(self, service: str, tree: Path = ROOT, **environ: str) -> Process:
        """A second worker of a service, not started; of another release when ``tree`` is given."""
        port, log = free_port(), self.folder / f"{service}-worker-{uuid.uuid4().hex[:4]}.log"
        return Process(service, "worker", self.environ | environ | {"WENZHENG_WORKER_PORT": str(port)}, port, log, tree)

    @property
    def processes(self) -> list[Process]:
        """All of them."""
        return [*self.workers.values(), *self.webs.values()]

    def start(self) -> Cluster:
        """Prepare the databases, start everything, wait until all are ready."""
        done = subprocess.run(
            [sys.executable, "-m", "services.cli.prepare", *SERVICES],
            env=self.environ, cwd=ROOT, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise Failed(f"the databases were not prepared: {done.stderr[-500:]}")
        for process in self.processes:
            process.start()
        for process in self.processes:
            process.ready()
        return self

    def stop(self) -> None:
        """Stop everything and give back what it used."""
        threads = [threading.Thread(target=process.stop) for process in self.processes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.forget_channel()
        for vhost in (self.vhost, *(str(portal["vhost"]) for portal in self.portals.values())):
            self.ground.broker.drop_vhost(vhost)
        for database in self.databases.values():
            self.ground.postgres.execute(f"drop database {database} with (force)")

    def mend(self) -> None:
        """Bring back every process that does not run, as it ran at first."""
        gone = [process for process in self.processes if not process.alive]
        for process in gone:
            process.start()
        for process in gone:
            process.ready()

    def url(self, service: str) -> str:
        """Address of a service's pages."""
        return f"http://127.0.0.1:{self.webs[service].port}"

    # ── books ───────────────────────────────────────────────────────────────────────────────────
    def rows(self, service: str, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a service's own database says."""
        url = self.ground.postgres.url(self.databases[service]).replace("+psycopg2", "")
        connection = psycopg2.connect(url, connect_timeout=5)
        try:
            with connection.cursor() as cursor:
                cursor.execute(query, values or None)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def change(self, service: str, statement: str) -> None:
        """Change a service's database by hand, as only a test may."""
        url = self.ground.postgres.url(self.databases[service]).replace("+psycopg2", "")
        connection = psycopg2.connect(url, connect_timeout=5)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()

    # ── broker ──────────────────────────────────────────────────────────────────────────────────
    def channel(self) -> Any:
        """A channel of ours in the house's virtual host, opened anew when it is gone."""
        if self._channel is None or not self._channel.is_open:
            self._channel = connect(self.broker_url).channel()
        return self._channel

    def forget_channel(self) -> None:
        """Close our own connection."""
        channel, self._channel = self._channel, None
        if channel is not None:
            try:
                channel.connection.close()
            except (OSError, amqp.AMQPError):
                # It went with the broker.
                return

    def queue(self, name: str) -> tuple[int, int]:
        """Messages that are ready in a queue, and its consumers; (-1, 0) when there is no such queue."""
        try:
            found = self.channel().queue_declare(queue=name, passive=True)
        except amqp.NotFound:
            self._channel = None
            return -1, 0
        except (OSError, amqp.AMQPError):
            self._channel = None
            raise
        return int(found.message_count), int(found.consumer_count)

    def waiting(self) -> dict[str, int]:
        """Queues that hold ready messages."""
        depths = {name: self.queue(name)[0] for names in QUEUES.values() for name in names}
        return {name: depth for name, depth in depths.items() if depth > 0}

    def parked(self) -> dict[str, int]:
        """Parked messages by work queue."""
        depths = {name: self.queue(f"{name}.parked")[0] for names in QUEUES.values() for name in names}
        return {name: depth for name, depth in depths.items() if depth > 0}

    def purge_parked(self) -> None:
        """Throw the parked messages of a row away, so that the next one begins with none."""
        for name in self.parked():
            self.channel().queue_purge(queue=f"{name}.parked")

    def consumers(self) -> dict[str, int]:
        """Work queues that have another number of consumers than one."""
        found = {name: self.queue(name)[1] for names in QUEUES.values() for name in names}
        return {name: number for name, number in found.items() if number != 1}

    # ── staff ───────────────────────────────────────────────────────────────────────────────────
    def token(self, role: str) -> str:
        """A staff token of the first seeded account with a role."""
        if role not in self._tokens:
            seeded = yaml.safe_load((self.folder / "staff-accounts.txt").read_text(encoding="utf-8"))["accounts"]
            account = next(account for account in seeded if role in account["roles"])
            answer = requests.post(
                f"{self.url('routing')}/sign-in/token",
                json={"id": account["id"], "password": account["password"]},
                timeout=30,
            )
            if not answer.ok:
                raise Failed(f"{role} could not sign in: {answer.status_code}")
            self._tokens[role] = str(answer.json()["token"])
        return self._tokens[role]

    def get(self, service: str, path: str, role: str = "", **query: Any) -> requests.Response:
        """GET a page of a service as a member of staff, or as nobody."""
        headers = {"Authorization": f"Bearer {self.token(role)}"} if role else {}
        return requests.get(self.url(service) + path, params=query, headers=headers, timeout=30)

    def fresh_tokens(self) -> None:
        """Sign in again: tokens live ten minutes."""
        self._tokens = {}

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the `wenzheng` command in the house's environment."""
        return subprocess.run(
            [sys.executable, "-m", "services.cli.main", *arguments],
            env=self.environ, cwd=ROOT, capture_output=True, text=True, timeout=120,
        )  # fmt: skip


def connect(url: str) -> Any:
    """A plain AMQP connection.

    Raises:
        OSError, amqp.AMQPError: it cannot be had.
    """
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(url)
    connection = amqp.Connection(
        f"{parts.hostname}:{parts.port}",
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        virtual_host=unquote(parts.path[1:]),
        connect_timeout=5,
        read_timeout=30,
        write_timeout=30,
    )
    connection.connect()
    return connection


def reachable(url: str) -> bool:
    """Whether the broker lets somebody in."""
    try:
        connect(url).close()
    except (OSError, amqp.AMQPError):
        return False
    return True


def json_of(value: Any) -> Any:
    """A JSON column, whichever way the driver hands it over."""
    return json.loads(value) if isinstance(value, str) else value


def settle_consumers(cluster: Cluster, seconds: float) -> float:
    """Wait until each work queue has its one consumer again; the seconds it took."""

    def all_there() -> bool:
        try:
            return not cluster.consumers()
        except (OSError, amqp.AMQPError):
            return False

    return until(all_there, seconds, "each queue has its consumer again", 0.25)


def _secret() -> str:
    """A webhook secret of the Standard Webhooks form."""
    return "whsec_" + base64.b64encode(os.urandom(24)).decode()
