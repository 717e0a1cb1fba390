"""What happens when intake tells of a petition: it is judged, dispatched when the judgement is sure, and followed."""

from __future__ import annotations

import msgspec

from services.chassis.delivery import Delivery, Work
from services.contracts.intake import IntakeEvent, PetitionState
from services.contracts.routing import Assessment, PetitionAssessed, PetitionClosed, PetitionDispatched
from services.contracts.shared import UnitRef
from services.routing import store
from services.routing.domain import clocks
from services.routing.domain.cases import ENDED, line_text
from services.routing.domain.directory import Directory, Unit
from services.routing.domain.look_alikes import look_alikes
from services.routing.domain.reading import Reading
from services.routing.handlers import risks
from services.routing.handlers.record import note, tell
from services.routing.handlers.together import RULE, followers, hand_on, hurry, part
from services.routing.models import Case

PETITIONER = "petitioner"


def take_in(delivery: Delivery[IntakeEvent], work: Work) -> None:
    """研判: open the case of a new petition, judge it, and dispatch it where the judgement is sure."""
    follow(delivery, work)


def follow(delivery: Delivery[IntakeEvent], work: Work) -> None:
    """Bring the case to what intake tells: a new petition, something added, a withdrawal, a rating.

    Intake's events carry the full state, so that whichever comes first opens the case and none has to wait for another.
    """
    event = delivery.event
    case = work.get(Case, event.petition_id)
    if case is None:
        case = _open(event, work)
        work.advance(case, delivery.envelope)
        _assess(case, event, work)
    elif work.advance(case, delivery.envelope):
        before = msgspec.convert(case.petition, PetitionState)
        case.petition = msgspec.to_builtins(event.petition)
        added = event.petition.supplements[len(before.supplements) :]
        for _ in added:
            note(work, case, "supplemented", PETITIONER)
        if added and case.state == "under_review" and case.hops == 0:
            _assess(case, event, work)
        elif added:
            _look_again(case, event, work)
        if added and case.audience != "units":
            store.topics.forget(work, case.petition_id)
    else:
        return
    _end_if_due(case, event.petition, work)


def open_again(delivery: Delivery[IntakeEvent], work: Work, *, steps: int, sequence: int) -> None:
    """Open the case of a petition that has none though it was told of, and judge it.

    Args:
        delivery: what intake holds of the petition.
        work: the unit of work.
        steps: the last step of an earlier case of this petition that is left in the history.
        sequence: above whatever that case was told under; else others would take the new one's events for old.
    """
    event = delivery.event
    case = _open(event, work, steps=steps, sequence=sequence)
    work.advance(case, delivery.envelope)
    _assess(case, event, work)
    _end_if_due(case, event.petition, work)


def _open(event: IntakeEvent, work: Work, *, steps: int = 0, sequence: int = 0) -> Case:
    reading = store.loading.reading(work, event)
    petition = event.petition
    case = Case(
        petition_id=event.petition_id,
        number=event.number,
        origin=msgspec.to_builtins(event.origin),
        sealed=event.sealed,
        petition=msgspec.to_builtins(petition),
        kind=petition.kind,
        title=petition.title,
        submitted_at=petition.submitted_at,
        petitioner_key=petition.petitioner_key,
        state="under_review",
        audience="sealed" if event.sealed else "dispatchers",
        version=1,
        steps=steps,
        assessment={},
        risky=False,
        sketch=b"",
        place_pairs="",
        unit_line="",
        hops=0,
        sequence=sequence,
        seen={},
    )
    alike = (
        []
        if event.sealed
        else look_alikes(reading.features, store.loading.pool(work, reading.features).candidates(reading.features))
    )
    case.assessment = msgspec.to_builtins(Assessment(look_alikes=alike))
    store.loading.add_case(work, case, reading)
    note(work, case, "submitted", PETITIONER)
    return case


