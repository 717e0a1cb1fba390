"""From one release to the next and back, all at once and each service alone, under load."""

from __future__ import annotations

import time

from tests.deploy.cluster.ground import RELEASE
from tests.deploy.cluster.images import BROKEN, NEXT, head_of, next_of
from tests.deploy.cluster.rows import Run, step
from tests.deploy.cluster.steps.ordinary import gone
from tests.fault.cluster import SERVICES
from tests.fault.processes import until


def revisions(run: Run) -> dict[str, str]:
    """The revision that each database is at."""
    return {
        service: str(run.house.rows(service, "select version_num from alembic_version")[0][0]) for service in SERVICES
    }


@step("upgrade", "helm upgrade to a release with a migration")
def upgrade(run: Run) -> None:
    """The Job migrates, old and new pods live side by side meanwhile, then all are new."""
    before = revisions(run)
    with run.load():
        run.phase("helm upgrade")
        begun = time.monotonic()
        run.ground.helm_upgrade("upgrade", image={"tag": NEXT})
        run.rolled_out()
        run.note(f"helm upgrade took {time.monotonic() - begun:.0f} s")
        gone(run)
    after, tags = revisions(run), run.tags()
    for service in SERVICES:
        run.row(service=service, before=before[service], after=after[service], image=tags.get(service, "none"))
        run.require(after[service] == next_of(service), f"the database of {service} is at {after[service]}")
        run.require(tags.get(service) == NEXT, f"{service} runs {tags.get(service)}, should run {NEXT}")


@step("rollback", "helm rollback to the release before")
def rollback(run: Run) -> None:
    """Old code goes on with the tables of the new release; nothing is taken back in the databases."""
    with run.load():
        run.phase("helm rollback")
        begun = time.monotonic()
        run.kube.helm("rollback", RELEASE, "--wait", "--timeout", "5m")
        run.rolled_out()
        run.note(f"helm rollback took {time.monotonic() - begun:.0f} s")
        gone(run)
    after, tags = revisions(run), run.tags()
    for service in SERVICES:
        run.row(service=service, database=after[service], needed=head_of(service), image=tags.get(service, "none"))
        run.require(
            tags.get(service) == run.ground.images.tag, f"{service} runs {tags.get(service)} after the rollback"
        )


@step("apart", "each service alone one release ahead of the others")
def apart(run: Run) -> None:
    """No two services need to be deployed together."""
    for service in SERVICES:
        # The load of all four is that of one step.
        with run.load(petitions=run.ground.chosen.petitions // len(SERVICES)):
            run.phase(f"{service} alone at the next release")
            begun = time.monotonic()
            run.ground.helm_upgrade(f"apart-{service}", services={service: {"image": {"tag": NEXT}}})
            run.rolled_out()
            took = time.monotonic() - begun
            gone(run)
        tags = run.tags()
        run.row(ahead=service, seconds=f"{took:.0f}", **tags)
        others = {one: tag for one, tag in tags.items() if one != service}
        run.require(tags.get(service) == NEXT, f"{service} runs {tags.get(service)}")
        run.require(set(others.values()) == {run.ground.images.tag}, f"beside {service}: {others}")


@step("broken", "a release whose migration fails half-way, and back")
def broken(run: Run) -> None:
    """The Job says why and with which code, nothing is half done, the old pods go on."""
    before = revisions(run)
    with run.load(petitions=run.ground.chosen.petitions // 5, waiting=True):
        run.phase("helm upgrade to a release that cannot migrate")
        begun = time.monotonic()
        run.ground.helm_upgrade("broken", wait=False, services={"intake": {"image": {"tag": BROKEN}}})
        until(lambda: failed_job(run) is not None, 120, "the migration's pod says that it failed", 1)
        found = failed_job(run)
        assert found is not None
        name, code, line = found
        run.row(pod=name, exit_code=code, line=line)
        run.require(code == 25, f"the migration ended with exit code {code}, should be 25")
        run.require("migration of intake failed" in line, f"no clear line in its log: {line[:200]}")
        run.note(f"failed {time.monotonic() - begun:.0f} s after helm upgrade")
        run.require(revisions(run) == before, "the failed migration left another revision")
        columns = run.house.rows(
            "intake", "select table_name from information_schema.tables where table_name = 'deploy_test_half'"
        )
        run.require(not columns, "the failed migration left something half done")
        run.phase("helm rollback")
        run.kube.helm("rollback", RELEASE, "--wait", "--timeout", "5m")
        run.rolled_out()
        gone(run)


def failed_job(run: Run) -> tuple[str, int, str] | None:
    """Name, exit code and last line of a migration's pod that failed."""
    for pod in run.kube.pods("app.kubernetes.io/component=intake-migrate"):
        for container in pod.get("status", {}).get("containerStatuses", []):
            ended = container.get("state", {}).get("terminated") or container.get("lastState", {}).get("terminated")
            if ended and ended["exitCode"]:
                name = pod["metadata"]["name"]
                words = run.kube.kubectl("logs", name, "--tail=1").strip()
                return name, int(ended["exitCode"]), words
    return None
