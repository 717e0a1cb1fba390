"""What values are refused, and whether the refusal says which key to change."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from services.cli.front_door import PATHS
from tests.deploy.making.house_file import split_settings
from tests.deploy.tools import CASES, CHART, VERSIONS, of_kind, rendered, run, template
from tests.house import ROOT

REFUSED = {
    "an unknown key at the top": ("replica=3", "additional properties 'replica' not allowed"),
    "an unknown key of a role": ("services.intake.web.replica=3", "/services/intake/web"),
    "an unknown setting": ("settings.siteNam=x", "/settings"),
    "a setting of another service": ("services.routing.settings.formPerMinute=5", "/services/routing/settings"),
    "a setting out of its bounds": ("settings.batchSize=5000", "/settings/batchSize"),
    "no such language": ("settings.defaultLanguage=fr", "/settings/defaultLanguage"),
    "a service that there is not": ("services.billing.enabled=true", "/services"),
    "a password in values": ("rabbitmq.password=x", "/rabbitmq"),
    "partitions beyond the most": ("partitions=65", "/partitions"),
    "workers scaled to none": ("defaults.worker.autoscaling.keda.minReplicas=0", "/autoscaling/keda/minReplicas"),
    "a digest that is none": ("services.intake.image.digest=sha256:12", "/services/intake/image/digest"),
    "keda for web pods": ("services.intake.web.autoscaling.keda.enabled=true", "/services/intake/web/autoscaling"),
    "a port that is none": ("networkPolicy.edges.smtp.ports[0]=99999", "/networkPolicy/edges/smtp/ports/0"),
    "a number in words": ("services.intake.web.replicas=two", "/services/intake/web/replicas"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_the_schema_refuses(what: str) -> None:
    given, where = REFUSED[what]
    done = template("--set", given, values="small")
    assert done.returncode != 0, done.stdout[:200]
    assert where in done.stderr


@pytest.mark.parametrize("level", ["defaults.worker", "services.routing.worker"])
def test_the_schema_refuses_two_scalers_and_names_the_switch(level: str) -> None:
    done = template(
        "--set", f"{level}.autoscaling.hpa.enabled=true,{level}.autoscaling.keda.enabled=true", values="small"
    )  # fmt: skip
    assert done.returncode != 0
    assert f"/{level.replace('.', '/')}/autoscaling/keda/enabled" in done.stderr


def test_two_scalers_from_two_levels_are_refused_as_well() -> None:
    done = template("--set", "services.routing.worker.autoscaling.keda.enabled=true", values="hpa")
    assert "services.routing.worker.autoscaling: hpa and keda are both enabled" in done.stderr


def test_every_mistake_is_told_at_once_and_each_in_a_line() -> None:
    done = run("helm", "template", "wz", CHART)
    assert done.returncode != 0
    for line in (
        "rabbitmq.existingSecret: name the Secret with the key intake-url",
        "postgresql.existingSecret: name the Secret with the key search-url",
        "elasticsearch.existingSecret:",
        "keys.existingSecret:",
        "settings.publicUrl:",
    ):
        assert re.search(rf"^  {re.escape(line)}", done.stderr, re.MULTILINE), done.stderr


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (
            "services.intake.worker.drainSeconds=60",
            "services.intake.worker.terminationGracePeriodSeconds: 45 must be more than the 60 s",
        ),
        (
            "defaults.web.preStopSleepSeconds=30",
            "services.intake.web.terminationGracePeriodSeconds: 40 must be more than the 50 s",
        ),
        ("defaults.worker.startWaitSeconds=600", "services.intake.worker.startupProbe: period x failures is 300 s"),
        (
            "defaults.worker.autoscaling.keda.enabled=true",
            "services.intake.worker.autoscaling.keda needs rabbitmq.managementUrlKey",
        ),
        (
            "defaults.web.autoscaling.hpa.enabled=true,defaults.web.autoscaling.hpa.minReplicas=9",
            "services.intake.web.autoscaling.hpa: minReplicas 9 is more than maxReplicas 6",
        ),
        ("httpRoute.enabled=true", "httpRoute.parentRefs: name the Gateway"),
    ],
)
def test_what_the_schema_cannot_see_is_refused_too(given: str, line: str) -> None:
    done = template("--set", given, values="small")
    assert done.returncode != 0
    assert line in done.stderr


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", CASES)
def test_every_example_renders_for_every_kubernetes(case: str, version: str) -> None:
    found = re.findall(r"^kind: Deployment$", rendered(case, version), re.MULTILINE)
    assert len(found) == (2 if case == "one-service" else 8)


def test_an_older_kubernetes_is_refused() -> None:
    done = template(values="small", version="1.32")
    assert "incompatible with Kubernetes v1.32" in done.stderr


@pytest.mark.parametrize("case", CASES)
def test_helm_lint_finds_nothing(case: str) -> None:
    done = run("helm", "lint", CHART, "--strict", "--values", CHART / "ci" / f"{case}-values.yaml")
    assert done.returncode == 0, done.stdout


def test_the_chart_packs(tmp_path: Any) -> None:
    done = run("helm", "package", CHART, "--destination", tmp_path)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["wenzheng-0.1.0.tgz"]


def test_the_charts_version_is_the_products() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    product = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert product is not None
    assert chart["version"] == chart["appVersion"] == product[1]


def test_what_is_made_from_the_code_is_what_the_chart_holds() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.deploy.making", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"run `make chart`: {done.stderr}"


def test_the_path_table_of_the_chart_is_that_of_the_front_door() -> None:
    house = yaml.safe_load((CHART / "files" / "house.yaml").read_text(encoding="utf-8"))
    assert house["paths"] == {service: list(paths) for service, paths in PATHS.items()}


def test_no_secret_is_among_the_settings_that_values_may_hold() -> None:
    names = {name for fields in split_settings().values() for name in fields}
    assert not [
        name
        for name in names - {"public_url", "answers_url"}
        if re.search(r"key|secret|password|token|_url$|_ca$", name)
    ]


def _open_objects(schema: Any, where: str = "") -> list[str]:
    """Places of a schema where an object may have keys that nobody named."""
    found: list[str] = []
    if isinstance(schema, dict):
        named = "properties" in schema and schema.get("type") is not None
        if named and schema.get("additionalProperties") is not False:
            found.append(where)
        for key, value in schema.items():
            found += _open_objects(value, f"{where}/{key}")
    elif isinstance(schema, list):
        for place, value in enumerate(schema):
            found += _open_objects(value, f"{where}/{place}")
    return found


def test_no_object_of_the_schema_takes_keys_that_nobody_named() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    assert _open_objects(schema) == []


def _keys(document: Any, path: str = "") -> set[str]:
    if not isinstance(document, dict) or not document:
        return {path}
    return {key for name, value in document.items() for key in _keys(value, f"{path}.{name}".lstrip("."))}


def test_every_value_is_documented() -> None:
    text = (CHART / "values.yaml").read_text(encoding="utf-8")
    page = (CHART / "README.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `([\w.]+)` \|", page, re.MULTILINE)
    missing = [
        key
        for key in sorted(_keys(yaml.safe_load(text)))
        if not any(key == one or key.startswith(f"{one}.") for one in documented)
    ]
    assert missing == []


def test_the_queues_that_keda_asks_for_are_the_services_work_queues_with_all_partitions() -> None:
    from services.chassis.topology import work_queues
    from services.cli.topology import subscriptions_of

    for one in of_kind("keda", "ScaledObject"):
        service = one["metadata"]["labels"]["app.kubernetes.io/component"].removesuffix("-worker")
        (trigger,) = one["spec"]["triggers"]
        assert trigger["metadata"]["protocol"] == "http"
        pattern = re.compile(trigger["metadata"]["queueName"])
        subscribed = subscriptions_of(service)
        assert subscribed
        for subscription in subscribed:
            for queue in (*work_queues(subscription, 1), *work_queues(subscription, 64)):
                assert pattern.search(queue), queue
            for other in (f"{subscription.queue}.parked", f"{subscription.queue}.retry.5s", f"x{subscription.queue}"):
                assert not pattern.search(other), other


def test_the_notes_say_how_to_begin_and_what_is_odd() -> None:
    notes = run(
        "helm", "install", "wz", CHART, "--dry-run=client", "--namespace", "wenzheng",
        "--values", CHART / "ci" / "small-values.yaml", "--set", "networkPolicy.enabled=false",
        "--set", "services.routing.worker.replicas=5",
    ).stdout.partition("NOTES:")[2]  # fmt: skip
    assert "helm -n wenzheng test wz" in notes
    assert "wenzheng staff add admin" in notes
    assert "routing may have 5 workers and has 1 partition:" in notes
    assert "anything in the cluster may reach the pods" in notes
    assert "no mail goes out" in notes
