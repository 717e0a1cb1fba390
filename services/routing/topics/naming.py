"""Names a group of petitions as a person would: by the title that says best what all of them say, cleaned."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from services.routing.domain.sameness import Commonness, key, words
from services.routing.folding import fold

#: A name's best length in characters, and the longest one.
BEST: Final = (8, 24)
LONGEST: Final = 40
#: Share of the petitions in which a phrase of the group stands.
SHARED: Final = 0.5
#: Lengths of phrases that are looked for.
_PHRASE: Final = range(2, 13)
#: How much of a text is read for phrases.
_READ: Final = 120

_LEADING: Final = re.compile(
    r"^(?:(?:再次|再问|再|多次|强烈|实名|紧急|联名|坚决|特此|我要|我想|想|请|恳|敬请)?"
    r"(?:关于|有关|反映|反应|投诉|举报|咨询|请问|请教|询问|求助|请求|恳请|恳求|希望|盼望|期盼|建议|质疑|申请|呼吁|要求|控诉|求)"
    r"(?:一下)?(?:对于|对|给)?"
    r"|(?:有没有|有)?(?:谁|人)(?:来|能)?管?管管?"
    r"|(?:complaint|report|request|question|inquiry|petition|suggestion)s? (?:about|of|on|for|against|to|concerning) )"
    r"[\s:：,，、]*",
    re.IGNORECASE,
)
_TRAILING: Final = re.compile(
    r"(?:的?(?:相关|有关|一些|诸多|若干)?(?:问题|事项|事宜|情况|投诉|举报|咨询|建议|诉求|疑问|现象|请求|维权)"
    r"(?:的(?:投诉|举报|咨询|建议|请求|反映))?"
    r"|[,，、 ]?(?:请|望|盼|希望|恳请|请求|求)[^,，。]{0,12}(?:处理|解决|管管|管一管|重视|整改|查处|关注)"
    r"|[,，、 ]?(?:何时|什么时候|谁来|谁能|怎么|如何|到底|究竟)?(?:才能|能|会|该)?(?:解决|处理|管|怎么办)"
    r"|[\s?？!！。.…,，、;；:：~～]+)$"
)
#: What a phrase ends in that names a place.
PLACES: Final = re.compile(
    r"(?:小区|花园|社区|街道|公寓|家园|新城|新村|广场|大道|中心|大厦|大桥|立交|隧道|公园|市场|商场|医院|学校|小学|中学|大学|学院|"
    r"幼儿园|车站|号线|公司|集团|项目|工地|楼盘|路|街|巷|村|组|镇|乡|苑|府|湾|城|园|庭|郡|岛|湖|山|站|桥|期|栋|厂|"
    r"road|street|estate|park|school|village|station|square)$"
)


def cleaned(title: str) -> str:
    """A title without the words in which it asks: "Complaint about …", 关于……的投诉."""
    name = " ".join(title.split())
    while True:
        shorter = _TRAILING.sub("", _LEADING.sub("", name)).strip()
        # What would leave next to nothing was the matter itself.
        if shorter == name or sum(map(str.isalnum, shorter)) < 4:
            return name
        name = shorter


def name_of(titles: Sequence[str], common: Commonness) -> str:
    """The name of a group: its most telling title, cleaned; the first of equals."""
    counts: Counter[str] = Counter()
    for title in titles:
        counts.update(set(words(fold(title))))
    shared = {
        word: (count / len(titles)) ** 2 * common.weight(key(word)) for word, count in counts.items() if count > 1
    }
    whole = sum(shared.values()) or 1.0
    best, name = -1.0, ""
    for title in dict.fromkeys(titles):
        short = cleaned(title)
        own = set(words(fold(short)))
        if not own:
            continue
        told = sum(shared.get(word, 0.0) for word in own) / whole
        strange = sum(word not in shared for word in own) / len(own)
        length = len(short)
        over = max(BEST[0] - length, length - BEST[1], 0) / BEST[1]
        worth = told - 0.3 * strange - 0.5 * over
        if worth > best:
            best, name = worth, short
    name = name or " ".join(titles[0].split())
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def phrases_of(texts: Sequence[str], common: Commonness, most: int = 5) -> list[str]:
    """Phrases that stand in half of a group's texts or more, none within another one; the most telling first."""
    counts: Counter[str] = Counter()
    for text in texts:
        found: set[str] = set()
        for run in re.findall(r"[a-z0-9]+|[^\W\d_a-z]+", text[:_READ]):
            if run[0].isascii():
                found.add(run)
            else:
                found.update(run[at : at + n] for n in _PHRASE for at in range(len(run) - n + 1))
        counts.update(found)
    least = max(SHARED * len(texts), 2)
    often = {phrase: count for phrase, count in counts.items() if count >= least}
    told = {
        phrase: count / len(texts) * sum({word: common.weight(key(word)) for word in words(phrase)}.values())
        for phrase, count in often.items()
    }
    chosen: list[str] = []
    for phrase in sorted(told, key=lambda one: (-told[one], one)):
        if told[phrase] <= 0.0 or len(chosen) == most:
            break
        if not any(_overlaps(phrase, other) for other in chosen):
            chosen.append(phrase)
    return chosen


def place_of(phrases: Sequence[str], titles: Sequence[str]) -> str:
    """The first of a group's phrases that names a place and stands in a third of the titles, "" when none does."""
    folded = [fold(title) for title in titles]
    for phrase in phrases:
        # What is cut out of "X 区锦梭路" or "公司的锦梭路" begins in the middle of another name.
        place = re.sub(r"^.*的|^(?:[省市县区镇]|街道)", "", phrase)
        if len(place) > 1 and PLACES.search(place) and 3 * sum(place in title for title in folded) >= len(folded):
            return place
    return ""


def _overlaps(one: str, other: str) -> bool:
    if one in other or other in one:
        return True
    return any(one[-n:] == other[:n] or other[-n:] == one[:n] for n in range(2, min(len(one), len(other))))
