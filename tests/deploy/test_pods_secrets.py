"""Which secrets a pod gets, and how: as files, no more than it uses, and nothing durable left to the pod itself."""

from __future__ import annotations

from tests.deploy.pods import component, containers, deployments, every_case, pod_specs


@every_case
def test_secrets_come_as_files_that_a_variable_names_and_never_as_variables(case: str) -> None:
    for name, spec in pod_specs(case):
        mounted = {
            f"/run/secrets/wenzheng/{item['path']}"
            for volume in spec["volumes"]
            for source in volume.get("projected", {}).get("sources", [])
            for item in source["secret"]["items"]
        }
        for container in containers(spec):
            named = set()
            assert "envFrom" not in container, name
            for entry in container["env"]:
                assert "secretKeyRef" not in entry.get("valueFrom", {}), name
                if str(entry.get("value", "")).startswith("/run/secrets/"):
                    named.add(entry["value"])
            assert named == mounted, name


@every_case
def test_no_variable_is_given_twice(case: str) -> None:
    for name, spec in pod_specs(case):
        for container in containers(spec):
            names = [entry["name"] for entry in container["env"]]
            assert len(set(names)) == len(names), name


def secrets_of(case: str) -> dict[str, set[str]]:
    """The files that each Deployment is given."""
    return {
        component(one): {
            item["path"]
            for volume in one["spec"]["template"]["spec"]["volumes"]
            for source in volume.get("projected", {}).get("sources", [])
            for item in source["secret"]["items"]
        }
        for one in deployments(case)
    }


@every_case
def test_a_pod_gets_no_secret_that_it_has_no_use_for(case: str) -> None:
    for name, files in secrets_of(case).items():
        service, _, role = name.partition("-")
        assert ("broker-url" in files) == (role == "worker"), name
        assert ("elasticsearch-url" in files) == (service == "search"), name
        assert ("staff-key" in files) == (name == "routing-web"), name
        assert ("staff-public-key" in files) == (role == "web" and service != "routing"), name
        assert "smtp-url" not in files or service == "notify", name
        assert "portals.yaml" not in files or service in ("intake", "notify"), name
        assert {"database-url", "secret-key"} <= files, name


@every_case
def test_nothing_durable_is_left_to_a_pods_own_folder(case: str) -> None:
    """Every place that the product would else keep in its data folder is given from outside."""
    for one in deployments(case):
        name = component(one)
        service, _, role = name.partition("-")
        (container,) = one["spec"]["template"]["spec"]["containers"]
        given = {entry["name"] for entry in container["env"]}
        needed = {"WENZHENG_DATABASE_URL_FILE", "WENZHENG_SECRET_KEY_FILE"}
        if role == "worker":
            needed.add("WENZHENG_BROKER_URL_FILE")
        if service == "search":
            needed.add("WENZHENG_ELASTICSEARCH_URL_FILE")
        if role == "web":
            needed.add("WENZHENG_STAFF_KEY_FILE" if service == "routing" else "WENZHENG_STAFF_PUBLIC_KEY_FILE")
        assert needed <= given, name
