"""Keeps what routing tells of units and staff: where messages to a unit go, and who may sign in."""

from __future__ import annotations

from services.chassis.delivery import Delivery, Work
from services.contracts.routing import StaffChanged, UnitChanged
from services.notify.models import Account, Unit


def follow_unit(delivery: Delivery[UnitChanged], work: Work) -> None:
    """Keep name and office address of a unit."""
    event = delivery.event
    row = work.get(Unit, event.unit_id)
    if row is None:
        row = Unit(id=event.unit_id, seen={})
        work.add(row)
    if not work.advance(row, delivery.envelope):
        return
    row.name_zh, row.name_en = event.name.zh, event.name.en
    row.mail, row.phone = event.mail, event.phone


def follow_staff(delivery: Delivery[StaffChanged], work: Work) -> None:
    """Keep who is staff, so that a revoked account is signed out here too."""
    event = delivery.event
    row = work.get(Account, event.staff_id)
    if row is None:
        row = Account(id=event.staff_id, seen={})
        work.add(row)
    if not work.advance(row, delivery.envelope):
        return
    row.name, row.unit_id = event.display_name, event.unit_id
    row.roles, row.active = list(event.roles), event.active
