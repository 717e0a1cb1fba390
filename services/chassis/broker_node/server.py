"""The RabbitMQ server process of a private node: how it is configured, started, asked and ended."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import amqp

from services.chassis.broker_node.folder import LOOPBACK, Folder, Node
from services.chassis.errors import StartError

#: Where the server's own scripts lie: Debian's package, the vendor's package, the vendor's image. Debian's
#: wrapper in /usr/sbin is passed by: it changes to the system-wide account and folder.
SCRIPTS = ("/usr/lib/rabbitmq/bin", "/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin", "/opt/rabbitmq/sbin")
#: The virtual host of the house.
VHOST = "wenzheng"
#: Two schedulers that sleep when there is nothing to do and are not bound to a core; small tables.
ERLANG = "+S 2:2 +SDcpu 1:1 +SDio 4 +sbwt none +sbwtdcpu none +sbwtdio none +stbt u +P 262144 +t 1048576 +zdbbl 32000"
#: The link between nodes, which rabbitmqctl uses too, listens on the loopback address alone.
LOOPBACK_ONLY = "-kernel inet_dist_use_interface {127,0,0,1}"
#: How long the server may take to stop of its own accord before it is killed (s).
STOP_S = 30
#: How long it may take to say what it holds (s).
ANSWER_S = 10
#: How often it is asked what it holds before that counts as a failure.
TRIES = 3
#: Deals out events among partitions; it costs no time and no memory while nothing uses it (measured).
PLUGIN = "rabbitmq_consistent_hash_exchange"


class Server:
    """The server of one folder; it may have been started by another process.

    Raises:
        StartError: RabbitMQ is not installed.
    """

    def __init__(self, folder: Folder, timeout_s: float) -> None:
        self._folder = folder
        self._timeout_s = timeout_s
        self._script = _script()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def node(self) -> Node:
        """Name, ports and password."""
        return self._folder.node()

    def pid(self) -> int:
        """The server's process id, 0 when it does not run."""
        if self._process is not None:
            return self._process.pid if self._process.poll() is None else 0
        return self._folder.server_pid(self.node.name)

    def launch(self) -> None:
        """Start it in its own session (a Ctrl-C of ours must not reach it) and wait until it lets us in.

        Raises:
            StartError: with its last words.
        """
        node = self._folder.ports_free()
        self._folder.write_private("rabbitmq.conf", configuration(node))
        self._folder.write_private("plugins", f"[{PLUGIN}].\n")
        self._folder.pid_file.unlink(missing_ok=True)
        with (self._folder.log / "console.log").open("wb") as log:
            self._process = subprocess.Popen(
                [self._script],
                env=self._environment(node),
                cwd=self._folder.path,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self.await_up()
        except BaseException:
            self.end(signal.SIGKILL)
            raise

    def await_up(self) -> None:
        """Wait until our own user gets in."""
        end = time.monotonic() + self._timeout_s
        while not self._lets_in():
            if not self.pid():
                raise StartError(f"RabbitMQ stopped while starting: {self._last_words()}")
            if time.monotonic() > end:
                raise StartError(f"RabbitMQ did not start within {self._timeout_s:g} s: {self._last_words()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask it to stop and wait until it is gone; one that does not go in time is killed."""
        if self.pid():
            with contextlib.suppress(StartError, subprocess.TimeoutExpired):
                # A signal alone would not do: a process that blocks signals hands that down to those it starts.
                self.call("init:stop()", timeout_s=10)
        self.end(signal.SIGTERM)

    def end(self, how: signal.Signals) -> None:
        """Signal it and wait until it is gone; one that does not go in time is killed."""
        pid = self.pid()
        for sign in (how, signal.SIGKILL):
            if not self.pid():
                break
            try:
                os.kill(pid, sign)
            except ProcessLookupError:
                break
            deadline = time.monotonic() + STOP_S
            while self.pid() and time.monotonic() < deadline:
                time.sleep(0.02)
        self._process = None
        self._folder.pid_file.unlink(missing_ok=True)

    def end_port_mapper(self) -> None:
        """Stop the node's own epmd, which Erlang started as a daemon; it refuses while a node is registered."""
        epmd = shutil.which("epmd")
        if epmd is not None:
            subprocess.run(
                [epmd, "-kill"], env=self._environment(self.node), capture_output=True, timeout=10, check=False
            )

    def call(self, expression: str, timeout_s: float = 60) -> None:
        """Run an Erlang expression in the node, which must come to ``ok`` (20 ms, where rabbitmqctl takes seconds).

        Raises:
            StartError: with the node's answer.
        """
        for _ in range(TRIES - 1):
            try:
                return self._call(expression, timeout_s)
            except StartError as error:
                # A busy node may turn away the asker's connection: then nothing was run.
                if "failed to connect" not in str(error):
                    raise
            time.sleep(0.3)
        return self._call(expression, timeout_s)

    def _call(self, expression: str, timeout_s: float) -> None:
        asker = shutil.which("erl_call")
        if asker is None:
            raise StartError("erl_call is not installed: install Debian's package erlang-base")
        node = self.node
        try:
            done = subprocess.run(
                [asker, "-sname", node.name, "-e"],
                input=f'A = <<"wenzheng">>, All = <<".*">>, ok = {expression}, done.\n'.encode(),
                env=self._environment(node),
                capture_output=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise StartError(f"RabbitMQ did not answer within {timeout_s:.0f} s") from None
        if done.stdout.strip() != b"{ok, done}":
            answer = (done.stdout + done.stderr).decode(errors="replace").replace(node.password, "********")
            raise StartError(f"RabbitMQ refused: {answer[:300]}")

    def ask(self, expression: str) -> Any:
        """What an Erlang expression comes to: maps and lists, by way of JSON in a file of the node's own folder.

        Raises:
            StartError: with the node's answer.
        """
        file = self._folder.path / "generated" / f"answer-{secrets.token_hex(8)}.json"
        try:
            self.call(f"file:write_file({binary(str(file))}, rabbit_json:encode({expression}))", ANSWER_S)
            return json.loads(file.read_bytes())
        finally:
            file.unlink(missing_ok=True)

    def control(self, *arguments: str) -> str:
        """Run RabbitMQ's own ``rabbitmqctl`` on this node (seconds); returns what it said.

        Raises:
            StartError: with its last words.
        """
        command = [str(Path(self._script).parent / "rabbitmqctl"), *arguments]
        done = subprocess.run(
            command, env=self._environment(self.node), capture_output=True, text=True, timeout=120, check=False
        )
        if done.returncode:
            raise StartError(f"rabbitmqctl {arguments[0]}: {(done.stdout + done.stderr).strip()[-300:]}")
        return done.stdout

    def _lets_in(self) -> bool:
        """Whether our own user gets in; another program on the port does not count."""
        node = self.node
        connection = amqp.Connection(
            f"{LOOPBACK}:{node.amqp_port}",
            node.user,
            node.password,
            virtual_host=VHOST,
            connect_timeout=2,
            read_timeout=5,
            write_timeout=5,
        )
        try:
            connection.connect()
        except (OSError, amqp.AMQPError):
            return False
        connection.close()
        return True

    def _last_words(self) -> str:
        lines = (self._folder.log / "console.log").read_text(encoding="utf-8", errors="replace").splitlines()
        said = [line.strip() for line in lines if line.strip()]
        return f"{said[-1][:200] if said else 'it said nothing'} (see {self._folder.log})"

    def _environment(self, node: Node) -> Mapping[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("RABBITMQ_", "ERL_", "NOTIFY_SOCKET"))}
        at = self._folder.path
        return kept | {
            "HOME": str(at / "home"),  # the Erlang cookie is made and read here
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_EPMD_PORT": str(node.epmd_port),
            "RABBITMQ_NODENAME": node.name,
            "RABBITMQ_DIST_PORT": str(node.distribution_port),
            "RABBITMQ_CONFIG_FILE": str(at / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(at / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(at / "rabbitmq-env.conf"),  # absent: the machine's own is not read
            "RABBITMQ_GENERATED_CONFIG_DIR": str(at / "generated"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(at / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(at / "data"),
            "RABBITMQ_LOG_BASE": str(at / "log"),
            "RABBITMQ_PID_FILE": str(self._folder.pid_file),
            "RABBITMQ_SERVER_ERL_ARGS": ERLANG,
            # The name is there for us: it tells the server of this folder from any other process.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"{LOOPBACK_ONLY} -wenzheng {node.name}",
            "RUNNING_UNDER_SYSTEMD": "true",  # the script becomes the server instead of waiting for it
        }


def configuration(node: Node) -> str:
    """The text of ``rabbitmq.conf``."""
    return (
        f"listeners.tcp.1 = {LOOPBACK}:{node.amqp_port}\n"
        f"default_vhost = {VHOST}\n"
        f"default_user = {node.user}\n"  # in the place of guest, which is never made
        f"default_pass = {node.password}\n"
        "vm_memory_high_watermark.absolute = 512MiB\n"
        "disk_free_limit.absolute = 50MB\n"
        "raft.wal_max_size_bytes = 32000000\n"  # quorum queues hold their journal in memory up to this size
        "log.file = node.log\n"
        "log.file.rotation.size = 10485760\n"
        "log.file.rotation.count = 2\n"
        "log.connection.level = warning\n"
    )


def _script() -> Path:
    for pattern in SCRIPTS:
        for script in sorted(Path("/").glob(f"{pattern.lstrip('/')}/rabbitmq-server"), reverse=True):
            return script
    raise StartError(
        "RabbitMQ is not installed: install Debian's package rabbitmq-server (apt-get install rabbitmq-server), "
        "or name a broker in WENZHENG_BROKER_URL"
    )


def binary(text: str) -> str:
    """An Erlang binary; by way of base64, so that no name can say more than a name."""
    return f'base64:decode(<<"{base64.b64encode(text.encode()).decode()}">>)'
