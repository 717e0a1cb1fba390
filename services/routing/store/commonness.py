"""How common words are at this place: counted by each worker, from the newest petitions and from those that come.

A table of fixed size in memory (4 MB) and nothing in the database: what a word weighs is the same to within a few
hundredths whichever thousand petitions it was counted in, and a kept table would be written with every batch.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from services.chassis.database import is_transient
from services.chassis.house import House
from services.chassis.telemetry import log
from services.routing.domain.sameness import Commonness, Sheet
from services.routing.folding import fold
from services.routing.models import Case

#: Petitions that a worker counts when it starts, and how many at a time, so that no batch waits for long.
NEWEST: Final = 1_000
_PAGE: Final = 10

_COUNTED: WeakKeyDictionary[Engine, Commonness] = WeakKeyDictionary()
_LEARNED: WeakKeyDictionary[Engine, bool] = WeakKeyDictionary()


def common(session: Session) -> Commonness:
    """What this process has counted so far in this database."""
    engine = session.get_bind().engine
    if engine not in _COUNTED:
        _COUNTED[engine] = Commonness()
    return _COUNTED[engine]


def learn(house: House[Any]) -> None:
    """Count the newest petitions, once in the life of a process. Sealed ones are left out."""
    if house.database.engine in _LEARNED:
        return
    try:
        with house.database.read() as session:
            query = select(Case.petition_id).where(~Case.sealed, Case.audience != "sealed")
            ids = session.scalars(query.order_by(Case.petition_id.desc()).limit(NEWEST)).all()
        for at in range(0, len(ids), _PAGE):
            _count(house, ids[at : at + _PAGE])
            # Others have their turn between two pages.
            time.sleep(0)
    except Exception as error:
        if not is_transient(error):
            raise
        log(house.service).debug("words cannot be counted yet", reason=type(error).__name__)
        return
    _LEARNED[house.database.engine] = True


def _count(house: House[Any], ids: Sequence[str]) -> None:
    with house.database.read() as session:
        counted = common(session)
        for title, petition in session.execute(select(Case.title, Case.petition).where(Case.petition_id.in_(ids))):
            place = str((petition.get("place") or {}).get("text") or "")
            sheet = Sheet("", fold(title), fold(str(petition.get("body") or "")), fold(place))
            counted.add(sheet.cut().keys())
