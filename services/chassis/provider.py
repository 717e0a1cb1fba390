"""Gives a nameko service its house."""

from __future__ import annotations

from typing import Any

from nameko.extensions import DependencyProvider

from services.chassis.house import House

#: Key of the house in a container's configuration.
CONFIG_KEY = "wenzheng_house"


def house_of(container: Any) -> House[Any]:
    """The house that a container was started with."""
    house: House[Any] = container.config[CONFIG_KEY]
    return house


class HouseProvider(DependencyProvider):  # type: ignore[misc]
    """Dependency: the running service's house."""

    def get_dependency(self, worker_ctx: Any) -> House[Any]:
        """The house, the same for every worker."""
        return house_of(self.container)
