"""The oracle: compares, petition by petition, what the ledger was told with the books of every service."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import amqp
import requests

from tests.fault.cluster import SERVICES, json_of
from tests.fault.ledger import MAIL_DOMAIN, Ledger
from tests.fault.processes import Failed, Process


class Asked(Protocol):
    """A running house, as far as the oracle asks it."""

    @property
    def processes(self) -> Sequence[Process]: ...
    def rows(self, service: str, query: str, *values: Any) -> list[tuple[Any, ...]]: ...
    def get(self, service: str, path: str, role: str = "", **query: Any) -> requests.Response: ...
    def waiting(self) -> dict[str, int]: ...


#: What of a difference is named, the rest only counted.
SHOWN = 3
#: Longer than any rung of the ladder that these runs set, and than a claim of a queue by another worker (s).
STANDSTILL_S = 40.0


@dataclass
class Books:
    """The four services' rows of one ledger's petitions, by petition id."""

    intake: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    routing: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    notify: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    search: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    #: Messages of notify: (petition id, occasion, recipient) → states.
    told: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)
    #: Steps of routing's history that came more than once though they may come only once.
    repeated: int = 0


def read(cluster: Asked, tag: str) -> Books:
    """Read them."""
    like = f"{tag} %"
    books = Books()
    query = "select id, number, sequence, state, seen from petition where title like %s"
    books.intake = {row[0]: row[1:] for row in cluster.rows("intake", query, like)}
    query = "select petition_id, number, sequence, state, seen from petition_case where title like %s"
    books.routing = {row[0]: row[1:] for row in cluster.rows("routing", query, like)}
    query = (
        "select h.petition_id, h.step from history h join petition_case c on c.petition_id = h.petition_id"
        " where c.title like %s"
    )
    steps = Counter(cluster.rows("routing", query, like))
    for petition in books.routing:
        # Judged once when it comes in, and again for each supplement at most.
        judged = steps[petition, "assessed"] - 1 - steps[petition, "supplemented"]
        books.repeated += max(0, steps[petition, "submitted"] - 1) + max(0, judged)
    query = "select petition_id, number, sequence, seen from correspondence where title like %s"
    books.notify = {row[0]: row[1:] for row in cluster.rows("notify", query, like)}
    query = (
        "select m.petition_id, m.occasion, m.recipient, m.delivery from message m"
        " join correspondence c on c.petition_id = m.petition_id where c.title like %s"
    )
    for petition, occasion, recipient, state in cluster.rows("notify", query, like):
        books.told.setdefault((petition, occasion, recipient), []).append(state)
    query = (
        "select petition_id, number, version, indexed_version, state, seen, notices_delivered, case_state"
        " from petition_view where title like %s"
    )
    books.search = {row[0]: row[1:] for row in cluster.rows("search", query, like)}
    return books


def differences(ledger: Ledger, books: Books, *, unsent: bool = False) -> list[str]:
    """What does not fit, a line each; empty when everything is as it should be.

    Args:
        ledger: what was acknowledged.
        books: what the services hold.
        unsent: mails may still be in the sender's hands or flagged (a row with a mail server looks at them itself).
    """
    found: list[str] = []
    wanted = ledger.numbers

    def differ(what: str, ids: set[str]) -> None:
        if ids:
            found.append(f"{len(ids)} {what} ({', '.join(sorted(ids)[:SHOWN])})")

    for name in SERVICES:
        rows: dict[str, tuple[Any, ...]] = getattr(books, name)
        differ(f"acknowledged, not in {name}", wanted.keys() - rows.keys())
        differ(f"in {name}, never acknowledged", rows.keys() - wanted.keys())
        differ(f"under another number in {name}", {i for i in wanted if i in rows and rows[i][0] != wanted[i]})
    there = wanted.keys() & books.intake.keys() & books.routing.keys() & books.notify.keys() & books.search.keys()
    one = {i: (books.intake[i], books.routing[i], books.notify[i], books.search[i]) for i in there}

    def seen(row: tuple[Any, ...], source: str) -> int:
        return int((json_of(row) or {}).get(source, 0))

    differ("whose case is behind intake", {i for i, (p, c, _, _) in one.items() if seen(c[3], "intake") != p[1]})
    differ("whose state intake does not show", {i for i, (p, c, _, _) in one.items() if p[2] != c[2]})
    differ("whose view is behind intake", {i for i, (p, _, _, v) in one.items() if seen(v[4], "intake") != p[1]})
    differ("whose view is behind routing", {i for i, (_, c, _, v) in one.items() if seen(v[4], "routing") != c[1]})
    differ("whose view shows another state", {i for i, (_, c, _, v) in one.items() if v[6] != c[2]})
    differ("not indexed as it stands", {i for i, (_, _, _, v) in one.items() if v[1] != v[2]})
    received = {i: books.told.get((i, "received", "citizen"), []) for i in wanted}
    differ("never told that it was received", {i for i, states in received.items() if not states})
    differ("told twice that it was received", {i for i, states in received.items() if len(states) > 1})
    dispatched = {i for i, (_, c, _, _) in one.items() if c[2] == "dispatched"}
    differ("dispatched, unit not told", {i for i in dispatched if not books.told.get((i, "dispatched", "unit"))})
    sent: Counter[str] = Counter()
    for (petition, _, _), states in books.told.items():
        sent[petition] += states.count("sent")
    differ("whose notices are miscounted", {i for i, (_, _, _, v) in one.items() if not unsent and v[5] != sent[i]})
    if not unsent:
        waiting = {key[0] for key, states in books.told.items() if {"pending", "sending"} & set(states)}
        differ("with a message not sent", waiting)
    if books.repeated:
        found.append(f"{books.repeated} steps taken twice in routing's history")
    return found


def doubled(ledger: Ledger, books: Books) -> int:
    """Effects that came twice: extra rows, steps, messages, notices."""
    extra = sum(len(getattr(books, name).keys() - ledger.numbers.keys()) for name in SERVICES)
    told = sum(len(states) - 1 for (_, occasion, _), states in books.told.items() if occasion == "received")
    sent: Counter[str] = Counter()
    for (petition, _, _), states in books.told.items():
        sent[petition] += sum(state in ("sent", "failed", "skipped", "ambiguous") for state in states)
    notices = sum(max(0, row[5] - sent[petition]) for petition, row in books.search.items())
    return int(extra + told + books.repeated + notices)


def unpublished(cluster: Asked) -> list[str]:
    """Outboxes that hold unpublished rows."""
    found = []
    for service in ("intake", "routing", "notify"):
        ((count,),) = cluster.rows(service, "select count(*) from outbox where published_at is null")
        if count:
            found.append(f"{count} unpublished in {service}'s outbox")
    return found


def in_index(cluster: Asked, ledger: Ledger) -> list[str]:
    """What the search finds by the ledger's tag that is not the ledger's, or not there, or there twice."""
    found: list[str] = []
    page = 1
    while True:
        answer = cluster.get("search", "/api/search", "supervisor", q=ledger.tag, page=page, size=100)
        if answer.status_code != 200:
            return [f"the search answers {answer.status_code}"]
        hits = answer.json()["hits"]
        found += [hit["petition_id"] for hit in hits]
        if len(hits) < 100 or page == 100:
            break
        page += 1
    wanted, times = set(ledger.numbers), Counter(found)
    wrong = []
    if page < 100 and wanted - set(found):
        wrong.append(f"{len(wanted - set(found))} not found by the search")
    if set(found) - wanted:
        wrong.append(f"{len(set(found) - wanted)} found by the search and never acknowledged")
    if twice := sum(count > 1 for count in times.values()):
        wrong.append(f"{twice} found twice by the search")
    return wrong


def settle(cluster: Asked, ledger: Ledger, seconds: float, *, unsent: bool = False) -> tuple[Books, list[str]]:
    """Wait until nothing differs, at most so long; the books, and what still differs.

    It gives up early when the same differences stand for ``STANDSTILL_S``: what does not move will not come.
    """
    deadline = time.monotonic() + seconds
    last: list[str] = []
    moved = time.monotonic()
    while True:
        wrong = []
        try:
            waiting = cluster.waiting()
            wrong = [f"{depth} wait in {queue}" for queue, depth in waiting.items()] + unpublished(cluster)
        except (OSError, amqp.AMQPError) as error:
            wrong = [f"the broker is away: {type(error).__name__}"]
        # The books are read only when the queues are empty, or time is up.
        if not wrong or time.monotonic() > deadline:
            books = read(cluster, ledger.tag)
            wrong += differences(ledger, books, unsent=unsent)
            if not wrong:
                try:
                    wrong = in_index(cluster, ledger)
                except (requests.RequestException, Failed) as error:
                    wrong = [f"the search cannot be asked: {type(error).__name__}"]
            if not wrong or time.monotonic() > deadline:
                return books, wrong
        if wrong != last:
            last, moved = wrong, time.monotonic()
        elif time.monotonic() - moved > STANDSTILL_S:
            # Once more, with the books, and then no more.
            deadline = 0.0
        time.sleep(0.5)


_PERSONAL = re.compile(rf"[A-Za-z0-9.]+@{re.escape(MAIL_DOMAIN)}|\b1[3-9][0-9]{{9}}\b")


def in_logs(cluster: Asked, since: dict[str, int]) -> list[str]:
    """Tracebacks and personal data in the logs since the row began."""
    wrong = []
    for process in cluster.processes:
        words = process.words(since.get(process.name, 0))
        if "Traceback (most recent call last)" in words:
            line = words[words.index("Traceback") :].splitlines()
            last = next((text for text in line[1:] if text and not text.startswith((" ", "Traceback"))), "")
            wrong.append(f"a traceback in the log of {process.name}: {last[:120]}")
        if found := _PERSONAL.search(words):
            wrong.append(f"personal data in the log of {process.name} ({len(found.group())} characters)")
    return wrong
