"""Distress: signs of different kinds that stand close together beside a word of now, whatever the danger is.

Who tells of a danger in a roundabout way still says what was seen: somebody pale, a door that does not open, water at
the knees, nobody who comes. One such sign is found in many a complaint, three different ones beside "just now" in few.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Final, NamedTuple

from services.routing.domain.risk_sentences import LATELY

#: So many Chinese characters to either side of a place are looked at, and of Latin letters.
REACH: Final = 100
LATIN_REACH: Final = 300
#: Words of now looked at in one text.
PLACES: Final = 60
#: Kinds of signs that make distress together, and those that back up another finding in a long text.
TOGETHER: Final = 3
BACKED: Final = 2

#: Signs that can be seen or felt; at least one of them must be there.
_SEEN: Final = {
    "body": r"血|昏|晕|[呕想]吐|吐[了得]|抽搐|不醒|栽倒|软倒|倒在地|倒下|缩成一团|发紫|发青|嘴[^,。]{0,3}[青紫白]"
    r"|脸色|发抖|打颤|哆嗦|喘"
    r"|胸口|心慌|冷汗|骨折|断气|不答应|没反应|没有?回应|叫不[应醒]|说不出话|抬不起|伤口|伤疤|尸|没气|翻白|冰凉"
    r"|是凉的|头痛|头疼|肚子疼|恶心|胡话|发高?烧|脸朝下|站不[起稳住]|一瘸|越来越[轻弱]"
    r"|\b(?:bleed\w*|blood|shiver\w*|unconscious|vomit\w*|cannot speak|blue|fever|not mov\w+|dead|dizzy|faint\w*"
    r"|confused)\b",
    "caught": r"困在|被困|拉不开|打不开|推不开|出不[来去]|进不[来去]|下不来|上不来|没上来|逃|反锁|锁住|关在|卡住"
    r"|压[到住在]|够不着|埋在|夹住|粘住|甩不开|下不去"
    r"|\b(?:trapped|locked|stuck|cannot get|not come up|under the)\b",
    "fire": r"火(?!车|锅|星镇)|[浓黑白冒]烟|烟从|烧(?!烤)|焦(?!虑|急|点)|呛|爆(?!料|满)|砰|滋滋|噼"
    r"|\b(?:fire|smoke|flames?|burn\w*|glow\w*|spark\w*)\b",
    "fall": r"塌|垮|往下[掉落]|掉下|落下|砸|断了|折了|裂|斜|晃|脱开|坠|垂下|松动|\b(?:collaps\w*|crack\w*|fell"
    r"|falling|leaning|broke)\b",
    "flood": r"灌|淹|漫[过进到上]|涨[到上起水]|冲[走垮进]|过膝|过腰|齐腰|决口|漂|泡在|\b(?:flood\w*|drown\w*|rising"
    r"|knee)\b",
    "live": r"漏电|触电|带电|电到|电线|线[^,。]{0,4}[断掉垂拖搭]|配电|\b(?:wires?|cable|shock\w*)\b",
    "blows": r"刀|棍|棒(?!棒)|枪|砍|掐|勒|皮带|揍|打[人我他她伤]|威胁|恐吓|后事|吊在|钢珠|掂量|报复|下一个就"
    r"|\b(?:knife|gun|threat\w*|beat\w*|kill\w*|strangl\w*)\b",
}
#: What is said beside them.
_SAID: Final = {
    "cry": r"救命|[哭呼]?喊|惨叫|尖叫|哭|拍门|砸门|求你们|求求|快来|赶快|赶紧|别再拖|\b(?:scream\w*|please come"
    r"|hurry|crying|begging|shouting)\b",
    "alone": r"没有?人[敢来管应接]|没人|占线|打不通|不接|没有?医生|救护车|消防车|急救|120|119|110|报警"
    r"|\b(?:nobody|no doctor|engaged|ambulance|no rope|no answer|alone)\b",
    "weak": r"老人|孩子|娃|婴|孕|奶奶|爷爷|阿婆|阿嬷|老汉|大爷|大妈|学生|女儿|儿子|父亲|母亲|我爸|我妈|闺女|小朋友"
    r"|\b(?:old|baby|boys?|girls?|mother|father|child\w*|pupils?)\b",
}
_KINDS: Final = tuple((kind in _SEEN, re.compile(pattern)) for kind, pattern in (_SEEN | _SAID).items())
#: What is of these days, more loosely than where one sign alone must be.
_RECENT: Final = re.compile(
    LATELY.pattern + r"|这几天|这次|上个?(?:周|星期|礼拜)[一二三四五六日天]|昨|前[晚夜]|凌晨"
    r"|\b(?:this \w+|on (?:mon|tues|wednes|thurs|fri|satur|sun)day|last week|minutes)\b"
)


class Signs(NamedTuple):
    """Signs near a place."""

    #: Different kinds of them.
    kinds: int
    #: Where the first one is that can be seen or felt; None: there is none.
    seen: tuple[int, int] | None


def signs(text: str, start: int, end: int) -> Signs:
    """Signs near a place of a folded text.

    Args:
        text: folded.
        start: of the place.
        end: behind it.
    """
    reach = LATIN_REACH if text[start:end].isascii() else REACH
    first, last = max(0, start - reach), end + reach
    kinds, seen = 0, None
    for visible, pattern in _KINDS:
        match = pattern.search(text, first, last)
        if match is not None:
            kinds += 1
            if visible and (seen is None or match.start() < seen[0]):
                seen = match.span()
    return Signs(kinds, seen)


def distress(text: str) -> tuple[int, int] | None:
    """The first sign of distress of a folded text, where enough of them stand beside a word of now."""
    for match in islice(_RECENT.finditer(text), PLACES):
        found = signs(text, *match.span())
        if found.kinds >= TOGETHER and found.seen is not None:
            return found.seen
    return None
