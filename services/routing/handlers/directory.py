"""Bringing in a directory: what differs is written and told."""

from __future__ import annotations

from datetime import date

from services.chassis.delivery import Work
from services.contracts.routing import UnitChanged
from services.routing import store
from services.routing.domain.directory import Change, Directory, Unit, changes
from services.routing.models import UnitRow


def bring_in(work: Work, new: Directory, today: date) -> list[Change]:
    """Put a checked directory in place of the present one.

    Args:
        work: the unit of work.
        new: the directory, without problems.
        today: the day in the jurisdiction's zone; a unit that is left out ended yesterday.

    Returns:
        What changed of the units, each told to the other services.
    """
    found = changes(store.directory.read(work.session), new, today)
    for row, unit in store.directory.write(work, new, found):
        work.emit(row, _told(row, unit))
    return found


def announce(work: Work) -> int:
    """Tell every unit once more, ended ones too, for services that were not there when it was told.

    Returns:
        How many.
    """
    units = store.directory.taken(work)
    for row, unit in units:
        work.emit(row, _told(row, unit))
    return len(units)


def _told(row: UnitRow, unit: Unit) -> UnitChanged:
    return UnitChanged(
        unit_id=row.id,
        name=unit.name,
        parent=unit.parent,
        valid_from=unit.valid_from,
        valid_to=unit.valid_to,
        mail=unit.lead.mail,
        phone=unit.lead.phone,
    )
