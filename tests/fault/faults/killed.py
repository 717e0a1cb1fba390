"""Kill -9 of one process in the midst of its work: rows 1 to 4."""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import Any

import requests

from tests.fault import oracle
from tests.fault.cluster import Cluster
from tests.fault.ledger import Client, Ledger
from tests.fault.processes import Failed, Process, until
from tests.fault.rows import Run, row
from tests.parts.mail import MailServer


@row("1", "kill -9 intake's web role; clients repeat with the same key")
def intake_killed(run: Run) -> None:
    """Three kills at random moments while single petitions and batches come in."""
    cluster, ledger = run.cluster, run.ledger()
    web = cluster.webs["intake"]
    batches = _Batches(run, ledger)
    for turn in range(run.times(6, 3)):
        run.phase(f"kill {turn + 1}")
        run.somewhere(0.8, 3.0)
        batches.begin()
        run.somewhere(0.0, 0.05)
        web.kill()
        begun = time.monotonic()
        web.start()
        web.ready()
        until(lambda at=begun: any(a.status == 201 and a.at > at for a in list(ledger.answers)), 30, "filing goes on")  # type: ignore[misc]
        run.recovered(time.monotonic() - begun, 30, "intake's return")
        batches.finish()
    run.balance(ledger)
    # The same key again is the same petition, whatever happened in between.
    client = Client(lambda: ("127.0.0.1", web.port))
    sample = run.chance.sample(sorted(ledger.keys), min(40, len(ledger.keys)))
    for key in sample:
        body, petition = ledger.keys[key]
        status, document, headers = client.post("/api/petitions", body, {"Idempotency-Key": key})
        same = status == 201 and document.get("petition_id") == petition and headers.get("idempotency-replayed")
        run.require(same, f"key {key} repeated later: {status}, another petition")
    broken = sum(answer.status == 0 for answer in ledger.answers)
    run.note(f"{broken} requests without an answer, each repeated with its key")
    run.require(broken > 0, "no request was in hand when intake was killed: the fault did not happen")


