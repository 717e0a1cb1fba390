"""deploy/compose.yaml as its readers see it: with variables put in, and each service as a command of podman."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.image_parts import ROOT, TAG

FILE = ROOT / "deploy/compose.yaml"
_VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::-([^}]*))?\}")


def compose(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The file, with variables put in as `docker compose` does it.

    Args:
        environ: what stands in .env.
    """
    given = environ or {}

    def put_in(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: put_in(each) for name, each in value.items()}
        if isinstance(value, list):
            return [put_in(each) for each in value]
        if isinstance(value, str):
            return _VARIABLE.sub(lambda found: given.get(found[1]) or found[2] or "", value)
        return value

    document: dict[str, Any] = put_in(yaml.safe_load(FILE.read_text(encoding="utf-8")))
    return document


def secrets(folder: Path) -> str:
    """Run deploy/compose/secrets; what it said."""
    done = subprocess.run([ROOT / "deploy/compose/secrets", folder], capture_output=True, text=True, check=True)
    return done.stdout


class Podman:
    """Runs services of the compose file on the host's own network, each at an address of its own.

    Args:
        folder: for volumes and settings.
        secrets: what deploy/compose/secrets made.
        addresses: loopback address by name of the compose service.
        port: of every web role.
    """

    def __init__(self, folder: Path, secrets: Path, addresses: Mapping[str, str], port: int) -> None:
        self._folder, self._addresses, self._port = folder, addresses, port
        self._services = compose({"WENZHENG_SECRETS": str(secrets), "WENZHENG_TAG": TAG})
        self._names: list[str] = []
        settings = folder / "containers.conf"
        # Without systemd, and as a root that may not raise limits, as in a container or on a builder.
        settings.write_text(
            '[containers]\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\n'
            '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n',
            encoding="ascii",
        )
        self._environ = {**os.environ, "CONTAINERS_CONF": str(settings)}

    def podman(self, *arguments: str, check: bool = True, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run podman itself."""
        done = subprocess.run(["podman", *arguments], capture_output=True, text=True, env=self._environ, input=text)
        assert not check or done.returncode == 0, f"podman {' '.join(arguments)}: {done.stderr[-2000:]}"
        return done

    def container(self, name: str) -> str:
        """Name of the container of a compose service."""
        return f"wenzheng-test-{os.getpid()}-{name}"

    def run(self, name: str, *command: str, detach: bool = False) -> subprocess.CompletedProcess[str]:
        """Run one compose service, with another command where one is given."""
        service = self._services["services"][name]
        mounts: list[str] = []
        for secret in service["secrets"]:
            source = secret["source"] if isinstance(secret, dict) else secret
            target = secret["target"] if isinstance(secret, dict) else secret
            file = self._services["secrets"][source]["file"]
            mounts += ["--volume", f"{file}:/run/secrets/{target}:ro"]
        for volume in service["volumes"]:
            mounts += ["--volume", f"wenzheng-test-{os.getpid()}-{volume}"]
        environ = {
            **service["environment"],
            "WENZHENG_HOST": self._addresses.get(name, "127.0.0.1"),
            "WENZHENG_PORT": str(self._port),
        }
        self._names.append(name)
        return self.podman(
            "run", "--name", self.container(name), "--replace", "--pull", "never", "--network", "host",
            *(["--detach"] if detach else []),
            *(["--read-only", "--read-only-tmpfs=false"] if service["read_only"] else []),
            *(word for folder in service["tmpfs"] for word in ("--tmpfs", folder)),
            "--user", service["user"],
            *(word for each in service["cap_drop"] for word in ("--cap-drop", each)),
            *(word for each in service["security_opt"] for word in ("--security-opt", each.replace(":true", ""))),
            *(word for pair in environ.items() for word in ("--env", f"{pair[0]}={pair[1]}")),
            *mounts, service["image"], *(command or service["command"]),
            check=False,
        )  # fmt: skip

    def probe(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run the health check of a compose service in its container."""
        test = self._services["services"][name]["healthcheck"]["test"]
        assert test[0] == "CMD"
        return self.execute(name, *test[1:])

    def execute(self, name: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the container of a compose service that is up."""
        return self.podman("exec", self.container(name), *command, check=False)

    def logs(self, name: str) -> str:
        """What a container wrote."""
        done = self.podman("logs", self.container(name), check=False)
        return done.stdout + done.stderr

    def clear(self) -> None:
        """Remove everything that was made."""
        for name in dict.fromkeys(self._names):
            self.podman("rm", "--force", "--time", "5", self.container(name), check=False)
        for volume in ("intake", "routing", "notify", "search"):
            self.podman("volume", "rm", "--force", f"wenzheng-test-{os.getpid()}-{volume}", check=False)
