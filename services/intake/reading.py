"""From what somebody handed in, by form, JSON or a portal's event, to a checked filing or everything wrong with it."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import cast

from opencc import OpenCC

from services.contracts.shared import Place
from services.intake.contact import check_contact
from services.intake.domain.language import detect, of_ours
from services.intake.domain.petition import (
    NAME_LENGTH,
    Filing,
    Problem,
    check_place,
    check_received,
    check_text,
    clean,
)


class Wrong(Exception):
    """What was handed in cannot be filed; ``problems`` lists everything at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(", ".join(problem.code for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, kw_only=True)
class Handed:
    """What somebody handed in, as it came."""

    kind: str = ""
    title: str = ""
    body: str = ""
    place: Place = Place()
    name: str = ""
    phone: str = ""
    mail: str = ""
    publish: bool = False
    #: BCP 47 tag; empty: told from the text.
    language: str = ""
    sealed: bool = False


@dataclass(frozen=True, kw_only=True)
class Way:
    """How it came."""

    channel: str
    #: Is a petition without phone and mail refused?
    contact_needed: bool = True
    #: Language when the text has no letters.
    fallback: str = "zh-Hans"
    portal: str | None = None
    reference: str | None = None
    received_at: datetime | None = None
    entered_by: str | None = None
    #: Hash of the idempotency key.
    key: str | None = None
    traceparent: str | None = None


def read(handed: Handed, way: Way, *, region: str, now: datetime) -> Filing:
    """Clean and check what was handed in.

    Args:
        handed: the contents.
        way: how it came.
        region: country of phone numbers without ``+``.
        now: the present moment.

    Raises:
        Wrong: with every problem found.
    """
    title, body = clean(handed.title, lines=False), clean(handed.body)
    # A report on a person has a door of its own, which asks for no kind.
    kind = "report" if handed.sealed and not handed.kind else handed.kind.strip()
    problems = check_text(kind, title, body)
    place = _place(handed.place)
    problems += check_place(place)
    name = clean(handed.name, lines=False)
    if len(name) > NAME_LENGTH:
        problems.append(
            Problem(
                "name_too_long", "Shorten the name to %(limit)s characters.", "contact.name", {"limit": NAME_LENGTH}
            )
        )
    phone, mail, wrong = check_contact(handed.phone.strip(), handed.mail.strip(), region)
    problems += wrong
    if way.contact_needed and not wrong and phone is None and mail is None:
        problems.append(
            Problem(
                "contact_missing", "Give a phone number or a mail address, so that the answer can reach you.", "contact"
            )
        )
    problems += check_received(way.received_at, now)
    language = of_ours(handed.language) if handed.language else language_of(f"{title}\n{body}", way.fallback)
    if language is None:
        problems.append(
            Problem("unknown_language", "Name the language zh-Hans, zh-Hant or en, or leave it out.", "language")
        )
    if problems:
        raise Wrong(problems)
    return Filing(
        kind=kind,
        title=title,
        body=body,
        place=place,
        language=cast(str, language),
        # What is reported about a person is never published.
        publish=handed.publish and not handed.sealed,
        sealed=handed.sealed,
        name=name or None,
        phone=phone,
        mail=mail,
        channel=way.channel,
        portal=way.portal,
        reference=way.reference,
        received_at=way.received_at,
        entered_by=way.entered_by,
        key=way.key,
        traceparent=way.traceparent,
    )


def _place(place: Place) -> Place:
    text = clean(place.text, lines=False)
    lat, lon = (None if value is None or math.isnan(value) else value for value in (place.lat, place.lon))
    return Place(text=text, adcode=(place.adcode or "").strip() or None, lat=lat, lon=lon, crs=place.crs)


def language_of(text: str, fallback: str) -> str:
    """The language a text is written in; ``fallback`` when it has no letters."""
    return detect(text, _simplify) or fallback


_LOCK = threading.Lock()


@lru_cache(maxsize=1)
def _converter() -> OpenCC:
    return OpenCC("t2s")


def _simplify(text: str) -> str:
    # The library does not promise to be safe for threads.
    with _LOCK:
        return cast(str, _converter().convert(text))
