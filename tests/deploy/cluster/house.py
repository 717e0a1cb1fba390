"""The house on the cluster as the oracle asks it: each service's books, its pages through the ingress, its queues."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from typing import Any

import amqp
import requests

from tests.deploy.cluster.ingress import HOST, Ingress
from tests.deploy.cluster.servers import Servers
from tests.fault.cluster import connect
from tests.fault.ledger import Answer, Client, Ledger
from tests.fault.processes import Failed, Process

#: The account that searches: it sees every petition that is not sealed.
ACCOUNT = "supervisor"
#: Tokens live ten minutes; ours are asked for anew after so long (s).
TOKEN_S = 300.0


class ClusterHouse:
    """What runs behind the ingress, with its servers.

    Args:
        servers: what it stands on.
        ingress: the way in.
    """

    def __init__(self, servers: Servers, ingress: Ingress) -> None:
        self.servers, self.ingress = servers, ingress
        self._token, self._token_at = "", 0.0
        self._channel: Any = None

    @property
    def processes(self) -> Sequence[Process]:
        """None of this machine: the pods' logs are read by ``Pods``."""
        return ()

    def rows(self, service: str, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a service's own database says."""
        connection = self.servers.connect(service)
        try:
            with connection.cursor() as cursor:
                cursor.execute(query, values or None)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def get(self, service: str, path: str, role: str = "", **query: Any) -> requests.Response:
        """GET a page through the ingress, as a member of staff where a role is named."""
        headers = {"Host": HOST} | ({"Authorization": f"Bearer {self._staff()}"} if role else {})
        return requests.get(self.ingress.url + path, params=query, headers=headers, timeout=30)

    def _staff(self) -> str:
        if time.monotonic() - self._token_at > TOKEN_S or not self._token:
            answer = requests.post(
                f"{self.ingress.url}/sign-in/token",
                json={"id": ACCOUNT, "password": self.servers.kept("supervisor-password")},
                headers={"Host": HOST},
                timeout=30,
            )
            if not answer.ok:
                raise Failed(f"{ACCOUNT} could not sign in: {answer.status_code} {answer.text[:200]}")
            self._token, self._token_at = str(answer.json()["token"]), time.monotonic()
        return self._token

    # ── queues ──────────────────────────────────────────────────────────────────────────────────
    def waiting(self) -> dict[str, int]:
        """Work queues that hold ready messages."""
        return self._depths(lambda name: not name.endswith(".parked") and ".retry." not in name)

    def retrying(self) -> dict[str, int]:
        """Rungs of the retry ladder that hold messages."""
        return self._depths(lambda name: ".retry." in name)

    def parked(self) -> dict[str, int]:
        """Parked messages by queue."""
        return self._depths(lambda name: name.endswith(".parked"))

    def depth(self, name: str) -> int:
        """Messages that are ready in a queue; -1 when there is none of that name."""
        try:
            if self._channel is None or not self._channel.is_open:
                self._channel = connect(self.servers.rabbit.admin_url).channel()
            return int(self._channel.queue_declare(queue=name, passive=True).message_count)
        except amqp.NotFound:
            self._channel = None
            return -1
        except (OSError, amqp.AMQPError):
            self._channel = None
            raise

    def _depths(self, wanted: Any) -> dict[str, int]:
        found = {name: self.depth(name) for name in self.servers.rabbit.queues() if wanted(name)}
        return {name: depth for name, depth in found.items() if depth > 0}


def _by_phone(chance: random.Random) -> dict[str, Any]:
    return {"contact": {"phone": f"139{chance.randrange(10**8):08d}"}}


class Filing(Ledger):
    """A ledger that files through the ingress, and rests as long as a 503 asks it to."""

    def __init__(self, house: ClusterHouse, tag: str, rate: float, most: int) -> None:
        super().__init__(lambda: ("127.0.0.1", house.ingress.port), tag, 1, rate, most)
        self._counting = threading.Lock()
        #: Answers by status; "broken": no answer came.
        self.statuses: dict[str, int] = {}
        #: 503 without Retry-After.
        self.bare_503 = 0

    def file(self, key: str, body: dict[str, Any], client: Client) -> bool:
        """One try; True when it was acknowledged."""
        headers = {"Idempotency-Key": key, "Host": HOST}
        begun = time.monotonic()
        status, document, said = client.post("/api/petitions", body, headers)
        now = time.monotonic()
        after = said.get("retry-after", "")
        self.answers.append(Answer(now, status, now - begun, after))
        with self._counting:
            name = str(status or "broken")
            self.statuses[name] = self.statuses.get(name, 0) + 1
            if status == 503 and not after:
                self.bare_503 += 1
        if status != 201:
            if status == 503 and after.isdigit():
                time.sleep(min(5, int(after)))
            return False
        self.note(key, body, document)
        return True

    def file_many(self, count: int, at_once: int = 250, silent: float = 0.95) -> None:
        """File so many in few requests, as a portal that hands in a backlog.

        Args:
            count: how many.
            at_once: in one request.
            silent: share of the petitioners who leave a phone number alone, so that mails are no part of the wait.

        Raises:
            Failed: they are refused.
        """
        client, chance = Client(self._address), random.Random(self.tag)
        for number in range(0, count, at_once):
            bodies = [
                self.petition(chance, f"{number}-{n}", **(_by_phone(chance) if chance.random() < silent else {}))
                for n in range(min(at_once, count - number))
            ]
            key = f"{self.tag}-{number}"
            headers = {"Idempotency-Key": key, "Host": HOST}
            while True:
                begun = time.monotonic()
                status, document, said = client.post("/api/petitions/batch", {"petitions": bodies}, headers)
                now = time.monotonic()
                self.answers.append(Answer(now, status, now - begun, said.get("retry-after", "")))
                self.statuses[str(status or "broken")] = self.statuses.get(str(status or "broken"), 0) + 1
                if status == 201:
                    break
                if 400 <= status < 500:
                    raise Failed(f"a batch of petitions was refused: {status} {document.get('code', '')}")
                time.sleep(1)
            for n, result in enumerate(document["results"]):
                self.note(f"{key}-{n}", bodies[n], result)
        client.close()

    def undocumented(self) -> dict[str, int]:
        """Answers that no page of the documentation speaks of: neither 201 nor 503 with Retry-After."""
        found = {name: count for name, count in self.statuses.items() if name not in ("201", "503")}
        if self.bare_503:
            found["503 without Retry-After"] = self.bare_503
        return found
