"""Look-alikes on a case's page: how alike, by what, and whether the case may join each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.contracts.routing import Assessment, LookAlike
from services.routing.domain.merging import merge_problem
from services.routing.domain.sameness import MERGED, Commonness, Sheet
from services.routing.folding import fold
from services.routing.handlers.record import petition_of
from services.routing.models import Case
from services.routing.topics.evidence import shared_phrases

#: Nothing is counted here: the longer a phrase that two share, the more it tells.
_UNCOUNTED = Commonness(slots=1)


@dataclass(frozen=True)
class Shown:
    """A look-alike as the page shows it."""

    alike: LookAlike
    other: Case
    #: Phrases that stand in both, those that name places first.
    phrases: list[str]
    #: The case may join it.
    mergeable: bool
    #: So alike that joining is suggested.
    suggested: bool


def of_case(case: Case, assessment: Assessment, seen: Mapping[str, Case]) -> list[Shown]:
    """The look-alikes of a case that its reader may see, the most alike first.

    Args:
        case: the case.
        assessment: its judgement.
        seen: the cases that the reader may see, by petition id.
    """
    if case.audience == "sealed":
        return []
    ours, shown = _sheet(case), []
    for one in assessment.look_alikes:
        other = seen.get(one.petition_id)
        if other is None or other.sealed or other.audience == "sealed":
            continue
        if other.lead_id == case.petition_id or case.lead_id == other.petition_id:
            # They are handled together already, and stand in a list of their own.
            continue
        places, others = shared_phrases(ours, _sheet(other), _UNCOUNTED)
        mergeable = merge_problem(case, other) is None
        shown.append(Shown(one, other, [*places, *others], mergeable, mergeable and one.score >= MERGED))
    return shown


def _sheet(case: Case) -> Sheet:
    petition = petition_of(case)
    return Sheet(case.petition_id, fold(petition.title), fold(petition.body), fold(petition.place.text))
