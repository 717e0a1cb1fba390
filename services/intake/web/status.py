"""The status page: opened with number and code, then open for a while to add, withdraw and rate."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from services.chassis.errors import Refusal
from services.chassis.web import house, t, traceparent
from services.intake import store
from services.intake.domain.petition import (
    COMMENT_LENGTH,
    REASON_LENGTH,
    SUPPLEMENT_LENGTH,
    check_added,
    clean,
)
from services.intake.handlers import rate, supplement, withdraw
from services.intake.web.desk import desk, opened
from services.intake.web.forms import RatingForm, StatusForm, SupplementForm, WithdrawForm
from services.intake.web.pages import OPEN, open_petition, open_petition_id
from services.intake.web.way import actions, rating_words, reply_of, unit_of, way

blueprint = Blueprint("status", __name__)


@blueprint.route("/petitions/status", methods=["GET", "POST"])
def look_up() -> Any:
    """Ask for number and code; the code is never part of an address."""
    form = StatusForm(data={"number": request.args.get("number", "")[:64]}) if request.method == "GET" else StatusForm()
    status = 200
    if form.is_submitted():
        form.validate()
        try:
            petition_id = opened(form.number.data or "", form.code.data or "")
        except Refusal as refusal:
            house().metrics.count("refusals", service=house().service, code=refusal.code)
            at = form[refusal.field or "code"]
            at.errors = [*at.errors, t(refusal.message, **refusal.values)]
            status = refusal.status if refusal.status == 429 else 422
        else:
            open_petition(petition_id)
            return redirect(url_for("status.show"), 303)
    return render_template("intake/look_up.html", form=form), status


@blueprint.get("/petitions/mine")
def show() -> Any:
    """The petition that this browser opened."""
    return _page()


@blueprint.post("/petitions/mine/close")
def close() -> Response:
    """Close it on this device."""
    session.pop(OPEN, None)
    return redirect(url_for("status.look_up"), 303)


@blueprint.post("/petitions/mine/supplement")
def add() -> Any:
    """Add a text."""
    form = SupplementForm()
    petition_id = open_petition_id()
    if petition_id is None:
        return redirect(url_for("status.look_up"), 303)
    form.validate()
    text = clean(form.text.data or "")
    if problems := check_added(text, SUPPLEMENT_LENGTH):
        form.text.errors = [t(p.message, **p.values) for p in problems]
        return _page(supplement_form=form), 422
    with desk().tray.work(traceparent()) as work:
        supplement(work, petition_id, text)
    flash(t("Your addition was passed on."))
    return redirect(url_for("status.show"), 303)


@blueprint.post("/petitions/mine/withdraw")
def take_back() -> Any:
    """Take the petition back."""
    form = WithdrawForm()
    petition_id = open_petition_id()
    if petition_id is None:
        return redirect(url_for("status.look_up"), 303)
    form.validate()
    reason = clean(form.reason.data or "")[:REASON_LENGTH]
    with desk().tray.work(traceparent()) as work:
        withdraw(work, petition_id, reason)
    flash(t("Your petition was taken back."))
    return redirect(url_for("status.show"), 303)


@blueprint.post("/petitions/mine/rate")
def rate_reply() -> Any:
    """Rate the reply."""
    form = RatingForm()
    petition_id = open_petition_id()
    if petition_id is None:
        return redirect(url_for("status.look_up"), 303)
    form.validate()
    comment = clean(form.comment.data or "")
    points = str(form.satisfaction.data or "")
    if points not in ("1", "2", "3", "4", "5"):
        form.satisfaction.errors = [t("Choose how satisfied you are.")]
    if comment and (problems := check_added(comment, COMMENT_LENGTH)):
        form.comment.errors = [t(p.message, **p.values) for p in problems]
    if form.errors:
        return _page(rating_form=form), 422
    solved = {"yes": True, "no": False}.get(str(form.solved.data))
    with desk().tray.work(traceparent()) as work:
        rate(work, petition_id, solved, int(points), comment)
    flash(t("Thank you for your rating."))
    return redirect(url_for("status.show"), 303)


def _page(*, supplement_form: SupplementForm | None = None, rating_form: RatingForm | None = None) -> Any:
    petition_id = open_petition_id()
    petition = None
    if petition_id is not None:
        with house().database.read() as reading:
            petition = store.petition_by_id(reading, petition_id)
            steps = store.steps_of(reading, petition_id)
    if petition is None:
        return redirect(url_for("status.look_up"), 303)
    return render_template(
        "intake/status.html",
        petition=petition,
        unit=unit_of(petition),
        reply=reply_of(petition),
        points=way(petition, steps),
        actions=actions(petition),
        rating=rating_words(petition),
        supplement_form=supplement_form or SupplementForm(formdata=None),
        withdraw_form=WithdrawForm(formdata=None),
        rating_form=rating_form or RatingForm(formdata=None),
    )
