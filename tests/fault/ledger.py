"""The ledger: clients that file petitions without pause, each repeated with its key until the house acknowledges it."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fault.processes import Failed

#: Clients that file at the same time.
CLIENTS = 6
#: What may be wrong where: petitions should differ as real ones do, or all of them look alike to the judgement.
_PLACES = ("东门", "河滨", "橡园", "望澄", "南山", "柳巷", "新桥", "旧码头", "体育场", "师范路", "北关", "果园")
_THINGS = ("路灯", "井盖", "垃圾箱", "公交站", "围墙", "水管", "电梯", "停车位", "健身器材", "护栏", "雨水口", "指示牌")
_FAULTS = ("坏了", "不亮", "漏水", "松动", "堵塞", "生锈", "被占用", "没人管", "倾斜", "异响", "缺失", "开裂")
_WISHES = ("请派人检查", "希望尽快修好", "请告知期限", "请说明原因", "请换新的", "望有人回复", "请清理", "请加强巡查")
#: By it every mail address of ours is known in a log.
MAIL_DOMAIN = "ledger-of-faults.example"


def text(chance: random.Random) -> str:
    """A few sentences, seldom twice the same."""
    sentences = [
        f"{chance.choice(_PLACES)}{chance.randint(1, 400)}号旁的{chance.choice(_THINGS)}{chance.choice(_FAULTS)}，"
        f"已有{chance.randint(2, 90)}天，{chance.choice(_WISHES)}。"
        for _ in range(chance.randint(2, 5))
    ]
    return "".join(sentences)


@dataclass(frozen=True)
class Answer:
    """One answer of the house: when (monotonic s), its status (0: none came), how long it took (s)."""

    at: float
    status: int
    seconds: float
    retry_after: str


class Ledger:
    """Files petitions until it is told to stop; everything acknowledged is kept.

    Args:
        address: where intake listens, (host, port), asked before each connection.
        tag: a word in every title, by which the row's petitions are found again.
        seed: makes the texts.
        rate: petitions a second, all clients together.
        most: after so many it files a tenth as fast, so that a slow machine is not buried.
    """

    def __init__(
        self, address: Callable[[], tuple[str, int]], tag: str, seed: int, rate: float, most: int = 5000
    ) -> None:
        self._address = address
        self.tag, self.seed, self.rate, self._most = tag, seed, rate, most
        #: Number by petition id, and the body by key.
        self.numbers: dict[str, str] = {}
        self.keys: dict[str, tuple[dict[str, Any], str]] = {}
        self.answers: list[Answer] = []
        #: Ids whose number changed between two answers to one key: there must be none.
        self.changed: list[str] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> Ledger:
        """Begin to file."""
        self._stopping.clear()
        self._threads = [threading.Thread(target=self._client, args=(n,), daemon=True) for n in range(CLIENTS)]
        for thread in self._threads:
            thread.start()
        return self

    def stop(self, seconds: float = 120) -> None:
        """File no more, and wait until everything begun is acknowledged.

        Raises:
            Failed: the house did not acknowledge one in time.
        """
        self._stopping.set()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.1, deadline - time.monotonic()))
        if any(thread.is_alive() for thread in self._threads):
            raise Failed(f"a petition was not acknowledged within {seconds:g} s after the last fault")

    def wait_for(self, count: int, seconds: float) -> None:
        """Wait until so many are acknowledged."""
        deadline = time.monotonic() + seconds
        while len(self.numbers) < count:
            if time.monotonic() > deadline:
                raise Failed(f"only {len(self.numbers)} of {count} petitions were acknowledged within {seconds:g} s")
            time.sleep(0.05)

    def file(self, key: str, body: dict[str, Any], client: Client) -> bool:
        """One try; True when it was acknowledged."""
        begun = time.monotonic()
        status, document, headers = client.post("/api/petitions", body, {"Idempotency-Key": key})
        now = time.monotonic()
        self.answers.append(Answer(now, status, now - begun, headers.get("retry-after", "")))
        if status != 201:
            return False
        self.note(key, body, document)
        return True

    def note(self, key: str, body: dict[str, Any], document: dict[str, Any]) -> None:
        """Keep what was acknowledged."""
        petition, number = str(document["petition_id"]), str(document["number"])
        with self._lock:
            if key in self.keys and self.keys[key][1] != petition:
                self.changed.append(key)
            self.keys[key] = (body, petition)
            self.numbers[petition] = number

    def petition(self, chance: random.Random, mark: str, **changes: Any) -> dict[str, Any]:
        """A petition of this ledger as the API takes it."""
        body = text(chance)
        return {
            "kind": chance.choice(("complaint", "suggestion", "inquiry")),
            "title": f"{self.tag} {body[:20]} {mark}",
            "body": body,
            "place": {"text": f"{chance.choice(_PLACES)}{chance.randint(1, 400)}号"},
            "contact": {"mail": f"p{uuid.UUID(int=chance.getrandbits(128)).hex[:16]}@{MAIL_DOMAIN}"},
            **changes,
        }

    def between(self, begun: float, ended: float) -> list[Answer]:
        """Answers that came between two moments (monotonic s)."""
        return [answer for answer in self.answers if begun <= answer.at <= ended]

    def p95_asked(self, begun: float, ended: float) -> float:
        """95 % of what was asked between two moments was answered within so many seconds."""
        took = sorted(answer.seconds for answer in self.answers if begun <= answer.at - answer.seconds <= ended)
        return took[int(len(took) * 0.95)] if took else float("inf")

    def _client(self, number: int) -> None:
        chance = random.Random(f"{self.tag}/{self.seed}/{number}")
        client, turn, due = Client(self._address), 0, time.monotonic()
        while not self._stopping.is_set():
            turn += 1
            key, body = f"{self.tag}-{number}-{turn}", self.petition(chance, f"{number}-{turn}")
            while not self.file(key, body, client):
                time.sleep(0.1)
            rate = self.rate if len(self.numbers) < self._most else self.rate / 10
            due = max(due + CLIENTS / rate, time.monotonic() - 1)
            time.sleep(max(0.0, due - time.monotonic()))
        client.close()


class Client:
    """One HTTP connection, opened again when it broke.

    Args:
        address: (host, port), asked before each connection.
        source: own address, another of the loopback's to look like another machine.
    """

    def __init__(self, address: Callable[[], tuple[str, int]], source: str = "", seconds: float = 30) -> None:
        self._address, self._source, self._seconds = address, source, seconds
        self._connection: http.client.HTTPConnection | None = None

    def post(
        self, path: str, body: Any, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        """POST JSON: status (0: no answer came), document, headers in small letters."""
        return self.send(
            "POST", path, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})}
        )

    def send(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        """One request: status (0: no answer came), document, headers in small letters."""
        try:
            if self._connection is None:
                host, port = self._address()
                source = (self._source, 0) if self._source else None
                self._connection = http.client.HTTPConnection(host, port, timeout=self._seconds, source_address=source)
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            return 0, {}, {}
        got = {name.lower(): value for name, value in answer.getheaders()}
        try:
            document = json.loads(content)
        except ValueError:
            document = {}
        return answer.status, document if isinstance(document, dict) else {"items": document}, got

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
