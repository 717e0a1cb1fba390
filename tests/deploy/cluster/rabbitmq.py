"""A RabbitMQ node that pods can reach, with the management API and the counters that a test needs."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import requests

from tests.deploy.cluster import expired
from tests.fault.processes import Failed, until
from tests.parts import free_port

#: Where the server's own scripts lie: Debian's package, the vendor's package. Debian's wrapper is passed by.
SCRIPTS = ("usr/lib/rabbitmq/bin", "usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin")
PLUGINS = ("rabbitmq_management", "rabbitmq_prometheus", "rabbitmq_consistent_hash_exchange")
VHOST = "wenzheng"
ADMINISTRATOR = "administrator"
_AGAIN = re.compile(
    r'^rabbitmq_global_messages_redelivered_total\{[^}]*queue_type="rabbit_quorum_queue"[^}]*\} ([0-9.e+]+)$',
    re.MULTILINE,
)


class RabbitServer:
    """One node in a folder of its own.

    Args:
        folder: made.
        address: of this machine, as pods reach it.
    """

    def __init__(self, folder: Path, address: str) -> None:
        self.folder, self.address = folder, address
        self.port, self.api_port, self._metrics_port = free_port(), free_port(), free_port()
        #: A second listener, for TLS, whose certificate has expired.
        self.expired_port = free_port()
        self.password = secrets.token_urlsafe(16)
        self._environ = self._write()
        self._process: subprocess.Popen[bytes] | None = None
        self._session = requests.Session()
        self._session.auth = (ADMINISTRATOR, self.password)

    def start(self) -> None:
        """Start it and wait until its management API answers."""
        with (self.folder / "console.log").open("ab") as log:
            self._process = subprocess.Popen(
                [_script("rabbitmq-server")], env=self._environ, cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        until(self._answers, 90, "RabbitMQ answers", 0.3)

    def stop(self) -> None:
        """End it with its port mapper."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
        subprocess.run(["epmd", "-kill"], env=self._environ, capture_output=True, timeout=10, check=False)

    def url(self, user: str, password: str, vhost: str = VHOST) -> str:
        """Its AMQP URL for a user."""
        return f"amqp://{quote(user, safe='')}:{quote(password, safe='')}@{self.address}:{self.port}/{quote(vhost)}"

    @property
    def api_url(self) -> str:
        """The URL of its management API."""
        return f"http://{self.address}:{self.api_port}"

    @property
    def admin_url(self) -> str:
        """AMQP URL of the house's virtual host for the administrator."""
        return self.url(ADMINISTRATOR, self.password)

    def let_in(self) -> None:
        """Give the administrator rights in the house's virtual host, which docs/ops.md gives to the services alone."""
        self._session.put(
            self._api(f"permissions/{VHOST}/{ADMINISTRATOR}"),
            json={"configure": ".*", "write": ".*", "read": ".*"}, timeout=30,
        ).raise_for_status()  # fmt: skip

    def queues(self) -> list[str]:
        """Names of the house's queues."""
        answer = self._session.get(self._api(f"queues/{VHOST}"), params={"columns": "name"}, timeout=30)
        answer.raise_for_status()
        return [str(queue["name"]) for queue in answer.json()]

    def redelivered(self) -> int:
        """Messages of quorum queues that were delivered a second time since the server started.

        The server's own counter, not the management API's: that one forgets a queue's figures with its channels.
        """
        text = requests.get(f"http://{self.address}:{self._metrics_port}/metrics", timeout=30).text
        return round(sum(map(float, _AGAIN.findall(text))))

    def version(self) -> str:
        """Its version."""
        return str(self._session.get(self._api("overview"), timeout=30).json()["rabbitmq_version"])

    def _api(self, path: str) -> str:
        return f"{self.api_url}/api/{path}"

    def _answers(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise Failed(f"RabbitMQ stopped: {(self.folder / 'console.log').read_text(errors='replace')[-500:]}")
        try:
            return self._session.get(self._api("overview"), timeout=3).ok and bool(self.redelivered() + 1)
        except requests.RequestException:
            return False

    def _write(self) -> dict[str, str]:
        """Its configuration; returns its environment."""
        at = self.folder
        for name in ("", "data", "log", "home", "generated"):
            (at / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        self.certificate, key = expired.write(at, self.address)
        (at / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = {self.address}:{self.port}\n"
            f"listeners.ssl.1 = {self.address}:{self.expired_port}\nssl_options.verify = verify_none\n"
            f"ssl_options.cacertfile = {self.certificate}\n"
            f"ssl_options.certfile = {self.certificate}\nssl_options.keyfile = {key}\n"
            f"management.tcp.ip = {self.address}\nmanagement.tcp.port = {self.api_port}\n"
            f"prometheus.tcp.ip = {self.address}\nprometheus.tcp.port = {self._metrics_port}\n"
            f"default_user = {ADMINISTRATOR}\ndefault_pass = {self.password}\n"
            "vm_memory_high_watermark.absolute = 1GiB\ndisk_free_limit.absolute = 50MB\n"
            "log.file = node.log\nlog.connection.level = warning\n"
        )
        (at / "plugins").write_text(f"[{','.join(PLUGINS)}].\n")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("RABBITMQ_", "ERL_", "NOTIFY_SOCKET"))}
        return kept | {
            "HOME": str(at / "home"),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(free_port()),
            "RABBITMQ_NODENAME": f"wenzheng-deploy-{int(time.time())}@localhost",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_CONFIG_FILE": str(at / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(at / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(at / "rabbitmq-env.conf"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(at / "generated"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(at / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(at / "data"),
            "RABBITMQ_LOG_BASE": str(at / "log"),
            "RABBITMQ_PID_FILE": str(at / "pid"),
            # Two schedulers that sleep when there is nothing to do: the cores are wanted by the pods.
            "RABBITMQ_SERVER_ERL_ARGS": "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RUNNING_UNDER_SYSTEMD": "true",  # the script becomes the server instead of waiting for it
        }


def _script(name: str) -> str:
    for pattern in SCRIPTS:
        for script in sorted(Path("/").glob(f"{pattern}/{name}"), reverse=True):
            return str(script)
    raise Failed("RabbitMQ is not installed: run bin/ensure deploy")
