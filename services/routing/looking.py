"""A look for hot topics among the cases of this house: a job of its own, never in a worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.chassis.house import House
from services.routing import store
from services.routing.handlers import topics
from services.routing.models import Topic
from services.routing.settings import Settings
from services.routing.topics.live import look


@dataclass(frozen=True)
class Looked:
    """What came of a look."""

    petitions: int
    #: There were more: only the newest were gone through.
    cut: bool
    topics: int
    coming_up: int
    #: Those that were told of now.
    told: Sequence[Topic]


def look_at(house: House[Settings]) -> Looked:
    """Find the topics of the last days, put them in place of the last look's, tell of each burst once."""
    now, most = house.clock.now(), house.settings.topics_most
    since = now - timedelta(days=house.settings.topics_days)
    with house.database.read() as session:
        rows = store.topics.petitions(session, since, most)
    cut = len(rows) == most
    # Of too many only the newest are known, so what is usual is reckoned from their days alone.
    start = (rows[0].at if cut else None) or since
    found = look(rows, start, now)
    with house.work() as work:
        told = topics.keep(work, found, since, now)
    return Looked(len(rows), cut, len(found), sum(each.emerging is not None for each in found), told)
