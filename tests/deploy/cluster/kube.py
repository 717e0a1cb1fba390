"""kubectl, helm and the API server, spoken to from outside as an operator does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.fault.processes import DIES_WITH_US, ROOT, Failed, until
from tests.parts import free_port

#: Pods of the chart carry what they are in this label, as ``<service>-<role>``.
COMPONENT = "app.kubernetes.io/component"


def program(name: str) -> str:
    """Where ``helm`` or ``kubectl`` is: named by HELM or KUBECTL, on the PATH, or brought by bin/ensure deploy.

    Raises:
        Failed: nowhere.
    """
    given = os.environ.get(name.upper(), "")
    found = given or shutil.which(name, path=f"{ROOT / '.venv' / 'deploy'}:{os.environ.get('PATH', '')}")
    if not found:
        raise Failed(f"{name} is not installed: run bin/ensure deploy, or name it with {name.upper()}")
    return found


class Kube:
    """One namespace of one cluster.

    Args:
        kubeconfig: how to get in.
        namespace: where the house lives.
        folder: for logs.
    """

    def __init__(self, kubeconfig: str, namespace: str, folder: Path) -> None:
        self.namespace, self._folder = namespace, folder
        self._environ = os.environ | {"KUBECONFIG": kubeconfig, "HELM_CACHE_HOME": str(folder / "helm")}
        self._kubectl, self._helm = program("kubectl"), program("helm")
        self.api_port = free_port()
        self._proxy: subprocess.Popen[bytes] | None = None
        self.session = requests.Session()

    @property
    def api(self) -> str:
        """The API server by way of ``kubectl proxy``, which brings credentials along."""
        return f"http://127.0.0.1:{self.api_port}"

    def open(self) -> None:
        """Open the way to the API server."""
        with (self._folder / "proxy.log").open("wb") as log:
            self._proxy = subprocess.Popen(
                [*DIES_WITH_US, self._kubectl, "proxy", f"--port={self.api_port}", "--address=127.0.0.1"],
                env=self._environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        until(lambda: self.answers("/readyz"), 30, "the API server answers")

    def close(self) -> None:
        """Close it."""
        proxy, self._proxy = self._proxy, None
        if proxy is not None:
            proxy.kill()
            proxy.wait(10)

    def answers(self, path: str) -> bool:
        """Whether a path of the API answers 200."""
        try:
            return self.session.get(self.api + path, timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """A document of the API server; {} when there is none."""
        answer = self.session.get(self.api + path, params=query, timeout=30)
        if answer.status_code == 404:
            return {}
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def here(self, kind: str, group: str = "/api/v1") -> str:
        """The path of a kind of objects in the namespace."""
        return f"{group}/namespaces/{self.namespace}/{kind}"

    # ── the two commands ────────────────────────────────────────────────────────────────────────
    def kubectl(self, *words: str, given: str | None = None, seconds: float = 180) -> str:
        """Run kubectl in the namespace; what it said.

        Raises:
            Failed: with its last words.
        """
        return self._run([self._kubectl, "-n", self.namespace, *words], given, seconds)

    @property
    def environ(self) -> dict[str, str]:
        """What a shell needs to reach the cluster, and where its two commands are."""
        return {"KUBECONFIG": self._environ["KUBECONFIG"], "KUBECTL": self._kubectl, "HELM": self._helm}

    def helm(self, *words: str, seconds: float = 420) -> str:
        """Run helm in the namespace; what it said.

        Raises:
            Failed: with its last words.
        """
        return self._run([self._helm, "-n", self.namespace, *words], None, seconds)

    def apply(self, *documents: Mapping[str, Any]) -> None:
        """Apply documents."""
        self.kubectl("apply", "-f", "-", given=yaml.safe_dump_all([dict(one) for one in documents], allow_unicode=True))

    def _run(self, command: list[str], given: str | None, seconds: float) -> str:
        name = f"{Path(command[0]).name} {' '.join(command[3:5])}"
        try:
            done = subprocess.run(
                command, env=self._environ, input=given, stdin=None if given is not None else subprocess.DEVNULL,
                capture_output=True, text=True, timeout=seconds, cwd=ROOT, start_new_session=True, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Failed(f"{name} did not end within {seconds:g} s") from None
        if done.returncode:
            raise Failed(f"{name} failed: {(done.stderr or done.stdout).strip()[-600:]}")
        return done.stdout

    # ── namespaces and what is in them ──────────────────────────────────────────────────────────
    def drop_namespace(self, seconds: float = 90) -> None:
        """Delete it with everything in it, without waiting for anybody to drain."""
        self.kubectl("delete", "deployments,jobs", "--all", "--ignore-not-found", "--wait=false")
        self.kubectl("delete", "pods", "--all", "--force", "--grace-period=0", "--ignore-not-found", "--wait=false")
        self.kubectl("delete", "namespace", self.namespace, "--ignore-not-found", f"--timeout={seconds:g}s")

    def pods(self, selector: str = "") -> list[dict[str, Any]]:
        """The pods of the namespace."""
        query = {"labelSelector": selector} if selector else {}
        found: list[dict[str, Any]] = self.get(self.here("pods"), **query).get("items", [])
        return found

    def deployments(self) -> dict[str, dict[str, Any]]:
        """The Deployments of the chart by what they are (``intake-web``)."""
        items = self.get(self.here("deployments", "/apis/apps/v1")).get("items", [])
        return {one["metadata"].get("labels", {}).get(COMPONENT, one["metadata"]["name"]): one for one in items}

    def rolled_out(self, names: Iterable[str], seconds: float = 240) -> float:
        """Wait until Deployments have what they want; the seconds it took."""
        begun = time.monotonic()
        for name in names:
            left = max(5.0, seconds - (time.monotonic() - begun))
            self.kubectl("rollout", "status", f"deployment/{name}", f"--timeout={left:.0f}s", seconds=left + 10)
        return time.monotonic() - begun


def name_of(document: Mapping[str, Any]) -> str:
    """An object's name."""
    return str(document["metadata"]["name"])


def shown(document: Mapping[str, Any]) -> str:
    """A document in one line, for a message."""
    return json.dumps(document, ensure_ascii=False)[:300]
