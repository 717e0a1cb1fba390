"""Where the tools of `bin/ensure deploy` are, and the chart as Helm renders it."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.house import ROOT

CHART = ROOT / "deploy" / "chart" / "wenzheng"
#: Where bin/ensure deploy puts tools.
PLACES = (ROOT / ".venv" / "deploy", ROOT / ".venv" / "bin")
#: Every example of values that the chart is held against.
CASES = tuple(sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*-values.yaml")))
#: The oldest, the middle and the newest Kubernetes that we render for.
VERSIONS = ("1.33", "1.35", "1.37")
#: APIs that a cluster with every operator has.
APIS = ("keda.sh/v1alpha1", "gateway.networking.k8s.io/v1", "monitoring.coreos.com/v1")
NAMESPACE = "wenzheng"
RELEASE = "wz"

Document = dict[str, Any]


class Missing(Exception):
    """A tool is not installed."""


def program(name: str) -> str:
    """Path of a tool: named by an environment variable such as HELM, brought by bin/ensure deploy, or on the PATH.

    Raises:
        Missing: nowhere.
    """
    given = os.environ.get(name.upper().replace("-", "_"), "")
    found = given or shutil.which(name, path=":".join((*map(str, PLACES), os.environ.get("PATH", ""))))
    if not found:
        raise Missing(f"{name} is not installed: run bin/ensure deploy")
    return found


def run(name: str, *arguments: str | Path, text: str = "", seconds: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a tool; what it says and its exit code are the caller's to judge."""
    return subprocess.run(
        [program(name), *map(str, arguments)],
        input=text, capture_output=True, text=True, timeout=seconds, cwd=ROOT, check=False,
    )  # fmt: skip


def template(
    *arguments: str, values: str = "", version: str = VERSIONS[-1], text: str = ""
) -> subprocess.CompletedProcess[str]:
    """`helm template` with the values of one case, as a cluster with every operator would render it."""
    named = ["--values", str(CHART / "ci" / f"{values}-values.yaml")] if values else []
    apis = [word for api in APIS for word in ("--api-versions", api)]
    return run(
        "helm", "template", RELEASE, CHART, "--namespace", NAMESPACE, "--kube-version", version, *apis, *named,
        *arguments, text=text,
    )  # fmt: skip


@functools.cache
def rendered(case: str, version: str = VERSIONS[-1]) -> str:
    """What one case renders to, as text."""
    done = template(values=case, version=version)
    if done.returncode:
        raise AssertionError(f"helm template with {case}: {done.stderr}")
    return done.stdout


@functools.cache
def objects(case: str, version: str = VERSIONS[-1]) -> tuple[Document, ...]:
    """The objects of one case; shared by all tests, so that nobody may change them."""
    # libyaml's loader: ten times as fast over some five hundred objects.
    return tuple(one for one in yaml.load_all(rendered(case, version), yaml.CSafeLoader) if one)


def of_kind(case: str, kind: str) -> list[Document]:
    """The objects of one kind of one case."""
    return [one for one in objects(case) if one["kind"] == kind]


def name_of(document: Document) -> str:
    """Kind and name, for messages."""
    return f"{document['kind']} {document['metadata']['name']}"
