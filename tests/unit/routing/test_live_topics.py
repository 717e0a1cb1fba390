"""Topics of a running house: known again at the next look, come up by people, and told once a burst."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.routing.domain.sameness import Sheet
from services.routing.folding import fold
from services.routing.topics.live import Found, known_as, look, told_already
from services.routing.topics.petition_file import Row
from tests.unit.routing.petition_texts import BURST, OTHER_PLACE, OTHER_TROUBLE, SINGLE

NOW = datetime(2026, 3, 20, 4, 0, tzinfo=UTC)
START = NOW - timedelta(days=30)


def row(name: str, text: tuple[str, str], days_ago: float, petitioner: str | None = None) -> Row:
    at = NOW - timedelta(days=days_ago)
    return Row(0, name, text[0], Sheet(name, fold(text[0]), fold(text[1]), "", at, petitioner or name), at)


def others() -> list[Row]:
    texts = OTHER_PLACE + OTHER_TROUBLE + SINGLE
    return [row(f"o{number}", text, 25 - 2 * number) for number, text in enumerate(texts)]


def found(rows: list[Row]) -> Found:
    """The topic of the depot."""
    (one,) = [each for each in look(rows, START, NOW) if any(name.startswith("d") for name in each.members)]
    return one


def test_six_strangers_in_a_week_come_up() -> None:
    depot = [row(f"d{number}", text, 6 - number) for number, text in enumerate(BURST)]
    one = found(others() + depot)
    assert one.emerging is not None and one.emerging.people == 6
    assert one.emerging.since == depot[0].at
    assert one.window(NOW) == one.members == [f"d{number}" for number in range(6)]


def test_the_same_six_over_a_month_do_not() -> None:
    depot = [row(f"d{number}", text, 27 - 5 * number) for number, text in enumerate(BURST)]
    assert found(others() + depot).emerging is None


def test_one_person_who_files_six_times_does_not() -> None:
    depot = [row(f"d{number}", text, 6 - number, "always me") for number, text in enumerate(BURST)]
    assert found(others() + depot).emerging is None


def test_nothing_filed_is_no_topic() -> None:
    assert look([], START, NOW) == []


def test_a_topic_keeps_its_id_when_others_join_and_its_first_ones_age_out() -> None:
    assert known_as([["b", "c", "d"]], {"a": "one", "b": "one", "c": "one"}) == ["one"]


def test_a_topic_that_falls_apart_keeps_its_id_with_the_larger_part() -> None:
    before = dict.fromkeys("abcde", "one")
    assert known_as([["a", "b"], ["c", "d", "e"]], before) == [None, "one"]


def test_two_topics_that_become_one_keep_the_id_of_the_larger() -> None:
    before = {**dict.fromkeys("ab", "one"), **dict.fromkeys("cde", "two")}
    assert known_as([list("abcde")], before) == ["two"]


def test_a_new_matter_has_no_id_yet() -> None:
    assert known_as([["x", "y"], ["a", "z"]], {"a": "one"}) == [None, "one"]


def test_a_burst_is_told_of_until_most_of_it_is_new() -> None:
    assert told_already("abc", {"a", "b"})
    assert told_already("abcd", {"a", "b"})
    assert not told_already("abcde", {"a", "b"})
    assert not told_already("abc", set())
