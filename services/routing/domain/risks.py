"""Dangers in a petition: which, how near, and the words that say so. Tuned to miss nothing; a person looks at each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Literal

from services.contracts.routing import RiskFinding
from services.routing.domain.needles import runs_of
from services.routing.domain.risk_distress import BACKED, distress, signs
from services.routing.domain.risk_lists import Pattern, Rule, compiled
from services.routing.domain.risk_pairs import PAIRS, WATCH_PAIRS, of_pairs
from services.routing.domain.risk_pairs_life import LIFE_PAIRS
from services.routing.domain.risk_rules import RULES
from services.routing.domain.risk_rules_life import LIFE_RULES
from services.routing.domain.risk_sentences import CLAUSE, LONG, surroundings, weight

Level = Literal["urgent", "watch"]
#: Danger now, and a danger that may come.
URGENT: Final[Level] = "urgent"
WATCH: Final[Level] = "watch"
#: Findings kept of one kind of danger, and characters of a found text.
PER_CODE: Final = 3
WORD: Final = 30
#: Places of a text that one pattern looks at, so that the longest text is read in a moment.
LOOKS: Final = 60
#: What somebody says that they will do is meant even with an "if".
MEANT: Final = frozenset({"self_harm", "threats", "group_action"})
#: What many a complaint only names: in a long text another kind of sign must stand near.
BACKED_UP: Final = frozenset({"danger_to_life"})
#: As what several signs together count.
DISTRESS: Final = "danger_to_life"
#: What is never an old story.
NEVER_OLD: Final = frozenset({"self_harm", "gas"})
#: Latin letters enough to be a word.
_WORDS: Final = re.compile(r"[a-z]{3}")
_DIGITS: Final = re.compile(r"\d(?:[ -]?[\dx]){4,}")


_PAIRS: Final = {**PAIRS, **LIFE_PAIRS}


@dataclass(frozen=True)
class _Ready:
    """A rule made ready."""

    code: str
    #: Level, pattern, and whether a calm sentence calms it.
    parts: tuple[tuple[Level, Pattern, bool], ...] = ()
    calm: re.Pattern[str] | None = None


@dataclass(frozen=True)
class _Text:
    """A text made ready."""

    text: str
    #: There are Latin words in it.
    latin: bool
    #: It tells a story.
    is_long: bool


def _ready(rule: Rule) -> _Ready:
    given: tuple[tuple[Level, str, bool], ...] = (
        (URGENT, rule.now, False),
        (URGENT, rule.named, True),
        (URGENT, of_pairs(_PAIRS.get(rule.code, ())), True),
        (WATCH, rule.watch, True),
        (WATCH, of_pairs(WATCH_PAIRS.get(rule.code, ())), True),
    )
    parts = tuple((level, compiled(text), calms) for level, text, calms in given if text)
    return _Ready(rule.code, parts, re.compile(rule.calm) if rule.calm else None)


_RULES: Final = tuple(_ready(rule) for rule in (*RULES, *LIFE_RULES))
#: A report on a person that came in by the common door.
ON_PERSON: Final = "report_on_person"
#: The codes that our own rules find.
CODES: Final = tuple(rule.code for rule in _RULES)


@dataclass
class _Found:
    """What was found of one kind of danger, the gravest first."""

    by_level: dict[Level, dict[str, RiskFinding]] = field(default_factory=lambda: {URGENT: {}, WATCH: {}})

    def add(self, finding: RiskFinding) -> None:
        self.by_level[URGENT if finding.level == URGENT else WATCH].setdefault(finding.word, finding)

    def take(self, other: _Found) -> None:
        """Add what was found in another text."""
        for findings in other.by_level.values():
            for finding in findings.values():
                self.add(finding)

    def lower(self) -> None:
        """To be watched, all of it."""
        for finding in self.by_level[URGENT].values():
            lower = RiskFinding(code=finding.code, level=WATCH, word=finding.word, clause=finding.clause)
            self.by_level[WATCH].setdefault(finding.word, lower)
        self.by_level[URGENT].clear()

    def best(self) -> list[RiskFinding]:
        """A few, none of which holds the words of another."""
        kept: list[RiskFinding] = []
        for one in (*self.by_level[URGENT].values(), *self.by_level[WATCH].values()):
            if len(kept) < PER_CODE and not any(one.word in other.word or other.word in one.word for other in kept):
                kept.append(one)
        return kept


def find_risks(texts: Sequence[str], words: Mapping[str, tuple[str, Level]] | None = None) -> list[RiskFinding]:
    """The dangers that a petition tells of, urgent ones first.

    Args:
        texts: the title, the body, and each thing that was added, folded.
        words: the directory's own words with code and level, folded; only those that the texts hold need be given.
    """
    read = [_read(text, words or {}) for text in texts]
    if len(read) > 1 and weight(texts[1]) > LONG:
        # A headline that the long text below says nothing of was but a turn of phrase.
        for code, found in read[0].items():
            if code not in NEVER_OLD and code not in read[1]:
                found.lower()
    found_all: dict[str, _Found] = {}
    for one in read:
        for code, found in one.items():
            found_all.setdefault(code, _Found()).take(found)
    findings = [one for code in sorted(found_all) for one in found_all[code].best()]
    return sorted(findings, key=lambda one: one.level != URGENT)


def _read(text: str, words: Mapping[str, tuple[str, Level]]) -> dict[str, _Found]:
    found: dict[str, _Found] = {}
    given = _Text(text, latin=_WORDS.search(text) is not None, is_long=weight(text) > LONG)
    runs = runs_of(text)
    for rule in _RULES:
        for level, pattern, calms in rule.parts:
            for match in islice(pattern.find(text, runs, latin=given.latin), LOOKS):
                _keep(found, rule, given, match.span(), level, calms=calms)
    if (span := distress(text)) is not None:
        _keep(found, _Ready(DISTRESS), given, span, URGENT, calms=True)
    for word, (code, level) in words.items():
        for match in islice(re.finditer(re.escape(word), text), LOOKS):
            _keep(found, _Ready(code), given, match.span(), level, calms=True)
    return found


def _keep(
    found: dict[str, _Found], rule: _Ready, text: _Text, span: tuple[int, int], level: Level, *, calms: bool
) -> None:
    """Keep a finding at the level that the words around it leave it, or not at all."""
    start, end = span
    around = surroundings(text.text, start, end, is_long=text.is_long)
    calm = around.calm or (rule.calm is not None and rule.calm.search(around.sentence) is not None)
    calmed = calm and not around.now
    denied = around.denied or (around.supposed and rule.code not in MEANT)
    if calms and (denied or around.over or (calmed and level == WATCH)):
        return
    perhaps = around.perhaps and rule.code not in MEANT
    if calms and text.is_long and rule.code in BACKED_UP and signs(text.text, start, end).kinds < BACKED:
        level = WATCH
    story = around.story and not (around.soon and rule.code in MEANT)
    story = story and (around.known or rule.code not in NEVER_OLD)
    if denied or around.over or perhaps or story or (calms and calmed):
        level = WATCH
    word, clause = _shown(text.text[start:end], WORD), _shown(around.clause, CLAUSE)
    found.setdefault(rule.code, _Found()).add(RiskFinding(code=rule.code, level=level, word=word, clause=clause))


def _shown(text: str, most: int) -> str:
    """A text as evidence: no long number in it, which may be a telephone's or a person's."""
    return _DIGITS.sub("…", text.strip())[:most]


def levels(findings: Iterable[RiskFinding]) -> dict[str, Level]:
    """Every kind of danger found, with its gravest level."""
    found: dict[str, Level] = {}
    for one in findings:
        if one.level == URGENT or one.code not in found:
            found[one.code] = URGENT if one.level == URGENT else WATCH
    return found
