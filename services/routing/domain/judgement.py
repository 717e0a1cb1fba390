"""The judgement 研判: unit, kind and dangers of a petition by its words and its place, with the reasons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import log2
from typing import Final

from services.contracts.routing import Candidate, PastCase, Reason, RiskFinding
from services.contracts.shared import Kind
from services.routing.domain.directory import Directory, Unit, within
from services.routing.domain.kinds import KIND_WORDS, kind_of
from services.routing.domain.risks import ON_PERSON, find_risks
from services.routing.domain.words import Entry, WordFinder

#: A word in the title counts so much more than in the text.
TITLE = 2.0
#: A word in the place's own text is a hint only.
PLACE = 0.5
#: What a unit's other subjects add to its best one.
BESIDE = 0.4
#: Score at which the words alone carry half of the confidence.
HALF = 3.0
#: From this confidence on a petition is dispatched without a dispatcher.
SURE = 0.5
#: A second unit with this share of the first one's score, on words of its own, is a second matter.
SECOND = 0.6
#: … and with this share when the petitioner says that there are two.
SECOND_SAID = 0.3
#: By these the petitioner says so, folded.
TWO_SAID: Final = (
    "两件事",
    "两个问题",
    "第二件",
    "另一件事",
    "two things",
    "two matters",
    "two problems",
    "two separate",
)
#: Most words shown as reasons.
SHOWN = 5


@dataclass(frozen=True)
class Sheet:
    """A petition as the judgement reads it, every text folded."""

    title: str
    body: str
    place: str = ""
    adcode: str | None = None
    #: The body and each thing that was added to it, apart; empty: there is the body alone.
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judgement:
    """What was found, and why."""

    #: The unit to dispatch to; None: a dispatcher decides.
    unit: str | None
    subject: str | None
    area: str | None
    confidence: float
    reasons: list[Reason] = field(default_factory=list)
    risks: list[str] = field(default_factory=list)
    kind: Kind | None = None
    #: It reads like a report on a person: kept from every unit until a dispatcher has looked.
    on_person: bool = False
    #: Id of the trained judgement that was asked, the units it thought of, the decided petitions it goes by.
    model: str | None = None
    candidates: list[Candidate] = field(default_factory=list)
    past: list[PastCase] = field(default_factory=list)
    #: The dangers of ``risks`` with level and evidence.
    risk_findings: list[RiskFinding] = field(default_factory=list)


@dataclass
class _Score:
    unit: Unit
    total: float = 0.0
    subject: str | None = None
    words: dict[str, float] = field(default_factory=dict)


class Judge:
    """A directory made ready for judging many petitions; build once per directory version and day.

    Words are found by their first two characters in one pass over the text, whatever the number of words.

    Args:
        directory: with the units of the day only.
        fold: brings the directory's words to the form of the texts.
        sure_from: confidence from which a petition is dispatched by rule.
    """

    def __init__(self, directory: Directory, fold: Callable[[str], str], sure_from: float = SURE) -> None:
        self.directory = directory
        self._sure_from = sure_from
        self._find = _finder(directory, fold).find
        self._levels = {risk.code: risk.level for risk in directory.risk_words}
        #: Every folded word that names an area.
        self.area_words = [fold(word) for area in directory.areas for word in area.words]
        self._units_of: dict[str, list[Unit]] = defaultdict(list)
        for unit in directory.units:
            for subject in unit.subjects:
                self._units_of[subject].append(unit)
        root = directory.jurisdiction.adcode
        self._narrow = {unit.id for unit in directory.units if unit.areas and root not in unit.areas}

    def judge(self, sheet: Sheet) -> Judgement:
        """Judge one petition."""
        title, body, place = self._find(sheet.title), self._find(sheet.body), self._find(sheet.place)
        area = self._area(sheet.adcode, place, title, body)
        subjects, units = self._weigh(title, body, place)
        kind = kind_of(_hints(title), _hints(body))
        scores, elsewhere = self._scores(subjects, units, area)
        said = any(words in text for text in (sheet.title, sheet.body) for words in TWO_SAID)
        found = self._decide(scores, elsewhere, area, kind, SECOND_SAID if said else SECOND)
        return self._with_risks(found, sheet, (*title, *body))

    def judge_report(self, sheet: Sheet) -> Judgement:
        """Judge a report on a person 检举控告: no words weigh, it goes to the sealed unit alone (Art. 30)."""
        unit = self.directory.sealed_unit()
        reason = Reason(code="sealed_door", weight=1.0) if unit else Reason(code="no_sealed_unit")
        judgement = Judgement(unit.id if unit else None, None, None, 1.0 if unit else 0.0, [reason], on_person=True)
        judgement = self._with_risks(judgement, sheet, (*self._find(sheet.title), *self._find(sheet.body)))
        # At its own door it is no danger that it reports on a person.
        findings = [one for one in judgement.risk_findings if one.code != ON_PERSON]
        return replace(judgement, risks=sorted({one.code for one in findings}), risk_findings=findings)

    def _with_risks(self, judgement: Judgement, sheet: Sheet, found: Iterable[Entry]) -> Judgement:
        """The dangers that our rules and the directory's words find."""
        words = {
            entry.word: (key, self._levels[key]) for entry in found for what, key, _ in entry.points if what == "risk"
        }
        findings = find_risks((sheet.title, *(sheet.parts or (sheet.body,))), words)
        return replace(judgement, risks=sorted({one.code for one in findings}), risk_findings=findings)

    def _area(self, adcode: str | None, place: Iterable[Entry], *texts: Iterable[Entry]) -> str | None:
        """The narrowest area that code, place and text agree on."""
        known = self.directory.area_by_id
        given = next((adcode[:n] for n in range(len(adcode), 5, -1) if adcode[:n] in known), None) if adcode else None
        root = self.directory.jurisdiction.adcode
        if given is not None and given != root:
            return given
        for entries in (place, [entry for text in texts for entry in text]):
            named = {key for entry in entries for what, key, _ in entry.points if what == "area"} - {root}
            if named:
                return self._common(named)
        return given

    def _common(self, areas: set[str]) -> str | None:
        """The narrowest of nested areas; of areas side by side the one around them."""
        lines = [self.directory.area_line(area) for area in areas]
        longest = max(lines, key=len)
        if all(line[0] in longest for line in lines):
            return longest[0]
        return next((area for area in longest if all(area in line for line in lines)), None)

    def _weigh(
        self, title: Mapping[Entry, int], body: Mapping[Entry, int], place: Mapping[Entry, int]
    ) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]]:
        """Weighted words by subject and by unit."""
        subjects: dict[str, dict[str, float]] = defaultdict(dict)
        units: dict[str, dict[str, float]] = defaultdict(dict)
        for entry in {**title, **body, **place}:
            times = body.get(entry, 0)
            factor = (TITLE if entry in title else 0.0) + (1.0 + 0.25 * log2(times) if times else 0.0)
            factor = factor or PLACE
            for what, key, weight in entry.points:
                if what == "subject":
                    subjects[key][entry.word] = weight * factor
                elif what == "unit":
                    units[key][entry.word] = weight * factor
        return subjects, units

    def _scores(
        self, subjects: Mapping[str, dict[str, float]], units: Mapping[str, dict[str, float]], area: str | None
    ) -> tuple[list[_Score], list[_Score]]:
        """Scores of the units that are responsible there, and of those that are so for other areas only."""
        touched: dict[str, Unit] = {unit.id: unit for subject in subjects for unit in self._units_of.get(subject, ())}
        touched.update({key: self.directory.unit_by_id[key] for key in units})
        here: list[_Score] = []
        elsewhere: list[_Score] = []
        for unit in touched.values():
            score = _Score(unit)
            sums = {name: sum(subjects[name].values()) for name in unit.subjects if name in subjects}
            best = max(sums, key=lambda name: sums[name], default=None)
            for name in sums:
                score.words.update(subjects[name])
            if best is not None:
                score.subject = best
                score.total = sums[best] + BESIDE * (sum(sums.values()) - sums[best])
            for word, weight in units.get(unit.id, {}).items():
                score.words[word] = score.words.get(word, 0.0) + weight
                score.total += weight
            there = unit.id not in self._narrow or within(self.directory, area, unit.areas)
            (here if there else elsewhere).append(score)
        for found in (here, elsewhere):
            found.sort(key=lambda one: (-one.total, one.unit.id))
        return here, elsewhere

    def _decide(
        self,
        scores: list[_Score],
        elsewhere: list[_Score],
        area: str | None,
        kind: Kind | None,
        two_from: float,
    ) -> Judgement:
        if not scores:
            code = "outside_area" if elsewhere and area else "place_unknown" if elsewhere else "no_match"
            detail = elsewhere[0].unit.name.zh if elsewhere else ""
            return Judgement(None, None, area, 0.0, [Reason(code=code, detail=detail)], kind=kind)
        first = scores[0]
        second = scores[1] if len(scores) > 1 else None
        share = second.total / first.total if second else 0.0
        margin = min(1.0, (1.0 - share) / 0.5)
        confidence = round(first.total / (first.total + HALF) * (0.35 + 0.65 * margin), 2)
        reasons = self._reasons(first, area)
        stop: Reason | None = None
        if first.unit.sealed:
            stop = Reason(code="reads_like_report_on_person")
        elif elsewhere and elsewhere[0].total > first.total:
            code = "outside_area" if area else "place_unknown"
            stop = Reason(code=code, detail=elsewhere[0].unit.name.zh)
        elif second is not None and share > two_from and second.words.keys() - first.words.keys():
            stop = Reason(
                code="two_matters", detail=f"{first.unit.name.zh}、{second.unit.name.zh}", weight=round(share, 2)
            )
        elif confidence < self._sure_from:
            stop = Reason(code="low_confidence", detail=first.unit.name.zh)
        subject = None if first.unit.sealed else first.subject
        return Judgement(
            None if stop else first.unit.id,
            subject,
            area,
            confidence,
            [stop, *reasons] if stop else reasons,
            kind=kind,
            on_person=first.unit.sealed,
        )

    def _reasons(self, score: _Score, area: str | None) -> list[Reason]:
        whole = sum(score.words.values()) or 1.0
        top = sorted(score.words.items(), key=lambda item: (-item[1], item[0]))[:SHOWN]
        reasons = [Reason(code="word", detail=word, weight=round(weight / whole, 2)) for word, weight in top]
        if score.subject is not None:
            reasons.append(Reason(code="subject", detail=self.directory.subject_by_id[score.subject].name.zh))
        if area is not None and score.unit.id in self._narrow:
            reasons.append(Reason(code="place", detail=self.directory.area_by_id[area].name.zh))
        return reasons


def _hints(found: Iterable[Entry]) -> list[tuple[str, float]]:
    """Kinds that words speak for."""
    return [(key, weight) for entry in found for what, key, weight in entry.points if what == "kind"]


def _finder(directory: Directory, fold: Callable[[str], str]) -> WordFinder:
    """Every word of the directory with what it stands for."""
    points: dict[str, list[tuple[str, str, float]]] = defaultdict(list)
    for subject in directory.subjects:
        for word, weight in subject.words.items():
            points[fold(word)].append(("subject", subject.id, weight))
    for unit in directory.units:
        for word, weight in unit.words.items():
            points[fold(word)].append(("unit", unit.id, weight))
    for area in directory.areas:
        for word in area.words:
            points[fold(word)].append(("area", area.id, 1.0))
    for risk in directory.risk_words:
        for word in risk.words:
            points[fold(word)].append(("risk", risk.code, 1.0))
    for kind, words in KIND_WORDS.items():
        for word, weight in words.items():
            points[fold(word)].append(("kind", kind, weight))
    return WordFinder(points)
