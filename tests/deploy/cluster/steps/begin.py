"""The chart is installed, the house takes its first petitions, and `helm test` finds one."""

from __future__ import annotations

from tests.deploy.cluster.ground import RELEASE
from tests.deploy.cluster.guide import Guide
from tests.deploy.cluster.ingress import HOST
from tests.deploy.cluster.rows import COMPONENTS, Run, step
from tests.fault.processes import until


@step("install", "docs/ops.md as it stands, from nothing to a petition found by search")
def install(run: Run) -> None:
    """Everything comes up with what docs/ops.md says, and a first ledger is complete."""
    ground = run.ground
    guide = Guide(run)
    for name in guide.names:
        run.phase(f"docs/ops.md: {name}")
        took = guide.do(name)
        run.row(block=name, seconds=f"{took:.1f}")
        if name == "userlist":
            ground.servers.pooler.start(ground.keep / "userlist.txt")
        if name == "broker":
            ground.servers.rabbit.let_in()
        if name == "install":
            run.rolled_out()
            wait = lambda: ground.ingress.leads_to("/search") in (200, 302, 303, 401)  # noqa: E731
            until(wait, 60, "the ingress leads to every service")
    found = guide.said("petition")
    run.require(
        "东门菜场外的路灯不亮" in found.rpartition("hits")[2], "the petition of docs/ops.md is not found by the search"
    )
    for component in COMPONENTS:
        ready = sum(pod.ready for pod in run.pods.of(component))
        run.require(ready == 2, f"{component} has {ready} ready pods, should have 2")
    with run.load(petitions=60, rate=20):
        run.phase("first petitions")
    for service, count in sorted(ground.servers.connections().items()):
        run.row(database=service, connections=count)


@step("paths", "every service answers at its paths, and probes and metrics stay inside")
def paths(run: Run) -> None:
    """The ingress leads to each service by the one path table, and to nothing meant for operators."""
    wanted = {
        "/": (200, 302), "/petitions/new": (200,), "/api/petitions": (401, 404, 405), "/sign-in": (200,),
        "/desk": (302, 303, 401), "/notices": (302, 303, 401), "/search": (302, 303, 401), "/api/search": (401,),
        "/metrics": (403, 404), "/readyz": (403, 404), "/livez": (403, 404),
    }  # fmt: skip
    for path, good in wanted.items():
        status = run.ground.ingress.leads_to(path)
        run.row(path=f"{HOST}{path}", status=status)
        run.require(status in good, f"{path} answers {status}, should be one of {good}")


@step("helm-test", "helm test files a petition and finds it by search")
def helm_test(run: Run) -> None:
    """The chart's own test passes."""
    run.phase("helm test")
    said = run.kube.helm("test", RELEASE, "--logs", "--timeout", "3m")
    for line in said.splitlines():
        if line.strip().startswith(("Phase:", "TEST SUITE:")) or "found" in line.lower():
            run.note(line.strip()[:200])
    run.require("Succeeded" in said, f"helm test: {said.strip()[-300:]}")
