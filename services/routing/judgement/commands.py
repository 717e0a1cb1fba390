"""`wenzheng judge`: train a judgement from decided petitions, measure it, ask it why."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from services.chassis.clock import SystemClock
from services.chassis.errors import Refusal
from services.routing.folding import printable
from services.routing.terminal import terminal

if TYPE_CHECKING:
    from services.routing.judgement.figures import Judges
    from services.routing.judgement.opinion import Opinion
    from services.routing.judgement.training_file import Row, Rows

#: Part of the group ``judge``.
trained = typer.Typer()

DecidedFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="JSON Lines, also .gz: title, body and label of decided petitions.")
]
ModelFile = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A model, or a directory (.yaml): what its words alone would say.")
]
#: Characters of a label in a table.
_LABEL = 40


@trained.command("train")
def train(
    file: DecidedFile,
    out: Annotated[Path, typer.Option("--out", help="File of the model; one that is there is replaced.")],
    wanted: Annotated[
        float, typer.Option("--wanted", min=0.5, max=1.0, help="Share of right answers where it does not abstain.")
    ] = 0.95,
) -> None:
    """Learn from decided petitions, the newest of which stand last; seconds to a minute for 5,000."""
    from services.routing.judgement.fitting import fit
    from services.routing.judgement.model import load, to_bytes
    from services.routing.judgement.training_file import read_rows

    began = time.perf_counter()
    found = read_rows(file)
    with progress() as say:
        fitted = fit(found.rows, say)
    data = to_bytes(fitted, SystemClock().now(), wanted)
    # Whoever reads the file while it is written still has the old one.
    part = out.with_name(f"{out.name}.part{os.getpid()}")
    try:
        part.write_bytes(data)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    model = load(data)
    _say_left_out(found)
    lines = [
        ("Model", f"{out} ({len(data) / 1e6:.1f} MB), id {model.facts.id}"),
        ("Petitions", f"{len(fitted.rows)} learned from, {fitted.duplicates} told twice"),
        ("Labels", f"{len(fitted.labels)}, {_rare(fitted.of_row.tolist())} of them with fewer than 5 petitions"),
        (
            "Abstains",
            f"below a confidence of {model.threshold:.2f}" if model.threshold <= 1 else "always: too few rows",
        ),
        ("Took", f"{time.perf_counter() - began:.1f} s"),
    ]
    _print(_table(("", ""), lines, title="Trained"))


@trained.command("evaluate")
def evaluate(
    model: ModelFile,
    file: DecidedFile,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    each: Annotated[Path | None, typer.Option("--rows", help="Write what was said of each petition here.")] = None,
) -> None:
    """Judge petitions that were decided, and compare; rows it was trained on tell nothing."""
    from services.routing.judgement.figures import by_label, figures, try_on, unaided
    from services.routing.judgement.training_file import read_rows

    found = read_rows(file)
    judges = _judges(model, found.rows)
    with progress() as say:
        tried, seconds = try_on(judges, found.rows, say)
    measured = figures(tried, seconds)
    if each is not None:
        said = [
            json.dumps({"id": row.id, **asdict(one)}, ensure_ascii=False)
            for row, one in zip(found.rows, tried, strict=True)
        ]
        each.write_text("".join(f"{line}\n" for line in said), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(measured, ensure_ascii=False))
        return
    _say_left_out(found)
    rows = [
        (_short(label), str(one.rows), *(f"{value:.3f}" for value in (one.precision, one.recall, one.f1)))
        for label, one in by_label(tried).items()
    ]
    _print(_table(("Label", "Rows", "Precision", "Recall", "F1"), rows, title=f"{measured['rows']} petitions"))
    alone, right = unaided(tried)
    lines = [
        ("Macro-F1", f"{measured['macro_f1']:.4f}"),
        ("Macro-F1 of the surest 85 %", f"{measured['macro_f1_at_85']:.4f}"),
        ("Calibration error (15 bins)", f"{measured['ece']:.4f}"),
        ("Does not abstain", f"{alone:.1%}" + (f", {right:.1%} of these right" if right is not None else "")),
        ("Time a petition", f"{measured['ms_per_petition']:.2f} ms"),
    ]
    _print(_table(("", ""), lines))


@trained.command("explain")
def explain(
    model: ModelFile,
    title: Annotated[str, typer.Option("--title", help="Title of the petition.")] = "",
    body: Annotated[str, typer.Option("--body", help="Its text.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Say where a petition would go and why: words for and against, the nearest past petitions."""
    opinion = _judges(model, None).judge(title, body)
    if as_json:
        typer.echo(json.dumps(_as_json(opinion), ensure_ascii=False))
        return
    verdict = "a person decides" if opinion.abstains else "sure enough"
    typer.echo(f"{_short(opinion.label or 'nothing to be said')}: {opinion.confidence:.2f}, {verdict}")
    others = [(_short(label), f"{share:.2f}") for label, share in opinion.ranked]
    _print_if(_table(("Label", "Probability"), others, title="Likeliest"), others)
    reasons = [(reason.code, _short(reason.detail), f"{reason.weight:+.3f}") for reason in opinion.reasons]
    _print_if(_table(("Reason", "", "Weight"), reasons, title="Why"), reasons)
    past = [(f"{one.nearness:.2f}", _short(one.label), one.id, printable(one.title)) for one in opinion.neighbours]
    _print_if(_table(("Near", "Label", "Id", "Title"), past, title="Nearest past petitions"), past)


