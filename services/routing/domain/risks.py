"""Dangers in a petition: which, how near, and the words that say so. Tuned to miss nothing; a person looks at each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from services.contracts.routing import RiskFinding
from services.routing.domain.risk_lists import Pattern, Rule, compiled
from services.routing.domain.risk_pairs import PAIRS, WATCH_PAIRS, of_pairs
from services.routing.domain.risk_rules import RULES
from services.routing.domain.risk_rules_life import LIFE_RULES

Level = Literal["urgent", "watch"]
#: Danger now, and a danger that may come.
URGENT: Final[Level] = "urgent"
WATCH: Final[Level] = "watch"
#: Findings kept of one kind of danger, and characters of a clause and of a found text.
PER_CODE: Final = 3
CLAUSE: Final = 80
WORD: Final = 30
#: Longer texts tell a story: in them a danger only named counts as one of now beside a word that says so.
LONG: Final = 150
#: What is never an old story.
NEVER_OLD: Final = frozenset({"self_harm", "gas"})

#: Asks, proposes, praises, tells of another place or of long ago: a danger only named in such a sentence is none now.
_CALM: Final = re.compile(
    r"(?:19|20)\d\d年|演练|演习|宣传|讲座|培训|知识|课本|预案|建议|提议|希望(?:能|多|在|把|组织|加强)|请问|咨询|想问|了解一下"
    r"|如何申请|申请|感谢|谢谢|表扬|点赞|热心|幸好|幸亏|好在|虚惊|预防|防范|避免|防止|警示|纪念|"
    r"电影|电视剧|小说|论文|新闻|报道|听说|据说|网上看到|[十几\d一两三四五六七八九]+年前|当年|去年|前年|上个?月"
    r"|上周|以前|曾经|历史|保险|理赔|赔付|鉴定|认定|责任书|检查记录|补贴|抚恤|"
    r"\bi suggest|\bsuggest(?:ion|ing)?\b|\bdrills?\b|\btraining\b|\blectures?\b|\bcourse\b|\bbooks?\b|\bfilm\b"
    r"|\bmovie\b|\bnovel\b|\bthank|\bwhen (?:is|does|will|do)\b|\bis there an?\b|"
    r"\bhow (?:do|can) i\b|\bwhere (?:can|do)\b|\bcould (?:you|we|the)\b|\blast (?:year|month|week)\b"
    r"|\byears ago\b|\bpreven\w+|\binsurance|\bawareness|\bin case of|\bhistory\b|\bnews\b"
)
#: It is happening: such a sentence is not calm, whatever else it says.
_NOW: Final = re.compile(
    r"现在|正在|此刻|刚刚|刚才|马上|快来|立刻|紧急|救命|还在|又(?:开始|来)|越来越|怎么办|没人管|\bright now\b"
    r"|\bat this moment\b|\bstill\b|\bhurry\b|\bplease (?:come|send|help)|\bemergency\b|\burgent"
)
#: Lately, or again and again: what a long story tells of beside such a word is no old story.
_LATELY: Final = re.compile(
    r"今[天早晚晨日夜]|昨[天晚夜日]|前天|刚|正在|现在|目前|随时|马上|天天|每天|每晚|一直|不停|又|还(?:在|没|有)|至今|连[着续]|这几天|近日|最近|快要|就要|半夜|\b(?:today|tonight|yesterday|now|"
    r"still|again|every (?:day|night)|this (?:morning|week|afternoon)|last night|since|keeps?|right away)\b"
)
#: Over: neither now nor to be watched more than by a look.
_OVER: Final = re.compile(
    r"已经?(?:及时|全部|都|被|顺利|连夜)?(?:修好|扑灭|解决|处理完|处理好|恢复|抢修|维修好|关掉|排除|换好|整改完"
    r"|清走|救上来|脱离危险|出院|没事)|(?:修好|扑灭|处理完|排除|恢复(?:正常|供[水电气暖热]))了"
    r"|事情(?:已经)?(?:处理|解决)完?|"
    r"\b(?:was|were|has been|have been|is|are|got) (?:quickly |promptly |already |now )?(?:repaired|fixed|put out"
    r"|extinguished|resolved|restored|replaced)|\bthank you for (?:repairing|fixing|putting out)"
)
#: Right before the words: it is denied. "没有人管" denies nothing of what follows.
_DENIED: Final = re.compile(
    r"(?:没有?|并没有?|并未|从未|未曾|未|无|不会|不再|不是|并非|绝非|避免|防止|预防|以免|免得|防|杜绝|谨防|万一"
    r"|假如|如果|要是)(?:再|发生|出现|引起|引发|造成|过|任何|什么|被|有|闻到|看到)*$|"
    r"\b(?:no|not|never|without|n't|any|against|if|in case of|prevent(?:ing)?|risk of|nobody was|no one was) (?:a "
    r"|an |the |any |been |be |yet |there (?:is|was) )*$"
)
#: What somebody is without is no danger that is denied.
_SUPPLY: Final = re.compile(r"暖|供[暖热水电]|地暖|自来水|水|电|heat|water|power|electricity|tap")
_STOPS: Final = ("。", "!", "?", ";", ". ", "\n")
_BREAKS: Final = (*_STOPS, ",", "、")
#: Latin letters enough to be a word.
_WORDS: Final = re.compile(r"[a-z]{3}")
_DIGITS: Final = re.compile(r"\d{5,}[\dx]*")


@dataclass(frozen=True)
class _Ready:
    """A rule made ready."""

    code: str
    #: Level, pattern, and whether a calm sentence calms it.
    parts: tuple[tuple[Level, Pattern, bool], ...]
    calm: re.Pattern[str] | None


def _ready(rule: Rule) -> _Ready:
    given: tuple[tuple[Level, str, bool], ...] = (
        (URGENT, rule.now, False),
        (URGENT, rule.named, True),
        (URGENT, of_pairs(PAIRS.get(rule.code, ())), True),
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

    def add(self, finding: RiskFinding, level: Level) -> None:
        self.by_level[level].setdefault(finding.word, finding)

    def best(self) -> list[RiskFinding]:
        return [*self.by_level[URGENT].values(), *self.by_level[WATCH].values()][:PER_CODE]


def find_risks(texts: Iterable[str], words: Mapping[str, tuple[str, Level]] | None = None) -> list[RiskFinding]:
    """The dangers that a petition tells of, urgent ones first.

    Args:
        texts: title and body, folded.
        words: the directory's own words with code and level, folded; only those that the text holds need be given.
    """
    found: dict[str, _Found] = {}
    for text in texts:
        latin = _WORDS.search(text) is not None
        for rule in _RULES:
            _look(rule, text, found, latin=latin)
        for word, (code, level) in (words or {}).items():
            at = text.find(word)
            if at >= 0:
                _keep(found, code, text, (at, at + len(word)), level, calms=True, calm=None)
    findings = [one for code in sorted(found) for one in found[code].best()]
    return sorted(findings, key=lambda one: one.level != URGENT)


def _look(rule: _Ready, text: str, found: dict[str, _Found], *, latin: bool) -> None:
    for level, pattern, calms in rule.parts:
        for kept, match in enumerate(pattern.find(text, latin=latin)):
            if kept >= 4 * PER_CODE:
                break
            _keep(found, rule.code, text, match.span(), level, calms=calms, calm=rule.calm)


def _keep(
    found: dict[str, _Found],
    code: str,
    text: str,
    span: tuple[int, int],
    level: Level,
    *,
    calms: bool,
    calm: re.Pattern[str] | None,
) -> None:
    """Keep a finding at the level that its sentence leaves it, or not at all."""
    start, end = span
    sentence = text[_before(text, start, _STOPS, 120) : _after(text, end, _STOPS, 120)]
    lead = text[max(0, start - 24) : start]
    over = _OVER.search(sentence) is not None and _NOW.search(sentence) is None
    denied = _DENIED.search(lead) is not None and _SUPPLY.match(text, start) is None
    now = _NOW.search(sentence) is not None
    calmed = not now and (
        _CALM.search(sentence) is not None or (calm is not None and calm.search(sentence) is not None)
    )
    if calms and (denied or over or (calmed and level == WATCH)):
        return
    story = code not in NEVER_OLD and len(text) > LONG and not now and _LATELY.search(sentence) is None
    if denied or over or story or (calms and calmed):
        level = WATCH
    clause = text[_before(text, start, _BREAKS, CLAUSE // 4) : _after(text, end, _BREAKS, CLAUSE // 4)]
    finding = RiskFinding(code=code, level=level, word=_shown(text[start:end], WORD), clause=_shown(clause, CLAUSE))
    found.setdefault(code, _Found()).add(finding, level)


def _before(text: str, at: int, stops: Sequence[str], most: int) -> int:
    first = max(0, at - most)
    return max([first, *(found + len(stop) for stop in stops if (found := text.rfind(stop, first, at)) >= 0)])


def _after(text: str, at: int, stops: Sequence[str], most: int) -> int:
    ends = [found for stop in stops if (found := text.find(stop, at, at + most)) >= 0]
    return min([at + most, len(text), *ends])


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
