"""KEDA: a backlog takes the routing workers up by their ScaledObject, and calm takes them down again."""

from __future__ import annotations

import time

from tests.deploy.cluster.rows import Run, step
from tests.deploy.cluster.steps.ordinary import gone
from tests.fault.processes import Failed, until

WORKER = "routing-worker"
#: Fewest and most workers.
LEAST, MOST = 1, 3
#: Stops KEDA at a number of replicas (KEDA's documentation, "Pause autoscaling").
PAUSED = "autoscaling.keda.sh/paused-replicas"


@step("keda", "a backlog takes the routing workers from 1 to 3 and back by their ScaledObject")
def keda(run: Run) -> None:
    """Events wait while no worker runs; KEDA sees them, brings workers, and takes them away when all is done."""
    chosen, tool = run.ground.chosen, run.ground.tool
    if not chosen.keda:
        run.result.verdict = "skipped"
        run.note("left out: --no-keda")
        return
    run.phase("KEDA (built at the first time)")
    if tool is not None:
        tool.keda()
    if not run.kube.answers("/apis/external.metrics.k8s.io/v1beta1"):
        raise Failed("KEDA does not run on this cluster: install it, or leave this step out with --no-keda")
    down = {
        "scaleDown": {"stabilizationWindowSeconds": 20, "policies": [{"type": "Pods", "value": 1, "periodSeconds": 15}]}
    }
    scaler = {
        "enabled": True, "minReplicas": LEAST, "maxReplicas": MOST, "pollingInterval": 5, "cooldownPeriod": 30,
        "behavior": down,
    }  # fmt: skip
    run.phase("helm upgrade with a ScaledObject")
    run.ground.helm_upgrade("keda", services={"routing": {"worker": {"autoscaling": {"keda": scaler}}}})
    scaled = f"scaledobject/{run.deployment(WORKER)}"
    run.kube.kubectl("annotate", scaled, f"{PAUSED}=0", "--overwrite")
    until(lambda: not run.pods.of(WORKER), 120, "no routing worker runs", 0.5)
    seen: list[tuple[float, int]] = []

    def workers() -> int:
        count = sum(pod.ready for pod in run.pods.of(WORKER))
        if not seen or seen[-1][1] != count:
            seen.append((time.monotonic(), count))
            run.row(workers=count, waiting=waiting(run), seconds=f"{time.monotonic() - begun:.0f}")
        return count

    with run.load(petitions=0, quiet=True, settle_s=420) as filing:
        run.phase(f"filing {chosen.backlog} petitions while no routing worker runs")
        filing.file_many(chosen.backlog)
        run.note(f"{chosen.backlog} petitions filed in {filing.answers[-1].at - filing.answers[0].at:.0f} s")
        until(lambda: waiting(run) >= chosen.backlog, 240, "all of their events wait in routing's queues", 1)
        begun = time.monotonic()
        run.kube.kubectl("annotate", scaled, f"{PAUSED}-")
        run.phase("KEDA takes the workers up")
        until(lambda: workers() >= MOST, 180, f"{MOST} routing workers are ready", 0.5)
        run.note(f"{MOST} workers ready {time.monotonic() - begun:.0f} s after KEDA was let go")
        run.phase("the backlog is worked off")
        until(lambda: waiting(run) == 0 or workers() < 0, 420, "routing's queues are empty", 1)
        run.note(f"backlog gone after {time.monotonic() - begun:.0f} s")
        run.phase("KEDA takes the workers down")
        until(lambda: workers() == LEAST, 300, f"{LEAST} routing worker is left", 0.5)
        run.note(f"back to {LEAST} worker after {time.monotonic() - begun:.0f} s")
        gone(run)
    run.phase("helm upgrade without it")
    run.ground.helm_upgrade("keda-off")
    run.rolled_out()


def waiting(run: Run) -> int:
    """Ready events in routing's queues of petitions."""
    return sum(depth for name, depth in run.house.waiting().items() if name.startswith("routing.petitions"))
