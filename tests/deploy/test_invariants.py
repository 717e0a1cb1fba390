"""What must be true of every object of the chart, whatever the values."""

from __future__ import annotations

import re

from tests.deploy.pods import component, containers, deployments, every_case, pod_specs, selects
from tests.deploy.tools import CHART, name_of, objects, of_kind, run

SERVICES = ("intake", "routing", "notify", "search")
#: Seconds that requests in hand get in a web pod (services/chassis/web/server.py, GRACE_S).
WEB_GRACE_S = 20
IMAGE = re.compile(r"[^@]+/wenzheng-(intake|routing|notify|search)(:[\w.-]+|@sha256:[0-9a-f]{64})")


@every_case
def test_each_service_and_role_is_a_deployment_of_its_own(case: str) -> None:
    found = sorted(component(one) for one in deployments(case))
    on = SERVICES if case != "one-service" else ("search",)
    assert found == sorted(f"{service}-{role}" for service in on for role in ("web", "worker"))


@every_case
def test_a_selector_fits_its_own_pods_and_nobody_elses(case: str) -> None:
    found = deployments(case)
    for one in found:
        fitting = [
            component(other)
            for other in found
            if selects(one["spec"]["selector"], other["spec"]["template"]["metadata"]["labels"])
        ]
        assert fitting == [component(one)]


@every_case
def test_a_service_leads_to_web_pods_alone(case: str) -> None:
    for service in of_kind(case, "Service"):
        led_to = [
            component(one)
            for one in deployments(case)
            if selects({"matchLabels": service["spec"]["selector"]}, one["spec"]["template"]["metadata"]["labels"])
        ]
        assert led_to == [component(service)]
        assert led_to[0].endswith("-web")


