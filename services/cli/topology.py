"""`wenzheng topology`: the broker's definitions made from the code, and whether a broker is as the code wants it."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from urllib.parse import unquote, urlsplit

import typer

from services.chassis.errors import Exit, StartError
from services.chassis.management import ManagementApi, Manager
from services.chassis.portals import Portal, load_portals
from services.chassis.settings import ServiceSettings
from services.chassis.there import require_folder
from services.chassis.topology import Exchange, Plan, Subscription, exchange_of, planned, planned_portal
from services.chassis.topology.definitions import Member, definitions
from services.chassis.topology.rights import NOTHING, Rights, host_rights, portal_rights, rights_of
from services.cli.registry import installed, part, settings_of

# Before eventlet is loaded with a service's worker: its resolver, which nobody needs here, costs a tenth of the start.
os.environ.setdefault("EVENTLET_NO_GREENDNS", "yes")

app = typer.Typer(
    help="The broker's definitions made from the code; with `check`: whether a broker is as the code wants it."
)


class Account(NamedTuple):
    """Who a service is on the broker, and where."""

    user: str
    password: str
    vhost: str


def subscriptions_of(service: str) -> list[Subscription]:
    """The queues of a service."""
    with warnings.catch_warnings():
        # The services' own modules name eventlet, which announces its retirement.
        warnings.simplefilter("ignore")
        from services.chassis.worker import subscriptions

        return subscriptions(part(service, "service").Service)


def broker_url(service: str = "") -> str:
    """The broker's URL for a service, the first one when none is named: the one set, or the private node that runs.

    Raises:
        StartError: none is set and none runs, or the data folder is not there.
    """
    settings = settings_of(service or installed()[0])
    if url := settings.broker_url.get_secret_value():
        return url
    require_folder(settings.data_folder)
    node = private_node(settings)
    if node is None:
        raise StartError(
            f"no broker runs in {settings.data_folder}; name one with WENZHENG_BROKER_URL or start `up`",
            Exit.BROKER_AWAY,
        )
    url = node.amqp_url
    assert isinstance(url, str)
    return url


def private_node(settings: ServiceSettings) -> Any:
    """The private node of the data folder while it runs and no other broker is named."""
    from services.chassis.broker_node import BrokerNode

    folder = settings.data_folder / "broker"
    if settings.broker_url.get_secret_value() or not (folder / "node.json").exists():
        return None
    node = BrokerNode(folder)
    return node if node.running else None


def manager() -> Manager | None:
    """Who can be asked for what AMQP does not tell; None when there is nobody.

    Raises:
        StartError: the management URL is none.
    """
    settings = settings_of(installed()[0])
    if url := settings.broker_management_url.get_secret_value():
        return ManagementApi(url)
    node: Manager | None = private_node(settings)
    return node


def account(url: str) -> Account:
    """User, password and virtual host of a broker URL."""
    parts = urlsplit(url)
    return Account(unquote(parts.username or ""), unquote(parts.password or ""), unquote(parts.path[1:]) or "/")


def portals_of(service: str) -> dict[str, Portal]:
    """The portals that a service speaks with over AMQP; none when it speaks with none."""
    portals = load_portals(str(getattr(settings_of(service), "portals_file", "") or ""))
    return {name: portal for name, portal in portals.items() if portal.vhost}


def listens_to_portals(service: str) -> bool:
    """Whether a service takes in what portals hand in; otherwise it only answers them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from services.chassis.portal_link import PortalListener
    entrypoints = (getattr(one, "nameko_entrypoints", ()) for one in vars(part(service, "service").Service).values())
    return any(isinstance(one, PortalListener) for found in entrypoints for one in found)


