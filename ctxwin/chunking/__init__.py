"""Cut texts into chunks: slices that mean something alone, with the lines they come from.

    text --marks--> headings, definitions, rows, ... --spans--> about `size` tokens each --> chunk Items

A text is cut where its author cut it: at headings in prose, at definitions and statements in code, at the cells of a
notebook, the pages of a document, the rows of a table, the entries of a log. Pieces that are still too long go through
semantic-text-splitter (blocks, paragraphs, lines, sentences, words); small pieces join their neighbours. Chunks are
slices: joined in order they are the text.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from ..errors import InputError
from ..items import Item
from .code import code_marks
from .cutting import Join, spans
from .entries import cells, entries, join_entries, pages, rows
from .mark import Mark
from .placing import Piece, places_of
from .prose import asciidoc_headings, markdown_headings, rest_headings
from .syntax import LANGUAGES, is_code, language_of
from .tables import header_of, headers

__all__ = ["CODE_TOKENS", "TEXT_TOKENS", "chunk", "chunk_item", "header_of", "language_of"]

TEXT_TOKENS = 120
"""About how many tokens a chunk of prose has. Span recall of hybrid ranking on chunking_eval within 256 / 512 / 1,000
tokens: 75 / 85 / 90 percent with 60, 79 / 90 / 96 with 80, 80 / 91 / 97 with 120, 71 / 92 / 97 with 200. Half: 5 of 8
requests differ, double: 5."""
CODE_TOKENS = 200
"""About how many tokens a chunk of code has. Line recall by words on code_sweqa_wheels within 4k / 8k / 16k tokens: 73
/ 80 / 87 percent with 170, 73 / 80 / 88 with 200, 73 / 79 / 88 with 230. Half: 7 of 8 requests differ, double: 7."""

CHARS_PER_TOKEN = 4.0
"""Characters of English or code in a token of o200k_base (measured: 3.3 to 4.3). Half: 7 of 8 requests differ, double:
7."""
EXTRA_BYTE = 0.83
"""Weight, in characters, of each UTF-8 byte after a character's first: 1.5 Chinese characters make a token. Half: 1 of
8 requests differs, double: 3."""

_FINDERS: dict[str, Callable[[str], list[Mark]]] = {
    "text": lambda text: [],
    "markdown": markdown_headings,
    "rest": rest_headings,
    "asciidoc": asciidoc_headings,
    "notebook": cells,
    "pages": pages,
    "csv": rows,
    "tsv": rows,
    "log": entries,
}
_JOINERS: dict[str, Join] = {"log": join_entries}


def chunk(text: str, *, source: str | None = None, language: str | None = None, size: int | None = None) -> list[Item]:
    r"""Cut a text into chunks of about `size` tokens, at headings, definitions, paragraphs and sentences.

    Joined in order, the chunks' texts are `text`. Time grows linearly with any text.

    Args:
        text: any text; an empty text has no chunk.
        source: the text's path or name; the chunks' ids contain it, and its suffix tells the language.
        language: how to cut the text, if `source` does not say: "text", "markdown", "python", ..., "code" for any
            other programming language.
        size: about how many tokens a chunk has. Default: 120 for prose, 200 for code.

    Returns:
        Items of kind "chunk" with `lines` (from 1, inclusive), `span` (characters), `bytes` and `title`: the path of
        headings, or of class and function, where the chunk starts.

    Raises:
        InputError: `size` is not positive or `language` is unknown.

    Example:
        >>> for part in chunk("# Lease\nWe sign on Friday.\n# Pets\nNone.\n", source="notes.md", size=8):
        ...     print(part.id, part.title, part.lines, part.span)
        notes.md#L1-2 Lease (1, 2) (0, 27)
        notes.md#L3-4 Pets (3, 4) (27, 40)
    """
    language = language or language_of(source)
    if language not in LANGUAGES:
        raise InputError(f"unknown language {language!r}; use one of {', '.join(LANGUAGES)}")
    if size is None:
        size = CODE_TOKENS if is_code(language) else TEXT_TOKENS
    if size <= 0:
        raise InputError(f"a chunk of {size} tokens cannot be cut; give 1 or more")
    find = _FINDERS.get(language)
    marks = find(text) if find else code_marks(text, language)
    lines = [0, *(end.end() for end in re.finditer("\n", text))]
    chunks: list[Item] = []
    byte = 0
    header_above = headers(text, language)
    pieces = _parted(text, source, language)
    for start, end, title, place in _placed(text, marks, pieces, language, _characters(text, size)):
        part = text[start:end]
        first, byte = byte, byte + len(part.encode("utf-8", "surrogatepass"))
        line = bisect_right(lines, start)
        chunks.append(
            Item(
                kind="chunk",
                id=f"{source}#{_place(lines, start, end)}" if source else "",
                text=part,
                source=source,
                title=title or None,
                lines=(line, bisect_right(lines, end - 1)),
                span=(start, end),
                bytes=(first, byte),
                place=place,
                header=header_above(start, line),
            )
        )
    return chunks


def _parted(text: str, source: str | None, language: str) -> Iterable[Piece]:
    """Return the parts that chunks may not cross: pages, and a table's header, which is shown with any of its rows."""
    header = header_of(text, language)
    if header is None:
        return places_of(text, source)
    end = text.index(header[1]) + len(header[1])
    return [(0, end, None), (end, len(text), None)]


