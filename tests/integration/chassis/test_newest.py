"""The newest rows under each key are found on both databases, by the index and whatever stands under a key."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import BigInteger, Index, String, event, insert, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.chassis.database import Database, UtcDateTime
from services.chassis.newest import Newest

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


class Base(DeclarativeBase):
    pass


class Leaf(Base):
    __tablename__ = "leaf"

    id: Mapped[str] = mapped_column(String(20), primary_key=True)
    tree: Mapped[int] = mapped_column(BigInteger)
    colour: Mapped[str | None] = mapped_column(String(20))
    fell_at: Mapped[datetime] = mapped_column(UtcDateTime)


Index("leaf_tree", Leaf.tree, Leaf.id)
Index("leaf_look", Leaf.tree, Leaf.colour, Leaf.fell_at)

#: As bands are: up to 63 bits.
OAK, ELM, BARE = 2**63 - 1, 7, 0
BY_TREE = Newest(Leaf.id, [Leaf.tree], Leaf.id, 3)
BY_LOOK = Newest(Leaf.id, [Leaf.tree, Leaf.colour], Leaf.fell_at, 2)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path}/leaves.sqlite" if request.param == "sqlite" else ""
    found = Database(url or request.getfixturevalue("postgres_database"))
    Base.metadata.create_all(found.engine)
    leaves = [
        {"id": f"{name}-{number:02}", "tree": tree, "colour": colour, "fell_at": NOW + timedelta(days=number)}
        for name, tree in (("oak", OAK), ("elm", ELM))
        for number, colour in enumerate(["red", 'it\'s "brown"', None] * 4)
    ]
    with found.write() as session:
        session.execute(insert(Leaf), leaves)
    yield found
    found.close()


def test_each_key_has_its_newest_ids_sorted_and_a_key_without_rows_none(database: Database) -> None:
    with database.read() as session:
        assert BY_TREE.find(session, [(OAK,), (BARE,), (ELM,)]) == [
            ["oak-09", "oak-10", "oak-11"],
            [],
            ["elm-09", "elm-10", "elm-11"],
        ]
        assert BY_TREE.find(session, []) == []


def test_a_key_of_two_columns_is_found_as_it_stands_and_nothing_from_before(database: Database) -> None:
    with database.read() as session:
        brown = [(ELM, 'it\'s "brown"'), (ELM, "green")]
        assert BY_LOOK.find(session, brown) == [["elm-07", "elm-10"], []]
        assert BY_LOOK.find(session, brown, NOW + timedelta(days=8)) == [["elm-10"], []]
        assert BY_LOOK.find(session, brown) == [["elm-07", "elm-10"], []]


def test_of_a_key_under_which_many_stand_no_more_are_read_than_are_wanted(database: Database) -> None:
    many = [{"id": f"9-{n:05}", "tree": 9, "colour": "red", "fell_at": NOW} for n in range(5000)]
    with database.write() as session:
        session.execute(insert(Leaf), many)
        session.execute(text("analyze"))
    plans: list[str] = []

    def explain(connection, cursor, statement, parameters, context, executemany) -> None:  # type: ignore[no-untyped-def]
        if "wanted" in statement:
            how = "explain query plan " if database.engine.dialect.name == "sqlite" else "explain analyze "
            cursor.execute(how + statement, parameters)
            plans.extend(" ".join(map(str, row)) for row in cursor.fetchall())

    event.listen(database.engine, "before_cursor_execute", explain)
    with database.read() as session:
        assert BY_TREE.find(session, [(9,)]) == [["9-04997", "9-04998", "9-04999"]]
    plan = "\n".join(plans)
    assert "leaf_tree" in plan and "TEMP B-TREE" not in plan and "Sort" not in plan, plan
    assert "rows=5000" not in plan, plan
