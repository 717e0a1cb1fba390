"""A worker's connections to its database under load: never more than it is allowed, which is what it needs."""

from __future__ import annotations

import subprocess
import sys
import threading

import psutil
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.house import ROOT
from tests.integration.chassis.test_consumer import all_done
from tests.integration.chassis.toy_tables import Ping
from tests.integration.chassis.toys import Toy, eventually

pytestmark = [pytest.mark.broker, pytest.mark.postgres]

#: Asked in a process of its own: the toy's module patches the standard library for eventlet.
_BOUND = (
    "from tests.integration.chassis.toy import Toy; from services.chassis.connections import of_worker;"
    "from services.chassis.settings import ServiceSettings, load; print(*of_worker(Toy, load(ServiceSettings, 'toy')))"
)


@pytest.mark.parametrize("toy", ["postgres"], indirect=True)
@pytest.mark.parametrize("given", [{}, {"WENZHENG_DATABASE_POOL": "3"}], ids=["derived", "three"])
def test_a_worker_with_every_partition_stays_within_its_bound(toy: Toy, given: dict[str, str]) -> None:
    toy.environ.update({"WENZHENG_PARTITIONS": "4", **given})
    done = subprocess.run(
        [sys.executable, "-c", _BOUND], env=toy.environ, cwd=ROOT, capture_output=True, text=True, check=True
    )
    pool, direct = map(int, done.stdout.split())
    toy.start()
    assert toy.process is not None
    worker, over = psutil.Process(toy.process.pid), threading.Event()
    most: dict[str, int] = {}
    url = toy.house.database.url
    asked = text("select client_port, application_name from pg_stat_activity where datname = current_database()")

    def count() -> None:
        with create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT").connect() as connection:
            while not over.is_set():
                ports = {
                    one.laddr.port for one in worker.net_connections("tcp") if one.raddr and one.raddr.port == url.port
                }
                names = [name for port, name in connection.execute(asked) if port in ports]
                for name in set(names):
                    most[name] = max(most.get(name, 0), names.count(name))

    counting = threading.Thread(target=count)
    counting.start()
    try:
        toy.throw(*(Ping(ball=f"c{n}") for n in range(3000)))
        eventually(lambda: all_done(toy, "c", 3000), 90)
    finally:
        over.set()
        counting.join()
    assert 0 < most["wenzheng-toy"] <= pool
    assert 0 < most["wenzheng-toy-direct"] <= direct
