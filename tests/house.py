"""A whole house for tests, from outside: `wenzheng up` in a process of its own, spoken to over HTTP and AMQP only."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import kombu
import psutil
import requests
import yaml
from standardwebhooks import Webhook

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[1]


def free_port() -> int:
    """A TCP port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(ask: Callable[[], T], seconds: float = 30.0, every: float = 0.05) -> T:
    """Ask again and again until the answer is true; fails when it never is."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"it did not come true within {seconds:.0f} s"
        time.sleep(every)


def secret() -> str:
    """A webhook secret of the Standard Webhooks form."""
    return "whsec_" + b64encode(os.urandom(24)).decode()


class House:
    """One running house.

    Args:
        folder: its data folder.
        environ: WENZHENG_… variables beside the folder and the port.
    """

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.portals = {
            name: {
                "id": name,
                "name": name,
                "vhost": f"portal-{name}",
                "user": name,
                "password": uuid.uuid4().hex,
                "webhook_secrets": [secret()],
            }
            for name in ("north", "south")
        }
        folder.mkdir(parents=True, exist_ok=True)
        portals = folder / "portals.yaml"
        portals.write_text(yaml.safe_dump({"portals": list(self.portals.values())}), encoding="utf-8")
        clean = {name: value for name, value in os.environ.items() if not name.startswith("WENZHENG_")}
        self.environ = clean | {
            "WENZHENG_DATA_FOLDER": str(folder),
            "WENZHENG_PORT": str(self.port),
            "WENZHENG_PORTALS_FILE": str(portals),
            "WENZHENG_LOG_FORMAT": "json",
            "WENZHENG_SIGN_INS_PER_MINUTE": "1000",
            # Who wants a look at the topics asks for it.
            "WENZHENG_TOPICS_EVERY_MINUTES": "0",
            "WENZHENG_SEARCH_PUBLIC_ANSWERS": "true",
            **environ,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self._tokens: dict[str, str] = {}
        self._session = requests.Session()

    def address(self, path: str) -> str:
        """Where that path is served."""
        return self.url + path

    def start(self, seconds: float = 90) -> House:
        """Start it and wait until it serves."""
        with (self.folder / "house.log").open("ab") as log:
            position = log.tell()
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.cli.main", "up"],
                env=self.environ,
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(lambda: b"is running" in self.log(position).encode() or self._died(), seconds)
        return self

    def _died(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the house did not start:\n{self.log()[-3000:]}"
        return False

    def log(self, position: int = 0) -> str:
        """What it wrote since ``position``."""
        with (self.folder / "house.log").open("rb") as log:
            log.seek(position)
            return log.read().decode("utf-8", "replace")

    def stop(self) -> int:
        """Ask it to drain and end; the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(90)

    def ours(self) -> list[psutil.Process]:
        """Our own processes, the broker's apart."""
        assert self.process is not None
        top = psutil.Process(self.process.pid)
        return [top, *(child for child in top.children(recursive=True) if "services." in " ".join(child.cmdline()))]

    def child(self, name: str) -> psutil.Process:
        """The worker or the web process."""
        return next(process for process in self.ours() if f"services.cli.{name}" in process.cmdline())

    # ── staff ───────────────────────────────────────────────────────────────────────────────────

    def accounts(self) -> list[dict[str, Any]]:
        """The seeded staff accounts with their passwords."""
        found: dict[str, Any] = yaml.safe_load((self.folder / "staff-accounts.txt").read_text(encoding="utf-8"))
        accounts: list[dict[str, Any]] = found["accounts"]
        return accounts

    def account(self, role: str, unit: str | None = None) -> dict[str, Any]:
        """The first account of a role, of a unit where one is named."""
        return next(a for a in self.accounts() if role in a["roles"] and (unit is None or a.get("unit") == unit))

    def token(self, account: dict[str, Any]) -> str:
        """A staff token; kept."""
        if account["id"] not in self._tokens:
            answer = requests.post(
                self.address("/sign-in/token"),
                json={"id": account["id"], "password": account["password"]},
                timeout=30,
            )
            assert answer.ok, answer.text
            self._tokens[account["id"]] = answer.json()["token"]
        return self._tokens[account["id"]]

    def get(self, path: str, role: str = "", unit: str | None = None, **query: Any) -> requests.Response:
        """GET as a member of staff, or as nobody."""
        return self._session.get(self.address(path), params=query, headers=self._who(role, unit), timeout=30)

    def post(self, path: str, body: Any, role: str = "", unit: str | None = None, **headers: str) -> requests.Response:
        """POST JSON as a member of staff, or as nobody."""
        return self._session.post(self.address(path), json=body, headers=self._who(role, unit) | headers, timeout=30)

    def _who(self, role: str, unit: str | None) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(self.account(role, unit))}"} if role else {}

    # ── petitions ───────────────────────────────────────────────────────────────────────────────

    def file(self, **changes: Any) -> dict[str, Any]:
        """File a petition over the API; its receipt."""
        key = changes.pop("key", str(uuid.uuid4()))
        answer = self.post("/api/petitions", petition(**changes), **{"Idempotency-Key": key})
        assert answer.status_code == 201, answer.text
        receipt: dict[str, Any] = answer.json()
        return receipt

    def status(self, receipt: dict[str, Any]) -> dict[str, Any]:
        """What the petitioner sees."""
        answer = self._session.get(
            self.address(f"/api/petitions/{receipt['number']}"),
            headers={"Wenzheng-Query-Code": receipt["query_code"]},
            timeout=30,
        )
        assert answer.ok, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def act(self, receipt: dict[str, Any], what: str, body: dict[str, Any]) -> requests.Response:
        """Supplement, withdraw or rate as the petitioner."""
        path = f"/api/petitions/{receipt['number']}/{what}"
        return self.post(path, body, **{"Wenzheng-Query-Code": receipt["query_code"]})

    def case(self, number: str, role: str = "supervisor", unit: str | None = None) -> dict[str, Any] | None:
        """Routing's case, None while there is none for this member of staff."""
        answer = self.get(f"/api/cases/{number}", role, unit)
        if answer.status_code == 404:
            return None
        assert answer.ok, answer.text
        found: dict[str, Any] = answer.json()
        return {**found, **found["case"]}

    def judged(self, number: str, role: str = "supervisor") -> dict[str, Any]:
        """The case once it is judged."""

        def look() -> dict[str, Any] | None:
            case = self.case(number, role)
            return case if case and case["state"] != "submitted" else None

        found = until(look)
        assert found is not None
        return found

    def found(self, role: str = "supervisor", unit: str | None = None, **query: Any) -> list[dict[str, Any]]:
        """Search hits."""
        answer = self.get("/api/search", role, unit, **query)
        assert answer.ok, answer.text
        hits: list[dict[str, Any]] = answer.json()["hits"]
        return hits

    def messages(self, number: str, role: str = "supervisor") -> list[dict[str, Any]]:
        """Messages about a petition."""
        answer = self.get("/notices/messages.json", role, number=number)
        assert answer.ok, answer.text
        found: list[dict[str, Any]] = answer.json()["messages"]
        return found

    # ── portals ─────────────────────────────────────────────────────────────────────────────────

    def portal_connection(self, name: str, vhost_of: str = "") -> kombu.Connection:
        """A portal's AMQP connection to its own virtual host, or to another's."""
        node: dict[str, Any] = json.loads((self.folder / "broker" / "node.json").read_text(encoding="utf-8"))
        portal = self.portals[name]
        vhost = self.portals[vhost_of or name]["vhost"]
        return kombu.Connection(
            f"amqp://{portal['user']}:{portal['password']}@127.0.0.1:{node['amqp_port']}/{vhost}", connect_timeout=5
        )

    def broker_connection(self, portal: str) -> kombu.Connection:
        """The house's own AMQP connection to a portal's virtual host."""
        node: dict[str, Any] = json.loads((self.folder / "broker" / "node.json").read_text(encoding="utf-8"))
        user, vhost = f"{node['user']}:{node['password']}", self.portals[portal]["vhost"]
        return kombu.Connection(f"amqp://{user}@127.0.0.1:{node['amqp_port']}/{vhost}", connect_timeout=5)

    def webhook(self, name: str, body: str, content_type: str = "application/cloudevents+json", **changes: str) -> Any:
        """Post a signed webhook as a portal."""
        moment = datetime.now(UTC)
        message_id = changes.get("message_id", f"msg_{uuid.uuid4().hex}")
        key = changes.get("secret", str(self.portals[name]["webhook_secrets"][0]))
        return self._session.post(
            f"{self.url}/portals/{changes.get('path', name)}",
            data=body.encode(),
            headers={
                "content-type": content_type,
                "webhook-id": message_id,
                "webhook-timestamp": str(int(moment.timestamp())),
                "webhook-signature": Webhook(key).sign(message_id, moment, body),
            },
            timeout=30,
        )


def petition(**changes: Any) -> dict[str, Any]:
    """A petition as the API takes it."""
    return {
        "kind": "complaint",
        "title": "橡园里七幢楼下的窨井盖松动",
        "body": "车一压就响，夜里吵得睡不着，也怕孩子踩空。请派人来固定。",
        "place": {"text": "望澄街道橡园社区橡园里七幢"},
        "contact": {"mail": f"{uuid.uuid4().hex[:12]}@example.org"},
        **changes,
    }


def portal_event(reference: str, **changes: Any) -> dict[str, Any]:
    """A portal's petition as a CloudEvent in JSON."""
    return {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": "/portals/test",
        "type": "portal.petition.filed.v1",
        "subject": reference,
        "time": datetime.now(UTC).isoformat(),
        "datacontenttype": "application/json",
        "data": {"reference": reference, **petition(**changes)},
    }
