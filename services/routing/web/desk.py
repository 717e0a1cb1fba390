"""The desk: my queue, one petition with its history, and the steps on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, make_response, redirect, render_template, request

from services.chassis.delivery import Work
from services.chassis.errors import Refusal
from services.chassis.web import about, current_staff, house, pick, staff_required, t, traceparent
from services.contracts.shared import KINDS
from services.contracts.words import KIND_NAMES, OUTCOME_NAMES, STATE_NAMES, STATE_TONES, name_of
from services.routing import store
from services.routing.domain.cases import MIN_REASON, MIN_REPLY, Viewer
from services.routing.handlers import desk as steps
from services.routing.handlers import merging
from services.routing.handlers.record import assessment_of, joined_of, petition_of, reply_of
from services.routing.models import Case
from services.routing.store.cases import Asked
from services.routing.web import look_alikes, risks, topics, views
from services.routing.web.forms import (
    AcceptForm,
    AcknowledgeForm,
    DispatchForm,
    MergeForm,
    ObjectionForm,
    ReplyForm,
    StepForm,
    UnmergeForm,
)
from services.routing.web.steps import empty_form, fill_units, name_of_form, offer_outcomes

blueprint = Blueprint("desk", __name__, url_prefix="/desk")

#: Roles with something to do or see at the desk.
ROLES = ("dispatcher", "officer", "unit_head", "checker", "supervisor", "sealed_officer")
#: The words of the field, for the templates.
WORDS: Mapping[str, Any] = {
    "KIND_NAMES": KIND_NAMES,
    "STATE_NAMES": STATE_NAMES,
    "STATE_TONES": STATE_TONES,
    "OUTCOME_NAMES": OUTCOME_NAMES,
    "name_of": name_of,
}
#: What is said above the queue after a step that led away from the case.
DONE: Mapping[str, str] = {"objection": "Handed back to the dispatcher."}


def asked_of(args: Mapping[str, str]) -> Asked:
    """What a list is filtered by, from a query string; what is not known is left out."""
    page = args.get("page", "1")
    return Asked(
        queue="all" if args.get("queue") == "all" else "mine",
        state=args.get("state", "") if args.get("state", "") in STATE_NAMES else "",
        kind=args.get("kind", "") if args.get("kind", "") in KIND_NAMES else "",
        unit=args.get("unit", "")[:60],
        words=args.get("words", "").strip()[:80],
        page=int(page) if page.isdecimal() and len(page) < 7 else 1,
    )


@blueprint.get("")
@staff_required(*ROLES)
def queue() -> Any:
    """The queue of this member of staff."""
    staff, now = current_staff(), house().clock.now()
    asked = asked_of(request.args)
    with house().database.read() as session:
        found = store.cases.page_of(session, staff, asked, now)
        counts = store.cases.counts(session, staff, now)
        states = store.cases.by_state(session, staff, asked)
        directory = store.directory.read(session)
        alerts = risks.open_alerts(session, staff, directory, now)
        coming_up = store.topics.coming_up(session) if staff.has(*topics.ROLES) else None
    zone = directory.jurisdiction.time_zone
    given = {"queue": asked.queue, "state": asked.state, "kind": asked.kind, "unit": asked.unit, "words": asked.words}

    def url(page: int) -> str:
        return "/desk?" + urlencode({**{k: v for k, v in given.items() if v}, "page": page})

    return render_template(
        "routing/queue.html",
        asked=asked,
        found=found,
        counts=counts,
        states=states,
        kinds=KINDS,
        directory=directory,
        units=directory.units if staff.has("dispatcher", "supervisor") else (),
        due={one.petition_id: views.due_of(one, now, zone) for one in found.cases},
        risks={one.petition_id: risks.tags(assessment_of(one), directory) for one in found.cases if one.risky},
        alerts=alerts,
        banner=risks.banner,
        coming_up=coming_up,
        done=DONE.get(request.args.get("done", "")),
        url=url,
        unit_text=views.unit_name,
        **WORDS,
    )


@blueprint.get("/<number>")
@staff_required(*ROLES)
def petition(number: str) -> Any:
    """One petition."""
    return _page(number, None)


@blueprint.post("/<number>/dispatch")
@staff_required(*ROLES)
def dispatch(number: str) -> Any:
    """Send it to a unit."""
    form = DispatchForm()
    fill_units(form)
    return _step(
        number,
        form,
        lambda work, staff: steps.dispatch(
            work, staff, form.target(number), form.unit.data or "", form.reason.data or ""
        ),
    )


@blueprint.post("/<number>/accept")
@staff_required(*ROLES)
def accept(number: str) -> Any:
    """Accept it."""
    form = AcceptForm()
    return _step(number, form, lambda work, staff: steps.accept(work, staff, form.target(number)))


@blueprint.post("/<number>/acknowledge")
@staff_required(*ROLES)
def acknowledge(number: str) -> Any:
    """Take note of its danger."""
    return _step(number, AcknowledgeForm(), lambda work, staff: risks.acknowledge(work, staff, number))


@blueprint.post("/<number>/objection")
@staff_required(*ROLES)
def objection(number: str) -> Any:
    """Hand it back."""
    form = ObjectionForm()
    return _step(
        number,
        form,
        lambda work, staff: steps.hand_back(work, staff, form.target(number), form.reason.data or ""),
        after="/desk?done=objection",
    )


@blueprint.post("/<number>/reply")
@staff_required(*ROLES)
def reply(number: str) -> Any:
    """Answer it."""
    form = ReplyForm()
    form.outcome.choices = [(code, pick(name_of(OUTCOME_NAMES, code))) for code in OUTCOME_NAMES]

    def answer(work: Work, staff: Viewer) -> Case:
        outcome: Any = form.outcome.data
        return steps.reply(work, staff, form.target(number), form.text.data or "", outcome, form.basis.data or "")

    return _step(number, form, answer)


@blueprint.post("/<number>/merge")
@staff_required(*ROLES)
def merge(number: str) -> Any:
    """Let it join another one."""
    form = MergeForm()
    return _step(number, form, lambda work, who: merging.merge(work, who, form.target(number), form.into.data or ""))


@blueprint.post("/<number>/unmerge")
@staff_required(*ROLES)
def unmerge(number: str) -> Any:
    """Take it out again."""
    form = UnmergeForm()
    return _step(
        number, form, lambda work, who: merging.unmerge(work, who, form.target(number), form.reason.data or "")
    )


def _step(number: str, form: StepForm, act: Callable[[Work, Viewer], Case], after: str = "") -> Any:
    """Take a step; when it is refused the page comes back with what was typed."""
    if not form.validate_on_submit():
        return _page(number, form, status=422)
    try:
        with house().work(traceparent()) as work:
            about(petition_id=act(work, current_staff()).petition_id)
    except Refusal as refusal:
        if refusal.status in (403, 404):
            raise
        form.refuse(refusal.field, t(refusal.message, **refusal.values))
        return _page(number, form, status=refusal.status)
    return redirect(after or f"/desk/{number}", 303)


def _page(number: str, typed: StepForm | None, status: int = 200) -> Any:
    """The page of one petition.

    Args:
        number: its number.
        typed: a form that was refused, shown again as it was typed.
        status: HTTP status.
    """
    staff, now = current_staff(), house().clock.now()
    with house().database.read() as session:
        case = store.cases.find(session, staff, number)
        if case is None:
            raise Refusal("no_such_case", "There is no such case, or it is not for you to see.", status=404)
        about(petition_id=case.petition_id)
        directory = store.directory.read(session)
        assessment = assessment_of(case)
        named = [one.petition_id for one in assessment.look_alikes] + [one.petition_id for one in assessment.past]
        named += [one.petition_id for one in joined_of(case)]
        if case.lead_id is not None:
            named.append(case.lead_id)
        alike = store.cases.visible_titles(session, staff, named)
        entries = store.cases.history(session, case.petition_id)
        timeline = views.timeline(session, entries)
        alert = risks.alert_of(session, case, staff, directory, now)
    allowed = views.allowed(case, staff)
    forms: dict[str, StepForm] = {step: empty_form(step, case, directory) for step in allowed}
    if typed is not None:
        # The typed text stays; the version is the present one, so that the next try is made on what is shown now.
        typed.version.data = str(case.version)
        if isinstance(typed, ReplyForm):
            offer_outcomes(typed, case.kind)
        forms[name_of_form(typed)] = typed
    answer = render_template(
        "routing/case.html",
        case=case,
        petition=petition_of(case),
        assessment=assessment,
        words=views.words(assessment),
        words_against=views.words(assessment, "word_against"),
        candidates=views.candidates(case, assessment, directory),
        past=views.past_cases(assessment, alike, directory),
        remarks=views.remarks(assessment, directory),
        risks=risks.tags(assessment, directory),
        risk_evidence=risks.evidence(assessment.risk_findings, directory),
        alert=alert,
        banner=risks.banner,
        acknowledge_form=AcknowledgeForm(formdata=None),
        sureness=views.sureness(case.confidence),
        judged_facts=views.judged_facts(case, directory),
        objection=views.objection(case, entries),
        look_alikes=look_alikes.of_case(case, assessment, alike),
        lead=alike.get(case.lead_id or ""),
        joined=[alike[one.petition_id] for one in joined_of(case) if one.petition_id in alike],
        alike_words=views.ALIKE,
        reply=reply_of(case),
        timeline=timeline,
        petition_facts=views.petition_facts(case),
        case_facts=views.case_facts(case),
        next_step=str(views.NEXT[case.state]) if case.state in views.NEXT else "",
        due=views.due_of(case, now, directory.jurisdiction.time_zone),
        allowed=allowed,
        forms=forms,
        typed=name_of_form(typed) if typed else "",
        form_in_error=typed,
        changed=status == 409,
        min_reply=MIN_REPLY,
        min_reason=MIN_REASON,
        **WORDS,
    )
    return make_response(answer, status)
