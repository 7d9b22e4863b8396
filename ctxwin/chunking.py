"""Text to chunks: slices of a text that mean something alone, with the lines they come from.

    text --sections--> headings, definitions --pieces--> about `size` tokens each --> chunk Items

A text is cut where its author cut it: at headings in Markdown, at functions and classes in code. What is
still too long goes through semantic-text-splitter (blocks, paragraphs, lines, sentences, words); what is
small joins its neighbour. Chunks are slices: joined in order they are the text.
"""

from __future__ import annotations

import ast
import re
import warnings
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise, takewhile
from pathlib import PurePath
from typing import Literal, get_args

from .errors import InputError
from .items import Item

__all__ = ["CODE_TOKENS", "TEXT_TOKENS", "Language", "chunk", "chunk_item", "language_of"]

Language = Literal["text", "markdown", "python", "code"]

TEXT_TOKENS = 120
"""Tokens of a chunk of prose, about. Span recall of hybrid ranking on chunking_eval within 256 / 512 / 1,000
tokens: 75 / 85 / 90 percent with 60, 79 / 90 / 96 with 80, 80 / 91 / 97 with 120, 71 / 92 / 97 with 200."""
CODE_TOKENS = 200
"""Tokens of a chunk of code, about. Line recall of BM25 on code_sweqa_wheels within 4k / 8k / 16k tokens:
71 / 77 / 85 percent with 150, 72 / 77 / 85 with 200, 70 / 77 / 83 with 300; windows of 40 lines 65 / 74 / 82."""

CHARS_PER_TOKEN = 4.0
"""Characters of English and of code in a token of o200k_base (measured: 3.3 to 4.3)."""
EXTRA_BYTE = 0.83
"""What a UTF-8 byte beyond a character's first weighs, in characters: 1.5 Chinese characters make a token."""

_BLOCK = 16_384  # characters; the splitter's time grows with the square of a text without line ends
_MAX_PARSED = 2_000_000  # characters; Python's parser needs some 100 bytes of memory for each

_CODE = (
    "bash c cc cjs clj cpp cs css cu cxx dart erl ex exs fs go gradle groovy h hh hpp hs hxx java jl js jsx "
    "kt kts less lisp lua m mjs ml mm nim php pl pm proto ps1 r rb rs sass scala scm scss sh sol sql svelte "
    "swift tcl tf ts tsx v vb vhdl vue zig zsh"
)
_LANGUAGE_OF_SUFFIX: dict[str, Language] = {
    **dict.fromkeys(("md", "markdown", "mdx", "mkd", "qmd", "rmd"), "markdown"),
    **dict.fromkeys(("py", "pyi", "pyw"), "python"),
    **dict.fromkeys(_CODE.split(), "code"),
}

_HEADING = re.compile(
    r"^ {0,3}(?P<fence>`{3,}|~{3,})|^ {0,3}(?P<marks>\#{1,6})[ \t]+(?P<title>[^\n]{1,100})"
    r"|^(?P<above>[^\s\#>*+-][^\n]*)\n(?P<line>=+|-{3,})[ \t]*$",
    re.M,
)
_DEFINITION = re.compile(
    r"^[ \t]*+(?:(?:export|default|pub(?:\(\w+\))?|public|private|protected|internal|static|abstract|final|"
    r"sealed|override|open|virtual|async|unsafe|extern|inline|declare|partial|data)[ \t]+)*+"
    r"(?:function\*?|func|fn|def|fun|class|struct|interface|trait|enum|impl|module|namespace|object|record|"
    r"protocol|extension|macro_rules!)[ \t]+(?:\([^)\n]*\)[ \t]*)?(?P<name>[\w.:$]{1,100})",
    re.M,
)
_COMMENT = re.compile(r"[ \t]*(?:#|//|/\*|\*|@|--|;;|%|\[)")  # also attributes and decorators
_SURROGATES = re.compile(r"[\ud800-\udfff]")

_Split = Callable[[str], Sequence[tuple[int, str]]]


