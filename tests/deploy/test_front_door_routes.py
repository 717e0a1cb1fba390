"""Which Service each path leads to: read from the objects, and asked of a real Traefik."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from services.cli.front_door import MENU, PATHS
from tests.deploy.ingress_stand import Stand
from tests.deploy.tools import of_kind
from tests.parts import absent

#: Paths and the service that must answer; None: nobody, the controller's own 404.
WANTED: dict[str, str | None] = {
    "/": "intake",
    **{prefix: service for service, prefixes in PATHS.items() for prefix in prefixes},
    **{f"{prefix}/7": service for service, prefixes in PATHS.items() for prefix in prefixes if prefix != "/"},
    "/petitions/new?lang=en": "intake",
    "/sign-in/token": "routing",
    "/static/search/a.css": "search",
    # A whole segment and no more: a controller that reads prefixes as text would hand these on.
    "/desktop": None,
    "/searching": None,
    "/api/petitions2": None,
    "/api/casesX/1": None,
    # Nobody outside may read these.
    "/metrics": None,
    "/metrics/": None,
    "/readyz": None,
    "/livez": None,
    "/startupz": None,
    "/static": None,
    "/no-such-page": None,
}


def by_rules(path: str, rules: list[dict[str, Any]]) -> str | None:
    """The backend that the Ingress specification gives a path to: the longest fitting one, Exact before Prefix."""
    path = path.partition("?")[0]
    fits = []
    for one in rules:
        asked = one["path"]
        if one["pathType"] == "Exact" and path == asked:
            fits.append((len(asked), 1, one["backend"]["service"]["name"]))
        elif one["pathType"] == "Prefix" and (path == asked.rstrip("/") or path.startswith(asked.rstrip("/") + "/")):
            fits.append((len(asked), 0, one["backend"]["service"]["name"]))
    return str(max(fits)[2]) if fits else None


def test_by_the_rules_of_ingresses_each_path_leads_to_its_service() -> None:
    (ingress,) = of_kind("production", "Ingress")
    (rule,) = ingress["spec"]["rules"]
    found = {path: by_rules(path, rule["http"]["paths"]) for path in WANTED}
    assert found == {path: service and f"wz-wenzheng-{service}" for path, service in WANTED.items()}


def test_every_path_of_an_ingress_is_read_alike_by_those_who_read_prefixes_as_text() -> None:
    (ingress,) = of_kind("production", "Ingress")
    for one in ingress["spec"]["rules"][0]["http"]["paths"]:
        assert one["pathType"] == "Exact" or (one["pathType"] == "Prefix" and one["path"].endswith("/"))
        assert one["path"] != "/" or one["pathType"] == "Exact"


def test_by_the_rules_of_the_gateway_api_each_path_leads_to_its_service() -> None:
    (route,) = of_kind("httproute", "HTTPRoute")
    rules = []
    for rule in route["spec"]["rules"]:
        (backend,) = rule["backendRefs"]
        assert backend["port"] == 8080
        assert "filters" not in rule, "prefixes are never stripped"
        assert len(rule["matches"]) <= 64
        for match in rule["matches"]:
            kind = {"PathPrefix": "Prefix", "Exact": "Exact"}[match["path"]["type"]]
            rules.append(
                {"path": match["path"]["value"], "pathType": kind, "backend": {"service": {"name": backend["name"]}}}
            )
    found = {path: by_rules(path, rules) for path in WANTED}
    assert found == {path: service and f"wz-wenzheng-{service}" for path, service in WANTED.items()}


def test_every_entry_of_the_menu_is_led_to() -> None:
    (ingress,) = of_kind("production", "Ingress")
    rules = ingress["spec"]["rules"][0]["http"]["paths"]
    assert all(by_rules(path, rules) for path, _, _ in MENU)


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    """A real Traefik that was told of the chart's Ingress."""
    stand = Stand([*of_kind("production", "Ingress"), *of_kind("production", "Service")])
    if not stand.available:
        absent("Traefik", "none; it comes from PyPI")
    with stand:
        yield stand


@pytest.mark.parametrize("path", WANTED)
def test_a_real_traefik_leads_each_path_to_its_service(stand: Stand, path: str) -> None:
    status, answer = stand.ask(path)
    if WANTED[path] is None:
        assert status == 404
        assert "answered-by" not in answer
    else:
        assert status == 200
        assert json.loads(answer) == {"answered-by": f"wz-wenzheng-{WANTED[path]}", "path": path}


def test_a_real_traefik_knows_no_other_host(stand: Stand) -> None:
    assert stand.ask("/", host="elsewhere.example.org")[0] == 404


def test_the_paths_are_no_patterns() -> None:
    assert all(re.fullmatch(r"/|(/[a-z-]+)+", path) for paths in PATHS.values() for path in paths)
