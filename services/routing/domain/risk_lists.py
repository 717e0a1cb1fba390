"""Lists that the rules for dangers are written with, and what a rule is made of.

Written for folded text (simplified Chinese, lower case, half-width punctuation). ``~`` stands for up to twelve
characters of the same sentence, ``≈`` for up to forty-five, ``≋`` for what may lie inside a pair; the names in
capitals are the lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import Final

from services.routing.domain.needles import Alternatives

_LISTS: Final = {
    "HARM": r"(?:受伤|血|骨折|晕|昏|吐|拉肚子|泻|抽搐|发烧|紫了|发紫|喘|窒息|没气|断气|死(?!活|板|角|机|磕|的心"
    r"|了这)|救命|抢救|急救|救护|哭喊|喊救|惨叫|冻疮|疹|麻(?!黑|烦|将|辣|木|袋|花|绳)|烫伤|烧伤|埋|捞"
    r"|\b(?:hurt|injur\w+|blood\w*|bleed\w*|dizzy|vomit\w*|throw(?:s|ing)? up|threw up|sick|faint\w*"
    r"|unconscious|hospital|shiver\w*|scream\w*|dead|die|died|dying|burnt|choking|breathe|gasp\w*"
    r"|headaches?|drowsy|collapsed)\b)",
    "WHO": r"(?:小孩|孩子|娃|学生|女生|男生|女孩|老人|老伴|老娘|老爹|老母|老父|产妇|孕妇|病人|工友|工人|同学|媳妇"
    r"|丈夫|妻子|邻居|租户|女儿|儿子|表姐|妹|爸|妈|奶|爷|乘客|行人|见人|几个人|个人|有人|\b(?:child\w*"
    r"|kids?|pupils?|girls?|boys?|man|men|woman|women|people|father|mother|sister|brother|residents?"
    r"|patients?|passengers?|workers?|neighbours?|hiker|cyclist|son|daughter|grandm\w+|grandf\w+"
    r"|little ones|toddlers?|bab(?:y|ies)|old lady)\b)",
    "DAYS": r"(?:(?:[两三四五六七八九十几数多\d]+多?|好几|一整|一天一|一?连[^。!?;]{0,3})(?:天|日|夜|晚上|晚)(?!后"
    r"|内|起|开|之?前|两头)|"
    r"(?:半|一|两|[三四五六几\d]+)个?(?:星期|礼拜|周|多?月))",
    "DAYS_EN": r"\b(?:\d+|two|three|four|five|six|seven|eight|ten|several|many)\s(?:whole\s)?(?:days|nights|weeks)",
    "FRAIL": r"(?:老人|老奶奶|奶奶|爷爷|老母亲|老父亲|婴儿|宝宝|新生儿|刚出生|月子|孕妇|病人|透析|呼吸机|制氧|吸氧"
    r"|氧气|"
    r"胰岛素|瘫痪|卧床|残疾|重病|心脏病|[七八九]十多?岁|哮喘)",
    "FRAIL_EN": r"\b(?:oxygen|ventilator|dialysis|insulin|newborn|new-born|baby|babies|elderly|bedridden|disabled|"
    r"pregnant|intensive care|medical device|breathing machine)",
    "KIN": r"(?:小孩|孩子|学生|儿童|婴儿|小朋友|娃|女儿|儿子|女孩|男孩|孙子|孙女|老人|大爷|大妈|奶奶|爷爷|妈|爸"
    r"|父亲|母亲|丈夫|妻子|老公|老婆|"
    r"姐姐?|哥哥?|弟弟?|妹妹?|同学|爱人)",
    "KIN_EN": r"\b(?:son|daughter|child|children|boy|girl|mother|father|husband|wife|neighbour|neighbor|man|woman"
    r"|lady|brother|sister|"
    r"student|pupil|grandmother|grandfather|friend)",
    "CARED": r"(?:婴儿|宝宝|新生儿|刚出生|月子|孕妇|病人|透析|呼吸机|制氧|吸氧|氧气|雾化|胰岛素|疫苗|瘫痪|卧床|重病)",
    "MANY": r"(?:(?:[几一两二三四五六七八九\d]*[百十千]|\d{2,}|好几)多?(?:来)?(?:个|名|位|号)?(?:人|工人|村民|业主"
    r"|家长|司机)|多人|一群人|一帮人|村民们?|工人们?|"
    r"业主们|家长们|司机们|群众|乡亲|居民们)",
    "LATER": r"(?:今晚|明天|明早|明日|后天|大后天|(?:下|这)?周[一二三四五六日末]|(?:下|这)?(?:星期"
    r"|礼拜)[一二三四五六日天]|下周|下午|\d+[号点](?!文|楼|线|院|栋|门|地|钱)|[一二三四五六七八九十]+[号点](?!文|楼"
    r"|线|院|栋|门|钱)|"
    r"大后日)",
    "PLACE": r"(?:政府|市府|县府|门口|大门|广场|信访|北京|省里|市里|县里|路口|收费站|高速|国道|工地|楼下)",
    "GAS": r"(?:煤气|燃气|天然气|瓦斯|液化气|沼气)(?!公司|有限|集团|发展)",
    "CHILD": r"(?:小孩|孩子|学生|儿童|婴儿|小朋友|娃|女儿|儿子|女孩|男孩|孙子|孙女)",
    "PERSON": r"(?:小孩|孩子|学生|儿童|婴儿|小朋友|娃|女儿|儿子|女孩|男孩|孙子|孙女|老人|大爷|大妈|奶奶|爷爷|工人"
    r"|村民|业主|行人|"
    r"路人|乘客|司机|妈|爸|父亲|母亲|丈夫|妻子|老公|老婆|邻居|姐|哥|弟|妹|同事|同学|女的|男的"
    r"|[一两三四五六七八九十几多\d]个?人|"
    r"有人|住户|租客)",
    "CROWD": r"(?:集体|全体|所有|大家|一起|一块儿?|几百|几十|上百|上千|数百|[两三四五六七八九一\d]百多?"
    r"|[二三四五六七八九]十多|\d{2,}多?(?:来)?(?:个|名|位|户|号人|人)|"
    r"业主|工友|工人|村民|乡亲|家长|司机|商户|我们)",
    "SOON_EN": r"\b(?:today|tonight|tomorrow|now|already|this (?:morning|evening|afternoon)|"
    r"(?:on|by|next|this) \w+day|next week|at \w+ o'clock)",
    "OFFICIAL": r"(?:书记|支书|局长|所长|科长|处长|股长|厅长|部长|镇长|乡长|村长|县长|区长|市长|村主任|主任|校长"
    r"|院长|站长|大队长|中队长|队长|"
    r"干部|公务员|民警|辅警|警察|交警|法官|检察官|城管|官员|领导|副?总队|会计|经办人|工作人员|办事员|监察员|审批员)",
    "WRONG": r"(?:受贿|行贿|贿赂|索贿|索要|贪污|贪了|腐败|吃拿卡要|吃回扣|回扣|以权谋私|谋私利|利用职权|滥用职权"
    r"|职务之便|公款|挪用|侵吞|私吞|"
    r"私分|截留|冒领|套取|骗取|包庇|保护伞|徇私|枉法|玩忽职守|渎职|权钱交易|好处费|不给好处|要好处|收好处|辛苦费"
    r"|暗箱|克扣|优亲厚友|"
    r"(?:自己|他|她|家)的?(?:亲戚|儿子|女儿|弟弟|哥哥|侄子|侄女|老婆|妻子|妹夫|姐夫|亲家|家里?人|情人)|亲戚都"
    r"|保护费|伪造|吞了|卖了[^。!?;]{0,6}地|装进[^。!?;]{0,4}(?:口袋|腰包)|潜规则|公车|吃空饷"
    r"|拿了[^。!?;]{0,6}(?:钱|好处)|索要|送礼|塞钱|小舅子|情妇|情人|收(?:了|受|过|取)?[^。!?;]{0,10}(?:红包|礼金"
    r"|礼品|的钱|块钱|万元?|元|现金|购物卡|好处|烟酒)|揽工程)",
    "OFFICIAL_EN": r"\b(?:head|chief|director|officer|secretary|mayor|officials?|inspector|policem[ae]n|clerk|judge|"
    r"cadre|leader|principal|deputy|magistrate|civil servant|bureau)\b",
    "WRONG_EN": r"\b(?:brib\w+|asked (?:me |us |him |her |them )?for (?:money|cash|a (?:fee|gift))|(?:took|takes"
    r"|taking|"
    r"accepted|pocket\w*) (?:money|cash|gifts|envelopes?|a bribe|bribes|the (?:money|funds|relief))"
    r"|kept the (?:money|cash|funds)|envelopes?|sold (?:our|the|public) land|private (?:use|pocket)|nepotism"
    r"|extort\w*|kickbacks?|"
    r"corrupt\w*|embezzl\w+|abus\w+ (?:his|her|their) (?:power|position|office)|red envelopes?|"
    r"(?:his|her) own (?:relatives|brother|cousin|wife|family|company)|favou?rs for)",
}


@dataclass(frozen=True)
class Rule:
    """How one kind of danger reads.

    Args:
        code: of the danger.
        now: descriptions of danger now; nothing but a denial or the news that it is over calms them.
        named: the danger by its name: danger now, unless the sentence asks, proposes, praises or tells of long ago.
        watch: a danger that may come.
        calm: what more calms this kind.
    """

    code: str
    now: str
    named: str = ""
    watch: str = ""
    calm: str = ""


@dataclass(frozen=True)
class Pattern:
    """A rule's pattern, its Chinese alternatives apart from the Latin ones: most texts hold one script only."""

    chinese: Alternatives
    latin: re.Pattern[str] | None

    def find(self, text: str, runs: Set[str], *, latin: bool) -> Iterator[re.Match[str]]:
        """Every match; ``runs``: those of the text; ``latin``: there are Latin words in it."""
        yield from self.chinese.find(text, runs)
        if latin and self.latin is not None:
            yield from self.latin.finditer(text)


