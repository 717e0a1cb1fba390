"""The JSON API of the desk, for scripts: the same rules as the pages."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from flask import Blueprint, Response, current_app, request

from services.chassis.delivery import Work
from services.chassis.errors import Refusal
from services.chassis.web import about, api, body_json, current_staff, house, staff_required, traceparent
from services.routing import store
from services.routing.domain.cases import Outcome
from services.routing.handlers import desk as steps
from services.routing.handlers import merging
from services.routing.handlers.desk import Target
from services.routing.models import Case
from services.routing.web import risks, views
from services.routing.web.desk import asked_of

blueprint = Blueprint("cases_api", __name__, url_prefix="/api/cases")

B = TypeVar("B")


class Accept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of accept; ``version`` is the one last read, left out by those who do not care."""

    version: int | None = None


class Acknowledge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of acknowledge: nothing."""


class Dispatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of dispatch."""

    unit: str
    reason: str = ""
    version: int | None = None


class Objection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of objection."""

    reason: str
    version: int | None = None


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of reply."""

    text: str
    outcome: Outcome
    basis: str = ""
    version: int | None = None


class Merge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of merge: the number of the case that leads."""

    into: str
    version: int | None = None


class Unmerge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of unmerge."""

    reason: str
    version: int | None = None


@blueprint.get("")
@api
@staff_required()
def cases() -> Any:
    """A queue: ``queue`` (mine, all), ``state``, ``kind``, ``unit``, ``words``, ``page``."""
    staff, now = current_staff(), house().clock.now()
    with house().database.read() as session:
        found = store.cases.page_of(session, staff, asked_of(request.args), now)
    rows = [views.row(one, now) for one in found.cases]
    return _json({"cases": rows, "total": found.total, "page": found.page, "pages": found.pages})


@blueprint.get("/<number>")
@api
@staff_required()
def case(number: str) -> Any:
    """One case with its history."""
    staff = current_staff()
    with house().database.read() as session:
        found = store.cases.find(session, staff, number)
        if found is None:
            raise Refusal("no_such_case", "There is no such case, or it is not for you to see.", status=404)
        about(petition_id=found.petition_id)
        entries = store.cases.history(session, found.petition_id)
        alert = risks.told(session, found, staff)
    return _json({**views.whole(found, entries, staff, house().clock.now()), "alert": alert})


@blueprint.post("/<number>/dispatch")
@api
@staff_required()
def dispatch(number: str) -> Any:
    """Send to a unit."""
    given = _body(Dispatch)
    with house().work(traceparent()) as work:
        done = steps.dispatch(work, current_staff(), Target(number, given.version), given.unit, given.reason)
        return _done(work, done)


@blueprint.post("/<number>/accept")
@api
@staff_required()
def accept(number: str) -> Any:
    """Accept."""
    given = _body(Accept)
    with house().work(traceparent()) as work:
        return _done(work, steps.accept(work, current_staff(), Target(number, given.version)))


@blueprint.post("/<number>/acknowledge")
@api
@staff_required()
def acknowledge(number: str) -> Any:
    """Take note of the danger; the body is empty."""
    _body(Acknowledge)
    with house().work(traceparent()) as work:
        return _done(work, risks.acknowledge(work, current_staff(), number))


@blueprint.post("/<number>/objection")
@api
@staff_required()
def objection(number: str) -> Any:
    """Hand back with a reason."""
    given = _body(Objection)
    with house().work(traceparent()) as work:
        return _done(work, steps.hand_back(work, current_staff(), Target(number, given.version), given.reason))


@blueprint.post("/<number>/reply")
@api
@staff_required()
def reply(number: str) -> Any:
    """Answer the petitioner."""
    given = _body(Answer)
    with house().work(traceparent()) as work:
        target = Target(number, given.version)
        return _done(work, steps.reply(work, current_staff(), target, given.text, given.outcome, given.basis))


@blueprint.post("/<number>/merge")
@api
@staff_required()
def merge(number: str) -> Any:
    """Let a case follow another one about the same matter."""
    given = _body(Merge)
    with house().work(traceparent()) as work:
        return _done(work, merging.merge(work, current_staff(), Target(number, given.version), given.into))


@blueprint.post("/<number>/unmerge")
@api
@staff_required()
def unmerge(number: str) -> Any:
    """Take it out again."""
    given = _body(Unmerge)
    with house().work(traceparent()) as work:
        return _done(work, merging.unmerge(work, current_staff(), Target(number, given.version), given.reason))


def _body(form: type[B]) -> B:
    empty = not request.content_length and not request.headers.get("Transfer-Encoding")
    try:
        return msgspec.convert({} if empty else body_json(), form)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `")
        field = path.rstrip("`").removeprefix("$").lstrip(".")
        raise Refusal("invalid_body", "The body is not as expected: %(reason)s.", field=field, reason=reason) from None


def _done(work: Work, case: Case) -> Response:
    about(petition_id=case.petition_id)
    work.session.flush()
    entries = store.cases.history(work.session, case.petition_id)
    alert = risks.told(work.session, case, current_staff())
    return _json({**views.whole(case, entries, current_staff(), work.now), "alert": alert})


def _json(value: Any) -> Response:
    return current_app.response_class(msgspec.json.encode(value), mimetype="application/json")
