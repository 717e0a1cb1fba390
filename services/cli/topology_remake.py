"""Makes queues anew for `wenzheng topology remake`; a private node is started for it where none runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from services.chassis.broker import AWAY, connect
from services.chassis.broker_node import start_node
from services.chassis.errors import StartError, Transient
from services.chassis.topology import Subscription, remake, unlike
from services.cli.registry import installed, settings_of
from services.cli.topology import broker_url, private_node, subscriptions_of


def make_anew(queue: str) -> Iterator[tuple[str, int]]:
    """Make one queue anew, or all that are on the broker with other arguments.

    Args:
        queue: its name; empty: all such.

    Yields:
        Name and kept events of each, once it is done.

    Raises:
        StartError: there is no such queue, it is still read, or the broker is away; it may be run again.
    """
    with ExitStack() as stack:
        settings = settings_of(installed()[0])
        folder = settings.data_folder / "broker"
        named = settings.broker_url.get_secret_value()
        if not named and private_node(settings) is None and (folder / "node.json").exists():
            # It stopped with the worker that could not start.
            stack.enter_context(start_node(folder))
        found = False
        for service in installed():
            for subscription in subscriptions_of(service):
                try:
                    for name in _chosen(service, subscription, queue):
                        found = True
                        partitions = settings_of(service).partitions
                        yield name, remake(broker_url(service), subscription, partitions, name)
                except Transient as error:
                    raise StartError(f"{error}; nothing is lost, run it again") from None
        if queue and not found:
            raise StartError(f"no service here has a queue {queue}")


def _chosen(service: str, subscription: Subscription, queue: str) -> list[str]:
    if queue:
        return [queue] if queue == subscription.queue or queue.startswith(f"{subscription.queue}.") else []
    connection = connect(broker_url(service), "wenzheng-remake")
    try:
        return unlike(connection.channel(), subscription, settings_of(service).partitions)
    except AWAY as error:
        raise Transient(f"broker: {type(error).__name__}") from error
    finally:
        connection.release()
