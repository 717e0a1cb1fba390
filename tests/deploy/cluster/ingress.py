"""The way in: Traefik as a process of this machine, led by the chart's own Ingress through the real API server."""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
from pathlib import Path

from tests.deploy.cluster.kube import Kube
from tests.fault.processes import DIES_WITH_US, ROOT, Failed, until
from tests.parts import free_port

#: The name under which the house is asked for.
HOST = "wenzheng.example"
CLASS = "traefik"


class Ingress:
    """One Traefik, as its own documentation runs it outside of a cluster.

    Args:
        kube: the cluster.
        folder: for its log.
    """

    def __init__(self, kube: Kube, folder: Path) -> None:
        self._kube, self._log = kube, folder / "traefik.log"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it."""
        program = shutil.which("traefik", path=f"{ROOT / '.venv' / 'deploy'}:{ROOT / '.venv' / 'bin'}")
        if program is None:
            raise Failed("Traefik is not installed: run bin/ensure deploy")
        options = {
            "entrypoints.web.address": f"127.0.0.1:{self.port}",
            "providers.kubernetesingress": "true",
            "providers.kubernetesingress.ingressclass": CLASS,
            "global.checknewversion": "false",
            "global.sendanonymoususage": "false",
            "log.level": "INFO",
        }
        self._kube.apply(
            {
                "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": CLASS},
                "spec": {"controller": "traefik.io/ingress-controller"},
            }
        )  # fmt: skip
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*DIES_WITH_US, program, *(f"--{name}={value}" for name, value in options.items())],
                env=os.environ | {"KUBECONFIG": self._kube.environ["KUBECONFIG"]},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._log.parent, start_new_session=True,
            )  # fmt: skip
        until(self._listens, 30, "Traefik listens")

    def stop(self) -> None:
        """Stop it."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(10)

    def leads_to(self, path: str) -> int:
        """The status of a path, 0 when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path, headers={"Host": HOST})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def _listens(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise Failed(f"Traefik stopped: {self._log.read_text(errors='replace')[-400:]}")
        return self.leads_to("/") != 0
