"""The worker role of routing: takes petitions in, publishes what the desk does."""

from __future__ import annotations

from services.chassis.consume import Batch, listens
from services.chassis.provider import HouseProvider
from services.chassis.relay import Relay
from services.contracts.shared import SEALED
from services.routing import handlers, store


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
