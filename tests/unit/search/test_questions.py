"""What is asked of search is read whole or refused by its field."""

from __future__ import annotations

import pytest

from services.chassis.errors import Refusal
from services.search.questions import Question, read


def ask(**given: str) -> Question:
    return read(given, lambda unit: unit == "housing")


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"q": "字" * 201}, "query_too_long", "q"),
        ({"kind": "rant"}, "unknown_kind", "kind"),
        ({"unit": "nowhere"}, "unknown_unit", "unit"),
        ({"state": "lost"}, "unknown_state", "state"),
        ({"month": "2026-13"}, "invalid_month", "month"),
        ({"month": "March"}, "invalid_month", "month"),
        ({"sort": "oldest"}, "unknown_sort", "sort"),
        ({"page": "0"}, "invalid_page", "page"),
        ({"page": "-1"}, "invalid_page", "page"),
        ({"page": "x"}, "invalid_page", "page"),
        ({"page": "١"}, "invalid_page", "page"),
        ({"size": "101"}, "invalid_size", "size"),
        ({"page": "501"}, "page_too_deep", "page"),
        ({"page": "101", "size": "100"}, "page_too_deep", "page"),
        ({"kinds": "report"}, "unknown_parameter", "kinds"),
    ],
)
def test_what_is_wrong_is_refused_with_its_field(given: dict[str, str], code: str, field: str) -> None:
    with pytest.raises(Refusal) as caught:
        ask(**given)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_the_deepest_page_is_still_answered() -> None:
    assert ask(page="500").offset == 9980


def test_words_are_sorted_by_relevance_and_a_mere_list_by_time() -> None:
    assert ask(q="路灯").sort == "relevance"
    assert ask().sort == "newest"
    assert ask(sort="relevance").sort == "newest"
    assert ask(q="路灯", sort="newest").sort == "newest"


def test_empty_parameters_count_as_absent_and_the_language_is_let_through() -> None:
    assert ask(q=" ", kind="", lang="en") == ask()


def test_the_unit_of_those_without_unit_can_be_asked_for() -> None:
    assert ask(unit="-").filters == {"unit": "-"}
