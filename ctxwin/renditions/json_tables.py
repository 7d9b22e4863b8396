r"""Write JSON with its keys once: lists of like objects become tables, the rest is JSON without blanks.

    [{"id": "a7", "at": {"x": 1, "y": 2}, "ok": true}, {"id": "b2", "at": {"x": 0.0, "y": 3}, "ok": true}]

    [2]{id,at{x,y},ok=true}:
    a7,1,2
    b2,0.0,3

The notation follows TOON's tables (`[rows]{fields}:`, toon-format/spec 4.4) and takes more into one row: objects
inside a row are flattened (`at{x,y}`), a list of like objects in a cell has its fields in the head
(`tags[key,value]` with cells `[a,1;b,2]`), a value that is the same in all rows stands in the head (`ok=true`), a
missing key is an empty cell. `[2:]{...}` is an object whose values are like objects, each row after its key (`id=:`
is a column of these keys); `[[2]]{...}` is a list of lists, with a blank line after each. A cell is a JSON value, or
a string without quotes where nothing else can be meant. Numbers keep their digits, so 1.0, 1e5 and integers of any
size read back as they were.

`read_tables` reads the notation; `write_tables` reads what it wrote before it returns it. Both take linear time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Any, Final

__all__ = ["Number", "compact_json", "read_json", "read_line_table", "read_tables", "write_line_table", "write_tables"]

LEVELS = 64
"""Most levels of lists and objects; each costs frames of the stack. A deeper text stays as it is."""
_KEY = re.compile(r"[^\W\d][\w$@./-]*")
_ROW_KEY = re.compile(r"[\w$@./-]+")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|NaN|-?Infinity")
_PLAIN = re.compile(r"[^,;\[\]{}\"\n]*")
_HEAD = re.compile(r"\[(?P<groups>\[)?(?P<size>\d+)(?P<keyed>:)?\](?(groups)\])\{")
_WORDS: Final[Mapping[str, object]] = {"null": None, "true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Number:
    """A number by its digits."""

    digits: str


class _NoTable(ValueError):
    """The text is no JSON that could be written as tables, or does not read back."""


_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half a character, which no encoding has."""
_ABSENT: Final = object()
_SAME: Final = object()


def read_json(text: str) -> Any:
    """Read JSON with numbers as `Number`.

    Raises:
        ValueError: the text is no JSON, has a key twice in an object, or nests too deep.
    """
    try:
        return json.loads(text, object_pairs_hook=_once, parse_float=Number, parse_int=Number, parse_constant=Number)
    except RecursionError:
        raise _NoTable("nests too deep") from None


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _NoTable("a key stands twice in an object")
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
        out.append(_scalar(value))
        return
    if not levels:
        raise _NoTable("nests too deep")
    names = [f"{_quoted(key)}:" for key in value] if isinstance(value, dict) else [""] * len(value)
    out.append("{" if isinstance(value, dict) else "[")
    for place, (name, inner) in enumerate(zip(names, _inside(value), strict=True)):
        out.append("," * bool(place) + name)
        _compact(inner, out, levels - 1)
    out.append("}" if isinstance(value, dict) else "]")


def _inside(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _scalar(value: Any) -> str:
    if isinstance(value, Number):
        return value.digits
    return _quoted(value) if isinstance(value, str) else "null" if value is None else str(value).lower()


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=_SURROGATE.search(text) is not None)


@dataclass(frozen=True, slots=True)
class _TableField:
    """A column: a cell, the columns of an object, or a list of rows of its own."""

    key: str
    fields: tuple[_TableField, ...] = ()
    many: bool = False
    fixed: Any = _ABSENT
    """The value of all rows, where it stands in the head; `_SAME` for the key of each row."""

    @property
    def width(self) -> int:
        """Cells in a row."""
        if self.many or not self.fields:
            return int(self.fixed is _ABSENT)
        return sum(one.width for one in self.fields)


