"""Hot topics: the petitions that a look goes through, the topics it found, and which petitions they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, delete, select
from sqlalchemy.orm import Session, load_only

from services.chassis.delivery import Work
from services.chassis.ids import uuid7_from
from services.routing.domain.cases import Viewer
from services.routing.domain.sameness import Sheet
from services.routing.folding import fold
from services.routing.models import Case, DirectoryRow, Topic, TopicCase
from services.routing.store.cases import seen_by
from services.routing.topics.petition_file import LONGEST_BODY, Row

#: Topics on the page, and above the queue.
SHOWN: Final = 30
ABOVE_THE_QUEUE: Final = 3
#: Cases listed of a topic.
LISTED: Final = 500
#: Rows read from the database at a time, values in one list.
_PAGE: Final = 1_000


def _open_to_topics() -> ColumnElement[bool]:
    """The cases that topics are made of: neither sealed nor what reads like a report on a person, nor taken back."""
    return and_(~Case.sealed, Case.audience == "units", Case.state != "withdrawn")


def petitions(session: Session, since: datetime, most: int) -> list[Row]:
    """The petitions filed since then, the earliest first; of too many the newest.

    Found by their ids, which are made when a petition has come in and so are never older than it: no index is needed.

    Args:
        session: a session.
        since: the first moment.
        most: how many are taken.
    """
    query = (
        select(Case.petition_id, Case.title, Case.petition, Case.submitted_at, Case.petitioner_key)
        .where(Case.petition_id >= uuid7_from(since), Case.submitted_at >= since, _open_to_topics())
        .order_by(Case.petition_id.desc())
        .limit(most)
        .execution_options(yield_per=_PAGE)
    )
    rows = []
    for name, title, petition, at, petitioner in session.execute(query):
        added = [str(one.get("text") or "") for one in petition.get("supplements") or ()]
        body = "\n".join([str(petition.get("body") or ""), *added])[:LONGEST_BODY]
        place = str((petition.get("place") or {}).get("text") or "")
        sheet = Sheet(name, fold(title[:LONGEST_BODY]), fold(body), fold(place), at, petitioner)
        rows.append(Row(0, name, " ".join(title.split()), sheet, at))
    return sorted(rows, key=lambda row: (row.at or since, row.id))


def alone(work: Work) -> None:
    """Wait until no other look is writing: the one row of the directory stands for the right to write topics."""
    work.get(DirectoryRow, 1)


def hold(session: Session, petition_ids: Iterable[str]) -> dict[str, str]:
    """Numbers of those that topics may still be made of, by id; none is sealed before this transaction ends."""
    ids, found = sorted(petition_ids), dict[str, str]()
    for at in range(0, len(ids), _PAGE):
        query = select(Case.petition_id, Case.number).where(Case.petition_id.in_(ids[at : at + _PAGE]))
        query = query.where(_open_to_topics()).order_by(Case.petition_id).with_for_update(read=True)
        found.update((row[0], row[1]) for row in session.execute(query))
    return found


def members(session: Session) -> dict[str, TopicCase]:
    """What every petition that is in a topic is known as, by petition."""
    return {row.petition_id: row for row in session.scalars(select(TopicCase))}


def topics(session: Session) -> dict[str, Topic]:
    """Every topic that is remembered, by id."""
    return {row.id: row for row in session.scalars(select(Topic))}


def forget_old(session: Session, since: datetime) -> None:
    """Forget petitions filed before then, and topics of which nothing is left."""
    session.flush()
    session.execute(delete(TopicCase).where(TopicCase.submitted_at < since))
    session.execute(delete(Topic).where(Topic.shown.is_(False), Topic.id.not_in(select(TopicCase.topic_id))))


def forget(work: Work, petition_id: str) -> None:
    """Take a case out of its topic, whose name may be its title: nobody sees it until the next look."""
    row = work.get(TopicCase, petition_id)
    topic = work.get(Topic, row.topic_id) if row is not None else None
    if row is not None and topic is not None:
        row.present = topic.shown = False


def hottest(session: Session) -> Sequence[Topic]:
    """The topics of the last look, the hottest first."""
    query = select(Topic).where(Topic.shown).order_by(Topic.heat.desc(), Topic.id).limit(SHOWN)
    return session.scalars(query).all()


def coming_up(session: Session) -> Sequence[Topic]:
    """Those that come up, the hottest first."""
    query = select(Topic).where(Topic.shown, Topic.since.is_not(None)).order_by(Topic.heat.desc(), Topic.id)
    return session.scalars(query.limit(ABOVE_THE_QUEUE)).all()


def one(session: Session, topic_id: str) -> Topic | None:
    """A topic of the last look."""
    return session.scalars(select(Topic).where(Topic.id == topic_id, Topic.shown)).first()


def cases_of(session: Session, viewer: Viewer, topic_id: str) -> Sequence[Case]:
    """The cases of a topic that this member of staff may see, the newest first."""
    query = (
        select(Case)
        .join(TopicCase, TopicCase.petition_id == Case.petition_id)
        .options(load_only(Case.number, Case.title, Case.state, Case.submitted_at, Case.unit_name))
        .where(TopicCase.topic_id == topic_id, TopicCase.present, _open_to_topics(), seen_by(viewer))
        .order_by(Case.submitted_at.desc(), Case.petition_id)
        .limit(LISTED)
    )
    return session.scalars(query).all()
