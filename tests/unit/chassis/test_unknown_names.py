"""Names in the environment that look like settings and are none."""

from __future__ import annotations

from services.chassis.settings import ServiceSettings
from services.chassis.unknown import unknown_names

CLASSES = {"intake": ServiceSettings}


def found(*names: str) -> list[str]:
    return unknown_names(dict.fromkeys(names, "x"), CLASSES, {"routing"})


def test_a_misspelt_name_is_told_with_the_one_that_was_meant() -> None:
    assert found("WENZHENG_BROKER_ULR") == ["WENZHENG_BROKER_ULR (is WENZHENG_BROKER_URL meant?)"]


def test_a_name_like_no_other_is_told_alone() -> None:
    assert found("WENZHENG_COLOUR_OF_THE_DOOR") == ["WENZHENG_COLOUR_OF_THE_DOOR"]


def test_settings_their_files_and_a_services_own_are_known() -> None:
    assert found("WENZHENG_PORT", "WENZHENG_PORT_FILE", "WENZHENG_INTAKE_PORT", "WENZHENG_INTAKE_PORT_FILE") == []


def test_what_is_meant_for_a_service_elsewhere_for_our_processes_or_nobody_here_is_left_alone() -> None:
    assert found("WENZHENG_ROUTING_STAFF_KEY", "WENZHENG_READY_FD", "PATH") == []


def test_the_addresses_that_kubernetes_writes_are_left_alone() -> None:
    assert found("WENZHENG_INTAKE_SERVICE_HOST", "WENZHENG_INTAKE_PORT_8080_TCP_ADDR") == []
