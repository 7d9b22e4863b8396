r"""Private keys of many lines: where they begin and end, also where only a part of them has been read.

-----BEGIN ... PRIVATE KEY----- | headers, an empty line | lines of base64 | -----END ... PRIVATE KEY-----

PEM, OpenSSH and PGP write them so, SSH2 with four dashes, OpenVPN in hexadecimal digits, PuTTY between
`Private-Lines:` and `Private-MAC:`. In a log each line may have a prefix, in code quotes around it, in JSON all stand
on one line with `\n` between.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from .text_stream import Stretch

__all__ = ["Keys", "PrivateKey", "private_keys"]

_SIGNS = ("PRIVATE KEY", "Private-Lines:", "OpenVPN Static")
"""One of them is in every text with a private key."""
HEADERS = 9
"""Lines between a key's first line and its base64 at most: RFC 4880, section 6.2, names five kinds."""
PIECE = 8_192
"""Characters that are looked at as one line at most."""

_NAME = r"(?:[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?|OpenVPN Static key V1) ?-{4,5}"
_BEGIN = re.compile(rf"-{{4,5}} ?BEGIN {_NAME}|\bPrivate-Lines: ?[0-9]{{1,4}}")
_END = re.compile(rf"-{{4,5}} ?END {_NAME}|\bPrivate-MAC:[ 0-9a-f]{{0,80}}")
_BREAK = re.compile(r"\n|\\n")
_ALONE = re.compile(r"[\s>|#*\"'`]{0,40}+[A-Za-z0-9+/]{16,}+={0,2}[\s\"'`,;+)\\r]{0,40}+")
_BEHIND = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{40,}+={0,2}[^A-Za-z0-9+/=]{0,9}$")
"""Behind a prefix, so many characters of base64 that they are no word and no path."""
_SOME = re.compile(r"[A-Za-z0-9+/]{16}")


class PrivateKey(NamedTuple):
    """Where a key stands in a text."""

    start: int
    end: int
    next: int | None = None
    """Where its next line begins, if what has been read ends within it."""

    def moved(self, by: int) -> PrivateKey:
        """Return it in a text that begins so much earlier."""
        return PrivateKey(self.start + by, self.end + by, None if self.next is None else self.next + by)


class Keys:
    """The private keys of a file that is read block by block.

    A key goes on from block to block, however long it is.
    """

    def __init__(self) -> None:
        self._open: PrivateKey | None = None

    def of(self, block: Stretch) -> list[tuple[int, int]]:
        """Return where keys stand in a block, as first and last byte of the file's text."""
        text = block.data.decode("latin-1")  # a character for each byte
        found = [one.moved(block.at) for one in private_keys(text, self._open and self._open.moved(-block.at))]
        self._open = found[-1] if found and found[-1].next is not None else None
        return [(one.start, one.end) for one in found]


def private_keys(text: str, before: PrivateKey | None = None) -> Iterator[PrivateKey]:
    r"""Yield the private keys of a text, in order.

    Args:
        text: of a file, or of a part of it.
        before: a key that goes on in the text.

    Example:
        >>> [*private_keys("x\n-----BEGIN EC PRIVATE" + " KEY-----\n" + "MHcCAQEEIKq9w7VZ\n" * 2 + "y\nz\n")]
        [PrivateKey(start=2, end=66, next=None)]
    """
    if before is None and not any(sign in text for sign in _SIGNS):
        return
    begins = [(one.start(), one.end(), 0) for one in _BEGIN.finditer(text)]
    if before is not None and before.next is not None:
        begins.insert(0, (max(0, before.start), at := max(0, before.next), 2))
        begins[1:] = [one for one in begins[1:] if one[0] >= at]
    for (start, at, rows), after in pairwise([*begins, (len(text), 0, 0)]):
        if (found := _key(text, start, at, after[0], rows)) is not None:
            yield found


def _key(text: str, start: int, at: int, after: int, rows: int) -> PrivateKey | None:
    """Return the key whose first line ends at a place; None for a mere mention of one.

    Args:
        text: in which it is.
        start: of its first line.
        at: where the next line begins.
        after: where another key begins, or the text ends.
        rows: lines of base64 that there were before.
    """
    end, others = at, 0
    while at < after:
        found = _BREAK.search(text, at, min(after, at + PIECE))
        stop = found.end() if found else min(after, at + PIECE)
        line = text[at : found.start() if found else stop]
        if last := _END.search(line):
            is_key = rows > 0 or _SOME.search(line, 0, last.start()) is not None
            return PrivateKey(start, at + last.end()) if is_key else None
        if rows and found is None and stop == len(text):
            return PrivateKey(start, stop, at)  # of its next line there may be more
        if _ALONE.fullmatch(line) or _BEHIND.search(line):
            rows, others, end = rows + 1, 0, at + len(line)
        elif any(map(str.isalnum, line)):
            others += 1  # a header, or the last line of a key, which may be short
            if others > (1 if rows else HEADERS):
                break
        at = stop
    if rows and at >= len(text):
        return PrivateKey(start, end, at)
    return PrivateKey(start, end) if rows > 1 else None
