"""The report on hot topics: petitions of a period put together, named, rated by heat, the hottest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.routing.domain.sameness import Commonness, Profile, profile
from services.routing.topics.grouping import grouped
from services.routing.topics.heat import Heat, Voice, heat_of
from services.routing.topics.index import Index
from services.routing.topics.naming import name_of, phrases_of, place_of
from services.routing.topics.petition_file import Row


@dataclass(frozen=True, slots=True)
class Topic:
    """A group of petitions about one matter at one place."""

    #: That of its earliest petition, so that it stays when others join.
    id: str
    name: str
    place: str
    #: What half of its petitions say or more.
    phrases: list[str]
    people: int
    likes: int
    first: datetime
    last: datetime
    heat: Heat
    #: The earliest first.
    rows: list[Row]

    def as_json(self) -> dict[str, Any]:
        """What ``--json`` tells of it."""
        return {
            "id": self.id,
            "name": self.name,
            "place": self.place,
            "phrases": self.phrases,
            "size": len(self.rows),
            "people": self.people,
            "likes": self.likes,
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "span_days": (self.last - self.first).days + 1,
            "heat": round(self.heat.heat, 2),
            "heat_of": {
                "people": round(self.heat.people, 3),
                "support": round(self.heat.support, 3),
                "burst": round(self.heat.burst, 3),
                "busiest_people": self.heat.busiest,
                "busiest_from": self.heat.busiest_from.isoformat(),
                "usual_people": round(self.heat.usual, 3),
            },
            "cases": [row.id for row in self.rows],
        }


def made_ready(rows: Sequence[Row]) -> tuple[Index, list[Profile]]:
    """The index of the rows and their profiles, in the order of the rows."""
    common = Commonness()
    cuts = [row.sheet.cut() for row in rows]
    for cut in cuts:
        common.add(cut.keys())
    index, profiles = Index(common), []
    for row, cut in zip(rows, cuts, strict=True):
        profiles.append(profile(row.sheet, common, cut))
        index.add(profiles[-1])
    return index, profiles


def hot_topics(rows: Sequence[Row], start: datetime, end: datetime) -> list[Topic]:
    """The topics of a period, the hottest first.

    Args:
        rows: every petition there is; those outside the period only teach which words are common.
        start: the first moment of the period.
        end: its last moment.
    """
    known = sorted(rows, key=_earliest)
    index, profiles = made_ready(known)
    inside = [n for n, row in enumerate(known) if row.at is not None and start <= row.at <= end]
    within, chosen = Index(index.common), [profiles[n] for n in inside]
    for one in chosen:
        within.add(one)
    topics = [_topic([known[inside[n]] for n in group], start, end, index.common) for group in grouped(chosen, within)]
    return sorted(topics, key=lambda topic: (-round(topic.heat.heat, 6), topic.first, topic.id))


def _topic(rows: list[Row], start: datetime, end: datetime, common: Commonness) -> Topic:
    voices = voices_of(rows)
    phrases = phrases_of([f"{row.sheet.title} {row.sheet.place} {row.sheet.body}" for row in rows], common)
    return Topic(
        rows[0].id,
        name_of([row.title for row in rows], common),
        place_of(phrases, [row.title for row in rows]),
        phrases,
        len({voice.petitioner if voice.petitioner is not None else n for n, voice in enumerate(voices)}),
        sum(row.likes for row in rows),
        voices[0].at,
        voices[-1].at,
        heat_of(voices, start, end),
        rows,
    )


def voices_of(rows: Sequence[Row]) -> list[Voice]:
    """The petitions as heat sees them; those without a time are left out."""
    return [Voice(row.at, row.petitioner, row.likes, row.dislikes) for row in rows if row.at is not None]


def _earliest(row: Row) -> tuple[str, str]:
    return (row.at.isoformat() if row.at is not None else "", row.id)
