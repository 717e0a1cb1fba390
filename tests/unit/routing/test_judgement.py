"""The judgement: the right unit by words and place, the dispatcher when unsure, nothing said of reports on persons."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from services.routing.directory_file import SAMPLE, read
from services.routing.domain.judgement import Judge, Judgement, Sheet
from services.routing.folding import fold

PETITIONS = Path(__file__).resolve().parents[3] / "examples" / "petitions.jsonl"


@pytest.fixture(scope="module")
def judge() -> Judge:
    directory, problems = read(SAMPLE)
    assert problems == []
    return Judge(directory.on(date(2026, 3, 2)), fold)


@pytest.fixture(scope="module")
def petitions() -> list[dict[str, Any]]:
    return [json.loads(line) for line in PETITIONS.read_text(encoding="utf-8").splitlines()]


def judged(judge: Judge, title: str, body: str = "", place: str = "", adcode: str | None = None) -> Judgement:
    return judge.judge(Sheet(fold(title), fold(body), fold(place), adcode))


def codes(judgement: Judgement) -> list[str]:
    return [reason.code for reason in judgement.reasons]


def of_example(judge: Judge, row: dict[str, Any]) -> Judgement:
    sheet = Sheet(fold(row["title"]), fold(row["body"]), fold(row["place"].get("text", "")), row["place"].get("adcode"))
    return judge.judge_report(sheet) if row.get("door") == "report" else judge.judge(sheet)


def test_most_of_the_examples_reach_their_unit(judge: Judge, petitions: list[dict[str, Any]]) -> None:
    single = [row for row in petitions if row["expect_unit"] is not None]
    right = [row for row in single if of_example(judge, row).unit == row["expect_unit"]]
    assert len(right) / len(single) >= 0.85


def test_no_example_is_sent_to_a_wrong_unit(judge: Judge, petitions: list[dict[str, Any]]) -> None:
    wrong = [row["id"] for row in petitions if of_example(judge, row).unit not in (row["expect_unit"], None)]
    assert wrong == []


def test_examples_without_a_clear_unit_wait_for_the_dispatcher(judge: Judge, petitions: list[dict[str, Any]]) -> None:
    unclear = [row for row in petitions if row["expect_unit"] is None]
    assert unclear
    assert [of_example(judge, row).unit for row in unclear] == [None] * len(unclear)


def test_the_words_it_rests_on_are_told_with_their_share(judge: Judge) -> None:
    found = judged(judge, "路灯坏了", "小学门口的路灯三天不亮")
    words = {reason.detail: reason.weight for reason in found.reasons if reason.code == "word"}
    assert found.unit == "urban-management"
    assert "路灯" in words and words["路灯"] > words["不亮"] > 0


def test_traditional_and_full_width_letters_are_read_alike(judge: Judge) -> None:
    assert judged(judge, "路燈壞了，沒有路燈").unit == judged(judge, "路灯坏了，没有路灯").unit == "urban-management"
    assert judged(judge, "Ｓｔｒｅｅｔ ｌｉｇｈｔ is broken").unit == "urban-management"


def test_a_longer_word_hides_the_shorter_one_inside_it(judge: Judge) -> None:
    found = judged(judge, "Traffic police never come", "double parking every day")
    assert found.unit == "traffic-police"
    assert "police" not in [reason.detail for reason in found.reasons]


def test_an_english_word_is_not_found_inside_another(judge: Judge) -> None:
    # "vet" names livestock, "veteran" does not.
    assert judged(judge, "A veteran asks for his allowance").unit == "veterans"


def test_a_town_gets_only_matters_of_its_own_area(judge: Judge) -> None:
    there = judged(judge, "邻居占了我家宅基地", adcode="990102101")
    nowhere = judged(judge, "邻居占了我家宅基地")
    assert there.unit == "luting" and "place" in codes(there)
    assert nowhere.unit is None and codes(nowhere)[0] == "place_unknown"


def test_a_matter_outside_the_only_units_area_waits(judge: Judge) -> None:
    found = judged(judge, "暖气片不热，室温只有十度", "供暖一直不热", adcode="990103101")
    assert found.unit is None
    assert codes(found)[0] == "outside_area"


def test_the_area_is_read_from_the_words_of_the_place(judge: Judge) -> None:
    assert judged(judge, "路灯不亮", place="芦汀镇鸬浜村口").area == "990102101"
    assert judged(judge, "路灯不亮", "芦汀和砚坞交界处").area == "990100"


def test_two_matters_wait_for_the_dispatcher(judge: Judge) -> None:
    found = judged(judge, "物业费乱收，公交车也不来", "物业公司不公开账目，公交站等一小时没有公交车")
    assert found.unit is None
    assert codes(found)[0] == "two_matters"


def test_what_names_nothing_waits_with_its_reason(judge: Judge) -> None:
    found = judged(judge, "有件事", "说了很多次了")
    assert (found.unit, codes(found), found.confidence) == (None, ["no_match"], 0.0)


def test_what_reads_like_a_report_on_a_person_goes_to_no_unit(judge: Judge) -> None:
    found = judged(judge, "某所长索贿受贿", "他虚报冒领补贴，收好处费，打击报复")
    assert found.unit is None and found.on_person
    assert codes(found)[0] == "reads_like_report_on_person"
    assert found.subject is None


def test_a_report_on_a_person_is_never_judged_by_its_words(judge: Judge) -> None:
    found = judge.judge_report(Sheet(fold("教育局某科长"), fold("学校 学费 校服 补课 幼儿园")))
    assert found.unit == "discipline"
    assert codes(found) == ["sealed_door"]
    assert (found.subject, found.area) == (None, None)


def test_dangers_are_seen_whatever_the_unit(judge: Judge) -> None:
    assert judged(judge, "楼道里一股煤气味").risks == ["gas"]
    assert judged(judge, "路灯不亮").risks == []


def test_a_kind_is_suggested_only_when_the_words_are_clear(judge: Judge) -> None:
    assert judged(judge, "请问怎么办理居住证").kind == "inquiry"
    assert judged(judge, "建议在公园加两张椅子").kind == "suggestion"
    assert judged(judge, "路灯不亮").kind is None
