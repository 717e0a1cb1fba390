"""What a petition must hold to be filed, and what its petitioner may still do with it."""

from __future__ import annotations

import dataclasses
import hashlib
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.contracts.shared import KINDS, Place

TITLE_LENGTH: Final = 100
BODY_LENGTH: Final = 20_000
PLACE_LENGTH: Final = 200
NAME_LENGTH: Final = 60
REFERENCE_LENGTH: Final = 100
#: Supplements of one petition, so that its events stay far below the largest message.
SUPPLEMENTS: Final = 20
SUPPLEMENT_LENGTH: Final = 5_000
COMMENT_LENGTH: Final = 2_000
REASON_LENGTH: Final = 500
LANGUAGES: Final = ("zh-Hans", "zh-Hant", "en")
#: How a clerk's petition may have come: 来电 来信 来访.
CLERK_CHANNELS: Final = ("call", "letter", "visit")
#: A letter may lie a while before it is entered, not longer.
ENTERED_WITHIN: Final = timedelta(days=365)

#: States in which the petitioner can take the petition back (before a reply, T28).
_OPEN: Final = frozenset({"submitted", "under_review", "dispatched", "objected", "accepted"})
#: States in which a reply can be rated (T22).
_ANSWERED: Final = frozenset({"replied", "closed"})


@dataclass(frozen=True)
class Problem:
    """One thing wrong with what was handed in.

    Args:
        code: stable code.
        message: one English sentence with the remedy; may hold ``%(name)s``.
        field: the input at fault.
        values: what the placeholders stand for; never personal data.
    """

    code: str
    message: str
    field: str
    values: dict[str, object] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Filing:
    """A petition ready to be filed: cleaned, checked, its contact normalised."""

    kind: str
    title: str
    body: str
    place: Place = Place()
    language: str = "zh-Hans"
    publish: bool = False
    #: A report on a person 检举控告.
    sealed: bool = False
    name: str | None = None
    #: E.164.
    phone: str | None = None
    mail: str | None = None
    channel: str = "form"
    portal: str | None = None
    reference: str | None = None
    #: When a clerk received it; None: now.
    received_at: datetime | None = None
    entered_by: str | None = None
    #: Key under which a repeat is recognised; None: every call files anew.
    key: str | None = None
    #: W3C trace of the request or message that brought it.
    traceparent: str | None = None

    def fingerprint(self) -> str:
        """A hash of everything that was handed in, to tell a repeat from another petition under the same key."""
        parts = (
            self.kind, self.title, self.body, repr(self.place), self.language, repr(self.publish), repr(self.sealed),
            self.name or "", self.phone or "", self.mail or "", self.channel,
            self.received_at.isoformat() if self.received_at else "",
        )  # fmt: skip
        return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


def clean(text: str, *, lines: bool = True) -> str:
    """Text as it is kept: NFC, ``\\n`` newlines, no control characters, no blanks around it; empty when nothing of it
    can be seen.

    Args:
        text: what was typed.
        lines: keep line breaks; otherwise they become spaces.
    """
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    if not lines:
        text = " ".join(text.split())
    if not text.isprintable():
        # Cc control, Cs surrogates and the bidirectional overrides that can turn what is read around.
        text = "".join(
            c for c in text if c in "\n\t" or (unicodedata.category(c) not in ("Cc", "Cs") and c not in _TURNS)
        )
    # Zero-width signs alone are no text, though a petition made of them would look like one to every later rule.
    return text.strip() if any(map(_shows, text)) else ""


#: What cannot be seen: controls, formats, separators, marks without a letter, fillers of Hangul and Braille.
_UNSEEN: Final = frozenset(("Cc", "Cf", "Cs", "Zs", "Zl", "Zp", "Mn", "Me"))
_BLANKS: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800")


def _shows(character: str) -> bool:
    return unicodedata.category(character) not in _UNSEEN and character not in _BLANKS