def _placed(
    text: str, marks: Sequence[Mark], pieces: Iterable[Piece], language: str, room: int
) -> Iterator[tuple[int, int, str, str | None]]:
    """Yield (first character, the one after the last, title, page or the like) for each chunk."""
    join, at = _JOINERS.get(language), 0
    for first, last, place in pieces:
        end_at = bisect_left(marks, last, at, key=lambda mark: mark.at)
        own = [mark._replace(at=mark.at - first) for mark in marks[at:end_at]]
        at = end_at
        for start, end, title in spans(text[first:last], own, room, join=join, is_markdown=language == "markdown"):
            yield first + start, first + end, title, place


def chunk_item(document: Item, *, size: int | None = None) -> list[Item]:
    r"""Cut a document into chunks that keep the document's session, time, speaker, role, source and pin.

    A chunk's id is the document's id with the lines, and with the column if the chunk starts inside a line.

    Example:
        >>> document = Item(id="d1", kind="document", title="Letter", text="One line.\nAnother line.\n")
        >>> [(part.id, part.title) for part in chunk_item(document, size=4)]
        [('d1#L1-1', 'Letter'), ('d1#L2-2', 'Letter')]
    """
    lines = [0, *(end.end() for end in re.finditer("\n", document.text))]
    return [
        replace(
            document,
            kind="chunk",
            id=f"{document.id}#{_place(lines, *part.span)}",
            text=part.text,
            title=" > ".join(filter(None, (document.title, part.title))) or None,
            lines=part.lines,
            span=part.span,
            bytes=part.bytes,
            place=part.place,
            header=part.header,
            parts=(),
            raw=None,
        )
        for part in chunk(document.text, source=document.source, size=size)
        if part.span
    ]


def _place(lines: Sequence[int], start: int, end: int) -> str:
    """Name a slice by its lines, `L3-9`, with the column if it starts inside a line, `L3:81-9`."""
    first, last = bisect_right(lines, start), bisect_right(lines, end - 1)
    column = start - lines[first - 1]
    return f"L{first}:{column + 1}-{last}" if column else f"L{first}-{last}"


def _characters(text: str, tokens: int) -> int:
    """Return how many characters of this text make about `tokens` tokens, without a tokenizer."""
    extra = len(text.encode("utf-8", "surrogatepass")) - len(text)
    return max(1, int(tokens * CHARS_PER_TOKEN / (1 + EXTRA_BYTE * extra / max(len(text), 1))))
