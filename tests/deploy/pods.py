"""What tests ask of the chart's pods: the Deployments of a case, their specs, containers, variables and secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.deploy.tools import CASES, Document, name_of, objects, of_kind

every_case = pytest.mark.parametrize("case", CASES)


def deployments(case: str) -> list[Document]:
    return of_kind(case, "Deployment")


def component(document: Document) -> str:
    return str(document["metadata"]["labels"]["app.kubernetes.io/component"])


def pod_specs(case: str) -> Iterator[tuple[str, Document]]:
    """Name and spec of every pod that the chart makes."""
    for one in objects(case):
        if one["kind"] in ("Deployment", "Job"):
            yield name_of(one), one["spec"]["template"]["spec"]
        elif one["kind"] == "CronJob":
            yield name_of(one), one["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        elif one["kind"] == "Pod":
            yield name_of(one), one["spec"]


def containers(spec: Document) -> list[Document]:
    return [*spec.get("initContainers", []), *spec["containers"]]


def selects(selector: Document, labels: dict[str, str]) -> bool:
    """Whether a label selector fits labels."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for one in selector.get("matchExpressions", []):
        assert one["operator"] == "In", one
        if labels.get(one["key"]) not in one["values"]:
            return False
    return True


def env_of(case: str, name: str) -> dict[str, Any]:
    """Variables of one Deployment's container."""
    (one,) = [one for one in deployments(case) if component(one) == name]
    return {entry["name"]: entry.get("value") for entry in one["spec"]["template"]["spec"]["containers"][0]["env"]}
