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
            r"HARM|洞|偷|敞|漏|味(?!道不错|道很好)|泡|冒|哨|(?<!垄)断|掉了|松|裂|没关|关不|爆|炸|燎|怪|呛|熏|咬|嗞|声音"
            r"|起不来|叫不醒|躺在|\b(?:strange|whistl\w*|smell\w*|stink\w*|beep\w*|hiss\w*|leak\w*|broke\w*"
            r"|drove over|crack\w*|blew|roar\w*)\b",
        ),
        Pair(
            r"\b(?:floor|flat|house|stairwell|kitchen|cellar|street|building)\b",
            r"\b(?:rotten eggs?|sulphur|sulfur)\b",
        ),
    ),
    "fire": (
        Pair(
            r"着了|着起来|在烧|正烧|烧过了|窜起来|火[^。!?;]{0,2}(?:跑|顺着)|燎|没灭|嘭的|砰的|滋啦|火星|火花|白烟"
            r"|黑烟|糊|烧红|通红|短路|\b(?:alight|caught|flames?|glow\w*|smoke|smok\w+|burning|sparks?|ablaze)\b",
            r"被子|纸箱|充电桩|林场|秸秆|快递|床|棉|垛|油毡|炭|插头|插座|电线|楼道|电梯间|电池|三轮|阳台|厂|仓|屋"
            r"|房|棚|山|林|草|墙|柴|垃圾|车|烟头|灶|\b(?:blanket|door|room|cigarette|sofa|curtains?|mattress"
            r"|sprinklers?|barn|bins?|block|fence|wire|plastic|roof|house|flat|wall|kitchen|shed|hedge|wood|tree"
            r"|car|van|field|stairs?|plug|fridge|cooker|home)s?\b",
        ),
        Pair(r"山|林|坡|后山", r"整片[^。!?;]{0,3}红|红了|灰[^。!?;]{0,3}飘|火"),
    ),
    "water": (
        Pair(
            r"上游|水塔|河(?=水|堤|道|岸|边|里|滩|坝|漫|涨)|江(?=水|堤|边|里)|湖(?=水|堤|边|里)|堤|坝|水库|渠|鱼塘|池塘|水塘|涵|暗沟|下水|洪|\b(?:river|dam|dyke|dike|levee|canal|sea|stream"
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
    ),
    "power": (
        Pair(
            r"电线|线杆|电杆|高压|电缆|线路|射灯|路灯|灯杆|洗衣机|热水器|水泵|抽水机|插座|外壳|电箱|配电|变压器"
            r"|冰柜|铁门|闸刀|铁架子?|带电|\b(?:overhead line|power ?line|cables?|wires?|lamp ?posts?|machine"
            r"|switch|socket|pylon|the line)\b",
            r"麻(?!黑|烦|将|辣|木|袋|花)|刺痛|喊疼|横在|刮倒|倒了|垂|冒火|火星|漏电|带电|死|打得|打到|断了|泡在|打翻"
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
    ),
    "heat_outage": (
        Pair(
            r"暖气|供暖|供热|停烧|锅炉|地暖|热力|\b(?:heating|radiators?|boiler|heat)\b",
            r"病倒|冻|冰|零下|发烧|哆嗦|发抖|嘴唇|紫|羽绒服上课|棉被|瘫痪|月子|满月|新生|产妇|\b(?:froz\w*"
            r"|freez\w*|shiver\w*|snowsuit|ice|icy|blankets?|sleep in their coats|in their coats|blue|newborn|baby"
            r"|stone cold|pneumonia|coats? (?:indoors|in bed|in class))\b",
        ),
    ),
    "danger_to_life": (
        Pair(
            r"桥(?:墩|面|洞|身)?|承重柱|承重墙|楼板|地板|房梁|山墙|围墙|挡墙|塔吊|升降机|钢丝绳|吊篮|电梯|扶梯"
            r"|脚手架|天桥|标志牌|龙门架|限高杆|[两三四五六七]层楼|自家盖的|铲车|过山车|游乐设施|冰面|井架|大坝"
            r"|隧道|矿|\b(?:bridge|lift|elevator|crane|cliff|scaffold\w*|ceiling|wall|roof|balcony|chimney|ice"
            r"|mine|tunnel|brakes?)\b",
            r"横在车道|撞断|往[东西南北前后左右][^。!?;]{0,3}[斜歪倒]|往[^。!?;]{0,10}(?:那边|这边)[歪倒斜]"
            r"|横冲直撞|夹住|卡住|掏空|抖|下坠|往下坠|断了|裂|塌|歪|鼓|散|坠|砸了|没联系上|出不来|打不开|开裂"
            r"|\b(?:dropp?(?:ed|s|ing)|lost|broke\w*|crack\w*|collaps\w*|shak\w*|fell|falling|gave way|giving way"
            r"|will not open|won't open|sway\w*|lean\w*|bulg\w*|through the ice|stones)\b",
        ),
        Pair(
            r"斧|菜刀|砍刀|匕首|持刀|拿刀|猎枪|气枪|铁棍|疯子|精神病|发病|\b(?:axe|knife|machete|shotgun|gun"
            r"|hammer)\b",
            r"追|砍|捅|见人|拎|挥|冲|出来|乱|打|\b(?:wav\w*|chas\w*|swing\w*|point\w*|outside|running)\b",
        ),
        Pair(
            "WHO",
            r"推下|夹住|没动|按在地|推倒|拽|掐|拧|扇|针扎|拿针|挨打|被打|锁了|锁在|没一块好|腿根|下身|尾随|被骗到"
            r"|往车上拖|不让走|别打了|毒打|饿着|绑|\b(?:slap\w*|chok\w*|bruis\w*|whisper\w*|will not let|won't let"
            r"|locks? (?:the|her|him|them|us)|on his lap|shak(?:es|ing|en)|until (?:it|he|she) (?:goes|is) quiet"
            r"|drag\w*|beat\w*|touch\w* (?:her|me|him|them)|undress\w*|without water|tied)\b",
        ),
        Pair(
            "WHO",
            r"走了[^。!?;]{0,8}(?:药|针|饭|以后)|没动|没气|不会哭|不醒|没醒|不应|没反应|没联系上|没回来|没上来"
            r"|没出来|不见了|栽进|掉进|跌进|陷进|掉下|滑下去|坠下|上吐下泻|吐血|流血|有血|血流|昏|抽搐",
        ),
        Pair(
            "WHO",
            r"\b(?:pulled out of the (?:pool|water|river|lake)|first aid|fell through|fell into|fell from|fell off"
            r"|lying on the (?:road|ground|floor)|ploughed into|plowed into|not moving|hit (?:a|him|her|someone"
            r"|the))\b",
        ),
        Pair(
            r"窗户?沿|窗台|窗户|阳台|栏杆|楼顶|护栏|房顶|\b(?:window|balcony|ledge|roof)\b",
            r"骑在|爬|跨(?=出|过|上|坐)|翻|探出|半个身子|大人不在|没大人|\b(?:climb\w*|hanging|leaning out|alone)\b",
        ),
        Pair(
            r"\b(?:brakes?|lorry|truck|bus|train|tram)\b",
            r"\b(?:lost its|ploughed|plowed|lying|overturned|ran into|crashed|derailed)\b",
        ),
        Pair(r"食堂|饭菜|饭后|午饭|盒饭|菜|牛奶|奶茶|外卖", r"吐|泻|中毒|疼|晕|农药味"),
        Pair(
            r"输液|打针|卫生院|诊所|手术|疫苗|\b(?:chest pains?|heart|stroke|can't feel|cannot feel)\b",
            r"没气|不行了|昏|抽|死|turned me away|sent me (?:home|away)|\bno ambulance\b|\b(?:now|hours|twice)\b",
        ),
        Pair(
            r"\b(?:throwing|dropping) (?:bricks|stones|rocks|bottles)\b",
            r"\b(?:bridge|cars?|people|road|motorway|window)\b",
        ),
        Pair(r"\bteacher|\bswimmer|\bguard", r"\bpulled out of\b|\bfirst aid\b"),
        Pair(
            r"船|渔船|出海|上山|进山|驴友|登山|下井|潜水|\b(?:boat|hikers?|climbers?|divers?)\b",
            r"到现在|没回|打不通|联系不上|失联|没消息|\b(?:missing|not back|not returned|no signal|overdue)\b",
        ),
        Pair(
            r"醉汉|酒驾|喝醉|\b(?:drunk|crazed)\b",
            r"铲车|开着|横冲|开车|拿|砸|\b(?:driving|drives|excavator|car|digger)\b",
        ),
        Pair(r"冰|ice", r"裂|孩子们?在冰|\bfell through\b"),
    ),
    "threats": (
        Pair(
            r"讲|说|放话|告诉|我已经|按在地上|逼|留|纸条|门口|打电话|短信|微信|堵|跟我|\b(?:sent|said|says|told"
            r"|left|message|letter|note|phone\w*|call\w*|wrote)\b",
            r"毒死|下一个[^。!?;]{0,6}(?:轮到|是)|一个也跑不掉|名单|录像|遗言|埋了|一起上路|送你上路|不认人"
            r"|回不来|小命|教训你|黑白照片|遗像|花圈|放狗|光膀子|纹身|打手|做掉|断手|断脚|没好果子|别想活|活着"
            r"|走不出|全家(?:小心|死|遭)|\b(?:front door|thin neck|word soon|bury|buried|accidents? happens?"
            r"|wreath|coffin|shotgun|gun|break (?:my|your|his) legs|kill\w*|regret|watch out|disappear"
            r"|not (?:be )?safe|won't be safe|find you|finish)\b",
        ),
        Pair(
            r"刀|汽油|炸药|雷管|斧|猎枪|\b(?:shotgun|gun|knife|petrol|dynamite)\b(?! station)",
            r"不认人|一起|拼|站在|门口|上路|同归|再拖|不给|不管|\b(?:what to do|know what|will not|won't|bring"
            r"|come with)\b",
        ),
        Pair(
            r"照片|相片|名字|我的头像|\b(?:my name|photo)\b",
            r"黑白|花圈|纸钱|烧了|刀|划|\b(?:wreath|funeral|coffin|grave|knife|cut out)\b",
        ),
        Pair(r"放狗|放恶狗|唆使", r"咬|教训"),
    ),
    "self_harm": (
        Pair(
            r"男生|女生|同学|我|他|她|妈|爸|孩子|女儿|儿子|父亲|母亲|老公|老婆|弟|妹|哥|姐|老人",
            r"密码[^。!?;]{0,8}(?:写|留)|撕成(?:了)?条|床单[^。!?;]{0,4}条|拖累|自己了断|绳子[^。!?;]{0,6}(?:挂|买"
            r"|准备|系)|没有?(?:了)?牵挂|跟着(?:他|她|去)|不难受了|再也?不会[^。!?;]{0,4}(?:看到|见到)"
            r"|不会再(?:看到|见到)|拿命|用命|以命|命来换|一条命|早点走|不拖累|不连累|跨出去|跨过栏杆|栏杆外|解脱了"
            r"|走绝路|绝路|(?<!善)后事|不想醒|了此|喝了药|藏药|攒药|割了?自己|闭上眼|不再醒|最后的话"
            r"|对不起[^。!?;]{0,6}(?:爸|妈|孩子|大家)[^。!?;]{0,10}(?:走|别找)",
        ),
        Pair(r"阳台|楼顶|窗|桥|江|河|铁轨|水库", r"发呆|一条腿|跨(?=出|过|上|坐)|徘徊|不肯(?:下|走)|想跳|往下看"),
        Pair(
            r"\b(?:i|my|me|he|she|we|him|her)\b",
            r"\b(?:no more letters|after tonight|tired of everything|photo of the bridge|count(?:s|ed|ing)? (?:the"
            r"|my|her|his) (?:tablets|pills)|on the tracks|(?:gave|giving|gives) away (?:his|her|my|all)"
            r"|but the river|(?:wrote|writes) to all of us|nobody would miss|burden to|won't be here"
            r"|will not be here|not be around|last (?:letter|message|words)|the rope|pills? (?:are|is) (?:ready"
            r"|enough)|enough (?:pills|tablets)|tonight (?:there are|i)|stopped eating|next time (?:he|she|nobody"
            r"|no one))\b",
        ),
    ),
    "group_action": (
        Pair(
            r"亲戚|人|工人|村民|业主|拆迁户|司机|家长|商户|大家|群里|我们|\b(?:strikers?|farmers?|drivers?"
            r"|workers?|residents?|owners?|villagers|parents|students|shopkeepers|crowd)\b",
            r"横在(?:收费站|路|门|桥|高速)|把车横|带着棺材|抬棺|抬尸|过夜|打地铺|围得|水泄不通|团团围|焊死|扔砖"
            r"|扔石|砸门|睡在(?:那|政府|大厅|门口)|躺在|不解决就|陆陆续续来|堵得|车队|\b(?:not let the|tractors?"
            r"|leave their trucks|motorway|occup\w+|barricad\w*|blockad\w*|surround\w*|in front of the (?:ministry"
            r"|town hall|office|government|factory)|stones)\b",
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
