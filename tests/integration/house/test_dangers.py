"""A danger goes the whole way: from the citizen over the broker to the unit on duty, and is acknowledged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.house import House, until

pytestmark = pytest.mark.broker


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("house-dangers")).start()
    yield house
    assert house.stop() == 0


def test_a_danger_reaches_the_unit_on_duty_and_its_acknowledgement_the_house(house: House) -> None:
    receipt = house.file(title="楼道里煤气味很重", body="三单元从一楼到四楼都是煤气味，没有人来。")
    number = receipt["number"]
    house.judged(number)

    def told() -> list[dict[str, Any]]:
        answer = house.get("/notices/messages.json", "supervisor", number=number, occasion="risk")
        found: list[dict[str, Any]] = answer.json()["messages"]
        return found

    until(told)
    assert [(one["unit"], one["state"]) for one in told()] == [("petition-office", "sent")]
    done = house.post(f"/api/cases/{number}/acknowledge", {}, "dispatcher")
    assert done.status_code == 200, done.text
    assert done.json()["alert"]["state"] == "acknowledged"
