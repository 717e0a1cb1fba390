"""A private RabbitMQ node that a test may stop, kill and fill: for the fault tests, which know nothing of our code."""

from __future__ import annotations

from pathlib import Path

import psutil

from services.chassis.broker_node import BrokerNode, start_node


class Broker:
    """One node of its own, with everything that a fault does to it.

    Args:
        folder: the node's folder; made.
    """

    def __init__(self, folder: Path) -> None:
        self._node: BrokerNode = start_node(folder)

    @property
    def folder(self) -> Path:
        """Where it keeps its data and log."""
        return self._node.folder

    @property
    def port(self) -> int:
        """Its AMQP port."""
        return self._node.port

    def url(self, vhost: str, user: str = "", password: str = "") -> str:
        """URL of a virtual host, for the administrator or for a user made with ``user``."""
        return self._node.url_of(vhost, user, password)

    def vhost(self, name: str) -> str:
        """Make a virtual host; its URL for the administrator."""
        self._node.ensure_vhost(name)
        return self._node.url_of(name)

    def drop_vhost(self, name: str) -> None:
        """Delete a virtual host with everything in it."""
        self._node.delete_vhost(name)

    def user(self, name: str, password: str, vhost: str, write: str, read: str) -> None:
        """Make a user that may publish to and read from what the two regular expressions name."""
        self._node.ensure_user(name, password, vhost, configure="", write=write, read=read)

    def stop(self) -> None:
        """An orderly stop."""
        self._node.stop()

    def kill(self) -> None:
        """Kill -9 of the server."""
        self._node.kill()

    def start(self) -> None:
        """Start it again with its data, on the same port; nothing happens when it runs."""
        self._node.start()

    def ask_disk_for(self, size: str) -> None:
        """Raise or lower the disk space that must be free (``50MB``): above what is free, the disk alarm goes off."""
        self._node._server.call(f'rabbit_disk_monitor:set_disk_free_limit("{size}")')

    def memory(self) -> int:
        """Resident memory of the server (bytes)."""
        return int(psutil.Process(self._node.pid).memory_info().rss)
