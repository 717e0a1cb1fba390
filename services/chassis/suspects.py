"""Notes on events that may end a worker, and the question whether there is anything to write them to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, false, func, insert, select

from services.chassis.database import Database
from services.chassis.delivery import inbox


def can_write(database: Database) -> None:
    """Whether what a batch needs is there: to read alone would do on a standby, a full disk or behind a lock.

    Raises:
        SQLAlchemyError: it is not.
    """
    with database.write() as session:
        session.execute(delete(inbox).where(false()))


def begin_alone(database: Database, queue: str, event_id: str, now: datetime) -> int:
    """Note that a suspect event is about to be handled; returns how often that was begun before and not ended.

    Such a note is a row of the inbox under ``queue#number``: it stays when the worker dies of the event.
    """
    notes = inbox.c.queue.like(f"{queue}#%"), inbox.c.event_id == event_id
    with database.write() as session:
        begun = int(session.execute(select(func.count()).select_from(inbox).where(*notes)).scalar_one())
        session.execute(insert(inbox), [{"queue": f"{queue}#{begun + 1}", "event_id": event_id, "received_at": now}])
    return begun


def end_alone(database: Database, queue: str, event_id: str) -> None:
    """The worker has outlived a suspect event."""
    with database.write() as session:
        session.execute(delete(inbox).where(inbox.c.queue.like(f"{queue}#%"), inbox.c.event_id == event_id))
