"""Tell how a thing is said: on a condition, as a proposal, of some only; and what a summary may not make of it.

A summary may say less than its source. It may not say it more firmly: "may" is no "will", "if it rains" is not dropped,
"some" is not "all", a question is no answer, a plan is not done.
"""

from __future__ import annotations

import re

__all__ = ["DENIABLE", "IF", "compared", "manner", "order_of", "stronger"]

IF = re.compile(
    r"\b(?:if|unless|provided|as long as|in case|only (?:after|when|once)|depends on)\b"
    r"|如果|若|要是|的话|除非|只要|前提|万一|假如|一旦",
    re.IGNORECASE,
)
"""What makes the clauses beside it conditional."""
_MARKS = {
    "condition": r"\b(?:if|unless|provid(?:ed|ing)|as long as|in case|depend\w*|otherwise|subject to|when(?:ever)?"
    r"|once"
    r"|only after|without|should (?:it|the|he|she|they|any)|condition\w*|until|where)\b"
    r"|如果|若|要是|的话|除非|只要|前提|万一|假如|一旦|否则|后[^，。]{0,8}才|时|取决|等[^，。]{1,16}再",
    "possible": r"\b(?:(?-i:may)|might|could|perhaps|maybe|possibly|probably|i guess|suspects?|doubts?|not sure"
    r"|think(?:s)?"
    r"|seems?)\b|可能|也许|大概(?!\d)|或许|怀疑|不一定|未必|疑似",
    "uncertain": r"\b(?:(?-i:may)|might|could|can|would|perhaps|maybe|possib\w*|probab\w*|likely|unlikely"
    r"|potential\w*|seem\w*"
    r"|appear\w*|thinks?|thought|guess\w*|suspect\w*|doubt\w*|believ\w*|assum\w*|unsure|uncertain\w*|unclear|sure"
    r"|certain"
    r"|expect\w*|hop(?:e[sd]?|ing)|estimat\w*|propos\w*|suggest\w*|offer\w*|ask(?:s|ed)?|consider\w*|whether|according"
    r"|claim\w*|argue[sd]?|speculat\w*|blam\w*|fear\w*|worr\w*|idea|proven?|undecided|open|plan\w*|should)\b|['’]d\b"
    r"|可能|也许|大概|或许|估计|怀疑|不一定|预计|未必|疑似|似乎|好像|认为|觉得|建议|提出|试试|考虑|问|据说|能否|是否|尚未|约",
    "proposed": r"\b(?:wish(?:es)?|suggest(?:s|ed)|propos(?:es|ed)|hopes?|recommends?|wants? to(?! know)|wanted to"
    r"|would"
    r"|considering|i['’]d)\b|建议|提出|提议|打算|希望|试试|考虑",
    "supposed": r"\b(?:(?-i:may)|might|could|can|would|perhaps|maybe|possib\w*|probab\w*|likely|potential\w*|seem\w*"
    r"|appear\w*"
    r"|thinks?|thought|guess\w*|suspect\w*|doubt\w*|believ\w*|assum\w*|(?:not|un)[ -]?(?:sure|certain|clear|proven)"
    r"|uncertain\w*|expect\w*|hop(?:e[sd]?|ing)|estimat\w*|propos\w*|suggest\w*|recommend\w*|want(?:s|ed|ing)?|wish\w*"
    r"|rather|likes?|plan(?:s|ned|ning)?|intend\w*|consider\w*|offer\w*|ask(?:s|ed|ing)?|request\w*|try|tries|trying"
    r"|should|ought|undecided|whether|needs?|supposed|according|claim\w*|prefer\w*|aim(?:s|ed)?|demand\w*"
    r"|argue[sd]?|idea|blam\w*|accus\w*|fear\w*|worr\w*)\b"
    r"|['’]d\b|可能|也许|大概|或许|估计|怀疑|不一定|预计|未必|疑似|似乎|好像|认为|觉得|建议|提出|提议|想|打算|计划|希望|试试|考虑|申请"
    r"|要求|请求|问|应该|据说|可以|能|是否|愿意|最好|尽量|需要",
    "one": r"\b(?:some|(?<!at )most(?! likely)|many|several|few|only (?:the|one|some|two|three)|^\W*only|except"
    r"|apart from|half of|almost|alone|not all)\b"
    r"|有些|一些|部分|大多|多数|只有|仅有?|除.{1,12}外|除了|个别|少数",
    "part": r"\b(?:some|most|many|several|few|part(?:ly|ially)?|half|only|alone|except|apart from|other than"
    r"|exclu\w+|one of"
    r"|almost|nearly|solely|merely|just|limited|but not|rarely|sometimes|often|\d+ of|rest|others?|\w+ of (?:the"
    r"|them))\b"
    r"|有些|一些|部分|大多|多数|只|仅|除|个别|几乎|有时|少数|之一|其中|单独|就|不全|才|其余",
    "whole": r"\b(?:all(?! right)|every(?:one|body|thing)?|any(?:one|body|thing)?|entire\w*|always|whole|everywhere)\b"
    r"|所有|全部|全都|每[个人家位次条]|任何|一律|整个|全天|总是|全体",
    "once": r"\b(?:used to|previously|formerly|last (?:year|month)|originally|the old (?:value|one)|no longer)\b"
    r"|以前|原来|原定|原本|之前(?=\d|[\u4e00-\u9fa5]{0,3}\d)|上次说|曾经|过去|本来|去年",
    "before": r"\b(?:used to|previous\w*|former\w*|earlier|old|last|original\w*|initial\w*|at first|no longer|was"
    r"|were|had"
    r"|until|from|changed?|instead|rather|than|ago|past|cancel\w*|postpone\w*|since)\b"
    r"|以前|原来|原定|原本|之前|上次|曾|过去|本来|旧|从|由|改|不再|上一|去年|取消",
    "asking": r"\b(?:ask(?:s|ed)?|question\w*|wonder\w*|whether|want\w* to know|request\w*|inquir\w*|unclear"
    r"|unknown|open|discuss\w*|undecided"
    r"|suggest\w*|propos\w*|offer\w*|consider\w*|could|may|might|would)\b"
    r"|讨论|[未待]定|尚未|问|是否|能否|可否|想知道|不清楚|建议|提出|请求|希望|想",
    "coming": r"\b(?:will|shall|going to|tomorrow|next (?:week|month|year)|todo)\b"
    r"|['’]ll\b|将|明天|打算|准备|今晚|还差",
    "to come": r"\b(?:will|shall|going to|to be|is to|are to|tomorrow|plan\w*|would|until|by|due|schedul\w*"
    r"|expect\w*|wants?"
    r"|tasked|responsible|assigned|promis\w*|agreed|decided|asked|next|offer\w*|should|must|said|announced|if)\b"
    r"|['’]ll\b|[将要会待拟]|明天|打算|计划|准备|预计|今晚|还差|负责|答应|决定|同意|建议|需|前",
    "over": r"\b(?:was|were|has|have|had|did)\b|\b\w{3,}ed\b|已|完了|好了|[了过](?=[。，！；\s]|$)|完成|完毕",
    "agreed": r"\b(?:decid\w*|decision|agree[ds]?|approv\w*|accept\w*|promis\w*|confirm\w*|prove[sdn]?|resolv\w*"
    r"|solved?|grant\w*|consent\w*|guarantee\w*|commit(?:s|ted) to|finali[sz]ed)\b"
    r"|决定|同意|批准|答应|接受|确认|证实|解决|承诺|商定|许可|保证",
    "agreeing": r"\b(?:decid\w*|decision|agree[ds]?|agreement|approv\w*|accept\w*|promis\w*|confirm\w*|prove[sdn]?"
    r"|resolv\w*|solved?|permit\w*|grant\w*|guarantee\w*|chose|chosen|carried|yes|ok|okay|fine|deal|sure"
    r"|will do|sign(?:s|ed)?|seconded)\b"
    r"|决定|同意|批准|答应|接受|确认|证实|解决|承诺|通过|[好行]的?[，,。.！]|可以|没问题|那就|就这么|定了|行吧|嗯|明白|知道了|不用|请",
    "success": r"\b(?:successful\w*|succe(?:ss|eded|eds)|completed|accomplished|flawless\w*|smooth\w*)\b|成功|顺利|圆满"
    r"|完毕|良好",
    "cause": r"\b(?:due to|caused?|causes|owing to|thanks to|as a result|result(?:s|ed)? (?:in|from)|led to"
    r"|reason)\b|导致",
    "causing": r"\b(?:because|due to|caus\w*|owing to|thanks to|result\w*|led to|leads? to|reason|so|since|as"
    r"|therefore|thus"
    r"|hence|why|makes?|made|which|that['’]s)\b|因|由于|导致|原因|所以|才|使|让|就|要不",
    "more": r"\b(?:more|less|fewer|better|worse|\w{3,}er) than\b|\bexceed\w*|\boutperform\w*|\b(?:is|are|was|were)"
    r" (?:much )?(?:fast|slow|cheap|high|low|small|larg|bigg|old|young|long|short)er\b|超过|高于|低于|多于|少于"
    r"|更[多少大小高低快慢贵好差长短]|比[^，。]{1,12}[更多少大小高低快慢贵近远]",
    "compared": r"\b(?:than|more|less|fewer|compared|exceed\w*|over|under|below|above|against|from|versus|vs"
    r"|instead|twice|half"
    r"|rose|fell|grew|shrank|drop\w*|ris\w*|increas\w*|decreas\w*|improv\w*|\w{3,}er|\w{3,}est|times|only"
    r"|at (?:least|most)"
    r""
    r"|up to|[1-9][.]\d+x)\b|比|超|高|低|增|减|降|涨|升|缩|延|最|过|不足|倍|从|由|多|少|贵|便宜|近|远|快|慢",
}  # fmt: skip
_PATTERNS = {mark: re.compile(pattern, re.IGNORECASE) for mark, pattern in _MARKS.items()}
_FIGURES = re.compile(r"\d[\d,.]*")
_ASKED = re.compile(r"[?？][\"'”’)）]*\s*$")
_KEPT = (
    ("if", ("condition", "possible"), "drops a condition"),
    ("possible", ("uncertain", "if"), "says as a fact what is only possible"),
    ("proposed", ("supposed", "if"), "says as done or decided what is only proposed"),
    ("one", ("part",), "says of all what is said of some"),
    ("once", ("before",), "gives an older value as the present one"),
    ("asked", ("asking",), "answers what the source only asks"),
)
"""What a summary may not leave out: the mark in the source, what answers it in the summary, the reason."""
_EARNED = (
    ("whole", ("whole",), "says of all what is said of some"),
    ("agreed", ("agreeing",), "a consent that the source does not have"),
    ("success", ("success",), "a result that the source does not have"),
    ("cause", ("causing",), "a cause that the source does not have"),
    ("more", ("compared",), "a comparison that the source does not make"),
)
"""What a summary may only say where the source does: the mark in the summary, what bears it, the reason."""
DENIABLE = frozenset({"agreed", "success", "whole", "more"})
"""What a sentence that denies it does not claim."""
WIDELY = frozenset({"agreed", "cause"})
"""What the sentences beside may bear, too."""


