"""The images of one run: today's, the next release made from it by a layer on top, and one whose migration fails."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.fault.cluster import SERVICES
from tests.fault.processes import ROOT, Failed

#: Tag of the release that comes after today's, and of one that is broken.
NEXT, BROKEN = "next", "broken"
#: A migration that only adds, as docs/upgrading.md asks: old code goes on with the new tables.
ADDS = '''"""Something that only adds: made by the deploy test to be one version apart."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table, and a column that may be empty."""
    op.create_table("deploy_test", sa.Column("id", sa.Integer(), primary_key=True))
    op.add_column("{table}", sa.Column("deploy_test", sa.String(20)))


def downgrade() -> None:
    """Take them away."""
    op.drop_column("{table}", "deploy_test")
    op.drop_table("deploy_test")
'''
#: A migration that fails half-way: its first statement went through.
FAILS = '''"""Fails after its first statement: made by the deploy test."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table, then fail."""
    op.create_table("deploy_test_half", sa.Column("id", sa.Integer(), primary_key=True))
    op.execute("select no_such_function_of_the_deploy_test()")
'''
#: A table of each service that always has rows under load.
TABLES = {"intake": "petition", "routing": "petition_case", "notify": "message", "search": "petition_view"}


#: Where a service's migrations lie in its image.
PLACE = "/opt/wenzheng/app/services/{service}/migrations/versions"


class Images:
    """Builds images and brings them to the cluster.

    Args:
        folder: for archives and logs.
        load: brings an archive to the nodes.
    """

    def __init__(self, folder: Path, load: Callable[[Path], None]) -> None:
        self._folder, self._load = folder, load
        self._buildah = os.environ.get("BUILDAH", "").split()
        self.tag = _version()
        self.registry = os.environ.get("IMAGE_REGISTRY", "localhost")
        #: Size of each image, as buildah says it.
        self.sizes: dict[str, str] = {}

    def name(self, service: str, tag: str = "") -> str:
        """An image's name."""
        return f"{self.registry}/wenzheng-{service}:{tag or self.tag}"

    def build(self) -> None:
        """Build today's images from the tree (quick when nothing changed) and bring them to the nodes."""
        with tempfile.TemporaryDirectory(dir=self._folder) as made:
            self._run(
                [str(ROOT / "deploy" / "build"), "--archive", made, "--prefix", f"{self.registry}/", "--tag", self.tag],
                1500,
            )
            for service in SERVICES:
                self._load(Path(made) / f"wenzheng-{service}.tar")
                self.sizes[service] = self._with_buildah(
                    "images", "--format", "{{.Size}}", self.name(service)
                ).strip()  # fmt: skip

    def build_next(self) -> None:
        """Build the next release of every service, and one of intake whose migration fails; bring them."""
        for service in SERVICES:
            ours = head_of(service)
            adds = ADDS.format(revision=next_of(service), before=ours, table=TABLES[service])
            self._on_top(service, self.tag, NEXT, next_of(service), adds)
        # One more than the next release: whatever the database is at, this one has something to do.
        revision = f"{int(head_of('intake')[:4]) + 2:04}_from_{head_of('intake')[:4]}"
        self._on_top("intake", NEXT, BROKEN, revision, FAILS.format(revision=revision, before=next_of("intake")))

    def _on_top(self, service: str, below: str, tag: str, revision: str, migration: str) -> None:
        """One more layer: a migration behind the last one."""
        name = self.name(service, tag)
        with tempfile.TemporaryDirectory(dir=self._folder) as made:
            at = Path(made)
            (at / "migration.py").write_text(migration, encoding="utf-8")
            where = f"{PLACE.format(service=service)}/{revision}.py"
            (at / "Containerfile").write_text(
                f"FROM {self.name(service, below)}\nCOPY --chmod=644 migration.py {where}\n", encoding="utf-8"
            )
            self._with_buildah(
                "build", "-q", "--isolation", "chroot", "--format", "docker", "--pull-never", "-t", name, made
            )
            archive = at / "image.tar"
            self._with_buildah("push", "-q", name, f"docker-archive:{archive}:{name}")
            self._load(archive)

    def _with_buildah(self, *words: str) -> str:
        if not self._buildah:
            # As deploy/build chooses: the store's own driver where that works, vfs everywhere else.
            works = subprocess.run(["buildah", "info"], capture_output=True, check=False).returncode == 0
            self._buildah = ["buildah"] if works else ["buildah", "--storage-driver", "vfs"]
        return self._run([*self._buildah, *words], 300)

    def _run(self, command: list[str], seconds: float) -> str:
        done = subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds,
            start_new_session=True, check=False,
        )  # fmt: skip
        with (self._folder / "images.log").open("a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}\n")
        if done.returncode:
            raise Failed(f"{Path(command[0]).name} {command[-1]}: {(done.stderr or done.stdout).strip()[-400:]}")
        return done.stdout


def next_of(service: str) -> str:
    """The revision of the next release: its name says that it serves today's code too."""
    before = head_of(service)[:4]
    return f"{int(before) + 1:04}_from_{before}"


def head_of(service: str) -> str:
    """The newest revision of a service's migrations in the tree."""
    files = sorted((ROOT / "services" / service / "migrations" / "versions").glob("[0-9]*.py"))
    found = re.search(r'^revision = "([^"]+)"', files[-1].read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return found.group(1)


def _version() -> str:
    found = re.search(r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return found.group(1)
