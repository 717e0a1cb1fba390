"""A tool that brings up a cluster on this machine, named by the environment variable CLUSTER.

It knows the words ``up``, ``load FILE``, ``env``, ``keda`` and ``down``; ``env`` prints a shell line that sets
KUBECONFIG and PATH. Any cluster will do without such a tool: KUBECONFIG names it, IMAGE_LOAD the command that brings
an image archive to its nodes (``kind load image-archive {}``).
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.fault.processes import Failed

HOW_TO = (
    "deploy-test: no cluster: set KUBECONFIG (and IMAGE_LOAD='kind load image-archive {}' or the like), or "
    "CLUSTER=path of a tool that brings one up; --only ladder needs none"
)


class Tool:
    """The tool.

    Args:
        program: its path.
        log: where it writes.
    """

    def __init__(self, program: str, log: Path) -> None:
        self._program, self._log = program, log
        self._ours = False

    def environ(self) -> dict[str, str]:
        """KUBECONFIG and PATH as it sets them."""
        line = subprocess.run([self._program, "env"], capture_output=True, text=True, check=False).stdout
        found = dict(re.findall(r"\b(KUBECONFIG|PATH)=(\S+)", line))
        if "KUBECONFIG" not in found:
            raise Failed(f"{self._program} env does not say where its KUBECONFIG is")
        return {name: value.replace("$PATH", os.environ.get("PATH", "")) for name, value in found.items()}

    def up(self) -> None:
        """Bring the cluster up, unless it is up already; who finds one leaves it as it was."""
        if not self._is_up():
            self._ours = True
            self._run("up", seconds=1800)

    def keda(self) -> None:
        """Put KEDA on top (built at the first time)."""
        self._run("keda", seconds=1800)

    def load(self, archive: Path) -> None:
        """Bring an image to the nodes."""
        self._run("load", str(archive), seconds=300)

    def down(self) -> None:
        """Take it down, if it was brought up by us."""
        if self._ours:
            self._ours = False
            self._run("down", seconds=180)

    def _is_up(self) -> bool:
        environ = self.environ()
        if not Path(environ["KUBECONFIG"]).exists():
            return False
        asked = subprocess.run(
            ["kubectl", "get", "--raw", "/readyz", "--request-timeout=5s"],
            env=os.environ | environ, capture_output=True, check=False,
        )  # fmt: skip
        return asked.returncode == 0

    def _run(self, *words: str, seconds: float) -> None:
        with self._log.open("ab") as log:
            # In a session of its own: a Ctrl-C of ours must not reach the cluster's servers before we stop them.
            done = subprocess.run(
                [self._program, *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=seconds,
                start_new_session=True, check=False,
            )  # fmt: skip
        if done.returncode:
            raise Failed(f"{self._program} {words[0]} failed: {self._log.read_text(errors='replace')[-400:]}")


def load_by(environ: Mapping[str, str], archive: Path) -> None:
    """Bring an image to the nodes of a cluster that was there before.

    Raises:
        Failed: nobody said how, or it failed.
    """
    command = environ.get("IMAGE_LOAD", "")
    if "{}" not in command:
        raise Failed("IMAGE_LOAD does not say how an image archive comes to the nodes, for example 'kind load … {}'")
    done = subprocess.run(
        [word.replace("{}", str(archive)) for word in shlex.split(command)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    if done.returncode:
        raise Failed(f"{command}: {done.stderr[-300:]}")
