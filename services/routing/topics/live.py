"""Hot topics of a running house: which groups there are, which come up, which were known and told of before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.routing.topics.emerging import WINDOW_DAYS, Emerging, Group, emerging, usual_of
from services.routing.topics.petition_file import Row
from services.routing.topics.report import Topic, hot_topics, voices_of


@dataclass(frozen=True, slots=True)
class Found:
    """A topic as one look finds it."""

    topic: Topic
    #: What it rests on that it comes up in these days; None: it does not.
    emerging: Emerging | None

    @property
    def members(self) -> list[str]:
        """Ids of its petitions, the earliest first."""
        return [row.id for row in self.topic.rows]

    def window(self, now: datetime) -> list[str]:
        """Ids of those by which it comes up, or does not."""
        since = now - timedelta(days=WINDOW_DAYS)
        return [row.id for row in self.topic.rows if row.at is not None and since < row.at <= now]


def look(rows: Sequence[Row], start: datetime, now: datetime) -> list[Found]:
    """The topics of the last days, the hottest first.

    Args:
        rows: the petitions of the period, each with its time.
        start: since when all petitions are among them.
        now: the end of the period.
    """
    topics = hot_topics(rows, start, now)
    groups = [Group(topic.id, voices_of(topic.rows)) for topic in topics]
    coming = {one.id: one for one in emerging(groups, usual_of(groups, start, now), now)}
    return [Found(topic, coming.get(topic.id)) for topic in topics]


def known_as(groups: Sequence[Sequence[str]], before: Mapping[str, str]) -> list[str | None]:
    """The id that each group had at the last look; None: it is a new one.

    Groups change with every petition: an id goes to the group that holds most of the petitions that had it, the
    largest share first, and to no other.

    Args:
        groups: ids of each group's petitions.
        before: id of the topic by petition.
    """
    shares = [
        (-count, number, name)
        for number, group in enumerate(groups)
        for name, count in Counter(before[one] for one in group if one in before).items()
    ]
    found: list[str | None] = [None] * len(groups)
    taken: set[str] = set()
    for _, number, name in sorted(shares):
        if found[number] is None and name not in taken:
            found[number] = name
            taken.add(name)
    return found


def told_already(window: Iterable[str], told: Iterable[str]) -> bool:
    """Whether a burst is one that was told of: half of the petitions by which it comes up were so.

    Whoever joins a burst that goes on is told of with it, so one burst is told once however long it lasts; what comes
    up again after a quiet time is another one, and so is a burst that only one petition of an old one has strayed into.
    """
    those = list(window)
    return 2 * len(set(told).intersection(those)) >= len(those)
