"""What routing does by the clock on a cluster: one at a time, in pods of their own, with what it needs and no more."""

from __future__ import annotations

import re
from typing import Any

import pytest

from services.routing.commands_judge import app as judge
from tests.deploy.pods import component, every_case
from tests.deploy.tools import of_kind, template

MEBI = {"Mi": 1, "Gi": 1024}


def jobs(case: str) -> dict[str, dict[str, Any]]:
    return {component(one): one["spec"] for one in of_kind(case, "CronJob")}


def pod(spec: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = spec["jobTemplate"]["spec"]["template"]["spec"]
    return found


@every_case
def test_topics_are_looked_for_unless_switched_off_and_training_waits_until_it_is_wanted(case: str) -> None:
    wanted = {"routing-topics"} if case not in ("small", "one-service") else set()
    if case == "production":
        wanted.add("routing-retrain")
    assert set(jobs(case)) == wanted


def test_each_runs_a_command_that_there_is_and_none_promotes() -> None:
    groups = [one.typer_instance for one in judge.registered_groups if one.typer_instance is not None]
    known = {command.name for group in groups for command in group.registered_commands}
    for name, spec in jobs("production").items():
        (container,) = pod(spec)["containers"]
        assert container["args"] == ["judge", name.removeprefix("routing-")]
        assert container["args"][1] in known
        assert "wenzheng-routing" in container["image"]


def test_one_never_runs_beside_itself_nor_for_ever() -> None:
    for spec in jobs("production").values():
        assert spec["concurrencyPolicy"] == "Forbid"
        assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] > 0
        assert spec["jobTemplate"]["spec"]["backoffLimit"] == 0
        assert pod(spec)["restartPolicy"] == "Never"


def test_a_training_has_the_memory_that_was_measured_for_five_thousand_decisions() -> None:
    (container,) = pod(jobs("production")["routing-retrain"])["containers"]
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", container["resources"]["limits"]["memory"]).groups()  # type: ignore[union-attr]
    assert int(number) * MEBI[unit] >= 1.5 * 1159


def test_it_reaches_its_database_and_nothing_else() -> None:
    for spec in jobs("production").values():
        (container,) = pod(spec)["containers"]
        named = {entry["name"] for entry in container["env"] if str(entry.get("value", "")).startswith("/run/secrets/")}
        assert {"WENZHENG_DATABASE_URL_FILE", "WENZHENG_SECRET_KEY_FILE"} <= named
        assert not {"WENZHENG_BROKER_URL_FILE", "WENZHENG_STAFF_KEY_FILE"} & named
    policies = of_kind("production", "NetworkPolicy")
    reaching = {
        one["metadata"]["name"].removeprefix("wz-wenzheng-")
        for one in policies
        for rule in one["spec"]["podSelector"].get("matchExpressions", [])
        if "routing-retrain" in rule["values"]
    }
    assert reaching == {"to-postgresql"}


def test_a_long_name_leaves_room_for_what_kubernetes_adds() -> None:
    for one in of_kind("production", "CronJob"):
        assert len(one["metadata"]["name"]) <= 52
    text = f"{{fullnameOverride: {'a' * 60}, services: {{routing: {{topics: {{enabled: true}}}}}}}}"
    done = template("--values", "-", values="small", text=text)
    (name,) = re.findall(r"kind: CronJob\nmetadata:\n  name: (\S+)", done.stdout)
    assert len(name) <= 52


@pytest.mark.parametrize("schedule", ["every hour please", "* * * *", ""])
def test_a_schedule_that_is_none_is_refused(schedule: str) -> None:
    text = f"services: {{routing: {{topics: {{enabled: true, schedule: '{schedule}'}}}}}}"
    done = template("--values", "-", values="small", text=text)
    assert done.returncode != 0 and "schedule" in done.stderr
