"""Text to chunks: slices of a text that mean something alone, with the lines they come from.

    text --sections--> headings, definitions --pieces--> at most `size` tokens each --> chunk Items

A text is cut where its author cut it: at headings in Markdown, at functions and classes in code. What is
still too long goes through semantic-text-splitter (blocks, paragraphs, lines, sentences, words); what is
too small joins its neighbour. Chunks are slices: joined in order they are the text.
"""

from __future__ import annotations

import ast
import re
import warnings
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Literal, get_args

from .errors import InputError
from .items import Item

__all__ = ["CODE_TOKENS", "TEXT_TOKENS", "Language", "chunk", "chunk_item", "language_of"]

Language = Literal["text", "markdown", "python", "code"]

TEXT_TOKENS = 120
"""Tokens of a chunk of prose, about.
Hybrid recall on chunking_eval at 256/512/1k tokens: 79/91/96 with 60, 80/91/97 with 100, 70/90/98 with 200."""
CODE_TOKENS = 300
"""Tokens of a chunk of code, about. Line recall on code_sweqa_wheels at 4k/8k/16k: see tests and EXPERIMENTS."""

CHARS_PER_TOKEN = 4.0
"""English and code in o200k_base, characters (research: 3.3 to 4.3)."""
EXTRA_BYTE = 0.83
"""How much of a character each UTF-8 byte beyond the first counts: gives Chinese 1.5 characters a token."""

MERGE_A = 1.0
MERGE_B = 1.0
_MAX_SECTION = 1 << 14  # characters; the splitter is quadratic in a text without line ends: 0.1 s for 100,000
_MAX_PARSED = 2_000_000  # characters; Python's parser takes some 100 bytes of memory for each

_LANGUAGE_OF_SUFFIX: dict[str, Language] = {
    **dict.fromkeys(("md", "markdown", "mdx", "mkd", "qmd", "rmd"), "markdown"),
    **dict.fromkeys(("py", "pyi", "pyw"), "python"),
    **dict.fromkeys(
        "bash c cc cjs clj cljs cpp cs css cu cxx dart el erl ex exs fs go gradle groovy h hh hpp hs hxx java jl js "
        "jsx kt kts less lisp lua m mjs ml mm nim php pl pm proto ps1 r rb rs sass scala scm scss sh sol sql svelte "
        "swift tcl tf ts tsx v vb vhd vhdl vim vue zig zsh".split(),
        "code",
    ),
}

_HEADING = re.compile(
    r"^(?P<fence> {0,3}(?:`{3,}|~{3,}))|^ {0,3}(?P<marks>#{1,6})[ \t]+(?P<title>[^\n]+)"
    r"|^(?P<under>[^\s#>*+-][^\n]*)\n(?P<line>=+|-{3,})[ \t]*$",
    re.M,
)
_DEFINITION = re.compile(
    r"^[ \t]*(?:(?:export|default|pub(?:\(\w+\))?|public|private|protected|internal|static|abstract|final|sealed|"
    r"override|open|virtual|async|unsafe|extern|inline|declare|partial|data)[ \t]+)*+"
    r"(?:function\*?|func|fn|def|fun|class|struct|interface|trait|enum|impl|module|namespace|object|record|protocol|"
    r"extension|macro_rules!)[ \t]+(?:\([^)\n]*\)[ \t]*)?(?P<name>[\w.:$]+)",
    re.M,
)
_ABOVE = re.compile(
    r"[ \t]*(?:#|//|/\*|\*|@|--|;;|%|\[[A-Za-z])"
)  # comments and attributes belong to what follows
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def language_of(source: str | None) -> Language:
    """Tell from a file's name how to cut it; "text" where nothing is known.

    Example:
        >>> language_of("src/app.py"), language_of("README.md"), language_of("notes")
        ('python', 'markdown', 'text')
    """
    suffix = PurePath(source).suffix[1:].lower() if source else ""
    return _LANGUAGE_OF_SUFFIX.get(suffix, "text")


