"""Unit: dashboards and alerts ask only for what the code counts; each alert has its page, with commands that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from deploy.dashboards.boards import files
from services.chassis.metrics import PREFIX, CounterName, GaugeName, HistogramName, declared

ROOT = Path(__file__).resolve().parents[3]
CHART = ROOT / "deploy/chart/wenzheng/files"
PAGES = ROOT / "docs/runbooks"
#: What Prometheus itself puts beside a series; and `le`, which a histogram's buckets have.
THEIRS = {"namespace"}
SERIES = re.compile(r"(wenzheng_\w+)\s*(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"')
GROUPED = re.compile(r"\b(?:by|on|ignoring|without)\s*\(([^)]*)\)")


def series() -> dict[str, set[str]]:
    """Every series that the code gives, with its labels; `service` stands beside every one."""
    found: dict[str, set[str]] = {}
    for name, about in declared(CounterName):
        found[f"{PREFIX}{name}_total"] = {*about.labels, "service"}
    for name, about in declared(GaugeName):
        found[PREFIX + name] = {*about.labels, "service"}
    for name, about in declared(HistogramName):
        labels = {*about.labels, "service"}
        found |= {
            f"{PREFIX}{name}_bucket": labels | {"le"},
            f"{PREFIX}{name}_sum": labels,
            f"{PREFIX}{name}_count": labels,
        }
    return found


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((CHART / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((CHART / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            yield path.stem, panel


def queries() -> Iterator[tuple[str, str]]:
    """Where, and the query."""
    for name, panel in panels():
        yield from ((f"{name}: {panel['title']}", target["expr"]) for target in panel["targets"])
    yield from ((rule["alert"], rule["expr"]) for rule in alerts())


def wrong_in(query: str) -> Iterator[str]:
    """What a query asks for that the code does not give."""
    known, labels = series(), set(THEIRS)
    for name, matchers in SERIES.findall(query):
        if name not in known:
            yield f"no such series: {name}"
            continue
        labels |= known[name]
        yield from (
            f"{name} has no label {label}" for label in MATCHER.findall(matchers) if label not in known[name] | THEIRS
        )
    for group in GROUPED.findall(query):
        yield from (f"no label {label.strip()}" for label in group.split(",") if label.strip() not in labels)


def test_every_query_asks_for_series_and_labels_that_the_code_gives() -> None:
    found = list(queries())
    assert len(found) > 80
    assert [f"{where}: {wrong}" for where, query in found for wrong in wrong_in(query)] == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("wenzheng_events_handled", "no such series: wenzheng_events_handled"),
        ('rate(wenzheng_events_handled_total{sender="x"}[5m])', "wenzheng_events_handled_total has no label sender"),
        ("sum by (queue, sender) (wenzheng_queue_ready)", "no label sender"),
        ("sum by (le) (wenzheng_send_seconds_sum)", "no label le"),
    ],
)
def test_a_query_for_what_is_not_there_would_be_noticed(query: str, said: str) -> None:
    assert list(wrong_in(query)) == [said]


def test_a_legend_names_labels_that_its_query_keeps() -> None:
    wrong = []
    for name, panel in panels():
        for target in panel["targets"]:
            kept = {label.strip() for group in GROUPED.findall(target["expr"]) for label in group.split(",")}
            used = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            if not used <= kept:
                wrong.append(f"{name}: {panel['title']}: {sorted(used - kept)}")
    assert wrong == []


def test_the_files_of_dashboards_are_what_their_description_says() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in (CHART / "dashboards").glob("*.json")}
    assert set(written) == {"flow.json", "queues.json", "clocks.json", "search.json", "notices.json"}
    assert written == files(), "run `.venv/bin/python -m deploy.dashboards`"


def test_whatever_is_counted_is_seen_somewhere() -> None:
    text = "\n".join(query for _, query in queries())
    bare = {f"{PREFIX}{name}" for kind in (CounterName, GaugeName, HistogramName) for name, _ in declared(kind)}
    # Housekeeping, and what the log tells better.
    silent = {"events_returned", "outbox_pruned", "inbox_pruned", "relay_page_size", "relay_page_seconds"}
    silent |= {"relay_reconnects"}
    assert sorted(name for name in bare if name not in text) == sorted(PREFIX + name for name in silent)


def test_every_alert_says_how_bad_it_is_what_it_means_and_where_its_page_is() -> None:
    names = [rule["alert"] for rule in alerts()]
    assert len(names) == len(set(names)) > 25
    for rule in alerts():
        said = rule["annotations"]
        assert set(said) == {"summary", "description", "runbook_url"}, rule["alert"]
        assert rule["labels"]["severity"] in ("critical", "warning"), rule["alert"]
        assert said["runbook_url"] == f"docs/runbooks/{rule['alert']}.md"
        # A rule without a time to wait looks back over an hour by itself.
        assert "for" in rule or "[1h]" in rule["expr"], rule["alert"]


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    pages = {path.stem for path in PAGES.glob("*.md")} - {"README"}
    assert pages == {rule["alert"] for rule in alerts()}


HEADINGS = ["## What it means", "## How to look", "## What to type", "## When it is over"]


def test_every_page_says_what_it_means_how_to_look_what_to_type_and_when_it_is_over() -> None:
    for path in sorted(PAGES.glob("Wenzheng*.md")):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert lines[0] == f"# {path.stem}"
        assert [line for line in lines if line.startswith("## ")] == HEADINGS, path.name


def test_an_alert_that_a_page_names_exists() -> None:
    names = {rule["alert"] for rule in alerts()}
    for path in PAGES.glob("*.md"):
        named = set(re.findall(r"\bWenzheng[A-Z]\w+", path.read_text(encoding="utf-8")))
        assert named <= names, path.name


def test_a_series_that_a_page_names_exists() -> None:
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in series()} | set(series())
    for path in PAGES.glob("*.md"):
        named = set(re.findall(r"\bwenzheng_[a-z_]+", path.read_text(encoding="utf-8")))
        assert named <= families, path.name


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every `wenzheng …` of the pages, by page."""
    for path in sorted(PAGES.glob("*.md")):
        for line in path.read_text(encoding="utf-8").splitlines():
            for said in re.findall(r"(?:^|-- |`)wenzheng ([a-z][^`#|]*)", line):
                yield path.name, said.split()


def test_the_commands_that_pages_name_exist_with_their_options() -> None:
    from services.cli import main

    main._mount()
    root = typer.main.get_command(main.app)
    found = list(commands())
    assert len(found) > 40
    wrong = []
    for page, words in found:
        at: Any = root
        options = set()
        for word in words:
            if word in getattr(at, "commands", {}):
                at = at.commands[word]
                options |= {name for one in at.params for name in (*one.opts, *one.secondary_opts)}
            elif hasattr(at, "commands") and not word.startswith("-") and word != "…" and at is root:
                wrong.append(f"{page}: wenzheng {' '.join(words)}")
                break
            elif word.startswith("-") and word not in options:
                wrong.append(f"{page}: {' '.join(words)}: {word}")
    assert wrong == []
