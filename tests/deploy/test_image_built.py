"""What is in the images that deploy/build makes, and what is not."""

from __future__ import annotations

import json
import subprocess
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.deploy.image_parts import ROOT, SERVICES, TAG, Image, buildah

#: What an image may add to its base (bytes).
ROOM = 250_000_000

# One process builds the images for all tests that look into them.
pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("images")]

each_service = pytest.mark.parametrize("service", SERVICES)


@each_service
def test_an_image_holds_the_common_rooms_and_its_own_service_only(images: dict[str, Image], service: str) -> None:
    rooms = ["__init__.py", "chassis", "cli", "contracts", service]
    assert images[service].facts["services"] == sorted(rooms)
    assert images[service].facts["app"] == ["services"]


@each_service
def test_every_module_in_it_can_be_imported_and_every_package_has_what_it_requires(
    images: dict[str, Image], service: str
) -> None:
    assert images[service].facts["broken"] == []
    assert images[service].facts["unmet"] == []


@each_service
def test_packages_of_other_services_are_not_in_it(images: dict[str, Image], service: str) -> None:
    packages = images[service].facts["packages"]
    assert ("tantivy" in packages) is (service == "search")
    assert ("elasticsearch8" in packages) is (service == "search")
    assert ("phonenumberslite" in packages) is (service == "intake")


@each_service
def test_nothing_in_it_compiles_installs_fetches_or_becomes_somebody_else(
    images: dict[str, Image], service: str
) -> None:
    facts = images[service].facts
    assert facts["tools"] == []
    assert facts["installers"] == []
    assert facts["privileged"] == []
    assert facts["mirrors"] == []


@each_service
def test_our_code_comes_compiled_since_a_read_only_root_keeps_nothing(images: dict[str, Image], service: str) -> None:
    assert images[service].facts["uncompiled"] == []


@each_service
def test_it_adds_at_most_250_mb_to_its_base(archived: dict[str, Image], service: str) -> None:
    base = len(json.loads(buildah("inspect", "--type", "image", _base()))["OCIv1"]["rootfs"]["diff_ids"])
    added = sum(size for _, size in archived[service].layers()[base:])
    assert added <= ROOM, f"{added / 1e6:.0f} MB"


def test_the_images_share_all_layers_but_those_of_their_own(archived: dict[str, Image]) -> None:
    shared = set.intersection(*({digest for digest, _ in archived[service].layers()} for service in SERVICES))
    for service in SERVICES:
        own = sum(size for digest, size in archived[service].layers() if digest not in shared)
        # numpy with its linear algebra is the largest part of any: 57 MB.
        assert own < 65_000_000, f"{service} has {own / 1e6:.0f} MB of its own"


@each_service
def test_it_says_how_to_run_it_and_what_it_is(archived: dict[str, Image], service: str) -> None:
    config: dict[str, Any] = archived[service].config["config"]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["wenzheng"]
    environ = dict(pair.split("=", 1) for pair in config["Env"])
    expected = {"HOST": "0.0.0.0", "PORT": "8080", "WORKER_PORT": "9090", "DATA_FOLDER": "/data", "LOG_FORMAT": "json"}
    assert {name: environ[f"WENZHENG_{name}"] for name in expected} == expected
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels["title"] == f"wenzheng-{service}"
    assert labels["version"] == version
    assert labels["licenses"] == "Apache-2.0"
    assert len(labels["revision"]) == 40


@each_service
def test_its_bill_of_materials_is_complete_and_the_same_inside_and_beside(
    archived: dict[str, Image], service: str
) -> None:
    image = archived[service]
    text = image.beside.read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert image.run("cat", "/opt/wenzheng/sbom.cdx.json") == text
    bill = json.loads(text)
    assert bill["metadata"]["component"]["name"] == f"wenzheng-{service}"
    python = {c["name"]: c["version"] for c in bill["components"] if c["purl"].startswith("pkg:pypi/")}
    assert python == image.facts["packages"]
    assert sum(c["purl"].startswith("pkg:deb/debian/") for c in bill["components"]) == image.facts["debian"] > 20


@each_service
def test_no_address_or_password_of_an_index_is_in_it(archived: dict[str, Image], service: str) -> None:
    history = json.dumps(archived[service].config)
    assert "index-url" not in history
    assert "://" not in history.replace("http://127.0.0.1", "")
    found = archived[service].run(
        "python", "-c", "import pathlib; print([str(p) for p in pathlib.Path('/').glob('etc/pip*')])", user="root"
    )
    assert found.strip() == "[]"


def test_a_rebuild_after_a_change_of_code_takes_seconds(images: dict[str, Image], tmp_path: Path) -> None:
    """On a copy of the tree, so that nobody else's build sees the change."""
    copy = tmp_path / "tree"
    copy.mkdir()
    kept = ["services", "deploy", "requirements", "pyproject.toml", ".dockerignore"]
    subprocess.run(["cp", "-a", *(str(ROOT / name) for name in kept), str(copy)], check=True)
    with (copy / "services/notify/wording.py").open("a", encoding="utf-8") as file:
        file.write(f"#: {time.time_ns()}\n")
    begun = time.monotonic()
    done = subprocess.run([copy / "deploy/build", "--tag", f"{TAG}-again", "notify"], capture_output=True, text=True)
    took = time.monotonic() - begun
    buildah("rmi", f"localhost/wenzheng-notify:{TAG}-again")
    assert done.returncode == 0, done.stderr[-2000:]
    assert took < 45, f"{took:.0f} s"


def _base() -> str:
    done = subprocess.run([ROOT / "deploy/base"], capture_output=True, text=True, check=True)
    return done.stdout.strip()
