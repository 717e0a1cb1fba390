"""The worker role of intake: follows cases and notices, takes in what portals file, brings them the answers."""

from __future__ import annotations

from collections.abc import Sequence

from services.chassis.consume import Batch, listens
from services.chassis.portal_link import PortalMessage, listens_portals
from services.chassis.portal_out import PortalOut
from services.chassis.provider import HouseProvider
from services.chassis.reconcile import nothing_to_load
from services.chassis.relay import Relay
from services.chassis.sender import Kept, sends
from services.contracts.compare import lane_to
from services.intake import handlers, portal_desk, snapshots, store
from services.intake.handlers.filing import CODE_KEY


class Service:
    """Intake's worker."""

    name = "intake"
    house = HouseProvider()
    relay = Relay()
    answers = Kept(lambda house: portal_desk.answers(house, PortalOut(house)))

    @listens("intake.progress", *handlers.ON_PROGRESS)
    def progress(self, batch: Batch) -> None:
        """What became of petitions, and who the staff are."""
        batch.apply(self.house, handlers.ON_PROGRESS, store.load_progress)

    @listens("intake.progress-sealed", *handlers.ON_CASE, lane="sealed")
    def sealed_progress(self, batch: Batch) -> None:
        """What became of reports on persons."""
        batch.apply(self.house, handlers.ON_CASE, store.load_progress)

    @listens("intake.snapshots", *snapshots.TYPES, lane=lane_to("intake"))
    def compared(self, batch: Batch) -> None:
        """Who asks whether a copy of petitions is whole, and what routing answers to the same question."""
        batch.apply(self.house, snapshots.on_snapshots(self.house.key(CODE_KEY)), nothing_to_load)

    @listens("intake.snapshots-sealed", *snapshots.TYPES, lane=lane_to("intake", sealed=True))
    def compared_sealed(self, batch: Batch) -> None:
        """The same of reports on persons."""
        batch.apply(self.house, snapshots.on_snapshots(self.house.key(CODE_KEY)), nothing_to_load)

    @listens_portals(setting="portals_file")
    def portals(self, messages: Sequence[PortalMessage]) -> None:
        """What portals hand in."""
        portal_desk.take(self.house, messages)

    @sends("intake.portal-answers", every=1.0)
    def portal_answers(self) -> int:
        """Bring answers to the portals' own queues."""
        done: int = self.answers.run()
        return done