def language_of(source: str | None) -> Language:
    """Tell from a file's name how to cut it; "text" where the name says nothing.

    Example:
        >>> language_of("src/app.py"), language_of("README.md"), language_of("notes")
        ('python', 'markdown', 'text')
    """
    suffix = PurePath(source).suffix[1:].lower() if source else ""
    return _LANGUAGE_OF_SUFFIX.get(suffix, "text")


def chunk(
    text: str, *, source: str | None = None, language: Language | None = None, size: int | None = None
) -> list[Item]:
    r"""Cut a text into chunks of about `size` tokens, at headings, definitions, paragraphs and sentences.

    Joined in order, the chunks' texts are `text`. Time grows linearly with the text, whatever is in it.

    Args:
        text: any text; an empty one has no chunk.
        source: its path or name; it stands in the ids of the chunks and, by its suffix, tells the language.
        language: how to cut it, where the name does not say.
        size: tokens of a chunk, about; None: 120 for prose, 200 for code.

    Returns:
        Items of kind "chunk" with `lines` (from 1, inclusive), `span` (characters) and `title`: the path of
        headings, or of class and function, in which the chunk starts.

    Raises:
        InputError: `size` is not positive or `language` is unknown.

    Example:
        >>> for part in chunk("# Lease\nWe sign on Friday.\n# Pets\nNone.\n", source="notes.md", size=8):
        ...     print(part.id, part.title, part.lines, part.span)
        notes.md#L1-2 Lease (1, 2) (0, 27)
        notes.md#L3-4 Pets (3, 4) (27, 40)
    """
    language = language or language_of(source)
    if language not in get_args(Language):
        raise InputError(f"unknown language {language!r}; use one of {', '.join(get_args(Language))}")
    if size is None:
        size = CODE_TOKENS if language in ("python", "code") else TEXT_TOKENS
    if size <= 0:
        raise InputError(f"a chunk of {size} tokens cannot be cut; give 1 or more")
    lines = [0, *(end.end() for end in re.finditer("\n", text))]
    return [
        Item(
            kind="chunk",
            id=f"{source}#{_place(lines, start, end)}" if source else "",
            text=text[start:end],
            source=source,
            title=title or None,
            lines=(bisect_right(lines, start), bisect_right(lines, end - 1)),
            span=(start, end),
        )
        for start, end, title in _spans(text, language, _characters(text, size))
    ]


def chunk_item(document: Item, *, size: int | None = None) -> list[Item]:
    r"""Cut a document into chunks that keep its session, time, speaker, role, source and pin.

    Ids are the document's with the lines, and the column where a chunk starts inside a line.

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
            parts=(),
            raw=None,
        )
        for part in chunk(document.text, source=document.source, size=size)
        if part.span
    ]


def _place(lines: Sequence[int], start: int, end: int) -> str:
    """Name a slice by its lines, `L3-9`, with the column where it starts inside one, `L3:81-9`."""
    first, last = bisect_right(lines, start), bisect_right(lines, end - 1)
    column = start - lines[first - 1]
    return f"L{first}:{column + 1}-{last}" if column else f"L{first}-{last}"


def _characters(text: str, tokens: int) -> int:
    """Return how many characters of this text make about so many tokens, without a tokenizer."""
    extra = len(text.encode("utf-8", "surrogatepass")) - len(text)
    return max(1, int(tokens * CHARS_PER_TOKEN / (1 + EXTRA_BYTE * extra / max(len(text), 1))))


def _spans(text: str, language: Language, room: int) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, title) of the chunks in order: neighbours that fit into one are joined."""
    start, end, title = 0, 0, ""
    for after, piece_title in _pieces(text, language, room):
        if start < end and after - start > room:
            yield start, end, title
            start, title = end, piece_title
        title = _shared(title, piece_title) if start < end else piece_title
        end = after
    if start < end:
        yield start, end, title


def _shared(first: str, second: str) -> str:
    """Return the class or heading that two titles have in common, or the first one where there is none."""
    for separator in (" > ", "."):
        both = zip(first.split(separator), second.split(separator), strict=False)
        if common := [one for one, _ in takewhile(lambda pair: pair[0] == pair[1], both)]:
            return separator.join(common)
    return first


