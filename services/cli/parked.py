"""`wenzheng parked`: lists events that could not be handled, sends them back, drops them."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from services.chassis.errors import StartError, Transient
from services.chassis.parked import Parked, Wanted, discard, look, replay
from services.chassis.telemetry import log, set_up_logs
from services.cli.registry import installed, part, settings_of

app = typer.Typer(no_args_is_help=True, help=__doc__)

QueueName = Annotated[str, typer.Argument(help="The queue, for example routing.petitions.")]
Code = Annotated[str, typer.Option(help="Only those that were parked for this reason.")]
EventType = Annotated[str, typer.Option("--type", help="Only events of this type.")]
EventId = Annotated[str, typer.Option("--id", help="Only this event.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
Everything = Annotated[bool, typer.Option("--all", help="All of them.")]


def queues() -> dict[str, str]:
    """Every queue of the installed services, with its service."""
    with warnings.catch_warnings():
        # The services' own modules name eventlet, which announces its retirement.
        warnings.simplefilter("ignore")
        from services.chassis.worker import subscriptions

        return {s.queue: name for name in installed() for s in subscriptions(part(name, "service").Service)}


def broker_url() -> str:
    """The broker's URL: the one that is set, or the private node that runs here.

    Raises:
        StartError: none is set and none runs.
    """
    settings = settings_of(installed()[0])
    if url := settings.broker_url.get_secret_value():
        return url
    from services.chassis.broker_node import BrokerNode

    folder = settings.data_folder / "broker"
    node = BrokerNode(folder) if (folder / "node.json").exists() else None
    if node is None or not node.running:
        raise StartError(f"no broker runs in {settings.data_folder}; name one with WENZHENG_BROKER_URL or start `up`")
    return node.amqp_url


def _wanted(code: str, type_: str, event_id: str, everything: bool) -> Wanted:
    if not (code or type_ or event_id or everything):
        raise StartError("say which: --id, --code, --type or --all")

    def wanted(parked: Parked) -> bool:
        return (
            (not code or parked.code == code)
            and (not type_ or parked.type == type_)
            and (not event_id or parked.event_id == event_id)
        )

    return wanted


def _known(queue: str) -> str:
    if queue not in queues():
        raise StartError(f"there is no queue {queue!r}; there are: {', '.join(queues())}")
    return queue


def _show(rows: list[Parked]) -> None:
    table = Table(header_style="bold")
    for heading in ("queue", "event", "type", "subject", "reason", "detail", "tries", "last failed"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        cells = (row.queue, row.event_id, row.type, row.subject, row.code, row.detail, str(row.attempts))
        table.add_row(*cells, row.last_failed[:19])
    (Console() if sys.stdout.isatty() else Console(width=200)).print(table, markup=False)


@app.command("list")
def list_(queue: Annotated[str, typer.Argument(help="One queue; all when left out.")] = "") -> None:
    """List what is parked and why; nothing is changed."""
    names = [queue] if queue else list(queues())
    rows = [row for name in names for row in _looked(name)]
    if not rows:
        typer.echo("Nothing is parked.")
        return
    _show(rows)
    typer.echo(f"{len(rows)} parked")


@app.command()
def show(queue: QueueName, event_id: Annotated[str, typer.Argument(help="The event's id.")]) -> None:
    """Print one parked event with its body, which may hold what a citizen wrote."""
    found = [row for row in _looked(queue) if row.event_id == event_id]
    if not found:
        raise StartError(f"no event {event_id} is parked in {queue}")
    _show(found)
    typer.echo(found[0].body.decode("utf-8", "replace"))


@app.command("replay")
def replay_(
    queue: QueueName,
    code: Code = "",
    type_: EventType = "",
    event_id: EventId = "",
    everything: Everything = False,
    dry_run: DryRun = False,
) -> None:
    """Send parked events back to their queue, with all their tries before them."""
    wanted = _wanted(code, type_, event_id, everything)
    _change(replay, queue, wanted, dry_run, ("would be sent back", "sent back", "event replayed"))


@app.command("discard")
def discard_(
    queue: QueueName,
    why: Annotated[str, typer.Option(help="The reason, for the log.")],
    code: Code = "",
    type_: EventType = "",
    event_id: EventId = "",
    everything: Everything = False,
    dry_run: DryRun = False,
) -> None:
    """Drop parked events for good; what each was, and why it went, is written to the log."""
    wanted = _wanted(code, type_, event_id, everything)
    _change(discard, queue, wanted, dry_run, ("would be dropped", "dropped", "event discarded"), why=why)


def _change(
    change: Callable[[str, str, Wanted], list[Parked]],
    queue: str,
    wanted: Wanted,
    dry_run: bool,
    words: tuple[str, str, str],
    **more: str,
) -> None:
    """Do something to parked events, or only say what would be done, and keep a line of each in the log."""
    would, done, audit = words
    if dry_run:
        _told(would, [row for row in _looked(queue) if wanted(row)])
        return
    try:
        rows = change(broker_url(), _known(queue), wanted)
    except Transient as error:
        raise StartError(str(error)) from None
    _audit(audit, rows, **more)
    _told(done, rows)


def _looked(queue: str) -> list[Parked]:
    try:
        return look(broker_url(), _known(queue))
    except Transient as error:
        raise StartError(str(error)) from None


def _told(what: str, rows: list[Parked]) -> None:
    if rows:
        _show(rows)
    typer.echo(f"{len(rows)} {what}")


def _audit(what: str, rows: list[Parked], **more: str) -> None:
    settings = settings_of(installed()[0])
    set_up_logs(settings.log_level, settings.log_format)
    for row in rows:
        log("parked").warning(what, queue=row.queue, event_id=row.event_id, type=row.type, code=row.code, **more)
