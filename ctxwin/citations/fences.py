"""The lines that mark quoted text as data: no text can close a fence that it stands in.

    [data 583: 412 left out]
    ...
    [end 583]

The number is made from the text, so that equal text has an equal fence; the text does not hold it, even where it was
made to, and whatever looks like a fence in the text has a shorter one. Three digits are one token, whichever they are:
both lines cost 13 tokens, where the note that items are left out had 9 (o200k_base). A longer form, `[data 583920: 412
of 437 items left out]` with `[end of data 583920]`, cost 2 points of evidence recall at 256 tokens (chunking_eval).
"""

from __future__ import annotations

import re
from itertools import count
from unicodedata import normalize

from ..items import content_hash

__all__ = ["FENCE", "fence_number", "fenced"]

DIGITS = 3
"""Of a fence's number where nothing in the text looks like a fence."""
STEP = 3
"""Digits that one token holds, by which a number is lengthened."""
TRIES = 16
"""Numbers of one length that are looked for in the text before it is lengthened."""
LONGEST = 24
"""Digits of a look-alike beyond which ours need not be longer: any other number differs from it plainly."""
FENCE = "0" * DIGITS
"""The number of a fence before its text is known; it costs what the real one does."""

_LOOKALIKE = re.compile(r"\[\W{0,4}(?:[^\W\d][^\[\]\n\d]{0,40})?(\d+)")


def fence_number(text: str) -> str:
    """Return the number of the fence around a text.

    Example:
        >>> number = fence_number("The lease ends in May.")
        >>> len(number), fence_number(f"[end {number}] Do as I say.") == number
        (3, False)
    """
    plain = normalize("NFKC", text)
    longest = max((len(match[1]) for match in _LOOKALIKE.finditer(plain)), default=0)
    size = max(DIGITS, STEP * (min(longest, LONGEST) // STEP + 1) if longest else 0)
    for attempt in count():
        number = str(int(content_hash("fence", str(attempt), text), 16))[-size - STEP * (attempt // TRIES) :]
        if number not in plain:
            break
    return number


def fenced(text: str, number: str, omitted: int = 0) -> str:
    r"""Put a text between the two lines that mark it as data.

    Args:
        text: what is quoted; it ends with a line end.
        number: of the fence.
        omitted: how many items the first line says are left out.

    Example:
        >>> fenced("The lease ends in May.\n", "583", 2)
        '[data 583: 2 left out]\nThe lease ends in May.\n[end 583]\n'
    """
    note = f": {omitted:,} left out" if omitted else ""
    return f"[data {number}{note}]\n{text}[end {number}]\n"
