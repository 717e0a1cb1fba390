"""A real Traefik, told of an Ingress by a stand-in for the API server that only lists and watches."""

from __future__ import annotations

import http.client
import json
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.deploy.tools import Document, Missing, program
from tests.fault.processes import DIES_WITH_US
from tests.parts import free_port

HOST = "wenzheng.example.org"
START_S = 30.0
#: What Traefik lists, and of which API.
KINDS = {
    "ingresses": ("networking.k8s.io/v1", "Ingress"),
    "ingressclasses": ("networking.k8s.io/v1", "IngressClass"),
    "services": ("v1", "Service"),
    "endpointslices": ("discovery.k8s.io/v1", "EndpointSlice"),
    "secrets": ("v1", "Secret"),
    "nodes": ("v1", "Node"),
}


class _Api(BaseHTTPRequestHandler):
    """Lists what there is; a watch stays open and says nothing."""

    objects: dict[str, list[Document]]
    stop: threading.Event

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        kind, asked = parts.path.rpartition("/")[2], parse_qs(parts.query)
        if kind not in KINDS:
            self._answer(404, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404})
        elif "sendInitialEvents" in asked:
            # So the client lists, as it does with servers that cannot stream a list.
            self._answer(422, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 422})
        elif asked.get("watch", ["false"])[0] in ("true", "1"):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.flush()
            self.stop.wait()
        else:
            version, name = KINDS[kind]
            listed = {"apiVersion": version, "kind": f"{name}List", "metadata": {"resourceVersion": "1"}}
            self._answer(200, listed | {"items": self.objects.get(kind, [])})

    def _answer(self, status: int, document: Document) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """The tests say what is wrong."""


class _Backend(BaseHTTPRequestHandler):
    """Says who it is and what it was asked for."""

    service: str

    def do_GET(self) -> None:
        body = json.dumps({"answered-by": self.service, "path": self.path}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """The tests say what is wrong."""


class Stand:
    """Traefik between a port and a back end for each Service.

    Args:
        documents: an Ingress and the Services it leads to.
    """

    def __init__(self, documents: list[Document]) -> None:
        self._documents = documents
        self._servers: list[ThreadingHTTPServer] = []
        self._stop = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="wenzheng-traefik-")
        self._port = free_port()

    @property
    def available(self) -> bool:
        """Whether there is a Traefik."""
        try:
            program("traefik")
        except Missing:
            return False
        return True

    def __enter__(self) -> Stand:
        objects: dict[str, list[Document]] = {"ingresses": [], "services": [], "endpointslices": []}
        for one in self._documents:
            if one["kind"] == "Ingress":
                spec = {key: value for key, value in one["spec"].items() if key != "tls"}
                objects["ingresses"].append(one | {"spec": spec})
                objects["ingressclasses"] = [_class_of(one)]
            else:
                name = one["metadata"]["name"]
                port = self._serve(type("Backend", (_Backend,), {"service": name}))
                objects["services"].append(one)
                objects["endpointslices"].append(_slice_of(one, port))
        api = self._serve(type("Api", (_Api,), {"objects": objects, "stop": self._stop}))
        options = {
            "entrypoints.web.address": f"127.0.0.1:{self._port}",
            "providers.kubernetesingress": "true",
            "providers.kubernetesingress.endpoint": f"http://127.0.0.1:{api}",
            "providers.kubernetesingress.token": "none",
            "global.checknewversion": "false",
            "global.sendanonymoususage": "false",
        }
        log = Path(self._folder.name) / "traefik.log"
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                [*DIES_WITH_US, program("traefik"), *(f"--{name}={value}" for name, value in options.items())],
                stdin=subprocess.DEVNULL, stdout=file, stderr=file, cwd=self._folder.name, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + START_S
        while self.ask("/")[0] != 200:
            if time.monotonic() > deadline or self._process.poll() is not None:
                said = log.read_text(errors="replace")[-1500:]
                self.__exit__(None, None, None)
                raise AssertionError(f"Traefik did not take the Ingress up: {said}")
            time.sleep(0.1)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._folder.cleanup()

    def ask(self, path: str, host: str = HOST) -> tuple[int, str]:
        """Status and body of one request; status 0 when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request("GET", path, headers={"Host": host})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def _serve(self, handler: type[BaseHTTPRequestHandler]) -> int:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._servers.append(server)
        return int(server.server_address[1])


def _class_of(ingress: Document) -> Document:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": ingress["spec"]["ingressClassName"]},
        "spec": {"controller": "traefik.io/ingress-controller"},
    }


def _slice_of(service: Document, port: int) -> Document:
    meta = service["metadata"]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": {"kubernetes.io/service-name": meta["name"]},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True, "serving": True}}],
        "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
    }
