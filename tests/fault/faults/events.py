"""Events that come twice, out of order, broken, or from a release to come: rows 9, 10, 11 and 13."""

from __future__ import annotations

import gzip
import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import amqp

from tests.fault import wire
from tests.fault.cluster import EXCHANGES, Cluster, json_of
from tests.fault.ledger import Client, Ledger
from tests.fault.processes import ROOT, Failed, until
from tests.fault.rows import Run, row

MIB = 1024 * 1024


# ── 9 ────────────────────────────────────────────────────────────────────────────────────────────
class _Copier(threading.Thread):
    """Publishes every event twice more, to the exchange it came from."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(daemon=True)
        self._tap = wire.Tap(cluster, EXCHANGES)
        self._out = self._tap.channel.connection.channel()
        self._ended = threading.Event()
        self.copied = 0
        self._tap.channel.basic_consume(self._tap.queue, no_ack=True, callback=self._copy)

    def _copy(self, message: amqp.Message) -> None:
        if wire.COPY in wire.headers(message):
            return
        info = message.delivery_info
        for number in (1, 2):
            copy = wire.again(message, **{wire.COPY: number})
            self._out.basic_publish(copy, exchange=info["exchange"], routing_key=info["routing_key"])
        self.copied += 1

    def run(self) -> None:
        """Copy until told to end."""
        while not self._ended.is_set():
            try:
                self._out.connection.drain_events(timeout=0.5)
            except TimeoutError:
                continue

    def end(self) -> None:
        """Copy no more."""
        self._ended.set()
        self.join(10)
        self._tap.close()


@row("9", "every event published three times, with two workers a service")
def published_thrice(run: Run) -> None:
    """One effect each; the inboxes count two conflicts an event."""
    cluster = run.cluster
    run.phase("second workers")
    for service in ("routing", "search"):
        second = cluster.another(service)
        second.start()
        run.extra.append(second)
    for second in run.extra:
        second.ready()
    run.sampler.look()
    copier = _Copier(cluster)
    copier.start()
    try:
        # Three times the work for every service behind intake.
        ledger = run.ledger(min(run.rate, 50))
        run.load(ledger, 160, least=8)
        run.balance(ledger)
    finally:
        time.sleep(1)
        copier.end()
    until(lambda: not cluster.waiting(), 60, "the copies are handled")
    time.sleep(1)
    run.sampler.look()
    for queue in ("routing.petitions", "search.events", "notify.events", "notify.contacts", "intake.progress"):
        handled, known = run.sampler.sum("events_handled", queue), run.sampler.sum("events_duplicate", queue)
        run.require(handled > 0 and known == 2 * handled, f"{queue}: {handled} handled, {known} known")
    run.note(f"{copier.copied} events copied twice")


# ── 10 ───────────────────────────────────────────────────────────────────────────────────────────
@row("10", "versions of a petition shuffled, some left out")
def out_of_order(run: Run) -> None:
    """The highest version stands in the end; older ones count as stale, missing ones as gaps."""
    cluster, ledger = run.cluster, run.quiet_ledger()
    stopped = [cluster.workers[service] for service in ("routing", "search", "notify")]
    for worker in stopped:
        worker.stop()
    run.phase("filing")
    petitions = run.times(400, 60)
    _file_versions(run, ledger, petitions)
    until(lambda: cluster.rows("intake", "select count(*) from outbox where published_at is null") == [(0,)], 60,
          "intake has published everything")  # fmt: skip
    run.phase("shuffling")
    for queue in ("routing.petitions", "search.events", "notify.events"):
        _shuffle(run, cluster, queue, leave_out=not queue.startswith("notify"))
    for worker in stopped:
        worker.start()
    for worker in stopped:
        worker.ready()
    run.balance(ledger)
    query = "select petition_id, petition from petition_case where title like %s"
    added = [len(json_of(state)["supplements"]) for _, state in cluster.rows("routing", query, f"{ledger.tag} %")]
    run.require(all(number == 3 for number in added), "a case does not hold all three supplements")
    query = "select petition_id, supplements from petition_view where title like %s"
    added = [len(json_of(texts)) for _, texts in cluster.rows("search", query, f"{ledger.tag} %")]
    run.require(all(number == 3 for number in added), "a view does not hold all three supplements")
    run.sampler.look()
    stale, gaps = run.sampler.sum("events_stale"), run.sampler.sum("events_gap")
    run.require(stale > 0, "no event counted as stale: the fault did not happen")
    run.require(gaps > 0, "no gap was counted")
    run.require(run.sampler.sum("events_retried") == 0, f"{run.sampler.sum('events_retried')} events were retried")
    run.note(f"{stale} stale, {gaps} gaps")


def _file_versions(run: Run, ledger: Ledger, petitions: int) -> None:
    """File petitions, add three texts to each, take every third back."""
    port = run.cluster.webs["intake"].port
    client, chance = Client(lambda: ("127.0.0.1", port)), random.Random(f"{ledger.tag}/versions")
    for turn in range(petitions):
        body = ledger.petition(chance, f"v{turn}")
        status, document, _ = client.post("/api/petitions", body, {"Idempotency-Key": f"{ledger.tag}-v{turn}"})
        if status != 201:
            raise Failed(f"a petition was answered with {status}")
        ledger.note(f"{ledger.tag}-v{turn}", body, document)
        code = {"Wenzheng-Query-Code": document["query_code"]}
        for number in range(3):
            status, _, _ = client.post(
                f"/api/petitions/{document['number']}/supplements", {"text": f"补充{number}"}, code
            )
            run.require(status == 201, f"a supplement was answered with {status}")
        if turn % 3 == 0:
            status, _, _ = client.post(f"/api/petitions/{document['number']}/withdrawal", {"reason": "已解决"}, code)
            run.require(status == 201, f"a withdrawal was answered with {status}")
    client.close()


def _shuffle(run: Run, cluster: Cluster, queue: str, *, leave_out: bool) -> None:
    count = cluster.queue(queue)[0]
    messages = wire.take_all(cluster, queue, count)
    ours = [m for m in messages if wire.headers(m).get("cloudEvents:source") == "intake"]
    others = [m for m in messages if wire.headers(m).get("cloudEvents:source") != "intake"]
    last: dict[str, int] = {}
    for message in ours:
        named = wire.headers(message)
        last[named["cloudEvents:subject"]] = max(
            last.get(named["cloudEvents:subject"], 0), named["cloudEvents:sequence"]
        )
    run.chance.shuffle(ours)

    def stays(message: amqp.Message) -> bool:
        named = wire.headers(message)
        newest = last[named["cloudEvents:subject"]] == named["cloudEvents:sequence"]
        return newest or not leave_out or run.chance.random() > 0.15

    kept = [message for message in ours if stays(message)]
    wire.publish(cluster, [wire.again(message) for message in [*others, *kept]], "", queue)
    run.note(f"{queue}: {len(ours)} shuffled, {len(ours) - len(kept)} left out")


# ── 11 ───────────────────────────────────────────────────────────────────────────────────────────
def poisons(template: amqp.Message, chance: random.Random) -> Iterator[tuple[str, amqp.Message]]:
    """Every event that must be parked, with a name."""

    def of(**changes: Any) -> amqp.Message:
        return wire.event(template, **changes)

    whole = bytes(template.body)
    yield "broken JSON", of(body=whole[: chance.randint(1, len(whole) - 1)])
    yield "empty body", of(body=b"")
    yield "no object", of(body=b"[1, 2, 3]")
    yield "another content type", of(properties={"content_type": "text/plain"})
    yield "no content type", of(properties={"content_type": None})
    yield "bad UTF-8", of(body=whole.replace(b'"title":"', b'"title":"\xff\xfe\x80'))
    yield "NaN", of(body=whole.replace(b'"petition_id":"', b'"petition_id":NaN,"was":"'))
    yield "nested 10,000 deep", of(body=b"[" * 10_000 + b"]" * 10_000)
    deep = b'{"a":' * 10_000 + b"1" + b"}" * 10_000
    yield "nested 10,000 deep in a field", of(body=whole[:-1] + b',"more":' + deep + b"}")
    yield "lone surrogate", of(body=whole.replace(b'"title":"', b'"title":"\\ud800'))
    yield "a NUL in a text", of(body={"petition": {"title": "a\x00b"}})
    yield "a number where a text belongs", of(body={"petition": {"title": 7}})
    yield "unknown kind", of(body={"petition": {"kind": "nothing known"}})
    yield "filed in the year 9999", of(body={"petition": {"submitted_at": "9999-12-31T23:59:59Z"}})
    yield "filed in 1970", of(body={"petition": {"submitted_at": "1970-01-01T00:00:00Z"}})
    yield "time 9999", of(time="9999-12-31T23:59:59+00:00")
    yield "time 1970", of(time="1970-01-01T00:00:00+00:00")
    yield "time without offset", of(time="2026-01-01T00:00:00")
    yield "time that is none", of(time="yesterday")
    yield "time as an AMQP timestamp", of(time=datetime(2026, 1, 1, tzinfo=UTC))
    yield "subject as a table", of(subject={"a": 1})
    yield "type as a list", of(type=[1])
    yield "id as a truth value", of(id=True)
    yield "sequence as a list", of(sequence=[1])
    yield "sequence of a sign that is no digit", of(sequence="²")
    yield "negative sequence", of(sequence=-1)
    yield "huge sequence", of(sequence=2**62)
    yield "cause as a table", of(cause={})
    yield "id of 10,000 signs", of(id="x" * 10_000)
    yield "another CloudEvents version", of(specversion="2.0")
    yield "no id", of(id=None)
    yield "no type", of(type=None)
    yield "no headers at all", amqp.Message(whole, content_type="application/json", message_id="bare", delivery_mode=2)
    yield "unknown type", of(type="nobody.knows.v1")
    yield "gzip by property", of(body=gzip.compress(whole), properties={"content_encoding": "gzip"})
    bomb = wire.event(template, body=gzip.compress(b" " * 50 * MIB))
    yield "a bomb by kombu's header", wire.again(bomb, compression="application/x-gzip")
    yield "2 MiB", of(body=whole[:-1] + b" " * 2 * MIB + b"}")
    yield "100 MB", of(body=b'{"x":"' + b"y" * 100_000_000 + b'"}')


def oddities(template: amqp.Message) -> list[amqp.Message]:
    """Copies of an event that was handled, with headers of any type: they change nothing and are no reason to park."""
    values: list[Any] = [5, [1], {"a": [{"b": None}]}, None, True, b"\xff\x00", Decimal("1.5"), "x" * 5000, 2**62]
    odd = [wire.again(template, **{"nameko.call_id_stack": value, "nameko.language": value}) for value in values]
    return odd + [wire.again(template, **{"x-attempt": value}) for value in ("many", [1], -5)]


@row("11", "poison: every broken, huge, nested, compressed, mistimed event among good ones")
def poison(run: Run) -> None:
    """Only the bad are parked, each with a reason; their neighbours are done; the process lives."""
    cluster, queue = run.cluster, "routing.petitions"
    tap = wire.Tap(cluster, ["wz.intake"], "petition.submitted.v1")
    # Fewer than it carries: how soon a good one is judged shall not depend on those that wait before it.
    ledger = run.ledger(min(run.rate, 40))
    template = tap.one()
    tap.close()
    worker = cluster.workers["routing"]
    pid, before = worker.pid, worker.memory()
    sent: list[str] = []
    port = cluster.webs["intake"].port
    client = Client(lambda: ("127.0.0.1", port))
    slowest = 0.0
    bad = list(poisons(template, run.chance))
    run.chance.shuffle(bad)
    for start in range(0, len(bad), 5):
        some = bad[start : start + 5]
        run.phase(f"{start + len(some)} of {len(bad)}: {some[0][0]} …")
        wire.publish(cluster, [message for _, message in some], "", queue)
        sent += [name for name, _ in some]
        slowest = max(slowest, judged_within(run, cluster, ledger, client, f"p{start}"))
    wire.publish(cluster, oddities(template), "", queue)
    slowest = max(slowest, judged_within(run, cluster, ledger, client, "odd"))
    client.close()
    run.recovered(slowest, 5, "the next good event")
    # The ladder's rungs are short here: what is tried again is parked at the latest after all of them.
    until(lambda: cluster.queue(f"{queue}.parked")[0] >= len(sent), 60, f"{len(sent)} events are parked")
    run.balance(ledger, parked=len(sent))
    found = wire.parked(cluster, queue)
    nameless = [entry["message_id"] for entry in found if not entry.get("x-code")]
    run.require(not nameless, f"{len(nameless)} parked without a reason")
    run.note("reasons: " + ", ".join(f"{code} {n}" for code, n in Counter(str(e.get("x-code")) for e in found).items()))
    run.require(worker.alive and worker.pid == pid, "routing's worker did not survive")
    run.note(f"routing's memory {before // MIB} → {worker.memory() // MIB} MiB")
    cluster.purge_parked()


def judged_within(run: Run, cluster: Cluster, ledger: Ledger, client: Client, mark: str) -> float:
    """File one petition now; seconds until it is judged."""
    body = ledger.petition(run.chance, mark)
    begun = time.monotonic()
    # Twice, since an idle connection is closed after a while.
    if not any(ledger.file(f"{ledger.tag}-{mark}", body, client) for _ in range(2)):
        raise Failed("a good petition was not acknowledged")
    petition = ledger.keys[f"{ledger.tag}-{mark}"][1]
    query = "select count(*) from petition_case where petition_id = %s"
    until(lambda: cluster.rows("routing", query, petition) == [(1,)], 60, "a good petition is judged", 0.1)
    return time.monotonic() - begun


# ── 13 ───────────────────────────────────────────────────────────────────────────────────────────
@row("13", "events of a release to come: new fields, a new type, a new major version")
def future_schema(run: Run) -> None:
    """New fields are ignored; what is not understood is parked, and handled after the upgrade by a replay."""
    cluster, ledger = run.cluster, run.quiet_ledger()
    worker = cluster.workers["routing"]
    tap = wire.Tap(cluster, ["wz.intake"], "petition.submitted.v1")
    port = cluster.webs["intake"].port
    client = Client(lambda: ("127.0.0.1", port))
    judged_within(run, cluster, ledger, client, "first")
    template = tap.one()
    tap.close()
    run.phase("a major version and a type to come")
    strange = [
        wire.event(template, type="petition.submitted.v2"),
        wire.event(template, type="petition.reopened.v1"),
    ]
    wire.publish(cluster, strange, "", "routing.petitions")
    until(lambda: cluster.queue("routing.petitions.parked")[0] == 2, 30, "two events are parked")
    codes = sorted(str(entry.get("x-code")) for entry in wire.parked(cluster, "routing.petitions"))
    run.require(codes == ["unknown_type", "unsupported_version"], f"the reasons are {codes}")
    cluster.purge_parked()

    run.phase("routing of an older release")
    # The older release does not know petition.supplemented.v1, so that today's event is one to come for it; the event
    # petition.submitted.v1 has a field that is new to it: its copy of the contract lacks one.
    older = _older(run.ground.folder / f"older-{cluster.mark}")
    worker.stop()
    old = cluster.another("routing", tree=older)
    run.extra.append(old)
    old.start()
    old.ready()
    petitions = 20
    for turn in range(petitions):
        body = ledger.petition(run.chance, f"f{turn}")
        status, document, _ = client.post("/api/petitions", body, {"Idempotency-Key": f"{ledger.tag}-f{turn}"})
        if status != 201:
            raise Failed(f"a petition was answered with {status}")
        ledger.note(f"{ledger.tag}-f{turn}", body, document)
        code = {"Wenzheng-Query-Code": document["query_code"]}
        client.post(f"/api/petitions/{document['number']}/supplements", {"text": "补充"}, code)
    until(lambda: cluster.queue("routing.petitions.parked")[0] == petitions, 60, f"{petitions} events are parked")
    reasons = Counter(str(entry.get("x-code")) for entry in wire.parked(cluster, "routing.petitions"))
    run.require(set(reasons) == {"unsupported_version"}, f"the reasons are {dict(reasons)}")
    query = "select count(*) from petition_case where title like %s"
    judged = cluster.rows("routing", query, f"{ledger.tag} %")
    run.require(judged == [(petitions + 1,)], f"{judged[0][0]} cases, though new fields are to be ignored")
    run.phase("upgrade and replay")
    old.stop()
    worker.start()
    worker.ready()
    done = cluster.command("parked", "replay", "routing.petitions", "--code", "unsupported_version")
    run.require(done.returncode == 0, f"wenzheng parked replay ended with {done.returncode}: {done.stderr[-200:]}")
    run.balance(ledger)
    query = "select petition from petition_case where title like %s"
    added = [len(json_of(state)["supplements"]) for (state,) in cluster.rows("routing", query, f"{ledger.tag} %")]
    run.require(sum(added) == petitions, f"{sum(added)} supplements after the replay, {petitions} were made")
    cluster.channel().queue_unbind(
        queue="routing.petitions", exchange="wz.intake", routing_key="petition.supplemented.v0"
    )


def _older(folder: Path) -> Path:
    """A checkout of an older release: one event type has a version before, one field is not there yet."""
    shutil.copytree(ROOT / "services", folder / "services")
    shutil.copytree(ROOT / "examples", folder / "examples")
    contract = folder / "services" / "contracts" / "intake.py"
    text = contract.read_text(encoding="utf-8")
    for new, old in (
        ('"petition.supplemented.v1"', '"petition.supplemented.v0"'),
        ("    withdrawal_reason: str = \"\"\n", "    withdrawal_reason: ClassVar[str] = \"\"\n"),
    ):  # fmt: skip
        if new not in text:
            raise Failed(f"the contract has no {new.strip()}: the older release cannot be made")
        text = text.replace(new, old)
    contract.write_text(text, encoding="utf-8")
    return folder
