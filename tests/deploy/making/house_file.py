"""`files/house.yaml` of the chart: the path table, each service's queues, and the settings that values may name."""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from services.cli.front_door import PATHS
from services.cli.registry import installed, part
from services.cli.topology import subscriptions_of

#: Settings that the chart gives by itself, or that only mean something on one machine.
OWN: Final = frozenset(
    {
        "areas_file", "broker_ca_file", "broker_management_url", "broker_url", "data_folder", "database_url",
        "direct_database_url", "directory_file", "drain_s", "elasticsearch_ca_file", "elasticsearch_url", "host",
        "partitions", "port", "portals_file", "secret_key", "seed_accounts", "smtp_ca_file", "smtp_url", "staff_key",
        "staff_public_key", "start_wait_s", "tantivy_heap_bytes", "topics_every_minutes", "worker_port",
    }
)  # fmt: skip
HEAD: Final = "# Made from the code by `make chart`; templates and tests read it. Do not edit.\n"


def camel(name: str) -> str:
    """``filing_per_minute`` as values spell it: ``filingPerMinute``."""
    return re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name)


def settings_of(service: str) -> dict[str, dict[str, Any]]:
    """JSON Schema of each setting of a service that values may name, by its name in the code."""
    schema = part(service, "settings").Settings.model_json_schema()
    return {name: field for name, field in schema["properties"].items() if name not in OWN}


def split_settings() -> dict[str, dict[str, dict[str, Any]]]:
    """The settings that every service has, under ``common``, and each service's own."""
    every = {service: settings_of(service) for service in installed()}
    shared = set.intersection(*(set(found) for found in every.values()))
    first = every[installed()[0]]
    found = {"common": {name: first[name] for name in first if name in shared}}
    for service, fields in every.items():
        found[service] = {name: field for name, field in fields.items() if name not in shared}
    return found


def house_file() -> str:
    """The file."""
    document = {
        "paths": {service: list(PATHS[service]) for service in installed()},
        "queues": {service: [one.queue for one in subscriptions_of(service)] for service in installed()},
        "settings": {
            group: {camel(name): f"WENZHENG_{name.upper()}" for name in fields}
            for group, fields in split_settings().items()
        },
    }
    return HEAD + yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=120)