def manner(text: str, *, source: bool = False) -> frozenset[str]:
    """Return the marks of how a text says what it says, as `stronger` compares them.

    Args:
        text: a sentence, or the clauses of it that matter.
        source: whether it is of the source; only there a question binds.

    Example:
        >>> "possible" in manner("Ana may stay."), "whole" in manner("All of them stay.")
        (True, True)
    """
    marks = {mark for mark, pattern in _PATTERNS.items() if pattern.search(text)}
    marks |= {"asking"} if _ASKED.search(text) else set()
    if len(_FIGURES.findall(text)) > 1:  # they show which is more
        marks -= {"more"}
    marks |= {"if"} if IF.search(text) else set()
    if source:
        marks |= {"asked"} if _ASKED.search(text) else set()
    return frozenset(marks)


def stronger(claim: frozenset[str], source: frozenset[str], whole: frozenset[str], around: frozenset[str]) -> str:
    """Return why a sentence says a thing more firmly than its source, "" if it does not.

    Args:
        claim: marks of the summary's sentence.
        source: marks of the clauses that bear it out.
        whole: marks of their sentence.
        around: marks of it and the ones beside it, where a consent may stand.
    """
    for mark, answers, reason in _KEPT:
        if mark in source and claim.isdisjoint(answers):
            return reason
    for mark, bearing, reason in _EARNED:
        if mark == "cause" and "supposed" in claim:
            continue
        if mark in claim and (around if mark in WIDELY else whole).isdisjoint(bearing):
            return reason
    if "coming" in source and "over" not in source and "over" in claim and "to come" not in claim:
        return "gives as done what is still to come"
    return ""


