"""Read what a sentence shows of itself: named cues of words, forms of values, and the shape of the sentence.

Each cue is one pattern for English and Chinese. A sentence has each cue or has it not; nothing else of the talk is
looked at, so that a sentence is judged once and the same wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["CUES", "FEATURES", "VALUES", "features"]


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?s?"
_NUMBER = r"\d[\d.,]*"
_WORD_NUMBER = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|ninety"
    r"|hundred|thousand|half|dozen)"
)
_ZH_NUMBER = r"[0-9０-９一二两三四五六七八九十百千万半]+"
_UNIT = (
    r"(?:%|percent|k|m|km|cm|mm|kg|kilos?|g|grams?|lbs?|pounds?|oz|ml|l|lit(?:er|re)s?|met(?:er|re)s?|inch(?:es)?|feet"
    r"|ft|miles?|kb|mb|gb|tb|kib|mib|gib|bytes?|bits?|hz|khz|mhz|ghz|ms|s|secs?|seconds?|mins?|minutes?|h|hrs?|hours?"
    r"|days?|nights?|weeks?|months?|years?|people|persons?|guests?|kids|children|users?|calls?|pages?|lines?|words?"
    r"|items?|times|rows?|files?|requests?|degrees?|°c?|volts?|v|w|watts?|amps?|seats?|copies|pieces|points?|tokens?)"
)

VALUES: Mapping[str, re.Pattern[str]] = {
    "money": _any(
        rf"[$€£¥₹￥]\s?{_NUMBER}",
        rf"\b{_NUMBER}\s?(?:k\b)?\s?(?:[$€£¥₹]|(?:dollars?|euros?|pounds?|bucks|quid|yen|francs?|usd|eur|gbp|chf|rmb|cny)\b)",
        rf"{_ZH_NUMBER}\s?(?:元|块钱?|美元|美金|欧元|人民币|万元)",
    ),
    "date": _any(
        rf"\b{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?\b",
        rf"\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}(?![a-z])",
        rf"\b{_MONTH} \d{{4}}\b",
        r"\b\d{4}-\d{1,2}-\d{1,2}\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b",
        r"\b\d{1,2}(?:st|nd|rd|th)\b",
        r"\d{1,4}\s?年|\d{1,2}\s?月\s?\d{1,2}|[0-9一二三四五六七八九十]+[号日](?!码)|(?:周|星期|礼拜)[一二三四五六日天末]|月底|年底|月初",
        rf"\b(?:next|this|every|on|by|until|till|before|after|since) {_DAY}\b",
        r"\b(?:tomorrow|tonight|mid-?(?:month|week)|end of (?:the )?(?:day|week|month|year|quarter)|eod|eow|q[1-4])\b",
    ),
    "time": _any(
        r"\b\d{1,2}[:.h]\d{2}\b(?:\s?[ap]\.?m\.?)?|\b\d{1,2}\s?(?:[ap]\.?m\b\.?|o['’]clock)|\b(?:noon|midnight)\b",
        r"[0-9一二三四五六七八九十]+点(?:半|[0-9一二三四五六七八九十]+分?|前|后|钟|之前|以前)?",
    ),
    "quantity": _any(
        rf"\b(?:{_NUMBER}|{_WORD_NUMBER})[\s-]?{_UNIT}\b",
        rf"{_ZH_NUMBER}\s?(?:个|人|位|页|行|次|天|周|个月|小时|分钟|秒|公斤|千克|克|斤|米|公里|厘米|升|度|份|件|箱|本|字|条|台|辆|遍|杯|片|层|平米?)",
    ),
    "address": _any(
        r"(?:https?|ftp|ssh|s3|postgres(?:ql)?|redis|git)://\S+|\bwww\.\S+",
        r"[\w.+-]+@[\w-]+\.[\w.]+",
        r"\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b",
        r"\b(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|local|internal|lan|example|edu|gov|de|uk|cn|fr|app|ai|co)\b(?:/\S*)?",
        r"\blocalhost(?::\d+)?\b",
        r"\b(?:[A-Z]\w+ ){1,3}(?:street|st|road|rd|avenue|ave|lane|drive|square|strasse|straße)\b",
        r"[\u4e00-\u9fff]{1,8}(?:路|街|道|巷|大厦|小区)\d+",
    ),
    "path": _any(
        r"(?<![\w/])(?:~|\.{1,2})?/(?:[\w.@+-]+/)*[\w.@+-]+",
        r"\b[A-Za-z]:\\[\w\\.-]+",
        r"(?<![\w/])(?:[\w.-]+/)+[\w.-]+\.[a-z]\w{0,5}\b",
        r"\b[\w-]+\.(?:py|js|tsx?|jsx|md|txt|json|ya?ml|toml|ini|cfg|conf|env|sh|sql|csv|xlsx?|docx?|pdf|html?|css"
        r"|java|go|rs|c|cpp|h|rb|php|lock|xml|log|png|jpe?g|zip|ipynb)\b",
    ),
    "command": _any(
        r"`[^`\n]{2,200}`",
        r"(?<!\w)--?[a-z][\w-]{1,30}(?:[= ]|$)",
        r"\b(?:pip|npm|yarn|pnpm|git|docker|kubectl|make|cargo|go|curl|ssh|psql|pytest|python3?|uv|apt|brew|terraform)"
        r" (?:[a-z-]+ )?[\w./@:=-]+",
    ),
    "code": _any(
        r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Z0-9]{1,12}(?:-[A-Z0-9]{1,12}){1,5}\b",  # a code in groups
        r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}\b",
        r"\b(?=\w*\d)[A-Z]{1,6}\d{2,10}[A-Z0-9]*\b",
        r"\bv?\d+\.\d+(?:\.\d+)+\b|\bv\d+(?:\.\d+)*\b|\b[A-Za-z]+ \d+\.\d+\b",
        r"\b[a-z]+_[a-z_0-9]+\b|\b[A-Z]{2,}_[A-Z_0-9]+\b|\b[a-z]+[A-Z]\w+\b",
        r"#\d{1,7}\b|\b\d{2,5}(?:[ -]\d{2,5}){2,4}\b|\b\d{3,}(?!\s?(?:[年元块页]|%))\b",
    ),
    "name": _any(
        r"(?<![.!?:\n] )(?<!^)(?<![.!?:\n]  )\b[A-Z][a-z]{2,}(?:[ -][A-Z][a-z]+)*\b",
        r"(?:小|老|阿)[\u4e00-\u9fff](?:姐|哥|叔|姨)?|[\u4e00-\u9fff]{1,2}(?:老师|医生|经理|总|先生|女士|阿姨|叔叔|师傅|主任|律师|工)(?![作程人])",
    ),
}
"""Forms of values that a later turn may need exactly. Named in the order in which `features` gives them."""

CUES: Mapping[str, re.Pattern[str]] = {
    "prohibition": _any(
        r"\b(?:never|must(?:n['’]?t| not)|may not|(?:do not|don['’]?t|dont)(?! (?:know|think|have|want to|like|mind|worry|believe|remember|see|hesitate|forget|understand|feel|get me wrong))|shall not|not allowed|isn['’]?t allowed|aren['’]?t allowed|forbidden|prohibited|banned|off[- ]limits|no[- ]go|hands off|out of bounds|taboo)\b",
        r"\b(?:no one|nobody|none of (?:us|you|them)|not one of)\b",
        r"\b(?:we|i|you|they|it|that|this|he|she) (?:can['’]?t|cannot|won['’]?t|don['’]?t|doesn['’]?t) (?:touch|use|ship|deploy|merge|push|send|share|book|pay|order|open|accept|take|allow|do|go|sell|write|call|change|edit|delete|leave|give|tell|post|store|log|run)\b",
        r"\b(?:stay|keep|leave)\b[^.!?]{0,30}\b(?:away|out|off|alone|clear|untouched|as (?:it|they) (?:is|are))\b",
        r"(?:^|[,;:—-] ?)no (?!one|problem|worries|idea|doubt|way|matter|need|longer|thanks)\w+",
        r"\b(?:without|unless|except|not (?:until|before|without)|under no circumstances|in no case|not ever|refuse|avoid|strictly|non-negotiable|read[- ]only|[a-z]+-free)\b",
        r"不许|不准|不可以?(?!能|思议|避免)|不得|不能(?!不)|禁止|严禁|千万|别(?!人|的|处|墅|说)|不要|切勿|勿|绝不|从不|谁也不|一律不|除非|没有?[^，。]{0,12}(?:同意|点头|允许|批准|许可|签字)|不再|免谈|不接受|請勿|不許|不准",
    ),
    "obligation": _any(
        r"\b(?:always|from now on|from here on|going forward|moving forward|henceforth|every time|each time|whenever|at all times|by default|as a rule|without exception|no exceptions|mandatory|required|compulsory|obligatory)\b",
        r"\b(?:must|shall|have to|has to|ha(?:ve|s) got to|needs? to be|is to be|are to be|ought to|make sure|be sure to|see to it|remember to|only ever|rule|rules|policy|convention|guideline|standard|protocol)\b",
        r"\b(?:first|before (?:you|we|i|any|anyone|each|every|it|they))\b",
        r"\b(?:i|we)(?:['’]d| would)? (?:want|need|expect|insist|require|ask) (?:you|that|everyone|everybody|all|every|it|them|him|her)\b",
        r"以后|今后|从现在起|从今|每次|每当|一律|必须|务必|一定要|一定得|都要|都得|总是|记得|记住|规定|要求|规矩|原则|应当|只能|只许|先[^，。]{1,12}再|統一|统一|一概|须|必需",
    ),
    "permission": _any(
        r"\b(?:approv\w+|permission|sign(?:s|ed|ing)?[- ]?off|say[- ]so|consent|authori[sz]\w+|clearance|green light|go-ahead|okay from|ok from|last word|final say|check with|ask (?:me|him|her|us|them|[A-Z]\w+)|run (?:it|them|this|that|everything|anything) (?:by|past)|clear (?:it|this|that) with|goes? through|reviewed by|in charge of|responsible for|owns?|allowed to|entitled|only (?:[A-Z]\w+|me|i|the \w+) (?:may|can|is|are))\b",
        r"同意|批准|审批|审核|签字|点头|授权|许可|说了算|拍板|把关|过目|问过|问一下|请示|负责",
    ),
    "bound": _any(
        r"\b(?:at (?:most|least|the (?:most|outside|latest|earliest|very most|very least))|no (?:more|less|fewer|later|longer|earlier|bigger|higher|heavier) than|not (?:more|less|over|above|below|exceed\w*|a \w+ (?:more|later|over))|up to|max(?:imum|imal|ed|es)?|min(?:imum)?|limit(?:s|ed)?|cap(?:ped|s)?|ceiling|quota|budget(?:ed)?|allowance|threshold|upper|lower|exceed\w*|within|under|below|over|above|tops?(?: out)?|tops|runs? out|fits?|holds?|seats|capacity|only (?:have|got|room|space)|all (?:we|i|there is|you|that)|left in|can['’]?t (?:go|spend|be|take|exceed|afford)|afford|spend|weigh|allow(?:s|ed)?|hard stop|tolerate)\b",
        r"最多|最少|至多|至少|不超过|不要超过|别超过|不能超过|不得超过|上限|下限|封顶|以内|之内|以下|以上|限额|额度|预算|限制|限定|只有|只够|顶多|最晚|最迟|最早|不低于|不少于|不高于|超过|控制在|容量|撑死",
    ),
    "deadline": _any(
        r"\b(?:deadline|due|by|before|until|till|no later than|latest|expires?|expiry|cut-?off|closes?|ends?|shuts?|runs? until|submit\w*|hand(?:ed)? in|finish(?:ed)?|deliver(?:ed|y)?|launch|go(?:es)? live|overdue|valid)\b",
        r"截止|期限|之前|以前|前(?:要|得|必须|完成|交|弄|搞|提交)|到期|截至|交付|上线|过期|有效期|弄完|做完|完成",
    ),
    "decision": _any(
        r"\b(?:decid\w+|decision|settl\w+ (?:on|for)|agreed?|agreement|(?:go(?:ing)?|went|gone|stick(?:ing)?|stuck|run(?:ning)?|roll(?:ing)?) with|cho(?:se|sen|ose)|pick(?:ed)?|opt(?:ed)? for|final(?:ly|ised|ized)?|confirmed?|approved|signed|booked|ordered|bought|locked in|ended up|it['’]?s going to be|will be using|we['’]?ll (?:use|go|take|do|have|keep|stay|call|name)|instead of|rather than|switch(?:ed|ing)? to|moved? to|dropp?(?:ed|ing)|ditch(?:ed)?|scrap(?:ped)?|cancel+ed|ruled out|rejected|not doing|set on|done deal|verdict|voted|named|called off|replac\w+|migrat\w+)\b",
        r"决定|定了|定下|敲定|说好|商量好|就用|就选|选了|选定|选择了|改用|换成|改成|不用|拍板|同意了|通过了|签了|订了|最终|最后(?:还是|选|用|定)|确定|取消|放弃|采用|一致|而不是|決定|採用",
    ),
    "task": _any(
        r"\b(?:todo|to-do|to do|next (?:step|up|comes|on|thing|is|i|we)?|still (?:open|need|to|have|has|waiting|missing|pending|not|gotta|got|haven['’]?t|hasn['’]?t|owes?|outstanding|undecided|unresolved|broken|fails?|leaks?)|pending|remaining|outstanding|left to|remains|unresolved|undecided|unfinished|open (?:question|issue|point|item|task)|stuck (?:at|on|with)|blocked|blocker|waiting (?:for|on)|awaiting|not (?:yet|done|finished|started|sure yet)|haven['’]?t|hasn['’]?t|yet to|in progress|halfway|half done|work(?:ing)? on|follow up|chase|get back to|owes?|promised|needs? (?:fixing|doing|replacing|signing|renewing|to|a)|have to|gotta|remind|don['’]?t forget|pick up|unanswered|fails?|failing|broken|done|finished|finish|complete[d]?|works|then|after that|continue|part [0-9]|step \d|phase)\b",
        r"待办|还没|还差|还剩|还要|还得|未完成|没做完|没弄完|尚未|接下来|下一步|下一个|等着|在等|等[^，。]{1,10}(?:回复|确认|结果|消息)|卡在|没定|没解决|没回|待定|悬而未决|进行中|做到|弄好|做完|搞定|剩下|需要[^，。]{0,10}(?:联系|确认|补|修|换|交)|别忘|记得|提醒|跟进|继续|排查|处理",
    ),
    "preference": _any(
        r"\b(?:prefer(?:s|red|ence|ably)?|favou?rites?|(?:i|we|she|he|[A-Z]\w+) (?:really |just |only |much |always |absolutely |do |actually )?(?:likes?|loves?|hates?|loathes?|adores?|enjoys?|dislikes?|despises?|detests?|can['’]?t stand|can['’]?t bear|don['’]?t (?:like|eat|drink|do|want|care|use|touch)|doesn['’]?t (?:like|eat|drink)|never (?:eat|drink|fly|drive|use|work|read|wear)|always (?:take|sit|use|read|work|have|drink|eat|fly))|not a fan|big fan|fan of|partial to|rather (?:have|not|than|you)|i['’]?d rather|sick of|allerg\w+|intoleran\w+|vegan|vegetarian|veggie|halal|kosher|gluten|lactose|teetotal|pescatarian|coeliac|celiac|call me|calls me|address me|goes by|go by|nickname|pronouns?|please (?:use|write|keep|answer|reply|call|speak|format|skip|leave)|in metric|keep (?:it|them|things|answers|replies|your)|short answers|bullet points?|plain (?:english|language|words|text)|no (?:emojis?|jargon|fluff|bullet|lists?|small talk)|early bird|night owl|left-handed|window seat|aisle|dark mode|style|tone|taste|the way i like|works best for me|comfortable with|makes me|gives me)\b",
        r"喜欢|偏好|爱吃|爱喝|爱看|最爱|讨厌|不爱|不吃|吃不了|喝不了|受不了|过敏|忌口|吃素|素食|清真|习惯|叫我|称呼|喊我|宁愿|宁可|不喜欢|偏爱|怕(?:辣|甜|冷|热|吵)|用中文|简短|简洁|口味|风格|语气|首选|更愿意|討厭|喜歡|習慣",
    ),
    "aside": _any(
        r"^(?:(?:oh|and|also|so|ok|okay|btw|fyi|ps|p\.s\.|nb|n\.b\.|note|one (?:more )?thing|heads[- ]up|reminder|important|remember|quick note|side note|for the record|just so you know|before i forget|in case|while (?:i|we)|same as|as (?:i said|you know|always|mentioned|agreed)|by the way|actually|correction|update|scratch that|change of plan|sorry|wait)\b)",
        r"\b(?:by the way|btw|fyi|for the record|just so you know|for (?:your|future) reference|in case you need|as you know|before i forget|keep in mind|bear in mind|take note|please note|note that|mind you|is that clear|got it\?|whatever happens|i mean it|as discussed|as agreed)\b",
        r"^(?:对了|另外|还有|顺便|哦|噢|注意|提醒|备注|补充|说明|更正|其实|不对|等等|刚才)|顺便说|顺便提|记一下|你知道的|另外说|先说好|说一声|提醒一下|備註|順便",
    ),
    "correction": _any(
        r"\b(?:actually|correction|scratch that|change of plan|make (?:that|it)|instead|no longer|not any ?more|any ?more|used to|changed?|updat\w+|revised?|new|now|moved|rather|sorry|i was wrong|wait|on second thou?ght|bumped|raised|lowered|extended|pushed (?:back|to)|brought forward|turns out)\b",
        r"改成|改为|改到|更正|更新|不对|说错|换成|变成|现在|调整|其实|不再|推迟|提前|延期|新的",
    ),
    "standing": _any(
        r"\b(?:is|are|was|were|lives?|sits?|stands?|runs?|stays?|goes|go|comes?|uses?|means|belongs?|called|named|works?|opens?|listens?|points?|returns?|starts?|costs?|takes?|expires?) \b",
        r"[是在叫为]|位于|对应|属于|地址|号码|编号|密码|电话|分机|版本|端口|账号|邮箱|路径|目录|文件|链接|口令|代号|房间",
    ),
    "identity": _any(
        r"\b(?:code|number|no\.|id|key|pin|password|passcode|phone|extension|ext\.?|address|email|mail|account|username|user ?name|login|port|host|server|branch|commit|tag|version|release|ticket|issue|order|invoice|reference|ref|serial|licen[cs]e|plate|flight|gate|seat|room|flat|apartment|floor|locker|slot|zip|postcode|iban|isbn|url|link|endpoint|path|folder|directory|file|config\w*|settings|repo(?:sitory)?|database|db|table|column|env|variable|model|channel|contact|birthday|anniversary|appointment|meeting|wi-?fi|ssid|doctor|dentist|lawyer|landlord|manager|owner|team|size|colou?r|brand)\b",
        r"号|码|编号|密码|电话|手机|地址|邮箱|账号|账户|用户名|端口|服务器|分支|提交|标签|版本|工单|订单|发票|航班|座位|房间|房号|车牌|门禁|楼|链接|路径|目录|文件|配置|仓库|数据库|表|变量|型号|频道|联系人|生日|纪念日|会议|尺码|品牌",
    ),
    "first": _any(r"\b(?:i|i['’]\w+|im|my|mine|me|we|we['’]\w+|our|ours|us)\b", r"[我咱俺]"),
    "second": _any(r"\b(?:you|your|yours|u|ur|you['’]\w+)\b", r"[你您]"),
    "question": _any(
        r"[?？]\s*[\"'”)]*$",
        r"(?:吗|呢|么)[。！]?$",
        r"^(?:what|how|why|who|where|when|which|do|does|did|is|are|can|could|would|should|will)\b[^.!]*$",
    ),
    "request": _any(
        r"^(?:(?:can|could|would|will) you|(?:please )?(?:give|tell|show|write|explain|help|list|suggest|describe|provide|create|generate|make|find|recommend|summari[sz]e|translate|compare|draft|rewrite|let['’]?s (?:talk|discuss|start)|let me know))\b",
        r"\b(?:can you|could you|would you|i['’]?m (?:looking for|wondering|curious|interested)|i was wondering|i['’]?d (?:like|love) to (?:know|hear|see|learn)|do you (?:have|know|think)|any (?:ideas|tips|suggestions|recommendations|advice)|help me|tell me|give me|show me)\b",
        r"^(?:请(?:帮|给|告诉|写|问|列|推荐|解释)|帮我|给我|告诉我|能不能|可以(?:帮|给|告诉)|推荐|介绍|写一|我想(?:知道|了解|问|听))",
    ),
    "advice": _any(
        r"\b(?:you (?:can|could|may|might|should|want to|['’]?ll want|need to)|consider|try|it['’]?s (?:important|best|essential|a good|always|great|worth|crucial)|important to|remember that|be sure to|make sure (?:to|you|your)|typically|usually|generally|often|many|some people|most|such as|for example|including|e\.g|can help|may help|helps?|depending|recommended|in general|various|variety|overall|additionally|furthermore|however|therefore)\b",
        r"可以(?:考虑|尝试|试|通过|选择|帮助|帮|让|根据)|建议|通常|一般来说|例如|比如|有助于|此外|根据|尽量|适当|保持|注意(?:饮食|休息|安全)|多(?:吃|喝|运动|休息|做)",
    ),
    "hypothetical": _any(
        r"^(?:if|suppose|imagine|let['’]?s say|what if|say)\b|\b(?:would (?:be|have|like|love)|could be|might|maybe|perhaps|probably|i (?:think|guess|wonder|hope|feel|wish)|i['’]?m thinking|kind of|sort of|hypothetical\w*|i was thinking|thinking (?:of|about))\b",
        r"^(?:如果|假如|要是|假设)|可能|也许|大概|或许|我想|我觉得|希望",
    ),
    "chatter": _any(
        r"\b(?:thanks?|thank you|thx|great|awesome|amazing|wow|haha|lol|cool|nice|glad|happy to|sounds|congrat\w+|you['’]?re welcome|good luck|enjoy|have a|hello|hi|hey|sorry to hear|of course|certainly|absolutely|sure|interesting|beautiful|wonderful|delicious|excited|love (?:it|that|this))\b",
        r"谢谢|感谢|太好了|哈哈|不客气|你好|您好|好的|很高兴|加油|祝|真棒|厉害|晚安|再见|没关系|当然",
    ),
    "past": _any(
        r"\b(?:was|were|had|did|went|got|came|saw|took|made|said|told|felt|found|gave|visited|attended|watched|played|started|tried|spent|yesterday|last (?:week|month|year|night|time)|ago|once|recently|been)\b",
        r"了[。！，]|过[。！，]|昨天|上周|上个月|去年|以前|曾经|刚刚|那天|小时候",
    ),
}
"""Words that show what a sentence does. Most are weak alone; the weights say how much each counts."""

_SHAPES = ("short", "long", "very_long", "heading", "listed", "imperative", "ends_open", "chinese")
FEATURES: tuple[str, ...] = (*VALUES, *CUES, *_SHAPES)
"""Names of the features, in the order of the weights."""

_VERBS = (
    r"use|keep|put|write|send|ask|call|check|run|add|include|leave|stop|start|stick|stay|avoid|skip|book|pay|tell|let"
    r"|take|give|bring|make|set|name|store|save|log|test|review|mention|address|speak|answer|reply|format|prefix|wrap"
    r"|round|quote|cite|treat|assume|remember|wait|return|close|lock|turn|wash|feed|water|report|back up|copy"
)
_IMPERATIVE = _any(
    rf"^(?:(?:and|oh|also|so|please|just|only|ok|then|but)[, ]+){{0,3}}(?:{_VERBS})\b", r"^(?:请|把|用|先|只|都|先把)"
)
_HEADING = re.compile(r"^\s*(?:#{1,6}\s|\*\*[^*]+\*\*:?\s*$|[^.!?。！？]{1,60}[:：]\s*$)")
_LISTED = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s")
_CHINESE = re.compile(r"[\u3400-\u9fff]")


def features(sentence: str) -> list[float]:
    """Return the features of a sentence in the order of `FEATURES`, each 0 or 1.

    Example:
        >>> found = dict(zip(FEATURES, features("Never push to main before Ana has approved."), strict=True))
        >>> found["prohibition"], found["permission"], found["question"]
        (1.0, 1.0, 0.0)
    """
    body = _LISTED.sub("", sentence.strip(), count=1)
    chinese = bool(_CHINESE.search(body))
    words = len(_CHINESE.findall(body)) / 1.6 if chinese else body.count(" ") + 1
    shapes = (
        words < 5,
        words > 22,
        words > 40,
        bool(_HEADING.match(sentence)),
        body != sentence.strip(),
        bool(_IMPERATIVE.match(body)),
        body.endswith((":", "：", ",", "，", "…", "...")),
        chinese,
    )
    found = [bool(one.search(body)) for one in (*VALUES.values(), *CUES.values())]
    return [float(one) for one in (*found, *shapes)]
