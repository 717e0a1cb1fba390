"""What citizens meet first: the front page, the two doors, the receipt that is shown once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import Blueprint, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from services.chassis.errors import Refusal
from services.chassis.web import about, client_key, language, traceparent
from services.intake import store
from services.intake.domain.petition import TITLE_LENGTH, Filing
from services.intake.domain.receipt import make_code
from services.intake.handlers import Receipt
from services.intake.handlers.filing import key_hash
from services.intake.reading import Way, Wrong, read
from services.intake.web.answers import Answered
from services.intake.web.desk import desk
from services.intake.web.forms import KIND_HINTS, PetitionForm, ReportForm

blueprint = Blueprint("pages", __name__)

#: Where the browser's session keeps the receipt to be shown next, and the petition that is open.
RECEIPT = "receipt"
OPEN = "open"
#: Minutes after filing in which the receipt may be shown.
RECEIPT_MINUTES = 10
#: Name of the button that asks for answered petitions instead of filing.
LOOK = "look"


@blueprint.get("/")
def home() -> str:
    """What this is, and where to go."""
    return render_template("intake/home.html")


@blueprint.get("/petitions")
def petitions() -> Response:
    """There is no list of petitions for the public: the form is what somebody wants who cuts the address short."""
    return redirect(url_for("pages.new"), 302)


@blueprint.route("/petitions/new", methods=["GET", "POST"])
def new() -> Any:
    """File a petition."""
    form = PetitionForm()
    if LOOK in request.form:
        # Only a look: nothing is filed, nothing is found wrong with what is not finished yet.
        answered = desk().answers.like((form.title.data or "")[:TITLE_LENGTH], client_key())
        return _form_page(form, looked=True, answered=answered)
    if form.is_submitted():
        filing = _read(
            form, Way(channel="form", fallback=language(), key=key_hash("form", form.key), traceparent=traceparent())
        )
        if filing is not None:
            return _filed(filing)
    return _form_page(form), 422 if form.errors else 200


def _form_page(form: PetitionForm, *, looked: bool = False, answered: Sequence[Answered] | None = None) -> str:
    here = desk()
    return render_template(
        "intake/new.html",
        form=form,
        kind_hints=KIND_HINTS,
        areas=here.areas,
        looked=looked,
        answered=answered,
        look=LOOK if here.answers.offered else "",
    )


@blueprint.route("/petitions/report", methods=["GET", "POST"])
def report() -> Any:
    """File a report on a person 检举控告, through a door of its own."""
    form = ReportForm()
    if form.is_submitted():
        way = Way(
            channel="form",
            contact_needed=False,
            fallback=language(),
            key=key_hash("report", form.key),
            traceparent=traceparent(),
        )
        filing = _read(form, way)
        if filing is not None:
            return _filed(filing)
    return render_template("intake/report.html", form=form), 422 if form.errors else 200


@blueprint.get("/petitions/receipt")
def receipt() -> Any:
    """Number and query code, shown once, within a few minutes of filing."""
    petition_id = taken_receipt(RECEIPT)
    petition = None
    if petition_id is not None:
        with desk().house.database.read() as reading:
            petition = store.petition_by_id(reading, petition_id)
            contact = store.contact_of(reading, petition_id)
    if petition is None:
        return render_template("intake/receipt_gone.html"), 410
    code = make_code(desk().keys.code, petition.id)
    told = "mail" if contact is not None and contact.mail else ""
    return render_template("intake/receipt.html", petition=petition, code=code, told=told)


def keep_receipt(name: str, petition_id: str) -> None:
    """Let this browser see a receipt once, soon: a cookie that is found later shows nothing."""
    until = desk().house.clock.now() + timedelta(minutes=RECEIPT_MINUTES)
    session[name] = {"id": petition_id, "until": until.timestamp()}


def taken_receipt(name: str) -> str | None:
    """The petition whose receipt this browser may see now; it is asked for once."""
    kept = session.pop(name, None)
    if not isinstance(kept, dict) or kept["until"] < desk().house.clock.now().timestamp():
        return None
    about(petition_id=str(kept["id"]))
    return str(kept["id"])


def open_petition(petition_id: str) -> None:
    """Keep a petition open for this browser for a while, so that no address needs its code."""
    here = desk()
    until = here.house.clock.now() + timedelta(minutes=here.house.settings.status_minutes)
    session[OPEN] = {"id": petition_id, "until": until.timestamp()}


def open_petition_id() -> str | None:
    """The petition that this browser opened; None when there is none or its time is over."""
    kept = session.get(OPEN)
    if not isinstance(kept, dict) or kept["until"] < desk().house.clock.now().timestamp():
        session.pop(OPEN, None)
        return None
    about(petition_id=str(kept["id"]))
    return str(kept["id"])


def _read(form: PetitionForm | ReportForm, way: Way) -> Filing | None:
    here = desk()
    form.validate()
    try:
        return read(form.handed(), way, region=here.house.settings.phone_region, now=here.house.clock.now())
    except Wrong as wrong:
        form.blame(wrong.problems)
        return None


def _filed(filing: Filing) -> Response:
    here = desk()
    here.form_limit.check(client_key())
    petition_id = file_form(filing).petition_id
    keep_receipt(RECEIPT, petition_id)
    if not filing.sealed:
        # Who finds this device later must not find a report on a person open.
        open_petition(petition_id)
    return redirect(url_for("pages.receipt"), 303)


def file_form(filing: Filing) -> Receipt:
    """File what a form held; the same form sent twice files once.

    Raises:
        Refusal: ``form_sent_already`` when it was changed in between.
    """
    here = desk()
    try:
        receipt = here.tray.file(filing)
        about(petition_id=receipt.petition_id)
        return receipt
    except Refusal as refusal:
        if refusal.code != "idempotency_key_reused":
            raise
        raise Refusal(
            "form_sent_already",
            "This form was sent already, with another text. Open a new form to file another petition, "
            "or look up the first one to add something.",
            status=409,
        ) from None
