"""How many pages a PDF has."""

from __future__ import annotations

import hashlib
import io
import logging
import re

__all__ = ["page_count"]

MAX_BYTES = 100_000_000
"""Bytes of a PDF that is looked into; what is larger than OpenAI and Anthropic take (50 and 32 MB) need not be."""
MAX_KEPT = 4_096
"""Page counts that are remembered: a conversation is read again at every turn."""

_kept: dict[bytes, int | None] = {}
_LINEARIZED = re.compile(rb"/N\s+(\d{1,6})\b")
_PAGE = re.compile(rb"/Type\s*/Page(?![a-zA-Z])")


def page_count(data: bytes) -> int | None:
    """Count the pages of a PDF, None where it is too large or too broken to tell.

    Pages that stand in compressed objects are counted, too; those of an encrypted file are as many as it says.

    Args:
        data: the whole file.
    """
    if len(data) > MAX_BYTES:
        return None
    key = hashlib.blake2b(data, digest_size=16).digest()
    if key not in _kept:
        if len(_kept) >= MAX_KEPT:
            _kept.clear()
        _kept[key] = _counted(data)
    return _kept[key]


def _counted(data: bytes) -> int | None:
    from pypdf import PdfReader

    logging.getLogger("pypdf").addFilter(_silent)
    try:
        return int(PdfReader(io.BytesIO(data)).get_num_pages()) or None
    except Exception:  # noqa: BLE001 - pypdf raises whatever it likes on damaged files
        return _seen(data)


def _silent(record: logging.LogRecord) -> bool:
    return False  # it quotes the document


def _seen(data: bytes) -> int | None:
    """Count what can be seen from outside in a file that is damaged or has a password.

    A file that is made for the web says how many pages it has at its beginning [ISO 32000, annex F].
    """
    head = data[:1024]
    said = _LINEARIZED.search(head) if b"/Linearized" in head else None
    return max(int(said[1]) if said else 0, sum(1 for _ in _PAGE.finditer(data))) or None
