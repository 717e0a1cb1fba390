"""A private RabbitMQ node on this machine: own name, folder, ports and password, loopback only."""

from __future__ import annotations

import atexit
import os
import signal
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from services.chassis.broker_node.folder import LOOPBACK, Folder
from services.chassis.broker_node.server import VHOST, Server, binary

__all__ = ["BrokerNode", "start_node"]


class BrokerNode:
    """One private RabbitMQ node, run by whoever started it, root or not; made by ``start_node``.

    A context manager that stops the node at its end if it is ours. On servers before RabbitMQ 4 a queue declared
    less than half a second before a crash of the server may be lost with what is in it (rabbitmq/ra, pull request 443).

    Args:
        folder: the node's own folder: data, log, configuration and ``node.json``.
        timeout_s: how long a start may take.
    """

    def __init__(self, folder: Path, timeout_s: float = 90) -> None:
        self._folder = Folder(folder)
        self._server = Server(self._folder, timeout_s)
        self._owner = 0

    @property
    def folder(self) -> Path:
        """Where the node keeps everything."""
        return self._folder.path

    @property
    def amqp_url(self) -> str:
        """URL of the house's own virtual host, password included: never print it."""
        return self.url_of(VHOST)

    @property
    def port(self) -> int:
        """The AMQP port on the loopback address."""
        return self._server.node.amqp_port

    @property
    def pid(self) -> int:
        """Process id of the server, 0 when it does not run."""
        return self._server.pid()

    @property
    def ours(self) -> bool:
        """True when this process started the node, or took it over from a dead one, so will stop it."""
        return self._owner == os.getpid()

    def url_of(self, vhost: str, user: str = "", password: str = "") -> str:
        """URL of a virtual host, for the node's administrator or for a user made with ``ensure_user``."""
        node = self._server.node
        who = f"{quote(user or node.user, safe='')}:{quote(password or node.password, safe='')}"
        return f"amqp://{who}@{LOOPBACK}:{node.amqp_port}/{quote(vhost, safe='')}"

    def start(self) -> None:
        """Attach to the node if it runs, otherwise start it.

        Raises:
            StartError: the node does not come up.
        """
        with self._folder.locked():
            if not self._server.pid():
                self._server.launch()
                self._own()
            else:
                self._server.await_up()
                if not self._folder.owner():
                    self._own()

    @property
    def running(self) -> bool:
        """True while the server's process lives."""
        return bool(self._server.pid())

    def stop(self) -> None:
        """Stop the node, if it is ours; one that another process started goes on."""
        if not self.ours:
            return
        with self._folder.locked():
            self._server.stop()
            self._server.end_port_mapper()
            self._folder.set_owner(0)
        self._owner = 0
        atexit.unregister(self.stop)

    def kill(self) -> None:
        """Kill -9 of the server, as a crash does; ``restart`` brings it back."""
        self._server.end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop the server if it runs and start it again on the same port, with its data."""
        with self._folder.locked():
            self._server.stop()
            self._server.launch()
            self._own()

    def ensure_vhost(self, name: str) -> None:
        """Make a virtual host where the node's administrator may do everything."""
        vhost, user = binary(name), binary(self._server.node.user)
        self._server.call(f"case rabbit_vhost:exists({vhost}) of true -> ok; false -> rabbit_vhost:add({vhost}, A) end")
        self._server.call(f"rabbit_auth_backend_internal:set_permissions({user}, {vhost}, All, All, All, A)")

    def ensure_user(self, name: str, password: str, vhost: str, configure: str, write: str, read: str) -> None:
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
        user, word = binary(name), binary(password)
        self._server.call(
            f"case rabbit_auth_backend_internal:exists({user}) of"
            f" true -> rabbit_auth_backend_internal:change_password({user}, {word}, A);"
            f" false -> rabbit_auth_backend_internal:add_user({user}, {word}, A) end"
        )
        rights = ", ".join(binary(pattern or "^$") for pattern in (configure, write, read))
        self._server.call(f"rabbit_auth_backend_internal:set_permissions({user}, {binary(vhost)}, {rights}, A)")

    def queues(self, vhost: str) -> list[dict[str, Any]]:
        """Every queue of a virtual host: name, messages_ready, messages_unacknowledged, consumers."""
        items = "name, messages_ready, messages_unacknowledged, consumers"
        # A queue that moves or is down answers with atoms, which JSON would not tell from texts.
        row = "[case P of {name, N} -> {name, element(4, N)}; {K, V} when is_integer(V) -> {K, V};"
        row += " {K, _} -> {K, null} end"
        found: list[dict[str, Any]] = self._server.ask(
            f"[maps:from_list({row} || P <- I]) || I <- rabbit_amqqueue:info_all({binary(vhost)}, [{items}])]"
        )
        return found

    def definitions(self) -> dict[str, Any]:
        """Everything the node holds, as ``rabbitmqctl export_definitions`` writes it."""
        found: dict[str, Any] = self._server.ask("rabbit_definitions:all_definitions()")
        return found

    def control(self, *arguments: str) -> str:
        """Run ``rabbitmqctl`` on this node; returns what it said.

        Raises:
            StartError: it failed.
        """
        return self._server.control(*arguments)

    def delete_vhost(self, name: str) -> None:
        """Delete a virtual host with everything in it, if there is one."""
        vhost = binary(name)
        self._server.call(
            f"case rabbit_vhost:exists({vhost}) of true -> rabbit_vhost:delete({vhost}, A); false -> ok end"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _own(self) -> None:
        self._folder.set_owner(os.getpid())
        if not self.ours:
            atexit.register(self.stop)
        self._owner = os.getpid()


def start_node(folder: Path, *, timeout_s: float = 90) -> BrokerNode:
    """The private node of a folder: found if it runs, otherwise started.

    The process that started it stops it: at ``stop``, at the end of a ``with`` block, or at its own exit.

    Raises:
        StartError: RabbitMQ is not installed, the folder cannot be written, or the node does not come up.
    """
    node = BrokerNode(folder, timeout_s)
    node.start()
    return node
