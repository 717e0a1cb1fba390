"""The files that images and one machine's containers are made of say what they must, without building any."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from services.cli.front_door import PATHS
from tests.deploy.compose_parts import FILE, compose, secrets
from tests.deploy.image_parts import ROOT, SERVICES

CONTAINERFILE = (ROOT / "deploy/Containerfile").read_text(encoding="utf-8")
#: Modules of the packages that deploy/image/install.py gives to one service alone.
OWN_MODULES = {
    "email-validator": "email_validator",
    "phonenumberslite": "phonenumbers",
    "numpy": "numpy",
    "elastic-transport": "elastic_transport",
    "elasticsearch8": "elasticsearch8",
    "python-dateutil": "dateutil",
    "tantivy": "tantivy",
}


def stage(name: str) -> str:
    """The lines of one stage of the Containerfile."""
    found = re.search(rf"^FROM \S+ AS {name}\n(.*?)(?=^FROM |\Z)", CONTAINERFILE, re.MULTILINE | re.DOTALL)
    assert found is not None, name
    return found[1]


def install() -> Any:
    """deploy/image/install.py as a module."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("install", ROOT / "deploy/image/install.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_hadolint_finds_nothing() -> None:
    done = subprocess.run([ROOT / ".venv/bin/hadolint", ROOT / "deploy/Containerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("service", SERVICES)
def test_a_target_copies_its_own_service_only(service: str) -> None:
    copied = re.findall(r"^COPY services/(\w+) ", stage(f"code-{service}"), re.MULTILINE)
    assert copied == [service]
    assert f"COPY --from=code-{service} /out /opt/wenzheng" in stage(service)
    assert "COPY services" not in stage(service)


def test_the_code_comes_after_the_packages() -> None:
    assert CONTAINERFILE.index("COPY requirements/run.txt") < CONTAINERFILE.index("COPY services")
    assert "services" not in stage("packages") + stage("packages-search") + stage("runtime")


def test_the_version_is_the_projects() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert re.findall(r"^ARG VERSION=(.*)$", CONTAINERFILE, re.MULTILINE) == [version] * 4
    assert {image["image"].rpartition(":")[2] for name, image in ours().items()} == {version}


def test_only_what_is_copied_may_go_into_a_build() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    assert lines[1] == "*"
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert allowed == {"pyproject.toml", "requirements/run.txt", "services", "deploy/image"}


def test_packages_of_one_service_alone_are_imported_by_no_other() -> None:
    own = install().OWN
    assert {name for names in own.values() for name in names} == set(OWN_MODULES)
    for service, names in own.items():
        modules = {OWN_MODULES[name] for name in names}
        for path in (ROOT / "services").rglob("*.py"):
            if path.relative_to(ROOT / "services").parts[0] == service:
                continue
            imported = {
                name.split(".")[0]
                for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                for name in (
                    [alias.name for alias in node.names]
                    if isinstance(node, ast.Import)
                    else [node.module or ""]
                    if isinstance(node, ast.ImportFrom)
                    else []
                )
            }
            assert not imported & modules, f"{path} imports {imported & modules}, which only {service} has"


def test_every_package_of_the_lock_goes_into_exactly_one_part() -> None:
    module = install()
    lock = (ROOT / "requirements/run.txt").read_text(encoding="utf-8")
    parts = [set(module.entries(module.chosen(lock, part))) for part in ("common", "intake", "routing", "search")]
    assert set.union(*parts) == set(module.entries(lock))
    assert sum(map(len, parts)) == len(module.entries(lock)) > 50
    assert module.entries(lock)["tantivy"].count("--hash=sha256:") > 1
    with pytest.raises(KeyError):
        module.chosen("alembic==1 \\\n    --hash=sha256:00\n", "search")


# ── compose ──────────────────────────────────────────────────────────────────────────────────────


def ours(**environ: str) -> dict[str, Any]:
    """The services of the compose file that run our images.

    Args:
        environ: what stands in .env.
    """
    return {name: each for name, each in compose(environ)["services"].items() if "/wenzheng-" in each["image"]}


def test_compose_fits_the_schema_of_the_compose_specification() -> None:
    schema = json.loads((ROOT / "tests/deploy/schemas/compose-spec.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft7Validator(schema)
    # With variables still in, and with them put in.
    validator.validate(yaml.safe_load(FILE.read_text(encoding="utf-8")))
    validator.validate(compose())
    assert not validator.is_valid({"services": {"door": {"image": "x", "read-only": True}}})


def test_compose_runs_both_roles_of_every_service_after_its_migration() -> None:
    services = ours()
    assert set(services) == {f"{s}-{what}" for s in SERVICES for what in ("migrate", "web", "worker")}
    for service in SERVICES:
        assert services[f"{service}-migrate"]["command"] == ["migrate", service]
        assert services[f"{service}-migrate"]["restart"] == "no"
        for role in ("web", "worker"):
            each = services[f"{service}-{role}"]
            assert each["command"] == ["run", service, "--role", role]
            done = each["depends_on"][f"{service}-migrate"]["condition"]
            assert done == "service_completed_successfully"
            assert each["restart"] == "unless-stopped"
            assert each["healthcheck"]["test"] == ["CMD", "wenzheng-healthz"]


def test_compose_runs_ours_without_rights_and_without_a_secret_in_the_environment() -> None:
    for name, each in ours(WENZHENG_SMTP_URL_FILE="/run/secrets/smtp-url").items():
        assert each["user"] == "10001:10001", name
        assert each["read_only"] is True, name
        assert each["cap_drop"] == ["ALL"], name
        assert each["security_opt"] == ["no-new-privileges:true"], name
        mounted = {s if isinstance(s, str) else s["target"] for s in each["secrets"]}
        named = {v.removeprefix("/run/secrets/") for k, v in each["environment"].items() if k.endswith("_FILE")}
        assert named == mounted, name
        assert not {k for k in each["environment"] if k.endswith(("_URL", "_KEY")) and k != "WENZHENG_PUBLIC_URL"}
        assert ("staff-key" in mounted) is name.startswith("routing"), "only routing may sign"
        database = next(s["source"] for s in each["secrets"] if isinstance(s, dict))
        assert database == f"{name.split('-')[0]}-database-url"


def test_only_the_front_door_listens_to_the_world_and_only_notify_reaches_it() -> None:
    document = compose()
    assert document["networks"]["inside"] == {"internal": True}
    listening = {name for name, each in document["services"].items() if "ports" in each}
    outside = {name for name, each in document["services"].items() if "outside" in each["networks"]}
    assert listening == {"door"}
    assert outside == {"door", "notify-worker"}


def test_every_secret_of_compose_is_made_and_made_only_once(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    secrets(folder)
    made = {path.name: path.read_text(encoding="ascii") for path in folder.iterdir()}
    assert set(made) == set(compose()["secrets"]) | {"rabbitmq.conf"}
    assert folder.stat().st_mode & 0o777 == 0o700
    (folder / "secret-key").unlink()
    assert secrets(folder).split() == ["made", f"{folder}/secret-key"]
    again = {path.name: path.read_text(encoding="ascii") for path in folder.iterdir()}
    assert {name for name in made if made[name] != again[name]} == {"secret-key"}
    words = [re.findall("[0-9a-f]{48}", text) for name, text in made.items() if name.endswith("-url")]
    assert len({word for found in words for word in found}) == 5


def test_the_front_door_knows_the_one_path_table() -> None:
    text = (ROOT / "deploy/compose/paths.conf").read_text(encoding="utf-8")
    table = {
        service: {f"/{prefix}" for prefix in prefixes.split("|")}
        for prefixes, service in re.findall(r'"~\^/\(([^)]*)\)\(/\|\$\)" (\w+);', text)
    }
    assert table == {service: set(paths) for service, paths in PATHS.items() if service != "intake"}
    assert re.search(r"^ +default intake;$", text, re.MULTILINE)
