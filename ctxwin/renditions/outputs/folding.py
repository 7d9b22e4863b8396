"""Write a tool's output in fewer tokens without losing anything: what is shorter and reads back to the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...tokens import Tokenizer
from .hit_lists import read_hits, write_hits
from .json_tables import read_line_table, write_line_table, write_tables
from .line_patterns import read_patterns, write_patterns
from .table_reading import read_tables
from .table_values import compact_json

__all__ = ["TABLES", "Folded", "fold", "unfold"]

JSON = "JSON as tables"
JSON_LINES = "JSON lines as a table"
HITS = "hits by file"
LINES = "lines by patterns"
WAYS: Mapping[str, tuple[Callable[[str], str | None], Callable[[str], str]]] = {
    JSON: (write_tables, lambda text: compact_json(read_tables(text))),
    JSON_LINES: (write_line_table, read_line_table),
    HITS: (write_hits, read_hits),
    LINES: (write_patterns, read_patterns),
}
"""Each way to write a text anew, by what a report says of it, and the way back. A way returns None where it does not
serve; the way back returns JSON without its blanks, and any other text as it was."""


TABLES = (JSON, JSON_LINES)
"""The ways that write tables."""
WORTH = 10
"""A text is written anew only where that saves 1 / WORTH of its tokens: each notation costs its reader something. Of
533 results in agents' transcripts 262 are folded and 35.5 % of their tokens saved; with 5 it is 228 and 34.6 %, with 20
it is 263 and 35.7 %."""


@dataclass(frozen=True, slots=True)
class Folded:
    """A text that says the same in fewer tokens."""

    text: str
    how: str
    """The way it was written, in a few words: `JSON as tables`."""
    saved: int
    """Tokens that it takes less."""


def fold(texts: Sequence[str], tokenizer: Tokenizer) -> list[Folded | None]:
    r"""Return each text in the shortest of the lossless ways, or None where none is shorter.

    Args:
        texts: outputs of tools.
        tokenizer: counts the tokens.

    Example:
        >>> from ctxwin.tokens import get_tokenizer
        >>> seats = '[{"seat": "7A", "free": true}, {"seat": "8C", "free": false}]'
        >>> fold([seats, "No seats."], get_tokenizer("o200k_base"))
        [Folded(text='[2]{seat,free}:\n7A,true\n8C,false\n', how='JSON as tables', saved=9), None]
    """
    ways = [
        (place, how, new) for place, text in enumerate(texts) for how, (way, _) in WAYS.items() if (new := way(text))
    ]
    places = sorted({place for place, _, _ in ways})
    before = dict(zip(places, tokenizer.count_many([texts[place] for place in places]), strict=True))
    out: list[Folded | None] = [None] * len(texts)
    for (place, how, new), tokens in zip(ways, tokenizer.count_many([new for _, _, new in ways]), strict=True):
        saved, best = before[place] - tokens, out[place]
        if saved > (best.saved if best else 0) and saved * WORTH >= before[place]:
            out[place] = Folded(new, how, saved)
    return out


def unfold(folded: Folded) -> str:
    r"""Return the text that was folded; JSON comes back without its blanks.

    Example:
        >>> unfold(Folded("[2]{seat}:\n7A\n8C\n", JSON, 9))
        '[{"seat":"7A"},{"seat":"8C"}]'
    """
    return WAYS[folded.how][1](folded.text)
