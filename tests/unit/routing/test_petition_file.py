"""A file of petitions: what cannot be used is refused with its line and a stable code, or passed over and told."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from services.chassis.errors import Refusal
from services.routing.topics.petition_file import LONGEST_BODY, read_petitions, told
from tests.unit.routing.petition_texts import FILLER, rows, write

ZONE = ZoneInfo("Asia/Shanghai")
GOOD = rows(FILLER[:3])


def refused(path: Path, **how: bool) -> Refusal:
    with pytest.raises(Refusal) as error:
        read_petitions(path, ZONE, **how)
    return error.value


def lines(path: Path, *more: str) -> Path:
    path.write_text("\n".join([*(json.dumps(row, ensure_ascii=False) for row in GOOD), *more]), encoding="utf-8")
    return path


def test_a_packed_file_is_read_like_a_plain_one(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.jsonl", GOOD)
    packed = tmp_path / "a.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read_petitions(packed, ZONE).rows == read_petitions(plain, ZONE).rows
    assert [row.id for row in read_petitions(plain, ZONE).rows] == ["p00", "p01", "p02"]


def test_a_time_without_a_zone_is_of_the_jurisdiction(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [{**GOOD[0], "submitted_at": "2026-03-02T08:00:00"}])
    at = read_petitions(path, ZONE).rows[0].at
    assert at is not None and at.isoformat() == "2026-03-02T00:00:00+00:00"


def test_a_mark_at_the_start_and_empty_lines_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n\n".join(json.dumps(row) for row in GOOD) + "\n\n", encoding="utf-8-sig")
    assert len(read_petitions(path, ZONE).rows) == 3


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"")
    error = refused(path)
    assert error.code == "no_rows" and "empty" in str(error)


def test_broken_json_names_its_line(tmp_path: Path) -> None:
    error = refused(lines(tmp_path / "a.jsonl", '{"title": "半句'))
    assert (error.code, error.field) == ("bad_json", "a.jsonl:4")


@pytest.mark.parametrize("line", ["[1, 2]", '"text"', "7", "null"])
def test_a_row_that_is_no_object_names_its_line(tmp_path: Path, line: str) -> None:
    error = refused(lines(tmp_path / "a.jsonl", line))
    assert (error.code, error.field) == ("not_an_object", "a.jsonl:4")


def test_deeply_nested_json_is_refused_and_does_not_break_us(tmp_path: Path) -> None:
    assert refused(lines(tmp_path / "a.jsonl", "[" * 200_000)).code == "bad_json"


def test_wrong_columns_are_named_with_those_that_are_there(tmp_path: Path) -> None:
    error = refused(write(tmp_path / "a.jsonl", [{"标题": "路灯", "内容": "不亮"}]))
    assert error.code == "missing_columns"
    assert "title, body" in str(error) and "标题, 内容" in str(error)


def test_topics_need_a_time_and_look_alikes_do_not(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [{"title": title, "body": body} for title, body in FILLER[:2]])
    assert len(read_petitions(path, ZONE).rows) == 2
    assert refused(path, dated=True).code == "missing_columns"


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "big5"])
def test_another_encoding_is_refused(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(json.dumps({"title": "停水三天", "body": "水管坏了"}, ensure_ascii=False).encode(encoding))
    assert refused(path).code == "unknown_encoding"


def test_half_a_packed_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(GOOD[0]).encode() * 50)[:-9])
    assert refused(path).code == "broken_gzip"
    path.write_bytes(b"\x1f\x8bnothing of the kind")
    assert refused(path).code == "broken_gzip"


def test_an_endless_line_is_refused_before_it_fills_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.routing.json_lines.LONGEST_LINE", 1_000)
    path = write(tmp_path / "a.jsonl", [{"title": "长", "body": "长" * 2_000}])
    assert refused(path).code == "line_too_long"


def test_what_says_nothing_is_passed_over_and_told_with_its_line(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        [
            GOOD[0],
            {**GOOD[1], "title": "😀", "body": ""},
            {**GOOD[2], "id": GOOD[0]["id"]},
            {**GOOD[2], "submitted_at": "yesterday"},
        ],
    )
    found = read_petitions(path, ZONE)
    assert [row.id for row in found.rows] == ["p00"]
    assert [(one.line, one.code) for one in found.passed_over] == [(2, "no_words"), (3, "repeated_id"), (4, "bad_time")]
    assert any("[no_words]: line 2" in line for line in told(found.passed_over))


def test_a_file_of_emoji_alone_says_why_it_is_refused(tmp_path: Path) -> None:
    error = refused(write(tmp_path / "a.jsonl", [{"title": "😀", "body": "🎉"}]))
    assert error.code == "no_rows" and "no_words" in str(error)


def test_a_body_of_a_hundred_kilobytes_is_read_in_part_and_told(tmp_path: Path) -> None:
    found = read_petitions(write(tmp_path / "a.jsonl", [{**GOOD[0], "body": "煤灰" * 50_000}]), ZONE)
    assert len(found.rows[0].sheet.body) == LONGEST_BODY
    assert [one.code for one in found.passed_over] == ["body_cut"]


def test_numbers_that_are_none_count_as_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [{**GOOD[0], "likes": "many", "dislikes": -4}])
    row = read_petitions(path, ZONE).rows[0]
    assert (row.likes, row.dislikes) == (0, 0)


def test_half_a_character_does_not_break_what_is_printed(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"title": "\\ud83d 路灯不亮", "body": "三盏"}\n', encoding="utf-8")
    read_petitions(path, ZONE).rows[0].title.encode()
