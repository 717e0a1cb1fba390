"""Steps on cases as the tests of the desk take them."""

from __future__ import annotations

from typing import Any

import pytest

from services.chassis.errors import Refusal


def step(bench: Any, action: Any, *args: Any) -> Any:
    """Take a step in a transaction of its own."""
    with bench.house.work() as work:
        return action(work, *args)


def code(bench: Any, action: Any, *args: Any) -> str:
    """The code with which a step is refused."""
    with pytest.raises(Refusal) as refused:
        step(bench, action, *args)
    return refused.value.code
