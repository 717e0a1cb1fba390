"""`wenzheng parked`: lists events that could not be handled, sends them back, drops them."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from services.chassis.clock import SystemClock
from services.chassis.errors import StartError, Transient
from services.chassis.parked import Parked, Seen, Shelf, Wanted, WriteDown, discard, look, replay
from services.chassis.portals import FILED, vhost_url
from services.cli.audit import Audit
from services.cli.choosing import (
    AsJson,
    Choice,
    Code,
    DryRun,
    EventId,
    EventType,
    Everything,
    Limit,
    Since,
    Subject,
    Until,
    Why,
)
from services.cli.printable import printable
from services.cli.registry import installed
from services.cli.topology import broker_url, listens_to_portals, portals_of, subscriptions_of

app = typer.Typer(no_args_is_help=True, help="Events that could not be handled: list them, send them back, drop them.")

QueueName = Annotated[
    str, typer.Argument(help="The queue, for example routing.petitions; filed@PORTAL for what a portal handed in.")
]


def shelves() -> dict[str, Shelf]:
    """Every place where events are parked: of each installed service, of each portal it listens to."""
    found: dict[str, Shelf] = {}
    for service in installed():
        url = broker_url(service)
        found |= {one.queue: Shelf(one.queue, url, one.queue) for one in subscriptions_of(service)}
        for portal in portals_of(service).values() if listens_to_portals(service) else ():
            name = f"{FILED}@{portal.id}"
            found[name] = Shelf(name, vhost_url(url, portal.vhost or ""), FILED)
    return found


def _shelf(queue: str) -> Shelf:
    every = shelves()
    if queue not in every:
        raise StartError(f"there is no queue {queue!r}; there are: {', '.join(every)}")
    return every[queue]


def _wanted(choice: Choice) -> Wanted:
    chosen = choice.test(SystemClock().now())
    return lambda one: chosen(one.event_id, one.type, one.subject, one.code, one.last_failed)


@contextmanager
def _progress(what: str) -> Iterator[Seen]:
    """A bar on the terminal's error side; nothing where nobody looks."""
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(what, total=None)
        yield lambda total: bar.update(task, total=total, advance=1)


def _looked(shelf: Shelf, wanted: Wanted, *, bodies: bool = False) -> list[Parked]:
    try:
        with _progress(f"reading {shelf.name}") as seen:
            return look(shelf, wanted, seen, bodies=bodies)
    except Transient as error:
        raise StartError(f"the broker cannot be reached ({error})") from None


def _show(rows: list[Parked], limit: int) -> None:
    table = Table(header_style="bold")
    for heading in ("queue", "event", "type", "subject", "reason", "detail"):
        table.add_column(heading, overflow="fold")
    table.add_column("tries", justify="right")
    table.add_column("last failed (UTC)", overflow="fold")
    for row in rows[:limit]:
        cells = (row.queue, row.event_id, row.type, row.subject, row.code, row.detail, str(row.attempts))
        table.add_row(*map(printable, (*cells, row.last_failed[:19].replace("T", " "))))
    (Console() if sys.stdout.isatty() else Console(width=200)).print(table, markup=False)
    if len(rows) > limit:
        typer.echo(f"… and {len(rows) - limit} more; --limit shows more, filters choose")


@app.command("list")
def list_(
    queue: Annotated[str, typer.Argument(help="One queue; all when left out.")] = "",
    code: Code = "",
    type_: EventType = "",
    event_id: EventId = "",
    subject: Subject = "",
    since: Since = "",
    until: Until = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List what is parked and why; nothing is changed."""
    wanted = _wanted(Choice(event_id, type_, subject, code, since, until))
    places = [_shelf(queue)] if queue else list(shelves().values())
    rows = [row for shelf in places for row in _looked(shelf, wanted)]
    if as_json:
        for row in rows:
            typer.echo(json.dumps({k: v for k, v in asdict(row).items() if k != "body"}, ensure_ascii=False))
        return
    if not rows:
        typer.echo("Nothing is parked.")
        return
    _show(rows, limit)
    for (name, reason), number in Counter((row.queue, row.code) for row in rows).most_common():
        typer.echo(f"{number:>8} {name} {reason}")
    typer.echo(f"{len(rows)} parked")


@app.command()
def show(queue: QueueName, event_id: Annotated[str, typer.Argument(help="The event's id.")]) -> None:
    """Print one parked event with its body, which may hold what a citizen wrote."""
    found = _looked(_shelf(queue), lambda one: one.event_id == event_id, bodies=True)
    if not found:
        raise StartError(f"no event {event_id} is parked in {queue}")
    _show(found, len(found))
    body = found[0].body.decode("utf-8", "replace")
    typer.echo(printable(body) if sys.stdout.isatty() else body)


@app.command("replay")
def replay_(
    queue: QueueName,
    code: Code = "",
    type_: EventType = "",
    event_id: EventId = "",
    subject: Subject = "",
    since: Since = "",
    until: Until = "",
    everything: Everything = False,
    dry_run: DryRun = False,
    why: Why = "",
) -> None:
    """Send parked events back to their queue, with all their tries before them; a filter or --all says which."""
    choice = Choice(event_id, type_, subject, code, since, until)
    choice.require(everything)
    _change(replay, queue, choice, dry_run, ("would be sent back", "sent back", "event replayed"), why)


@app.command("discard")
def discard_(
    queue: QueueName,
    why: Why,
    code: Code = "",
    type_: EventType = "",
    event_id: EventId = "",
    subject: Subject = "",
    since: Since = "",
    until: Until = "",
    everything: Everything = False,
    dry_run: DryRun = False,
) -> None:
    """Drop parked events for good; what each was, who dropped it and why, is written down first."""
    choice = Choice(event_id, type_, subject, code, since, until)
    choice.require(everything)
    _change(discard, queue, choice, dry_run, ("would be dropped", "dropped", "event discarded"), why)


def _change(
    change: Callable[[Shelf, Wanted, WriteDown, Seen], int],
    queue: str,
    choice: Choice,
    dry_run: bool,
    words: tuple[str, str, str],
    why: str,
) -> None:
    """Do something to parked events, or only say what would be done."""
    would, done, what = words
    shelf, wanted = _shelf(queue), _wanted(choice)
    if dry_run:
        rows = _looked(shelf, wanted)
        if rows:
            _show(rows, 50)
        typer.echo(f"{len(rows)} {would}")
        return
    audit = Audit(what, why)
    try:
        with _progress(f"{shelf.name}: {what}") as seen:
            number = change(shelf, wanted, lambda rows: audit.write(map(_entry, rows)), seen)
    except Transient as error:
        raise StartError(f"{error}; what was not settled stays parked, run it again") from None
    finally:
        audit.close()
    typer.echo(f"{number} {done}")
    if number:
        typer.echo(f"each is written down in {audit.path}", err=True)


def _entry(row: Parked) -> dict[str, str]:
    """What is written down of an event: which, never what is in it."""
    return {"queue": row.queue, "event_id": row.event_id, "type": row.type, "subject": row.subject, "code": row.code}
