"""Take the summary out of a model's answer: without its thoughts, its greeting, its wrapping and its farewell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

__all__ = ["summary_in"]

_TAG = "(?:think|thinking|thought|thoughts|reasoning|reflection|scratchpad)"
_OPENED = re.compile(rf"<{_TAG}>", re.I)
_CLOSED = re.compile(rf"</{_TAG}>", re.I)
_FENCE = re.compile(r"^\s*```\w*[ \t]*\n|\n```\s*$")
_GREETING = re.compile(
    r"\W{0,4}(?:(?:sure|certainly|of course|absolutely|okay|ok|yes|got it|understood)\b|好的|当然|没问题)"
    r"[,.!，。！\s]{1,4}",
    re.I,
)
_HEADING = re.compile(
    r"\W{0,6}(?:(?:here(?:['’]s| is| are)|below is|this is|the following is|i(?:['’]ve| have))\b[^:：\n]{0,60}?"
    r"|以下[是为]?[^:：\n]{0,20}?|这是[^:：\n]{0,20}?|[^\s:：]{0,6})"
    r"(?:\b(?:summary|summari[sz]ed|shortened|condensed|shorter|concise|tl;?dr)\b|摘要|总结|概括|概要|缩写|精简|简短)"
    r"[^:：\n]{0,40}(?:[:：]\W{0,4}|\n)",
    re.I,
)
_FAREWELL = re.compile(
    r"\W{0,6}(?:(?:please )?let me know\b|feel free\b|i hope (?:this|that|it)\b|hope this\b|would you like\b"
    r"|if you(?:['’]d| would)? (?:need|like|want|have)\b|is there anything\b|do you (?:want|need)\b|word count\b"
    r"|\d+ words\b"
    r"|如需|如果(?:您|你)?还?(?:需要|有)|希望(?:这|对|以上)|请(?:随时)?告诉我|还需要我|字数)",
    re.I,
)
_STOPS = "\n.!?。！？"


def summary_in(answer: str) -> str:
    """Return what an answer says of the text, without what it says of itself.

    Thoughts of a reasoning model, a code fence, JSON around the text, a first line such as "Here is the summary:" and a
    last sentence such as "Let me know if you need more" go. Everything else stays as it is.

    Example:
        >>> summary_in("<think>Hm.</think>Sure! Here is the summary: The bus leaves at 8. Let me know if it helps.")
        'The bus leaves at 8.'
    """
    text = _aloud(answer)
    text = _FENCE.sub("", text).strip()
    if text.startswith(("{", "[", '"')):
        with suppress(ValueError, RecursionError):
            text = "\n".join(_strings(json.loads(text)))
    if greeting := _GREETING.match(text):
        rest = text[greeting.end() :]
        text = rest if _HEADING.match(rest) else text
    if heading := _HEADING.match(text):
        text = text[heading.end() :]
    while (last := _last_sentence(text)) and _FAREWELL.match(text, last):
        text = text[:last].rstrip()
    return text.strip()


def _last_sentence(text: str) -> int:
    """Return where the last sentence or line of a text begins."""
    said = text.rstrip(_STOPS + ' *_)"”')
    return max(said.rfind(stop) for stop in _STOPS) + 1


def _aloud(answer: str) -> str:
    """Return an answer without what stands between tags of thinking; a tag may lack its pair."""
    parts: list[str] = []
    at = 0
    for closed in _CLOSED.finditer(answer):
        opened = _OPENED.search(answer, at, closed.start())
        parts = [*parts, answer[at : opened.start()]] if opened else []
        at = closed.end()
    opened = _OPENED.search(answer, at)
    return "".join([*parts, answer[at : opened.start() if opened else len(answer)]])


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)