def _assess(case: Case, event: IntakeEvent, work: Work) -> None:
    """Judge the petition as it stands and tell; dispatch where the judgement is sure."""
    reading = store.loading.reading(work, event)
    judgement = reading.judgement
    alike = msgspec.convert(case.assessment, Assessment).look_alikes
    assessment = Assessment(
        suggested_kind=judgement.kind if judgement.kind != case.kind else None,
        subject=judgement.subject,
        confidence=judgement.confidence,
        reasons=judgement.reasons,
        risks=judgement.risks,
        look_alikes=alike,
        model=judgement.model,
        candidates=judgement.candidates,
        past=judgement.past,
        risk_findings=judgement.risk_findings,
    )
    case.assessment = msgspec.to_builtins(assessment)
    case.subject, case.area, case.confidence = judgement.subject, judgement.area, judgement.confidence
    case.risky = bool(judgement.risks)
    before, audience = case.audience, _audience(case, reading)
    if audience != "units":
        part(work, case)
    case.audience = audience
    directory = store.directory.read(work.session)
    zone, promises = directory.jurisdiction.time_zone, directory.jurisdiction.promises
    case.step_due_at = clocks.dispatch_due(case.submitted_at, promises, zone)
    note(work, case, "assessed", RULE)
    tell(work, case, PetitionAssessed)
    if case.audience != before:
        risks.ask_anew(work, case)
    unit = directory.unit_by_id.get(judgement.unit) if judgement.unit else None
    if unit is not None and case.lead_id is None:
        send_all(work, case, directory, unit, by=RULE)
    risks.raise_alarm(work, case, judgement.risk_findings)


def _look_again(case: Case, event: IntakeEvent, work: Work) -> None:
    """What was added to a case under way is read for dangers; where it goes stays as it is."""
    judgement = store.loading.reading(work, event).judgement
    before = msgspec.convert(case.assessment, Assessment)
    if judgement.risk_findings == before.risk_findings:
        return
    after = msgspec.structs.replace(before, risks=judgement.risks, risk_findings=judgement.risk_findings)
    case.assessment, case.risky = msgspec.to_builtins(after), bool(judgement.risks)
    tell(work, case, PetitionAssessed)
    risks.raise_alarm(work, case, judgement.risk_findings)


def _audience(case: Case, reading: Reading) -> str:
    if case.sealed:
        return "sealed"
    # What reads like a report on a person is shown to no unit before a dispatcher has looked (Art. 30).
    return "dispatchers" if reading.judgement.on_person else "units"


def send_all(work: Work, case: Case, directory: Directory, unit: Unit, *, by: str, reason: str = "") -> None:
    """交办: send a case, and those that follow it, to a unit."""
    for one in (case, *followers(work, case)):
        send(work, one, directory, unit, by=by, reason=reason)
    hurry(work, case)


def send(work: Work, case: Case, directory: Directory, unit: Unit, *, by: str, reason: str = "") -> None:
    """交办: send the case to a unit and start its clock. The citizen's clock is never set back."""
    ref = UnitRef(id=unit.id, name=unit.name)
    zone, promises = directory.jurisdiction.time_zone, directory.jurisdiction.promises
    before, case.state = case.audience, "dispatched"
    case.unit_id, case.unit_name = unit.id, msgspec.to_builtins(unit.name)
    case.unit_line = line_text(directory.line(unit.id))
    case.audience = "sealed" if unit.sealed else "units"
    case.hops += 1
    case.first_dispatched_at = case.first_dispatched_at or work.now
    case.dispatched_at, case.accepted_at = work.now, None
    petition = msgspec.convert(case.petition, PetitionState)
    case.due_at = clocks.reply_due(petition.kind, case.first_dispatched_at, promises, zone)
    case.step_due_at = clocks.accept_due(work.now, promises, zone)
    if unit.sealed and not case.sealed:
        store.loading.forget_features(work, case)
        store.topics.forget(work, case.petition_id)
    note(work, case, "dispatched", by, reason, unit=ref)
    tell(work, case, PetitionDispatched, by=by)
    if case.audience != before:
        risks.ask_anew(work, case)


def _end_if_due(case: Case, petition: PetitionState, work: Work) -> None:
    """办结: the petitioner took the petition back, or rated the reply."""
    if case.state in ENDED:
        return
    if petition.withdrawn_at is not None:
        hand_on(work, case)
        case.state, case.closed_at, case.step_due_at = "withdrawn", work.now, None
        note(work, case, "withdrawn", PETITIONER, petition.withdrawal_reason)
        tell(work, case, PetitionClosed, reason="withdrawn")
    elif petition.rating is not None and case.state == "replied":
        case.state, case.closed_at, case.step_due_at = "closed", work.now, None
        note(work, case, "rated", PETITIONER, petition.rating.comment)
        tell(work, case, PetitionClosed, reason="rated")
