"""What matched is marked in the original text, and nothing of the text becomes HTML."""

from __future__ import annotations

import re
from html import unescape

from hypothesis import given
from hypothesis import strategies as st

from services.search import highlights, tokens

TEXT = st.text(alphabet="噪音擾民燈路灯<>&\"'mark/ aB。\n", max_size=300)
WORDS = st.text(alphabet="噪音扰民灯路ab", min_size=1, max_size=6)


def terms(question: str) -> frozenset[str]:
    return frozenset(term for run in tokens.runs(question) for term in run)


def plain(html: str) -> str:
    return unescape(html.replace("<mark>", "").replace("</mark>", ""))


@given(TEXT, WORDS)
def test_a_marked_text_is_the_text_with_marks_and_no_other_element(text: str, question: str) -> None:
    html = highlights.marked(text, terms(question))
    assert plain(html) == text
    assert set(re.findall(r"<[^>]*>?", html)) <= {"<mark>", "</mark>"}
    assert re.fullmatch(r"[^<]*(<mark>[^<]+</mark>[^<]*)*", html)


@given(TEXT, WORDS)
def test_every_match_is_marked_and_nothing_else(text: str, question: str) -> None:
    wanted = {i for start, end, _ in tokens.occurrences(text, terms(question)) for i in range(start, end)}
    html = highlights.marked(text, terms(question))
    marked: set[int] = set()
    at = 0
    for piece in re.split(r"(<mark>.*?</mark>)", html, flags=re.DOTALL):
        length = len(plain(piece))
        if piece.startswith("<mark>"):
            marked |= set(range(at, at + length))
        at += length
    assert marked == wanted


@given(TEXT, WORDS)
def test_a_snippet_is_a_short_part_of_the_text_and_shows_a_match(text: str, question: str) -> None:
    html = highlights.snippet(text, terms(question))
    shown = plain(html)
    assert shown.strip("…") in text
    assert len(shown) <= highlights.WIDTH + 2
    assert ("<mark>" in html) == highlights.matches(text, terms(question))


def test_traditional_text_is_marked_in_its_own_characters() -> None:
    assert highlights.marked("夜裡噪音擾民", terms("噪音扰民")) == "夜裡<mark>噪音擾民</mark>"


def test_what_a_citizen_writes_as_html_is_shown_as_text() -> None:
    html = highlights.snippet("<script>alert(1)</script>路灯不亮<img src=x>", terms("路灯"))
    assert html == "&lt;script&gt;alert(1)&lt;/script&gt;<mark>路灯</mark>不亮&lt;img src=x&gt;"


def test_a_snippet_is_taken_where_most_words_meet() -> None:
    text = "路灯。" + "甲" * 300 + "。巷口的路灯不亮已经三个月。" + "乙" * 300
    html = highlights.snippet(text, terms("路灯 不亮"))
    assert html.startswith("…巷口的<mark>路灯不亮</mark>已经三个月。")
