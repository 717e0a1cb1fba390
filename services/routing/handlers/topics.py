"""Keeps what a look at the topics found, and raises those that come up: each burst once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from services.chassis.delivery import Work
from services.chassis.ids import uuid7
from services.contracts.alerts import TopicEmerging
from services.routing import store
from services.routing.models import Topic, TopicCase
from services.routing.topics.emerging import Emerging
from services.routing.topics.live import Found, known_as, told_already

#: Case numbers in the event.
MOST_NUMBERS: Final = 50


def keep(work: Work, found: Sequence[Found], since: datetime, now: datetime) -> list[Topic]:
    """Put what was found in place of the last look, and tell of every burst that nobody was told of.

    Args:
        work: the unit of work.
        found: the topics, the hottest first.
        since: petitions from before are forgotten.
        now: the moment of the look.

    Returns:
        The topics that were told of.
    """
    store.topics.alone(work)
    # A case may have been sealed or taken back while the look went on: its group waits for the next one. All are held
    # before any topic is touched, as a step that seals a case takes both.
    numbers = store.topics.hold(work.session, [one for each in found for one in each.members])
    found = [each for each in found if numbers.keys() >= set(each.members)]
    before, rows = store.topics.members(work.session), store.topics.topics(work.session)
    told = {name for name, row in before.items() if row.told}
    fresh = {each.topic.id for each in found if each.emerging is not None and not told_already(each.window(now), told)}
    for row in rows.values():
        row.shown, row.since = False, None
    for known in before.values():
        known.present = False
    raised = []
    names = known_as([each.members for each in found], {name: row.topic_id for name, row in before.items()})
    for each, name in zip(found, names, strict=True):
        topic = rows.get(name) if name is not None else None
        if topic is None:
            topic = Topic(id=uuid7(), sequence=0)
            work.add(topic)
        _describe(topic, each, now)
        tells = set(each.window(now)) if each.emerging is not None else set()
        for one in each.topic.rows:
            entry = before.get(one.id)
            if entry is None:
                entry = TopicCase(petition_id=one.id, submitted_at=one.at, told=False)
                work.add(entry)
            entry.topic_id, entry.present = topic.id, True
            entry.told = entry.told or one.id in tells
        if each.emerging is not None and each.topic.id in fresh:
            _raise(work, topic, each.emerging, [numbers[one] for one in reversed(each.members)])
            raised.append(topic)
    store.topics.forget_old(work.session, since)
    return raised


def _describe(topic: Topic, each: Found, now: datetime) -> None:
    seen = each.topic
    topic.name, topic.place = seen.name, seen.place[:200]
    topic.people, topic.size = seen.people, len(seen.rows)
    topic.heat, topic.burst = seen.heat.heat, seen.heat.burst
    topic.first_at, topic.last_at = seen.first, seen.last
    topic.since = each.emerging.since if each.emerging is not None else None
    topic.recent = each.emerging.people if each.emerging is not None else 0
    topic.shown, topic.looked_at = True, now


def _raise(work: Work, topic: Topic, coming: Emerging, numbers: Sequence[str]) -> None:
    topic.raised_at = work.now
    work.emit(
        topic,
        TopicEmerging(
            topic_id=topic.id,
            name=topic.name,
            place=topic.place,
            size=topic.size,
            people=topic.people,
            recent=coming.people,
            since=coming.since,
            usual=round(coming.usual, 2),
            heat=round(topic.heat, 2),
            burst=round(topic.burst, 2),
            numbers=list(numbers[:MOST_NUMBERS]),
        ),
    )
