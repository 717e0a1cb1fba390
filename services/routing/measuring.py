"""What routing measures of its cases: whose clocks run, whose are late, which dangers nobody took note of."""

from __future__ import annotations

from typing import Any

from services.chassis.database import is_transient
from services.chassis.house import House
from services.chassis.telemetry import log
from services.routing.domain.risks import URGENT
from services.routing.store import cases, risks

#: Between two looks (s).
EVERY_S = 30.0


def measure(house: House[Any]) -> None:
    """Set the gauges of clocks and alerts, where somebody may read them; they stay while the database is away."""
    if not house.settings.worker_port:
        return
    now, metrics = house.clock.now(), house.metrics
    try:
        with house.database.read() as session:
            found = cases.clocks(session, now)
            alerts = {one.level: one for one in risks.counts(session, now)}
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
    for level in {URGENT, *alerts}:
        alert = alerts.get(level, risks.Open(level, 0, 0))
        metrics.gauge("risk_alerts_open", alert.open, level=level)
        metrics.gauge("risk_alerts_overdue", alert.overdue, level=level)
