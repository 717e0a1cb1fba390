"""The web role of search: the page and the API for staff."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlencode

from flask import Blueprint, Flask, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from services.chassis.errors import Refusal
from services.chassis.house import House
from services.chassis.web import Nav, RateLimit, api, current_staff, house, make_app, pick, staff_required, t
from services.contracts.envelope import Text
from services.contracts.words import KIND_NAMES, OUTCOME_NAMES, STATE_NAMES, STATE_TONES, name_of
from services.search import store, web_public
from services.search.domain import NO_UNIT
from services.search.engines import DEEPEST, FACETS, Engine, open_engine
from services.search.finding import Answer, Card, find
from services.search.models import PetitionView
from services.search.questions import LONGEST, Question, read

bp = Blueprint("search", __name__)

Names = Mapping[str, Text]


def create_app(house: House[Any], nav: Sequence[Nav] = ()) -> Flask:
    """The application of search."""

    def is_active(staff_id: str) -> bool:
        with house.database.read() as session:
            return store.is_active(session, staff_id)

    def unit_name(unit_id: str) -> Text | None:
        with house.database.read() as session:
            return store.unit_names(session).get(unit_id)

    app = make_app(house, "services.search", nav=nav, is_active=is_active, unit_name=unit_name)
    engine = open_engine(house.settings)
    app.extensions["search_engine"] = engine
    per_minute = web_public.PER_MINUTE
    limit, allowed = RateLimit(per_minute, per_minute), house.settings.public_answers
    app.extensions["answers"] = web_public.Public(engine, limit, allowed)
    app.register_blueprint(bp)
    app.register_blueprint(web_public.blueprint)
    return app


def _engine() -> Engine:
    return cast(Engine, current_app.extensions["search_engine"])


def _answer() -> tuple[Question, Answer, Names]:
    with house().database.read() as session:
        question = read(request.args, lambda unit: store.knows_unit(session, unit))
        started = time.perf_counter()
        answer = find(session, _engine(), current_staff(), question)
        house().metrics.observe("search_seconds", time.perf_counter() - started, service="search")
        return question, answer, store.unit_names(session)


@bp.get("/api/search")
@api
@staff_required()
def search_api() -> ResponseReturnValue:
    """Search as JSON."""
    started = time.perf_counter()
    question, answer, units = _answer()
    return jsonify(
        {
            "total": answer.total,
            "page": question.page,
            "size": question.size,
            "sort": question.sort,
            "took_ms": round((time.perf_counter() - started) * 1000, 1),
            "hits": [_hit(card, units) for card in answer.cards],
            "facets": {
                name: [
                    {"value": value, "name": _value_name(name, value, units, answer.cards), "count": count}
                    for value, count in values
                ]
                for name, values in answer.facets.items()
            },
        }
    )


def _hit(card: Card, units: Names) -> dict[str, Any]:
    row = card.row
    return {
        "petition_id": row.petition_id,
        "number": row.number,
        "title": row.title,
        "kind": row.kind,
        "unit": {"id": row.unit_id, "name": pick(_unit_name(row, units))} if row.unit_id else None,
        "state": row.state,
        "sealed": row.audience == "sealed",
        "lead": row.lead,
        "joined": row.joined or [],
        "submitted_at": row.submitted_at.isoformat() if row.submitted_at else None,
        "replied_at": row.replied_at.isoformat() if row.replied_at else None,
        "indexed_at": row.indexed_at.isoformat() if row.indexed_at else None,
        "score": card.score,
        "highlights": {
            "title": card.marked.title,
            "body": card.marked.body,
            "reply": card.marked.reply,
            "supplements": card.marked.supplements,
        },
    }


@bp.get("/search")
@staff_required()
def search_page() -> ResponseReturnValue:
    """Search as a page. What cannot be asked is said above the box, with what was typed still in it."""
    started = time.perf_counter()
    try:
        question, answer, units = _answer()
    except Refusal as refusal:
        house().metrics.count("refusals", service="search", code=refusal.code)
        page = render_template(
            "search/search.html",
            text=request.args.get("q", "")[: LONGEST * 2],
            limit=LONGEST,
            problem=t(refusal.message, **refusal.values),
            answer=None,
            filters={},
        )
        return page, refusal.status
    last = math.ceil(min(answer.total, DEEPEST) / question.size)
    return render_template(
        "search/search.html",
        text=question.text,
        limit=LONGEST,
        problem="",
        question=question,
        answer=answer,
        filters=question.filters,
        took=f"{time.perf_counter() - started:.3f}",
        last=last,
        deepest=DEEPEST,
        cards=[_shown(card, units) for card in answer.cards],
        facets=[_facet(name, question, answer, units) for name in FACETS],
        chips=[
            {
                "label": t(_FACET_LABELS[name]),
                "value": _value_name(name, value, units, answer.cards),
                "without": _url(question, **{name: ""}),
            }
            for name, value in question.filters.items()
        ],
        url=lambda page: _url(question, page=str(page)),
        by_relevance=_url(question, sort="relevance"),
        by_newest=_url(question, sort="newest"),
        without_filters=_url(question, **dict.fromkeys(FACETS, "")),
    )


#: Headings of the facets, msgids.
_FACET_LABELS = {"kind": "Kind", "unit": "Responsible unit", "state": "State", "month": "Month"}


def _facet(name: str, question: Question, answer: Answer, units: Names) -> dict[str, Any]:
    """One facet: its values as links, the chosen one leading back out."""
    chosen = question.filters.get(name)
    values = list(answer.facets[name])
    if name == "month":
        values.sort(reverse=True)
    if chosen is not None and chosen not in dict(values):
        values.insert(0, (chosen, 0))
    return {
        "name": name,
        "label": t(_FACET_LABELS[name]),
        "chosen": chosen is not None,
        "values": [
            {
                "name": _value_name(name, value, units, answer.cards),
                "count": count,
                "chosen": value == chosen,
                "href": _url(question, **{name: "" if value == chosen else value}),
            }
            for value, count in values
        ],
    }


def _shown(card: Card, units: Names) -> dict[str, Any]:
    row = card.row
    return {
        "row": row,
        "title": _html(card.marked.title),
        "body": _html(card.marked.body),
        "reply": _html(card.marked.reply) if card.marked.reply else None,
        "supplements": _html(card.marked.supplements) if card.marked.supplements else None,
        "kind": pick(name_of(KIND_NAMES, row.kind or "")),
        "state": pick(name_of(STATE_NAMES, row.state)),
        "tone": STATE_TONES.get(row.state, "grey"),
        "unit": pick(_unit_name(row, units)) if row.unit_id else t("No unit yet"),
        "outcome": pick(name_of(OUTCOME_NAMES, row.outcome)) if row.outcome else "",
        "href": f"/desk/{row.number}",
    }


def _html(marked: str) -> Markup:
    """Text that highlights.py has escaped and marked; nothing else may come in here."""
    return Markup(marked)  # noqa: S704


def _unit_name(row: PetitionView, units: Names) -> Text:
    unit_id = row.unit_id or ""
    if unit_id in units:
        return units[unit_id]
    named = row.unit_name or {}
    return Text(zh=named.get("zh") or unit_id, en=named.get("en"))


def _value_name(name: str, value: str, units: Names, cards: Sequence[Card]) -> str:
    """A facet's value in words."""
    if name == "kind":
        return pick(name_of(KIND_NAMES, value))
    if name == "state":
        return pick(name_of(STATE_NAMES, value))
    if name == "month":
        year, _, month = value.partition("-")
        return t("%(year)s-%(month)s", year=year, month=month)
    if value == NO_UNIT:
        return t("No unit yet")
    if value in units:
        return pick(units[value])
    row = next((card.row for card in cards if card.row.unit_id == value), None)
    return pick(_unit_name(row, units)) if row else value


def _url(question: Question, **changes: str) -> str:
    """The address of this question with something changed; from the first page unless ``page`` is."""
    values = {"q": question.text, **question.filters}
    if question.text and question.sort != "relevance":
        values["sort"] = question.sort
    values |= changes
    if values.get("sort") == "relevance":
        del values["sort"]
    kept = {name: value for name, value in values.items() if value and not (name == "page" and value == "1")}
    return f"/search?{urlencode(kept)}" if kept else "/search"
