"""Describe the question, and read from it what it asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .code.traces import Frame, frames
from .words.lexical import STOP_WORDS, term_counts, tokenize

__all__ = [
    "HISTORY",
    "Query",
    "asking",
    "asks_for_a_summary",
    "asks_for_the_whole",
    "asks_nothing",
    "asks_over_time",
    "subject",
]

_TALKS = r"(?:conversation|chat|session|meeting|discussion|talk|message|question)s?"
_OVER_TIME = re.compile(
    r"\b(?:throughout|over time|over the (?:course|years|months|weeks|days)|chronolog\w+|timelines?|so far"
    rf"|across (?:(?:all|the|our|my|your|these|those|different|several) )*(?:{_TALKS}|days|weeks|months)"
    r"|in (?:what|which) order|(?:order|sequence) (?:in which|of)|in (?:order|sequence)(?=[.,;?!]|$| \()"
    r"|how\b(?! (?:do|does|can|could|should|would|will|to)\b)[^.?!]{1,120}"
    r"\b(?:develop(?:ed)?|evolved?|progress(?:ed)?|unfold(?:ed)?|changed?))\b"
    r"|时间顺序|先后顺序|时间线|(?:如何|怎么|怎样)(?:一步步)?(?:发展|变化|演变|进展)|(?:到目前|迄今)为止|历次",
    re.I,
)
_SUMMARY = re.compile(
    r"\bsummar(?:y|ies|i[sz]e|i[sz]ing)\b(?! ?\(|[\w. ]{0,9}(?:function|table|field|column|method|page|api)\b)"
    r"|\b(?:recap|overview|sum (?:it |things |this )?up)\b|总结|概括|概述|回顾|综述|摘要",
    re.I,
)
_WHOLE = re.compile(
    r"\b(?:whole|entire|everything|overall|complete|comprehensive|thorough|detailed|full)\b"
    r"|整个|全部|全面|完整|所有|我们的?(?:对话|谈话|聊天|讨论|会议)",
    re.I,
)
_OUR_TALKS = re.compile(
    rf"\b(?:(?:all|our|my|your|these|those|different|several|recent|past|previous) ){{1,6}}{_TALKS}\b", re.I
)
"""Words for the conversation; not *chat* and *message* alone, since a question may be about a chat app."""
_FRAME = frozenset(
    """
    across ask asked aspect aspects brief bring brought came change changed chronological chronologically clear come
    complete comprehensive conversation conversations course describe detailed develop developed development
    different discuss discussed discussing discussion discussions evolve evolved explain far give including item
    items key list mention mentioned order overview point points progress progressed provide quick raise raised
    recap said say saying sequence show summaries summarise summarize summary talk talked talking tell thorough
    throughout time timeline timelines times told unfold unfolded walk way ways
    """.split()  # noqa: SIM905 - a list would take 90 lines
)
_FRAME_CHINESE = re.compile(
    "总结|概括|概述|回顾|列出|按照?|(?:时间|先后)?顺序|时间线|一步步|如何|怎么|怎样|发展|变化|演变|进展|过程|(?:到目前|迄今)为止|历次"
    "|我们|对话|谈话|聊天|讨论|会议|提到|谈到|说过|不同|方面"
)
_WORD = re.compile(r"\w+(?:['’-]\w+)*")


def asks_over_time(text: str) -> bool:
    """Tell whether a question asks for an order, a development or anything else that runs through a conversation.

    Example:
        >>> asks_over_time("How have my plans for the garden developed over our talks?")
        True
        >>> asks_over_time("When did Ana develop the photos?"), asks_over_time("What must I do in order to win?")
        (False, False)
    """
    return bool(_OVER_TIME.search(text))


def asks_for_a_summary(text: str) -> bool:
    """Tell whether a question asks for a summary of a whole conversation, and not of one thing in it.

    Example:
        >>> [asks_for_a_summary(text) for text in ("Summarise our talks.", "总结我们的讨论", "Sum up the lease.")]
        [True, True, False]
    """
    whole = _WHOLE.search(text) or _OUR_TALKS.search(text) or asks_over_time(text)
    return bool(whole and _SUMMARY.search(text))


def subject(text: str) -> str:
    """Return the words of a question that say what it is about; the whole question if no such words are left.

    Example:
        >>> subject("In what order did I bring up aspects of my garden throughout our conversations?")
        'garden'
        >>> subject("按时间顺序总结一下我们对花园的讨论").split()
        ['一下', '对花园的']
    """
    words = _WORD.findall(_OUR_TALKS.sub(" ", _FRAME_CHINESE.sub(" ", text)))
    return " ".join(word for word in words if word.lower() not in STOP_WORDS | _FRAME) or text


HISTORY = 6
"""How many messages before the question to read along, when the question leans on what was said before. Half: 1 of 16
requests differs, double: none."""
FADE = 0.8
"""Weight of each earlier message relative to the message after it. Half, double: none of 11 requests differs."""
EMBEDDED_HISTORY = 3
"""How many messages before the question to embed, as one text. One less, one more: none of 10 requests differs."""
HISTORY_VECTOR = 0.5
"""Share of the earlier messages' vector in the vector of a question that leans on them wholly (.4 to .6: within a
point). Half, double: none of 10 requests differs."""
LONG = 40
"""Number of different terms from which a question is long, such as a report of an issue (25: the same). Half, double:
none of 11 requests differs."""

_OPENING = (
    r"^(?:please |can you |could you |would you |i(?:'d| would) like you to |i (?:want|need) you to |help me (?:to )?"
    r"|let'?s |now )*"
)
_TASK = re.compile(
    _OPENING + r"(?:write|create|implement|generate|build|make|draft|design|compose|code|develop|refactor|rewrite"
    r"|translate|fix|format|prepare|produce)\b"
    r"|^(?:请|麻烦)?(?:你)?(?:帮我)?(?:写|生成|实现|翻译|起草|设计|编写|创建|制作)",
    re.I,
)
_RECALL = re.compile(
    r"\b(?:did|was|were|had|mentioned|said|told|brought up|discussed|conversations?|so far|previous(?:ly)?"
    r"|earlier)\b|之前|上次|说过|提到",
    re.I,
)
_ASSISTANT = re.compile(
    r"\b(?:did|have|had) you\b|\byou (?:said|told|recommended|suggested|mentioned|gave|explained|advised|listed"
    r"|provided|wrote|described)\b|你[^，。？]{0,6}(?:推荐|建议|告诉|介绍)[了过给]?",
    re.I,
)
_MINE = re.compile(r"\b(?:i|me|my|mine|we|us|our|ours)\b", re.I)
"""Words for oneself; not in Chinese, where such a word stands in nearly every turn (MemoryBank -2)."""
_QUOTED = re.compile(r"[\"“「『《`]([^\"”」』》`]{3,80})[\"”」』》`]")
_NAME = (
    r"\b[a-z][a-z0-9]*_\w+|\b_\w+|\b[a-z]+[A-Z]\w*|\b[A-Z]+[a-z0-9]+[A-Z]\w*|\b\w+\(\)|\b[A-Za-z]\w*(?:\.[A-Za-z_]\w*)+"
)
_CODE = re.compile(rf"`[^`\n]+`|{_NAME}|\w(?:Error|Exception)\b|^Traceback |^[^\S\n]+at ", re.M)
_PIECE = re.compile(rf"```.*?```|`[^`\n]+`|^(?: {{4}}|\t)\S.*$|^[\w.]*(?:Error|Exception)\b.*$|{_NAME}", re.M | re.S)
"""Spans and blocks of code, lines of errors, and identifiers."""
_TESTS = re.compile(r"\btest(?:s|ed|ing)?\b|测试", re.I)

ASKING = 4_000
"""Characters at either end of a longer message that are read as its question; pasted text between is material. Half,
double: none of 14 requests differs."""


def asking(text: str) -> str:
    """Return the question in a message: all of the message, or the two ends of a very long one.

    Example:
        >>> asking(" Why? "), len(asking("Why?" + 1_000_000 * " and so on"))
        ('Why?', 8001)
    """
    text = text.strip()
    return text if len(text) <= 2 * ASKING else f"{text[:ASKING]}\n{text[-ASKING:]}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Query:
    """A question: `Query(text="Where does Ana live?")`; each cue is read from the text once.

    Example:
        >>> query = Query(text="Write a parser for it.", history=("We log in JSON.",))
        >>> query.is_task, query.texts_to_embed
        (True, ['Write a parser for it.', 'We log in JSON.'])
    """

    text: str
    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """For each embedder the vectors of the `texts_to_embed`, (k, d); none for words only."""
    when: datetime | None = None
    """When the question is asked. Default: the time of the last item."""
    history: tuple[str, ...] = ()
    """Earlier messages of the same dialogue, oldest first."""

    @property
    def texts_to_embed(self) -> list[str]:
        """The texts to embed into `vectors`: the wording and, if there is any, the recent history."""
        return [self.wording, " ".join(self.history[-EMBEDDED_HISTORY:])] if self.history else [self.wording]

    @cached_property
    def wording(self) -> str:
        """The words that items are matched with: the question, or only its subject if the question is over time."""
        return subject(self.text) if self.is_over_time else self.text

    def direction(self, embedder: str, leaning: float = 0.0) -> NDArray[np.float32] | None:
        """Return the vector to compare with an embedder's vectors, (d,), or None.

        Args:
            embedder: the embedder's name.
            leaning: how far the question leans on its history, from 0 (not at all) to 1.
        """
        known = self.vectors.get(embedder)
        if known is None:
            return None
        share = HISTORY_VECTOR * leaning if len(known) > 1 else 0.0
        mixed: NDArray[np.float32] = (1 - share) * known[0] + share * known[-1]
        return mixed

    def terms(self, history_weight: float, *, prose_weight: float = 1.0) -> dict[str, float]:
        """Weigh the terms of the question and of the messages before it: earlier ones less, none above the question.

        Args:
            history_weight: weight of the last message before the question.
            prose_weight: weight of the words that are not code, in a long question that has code.
        """
        own = term_counts(tokenize(self.wording))
        if prose_weight < 1.0 and len(own) >= LONG and (code := set(tokenize(" ".join(_PIECE.findall(self.text))))):
            own = {term: times if term in code else prose_weight * times for term, times in own.items()}
        terms = dict(own)
        for back, message in enumerate(reversed(self.history[-HISTORY:])):
            weight = history_weight * FADE**back
            for term, times in term_counts(list(dict.fromkeys(tokenize(message)))).items():
                terms[term] = max(own.get(term, 0.0), min(terms.get(term, 0.0) + weight * min(1.0, times), 1.0))
        return terms

    @cached_property
    def is_task(self) -> bool:
        """Whether the question asks to make something new, so that standing instructions apply."""
        return bool(_TASK.search(self.text)) and not self.is_about_the_past

    @cached_property
    def is_about_the_past(self) -> bool:
        """Whether the question is about something that was or was said."""
        return bool(_RECALL.search(self.text))

    @cached_property
    def is_over_time(self) -> bool:
        """Whether the question asks for something that runs through the conversation: an order, a development."""
        return asks_over_time(self.text)

    @property
    def is_about_a_whole(self) -> bool:
        """Whether the question asks for a summary, or for something that runs through the conversation."""
        return self.is_over_time or asks_for_a_summary(self.text)

    @cached_property
    def asks_assistant(self) -> bool:
        """Whether the question asks what the assistant said."""
        return bool(_ASSISTANT.search(self.text))

    @cached_property
    def is_about_the_user(self) -> bool:
        """Whether the person asking speaks of himself, and does not ask what the assistant said."""
        return bool(_MINE.search(self.text)) and not self.asks_assistant

    @cached_property
    def shows_code(self) -> bool:
        """Whether the question has a piece of code: an identifier, a call, an error, a trace."""
        return bool(_CODE.search(self.text))

    @cached_property
    def asks_for_tests(self) -> bool:
        """Whether the question is about tests."""
        return bool(_TESTS.search(self.text))

    @cached_property
    def frames(self) -> list[Frame]:
        """The places in code that the question names, the place of the error first."""
        return frames(self.text)

    @cached_property
    def phrases(self) -> list[str]:
        """The phrases that the question quotes, in lower case."""
        return [phrase.strip().lower() for phrase in _QUOTED.findall(self.text)]


_THIS = r"(?:(?:the|this|that|my|our|your|whole|entire)\ )*"
_KIND = r"(?:project|repo(?:sitory)?|code\ ?base|package|library|framework|program|app(?:lication)?)"
_PROJECT = rf"{_THIS}(?:\w+\ )?{_KIND}"
_SHAPE = r"(?:overview|architecture|structure|layout|organi[sz]ation|summary|map|tour|big\ picture)"
_PARTS = r"(?:components?|modules?|packages?|parts|classes|files|entry\ points?|building\ blocks)"
_ENGLISH = re.compile(
    rf"""
    \b{_SHAPE}\ (?:of|for)\ {_PROJECT}\b
    | \b(?:project|repo(?:sitory)?|code\ ?base|package|library)(?:['’]s)?\ {_SHAPE}\b
    | \bhow\ (?:is|are)\ {_PROJECT}\ (?:organi[sz]ed|structured|laid\ out|built|put\ together|arranged|designed)\b
    | \bwhat\ (?:is|does)\ {_THIS}{_KIND}(?:\ (?:do|about|for))?\W*$
    | \b(?:overall|high[-\ ]level)\ (?:architecture|structure|design|overview|organi[sz]ation)\b
    | \b(?:main|major|key|core|important)\ {_PARTS}(?:\W*$|\ (?:of|in)\ {_PROJECT}\b)
    | ^(?:(?:give|show)\ me\ |explain\ |describe\ )?(?:the\ |an?\ )?{_SHAPE}\W*$
    """,
    re.I | re.X,
)
_CHINESE = re.compile(
    r"(?:项目|仓库|代码库|工程|源码|整体|总体)[^，。？！\n]{0,6}(?:结构|架构|组织|概览|概述|总览|布局|组成)"
    r"|(?:这个|该|整个|本)(?:项目|仓库|代码库|工程|库)[^，。？！\n]{0,3}(?:做什么|干什么|做啥)"
    r"|(?:主要|核心)的?(?:模块|组件|文件|类)有?哪些|有哪些(?:主要|核心)的?(?:模块|组件|文件|类)"
)


def asks_for_the_whole(question: str) -> bool:
    """Tell whether a question is about all files together.

    Example:
        >>> [asks_for_the_whole(text) for text in ("How is this project organised?", "项目的整体架构", "Why slow?")]
        [True, True, False]
    """
    return bool(_ENGLISH.search(question) or _CHINESE.search(question))


_NOTHING = frozenset(
    """
    ok okay k yes yeah yep yup sure right alright great good nice cool perfect awesome fine done thanks thank you thx ty
    cheers go on ahead continue carry proceed keep going please do it that that's so got understood sounds looks lgtm
    job well no problem all much very a lot then and next
    """.split()  # noqa: SIM905 - a list would take 60 lines
)
_NOTHING_CHINESE = re.compile(
    r"好的?|好吧|行|可以|嗯+|对|是的|谢谢|多谢|感谢|继续|接着(?:来|说)?|没问题|明白|知道"
    r"|收到|辛苦|不错|太|请|[你您了啊吧哦呢]|\W"
)


def asks_nothing(text: str) -> bool:
    """Tell whether a message only thanks, agrees or asks to go on, so that nothing can be searched for.

    Example:
        >>> [asks_nothing(text) for text in ("Thanks, go on!", "好的，继续", "Go on with the lease, please.", "")]
        [True, True, False, False]
    """
    if "?" in text or "？" in text:
        return False
    words = _WORD.findall(_NOTHING_CHINESE.sub(" ", text.lower()))
    return bool(_WORD.search(text)) and all(word in _NOTHING for word in words)
