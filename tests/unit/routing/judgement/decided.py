"""Decided petitions of our own writing, put together from phrases: as many as a test needs, the same every time."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

from services.routing.judgement.training_file import Row

#: Matter: what happens, what makes it worse.
PHRASES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "供热": (
        (
            "暖气片摸上去是凉的",
            "供暖第三周屋里只有十三度",
            "热力站夜里停泵",
            "楼道里的暖气管在滴水",
            "地暖回水温度上不来",
        ),
        ("老人裹着被子看电视", "交了取暖费却没有热", "换热站说压力不够", "测温的人来了又走", "暖气阀门锈死拧不动"),
    ),
    "公交": (
        (
            "末班公交车提前收班",
            "候车亭的站牌被撞歪了",
            "这条公交线路四十分钟才来一趟",
            "司机到站不停车",
            "公交卡刷了两次",
        ),
        ("等车的学生站在雨里", "换乘要走两站路", "车厢里挤得关不上门", "线路改道没有贴通知", "站台上没有座椅"),
    ),
    "学校": (
        (
            "小学门口放学时无人值守",
            "学区划分今年又改了",
            "幼儿园的午餐里有头发",
            "老师在班级群里推销练习册",
            "操场的塑胶跑道气味刺鼻",
        ),
        (
            "家长会上没有人解释",
            "孩子回家说头疼",
            "入学名额公示只挂了一天",
            "课后托管收了费却没人管",
            "校服非要在一家店里买",
        ),
    ),
    "医保": (
        (
            "异地就医报销退回来了",
            "医保卡在药店刷不出来",
            "门诊慢性病备案办不下来",
            "住院押金一直没有退",
            "新生儿参保窗口推来推去",
        ),
        (
            "窗口让我去另一个窗口",
            "发票原件被收走了",
            "转诊单过期三天不给补",
            "系统里查不到缴费记录",
            "药费自己先垫了四千",
        ),
    ),
    "噪声": (
        ("楼下广场舞音响开到十点", "工地凌晨打桩", "夜市的喇叭循环叫卖", "空调外机整夜轰响", "烧烤摊猜拳到半夜"),
        ("孩子要考试睡不着", "分贝仪上超过七十", "报过警安静一刻钟又响", "窗户关着也听得见", "整栋楼都在抱怨吵"),
    ),
    "parks": (
        (
            "The swing in the playground is broken",
            "Dead trees lean over the park path",
            "The fountain pump has stopped",
        ),
        ("children climb on it anyway", "the bench next to it has no seat", "weeds cover the flower beds"),
    ),
}
PLACES = ("柳荫里", "南湾新村", "栖霞路口", "石桥头", "望江苑", "青檀巷", "北塘小区", "梨园坊")
ASKS = ("请派人来看看。", "希望给个答复。", "什么时候能解决？", "不要再拖了。", "请告诉我们找谁。")


def rows(number: int, labels: Iterable[str] = PHRASES, seed: int = 1) -> list[Row]:
    """So many petitions, the labels in turn."""
    draw, names = random.Random(seed), list(labels)
    found = []
    for at in range(number):
        label = names[at % len(names)]
        happens, worse = PHRASES[label]
        first, second = draw.sample(happens, 2)
        place = draw.choice(PLACES)
        body = f"{place}{first}，{draw.choice(worse)}。{second}，{draw.choice(worse)}。{draw.choice(ASKS)}"
        found.append(Row(f"{place}{draw.choice([first, second])}", body, label, f"p{seed}-{at}"))
    return found


def written(path: Path, found: Sequence[Row]) -> Path:
    """A training file of rows; gzip where its name says so."""
    text = "".join(
        json.dumps({"id": r.id, "title": r.title, "body": r.body, "label": r.label}, ensure_ascii=False) + "\n"
        for r in found
    )
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path
