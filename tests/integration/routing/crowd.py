"""A crowd of petitions with the same words in front of routing's judgement: what the bench `crowd` runs."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg2

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

BATCH = 30
TITLE = "船厂宿舍三号楼水压太低"
BODY = "船厂宿舍三号楼六楼，早上六点到八点水龙头只有一根线那么细，洗衣机进不了水，热水器打不着火，请尽快派人来看。"


def main() -> None:
    """Judge petitions in front of several crowds in turn and say what each took.

    Arguments: rounds, petitions a round, then pairs of a database's URL and the size of its crowd. Prints one JSON
    list a round: milliseconds a petition in front of each crowd.
    """
    rounds, petitions = int(sys.argv[1]), int(sys.argv[2])
    crowds = list(zip(sys.argv[3::2], map(int, sys.argv[4::2]), strict=True))
    with tempfile.TemporaryDirectory() as folder:
        houses = [_crowded(url, Path(folder) / str(place), size) for place, (url, size) in enumerate(crowds)]
        for _ in range(rounds):
            took = []
            for house in houses:
                begun = time.perf_counter()
                for _ in range(0, petitions, BATCH):
                    _deliver(house, BATCH)
                took.append((time.perf_counter() - begun) / petitions * 1e3)
            sys.stdout.write(json.dumps(took) + "\n")
        for house in houses:
            house.database.close()


def _crowded(url: str, folder: Path, size: int) -> House[Settings]:
    """A house of routing that knows so many petitions of one text."""
    environ = {"WENZHENG_DATABASE_URL": url, "WENZHENG_LOG_LEVEL": "ERROR"}
    house = open_house("routing", load(Settings, "routing", environ, data_folder=folder))
    migrate(house.database, "services.routing")
    directory, problems = read(SAMPLE)
    assert not problems, problems
    with house.work() as work:
        bring_in(work, directory, house.clock.now().date())
    first = _deliver(house, 1)[0]
    connection = psycopg2.connect(url.replace("+psycopg2", ""))
    connection.autocommit = True
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


if __name__ == "__main__":
    main()