@every_case
def test_an_eviction_takes_one_pod_at_a_time_and_never_waits_for_a_pod_that_is_ill(case: str) -> None:
    budgets = of_kind(case, "PodDisruptionBudget")
    covered = {component(one) for one in budgets}
    wanted = {component(one) for one in deployments(case)} - ({"search-web"} if case == "extras" else set())
    assert covered == wanted
    for one in budgets:
        assert "minAvailable" not in one["spec"]
        assert one["spec"]["maxUnavailable"] == 1
        assert one["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


@every_case
def test_a_pod_has_more_time_to_end_than_its_drain_takes(case: str) -> None:
    for one in deployments(case):
        spec = one["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        env = {entry["name"]: entry.get("value") for entry in container["env"]}
        if component(one).endswith("-worker"):
            needs = float(env["WENZHENG_DRAIN_S"])
            assert "lifecycle" not in container, "a worker is to drain at once"
        else:
            needs = container["lifecycle"]["preStop"]["sleep"]["seconds"] + WEB_GRACE_S
            assert container["lifecycle"]["preStop"]["sleep"]["seconds"] >= 3
        assert spec["terminationGracePeriodSeconds"] > needs


@every_case
def test_one_scaler_at_most_and_then_no_number_of_replicas(case: str) -> None:
    targets: list[str] = []
    for one in objects(case):
        if one["kind"] in ("HorizontalPodAutoscaler", "ScaledObject"):
            targets.append(one["spec"]["scaleTargetRef"]["name"])
    assert len(set(targets)) == len(targets)
    for one in deployments(case):
        assert ("replicas" in one["spec"]) == (one["metadata"]["name"] not in targets), name_of(one)


@every_case
def test_what_is_scaled_to_by_queues_never_goes_to_zero(case: str) -> None:
    for one in of_kind(case, "ScaledObject"):
        assert one["spec"]["minReplicaCount"] >= 1
        assert "-worker" in one["spec"]["scaleTargetRef"]["name"]


@every_case
def test_each_role_is_probed_on_its_own_port_and_liveness_asks_for_no_server(case: str) -> None:
    for one in deployments(case):
        (container,) = one["spec"]["template"]["spec"]["containers"]
        web = component(one).endswith("-web")
        paths = {
            probe: (container[probe]["httpGet"]["path"], container[probe]["httpGet"]["port"])
            for probe in ("startupProbe", "livenessProbe", "readinessProbe")
        }
        port = "http" if web else "admin"
        assert paths == {
            "startupProbe": ("/readyz" if web else "/startupz", port),
            "livenessProbe": ("/livez", port),
            "readinessProbe": ("/readyz", port),
        }
        assert [(p["name"], p["containerPort"]) for p in container["ports"]] == [(port, 8080 if web else 9090)]


@every_case
def test_starting_is_given_more_time_than_the_process_waits_for_its_servers(case: str) -> None:
    for one in deployments(case):
        (container,) = one["spec"]["template"]["spec"]["containers"]
        env = {entry["name"]: entry.get("value") for entry in container["env"]}
        probe = container["startupProbe"]
        assert probe["periodSeconds"] * probe["failureThreshold"] > float(env["WENZHENG_START_WAIT_S"])


@every_case
def test_every_pod_is_restricted_and_can_write_to_its_empty_folders_alone(case: str) -> None:
    for name, spec in pod_specs(case):
        context = spec["securityContext"]
        assert context["runAsNonRoot"] is True, name
        assert (context["runAsUser"], context["runAsGroup"]) == (10001, 10001), name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for flag in ("hostNetwork", "hostPID", "hostIPC"):
            assert not spec.get(flag), name
        for container in containers(spec):
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False, name
            assert own["readOnlyRootFilesystem"] is True, name
            assert own["capabilities"] == {"drop": ["ALL"]}, name
            assert "privileged" not in own, name
            assert container["resources"]["limits"]["memory"], name
            assert container["resources"]["requests"]["cpu"], name
        written = {volume["name"] for volume in spec["volumes"] if "emptyDir" in volume}
        assert written == {"data", "tmp"}, name
        assert all("sizeLimit" in volume["emptyDir"] for volume in spec["volumes"] if "emptyDir" in volume), name
        assert not any("hostPath" in volume for volume in spec["volumes"]), name


@every_case
def test_no_pod_has_a_token_of_the_cluster_or_variables_made_from_services(case: str) -> None:
    for name, spec in pod_specs(case):
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["serviceAccountName"] not in ("", "default"), name
        # A Service called wenzheng-intake would set WENZHENG_INTAKE_PORT, which is a setting.
        assert spec["enableServiceLinks"] is False, name
    for one in of_kind(case, "ServiceAccount"):
        assert one["automountServiceAccountToken"] is False


@every_case
def test_images_have_a_tag_or_a_digest_and_never_latest(case: str) -> None:
    for name, spec in pod_specs(case):
        for container in containers(spec):
            image = container["image"]
            assert re.fullmatch(
                r"[^@]+/wenzheng-(intake|routing|notify|search)(:[\w.-]+|@sha256:[0-9a-f]{64})", image
            ), (
                name,
                image,
            )
            assert not image.endswith(":latest"), name


@every_case
def test_a_migration_is_an_ordinary_job_named_by_the_revision(case: str) -> None:
    jobs = of_kind(case, "Job")
    assert len(jobs) == (1 if case == "one-service" else 4)
    for one in jobs:
        assert re.search(r"-(intake|routing|notify|search)-migrate-1$", one["metadata"]["name"])
        assert "helm.sh/hook" not in one["metadata"].get("annotations", {})
        spec = one["spec"]["template"]["spec"]
        first = containers(spec)[0]
        assert first["args"][0] == "migrate"
        assert spec["restartPolicy"] == "Never", "the log of each try is kept"


@every_case
def test_a_migration_goes_past_a_pooler(case: str) -> None:
    for one in of_kind(case, "Job"):
        service = one["metadata"]["labels"]["app.kubernetes.io/component"].removesuffix("-migrate")
        items = {
            item["path"]: item["key"]
            for volume in one["spec"]["template"]["spec"]["volumes"]
            for source in volume.get("projected", {}).get("sources", [])
            for item in source["secret"]["items"]
        }
        direct = items.get("direct-database-url")
        assert items["database-url"] == (direct or items["database-url"])
        if direct and items["database-url"] != "uri":
            assert direct == f"{service}-direct-url"


@every_case
def test_pods_of_a_deployment_are_spread(case: str) -> None:
    for one in deployments(case):
        for rule in one["spec"]["template"]["spec"]["topologySpreadConstraints"]:
            assert selects(rule["labelSelector"], one["spec"]["template"]["metadata"]["labels"])
            assert rule["matchLabelKeys"] == ["pod-template-hash"]


@every_case
def test_names_fit_and_every_object_carries_the_recommended_labels(case: str) -> None:
    for one in objects(case):
        assert len(one["metadata"]["name"]) <= 63, name_of(one)
        if one["metadata"]["name"] in ("wz-note", "wz-petitions-text"):
            continue
        labels = one["metadata"]["labels"]
        for key in ("name", "instance", "version", "managed-by", "part-of"):
            assert labels[f"app.kubernetes.io/{key}"], name_of(one)


def test_common_labels_reach_every_object_and_every_pod() -> None:
    for one in objects("extras"):
        if one["metadata"]["name"] not in ("wz-note", "wz-petitions-text"):
            assert one["metadata"]["labels"]["team"] == "petitions", name_of(one)


def test_a_release_with_a_long_name_has_names_that_fit() -> None:
    done = run(
        "helm", "template", "a" * 53, CHART, "--values", CHART / "ci" / "keda-values.yaml", "--kube-version", "1.37"
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    names = re.findall(r"^  name: (\S+)$", done.stdout, re.MULTILINE)
    assert names
    assert max(map(len, names)) <= 63
