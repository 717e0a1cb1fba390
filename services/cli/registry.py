"""Finds the services that are installed here, by name: a folder beside this one that has a ``service.py``."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Sequence
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


def group_of(name: str) -> Any:
    """A group of commands that a service keeps in a module of its own, loaded alone; None: no service has it so."""
    folder = Path(__file__).resolve().parents[1]
    for service in installed():
        # An underscore names a part of a group.
        if name.isalpha() and (folder / service / f"commands_{name}.py").exists():
            return part(service, f"commands_{name}").app
    return None


def settings_of(service: str, **overrides: Any) -> ServiceSettings:
    """The settings of a service from the environment."""
    settings: ServiceSettings = load(part(service, "settings").Settings, service, **overrides)
    return settings


def open_service(service: str, *, patient: bool = True, make: bool = True) -> House[Any]:
    """The house of a service from the environment, logs set up.

    Args:
        service: its name.
        patient: as in ``open_house``.
        make: False in a command on a house that is there already, see ``open_there``.
    """
    # Here, since the process that only watches over others needs neither.
    from services.chassis.house import open_house
    from services.chassis.telemetry import set_up_logs
    from services.chassis.there import open_there

    settings = settings_of(service)
    set_up_logs(settings.log_level, settings.log_format)
    return open_house(service, settings, patient=patient) if make else open_there(service, settings)


def open_role(
    services: Sequence[str], role: str, connections: Callable[[str, Any], int], *, patient: bool = True
) -> dict[str, House[Any]]:
    """The houses of a process that runs, its logs set up, its traces where a collector is named.

    Args:
        services: the services that share the process.
        role: web or worker.
        connections: how many database connections a service can use at once here, by its name and settings.
        patient: as in ``open_house``.
    """
    from services.chassis.house import open_house
    from services.chassis.telemetry import set_up_logs
    from services.contracts.registry import EVENTS
    from services.contracts.shared import PetitionEvent

    every = {name: settings_of(name) for name in services}
    first = every[services[0]]
    set_up_logs(
        first.log_level,
        first.log_format,
        service=services[0] if len(services) == 1 else "",
        role=role,
        subjects={cls.type: "petition_id" for cls in EVENTS if issubclass(cls, PetitionEvent)},
    )
    _say_unknown()
    return {
        name: open_house(name, settings, patient=patient, role=role, connections=connections(name, settings))
        for name, settings in every.items()
    }


def _say_unknown() -> None:
    """Warn of settings that nobody reads, in one line."""
    from services.chassis.telemetry import log
    from services.chassis.unknown import unknown_names

    names = installed()
    classes = {name: part(name, "settings").Settings for name in names}
    unknown = unknown_names(os.environ, classes, set(_WAY) - set(names))
    if unknown:
        log().warning("settings that are none are ignored", names=", ".join(unknown))
