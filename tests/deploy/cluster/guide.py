"""Runs the commands of docs/ops.md as they stand there, with this run's addresses in place of the examples."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
from pathlib import Path

from tests.deploy.cluster.ingress import CLASS, HOST
from tests.deploy.cluster.rabbitmq import ADMINISTRATOR
from tests.deploy.cluster.rows import Run
from tests.fault.processes import ROOT, Failed

PAGE = ROOT / "docs" / "ops.md"
_BLOCK = re.compile(r"^<!-- guide: (\w+) -->\n```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: The block that says where everything is: each reader has another one, and so have we.
WHERE = "where"


class Guide:
    """The page's blocks, run one after the other in what is one shell to the reader.

    Args:
        run: the step that follows the page.
    """

    def __init__(self, run: Run) -> None:
        self._run, self._folder = run, run.ground.folder
        self._blocks = dict(_BLOCK.findall(PAGE.read_text(encoding="utf-8")))
        self._said: dict[str, str] = {}
        self._state = self._folder / "guide.env"
        self._blocks[WHERE] = "".join(f"export {k}={shlex.quote(v)}\n" for k, v in self._ours().items())
        self._state.write_text("", encoding="utf-8")
        self._programs = self._make_programs()

    @property
    def names(self) -> list[str]:
        """The blocks, in the order of the page."""
        return list(self._blocks)

    def said(self, name: str) -> str:
        """What a block printed."""
        return self._said.get(name, "")

    def do(self, name: str) -> float:
        """Run one block; the seconds it took.

        Raises:
            Failed: with its last words.
        """
        begun = time.monotonic()
        script = f"set -euo pipefail\n. {self._state}\n{self._blocks[name]}\nexport -p > {self._state}\n"
        environ = {k: v for k, v in os.environ.items() if not k.startswith("WENZHENG_")}
        environ |= self._run.kube.environ | {"CURL_HOME": str(self._folder)}
        environ["PATH"] = f"{self._programs}:{environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", script], cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=720, start_new_session=True, check=False,
        )  # fmt: skip
        self._said[name] = done.stdout
        with (self._folder / "guide.log").open("a", encoding="utf-8") as log:
            log.write(f"# {name}\n{done.stdout}{done.stderr}\n")
        if done.returncode:
            raise Failed(f"docs/ops.md, {name}: exit {done.returncode}: {(done.stderr or done.stdout).strip()[-500:]}")
        return time.monotonic() - begun

    def _ours(self) -> dict[str, str]:
        """Where everything is."""
        ground = self._run.ground
        servers = ground.servers
        return {
            "NAMESPACE": ground.namespace,
            "HOST": HOST,
            "URL": f"http://{HOST}",
            "INGRESS_CLASS": CLASS,
            "REGISTRY": ground.images.registry,
            "TAG": ground.images.tag,
            "RABBITMQ": f"{servers.address}:{servers.rabbit.port}",
            "RABBITMQ_API": servers.rabbit.api_url,
            "RABBITMQ_ADMIN": f"{ADMINISTRATOR}:{servers.rabbit.password}",
            "POSTGRESQL": f"{servers.address}:{servers.postgres.port}",
            "PGBOUNCER": f"{servers.address}:{servers.pooler.port}",
            "POSTGRESQL_ADMIN": servers.admin_url("postgres"),
            "ELASTICSEARCH_URL": servers.elastic.url,
            "SMTP_URL": servers.mail.url,
            "KEEP": str(ground.keep),
        }

    def _make_programs(self) -> Path:
        """The commands that the page calls, where they are here; and a name server's answer for curl."""
        ground, folder = self._run.ground, self._folder / "bin"
        folder.mkdir(exist_ok=True)
        extra = ground.write_values("extra", ground.extra())
        programs = {
            "kubectl": 'exec "$KUBECTL" "$@"',
            # What a test changes, and nothing else, is laid over the values of the page.
            "helm": f'if [ "$1" = upgrade ]; then set -- "$@" -f {shlex.quote(extra)}; fi\nexec "$HELM" "$@"',
        }
        for name, text in programs.items():
            program = folder / name
            program.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
            program.chmod(0o755)
        (self._folder / ".curlrc").write_text(
            f'connect-to = "{HOST}:80:127.0.0.1:{ground.ingress.port}"\nnoproxy = "*"\n', encoding="utf-8"
        )
        return folder
