"""What the words around a sign of danger say of it: now, long ago, perhaps, over, denied."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

#: Characters of a clause that is shown as evidence.
CLAUSE: Final = 80
#: Longer texts tell a story: in them a sign is one of now where the text begins, or beside a word that says so.
LONG: Final = 80
#: So long is the beginning of a long text.
BEGINNING: Final = 50
#: Characters to either side of a sign that stand beside it.
BESIDE: Final = 60
#: Latin letters that say as much as one Chinese character.
LETTERS: Final = 3

#: Asks, proposes, praises, tells of another place or of long ago: a danger only named in such a sentence is none now.
_CALM: Final = re.compile(
    r"(?:19|20)\d\d年|演练|演习|宣传|讲座|培训|知识|课本|预案|建议|提议|希望(?:能|多|在|把|组织|加强)|请问|咨询"
    r"|想问|了解一下"
    r"|如何申请|申请|感谢|谢谢|表扬|点赞|热心|幸好|幸亏|好在|虚惊|预防|防范|避免|防止|警示|纪念|"
    r"电影|电视剧|小说|论文|新闻|报道|听说|据说|网上看到|历史|保险|理赔|赔付|鉴定|认定|责任书|检查记录|补贴|抚恤|"
    r"\bi suggest|\bsuggest(?:ion|ing)?\b|\bdrills?\b|\btraining\b|\blectures?\b|\bcourse\b|\bbooks?\b|\bfilm\b"
    r"|\bmovie\b|\bnovel\b|\bthank|\bwhen (?:is|does|will|do)\b|\bis there an?\b|"
    r"\bhow (?:do|can) i\b|\bwhere (?:can|do)\b|\bcould (?:you|we|the)\b"
    r"|\bpreven\w+|\binsurance|\bawareness|\bin case of|\bhistory\b|\bnews\b"
)
#: Long ago; what is of these days as well is not.
_AGO: Final = re.compile(
    r"[十几\d一两三四五六七八九]+年前|当年|去年|前年|前[几些]年|早年|上个?月|以前|曾经|\blast (?:year|month|spring"
    r"|summer|autumn|winter)\b|\b(?:years|winters|summers|months) ago\b"
)
#: It is happening: such a sentence is not calm, whatever else it says.
_NOW: Final = re.compile(
    r"现在|正在|此刻|刚刚|刚才|马上|快来|立刻|紧急|救命|还在|又(?:开始|来)|越来越|怎么办|没人管|\bright now\b"
    r"|\bat this moment\b|\bstill\b|\bhurry\b|\bplease (?:come|send|help)|\bemergency\b|\burgent"
)
#: Today or in the days before: in a long story what stands beside such a word is no old story.
LATELY: Final = re.compile(
    r"今[天早晚晨日夜]|昨[天晚夜日]|(?<!面)前[天晚](?!天)|刚[刚才]|正在|(?<!到)现在|此刻|这[两几三四五六][天晚日夜]"
    r"|这一?(?:周|星期|礼拜)"
    r"|[两三四五六几\d]天前|到今天|到现在[^。!?;]{0,3}[还都没也仍]|快来|马上|连夜|\b(?:today|tonight|yesterday"
    r"|right now|"
    r"this (?:morning|week|afternoon|evening)|last night|since (?:\w+day|last night|yesterday|the (?:weekend"
    r"|rain)))\b"
)
#: Again and again, for long: no danger of today by itself.
_HABIT: Final = re.compile(
    r"长期|[常长]年|经常|时常|常常|多次|屡|历年|每年|多年|历来|每逢|频繁|动不动|总是"
    r"|\boften\b|\busually\b|\bevery year\b"
)
#: What became of it, or when it was: the sentence tells of one that is known and dealt with.
_TOLD: Final = re.compile(
    r"身亡|死亡|去世|已故|遇难|丧命|致死|惨案|赔[偿了]|一起事故|事件|鉴定|工伤|住院|出院|治疗|无效|法院|判决|起诉|调解|(?:19"
    r"|20)\d\d ?年|当时|当天|那[天时次]|后来|结果"
    r"|\b(?:passed away|compensation|court|verdict|back then|at the time)\b"
)
#: It may come, or is asked, feared or said for the sake of argument.
_PERHAPS: Final = re.compile(
    r"如果|倘若|若(?:是|不|有|发|再|出)|万一|一旦|哪天|[恐怕]会|恐怕|(?<!随时)(?<!随时都)(?<!随时有)可能(?!是)"
    r"|说不定|难免|容易|极易|会不会|等到|难道|假如|否则"
    r"|不然|隐患|风险|将来|迟早|后果|生怕|怕[^。!?;]{0,6}(?:出|发|掉|伤|摔)|谁(?:来)?负责|潜在|防患"
    r"|\bif\b|\bmight\b|\brisk\b|\bcould (?!smell|hear|see|feel|not)|\bone day\b"
)
#: A day to come: what somebody says that they will do then.
_SOON: Final = re.compile(
    r"今晚|明[天早晚日]|后天|下个?(?:周|星期|礼拜)|(?<![\d一二三四五六七八九十])(?:周|星期|礼拜)[一二三四五六日天]"
    r"|\b(?:tomorrow|next \w+day|on \w+day|next week)\b"
)
#: Over: neither now nor to be watched more than by a look.
_OVER: Final = re.compile(
    r"已经?(?:及时|全部|都|被|顺利|连夜)?(?:修好|扑灭|解决|处理完|处理好|恢复|抢修|维修好|关掉|排除|换好|整改完"
    r"|清走|救上来|脱离危险|出院|没事)|(?:修好|扑灭|处理完|排除|恢复(?:正常|供[水电气暖热]))了"
    r"|事情(?:已经)?(?:处理|解决)完?|"
    r"\b(?:was|were|has been|have been|is|are|got) (?:quickly |promptly |already |now )?(?:repaired|fixed|put out"
    r"|extinguished|resolved|restored|replaced)|\bthank you for (?:repairing|fixing|putting out)"
)
_FILLERS: Final = r"(?:再|发生|出现|引起|引发|造成|过|任何|什么|被|有|闻到|看到)*$"
_FILLERS_EN: Final = r"(?:a |an |the |any |been |be |yet |there (?:is|was) )*$"
#: Right before the words: it is denied. "没有人管" denies nothing of what follows.
_DENIED: Final = re.compile(
    r"(?:没有?|并没有?|并未|从未|未曾|未|无|不会|不再|不是|并非|绝非|避免|防止|预防|以免|免得|防|杜绝|谨防)"
    + _FILLERS
    + r"|\b(?:no|not|never|without|n't|any|against|prevent(?:ing)?|risk of|nobody was|no one was) "
    + _FILLERS_EN
)
#: Right before the words: it is supposed.
_SUPPOSED: Final = re.compile(r"(?:万一|假如|如果|要是)" + _FILLERS + r"|\b(?:if|in case of) " + _FILLERS_EN)
#: What somebody is without is no danger that is denied.
_SUPPLY: Final = re.compile(r"暖|供[暖热水电]|地暖|自来水|水|电|heat|water|power|electricity|tap")
_STOPS: Final = ("。", "!", "?", ";", ". ", "\n")
_BREAKS: Final = (*_STOPS, ",", "、")


@dataclass(frozen=True)
class Surroundings:
    """What stands around a sign."""

    sentence: str
    clause: str
    #: Denied right before the words.
    denied: bool
    #: Supposed right before the words.
    supposed: bool
    #: The sentence says that it is over.
    over: bool
    #: The sentence says that it is happening.
    now: bool
    #: The sentence asks, proposes, praises, or tells of long ago.
    calm: bool
    #: The clause says that it may come.
    perhaps: bool
    #: A long text tells of it somewhere, without a word of these days beside it.
    story: bool
    #: A day to come stands beside it.
    soon: bool
    #: A long text tells of it as of something that was long ago, often, or is known.
    known: bool


def weight(text: str) -> int:
    """How much a text says, in Chinese characters."""
    letters = sum(char < "\x80" for char in text)
    return len(text) - letters + letters // LETTERS


def surroundings(text: str, start: int, end: int, *, is_long: bool) -> Surroundings:
    """What the words around a sign say of it.

    Args:
        text: folded.
        start: of the sign.
        end: behind the sign.
        is_long: ``weight`` of the text is above ``LONG``.
    """
    sentence = text[_before(text, start, _STOPS, 120) : _after(text, end, _STOPS, 120)]
    now = _NOW.search(sentence) is not None
    clause = text[_before(text, start, _BREAKS, CLAUSE // 4) : _after(text, end, _BREAKS, CLAUSE // 4)]
    lead = text[max(0, start - 24) : start]
    lately = LATELY.search(sentence) is not None
    reach = BESIDE * LETTERS if text[start] < "\x80" else BESIDE
    beside = text[_before(text, start, _STOPS, reach) : _after(text, end, _STOPS, reach)]
    calm = _CALM.search(sentence) is not None or (_AGO.search(sentence) is not None and not lately)
    old = calm or _HABIT.search(beside) is not None or _TOLD.search(beside) is not None
    begins = end <= LETTERS * BEGINNING and weight(text[:end]) <= BEGINNING and not old
    return Surroundings(
        sentence=sentence,
        clause=clause,
        supposed=_SUPPOSED.search(lead) is not None,
        denied=_DENIED.search(lead) is not None and _SUPPLY.match(text, start) is None,
        over=_OVER.search(sentence) is not None and not now,
        now=now,
        calm=calm,
        perhaps=_PERHAPS.search(clause) is not None,
        story=is_long and not begins and LATELY.search(beside) is None,
        soon=_SOON.search(beside) is not None,
        known=is_long and old,
    )


def _before(text: str, at: int, stops: Sequence[str], most: int) -> int:
    first = max(0, at - most)
    return max([first, *(found + len(stop) for stop in stops if (found := text.rfind(stop, first, at)) >= 0)])


def _after(text: str, at: int, stops: Sequence[str], most: int) -> int:
    ends = [found for stop in stops if (found := text.find(stop, at, at + most)) >= 0]
    return min([at + most, len(text), *ends])
