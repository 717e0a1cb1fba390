"""What a petition must hold, what its petitioner may do, who may see a contact."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.contracts.shared import Place
from services.intake.domain import petition as rules
from services.intake.domain.language import detect, of_ours
from services.intake.domain.petition import Filing, Problem
from services.intake.reading import Handed, Way, Wrong, language_of, read

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
GOOD = Handed(kind="complaint", title="路灯不亮", body="橡园里路灯坏了三天。", phone="138 0013 0117")
FORM = Way(channel="form")


def faults(handed: Handed, way: Way = FORM) -> dict[str, str]:
    with pytest.raises(Wrong) as caught:
        read(handed, way, region="CN", now=NOW)
    return {problem.code: problem.field for problem in caught.value.problems}


def test_everything_wrong_is_said_at_once() -> None:
    found = faults(Handed(kind="poem", phone="12", place=Place(adcode="x", lat=200.0, lon=0.0)))
    assert found == {
        "unknown_kind": "kind",
        "empty_title": "title",
        "empty_body": "body",
        "phone_invalid": "contact.phone",
        "area_invalid": "place.adcode",
        "place_invalid": "place.lat",
    }


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"title": "长" * 101}, "title_too_long"),
        ({"title": " \n\u0000 "}, "empty_title"),
        ({"body": "长" * 20_001}, "body_too_long"),
        ({"body": "\u0007 \n"}, "empty_body"),
        ({"title": "\u200b\u200d \u3164"}, "empty_title"),
        ({"body": "\u2060\n\u00ad\u0301"}, "empty_body"),
        ({"mail": "not a mail"}, "mail_invalid"),
        ({"phone": ""}, "contact_missing"),
        ({"name": "名" * 61}, "name_too_long"),
        ({"language": "fr"}, "unknown_language"),
        ({"place": Place(lat=30.0)}, "place_incomplete"),
        ({"place": Place(text="地" * 201)}, "place_too_long"),
    ],
)
def test_each_fault_has_its_code(change: dict[str, object], code: str) -> None:
    assert code in faults(replace(GOOD, **change))  # type: ignore[arg-type]


def test_the_longest_allowed_text_is_taken() -> None:
    filing = read(replace(GOOD, title="长" * 100, body="长" * 20_000), FORM, region="CN", now=NOW)
    assert len(filing.body) == 20_000


def test_contacts_come_in_one_written_form() -> None:
    filing = read(replace(GOOD, mail=" Song@Example.org "), FORM, region="CN", now=NOW)
    assert filing.phone == "+8613800130117"
    assert filing.mail == "song@example.org"
    abroad = read(replace(GOOD, phone="+44 20 7946 0958"), FORM, region="CN", now=NOW)
    assert abroad.phone == "+442079460958"


def test_a_text_keeps_its_lines_and_loses_what_cannot_be_seen() -> None:
    assert rules.clean("  甲\r\n乙\u0000\u202e丙\t丁 ") == "甲\n乙丙\t丁"
    assert rules.clean("一\n 二", lines=False) == "一 二"


def test_a_report_on_a_person_is_never_published_and_needs_no_kind_or_contact() -> None:
    sealed = Handed(title="检举", body="收受礼品", sealed=True, publish=True)
    filing = read(sealed, Way(channel="form", contact_needed=False), region="CN", now=NOW)
    assert filing.sealed
    assert not filing.publish
    assert filing.kind == "report"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("请修路灯，谢谢。", "zh-Hans"),
        ("請修路燈，謝謝。", "zh-Hant"),
        ("小區電梯經常停運，老人上下樓很不方便", "zh-Hant"),
        ("The street lamp in Jinsuo Road is broken.", "en"),
        ("The lamp at 锦梭路 has been dark for three weeks, please send somebody.", "en"),
        ("小区里的 WiFi 和 LED 灯都坏了", "zh-Hans"),
        ("12345 !!", "zh-Hans"),
    ],
)
def test_the_language_is_told_from_the_text(text: str, language: str) -> None:
    assert language_of(text, "zh-Hans") == language


def test_a_text_without_letters_says_nothing_about_its_language() -> None:
    assert detect("2026-03-02 …", str) is None


def test_language_tags_of_others_are_understood() -> None:
    assert [of_ours(tag) for tag in ("zh", "zh-CN", "zh_TW", "zh-Hant-HK", "en-GB", "de")] == [
        "zh-Hans", "zh-Hans", "zh-Hant", "zh-Hant", "en", None,
    ]  # fmt: skip


def test_a_petitioner_is_known_again_by_phone_and_means_nothing_under_another_key() -> None:
    one = rules.petitioner_key(b"a" * 32, "+8613800130117", "a@example.org")
    assert one == rules.petitioner_key(b"a" * 32, "+8613800130117", None)
    assert one != rules.petitioner_key(b"b" * 32, "+8613800130117", None)
    assert rules.petitioner_key(b"a" * 32, None, None) is None
    assert "138" not in str(one)


def test_withdrawing_ends_with_the_reply_and_rating_begins_with_it() -> None:
    assert all(
        rules.may_withdraw(state) for state in ("submitted", "under_review", "dispatched", "objected", "accepted")
    )
    assert not any(rules.may_withdraw(state) for state in ("replied", "closed", "withdrawn"))
    assert rules.may_rate("replied", replied=True, rated=False)
    assert not rules.may_rate("replied", replied=True, rated=True)
    assert not rules.may_rate("accepted", replied=False, rated=False)
    assert not rules.may_supplement("withdrawn", 0)
    assert not rules.may_supplement("accepted", rules.SUPPLEMENTS)


@pytest.mark.parametrize(
    ("roles", "unit", "sealed", "may"),
    [
        ({"officer"}, "housing", False, True),
        ({"unit_head"}, "county", False, True),
        ({"officer"}, "water", False, False),
        ({"officer"}, None, False, False),
        ({"dispatcher"}, "office", False, True),
        ({"administrator"}, "housing", False, False),
        ({"supervisor"}, "county", False, False),
        ({"sealed_officer"}, "discipline", False, False),
        ({"dispatcher"}, "office", True, False),
        ({"officer"}, "housing", True, False),
        ({"sealed_officer"}, "discipline", True, True),
    ],
)
def test_a_contact_is_for_those_who_work_on_the_case(
    roles: set[str], unit: str | None, sealed: bool, may: bool
) -> None:
    assert rules.may_see_contact(frozenset(roles), unit, sealed=sealed, unit="housing", unit_line=["county"]) is may


def test_a_letter_may_lie_a_while_and_not_come_from_the_future() -> None:
    assert rules.check_received(NOW - timedelta(days=30), NOW) == []
    assert rules.check_received(NOW + timedelta(days=1), NOW)[0].code == "received_invalid"
    assert rules.check_received(NOW - timedelta(days=400), NOW)[0].code == "received_invalid"


def test_the_fingerprint_tells_every_change() -> None:
    base = Filing(kind="complaint", title="t", body="b")
    changed = [
        replace(base, kind="inquiry"), replace(base, title="x"), replace(base, body="x"), replace(base, publish=True),
        replace(base, place=Place(text="x")), replace(base, name="x"), replace(base, phone="x"),
        replace(base, mail="x"),
        replace(base, language="en"), replace(base, sealed=True),
    ]  # fmt: skip
    assert len({filing.fingerprint() for filing in (base, *changed)}) == len(changed) + 1
    assert base.fingerprint() == replace(base).fingerprint()


def test_no_problem_quotes_what_was_typed() -> None:
    with pytest.raises(Wrong) as caught:
        read(replace(GOOD, phone="98765", mail="geheim@"), FORM, region="CN", now=NOW)
    for problem in caught.value.problems:
        assert isinstance(problem, Problem)
        assert "98765" not in f"{problem.message}{problem.values}"
        assert "geheim" not in f"{problem.message}{problem.values}"