# ── what they share ──────────────────────────────────────────────────────────────────────────────
def _judges(path: Path, rows: Sequence[Row] | None) -> Judges:
    """The model in a file, or the directory in one.

    Args:
        path: of the file.
        rows: whose labels a directory may say; None: any unit and subject.
    """
    from services.routing.judgement.model import load

    if path.suffix not in (".yaml", ".yml"):
        return load(path)
    from services.routing.directory_file import read
    from services.routing.judgement.by_directory import ByDirectory

    directory, problems = read(path)
    if problems:
        one = problems[0]
        raise Refusal("directory_wrong", "The directory has errors: %(first)s", field=path.name, first=one.message)
    directory = directory.on(SystemClock().now().date())
    names = [name for subject in directory.subjects for name in (subject.id, subject.name.zh, subject.name.en)]
    labels = {row.label for row in rows} if rows is not None else {unit.id for unit in directory.units} | {*names}
    return ByDirectory(directory, filter(None, labels))


@contextmanager
def progress() -> Iterator[Callable[[str, float], None]]:
    """A bar on the terminal's error side, where somebody looks."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=1.0)
        yield lambda what, done: progress.update(task, description=what, completed=done)


def _say_left_out(found: Rows) -> None:
    for code, number in found.left_out.items():
        typer.echo(f"note: {number} rows were left out [{code}]", err=True)


def _rare(labels: Sequence[int]) -> int:
    return sum(labels.count(label) < 5 for label in set(labels)) if len(labels) < 10_000 else 0


def _as_json(opinion: Opinion) -> dict[str, Any]:
    return {
        "label": opinion.label,
        "confidence": opinion.confidence,
        "abstains": opinion.abstains,
        "ranked": [{"label": label, "probability": share} for label, share in opinion.ranked],
        "reasons": [{"code": one.code, "detail": one.detail, "weight": one.weight} for one in opinion.reasons],
        "neighbours": [
            {"id": one.id, "title": one.title, "label": one.label, "nearness": one.nearness}
            for one in opinion.neighbours
        ],
    }


def _short(text: str) -> str:
    text = printable(text)
    return text if len(text) <= _LABEL else f"{text[:_LABEL]}…"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> Table:
    table = Table(title=title or None, title_justify="left", show_header=any(headings))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _print(table: Table) -> None:
    terminal().print(table, markup=False, highlight=False)


def _print_if(table: Table, rows: Sequence[object]) -> None:
    if rows:
        _print(table)
