"""A burst in a running house: found by a job, carried by the broker, told to the petition office once."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from tests.house import ROOT, House, until

pytestmark = pytest.mark.broker
NAME = "石鼓台水库坝顶护栏锈断"


def look(house: House, at_once: int = 1) -> list[dict[str, Any]]:
    """What each of so many looks at once says."""
    command = [sys.executable, "-m", "services.cli.main", "judge", "topics", "--json"]
    running = [
        subprocess.Popen(
            command, env=house.environ, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(at_once)
    ]
    said = [one.communicate(timeout=120) for one in running]
    assert [one.returncode for one in running] == [0] * at_once, said
    return [json.loads(out) for out, _ in said]


def told(house: House) -> list[str]:
    """Subjects of the messages about this topic in the office's mailbox."""
    listed = house.get("/notices/messages.json", "supervisor", occasion="topic", limit=500).json()["messages"]
    pages = [house.get(f"/notices/{one['id']}", "supervisor").text for one in listed]
    return [page for page in pages if NAME in page]


def test_six_strangers_raise_one_event_and_the_office_is_told_once(house: House) -> None:
    endings = ("，有人差点跌下去", "没有人修", "何时能修好？", "，孩子每天路过", "，夜里看不见", "的问题")
    receipts = [
        house.file(
            title=f"{NAME}{ending}",
            body=f"{NAME}已经半个月{ending}，请派人焊好。",
            place={"text": "石鼓台水库坝顶"},
        )
        for ending in endings
    ]
    for receipt in receipts:
        house.judged(receipt["number"])
    (mine,) = [one for found in look(house, at_once=3) for one in found["told"] if NAME in one["name"]]
    assert mine["people"] == 6
    until(lambda: len(told(house)) == 1)
    (again,) = look(house)
    assert again["petitions"] >= 6 and not [one for one in again["told"] if NAME in one["name"]]
    assert len(told(house)) == 1

    page = house.get("/desk/topics", "supervisor").text
    (address,) = {*re.findall(r'href="(/desk/topics/[^"]+)"', page.partition(NAME)[0].rpartition("<li")[2])}
    cases = house.get(address, "supervisor").text
    assert all(f'href="/desk/{receipt["number"]}"' in cases for receipt in receipts)
