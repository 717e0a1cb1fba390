"""Prints the fault table: as wide as it is, in a narrow terminal row by row, in a pipe as lines with tabs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

#: Heading of each figure, and its name in the result.
FIGURES = (
    ("acked", "acknowledged"),
    ("stored", "stored"),
    ("indexed", "indexed"),
    ("notified", "notified"),
    ("parked", "parked"),
    ("dup. seen", "duplicates_seen"),
    ("dup. effect", "duplicates_in_effect"),
    ("redeliv.", "redelivered"),
)
#: What the table takes with the titles folded to a readable width; below, rows are printed one under another.
WIDE = 150
COLOURS = {"passed": "green", "failed": "red"}


def show(results: Sequence[dict[str, Any]], console: Console) -> None:
    """Print the results, each as ``Result.document`` gives it, in their order."""
    if not console.is_terminal:
        # Past rich, which would make spaces of the tabs.
        console.file.writelines(f"{line}\n" for line in _lines(results))
    elif console.width >= WIDE:
        console.print(_table(results), soft_wrap=False)
    else:
        _stack(results, console)


def _recovery(result: dict[str, Any]) -> str:
    return f"{result['recovery_seconds']:.1f} s" if result["recovery_seconds"] else ""


def _verdict(result: dict[str, Any]) -> Text:
    return Text(result["verdict"], style=COLOURS.get(result["verdict"], "yellow"))


def _lines(results: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield "\t".join(("row", "fault", "seed", *(heading for heading, _ in FIGURES), "recovery", "verdict"))
    for one in results:
        figures = [str(one[name]) for _, name in FIGURES]
        yield "\t".join((one["row"], one["title"], str(one["seed"]), *figures, _recovery(one), one["verdict"]))


def _table(results: Sequence[dict[str, Any]]) -> Table:
    table = Table(title="Faults", title_justify="left")
    table.add_column("row", justify="right", no_wrap=True)
    table.add_column("fault", overflow="fold")
    for heading in ("seed", *(heading for heading, _ in FIGURES), "recovery"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for one in results:
        figures = (str(one[name]) for _, name in FIGURES)
        table.add_row(one["row"], one["title"], str(one["seed"]), *figures, _recovery(one), _verdict(one))
    return table


def _stack(results: Sequence[dict[str, Any]], console: Console) -> None:
    console.print("Faults", style="italic")
    for one in results:
        head = Text(f"{one['row']:>4}  ")
        head.append_text(_verdict(one))
        head.append(f"  seed {one['seed']}" + (f"  recovery {_recovery(one)}" if _recovery(one) else ""))
        figures = Text("  ").join(
            # A figure stays on one line with its name.
            Text(f"{heading}\u00a0{one[name]}".replace(" ", "\u00a0"))
            for heading, name in FIGURES
        )
        console.print(head, soft_wrap=False)
        for text in (Text(one["title"]), figures):
            console.print(Padding(text, (0, 0, 0, 6)), soft_wrap=False)
