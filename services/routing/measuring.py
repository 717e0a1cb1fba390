"""What routing measures of its cases: whose clocks run, whose are past their time."""

from __future__ import annotations

from typing import Any

from services.chassis.database import is_transient
from services.chassis.house import House
from services.chassis.telemetry import log
from services.routing.store import cases

#: Between two looks (s).
EVERY_S = 30.0


def measure(house: House[Any]) -> None:
    """Set the gauges of the clocks, where somebody may read them. While the database is away they stay as they are."""
    if not house.settings.worker_port:
        return
    now, metrics = house.clock.now(), house.metrics
    try:
        with house.database.read() as session:
            found = cases.clocks(session, now)
    except Exception as error:
        if not is_transient(error):
            raise
        log(house.service).debug("clocks cannot be counted", reason=type(error).__name__)
        return
    for clock in found:
        late = (now - clock.first_due).total_seconds() if clock.first_due is not None else 0.0
        metrics.gauge("clocks_running", clock.running, state=clock.state)
        metrics.gauge("clocks_overdue", clock.overdue, state=clock.state)
        metrics.gauge("clocks_overdue_seconds", max(late, 0.0), state=clock.state)
