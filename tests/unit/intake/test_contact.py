"""Unit: mail addresses in their one form, read in a short way where that is the library's too."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from services.intake.contact import normal_mail

_SIGNS = st.characters(codec="ascii", categories=("L", "N", "P", "S"))


def by_the_library(typed: str) -> str | None:
    try:
        return validate_email(typed[:400], check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        return None


@given(
    st.from_regex(r"[A-Za-z0-9.+_-]{1,70}", fullmatch=True) | st.text(_SIGNS, max_size=20),
    st.sampled_from(
        ["example.org", "EXAMPLE.org", "localhost", "a.test", "b-.org", "x.c1", "xn--fiq228c.cn", "中文.cn", ""]
    )
    | st.from_regex(r"[A-Za-z0-9-]{1,12}\.[a-z0-9]{1,4}", fullmatch=True)
    | st.text(_SIGNS, max_size=20),
)
@example("a.b+c", "Example.ORG")
@example("x" * 64, "a.org")
@example("x" * 65, "a.org")
@example("a", "b" * 60 + "." + "c" * 60 + "." + "d" * 60 + ".org")
@example("a b", "example.org")
def test_an_address_is_read_as_the_library_reads_it(name: str, domain: str) -> None:
    assert normal_mail(f"{name}@{domain}") == by_the_library(f"{name}@{domain}")


def test_what_is_no_address_is_none() -> None:
    assert [normal_mail(typed) for typed in ("", "a", "@", "a@", "@b.org", "a@b@example.org")] == [None] * 6
