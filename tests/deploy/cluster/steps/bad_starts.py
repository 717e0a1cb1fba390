"""Bad starts: what an operator may get wrong, and whether a pod says so in one line and with an exit code."""

from __future__ import annotations

import copy
import json
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.deploy.cluster.ground import CHART, RELEASE, laid_over
from tests.deploy.cluster.rows import Run, step
from tests.fault.processes import ROOT, Failed

#: How long such a pod waits for what may come of itself; the chart's own patience is minutes (s).
PATIENCE = "4"
PROBE = "bad-start"


@dataclass(frozen=True)
class Bad:
    """One mistake.

    Args:
        name: of the pod.
        component: whose pod it is.
        code: exit code that is documented for it; None: the container never starts, the event of the pod says why.
        says: words that must be in the line.
        secrets: what other secrets hold, by the name of the one each replaces; None: it does not exist.
        environ: other settings.
        change: a change of the pod's spec.
    """

    name: str
    component: str
    code: int | None
    says: tuple[str, ...]
    secrets: Mapping[str, Mapping[str, str] | None] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    change: Callable[[dict[str, Any]], None] | None = None


def mistakes(run: Run) -> list[Bad]:
    """All of them, on the servers of this run."""
    servers, wrong = run.ground.servers, "wrong-password"
    broker, database = servers.kept("routing-broker-url"), servers.kept("intake-database-url")
    nowhere = f"{servers.address}:1/"
    return [
        Bad("broker-url", "routing-worker", 30, ("broker",), {"wenzheng-rabbitmq": {"routing-url": f"amqp://a:b@{nowhere}x"}}),
        Bad("broker-password", "routing-worker", 31, ("broker",),
            {"wenzheng-rabbitmq": {"routing-url": broker.replace(servers.kept("routing-broker-password"), wrong)}}),
        Bad("broker-scheme", "routing-worker", 2, ("BROKER_URL", "amqp"),
            {"wenzheng-rabbitmq": {"routing-url": "http://broker"}}),
        Bad("broker-certificate", "routing-worker", 32, ("certificate", "expired"),
            {"wenzheng-rabbitmq": {"routing-url": f"amqps://a:b@{servers.address}:{servers.rabbit.expired_port}/x",
                                   "ca": servers.rabbit.certificate.read_text()}},
            {"WENZHENG_BROKER_CA_FILE": "/run/secrets/wenzheng/ca.crt"}, _with_ca),
        Bad("database-url", "intake-web", 20, ("database",),
            {"wenzheng-postgresql": {"intake-url": f"postgresql+psycopg2://a:b@{nowhere}x"}}),
        Bad("database-password", "intake-web", 21, ("database",),
            {"wenzheng-postgresql": {"intake-url": database.replace(servers.kept("intake-database-password"), wrong)}}),
        Bad("database-of-another", "intake-web", 26, ("another service",),
            {"wenzheng-postgresql": {"intake-url": servers.kept("search-database-url"),
                                     "intake-direct-url": servers.kept("search-database-direct-url")}}),
        Bad("key-empty", "search-web", 10, ("SECRET_KEY",), {"wenzheng-keys": {"secret-key": ""}}),
        Bad("key-not-of-this-kind", "routing-web", 10, ("STAFF_KEY",), {"wenzheng-keys": {"staff-key": "no key"}}),
        Bad("secret-missing", "search-web", None, ("not found",), {"wenzheng-elasticsearch": None}),
        Bad("secret-without-key", "search-worker", None, ("search-url",), change=_forget("search-url")),
        Bad("setting", "notify-worker", 2, ("WENZHENG_PARTITIONS",), environ={"WENZHENG_PARTITIONS": "many"}),
        Bad("volume-read-only", "intake-worker", 11, ("/data",), change=_read_only),
    ]  # fmt: skip


def _read_only(spec: dict[str, Any]) -> None:
    for mount in spec["containers"][0]["volumeMounts"]:
        if mount["mountPath"] == "/data":
            mount["readOnly"] = True


def _with_ca(spec: dict[str, Any]) -> None:
    for source in _sources(spec):
        if source["secret"]["name"] == "wenzheng-rabbitmq":
            source["secret"]["items"] += [{"key": "ca", "path": "ca.crt"}]


def _forget(key: str) -> Callable[[dict[str, Any]], None]:
    """The secret that the pod names exists and has not this key."""

    def change(spec: dict[str, Any]) -> None:
        for source in _sources(spec):
            for item in source["secret"].get("items", []):
                if item["key"] == key:
                    item["key"] = f"{key}-that-is-missing"

    return change


@step("bad-starts", "mistakes of operators: one clear line and an exit code, or a refusal of helm")
def bad_starts(run: Run) -> None:
    """Every mistake is said where an operator looks for it."""
    _values(run)
    try:
        _pods(run)
        run.read_logs()
    finally:
        run.kube.kubectl("delete", "pods,secrets", "-l", f"{PROBE}=true", "--force", "--grace-period=0")