_OPENING = re.compile(r"\W{0,4}(before|after)\b", re.I)
_BETWEEN = re.compile(
    r"\b(?:and then|then|followed by)\b|(?P<later>\bafter\b|之前|以前)|\bbefore\b|之后|以后|然后|再"
    r"|(?<=先.)后|(?<=先.{2})后|(?<=先.{3})后|(?<=先.{4})后",
    re.I,
)
_THAN = re.compile(r"\bthan\b|比(?![如较例赛])")


def order_of(text: str) -> tuple[str, str] | None:
    """Return what a text says comes earlier and what later, None if it does not say it.

    Example:
        >>> order_of("Run the tests after the build."), order_of("Dinner, then cards.")
        ((' the build.', 'Run the tests '), ('Dinner, ', ' cards.'))
    """
    if opening := _OPENING.match(text):
        first, comma, rest = text[opening.end() :].partition(",")
        if comma:
            return (rest, first) if opening[1].lower() == "before" else (first, rest)
    if found := _BETWEEN.search(text):
        before, after = text[: found.start()], text[found.end() :]
        return (after, before) if found["later"] else (before, after)
    return None


def compared(text: str) -> tuple[str, str] | None:
    """Return what a text compares, and with what; None if it compares nothing.

    Example:
        >>> compared("The bus is faster than the train.")
        ('The bus is faster ', ' the train.')
    """
    found = _THAN.search(text)
    return (text[: found.start()], text[found.end() :]) if found else None
