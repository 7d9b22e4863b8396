"""Find the headings of Markdown, reStructuredText and AsciiDoc, each with the headings above it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .mark import MAX_TITLE, Mark

__all__ = ["asciidoc_headings", "markdown_headings", "rest_headings"]

_MARKDOWN = re.compile(
    r"^ {0,3}(?P<fence>`{3,}|~{3,})|^ {0,3}(?P<marks>\#{1,6})[ \t]+(?P<title>[^\n]{1,100})"
    r"|^(?P<above>[^\s\#>*+-][^\n]*)\n(?P<line>=+|-{3,})[ \t]*$",
    re.M,
)
_ASCIIDOC = re.compile(r"^(?P<fence>-{4,}|\.{4,}|`{3,}|/{4,})[ \t]*$|^(?P<marks>={1,6})[ \t]+(?P<title>\S[^\n]*)", re.M)
_ADORNMENT = re.compile(r"([=\-`:.'\"~^_*+#])\1{2,}[ \t]*")


def markdown_headings(text: str) -> list[Mark]:
    """Find headings, `# like this` or underlined, outside code fences."""
    return list(_nested(_markdown(text)))


def _markdown(text: str) -> Iterator[tuple[int, int, str]]:
    fence = ""
    for match in _MARKDOWN.finditer(text):
        if mark := match["fence"]:
            fence = "" if fence and mark.startswith(fence) else fence or mark
        elif not fence:
            level = len(match["marks"] or "") or 1 + match["line"].startswith("-")
            yield match.start(), level, (match["title"] or match["above"][:100]).strip().rstrip("#").rstrip()


def asciidoc_headings(text: str) -> list[Mark]:
    """Find headings, `== like this`, outside listings, literal blocks and comments."""
    return list(_nested(_asciidoc(text)))


def _asciidoc(text: str) -> Iterator[tuple[int, int, str]]:
    fence = ""
    for match in _ASCIIDOC.finditer(text):
        if mark := match["fence"]:
            fence = "" if mark == fence else fence or mark
        elif not fence:
            yield match.start(), len(match["marks"]), match["title"].strip()


def rest_headings(text: str) -> list[Mark]:
    """Find titles with a line of signs below, or above and below; levels follow the order in which styles appear."""
    return list(_nested(_rest(text)))


def _rest(text: str) -> Iterator[tuple[int, int, str]]:
    styles: list[tuple[bool, str]] = []
    above, line, start = "", "", -1  # the line before last, the last one, where it starts
    for below in text.split("\n"):
        is_over = bool(above) and above == below
        if _ADORNMENT.fullmatch(below) and _is_title(line, below.rstrip(), is_over):
            style = (is_over, below[0])
            if style not in styles:
                styles.append(style)
            yield start - is_over * (len(above) + 1), styles.index(style), line.strip()
        start += len(line) + 1
        above, line = line, below


def _is_title(line: str, below: str, is_over: bool) -> bool:
    """Tell whether a line over a line of signs is a title; it may be indented between two."""
    title = line.strip()
    is_plain = bool(title) and not _ADORNMENT.fullmatch(title)
    return is_plain and len(line.rstrip()) <= len(below) and (is_over or not line[0].isspace())


def _nested(headings: Iterable[tuple[int, int, str]]) -> Iterator[Mark]:
    """Turn each (place, level, heading) into a mark titled by the path of headings."""
    path: list[tuple[int, str]] = []
    for at, level, heading in headings:
        path = [*(one for one in path if one[0] < level), (level, heading[:MAX_TITLE])]
        yield Mark(at, 0, " > ".join(name for _, name in path))
