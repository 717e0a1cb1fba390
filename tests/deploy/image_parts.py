"""Images for tests, built by deploy/build, and what is in them."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from tests.parts import absent

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("intake", "routing", "notify", "search")
#: Not the project's version: what somebody else has built here stays as it is.
TAG = "test"


def buildah(*arguments: str) -> str:
    """Run buildah; what it printed."""
    command = [*shlex.split(os.environ.get("BUILDAH", "buildah")), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{shlex.join(command)}: {done.stderr[-2000:]}"
    return done.stdout


@dataclass(frozen=True)
class Image:
    """One image, and the folder that deploy/build has written its archive to."""

    service: str
    folder: Path

    @property
    def name(self) -> str:
        """Its full name."""
        return f"localhost/wenzheng-{self.service}:{TAG}"

    @property
    def archive(self) -> Path:
        """Its docker-archive."""
        return self.folder / f"wenzheng-{self.service}.tar"

    @property
    def beside(self) -> Path:
        """The bill of materials beside it."""
        return self.folder / f"wenzheng-{self.service}.cdx.json"

    @cached_property
    def config(self) -> dict[str, Any]:
        """Its configuration as a runtime reads it."""
        with tarfile.open(self.archive) as archive:
            manifest = json.load(_member(archive, "manifest.json"))[0]
            document: dict[str, Any] = json.load(_member(archive, manifest["Config"]))
        return document

    def layers(self) -> list[tuple[str, int]]:
        """Digest and size in bytes of each layer, the base's first."""
        with tarfile.open(self.archive) as archive:
            names = json.load(_member(archive, "manifest.json"))[0]["Layers"]
            sizes = [_size(archive, name) for name in names]
        return list(zip(self.config["rootfs"]["diff_ids"], sizes, strict=True))

    def run(self, *command: str, user: str = "10001") -> str:
        """Run a command in it, without a network of its own; what it printed."""
        container = buildah("from", "--pull-never", self.name).strip()
        try:
            return buildah("run", "--isolation", "chroot", "--user", user, container, "--", *command)
        finally:
            buildah("rm", container)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What tests/deploy/image_facts.py finds in it."""
        script = Path(__file__).with_name("image_facts.py").read_text(encoding="utf-8")
        found: dict[str, Any] = json.loads(self.run("python", "-c", script, user="root"))
        return found


def _member(archive: tarfile.TarFile, name: str) -> Any:
    found = archive.extractfile(name)
    assert found is not None, name
    return found


def _size(archive: tarfile.TarFile, name: str) -> int:
    member = archive.getmember(name)
    # A layer that occurs twice is a link to the first.
    while member.issym() or member.islnk():
        member = archive.getmember(os.path.normpath(os.path.join(os.path.dirname(member.name), member.linkname)))
    return member.size


def build(*options: str) -> None:
    """Run deploy/build."""
    command = [str(ROOT / "deploy/build"), "--tag", TAG, *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Image]:
    """All four images, by service."""
    if shutil.which("buildah") is None:
        absent("buildah", "buildah")
    build()
    folder = tmp_path_factory.mktemp("images")
    return {service: Image(service, folder) for service in SERVICES}


@pytest.fixture(scope="session")
def archived(images: dict[str, Image]) -> Iterator[dict[str, Image]]:
    """The images, with their archives and bills of materials."""
    folder = images[SERVICES[0]].folder
    build("--archive", str(folder))
    yield images
    # They are big, and pytest keeps three runs' folders.
    shutil.rmtree(folder)
