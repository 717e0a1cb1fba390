"""The rules of a case: which step may follow which state, what its texts must hold, who may see it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final, Literal, Protocol, get_args

from services.contracts.shared import Kind, State

Step = Literal["dispatch", "accept", "objection", "reply", "merge", "unmerge"]

#: States in which a case still waits for somebody.
OPEN: Final[tuple[State, ...]] = ("under_review", "objected", "dispatched", "accepted")

#: From which states each step may be taken (research: T4, T9 to T12, T19).
FROM: Final[Mapping[Step, frozenset[State]]] = {
    "dispatch": frozenset({"under_review", "objected", "dispatched"}),
    "accept": frozenset({"dispatched"}),
    "objection": frozenset({"dispatched"}),
    "reply": frozenset({"accepted"}),
    "merge": frozenset(OPEN),
    "unmerge": frozenset(OPEN),
}
#: Steps that are the dispatcher's.
_DISPATCHING: Final = frozenset({"dispatch", "merge", "unmerge"})
#: Steps on a sealed case: nobody hands it back, and it is handled together with no other.
_SEALED: Final = frozenset({"dispatch", "accept", "reply"})
ENDED: Final[tuple[State, ...]] = ("closed", "withdrawn")

#: A reason must say something (Art. 23 ¶3: detailed reasons).
MIN_REASON = 10
MIN_REPLY = 20
MAX_TEXT = 20_000
MAX_REASON = 2_000
MAX_BASIS = 2_000

Outcome = Literal["supported", "explained", "not_supported", "answered", "adopted"]
ALL_OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)

#: The outcomes that suit each kind: three by Art. 32; inquiries are answered, suggestions adopted or not (Art. 29).
OUTCOMES: Final[Mapping[Kind, tuple[Outcome, ...]]] = {
    "complaint": ("supported", "explained", "not_supported"),
    "report": ("supported", "explained", "not_supported"),
    "inquiry": ("answered", "explained"),
    "suggestion": ("adopted", "explained", "not_supported", "answered"),
}

#: Roles that work a unit's cases.
UNIT_ROLES: Final = frozenset({"officer", "unit_head", "checker"})
#: Roles that see every case that is not sealed.
COUNTY_ROLES: Final = frozenset({"dispatcher", "supervisor"})
SEALED_ROLE: Final = "sealed_officer"
ALL_ROLES: Final = (
    "dispatcher",
    "officer",
    "checker",
    "unit_head",
    "supervisor",
    "sealed_officer",
    "publisher",
    "administrator",
)


class Viewer(Protocol):
    """Who looks or acts: the part of a staff account that the rules ask for."""

    @property
    def id(self) -> str: ...
    @property
    def unit_id(self) -> str | None: ...
    @property
    def roles(self) -> frozenset[str]: ...


def may(step: Step, viewer: Viewer, *, sealed: bool, unit_id: str | None) -> bool:
    """True when this member of staff may take the step on a case that they can see.

    Sealed cases are worked by sealed-case officers alone, others never by them as such.
    """
    if sealed:
        return SEALED_ROLE in viewer.roles and step in _SEALED
    if step in _DISPATCHING:
        return "dispatcher" in viewer.roles
    return unit_id is not None and viewer.unit_id == unit_id and bool(viewer.roles & {"officer", "unit_head"})


def reply_problem(kind: Kind, text: str, outcome: str) -> str | None:
    """Code of what is wrong with a reply, None when it may go out."""
    if _letters(text) < MIN_REPLY:
        return "reply_too_short"
    if len(text) > MAX_TEXT:
        return "reply_too_long"
    if outcome not in OUTCOMES[kind]:
        return "wrong_outcome"
    return None


def reason_problem(reason: str, least: int = MIN_REASON) -> str | None:
    """Code of what is wrong with a reason, None when it says something."""
    if _letters(reason) < least:
        return "reason_too_short"
    if len(reason) > MAX_REASON:
        return "reason_too_long"
    return None


def tidy(text: str) -> str:
    """A text of staff as it is kept: no control characters but line breaks and tabs, no blanks around it.

    A NUL is taken by no PostgreSQL, here nor where the event is read.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs")).strip()


def _letters(text: str) -> int:
    """Length of a text without what cannot be seen."""
    text = text.strip()
    return len(text) if text.isprintable() else sum(c.isprintable() or c in "\n\t" for c in text)


def line_text(line: Sequence[str]) -> str:
    """Ids of superiors in one column, ``/a/b/``, so that one comparison finds any of them."""
    return "/" + "/".join(line) + "/" if line else ""


def line_of(text: str) -> list[str]:
    """The ids that ``line_text`` wrote."""
    return [part for part in text.split("/") if part]
