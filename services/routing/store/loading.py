"""Loads a batch of petition events with a handful of statements: rows, readings, candidates for look-alikes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, cast

from sqlalchemy import ColumnElement, Table, delete, select
from sqlalchemy.orm import Session

from services.chassis.delivery import Work
from services.chassis.newest import Newest
from services.contracts.envelope import Envelope
from services.contracts.intake import IntakeEvent
from services.routing.domain.look_alikes import PER_KEY, PER_MATTER, PER_PETITIONER, REPEAT_DAYS, Features, Found, Pool
from services.routing.domain.reading import Reading, read
from services.routing.folding import fold
from services.routing.models import Case, HistoryEntry, RiskAlert, ShingleBand
from services.routing.store import commonness, directory, learned

_POOL: Final = "routing.pool"
_READINGS: Final = "routing.readings"
_BY_KEY: Final = Newest(ShingleBand.petition_id, [ShingleBand.band], ShingleBand.petition_id, PER_KEY)
_BY_PETITIONER: Final = Newest(Case.petition_id, [Case.petitioner_key], Case.submitted_at, PER_PETITIONER)
_BY_MATTER: Final = Newest(Case.petition_id, [Case.subject, Case.area], Case.submitted_at, PER_MATTER)
_BANDS: Final = cast(Table, ShingleBand.__table__)
#: Values in one IN list; SQLite takes 32,766.
_CHUNK: Final = 5_000


def load_cases(work: Work, envelopes: Sequence[Envelope]) -> None:
    """Load what the handlers of a batch need; the number of statements does not grow with the batch."""
    work.preload(Case, [envelope.subject for envelope in envelopes])
    # After the cases: who holds an alert holds its case.
    work.preload(RiskAlert, [envelope.subject for envelope in envelopes])
    events = [envelope.data for envelope in envelopes if isinstance(envelope.data, IntakeEvent)]
    new: dict[str, IntakeEvent] = {}
    for event in events:
        # The first of a petition's events opens its case.
        if event.petition_id not in new and work.get(Case, event.petition_id) is None:
            new[event.petition_id] = event
    for event in new.values():
        _readings(work)[event.petition_id, len(event.petition.supplements)] = _read(work, event)
    work.session.info[_POOL] = _pool(work.session, [r.features for r in _readings(work).values()])


def reading(work: Work, event: IntakeEvent) -> Reading:
    """The petition read with the directory of the day: from the batch's load where it is."""
    key = (event.petition_id, len(event.petition.supplements))
    known = _readings(work).get(key)
    if known is None:
        known = _readings(work)[key] = _read(work, event)
    return known


def pool(work: Work, features: Features) -> Pool:
    """Candidates for look-alikes: those of the batch's load, or loaded for this one petition."""
    known: Pool | None = work.session.info.get(_POOL)
    if known is None:
        known = work.session.info[_POOL] = _pool(work.session, [features])
    return known


def add_case(work: Work, case: Case, read: Reading) -> None:
    """Keep a new case and, unless it is sealed, what later petitions find it by."""
    work.add(case)
    if not case.sealed:
        keep_features(work, case, read.features)
        commonness.common(work.session).add(read.words)


def keep_features(work: Work, case: Case, features: Features) -> None:
    """Let later petitions find this one."""
    case.sketch, case.place_pairs = features.sketch, " ".join(sorted(features.place))
    case.kept_words = features.kept
    rows = ({"band": key, "petition_id": case.petition_id} for key in features.keys)
    work.append(_BANDS, rows)
    pool(work, features).add(features)


def forget_features(work: Work, case: Case) -> None:
    """Later petitions no longer find this one, nor do those of this batch: it became sealed."""
    found_by = Features(case.petition_id, case.number, case.submitted_at, case.sketch, kept=case.kept_words or b"").keys
    case.sketch, case.place_pairs, case.kept_words = b"", "", None
    # By its keys too, since no index begins with the petition: the table holds thirty rows of each.
    _delete_bands(work, case.petition_id, ShingleBand.band.in_(found_by))
    known: Pool | None = work.session.info.get(_POOL)
    if known is not None:
        known.forget(case.petition_id)


def forget_bands(work: Work, petition_id: str) -> None:
    """Remove what a case that is gone was found by; reads the whole table."""
    _delete_bands(work, petition_id)


def _delete_bands(work: Work, petition_id: str, *where: ColumnElement[bool]) -> None:
    # What this work has yet to write is removed too.
    work.flush()
    work.session.execute(delete(ShingleBand).where(ShingleBand.petition_id == petition_id, *where))


def add_history(work: Work, entry: HistoryEntry) -> None:
    """Keep a step."""
    work.session.add(entry)


def _readings(work: Work) -> dict[tuple[str, int], Reading]:
    kept: dict[tuple[str, int], Reading] = work.session.info.setdefault(_READINGS, {})
    return kept


def _read(work: Work, event: IntakeEvent) -> Reading:
    judge = directory.judge_on(work.session, work.now)
    in_force = None if event.sealed else learned.in_force(work.session)
    common = commonness.common(work.session)
    return read(event.petition_id, event.number, event.petition, judge, fold, common, in_force, sealed=event.sealed)


def _pool(session: Session, new: Sequence[Features]) -> Pool:
    """Past petitions that any of these may be like; of each no more are loaded than are weighed."""
    if not new:
        return Pool()
    since = min(one.submitted_at for one in new) - timedelta(days=REPEAT_DAYS)
    keys = list({key for one in new for key in one.keys})
    people = list({one.petitioner_key for one in new if one.petitioner_key is not None})
    matters = list({(one.subject, one.area) for one in new if one.subject is not None and one.area is not None})
    by_key = _BY_KEY.find(session, [(key,) for key in keys])
    by_petitioner = _BY_PETITIONER.find(session, [(person,) for person in people], since)
    by_matter = _BY_MATTER.find(session, matters, since)
    past = Found(
        dict(zip(keys, by_key, strict=True)),
        dict(zip(people, by_petitioner, strict=True)),
        dict(zip(matters, by_matter, strict=True)),
    )
    found = Pool(past)
    found.know(_features(session, sorted({petition_id for one in new for petition_id in found.likely(one)})))
    return found


def _features(session: Session, ids: Sequence[str]) -> list[Features]:
    rows: list[Features] = []
    for at in range(0, len(ids), _CHUNK):
        query = select(
            Case.petition_id,
            Case.number,
            Case.submitted_at,
            Case.sketch,
            Case.petitioner_key,
            Case.subject,
            Case.area,
            Case.place_pairs,
            Case.kept_words,
        ).where(Case.petition_id.in_(ids[at : at + _CHUNK]), Case.audience != "sealed")
        rows += [
            Features(r[0], r[1], r[2], r[3], r[4], r[5], r[6], frozenset(r[7].split()), r[8] or b"")
            for r in session.execute(query)
        ]
    return rows
