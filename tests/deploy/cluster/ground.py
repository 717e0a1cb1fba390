"""All that a run on a cluster stands on, brought up in turn and taken down again."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.cluster.house import ClusterHouse
from tests.deploy.cluster.images import Images
from tests.deploy.cluster.ingress import Ingress
from tests.deploy.cluster.kube import Kube
from tests.deploy.cluster.pods import Pods
from tests.deploy.cluster.servers import Servers
from tests.deploy.cluster.tool import HOW_TO, Tool, load_by
from tests.fault.processes import ROOT, Failed

CHART = ROOT / "deploy" / "chart" / "wenzheng"
RELEASE = "wenzheng"


class NoCluster(Exception):
    """Nobody said where a cluster is; the text says what to do."""


@dataclass(frozen=True)
class Chosen:
    """What was asked for on the command line."""

    kubeconfig: str = ""
    #: Address of this machine as pods reach it; empty: the node's own.
    address: str = ""
    keep: bool = False
    keda: bool = True
    images: bool = True
    #: Petitions of one step under load, and how many a second.
    petitions: int = 500
    rate: float = 6.0
    backlog: int = 20_000


class Ground:
    """Servers, cluster, images, ingress.

    Args:
        chosen: what was asked for.
        folder: for logs; kept after the run.
    """

    def __init__(self, chosen: Chosen, folder: Path) -> None:
        self.chosen, self.folder = chosen, folder
        self._stack = ExitStack()
        given = chosen.kubeconfig or os.environ.get("KUBECONFIG", "")
        named = os.environ.get("CLUSTER", "")
        if not given and not named:
            raise NoCluster(HOW_TO)
        self.tool = Tool(named, folder / "cluster.log") if named and not chosen.kubeconfig else None
        self._kubeconfig = given
        self.images = Images(folder, self._load)
        self.namespace = f"wenzheng-test-{secrets.token_hex(3)}"
        self.kube: Kube
        self.servers: Servers
        self.keep: Path
        self.ingress: Ingress
        self.house: ClusterHouse
        self.pods: Pods

    def _load(self, archive: Path) -> None:
        if self.tool is not None:
            self.tool.load(archive)
        else:
            load_by(os.environ, archive)

    # ── bringing up ─────────────────────────────────────────────────────────────────────────────
    def bring_up_cluster(self) -> None:
        """The cluster; the namespace is made by docs/ops.md."""
        if self.tool is not None:
            environ = self.tool.environ()
            os.environ["PATH"] = environ.get("PATH", os.environ["PATH"])
            self._kubeconfig = environ["KUBECONFIG"]
            self._stack.callback(self._unless_kept(self.tool.down))
            self.tool.up()
        self.kube = Kube(self._kubeconfig, self.namespace, self.folder)
        self._stack.callback(self.kube.close)
        self.kube.open()
        self._stack.callback(self._unless_kept(self.kube.drop_namespace))

    def bring_up_servers(self) -> None:
        """RabbitMQ, PostgreSQL with PgBouncer, Elasticsearch, mail; and the way in."""
        # Their accounts are not root: they must be able to go through.
        home = Path(tempfile.mkdtemp(prefix="wenzheng-deploy-"))
        self._stack.callback(shutil.rmtree, home, ignore_errors=True)
        home.chmod(0o755)
        self.keep = home / "keep"
        self.servers = Servers(home, self.chosen.address or self._node_address(), self.keep)
        self._stack.callback(self.servers.stop)
        self.servers.start()
        self.ingress = Ingress(self.kube, self.folder)
        self._stack.callback(self.ingress.stop)
        self.ingress.start()
        self.house = ClusterHouse(self.servers, self.ingress)
        self.pods = Pods(self.kube, self.folder / "pods").start()
        self._stack.callback(self.pods.close)

    def bring_images(self) -> None:
        """Today's images and those of the next release."""
        if not self.chosen.images:
            return
        self.images.build()
        self.images.build_next()

    def _node_address(self) -> str:
        nodes = self.kube.get("/api/v1/nodes")["items"]
        for address in nodes[0]["status"]["addresses"]:
            if address["type"] == "InternalIP":
                return str(address["address"])
        raise Failed("the node has no address: name this machine's with --address")

    def _unless_kept(self, what: Callable[[], Any]) -> Callable[[], None]:
        def perhaps() -> None:
            if not self.chosen.keep:
                what()

        return perhaps

    def close(self) -> None:
        """Take everything down again, the last first; what fails does not keep the rest from going."""
        if self.chosen.keep:
            print(f"kept: KUBECONFIG={self._kubeconfig}, namespace {self.namespace}; Ctrl-C ends the servers")  # noqa: T201
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()
        # A second Ctrl-C must not leave half of it behind.
        for sign in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sign, signal.SIG_IGN)
        self._stack.close()

    # ── values ──────────────────────────────────────────────────────────────────────────────────
    def extra(self) -> dict[str, Any]:
        """What a test changes in the values of docs/ops.md."""
        return {
            # What a killed worker had in hand is let go before the oracle gives up: nine time-outs, one lease.
            "settings": {"senderLeaseS": 5},
            # One node of two cores has to hold the old pods, the new ones and the migrations.
            "defaults": {role: {"resources": {"requests": {"cpu": "20m"}}} for role in ("web", "worker")},
            "migrations": {"resources": {"requests": {"cpu": "20m"}}},
            "services": {
                # All our clients have one address.
                "intake": {"settings": {"filingPerMinute": 1_000_000}},
                "notify": {"settings": {"smtpTimeoutS": 3}},
                "search": {"settings": {"elasticsearchReplicas": 0}},
            },
        }

    def values(self, **more: Any) -> dict[str, Any]:
        """The values of this house: those that docs/ops.md has written, what a test changes, and ``more`` over them."""
        written = yaml.safe_load((self.keep / "values.yaml").read_text(encoding="utf-8"))
        return laid_over(laid_over(written, self.extra()), more)

    def write_values(self, name: str, values: dict[str, Any]) -> str:
        """Write a values file; its path."""
        path = self.folder / f"values-{name}.yaml"
        path.write_text(yaml.safe_dump(values, allow_unicode=True, sort_keys=False), encoding="utf-8")
        return str(path)

    def helm_upgrade(self, name: str, *words: str, wait: bool = True, **more: Any) -> None:
        """Install the chart or change what is installed."""
        file = self.write_values(name, self.values(**more))
        waiting = ("--wait", "--timeout", "5m") if wait else ()
        self.kube.helm("upgrade", "--install", RELEASE, str(CHART), "-f", file, *waiting, *words)


def laid_over(base: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Values as helm merges them: maps within maps."""
    return base | {
        k: laid_over(base[k], v) if isinstance(v, dict) and isinstance(base.get(k), dict) else v
        for k, v in more.items()
    }
