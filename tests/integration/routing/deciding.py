"""Sixty decisions of a dispatcher, for tests of what is learned from them."""

from __future__ import annotations

from itertools import product
from typing import Any

from services.routing.handlers import desk
from services.routing.handlers.desk import Target

PLACES = ("东桥头", "柳叶坊", "北坡上", "旧码头", "双井旁", "石鼓台")
#: Matters of which no word is in the sample directory, and the units that the dispatcher chooses.
LANTERN = ("花灯架子歪了", "灯会留下的竹架", "绸布灯笼褪色", "庙会彩棚没有拆", "纸扎的鲤鱼破了")
ORCHARD = ("枇杷树苗枯黄", "嫁接的枝条长虫", "茶籽收不上来", "蜂箱被人搬走", "蚕茧潮得发霉")
CULTURE, FARMING = "culture-tourism", "agriculture"


def send(bench: Any, staff: Any, title: str, body: str, unit: str) -> Any:
    """A petition that the dispatcher sends to a unit by hand."""
    event = bench.petition(title, body)
    bench.deliver(event)
    with bench.house.work() as work:
        desk.dispatch(work, staff("dispatcher"), Target(event.number), unit, "按职责分工由该单位承办")
    return event


def decide(bench: Any, staff: Any) -> None:
    """Sixty decisions of a dispatcher on matters that the directory does not know."""
    for (place, lantern), orchard in zip(product(PLACES, LANTERN), ORCHARD * len(PLACES), strict=True):
        send(bench, staff, lantern, f"{place}的{lantern}，路过的人都说该收拾了。", CULTURE)
        send(bench, staff, orchard, f"{place}那一片{orchard}，请派人教教怎么办。", FARMING)
