"""All events of the house by their wire type."""

from services.contracts import alerts, intake, notify, portals, routing, snapshots
from services.contracts.envelope import Registry

#: What travels between the services.
EVENTS = Registry(*intake.EVENTS, *routing.EVENTS, *alerts.EVENTS, *notify.EVENTS, *snapshots.EVENTS)
#: What travels between a portal and the house.
PORTAL_EVENTS = Registry(*portals.EVENTS)
