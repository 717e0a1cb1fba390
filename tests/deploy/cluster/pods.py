"""Every pod that lived during the run: how each container ended, what it wrote, what its worker counted."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.deploy.cluster.kube import COMPONENT, Kube
from tests.fault.ledger import MAIL_DOMAIN
from tests.fault.sampler import METRICS

#: How often workers are asked what they count (s).
EVERY_S = 2.0
_LINE = re.compile(rf"^wenzheng_({'|'.join(METRICS)})_total(\{{[^}}]*\}})? ([0-9.e+-]+)$", re.MULTILINE)
_PERSONAL = re.compile(rf"[A-Za-z0-9.]+@{re.escape(MAIL_DOMAIN)}|\b1[3-9][0-9]{{9}}\b")


@dataclass
class Ending:
    """How a container ended."""

    pod: str
    component: str
    code: int
    reason: str
    at: float


@dataclass
class Pod:
    """One pod, living or gone."""

    name: str
    component: str
    image: str = ""
    ip: str = ""
    running: bool = False
    ready: bool = False
    #: Ids of its containers whose end is noted already.
    ended: set[str] = field(default_factory=set)
    #: Containers whose log is followed.
    followed: set[str] = field(default_factory=set)


class Pods:
    """Watches a namespace until it is closed.

    Args:
        kube: the namespace.
        folder: for the logs, a file a container.
    """

    def __init__(self, kube: Kube, folder: Path) -> None:
        self._kube, self._folder = kube, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.pods: dict[str, Pod] = {}
        self.endings: list[Ending] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._last: dict[tuple[str, str, str], float] = {}
        self._sums: Counter[str] = Counter()
        self._threads: list[threading.Thread] = []

    def start(self) -> Pods:
        """Begin to watch."""
        for run in (self._watch, self._sample):
            thread = threading.Thread(target=run, daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def close(self) -> None:
        """Watch no more."""
        self._stopping.set()

    # ── what is asked of it ─────────────────────────────────────────────────────────────────────
    def of(self, component: str) -> list[Pod]:
        """The living pods of a Deployment."""
        with self._lock:
            return [pod for pod in self.pods.values() if pod.component == component and pod.running]

    def counts(self) -> Counter[str]:
        """What all workers counted since the start, those that are gone too (up to their last two seconds)."""
        self.look()
        with self._lock:
            return Counter(self._sums)

    def since(self, moment: float) -> list[Ending]:
        """Containers that ended after a moment (monotonic s)."""
        with self._lock:
            return [ending for ending in self.endings if ending.at >= moment]

    def logs(self) -> list[Path]:
        """Every log of every container."""
        return sorted(self._folder.glob("*.log"))

    def wrong_words(self, since: dict[Path, int]) -> list[str]:
        """Tracebacks and personal data in the logs, behind the given positions, which are moved on."""
        wrong = []
        for path in self.logs():
            with path.open("rb") as log:
                log.seek(since.get(path, 0))
                words = log.read()
            since[path] = since.get(path, 0) + len(words)
            text = words.decode("utf-8", "replace")
            if "Traceback (most recent call last)" in text:
                last = next((line for line in text[text.index("Traceback") :].splitlines()[1:] if line[:1].strip()), "")
                wrong.append(f"a traceback in the log of {path.stem}: {last[:140]}")
            if found := _PERSONAL.search(text):
                wrong.append(f"personal data in the log of {path.stem} ({len(found.group())} characters)")
        return wrong

    # ── watching ────────────────────────────────────────────────────────────────────────────────
    def _watch(self) -> None:
        path = self._kube.api + self._kube.here("pods")
        while not self._stopping.is_set():
            try:
                listed = requests.get(path, timeout=10).json()
                for document in listed.get("items", []):
                    self._note("ADDED", document)
                version = listed["metadata"]["resourceVersion"]
                query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": "240"}
                with requests.get(path, params=query, stream=True, timeout=(5, 250)) as stream:
                    for line in stream.iter_lines(chunk_size=None):
                        if line:
                            event = json.loads(line)
                            self._note(event["type"], event["object"])
                        if self._stopping.is_set():
                            return
            except (requests.RequestException, ValueError, KeyError):
                # The API server rests or forgot the version: list again.
                self._stopping.wait(1)

    def _note(self, what: str, document: dict[str, Any]) -> None:
        if document.get("kind") == "Status":
            return
        meta, status = document["metadata"], document.get("status", {})
        component = meta.get("labels", {}).get(COMPONENT, "")
        with self._lock:
            pod = self.pods.setdefault(meta["uid"], Pod(meta["name"], component))
            pod.ip = status.get("podIP", "")
            ready = [one for one in status.get("conditions", []) if one["type"] == "Ready"]
            pod.ready = bool(ready) and ready[0]["status"] == "True"
            pod.running = what != "DELETED" and status.get("phase") == "Running" and "deletionTimestamp" not in meta
            containers = status.get("initContainerStatuses", []) + status.get("containerStatuses", [])
            for container in containers:
                pod.image = container["image"]
                for state in (container.get("lastState", {}), container.get("state", {})):
                    self._note_ending(pod, state.get("terminated"))
                running = container.get("containerID", "")
                if running and running not in pod.followed and "waiting" not in container.get("state", {}):
                    pod.followed.add(running)
                    name = f"{pod.name}.{container['name']}.{container.get('restartCount', 0)}"
                    threading.Thread(target=self._follow, args=(pod, container["name"], name), daemon=True).start()

    def _note_ending(self, pod: Pod, terminated: dict[str, Any] | None) -> None:
        if terminated is None or terminated.get("containerID") in pod.ended:
            return
        pod.ended.add(str(terminated.get("containerID")))
        self.endings.append(
            Ending(pod.name, pod.component, int(terminated["exitCode"]), terminated.get("reason", ""), time.monotonic())
        )

    def _follow(self, pod: Pod, container: str, name: str) -> None:
        path = f"{self._kube.api}{self._kube.here('pods')}/{pod.name}/log"
        query = {"container": container, "follow": "true"}
        try:
            with (
                (self._folder / f"{name}.log").open("wb") as log,
                requests.get(path, params=query, stream=True, timeout=(5, None)) as stream,
            ):
                for chunk in stream.iter_content(chunk_size=None) if stream.ok else ():
                    log.write(chunk)
                    log.flush()
        except requests.RequestException:
            # The pod is gone; what it wrote until then is kept.
            return

    # ── counting ────────────────────────────────────────────────────────────────────────────────
    def _sample(self) -> None:
        while not self._stopping.wait(EVERY_S):
            self.look()

    def look(self) -> None:
        """Ask every worker now."""
        with self._lock:
            workers = {uid: pod for uid, pod in self.pods.items() if pod.running and pod.component.endswith("-worker")}
        for uid, pod in workers.items():
            url = f"{self._kube.api}{self._kube.here('pods')}/{pod.name}:9090/proxy/metrics"
            try:
                answer = requests.get(url, timeout=3)
            except requests.RequestException:
                continue
            if answer.status_code != 200:
                continue
            with self._lock:
                for metric, labels, value in _LINE.findall(answer.text):
                    # A container that was started again counts from nothing.
                    before = self._last.get((uid, metric, labels), 0.0)
                    gain = float(value) - before if float(value) >= before else float(value)
                    self._last[uid, metric, labels] = float(value)
                    self._sums[metric] += round(gain)
