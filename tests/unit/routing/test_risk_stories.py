"""Dangers in longer texts: what makes a sign one of now, and what makes it an old story."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.contracts.intake import PetitionState, Supplement
from services.contracts.shared import Place
from services.routing.directory_file import SAMPLE, read
from services.routing.domain.judgement import Judge
from services.routing.domain.reading import read as read_petition
from services.routing.domain.risk_sentences import LONG, weight
from services.routing.domain.risks import LOOKS, find_risks, levels
from services.routing.domain.sameness import Commonness
from services.routing.folding import fold
from tests.unit.routing.risk_texts import STORIES

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
#: A complaint that names no danger, long enough to be a story.
TALK = (
    "我们小区的物业换了三家，账目从来没有公布过，楼道的灯坏了也不修，问起来总是说下个星期。业主群里反映过很多次，"
    "都没有人回答。停车位租给了外面的公司，我们自己的车只能停在路边，绿化带也踩成了泥地。"
)
#: Of the thirty harmless stories.
FALSE_ALARMS = 1
#: So many of a round's urgent stories wake somebody, whatever the kind that is found (docs/risk.md).
WAKES = {5: 39, 6: 13, 7: 8}


def seen(*texts: str) -> dict[str, str]:
    return dict(levels(find_risks([fold(text) for text in texts])))


def test_the_talk_is_a_story_and_no_danger() -> None:
    assert weight(fold(TALK)) > LONG and seen(TALK) == {}


@pytest.mark.parametrize("number", WAKES)
def test_no_fewer_stories_wake_somebody_than_the_figures_say(number: int) -> None:
    urgent = [one.text for one in STORIES if one.round == number and one.level == "urgent"]
    assert len(urgent) >= 15 and all(len(text) >= 125 for text in urgent)
    assert sum("urgent" in seen(text).values() for text in urgent) >= WAKES[number]


def test_few_long_complaints_that_only_sound_so_wake_somebody() -> None:
    harmless = [one.text for one in STORIES if not one.code]
    assert len(harmless) == 30
    alarms = [text for text in harmless if "urgent" in seen(text).values()]
    assert len(alarms) <= FALSE_ALARMS, alarms


@pytest.mark.parametrize(
    ("told", "code", "level"),
    [
        ("昨晚楼顶的广告牌掉下来砸到一个行人。", "danger_to_life", "urgent"),
        ("楼顶的广告牌掉下来砸到一个行人。", "danger_to_life", "watch"),
        ("去年楼顶的广告牌掉下来砸到一个行人。", "danger_to_life", "watch"),
        ("地下室的仓库起火了。", "fire", "watch"),
        ("地下室的仓库刚才起火了。", "fire", "urgent"),
        ("明天我们几十个业主去政府门口拉横幅。", "group_action", "urgent"),
        ("再没有人管我就去死。", "self_harm", "urgent"),
        ("当时他想自杀，后来住院治疗。", "self_harm", "watch"),
    ],
)
def test_in_a_story_a_sign_is_urgent_beside_a_word_of_these_days(told: str, code: str, level: str) -> None:
    assert seen(TALK + told + TALK)[code] == level


def test_where_a_long_text_begins_a_sign_needs_no_word_of_now() -> None:
    assert seen(f"地下室的仓库起火了。{TALK}")["fire"] == "urgent"
    assert seen(f"去年地下室的仓库起火了。{TALK}")["fire"] == "watch"


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("墙随时可能塌", "urgent"),
        ("怕围墙哪天倒下来砸到行人", "watch"),
        ("阳台的玻璃万一掉下来砸到行人", "watch"),
        ("If the wall collapsed on people", "watch"),
        ("We could smell gas in the hall", "urgent"),
        ("要是再不给钱我就杀了你", "urgent"),
    ],
)
def test_what_may_only_come_is_to_be_watched_and_what_somebody_will_do_is_urgent(text: str, level: str) -> None:
    found = set(seen(text).values())
    assert ("urgent" in found) == (level == "urgent") and found


def test_a_headline_that_the_long_text_says_nothing_of_wakes_nobody() -> None:
    title = "我要被物业打死了"
    assert "urgent" in seen(title).values()
    assert "urgent" not in seen(title, TALK).values()
    assert "urgent" in seen("不想活了", TALK).values()
    assert seen("楼道里起火了", f"{TALK}刚才楼道里起火了。")["fire"] == "urgent"


def test_several_signs_close_together_are_a_danger_though_none_of_our_descriptions_fits() -> None:
    told = "今晚坡道的沙袋垮了，里面那间的门拉不开，两位大姐一直在喊。"
    assert seen(TALK + told) == {"danger_to_life": "urgent"}
    assert seen(TALK + told.replace("今晚", "")) == {}


def test_what_is_added_is_read_by_itself_however_long_the_petition_is() -> None:
    judge = Judge(read(SAMPLE)[0], fold)

    def risks(*added: str) -> dict[str, str]:
        petition = PetitionState(
            kind="complaint",
            title="物业",
            body=TALK,
            place=Place(text=""),
            submitted_at=NOW,
            supplements=[Supplement(text=text, at=NOW) for text in added],
        )
        judgement = read_petition("p", "n", petition, judge, fold, Commonness(), sealed=False).judgement
        return dict(levels(judgement.risk_findings))

    assert risks() == {}
    assert risks("仓库起火了") == {"fire": "urgent"}
    assert risks("谢谢", "仓库起火了") == {"fire": "urgent"}


def test_harmless_words_before_it_hide_no_danger() -> None:
    assert seen("去年起火。" * (LOOKS // 2) + "现在楼道里起火了")["fire"] == "urgent"


@pytest.mark.parametrize("number", ["13800131199", "138 0013 1199", "138-0013-1199", "11010119900307123x"])
def test_no_number_of_a_person_is_in_the_evidence(number: str) -> None:
    (one, *_) = find_risks([f"煤气味很大打{number}没人接"])
    assert "0013" not in one.clause + one.word and "1199" not in one.clause + one.word
