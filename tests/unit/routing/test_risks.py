"""Dangers in a petition: none of our own set is missed, few harmless ones alarm, and each finding shows its words."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.contracts.envelope import Text
from services.routing.directory_file import SAMPLE, read
from services.routing.domain.directory import RiskWords
from services.routing.domain.judgement import Judge, Sheet
from services.routing.domain.risk_sentences import CLAUSE
from services.routing.domain.risks import CODES, PER_CODE, WORD, find_risks, levels
from services.routing.folding import fold
from tests.unit.routing.risk_texts import DANGERS, HARMLESS, TEXTS, Told

#: Of the harmless sentences so many may ask somebody on duty.
FALSE_ALARMS = 0.10
ROUNDS = (1, 2, 3, 4)
CALM = "请有关部门处理。"


def seen(*texts: str) -> dict[str, str]:
    return dict(levels(find_risks([fold(text) for text in texts])))


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(read(SAMPLE)[0], fold)


# ── the set ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_set_is_large_and_holds_every_kind_in_three_languages() -> None:
    assert len(DANGERS) >= 150 and len(HARMLESS) >= 100
    assert len({one.text for one in TEXTS}) == len(TEXTS)
    assert {one.code for one in DANGERS} == set(CODES)
    for number in ROUNDS:
        assert {one.code for one in DANGERS if one.round == number} == set(CODES)
        assert sum(one.round != number for one in TEXTS) >= len(TEXTS) * 0.5
    assert sum(one.text.isascii() for one in DANGERS) >= 50
    assert sum(fold(one.text) != one.text.lower() and not one.text.isascii() for one in TEXTS) >= 25


@pytest.mark.parametrize("told", DANGERS, ids=lambda told: f"{told.code}-{told.text[:16]}")
def test_no_danger_is_missed(told: Told) -> None:
    found = seen(told.text)
    assert told.code in found
    assert told.level == "watch" or found[told.code] == "urgent"


@pytest.mark.parametrize("number", ROUNDS)
def test_few_harmless_sentences_ask_somebody_on_duty(number: int) -> None:
    harmless = [one.text for one in HARMLESS if one.round == number]
    alarms = [text for text in harmless if "urgent" in seen(text).values()]
    assert len(alarms) <= FALSE_ALARMS * len(harmless), alarms


@pytest.mark.parametrize("told", DANGERS[::3], ids=lambda told: told.text[:16])
def test_a_danger_is_found_in_the_middle_of_other_matters(told: Told) -> None:
    around = f"请问今年的补贴什么时候发？{told.text}。建议多组织消防演练，谢谢。"
    assert seen(around).get(told.code) in ({"urgent"} if told.level == "urgent" else {"urgent", "watch"})


# ── negation, distance, calm ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("楼道里闻到煤气味", "urgent"),
        ("没有闻到煤气味", "watch"),
        ("厨房着火", "urgent"),
        ("厨房没有着火", None),
        ("没有人管，厨房着火", "urgent"),
        ("建议组织着火逃生演练", "watch"),
        ("请问着火了怎么办，现在楼道都是烟", "urgent"),
        ("仓库着火了，已经扑灭，谢谢消防员", "watch"),
        ("仓库着火了，扑灭以后现在又着了", "urgent"),
        ("燃气公司修路，我家楼下饭店味道不错", None),
        ("there is no smell of gas any more", "watch"),
        ("the house is on fire", "urgent"),
        ("what to do in case of a house fire", None),
    ],
)
def test_what_is_denied_over_or_only_spoken_of_is_no_danger_now(text: str, level: str | None) -> None:
    found = set(seen(text).values())
    assert found == ({level} if level else set())


def test_words_far_apart_or_in_two_sentences_are_no_danger_together() -> None:
    assert "gas" not in seen("燃气公司的师傅很好。楼下的饭店味道很香")
    # Water that is off is to be watched; three days and old people would make it urgent, were they of one sentence.
    assert seen("停水三天了，家里有透析的老人") == {"water": "urgent"}
    assert seen("停水通知收到了。三天后我去外地。家里有透析的老人") == {"water": "watch"}


# ── evidence ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("told", DANGERS, ids=lambda told: told.text[:16])
def test_every_finding_shows_the_words_in_their_clause(told: Told) -> None:
    for one in find_risks([fold(told.text)]):
        assert one.word and len(one.word) <= WORD and len(one.clause) <= CLAUSE
        assert one.clause in fold(told.text)


def test_no_long_number_is_in_the_evidence() -> None:
    (one, *_) = find_risks(["煤气味很大打13800131199没人接"])
    assert "13800131199" not in one.clause + one.word


def test_urgent_findings_come_first() -> None:
    found = [one.level for one in find_risks([fold("小区停水。楼道里煤气味很重。电压低。他扬言要杀人。")])]
    assert found == sorted(found, key=["urgent", "watch"].index) and set(found) == {"urgent", "watch"}


# ── the directory's own words, the judge ────────────────────────────────────────────────────────────


def test_the_directorys_words_are_to_be_watched_unless_it_says_urgent() -> None:
    for level in ("watch", "urgent"):
        risk = RiskWords("flood_gate", Text(zh="闸门"), ("闸门卡死",), level)
        judge = Judge(type(read(SAMPLE)[0])(jurisdiction=read(SAMPLE)[0].jurisdiction, risk_words=(risk,)), fold)
        found = judge.judge(Sheet(fold("村口闸门卡死"), "")).risk_findings
        assert [(one.code, one.level, one.word) for one in found] == [("flood_gate", level, "闸门卡死")]


def test_the_judgement_has_codes_and_findings_of_one_mind(judge: Judge) -> None:
    for told in TEXTS[::5]:
        judged = judge.judge(Sheet(fold(told.text), ""))
        assert judged.risks == sorted({one.code for one in judged.risk_findings})


def test_a_report_at_its_own_door_is_no_danger_by_being_one(judge: Judge) -> None:
    judged = judge.judge_report(Sheet(fold("举报所长受贿"), fold("他放话要打断我的腿")))
    assert judged.risks == ["threats"]


# ── any text ────────────────────────────────────────────────────────────────────────────────────────


@given(st.text(max_size=400))
def test_any_text_is_read_and_findings_are_few(text: str) -> None:
    found = find_risks([fold(text)])
    assert len(found) <= PER_CODE * len(CODES)


@settings(max_examples=60)
@given(st.sampled_from(DANGERS), st.sampled_from(HARMLESS))
def test_a_harmless_sentence_beside_it_hides_no_danger(told: Told, harmless: Told) -> None:
    for text in (f"{harmless.text}。{told.text}", f"{told.text}。{harmless.text}"):
        assert seen(text)[told.code] == "urgent" or told.level == "watch"


@settings(max_examples=60)
@given(st.sampled_from(TEXTS))
def test_title_and_body_are_read_alike(told: Told) -> None:
    assert seen(told.text, CALM) == seen(CALM, told.text) == seen(told.text)


@pytest.mark.parametrize(
    "piece", ["啊", "水", "停水三天", "火烟气电", "a", "gas ", "no water for ", "，", "😀", "打人"]
)
def test_a_hundred_kilobytes_are_read_in_a_moment(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    started = time.process_time()
    find_risks([fold(text)])
    assert time.process_time() - started < 5
