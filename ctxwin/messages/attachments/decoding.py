"""Decodes text from bytes, and tells its encoding."""

from __future__ import annotations

import codecs
import re
from itertools import islice

__all__ = ["decoded"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks, longer ones before those that are their beginnings."""
_CONTROL = re.compile("[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f]")  # not bell to return, nor the escape of colours
CONTROL_SHARE = 0.01
"""Largest share of control characters in a text; random bytes have .1."""
ZERO_SHARE = 0.3
"""Share of zero bytes at odd or at even places from which bytes count as UTF-16 without a mark."""
FOREIGN_SHARE = 0.3
"""Largest share of bytes above 127 up to which a text that is no UTF-8 counts as a western one."""
LOOKED_AT = 65_536
"""Bytes from which an encoding is guessed."""


def decoded(data: bytes, *, charset: str | None = None, expected: bool = False) -> tuple[str, str] | None:
    r"""Return the text in bytes and its encoding; None if the bytes are no text.

    Args:
        data: the bytes.
        charset: the declared encoding.
        expected: whether the bytes were declared as text, so that the encoding may be a rare one.

    Example:
        >>> decoded(b"caf\xe9, 5 \x80"), decoded(bytes(range(256)))
        (('café, 5 €', 'cp1252'), None)
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _readable(data, encoding)
    if charset is not None and (found := _readable(data, charset)):
        return found
    if found := _readable(data, "utf-8") or _unmarked(data):
        return found
    high = sum(byte > 127 for byte in data[:LOOKED_AT])
    if high <= FOREIGN_SHARE * min(len(data), LOOKED_AT) and (found := _readable(data, "cp1252")):
        return found
    return _guessed(data) if expected else None


def _readable(data: bytes, encoding: str) -> tuple[str, str] | None:
    try:
        text = data.decode(encoding)
    except (UnicodeError, LookupError, ValueError):
        return None
    if not isinstance(text, str):  # some codecs of Python make no text
        return None
    allowed = int(CONTROL_SHARE * len(text))
    strange = sum(1 for _ in islice(_CONTROL.finditer(text), allowed + 1))
    return (text, encoding) if strange <= allowed else None


def _unmarked(data: bytes) -> tuple[str, str] | None:
    """Read UTF-16 without a mark, recognized by the zero bytes of western letters, spaces and line ends."""
    head = data[: LOOKED_AT & ~1]
    even, odd = head[::2].count(0), head[1::2].count(0)
    for mine, other, encoding in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if mine > ZERO_SHARE * len(head) / 2 and other <= CONTROL_SHARE * len(head):
            return _readable(data, encoding)
    return None


def _guessed(data: bytes) -> tuple[str, str] | None:
    if _CONTROL.search(data[:LOOKED_AT].decode("latin-1")):
        return None
    from charset_normalizer import from_bytes

    best = from_bytes(data[:LOOKED_AT]).best()
    return (best and _readable(data, best.encoding)) or _readable(data, "latin-1")
