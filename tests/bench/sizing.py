"""What a petition costs in each service: processor time, bytes kept, broker and database (docs/sizing.md).

Every service has a web process, a worker and a PostgreSQL database of its own. Petitions are carried through their
whole life, filed, judged, dispatched, accepted, answered, rated, at a rate far below what the machine can do, so that
what is measured is work and not waiting.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from tests.bench.flow import ORDER, SERVICES, Spread
from tests.bench.parts import Servers, cpu_seconds, postgres, servers
from tests.bench.report import Report
from tests.house import free_port, petition, until

#: Petitions carried, searches asked, members of staff and petitioners at work at once.
PETITIONS, SEARCHES, HANDS = 2_000, 500, 4
#: Tables that are emptied by age: three days of the outbox, a month of the inbox (docs/delivery.md).
PASSING = ("outbox", "inbox")
#: Which service answers which first part of a path; everything else is intake's.
PREFIXES = {
    "routing": ("/sign-in", "/desk", "/api/cases", "/directory"),
    "notify": ("/notices", "/feed", "/bulletins"),
    "search": ("/search", "/api/search", "/dashboard"),
}


class Apart(Spread):
    """A house whose web roles run apart as well, as in a cluster; calls go to the service whose path it is."""

    def __init__(self, folder: Path, parts: Servers) -> None:
        super().__init__(folder, parts)
        self.ports = {name: free_port() for name in SERVICES}
        self.port = self.ports["intake"]

    def commands(self) -> Iterator[tuple[str, list[str], dict[str, str]]]:
        """Eight processes: workers first, readers before writers."""
        for name in ORDER:
            yield f"{name} worker", ["services.cli.worker", name], {}
        for name in SERVICES:
            yield f"{name} web", ["services.cli.web", name], {"WENZHENG_PORT": str(self.ports[name])}

    def address(self, path: str) -> str:
        """Where that path is served."""
        for name, prefixes in PREFIXES.items():
            if path.startswith(prefixes):
                return f"http://127.0.0.1:{self.ports[name]}{path}"
        return f"http://127.0.0.1:{self.ports['intake']}{path}"


def run(report: Report) -> None:
    """Carry petitions, then divide what was used and what is kept by their number."""
    number = report.few(PETITIONS)
    with servers() as parts, tempfile.TemporaryDirectory() as name:
        house = Apart(Path(name), parts)
        try:
            house.start()
            _carry(house, 50)
            _settle(house)
            used, kept, written = _used(house, parts), _kept(house), _wal(house)
            began = time.monotonic()
            _carry(house, number)
            _settle(house)
            report.say(f"sizing: {number} whole lives in {time.monotonic() - began:.0f} s")
            after = _used(house, parts)
            for process, seconds in after.items():
                report.figures[f"sizing_{process.replace(' ', '_')}_cpu_ms"] = (seconds - used[process]) / number * 1e3
            for what, size in _kept(house).items():
                report.figures[f"sizing_{what}_kb"] = (size - kept[what]) / number / 1024
            report.figures["sizing_wal_kb"] = (_wal(house) - written) / number / 1024
            searches = report.few(SEARCHES)
            for turn in range(searches):
                assert house.get("/api/search", "supervisor", q=("路灯", "窨井盖 松动", "橡园里")[turn % 3]).ok
            now = _used(house, parts)
            report.figures["sizing_search_cpu_ms"] = (now["search web"] - after["search web"]) / searches * 1e3
            for process, size in house.memory().items():
                report.figures[f"sizing_{process.replace(' ', '_')}_mb"] = size
        finally:
            house.stop()


def _carry(house: Apart, number: int) -> None:
    """Take so many petitions from filing to rating, a few at a time."""
    with ThreadPoolExecutor(HANDS) as hands:
        for done in [hands.submit(_life, house, turn) for turn in range(number)]:
            done.result()


def _life(house: Apart, turn: int) -> None:
    session = requests.Session()

    def ask(method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        answer = session.request(method, house.address(path), json=body, headers=headers, timeout=30)
        assert answer.ok or answer.status_code == 404, f"{path}: {answer.status_code} {answer.text[:200]}"
        return answer

    receipt = ask("POST", "/api/petitions", petition(title=f"橡园里 {turn} 幢楼下的窨井盖松动")).json()
    number, path = receipt["number"], f"/api/cases/{receipt['number']}"
    supervisor = _as(house, "supervisor")

    def judged() -> dict[str, Any] | None:
        answer = ask("GET", path, **supervisor)
        case: dict[str, Any] = answer.json().get("case", {})
        return case if case.get("state", "submitted") != "submitted" else None

    case = until(judged, 60, 0.2)
    assert case is not None
    if case["state"] == "assessed":
        unit = house.account("officer")["unit"]
        ask("POST", f"{path}/dispatch", {"unit": unit, "reason": "按职责分工"}, **_as(house, "dispatcher"))
        case["unit"] = {"id": unit}
    officer = _as(house, "officer", case["unit"]["id"])
    ask("POST", f"{path}/accept", {}, **officer)
    text = "已到现场核实，窨井盖今日加固完毕，夜间不再作响；如再有松动请凭受理编号告知，我们当日到场。"
    ask("POST", f"{path}/reply", {"text": text, "outcome": "supported", "basis": ""}, **officer)
    code = {"Wenzheng-Query-Code": receipt["query_code"]}
    until(lambda: ask("GET", f"/api/petitions/{number}", **code).json()["state"] == "replied", 60, 0.2)
    ask("POST", f"/api/petitions/{number}/rating", {"satisfaction": 5, "solved": True}, **code)


def _as(house: Apart, role: str, unit: str | None = None) -> dict[str, str]:
    return {"Authorization": f"Bearer {house.token(house.account(role, unit))}"}


def _settle(house: Apart) -> None:
    """Wait until nothing is on its way, and for the space that dead rows took."""
    until(lambda: house.outbox_age() == 0.0, 120, 0.5)
    time.sleep(5)


def _used(house: Apart, parts: Servers) -> dict[str, float]:
    pids = {name: process.pid for name, process in house.processes.items()}
    pids |= {"broker": parts.broker_pid, "postgres": parts.postgres_pid}
    return {name: cpu_seconds(pid) for name, pid in pids.items()}


def _kept(house: Apart) -> dict[str, float]:
    """Bytes of each service's lasting tables with their indexes, of the passing ones, and of the search index."""
    found: dict[str, float] = {}
    for name, url in house.databases.items():
        connection = postgres(url)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("vacuum full")
            cursor.execute("select relname, pg_total_relation_size(relid) from pg_stat_user_tables")
            sizes = {str(table): float(size) for table, size in cursor.fetchall()}
        connection.close()
        found[f"{name}_kept"] = sum(size for table, size in sizes.items() if table not in PASSING)
        found[f"{name}_passing"] = sum(size for table, size in sizes.items() if table in PASSING)
    index = house.folder / "search-index"
    found["index"] = float(sum(path.stat().st_size for path in index.rglob("*") if path.is_file()))
    return found


def _wal(house: Apart) -> float:
    """Bytes that PostgreSQL has written to its log since it exists: what a replica or an archive receives."""
    connection = postgres(house.databases["intake"])
    with connection.cursor() as cursor:
        cursor.execute("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")
        ((size,),) = cursor.fetchall()
    connection.close()
    return float(size)
