"""Deploy: Prometheus itself takes every alert and every query, and each alert fires when it should and only then."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.alert_cases import CASES, MINUTES, Figures
from tests.parts import absent

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "deploy/chart/wenzheng/files"
ALERTS = FILES / "alerts.yaml"


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Prometheus' own tool."""
    tool = shutil.which("promtool")
    if tool is None:
        absent("promtool", "prometheus")
    return subprocess.run([tool, *arguments], capture_output=True, text=True, timeout=100)


def rules() -> dict[str, dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def test_prometheus_takes_every_alert() -> None:
    done = promtool("check", "rules", str(ALERTS))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules())} rules found" in done.stdout


def test_prometheus_takes_every_query_of_every_dashboard(tmp_path: Path) -> None:
    queries = [
        target["expr"].replace("$__rate_interval", "5m").replace("$namespace", ".*")
        for path in sorted((FILES / "dashboards").glob("*.json"))
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]
        for target in panel["targets"]
    ]
    assert len(queries) > 60
    recorded = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": recorded}]}), encoding="utf-8")
    done = promtool("check", "rules", "--lint=none", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_figures_with_which_it_fires_and_with_which_it_does_not() -> None:
    assert set(CASES) == set(rules())
    assert [name for name, case in CASES.items() if not case.fires or not case.quiet] == []


@dataclass(frozen=True)
class Trial:
    """Figures, and what is expected of an alert with them."""

    alert: str
    figures: Figures
    expected: tuple[dict[str, Any], ...] = ()


def complaints(folder: Path, trials: dict[str, Trial]) -> dict[str, str]:
    """What promtool finds wrong, by name of the trial; all are tried in one run."""
    tests = [
        {
            "name": name,
            "interval": "1m",
            "input_series": [{"series": series, "values": values} for series, values in trial.figures.items()],
            "alert_rule_test": [
                {"eval_time": f"{MINUTES}m", "alertname": trial.alert, "exp_alerts": list(trial.expected)}
            ],
        }
        for name, trial in trials.items()
    ]
    file = folder / "test.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [str(ALERTS)], "evaluation_interval": "5m", "tests": tests}))
    done = promtool("test", "rules", str(file))
    said = done.stdout + done.stderr
    parts = re.split(r"^    name: (.+),$", said, flags=re.MULTILINE)
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert bool(found) == (done.returncode != 0), said
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("promtool")


@pytest.fixture(scope="module")
def texts(folder: Path) -> dict[str, dict[str, str]]:
    """The texts of each alert as it fires; promtool tells them when none is expected."""
    found = complaints(folder, {name: Trial(name, case.fires) for name, case in CASES.items()})
    return {name: dict(re.findall(r'(summary|description)="([^"]*)"', found.get(name, ""))) for name in CASES}


@pytest.fixture(scope="module")
def wrong(folder: Path, texts: dict[str, dict[str, str]]) -> dict[str, str]:
    """Everything that is not as it should be: firing, and keeping quiet."""
    trials = {}
    for name, case in CASES.items():
        rule = rules()[name]
        annotations = {**texts[name], "runbook_url": rule["annotations"]["runbook_url"]}
        expected = {"exp_labels": {**rule["labels"], **case.labels}, "exp_annotations": annotations}
        trials[name] = Trial(name, case.fires, (expected,))
        trials |= {f"{name} {number}": Trial(name, figures) for number, figures in enumerate(case.quiet)}
    return complaints(folder, trials)


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_alert_fires_once_and_says_what_it_is_about(
    name: str, texts: dict[str, dict[str, str]], wrong: dict[str, str]
) -> None:
    assert set(texts[name]) == {"summary", "description"}, "it does not fire"
    said = " ".join(texts[name].values())
    assert not re.search(r"\{\{|%!|<no value>|<error|of  |: ,|  ", said), said
    for label in re.findall(r"\$labels\.(\w+)", json.dumps(rules()[name]["annotations"])):
        assert CASES[name].labels[label] in said, f"{label} stays empty: {said}"
    assert wrong.get(name, "") == "", "once, with these labels and no others"


@pytest.mark.parametrize(
    ("name", "number"), [(n, i) for n, case in sorted(CASES.items()) for i in range(len(case.quiet))]
)
def test_the_alert_keeps_quiet(name: str, number: int, wrong: dict[str, str]) -> None:
    assert wrong.get(f"{name} {number}", "") == ""
