"""The petition office's side: write down calls, letters and visits, and look at a contact with a reason."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from services.chassis.errors import Refusal
from services.chassis.web import current_staff, house, language, staff_required, t, traceparent
from services.intake import store
from services.intake.domain.petition import CLERK_CHANNELS, REASON_LENGTH, Problem, clean
from services.intake.domain.receipt import make_code, read_number
from services.intake.handlers import see_contact
from services.intake.handlers.contacts import petition_for
from services.intake.handlers.filing import key_hash
from services.intake.reading import Way, Wrong, read
from services.intake.web.desk import MISSPELT, desk
from services.intake.web.forms import KIND_HINTS, EntryForm, ReasonForm
from services.intake.web.pages import file_form, keep_receipt, taken_receipt

blueprint = Blueprint("entry", __name__)

#: Rows of one page of the list of looks.
PAGE = 50
RECEIPT = "entry_receipt"
#: Who may look at contacts at all; of which petitions, ``may_see_contact`` says.
LOOKERS = ("dispatcher", "officer", "checker", "unit_head", "sealed_officer")
#: Who may see who looked.
AUDITORS = ("administrator", "supervisor", "sealed_officer")


@blueprint.route("/entry", methods=["GET", "POST"])
@staff_required("dispatcher")
def entry() -> Any:
    """Write down a call, a letter or a visit."""
    here = desk()
    now = here.house.clock.now()
    today = now.astimezone(here.zone).date()
    form = EntryForm(data={"received": today, "channel": "call"}) if request.method == "GET" else EntryForm()
    if form.is_submitted():
        form.validate()
        problems = []
        if form.channel.data not in CLERK_CHANNELS:
            problems.append(Problem("unknown_channel", "Choose how it came: call, letter or visit.", "channel"))
        if form.received.data is None and not form.received.errors:
            problems.append(Problem("received_missing", "Give the day of receipt.", "received"))
        way = Way(
            channel=str(form.channel.data),
            # A letter may be unsigned: it is registered all the same (信访工作条例 Art. 21, 23 ¶2).
            contact_needed=False,
            fallback=language(),
            received_at=_moment(form.received.data, today),
            entered_by=current_staff().id,
            key=key_hash("entry", form.key),
            traceparent=traceparent(),
        )
        try:
            filing = read(form.handed(), way, region=here.house.settings.phone_region, now=now)
        except Wrong as wrong:
            problems += wrong.problems
        form.blame(problems)
        if not form.errors:
            keep_receipt(RECEIPT, file_form(filing).petition_id)
            return redirect(url_for("entry.receipt"), 303)
    page = render_template("intake/entry.html", form=form, kind_hints=KIND_HINTS, areas=here.areas)
    return page, 422 if form.errors else 200


def _moment(day: date | None, today: date) -> datetime | None:
    """Noon of an earlier day; None, which means now, for today."""
    if day is None or day == today:
        return None
    try:
        return datetime.combine(day, time(12), desk().zone).astimezone(UTC)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC) + timedelta(days=2)


@blueprint.get("/entry/receipt")
@staff_required("dispatcher")
def receipt() -> Any:
    """The receipt to print and hand over, shown once."""
    petition_id = taken_receipt(RECEIPT)
    petition = None
    if petition_id is not None:
        with house().database.read() as reading:
            petition = store.petition_by_id(reading, petition_id)
    if petition is None:
        return redirect(url_for("entry.entry"), 303)
    code = make_code(desk().keys.code, petition.id)
    return render_template("intake/entry_receipt.html", petition=petition, code=code)


@blueprint.route("/entry/contacts/<number>", methods=["GET", "POST"])
@staff_required(*LOOKERS)
def contact(number: str) -> Any:
    """Ask why, write it down, then show the contact once."""
    form = ReasonForm()
    known = read_number(number)
    if known is None:
        raise Refusal("number_misspelt", MISSPELT, field="number", status=404)
    staff = current_staff()
    if form.is_submitted():
        form.validate()
        reason = clean(form.reason.data or "", lines=False)[:REASON_LENGTH]
        try:
            with desk().tray.work() as work:
                petition = petition_for(work, known, staff)
                found = see_contact(work, known, staff, reason)
        except Refusal as refusal:
            if refusal.field != "reason":
                raise
            form.reason.errors = [t(refusal.message)]
        else:
            return render_template("intake/contact.html", petition=petition, contact=found)
    else:
        with desk().tray.work() as work:
            petition_for(work, known, staff)
    return render_template("intake/contact_reason.html", form=form, number=known), 422 if form.errors else 200


@blueprint.get("/entry/contacts")
@staff_required(*AUDITORS)
def contacts() -> Any:
    """Who looked at which contact, when and why."""
    page = request.args.get("page", 1, type=int)
    page = min(max(page, 1), 1_000_000)
    with house().database.read() as reading:
        rows, total = store.contact_views(reading, page, PAGE, sealed=current_staff().has("sealed_officer"))
    last = max(1, -(-total // PAGE))
    return render_template("intake/contacts.html", rows=rows, total=total, page=page, last=last)
