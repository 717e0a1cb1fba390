"""Dangers to body and life, threats, self-harm and crowds by two things in one sentence; as those of ``risk_pairs``."""

from __future__ import annotations

from typing import Final

from services.routing.domain.risk_pairs import Pair

LIFE_PAIRS: Final[dict[str, tuple[Pair, ...]]] = {
    "danger_to_life": (
        Pair(
            r"桥(?:墩|面|洞|身)?|承重柱|承重墙|楼板|地板|房梁|山墙|围墙|挡墙|塔吊|升降机|钢丝绳|吊篮|电梯|扶梯"
            r"|脚手架|天桥|标志牌|龙门架|限高杆|[两三四五六七]层楼|自家盖的|铲车|过山车|游乐设施|冰面|井架|大坝"
            r"|隧道|矿|\b(?:bridge|lift|elevator|crane|cliff|scaffold\w*|ceiling|wall|roof|balcony|chimney|ice"
            r"|mine|tunnel|brakes?)\b",
            r"横在车道|撞断|往[东西南北前后左右][^。!?;]{0,3}[斜歪倒]|往[^。!?;]{0,10}(?:那边|这边)[歪倒斜]"
            r"|横冲直撞|夹住|卡住|掏空|抖|下坠|往下坠|(?<!垄)断了|裂|塌|歪|鼓(?=[出包起了得])|散|坠|砸了|没联系上"
            r"|出不来|打不开|开裂"
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
            r"没气|不行了|昏|抽(?!血|查)|[快要等]死|死了|turned me away|sent me (?:home|away)|\bno ambulance\b"
            r"|\b(?:now|hours|twice)\b",
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
        Pair(
            r"[两三四五六七八几多\d]天|一个人住|独居|\b(?:days|alone)\b",
            r"没[^。!?;]{0,2}[见看]到?(?!任何)[^。!?;]{0,3}[人他她](?!来|员)|没露面|敲[^。!?;]{0,8}(?:没|无"
            r"|不)[^。!?;]{0,2}[应动]|报纸[^。!?;]{0,8}一[叠摞]"
            r"|\b(?:nobody|no one) (?:has seen|answers?)|does not answer|post is piling\b",
        ),
        Pair(
            r"[几两三四五六七八十\d]来?个[^。!?;]{0,6}(?:孩|娃|学生|同学|人|员工|工友)|全班|半个班|班里"
            r"|\b(?:several|half|dozen|\w+teen)\b",
            r"捂着肚子|肚子[疼痛]|吐|拉稀|晕倒|嘴唇[^。!?;]{0,2}[白紫]|\b(?:vomit\w*|throwing up|cramps|fainted)\b",
        ),
        Pair(
            r"山|坡|崖|石|块|岩|\b(?:slope|hillside|cliff|boulders?|rocks?)\b",
            r"往下[落掉滚]|哗啦啦|砸在路|滚到路|滚下来|落到路|斜过来|\b(?:onto the road|across the road"
            r"|coming down)\b",
        ),
        Pair(
            r"急救|救护|担架|医生|120|胸口[疼痛闷]|胸[痛闷]|\b(?:ambulance|paramedics?|stretcher|chest pains?)\b",
            r"进不[来去]|下不[来去]|过不[来去]|[开挤]不进|转不过|话都?说不出|\b(?:cannot|can't|could not) (?:get"
            r"|pass|reach)\b",
        ),
        Pair(
            r"\b(?:boy|girl|son|daughter|child|husband|wife|mother|father|neighbour's?)\b",
            r"\b(?:never (?:arrived|came home|got home|came back)|rings out|phone is off|was found by the"
            r"|no sign of)\b",
        ),
        Pair(
            r"电梯|\d号梯|梯|\b(?:lift|elevator)\b",
            r"滑了[^。!?;]{0,3}层|停在半|里面有|按铃|出不来|关人|\b(?:between floors|inside|stuck)\b",
        ),
        Pair(
            r"\b(?:manager|boss|agency|foreman|employer)\b",
            r"\b(?:keeps|holds|locked (?:away|up)) (?:our|my|their) (?:papers|passports?|phones?)|no doctor"
            r"|gate has a chain\b",
        ),
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
        Pair(
            r"买好|备好|准备好|放在车上|带[上着]|拎着",
            r"一[桶壶瓶][^。!?;]{0,2}油|汽油|柴油|炸药|雷管|刀|斧|农药",
        ),
        Pair(
            r"谁也别拦|别拦我|大家一块|都别想|反正",
            r"上路|活|同归|一起走|死",
        ),
        Pair(
            r"\b(?:said|says|asked|whisper\w*|told|warned)\b",
            r"\b(?:end up (?:in|under|dead)|lives alone|where (?:my|our) \w+ (?:lives|goes|sleeps|works)|not (?:get"
            r"|grow) old"
            r"|pity if|shame if)\b",
        ),
        Pair(
            r"叫得出|认得|打听|堵|拦住|跟着|校门口|放学",
            r"准备后事|带话给|你(?:儿子|女儿|孩子)|几点(?:放学|下课|补习|上班)|断[^。!?;]{0,2}[手脚腿]|等着收尸",
        ),
    ),
    "self_harm": (
        Pair(
            r"男生|女生|同学|我|他|她|妈|爸|孩子|女儿|儿子|父亲|母亲|老公|老婆|弟|妹|哥|姐|老人",
            r"密码[^。!?;]{0,8}(?:写|留)|撕成(?:了)?条|床单[^。!?;]{0,4}条|拖累|自己了断|绳子[^。!?;]{0,6}(?:挂|买"
            r"|准备|系)|没有?(?:了)?牵挂|跟着(?:他|她|去)|不难受了|再也?不会[^。!?;]{0,4}(?:看到|见到)"
            r"|不会再(?:看到|见到)|拿命|用命|以命|命来换|一条命|(?<!的时候)早点走|不拖累|不连累|跨出去|跨过栏杆"
            r"|栏杆外|解脱了"
            r"|走绝路|绝路|(?<!善)(?<!备)后事|不想醒|了此[残一余]|喝了药|藏药|攒药|割了?自己|闭上眼|不再醒|最后的话"
            r"|对不起[^。!?;]{0,6}(?:爸|妈|孩子|大家)[^。!?;]{0,10}(?:走|别找)",
        ),
        Pair(
            r"阳台|楼顶|窗|桥|江|河|铁轨|水库",
            r"发呆|一条腿|跨(?=出|上|坐|过[栏护窗去])|徘徊|不肯(?:下|走)|想跳"
            r"|往下看",
        ),
        Pair(
            r"\b(?:i|my|me|he|she|we|him|her)\b",
            r"\b(?:no more letters|after tonight|tired of everything|photo of the bridge|count(?:s|ed|ing)? (?:the"
            r"|my|her|his) (?:tablets|pills)|on the tracks|(?:gave|giving|gives) away (?:his|her|my|all)"
            r"|but the river|(?:wrote|writes) to all of us|nobody would miss|burden to|won't be here"
            r"|will not be here|not be around|last (?:letter|message|words)|the rope|pills? (?:are|is) (?:ready"
            r"|enough)|enough (?:pills|tablets)|tonight (?:there are|i)|stopped eating|next time (?:he|she|nobody"
            r"|no one))\b",
        ),
        Pair(
            r"药瓶|药片|安眠药|农药|药(?!店|监|品|材|房|价|费)|\b(?:tablets?|pills?|medicines?)\b",
            r"手边|枕边|放在身边|够[^。!?;]{0,3}了|攒|倒在一起|\b(?:one jar|enough for|in a jar|within reach"
            r"|saved up|a comfort)\b",
        ),
        Pair(
            r"河堤|江堤|江边|河边|湖边|桥上|桥头|水库边|铁轨|铁路边",
            r"坐到天亮|坐了一[夜晚]|站了[^。!?;]{0,3}(?:夜|晚|小时)|走来走去|不想回",
        ),
        Pair(
            r"顶楼|楼顶|天台|屋顶|\b(?:rooftop|roof)\b",
            r"走到|走上|数[^。!?;]{0,6}(?:阶|楼梯)|风很|差一?点[^。!?;]{0,3}(?:回不来|不回来|下去)|不回来了?",
        ),
        Pair(
            r"袖子|手臂|胳膊|手腕|大腿|\b(?:sleeves?|wrists?|forearms?)\b",
            r"血印|一道[^。!?;]{0,2}道|刀片|划[的痕]|新的[^。!?;]{0,6}旧的|\b(?:cuts?|razor|slash\w*|fresh lines)\b",
        ),
        Pair(
            r"没有?什么放不下|用不[到着]了|不用[^。!?;]{0,2}管我|[走死]了以后|我[^。!?;]{0,2}不在了?以后"
            r"|只是对不[住起]",
            r"我|老娘|爸|妈|孩子|儿子|女儿|疼|大家|同学",
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
        Pair(
            r"两边|双方|两伙|两个?村|隔着(?:铁门|大门|围挡)",
            r"叫骂|对骂|推搡|[丢扔][^。!?;]{0,4}(?:砖|石|瓶|瓷砖|磁砖)|抄家伙|动手|打起来|对峙",
        ),
        Pair(
            r"每[家户人]|大家|各[家户]|一起|我们",
            r"挡起来|坐满|路口坐|门口集合|不让(?:搬|进|出|开工)[^。!?;]{0,6}(?:机器|车|货)?[^。!?;]{0,8}(?:轮流|守"
            r"|挡|堵)",
        ),
        Pair(
            r"\b(?:decided|agreed|voted|plan\w*|going) to (?:drive|park|sit|stand|lie|walk|march|camp|stay)\b",
            r"\b(?:bridge|road|gate|motorway|railway|office|ministry|stay there|until)\b",
        ),
    ),
}