def write_tables(text: str) -> str | None:
    r"""Write a JSON text, or one JSON value a line, with tables; None where it cannot be, or reads back otherwise.

    Example:
        >>> print(write_tables('[{"id": "a7", "ok": true, "n": 1.0}, {"id": "b2", "ok": true, "n": 2}]'))
        [2]{id,ok=true,n}:
        a7,1.0
        b2,2
        <BLANKLINE>
    """
    try:
        value = read_json(text)
        written = "".join(_block(value, LEVELS))
        return written if compact_json(read_tables(written)) == compact_json(value) else None
    except (ValueError, RecursionError):
        return None


def write_line_table(text: str) -> str | None:
    r"""Write a text that has a JSON object on each line as one table; None as for `write_tables`, or without a table.

    Example:
        >>> print(write_line_table('{"level": "info", "ms": 3}\n{"level": "warn", "ms": 90}\n'))
        [2]{level,ms}:
        info,3
        warn,90
        <BLANKLINE>
    """
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < 2 or not all(line.lstrip().startswith("{") for line in lines):
        return None
    written = write_tables(f"[{','.join(lines)}]")
    return written if written and _HEAD.match(written) and len(read_tables(written)) == len(lines) else None


def read_line_table(written: str) -> str:
    """Return the lines that `write_line_table` wrote, each as JSON without blanks."""
    return "".join(f"{compact_json(row)}\n" for row in read_tables(written))


def _block(value: Any, levels: int) -> Iterator[str]:
    """Yield the pieces of a value as JSON, with tables where they can be."""
    if not levels:
        raise _NoTable("nests too deep")
    if isinstance(value, dict):
        if len(value) > 1 and _are_objects(value.values()) and (fields := _fields(list(value.values()), levels)):
            fields = tuple(_TableField(one.key, fixed=_SAME) if _is_key(one, value) else one for one in fields)
            yield f"[{len(value)}:]{_head(fields)}\n"
            for key, row in value.items():
                yield f"{key if _ROW_KEY.fullmatch(key) else _quoted(key)}: {_row(row, fields, levels)}\n"
            return
        yield "{"
        for place, (key, inner) in enumerate(value.items()):
            yield "," * bool(place) + f"{_quoted(key)}:"
            yield from _block(inner, levels - 1)
        yield "}"
    elif isinstance(value, list):
        yield from _list(value, levels)
    else:
        yield _scalar(value)


def _list(value: Sequence[Any], levels: int) -> Iterator[str]:
    if len(value) > 1 and _are_objects(value) and (fields := _fields(value, levels)):
        yield f"[{len(value)}]{_head(fields)}\n"
        yield from (f"{_row(row, fields, levels)}\n" for row in value)
        return
    if len(value) > 1 and all(isinstance(one, list) and one and _are_objects(one) for one in value):
        fields = _fields([row for one in value for row in one], levels)
        yield f"[[{len(value)}]]{_head(fields)}\n" if fields else ""
        for one in value if fields else ():
            yield from (f"{_row(row, fields, levels)}\n" for row in one)
            yield "\n"
        if fields:
            return
    yield "["
    for place, inner in enumerate(value):
        yield "," * bool(place)
        yield from _block(inner, levels - 1)
    yield "]"


def _are_objects(values: Any) -> bool:
    return all(isinstance(one, dict) for one in values)


def _fields(rows: Sequence[Mapping[str, Any]], levels: int) -> tuple[_TableField, ...]:
    """Return the columns that rows share; () where they are too unlike for a table, or a row would be empty."""
    if not levels or not (keys := _keys(rows)):
        return ()
    found = [_field(key, [row[key] for row in rows if key in row], len(rows), levels - 1) for key in keys]
    width = sum(one.width for one in found)
    if not width:
        found[0] = _TableField(found[0].key)
        width = 1
    if width == 1 and any(_is_empty(row, found) for row in rows):
        return ()
    return tuple(found)


def _is_empty(row: Mapping[str, Any], fields: Sequence[_TableField]) -> bool:
    """Tell whether the only cell of a row is that of a missing key."""
    one = next(field for field in fields if field.width)
    return one.key not in row or (bool(one.fields) and not one.many and _is_empty(row[one.key], one.fields))