def compiled(pattern: str) -> Pattern:
    """A rule's pattern with its lists and reaches put in."""
    whole = [_written_out(one) for one in _alternatives(pattern)]
    latin = [one for one in whole if _LATIN.search(one)]
    chinese = Alternatives([one for one in whole if _CHINESE.search(one)])
    return Pattern(chinese, re.compile("|".join(latin)) if latin else None)


_CHINESE: Final = re.compile(r"[\u3400-\u9fff]")
#: Three letters that are no part of an escape.
_LATIN: Final = re.compile(r"(?<!\\)[a-z]{3}|\\b[a-z]{3}")
_NEAR: Final = "[^。!?;]{0,12}?"
_FAR: Final = "[^。!?;]{0,45}?"
#: Of a pair: a Latin word is longer than a Chinese one.
_BETWEEN: Final = "(?:[^。!?;]{0,22}?|[a-z0-9 ,'()-]{0,55}?)"


def _alternatives(pattern: str) -> Iterator[str]:
    """The pattern cut at its outermost bars."""
    depth, begins, escaped, in_set = 0, 0, False, False
    for at, char in enumerate(pattern):
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif in_set:
            in_set = char != "]"
        elif char == "[":
            in_set = True
        elif char == "|" and depth == 0:
            yield pattern[begins:at]
            begins = at + 1
        else:
            depth += (char == "(") - (char == ")")
    if pattern[begins:]:
        yield pattern[begins:]


def _written_out(pattern: str) -> str:
    for name in sorted(_LISTS, key=len, reverse=True):
        pattern = re.sub(rf"(?<![A-Z_]){name}(?![A-Z_])", _LISTS[name].replace("\\", r"\\"), pattern)
    return pattern.replace("≋", _BETWEEN).replace("~", _NEAR).replace("≈", _FAR)
