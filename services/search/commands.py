"""The commands of search: `wenzheng search-index status` and `wenzheng search-index rebuild`."""

from __future__ import annotations

from typing import Annotated

import typer

from services.chassis.house import House
from services.chassis.migrate import require_current
from services.chassis.settings import load
from services.chassis.there import open_there
from services.search import store
from services.search.engines import EngineAway, open_engine
from services.search.settings import Settings

app = typer.Typer(no_args_is_help=True, help=__doc__)
index = typer.Typer(no_args_is_help=True, help="The search index: how far it is, and filling it anew.")
app.add_typer(index, name="search-index")


def _house() -> House[Settings]:
    house = open_there("search", load(Settings, "search"))
    require_current(house.database, "services.search")
    return house


@index.command()
def status() -> None:
    """Print where the index is, how many petitions are in it and how many wait."""
    house = _house()
    engine = open_engine(house.settings)
    with house.database.read() as session:
        tally = store.tally(session)
        state = store.index_state(session)
    try:
        documents = str(engine.count())
    except EngineAway as error:
        documents = f"unknown ({error.code})"
    typer.echo(f"index      {(state.identity if state else '') or 'none yet'}")
    typer.echo(f"documents  {documents}")
    typer.echo(f"petitions  {tally.rows}")
    since = f", since {tally.waiting_since.isoformat(timespec='seconds')}" if tally.waiting_since else ""
    typer.echo(f"waiting    {tally.waiting}{since}")
    typer.echo(f"refused    {tally.refused}")


@index.command()
def rebuild(
    empty_first: Annotated[
        bool, typer.Option("--empty-first", help="Empty the index before; until it is filled less is found.")
    ] = False,
) -> None:
    """Let the running worker write every petition into the index again; search goes on meanwhile."""
    house = _house()
    with house.database.write() as session:
        rows = store.ask_for_rebuild(session, empty_first=empty_first)
    typer.echo(f"{rows} petitions wait for the index; `wenzheng search-index status` shows how far the worker is")
