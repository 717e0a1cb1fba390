"""Sameness: are two petitions about one matter? The rarer the words they share, the more they tell."""

from __future__ import annotations

import re
import zlib
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from math import fsum, log, sqrt
from typing import Final

from services.routing.domain.places import place_names
from services.routing.domain.troubles import troubles_in

#: Words kept of a petition: the heaviest ones, those of the title before the others.
KEPT: Final = 256
#: Of the body so many characters are read: what comes later are attachments, laws and repetitions.
READ: Final = 3_000
#: A word of the title weighs so much more in the text; how far titles are covered is weighed beside it.
TITLE: Final = 0.5
#: From this score on two petitions are shown to each other's readers.
TOLD: Final = 0.17
#: From this score on a dispatcher is offered to merge them.
MERGED: Final = 0.4
#: How much of the score is what the texts share, the rest is how far the titles stand in the other petition.
TEXT: Final = 0.6
#: How much a known petitioner lifts a score that is neither nothing nor all.
PETITIONER: Final = 0.2
#: What is left of a score where neither speaks of the trouble, or of the place, that the other's title names.
APART: Final = 0.6
#: Of the body so many characters are read for troubles.
_TROUBLES_READ: Final = 600
#: Petitions that are taken as known before the first one has come, so that two of a handful can be compared.
PRIOR: Final = 200.0
#: Slots of the table that counts in how many petitions a word stands; a power of two.
SLOTS: Final = 1 << 20

#: Runs of Chinese characters are cut to pairs and triples; a Latin word or a number is one word.
_RUN: Final = re.compile(r"[a-z0-9]+|[^\W\d_a-z]+")
#: Said in nearly every petition, whatever its matter; taken out before words are cut.
STOCK: Final = re.compile(
    "尊敬的|各位|领导|您好|你好|您们好|谢谢|感谢|百忙之中|此致|敬礼|为民做主|为老百姓|老百姓|有关部门|相关部门|"
    "希望|请求|恳请|恳求|强烈要求|投诉|举报|反映|咨询|请问|建议|关于|问题|解决|尽快|何时|什么时候|怎么办|一下|"
    "我们|你们|他们|我是|本人|已经|现在|没有|可以|因为|所以|但是|如果|这个|以及|进行|多次|严重|至今"
)

#: Different words for one thing, folded; the first of each line stands for all of them.
ALIKE: Final = (
    ("违停", "违章停车", "违规停车", "乱停乱放", "乱停车", "违法停车"),
    ("噪音", "噪声", "吵闹", "太吵"),
    ("夜宵", "宵夜"),
    ("拥堵", "堵车", "塞车"),
    ("臭味", "恶臭", "臭气", "异味"),
    ("扬尘", "粉尘", "灰尘"),
    ("产权证", "房产证", "房产权证", "不动产证", "不动产权证", "不动产登记证"),
    ("红绿灯", "信号灯", "交通灯"),
    ("天桥", "人行天桥", "过街天桥"),
    ("欠薪", "拖欠工资", "拖欠民工工资", "拖欠农民工工资", "讨薪"),
    ("供暖", "供热", "暖气"),
    ("捆绑", "绑定", "搭售"),
    ("拆迁", "征拆", "征收"),
    ("违建", "违章建筑", "违法建筑", "违规建筑", "违章搭建", "违法搭建"),
    ("搅拌站", "搅拌厂", "搅拌场"),
    ("幼儿园", "幼稚园"),
)
_FIRST: Final = {word: line[0] for line in ALIKE for word in line[1:]}
_OTHERS: Final = re.compile("|".join(sorted(_FIRST, key=len, reverse=True)))


def words(text: str) -> Iterator[str]:
    """The words of a folded text, as often as they stand in it."""
    plain = _OTHERS.sub(lambda found: _FIRST[found[0]], STOCK.sub(" ", text))
    for run in _RUN.findall(plain):
        if run[0].isascii():
            if len(run) > 1:
                yield run
        elif len(run) > 1:
            yield run[:2]
            for at in range(2, len(run)):
                yield run[at - 1 : at + 1]
                yield run[at - 2 : at + 1]


def key(word: str) -> int:
    """The number a word is kept under."""
    return zlib.crc32(word.encode())


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is compared of a petition, its texts folded."""

    id: str
    title: str
    body: str
    place: str = ""
    at: datetime | None = None
    #: Opaque; the same for petitions of one person.
    petitioner: str | None = None

    def cut(self) -> Cut:
        """Its words: those of title and place, and those of the body, by key with how often each stands there."""
        return Cut(_counted(f"{self.title}\n{self.place}"), _counted(self.body[:READ]))


@dataclass(frozen=True, slots=True)
class Cut:
    """A petition's words by their keys."""

    head: dict[int, int]
    text: dict[int, int]

    def keys(self) -> set[int]:
        """Each word once."""
        return {*self.head, *self.text}


def _counted(text: str) -> dict[int, int]:
    found: dict[int, int] = {}
    for word in words(text):
        number = key(word)
        found[number] = found.get(number, 0) + 1
    return found


