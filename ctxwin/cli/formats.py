"""Writes retrieved excerpts as text, Markdown, XML or JSON, for people or for another program."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import PurePosixPath
from typing import Any

from ..citations.excerpts import Excerpt, LineRanges
from ..citations.injections import Flag
from ..errors import BudgetError
from ..files.documents import is_document
from ..messages import read
from ..packing import Packed
from ..report.picture import clean
from ..report.record import FileScanned, FileSkipped, SecretLeftOut
from .options import json_text

__all__ = ["FORMATS", "ORDERS", "ContextRecord", "as_plain", "context"]

ORDERS = ("place", "score")
"""Orders of excerpts: by path and line, as in the request, or the most relevant first."""

LEAST_FENCE = 3
"""Backticks of a code fence in Markdown."""
_TICKS = re.compile(r"`+")
_LANGUAGE = re.compile(r"[A-Za-z0-9+#-]{1,16}")
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even escaped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcerptRecord:
    """An excerpt in `ContextRecord`."""

    path: str
    lines: LineRanges
    place: str
    citation: str
    header: str
    score: float
    """Relevance of its most relevant item, from 0 to 1."""
    items: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextRecord:
    """The retrieved excerpts as JSON holds them."""

    question: str
    tokens: int
    limit: int
    excerpts: tuple[ExcerptRecord, ...]
    citations: tuple[str, ...]
    flags: tuple[Flag, ...]
    skipped: tuple[FileSkipped, ...]
    secrets: tuple[SecretLeftOut, ...]
    scanned: tuple[FileScanned, ...]


def context(packed: Packed, question: str, form: str, order: str = "place") -> str:
    """Return the retrieved excerpts in one of `FORMATS` and `ORDERS`, ending with a line end.

    Text in the order of the request is the request's block in its fence; text with the best first is the excerpts under
    their citations.
    """
    if order == "score" and form == "text":
        return "\n".join(f"{one.citation}\n{one.header}{_closed(one.text)}" for one, _ in _ordered(packed, order))
    return FORMATS[form](packed, question, order)


def _ordered(packed: Packed, order: str) -> Sequence[tuple[Excerpt, float]]:
    """Return excerpts with their relevance: that of the most relevant item in each."""
    p = {one.id: one.p for one in (packed if order == "place" else _judged(packed)).report.decisions}
    found = [(one, max(p[name] for name in one.ids)) for one in packed.report.excerpts]
    return sorted(found, key=lambda pair: -pair[1]) if order == "score" else found


def _judged(packed: Packed) -> Packed:
    """Return a packing that judged its items: if everything fits, nothing was judged, so pack with less room."""
    if any(one.p < 1 for one in packed.report.decisions):
        return packed
    try:
        return packed.plan.repack(budget=packed.tokens - 1)
    except BudgetError:  # there is nothing but what must stay
        return packed


def as_plain(packed: Packed, question: str, order: str = "place") -> dict[str, Any]:
    """Return the fields of a `ContextRecord`: the excerpts, each with its lines, relevance and text."""
    report = packed.report
    return {
        "question": question,
        "tokens": packed.tokens,
        "limit": report.limit,
        "excerpts": tuple(_excerpt(one, score) for one, score in _ordered(packed, order)),
        "citations": report.citations,
        "flags": report.flags,
        "skipped": tuple(FileSkipped(path=path, reason=reason) for path, reason in report.skipped),
        "secrets": tuple(SecretLeftOut(place=place, kind=kind) for place, kind in report.secrets),
        "scanned": tuple(FileScanned(path=path, read=read) for path, read in report.scanned),
    }


def _excerpt(one: Excerpt, score: float) -> ExcerptRecord:
    return ExcerptRecord(
        path=one.path,
        lines=one.lines,
        place=one.place,
        citation=one.citation,
        header=one.header,
        score=score,
        items=one.ids,
        text=one.text,
    )


def _text(packed: Packed, _: str, order: str) -> str:
    """Return the block of the request in its fence."""
    items = read(packed.messages).items
    # The question stands last, and the block before it.
    return _closed(items[-2].text) if packed.report.excerpts and len(items) > 1 else ""


def _markdown(packed: Packed, _: str, order: str) -> str:
    return "\n".join(_section(one) for one, _ in _ordered(packed, order))


def _section(one: Excerpt) -> str:
    """Return a heading and a code block whose fence is longer than any in the text."""
    longest = max(map(len, _TICKS.findall(one.header + one.text)), default=0)
    fence = "`" * max(LEAST_FENCE, longest + 1)
    suffix = PurePosixPath(one.path).suffix.removeprefix(".")
    # What is shown of a document is its text, which is of no language that the end of its name tells.
    language = suffix if _LANGUAGE.fullmatch(suffix) and not is_document(one.path) else ""
    title = clean(one.citation, len(one.citation) + 1)
    return f"### {title}\n\n{fence}{language}\n{one.header}{_closed(one.text)}{fence}\n"


def _xml(packed: Packed, question: str, order: str) -> str:
    excerpts = [
        f"  <excerpt path={_attribute(one.path)} {_where(one)} score={_attribute(f'{score:.4f}')}>"
        f"{_escaped(one.header + one.text)}</excerpt>\n"
        for one, score in _ordered(packed, order)
    ]
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<context question={_attribute(question)}>\n'
    return f"{head}{''.join(excerpts)}</context>\n"


def _json(packed: Packed, question: str, order: str) -> str:
    return json_text(ContextRecord(**as_plain(packed, question, order)))


FORMATS: Mapping[str, Callable[[Packed, str, str], str]] = {
    "text": _text,
    "markdown": _markdown,
    "xml": _xml,
    "json": _json,
}
"""The forms by name."""


def _where(one: Excerpt) -> str:
    """Return the attribute for an excerpt's place: `lines`, or `place` if people know pages or sheets."""
    if one.places:
        return f"place={_attribute(one.place)}"
    return f"lines={_attribute(','.join(f'{first}-{last}' for first, last in one.lines))}"


def _escaped(text: str) -> str:
    return escape(_NO_XML.sub("�", text)).replace("\r", "&#13;")


def _attribute(text: str) -> str:
    return '"' + _escaped(text).replace("\n", "&#10;").replace("\t", "&#9;") + '"'


def _closed(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"
