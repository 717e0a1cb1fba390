"""What a dashboard is made of: panels and queries, and the JSON that Grafana reads.

Every query names its series by the labels that the code gives them. `namespace` alone is Prometheus' own, so that
several houses may share one Grafana; where no such label is, anything matches.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

#: Panels of a row, height of a panel, in Grafana's units: a screen is 24 wide.
PER_ROW, HEIGHT = 3, 8
RATE = "[$__rate_interval]"
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True)
class Panel:
    """One panel.

    Args:
        title: what is seen.
        means: what to read from it.
        queries: expression by legend.
        unit: Grafana's name of the unit.
        kind: timeseries, or stat for a figure of now.
    """

    title: str
    means: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"
    kind: str = "timeseries"


def of(metric: str, **labels: str) -> str:
    """A series of this house, narrowed by labels that are matched as expressions."""
    more = "".join(f',{name}=~"{value}"' for name, value in labels.items())
    return f'wenzheng_{metric}{{namespace=~"$namespace"{more}}}'


def rate(metric: str, *by: str, **labels: str) -> str:
    """Per second, summed up."""
    return f"sum by ({', '.join(by)}) (rate({of(metric, **labels)}{RATE}))"


def newest(metric: str, *by: str, **labels: str) -> str:
    """A gauge that every worker of a service tells alike, or one of them alone."""
    return f"max by ({', '.join(by)}) ({of(metric, **labels)})"


def total(metric: str, *by: str, **labels: str) -> str:
    """A gauge of which every process tells its share."""
    return f"sum by ({', '.join(by)}) ({of(metric, **labels)})"


def part(q: float, metric: str, *by: str, **labels: str) -> str:
    """A quantile of a histogram."""
    inner = f"sum by ({', '.join(['le', *by])}) (rate({of(metric + '_bucket', **labels)}{RATE}))"
    return f"histogram_quantile({q}, {inner})"


def one(title: str, means: str, query: str, legend: str, unit: str = "short", kind: str = "timeseries") -> Panel:
    """A panel of one query."""
    return Panel(title, means, ((legend, query),), unit, kind)


def dashboard(name: str, title: str, panels: Sequence[Panel]) -> dict[str, Any]:
    """One dashboard as Grafana reads it."""
    return {
        "uid": f"wenzheng-{name}",
        "title": title,
        "tags": ["wenzheng"],
        "schemaVersion": 39,
        "editable": True,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_datasource(), _namespace()]},
        "links": [{"type": "dashboards", "tags": ["wenzheng"], "title": "Wenzheng", "asDropdown": True}],
        "panels": [_panel(number, panel) for number, panel in enumerate(panels)],
    }


def _datasource() -> dict[str, Any]:
    return {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}


def _namespace() -> dict[str, Any]:
    return {
        "name": "namespace",
        "type": "query",
        "datasource": DATASOURCE,
        "query": "label_values(wenzheng_relay_leader, namespace)",
        "refresh": 2,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    width = 24 // PER_ROW
    place = {"x": number % PER_ROW * width, "y": number // PER_ROW * HEIGHT, "w": width, "h": HEIGHT}
    return {
        "id": number + 1,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.means,
        "datasource": DATASOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": DATASOURCE, "expr": query, "legendFormat": legend}
            for index, (legend, query) in enumerate(panel.queries)
        ],
    }


def text(name: str, title: str, panels: Sequence[Panel]) -> str:
    """The file of a dashboard."""
    return json.dumps(dashboard(name, title, panels), ensure_ascii=False, indent=1) + "\n"
