"""The form of each step at the desk, made ready for a case: which units and outcomes it offers."""

from __future__ import annotations

from services.chassis.web import house, pick, t
from services.contracts.words import OUTCOME_NAMES, name_of
from services.routing import store
from services.routing.domain.directory import Directory
from services.routing.models import Case
from services.routing.web import views
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


def name_of_form(form: StepForm) -> str:
    """The step that a form is for."""
    names = {
        DispatchForm: "dispatch",
        AcceptForm: "accept",
        AcknowledgeForm: "acknowledge",
        ObjectionForm: "objection",
        ReplyForm: "reply",
        MergeForm: "merge",
        UnmergeForm: "unmerge",
    }
    return names[type(form)]


def empty_form(step: str, case: Case, directory: Directory) -> StepForm:
    """An empty form of a step."""
    form: StepForm
    if step == "dispatch":
        form = DispatchForm(formdata=None, prefix="")
        fill_units(form, case)
    elif step == "objection":
        form = ObjectionForm(formdata=None)
    elif step == "reply":
        form = ReplyForm(formdata=None)
        offer_outcomes(form, case.kind)
    else:
        form = {"accept": AcceptForm, "merge": MergeForm, "unmerge": UnmergeForm}[step](formdata=None)
    form.version.data = str(case.version)
    return form


def offer_outcomes(form: ReplyForm, kind: str) -> None:
    """The outcomes that suit the kind."""
    form.outcome.choices = [(code, pick(name_of(OUTCOME_NAMES, code))) for code in views.outcomes(kind)]


def fill_units(form: DispatchForm, case: Case | None = None) -> None:
    """The units of today; a sealed case goes only to the unit for sealed cases."""
    with house().database.read() as session:
        today = store.directory.today(session, house().clock.now())
        units = store.directory.read(session).on(today).units
    if case is not None:
        units = tuple(u for u in units if u.id != case.unit_id and (u.sealed or not case.sealed))
    form.unit.choices = [("", t("Choose a unit"))] + [(unit.id, pick(unit.name)) for unit in units]