class Commonness:
    """In how many petitions each word stands; learned from the petitions themselves, kept in a table of fixed size."""

    def __init__(self, slots: int = SLOTS) -> None:
        self._mask = slots - 1
        self._counts = array("I", bytes(4 * slots))
        self.petitions = 0

    def add(self, keys: Iterable[int]) -> None:
        """Count one petition with the keys of its words, each once."""
        counts, mask = self._counts, self._mask
        for one in keys:
            counts[one & mask] += 1
        self.petitions += 1

    def count(self, number: int) -> int:
        """In how many petitions a word stands."""
        return self._counts[number & self._mask]

    def weight(self, number: int) -> float:
        """How much a word tells: nothing when it stands everywhere, about 8 when hardly anywhere of some thousands."""
        return max(log((self.petitions + PRIOR) / (self._counts[number & self._mask] + 1.0)), 0.0)


@dataclass(frozen=True, slots=True)
class Profile:
    """A petition made ready for comparing: its heaviest words, the vector of their weights of length 1."""

    id: str
    #: Keys of the words kept with their weights.
    weights: dict[int, float]
    #: Of the title's words (and the place's) the share that each is of all of them; they sum up to 1.
    heads: dict[int, float]
    #: Troubles that the title names, and those that title and body name; a bit for each.
    head_troubles: int = 0
    troubles: int = 0
    #: Keys of the names of places in the title.
    head_places: frozenset[int] = frozenset()
    at: datetime | None = None
    petitioner: str | None = None


def profile(sheet: Sheet, common: Commonness, cut: Cut | None = None) -> Profile:
    """Make a petition ready for comparing; one without words has none to compare.

    Args:
        sheet: the petition.
        common: how common words are.
        cut: its words, where they have been cut already.
    """
    cut = cut or sheet.cut()
    head, text = cut.head, cut.text
    telling = {number: common.weight(number) for number in {**head, **text}}
    heavy = [
        (
            telling[number]
            * ((TITLE if number in head else 0.0) + (1.0 + log(text[number]) if number in text else 0.0)),
            number,
        )
        for number in telling
    ]
    heavy.sort(key=lambda pair: (-pair[0], pair[1]))
    kept = {number: weight for weight, number in heavy[:KEPT] if weight > 0.0}
    length = sqrt(sum(weight * weight for weight in kept.values())) or 1.0
    whole = sum(telling[number] for number in head) or 1.0
    named = troubles_in(sheet.title)
    return Profile(
        sheet.id,
        {number: weight / length for number, weight in kept.items()},
        {number: telling[number] / whole for number in head if telling[number] > 0.0},
        named,
        named | troubles_in(sheet.body[:_TROUBLES_READ]),
        frozenset(key(name) for name in place_names(f"{sheet.title} {sheet.place}")),
        sheet.at,
        sheet.petitioner,
    )


@dataclass(frozen=True, slots=True)
class Sameness:
    """How alike two petitions are, 0 … 1, with what it rests on."""

    score: float
    #: What their texts share by weight.
    text: float
    #: How far the words of each title stand in the other petition, on average of the two.
    heads: float
    #: The same key of a petitioner; False where either has none.
    same_petitioner: bool
    #: Each title names a trouble, or a place, and the other petition none of these.
    apart: bool
    #: Days between them; None where either has no time.
    days: float | None


def sameness(one: Profile, other: Profile) -> Sameness:
    """Weigh two petitions against each other; the order does not matter.

    Days between them are told and weigh nothing: a matter that is not settled is filed again after a year.
    """
    ours, theirs = one.weights, other.weights
    # fsum, since the words in common come in no order.
    text = min(fsum(ours[number] * theirs[number] for number in ours.keys() & theirs.keys()), 1.0)
    covered = [_covered(one.heads, other) for one, other in ((one, other), (other, one)) if one.heads]
    # Petitions without titles are weighed by their texts alone.
    heads = sum(covered) / len(covered) if covered else text
    same = one.petitioner is not None and one.petitioner == other.petitioner
    apart = _other_trouble(one, other) or _other_place(one, other)
    days = abs((one.at - other.at).total_seconds()) / 86_400 if one.at is not None and other.at is not None else None
    return Sameness(round(score(text, heads, same, apart), 4), text, heads, same, apart, days)


def score(text: float, heads: float, same_petitioner: bool, apart: bool) -> float:
    """``TEXT`` × text + the rest × heads, ``APART`` of it where troubles or places differ.

    A known petitioner lifts the middle of the scale, not its ends.
    """
    plain = (TEXT * text + (1.0 - TEXT) * heads) * (APART if apart else 1.0)
    return plain + PETITIONER * plain * (1.0 - plain) if same_petitioner else plain


def _covered(heads: dict[int, float], other: Profile) -> float:
    """The share of a title that stands in another petition."""
    return min(sum(share for number, share in heads.items() if number in other.weights or number in other.heads), 1.0)


def _other_trouble(one: Profile, other: Profile) -> bool:
    """Each title names a trouble that the other petition does not speak of."""
    if not one.head_troubles or not other.head_troubles:
        return False
    return not one.head_troubles & other.troubles and not other.head_troubles & one.troubles


def _other_place(one: Profile, other: Profile) -> bool:
    """Each title names a place that the other petition does not speak of."""
    if not one.head_places or not other.head_places:
        return False
    return not (_speaks(other, one.head_places) or _speaks(one, other.head_places))


def _speaks(one: Profile, names: frozenset[int]) -> bool:
    return any(name in one.weights or name in one.heads for name in names)
