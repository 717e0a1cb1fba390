"""What happens on any cluster on any day, under load: rolls, deaths of pods, more and fewer workers."""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from pathlib import Path

from tests.deploy.cluster.pods import Pod
from tests.deploy.cluster.rows import COMPONENTS, Run, step
from tests.fault.cluster import SERVICES
from tests.fault.processes import Failed, until


@step("roll", "each Deployment is rolled")
def roll(run: Run) -> None:
    """New pods replace old ones one by one; nobody notices and nothing is delivered twice."""
    with run.load():
        for service in SERVICES:
            both = (f"{service}-web", f"{service}-worker")
            run.phase(f"rolling {service}")
            for component in both:
                run.kube.kubectl("rollout", "restart", f"deployment/{run.deployment(component)}")
            took = run.rolled_out(*both)
            run.row(rolled=service, seconds=f"{took:.1f}")
        gone(run)


@step("kill", "a pod of each is killed: kill -9 or kubectl delete --force, workers by both")
def kill(run: Run) -> None:
    """A pod that dies without a word loses nothing and doubles nothing."""
    with run.load(killing=True, settle_s=180):
        for number, component in enumerate(COMPONENTS):
            # Of two workers one has the queues: both die in turn. Web pods are all alike.
            both = component.endswith("-worker")
            for how in (_kill_9, _delete) if both else ((_kill_9, _delete)[number // 2 % 2],):
                pods = sorted(run.pods.of(component), key=lambda pod: not pod.ready)
                if not pods:
                    raise Failed(f"no pod of {component} runs")
                run.phase(f"{component}: {how.__name__[1:]}")
                begun = time.monotonic()
                done = how(run, pods[0])
                if not done:
                    continue
                run.rolled_out(component)
                run.row(pod=component, how=done, back=f"{time.monotonic() - begun:.1f} s")


def _kill_9(run: Run, pod: Pod) -> str:
    """SIGKILL to the container's first process, where the node is this machine."""
    uid = next((uid for uid, one in run.pods.pods.items() if one is pod), "")
    found = _processes_of(uid)
    if not found:
        run.note("kill -9 needs the node's processes on this machine; pods were deleted by force alone")
        return ""
    before = len(run.pods.since(0))
    for pid in found:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(run.pods.since(0)) > before, 30, f"{pod.name} is seen to be dead")
    return "kill -9"


def _delete(run: Run, pod: Pod) -> str:
    """Deleted without any grace."""
    run.kube.kubectl("delete", "pod", pod.name, "--force", "--grace-period=0")
    until(lambda: not pod.running, 30, f"{pod.name} is gone")
    return "delete --force"


def _processes_of(uid: str) -> list[int]:
    """Processes of a pod's containers on this machine, by their control group; the sandbox's own apart."""
    found = []
    for group in Path("/proc").glob("[0-9]*/cgroup"):
        try:
            if uid and (uid in group.read_text() or uid.replace("-", "_") in group.read_text()):
                command = (group.parent / "cmdline").read_bytes()
                if b"pause" not in command.split(b"\0")[0]:
                    found.append(int(group.parent.name))
        except OSError:
            # It ended while we looked.
            continue
    return found


@step("scale", "workers by hand from 1 to 3 and back to 1")
def scale(run: Run) -> None:
    """More and fewer workers change hands of queues without a second delivery."""
    workers = [f"{service}-worker" for service in SERVICES]
    with run.load():
        for count in (1, 3, 1):
            run.phase(f"{count} worker{'s' if count > 1 else ''} of each service")
            names = [f"deployment/{run.deployment(one)}" for one in workers]
            run.kube.kubectl("scale", f"--replicas={count}", *names)
            took = run.rolled_out(*workers)
            until(partial(_are, run, workers, count), 90, f"{count} workers each")
            time.sleep(5)
            run.row(workers=count, seconds=f"{took:.1f}")
        gone(run)
    run.kube.kubectl("scale", "--replicas=2", *(f"deployment/{run.deployment(one)}" for one in workers))
    run.rolled_out(*workers)


def _are(run: Run, components: list[str], count: int) -> bool:
    return all(len(run.pods.of(one)) == count for one in components)


def gone(run: Run, seconds: float = 60) -> None:
    """Wait until the pods that were replaced have ended: how they ended belongs to the step."""

    def none_ending() -> bool:
        return not any("deletionTimestamp" in pod["metadata"] for pod in run.kube.pods())

    until(none_ending, seconds, "the replaced pods have ended", 0.5)
