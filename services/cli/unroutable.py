"""`wenzheng unroutable`: events of the outboxes that the broker has no queue for: lists, tries again, drops them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Annotated, Any

import typer
from sqlalchemy import ColumnElement, delete, func, select, update

from services.chassis.clock import SystemClock
from services.chassis.delivery import outbox
from services.chassis.errors import StartError
from services.chassis.house import House
from services.chassis.topology import exchange_of
from services.cli.at_hand import AtHand
from services.cli.audit import Audit
from services.cli.choosing import AsJson, Choice, DryRun, EventId, Everything, Limit, Why, choosing, moment
from services.cli.listing import show as show_rows
from services.cli.printable import printable
from services.cli.registry import installed

app = typer.Typer(
    no_args_is_help=True, help="Events the broker has no queue for: list them, try them again, drop them."
)

#: The broker gives no reason here but one.
filtered = partial(choosing, without={"code"})
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
def _at_hand(service: str) -> Iterator[AtHand]:
    """The databases to look into; those that are not at hand are named at the end.

    Raises:
        StartError: none of them is.
    """
    at_hand = AtHand(_names(service))
    try:
        yield at_hand
        at_hand.require_any()
        for line in at_hand.away():
            typer.echo(line, err=True)
    finally:
        at_hand.close()


def _where(choice: Choice) -> list[ColumnElement[bool]]:
    found = [outbox.c.published_at.is_(None), outbox.c.problem == "unroutable"]
    if choice.event_id:
        by_id = outbox.c.id
        found.append(by_id == choice.event_id if choice.whole else by_id.startswith(choice.event_id, autoescape=True))
    if choice.type:
        found.append(outbox.c.type == choice.type)
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


def _ids(house: House[Any], choice: Choice) -> list[str]:
    """Ids that are, or begin with, the one asked for."""
    with house.database.read() as session:
        return list(session.scalars(select(outbox.c.id).where(*_where(choice)).limit(ROUND)))


def _settled(at_hand: AtHand, choice: Choice) -> Choice:
    """The choice with a whole id.

    Raises:
        StartError: no id or several are meant, or no database is at hand.
    """
    found = [at_hand.ask(name, partial(_ids, choice=choice)) or [] for name in at_hand.names]
    at_hand.require_any()
    return choice.settled(one for ids in found for one in ids)


def _show(rows: list[tuple[str, Any]]) -> None:
    headings = ("event", "service", "type", "subject", "exchange and key", "time (UTC)", "tries")
    cells = (
        (row.id, name, row.type, row.subject, _way(row), f"{row.time:%Y-%m-%d %H:%M:%S}", str(row.attempts))
        for name, row in rows
    )
    show_rows(headings, cells, right=("tries",))


@app.command("list")
@filtered
def list_(choice: Choice, service: ServiceName = "", limit: Limit = 50, as_json: AsJson = False) -> None:
    """List events that no queue is bound for; the relay tries each again every minute."""
    where = _where(choice)
    shown: list[tuple[str, Any]] = []

    def looked(house: House[Any]) -> int:
        number = 0
        for page in _pages(house, where):
            number += len(page)
            if as_json:
                for row in page:
                    typer.echo(json.dumps(_entry(house.service, row), ensure_ascii=False))
            else:
                shown.extend((house.service, row) for row in page[: max(limit - len(shown), 0)])
        return number

    with _at_hand(service) as at_hand:
        total = sum(at_hand.ask(name, looked) or 0 for name in at_hand.names)
    if as_json:
        return
    if not total:
        typer.echo("Nothing is unroutable.")
        return
    _show(shown)
    typer.echo(f"{total} unroutable" + (f", {len(shown)} shown" if total > len(shown) else ""))
    typer.echo("Start the worker that should listen, or look for its binding with `wenzheng topology check`.")


@app.command()
def show(event_id: EventId) -> None:
    """Print one event with its body, which may hold what a citizen wrote; a confidential one without."""
    with _at_hand("") as at_hand:
        where = _where(_settled(at_hand, Choice(event_id)))

        def read(house: House[Any]) -> Any:
            with house.database.read() as session:
                return session.execute(select(*COLUMNS, outbox.c.body).where(*where)).one_or_none()

        rows = [(name, row) for name in at_hand.names if (row := at_hand.ask(name, read)) is not None]
    for name, row in rows:
        _show([(name, row)])
        body = "(confidential: not shown)" if row.confidential else row.body.decode("utf-8", "replace")
        typer.echo(printable(body) if sys.stdout.isatty() else body)


@app.command()
@filtered
def retry(
    choice: Choice,
    service: ServiceName = "",
    everything: Everything = False,
    dry_run: DryRun = False,
    why: Why = "",
) -> None:
    """Have the relay publish them again at once, instead of with its next try."""
    choice.require(everything)
    _change(choice, service, dry_run, ("would be tried again", "will be tried again", "event tried again"), why)


@app.command()
@filtered
def discard(
    choice: Choice,
    why: Why,
    service: ServiceName = "",
    everything: Everything = False,
    dry_run: DryRun = False,
) -> None:
    """Take them out of the outbox for good; which, who and why is written down first."""
    choice.require(everything)
    _change(choice, service, dry_run, ("would be dropped", "dropped", "unroutable event discarded"), why)


def _change(choice: Choice, service: str, dry_run: bool, words: tuple[str, str, str], why: str) -> None:
    would, done, what = words
    with _at_hand(service) as at_hand:
        if choice.event_id:
            choice = _settled(at_hand, choice)
        where = _where(choice)
        numbers = {name: at_hand.ask(name, partial(_number, where=where)) for name in at_hand.names}
        # Before anything is written: an audit file in a mistyped folder would be the folder's first.
        at_hand.require_any()
        if dry_run:
            total = sum(number or 0 for number in numbers.values())
        else:
            audit = Audit(what, why)
            try:
                # A database that goes away from here on ends the command: what was done is in the audit file.
                total = sum(_changed(at_hand.house(name), where, audit, what) for name in numbers if numbers[name])
            finally:
                audit.close()
    typer.echo(f"{total} {would if dry_run else done}")
    if total and not dry_run:
        typer.echo(f"each is written down in {audit.path}", err=True)


def _number(house: House[Any], where: list[ColumnElement[bool]]) -> int:
    with house.database.read() as session:
        return session.scalar(select(func.count()).select_from(outbox).where(*where)) or 0


def _changed(house: House[Any], where: list[ColumnElement[bool]], audit: Audit, what: str) -> int:
    """Write down and change one service's rows; returns how many."""
    number = 0
    for page in _pages(house, where):
        number += len(page)
        audit.write(_entry(house.service, row) for row in page)
        these = outbox.c.position.in_([row.position for row in page])
        with house.database.write() as session:
            if "discarded" in what:
                session.execute(delete(outbox).where(these, *where[:2]))
            else:
                # Overdue before all others: the relay takes what is longest overdue first, some at a time.
                then = house.clock.now() - timedelta(days=3650)
                session.execute(update(outbox).where(these, *where[:2]).values(next_try=then, attempts=0))
    return number


def _way(row: Any) -> str:
    return f"{exchange_of(row.source)} {row.routing_key}"


def _entry(service: str, row: Any) -> dict[str, str]:
    """What is written down of an event: which, never what is in it."""
    return {"service": service, "event_id": row.id, "type": row.type, "subject": row.subject, "way": _way(row)}
