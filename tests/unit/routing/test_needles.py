"""Patterns that are tried only where they can match find what they would find anyway."""

from __future__ import annotations

import re

import pytest

from services.routing.domain.needles import Alternatives, needles, runs_of
from services.routing.domain.risks import _RULES
from services.routing.folding import fold
from tests.unit.routing.risk_texts import STORIES, TEXTS


@pytest.mark.parametrize(
    ("pattern", "there", "away"),
    [
        ("煤气漏了", "楼道里煤气漏了", "煤堆上有气"),
        ("(?:煤|燃)气[^。]{0,3}漏", "燃气又漏", "燃气没有"),
        ("[水电]{2}停", "水电停了", "停了火"),
        ("(?:着火)?了", "了", "着火"),
        (r"(?<!不)漏(?!斗)", "漏水", "斗"),
        ("火+", "火火", "烟"),
    ],
)
def test_a_text_without_the_needles_of_a_pattern_does_not_match(pattern: str, there: str, away: str) -> None:
    needed = needles(pattern)
    assert needed and re.search(pattern, there) and not re.search(pattern, away)
    assert not any(some.isdisjoint(runs_of(there)) for some in needed)
    assert any(some.isdisjoint(runs_of(away)) for some in needed)


@pytest.mark.parametrize("pattern", [".", r"\d+天", "[^火]", "(?:火|)", "(?:火)?", "a*"])
def test_a_pattern_of_which_nothing_is_known_is_always_tried(pattern: str) -> None:
    assert all(not some.isdisjoint(runs_of("天天")) for some in needles(pattern))


@pytest.mark.parametrize(
    "alternatives",
    [["漏", "漏水", "水"], ["漏水", "漏", "水"], ["水.{0,2}", "漏.水", "(?<=水)管"]],
)
def test_alternatives_are_found_as_one_pattern_finds_them(alternatives: list[str]) -> None:
    for text in ("漏水漏水管水管", "水管漏漏水", "", "无事", "水" * 20 + "管"):
        whole = [match.span() for match in re.finditer("|".join(alternatives), text)]
        assert [match.span() for match in Alternatives(alternatives).find(text, runs_of(text))] == whole


@pytest.mark.parametrize("pattern", ["管?", "(?=管)", "(?i:pipe)", "(?i)pipe"])
def test_an_alternative_that_would_be_found_without_end_or_otherwise_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="neither nothing at all nor flags"):
        Alternatives(["水", pattern])


def test_every_rule_finds_in_every_text_of_ours_what_its_whole_pattern_finds() -> None:
    texts = [fold(one.text) for one in (*STORIES, *TEXTS)]
    assert len(texts) > 300
    found = 0
    for chinese in [pattern.chinese for rule in _RULES for _, pattern, _ in rule.parts]:
        whole = re.compile("|".join(chinese.patterns))
        for text in texts if chinese.patterns else ():
            spans = [match.span() for match in whole.finditer(text)]
            assert [match.span() for match in chinese.find(text, runs_of(text))] == spans
            found += len(spans)
    assert found > 500
