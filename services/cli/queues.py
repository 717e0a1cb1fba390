"""`wenzheng queues`: what waits where – in queues, on the retry ladder, parked, in outboxes and at senders."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import typer
from rich.columns import Columns
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from services.chassis.errors import Exit, StartError, Transient
from services.cli.at_hand import AtHand
from services.cli.counting import Counter, Depth, Sending, backlog, sendings
from services.cli.registry import installed

#: Between two looks (s).
EVERY_S = 2.0
#: Older than this is worth a look: an event in a queue, a row in an outbox (s).
SLOW_S = 60.0
#: Slim, so that 80 columns hold it.
LOOK: dict[str, Any] = {"title_justify": "left", "title_style": "bold", "box": None, "padding": (0, 1, 0, 0)}
#: Lines beside the queues.
OTHER_LINES = 12
BAD, WARN, QUIET = "bold red", "yellow", "dim"


def show(follow: bool, as_json: bool, found: Callable[[], None] = lambda: None) -> None:
    """Print the tables once, or keep them up to date until Ctrl-C.

    Args:
        follow: keep them up to date.
        as_json: one JSON object instead.
        found: called before the first of it is printed.

    Raises:
        StartError: the broker cannot be reached at the first look; later looks say so and go on.
    """
    at_hand = AtHand(installed())
    console = Console() if sys.stdout.isatty() else Console(width=120)
    try:
        counter = Counter(at_hand)
        if as_json:
            text = json.dumps(_all(counter, at_hand), ensure_ascii=False, default=str)
            found()
            typer.echo(text)
            return
        tables = _tables(counter, at_hand, console.height - OTHER_LINES if follow else 1000)
        found()
        if not follow:
            console.print(tables)
            return
        with Live(tables, console=console, auto_refresh=False, screen=console.is_terminal) as live:
            while True:
                time.sleep(EVERY_S)
                at_hand.look_again()
                live.update(_tables_or_why(counter, at_hand, console.height - OTHER_LINES), refresh=True)
    except Transient as error:
        raise StartError(
            f"the broker cannot be reached ({error}); events wait in the outboxes and go on when it is back",
            Exit.BROKER_AWAY,
        ) from None
    except KeyboardInterrupt:
        return
    finally:
        at_hand.close()


def _all(counter: Counter, at_hand: AtHand) -> dict[str, Any]:
    depths = counter.depths()
    outboxes = [found for name in at_hand.names if (found := at_hand.ask(name, backlog))]
    senders = [row for name in at_hand.names for row in at_hand.ask(name, sendings) or ()]
    return {
        "queues": [asdict(row) for row in depths],
        "outboxes": [asdict(row) for row in outboxes],
        "senders": [asdict(row) for row in senders],
        "hints": [*counter.hints, *counter.warnings, *at_hand.away()],
    }


def _tables_or_why(counter: Counter, at_hand: AtHand, room: int) -> Group:
    try:
        return _tables(counter, at_hand, room)
    except (Transient, StartError) as error:
        away = Text(f"The broker is away ({error}). Events wait in the outboxes and go on when it is back.", style=BAD)
        return Group(away, Text(), _own_tables(at_hand), *_notes(at_hand.away(), WARN))


def _tables(counter: Counter, at_hand: AtHand, room: int) -> Group:
    depths = counter.depths()
    # Last, since it tells who is away.
    own = _own_tables(at_hand)
    notes = [*_notes(counter.hints, QUIET), *_notes([*counter.warnings, *at_hand.away()], WARN)]
    return Group(_queue_table(depths, room), *notes, Text(), own)


def _notes(lines: list[str], style: str) -> list[Text]:
    return [Text(f"– {line}", style=style) for line in lines]


def _queue_table(depths: list[Depth], room: int) -> Table:
    table = Table(title="Queues", header_style="underline", **LOOK)
    table.add_column("queue", no_wrap=True)
    for heading in ("ready", "unacked", "retry", "parked", "oldest", "rate/s", "workers"):
        table.add_column(heading, justify="right", no_wrap=True)
    shown = [row for row in depths if len(depths) <= room or not _quiet(row)]
    for row in shown:
        table.add_row(
            Text(row.queue, style=QUIET if row.ready is None else ""),
            _number(row.ready),
            _number(row.unacked),
            _number(row.retry, WARN),
            _number(row.parked, BAD),
            _age(row.oldest_s, at_least=row.oldest_at_least),
            Text("–" if row.rate is None else f"{row.rate:.1f}", style=QUIET if not row.rate else ""),
            # Nobody listens: red where something waits, and a hint of it anyway.
            Text("–" if row.consumers is None else str(row.consumers), style=_listening(row)),
        )
    if len(shown) < len(depths):
        table.add_row(Text(f"and {len(depths) - len(shown)} where nothing waits", style=QUIET))
    return table


def _quiet(row: Depth) -> bool:
    return not (row.ready or row.unacked or row.retry or row.parked or row.rate) and row.consumers != 0


def _listening(row: Depth) -> str:
    if row.consumers is None:
        return QUIET
    if row.consumers:
        return ""
    return BAD if row.ready else WARN


def _own_tables(at_hand: AtHand) -> Columns:
    out = Table(title="Outboxes", header_style="underline", **LOOK)
    out.add_column("service", no_wrap=True)
    for heading in ("unpublished", "oldest", "refused", "unroutable"):
        out.add_column(heading, justify="right", no_wrap=True)
    senders = Table(title="Senders", header_style="underline", **LOOK)
    senders.add_column("service", no_wrap=True)
    senders.add_column("what", no_wrap=True)
    for heading in ("pending", "oldest"):
        senders.add_column(heading, justify="right", no_wrap=True)
    for name in at_hand.names:
        row = at_hand.ask(name, backlog)
        if row is None:
            out.add_row(name, *(_number(None) for _ in range(4)))
            senders.add_row(name, *(_number(None) for _ in range(3)))
            continue
        out.add_row(
            name,
            _number(row.unpublished),
            _age(row.oldest_s if row.unpublished else None),
            _number(row.refused, WARN),
            _number(row.unroutable, BAD),
        )
        for sending in at_hand.ask(name, sendings) or ():
            _add_sending(senders, sending)
    return Columns([out, senders], padding=(0, 4, 1, 0))


def _add_sending(table: Table, row: Sending) -> None:
    table.add_row(row.service, row.what, _number(row.pending), _age(row.oldest_s if row.pending else None))


def _number(value: int | None, style: str = "") -> Text:
    if value is None:
        return Text("–", style=QUIET)
    return Text(f"{value:,}", style=style if value and style else ("" if value else QUIET))


def _age(seconds: float | None, *, at_least: bool = False) -> Text:
    """A duration in the two largest units that say something."""
    if seconds is None:
        return Text("–", style=QUIET)
    style = BAD if seconds > 10 * SLOW_S else WARN if seconds > SLOW_S else ""
    if seconds < 60:
        text = f"{seconds:.1f}s"
    elif seconds < 3600:
        text = f"{seconds // 60:.0f}m {seconds % 60:.0f}s"
    elif seconds < 86_400:
        text = f"{seconds // 3600:.0f}h {seconds % 3600 // 60:.0f}m"
    else:
        text = f"{seconds // 86_400:.0f}d {seconds % 86_400 // 3600:.0f}h"
    return Text(("≥" if at_least else "") + text, style=style)