def _is_key(field: _TableField, rows: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tell whether a column repeats the keys of the rows."""
    return all(isinstance(row.get(field.key), str) and row[field.key] == key for key, row in rows.items())


def _keys(rows: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    """Return the keys of all rows in an order that each row keeps; () where there is none."""
    first = list(rows[0])
    if all(len(row) == len(first) and list(row) == first for row in rows):
        return first
    order: TopologicalSorter[str] = TopologicalSorter()
    for row in rows:
        names = list(row)
        for name in names[:1]:
            order.add(name)
        for before, after in pairwise(names):
            order.add(after, before)
    try:
        keys = list(order.static_order())
    except CycleError:
        return ()
    half_filled = len(keys) * len(rows) <= 2 * sum(map(len, rows))  # else most of the table would be commas
    return keys if half_filled else ()


def _field(key: str, column: Sequence[Any], rows: int, levels: int) -> _TableField:
    if len(column) == rows and _are_objects(column) and (fields := _fields(column, levels)):
        return _TableField(key, fields)
    if all(isinstance(one, list) and _are_objects(one) for one in column):
        inner = [row for one in column for row in one]
        if len(inner) > 1 and (fields := _fields(inner, levels)):
            return _TableField(key, fields, many=True)
    first = column[0]
    if len(column) == rows > 1 and not isinstance(first, dict | list) and all(_alike(first, one) for one in column):
        return _TableField(key, fixed=first)
    return _TableField(key)


def _alike(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


def _head(fields: Sequence[_TableField]) -> str:
    return "{" + ",".join(map(_named, fields)) + "}:"


def _named(field: _TableField) -> str:
    key = _key(field.key)
    if field.fields:
        inner = ",".join(map(_named, field.fields))
        return f"{key}[{inner}]" if field.many else f"{key}{{{inner}}}"
    if field.fixed is _SAME:
        return f"{key}=:"
    return key if field.fixed is _ABSENT else f"{key}={_cell(field.fixed, 1)}"


def _key(key: str) -> str:
    return key if _KEY.fullmatch(key) else _quoted(key)


def _row(row: Mapping[str, Any], fields: Sequence[_TableField], levels: int) -> str:
    return ",".join(_cells(row, fields, levels))


def _cells(row: Mapping[str, Any], fields: Sequence[_TableField], levels: int) -> Iterator[str]:
    for one in fields:
        if one.fixed is not _ABSENT:
            continue
        if one.fields and not one.many:
            yield from _cells(row[one.key], one.fields, levels)
        elif one.key not in row:
            yield ""
        elif one.many:
            yield "[" + ";".join(_row(inner, one.fields, levels) for inner in row[one.key]) + "]"
        else:
            yield _cell(row[one.key], levels)


def _cell(value: Any, levels: int) -> str:
    if isinstance(value, str):
        return value if _is_plain(value) else _quoted(value)
    if isinstance(value, dict | list):
        out: list[str] = []
        _compact(value, out, levels)
        return "".join(out)
    return _scalar(value)


def _is_plain(text: str) -> bool:
    return (
        text.isprintable()
        and bool(text)
        and text == text.strip()
        and _PLAIN.fullmatch(text) is not None
        and text not in _WORDS
        and not _NUMBER.fullmatch(text)
    )


def read_tables(text: str) -> Any:
    r"""Read what `write_tables` wrote, as `read_json` reads JSON.

    Raises:
        ValueError: the text is not in this notation.

    Example:
        >>> compact_json(read_tables('{"free":[2]{seat,at{row}}:\n7A,7\n8C,8\n}'))
        '{"free":[{"seat":"7A","at":{"row":7}},{"seat":"8C","at":{"row":8}}]}'
    """
    reader = _Reader(text)
    value = reader.block()
    if reader.at != len(text):
        raise _NoTable(f"character {reader.at}: the value has ended")
    return value


class _Reader:
    """Reads the notation from its first character on."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._json = json.JSONDecoder(
            object_pairs_hook=_once, parse_float=Number, parse_int=Number, parse_constant=Number
        )

    def block(self) -> Any:
        if head := _HEAD.match(self.text, self.at):
            self.at = head.end()
            return self._table(int(head["size"]), bool(head["keyed"]), bool(head["groups"]))
        if self._has("["):
            return list(self._items("]", self.block))
        if self._has("{"):
            return dict(self._items("}", self._pair))
        return self._value()

    def _table(self, size: int, keyed: bool, groups: bool) -> Any:
        fields = self._fields("}")
        self._take(":\n")
        if keyed:
            return dict(self._keyed_row(fields) for _ in range(size))
        if not groups:
            return [self._line(fields) for _ in range(size)]
        out = []
        for _ in range(size):
            out.append([self._line(fields)])
            while not self._has("\n"):
                out[-1].append(self._line(fields))
        return out

    def _line(self, fields: Sequence[_TableField]) -> dict[str, Any]:
        row = self._row(fields)
        self._take("\n")
        return row

    def _keyed_row(self, fields: Sequence[_TableField]) -> tuple[str, Any]:
        found = _ROW_KEY.match(self.text, self.at)
        self.at = found.end() if found else self.at
        key = found[0] if found else str(self._value())
        self._take(": ")
        return key, {name: key if value is _SAME else value for name, value in self._line(fields).items()}

    def _row(self, fields: Sequence[_TableField]) -> dict[str, Any]:
        self._begun = False
        return self._object(fields)

    def _object(self, fields: Sequence[_TableField]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for one in fields:
            if one.fixed is not _ABSENT:
                out[one.key] = one.fixed
            elif one.fields and not one.many:
                out[one.key] = self._object(one.fields)
            elif (value := self._next_cell(one)) is not _ABSENT:
                out[one.key] = value
        return out

    def _next_cell(self, field: _TableField) -> Any:
        if self._begun:
            self._take(",")
        if field.many and self._has("["):
            rows = [] if self._has("]") else list(self._rows(field.fields))
            value: Any = rows
        else:
            value = self._cell()
        self._begun = True
        return value

    def _rows(self, fields: Sequence[_TableField]) -> Iterator[dict[str, Any]]:
        yield self._row(fields)
        while self._has(";"):
            yield self._row(fields)
        self._take("]")

    def _cell(self) -> Any:
        if self.text[self.at : self.at + 1] in ('"', "[", "{"):
            return self._value()
        found = _PLAIN.match(self.text, self.at)
        plain = found[0] if found else ""
        self.at += len(plain)
        if not plain:
            return _ABSENT
        return Number(plain) if _NUMBER.fullmatch(plain) else _WORDS.get(plain, plain)

    def _fields(self, end: str) -> tuple[_TableField, ...]:
        return tuple(self._items(end, self._field))

    def _field(self) -> _TableField:
        key = self._key()
        if self._has("{"):
            return _TableField(key, self._fields("}"))
        if self._has("["):
            return _TableField(key, self._fields("]"), many=True)
        if self._has("=:"):
            return _TableField(key, fixed=_SAME)
        return _TableField(key, fixed=self._cell()) if self._has("=") else _TableField(key)

    def _key(self) -> str:
        if found := _KEY.match(self.text, self.at):
            self.at = found.end()
            return found[0]
        return str(self._value())

    def _pair(self) -> tuple[str, Any]:
        key = self._value()
        self._take(":")
        return key, self.block()

    def _items(self, end: str, read: Any) -> Iterator[Any]:
        if self._has(end):
            return
        yield read()
        while not self._has(end):
            self._take(",")
            yield read()

    def _value(self) -> Any:
        value, self.at = self._json.raw_decode(self.text, self.at)
        return value

    def _has(self, mark: str) -> bool:
        there = self.text.startswith(mark, self.at)
        self.at += len(mark) * there
        return there

    def _take(self, mark: str) -> None:
        if not self._has(mark):
            raise _NoTable(f"character {self.at}: {mark!r} is missing")