_TURNS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def check_text(kind: str, title: str, body: str) -> list[Problem]:
    """What is wrong with kind, title and text."""
    problems = []
    if kind not in KINDS:
        problems.append(
            Problem("unknown_kind", "Choose one of the four kinds: complaint, report, inquiry or suggestion.", "kind")
        )
    if not title:
        problems.append(Problem("empty_title", "Write a title that says in one line what it is about.", "title"))
    elif len(title) > TITLE_LENGTH:
        problems.append(
            Problem("title_too_long", "Shorten the title to %(limit)s characters.", "title", {"limit": TITLE_LENGTH})
        )
    if not body:
        problems.append(Problem("empty_body", "Write what happened and what you ask for.", "body"))
    elif len(body) > BODY_LENGTH:
        problems.append(
            Problem(
                "body_too_long",
                "Shorten the text to %(limit)s characters; more can be added after filing.",
                "body",
                {"limit": BODY_LENGTH},
            )
        )
    return problems


def check_place(place: Place) -> list[Problem]:
    """What is wrong with the place."""
    problems = []
    if len(place.text) > PLACE_LENGTH:
        problems.append(
            Problem(
                "place_too_long", "Shorten the place to %(limit)s characters.", "place.text", {"limit": PLACE_LENGTH}
            )
        )
    code = place.adcode
    if code is not None and not (code.isascii() and code.isdigit() and 6 <= len(code) <= 12):
        problems.append(
            Problem("area_invalid", "Give the area as its division code of 6 to 12 digits.", "place.adcode")
        )
    if (place.lat is None) != (place.lon is None):
        problems.append(Problem("place_incomplete", "Give both latitude and longitude, or neither.", "place.lat"))
    elif place.lat is not None and place.lon is not None:
        if not (-90 <= place.lat <= 90 and -180 <= place.lon <= 180):
            problems.append(
                Problem("place_invalid", "Give latitude within ±90 and longitude within ±180 degrees.", "place.lat")
            )
    return problems


def check_received(received_at: datetime | None, now: datetime) -> list[Problem]:
    """What is wrong with the moment at which a clerk says it came in."""
    if received_at is not None and not now - ENTERED_WITHIN <= received_at <= now + timedelta(minutes=5):
        return [
            Problem(
                "received_invalid", "Give a day of receipt that is not in the future and within a year.", "received"
            )
        ]
    return []


def check_added(text: str, limit: int) -> list[Problem]:
    """What is wrong with a text that is added to a petition."""
    if not text:
        return [Problem("empty_text", "Write what you want to add.", "text")]
    if len(text) > limit:
        return [Problem("text_too_long", "Shorten the text to %(limit)s characters.", "text", {"limit": limit})]
    return []


def may_supplement(state: str, count: int) -> bool:
    """Whether something can still be added."""
    return state not in ("withdrawn", "closed") and count < SUPPLEMENTS


def may_withdraw(state: str) -> bool:
    """Whether the petition can still be taken back: before there is a reply (T28)."""
    return state in _OPEN


def may_rate(state: str, replied: bool, rated: bool) -> bool:
    """Whether the reply can be rated: once, after it was issued (信访工作条例 Art. 21)."""
    return replied and not rated and state in _ANSWERED


def petitioner_key(key: bytes, phone: str | None, mail: str | None) -> str | None:
    """A keyed hash that is equal for the same petitioner and means nothing outside; the phone counts first.

    Args:
        key: the house's key for petitioners; reports on persons use one of their own, so that nothing links
            a reporter to their other petitions.
        phone: E.164.
        mail: normalised address.
    """
    contact = phone or mail
    if contact is None:
        return None
    return hashlib.blake2b(contact.encode(), key=key, digest_size=16).hexdigest()


#: Roles whose holders work on the cases of their unit.
CASE_ROLES: Final = frozenset({"officer", "checker", "unit_head"})


def may_see_contact(
    roles: frozenset[str], staff_unit: str | None, *, sealed: bool, unit: str | None, unit_line: list[str]
) -> bool:
    """Whether a member of staff may see how to reach the petitioner.

    Sealed reports: sealed-case officers alone (信访工作条例 Art. 30 ¶3). Others: dispatchers, and those who
    work on cases in the responsible unit or above it.
    """
    if sealed:
        return "sealed_officer" in roles
    if "dispatcher" in roles:
        return True
    return bool(roles & CASE_ROLES) and staff_unit is not None and (staff_unit == unit or staff_unit in unit_line)
