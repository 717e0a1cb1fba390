"""Writes down what the house counts: one table from the declarations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from services.chassis.metrics import PREFIX, CounterName, GaugeName, HistogramName, declared

#: Kind of a metric, its names, and what Prometheus adds to them.
KINDS: tuple[tuple[str, Any, str], ...] = (
    ("counter", CounterName, "_total"),
    ("gauge", GaugeName, ""),
    ("histogram", HistogramName, ""),
)
HEAD = """# Metrics

Made from the code by `wenzheng metrics`. A worker serves them on `WENZHENG_WORKER_PORT` under `/metrics`, the web role
on its own port; neither is meant for the public. Every series carries the label `service` besides those listed. A
label's value is a code or a name of the house, never anything of a person.

A histogram `x` is read as `x_bucket`, `x_sum` and `x_count`: the 99th percentile of the last five minutes is
`histogram_quantile(0.99, sum by (le) (rate(x_bucket[5m])))`.
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(_table(*kind) for kind in KINDS)


def _table(kind: str, names: Any, suffix: str) -> str:
    return "\n".join(["", f"## {kind.capitalize()}s", "", *_rows(names, suffix), ""])


def _rows(names: Any, suffix: str) -> Iterator[str]:
    yield "| name | labels | meaning | watch |"
    yield "|---|---|---|---|"
    for name, about in declared(names):
        labels = ", ".join(f"`{label}`" for label in about.labels if label != "service")
        yield f"| `{PREFIX}{name}{suffix}` | {labels} | {about.meaning} | {about.watch} |"
