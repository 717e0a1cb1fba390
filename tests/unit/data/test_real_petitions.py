"""The rules held against real petitions: the folder is named by DATA; without it these tests, and no others, skip."""

from __future__ import annotations

import gzip
import itertools
import json
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from services.intake.domain.petition import BODY_LENGTH
from services.intake.reading import language_of
from services.routing.directory_file import SAMPLE, read
from services.routing.domain.judgement import Judge, Sheet
from services.routing.folding import fold
from services.search import tokens

pytestmark = pytest.mark.data

DATA = Path(os.environ.get("DATA", Path(__file__).resolve().parents[4] / "shared" / "data"))


def rows(name: str, number: int) -> list[dict[str, Any]]:
    path = DATA / f"{name}.jsonl.gz"
    if not path.exists():
        pytest.skip(f"no development data in {DATA}; DATA names its folder")

    def lines() -> Iterator[dict[str, Any]]:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            yield from map(json.loads, file)

    return list(itertools.islice(lines(), number))


def test_every_real_petition_is_judged_or_left_to_the_dispatcher_with_a_reason() -> None:
    directory, _ = read(SAMPLE)
    judge = Judge(directory.on(date(2026, 3, 2)), fold)
    judgements = [
        judge.judge(Sheet(fold(r["title"]), fold(r["body"]), "", None)) for r in rows("labelled_topics", 2000)
    ]
    assert all(judgement.reasons for judgement in judgements)
    # The units are of another county and the words our own; still most matters of a county are known by them.
    assert sum(judgement.unit is not None for judgement in judgements) / len(judgements) >= 0.6


def test_real_petitions_fit_into_the_form() -> None:
    assert [r["title"] for r in rows("labelled_topics", 5000) if len(r["body"]) > BODY_LENGTH] == []


def test_real_traditional_texts_are_known_as_such_and_simplified_ones_are_not() -> None:
    traditional = [language_of(r["title"] + (r["body"] or ""), "en") for r in rows("traditional_chinese", 1500)]
    simplified = [language_of(r["title"] + r["body"], "en") for r in rows("labelled_topics", 1500)]
    assert traditional.count("zh-Hant") / len(traditional) >= 0.97
    assert simplified.count("zh-Hans") / len(simplified) >= 0.97


def test_words_of_a_real_title_are_found_and_marked_in_it() -> None:
    for row in rows("traditional_chinese", 300) + rows("labelled_topics", 300):
        terms = frozenset(tokens.cut(row["title"]).split())
        assert terms
        assert list(tokens.occurrences(row["title"], terms))
