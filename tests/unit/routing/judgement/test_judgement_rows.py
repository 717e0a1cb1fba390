"""A training file is read whole, or refused with the line that is wrong."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from services.chassis.errors import Refusal
from services.routing.json_lines import LONGEST_LINE
from services.routing.judgement.training_file import read_rows
from tests.unit.routing.judgement.decided import rows, written

GOOD = {"title": "路灯不亮", "body": "三天了", "label": "城管"}


def refused(path: Path, content: bytes) -> Refusal:
    path.write_bytes(content)
    with pytest.raises(Refusal) as caught:
        read_rows(path)
    return caught.value


def lines(*values: Any) -> bytes:
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values).encode()


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "gz-by-content"])
def test_plain_and_compressed_files_are_read_alike(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name, rows(12))
    if name == "gz-by-content":
        path.write_bytes(gzip.compress(path.read_bytes()))
    assert read_rows(path).rows == rows(12)


def test_a_row_without_an_id_is_known_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(lines(GOOD, GOOD))
    assert [row.id for row in read_rows(tmp_path / "a").rows] == ["1", "2"]


@pytest.mark.parametrize(
    ("content", "code", "field"),
    [
        (b"", "no_rows", "a"),
        (b"\n\n", "no_rows", "a"),
        (lines(GOOD) + b"title,body,label\n", "bad_json", "a:2"),
        (lines([1, 2]), "not_an_object", "a:1"),
        (b"[" * 200_000 + b"\n", "bad_json", "a:1"),
        (lines({"title": "路灯", "text": "x", "unit": "y"}), "missing_columns", "a:1"),
        (lines(GOOD, {**GOOD, "label": 7}), "not_text", "a:2"),
        (lines({**GOOD, "label": "长" * 300}), "label_too_long", "a:1"),
        (lines(GOOD) + b"\xff\xfe\n", "unknown_encoding", "a:2"),
        (gzip.compress(lines(*[GOOD] * 500))[:-20], "broken_gzip", "a"),
    ],
)
def test_a_wrong_file_is_refused_with_code_and_line(tmp_path: Path, content: bytes, code: str, field: str) -> None:
    found = refused(tmp_path / "a", content)
    assert (found.code, found.field) == (code, field)


def test_missing_columns_are_named(tmp_path: Path) -> None:
    assert "body, label" in str(refused(tmp_path / "a", lines({"title": "路灯"})))


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    assert refused(tmp_path / "a", b'{"title": "' + b"a" * (LONGEST_LINE + 10)).code == "line_too_long"


def test_rows_without_label_or_letters_are_left_out_and_counted(tmp_path: Path) -> None:
    empty = {"title": "😀", "body": "……", "label": "城管"}
    (tmp_path / "a").write_bytes(lines(GOOD, {**GOOD, "label": " "}, empty, {**GOOD, "label": None}))
    found = read_rows(tmp_path / "a")
    assert len(found.rows) == 1
    assert found.left_out == {"no_label": 2, "no_text": 1}


def test_half_a_character_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b'{"title": "\\ud83d \xe8\xb7\xaf", "body": "", "label": "x"}\n')
    assert read_rows(tmp_path / "a").rows[0].title.encode()
