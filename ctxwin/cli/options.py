"""Reads option values and prints JSON and tables, for all commands."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from typing import TYPE_CHECKING

from ..errors import InputError
from ..items import parse_tokens
from ..report.picture import columns

if TYPE_CHECKING:
    from rich.console import Console


__all__ = ["LOCAL", "json_text", "many", "parse_budgets", "parse_shares", "print_json", "printable", "table_console"]

WIDE = 1_000
"""Most columns of a table that goes to a file or another program."""
LOCAL = "local"
"""Names the small model that runs on this machine."""
_COMMANDS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|\r(?!\n)")

_ESCAPED = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""Characters that JSON may hold unescaped, and a terminal should not see; JSON escapes the other control characters."""


def many(count: int, noun: str) -> str:
    """Return a number with its noun.

    Example:
        >>> many(1, "place"), many(1200, "place")
        ('1 place', '1,200 places')
    """
    return f"{count:,} {noun}{'s' if count != 1 else ''}"


def parse_budgets(text: str, *, option: str = "--budgets") -> tuple[int, ...]:
    """Read several numbers of tokens, separated by commas, each once, in the order given.

    Example:
        >>> parse_budgets("1k,2k,4k")
        (1000, 2000, 4000)
    """
    return tuple(dict.fromkeys(parse_tokens(part, option=option) for part in text.split(",")))


def parse_shares(texts: Sequence[str], *, option: str = "--share") -> dict[str, tuple[float, float | None]]:
    """Read shares of sources as `SOURCE=FLOOR:CAP`, each in tokens or percent, either of them left out.

    Raises:
        InputError: a share has another form.

    Example:
        >>> parse_shares(["files=30%:70%", "tool_output=:2k", "notes/=500:"])
        {'files': (0.3, 0.7), 'tool_output': (0, 2000), 'notes/': (500, None)}
    """
    shares: dict[str, tuple[float, float | None]] = {}
    for text in texts:
        source, equals, figures = text.rpartition("=")
        floor, colon, cap = figures.partition(":")
        if not (source and equals and colon):
            raise InputError(f"{option} {text!r} is no share; write it like files=30%:70% or tool_output=:2k")
        low = _share(floor, option)
        shares[source] = (0 if low is None else low, _share(cap, option))
    return shares


def _share(text: str, option: str) -> float | None:
    if not text.strip():
        return None
    if text.strip() == "0":
        return 0
    if not text.strip().endswith("%"):
        return parse_tokens(text, option=option)
    try:
        share = float(text.strip()[:-1]) / 100
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise InputError(f"{option} {text!r} is no part of the budget; write it like 30%")
    return share


def printable(text: str) -> str:
    """Return text from others safe for stdout: on a terminal, without characters that would command it."""
    return _COMMANDS.sub("�", text) if sys.stdout.isatty() else text


def json_text(value: object) -> str:
    r"""Write a value as readable JSON that cannot command a terminal, with a line end.

    Example:
        >>> json_text({"name": "Zoë\x9b31m\u202e"})
        '{\n  "name": "Zoë\\u009b31m\\u202e"\n}\n'
    """
    text = json.dumps(value, ensure_ascii=False, indent=2, default=_plain)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def _plain(value: object) -> object:
    """Return a dataclass as an object with its fields, and a day as people write it."""
    if is_dataclass(value):
        return {one.name: getattr(value, one.name) for one in fields(value)}
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__} has no form in JSON")


def table_console() -> Console:
    """Return a console for tables: as wide as the terminal, elsewhere so wide that no cell breaks."""
    from rich.console import Console

    return Console(highlight=False, markup=False, width=columns() if sys.stdout.isatty() else WIDE)


def print_json(value: object) -> None:
    """Print a value as JSON."""
    sys.stdout.write(json_text(value))
