"""What names a row can be copied from every terminal and from every pipe."""

from __future__ import annotations

import io
import re

import pytest

from services.cli import listing

IDS = ["0199f0a4-7d1e-7c3a-9f00-2b8f0f4c1e77", "0199f0a4-7d1e-7c3a-9f00-2b8f0f4c1e78"]
HEADINGS = ("event", "queue", "type", "subject", "reason", "detail", "tries")
DETAIL = "IntegrityError at services/routing/handlers/petitions.py:118 " * 3


class Screen(io.StringIO):
    """Standard output on a terminal."""

    def isatty(self) -> bool:
        return True


def _printed(monkeypatch: pytest.MonkeyPatch, stdout: io.StringIO, columns: int, detail: str = DETAIL) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stdout", stdout)
    rows = [(id_, "routing.petitions", "petition.submitted.v1", id_, "handler_failed", detail, "6") for id_ in IDS]
    listing.show(HEADINGS, rows, right=("tries",))
    return re.sub(r"\x1b\[[0-9;]*m", "", stdout.getvalue()).splitlines()


@pytest.mark.parametrize("columns", [40, 80, 120, 200])
def test_an_id_stands_whole_on_a_line_of_every_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    lines = _printed(monkeypatch, Screen(), columns)
    for id_ in IDS:
        assert any(line.strip(" │").startswith(id_) for line in lines)
    assert max(map(len, lines)) <= columns


@pytest.mark.parametrize("columns", [80, 200])
def test_nothing_of_a_row_is_left_out(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    text = "".join(re.split(r"[\s│]+", "\n".join(_printed(monkeypatch, Screen(), columns, "one two three"))))
    for words in ("routing.petitions", "petition.submitted.v1", "handler_failed", "onetwothree"):
        assert words in text
    assert "…" not in text


def test_a_pipe_gets_lines_with_tabs_whatever_is_in_a_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    head, *rows = _printed(monkeypatch, io.StringIO(), 20, "a\tb\nc\x1b[31m")
    assert head.split("\t") == list(HEADINGS)
    assert [row.split("\t")[0] for row in rows] == IDS
    assert {row.split("\t")[5] for row in rows} == {r"a b c\x1b[31m"}


def test_text_that_looks_like_markup_is_printed_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "[red]no[/]" in "\n".join(_printed(monkeypatch, Screen(), 80, "[red]no[/]"))
