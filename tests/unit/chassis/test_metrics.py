"""Unit: every metric is declared once, called with its own labels, and written down for operators."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.chassis.metrics import CounterName, GaugeName, HistogramName, Metrics, declared
from services.cli.metrics_page import page

ROOT = Path(__file__).resolve().parents[3]
KINDS = {"count": CounterName, "gauge": GaugeName, "observe": HistogramName, "observe_all": HistogramName}


def calls() -> Iterator[tuple[str, str, str, set[str]]]:
    """Every call on a ``metrics``: where, method, name, labels."""
    for path in sorted((ROOT / "services").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in KINDS):
                continue
            named = node.args[:1]
            if ast.unparse(node.func.value).rpartition(".")[2] == "metrics" and isinstance(named[0], ast.Constant):
                where = f"{path.relative_to(ROOT)}:{node.lineno}"
                yield where, node.func.attr, str(named[0].value), {word.arg or "**" for word in node.keywords}


def test_every_call_gives_the_labels_that_its_metric_has() -> None:
    found = list(calls())
    assert len(found) > 10
    wrong = []
    for where, method, name, labels in found:
        about = dict(declared(KINDS[method])).get(name)
        if about is None or labels != set(about.labels):
            wrong.append(f"{where} {method} {name} {sorted(labels)}")
    assert wrong == []


def test_whatever_is_declared_is_counted_somewhere() -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "services").rglob("*.py"))]
    said = "".join(text for text in texts if "CounterName = (" not in text)
    names = [name for kind in (CounterName, GaugeName, HistogramName) for name, _ in declared(kind)]
    assert [name for name in names if f'"{name}"' not in said] == []


def test_a_name_stands_once_among_all_kinds() -> None:
    names = [name for kind in (CounterName, GaugeName, HistogramName) for name, _ in declared(kind)]
    assert len(names) == len(set(names)) > 30


def test_the_page_for_operators_is_what_the_code_says() -> None:
    written = (ROOT / "docs/reference/metrics.md").read_text(encoding="utf-8")
    assert written == page(), "run `make docs`"


def test_what_is_counted_can_be_read() -> None:
    metrics = Metrics()
    metrics.count("events_parked", 2, queue="q", code="c")
    metrics.gauge("sender_size", 3, sender="s")
    metrics.observe_all("event_lag_seconds", [0.002, 7], queue="q", type="t")
    read = metrics.registry.get_sample_value
    assert read("wenzheng_events_parked_total", {"queue": "q", "code": "c"}) == 2
    assert read("wenzheng_sender_size", {"sender": "s"}) == 3
    assert read("wenzheng_event_lag_seconds_count", {"queue": "q", "type": "t"}) == 2
    with pytest.raises(ValueError, match="label"):
        metrics.count("events_parked", 1, queue="q")
