"""Counts the pages of a PDF."""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import re
import threading
import zlib
from collections.abc import Iterator

from .archives import MAX_UNPACKED

__all__ = ["page_count"]

MAX_BYTES = 100_000_000
"""Bytes of the largest PDF that is read; OpenAI and Anthropic take no more than 50 and 32 MB."""
MAX_KNOWN = 4_096
"""Page counts that are remembered, since a conversation is read again at every turn."""

MENDED = 8_000_000
"""Bytes of the largest PDF whose damaged tables are rebuilt, at .4 to 4 seconds a megabyte [measured]."""
LEAST = 10_000
"""Least bytes that each attempt to unpack counts for, so that the number of attempts is bounded."""

_lock = threading.Lock()
_known: dict[bytes, int | None] = {}
_LINEARIZED = re.compile(rb"/N\s+(\d{1,6})\b")
_OBJECTS = re.compile(rb"/Type\s{0,9}/ObjStm[^>]{0,999}>>\s{0,9}stream\r?\n")
_PAGE = re.compile(rb"/Type\s{0,9}/Page(?![a-zA-Z])")


def page_count(data: bytes) -> int | None:
    """Count the pages of a PDF; None if it is too large or too broken to tell.

    Pages in compressed objects are counted too; for an encrypted file the stated number counts.

    Args:
        data: the whole file.
    """
    if len(data) > MAX_BYTES:
        return None
    key = hashlib.blake2b(data, digest_size=16).digest()
    with contextlib.suppress(KeyError):
        return _known[key]
    if len(_known) >= MAX_KNOWN:
        _known.clear()
    _known[key] = pages = _counted(data)
    return pages


def _counted(data: bytes) -> int | None:
    from pypdf import PdfReader

    with _lock, _silence():
        try:
            return int(PdfReader(io.BytesIO(data), strict=len(data) > MENDED).get_num_pages()) or None
        except Exception:  # noqa: BLE001 - pypdf raises whatever it likes on damaged files
            return _seen(data)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep errors about a file out of the log, since pypdf quotes the file there."""
    log, handler = logging.getLogger("pypdf"), logging.NullHandler()
    propagate = log.propagate
    log.addHandler(handler)
    log.propagate = False
    try:
        yield
    finally:
        log.propagate = propagate
        log.removeHandler(handler)


def _seen(data: bytes) -> int | None:
    """Count the visible pages of a file that is damaged or has a password, also in its compressed objects.

    A file that is made for the web states its number of pages at its beginning [ISO 32000, annex F].
    """
    head = data[:1024]
    said = _LINEARIZED.search(head) if b"/Linearized" in head else None
    pages, left = sum(1 for _ in _PAGE.finditer(data)), MAX_UNPACKED
    for held in _OBJECTS.finditer(data):
        inside = _unpacked(data, held.end(), left)
        pages += sum(1 for _ in _PAGE.finditer(inside))
        left -= len(inside) + LEAST
        if left <= 0:
            break
    return max(int(said[1]) if said else 0, pages) or None


def _unpacked(data: bytes, start: int, most: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(data[start : start + most], most)
    except zlib.error:
        return b""
