"""Petitions of our own making for the tests of look-alikes and topics; the county of the examples, nobody's words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)

#: One matter, told by six people: a depot of coal at the Jinsuo road grain store.
DEPOT = [
    (
        "锦梭路粮库旧址堆煤扬尘，阳台一天黑一层",
        "锦梭路粮库旧址从元月起成了露天煤堆，一起风煤灰就往楼上飘，阳台一天就黑一层，孩子咳了半个月。",
    ),
    (
        "投诉锦梭路粮库旧址的露天煤场",
        "粮库旧址那块地堆了上千吨煤，没有盖布也没有喷淋，装车的时候煤灰漫天，窗户都不敢开。",
    ),
    (
        "锦梭路粮库旧址煤堆扬尘何时能解决？",
        "住在粮库对面，煤堆离我家只有三十米。扬尘太大，晾的衣服全是黑点，希望把煤场搬走。",
    ),
    (
        "关于粮库旧址煤场污染的问题",
        "锦梭路上的老粮库被租出去堆煤，每天进出的卡车带一路煤灰，路面都是黑的，扬尘没人管。",
    ),
    (
        "锦梭路煤堆的煤灰飘进小学操场",
        "粮库旧址堆煤，隔一条锦梭路就是小学，操场上一层煤灰，扬尘这么大孩子怎么上体育课。",
    ),
    (
        "请管一管锦梭路粮库旧址的煤堆扬尘",
        "反映过两次了，粮库旧址的露天煤堆还在，一刮风扬尘就进屋，盖布只盖了朝马路的一面。",
    ),
]
#: The same six, whose titles all name the place and the trouble: one group however few petitions there are.
BURST = [
    (title, body)
    for title, (_, body) in zip(
        (
            "锦梭路粮库旧址煤堆扬尘，阳台一天黑一层",
            "锦梭路粮库旧址煤堆没有盖布，扬尘太大",
            "锦梭路粮库旧址煤堆扬尘何时能解决？",
            "锦梭路粮库旧址的煤堆扬尘没人管",
            "锦梭路粮库旧址煤堆扬尘飘进小学操场",
            "请管一管锦梭路粮库旧址的煤堆扬尘",
        ),
        DEPOT,
        strict=True,
    )
]
#: The same trouble at another place.
OTHER_PLACE = [
    ("柳荫桥砂石场扬尘扰民", "柳荫桥头的砂石场整天筛砂，扬尘很大，隔着两条街都能看见灰，窗台擦不干净。"),
    ("柳荫桥头砂石场的灰尘没人管吗", "砂石场就在柳荫桥边，传送带从早响到晚，灰尘飘到菜地里，菜都洗不干净。"),
]
#: Another trouble at the same place.
OTHER_TROUBLE = [
    ("锦梭路粮库旧址门口的路灯不亮", "粮库旧址门前那一段路灯坏了三盏，晚上下班走过去一片黑，有人摔过跤。"),
]
#: Matters that come once.
SINGLE = [
    ("灵活就业人员断缴的社保能补吗", "断了四年的养老保险现在想补上，需要什么材料，去哪个窗口，能不能按最低一档缴。"),
    ("七路公交早上六点半以后才有车", "厂里六点上班，七路头班车六点半，赶不上，能不能把头班车提前到五点四十。"),
    ("梧桐里三号楼电梯困人", "这个月困了三次人，物业说配件没到，老人不敢出门，维修要等到什么时候。"),
    ("孩子转学到城南中学要什么手续", "户口在邻县，父母在本县上班有居住证，想问初二转学要交哪些证明，什么时候报名。"),
    ("村口水塘没有护栏", "望澄镇二组水塘边就是放学的路，没有护栏也没有牌子，去年掉下去过一个孩子。"),
    ("身份证到期在外地能换吗", "人在省外打工，身份证下个月到期，可不可以在当地办，要不要寄户口本。"),
]
FILLER = DEPOT + OTHER_PLACE + OTHER_TROUBLE + SINGLE


def rows(texts: Sequence[tuple[str, str]] = FILLER, **more: Any) -> list[dict[str, Any]]:
    """Rows as in a file: one a day, each by a person of their own."""
    return [
        {
            "id": f"p{number:02}",
            "user": f"u{number:02}",
            "title": title,
            "body": body,
            "submitted_at": (START + timedelta(days=number)).isoformat(),
            "likes": number % 3,
            "dislikes": 0,
            **more,
        }
        for number, (title, body) in enumerate(texts)
    ]


def write(path: Path, lines: Sequence[dict[str, Any]]) -> Path:
    """A file of petitions."""
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return path
