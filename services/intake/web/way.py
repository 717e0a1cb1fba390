"""The way of a petition so far, in plain words, for its status page and the API alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import msgspec

from services.chassis.web import day, l, moment, pick, t
from services.contracts.envelope import Text
from services.contracts.routing import Reply
from services.contracts.words import CHANNEL_NAMES, KIND_NAMES, OUTCOME_NAMES, STATE_NAMES, name_of
from services.intake.domain.petition import may_rate, may_supplement, may_withdraw
from services.intake.handlers.petitioner import rating_of, supplements_of
from services.intake.models import Petition, Step

#: What a message to the petitioner was about.
_TOLD: Final = {
    "received": l("The receipt was sent to you"),
    "dispatched": l("You were told which unit is responsible"),
    "accepted": l("You were told that the unit took it on"),
    "replied": l("The reply was sent to you"),
    "merged": l("You were told that another petition is handled together with yours"),
    "unmerged": l("You were told that your petition is handled on its own again"),
}
_CLOSED: Final = {
    "rated": l("You rated the reply."),
    "rating_lapsed": l("The time to rate the reply is over."),
    "withdrawn": l("You took the petition back."),
}
#: What each answer about the outcome is called.
SOLVED: Final = {True: l("Solved"), False: l("Not solved"), None: l("Not said")}


@dataclass(frozen=True)
class Point:
    """One point of the way."""

    code: str
    when: datetime
    title: str
    text: str = ""
    tone: str = "grey"

    @property
    def at(self) -> str:
        """The moment as it is shown."""
        return moment(self.when)


def reply_of(petition: Petition) -> Reply | None:
    """The formal reply, once there is one."""
    return None if petition.reply is None else msgspec.convert(petition.reply, Reply)


def unit_of(petition: Petition) -> Text | None:
    """Name of the responsible unit, once there is one."""
    return None if petition.unit is None else msgspec.convert(petition.unit, Text)


def way(petition: Petition, steps: Sequence[Step]) -> list[Point]:
    """The points of the way, oldest first."""
    channel = pick(name_of(CHANNEL_NAMES, petition.channel))
    points = [
        Point("filed", petition.submitted_at, t("Petition received"), t("By: %(channel)s", channel=channel), "green")
    ]
    points += [_of_step(step) for step in steps]
    if any(step.code == "dispatched" for step in steps):
        # Who is responsible has been found: that it is being looked for is no longer true.
        points = [replace(point, text="") if point.code == "assessed" else point for point in points]
    points += [Point("supplemented", s.at, t("You added something"), s.text) for s in supplements_of(petition)]
    if petition.withdrawn_at is not None:
        points.append(
            Point("withdrawn", petition.withdrawn_at, t("You took the petition back"), petition.withdrawal_reason)
        )
    rating = rating_of(petition)
    if rating is not None:
        points.append(Point("rated", rating.at, t("You rated the reply"), rating_words(petition), "green"))
    # What happened first stays first where two have the same moment.
    return sorted(points, key=lambda point: point.when)


def rating_words(petition: Petition) -> str:
    """The rating in words; empty while there is none."""
    rating = rating_of(petition)
    if rating is None:
        return ""
    words = t("%(solved)s, %(stars)s of 5 points.", solved=str(SOLVED[rating.solved]), stars=rating.satisfaction)
    return f"{words}\n{rating.comment}" if rating.comment else words


def _of_step(step: Step) -> Point:
    details = step.details
    unit = pick(msgspec.convert(details["unit"], Text)) if details.get("unit") else ""
    due = details.get("due_at")
    by = t("A reply is due by %(day)s.", day=day(datetime.fromisoformat(due))) if due else ""
    match step.code:
        case "assessed":
            return Point(
                step.code, step.at, t("Read and sorted"), t("The petition office is finding the responsible unit.")
            )
        case "dispatched":
            return Point(step.code, step.at, t("Sent to %(unit)s", unit=unit), by, "blue")
        case "accepted":
            return Point(step.code, step.at, t("%(unit)s took it on", unit=unit), by, "blue")
        case "objected":
            text = t("It says that another unit is responsible. The petition office decides which.")
            return Point(step.code, step.at, t("%(unit)s handed it back", unit=unit), text, "amber")
        case "merged":
            text = t("Your number and time limit stay; the reply comes to you as well.")
            title = t("Another petition about the same matter is handled together with yours")
            if not details.get("leads"):
                title = t("Handled together with another petition about the same matter")
            return Point(step.code, step.at, title, text, "blue")
        case "unmerged":
            return Point(step.code, step.at, t("Handled on its own again"), "", "blue")
        case "replied":
            return Point(step.code, step.at, t("%(unit)s replied", unit=unit), t("The reply is on this page."), "green")
        case "closed":
            return Point(step.code, step.at, t("Case closed"), str(_CLOSED.get(details.get("reason", ""), "")), "green")
        case "told":
            text = str(_TOLD.get(details.get("occasion", ""), l("A message was sent to you")))
            return Point(step.code, step.at, text)
        case _:
            text = t("Look here from time to time, or tell the petition office how to reach you.")
            return Point(step.code, step.at, t("A message could not reach you"), text, "amber")


def actions(petition: Petition) -> list[str]:
    """What the petitioner may do now: ``supplement``, ``withdraw``, ``rate``."""
    may = {
        "supplement": may_supplement(petition.state, len(petition.supplements)),
        "withdraw": may_withdraw(petition.state),
        "rate": may_rate(petition.state, petition.reply is not None, petition.rating is not None),
    }
    return [action for action, allowed in may.items() if allowed]


def picture(petition: Petition, steps: Sequence[Step]) -> dict[str, Any]:
    """Everything a petitioner may see of a petition, as the API gives it. Names come in the reader's language."""
    unit, reply, rating = unit_of(petition), reply_of(petition), rating_of(petition)
    return {
        "number": petition.number,
        "kind": petition.kind,
        "kind_name": pick(name_of(KIND_NAMES, petition.kind)),
        "title": petition.title,
        "body": petition.body,
        "place": petition.place,
        "language": petition.language,
        "sealed": petition.sealed,
        "publish": petition.publish,
        "submitted_at": petition.submitted_at,
        "state": petition.state,
        "state_name": pick(name_of(STATE_NAMES, petition.state)),
        "unit": {"id": petition.unit_id, "name": pick(unit)} if unit else None,
        "due_at": petition.due_at,
        "together": petition.together is not None,
        "reply": {
            "text": reply.text,
            "outcome": reply.outcome,
            "outcome_name": pick(name_of(OUTCOME_NAMES, reply.outcome)),
            "basis": reply.basis,
            "unit": pick(reply.unit.name),
            "issued_at": reply.issued_at,
        }
        if reply
        else None,
        "supplements": supplements_of(petition),
        "withdrawn_at": petition.withdrawn_at,
        "rating": rating,
        "actions": actions(petition),
        "way": [{"code": p.code, "at": p.when, "title": p.title, "text": p.text} for p in way(petition, steps)],
    }
