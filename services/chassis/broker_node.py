"""A private RabbitMQ node on this machine: own name, folder, ports and password, loopback only."""

from __future__ import annotations

import atexit
import base64
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import amqp

from services.chassis.errors import StartError

#: Where the server's own scripts lie: Debian's package, the vendor's package, the vendor's image. Debian's
#: wrapper in /usr/sbin is passed by: it changes to the system-wide account and folder.
SCRIPTS = ("/usr/lib/rabbitmq/bin", "/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin", "/opt/rabbitmq/sbin")
#: The virtual host of the house.
VHOST = "wenzheng"
LOOPBACK = "127.0.0.1"
#: Ports are looked for below the range the kernel gives to outgoing connections, so that they stay free.
PORTS = range(20_000, 32_000)
#: Two schedulers that sleep when there is nothing to do and are not bound to a core; small tables.
ERLANG = "+S 2:2 +SDcpu 1:1 +SDio 4 +sbwt none +sbwtdcpu none +sbwtdio none +stbt u +P 262144 +t 1048576 +zdbbl 32000"
ADMINISTRATOR = "administrator"


@dataclass(frozen=True)
class Node:
    """What is kept in ``node.json`` (0600): how the node is called and how to get in."""

    name: str
    amqp_port: int
    distribution_port: int
    epmd_port: int
    user: str
    password: str


