"""Reads what the page and the API were asked; anything unknown is refused by its field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, cast

from services.chassis.errors import Refusal
from services.contracts.shared import KINDS
from services.contracts.words import STATE_NAMES
from services.search.domain import NO_UNIT
from services.search.engines import DEEPEST, FACETS, Sort

#: Characters of a question at most.
LONGEST: Final = 200
#: Hits a page, and what the API may ask for at most.
PAGE_SIZE: Final = 20
LARGEST_PAGE: Final = 100
#: Parameters of a question; the language switch of pages is let through.
PARAMETERS: Final = frozenset({"q", *FACETS, "sort", "page", "size"})
_ELSE: Final = frozenset({"lang"})

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_COUNT = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True)
class Question:
    """One question as it was understood."""

    text: str
    filters: Mapping[str, str]
    sort: Sort
    page: int = 1
    size: int = PAGE_SIZE

    @property
    def offset(self) -> int:
        """Hits before this page."""
        return (self.page - 1) * self.size


def read(asked: Mapping[str, str], knows_unit: Callable[[str], bool]) -> Question:
    """Read the parameters of a question.

    Args:
        asked: parameters as they came; empty ones count as absent.
        knows_unit: says whether a unit id is known.

    Raises:
        Refusal: with the field at fault.
    """
    given = {name: value.strip() for name, value in asked.items() if name not in _ELSE and value.strip()}
    for name in given:
        if name not in PARAMETERS:
            raise Refusal("unknown_parameter", "This parameter is not known here: leave it out.", field=name[:40])
    text = given.get("q", "")
    if len(text) > LONGEST:
        raise Refusal(
            "query_too_long",
            "The question is longer than %(limit)s characters: shorten it.",
            field="q",
            limit=LONGEST,
        )
    filters: dict[str, str] = {name: given[name] for name in FACETS if name in given}
    _check(filters, knows_unit)
    sort = given.get("sort", "relevance" if text else "newest")
    if sort not in ("relevance", "newest"):
        raise Refusal("unknown_sort", "Sort by relevance or by newest.", field="sort")
    size = _number(given, "size", PAGE_SIZE, LARGEST_PAGE)
    page = _number(given, "page", 1, 10**9)
    if page * size > DEEPEST:
        raise Refusal(
            "page_too_deep",
            "Only the first %(limit)s hits can be paged through: add a word or a filter.",
            field="page",
            limit=DEEPEST,
        )
    # Without words nothing is more relevant than anything else.
    return Question(text, filters, cast(Sort, sort) if text else "newest", page, size)


def _check(filters: Mapping[str, str], knows_unit: Callable[[str], bool]) -> None:
    if filters.get("kind", KINDS[0]) not in KINDS:
        raise Refusal("unknown_kind", "There is no such kind of petition: choose one of those listed.", field="kind")
    if filters.get("state", "submitted") not in STATE_NAMES:
        raise Refusal("unknown_state", "There is no such state: choose one of those listed.", field="state")
    if not _MONTH.fullmatch(filters.get("month", "2026-01")):
        raise Refusal("invalid_month", "Write the month as in 2026-03.", field="month")
    unit = filters.get("unit", NO_UNIT)
    if unit != NO_UNIT and not knows_unit(unit):
        raise Refusal("unknown_unit", "There is no such unit: choose one of those listed.", field="unit")


def _number(given: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = given.get(name)
    if text is None:
        return default
    if not _COUNT.fullmatch(text) or not 1 <= int(text) <= most:
        raise Refusal(f"invalid_{name}", "This must be a whole number from 1 to %(most)s.", field=name, most=most)
    return int(text)
