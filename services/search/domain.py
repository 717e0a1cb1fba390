"""The pure rules of search: who may find what, what a petition's row says, how much of a question must match."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

#: Reader keys of a document (see ``readers_of``).
OFFICE = "office"
SEALED = "sealed"
PUBLIC = "public"
#: Value of the unit where there is none yet.
NO_UNIT = "-"
#: Roles that see every petition but the sealed ones.
OFFICE_ROLES = frozenset({"dispatcher", "supervisor"})
#: Role that sees the sealed ones.
SEALED_ROLE = "sealed_officer"


class Reader(Protocol):
    """What the rule needs to know of a member of staff."""

    @property
    def unit_id(self) -> str | None:
        """Id of the unit the member works in."""

    @property
    def roles(self) -> frozenset[str]:
        """Codes of the roles held."""


@dataclass(frozen=True)
class AudienceFilter:
    """What one member of staff may find: documents that name one of ``keys`` among their readers."""

    keys: frozenset[str]

    def allows(self, readers: Iterable[str]) -> bool:
        """True when a document with these readers may be shown."""
        return not self.keys.isdisjoint(readers)


def unit_key(unit_id: str) -> str:
    """The reader key of everybody who works in a unit."""
    return f"unit:{unit_id}"


def audience_of(staff: Reader) -> AudienceFilter:
    """The one place where it is decided who may find what.

    Dispatchers and supervisors find everything that is not sealed; a member of a unit finds what was sent to
    the unit or to one below it; sealed cases are found by sealed-case officers alone (信访工作条例 Art. 30), who
    find nothing else by that role.
    """
    keys = set()
    if staff.roles & OFFICE_ROLES:
        keys.add(OFFICE)
    if staff.unit_id is not None and staff.roles - {SEALED_ROLE}:
        keys.add(unit_key(staff.unit_id))
    if SEALED_ROLE in staff.roles:
        keys.add(SEALED)
    return AudienceFilter(frozenset(keys))


#: What everybody may find, signed in or not.
EVERYBODY = AudienceFilter(frozenset({PUBLIC}))


def readers_of(audience: str, unit_id: str | None, unit_line: Sequence[str], *, public: bool = False) -> list[str]:
    """The reader keys of a document: the other half of the rule. An unknown audience is read by nobody.

    Args:
        audience: who may see the petition.
        unit_id: the responsible unit.
        unit_line: its superiors.
        public: the petition may be shown to everybody (``is_public``); counts for none that units may not see.
    """
    if audience == "sealed":
        return [SEALED]
    if audience == "dispatchers":
        return [OFFICE]
    if audience == "units":
        units = dict.fromkeys([*([unit_id] if unit_id else []), *unit_line])
        return [OFFICE, *map(unit_key, units), *([PUBLIC] if public else [])]
    return []


def is_public(*, agreed: bool, sealed: bool, audience: str, state: str, reply: str) -> bool:
    """True when everybody may read title and reply: the petitioner agreed, and there is an answer to read.

    A report on a person never, nor what reads like one, whatever was agreed.
    """
    return agreed and not sealed and audience == "units" and state in ("replied", "closed") and bool(reply)


#: What tells who or where somebody is: mail addresses, identity numbers, mobile and other phone numbers, number plates.
_PERSONAL = re.compile(
    r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+\.[A-Za-z0-9.-]*[A-Za-z0-9]"
    r"|(?<![0-9])[1-9][0-9]{16}[0-9Xx](?![0-9])"
    r"|(?<![0-9])(?:\+?86[- ]?)?1[3-9][0-9](?:[- ]?[0-9]{4}){2}(?![0-9])"
    r"|(?<![0-9])0[0-9]{2,3}[- ]?[0-9]{7,8}(?![0-9])"
    r"|[\u4e00-\u9fff][A-Z][·•]?[A-Z0-9]{5,6}(?![A-Z0-9])"
)
#: A person spoken to or of by name and title.
_NAMED = re.compile(
    r"(?:尊敬的)?[\u4e00-\u9fff]{1,3}(?:先生|女士|小姐|同志)|(?:Mr|Mrs|Ms|Miss)\.? [A-Z][\w'-]+|Dear [A-Z][\w' -]+(?=,)"
)


def without_persons(text: str) -> str:
    """A text as everybody may read it: numbers and addresses of persons are blotted out, so are names with a title."""
    return _NAMED.sub("＊＊", _PERSONAL.sub("＊＊", text))


def audience_now(sealed: bool, case_audience: str | None) -> str:
    """Who may see a petition: dispatchers until it is assessed; once anybody called it sealed it stays so."""
    return "sealed" if sealed else case_audience or "dispatchers"


def state_now(case_state: str | None, withdrawn: bool) -> str:
    """The state to show: the case's; a withdrawal shows at once, before routing has closed the case."""
    if withdrawn and case_state != "closed":
        return "withdrawn"
    return case_state or "submitted"


def month_of(moment: datetime, zone: str) -> str:
    """The month in the jurisdiction's zone, as 2026-03."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m")


#: Terms up to which a question is taken for key words; above it for a sentence somebody pasted.
KEYWORDS = 6


def demanded(runs: Sequence[tuple[str, ...]], *, loose: bool = False) -> list[tuple[str, ...]]:
    """The groups of terms that must each be found: every run of a short question, the whole of a long one.

    Args:
        runs: the terms, by run.
        loose: the question is no question but a title, of which any half finds its like.
    """
    if not loose and sum(map(len, runs)) <= KEYWORDS:
        return list(runs)
    return [tuple(dict.fromkeys(term for run in runs for term in run))]


def must_match(terms: int, *, loose: bool = False) -> int:
    """How many of the terms of a group must be found, and how many of the groups.

    All of up to three, so that a run of up to four characters is found whole; a quarter may be missing of up
    to six, and of more it takes 60 %, so that a pasted sentence still finds its like.
    Loosely asked, half of them.
    """
    if loose:
        return -(-terms // 2)
    if terms <= 2:
        return terms
    return terms - terms // 4 if terms <= KEYWORDS else terms * 60 // 100


_SEPARATORS = re.compile(r"[\s\-_./#:–—‐‑−]+")
_NUMBER = re.compile(r"[A-Z]{0,6}[0-9A-Z]{8,30}")


def number_keys(number: str) -> list[str]:
    """How a receipt number is looked up: without separators, with and without the letters it begins with."""
    key = _SEPARATORS.sub("", number.upper())
    return list(dict.fromkeys([key, key.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ") or key]))


def number_asked(text: str) -> str | None:
    """The key of a receipt number when the question looks like one: eight digits and more, no other words."""
    key = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text).upper())
    if _NUMBER.fullmatch(key) and sum(map(str.isdigit, key)) >= 8:
        return key
    return None
