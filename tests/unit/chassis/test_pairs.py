"""Rows found by pairs of values."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from services.chassis.pairs import pairs_in


class Base(DeclarativeBase):
    pass


class Row(Base):
    __tablename__ = "row"
    portal: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(primary_key=True)


@pytest.fixture
def session() -> Session:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    session = Session(engine)
    session.add_all(Row(portal=portal, reference=reference) for portal in "ab" for reference in "123")
    session.flush()
    return session


@pytest.mark.parametrize(
    ("pairs", "found"),
    [
        ([("a", "1"), ("b", "3")], {("a", "1"), ("b", "3")}),
        ([("a", "9"), ("c", "1")], set()),
        ([], set()),
    ],
)
def test_exactly_the_named_pairs_are_found(
    session: Session, pairs: list[tuple[str, str]], found: set[tuple[str, str]]
) -> None:
    rows = session.scalars(select(Row).where(pairs_in(Row.portal, Row.reference, pairs)))
    assert {(row.portal, row.reference) for row in rows} == found


def test_the_table_is_not_read_through(session: Session) -> None:
    query = select(Row.reference).where(pairs_in(Row.portal, Row.reference, [("a", "1"), ("a", "2"), ("b", "3")]))
    compiled = query.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
    plan = [row[-1] for row in session.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))]
    assert any("SEARCH" in step for step in plan)
    assert not any(step.startswith("SCAN row") for step in plan)
