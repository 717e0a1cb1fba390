"""The worker role of search: follows every event and keeps the index up to the rows."""

from __future__ import annotations

from typing import Any

from nameko.extensions import DependencyProvider

from services.chassis.consume import Batch, listens
from services.chassis.provider import HouseProvider, house_of
from services.chassis.reconcile import nothing_to_load
from services.chassis.relay import Relay
from services.chassis.sender import native, sends
from services.contracts.compare import lane_to
from services.search import handlers, snapshots, store
from services.search.engines import open_engine
from services.search.indexing import Indexer

#: Where a fault test may end this worker (chassis.kill_points): the page is in the index, its rows are not marked.
KILL_POINTS = {"after_write": (store, "mark", True)}


class IndexerProvider(DependencyProvider):  # type: ignore[misc]
    """Dependency: the process's one indexer."""

    def setup(self) -> None:
        """Called by nameko before start."""
        house = house_of(self.container)
        self._indexer = Indexer(house, open_engine(house.settings), native)

    def stop(self) -> None:
        """Called by nameko when every entrypoint has stopped."""
        self._indexer.close()

    def get_dependency(self, worker_ctx: Any) -> Indexer:
        """The indexer, the same for every worker."""
        return self._indexer


class Service:
    """Search as a nameko service. It publishes nothing but what it asks the owners of its rows."""

    name = "search"
    house = HouseProvider()
    relay = Relay()
    indexer = IndexerProvider()

    @listens("search.events", *handlers.ON_EVENTS)
    def events(self, batch: Batch) -> None:
        """Petitions, units and staff."""
        batch.apply(self.house, handlers.ON_EVENTS, store.load)

    @listens("search.reports", *handlers.ON_PETITIONS, lane="sealed")
    def reports(self, batch: Batch) -> None:
        """Reports on persons, on a queue of their own."""
        batch.apply(self.house, handlers.ON_PETITIONS, store.load)

    @listens("search.snapshots", *snapshots.ON_SNAPSHOTS, lane=lane_to("search"))
    def answers(self, batch: Batch) -> None:
        """What owners answer when search asks whether its rows are whole."""
        batch.apply(self.house, snapshots.ON_SNAPSHOTS, nothing_to_load)

    @listens("search.snapshots-sealed", *snapshots.ON_SNAPSHOTS, lane=lane_to("search", sealed=True))
    def sealed_answers(self, batch: Batch) -> None:
        """The same of reports on persons."""
        batch.apply(self.house, snapshots.ON_SNAPSHOTS, nothing_to_load)

    @sends("search.index")
    def index(self) -> int:
        """Write the rows that changed into the index."""
        done: int = self.indexer.run()
        return done
