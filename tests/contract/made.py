"""Any event that a class allows, made by Hypothesis from the class itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st
from msgspec import inspect

from services.contracts.envelope import Event

#: Moments as they may lie (envelope.YEARS); hypothesis wants them without a zone.
_FIRST, _LAST = datetime(2000, 1, 1), datetime(2199, 12, 31)  # noqa: DTZ001
#: No NUL: no database takes it, so no event may hold it.
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)


def events(event: type[Event]) -> st.SearchStrategy[Event]:
    """Events of one class, optional fields there or not."""
    return _of(inspect.type_info(event))


def _of(kind: inspect.Type) -> st.SearchStrategy[Any]:
    match kind:
        case inspect.StructType():
            return st.fixed_dictionaries({field.name: _of(field.type) for field in kind.fields}).map(
                lambda values: kind.cls(**values)
            )
        case inspect.UnionType():
            return st.one_of([_of(part) for part in kind.types])
        case inspect.ListType():
            return st.lists(_of(kind.item_type), max_size=3)
        case inspect.LiteralType():
            return st.sampled_from(kind.values)
        case _:
            return _PLAIN[type(kind)]


_PLAIN: dict[type[inspect.Type], st.SearchStrategy[Any]] = {
    inspect.StrType: _TEXT,
    inspect.BoolType: st.booleans(),
    inspect.NoneType: st.none(),
    inspect.IntType: st.integers(-(2**53), 2**53),
    inspect.FloatType: st.floats(allow_nan=False, allow_infinity=False),
    inspect.DateTimeType: st.datetimes(_FIRST, _LAST, timezones=st.just(UTC)),
    inspect.DateType: st.dates(),
}
