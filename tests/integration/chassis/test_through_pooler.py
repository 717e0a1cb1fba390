"""What consumer, relay and senders promise, they promise behind PgBouncer in transaction mode too.

Its sessions are handed from one transaction to the next, whoever asks; they are fewer than our loops.
"""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from services.chassis.errors import Exit, StartError
from services.chassis.house import open_house
from services.chassis.migrate import revision
from services.chassis.settings import ServiceSettings, load
from tests.integration.chassis import test_consumer, test_delivery
from tests.integration.chassis.toy_tables import Ping
from tests.integration.chassis.toys import Toy, eventually

pytestmark = [pytest.mark.broker, pytest.mark.postgres]
through_pooler = pytest.mark.parametrize("toy", ["pooled"], indirect=True)


@through_pooler
@pytest.mark.parametrize(
    "promise",
    [
        test_delivery.test_every_event_of_the_outbox_is_handled_exactly_once,
        test_delivery.test_events_of_one_subject_keep_their_order_and_count_without_gaps,
        test_delivery.test_a_kill_in_the_midst_loses_nothing_and_doubles_nothing,
        test_delivery.test_a_sender_loop_hears_of_rows_that_another_process_writes,
        test_delivery.test_a_consumer_that_parks_too_much_holds_instead_of_parking_everything,
        test_consumer.test_a_deployment_under_load_redelivers_nothing,
    ],
)
def test_a_promise_of_the_consumer_holds(toy: Toy, promise: object) -> None:
    assert callable(promise)
    promise(toy)


@through_pooler
def test_partitions_are_shared_out_and_the_order_of_each_subject_is_kept(toy: Toy, second: Toy) -> None:
    test_consumer.test_two_workers_share_the_partitions_and_keep_the_order_of_each_subject(toy, second)


@through_pooler
def test_nothing_outlives_a_transaction_in_a_session_that_others_get(toy: Toy) -> None:
    toy.start()
    toy.throw(*(Ping(ball=f"s{n}") for n in range(2000)))
    eventually(lambda: len(toy.balls()) == 2000)
    direct = create_engine(toy.environ["WENZHENG_DIRECT_DATABASE_URL"], poolclass=NullPool)
    with direct.connect() as connection:
        found = connection.execute(
            text(
                "select application_name, query, (select count(*) from pg_locks l where l.pid = a.pid and"
                " l.locktype = 'advisory') as locks from pg_stat_activity a where datname = current_database()"
                " and pid <> pg_backend_pid()"
            )
        ).all()
    pooled = [row for row in found if not row.application_name.endswith("-direct")]
    own = [row for row in found if row.application_name.endswith("-direct")]
    assert pooled
    assert all(row.locks == 0 and "listen" not in row.query.lower() for row in pooled)
    # The relay's lock, and who listens: relay and sender.
    assert sum(row.locks for row in own) >= 1
    assert sum("LISTEN" in row.query for row in own) >= 2
    stranger = create_engine(toy.environ["WENZHENG_DATABASE_URL"], poolclass=NullPool, isolation_level="AUTOCOMMIT")
    for _ in range(20):
        with stranger.connect() as connection:
            assert connection.execute(text("show statement_timeout")).scalar_one() == "0"
            assert connection.execute(text("show lock_timeout")).scalar_one() == "0"


@through_pooler
def test_each_transaction_has_its_time_outs(toy: Toy) -> None:
    with toy.house.database.read() as session:
        assert session.execute(text("show statement_timeout")).scalar_one() == "30s"
        assert session.execute(text("show lock_timeout")).scalar_one() == "10s"
        assert session.execute(text("show idle_in_transaction_session_timeout")).scalar_one() == "1min"
        assert session.execute(text("show timezone")).scalar_one().lower() == "utc"


@through_pooler
def test_a_pooler_that_is_not_named_as_one_is_told_with_the_way_out(toy: Toy) -> None:
    environ = {name: value for name, value in toy.environ.items() if name != "WENZHENG_DIRECT_DATABASE_URL"}
    house = open_house("toy", load(ServiceSettings, "toy", environ))
    with pytest.raises(StartError, match="WENZHENG_DIRECT_DATABASE_URL") as caught:
        revision(house.database)
    assert caught.value.code == Exit.DATABASE_REFUSES
