"""The directory for staff: units, subjects and areas, searched by any of their words."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request

from services.chassis.web import house, staff_required
from services.routing import store
from services.routing.domain.directory import Directory, Unit
from services.routing.folding import fold

blueprint = Blueprint("directory", __name__)


@blueprint.get("/directory")
@staff_required()
def show() -> Any:
    """The units of today with what they are responsible for."""
    words = request.args.get("q", "").strip()[:80]
    with house().database.read() as session:
        today = store.directory.today(session, house().clock.now())
        present = store.directory.read(session).on(today)
        imported_at = store.directory.imported_at(session)
    found = [unit for unit in present.units if not words or _speaks_of(present, unit, fold(words))]
    return render_template(
        "routing/directory.html",
        directory=present,
        units=found,
        words=words,
        subjects=present.subject_by_id,
        areas=present.area_by_id,
        imported_at=imported_at,
    )


def _speaks_of(directory: Directory, unit: Unit, words: str) -> bool:
    """True when the words are in the unit's names, its lead office, its subjects and their words, or its areas."""
    subjects = [directory.subject_by_id[key] for key in unit.subjects]
    areas = [directory.area_by_id[key] for key in unit.areas]
    texts = [unit.id, unit.name.zh, unit.name.en or "", unit.lead.name, *unit.words]
    for subject in subjects:
        texts += [subject.id, subject.name.zh, subject.name.en or "", *subject.words]
    for area in areas:
        texts += [area.id, area.name.zh, area.name.en or "", *area.words]
    return any(words in fold(text) for text in texts)
