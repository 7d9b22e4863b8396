"""Find the subject of a question that asks for the course of things, since most of its other words only ask for it.

"Can you list the order in which I brought up different aspects of my garden throughout our conversations?" asks about a
garden; *order*, *brought*, *aspects* and *conversations* stand in turns about anything, but are rare and so weigh much.

Searching for the subject alone, by words and by vectors, without raising the session of the best item, gave on
sets made for it (`tests/tools/series.py`: four of QMSum's meetings as one conversation, 17 questions; rules that
MemoryCode's mentors gave over time, 48) +9 [4, 15] and +14 [7, 22] at 4k and 8k, +3 [-2, 9] and +2 [-3, 8] at 300 and
500 tokens. Checked only: BEAM +1.7 [.2, 3.5] at 2k and +.9 [-.2, 2] at 8k (its questions for an order +10 [-1, 21],
its summaries +7 [1, 15] at 2k). Done for every question, FriendsQA lost 2.7 and LongMemEval 3.5. Spreading a choice
over sessions or stretches of time as well lost on the sets made for it.
"""

from __future__ import annotations

import re

from ..words.lexical import STOP_WORDS

__all__ = ["asks_over_time", "subject"]

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
