"""Petitions that share their words with ever more past ones, as form letters do: what a crowd costs each of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.chassis.delivery import Delivery, apply
from services.chassis.house import House, open_house
from services.chassis.ids import uuid7
from services.chassis.migrate import migrate
from services.chassis.settings import load
from services.contracts.envelope import Envelope
from services.contracts.intake import PetitionState, PetitionSubmitted
from services.contracts.shared import Origin
from services.routing import handlers, store
from services.routing.directory_file import SAMPLE, read
from services.routing.handlers.directory import bring_in
from services.routing.settings import Settings
from tests.bench.parts import Servers, postgres, servers
from tests.bench.report import Report

ROUNDS, EVENTS, BATCH = 5, 300, 30
SMALL, LARGE = 500, 20_000
TITLE = "船厂宿舍三号楼水压太低"
BODY = "船厂宿舍三号楼六楼，早上六点到八点水龙头只有一根线那么细，洗衣机进不了水，热水器打不着火，请尽快派人来看。"


def run(report: Report) -> None:
    """Judge petitions in front of a small and of a large crowd of the same ones, in turn, in batches of thirty."""
    sizes = {SMALL: "small", LARGE // 10 if report.quick else LARGE: "large"}
    took: dict[str, list[float]] = {name: [] for name in sizes.values()}
    with servers() as parts:
        houses = {name: _crowded(parts, parts.folder / name, size) for size, name in sizes.items()}
        for turn in range(report.rounds_of(ROUNDS)):
            for name, house in houses.items():
                begun = time.perf_counter()
                for _ in range(0, report.few(EVENTS), BATCH):
                    _deliver(house, BATCH)
                took[name].append((time.perf_counter() - begun) / report.few(EVENTS) * 1e3)
                report.say(f"crowd {turn + 1}: {name:<5} {took[name][-1]:5.1f} ms a petition")
        for house in houses.values():
            house.database.close()
    report.rounds |= {f"crowd_{name}_ms": values for name, values in took.items()}
    report.figures |= {f"crowd_{name}_ms": statistics.median(values) for name, values in took.items()}
    report.figures["crowd_growth"] = statistics.median(
        large / small - 1 for small, large in zip(took["small"], took["large"], strict=True)
    )


def _crowded(parts: Servers, folder: Path, size: int) -> House[Settings]:
    """A house of routing that knows so many petitions of one text."""
    url = parts.database()
    environ = {"WENZHENG_DATABASE_URL": url, "WENZHENG_LOG_LEVEL": "ERROR"}
    house = open_house("routing", load(Settings, "routing", environ, data_folder=folder))
    migrate(house.database, "services.routing")
    directory, problems = read(SAMPLE)
    assert not problems, problems
    with house.work() as work:
        bring_in(work, directory, house.clock.now().date())
    first = _deliver(house, 1)[0]
    connection = postgres(url)
    with connection.cursor() as cursor:
        # The first one is the pattern, so that a new column needs no change here.
        for table in ("petition_case", "shingle_band"):
            cursor.execute("select column_name from information_schema.columns where table_name = %s", (table,))
            changes = {"petition_id": "one.petition_id || '-' || n", "number": "'c' || n"}
            columns = [name for (name,) in cursor.fetchall()]
            cursor.execute(
                f"insert into {table} ({', '.join(columns)})"
                f" select {', '.join(changes.get(name, f'one.{name}') for name in columns)}"
                f" from (select * from {table} where petition_id = %s) as one, generate_series(1, {size}) as n",
                (first,),
            )
        cursor.execute("vacuum analyze")
    connection.close()
    # Once beforehand: statements are compiled and words counted.
    _deliver(house, BATCH)
    return house


def _deliver(house: House[Any], number: int) -> Sequence[str]:
    """Hand new petitions to routing's handlers in one batch; their ids."""
    now = house.clock.now()
    petition = PetitionState(kind="complaint", title=TITLE, body=BODY, submitted_at=now, petitioner_key="k")
    events = [
        PetitionSubmitted(
            petition_id=uuid7(), number=uuid7(), origin=Origin(channel="form"), sealed=False, petition=petition
        )
        for _ in range(number)
    ]
    deliveries: list[Delivery[Any]] = [
        Delivery(
            Envelope(
                id=uuid7(), source="intake", type=event.type, subject=event.subject, time=now, sequence=1, data=event
            )
        )
        for event in events
    ]
    with house.database.write() as session:
        apply(session, "routing.petitions", deliveries, handlers.ON_PETITION, store.load_cases, now)
    return [event.petition_id for event in events]
