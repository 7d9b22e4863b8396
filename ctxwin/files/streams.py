"""A large file as a stream of UTF-8 in overlapping blocks, whatever its encoding, compressed or not."""

from __future__ import annotations

import codecs
import gzip
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from .encodings import SNIFFED, decoded, is_binary

__all__ = ["MARGIN", "Block", "blocks", "encoding_of", "is_packed", "opened", "safe"]

BLOCK = 1 << 20
"""Bytes read at once: they stay in a core's cache while each needle is looked for."""
MARGIN = 8_192
"""Bytes that two blocks share on either side of where they meet, so that a window is never cut there."""
UNREADABLE = (OSError, EOFError, zlib.error)
"""What reading a file may raise that is compressed, damaged, or on its way out."""

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


@dataclass(frozen=True, slots=True)
class Block:
    """Some bytes of a text, of which those from `first` to `last` are nobody else's."""

    data: bytes
    at: int
    """Byte of the text with which it begins."""
    first: int
    last: int
    line: int
    """Line ends before it."""
    char: int
    """Characters before it."""


def is_packed(path: str) -> bool:
    """Tell by its name whether a file is a compressed text."""
    small = path.lower()
    return small.endswith(".gz") and not small.endswith(".tar.gz")


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """Open a file for reading, which may be a pipe by now, and compressed.

    Raises:
        OSError: it cannot be opened.
    """
    with open(os.open(path, _FLAGS), "rb") as file:
        if is_packed(path):
            with gzip.GzipFile(fileobj=file) as inner:
                yield inner  # type: ignore[misc]
        else:
            yield file


def encoding_of(file: BinaryIO, size: int) -> tuple[str, bytes] | None:
    """Return the encoding of a file by samples of it, and the first of them; None for binary data.

    Args:
        file: at its beginning; it is left there.
        size: its bytes; 0 for one of which only the beginning can be looked at.
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
    """Return a sample without what is cut at its ends, as far as it has lines."""
    first, last = sample.find(b"\n") + 1, sample.rfind(b"\n") + 1
    return sample[first:last] if first < last else sample[safe(sample, 0) : safe(sample, len(sample))]


def safe(data: bytes, at: int) -> int:
    """Return the next place at or before which no UTF-8 character is cut: at most three bytes back, or on at 0."""
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


def blocks(file: BinaryIO, encoding: str, most: int) -> Iterator[Block]:
    """Yield a file's text as UTF-8, block by block, of `most` bytes of it at most."""
    read = _reader(file, encoding, most)
    data, at, first, line, char = b"", 0, 0, 0, 0
    while piece := read():
        data += piece
        last = _end(data, first)
        if last <= first:
            continue
        yield Block(data, at, first, last, line, char)
        start = safe(data, max(0, last - MARGIN))
        gone = data[:start]
        at, line, char = at + start, line + gone.count(b"\n"), char + _characters(gone)
        data, first = data[start:], last - start
    if first < len(data):
        yield Block(data, at, first, len(data), line, char)


def _end(data: bytes, first: int) -> int:
    """Return where a block ends that others follow: at a line end, else inside a line, but in no character."""
    most = len(data) - MARGIN
    if most <= first:
        return first
    return data.rfind(b"\n", max(first, most - 64 * MARGIN // 8), most) + 1 or max(first, safe(data, most))


def _characters(data: bytes) -> int:
    return len(data) if data.isascii() else len(data.decode("utf-8", errors="replace"))


def _reader(file: BinaryIO, encoding: str, most: int) -> Callable[[], bytes]:
    """Return what reads the next piece of a file as UTF-8, b"" at its end."""
    plain = encoding in ("utf-8", "utf-8-sig", "ascii")
    decoder = None if plain else codecs.getincrementaldecoder(encoding)(errors="replace")
    left = most
    begun = False

    def read() -> bytes:
        nonlocal left, begun
        piece = file.read(min(BLOCK, left))
        left -= len(piece)
        if decoder is not None:
            text = decoder.decode(piece, final=not piece)
            return text.encode("utf-8", "replace") or (read() if piece else b"")
        if not begun:
            piece, begun = piece.removeprefix(codecs.BOM_UTF8), True
        return piece

    return read
