"""Trained judgements in their table, the one in force, and the decisions that the next one learns from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from services.chassis.errors import Refusal
from services.chassis.telemetry import log
from services.routing.domain.learned import Learned
from services.routing.models import Case, HistoryEntry, JudgeModel

if TYPE_CHECKING:
    from services.routing.judgement.model import Model
    from services.routing.judgement.opinion import Opinion
    from services.routing.judgement.training_file import Row

CHALLENGER, CHAMPION, FORMER, REFUSED = "challenger", "champion", "former", "refused"

#: The one model that this process holds, by id; None beside the id: it cannot be read, which was told once.
_HELD: dict[str, Learned | None] = {}
#: Asked for once per transaction.
_ASKED = "routing.learned"
#: Rows read from the database at a time.
_PAGE = 1_000


@dataclass(frozen=True)
class _InForce:
    """A model as the rules use it."""

    model: Model

    @property
    def id(self) -> str:
        return self.model.facts.id

    def judge(self, title: str, body: str) -> Opinion:
        return self.model.judge(title, body)


def in_force(session: Session) -> Learned | None:
    """The trained judgement in force; None when there is none, or when it is broken: then the directory decides."""
    asked: tuple[Learned | None] | None = session.info.get(_ASKED)
    if asked is None:
        name = session.scalar(select(JudgeModel.id).where(JudgeModel.state == CHAMPION))
        if name is not None and name not in _HELD:
            _HELD.clear()
            _HELD[name] = _load(session, name)
        asked = session.info[_ASKED] = (_HELD[name] if name is not None else None,)
    return asked[0]


def _load(session: Session, name: str) -> Learned | None:
    # numpy is loaded where a model is, not in every process of routing.
    from services.routing.judgement.model import load

    try:
        return _InForce(load(session.scalars(select(JudgeModel.data).where(JudgeModel.id == name)).one(), name))
    except Refusal as refusal:
        log("routing").error(
            "the trained judgement cannot be read, the directory decides", model=name, code=refusal.code
        )
        return None


def whole(session: Session, name: str) -> Model:
    """A kept model, ready to judge.

    Raises:
        Refusal: there is none of that id, or it is broken.
    """
    from services.routing.judgement.model import load

    data = session.scalar(select(JudgeModel.data).where(JudgeModel.id == name))
    if data is None:
        raise Refusal("unknown_model", "There is no such model: `wenzheng judge models` lists them.", field="id")
    return load(data, name)


def listed(session: Session) -> Sequence[JudgeModel]:
    """All models, the newest first."""
    return session.scalars(select(JudgeModel).order_by(JudgeModel.trained_at.desc(), JudgeModel.id)).all()


def champion(session: Session) -> str | None:
    """Id of the model in force."""
    return session.scalar(select(JudgeModel.id).where(JudgeModel.state == CHAMPION))


def former(session: Session) -> str | None:
    """Id of the model that was in force before the present one."""
    query = select(JudgeModel.id).where(JudgeModel.state == FORMER).order_by(JudgeModel.promoted_at.desc()).limit(1)
    return session.scalar(query)


def keep(session: Session, name: str, data: bytes, trained_at: datetime, rows: int, report: dict[str, Any]) -> None:
    """Keep a challenger; one with the same content is there once."""
    if session.get(JudgeModel, name) is None:
        values = {"state": CHALLENGER, "trained_at": trained_at, "rows": rows, "report": report, "data": data}
        session.add(JudgeModel(id=name, **values))
        session.flush()


def put_in_force(session: Session, name: str | None, now: datetime, by: str) -> None:
    """Let a model decide from the next petition on; None: the directory alone."""
    session.execute(update(JudgeModel).where(JudgeModel.state == CHAMPION).values(state=FORMER))
    if name is not None:
        values = {"state": CHAMPION, "promoted_at": now, "promoted_by": by}
        session.execute(update(JudgeModel).where(JudgeModel.id == name).values(values))


def set_aside(session: Session, name: str) -> None:
    """Mark a model as one that nobody goes back to."""
    session.execute(update(JudgeModel).where(JudgeModel.id == name).values(state=REFUSED))


def decided(session: Session) -> Iterator[Row]:
    """The decisions that a model learns from, the oldest first: one a petition, with the unit that it ended at.

    A decision is a dispatch by a person (so also the one after an objection that was upheld), or one by rule that the
    unit accepted. Sealed cases are left out: nothing is kept of them that another petition could be compared with.
    """
    from services.routing.judgement.training_file import Row

    last = aliased(HistoryEntry)
    newest = (
        select(func.max(HistoryEntry.position))
        .where(HistoryEntry.petition_id == Case.petition_id, HistoryEntry.step == "dispatched")
        .scalar_subquery()
    )
    decided = or_(last.actor != "rule", Case.accepted_at.is_not(None))
    query = (
        select(Case.petition_id, Case.title, Case.petition, Case.unit_id)
        .join(last, and_(last.petition_id == Case.petition_id, last.position == newest))
        .where(Case.unit_id.is_not(None), Case.audience != "sealed", ~Case.sealed, decided)
        .order_by(Case.submitted_at, Case.petition_id)
        .execution_options(yield_per=_PAGE)
    )
    for petition_id, title, petition, unit_id in session.execute(query):
        place = str((petition.get("place") or {}).get("text") or "")
        added = [str(one.get("text") or "") for one in petition.get("supplements") or ()]
        body = "\n".join(part for part in (str(petition.get("body") or ""), *added, place) if part)
        yield Row(title=title, body=body, label=unit_id, id=petition_id)
