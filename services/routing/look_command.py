"""`wenzheng judge topics`: looks for hot topics among the cases of this house; a job of its own, never in a worker."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

import typer

from services.chassis.house import House
from services.routing import store
from services.routing.folding import printable
from services.routing.handlers import topics
from services.routing.models import Topic
from services.routing.opening import opened
from services.routing.settings import Settings
from services.routing.topics.live import look

#: Part of the group ``judge``.
live = typer.Typer()


@dataclass(frozen=True)
class Looked:
    """What came of a look."""

    petitions: int
    #: There were more: only the newest were gone through.
    cut: bool
    topics: int
    coming_up: int
    #: Those that were told of now.
    told: Sequence[Topic]


def look_at(house: House[Settings]) -> Looked:
    """Find the topics of the last days, put them in place of the last look's, tell of each burst once."""
    now, most = house.clock.now(), house.settings.topics_most
    since = now - timedelta(days=house.settings.topics_days)
    with house.database.read() as session:
        rows = store.topics.petitions(session, since, most)
    cut = len(rows) == most
    # Of too many only the newest are known, so what is usual is reckoned from their days alone.
    start = (rows[0].at if cut else None) or since
    found = look(rows, start, now)
    with house.work() as work:
        told = topics.keep(work, found, since, now)
    return Looked(len(rows), cut, len(found), sum(each.emerging is not None for each in found), told)


@live.command("topics")
def topics_(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Look for hot topics among this house's cases of the last days, and tell of those that come up, each burst once.

    To be run again and again, every half an hour for example: the desk shows what the last look found.
    """
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
