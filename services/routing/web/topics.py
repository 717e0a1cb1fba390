"""Hot topics on the desk: what many speak of these days, and the cases that each figure stands for."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from services.chassis.errors import Refusal
from services.chassis.web import current_staff, house, staff_required
from services.contracts.words import STATE_NAMES, STATE_TONES, name_of
from services.routing import store
from services.routing.web import views

blueprint = Blueprint("topics", __name__, url_prefix="/desk/topics")

#: Whoever sees every case that is not sealed; a topic's name is the title of one of its cases.
ROLES = ("dispatcher", "supervisor")


@blueprint.get("")
@staff_required(*ROLES)
def every() -> Any:
    """The topics of the last look, the hottest first."""
    with house().database.read() as session:
        found = store.topics.hottest(session)
    hottest = max((one.heat for one in found), default=1.0) or 1.0
    return render_template(
        "routing/hot.html",
        topics=found,
        shares={one.id: round(100.0 * one.heat / hottest, 1) for one in found},
        days=house().settings.topics_days,
        looked_at=max((one.looked_at for one in found), default=None),
    )


@blueprint.get("/<topic_id>")
@staff_required(*ROLES)
def topic(topic_id: str) -> Any:
    """One topic with its cases."""
    with house().database.read() as session:
        found = store.topics.one(session, topic_id)
        if found is None:
            message = "There is no such topic any more: the last look did not find it."
            raise Refusal("no_such_topic", message, status=404)
        cases = store.topics.cases_of(session, current_staff(), topic_id)
    return render_template(
        "routing/hot_topic.html",
        topic=found,
        cases=cases,
        unit_text=views.unit_name,
        STATE_NAMES=STATE_NAMES,
        STATE_TONES=STATE_TONES,
        name_of=name_of,
    )
