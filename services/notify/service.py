"""Notify's worker role: what it listens to and what it sends."""
# mypy: disable-error-code="untyped-decorator"
# nameko is not typed.

from __future__ import annotations

from services.chassis.consume import Batch, listens
from services.chassis.portal_out import PortalOut
from services.chassis.provider import HouseProvider
from services.chassis.reconcile import nothing_to_load
from services.chassis.relay import Relay
from services.chassis.sender import Kept, sends
from services.contracts.compare import lane_to
from services.contracts.envelope import Event
from services.notify import handlers, sending, snapshots, store
from services.notify.settings import manner_of


class Service:
    """Tells citizens, units and portals."""

    name = "notify"
    house = HouseProvider()
    relay = Relay()
    mails = Kept(sending.mails)
    portal_notes = Kept(lambda house: sending.portal_notes(house, PortalOut(house)))
    webhook_notes = Kept(sending.webhooks)

    @listens("notify.events", *handlers.ON_COMMON)
    def events(self, batch: Batch) -> None:
        """Petitions, cases and hot topics of the common lane."""
        self._hear(batch, handlers.ON_COMMON)

    @listens("notify.reports", *handlers.ON_EVENTS, lane="sealed")
    def reports(self, batch: Batch) -> None:
        """Reports on persons and their cases."""
        self._hear(batch, handlers.ON_EVENTS)

    @listens("notify.contacts", *handlers.ON_CONTACTS)
    def contacts(self, batch: Batch) -> None:
        """How to reach petitioners."""
        self._hear(batch, handlers.ON_CONTACTS)

    @listens("notify.contacts-sealed", *handlers.ON_CONTACTS, lane="sealed")
    def contacts_sealed(self, batch: Batch) -> None:
        """How to reach those who reported on a person."""
        self._hear(batch, handlers.ON_CONTACTS)

    @listens("notify.directory", *handlers.ON_DIRECTORY)
    def directory(self, batch: Batch) -> None:
        """Units and staff."""
        batch.apply(self.house, handlers.ON_DIRECTORY, store.load_directory)

    @listens("notify.snapshots", *snapshots.TYPES, lane=lane_to("notify"))
    def compared(self, batch: Batch) -> None:
        """What owners answer when notify asks whether its correspondence is whole."""
        batch.apply(self.house, snapshots.on_snapshots(manner_of(self.house.settings)), nothing_to_load)

    @listens("notify.snapshots-sealed", *snapshots.TYPES, lane=lane_to("notify", sealed=True))
    def compared_sealed(self, batch: Batch) -> None:
        """The same of reports on persons."""
        batch.apply(self.house, snapshots.on_snapshots(manner_of(self.house.settings)), nothing_to_load)

    @sends("notify.mail", every=1.0)
    def mail(self) -> int:
        """Mails to citizens and units."""
        done: int = self.mails.run()
        return done

    @sends("notify.portals", every=1.0)
    def portals(self) -> int:
        """Updates into portals' own queues, under their own reference."""
        done: int = self.portal_notes.run()
        return done

    @sends("notify.webhooks", every=1.0)
    def webhooks(self) -> int:
        """The same to portals that have a webhook only."""
        done: int = self.webhook_notes.run()
        return done

    def _hear(self, batch: Batch, table: dict[type[Event], handlers.Speaker]) -> None:
        batch.apply(self.house, handlers.speaking(table, manner_of(self.house.settings)), store.load_petitions)