def _pods(run: Run) -> None:
    """Pods that cannot start."""
    todo = mistakes(run)
    for bad in todo:
        run.kube.apply(*_documents(run, bad))
    run.phase(f"{len(todo)} pods that cannot start")
    deadline = time.monotonic() + 180
    for bad in todo:
        code, line = _ended(run, bad, deadline)
        run.row(mistake=bad.name, pod=bad.component, exit_code="never started" if code is None else code, says=line)
        run.require(code == bad.code, f"{bad.name}: exit code {code}, documented is {bad.code}: {line[:200]}")
        missing = [word for word in bad.says if word not in line]
        run.require(not missing, f"{bad.name}: the line does not name {', '.join(missing)}: {line[:200]}")
        for password in run.ground.servers.passwords():
            run.require(password not in line, f"{bad.name}: the line holds a password")


def _documents(run: Run, bad: Bad) -> list[dict[str, Any]]:
    """A pod as the chart makes it, with one thing wrong; and the secrets it looks into."""
    deployment = run.kube.get(run.kube.here("deployments", "/apis/apps/v1") + f"/{run.deployment(bad.component)}")
    spec = copy.deepcopy(deployment["spec"]["template"]["spec"])
    container = spec["containers"][0]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe", "lifecycle"):
        container.pop(probe, None)
    environ = {"WENZHENG_START_WAIT_S": PATIENCE, **bad.environ}
    container["env"] = [one for one in container["env"] if one["name"] not in environ]
    container["env"] += [{"name": name, "value": value} for name, value in environ.items()]
    spec |= {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1}
    spec.pop("topologySpreadConstraints", None)
    if bad.change is not None:
        bad.change(spec)
    documents: list[dict[str, Any]] = []
    for name, values in bad.secrets.items():
        other = f"{PROBE}-{bad.name}"
        for source in _sources(spec):
            if source["secret"]["name"] == name:
                source["secret"]["name"] = other
        if values is not None:
            real = run.kube.get(f"{run.kube.here('secrets')}/{name}")
            documents.append(
                {
                    "apiVersion": "v1", "kind": "Secret", "data": real["data"], "stringData": dict(values),
                    "metadata": {"name": other, "labels": {PROBE: "true"}},
                }
            )  # fmt: skip
    documents.append(
        {
            "apiVersion": "v1", "kind": "Pod", "spec": spec,
            "metadata": {"name": f"{PROBE}-{bad.name}", "labels": {PROBE: "true"}},
        }
    )  # fmt: skip
    return documents


def _sources(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = [volume["projected"]["sources"] for volume in spec["volumes"] if "projected" in volume]
    return [source for sources in found for source in sources if "secret" in source]


def _ended(run: Run, bad: Bad, deadline: float) -> tuple[int | None, str]:
    """The exit code and the last line of a pod that ended; None and its event when it never started."""
    name, message = f"{PROBE}-{bad.name}", ""
    while True:
        status = run.kube.get(f"{run.kube.here('pods')}/{name}").get("status", {})
        for container in status.get("containerStatuses", []):
            if ended := container.get("state", {}).get("terminated"):
                return int(ended["exitCode"]), _line(run.kube.kubectl("logs", name))
        events = run.kube.get(run.kube.here("events"), fieldSelector=f"involvedObject.name={name},type=Warning")
        message = next((one["message"] for one in events.get("items", []) if "Mount" in one["reason"]), "")
        if message and bad.code is None:
            return None, message
        if time.monotonic() > deadline:
            return None, message or "it did not end in time"
        time.sleep(0.5)


def _line(log: str) -> str:
    """What the last line says; a log of JSON lines is read."""
    last = log.strip().splitlines()[-1] if log.strip() else ""
    try:
        found = json.loads(last)
    except ValueError:
        return last
    return str(found.get("event", last))


def _values(run: Run) -> None:
    """Values that helm itself refuses."""
    both = {"hpa": {"enabled": True}, "keda": {"enabled": True}}
    cases: dict[str, tuple[dict[str, Any], str]] = {
        "unknown-value-key": ({"replicaz": 3}, "replicaz"),
        "hpa-and-keda": ({"services": {"routing": {"worker": {"autoscaling": both}}}}, "keda"),
        "no-keys": ({"keys": {"existingSecret": ""}}, "keys.existingSecret"),
    }
    for name, (more, word) in cases.items():
        run.phase(f"helm refuses: {name}")
        file = run.ground.write_values(name, laid_over(run.ground.values(), more))
        try:
            run.kube.helm("upgrade", RELEASE, str(CHART), "-f", file, "--dry-run=client")
        except Failed as refused:
            said = str(refused).replace(str(ROOT), ".")
            run.row(mistake=name, pod="helm", exit_code="not 0", says=" ".join(said.split())[-300:])
            run.require(word in said, f"helm does not name {word}: {said[-200:]}")
        except subprocess.SubprocessError as error:
            run.require(False, f"{name}: {error}")
        else:
            run.require(False, f"helm took the values {name}")