def chunk(
    text: str, *, source: str | None = None, language: Language | None = None, size: int | None = None
) -> list[Item]:
    """Cut a text into chunks of about `size` tokens, at headings, definitions, paragraphs and sentences.

    Joined in order, the chunks' texts are `text`. Time grows linearly with the text, whatever is in it.

    Args:
        text: any text; an empty one has no chunk.
        source: its path or name; stands in the chunks' ids and, by its suffix, tells the language.
        language: how to cut it, where the name does not say.
        size: tokens a chunk has at most, about; None: 120 for prose, 300 for code.

    Returns:
        Items of kind "chunk" with `lines` (from 1, inclusive), `span` (characters) and `title`: the path of
        headings, or of class and function, in which the chunk starts.

    Raises:
        InputError: `size` is not positive or `language` is unknown.

    Example:
        >>> for part in chunk("# Lease\\nWe sign on Friday.\\n# Pets\\nNone.\\n", source="notes.md", size=8):
        ...     print(part.id, part.title, part.lines, part.span)
        notes.md#L1-2 Lease (1, 2) (0, 27)
        notes.md#L3-4 Pets (3, 4) (27, 40)
    """
    language = language or language_of(source)
    if language not in get_args(Language):
        raise InputError(f"unknown language {language!r}; use one of {', '.join(get_args(Language))}")
    if size is not None and size <= 0:
        raise InputError(f"a chunk of {size} tokens cannot be cut; give a size of 1 or more")
    size = size or (CODE_TOKENS if language in ("python", "code") else TEXT_TOKENS)
    spans = _spans(text, language, _characters(text, size))
    line_starts = [0, *(end.end() for end in re.finditer("\n", text))]
    return [_item(text, span, title, source, line_starts) for span, title in spans]


def chunk_item(document: Item, *, size: int | None = None) -> list[Item]:
    """Cut a document into chunks that keep its session, time, speaker, role, source and pin.

    Ids are the document's with the lines: `notes#L3-9`; a chunk that starts inside a line has its column too.

    Example:
        >>> [part.id for part in chunk_item(Item(id="d1", kind="document", text="One line.\\nAnother.\\n"), size=3)]
        ['d1#L1-1', 'd1#L2-2']
    """
    return [
        replace(
            document,
            kind="chunk",
            id=part.id.replace(document.source or "", document.id, 1) if document.source else part.id,
            text=part.text,
            title=" > ".join(filter(None, (document.title, part.title))) or None,
            lines=part.lines,
            span=part.span,
            parts=(),
            raw=None,
        )
        for part in chunk(document.text, source=document.source, size=size)
    ]


def _item(
    text: str, span: tuple[int, int], title: str, source: str | None, line_starts: Sequence[int]
) -> Item:
    start, end = span
    first, last = bisect_right(line_starts, start), bisect_right(line_starts, end - 1)
    column = start - line_starts[first - 1]
    where = f"L{first}:{column + 1}-{last}" if column else f"L{first}-{last}"
    return Item(
        kind="chunk",
        id=f"{source}#{where}" if source else "",
        text=text[start:end],
        source=source,
        title=title or None,
        lines=(first, last),
        span=span,
    )


def _characters(text: str, tokens: int) -> int:
    """Return how many characters of this text make about so many tokens, without a tokenizer."""
    extra = len(text.encode("utf-8", "surrogatepass")) - len(text)
    weight = 1 + EXTRA_BYTE * extra / max(len(text), 1)
    return max(1, int(tokens * CHARS_PER_TOKEN / weight))


def _spans(text: str, language: Language, room: int) -> Iterator[tuple[tuple[int, int], str]]:
    """Yield (start, end) and title of the chunks, in order: small sections joined, large ones split."""
    splitter = _splitter(language, room)
    held: tuple[int, int] | None = None
    held_title = ""
    for start, end, title in _sections(text, language):
        if (
            held
            and end - held[0] <= room
            and (held[1] - held[0] < room * MERGE_A or end - start < room * MERGE_B)
        ):
            held, held_title = (held[0], end), _common(held_title, title)
            continue
        if held:
            yield held, held_title
        held, held_title = (start, end), title
        if end - start > room:
            *pieces, held = _pieces(text, start, end, splitter)
            yield from ((piece, title) for piece in pieces)
    if held:
        yield held, held_title


