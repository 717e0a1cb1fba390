"""Rows for people: a table where the terminal is wide enough, else one under another; lines with tabs in a pipe.

What names a row is never cut nor broken by us, so that it can be copied into the next command.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.cli.printable import printable

#: A column that may be folded is at least so wide in a table, if its texts are.
FOLDED = 20
#: Between two columns, with their share of the frame.
BETWEEN = 3
#: Before the lines of a row, and between what stands on one of them.
INDENT, APART = "  ", "  "


def show(headings: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[str] = (), title: str = "") -> None:
    """Print rows.

    Args:
        headings: names of the columns; the first names the row.
        rows: the cells of each; whoever wrote what is in them, it is printed as text.
        right: columns of figures.
        title: stands above a table.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        sys.stdout.writelines("\t".join(map(_one_line, line)) + "\n" for line in (headings, *cells))
        return
    console = Console(highlight=False)
    if title:
        console.print(title, style="italic")
    if _width(headings, cells) <= console.width:
        console.print(_table(headings, cells, set(right)), markup=False)
    else:
        _stack(console, headings, cells)


def _one_line(cell: str) -> str:
    return cell.replace("\t", " ").replace("\n", " ")


def _width(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """The least width of a table that can be read."""
    widest = [max(map(cell_len, column)) for column in zip(headings, *rows, strict=True)]
    return widest[0] + sum(min(width, FOLDED) for width in widest[1:]) + BETWEEN * len(widest) + 1


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]], right: set[str]) -> Table:
    table = Table(header_style="bold")
    for place, heading in enumerate(headings):
        whole = place == 0 or heading in right
        table.add_column(
            heading,
            justify="right" if heading in right else "left",
            no_wrap=whole,
            overflow="ignore" if whole else "fold",
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _stack(console: Console, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    for row in rows:
        # The terminal wraps it where it must: what is copied from there is whole.
        console.print(Text(row[0], style="bold"), soft_wrap=True)
        room = console.width - cell_len(INDENT)
        for line in _packed([_pair(*one) for one in zip(headings[1:], row[1:], strict=True) if one[1]], room):
            # A text of several lines, or one that is too long for one, goes on below itself.
            for part in line.wrap(console, room, overflow="fold"):
                part.rstrip()
                console.print(Text(INDENT) + part, soft_wrap=True)


def _pair(heading: str, cell: str) -> Text:
    return Text.assemble((f"{heading}: ", "dim"), cell)


def _packed(pairs: Iterable[Text], room: int) -> Iterator[Text]:
    """As many on a line as fit; none is broken that has a line of its own."""
    line = Text()
    for pair in pairs:
        if line and line.cell_len + len(APART) + pair.cell_len > room:
            yield line
            line = Text()
        line = line + Text(APART) + pair if line else pair
    if line:
        yield line
