"""Deploy: a real Prometheus reads a running house, and the dashboards show it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.house import House, free_port, until
from tests.parts import absent

pytestmark = pytest.mark.broker
ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "deploy/chart/wenzheng/files"
#: What an ordinary minute has nothing of: faults, dangers that somebody acknowledged, and parts that this house has not
#: (partitions, mail server, portals).
NOTHING_OF = {
    "clocks: Dangers, time to acknowledge",
    "flow: Refused by the broker",
    "queues: Retried",
    "queues: Parked a second",
    "queues: Repeated",
    "queues: Partitions",
    "queues: Pauses",
    "queues: Cut",
    "search: Index, refused",
    "search: Refusals",
    "search: Index, resting",
    "notices: Sent",
    "notices: Given up",
    "notices: In doubt",
    "notices: Tried again",
    "notices: Resting",
    "notices: Rests",
    "notices: One hand-over, 99th percentile",
}


class Prometheus:
    """A Prometheus of its own that reads a house every second."""

    def __init__(self, folder: Path, *targets: str) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        config = {
            "global": {"scrape_interval": "1s"},
            "rule_files": [str(FILES / "alerts.yaml")],
            "scrape_configs": [{"job_name": "wenzheng", "static_configs": [{"targets": list(targets)}]}],
        }
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        program = shutil.which("prometheus")
        if program is None:
            absent("prometheus", "prometheus")
        self.process = subprocess.Popen(
            [
                program,
                f"--config.file={folder / 'prometheus.yaml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={self.url.removeprefix('http://')}",
                "--log.level=error",
            ]
        )
        until(self._ready)

    def _ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/-/ready", timeout=2).ok
        except requests.ConnectionError:
            return False

    def ask(self, query: str) -> list[dict[str, Any]]:
        """The answer to a query now."""
        answer = requests.get(f"{self.url}/api/v1/query", params={"query": query}, timeout=10).json()
        assert answer["status"] == "success", f"{query}: {answer}"
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Prometheus]]:
    port = free_port()
    house = House(tmp_path_factory.mktemp("house-seen"), WENZHENG_WORKER_PORT=str(port)).start()
    prometheus = Prometheus(tmp_path_factory.mktemp("prometheus"), f"127.0.0.1:{port}", f"127.0.0.1:{house.port}")
    yield house, prometheus
    prometheus.stop()
    assert house.stop() == 0


def panels() -> Iterator[tuple[str, list[str]]]:
    for path in sorted((FILES / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            queries = [target["expr"] for target in panel["targets"]]
            yield (
                f"{path.stem}: {panel['title']}",
                [query.replace("$__rate_interval", "1m").replace("$namespace", ".*") for query in queries],
            )


def test_every_panel_shows_a_house_at_work(seen: tuple[House, Prometheus]) -> None:
    house, prometheus = seen

    def dark() -> set[str]:
        return {name for name, queries in panels() if not any(prometheus.ask(query) for query in queries)}

    def shown() -> bool:
        receipt = house.file()
        house.judged(receipt["number"])
        house.found(q=receipt["number"])
        return not dark() - NOTHING_OF

    try:
        until(shown, 75, every=2)
    except AssertionError:
        assert dark() - NOTHING_OF == set()

    def running() -> bool:
        # Clocks are counted now and then, not at every petition.
        return any(
            float(one["value"][1]) > 0 for one in prometheus.ask('sum (wenzheng_clocks_running{state="dispatched"})')
        )

    until(running, 75, every=2)
    assert prometheus.ask("count by (service) (wenzheng_relay_leader)")


def test_of_a_house_at_work_no_alert_fires(seen: tuple[House, Prometheus]) -> None:
    house, prometheus = seen
    until(lambda: prometheus.ask("wenzheng_dependency_up"), 40)
    groups = requests.get(f"{prometheus.url}/api/v1/rules", timeout=10).json()["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) > 25
    firing = [(rule["name"], rule["alerts"]) for rule in rules if rule["state"] == "firing"]
    ill = [(rule["name"], rule["lastError"]) for rule in rules if rule["health"] == "err"]
    assert (firing, ill) == ([], [])
    del house
