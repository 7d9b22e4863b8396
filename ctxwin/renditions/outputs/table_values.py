"""The values of JSON as tables hold them, with the digits of each number, and the columns of a table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = [
    "ABSENT",
    "HEAD",
    "KEY",
    "LEVELS",
    "NUMBER",
    "PLAIN",
    "ROW_KEY",
    "SAME",
    "WORDS",
    "NoTable",
    "Number",
    "TableField",
    "compact_json",
    "once",
    "quoted",
    "read_json",
    "scalar",
]

LEVELS = 64
"""Most levels of lists and objects; each costs frames of the stack. A deeper text stays as it is."""
KEY = re.compile(r"[^\W\d][\w$@./-]*")
ROW_KEY = re.compile(r"[\w$@./-]+")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|NaN|-?Infinity")
PLAIN = re.compile(r"[^,;\[\]{}\"\n]*")
HEAD = re.compile(r"\[(?P<groups>\[)?(?P<size>\d+)(?P<keyed>:)?\](?(groups)\])\{")
WORDS: Final[Mapping[str, object]] = {"null": None, "true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Number:
    """A number by its digits."""

    digits: str


class NoTable(ValueError):
    """The text is no JSON that could be written as tables, or does not read back."""


_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half a character, which no encoding has."""
ABSENT: Final = object()
SAME: Final = object()


def read_json(text: str) -> Any:
    """Read JSON with numbers as `Number`.

    Raises:
        ValueError: the text is no JSON, has a key twice in an object, or nests too deep.
    """
    try:
        return json.loads(text, object_pairs_hook=once, parse_float=Number, parse_int=Number, parse_constant=Number)
    except RecursionError:
        raise NoTable("nests too deep") from None


def once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON, or raise an error where a key stands twice in it."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise NoTable("a key stands twice in an object")
    return made


def compact_json(value: Any) -> str:
    r"""Write a value of `read_json` as JSON without blanks.

    Raises:
        ValueError: the value nests too deep.

    Example:
        >>> compact_json(read_json('{"a": [1.0, 1e400, "\u00e9"]}'))
        '{"a":[1.0,1e400,"é"]}'
    """
    out: list[str] = []
    _compact(value, out, LEVELS)
    return "".join(out)


def _compact(value: Any, out: list[str], levels: int) -> None:
    if not isinstance(value, dict | list):
        out.append(scalar(value))
        return
    if not levels:
        raise NoTable("nests too deep")
    names = [f"{quoted(key)}:" for key in value] if isinstance(value, dict) else [""] * len(value)
    out.append("{" if isinstance(value, dict) else "[")
    for place, (name, inner) in enumerate(zip(names, _inside(value), strict=True)):
        out.append("," * bool(place) + name)
        _compact(inner, out, levels - 1)
    out.append("}" if isinstance(value, dict) else "]")


def _inside(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def scalar(value: Any) -> str:
    """Write a value that holds no others as JSON."""
    if isinstance(value, Number):
        return value.digits
    return quoted(value) if isinstance(value, str) else "null" if value is None else str(value).lower()


def quoted(text: str) -> str:
    """Write a string as JSON, with escapes where they must be."""
    return json.dumps(text, ensure_ascii=_SURROGATE.search(text) is not None)


@dataclass(frozen=True, slots=True)
class TableField:
    """A column: a cell, the columns of an object, or a list of rows of its own."""

    key: str
    fields: tuple[TableField, ...] = ()
    many: bool = False
    fixed: Any = ABSENT
    """The value of all rows, where it stands in the head; `SAME` for the key of each row."""

    @property
    def width(self) -> int:
        """Cells in a row."""
        if self.many or not self.fields:
            return int(self.fixed is ABSENT)
        return sum(one.width for one in self.fields)
