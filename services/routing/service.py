"""The worker role of routing: takes petitions in, publishes what the desk does."""

# mypy: disable-error-code="untyped-decorator"
# nameko is not typed.

from __future__ import annotations

from nameko.timer import timer

from services.chassis.consume import Batch, listens
from services.chassis.provider import HouseProvider
from services.chassis.reconcile import nothing_to_load
from services.chassis.relay import Relay
from services.contracts.compare import lane_to
from services.contracts.shared import SEALED
from services.routing import handlers, measuring, snapshots, store, watching


class Service:
    """nameko service ``routing``."""

    name = "routing"

    house = HouseProvider()
    relay = Relay()

    @listens("routing.petitions", *handlers.ON_PETITION)
    def petitions(self, batch: Batch) -> None:
        """Petitions of the common lane."""
        batch.apply(self.house, handlers.ON_PETITION, store.load_cases)

    @listens("routing.reports", *handlers.ON_REPORT, lane=SEALED)
    def reports(self, batch: Batch) -> None:
        """Reports on persons, in the lane of their own."""
        batch.apply(self.house, handlers.ON_REPORT, store.load_cases)

    @listens("routing.snapshots", *snapshots.ON_SNAPSHOTS, lane=lane_to("routing"))
    def compared(self, batch: Batch) -> None:
        """Who asks whether a copy of cases is whole, and what intake answers to the same question."""
        batch.apply(self.house, snapshots.ON_SNAPSHOTS, nothing_to_load)

    @listens("routing.snapshots-sealed", *snapshots.ON_SNAPSHOTS, lane=lane_to("routing", sealed=True))
    def compared_sealed(self, batch: Batch) -> None:
        """The same of reports on persons."""
        batch.apply(self.house, snapshots.ON_SNAPSHOTS, nothing_to_load)

    @timer(interval=measuring.EVERY_S, eager=True)
    def clocks(self) -> None:
        """How many clocks run, how many are past their time."""
        measuring.measure(self.house)

    @timer(interval=watching.EVERY_S, eager=True)
    def duty(self) -> None:
        """Dangers that nobody on duty acknowledged in time go to the next one."""
        watching.watch(self.house)

    @timer(interval=measuring.EVERY_S, eager=True)
    def words(self) -> None:
        """How common words are, so that look-alikes are weighed by the rare ones."""
        store.commonness.learn(self.house)
