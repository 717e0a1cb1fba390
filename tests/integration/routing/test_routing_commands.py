"""The commands: importing a directory, keeping accounts, seeding one machine."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from services.chassis.house import House, open_house
from services.chassis.migrate import migrate
from services.chassis.passwords import password_matches
from services.chassis.settings import load
from services.routing import store
from services.routing.commands import app, prepare
from services.routing.directory_file import SAMPLE
from services.routing.settings import Settings

RUN = CliRunner()


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House[Settings]]:
    monkeypatch.setenv("WENZHENG_DATA_FOLDER", str(tmp_path))
    opened = open_house("routing", load(Settings, "routing", {}, data_folder=tmp_path))
    migrate(opened.database, "services.routing")
    yield opened
    opened.database.close()


def units(house: House[Settings]) -> dict[str, Any]:
    with house.database.read() as session:
        return dict(store.directory.read(session).unit_by_id)


def outbox_size(house: House[Settings]) -> int:
    with house.database.read() as session:
        from services.chassis.delivery import outbox

        return len(session.execute(outbox.select()).all())


def changed_file(tmp_path: Path, change: Any) -> Path:
    document = yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))
    change(document)
    path = tmp_path / "changed.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return path


def test_a_dry_run_shows_every_unit_and_changes_nothing(house: House[Settings]) -> None:
    result = RUN.invoke(app, ["directory", "import", str(SAMPLE), "--dry-run"])
    assert result.exit_code == 0, result.output
    assert "urban-management" in result.output and "30 added" in result.output
    assert units(house) == {} and outbox_size(house) == 0


def test_an_import_tells_of_each_unit_once(house: House[Settings]) -> None:
    assert RUN.invoke(app, ["directory", "import", str(SAMPLE)]).exit_code == 0
    assert len(units(house)) == 30 and outbox_size(house) == 30
    again = RUN.invoke(app, ["directory", "import", str(SAMPLE)])
    assert "0 added, 0 changed, 0 ended" in again.output
    assert outbox_size(house) == 30


def test_units_and_accounts_are_told_once_more_when_asked_for(house: House[Settings]) -> None:
    prepare(house)
    with house.database.read() as session:
        there = len(store.directory.read(session).units) + len(store.staff.accounts(session))
    before = outbox_size(house)
    result = RUN.invoke(app, ["directory", "announce"])
    assert result.exit_code == 0, result.output
    assert outbox_size(house) == before + there
    with house.database.read() as session:
        # Whoever heard of them the first time takes the second for the next.
        assert {row.sequence for row in store.staff.accounts(session)} == {2}


def test_a_second_import_shows_what_differs(house: House[Settings], tmp_path: Path) -> None:
    RUN.invoke(app, ["directory", "import", str(SAMPLE)])

    def change(document: Any) -> None:
        document["units"] = [one for one in document["units"] if one["id"] != "veterans"]
        document["units"][3]["lead"]["phone"] = "0990-0000000"

    result = RUN.invoke(app, ["directory", "import", str(changed_file(tmp_path, change))])
    assert "0 added, 1 changed, 1 ended" in result.output
    ended = units(house)["veterans"]
    assert ended.valid_to is not None
    assert outbox_size(house) == 32


def test_every_error_is_listed_and_nothing_is_changed(house: House[Settings], tmp_path: Path) -> None:
    def change(document: Any) -> None:
        document["units"][0]["superior"] = "housing"
        document["units"][3]["areas"] = ["000000"]

    result = RUN.invoke(app, ["directory", "import", str(changed_file(tmp_path, change))])
    assert result.exit_code == 2
    assert "unit_cycle" in result.stderr and "unknown_area" in result.stderr
    assert units(house) == {}


@pytest.mark.parametrize("there", [False, True], ids=["missing", "empty"])
def test_an_unmigrated_database_is_told_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    monkeypatch.setenv("WENZHENG_DATA_FOLDER", str(tmp_path))
    if there:
        (tmp_path / "routing.db").touch()
    result = RUN.invoke(app, ["staff", "list"])
    assert "wenzheng migrate routing" in str(result.exception)


def test_a_first_start_seeds_county_and_accounts_and_a_restart_says_the_same(house: House[Settings]) -> None:
    first = prepare(house)
    second = prepare(house)
    path = house.settings.data_folder / "staff-accounts.txt"
    accounts = yaml.safe_load(path.read_text(encoding="utf-8"))["accounts"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {one["id"] for one in accounts} >= {"dispatcher", "supervisor", "sealed-officer", "officer-housing"}
    assert set(accounts[0]) == {"id", "password", "name", "unit", "roles"}
    assert first[1:] == second
    with house.database.read() as session:
        row = store.staff.account(session, "officer-housing")
    (officer,) = [one for one in accounts if one["id"] == "officer-housing"]
    assert row is not None and row.unit_id == "housing"
    assert password_matches(row.password_hash, officer["password"])


def test_each_role_has_an_account_and_each_unit_an_officer(house: House[Settings]) -> None:
    prepare(house)
    with house.database.read() as session:
        rows = store.staff.accounts(session)
    roles = {role for row in rows for role in row.roles}
    assert len(roles) == 8
    open_units = {key for key, unit in units(house).items() if not unit.sealed}
    assert {row.unit_id for row in rows if "officer" in row.roles} == open_units


def test_an_account_is_made_listed_and_revoked(house: House[Settings]) -> None:
    prepare(house)
    made = RUN.invoke(app, ["staff", "add", "li", "--name", "李", "--role", "officer", "--unit", "housing"])
    assert made.exit_code == 0 and "password" in made.output
    before = outbox_size(house)
    assert RUN.invoke(app, ["staff", "revoke", "li"]).exit_code == 0
    assert outbox_size(house) == before + 1
    listed = [json.loads(line) for line in RUN.invoke(app, ["staff", "list", "--json"]).output.splitlines()]
    (row,) = [one for one in listed if one["id"] == "li"]
    assert row == {"id": "li", "name": "李", "unit": "housing", "roles": ["officer"], "active": False}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["li", "--name", "L", "--role", "emperor"], "unknown_role"),
        (["li", "--name", "L", "--role", "officer"], "unit_needed"),
        (["li", "--name", "L", "--role", "officer", "--unit", "nowhere"], "unknown_unit"),
        (["Li Ming", "--name", "L", "--role", "supervisor"], "wrong_account_id"),
    ],
)
def test_a_wrong_account_is_refused(house: House[Settings], arguments: list[str], code: str) -> None:
    result = RUN.invoke(app, ["staff", "add", *arguments])
    assert getattr(result.exception, "code", None) == code


def test_a_password_can_be_given_on_input(house: House[Settings]) -> None:
    prepare(house)
    result = RUN.invoke(app, ["staff", "password", "dispatcher", "--password-stdin"], input="a-long-password\n")
    assert result.exit_code == 0 and "a-long-password" not in result.output
    with house.database.read() as session:
        row = store.staff.account(session, "dispatcher")
    assert row is not None and password_matches(row.password_hash, "a-long-password")
