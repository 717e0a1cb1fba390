"""What every view of intake works with, and how it opens a petition by number and code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from flask import current_app

from services.chassis.errors import Refusal
from services.chassis.house import House
from services.chassis.portals import Portal
from services.chassis.web import InvalidInput, about, client_key
from services.intake import store
from services.intake.areas import Area
from services.intake.domain.petition import Problem
from services.intake.domain.receipt import code_opens, read_number
from services.intake.handlers.filing import Keys
from services.intake.settings import Settings
from services.intake.web.answers import Answers
from services.intake.web.quota import Quota
from services.intake.web.tray import Tray
from services.intake.web.tries import Tries

MISSPELT = "This is no receipt number: one of its digits is wrong or missing. Copy it again from your receipt."
WRONG_CODE = "Number and query code do not belong together. Copy both again from your receipt."


@dataclass(frozen=True)
class Desk:
    """The parts that views of intake share."""

    house: House[Settings]
    keys: Keys
    zone: ZoneInfo
    portals: dict[str, Portal]
    areas: list[Area]
    api_limit: Quota
    form_limit: Quota
    tries: Tries
    tray: Tray
    answers: Answers


def desk() -> Desk:
    """The desk of the running application."""
    found: Desk = current_app.extensions["intake"]
    return found


def opened(typed_number: str, typed_code: str) -> str:
    """The id of the petition that number and code open.

    An unknown number and a wrong code are answered alike, in words and in time.

    Raises:
        Refusal: ``number_misspelt``, ``code_missing``, ``wrong_code``, ``too_many_attempts``.
    """
    here = desk()
    number = read_number(typed_number)
    if number is None:
        raise Refusal("number_misspelt", MISSPELT, field="number", status=422)
    if not typed_code.strip():
        raise Refusal("code_missing", "Give the query code that stands on your receipt.", field="code", status=401)
    client = client_key()
    here.tries.check(number, client)
    with here.house.database.read() as session:
        petition = store.petition_by_number(session, number)
    known = petition.id if petition is not None else ""
    if not code_opens(here.keys.code, known, typed_code) or not known:
        here.tries.wrong(number, client)
        raise Refusal("wrong_code", WRONG_CODE, field="code", status=404)
    about(petition_id=known)
    return known


def refusal_of(problems: Sequence[Problem]) -> Refusal:
    """What is wrong with an input: its own code when it is one thing, else all of them under ``errors``."""
    refusals = [Refusal(p.code, p.message, field=p.field, status=422, **p.values) for p in problems]
    return refusals[0] if len(refusals) == 1 else InvalidInput(refusals)
