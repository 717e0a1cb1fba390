"""Kinds of trouble by their words: two petitions of one place whose troubles differ are not one matter."""

from __future__ import annotations

import re
from typing import Final

#: Our own words for what people write about, folded; a word names every trouble in whose line it stands.
TROUBLES: Final[dict[str, tuple[str, ...]]] = {
    "noise": ("噪音", "噪声", "扰民", "吵", "轰鸣", "喇叭", "广场舞", "安静", "睡觉", "noise", "noisy", "loud"),
    "dust": ("扬尘", "粉尘", "灰尘", "煤灰", "渣土", "雾霾", "dust"),
    "smell": ("臭", "异味", "油烟", "刺鼻", "废气", "排烟", "烧烤", "smell", "fumes", "stench"),
    "works": ("施工", "工地", "打桩", "搅拌", "construction"),
    "water": ("停水", "自来水", "供水", "水压", "水质", "水管", "通水", "tap water", "water supply"),
    "drains": ("污水", "下水道", "积水", "内涝", "化粪池", "排水", "粪", "井盖", "drain", "sewage", "flood"),
    "power": ("停电", "供电", "电压", "变压器", "高压", "变电站", "电费", "用电", "electricity", "power cut"),
    "gas": ("燃气", "天然气", "煤气", "gas"),
    "heating": ("供暖", "供热", "暖气", "heating"),
    "lamps": ("路灯", "照明", "street lamp", "street light", "streetlight"),
    "waste": ("垃圾", "废品", "焚烧", "环卫", "脏乱差", "rubbish", "garbage", "waste"),
    "parking": ("停车", "车位", "违停", "车库", "乱停", "parking"),
    "traffic": (
        "拥堵",
        "堵车",
        "红绿灯",
        "信号灯",
        "斑马线",
        "人行横道",
        "天桥",
        "过马路",
        "左转",
        "掉头",
        "限行",
        "出行难",
        "交通",
        "traffic",
        "crossing",
    ),
    "bus": ("公交", "班车", "班次", "首末站", "站台", "巴士", "bus"),
    "metro": ("地铁", "轻轨", "城铁", "高铁", "铁路", "metro", "railway"),
    "road": ("路面", "坑洼", "断头路", "拓宽", "修路", "拉通", "通车", "白改黑", "水泥路", "人行道", "破损", "pothole"),
    "planning": ("规划", "调规", "用地", "选址", "日照", "采光", "容积率", "planning"),
    "school": (
        "学校",
        "入学",
        "学位",
        "幼儿园",
        "小学",
        "中学",
        "招生",
        "补课",
        "教师",
        "学生",
        "学费",
        "school",
        "kindergarten",
    ),
    "wages": ("工资", "欠薪", "讨薪", "加班", "劳动合同", "wages", "salary"),
    "insurance": ("社保", "养老保险", "医保", "公积金", "失业金", "退休", "insurance", "pension"),
    "quality": ("质量", "渗水", "漏水", "开裂", "裂缝", "墙面", "外墙", "精装", "偷工减料", "leak", "crack"),
    "handover": ("交房", "收房", "烂尾", "停工", "延期", "逾期", "复工"),
    "deeds": ("产权证", "房产证", "不动产", "办证", "过户", "权属", "deed"),
    "bundling": ("捆绑", "搭售", "强制购买", "霸王条款", "绑定"),
    "management": ("物业", "业委会", "业主委员会", "维修基金", "property management"),
    "lift": ("电梯", "lift", "elevator"),
    "building": ("违建", "违章建筑", "违法建筑", "搭建", "架空层", "拆除", "群租", "住改商", "illegal building"),
    "clearance": (
        "拆迁",
        "征收",
        "征拆",
        "征地",
        "补偿",
        "安置",
        "旧城改造",
        "棚改",
        "提质改造",
        "demolition",
        "compensation",
    ),
    "fraud": ("诈骗", "欺诈", "虚假", "传销", "集资", "网贷", "跑路", "套路", "欺骗", "fraud", "scam"),
    "refund": ("退款", "退费", "退钱", "押金", "定金", "违约金", "欠款", "货款", "refund", "deposit"),
    "price": ("收费", "涨价", "房价", "价格", "物价", "缺斤少两", "price", "charge"),
    "subsidy": ("补贴", "补助", "低保", "救助", "人才新政", "subsidy"),
    "papers": ("户口", "落户", "居住证", "身份证", "档案", "household register", "identity card"),
    "purchase": ("购房资格", "限购", "摇号", "开盘", "捂盘", "贷款"),
    "food": ("食品", "餐饮", "饭店", "食堂", "变质", "food"),
    "medical": ("医院", "医生", "诊所", "疫苗", "治病", "手术", "hospital", "clinic"),
    "licence": ("无证", "营业执照", "许可证", "资质", "偷税", "licence", "license"),
    "traders": ("占道", "摊贩", "摆摊", "店外经营", "夜宵", "夜市", "小摊", "street vendor", "stall"),
    "animals": ("狗", "犬", "养鸡", "养猪", "dog", "stray"),
    "fire": ("消防", "火灾", "着火", "易燃", "fire"),
    "green": ("绿化", "公园", "砍树", "草坪", "园林", "park bench", "trees"),
    "vice": ("赌博", "麻将", "涉黄", "卖淫", "色情", "gambling"),
    "signal": ("信号", "基站", "宽带", "网络覆盖", "mobile signal", "broadband"),
    "burial": ("殡仪", "丧葬", "灵堂", "墓", "丧事", "funeral"),
}
_NAMES: Final = tuple(TROUBLES)
_MASKS: Final[dict[str, int]] = {}
for _place, _words in enumerate(TROUBLES.values()):
    for _word in _words:
        _MASKS[_word] = _MASKS.get(_word, 0) | 1 << _place
_FIND: Final = re.compile(
    "|".join(
        rf"\b{re.escape(word)}" if word.isascii() else re.escape(word) for word in sorted(_MASKS, key=len, reverse=True)
    )
)


def troubles_in(folded: str) -> int:
    """The troubles that a text names, a bit for each."""
    found = 0
    for word in set(_FIND.findall(folded)):
        found |= _MASKS[word]
    return found


def names_of(troubles: int) -> list[str]:
    """The names of the bits."""
    return [name for place, name in enumerate(_NAMES) if troubles >> place & 1]
