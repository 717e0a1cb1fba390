"""`wenzheng unroutable`: events of the outboxes that the broker has no queue for: lists, tries again, drops them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import ColumnElement, delete, select, update

from services.chassis.clock import SystemClock
from services.chassis.delivery import outbox
from services.chassis.errors import StartError
from services.chassis.house import House, open_house
from services.chassis.topology import exchange_of
from services.cli.audit import Audit
from services.cli.choosing import (
    AsJson,
    Choice,
    DryRun,
    EventId,
    EventType,
    Everything,
    Limit,
    Since,
    Subject,
    Until,
    Why,
    moment,
)
from services.cli.printable import printable
from services.cli.registry import installed, settings_of

app = typer.Typer(
    no_args_is_help=True, help="Events the broker has no queue for: list them, try them again, drop them."
)

ServiceName = Annotated[str, typer.Option("--service", help="One service's outbox; all when left out.")]
#: Rows in one transaction.
ROUND = 500
COLUMNS = (
    *(outbox.c.position, outbox.c.id, outbox.c.type, outbox.c.source, outbox.c.subject, outbox.c.routing_key),
    *(outbox.c.time, outbox.c.attempts, outbox.c.confidential),
)


def _names(service: str) -> tuple[str, ...]:
    if service and service not in installed():
        raise StartError(f"there is no service {service!r} here; there are: {', '.join(installed())}")
    return (service,) if service else installed()


@contextmanager
def _house(service: str) -> Iterator[House[Any]]:
    house = open_house(service, settings_of(service))
    try:
        yield house
    finally:
        house.database.close()


def _where(choice: Choice) -> list[ColumnElement[bool]]:
    found = [outbox.c.published_at.is_(None), outbox.c.problem == "unroutable"]
    for column, value in ((outbox.c.id, choice.event_id), (outbox.c.type, choice.type)):
        if value:
            found.append(column == value)
    if choice.subject:
        found.append(outbox.c.subject == choice.subject)
    now = SystemClock().now()
    since, until = moment(choice.since, now), moment(choice.until, now)
    if since is not None:
        found.append(outbox.c.time >= since)
    if until is not None:
        found.append(outbox.c.time < until)
    return found


def _pages(house: House[Any], where: list[ColumnElement[bool]]) -> Iterator[list[Any]]:
    """The rows, the oldest first, a round at a time."""
    after = 0
    while True:
        query = select(*COLUMNS).where(*where, outbox.c.position > after).order_by(outbox.c.position).limit(ROUND)
        with house.database.read() as session:
            rows = list(session.execute(query).all())
        if not rows:
            return
        yield rows
        after = rows[-1].position


def _show(rows: list[tuple[str, Any]]) -> None:
    table = Table(header_style="bold")
    for heading in ("service", "event", "type", "subject", "exchange and key", "time (UTC)"):
        table.add_column(heading, overflow="fold")
    table.add_column("tries", justify="right")
    for service, row in rows:
        way = f"{exchange_of(row.source)} {row.routing_key}"
        cells = (service, row.id, row.type, row.subject, way, f"{row.time:%Y-%m-%d %H:%M:%S}", str(row.attempts))
        table.add_row(*map(printable, cells))
    (Console() if sys.stdout.isatty() else Console(width=200)).print(table, markup=False)


@app.command("list")
def list_(
    service: ServiceName = "",
    type_: EventType = "",
    event_id: EventId = "",
    subject: Subject = "",
    since: Since = "",
    until: Until = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List events that no queue is bound for; the relay tries each again every minute."""
    where = _where(Choice(event_id, type_, subject, "", since, until))
    shown: list[tuple[str, Any]] = []
    total = 0
    for name in _names(service):
        with _house(name) as house:
            for page in _pages(house, where):
                total += len(page)
                if as_json:
                    for row in page:
                        typer.echo(json.dumps(_entry(name, row), ensure_ascii=False))
                else:
                    shown += [(name, row) for row in page[: max(limit - len(shown), 0)]]
    if as_json:
        return
    if not total:
        typer.echo("Nothing is unroutable.")
        return
    _show(shown)
    typer.echo(f"{total} unroutable" + (f", {len(shown)} shown" if total > len(shown) else ""))
    typer.echo("Start the worker that should listen, or look for its binding with `wenzheng topology check`.")


@app.command()
def show(event_id: Annotated[str, typer.Argument(help="The event's id.")]) -> None:
    """Print one event with its body, which may hold what a citizen wrote; a confidential one without."""
    for name in installed():
        with _house(name) as house, house.database.read() as session:
            row = session.execute(
                select(*COLUMNS, outbox.c.body).where(*_where(Choice(event_id=event_id)))
            ).one_or_none()
        if row is not None:
            _show([(name, row)])
            typer.echo("(confidential: not shown)" if row.confidential else row.body.decode("utf-8", "replace"))
            return
    raise StartError(f"no event {event_id} is unroutable")


@app.command()
def retry(
    service: ServiceName = "",
    type_: EventType = "",
    event_id: EventId = "",
    subject: Subject = "",
    since: Since = "",
    until: Until = "",
    everything: Everything = False,
    dry_run: DryRun = False,
    why: Why = "",
) -> None:
    """Have the relay publish them again at once, instead of with its next try."""
    choice = Choice(event_id, type_, subject, "", since, until)
    choice.require(everything)
    _change(choice, service, dry_run, ("would be tried again", "will be tried again", "event tried again"), why)


@app.command()
def discard(
    why: Why,
    service: ServiceName = "",
    type_: EventType = "",
    event_id: EventId = "",
    subject: Subject = "",
    since: Since = "",
    until: Until = "",
    everything: Everything = False,
    dry_run: DryRun = False,
) -> None:
    """Take them out of the outbox for good; which, who and why is written down first."""
    choice = Choice(event_id, type_, subject, "", since, until)
    choice.require(everything)
    _change(choice, service, dry_run, ("would be dropped", "dropped", "unroutable event discarded"), why)


def _change(choice: Choice, service: str, dry_run: bool, words: tuple[str, str, str], why: str) -> None:
    would, done, what = words
    where, total = _where(choice), 0
    audit = None if dry_run else Audit(what, why)
    for name in _names(service):
        with _house(name) as house:
            for page in _pages(house, where):
                total += len(page)
                if audit is None:
                    continue
                audit.write(_entry(name, row) for row in page)
                these = outbox.c.position.in_([row.position for row in page])
                with house.database.write() as session:
                    if "discarded" in what:
                        session.execute(delete(outbox).where(these, *where[:2]))
                    else:
                        # Due since a moment ago: a clock that runs behind must not make it wait.
                        then = house.clock.now() - timedelta(seconds=1)
                        session.execute(update(outbox).where(these, *where[:2]).values(next_try=then, attempts=0))
    typer.echo(f"{total} {would if audit is None else done}")
    if audit is not None:
        audit.close()
        if total:
            typer.echo(f"each is written down in {audit.path}", err=True)


def _entry(service: str, row: Any) -> dict[str, str]:
    """What is written down of an event: which, never what is in it."""
    way = f"{exchange_of(row.source)} {row.routing_key}"
    return {"service": service, "event_id": row.id, "type": row.type, "subject": row.subject, "way": way}