class BrokerNode:
    """One private RabbitMQ node. Made by ``start_node``; a context manager that stops it if it is ours.

    Args:
        folder: the node's own folder: data, log, configuration and ``node.json``.
        timeout_s: how long a start may take.
    """

    def __init__(self, folder: Path, timeout_s: float = 90) -> None:
        self.folder = folder.resolve()
        self._timeout_s = timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._scripts = _scripts()
        self._node = self._open()

    @property
    def amqp_url(self) -> str:
        """URL of the house's own virtual host, password included: never print it."""
        return self.url_of(VHOST)

    @property
    def port(self) -> int:
        """The AMQP port on the loopback address."""
        return self._node.amqp_port

    @property
    def ours(self) -> bool:
        """True when this process started the node (or took it over from a dead one), so will stop it."""
        return self._owner == os.getpid()

    def url_of(self, vhost: str, user: str = "", password: str = "") -> str:
        """URL of a virtual host, for the node's administrator or for a user made with ``ensure_user``."""
        who = f"{user or self._node.user}:{password or self._node.password}"
        return f"amqp://{who}@{LOOPBACK}:{self._node.amqp_port}/{vhost}"

    def start(self) -> None:
        """Attach to the node if it runs, otherwise start it.

        Raises:
            StartError: RabbitMQ is not installed, the folder cannot be written, or the node does not come up.
        """
        with self._locked():
            if self._alive():
                self._await_up()
                self._own(only_orphans=True)
            else:
                self._launch()
                self._own()

    def stop(self) -> None:
        """Stop the node, if it is ours; one that another process started goes on."""
        if self.ours:
            with self._locked():
                self._end(signal.SIGTERM)
                self._epmd("-kill")
                (self.folder / "owner").unlink(missing_ok=True)
            self._owner = 0
            atexit.unregister(self.stop)

    def kill(self) -> None:
        """Kill -9 of the server, as a crash does; ``restart`` brings it back."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop the server and start it again on the same port, with its data."""
        with self._locked():
            self._end(signal.SIGTERM)
            self._launch()
            self._own()

    def ensure_vhost(self, name: str) -> None:
        """Make a virtual host where the node's administrator may do everything."""
        self._call(f"case rabbit_vhost:exists({_b(name)}) of true -> ok; false -> rabbit_vhost:add({_b(name)}, A) end")
        self._call(f"rabbit_auth_backend_internal:set_permissions({_b(self._node.user)}, {_b(name)}, All, All, All, A)")

    def ensure_user(self, name: str, password: str, vhost: str, *, configure: str, write: str, read: str) -> None:
        """Make a user, or set the password of one, with rights in one virtual host.

        Args:
            name: user name; AMQP messages carry it as ``user_id``.
            password: its password.
            vhost: made if absent.
            configure: regular expression of the names it may declare; empty: none.
            write: of the names it may publish to.
            read: of the names it may read from.
        """
        self.ensure_vhost(vhost)
        user = _b(name)
        self._call(
            f"case rabbit_auth_backend_internal:exists({user}) of"
            f" true -> rabbit_auth_backend_internal:change_password({user}, {_b(password)}, A);"
            f" false -> rabbit_auth_backend_internal:add_user({user}, {_b(password)}, A) end"
        )
        rights = ", ".join(_b(pattern or "^$") for pattern in (configure, write, read))
        self._call(f"rabbit_auth_backend_internal:set_permissions({user}, {_b(vhost)}, {rights}, A)")

    def delete_vhost(self, name: str) -> None:
        """Delete a virtual host with everything in it."""
        self._call(f"case rabbit_vhost:exists({_b(name)}) of true -> rabbit_vhost:delete({_b(name)}, A); _ -> ok end")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _open(self) -> Node:
        """Make the folder and what is kept in it, or read what is there."""
        try:
            for name in ("", "data", "log", "home", "generated"):
                (self.folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._locked():
                return self._kept() or self._keep(self._new())
        except OSError as error:
            raise StartError(f"folder {self.folder} cannot be used for RabbitMQ: {error.strerror}") from None

    def _new(self) -> Node:
        """A node with a name of its own (the folder's hash), free ports and a new password."""
        mark = hashlib.blake2b(str(self.folder).encode(), digest_size=6).hexdigest()
        return Node(f"wenzheng-{mark}@localhost", *_free_ports(3), f"wenzheng-{mark}", secrets.token_urlsafe(24))

    def _kept(self) -> Node | None:
        try:
            return Node(**json.loads((self.folder / "node.json").read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def _keep(self, node: Node) -> Node:
        _write_private(self.folder / "node.json", json.dumps(asdict(node), indent=1))
        return node

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time starts or stops the node."""
        with (self.folder / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _own(self, *, only_orphans: bool = False) -> None:
        owner = self.folder / "owner"
        if only_orphans and owner.exists() and _runs(int(owner.read_text() or 0)):
            return
        owner.write_text(str(os.getpid()))
        self._owner = os.getpid()
        atexit.register(self.stop)

    def _launch(self) -> None:
        """Start the server in its own session (a Ctrl-C of ours must not reach it) and wait until it lets us in."""
        self._node = self._kept() or self._node
        if not all(_free(port) for port in (self._node.amqp_port, self._node.distribution_port)):
            name, user, password = self._node.name, self._node.user, self._node.password
            self._node = self._keep(Node(name, *_free_ports(3), user, password))
        _write_private(self.folder / "rabbitmq.conf", self._configuration())
        (self.folder / "plugins").write_text("[].\n")
        (self.folder / "pid").unlink(missing_ok=True)
        with (self.folder / "log" / "console.log").open("wb") as log:
            self._process = subprocess.Popen(
                [self._scripts / "rabbitmq-server"],
                env=self._environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._await_up()
        except BaseException:
            self._end(signal.SIGKILL)
            raise

    def _configuration(self) -> str:
        node = self._node
        return (
            f"listeners.tcp.1 = {LOOPBACK}:{node.amqp_port}\n"
            f"default_vhost = {VHOST}\n"
            f"default_user = {node.user}\n"  # in the place of guest, which is never made
            f"default_pass = {node.password}\n"
            "vm_memory_high_watermark.absolute = 512MiB\n"
            "disk_free_limit.absolute = 50MB\n"
            "raft.wal_max_size_bytes = 32000000\n"  # the journal of quorum queues is held in memory up to this size
            "log.file = node.log\n"
            "log.file.rotation.size = 10485760\n"
            "log.file.rotation.count = 2\n"
            "log.connection.level = warning\n"
        )

    def _environment(self) -> Mapping[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("RABBITMQ_", "ERL_", "NOTIFY_SOCKET"))}
        at, node = self.folder, self._node
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
            "RABBITMQ_PID_FILE": str(at / "pid"),
            "RABBITMQ_SERVER_ERL_ARGS": ERLANG,
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-kernel inet_dist_use_interface {{127,0,0,1}} -wenzheng {node.name}",
            "RUNNING_UNDER_SYSTEMD": "true",  # the script becomes the server instead of waiting for it
        }

    def _await_up(self) -> None:
        end = time.monotonic() + self._timeout_s
        while not self._lets_in():
            if self._process is not None and self._process.poll() is not None:
                raise StartError(f"RabbitMQ stopped while starting: {self._last_words()}")
            if time.monotonic() > end:
                raise StartError(f"RabbitMQ did not start within {self._timeout_s:g} s: {self._last_words()}")
            time.sleep(0.05)

    def _lets_in(self) -> bool:
        """Whether our own user gets in; another program on the port does not count."""
        try:
            with socket.create_connection((LOOPBACK, self._node.amqp_port), timeout=1):
                pass
            with amqp.Connection(
                f"{LOOPBACK}:{self._node.amqp_port}", self._node.user, self._node.password,
                virtual_host=VHOST, connect_timeout=5, read_timeout=5, write_timeout=5,
            ):  # fmt: skip
                return True
        except (OSError, amqp.AMQPError):
            return False

    def _last_words(self) -> str:
        lines = (self.folder / "log" / "console.log").read_text(encoding="utf-8", errors="replace").splitlines()
        said = [line.strip() for line in lines if line.strip()]
        return f"{said[-1][:200] if said else 'no output'} (see {self.folder / 'log'})"

    def _pid(self) -> int:
        """The server's process id, 0 when it does not run; a stale file naming another process counts as none."""
        if self._process is not None:
            return 0 if self._process.poll() is not None else self._process.pid
        try:
            pid = int((self.folder / "pid").read_text().strip() or 0)
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ValueError, ProcessLookupError):
            return 0
        return pid if self._node.name.encode() in command else 0

    def _alive(self) -> bool:
        self._node = self._kept() or self._node
        return self._pid() != 0

    def _end(self, how: signal.Signals) -> None:
        """Signal the server and wait until it is gone; one that does not go in 30 s is killed."""
        pid = self._pid()
        if not pid:
            return
        for sign in (how, signal.SIGKILL):
            _signal(pid, sign)
            if _wait(lambda: self._pid() == 0, 30):
                break
        self._process = None
        (self.folder / "pid").unlink(missing_ok=True)

    def _epmd(self, *arguments: str) -> None:
        """Speak to the node's own port mapper, which Erlang started as a daemon."""
        program = shutil.which("epmd")
        if program:
            subprocess.run([program, *arguments], env=self._environment(), capture_output=True, timeout=10, check=False)

    def _call(self, expression: str) -> None:
        """Run an expression in the node (milliseconds, where rabbitmqctl takes seconds)."""
        code = f'A = <<"{ADMINISTRATOR}">>, All = <<".*">>, ok = {expression}, done.\n'
        program = shutil.which("erl_call") or "erl_call"
        done = subprocess.run(
            [program, "-sname", self._node.name, "-e"],
            input=code.encode(), env=self._environment(), capture_output=True, timeout=30, check=False,
        )  # fmt: skip
        if b"done" not in done.stdout:
            raise StartError(f"RabbitMQ refused: {(done.stdout + done.stderr).decode(errors='replace')[:300]}")


def start_node(folder: Path, *, timeout_s: float = 90) -> BrokerNode:
    """The private node of a folder: found if it runs, otherwise started.

    The process that started it stops it, at ``stop``, at the end of a ``with`` block or at its own exit.

    Raises:
        StartError: RabbitMQ is not installed, the folder cannot be written, or the node does not come up.
    """
    node = BrokerNode(folder, timeout_s)
    node.start()
    return node


def _scripts() -> Path:
    for pattern in SCRIPTS:
        for folder in sorted(Path("/").glob(pattern.lstrip("/")), reverse=True):
            if (folder / "rabbitmq-server").exists():
                return folder
    raise StartError(
        "RabbitMQ is not installed: install Debian's package rabbitmq-server (apt-get install rabbitmq-server), "
        "or name a broker in WENZHENG_BROKER_URL"
    )


def _b(text: str) -> str:
    """An Erlang binary; as base64, so that no name can say more than a name."""
    return f'base64:decode(<<"{base64.b64encode(text.encode()).decode()}">>)'


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def _free_ports(count: int) -> list[int]:
    found: list[int] = []
    for _ in range(1000):
        port = secrets.choice(PORTS)
        if port not in found and _free(port):
            found.append(port)
            if len(found) == count:
                return found
    raise StartError(f"no free port between {PORTS.start} and {PORTS.stop} on {LOOPBACK}")


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _runs(pid: int) -> bool:
    return pid > 0 and Path(f"/proc/{pid}").exists()


def _signal(pid: int, sign: signal.Signals) -> None:
    try:
        os.kill(pid, sign)
    except ProcessLookupError:
        return


def _wait(done: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