class _Batches:
    """One batch of petitions in hand at each kill."""

    def __init__(self, run: Run, ledger: Ledger, size: int = 60) -> None:
        import threading

        self._threading = threading
        self._run, self._ledger, self._size = run, ledger, size
        self._turn = 0
        self._thread: Any = None

    def begin(self) -> None:
        """Send one, in the background, repeated until it is acknowledged."""
        self._turn += 1
        self._thread = self._threading.Thread(target=self._send, args=(self._turn,), daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait until it is acknowledged."""
        self._thread.join(60)
        self._run.require(not self._thread.is_alive(), "a batch was not acknowledged within 60 s")

    def _send(self, turn: int) -> None:
        ledger = self._ledger
        chance = random.Random(f"{ledger.tag}/batch/{turn}")
        bodies = [ledger.petition(chance, f"b{turn}-{n}") for n in range(self._size)]
        client = Client(ledger._address)
        key = f"{ledger.tag}-batch-{turn}"
        for _ in range(300):
            status, document, _ = client.post("/api/petitions/batch", {"petitions": bodies}, {"Idempotency-Key": key})
            if status == 201:
                break
            time.sleep(0.1)
        else:
            return
        for index, (body, result) in enumerate(zip(bodies, document["results"], strict=True)):
            # A key of its own, as the house counts it; it is repeated by batch only.
            ledger.numbers[str(result["petition_id"])] = str(result["number"])
            assert index == result["index"], body


def kill_at(run: Run, process: Process, point: str, ledger: Ledger, passages: tuple[int, int]) -> None:
    """Start a process with a kill point, wait for its death under load, start it as it was.

    ``ledger`` files meanwhile; the passage is chosen by the seed.
    """
    number = run.chance.randint(*passages)
    run.phase(f"{process.name}: {point}, passage {number}")
    ended = process.stop()
    run.require(ended.code == 0, f"{process.name} ended with {ended.code} at SIGTERM")
    process.start(WENZHENG_KILL_AT=f"{point}:{number}")
    process.ready()
    if not process.killed(60):
        run.require(False, f"{process.name} never came to {point}:{number}: the fault did not happen")
        process.stop()
    process.start()
    run.recovered(process.ready(), 10 if run.full else 30, f"{process.name}'s return after {point}")
    assert ledger.rate


@row("2", "kill -9 routing: before commit, after commit, after ack, at random")
def routing_killed(run: Run) -> None:
    """The redelivered batch must change nothing."""
    cluster, ledger = run.cluster, run.ledger()
    worker = cluster.workers["routing"]
    for point in ("before_commit", "after_commit", "after_ack"):
        kill_at(run, worker, point, ledger, (2, 25))
    for _ in range(run.times(5, 1)):
        run.phase("at random")
        run.somewhere(0.3, 2.0)
        worker.kill()
        worker.start()
        run.recovered(worker.ready(), 10 if run.full else 30, "routing's return")
    run.balance(ledger)
    run.require(run.sampler.sum("events_redelivered") > 0, "nothing was redelivered: the fault did not happen")


@row("3", "kill -9 notify between the mail server's answer and the commit", order=5)
def notify_killed(run: Run) -> None:
    """At most one mail a message; one in doubt is flagged, not sent again."""
    cluster = run.cluster
    worker = cluster.workers["notify"]
    mail = MailServer()
    mail.start()
    try:
        settings = {"WENZHENG_SMTP_URL": mail.url}
        if not run.full:
            # A dead sender's claims are settled when its lease has run out.
            settings |= {"WENZHENG_SENDER_LEASE_S": "4", "WENZHENG_SMTP_TIMEOUT_S": "3"}
        worker.stop()
        worker.start(**settings)
        worker.ready()
        # Two mails a petition, one after the other: fewer are enough to have some in hand at any time.
        ledger = run.ledger(min(run.rate, 30), run.times(2000, 300))
        for point, passages in (("after_send", (2, 60)), ("after_send", (2, 60)), ("before_commit", (2, 25))):
            number = run.chance.randint(*passages)
            run.phase(f"{point}, passage {number}")
            worker.stop()
            worker.start(WENZHENG_KILL_AT=f"{point}:{number}", **settings)
            worker.ready()
            if not worker.killed(60):
                run.require(False, f"notify never came to {point}:{number}: the fault did not happen")
                worker.stop()
            worker.start(**settings)
            run.recovered(worker.ready(), 10 if run.full else 30, "notify's return")
        run.somewhere(0.3, 1.5)
        run.balance(ledger, unsent=True)
        _mails(run, cluster, ledger, mail)
    finally:
        worker.stop()
        mail.stop()
        worker.start()
        worker.ready()


def _mails(run: Run, cluster: Cluster, ledger: Ledger, mail: MailServer) -> None:
    """Compare notify's messages with what the mail server took."""
    query = (
        "select m.id, m.delivery from message m join correspondence c on c.petition_id = m.petition_id"
        " where c.title like %s and m.sender = 'mail'"
    )

    def states() -> dict[str, str]:
        return dict(cluster.rows("notify", query, f"{ledger.tag} %"))

    def at_rest() -> bool:
        found = Counter(states().values())
        return not (found["pending"] or found["sending"])

    until(at_rest, 900 if run.full else 240, "every mail is sent or flagged", 1.0)
    found = states()
    times = Counter(str(one.message["Message-ID"]).strip("<>").partition("@")[0] for one in mail.received)
    twice = {name for name, count in times.items() if count > 1}
    run.require(not twice, f"{len(twice)} mails were sent twice")
    unsent = {name for name, state in found.items() if state == "sent" and not times[name]}
    run.require(not unsent, f"{len(unsent)} messages are marked as sent and never were")
    lost = Counter(state for name, state in found.items() if state not in ("sent", "ambiguous"))
    run.require(not lost, f"messages in other states: {dict(lost)}")
    doubtful = [name for name, state in found.items() if state == "ambiguous"]
    run.require(doubtful, "no mail was in doubt: the fault did not happen")
    run.note(f"{len(mail.received)} mails, {len(doubtful)} flagged as in doubt")
    # With the leases settled the notices must be told, each once.
    books, wrong = oracle.settle(cluster, ledger, 60, unsent=True)
    run.result.problems += wrong
    run.result.duplicates_in_effect = oracle.doubled(ledger, books)


@row("4", "kill -9 of relays between confirm and mark, of search between write and mark", order=10)
def relay_and_search_killed(run: Run) -> None:
    """Duplicates on the wire, none in effect; the index equals the database by id and version."""
    cluster = run.cluster
    run.phase("starting Elasticsearch")
    with_elastic(cluster, run.ground.elastic.url)
    try:
        ledger = run.ledger(min(run.rate, 100))
        for service in ("intake", "routing"):
            kill_at(run, cluster.workers[service], "after_confirm", ledger, (2, 25))
        number = run.chance.randint(2, 12)
        search = cluster.workers["search"]
        search.stop()
        search.start(WENZHENG_KILL_AT=f"after_write:{number}", **elastic_settings(run.ground.elastic.url))
        search.ready()
        run.phase(f"search: after_write, passage {number}")
        if not search.killed(60):
            run.require(False, f"search never came to after_write:{number}: the fault did not happen")
            search.stop()
        search.start(**elastic_settings(run.ground.elastic.url))
        run.recovered(search.ready(), 10 if run.full else 30, "search's return")
        run.balance(ledger)
        run.require(run.sampler.sum("events_duplicate") > 0, "no event was published twice: the fault did not happen")
        compare_index(run, cluster, run.ground.elastic.url)
    finally:
        with_elastic(cluster, "")


def elastic_settings(url: str) -> dict[str, str]:
    """Settings of search for an Elasticsearch; for its own index when the URL is empty."""
    if not url:
        return {}
    return {
        "WENZHENG_ELASTICSEARCH_URL": url,
        "WENZHENG_ELASTICSEARCH_INDEX": "fault",
        "WENZHENG_ELASTICSEARCH_REPLICAS": "0",
    }


def with_elastic(cluster: Cluster, url: str) -> None:
    """Start both roles of search again, with an Elasticsearch or without."""
    both = (cluster.workers["search"], cluster.webs["search"])
    for process in both:
        process.stop()
        process.start(**elastic_settings(url))
    for process in both:
        process.ready()


def compare_index(run: Run, cluster: Cluster, url: str) -> None:
    """Every row is in Elasticsearch under its version, and nothing else is."""
    rows = {str(i): int(v) for i, v in cluster.rows("search", "select petition_id, version from petition_view")}
    found: dict[str, int] = {}
    body: dict[str, Any] = {"size": 5000, "version": True, "sort": [{"rank": "asc"}, {"number": "asc"}]}
    address = f"{url}/fault-v*/_search"
    while True:
        answer = requests.post(address, json=body, timeout=30)
        if answer.status_code != 200:
            raise Failed(f"Elasticsearch answers {answer.status_code} to a listing")
        hits = answer.json()["hits"]["hits"]
        found |= {hit["_id"]: int(hit["_version"]) for hit in hits}
        if len(hits) < 5000:
            break
        body["search_after"] = hits[-1]["sort"]
    missing, more = rows.keys() - found.keys(), found.keys() - rows.keys()
    older = [name for name, version in rows.items() if found.get(name, version) != version]
    run.require(not missing, f"{len(missing)} rows are not in the index")
    run.require(not more, f"{len(more)} documents have no row")
    run.require(not older, f"{len(older)} documents have another version than their row")
    run.note(f"{len(found)} documents compared by id and version")
