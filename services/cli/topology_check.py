"""Compares the broker with the code for `wenzheng topology check`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import typer

from services.chassis.broker import AWAY, connect, release
from services.chassis.errors import Exit, StartError, Transient
from services.chassis.portals import vhost_url
from services.chassis.topology import there
from services.chassis.topology.definitions import differences
from services.cli.partitions import mismatches, partitions_there
from services.cli.registry import installed, settings_of
from services.cli.topology import Account, account, broker_url, manager, private_node, subscriptions_of, wanted


def look(max_queue_bytes: int, timeout_s: int) -> int:
    """Print what differs.

    Returns:
        0 when nothing does, 1 otherwise.

    Raises:
        StartError: the broker cannot be asked.
    """
    names = installed()
    accounts = {name: account(broker_url(name)) for name in names}
    # A private node has one user who may do everything, and no limits: its disk alarm holds publishers up.
    private = private_node(settings_of(names[0])) is not None
    apart = len({one.user for one in accounts.values()}) == len(names) > 1
    asked = manager()
    try:
        told = None if asked is None else asked.definitions()
        numbers = _partitions_there(accounts, told)
        should = wanted(
            accounts,
            members=apart,
            max_queue_bytes=0 if private else max_queue_bytes,
            timeout_s=0 if private else timeout_s,
            # By its own number: one line says that it is another, and the rest is compared all the same.
            partitions={name: number for name, number in numbers.items() if number is not None},
        )
        found = _seen(should) if told is None else told
    except Transient as error:
        raise StartError(f"the broker cannot be asked ({error})", Exit.BROKER_AWAY) from None
    if not apart:
        found = {name: found[name] for name in found if name not in ("users", "permissions", "topic_permissions")}
    lines = mismatches({name: settings_of(name).partitions for name in names}, numbers)
    lines += differences(should, found, ("wz.", *(f"{name}." for name in names)))
    for line in lines:
        typer.echo(line)
    unseen = [name.replace("_", " ") for name in should if name not in found]
    if asked is None:
        typer.echo("Only names were compared: arguments and bindings need WENZHENG_BROKER_MANAGEMENT_URL.", err=True)
    elif apart and unseen:
        typer.echo(f"Not compared, this user may not see them: {', '.join(unseen)}.", err=True)
    if not lines:
        typer.echo("The broker is as the code wants it.")
    return 1 if lines else 0


def _partitions_there(accounts: Mapping[str, Account], told: dict[str, Any] | None) -> dict[str, int | None]:
    """The number of partitions that each service has on the broker; None where it cannot be told."""
    if told is None:
        return _asked_partitions(accounts)
    at = {(entry.get("vhost"), entry["name"]) for entry in told.get("queues", ())}
    found = {}
    for name, one in accounts.items():
        here = {queue for vhost, queue in at if vhost == one.vhost}
        found[name] = _partitions(name, here.__contains__)
    return found


def _asked_partitions(accounts: Mapping[str, Account]) -> dict[str, int | None]:
    """The same by AMQP alone."""
    found: dict[str, int | None] = {}
    for name in accounts:
        connection = connect(broker_url(name), "wenzheng-topology")
        try:
            found[name] = _partitions(name, partial(there, connection.channel(), "queue"))
        except AWAY as error:
            raise Transient(f"broker: {type(error).__name__}") from error
        finally:
            release(connection)
    return found


def _partitions(service: str, exists: Callable[[str], bool]) -> int | None:
    return partitions_there([one.queue for one in subscriptions_of(service)], exists)


def _seen(should: dict[str, Any]) -> dict[str, Any]:
    """Which exchanges and queues are there, by AMQP alone."""
    url = broker_url()
    found: dict[str, list[dict[str, str]]] = {"exchanges": [], "queues": []}
    for vhost in (entry["name"] for entry in should["vhosts"]):
        connection = connect(vhost_url(url, vhost), "wenzheng-topology")
        try:
            channel = connection.channel()
            for section, kind in (("exchanges", "exchange"), ("queues", "queue")):
                for entry in should[section]:
                    if entry["vhost"] == vhost and there(channel, kind, entry["name"]):
                        found[section].append({"vhost": vhost, "name": entry["name"]})
        except AWAY as error:
            raise Transient(f"broker: {type(error).__name__}") from error
        finally:
            release(connection)
    return found
