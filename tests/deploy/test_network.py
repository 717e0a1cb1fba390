"""What the NetworkPolicies mean, compared with the table of docs/network.md: every edge in it, and no other."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.deploy.tools import CASES, NAMESPACE, RELEASE, Document, of_kind, run, template
from tests.house import ROOT

# The analyser and the scanner take a minute on a machine that has other things to do.
pytestmark = pytest.mark.timeout(400)

PAGE = ROOT / "docs" / "network.md"
SERVICES = ("intake", "routing", "notify", "search")
TEST_PORT = 8000
#: Whom the table names beside our own pods, and the namespace that stands for each; nothing leads to the last one.
OUTSIDE = {
    "ingress controller": "traefik",
    "monitoring": "monitoring",
    "DNS": "kube-system",
    "RabbitMQ": "rabbitmq",
    "RabbitMQ's management": "management",
    "PostgreSQL": "postgresql",
    "Elasticsearch": "elasticsearch",
    "mail server": "smtp",
    "portals": "portals",
    "OpenTelemetry collector": "tracing",
    "somebody else": "elsewhere",
}
#: (from, to, protocol and port)
Edge = tuple[str, str, str]


def own_pods() -> set[str]:
    """Our pods by the names that the table has for them."""
    return {f"{service}-{kind}" for service in SERVICES for kind in ("web", "worker", "migrate")} | {
        "routing-topics", "routing-retrain", "front-door-test",
    }  # fmt: skip


def named(text: str) -> set[str]:
    """The pods or parties that a cell of the table means."""
    found: set[str] = set()
    for one in (part.strip().strip("`") for part in text.split(",")):
        if one == "every pod":
            found |= own_pods()
        elif one.startswith("*"):
            found |= {service + one[1:] for service in SERVICES}
        else:
            assert one in own_pods() or one in OUTSIDE, f"docs/network.md names {one!r}"
            found.add(one)
    return found


def documented() -> set[Edge]:
    """The edges of the table."""
    found = set()
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| ") or cells[0] == "from" or len(cells) != 4:
            continue
        ports = f"TCP {TEST_PORT}" if cells[2] == "that of `test.url`" else cells[2]
        found |= {(a, b, port.strip()) for a in named(cells[0]) for b in named(cells[1]) for port in ports.split(",")}
    return found


def stage() -> str:
    """The chart with every edge, and a pod for each of those outside."""
    edges = {
        namespace: {"peers": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}]}
        for namespace in OUTSIDE.values()
        if namespace not in ("traefik", "monitoring", "kube-system", "elsewhere")
    }
    values = {
        "settings": {"publicUrl": "https://wenzheng.example.org", "otlpEndpoint": "http://collector:4318"},
        "rabbitmq": {"existingSecret": "mq", "managementUrlKey": "management-url"},
        "smtp": {"existingSecret": "smtp"},
        "portals": {"existingSecret": "portals"},
        "publicAnswers": {"enabled": True},
        "services": {"routing": {job: {"enabled": True} for job in ("topics", "retrain")}},
        "test": {"url": f"http://traefik.traefik.svc:{TEST_PORT}"},
        "networkPolicy": {"edges": edges},
    }
    done = template("--values", "-", values="small", text=yaml.safe_dump(values))
    assert done.returncode == 0, done.stderr
    others: list[Document] = [_namespace(NAMESPACE)]
    for namespace in OUTSIDE.values():
        labels = {"k8s-app": "kube-dns"} if namespace == "kube-system" else {"app": namespace}
        others.append(_namespace(namespace))
        others.append(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "pod", "namespace": namespace, "labels": labels},
                "spec": {"containers": [{"name": "main", "image": "any"}]},
            }
        )
    return done.stdout + "".join(f"\n---\n{json.dumps(one)}" for one in others)


def _namespace(name: str) -> Document:
    labels = {"kubernetes.io/metadata.name": name}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def party(text: str) -> str | None:
    """Who `namespace/name[Kind]` is in the words of the table; None for addresses."""
    found = re.fullmatch(r"([\w-]+)/([\w-]+)\[\w+\]", text)
    if found is None:
        return None
    if found[1] == NAMESPACE:
        name = re.sub(r"-migrate-\d+$", "-migrate", found[2])
        return name.removeprefix(f"{RELEASE}-wenzheng-")
    return next((word for word, namespace in OUTSIDE.items() if namespace == found[1]), found[1])


@pytest.fixture(scope="module")
def edges(tmp_path_factory: pytest.TempPathFactory) -> set[Edge]:
    """Every edge from or to one of our pods, as the analyser tells it."""
    path = tmp_path_factory.mktemp("network") / "all.yaml"
    path.write_text(stage(), encoding="utf-8")
    done = run(
        "nca", "--connectivity", "--resource_list", path, "--output_format", "txt_no_fw_rules", seconds=300
    )  # fmt: skip
    found = set()
    for line in done.stdout.splitlines():
        if " => " not in line:
            continue
        source, _, rest = line.partition(" => ")
        target, _, connection = rest.partition(" : ")
        ends = (party(source), party(target))
        if not any(end in own_pods() for end in ends):
            continue
        for ports in _ports(connection):
            found.add((ends[0] or source, ends[1] or target, ports))
    assert found, done.stdout + done.stderr
    return found


def _ports(connection: str) -> list[str]:
    """`{protocols:TCP, UDP,dst_ports:53}` as TCP 53, UDP 53."""
    found: list[str] = []
    for protocols, ports in re.findall(r"\{protocols:([A-Z, ]+?),dst_ports:([\d,-]+)\}", connection):
        numbers: list[int] = []
        for part in ports.split(","):
            first, _, last = part.partition("-")
            numbers += range(int(first), int(last or first) + 1)
        found += [f"{one.strip()} {port}" for one in protocols.split(",") for port in numbers]
    return found or [connection.strip()]


def test_the_policies_allow_what_the_table_says_and_nothing_else(edges: set[Edge]) -> None:
    wanted = documented()
    assert sorted(wanted - edges) == [], "in the table, not allowed"
    assert sorted(edges - wanted) == [], "allowed, not in the table"


def test_no_service_may_speak_to_another_but_the_form_that_shows_public_answers(edges: set[Edge]) -> None:
    ours = {name for name in own_pods() if name != "front-door-test"}
    found = [edge for edge in edges if edge[0] in ours and edge[1] in ours]
    assert found == [("intake-web", "search-web", "TCP 8080")]


def test_the_table_names_every_edge_that_the_values_have() -> None:
    values = yaml.safe_load((ROOT / "deploy/chart/wenzheng/values.yaml").read_text(encoding="utf-8"))
    assert len(values["networkPolicy"]["edges"]) == len(OUTSIDE) - 1


@pytest.mark.parametrize("case", [case for case in CASES if case != "network-open"])
def test_every_pod_is_under_the_refusal_of_everything(case: str) -> None:
    (denied,) = [one for one in of_kind(case, "NetworkPolicy") if one["metadata"]["name"].endswith("-default-deny")]
    assert denied["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in denied["spec"]
    assert "egress" not in denied["spec"]
    chosen = denied["spec"]["podSelector"]["matchLabels"].items()
    pods = [one["spec"]["template"] for kind in ("Deployment", "Job") for one in of_kind(case, kind)]
    pods += [one["spec"]["jobTemplate"]["spec"]["template"] for one in of_kind(case, "CronJob")]
    for pod in [*pods, *of_kind(case, "Pod")]:
        assert chosen <= pod["metadata"]["labels"].items()


def test_edges_that_are_not_used_are_not_made() -> None:
    names = {one["metadata"]["name"].removeprefix("wz-wenzheng-") for one in of_kind("small", "NetworkPolicy")}
    assert names == {
        "default-deny", "dns", "from-ingress", "from-test", "test-to-web", "to-elasticsearch", "to-postgresql",
        "to-rabbitmq", "web-from-monitoring", "worker-from-monitoring",
    }  # fmt: skip
    assert of_kind("network-open", "NetworkPolicy") == []


def test_a_policy_file_is_read_by_the_analyser(tmp_path: Path) -> None:
    """A policy that lets everything in shows as such: the analyser does look."""
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "open", "namespace": "a"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]},
    }
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "a"}, "spec": {"containers": []}}
    path = tmp_path / "open.yaml"
    path.write_text("\n---\n".join(map(json.dumps, (_namespace("a"), pod, policy))), encoding="utf-8")
    done = run("nca", "--connectivity", "--resource_list", path, "--output_format", "txt_no_fw_rules")
    assert "=> a/p[Pod] : All connections" in done.stdout
