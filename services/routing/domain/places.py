"""Names of places in titles: two petitions in like words about different estates or roads are two matters."""

from __future__ import annotations

import re
from typing import Final

#: Endings of names that people leave out at will; the name is what stands before.
_LONG: Final = (
    "小区|社区|街道|花园|公寓|家园|广场|大厦|安置区|工业园|幼儿园|小学|中学|学校|学院|大学|医院|公司|市场|商场|商城|"
    "车站|酒店|宾馆|工地|项目|楼盘|食堂|公园|水库"
)
#: Endings that are part of the name.
_SHORT: Final = "路|街|巷|村|苑|府|城|湾|郡|园|庭|镇|桥|山|湖"
_ENDINGS: Final = (re.compile(_LONG), re.compile(rf"(?:{_SHORT})(?![市管建铁乡民委里])"))
#: What looks like the name of a place and is a thing of every place.
_NO_NAME: Final = re.compile(
    r"(?:道|公|马|铁|线|出|修|通|断头|水泥|网)路$|政府$|(?:农|乡|全|本)村$|(?:幼儿|校|公|入|动物)园$|(?:全|老|新|县|省)城$|"
    r"(?:有限|技术)(?:责任)?公司$|(?:天|立交|大)桥$|临街$|^[省市县区镇]|"
    r"^(?:我们|这个|一个|附近|周边|旁边|某|该|本|各|住宅|所有|老旧|安置|业主)"
)
#: An English name: a word with a capital would tell, but texts are folded; so the word before.
_LATIN: Final = re.compile(r"\b([a-z]{3,}) (?:road|street|estate|village|school|park|square|bridge|avenue|lane)\b")
_ARTICLES: Final = frozenset({"the", "our", "this", "that", "main", "car", "whole", "every", "primary", "middle"})


def place_names(folded: str) -> set[str]:
    """The names of places in a title, three characters of each: enough to find it again in another petition."""
    found = set()
    for run in re.findall(r"[^\W\d_a-z]+", folded):
        for endings, before, own in ((_ENDINGS[0], 3, 0), (_ENDINGS[1], 2, 1)):
            for ending in endings.finditer(run):
                name = run[max(ending.start() - before, 0) : ending.start() + own]
                if len(name) == 3 and not _NO_NAME.search(run[max(ending.start() - before, 0) : ending.end()]):
                    found.add(name)
    found |= {word for word in _LATIN.findall(folded) if word not in _ARTICLES}
    return found
