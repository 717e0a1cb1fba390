"""`wenzheng judge lookalikes` and `hot`: one JSON object or a table, a page of its own, refusals with a code."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.chassis.errors import Refusal
from services.routing.commands import app
from tests.unit.routing.petition_texts import DEPOT, FILLER, rows, write

RUN = CliRunner()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "petitions.jsonl", rows())


def judged(*arguments: str) -> dict[str, Any]:
    result = RUN.invoke(app, ["judge", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    assert result.stdout.count("\n") == 1
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def refusal(*arguments: str) -> Refusal:
    result = RUN.invoke(app, ["judge", *arguments])
    assert isinstance(result.exception, Refusal), result.output
    return result.exception


def test_pairs_are_told_with_score_and_evidence_the_most_alike_first(file: Path) -> None:
    found = judged("lookalikes", str(file))
    scores = [pair["score"] for pair in found["pairs"]]
    assert scores == sorted(scores, reverse=True) and scores
    first = found["pairs"][0]
    told = {"text", "title", "places", "phrases", "days", "same_petitioner", "apart"}
    assert set(first["evidence"]) == told
    assert first["merge"] is (first["score"] >= found["merge_from"])
    depot = {f"p{n:02}" for n in range(len(DEPOT))}
    assert {first["a"], first["b"]} <= depot


def test_the_same_file_gives_the_same_pairs(file: Path) -> None:
    assert judged("lookalikes", str(file)) == judged("lookalikes", str(file))


def test_a_table_shows_titles_and_reasons(file: Path) -> None:
    result = RUN.invoke(app, ["judge", "lookalikes", str(file)])
    assert result.exit_code == 0, result.output
    assert "p00" in result.stdout and "both say" in result.stdout


def test_a_title_with_marks_of_a_terminal_is_shown_as_it_is(tmp_path: Path) -> None:
    lines = rows([("[red]煤堆[/] 扬尘 [nobody]", DEPOT[0][1]), ("[red]煤堆[/] 扬尘 [nobody]", DEPOT[0][1])])
    result = RUN.invoke(app, ["judge", "lookalikes", str(write(tmp_path / "a.jsonl", lines))])
    assert result.exit_code == 0 and "[nobody]" in result.stdout


def test_how_long_a_petition_takes_is_measured(file: Path) -> None:
    found = judged("lookalikes", str(file), "--measure", "300")
    assert found["past"] == 300 and found["mean_ms"] > 0.0


def test_topics_are_told_with_size_span_heat_and_cases(file: Path) -> None:
    found = judged("hot", str(file))
    first = found["groups"][0]
    assert first["size"] == len(first["cases"]) > len(DEPOT) / 2
    assert first["span_days"] >= 1 and first["heat"] > 0.0
    assert found["formula"] == "heat = (people + support / 2) x burst"
    assert [group["heat"] for group in found["groups"]] == sorted((g["heat"] for g in found["groups"]), reverse=True)


def test_a_period_holds_both_its_days(file: Path) -> None:
    found = judged("hot", str(file), "--from", "2026-03-02", "--to", "2026-03-04")
    assert (found["from"], found["to"], found["rows"]) == ("2026-03-02", "2026-03-04", 3)


def test_what_was_passed_over_is_told_beside_and_in_the_object(tmp_path: Path) -> None:
    file = write(
        tmp_path / "a.jsonl", [*rows(FILLER[:4]), {**rows(FILLER[:1])[0], "id": "x", "title": "😀", "body": "🎉"}]
    )
    result = RUN.invoke(app, ["judge", "lookalikes", str(file), "--json"])
    assert json.loads(result.stdout)["passed_over"] == [{"line": 5, "code": "no_words"}]
    assert "[no_words]: line 5" in result.stderr


class Links(HTMLParser):
    """What a page would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "link", "img", "iframe", "object"):
            self.found.append(tag)
        self.found += [name for name, value in attrs if name in ("src", "href") or name.startswith("on")]


@pytest.mark.parametrize(("language", "heading"), [("zh-Hans", "热点"), ("zh-Hant", "熱點"), ("en", "Hot topics")])
def test_the_page_speaks_three_languages_and_needs_nothing_else(
    file: Path, tmp_path: Path, language: str, heading: str
) -> None:
    page = tmp_path / "hot.html"
    result = RUN.invoke(app, ["judge", "hot", str(file), "--page", str(page), "--language", language])
    assert result.exit_code == 0, result.output
    text = page.read_text(encoding="utf-8")
    assert f'<html lang="{language}">' in text and heading in text
    links = Links()
    links.feed(text)
    assert links.found == []
    assert re.findall(r"@import|url\((?![\"']?data:)", text) == []


def test_what_somebody_wrote_is_no_markup_on_the_page(tmp_path: Path) -> None:
    lines = rows([("<script>alert(1)</script>煤堆扬尘", body) for _, body in DEPOT[:1] * 3])
    page = tmp_path / "hot.html"
    assert (
        RUN.invoke(app, ["judge", "hot", str(write(tmp_path / "a.jsonl", lines)), "--page", str(page)]).exit_code == 0
    )
    assert "<script" not in page.read_text(encoding="utf-8")


def test_a_period_without_topics_has_a_page_that_says_so(tmp_path: Path) -> None:
    page = tmp_path / "hot.html"
    lines = rows(FILLER[-3:])
    RUN.invoke(app, ["judge", "hot", str(write(tmp_path / "a.jsonl", lines)), "--page", str(page), "--language", "en"])
    assert "No two petitions" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--from", "yesterday"), "not_a_date"),
        (("--from", "2026-05-01", "--to", "2026-04-01"), "period_ends_before_it_begins"),
        (("--from", "2031-01-01"), "nothing_in_period"),
        (("--from", "2031-01-01", "--to", "2031-02-01"), "nothing_in_period"),
        (("--language", "fr"), "unknown_language"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(file: Path, options: tuple[str, ...], code: str) -> None:
    assert refusal("hot", str(file), *options).code == code


@pytest.mark.parametrize("command", ["lookalikes", "hot"])
def test_a_file_that_is_none_is_refused_with_its_code(tmp_path: Path, command: str) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b"")
    assert refusal(command, str(file)).code == "no_rows"
    file.write_bytes(b"not json\n")
    assert refusal(command, str(file)).code == "bad_json"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = RUN.invoke(app, ["judge", "hot", str(tmp_path / "none.jsonl")])
    assert isinstance(result.exception, OSError) and result.exception.filename is not None
