"""What the public may read of search without signing in: answered petitions whose petitioners agreed to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec
from flask import Blueprint, current_app, jsonify, render_template

from services.chassis.errors import Refusal
from services.chassis.web import RateLimit, api, body_json, client_key, house, pick
from services.contracts.words import KIND_NAMES, OUTCOME_NAMES, name_of
from services.search import answers
from services.search.answers import Answered
from services.search.engines import Engine

blueprint = Blueprint("answers", __name__)

#: Questions of one address in a minute; intake asks for everybody from one.
PER_MINUTE: Final = 3000
_GONE: Final = "There is no such answer, or it may not be shown."


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of a question: the title that somebody is about to file."""

    title: str


@dataclass(frozen=True)
class Public:
    """What these views need of the application."""

    engine: Engine
    limit: RateLimit
    #: The operator lets the public read answers.
    allowed: bool


def _public() -> Public:
    found = cast(Public, current_app.extensions["answers"])
    if not found.allowed:
        raise Refusal("no_public_answers", _GONE, status=404)
    return found


@blueprint.post("/api/search/answers")
@api
def similar() -> Any:
    """Up to five answered petitions like a title. By POST, so that what somebody types stands in no address."""
    public = _public()
    public.limit.check(client_key())
    try:
        asked = msgspec.convert(body_json(), Asked)
    except msgspec.ValidationError as error:
        reason = str(error).partition(" - at `")[0]
        raise Refusal("invalid_body", "The body is not as expected: %(reason)s.", reason=reason) from None
    with house().database.read() as session:
        found = answers.similar(session, public.engine, asked.title)
    return jsonify({"answers": [_told(one) for one in found]})


@blueprint.get("/search/answers/<petition_id>")
def answer(petition_id: str) -> Any:
    """One answered petition, for everybody."""
    _public()
    with house().database.read() as session:
        found = answers.one(session, petition_id[:36])
    if found is None:
        raise Refusal("no_such_answer", _GONE, status=404)
    return render_template(
        "search/answer.html",
        one=found,
        kind=pick(name_of(KIND_NAMES, found.kind)),
        outcome=pick(name_of(OUTCOME_NAMES, found.outcome)) if found.outcome else "",
    )


def _told(one: Answered) -> dict[str, Any]:
    return {
        "title": one.title,
        "kind": one.kind,
        "unit": {"zh": one.unit.zh, "en": one.unit.en},
        "outcome": one.outcome,
        "replied_at": one.replied_at.isoformat(),
        "url": f"/search/answers/{one.id}",
    }
