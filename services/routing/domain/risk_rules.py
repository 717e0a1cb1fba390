"""Our own rules for dangers of supply, for crowds, and for reports on persons at the wrong door."""

from __future__ import annotations

from typing import Final

from services.routing.domain.risk_lists import Rule

#: Supplies, crowds and reports on persons; what threatens body and life is in ``risk_rules_life``.
RULES: Final = (
    Rule(
        "gas",
        r"(?:闻|有|股|浓|全是|都是|满是|飘|弥漫|散发|一直)~GAS[^。!?;]{0,6}味|GAS的?味|臭鸡蛋[的]?味|臭鸡蛋~(?:气"
        r"|味)|"
        r"GAS≈(?:嘶嘶|呲呲|滋滋|丝丝|往外冒|往外喷|挖断|挖破|挖漏|打穿|碰断|刮断|裂了|爆裂|爆炸了|炸了|着了|在漏"
        r"|漏了|漏得|泄漏了|泄露了|一直漏)|"
        r"(?:挖断|挖破|打穿|碰断)~GAS|(?:管|罐|桶|瓶|阀|灶|表|热水器)~(?:在漏气|漏气了|嘶嘶|呲呲|滋滋)|(?:嘶嘶"
        r"|呲呲)~GAS|"
        r"(?:煤气|一氧化碳)中毒|炭中毒|"
        r"\bsmell\w*(?: strongly)?(?: of| like)? (?:the )?(?:gas|rotten eggs)|\bgas\b[^.!?]{0,25}\b(?:smell|hiss"
        r"|escap|leaking|"
        r"pouring out|ruptured|was hit|exploded)|\b(?:hiss\w*|leaking|whiff of)\b[^.!?]{0,20}\bgas|\breeks of gas|"
        r"\bcarbon monoxide\b[^.!?]{0,25}\b(?:alarm|went off|poison|sick|dizzy|hospital)|\brotten eggs?\b",
        r"GAS≈(?:漏|喷|冒气|冒白|冒泡|嘶|刺鼻|难闻|气味|报警|警报|冻裂|断裂|破了|倒了|晕|昏|恶心|关不上|关不住"
        r"|松了|松动|炸)|(?:漏|刺鼻|味道?|味儿|嘶)≈GAS|怀疑[^。!?;]{0,6}GAS|"
        r"\bgas\b[^.!?]{0,30}\b(?:broke\w*|hit|hear|burst|dizzy|faint\w*|sick|headache|alarm|beeping|smell\w*"
        r"|flame|blast)|\b(?:broke|cut|hit|ruptured|damaged|dug)\b[^.!?]{0,20}\bgas\b|"
        r"GAS~(?:泄漏|泄露|爆炸|中毒)|(?:GAS|罐|灶|阀|管|热水器)[^。!?;]{0,8}漏气|\bgas leak|\bgas explosion",
        r"(?:煤气|液化气|瓦斯)(?:罐|瓶|桶)≈(?:炉|明火|火|楼道|室内|太阳|暴晒|过期|违规|堆|存放)|一氧化碳|GAS(?:管"
        r"|软管|阀)~(?:老化|生锈|锈|裂|松|暴露)|"
        r"\bgas\b[^.!?]{0,20}\b(?:hose|pipe|tube|valve)s?\b[^.!?]{0,40}\b(?:crack|old|rust|loose|worn)\w*"
        r"|\bgas (?:bottle|cylinder|canister)s?\b[^.!?]{0,40}\b(?:stove|flame|fire|stair|hall|sun|coal)",
        r"开户|抄表|加装|安装|改造|缴费|气费|换气|充值|汽车|加气站|轮胎|泵|气球|空调|冰箱",
    ),
    Rule(
        "fire",
        r"着火了|着了火|起火了|失火了|烧起来|烧着了?|燃起来|(?:已经|快|就要|正在|还在|马上)~烧到|烧到~(?:门口|家"
        r"|房|楼|村|山脚)|火苗|火势|火光冲|"
        r"(?:浓|黑|白)烟(?:滚滚|往|都|灌|从|冒)|浓烟|(?:一直|在|正|往外|直|不停|突然|又)冒(?:着|出)?[浓黑白]?烟"
        r"|冒(?:火花|火星|明火|火苗)|焦糊?味|糊味|"
        r"(?:在|还|正)闷烧|爆炸了|炸开了(?!锅)|(?:放|点)了?火(?:了|烧)|火~(?:没灭|灭不了|扑不灭|控制不住)|"
        r"\b(?:is|are|was|caught|catches|went|set) (?:on fire|alight|ablaze)|\bon fire\b|\bcaught fire"
        r"|\bsmoke (?:is |was )?"
        r"(?:pouring|coming|rising|everywhere|filling|billowing)|\b(?:is|are) (?:burning|smouldering|smoldering"
        r"|smoking|sparking)|"
        r"\b(?:hill|hillside|forest|house|shop|warehouse|building|roof|balcony|field|car|bike)\w* (?:above|behind"
        r"|near|next)?"
        r"[^.!?]{0,20}\b(?:is|are) burning|\bflames\b|\bsparks? (?:fly|flying|are|come|coming|from)|\bburning smell|"
        r"\bexploded\b",
        r"喷火|窜火|火头|火星(?![镇路街村苑社区])|火把|火连成|火光|明火|点着了|引燃|点燃|纵火|放火|着了起来|又着了"
        r"|黑烟|冒烟|烟雾|熏黑"
        r"|烧焦|烧化|烤化|烧穿|烧毁|烧没|(?:自己|插座|插排|电线|电表|电瓶|电池|仓库|柜|车|房|棚"
        r"|屋)[^。!?;]{0,6}烧(?:了|起|过|着)|"
        r"(?:电瓶|电池|插座|插排|充电器|电线|电表|变压器)[^。!?;]{0,8}(?:发烫|滚烫|鼓包|冒|焦|烫手|打火|火花)"
        r"|火[^。!?;]{0,6}(?:蔓延|扑不|越来越大|逼近)|\b(?:burn(?:s|ed|t|ing)|scorch\w*|smoke|smoking|overheat\w*"
        r"|alight|blaze|ablaze|charred|melt\w*)\b|"
        r"\b(?:socket|outlet|fuse box|wiring|battery|charger|meter)\b[^.!?]{0,30}\b(?:hot|spark\w*|burn\w*|smok\w*"
        r"|crackl\w*|melt\w*)|\bfire\b[^.!?]{0,20}\b(?:spread\w*|broke out|started|raging|next door)|\bset fire to"
        r"|\barson\w*|"
        r"着火|起火|失火|火灾|爆炸|山火|大火|自燃|\bwildfire|\bforest fire|\bhouse fire|\bexplosion",
        r"飞线|(?:出口|大门|后门|安全门|防盗网)[^。!?;]{0,10}(?:锁|堵|封|焊)|(?:烟花|油库|汽油|柴油|酒精|煤气站"
        r"|加油站|鞭炮|化工)[^。!?;]{0,12}(?:仓库|楼下|居民|旁边|存放|堆|后面)"
        r"|\bcharging\b[^.!?]{0,25}\b(?:scooter|bike|batter)\w*|消防(?:通道|车道|门|楼梯|出口|设施|栓)≈(?:堵|锁|占"
        r"|堆|封|坏|没水|打不开|停满)|(?:堵|锁|占|堆|封)~消防(?:通道|车道|门|楼梯|出口)|"
        r"(?:疏散|安全|逃生)(?:楼梯|通道|出口|门)~(?:堵|锁|占|堆|封)|(?:楼道|楼梯|过道|室内|家里|电梯|走廊"
        r"|上楼)≈(?:充电|电瓶|电动车)|"
        r"(?:电动车|电瓶车|电瓶)≈(?:楼道|楼梯间|过道|室内|进电梯|上楼|走廊)|易燃易?爆?|"
        r"\bfire (?:exit|door|escape|lane)s?\b[^.!?]{0,40}\b(?:chain|block|lock|shut|parked|full)|"
        r"\b(?:block|lock|chain)\w*\b[^.!?]{0,25}\bfire (?:exit|door|escape|lane)|\b(?:bike|scooter"
        r"|batter)\w*\b[^.!?]{0,25}"
        r"\bcharg\w*[^.!?]{0,25}\b(?:stair|hall|corridor|landing)",
        r"油烟|烧烤|烟囱|抽烟|吸烟|烟草|火锅|火车|排烟|烧纸|烧香|保险|\bbarbecue|\bstation\b",
    ),
    Rule(
        "water",
        r"(?:停水|断水|没有?水|无水|缺水|不来水|没来水|没有?自来水|用不上水|没有?水(?:喝|用)|一滴水都?(?:没|不)"
        r"|不出水|水都?没有)≈DAYS|DAYS≈(?:停水|断水|"
        r"没有?水(?!泥|平)|无水可用|缺水|没来水|不来水|一滴水都?(?:没|不)|不出水|用不上水)|(?:停水|断水"
        r"|没有?水(?:喝|用)?|不来水)≈CARED|CARED≈(?:停水|断水|没水|没有水|水停)|"
        r"决口|决堤|溃坝|溃堤|管涌|漫堤|漫坝|[堤坝]≈(?:塌|缺口|口子|裂了?|漏水|渗水|浑水|垮|滑坡|险情)|"
        r"水[^。!?;]{0,8}(?:灌|涌|淹|漫|倒灌|冲)[^。!?;]{0,6}(?:进|到|入|上来|了)[^。!?;]{0,6}(?:家|屋|村|楼|房|店"
        r"|客厅|院|床)|"
        r"水(?:已经|都|快|就)?(?:到|齐|没过|漫过|淹到|涨到)[^。!?;]{0,3}(?:胸|腰|脖|膝|大腿|二楼|窗|床)|(?:水管"
        r"|主管|水管道|管网)[^。!?;]{0,6}爆(?:了|裂|开)|爆管|"
        r"水≈(?:淹|灌)≈(?:出不来|困|老人|车库)|水(?![镇村县市路费果泥利务])≈(?:拉肚子|上吐下泻|腹泻|呕吐|就吐|中毒"
        r"|住院)|(?:农药|油"
        r"|污水)~(?:进|混|流)[^。!?;]{0,4}(?:自来水|水源|井)|水里有毒|洪水~(?:来|到|进|冲)|"
        r"\b(?:no|without|any)\b[^.!?]{0,20}\bwater\b[^.!?]{0,20}DAYS_EN|DAYS_EN[^.!?]{0,20}\b(?:no"
        r"|without)\b[^.!?]{0,10}water|"
        r"\b(?:no|without)\b[^.!?]{0,15}water\b≈FRAIL_EN|\b(?:dam|dyke|dike|levee|embankment|reservoir)\b[^.!?]{0,25}"
        r"\b(?:leak|breach|crack|collaps|burst|giv|broke|fail|seep)\w*|\bwater\b[^.!?]{0,15}\b(?:coming|pouring"
        r"|rushing|rising|"
        r"pours|came|comes|running)\b[^.!?]{0,12}\b(?:into|in|up|through|fast)\b|\b(?:burst"
        r"|broken)\b[^.!?]{0,12}\b(?:water )?main|"
        r"\bflooding (?:our|my|the (?:house|ground|basement|flat|street|village))|\bwater\b[^.!?]{0,40}\b(?:vomit"
        r"|diarrh|sick|"
        r"poison|ill\b|hospital)",
        r"DAYS[^。!?;]{0,8}(?:没|无|断|停|不)[^。!?;]{0,8}水|(?:(?<!滨)河(?![苑畔滨湾东西南北])"
        r"|江(?![苑畔滨湾东西南北])|湖(?![苑畔滨湾东西南北])|水库|池塘|鱼塘|水渠|坝|堤|涵洞|桥洞"
        r"|地下车库|隧道|下水道|山洪|积水|污水|洪水|雨水)[^。!?;]{0,10}(?:涨|漫|淹|灌满|倒灌|溃|渗|塌|裂|漏|冲垮"
        r"|泡)|(?:涨|漫|淹|泡)[^。!?;]{0,8}(?:河|坝|堤|桥洞|涵洞|隧道)|"
        r"(?:人|车|房|屋|家|床|孩|老人|冰箱)[^。!?;]{0,8}(?:泡在|淹在|漂(?:走|起|着|在)|困在水|被水|冲走)|\b(?:dam"
        r"|dyke|dike"
        r"|levee|embankment|reservoir|river|canal|drain|sewer|sewage)\b[^.!?]{0,50}\b(?:hole|gush\w*|overflow\w*"
        r"|rising|flood\w*|into (?:our|the|my)|burst\w*|crack\w*|collaps\w*)|"
        r"\b(?:tap|drinking|drank|water)\b[^.!?]{0,50}\b(?:diarrhoea|diarrhea|vomit\w*|ill|sick|poison\w*"
        r"|hospital)|\b(?:waist|knee|chest|neck)[- ]deep|\b(?:washed|swept) away|\bunder ?water\b|\bwells? (?:ran"
        r"|has run|are|is|went) dry|"
        r"洪水|内涝|\bflooded\b",
        r"停水|断水|没水|没有水|缺水|(?:水质|井水|自来水|龙头|水源)≈(?:黄|浑|黑|臭|超标|异味|味|脏|虫|污染)|水压|"
        r"\b(?:no|without) (?:running |tap |hot )?water\b|\bwater\b[^.!?]{0,20}\b(?:brown|yellow|smell|dirty|off"
        r"|cut)",
        r"水费|热水器|游泳",
    ),
    Rule(
        "power",
        r"(?:电线|高压线|电缆|线缆|火线|裸线)[^。!?;]{0,8}(?:断了|断一|断落|断掉|掉在|掉到|掉下|垂到|垂下|垂落"
        r"|落地|拖在|搭在|泡在|裸露|露在外)|电[^。!?;]{0,16}线[^。!?;]{0,6}(?:露|裸)|(?:裸露|垂落|断落"
        r"|掉落)的?[^。!?;]{0,4}(?:电线|高压线|电缆)|"
        r"漏电(?!保护|断路|开关)|触电|电死|电(?:到|伤|倒)了?~(?:人|孩|我|狗|牛|羊|他|她)|(?:摸"
        r"|碰)[^。!?;]{0,12}麻(?!烦|将|木|辣|花|袋)|麻(?:手|了一下)|冒蓝光|电弧|"
        r"(?:停电|断电|没有?电|没来电|不来电|电[^。!?;]{0,4}停了?)≈(?:CARED|电梯里?~困|困在)|CARED≈(?:停电|断电"
        r"|没有?电|不来电|电[^。!?;]{0,6}掐)|(?:停电|断电|没有?电|没来电|不来电)≈DAYS|"
        r"DAYS(?![^。!?;]{0,8}(?:经常|频繁|多次|总))~(?:停电|断电|没有?电(?!梯|影|视|话)|没来电|不来电)|"
        r"\b(?:live|fallen|hanging|bare|exposed|downed|snapped|loose) (?:\w+ )?(?:wire|cable|power ?line)s?|"
        r"\b(?:wire|cable|power ?line)s?\b[^.!?]{0,25}\b(?:hang|hanging|down|fell|fallen|ground|spark|snapped"
        r"|water|puddle)|"
        r"\belectric shock|\belectrocut|\bgot a shock|\bshocks? from\b|\b(?:power"
        r"|electricity)\b[^.!?]{0,15}\b(?:off|out|cut|"
        r"failed|gone|down)\b≈(?:FRAIL_EN|DAYS_EN)|\b(?:no|without) (?:power|electricity)\b≈(?:FRAIL_EN|DAYS_EN)|"
        r"(?:FRAIL_EN|DAYS_EN)[^.!?]{0,30}\b(?:no|without) (?:power|electricity)",
        r"(?:被|让)[^。!?;]{0,10}电(?:了|到|着|得|击|晕|倒)|电(?:了|着)(?:一下|我|他|她|人|孩)|(?:线|电箱|配电"
        r"|插座|灯杆|电杆|电表|变压器)[^。!?;]{0,14}(?:露出|裸露|裸|露着|漏|垂|耷拉|断在|掉在|带电|打火"
        r"|孩子[^。!?;]{0,6}[摸碰]|小孩[^。!?;]{0,6}[摸碰]|伸手)|"
        r"(?:停电|断电|没电|没有电|掐电|拉闸)[^。!?;]{0,30}(?:困|被关|出不来|急救|手术|疫苗|冷库|呼吸|卫生院|医院"
        r"|重症)|(?:呼吸机|制氧|吸氧|雾化|透析)[^。!?;]{0,20}电|\b(?:a|an electric|electric) shock|\bshock(?:s"
        r"|ed) (?:him|her|me|my|people|anyone|children|by (?:the|a))|"
        r"\bpower (?:cut|outage|failure)\b[^.!?]{0,50}\b(?:inside|trapped|stuck|lift|elevator|hospital|clinic"
        r"|ventilator|old|baby)|\b(?:lift|elevator)\b[^.!?]{0,40}\bpower (?:cut|outage|failure)|\b(?:wire"
        r"|cable)s?\b[^.!?]{0,30}\b(?:child|kid|reach|touch|bare|puddle|dangl)\w*",
        r"(?:电箱|配电箱|变电箱|电表箱)[^。!?;]{0,10}(?:没有?门|门坏|敞|开着|够得着|没锁)|\b(?:power"
        r"|electricity)\b[^.!?]{0,20}\b(?:goes|going|went|cuts|off|out|fails|flicker\w*)\b|停电|断电|没电"
        r"|没有电(?!梯|影|视|话)|跳闸|电线杆~(?:斜|倒|歪|裂)|(?:变压器|配电箱|电箱)~(?:响|锈|敞|开着|没锁|坏)"
        r"|私拉~(?:电|线)|电线~(?:老化|乱|低)|电压|"
        r"\bpower (?:cut|outage|failure)|\bno (?:power|electricity)|\b(?:power"
        r"|electricity)\b[^.!?]{0,10}\b(?:is off|went|has been)",
        r"电费|电话|电影|电视|保护器",
    ),
    Rule(
        "heat_outage",
        r"(?:暖气|供暖|供热|地暖|暖)[^。!?;]{0,10}(?:停|断|不热|没来|爆|坏|没有|冰凉|中断|凉|冷)≈(?:DAYS|零下|冻"
        r"|(?<!十)[零一二三四五六七八九]度)|(?:暖气|供暖|供热|地暖)[^。!?;]{0,10}(?:停|断|没来|爆|坏|冰凉"
        r"|中断)≈(?:FRAIL|CHILD)|"
        r"(?:DAYS|零下|FRAIL|CHILD)≈(?:没有?暖气|没有?供暖|暖气~(?:停|不热|没)|停暖|不供暖)|(?:零下|冻)≈(?:暖气"
        r"|供暖|供热)[^。!?;]{0,8}(?:停|断|不热|没|爆|坏)|"
        r"停暖|供[暖热](?:管道|主管|管网)[^。!?;]{0,4}(?:爆|断|漏)|(?:室内|屋里|屋内|室温|家里|房间里?"
        r"|卧室)[^。!?;]{0,8}(?:(?<!十)[零一二三四五六七八九]|十[一二]?|(?<!\d)\d|1[0-2])(?:摄氏)?度(?!电)|"
        r"冻(?:病|伤|死|得?(?:发烧|直?哆嗦|发抖|睡不着|受不了|住院))|"
        r"\b(?:heating|heat|radiators?|boiler)\b[^.!?]{0,25}\b(?:off|out|failed|broken|stopped|down|cold|gone"
        r"|not working|cut)\b"
        r"≈(?:DAYS_EN|FRAIL_EN|\bminus\b|\bfreezing|\bbelow zero|\bdegrees)|\b(?:no"
        r"|without) heat(?:ing)?\b≈(?:DAYS_EN|FRAIL_EN|\bminus\b|"
        r"\bfreezing|\bdegrees)|\bfreezing (?:at home|in (?:our|my) (?:flat|home|house|bed))|\b(?:one|two|three"
        r"|four|five|six|seven|"
        r"eight|nine|ten|\d) degrees in(?:side| (?:my|our|the))",
        r"(?:结冰|冻裂|冻成|发抖|打哆嗦|哆嗦|冻得|冻醒|冷得受不了)≈(?:暖气|供暖|供热|地暖)|(?:暖气|供暖|供热"
        r"|地暖)≈(?:结冰|冻裂|冻成|发抖|打哆嗦|哆嗦|冻得|冻醒|冷得受不了)|(?:没有?|停|断|坏)[^。!?;]{0,4}(?:暖气"
        r"|供暖|供热|地暖)≈(?:FRAIL|CHILD|养老院|福利院|病房|幼儿园)|"
        r"(?:养老院|福利院|病房|产房|幼儿园)≈(?:没有?|停|断)[^。!?;]{0,4}(?:暖气|供暖|供热)|\b(?:hypothermia"
        r"|frostbite|frozen pipes|freezing cold|ice on the inside|ice inside)|\b(?:no"
        r"|without) heat(?:ing)?\b≈(?:KIN_EN|FRAIL_EN|\bchildren|\binfant|\bnursing home)|"
        r"(?:KIN_EN|FRAIL_EN)[^.!?]{0,50}\b(?:no|without) heat(?:ing)?\b|\bheat(?:ing)?\b[^.!?]{0,40}\b(?:froz\w*"
        r"|freez\w*|shiver\w*|icy)",
        r"(?:暖气|供暖|供热|地暖)[^。!?;]{0,10}(?:停|断|不热|没来|坏|冰凉|凉|不够|温)|没有?暖气|"
        r"\b(?:heating|heat|radiators?)\b[^.!?]{0,25}\b(?:off|failed|broken|stopped|lukewarm|cold|not working)"
        r"|\bno heating",
        r"暖气片刷漆|供暖费|暖气费|退费|空着",
    ),
    Rule(
        "group_action",
        r"MANY≈(?:堵(?:住|在|了)?(?:了)?[^。!?;]{0,6}(?:路|国道|门|桥|高速|施工|政府|工地)|围住|围了|围堵|拦住"
        r"|拦了|拦下|聚集|聚在|静坐|对峙|拉(?:着|起)?横幅)|(?:把|将)[^。!?;]{0,8}(?:国道|公路|大门|高速"
        r"|桥)[^。!?;]{0,4}堵(?:了|住|死)|聚集~(?:人|群众)|"
        r"(?:两边|双方|两伙|两个?村|随时|马上|快|就要)~(?:打起来|动手|干起来|打群架|械斗|起冲突)|械斗|群殴|"
        r"(?:SOON_EN≈\b(?:block|march|gather|occupy|strike|storm|protest|surround|riot)\w*|"
        r"\b(?:hundred|dozens|\d{2,}|all of us|we all|workers|residents|villagers|drivers|crowd|parents"
        r"|owners)\b≈\b(?:will |are |have |going to )"
        r"{1,2}(?:now |already |be )?(?:block|march|gather|occup|strik|storm|surround|riot)\w*≈SOON_EN|"
        r"\b(?:hundred|dozens|\d{2,}|crowd|people|villagers|workers|residents)\w*[^.!?]{0,30}\b(?:are|have"
        r"|is) (?:now |already )?"
        r"(?:block|surround|occup|gather|storm)\w+)",
        r"LATER≈CROWD≈(?:去|到|在|往|停)≈PLACE|CROWD≈LATER≈(?:去|到|在|往|停)≈PLACE|(?:LATER≈CROWD"
        r"|CROWD≈LATER)≈(?:堵|围住|拉横幅|静坐|坐着|躺|游行|罢工|罢市|罢课|罢运|聚集)|"
        r"(?:CROWD|MANY)≈(?:约好|商量好|准备|打算|决定|通知|号召|串联|说好|计划)[^。!?;]{0,10}LATER|(?:CROWD"
        r"|MANY)≈(?:约好|准备|打算|决定|计划)≈(?:堵|围|躺|坐|拦|停在|拉横幅)≈(?:路|门|桥|高速|国道|铁轨|轨道|政府"
        r"|市府)|(?:锄头|铁锹|棍子|镰刀|石头|砖头)[^。!?;]{0,8}(?:对峙|对着|打|扔|砸)|对峙|"
        r"\b(?:taxi|drivers?|workers|people|residents|villagers|owners|parents|students|crowd|mob|hundreds?"
        r"|dozens)\b[^.!?]{0,40}\b(?:plan\w*|going to|will|want to|threaten to|agreed to"
        r"|intend\w*) (?:to )?(?:park|block|stand|sit|lie|march|occupy|storm|gather|surround|go)\b≈SOON_EN|"
        r"\b(?:crowd|mob|people|workers|villagers|residents|two groups)\b[^.!?]{0,40}\b(?:throwing|smashing"
        r"|fighting|clash\w*|armed|setting|attacking|breaking into)",
        r"联名(?!卡|款|信用)|集体(?:上访|讨薪|维权|投诉|抗议|罢|下跪|信访|到|去)|一起去≈(?:省|市|县|区|北京|政府"
        r"|信访|讨|上)|拉横幅|横幅|抗议(?!信用卡)|签名信?[^。!?;]{0,4}(?:收集|征集)|罢工|罢运|罢市|罢课|游行|静坐"
        r"|上访|讨说法|"
        r"(?:几十|几百|上百|上千|数百|[二三四五六七八九一两]百多?|\d{3,}多?)(?:户|名业主|名工人|名村民|位家长|人)|"
        r"\bstrike\b|\bprotest|\bjoint letter|\bmarch (?:to|on)\b|\bbanners?\b|\bhundreds of (?:households|owners"
        r"|residents|us)|"
        r"\bgather outside|\bblock the (?:road|bridge|gate|highway)",
        r"论文|马拉松|文艺|演出|参观|噪[音声]|号就?是|[年月]\d+[月日号][^。!?;]{0,30}(?:当时|已经?|了|之前)"
        r"|\bexhibition",
    ),
    Rule(
        "report_on_person",
        r"",
        r"",
        r"OFFICIAL≈WRONG|WRONG≈OFFICIAL|(?:实名)?(?:举报|检举|控告)[^。!?;]{0,12}OFFICIAL(?!电话|热线|信箱)"
        r"|OFFICIAL_EN≈WRONG_EN|WRONG_EN≈OFFICIAL_EN",
        r"咨询|请问|宣传|警示教育|怎么举报|如何举报|表扬|感谢|拒绝收|退回|没有?收|不收",
    ),
)  # fmt: skip
