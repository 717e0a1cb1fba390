"""Dangers by two things in one sentence, whatever stands between: the thing, and the sign that it is going wrong.

People tell of a danger in words of their own; what they can hardly leave out is what it is about and what it does.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Pair(NamedTuple):
    """What it is about, and what is wrong with it."""

    thing: str
    sign: str


PAIRS: Final[dict[str, tuple[Pair, ...]]] = {
    "gas": (
        Pair(
            r"煤气|燃气|天然气|液化气|瓦斯|沼气|\bgas\b|rotten eggs?|一氧化碳|煤炉|炭盆|烧炭|炭火盆",
            r"HARM|洞|偷|敞|漏|味(?!道不错|道很好)|泡|冒|哨|(?<!垄)断|掉了|松|裂|没关|关不|爆|炸|燎|怪|呛|熏|咬|嗞"
            r"|声音"
            r"|起不来|叫不醒|躺在|\b(?:strange|whistl\w*|smell\w*|stink\w*|beep\w*|hiss\w*|leak\w*|broke\w*"
            r"|drove over|crack\w*|blew|roar\w*)\b",
        ),
        Pair(
            r"\b(?:floor|flat|house|stairwell|kitchen|cellar|street|building)\b",
            r"\b(?:rotten eggs?|sulphur|sulfur)\b",
        ),
        Pair(
            r"钢瓶|气瓶|气罐|气管|黄色?的?管|罐子|阀|灶头|\b(?:meter|cylinder|gas ?bottle|stove|cooker|pipe)\b",
            r"丝丝|嘶嘶|呲呲|滋滋|呼呼|往外[冲喷]|拧不紧|拧不上|关不[严紧]|呛嗓|刺鼻|\b(?:hiss\w*|whistl\w*"
            r"|reek\w*)\b",
        ),
        Pair(
            r"热水器|取暖炉|炉子|煤球|蜂窝煤|壁挂炉|\b(?:heater|boiler|stove|brazier|meter cupboard)\b",
            r"软倒|头痛|头疼|昏|晕|恶心|想吐|叫不应|没知觉|\b(?:dizzy|headaches?|sore heads?|sick|faint\w*|drowsy)\b",
        ),
        Pair(r"味|\bsmell\w*", r"[坏臭][^。!?;]{0,4}蛋|\b(?:rotten|bad) eggs?\b"),
    ),
    "fire": (
        Pair(
            r"着了|着起来|在烧|正烧|烧过了|窜起来|火[^。!?;]{0,2}(?:跑|顺着)|燎|没灭|嘭的|砰的|滋啦"
            r"|火星(?![镇路街村苑社区])|火花|白烟"
            r"|黑烟|糊(?![弄涂口里墙])|烧红|通红|短路|\b(?:alight|caught|flames?|glow\w*|smoke|smok\w+|burning"
            r"|sparks?|ablaze)\b",
            r"被子|纸箱|充电桩|林场|秸秆|快递|床|棉|垛|油毡|炭|插头|插座|电线|楼道|电梯间|电池|三轮|阳台|厂|仓|屋"
            r"|房|棚|山|林|草|墙|柴|垃圾|车|烟头|灶|\b(?:blanket|door|room|cigarette|sofa|curtains?|mattress"
            r"|sprinklers?|barn|bins?|block|fence|wire|plastic|roof|house|flat|wall|kitchen|shed|hedge|wood|tree"
            r"|car|van|field|stairs?|plug|fridge|cooker|home)s?\b",
        ),
        Pair(r"山|林|坡|后山", r"整片[^。!?;]{0,3}红|红了|灰[^。!?;]{0,3}飘|火"),
        Pair(
            r"垃圾|炉渣|柴|草|垛|煤|木料|棉|轮胎|地下|\b(?:tyres?|tires?|heap|pile|tip|dump|straw|hay|peat)\b",
            r"没熄|未熄|带火|发红|一[道点]道?红|闷着|冒灰烟|阴燃|\b(?:glow\w*|smoulder\w*|smolder\w*|red hot"
            r"|too hot)\b",
        ),
        Pair(
            r"表箱|电箱|电表|插座|插排|电线|配电|变压器|电池|充电|\b(?:meter|fuse box|socket|battery|charger)\b",
            r"噼里啪啦|噼啪|打火|蓝火|冒火|壳化|化了|熔|往下滴|鼓得|窜|白烟|\b(?:crackl\w*|melt\w*|drip\w*|swell\w*"
            r"|swollen)\b",
        ),
        Pair(
            r"火(?!车|锅|星)",
            r"往[上这我][^。!?;]{0,3}[走来烧窜]|顺着|离[^。!?;]{0,14}(?:米|公尺)|越来越近|泼水"
            r"|在泼",
        ),
    ),
    "water": (
        Pair(
            r"上游|水塔|河(?=水|堤|道|岸|边|里|滩|坝|漫|涨)|江(?=水|堤|边|里)|湖(?=水|堤|边|里)|堤|坝|水库|渠|鱼塘"
            r"|池塘|水塘|涵|暗沟|下水|洪|\b(?:river|dam|dyke|dike|levee|canal|sea|stream"
            r"|sewer|drain)\b",
            r"河滩|捡石头|泄洪|放水|泡着|翻|冒|涌|漫|溢|溃|渗|塌|裂|缺|没过|进屋|进水|倒灌|\b(?:over the wall"
            r"|filling up|rising|burst\w*|gush\w*|pour\w*|flood\w*|over(?:flow\w*|topp\w*)|crack\w*)\b",
        ),
        Pair(
            r"水(?!果|费|电工|泥|彩|槽|平|准)",
            r"泡着|裂了|没过膝|没过|到腰|齐腰|齐胸|漂起|冲走|(?:没|还没)[^。!?;]{0,3}上来|泡在",
        ),
        Pair(
            r"井|自来水|水箱|喝了水|喝水|水厂|桶装水|饮水|龙头|\b(?:well|taps?|tap water|drinking)\b",
            r"又?吐|疹|泻|开始拉|死老鼠|死猫|拉稀|拉肚子|中毒|毒|农药|油花|\b(?:throw up|vomit\w*|sick|ill"
            r"|poison\w*|rash)\b",
        ),
        Pair(
            r"拉水车|送水车|挑水吃|没来过?水|断水|停水|没有?水|水厂停|滴水|不出水|\b(?:half a metre of|knee deep"
            r"|no water|taps? (?:have been |are |is |ran )?dry|without water)\b",
            r"[上这]?(?:个?礼拜|星期|周)[一二三四五六日]?起|从前天|从大前天|从上|自打|至今|到今天|好几天|产妇"
            r"|坐月子|透析|整个镇|[几两三四五六七八九十\d]+天|\b(?:days|weeks|old people|elderly|baby|babies)\b",
        ),
        Pair(r"\bsewage\b|\bflood\w*\b", r"\b(?:wheelchair|bed|metre|meter|rising|father|mother|baby)\b"),
        Pair(
            r"堤|坝|\b(?:dam|dyke|dike|levee|embankment)\b",
            r"拱|泥汤|泥水|浑|发软|是软的|往下掉|贴着[堤坝]|长缝|鼓包|\b(?:soft|muddy|bulg\w*|bubbl\w*|slump\w*)\b",
        ),
        Pair(
            r"停到今天|停到现在|到今天|到现在|至今|整整[^。!?;]{0,3}天|[两三四五六七八九十几\d]+天",
            r"一滴[^。!?;]{0,2}[没不]|没有?一滴|一滴水|没来过?水|没水|停水|断水|不出水|接不到水",
        ),
        Pair(
            r"水(?!果|费|电|泥|平|准)|\bwater\b",
            r"漫过[^。!?;]{0,2}门|过门槛|床[^。!?;]{0,2}泡|东西在漂"
            r"|\b(?:over the step|floating)\b",
        ),
        Pair(
            r"\b(?:well|pump|tap|water)\b",
            r"\b(?:cramps?|stomach|clinic|chemical taste|diarrh\w+|bellies|belly)\b",
        ),
    ),
    "power": (
        Pair(
            r"电线|线杆|电杆|高压|电缆|线路|射灯|路灯|灯杆|洗衣机|热水器|水泵|抽水机|插座|外壳|电箱|配电|变压器"
            r"|冰柜|铁门|闸刀|铁架子?|带电|\b(?:overhead line|power ?line|cables?|wires?|lamp ?posts?|machine"
            r"|switch|socket|pylon|the line)\b",
            r"麻(?![黑烦将辣木袋花园塘石山城布])|刺痛|喊疼|横在|刮倒|倒了|垂|冒火|火星|漏电|带电|死|打得|打到|断了"
            r"|泡在|打翻"
            r"|弹开|弹出去|积水|一碰|\b(?:pulled|onto|fence|playground|shocks?|shock(?:ed|ing)|jumping|spark\w*"
            r"|buzz\w*|tingl\w*|dangl\w*|down across|brought down|lying)\b",
        ),
        Pair(r"\bbrought (?:the|a) line down\b|\bline\b", r"\b(?:jumping|sparking|live|dangling)\b"),
        Pair(
            r"检修停电|拉闸|断电|停电|没电|掐电|\b(?:no electricity|no power|without (?:power|electricity)"
            r"|power (?:cut|outage))\b",
            r"机器|吸痰|插着管|氧|呼吸|胰岛素|冰箱里的药|药要|\b(?:insulin|machine|oxygen|fridge|medicines?"
            r"|medication|nights|stairlift)\b",
        ),
        Pair(
            r"杆|塔|变压器|电线|高压|\b(?:pole|pylon|mast)\b",
            r"线[^。!?;]{0,8}(?:[掉落垂断]了?(?:下来|在|到)|搭在)|\b(?:wire|cable|line) (?:is |has |hangs |lies "
            r"|came )?(?:down|hanging|across)\b",
        ),
        Pair(
            r"线|竿|杆|铁棚|栏杆|灯柱|\b(?:post|pole|lamp|railing|fence|tap)s?\b",
            r"(?:打|弹|摔)(?:出去|飞|翻|倒)|手都?黑|发麻|麻了一下|踩进去[^。!?;]{0,6}不动|\b(?:tingl\w*|jolt\w*"
            r"|thrown back|numb)\b",
        ),
    ),
    "heat_outage": (
        Pair(
            r"暖气|供暖|供热|停烧|锅炉|地暖|热力|\b(?:heating|radiators?|boiler|heat)\b",
            r"病倒|冻|冰|零下|发烧|哆嗦|发抖|嘴唇|紫|羽绒服上课|棉被|瘫痪|月子|满月|新生|产妇|\b(?:froz\w*"
            r"|freez\w*|shiver\w*|snowsuit|ice|icy|blankets?|sleep in their coats|in their coats|blue|newborn|baby"
            r"|stone cold|pneumonia|coats? (?:indoors|in bed|in class))\b",
        ),
    ),
}
#: To be watched: the same way.
WATCH_PAIRS: Final[dict[str, tuple[Pair, ...]]] = {
    "gas": (Pair(r"煤气|燃气|液化气|天然气", r"熄火保护|几次才着|点不着|自己接|胶带|私接|私改|老化|漏"),),
    "fire": (
        Pair(
            r"地下[^。!?;]{0,3}层|网吧|楼梯间|楼道|过道|走廊|通道|\b(?:cellar|basement|stairs?|hallway|corridor"
            r"|garage)\b",
            r"只有一个(?:门|出口)|鞋柜|纸板|纸箱|杂物|堆满|摆满|沙发|\b(?:petrol|canisters?|blocked|furniture"
            r"|rubbish|solvent)\b",
        ),
    ),
    "power": (
        Pair(
            r"单元|整栋|变压器|电箱|电杆|线杆|\b(?:pole|pylon|transformer)\b",
            r"跳闸|没有?围栏|爬|斜|歪|孩|\b(?:lean\w*|tilt\w*|rotten|climb\w*)\b",
        ),
    ),
    "water": (
        Pair(
            r"水(?!果|泥|彩)|\bwater\b",
            r"铁锈|锈|小得|接不上|漂白|一层白|白的|浑|异味|铁锈|发黄|\b(?:trickle|rusty|cloudy|chlorine"
            r"|pressure)\b",
        ),
    ),
    "heat_outage": (
        Pair(
            r"暖气|供暖|供热|\b(?:radiators?|heating|heat)\b",
            r"不供|凉|不热|温吞|\b(?:barely|hardly|cold|lukewarm|not warm)\b",
        ),
    ),
    "danger_to_life": (
        Pair(
            r"扶梯|踏板|学校|放学|路|步道|台阶|楼梯|河边|桥|弯道|\b(?:steps?|handrail|road|path|street|stairs"
            r"|pavement|crossing)\b",
            r"缺了|缺两|飞快|飙|减速带|烂了|朽|一踩|松动|没有栏|没栏|\b(?:rotten|loose|slippery|too fast|missing"
            r"|broken)\b",
        ),
    ),
    "group_action": (
        Pair(
            r"大伙|代表|签字|签名|倡议|联合|联名|一块儿?|一起|\b(?:together|all of us|signatures?|residents"
            r"|shopkeepers)\b",
            r"去省|去市|去县|反映|政府|说法|维权|讨|联名信|抗议|\b(?:protest|petition|shut down|march|strike)\b",
        ),
    ),
    "report_on_person": (
        Pair(
            r"主任|副?(?:所|局|科|处|镇|乡|县|市|院|校|站|队)长|书记|会计|民警|警察|法官|干部|\b(?:registrar|clerk"
            r"|mayor|police\w*|officer|judge|director|chief|inspector|official|minister|secretary)\b",
            r"拜把子|兄弟|表弟|同学的公司|全给了|股东|通风报信|假账|转到|他老婆|小舅子|逼着|不请吃|请吃饭|送礼"
            r"|红包|包庇|打招呼|走后门|\b(?:banknote|cousin|brother|wife|tender|contracts?|cash|money|bribe\w*"
            r"|envelope|friends?)\b",
        ),
    ),
}


def of_pairs(pairs: tuple[Pair, ...]) -> str:
    """One pattern that finds either order of any pair."""
    return "|".join(f"(?:{one})≋(?:{other})|(?:{other})≋(?:{one})" for one, other in pairs)
