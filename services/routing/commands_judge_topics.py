"""`wenzheng judge lookalikes` and `wenzheng judge hot`: what a file of petitions says twice, and what many speak of."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.table import Table
from rich.text import Text

from services.chassis.errors import Refusal
from services.chassis.settings import load
from services.routing.domain.sameness import MERGED, TOLD, Profile, Sameness
from services.routing.settings import Settings
from services.routing.terminal import terminal
from services.routing.topics.evidence import shared_phrases
from services.routing.topics.index import Index
from services.routing.topics.petition_file import PetitionFile, Row, read_petitions, told
from services.routing.topics.report import Topic, hot_topics, made_ready

#: Look-alikes shown of each petition.
EACH = 5
FORMULA = "heat = (people + support / 2) x burst"

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="JSON Lines, one petition a line with title and body; .gz too.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object.")]


topics = typer.Typer()


class _Wrong(Refusal):
    """An option that cannot be meant; said on a terminal."""


@topics.command("lookalikes")
def lookalikes(
    file: File,
    as_json: AsJson = False,
    least: Annotated[float, typer.Option(min=0.0, max=1.0, help="Pairs below this score are left out.")] = TOLD,
    top: Annotated[int, typer.Option(min=1, help="Rows of the table; --json tells every pair.")] = 50,
    measure: Annotated[
        int, typer.Option(min=0, metavar="N", help="Only say how long a petition takes against N past ones.")
    ] = 0,
) -> None:
    """Find petitions about one matter: pairs with score and evidence, the most alike first.

    Each petition is compared with those that share its rarest words, or its petitioner (column user), and the five
    most alike are told. Pairs from the merge threshold on are so alike that a dispatcher can join them.
    """
    found = read_petitions(file, _zone())
    index, profiles = made_ready(found.rows)
    if measure:
        _time(found.rows, index, profiles, measure, as_json)
        return
    pairs: dict[tuple[int, int], Sameness] = {}
    for number, one in enumerate(profiles):
        for other, how in index.nearest(one, EACH, profiles):
            if how.score >= least:
                pairs[min(number, other), max(number, other)] = how
    rows = found.rows
    ordered = sorted(pairs, key=lambda pair: (-pairs[pair].score, rows[pair[0]].id, rows[pair[1]].id))
    told_pairs = ordered if as_json else ordered[:top]
    evidence = [
        _evidence(rows[a], rows[b], pairs[a, b], *shared_phrases(rows[a].sheet, rows[b].sheet, index.common))
        for a, b in told_pairs
    ]
    _say(found)
    if as_json:
        _echo_json(
            {
                "rows": len(rows),
                "merge_from": MERGED,
                "told_from": least,
                "pairs": evidence,
                "passed_over": _passed_over(found),
            }
        )
        return
    merged = sum(how.score >= MERGED for how in pairs.values())
    table = Table(title=f"{len(ordered)} pairs, {merged} of them from {MERGED} on", title_justify="left")
    table.add_column("Score", justify="right", no_wrap=True)
    for heading in ("Petition", "Past petition", "Evidence"):
        table.add_column(heading, overflow="fold")
    by_id = {row.id: row for row in rows}
    for pair in evidence:
        cells = (_cell(by_id[pair["a"]]), _cell(by_id[pair["b"]]))
        table.add_row(f"{pair['score']:.2f}", *cells, Text(_in_words(pair["evidence"])))
    terminal().print(table)


@topics.command("hot")
def hot(
    file: File,
    start: Annotated[str, typer.Option("--from", metavar="DATE", help="First day; that of the first petition.")] = "",
    end: Annotated[str, typer.Option("--to", metavar="DATE", help="Last day; that of the last petition.")] = "",
    as_json: AsJson = False,
    page: Annotated[
        Path | None, typer.Option("--page", help="Write a page to look at, HTML that needs nothing.")
    ] = None,
    language: Annotated[str, typer.Option(help="Language of the page: zh-Hans, zh-Hant or en.")] = "zh-Hans",
    top: Annotated[int, typer.Option(min=1, help="Topics of table and page; --json tells every one.")] = 30,
) -> None:
    """Find hot topics 热点: groups of petitions about one matter at one place, the hottest first.

    heat = (people + support / 2) x burst: a person counts once, the less the longer ago (half-life: a quarter of the
    period, 7 to 90 days); support is the sum of ln(1 + likes - dislikes), as long ago; burst is
    1 + log2((people of the busiest 14 days + 1) / (usual people in 14 days + 1)) / 2, from 1 to 3.
    """
    from services.chassis.web.i18n import LANGUAGES

    if language not in LANGUAGES:
        raise _Wrong("unknown_language", f"{language!r} is none of {', '.join(LANGUAGES)}", field="--language")
    zone = _zone()
    first, last = _day(start, "--from"), _day(end, "--to")
    if first is not None and last is not None and last < first:
        raise _Wrong("period_ends_before_it_begins", f"{last} is before {first}", field="--to")
    found = read_petitions(file, zone, dated=True)
    times = sorted(row.at for row in found.rows if row.at is not None)
    begin = _begin(first or times[0].astimezone(zone).date(), zone)
    finish = _begin((last or times[-1].astimezone(zone).date()) + timedelta(days=1), zone) - timedelta(microseconds=1)
    inside = sum(begin <= at <= finish for at in times)
    if not inside:
        days = f"{times[0].astimezone(zone).date()} to {times[-1].astimezone(zone).date()}"
        raise _Wrong("nothing_in_period", f"{file}: no petition in this period; there are some from {days}")
    topics = hot_topics(found.rows, begin, finish)
    _say(found)
    if page is not None:
        from services.routing.topics.page import topics_page

        text = topics_page(topics[:top], start=begin, end=finish, petitions=inside, zone=zone, language=language)
        page.write_text(text, encoding="utf-8")
    if as_json:
        _echo_json(
            {
                "from": begin.astimezone(zone).date().isoformat(),
                "to": finish.astimezone(zone).date().isoformat(),
                "rows": inside,
                "grouped": sum(len(topic.rows) for topic in topics),
                "formula": FORMULA,
                "groups": [topic.as_json() for topic in topics],
                "passed_over": _passed_over(found),
            }
        )
        return
    _show(topics[:top], len(topics), zone)
    if page is not None:
        typer.echo(str(page))


def _time(rows: list[Row], index: Index, profiles: list[Profile], past: int, as_json: bool) -> None:
    from services.routing.topics.measure import time_against

    timing = time_against(rows, index, profiles, past)
    if as_json:
        _echo_json(asdict(timing))
        return
    typer.echo(
        f"{timing.mean_ms:.2f} ms a petition against {timing.past:,} past ones; "
        f"99 of 100 within {timing.p99_ms:.2f} ms, none longer than {timing.most_ms:.2f} ms; "
        f"{timing.cpu_ms:.2f} ms of a processor ({timing.timed} timed)"
    )


def _show(topics: list[Topic], every: int, zone: ZoneInfo) -> None:
    table = Table(title=f"{every} topics, the hottest {len(topics)}; {FORMULA}", title_justify="left")
    table.add_column("Heat", justify="right", no_wrap=True)
    table.add_column("Topic", overflow="fold")
    table.add_column("Place", overflow="fold")
    for heading in ("People", "Petitions", "Likes", "Burst"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("From – to", no_wrap=True)
    for topic in topics:
        days = f"{topic.first.astimezone(zone):%Y-%m-%d} – {topic.last.astimezone(zone):%Y-%m-%d}"
        numbers = (str(topic.people), str(len(topic.rows)), f"{topic.likes:,}", f"{topic.heat.burst:.1f}")
        table.add_row(f"{topic.heat.heat:.1f}", Text(topic.name), Text(topic.place), *numbers, days)
    terminal().print(table)


def _evidence(one: Row, other: Row, how: Sameness, places: list[str], phrases: list[str]) -> dict[str, Any]:
    return {
        "a": one.id,
        "b": other.id,
        "score": how.score,
        "merge": how.score >= MERGED,
        "evidence": {
            "text": round(how.text, 3),
            "title": round(how.heads, 3),
            "places": places,
            "phrases": phrases,
            "days": None if how.days is None else round(how.days, 2),
            "same_petitioner": how.same_petitioner,
            "apart": how.apart,
        },
    }


def _in_words(evidence: dict[str, Any]) -> str:
    said = [f"text {evidence['text']:.2f}, title {evidence['title']:.2f}"]
    if evidence["places"]:
        said.append("place " + "、".join(evidence["places"]))
    if evidence["phrases"]:
        said.append("both say " + "、".join(evidence["phrases"]))
    if evidence["days"] is not None:
        said.append("the same day" if evidence["days"] < 1 else f"{evidence['days']:.0f} days between")
    if evidence["apart"]:
        said.append("the titles name different troubles or places")
    if evidence["same_petitioner"]:
        said.append("the same petitioner")
    return "; ".join(said)


def _cell(row: Row) -> Text:
    return Text(f"{row.id} {row.title}")


def _say(found: PetitionFile) -> None:
    for line in told(found.passed_over):
        typer.echo(f"note: {line}", err=True)


def _passed_over(found: PetitionFile) -> list[dict[str, Any]]:
    return [{"line": one.line, "code": one.code} for one in found.passed_over]


def _echo_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False))


def _zone() -> ZoneInfo:
    return ZoneInfo(load(Settings, "routing").time_zone)


def _day(value: str, option: str) -> date | None:
    if not value:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise _Wrong("not_a_date", f"{value!r} is no day such as 2026-03-02", field=option) from None


def _begin(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)
