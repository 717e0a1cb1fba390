"""Rows found by pairs of values, in a form that an index answers on both databases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import InstrumentedAttribute


def pairs_in(
    first: InstrumentedAttribute[Any], second: InstrumentedAttribute[Any], pairs: Iterable[tuple[Any, Any]]
) -> ColumnElement[bool]:
    """Whether (first, second) is one of ``pairs``; an index over both columns is used.

    ``tuple_(first, second).in_(pairs)`` says the same, but SQLite reads the whole table for it (EXPLAIN QUERY PLAN:
    ``SCAN``; 500 pairs among 200,000 rows took 178 ms, in this form 2 ms). Few different values of ``first`` are best.
    """
    grouped: dict[Any, list[Any]] = defaultdict(list)
    for one, other in pairs:
        grouped[one].append(other)
    return or_(False, *((first == one) & second.in_(others) for one, others in grouped.items()))
