"""`wenzheng reconcile` beside a running house: what was falsified behind its back is named, mended, and then gone."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from tests.house import ROOT, House, until

pytestmark = pytest.mark.broker


def reconcile(house: House, folder: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, the JSON file, and what was printed."""
    file = folder / f"{uuid.uuid4().hex}.json"
    done = subprocess.run(
        [sys.executable, "-m", "services.cli.main", "reconcile", "--json", str(file), *options],
        env=house.environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.returncode, json.loads(file.read_text(encoding="utf-8")), done.stdout + done.stderr


def execute(house: House, service: str, statement: str, **values: Any) -> int:
    """Something is done to a database behind its service's back. Returns how many rows it met."""
    url = house.environ.get(f"WENZHENG_{service.upper()}_DATABASE_URL", f"sqlite:///{house.folder}/{service}.db")
    engine = create_engine(url, **({"connect_args": {"timeout": 30}} if url.startswith("sqlite") else {}))
    try:
        with engine.begin() as connection:
            return int(connection.execute(text(statement), values).rowcount)
    finally:
        engine.dispose()


def named(found: dict[str, Any]) -> set[tuple[str, str, bool]]:
    """(service, kind, repaired) of every difference."""
    return {(s["service"], d["kind"], d["repaired"]) for s in found["services"] for d in s["differences"]}


def test_nothing_differs_in_a_house_at_work(house: House, tmp_path: Path) -> None:
    receipts = [house.file() for _ in range(30)]
    # Their events are still on the way.
    code, found, said = reconcile(house, tmp_path)
    assert (code, named(found)) == (0, set()), said
    assert [s["service"] for s in found["services"]] == ["routing", "intake", "notify", "search"]
    assert all(s["compared"] >= len(receipts) for s in found["services"]), said
    assert "nothing differs" in said


def test_what_was_falsified_or_deleted_is_named_repaired_and_then_gone(house: House, tmp_path: Path) -> None:
    receipt = house.file(title="桥头路灯整夜不亮")
    number = receipt["number"]
    house.judged(number)
    until(lambda: house.found(q=number))
    until(lambda: {"received", "dispatched"} <= {m["occasion"] for m in house.messages(number)})
    # Whatever other tests left on the way has come.
    assert reconcile(house, tmp_path)[0] == 0
    told = len(house.messages(number))
    falsify = "update {table} set {column} = :value where number = :number"
    for service, table, column, value in (
        ("routing", "petition_case", "title", "别的"),
        ("intake", "petition", "state", "closed"),
        ("notify", "correspondence", "title", "别的"),
    ):
        statement = falsify.format(table=table, column=column)
        assert execute(house, service, statement, value=value, number=number) == 1
    assert execute(house, "search", "delete from petition_view where number = :number", number=number) == 1

    code, found, said = reconcile(house, tmp_path, "--check", "--grace", "1")
    everywhere = {
        ("routing", "different"),
        ("intake", "different"),
        ("notify", "different"),
        ("search", "missing"),
    }
    assert (code, named(found)) == (1, {(*one, False) for one in everywhere}), said
    assert not house.found(q=number)

    code, found, said = reconcile(house, tmp_path, "--grace", "1")
    assert (code, named(found)) == (1, {(*one, True) for one in everywhere}), said
    assert found["repaired"] == found["differed"] == 5
    assert (house.case(number) or {})["title"] == "桥头路灯整夜不亮"
    until(lambda: [hit["number"] for hit in house.found(q="桥头路灯")] == [number])
    assert len(house.messages(number)) == told

    code, found, said = reconcile(house, tmp_path, "--grace", "1")
    assert (code, found["differed"]) == (0, 0), said


def test_one_service_can_be_compared_from_a_day_on(house: House, tmp_path: Path) -> None:
    house.file()
    code, found, said = reconcile(house, tmp_path, "search", "--since", "2199-01-01")
    assert (code, [(s["service"], s["compared"]) for s in found["services"]]) == (0, [("search", 0)]), said
