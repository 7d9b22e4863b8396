"""Reads a large file as a stream of UTF-8 in overlapping blocks, whatever its encoding, compressed or not."""

from __future__ import annotations

import codecs
import gzip
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from ..errors import InputError
from .encodings import SNIFFED, decoded, is_binary

__all__ = ["MARGIN", "Stretch", "blocks", "encoding_of", "is_packed", "opened", "safe", "texts"]

BLOCK = 1 << 20
"""Bytes read at once: a block stays in a core's cache while each needle is searched for."""
MARGIN = 8_192
"""Bytes that two neighbouring blocks share on either side of their border, so that no window is cut there."""
UNREADABLE = (OSError, EOFError, zlib.error)
"""Errors of reading a file that is compressed, damaged, or being removed."""

_SEAM = re.compile(
    rb"\n(?=[^\s/])|[A-Za-z0-9](?=[\x00-\x7f])(?=[^A-Za-z0-9'])"
    rb"|[\xe4-\xe9][\x80-\xbf]{2}(?=\xe3\x80[\x81\x82]|\xef\xbc[\x81\x8c])"
)
"""Where a text can be cut so that its parts have as many tokens as the whole: vocabularies split it by patterns first,
which join no line end to what follows, but a space or a slash, and no word to a sign behind it, but an apostrophe."""

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A block of a text's bytes; the bytes from `first` to `last` belong to no other block."""

    data: bytes
    at: int
    """Position of the first byte in the text."""
    first: int
    last: int
    line: int
    """Number of line ends before the block."""
    char: int
    """Number of characters before the block."""


def is_packed(path: str) -> bool:
    """Tell by a file's name whether it is a compressed text."""
    small = path.lower()
    return small.endswith(".gz") and not small.endswith(".tar.gz")


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """Open a file for reading, decompressed if needed, without waiting if it has become a pipe.

    Raises:
        OSError: the file cannot be opened.
    """
    with open(os.open(path, _FLAGS), "rb") as file:
        if is_packed(path):
            with gzip.GzipFile(fileobj=file) as inner:
                yield inner  # type: ignore[misc]
        else:
            yield file


def encoding_of(file: BinaryIO, size: int) -> tuple[str, bytes] | None:
    """Return a file's encoding, by samples, and the first sample; None for binary data.

    Args:
        file: at its beginning, where it is left again.
        size: the file's bytes; 0 if only its beginning can be read.
    """
    head = file.read(SNIFFED)
    if is_binary(head):
        return None
    samples = [head]
    for at in (size // 2, size - SNIFFED // 2) if size > 2 * SNIFFED else ():
        file.seek(at)
        samples.append(file.read(SNIFFED // 2))
    file.seek(0)
    wide = decoded(head)
    if wide is not None and wide[1].startswith(("utf-16", "utf-32")):
        return wide[1], head
    lines = b"".join(_whole(sample) for sample in samples).split(b"\n")
    telling = b"\n".join(line for line in lines if not line.isascii())  # a detector sees little in much ASCII
    found = decoded(telling) if telling else ("", "utf-8")
    # Where lines are in two encodings, each place is read by its own bytes.
    return None if found is None else (found[1].partition(",")[0], head)


def _whole(sample: bytes) -> bytes:
    """Return the whole lines of a sample; a sample without line ends keeps its whole characters."""
    first, last = sample.find(b"\n") + 1, sample.rfind(b"\n") + 1
    return sample[first:last] if first < last else sample[safe(sample, 0) : safe(sample, len(sample))]


def safe(data: bytes, at: int) -> int:
    """Return the nearest place, up to 3 bytes before `at` (after, if `at` is 0), that cuts no UTF-8 character."""
    if at <= 0:
        at = 0
        while at < min(4, len(data)) and data[at] & 0xC0 == 0x80:
            at += 1
        return at
    start = at
    while start > max(0, at - 4) and start < len(data) and data[start] & 0xC0 == 0x80:
        start -= 1
    if start == len(data):  # the last character may lack bytes
        for back in range(1, min(4, len(data)) + 1):
            lead = data[-back]
            if lead >= 0xC0:
                return start - back if back < (2 if lead < 0xE0 else 3 if lead < 0xF0 else 4) else start
            if lead < 0x80:
                break
    return start


def blocks(file: BinaryIO, encoding: str, most: int, size: int = BLOCK) -> Iterator[Stretch]:
    """Yield a file's text as UTF-8, in blocks of about `size` bytes, up to `most` bytes of the file."""
    read = _reader(file, encoding, most, size)
    data, at, first, line, char = b"", 0, 0, 0, 0
    while piece := read():
        data += piece
        last = _end(data, first)
        if last <= first:
            continue
        yield Stretch(data, at, first, last, line, char)
        start = safe(data, max(0, last - MARGIN))
        gone = data[:start]
        at, line, char = at + start, line + gone.count(b"\n"), char + _characters(gone)
        data, first = data[start:], last - start
    if first < len(data):
        yield Stretch(data, at, first, len(data), line, char)


def texts(path: str, tell: Callable[[int], object], size: int = BLOCK) -> Iterator[str]:
    """Yield a file's text in pieces, which have as many tokens together as all of it, if it has seams.

    Args:
        path: where it is.
        tell: called with the bytes that are read so far.
        size: bytes read at once.

    Raises:
        InputError: it is no text, or not readable to its end.
    """
    try:
        with opened(path) as file:
            known = encoding_of(file, 0 if is_packed(path) else os.stat(path).st_size)
            if known is None:
                raise InputError(f"{path!r} is binary; give text")
            rest = b""
            for block in blocks(file, known[0], sys.maxsize, size):
                data = rest + block.data[block.first : block.last]
                seams = [one.end() for one in _SEAM.finditer(data, max(0, len(data) - MARGIN))]
                cut = seams[-1] if seams else len(data)
                yield data[:cut].decode("utf-8", "replace")
                rest = data[cut:]
                tell(block.at + block.last)
            yield rest.decode("utf-8", "replace")
    except UNREADABLE as error:
        raise InputError(
            f"{path!r} is not readable to its end ({type(error).__name__}); mend or leave it out"
        ) from error


def _end(data: bytes, first: int) -> int:
    """Return where a block ends if others follow: at a line end, else inside a line, but in no character."""
    most = len(data) - MARGIN
    if most <= first:
        return first
    return data.rfind(b"\n", max(first, most - 64 * MARGIN // 8), most) + 1 or max(first, safe(data, most))


def _characters(data: bytes) -> int:
    return len(data) if data.isascii() else len(data.decode("utf-8", errors="replace"))


def _reader(file: BinaryIO, encoding: str, most: int, size: int) -> Callable[[], bytes]:
    """Return a function that reads the next piece of a file as UTF-8; b"" at the end."""
    plain = encoding in ("utf-8", "utf-8-sig", "ascii")
    decoder = None if plain else codecs.getincrementaldecoder(encoding)(errors="replace")
    left = most
    begun = False

    def read() -> bytes:
        nonlocal left, begun
        piece = file.read(min(size, left))
        left -= len(piece)
        if decoder is not None:
            text = decoder.decode(piece, final=not piece)
            return text.encode("utf-8", "replace") or (read() if piece else b"")
        if not begun:
            piece, begun = piece.removeprefix(codecs.BOM_UTF8), True
        return piece

    return read
