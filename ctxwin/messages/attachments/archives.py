"""Measures the text in a document that is an archive of XML, or is written in RTF."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from .file_types import OFFICE, OLD_OFFICE, RTF

__all__ = ["MAX_UNPACKED", "inner_text", "package_type"]

MAX_UNPACKED = 32_000_000
"""Most bytes of an archive, or of a damaged PDF, that are unpacked to be measured; a bomb of 10 kB holds gigabytes, and
is read no further."""
MAX_ENTRIES = 2_000
"""Most entries of an archive that are unpacked."""
BLOCK = 1 << 16
"""Bytes that are unpacked at a time."""
SHEET_ROWS = 1_000
"""Rows of a sheet that OpenAI reads [OpenAI, File inputs, 2026-11]."""

_TEXTS = re.compile(
    r"word/(?:document|footnotes|endnotes|comments|header\d*|footer\d*)\.xml|ppt/(?:slides|notesSlides)/[^/]+\.xml|"
    r"xl/(?:sharedStrings|worksheets/[^/]+)\.xml|content\.xml|.+\.x?html?|.+\.htm",
    re.I,
)
"""Entries with text for the reader, in Office Open XML, OpenDocument and EPUB."""
_TAGS = re.compile(rb"(?:<[^<>]*>\s*)+")
_SHEET = "xl/worksheets/"
_STRINGS = "xl/sharedStrings.xml"
_CONTROL = re.compile(rb"\\(?:[a-z]+-?\d* ?|'[0-9a-f]{2}|[^a-z])|[{}\r\n]", re.I)
_PICTURE = re.compile(rb"[0-9a-f\s]{256,}", re.I)


def package_type(data: bytes, said: str | None = None) -> str:
    """Return the type of a document that is an archive; `application/zip` for another archive.

    Args:
        data: the archive.
        said: the declared type, for an archive too damaged to tell its type.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            names = package.namelist()
            for mime, folder in OFFICE.items():
                if any(name.startswith(folder) for name in names):
                    return mime
            if "mimetype" in names:  # OpenDocument and EPUB say it in their first entry, in plain letters
                with package.open("mimetype") as entry:
                    return entry.read(128).decode("ascii").strip() or "application/zip"
    except Exception:  # noqa: BLE001 - zipfile and what unpacks for it raise many things on damaged files
        return said if said is not None and said in OFFICE else "application/zip"
    return "application/zip"


def inner_text(data: bytes, mime: str) -> tuple[int, int] | None:
    """Measure the text inside a document in bytes of UTF-8, without its markup.

    Args:
        data: the document.
        mime: its type.

    Returns:
        The least and the most that a provider reads (they differ for sheets); None if unknown.
    """
    if mime == RTF:
        plain = len(_CONTROL.sub(b"", _PICTURE.sub(b" ", data)))
        return plain, plain
    if mime in (OLD_OFFICE, "application/zip"):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            return _weighed(package)
    except Exception:  # noqa: BLE001 - zipfile and what unpacks for it raise many things on damaged files
        return None


def _weighed(package: zipfile.ZipFile) -> tuple[int, int]:
    entries = [entry for entry in package.infolist() if _TEXTS.fullmatch(entry.filename)][:MAX_ENTRIES]
    tallies: list[_Tally] = []
    left = MAX_UNPACKED
    for entry in entries:
        with package.open(entry) as stream:
            tallies.append(_tally(_blocks(stream, left), entry.filename.startswith(_SHEET)))
        left -= tallies[-1].read
        if left <= 0:
            break
    strings = [tally for entry, tally in zip(entries, tallies, strict=False) if entry.filename == _STRINGS]
    each = sum(tally.text for tally in strings) / max(1, sum(tally.items for tally in strings))
    sheets = any(entry.filename.startswith(_SHEET) for entry in entries)
    counted = [tally for tally in tallies if not (sheets and tally in strings)]
    least = sum(tally.first + each * tally.first_strings for tally in counted)
    most = sum(tally.text + each * tally.strings for tally in counted)
    unread = sum(entry.file_size for entry in entries) / max(1, sum(tally.read for tally in tallies))
    return round(least), round(most * max(1.0, unread))


@dataclass(slots=True)
class _Tally:
    """Counts of the text in one entry, in the whole entry and in the first rows of a sheet."""

    read: int = 0
    text: int = 0
    strings: int = 0
    """Cells that refer to a string stored elsewhere."""
    items: int = 0
    """Strings that cells refer to."""
    first: int = 0
    first_strings: int = 0


def _tally(blocks: Iterator[bytes], sheet: bool) -> _Tally:
    found = _Tally()
    rows = 0
    inside = False  # a tag
    for block in blocks:
        found.read += len(block)
        text, inside = _outside(block, inside)
        shared = block.count(b't="s"')
        found.text += text
        found.strings += shared
        found.items += block.count(b"</si>")
        if not sheet or rows < SHEET_ROWS:
            found.first += text
            found.first_strings += shared
        rows += block.count(b"</row>")
    return found


def _outside(block: bytes, inside: bool) -> tuple[int, bool]:
    """Count the bytes of a block outside tags, a run of tags as one; tell whether a tag is open at the end."""
    if inside:
        end = block.find(b">")
        if end < 0:
            return 0, True
        block = block[end + 1 :]
    opened = block.rfind(b"<")
    inside = opened > block.rfind(b">")
    return len(_TAGS.sub(b" ", block[:opened] if inside else block)), inside


def _blocks(stream: IO[bytes], left: int) -> Iterator[bytes]:
    while left > 0 and (block := stream.read(min(BLOCK, left))):
        left -= len(block)
        yield block
