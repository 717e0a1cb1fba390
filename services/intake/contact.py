"""Phone numbers and mail addresses in one written form, with the libraries that know their rules."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from services.intake.domain.petition import Problem


def normal_phone(typed: str, region: str) -> str | None:
    """The number as E.164; None when it cannot be one.

    Its length is checked, not whether the range is in use: the library's tables are older than new ranges,
    and nobody shall be kept from petitioning by that.

    Args:
        typed: as the petitioner wrote it.
        region: country that is meant when there is no ``+``.
    """
    try:
        number = phonenumbers.parse(typed[:40], region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


#: A part before the @ that every reading of RFC 5322 takes; the library looks at each sign of it for 100 µs.
_PLAIN = re.compile(r"[A-Za-z0-9]+(?:[._+-][A-Za-z0-9]+)*")


@lru_cache(maxsize=4096)
def _domain(domain: str) -> str | None:
    """The part after the @ as the library writes it; few domains serve most people."""
    try:
        return validate_email(f"a@{domain}", check_deliverability=False).domain
    except EmailNotValidError:
        return None


def normal_mail(typed: str) -> str | None:
    """The address as it is written to, in lower case so that a petitioner is known again; None when it is none.

    Only its form is checked: a name server that is slow or away must not stop a petition.
    """
    name, _, domain = typed.rpartition("@")
    if len(name) <= 64 and len(domain) <= 180 and domain.isascii() and _PLAIN.fullmatch(name):
        known = _domain(domain)
        return None if known is None else f"{name}@{known}".lower()
    try:
        return validate_email(typed[:400], check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        return None


def check_contact(phone: str, mail: str, region: str) -> tuple[str | None, str | None, list[Problem]]:
    """Phone and mail in their normal form, and what is wrong with them."""
    problems = []
    good_phone = normal_phone(phone, region) if phone else None
    good_mail = normal_mail(mail) if mail else None
    if phone and good_phone is None:
        problems.append(
            Problem(
                "phone_invalid", "Write the phone number with its area code, for example 0990-6611048.", "contact.phone"
            )
        )
    if mail and good_mail is None:
        problems.append(Problem("mail_invalid", "Write the mail address like name@example.org.", "contact.mail"))
    return good_phone, good_mail, problems
