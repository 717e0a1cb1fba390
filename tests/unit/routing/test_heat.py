"""Heat and emerging topics: people count, not petitions; lately more than long ago; more than usual most of all."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.topics.emerging import Group, at_least, emerging, usual_of
from services.routing.topics.heat import MOST_BURST, Voice, heat_of
from tests.unit.routing.petition_texts import START

END = START + timedelta(days=120)


def on(day: float, who: str | None = None, likes: int = 0, dislikes: int = 0) -> Voice:
    return Voice(START + timedelta(days=day), who, likes, dislikes)


def heat(*voices: Voice, end: datetime = END) -> float:
    return heat_of(voices, START, end).heat


def test_one_person_thirty_times_is_one_person() -> None:
    often = heat_of([on(100, "a") for _ in range(30)], START, END)
    once = heat_of([on(100, "a")], START, END)
    assert (often.people, often.burst) == (once.people, once.burst)


def test_petitions_of_nobody_known_count_each() -> None:
    assert heat_of([on(120), on(120)], START, END).people == pytest.approx(2.0)


def test_what_was_long_ago_is_cooler_by_half_each_half_life() -> None:
    old, new = heat_of([on(90, "a")], START, END), heat_of([on(120, "a")], START, END)
    assert old.half_life_days == 30.0
    assert new.people == pytest.approx(2 * old.people)


def test_likes_warm_by_their_logarithm_and_dislikes_take_away() -> None:
    assert heat(on(120, "a", likes=2000)) < heat(*(on(120, str(n)) for n in range(8)))
    assert heat(on(120, "a", likes=5, dislikes=9)) == heat(on(120, "a"))
    assert heat(on(120, "a", likes=9, dislikes=5)) > heat(on(120, "a"))


def test_the_same_people_at_once_are_hotter_than_spread_over_the_period() -> None:
    at_once = heat_of([on(119 - n / 10, str(n)) for n in range(10)], START, END)
    spread = heat_of([on(119 - n * 11, str(n)) for n in range(10)], START, END)
    assert at_once.burst > spread.burst and at_once.heat > spread.heat
    assert at_once.busiest == 10 and at_once.usual == 0.0


def test_a_burst_says_when_it_began() -> None:
    found = heat_of([on(10, "x"), *(on(60 + n, str(n)) for n in range(5))], START, END)
    assert found.busiest_from == START + timedelta(days=60)


def test_a_period_of_a_moment_has_a_heat() -> None:
    assert heat_of([on(0, "a")], START, START).heat > 0.0


VOICES = st.lists(
    st.builds(on, st.floats(0, 120), st.sampled_from(["a", "b", "c", None]), st.integers(0, 3000), st.integers(0, 50)),
    min_size=1,
    max_size=20,
)


@given(VOICES)
def test_heat_is_what_the_formula_says(voices: list[Voice]) -> None:
    found = heat_of(voices, START, END)
    assert found.heat == pytest.approx((found.people + found.support / 2) * found.burst)
    assert 1.0 <= found.burst <= MOST_BURST
    assert 0.0 < found.people <= len(voices)


@given(VOICES, st.randoms())
def test_the_order_of_petitions_does_not_matter(voices: list[Voice], chance: object) -> None:
    known = [one for one in voices if one.petitioner is not None] or [on(1, "a")]
    turned = list(known)
    chance.shuffle(turned)  # type: ignore[attr-defined]
    assert heat(*turned) == pytest.approx(heat(*known))


# ── emerging ─────────────────────────────────────────────────────────────────────────────────────
def test_many_people_in_a_week_about_something_new_emerge() -> None:
    new = Group("depot", [on(115 + n / 2, str(n)) for n in range(8)])
    still = [Group(f"still{n}", [on(day, f"{n}.{day}") for day in range(0, 119, 7)]) for n in range(40)]
    groups = [new, *still]
    found = emerging(groups, usual_of(groups, START, END), END)
    assert [one.id for one in found] == ["depot"]
    assert (found[0].people, found[0].since) == (8, START + timedelta(days=115))


def test_what_is_always_spoken_of_does_not_emerge() -> None:
    busy = Group("busy", [on(n / 2, str(n)) for n in range(240)])
    assert emerging([busy], usual_of([busy], START, END), END) == []


def test_what_is_always_spoken_of_emerges_when_it_trebles() -> None:
    busy = Group("busy", [*(on(n, str(n)) for n in range(113)), *(on(114 + n / 4, f"new{n}") for n in range(23))])
    assert [one.id for one in emerging([busy], usual_of([busy], START, END), END)] == ["busy"]


def test_one_person_alone_raises_no_topic_however_often() -> None:
    loud = Group("loud", [on(114 + n / 10, "a") for n in range(50)])
    assert emerging([loud], {}, END) == []


def test_two_people_are_no_topic() -> None:
    assert emerging([Group("two", [on(119, "a"), on(119, "b")])], {}, END) == []


def test_what_is_past_or_still_to_come_does_not_emerge() -> None:
    past = Group("past", [on(20 + n / 4, str(n)) for n in range(12)])
    later = Group("later", [on(121 + n / 4, str(n)) for n in range(12)])
    assert emerging([past, later], {}, END) == []


def test_watching_more_topics_asks_for_more_evidence() -> None:
    five = Group("five", [on(118, str(n)) for n in range(5)])
    assert emerging([five], {}, END)
    assert not emerging([five, *(Group(f"g{n}", []) for n in range(500))], {}, END)


def test_no_groups_bring_no_topics() -> None:
    assert emerging([], {}, END) == []


@pytest.mark.parametrize(("people", "expected", "chance"), [(0, 3.0, 1.0), (1, 1.0, 0.63212), (3, 0.5, 0.014388)])
def test_chance_is_poissons(people: int, expected: float, chance: float) -> None:
    assert at_least(people, expected) == pytest.approx(chance, rel=1e-4)


@given(st.integers(1, 80), st.floats(0.01, 60))
def test_more_people_are_less_likely_by_chance(people: int, expected: float) -> None:
    assert 0.0 <= at_least(people + 1, expected) <= at_least(people, expected) + 1e-9 <= 1.0 + 1e-9


@given(st.lists(st.tuples(st.floats(0, 120), st.sampled_from("abcdefgh")), max_size=40), st.permutations([0, 1, 2]))
def test_what_emerges_does_not_depend_on_the_order_of_topics(events: list[tuple[float, str]], turn: list[int]) -> None:
    groups = [Group(f"g{n}", [on(day, who) for day, who in events[n::3]]) for n in range(3)]
    usual = usual_of(groups, START, END)
    assert emerging(groups, usual, END) == emerging([groups[n] for n in turn], usual, END)
