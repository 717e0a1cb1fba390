"""Unit: where the watchdog may cut. Code is compiled under the names of libraries, as frames know them by these."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

with warnings.catch_warnings():
    # eventlet announces its own retirement at its first import.
    warnings.simplefilter("ignore")
    from services.chassis import hub_watch
    from services.chassis.hub_watch import cuttable


def calling(module: str) -> Callable[[Callable[[], Any]], Any]:
    """A function of a module of that name, which calls what it is given."""
    names: dict[str, Any] = {"__name__": module}
    exec("def call(inner):\n    return inner()", names)
    found: Callable[[Callable[[], Any]], Any] = names["call"]
    return found


def here() -> bool:
    """What the watchdog would be told right here."""
    return hub_watch._leaves_no_lock(sys._getframe())


def at_the_caller() -> bool:
    return hub_watch._leaves_no_lock(sys._getframe(1))


def test_a_handler_may_be_cut_also_in_a_library_that_holds_nothing() -> None:
    assert cuttable(here)
    assert cuttable(calling("json.decoder"), here)


@pytest.mark.parametrize(
    "module",
    ["threading", "eventlet.semaphore", "sqlalchemy.pool.impl", "logging", "prometheus_client.values", "contextlib"],
)
def test_nothing_is_cut_inside_of_what_takes_locks_however_deep_it_is(module: str) -> None:
    assert not cuttable(calling(module), here)
    assert not cuttable(calling(module), partial(calling("json"), here))


def test_nothing_is_cut_outside_of_a_handler_nor_on_its_threshold() -> None:
    assert not here()
    assert not cuttable(at_the_caller)
