"""Topics: one matter at one place is one group with a name a person would give it; the same file, the same report."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.domain.sameness import Commonness, Sheet, profile
from services.routing.folding import fold
from services.routing.topics.evidence import shared_phrases
from services.routing.topics.index import NEWEST, WEIGHED, Index
from services.routing.topics.naming import LONGEST, cleaned, name_of, phrases_of, place_of
from services.routing.topics.petition_file import read_petitions
from services.routing.topics.report import Topic, hot_topics, made_ready
from tests.unit.routing.petition_texts import DEPOT, FILLER, OTHER_PLACE, OTHER_TROUBLE, SINGLE, START, rows, write

ZONE = ZoneInfo("Asia/Shanghai")
END = START + timedelta(days=40)


def topics(tmp_path: Path, lines: Sequence[dict[str, Any]]) -> list[Topic]:
    return hot_topics(read_petitions(write(tmp_path / "a.jsonl", lines), ZONE).rows, START, END)


def test_the_petitions_of_one_matter_are_one_topic_and_no_stranger_is_in_it(tmp_path: Path) -> None:
    found = topics(tmp_path, rows())
    assert found[0].heat.heat == max(topic.heat.heat for topic in found)
    members = {row.id for row in found[0].rows}
    depot = {f"p{n:02}" for n in range(len(DEPOT))}
    assert members <= depot and len(members) > len(depot) / 2


def test_the_same_trouble_elsewhere_and_another_trouble_there_are_other_topics(tmp_path: Path) -> None:
    for topic in topics(tmp_path, rows()):
        titles = {row.title for row in topic.rows}
        kinds = [{t for t, _ in texts} & titles for texts in (DEPOT, OTHER_PLACE, OTHER_TROUBLE, SINGLE)]
        assert sum(bool(kind) for kind in kinds) == 1


def test_a_topic_is_named_by_place_and_trouble_without_phrases_of_asking(tmp_path: Path) -> None:
    name = topics(tmp_path, rows())[0].name
    assert "粮库" in name and ("煤" in name or "扬尘" in name)
    assert not name.startswith(("投诉", "关于", "请")) and not name.endswith(("？", "问题", "解决"))


def test_the_order_of_the_file_changes_nothing(tmp_path: Path) -> None:
    lines = rows()
    before = [topic.as_json() for topic in topics(tmp_path, lines)]
    random.Random(7).shuffle(lines)
    assert [topic.as_json() for topic in topics(tmp_path, lines)] == before


def test_what_lies_outside_the_period_is_in_no_topic(tmp_path: Path) -> None:
    lines = rows(DEPOT)
    lines[0]["submitted_at"] = (START - timedelta(days=3)).isoformat()
    lines[1]["submitted_at"] = (END + timedelta(days=3)).isoformat()
    assert {row.id for topic in topics(tmp_path, lines) for row in topic.rows}.isdisjoint({"p00", "p01"})


def test_petitions_that_have_nothing_in_common_are_no_topics(tmp_path: Path) -> None:
    assert topics(tmp_path, rows(SINGLE)) == []


def test_the_cases_of_a_topic_stand_in_the_order_of_time(tmp_path: Path) -> None:
    found = topics(tmp_path, rows())[0].as_json()
    assert found["cases"] == sorted(found["cases"])
    assert found["size"] == len(found["cases"]) and found["id"] == found["cases"][0]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("投诉锦梭路粮库旧址的露天煤场", "锦梭路粮库旧址的露天煤场"),
        ("关于粮库旧址煤场污染的问题", "粮库旧址煤场污染"),
        ("再次反映柳荫桥砂石场扬尘，何时能解决？", "柳荫桥砂石场扬尘"),
        ("请问望澄镇二组水塘的护栏什么时候解决？？", "望澄镇二组水塘的护栏"),
        ("Complaint about the street lamps on Jinsuo Road", "the street lamps on Jinsuo Road"),
        ("建议", "建议"),
        ("投诉问题", "投诉问题"),
    ],
)
def test_a_title_is_cleaned_of_the_words_in_which_it_asks(title: str, name: str) -> None:
    assert cleaned(title) == name


@given(st.text(max_size=80))
def test_cleaning_a_title_never_empties_it_and_is_done_at_once(title: str) -> None:
    short = cleaned(title)
    assert short == cleaned(short)
    assert bool(short) == bool(title.split())


@given(st.lists(st.text(alphabet="关于投诉煤堆扬尘的问题？ab ，", min_size=1, max_size=90), min_size=1, max_size=6))
def test_a_group_has_a_name_of_bounded_length(titles: list[str]) -> None:
    assert len(name_of(titles, Commonness())) <= LONGEST


def test_the_place_of_a_topic_is_a_phrase_its_petitions_share() -> None:
    common = Commonness()
    phrases = phrases_of([fold(f"{title} {body}") for title, body in OTHER_PLACE], common)
    assert any("砂石场" in phrase for phrase in phrases)
    assert place_of(["煤堆扬尘", "锦梭路"], ["锦梭路煤堆扬尘"]) == "锦梭路"
    assert place_of(["煤堆扬尘"], ["煤堆扬尘"]) == ""
    assert place_of(["锦梭路"], ["煤堆扬尘", "煤灰", "煤场", "煤堆"]) == ""
    assert place_of(["的问题", "公司的锦梭路"], ["锦梭路"]) == "锦梭路"


def test_the_evidence_of_a_pair_stands_in_both_of_them(tmp_path: Path) -> None:
    found = read_petitions(write(tmp_path / "a.jsonl", rows()), ZONE).rows
    index, _ = made_ready(found)
    places, phrases = shared_phrases(found[0].sheet, found[1].sheet, index.common)
    assert places or phrases
    for phrase in [*places, *phrases]:
        for row in found[:2]:
            assert phrase in f"{row.sheet.title}\n{row.sheet.body}"


# ── the index ────────────────────────────────────────────────────────────────────────────────────
def indexed(texts: Sequence[tuple[str, str]]) -> Index:
    sheets = [Sheet(f"p{n:05}", fold(title), fold(body)) for n, (title, body) in enumerate(texts)]
    common = Commonness()
    for sheet in sheets:
        common.add(sheet.cut().keys())
    index = Index(common)
    for sheet in sheets:
        index.add(profile(sheet, common))
    return index


def test_a_petition_comes_out_of_the_index_as_it_went_in() -> None:
    index = indexed(FILLER)
    sheet = Sheet("p00000", fold(FILLER[0][0]), fold(FILLER[0][1]))
    one, kept = profile(sheet, index.common), index.profile(0)
    assert list(kept.weights) == list(one.weights)
    assert kept.weights == pytest.approx(one.weights, rel=1e-5)
    assert kept.heads == pytest.approx(one.heads, rel=1e-5)


def test_the_index_finds_the_petition_itself_first_when_asked_by_a_copy() -> None:
    index = indexed(FILLER)
    for number, (title, body) in enumerate(FILLER):
        copy = profile(Sheet("copy", fold(title), fold(body)), index.common)
        assert index.nearest(copy, 1)[0][0] == number


def test_a_petition_is_not_told_as_its_own_look_alike() -> None:
    index = indexed(FILLER)
    assert all(number != 3 for number, _ in index.nearest(index.profile(3), 20))


def test_a_word_that_stands_everywhere_costs_no_more_than_its_newest() -> None:
    index = indexed([(f"路灯不亮{n}号", "路灯不亮") for n in range(3 * NEWEST)])
    assert max(len(numbers) for numbers in index._leads.values()) < 2 * NEWEST
    assert len(index.candidates(index.profile(5))) <= WEIGHED


def test_the_same_petitioner_is_weighed_though_no_word_is_shared() -> None:
    common = Commonness()
    index = Index(common)
    index.add(profile(Sheet("a", "路灯不亮", "", petitioner="k"), common))
    assert index.candidates(profile(Sheet("b", "水管爆裂", "", petitioner="k"), common)) == [0]
    assert index.candidates(profile(Sheet("b", "水管爆裂", "", petitioner="x"), common)) == []