def _pieces(text: str, language: Language, room: int) -> Iterator[tuple[int, str]]:
    """Yield (end, title) of the sections in order, of those longer than `room` in pieces."""
    split = _splitter(language, room)
    start = 0
    for end, title in _sections(text, language):
        if end - start > room:
            yield from ((cut, title) for cut in _cuts(text, start, end, split))
        yield end, title
        start = end


def _splitter(language: Language, room: int) -> _Split:
    from semantic_text_splitter import MarkdownSplitter, TextSplitter

    kind = MarkdownSplitter if language == "markdown" else TextSplitter
    split: _Split = kind(room, trim=False).chunk_indices
    return split


def _cuts(text: str, start: int, end: int, split: _Split) -> Iterator[int]:
    """Yield where to cut one section; it is read in bounded blocks, a line end stays with its line."""
    while start < end:
        stop = min(end, start + _BLOCK)
        if stop < end:
            stop = 1 + max(text.rfind("\n", start, stop), text.rfind(" ", start + _BLOCK // 2, stop)) or stop
        for offset, _ in split(_SURROGATES.sub("?", text[start:stop]))[1:]:
            cut = start + offset
            yield cut + (text[cut] == "\n")
        if stop < end:
            yield stop
        start = stop


def _sections(text: str, language: Language) -> Iterator[tuple[int, str]]:
    """Yield (end, title) of what stands under one heading or is one definition; they cover the text."""
    find = {"markdown": _headings, "python": _python_definitions, "code": _definitions}.get(language)
    found = [(0, ""), *(find(text) if find else ()), (len(text), "")]
    yield from ((end, title) for (start, title), (end, _) in pairwise(found) if end > start)


def _headings(text: str) -> list[tuple[int, str]]:
    """Find headings outside code fences, each with the headings above it."""
    found: list[tuple[int, str]] = []
    path: list[tuple[int, str]] = []
    fence = ""
    for match in _HEADING.finditer(text):
        if mark := match["fence"]:
            fence = "" if fence and mark.startswith(fence) else fence or mark
        elif not fence:
            level = len(match["marks"] or "") or 1 + match["line"].startswith("-")
            title = (match["title"] or match["above"][:100]).strip().rstrip("#").rstrip()
            path = [*(one for one in path if one[0] < level), (level, title)]
            found.append((match.start(), " > ".join(name for _, name in path)))
    return found


def _python_definitions(text: str) -> list[tuple[int, str]]:
    """Find functions, classes and methods by Python's parser; by pattern where it cannot read the text."""
    if len(text) > _MAX_PARSED or re.search(r"\r(?!\n)", text):  # a line for the parser alone
        return _definitions(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # bad escapes in the text are not the user's to mend
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # what the parser raises on hostile text
        return _definitions(text)
    lines = text.split("\n")
    starts = _starts(lines)
    return [(starts[_with_comments(lines, line - 1)], title) for line, title in _defined(tree.body, "")]


def _defined(body: Sequence[ast.stmt], within: str) -> Iterator[tuple[int, str]]:
    """Yield (line from 1, name) of definitions, and of what follows the last one, as `within`."""
    after = False
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            after = True
            yield min([node.lineno, *(one.lineno for one in node.decorator_list)]), within + node.name
            if isinstance(node, ast.ClassDef):
                yield from _defined(node.body, f"{within}{node.name}.")
        elif after:
            after = False
            yield node.lineno, within.rstrip(".")


def _definitions(text: str) -> list[tuple[int, str]]:
    """Find definitions by the words that introduce them in most languages."""
    lines = text.split("\n")
    starts = _starts(lines)
    return [
        (starts[_with_comments(lines, bisect_right(starts, match.start("name")) - 1)], match["name"].rstrip(":."))
        for match in _DEFINITION.finditer(text)
    ]


def _starts(lines: Sequence[str]) -> list[int]:
    return list(accumulate((len(line) + 1 for line in lines), initial=0))


def _with_comments(lines: Sequence[str], line: int) -> int:
    """Step back from a definition (line from 0) over the comments directly above it."""
    while line and _COMMENT.match(lines[line - 1]):
        line -= 1
    return line
