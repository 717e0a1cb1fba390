"""Finds the services that are installed here, by name: a folder beside this one that has a ``service.py``."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.chassis.errors import StartError
from services.chassis.settings import ServiceSettings, load

if TYPE_CHECKING:
    from services.chassis.house import House

#: The order in which a petition meets them.
_WAY = ("intake", "routing", "notify", "search")
#: Environment variable that ``wenzheng up`` hands the broker's URL down with.
BROKER_VARIABLE = "WENZHENG_BROKER_URL"


def installed() -> tuple[str, ...]:
    """Names of the services in this tree, in the order of a petition's way."""
    folder = Path(__file__).resolve().parents[1]
    names = {path.parent.name for path in folder.glob("*/service.py")}
    known = tuple(name for name in _WAY if name in names)
    return known + tuple(sorted(names - set(known)))


def part(service: str, module: str) -> Any:
    """A module of a service.

    Raises:
        StartError: no such service in this tree.
    """
    if service not in installed():
        raise StartError(f"there is no service {service!r} here; there are: {', '.join(installed())}")
    return importlib.import_module(f"services.{service}.{module}")


def settings_of(service: str, **overrides: Any) -> ServiceSettings:
    """The settings of a service from the environment."""
    settings: ServiceSettings = load(part(service, "settings").Settings, service, **overrides)
    return settings


def open_service(service: str, *, patient: bool = True) -> House[Any]:
    """The house of a service from the environment, logs set up; ``patient`` as in ``open_house``."""
    # Here, since the process that only watches over others needs neither.
    from services.chassis.house import open_house
    from services.chassis.telemetry import set_up_logs

    settings = settings_of(service)
    set_up_logs(settings.log_level, settings.log_format)
    return open_house(service, settings, patient=patient)
