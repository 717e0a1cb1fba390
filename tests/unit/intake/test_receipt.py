"""Receipt numbers and query codes: what people write wrong is recognised or put right."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.receipt import ALPHABET, SERIALS, code_opens, make_code, make_number, read_number

DAY = date(2026, 3, 2)
SERIAL = st.integers(min_value=0, max_value=SERIALS - 1)
KEY = b"k" * 32


@given(SERIAL)
def test_a_number_is_read_back_as_it_was_made(serial: int) -> None:
    number = make_number(DAY, serial)
    assert len(number) == 21
    assert read_number(number) == number


@given(SERIAL, st.integers(min_value=3, max_value=20), st.sampled_from("0123456789"))
def test_one_wrong_digit_is_noticed(serial: int, place: int, digit: str) -> None:
    number = make_number(DAY, serial)
    if number[place] in ("-", digit):
        return
    assert read_number(number[:place] + digit + number[place + 1 :]) is None


@given(SERIAL, st.integers(min_value=0, max_value=14))
def test_two_neighbours_swapped_are_noticed(serial: int, place: int) -> None:
    digits = make_number(DAY, serial).replace("-", "")[2:]
    if digits[place] == digits[place + 1]:
        return
    assert read_number(digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]) is None


@pytest.mark.parametrize(
    "write",
    [
        str.lower,
        lambda n: n.replace("-", " "),
        lambda n: n.replace("-", ""),
        lambda n: n.removeprefix("WZ-"),
        lambda n: n.replace("0", "O"),
        lambda n: n.replace("1", "l"),
        lambda n: f"  {n}\n",
        lambda n: "".join(chr(ord(c) + 0xFEE0) if c.isalnum() else "—" for c in n),
    ],
)
def test_the_ways_people_write_a_number_are_understood(write: object) -> None:
    number = make_number(DAY, 48170926)
    assert read_number(write(number)) == number  # type: ignore[operator]


@pytest.mark.parametrize(
    "text", ["", "WZ", "WZ-260302-48173", "not a number at all", "9" * 500, "WZ-٢٦٠٣٠٢-48173-92657"]
)
def test_what_is_no_number_is_none(text: str) -> None:
    assert read_number(text) is None


def test_a_code_has_fifty_bits_and_no_letters_that_look_like_digits() -> None:
    code = make_code(KEY, "a")
    assert len(code.replace("-", "")) == 10
    assert set(code) <= set(ALPHABET) | {"-"}
    assert not set("ILOU") & set(ALPHABET)
    assert len({make_code(KEY, str(n)) for n in range(2000)}) == 2000


def test_a_code_opens_its_own_petition_only() -> None:
    assert code_opens(KEY, "a", make_code(KEY, "a"))
    assert not code_opens(KEY, "b", make_code(KEY, "a"))
    assert not code_opens(b"x" * 32, "a", make_code(KEY, "a"))
    assert not code_opens(KEY, "a", "")


def test_a_code_is_understood_in_lower_case_with_blanks_and_o_for_zero() -> None:
    petition = next(str(n) for n in range(500) if {"0", "1"} <= set(make_code(KEY, str(n))))
    typed = make_code(KEY, petition).lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert code_opens(KEY, petition, typed)