def wanted(
    accounts: dict[str, Account],
    *,
    members: bool,
    max_queue_bytes: int,
    timeout_s: int,
    partitions: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """The definitions that the code wants.

    Args:
        accounts: who each service is on the broker.
        members: with users and their rights.
        max_queue_bytes: longest work queue; 0: no policy.
        timeout_s: how long an event may stay unacknowledged; 0: the broker's own default.
        partitions: numbers of partitions by service, where they are not to be those of the settings.
    """
    from services.contracts.registry import EVENTS

    names = installed()
    sources = sorted({event.source for event in EVENTS})
    vhost = accounts[names[0]].vhost
    subscribed = {name: subscriptions_of(name) for name in names}
    plans = [Plan(tuple(Exchange(exchange_of(source)) for source in sources), (), ())]
    for name in names:
        number = (partitions or {}).get(name) or settings_of(name).partitions
        plans += [planned(one, number) for one in subscribed[name]]
    spoken = {name: portals_of(name) for name in names}
    portals = {one.vhost: one for found in spoken.values() for one in found.values() if one.vhost}
    hosts: dict[str, list[Plan]] = {vhost: plans} | {one: [planned_portal()] for one in portals}
    people = []
    for name in names if members else ():
        rights = {vhost: rights_of(name, subscribed[name], sources, names)}
        rights |= {
            one.vhost: host_rights(listens=listens_to_portals(name)) for one in spoken[name].values() if one.vhost
        }
        people.append(Member(accounts[name].user, accounts[name].password, rights))
    for one in portals.values() if members else ():
        if one.user and one.password:
            people.append(Member(one.user, one.password, {one.vhost or "": portal_rights()}))
    if members:
        people += _watcher(vhost)
    queues = "|".join(one.queue.replace(".", "\\.") for found in subscribed.values() for one in found)
    return definitions(hosts, people, _policies(vhost, queues, max_queue_bytes, timeout_s))


def _watcher(vhost: str) -> list[Member]:
    """The user of the management API: it sees everything and may touch nothing."""
    parts = urlsplit(settings_of(installed()[0]).broker_management_url.get_secret_value())
    if not (parts.username and parts.password):
        return []
    nothing = Rights(NOTHING, NOTHING, NOTHING)
    return [Member(unquote(parts.username), unquote(parts.password), {vhost: nothing}, "monitoring")]


def _policies(vhost: str, queues: str, max_queue_bytes: int, timeout_s: int) -> list[dict[str, Any]]:
    limits = {"max-length-bytes": max_queue_bytes, "consumer-timeout": timeout_s * 1000}
    kept = {name: value for name, value in limits.items() if value}
    pattern = f"^({queues})(\\.[0-9]+)?$"
    policy = {"vhost": vhost, "name": "wenzheng-work", "pattern": pattern, "apply-to": "queues", "priority": 0}
    return [{**policy, "definition": kept}] if kept else []


MaxBytes = Annotated[int, typer.Option(help="Policy: bytes a work queue holds at most; publishers then wait. 0: none.")]
Timeout = Annotated[
    int, typer.Option(help="Policy, from RabbitMQ 3.12: seconds an event may be in a worker's hands. 0: none.")
]
#: What a work queue holds at most unless told otherwise: 4 GiB.
MAX_BYTES = 4 * 1024**3


@app.callback(invoke_without_command=True)
def export(
    context: typer.Context,
    output: Annotated[str, typer.Option(help="File to write, readable by its owner alone; -: standard output.")] = "-",
    max_queue_bytes: MaxBytes = MAX_BYTES,
    consumer_timeout: Timeout = 0,
) -> None:
    """Write the broker's definitions: virtual hosts, a user per service with no more rights than it needs, queues.

    Users and passwords are those of WENZHENG_<SERVICE>_BROKER_URL and of the portals file; only salted hashes of the
    passwords are written. Import the file with `rabbitmqctl import_definitions` or on the management page.
    """
    if context.invoked_subcommand:
        return
    accounts = {}
    for name in installed():
        url = settings_of(name).broker_url.get_secret_value()
        if not url:
            raise StartError(
                f"WENZHENG_{name.upper()}_BROKER_URL is not set: name each service's own user and password, "
                f"amqp://wenzheng-{name}:PASSWORD@host/wenzheng (or …_BROKER_URL_FILE)"
            )
        accounts[name] = account(url)
    if len({one.user for one in accounts.values()}) < len(accounts):
        raise StartError("two services share a broker user; give each its own with WENZHENG_<SERVICE>_BROKER_URL")
    if len({one.vhost for one in accounts.values()}) > 1:
        raise StartError("the services must share one virtual host: the path of WENZHENG_<SERVICE>_BROKER_URL")
    made = wanted(accounts, members=True, max_queue_bytes=max_queue_bytes, timeout_s=consumer_timeout)
    text = json.dumps(made, ensure_ascii=False, indent=1) + "\n"
    if output == "-":
        sys.stdout.write(text)
        return
    try:
        handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise StartError(f"{output} cannot be written: {error.strerror}") from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    counts = ", ".join(f"{len(made[name])} {name.replace('_', ' ')}" for name in made)
    typer.echo(f"{Path(output)}: {counts}", err=True)


@app.command()
def check(max_queue_bytes: MaxBytes = MAX_BYTES, consumer_timeout: Timeout = 0) -> None:
    """Compare the broker with the code. Exit code 0: nothing differs, 1: something does, more: it cannot be told."""
    from services.cli.topology_check import look

    raise typer.Exit(look(max_queue_bytes, consumer_timeout))


@app.command()
def remake(
    queue: Annotated[str, typer.Argument(help="The queue; all that differ when left out.")] = "",
) -> None:
    """Make queues anew with today's arguments; what is in them is kept. Their services' workers must be stopped."""
    from services.cli.topology_remake import make_anew

    nothing = True
    for name, kept in make_anew(queue):
        nothing = False
        typer.echo(f"{name} is made anew; {kept} events kept")
    if nothing:
        typer.echo("No queue has other arguments than this release wants; nothing was done.")