def _common(first: str, second: str) -> str:
    """Return the path that two titles share, or the first one where they share none."""
    return first


def _splitter(language: Language, room: int) -> Callable[[str], Sequence[tuple[int, str]]]:
    from semantic_text_splitter import MarkdownSplitter, TextSplitter

    kind = MarkdownSplitter if language == "markdown" else TextSplitter
    split: Callable[[str], Sequence[tuple[int, str]]] = kind(room, trim=False).chunk_indices
    return split


def _pieces(
    text: str, start: int, end: int, split: Callable[[str], Sequence[tuple[int, str]]]
) -> Iterator[tuple[int, int]]:
    """Split one section, in blocks of bounded length, keeping line ends with their lines."""
    while start < end:
        stop = min(end, start + _MAX_SECTION)
        if stop < end:
            stop = (
                max(text.rfind("\n", start, stop), text.rfind(" ", start + _MAX_SECTION // 2, stop)) + 1
                or stop
            )
        block = _SURROGATES.sub("?", text[start:stop])
        cuts = [start + offset for offset, _ in split(block)][1:]
        for cut in cuts:
            if text[cut] == "\n":  # the end of the line before
                cut += 1
            if start < cut < stop:
                yield start, cut
                start = cut
        yield start, stop
        start = stop


def _sections(text: str, language: Language) -> list[tuple[int, int, str]]:
    """Return (start, end, title) of what stands under one heading or is one definition; they cover the text."""
    found: list[tuple[int, str]] | None = None
    if language == "markdown":
        found = _headings(text)
    elif language == "python":
        found = _python_definitions(text)
    elif language == "code":
        found = _definitions(text)
    starts = [(0, ""), *(found or ())] if not found or found[0][0] else found
    ends = [start for start, _ in starts[1:]] + [len(text)]
    return [(start, end, title) for (start, title), end in zip(starts, ends, strict=True) if end > start]


def _headings(text: str) -> list[tuple[int, str]]:
    """Find headings outside code fences, each with the path of headings above it."""
    found: list[tuple[int, str]] = []
    path: list[tuple[int, str]] = []
    fence = ""
    for match in _HEADING.finditer(text):
        if mark := (match["fence"] or "").strip():
            fence = "" if fence and mark.startswith(fence) else fence or mark
            continue
        if fence:
            continue
        level = len(match["marks"] or "") or (1 if match["line"].startswith("=") else 2)
        title = (match["title"] or match["under"]).strip().rstrip("#").strip()
        path = [*((above, name) for above, name in path if above < level), (level, title)]
        found.append((match.start(), " > ".join(name for _, name in path)))
    return found


def _python_definitions(text: str) -> list[tuple[int, str]]:
    """Find functions, classes and methods by Python's own parser; by pattern where it cannot read the text."""
    if len(text) > _MAX_PARSED or re.search(r"\r(?!\n)", text):
        return _definitions(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in the text are not ours to report
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _definitions(text)
    lines = text.splitlines(keepends=True) if False else text.split("\n")
    offsets = [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line) + 1)
    return [(offsets[_with_comments(lines, line - 1)], title) for line, title in _walk(tree.body, "")]


def _walk(body: Sequence[ast.stmt], prefix: str) -> Iterator[tuple[int, str]]:
    """Yield (first line, title) of definitions; after the last method of a class, nothing more of it starts."""
    after = False
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield min([node.lineno, *(d.lineno for d in node.decorator_list)]), prefix + node.name
            after = True
        elif after:
            yield node.lineno, prefix.rstrip(".")
            after = False
        if isinstance(node, ast.ClassDef):
            yield from _walk(node.body, f"{prefix}{node.name}.")


def _definitions(text: str) -> list[tuple[int, str]]:
    lines = text.split("\n")
    offsets = [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line) + 1)
    return [
        (offsets[_with_comments(lines, bisect_right(offsets, match.start("name")) - 1)], match["name"])
        for match in _DEFINITION.finditer(text)
    ]


def _with_comments(lines: Sequence[str], line: int) -> int:
    """Step back from a definition (index from 0) over the comments directly above it."""
    while line and _ABOVE.match(lines[line - 1]):
        line -= 1
    return line
