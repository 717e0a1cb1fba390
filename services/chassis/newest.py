"""The newest rows under each of many keys: a few steps of an index per key, however many rows stand under it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, bindparam, cast, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import InstrumentedAttribute, Session

from services.chassis.bulk import is_postgres

#: Parts the ids of one key; in no id.
_COMMA: Final = ","


class Newest:
    """Finds the newest ids under each key with one statement and one parameter for all keys.

    A window function (``row_number() over (partition by …)``) says the same, but numbers every row that stands under a
    key: of form letters and of large subjects these are thousands.

    Args:
        what: the id; without a comma in it.
        by: the columns of a key, texts or whole numbers; an index over them and then ``at`` is needed.
        at: what makes a row newer than another.
        most: ids per key at most.
    """

    def __init__(
        self,
        what: InstrumentedAttribute[str],
        by: Sequence[InstrumentedAttribute[Any]],
        at: InstrumentedAttribute[Any],
        most: int,
    ) -> None:
        self._what, self._by, self._at, self._most = what, tuple(by), at, most
        # Put together once: that takes longer than to run it for a few keys.
        self._statements: dict[tuple[bool, bool], Select[tuple[int, str | None]]] = {}

    def find(self, session: Session, keys: Sequence[tuple[Any, ...]], since: datetime | None = None) -> list[list[str]]:
        """Per key, in the order of the keys, its newest ids, sorted as texts.

        Args:
            session: an open transaction.
            keys: a value for each column of a key.
            since: only rows whose ``at`` is not before.
        """
        found: list[list[str]] = [[] for _ in keys]
        if not keys:
            return found
        kind = is_postgres(session), since is not None
        statement = self._statements.get(kind)
        if statement is None:
            statement = self._statements[kind] = self._put_together(*kind)
        values: dict[str, Any] = {"keys": json.dumps([[place, *key] for place, key in enumerate(keys)])}
        if since is not None:
            values["since"] = since
        for row in session.execute(statement, values):
            if row.ids:
                found[row.place] = sorted(row.ids.split(_COMMA))
        return found

    def _put_together(self, postgres: bool, dated: bool) -> Select[tuple[int, str | None]]:
        wanted = self._wanted(postgres)
        under = [column == wanted.c[f"k{place}"] for place, column in enumerate(self._by)]
        if dated:
            under.append(self._at >= bindparam("since", type_=self._at.type))
        some = select(self._what.label("id")).where(*under).order_by(self._at.desc()).limit(self._most)
        rows = some.correlate(wanted).subquery()
        # Gathered by a subquery per key: so no plan but the one by the index is open to the database.
        ids = select(func.aggregate_strings(rows.c.id, _COMMA)).correlate(wanted).scalar_subquery()
        return select(wanted.c.place, ids.label("ids"))

    def _wanted(self, postgres: bool) -> FromClause:
        """The keys as a table of place, k0, k1 …"""
        names = ["place", *(f"k{place}" for place in range(len(self._by)))]
        types = [literal(0).type, *(column.type for column in self._by)]
        keys = bindparam("keys", type_=literal("").type)
        values: list[ColumnElement[Any]]
        if postgres:
            row = func.jsonb_array_elements(cast(keys, JSONB)).table_valued("value", name="keys").c.value
            values = [cast(cast(row, JSONB)[i].astext, type_) for i, type_ in enumerate(types)]
        else:
            row = func.json_each(keys).table_valued("value", name="keys").c.value
            values = [func.json_extract(row, f"$[{i}]", type_=type_) for i, type_ in enumerate(types)]
        return select(*(value.label(name) for name, value in zip(names, values, strict=True))).subquery("wanted")
