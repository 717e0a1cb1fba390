"""Sign-in, renewal and sign-out of staff, and the token for scripts."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec
from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from services.chassis.errors import Refusal
from services.chassis.web import api, body_json, local_path, staff_or_none, t
from services.routing.handlers import staff as cases
from services.routing.web.door import door
from services.routing.web.forms import SignInForm

blueprint = Blueprint("sign_in", __name__)

DESK = "/desk"


class Credentials(msgspec.Struct, frozen=True):
    """Body of ``POST /sign-in/token``."""

    id: str
    password: str


@blueprint.get("/sign-in")
def ask() -> Any:
    """The form; who is signed in goes on."""
    target = local_path(request.args.get("next"), DESK)
    staff = staff_or_none()
    if staff is not None:
        response = _onward(target)
        door().give_token(staff, response)
        return response
    form = SignInForm(formdata=None)
    form.next.data = target
    return render_template("routing/sign_in.html", form=form)


@blueprint.post("/sign-in")
def enter() -> Any:
    """Check account and password."""
    form = SignInForm()
    status = 422
    if form.validate_on_submit():
        try:
            staff = door().check(form.account.data or "", form.password.data or "")
        except Refusal as refusal:
            if refusal.code not in ("wrong_credentials", "account_locked"):
                raise
            form.form_errors.append(t(refusal.message, **refusal.values))
            status = refusal.status if refusal.status != 401 else 422
        else:
            response = _onward(local_path(form.next.data, DESK))
            door().open_session(staff, response)
            return response
    return render_template("routing/sign_in.html", form=form), status


@blueprint.get("/sign-in/renew")
def renew() -> Any:
    """A fresh token for a session that goes on; without one back to the form."""
    target = local_path(request.args.get("next"), DESK)
    staff = staff_or_none()
    if staff is None:
        return redirect(f"/sign-in?next={quote(target, safe='')}", 303)
    response = _onward(target)
    door().give_token(staff, response)
    return response


@blueprint.post("/sign-in/out")
def leave() -> Any:
    """Sign out here and at the other services."""
    response = _onward("/sign-in")
    door().close_session(response)
    return response


@blueprint.post("/sign-in/token")
@api
def token() -> Any:
    """A token for scripts: ten minutes, sent as ``Authorization: Bearer``."""
    try:
        given = msgspec.convert(body_json(10_000), Credentials)
    except msgspec.ValidationError:
        raise Refusal("invalid_body", "Send a JSON object with id and password, both text.") from None
    entry = door()
    staff = entry.check(given.id, given.password)
    with entry.house.work() as work:
        cases.tries_forgotten(work, entry.typed_hashes(staff.id))
    signed, ends = entry.token(staff)
    return jsonify(
        {
            "token": signed,
            "expires_at": ends.isoformat(),
            "staff": {"id": staff.id, "name": staff.name, "unit": staff.unit_id, "roles": sorted(staff.roles)},
        }
    )


def _onward(target: str) -> Response:
    answer: BaseResponse = redirect(target, 303)
    return make_response(answer)
