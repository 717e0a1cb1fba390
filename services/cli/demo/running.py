"""A `wenzheng up` of its own for the demonstration: started, waited for, stopped."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

from services.chassis.errors import StartError
from services.cli.up import require_free

#: How long the house may take to come up (s).
START_S = 120.0


@dataclass
class Portal:
    """The external portal that the demonstration plays."""

    id: str
    user: str
    password: str
    vhost: str
    webhook_secret: str


class Running:
    """The running house.

    Args:
        folder: its data folder; emptied first.
        port: port of the pages; 0: a free one.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder.resolve()
        self._port = port or _free_port()
        self.address = f"http://127.0.0.1:{self._port}"
        self.portal = Portal(
            "town-app",
            "town-app",
            secrets.token_urlsafe(16),
            "portal-town-app",
            "whsec_" + b64encode(secrets.token_bytes(24)).decode(),
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it on an empty folder and wait until it serves.

        Raises:
            StartError: its port is taken; it did not come up, with its own last words.
        """
        # Said here: what `up` would say of it names a variable that a demonstration does not read.
        require_free("127.0.0.1", self._port, '--port, 0 for a free one (make demo ARGS="--port 0")')
        self._empty()
        (self.folder / "portals.yaml").write_text(yaml.safe_dump({"portals": [self._portal_entry()]}), encoding="utf-8")
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("WENZHENG_")},
            "WENZHENG_DATA_FOLDER": str(self.folder),
            "WENZHENG_PORT": str(self._port),
            "WENZHENG_PORTALS_FILE": str(self.folder / "portals.yaml"),
            "WENZHENG_LOG_FORMAT": "json",
            # A whole county signs in within seconds, from one address.
            "WENZHENG_SIGN_INS_PER_MINUTE": "1000",
        }
        for name, value in os.environ.items():
            # Broker, database and search engine may be chosen from outside; the rest of a demonstration is fixed.
            if name.startswith("WENZHENG_") and name.endswith(("_URL", "_THREADS")) and "PUBLIC" not in name:
                environ[name] = value
        with (self.folder / "house.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services.cli.main", "up"],
                env=environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise StartError(f"the house did not start:\n{self._last_words()}")
            if b"is running" in (self.folder / "house.log").read_bytes():
                return
            time.sleep(0.2)
        self.stop()
        raise StartError(f"the house was not ready within {START_S:.0f} s:\n{self._last_words()}")

    def _empty(self) -> None:
        marker = self.folder / "demonstration"
        if self.folder.exists() and any(self.folder.iterdir()) and not marker.exists():
            raise StartError(f"folder {self.folder} holds something else than a demonstration; choose another --folder")
        shutil.rmtree(self.folder, ignore_errors=True)
        try:
            self.folder.mkdir(parents=True)
            marker.touch()
        except OSError as error:
            raise StartError(f"folder {self.folder} cannot be written: {error.strerror}") from None

    def _portal_entry(self) -> dict[str, Any]:
        return {
            "id": self.portal.id,
            "name": "澄湖掌上通",
            "webhook_secrets": [self.portal.webhook_secret],
            "vhost": self.portal.vhost,
            "user": self.portal.user,
            "password": self.portal.password,
        }

    def _last_words(self) -> str:
        lines = (self.folder / "house.log").read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join("  " + line for line in lines[-8:])

    def broker_port(self) -> int:
        """AMQP port of the private node."""
        node: dict[str, Any] = yaml.safe_load((self.folder / "broker" / "node.json").read_text(encoding="utf-8"))
        return int(node["amqp_port"])

    def portal_url(self) -> str:
        """URL with which the portal reaches its own virtual host."""
        return f"amqp://{self.portal.user}:{self.portal.password}@127.0.0.1:{self.broker_port()}/{self.portal.vhost}"

    def accounts(self) -> list[dict[str, Any]]:
        """The seeded staff accounts."""
        found: dict[str, Any] = yaml.safe_load((self.folder / "staff-accounts.txt").read_text(encoding="utf-8"))
        accounts: list[dict[str, Any]] = found["accounts"]
        return accounts

    def wait(self) -> int:
        """Wait until somebody stops it."""
        assert self._process is not None
        return self._process.wait()

    def alive(self) -> bool:
        """True while it runs and its pages answer."""
        try:
            return requests.get(f"{self.address}/livez", timeout=5).ok
        except requests.RequestException:
            return False

    def stop(self) -> None:
        """Drain and stop it."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
