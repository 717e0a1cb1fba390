"""What is read out of one petition when it comes in: the judgement, and what look-alikes are found by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.contracts.intake import PetitionState
from services.routing.domain.judgement import Judge, Judgement, Sheet
from services.routing.domain.kept_words import pack
from services.routing.domain.learned import Learned, with_learned
from services.routing.domain.look_alikes import Features, place_pairs, sketch
from services.routing.domain.sameness import Commonness, profile
from services.routing.domain.sameness import Sheet as Words


@dataclass(frozen=True)
class Reading:
    """A petition read once."""

    judgement: Judgement
    features: Features
    #: Keys of its words, each once; none of a report on a person.
    words: frozenset[int] = frozenset()


def read(
    petition_id: str,
    number: str,
    petition: PetitionState,
    judge: Judge,
    fold: Callable[[str], str],
    common: Commonness,
    learned: Learned | None = None,
    *,
    sealed: bool,
) -> Reading:
    """Read one petition with what was added to it.

    Args:
        petition_id: its id.
        number: its receipt number.
        petition: as intake tells it.
        judge: the directory of the day, made ready.
        fold: brings texts to one form.
        common: how common words are.
        learned: the trained judgement in force, where there is one.
        sealed: a report on a person; nothing is kept of it that another petition could be compared with.
    """
    parts = tuple(fold(text) for text in (petition.body, *(one.text for one in petition.supplements)))
    place = fold(petition.place.text)
    body = " ".join(part for part in parts if part)
    sheet = Sheet(fold(petition.title), body, place, petition.place.adcode, parts)
    if sealed:
        return Reading(judge.judge_report(sheet), Features(petition_id, number, petition.submitted_at))
    judgement = judge.judge(sheet)
    if learned is not None:
        judgement = with_learned(judgement, sheet, judge.directory, learned)
    words = Words(petition_id, sheet.title, sheet.body, place, petitioner=petition.petitioner_key)
    cut = words.cut()
    features = Features(
        petition_id,
        number,
        petition.submitted_at,
        sketch=sketch(f"{sheet.title}\n{sheet.body}"),
        petitioner_key=petition.petitioner_key,
        subject=judgement.subject,
        area=judgement.area,
        place=place_pairs(place, judge.area_words),
        kept=pack(profile(words, common, cut)),
    )
    return Reading(judgement, features, frozenset(cut.keys()))
