"""`wenzheng judge topics | retrain | models | promote | rollback`: what this house learns from its own cases."""

from __future__ import annotations

import getpass
import json
from typing import Annotated, Any

import typer
from rich.table import Table

from services.chassis.errors import Refusal
from services.routing.folding import printable
from services.routing.terminal import terminal

#: Part of the group ``judge``.
models = typer.Typer()

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object.")]
#: Rows of the report, and what they are called.
_FIGURES = (
    ("macro_f1", "Macro-F1"),
    ("macro_f1_at_85", "Macro-F1 of the surest 85 %"),
    ("ece", "Calibration error"),
    ("dispatched", "Dispatched without a person"),
    ("dispatched_right", "… of these right"),
)
#: Its columns.
_WHOSE = {
    "directory": "Directory alone",
    "champion": "Champion",
    "challenger_on_the_same": "Challenger there",
    "challenger": "Challenger",
}
#: Those that are there whether anything could be measured or not.
_ALWAYS = ("directory", "challenger")


@models.command("topics")
def topics_(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Look for hot topics among this house's cases of the last days, and tell of those that come up, each burst once.

    To be run again and again, every half an hour for example: the desk shows what the last look found.
    """
    from services.routing.looking import look_at
    from services.routing.opening import opened

    with opened() as house:
        found = look_at(house)
    if as_json:
        told = [{"id": one.id, "name": one.name, "people": one.recent} for one in found.told]
        every = {"petitions": found.petitions, "topics": found.topics, "coming_up": found.coming_up, "told": told}
        typer.echo(json.dumps(every, ensure_ascii=False))
        return
    if found.cut:
        typer.echo(f"note: only the newest {found.petitions:,} petitions were gone through", err=True)
    counts = f"{found.petitions:,} petitions, {found.topics} topics, {found.coming_up} come up"
    typer.echo(f"{counts}, {len(found.told)} told of now")
    for one in found.told:
        typer.echo(f"  {printable(one.name)}: {one.recent} people in seven days")


@models.command("retrain")
def retrain(as_json: AsJson = False) -> None:
    """Learn from all decisions so far: a challenger is kept and measured; nothing changes until it is promoted."""
    from services.routing import store
    from services.routing.judgement.commands import progress
    from services.routing.opening import opened
    from services.routing.retraining import challenge

    with opened() as house:
        with house.database.read() as session:
            rows = list(store.learned.decided(session))
            present = store.directory.read(session).on(store.directory.today(session, house.clock.now()))
            champion = _champion(session)
        now = house.clock.now()
        with progress() as say:
            found = challenge(rows, present, champion, now, say)
        with house.work() as work:
            store.learned.keep(work.session, found.id, found.data, now, found.rows, found.report)
    if as_json:
        typer.echo(json.dumps({"id": found.id, "rows": found.rows, **found.report}))
        return
    _show(found.report, f"{found.rows} decisions, measured on the newest {found.report['measured_on']}")
    typer.echo(f"challenger {found.id} is kept; `wenzheng judge promote {found.id}` puts it in force")


def _champion(session: Any) -> Any:
    from services.routing import store

    name = store.learned.champion(session)
    if name is None:
        return None
    try:
        return store.learned.whole(session, name)
    except Refusal as refusal:
        typer.echo(f"note: the model in force cannot be read [{refusal.code}] and is not compared", err=True)
        return None


@models.command("models")
def list_(as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False) -> None:
    """List the trained judgements, the newest first, and which one is in force."""
    from services.routing import store
    from services.routing.opening import opened

    with opened() as house, house.database.read() as session:
        found = store.learned.listed(session)
    if as_json:
        for one in found:
            about = {"id": one.id, "state": one.state, "trained_at": one.trained_at.isoformat(), "rows": one.rows}
            typer.echo(json.dumps({**about, "promoted_by": one.promoted_by, "report": one.report}))
        return
    if not found:
        typer.echo("nothing was trained yet: the directory decides; `wenzheng judge retrain` learns")
        return
    table = Table()
    for heading in ("Model", "State", "Trained", "Decisions", "Macro-F1", "Dispatched", "Right", "Promoted by"):
        table.add_column(heading, overflow="fold")
    for one in found:
        own = one.report.get("challenger", {})
        shares = [f"{own[name]:.1%}" if name in own else "" for name in ("dispatched", "dispatched_right")]
        macro = f"{own['macro_f1']:.3f}" if "macro_f1" in own else ""
        day = f"{one.trained_at:%Y-%m-%d %H:%M}"
        table.add_row(one.id, one.state, day, str(one.rows), macro, *shares, one.promoted_by or "")
    terminal().print(table, markup=False)


@models.command("promote")
def promote(
    name: Annotated[str, typer.Argument(metavar="ID", help="The model; `wenzheng judge models` lists them.")],
    by: Annotated[str, typer.Option("--by", help="Who decides this.")] = "",
) -> None:
    """Put a trained judgement in force, from the next petition on."""
    from services.routing import store
    from services.routing.opening import opened

    with opened() as house:
        with house.database.read() as session:
            # One that cannot be read is not put in force.
            model = store.learned.whole(session, name)
        with house.work() as work:
            store.learned.put_in_force(work.session, model.facts.id, work.now, by or getpass.getuser())
    typer.echo(f"{name} is in force")


@models.command("rollback")
def rollback(
    to_directory: Annotated[bool, typer.Option("--to-directory", help="Let the directory alone decide.")] = False,
    by: Annotated[str, typer.Option("--by", help="Who decides this.")] = "",
) -> None:
    """Go back to the judgement that was in force before, or to the directory where there was none."""
    from services.routing import store
    from services.routing.opening import opened

    with opened() as house, house.work() as work:
        present = store.learned.champion(work.session)
        if present is None:
            raise Refusal("no_model_in_force", "No model is in force: the directory decides already.")
        before = None if to_directory else store.learned.former(work.session)
        store.learned.put_in_force(work.session, before, work.now, by or getpass.getuser())
        store.learned.set_aside(work.session, present)
    typer.echo(f"{before} is in force again" if before else "no model is in force: the directory decides")


def _show(report: dict[str, Any], title: str) -> None:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    whose = [key for key in _WHOSE if key in report or key in _ALWAYS or (key == "champion" and "beside" in report)]
    for key in whose:
        table.add_column(_WHOSE[key], justify="right")
    found: list[dict[str, Any]] = [report.get(key, {}) for key in whose]
    for figure, label in _FIGURES:
        table.add_row(label, *(f"{one[figure]:.3f}" if figure in one else "–" for one in found))
    table.add_row("Petitions", *(str(one["rows"]) if one else "no rows" for one in found))
    terminal().print(table, markup=False)
