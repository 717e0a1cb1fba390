"""What values become: variables, images, overrides, TLS, alerts."""

from __future__ import annotations

import json

import yaml

from services.cli.front_door import PATHS
from tests.deploy.pods import component, deployments, env_of, pod_specs
from tests.deploy.tools import CHART, of_kind
from tests.house import ROOT


def test_settings_become_variables_and_a_services_own_win() -> None:
    intake, routing = env_of("production", "intake-web"), env_of("production", "routing-web")
    assert intake["WENZHENG_FILING_PER_MINUTE"] == "60000"
    assert "WENZHENG_FILING_PER_MINUTE" not in routing
    assert intake["WENZHENG_SITE_NAME"] == routing["WENZHENG_SITE_NAME"] == "示例市"
    assert env_of("extras", "routing-worker")["WENZHENG_RETRY_LADDER"] == "5,60,600"
    assert env_of("extras", "routing-worker")["WENZHENG_BATCH_LINGER_MS"] == "0"


def test_links_begin_with_the_host_of_the_ingress_when_nothing_else_is_said() -> None:
    assert env_of("production", "notify-worker")["WENZHENG_PUBLIC_URL"] == "https://wenzheng.example.org"
    assert env_of("small", "notify-worker")["WENZHENG_PUBLIC_URL"] == "http://localhost:8080"


def test_partitions_reach_the_workers_of_a_service() -> None:
    assert env_of("keda", "routing-worker")["WENZHENG_PARTITIONS"] == "3"
    assert env_of("keda", "notify-worker")["WENZHENG_PARTITIONS"] == "8"
    assert env_of("small", "notify-worker")["WENZHENG_PARTITIONS"] == "1"


def test_a_registry_for_all_and_a_digest_for_one_are_used() -> None:
    found = {component(one): one["spec"]["template"]["spec"]["containers"][0]["image"] for one in deployments("images")}
    assert found["intake-web"] == f"registry.example.org:5000/petitions/wenzheng-intake@sha256:{'1' * 64}"
    assert found["notify-worker"] == "registry.example.org:5000/petitions/wenzheng-notify:0.1.1"
    for _, spec in pod_specs("images"):
        assert spec["imagePullSecrets"] == [{"name": "registry"}, {"name": "mirror"}]


def test_what_one_role_overrides_leaves_the_rest_of_the_defaults() -> None:
    (worker,) = [one for one in deployments("extras") if component(one) == "intake-worker"]
    spec = worker["spec"]["template"]["spec"]
    assert spec["terminationGracePeriodSeconds"] == 90
    assert spec["containers"][0]["resources"]["limits"] == {"memory": "512Mi"}
    (web,) = [one for one in deployments("extras") if component(one) == "search-web"]
    assert web["spec"]["strategy"] == {"type": "Recreate"}


def test_tls_to_each_server_brings_its_authority_and_verifies_the_name() -> None:
    env = env_of("tls", "search-worker")
    assert env["PGSSLMODE"] == "verify-full"
    assert env["PGSSLROOTCERT"] == "/run/secrets/wenzheng/ca/postgresql.crt"
    assert env["WENZHENG_BROKER_CA_FILE"] == "/run/secrets/wenzheng/ca/rabbitmq.crt"
    assert env["WENZHENG_ELASTICSEARCH_CA_FILE"] == "/run/secrets/wenzheng/ca/elasticsearch.crt"
    assert env_of("tls", "notify-worker")["WENZHENG_SMTP_CA_FILE"] == "/run/secrets/wenzheng/ca/smtp.crt"


def test_the_test_pod_knows_which_service_has_which_path() -> None:
    (pod,) = of_kind("small", "Pod")
    env = {entry["name"]: entry.get("value") for entry in pod["spec"]["containers"][0]["env"]}
    assert json.loads(env["TEST_PATHS"]) == {f"wz-wenzheng-{name}": list(paths) for name, paths in PATHS.items()}


def test_alerts_reach_prometheus_as_they_are_written_and_link_to_pages_that_are_there() -> None:
    written = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text(encoding="utf-8"))
    (rule,) = of_kind("monitoring", "PrometheusRule")
    base = "https://git.example.org/wenzheng/docs/runbooks/"
    alerts = [one for group in rule["spec"]["groups"] for one in group["rules"]]
    assert [one["expr"] for one in alerts] == [one["expr"] for group in written["groups"] for one in group["rules"]]
    for one in alerts:
        if "alert" in one:
            link = one["annotations"]["runbook_url"]
            assert link.startswith(base)
            assert (ROOT / "docs" / "runbooks" / link.removeprefix(base)).is_file()


def test_every_dashboard_is_brought_to_grafana_unchanged() -> None:
    (found,) = of_kind("monitoring", "ConfigMap")[:1]
    files = {path.name: path.read_text(encoding="utf-8") for path in (CHART / "files" / "dashboards").glob("*.json")}
    assert files
    assert {name: json.loads(text) for name, text in found["data"].items()} == {
        name: json.loads(text) for name, text in files.items()
    }
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
