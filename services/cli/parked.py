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

from services.chassis.clock import SystemClock
from services.chassis.errors import StartError, Transient
from services.chassis.parked import Parked, Seen, Shelf, Wanted, WriteDown, discard, look, replay
from services.chassis.portals import FILED, vhost_url
from services.cli.audit import Audit
from services.cli.choosing import AsJson, Choice, DryRun, EventId, Everything, Limit, Why, choosing
from services.cli.listing import show as show_rows
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
    headings = ("event", "queue", "type", "subject", "reason", "detail", "tries", "last failed (UTC)")
    cells = (
        (one.event_id, one.queue, one.type, one.subject, one.code, one.detail, str(one.attempts), _second(one))
        for one in rows[:limit]
    )
    show_rows(headings, cells, right=("tries",))
    if len(rows) > limit:
        typer.echo(f"… and {len(rows) - limit} more; --limit shows more, filters choose")


def _second(one: Parked) -> str:
    return one.last_failed[:19].replace("T", " ")


@app.command("list")
@choosing
def list_(
    choice: Choice,
    queue: Annotated[str, typer.Argument(help="One queue; all when left out.")] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List what is parked and why; nothing is changed."""
    wanted = _wanted(choice)
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
def show(queue: QueueName, event_id: EventId) -> None:
    """Print one parked event with its body, which may hold what a citizen wrote."""
    choice = Choice(event_id)
    found = _looked(_shelf(queue), _wanted(choice), bodies=True)
    found = list(filter(_wanted(choice.settled(one.event_id for one in found)), found))
    _show(found, len(found))
    body = found[0].body.decode("utf-8", "replace")
    typer.echo(printable(body) if sys.stdout.isatty() else body)


@app.command("replay")
@choosing
def replay_(
    choice: Choice, queue: QueueName, everything: Everything = False, dry_run: DryRun = False, why: Why = ""
) -> None:
    """Send parked events back to their queue, with all their tries before them; a filter or --all says which."""
    choice.require(everything)
    _change(replay, queue, choice, dry_run, ("would be sent back", "sent back", "event replayed"), why)


@app.command("discard")
@choosing
def discard_(
    choice: Choice, queue: QueueName, why: Why, everything: Everything = False, dry_run: DryRun = False
) -> None:
    """Drop parked events for good; what each was, who dropped it and why, is written down first."""
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
    shelf = _shelf(queue)
    if choice.event_id:
        choice = choice.settled(one.event_id for one in _looked(shelf, _wanted(choice)))
    wanted = _wanted(choice)
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
