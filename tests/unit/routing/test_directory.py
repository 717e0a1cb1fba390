"""The directory file: every error at once with its path, and what an import would change."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.routing.directory_file import SAMPLE, read
from services.routing.domain.directory import changes

GOOD: dict[str, Any] = {
    "jurisdiction": {"id": "x", "name": {"zh": "某县"}, "adcode": "1"},
    "valid_from": date(2026, 1, 1),
    "areas": [{"id": "1", "name": {"zh": "某县"}, "parent": None}, {"id": "11", "name": {"zh": "东镇"}, "parent": "1"}],
    "subjects": [{"id": "roads", "name": {"zh": "道路"}, "parent": None, "words": {"路": 2}}],
    "units": [
        {"id": "a", "name": {"zh": "甲局"}, "parent": None, "superior": None, "subjects": ["roads"], "areas": ["1"]},
        {"id": "b", "name": {"zh": "乙局"}, "parent": "a", "superior": "a", "subjects": [], "areas": ["11"]},
    ],
}


def problems(tmp_path: Path, **parts: Any) -> list[tuple[str, str]]:
    path = tmp_path / "directory.yaml"
    path.write_text(yaml.safe_dump({**GOOD, **parts}, allow_unicode=True), encoding="utf-8")
    return [(problem.code, problem.path) for problem in read(path)[1]]


def unit(unit_id: str, **values: Any) -> dict[str, Any]:
    return {"id": unit_id, "name": {"zh": unit_id}, **values}


def test_the_sample_county_has_no_error() -> None:
    directory, found = read(SAMPLE)
    assert found == []
    assert len(directory.units) >= 25
    assert all(one.name.en for one in directory.units)


def test_the_example_and_the_packaged_file_are_one() -> None:
    assert (Path(__file__).resolve().parents[3] / "examples" / "directory.yaml").read_bytes() == SAMPLE.read_bytes()


def test_a_good_file_is_read(tmp_path: Path) -> None:
    assert problems(tmp_path) == []


def test_a_circle_of_superiors_is_named_once(tmp_path: Path) -> None:
    units = [unit("a", superior="b"), unit("b", superior="c"), unit("c", superior="a")]
    assert problems(tmp_path, units=units) == [("unit_cycle", "units.a.superior")]


def test_a_unit_above_itself_is_a_circle(tmp_path: Path) -> None:
    assert problems(tmp_path, units=[unit("a", parent="a")]) == [("unit_cycle", "units.a.parent")]


def test_every_unknown_reference_is_named_at_once(tmp_path: Path) -> None:
    units = [unit("a", parent="no", subjects=["none"], areas=["9"])]
    assert set(problems(tmp_path, units=units)) == {
        ("unknown_unit", "units.a.parent"),
        ("unknown_subject", "units.a.subjects"),
        ("unknown_area", "units.a.areas"),
    }


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"units": [unit("a"), unit("a")]}, ("duplicate_id", "units.a")),
        ({"units": [unit("a", words={"路": 0})]}, ("wrong_weight", "units.a.words.路")),
        ({"units": [unit("a", words={"路": 11})]}, ("wrong_weight", "units.a.words.路")),
        ({"units": [unit("a", words={"路": "many"})]}, ("wrong_weight", "units.a.words.路")),
        ({"units": [unit("a", valid_to=date(2025, 1, 1))]}, ("wrong_dates", "units.a.valid_to")),
        ({"units": [unit("a", superiour="b")]}, ("unknown_field", "units.a.superiour")),
        ({"units": [unit("a", sealed=True), unit("b", sealed=True)]}, ("several_sealed_units", "units")),
        ({"units": []}, ("missing", "units")),
        ({"valid_from": "soon"}, ("wrong_date", "valid_from")),
        (
            {"jurisdiction": {**GOOD["jurisdiction"], "promises": {"reply": 61}}},
            ("wrong_promise", "jurisdiction.promises.reply"),
        ),
        (
            {"jurisdiction": {**GOOD["jurisdiction"], "time_zone": "Mars/North"}},
            ("unknown_time_zone", "jurisdiction.time_zone"),
        ),
    ],
)
def test_an_error_has_its_code_and_path(tmp_path: Path, parts: dict[str, Any], expected: tuple[str, str]) -> None:
    assert expected in problems(tmp_path, **parts)


@pytest.mark.parametrize("text", ["", "[1, 2]", "a: [", "units: 7", "\x00"])
def test_what_is_no_directory_is_an_error_and_no_crash(tmp_path: Path, text: str) -> None:
    path = tmp_path / "directory.yaml"
    path.write_text(text, encoding="utf-8")
    assert read(path)[1]


def test_a_missing_file_is_an_error() -> None:
    assert [problem.code for problem in read(Path("/nowhere/directory.yaml"))[1]] == ["unreadable"]


def test_a_unit_left_out_ended_yesterday() -> None:
    old, _ = read(SAMPLE)
    new = replace(old, units=tuple(one for one in old.units if one.id != "veterans"))
    (change,) = changes(old, new, date(2026, 3, 2))
    assert (change.what, change.unit.id, change.unit.valid_to) == ("ended", "veterans", date(2026, 3, 1))
    assert not change.unit.valid_on(date(2026, 3, 2))


def test_only_what_differs_is_changed() -> None:
    old, _ = read(SAMPLE)
    units = tuple(replace(one, sealed=True) if one.id == "finance" else one for one in old.units)
    (change,) = changes(old, replace(old, units=units), date(2026, 3, 2))
    assert (change.what, change.unit.id, change.fields) == ("changed", "finance", ("sealed",))


def test_superiors_are_listed_nearest_first() -> None:
    directory, _ = read(SAMPLE)
    assert directory.line("traffic-police") == ["public-security", "county-government"]
