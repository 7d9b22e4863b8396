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

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Any

from .table_reading import read_tables
from .table_values import (
    ABSENT,
    HEAD,
    KEY,
    LEVELS,
    NUMBER,
    PLAIN,
    ROW_KEY,
    SAME,
    WORDS,
    NoTable,
    TableField,
    compact_json,
    quoted,
    read_json,
    scalar,
)

__all__ = ["read_line_table", "write_line_table", "write_tables"]


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
    return written if written and HEAD.match(written) and len(read_tables(written)) == len(lines) else None


def read_line_table(written: str) -> str:
    """Return the lines that `write_line_table` wrote, each as JSON without blanks."""
    return "".join(f"{compact_json(row)}\n" for row in read_tables(written))


def _block(value: Any, levels: int) -> Iterator[str]:
    """Yield the pieces of a value as JSON, with tables where they can be."""
    if not levels:
        raise NoTable("nests too deep")
    if isinstance(value, dict):
        if len(value) > 1 and _are_objects(value.values()) and (fields := _fields(list(value.values()), levels)):
            fields = tuple(TableField(one.key, fixed=SAME) if _is_key(one, value) else one for one in fields)
            yield f"[{len(value)}:]{_head(fields)}\n"
            for key, row in value.items():
                yield f"{key if ROW_KEY.fullmatch(key) else quoted(key)}: {_row(row, fields)}\n"
            return
        yield "{"
        for place, (key, inner) in enumerate(value.items()):
            yield "," * bool(place) + f"{quoted(key)}:"
            yield from _block(inner, levels - 1)
        yield "}"
    elif isinstance(value, list):
        yield from _list(value, levels)
    else:
        yield scalar(value)


def _list(value: Sequence[Any], levels: int) -> Iterator[str]:
    if len(value) > 1 and _are_objects(value) and (fields := _fields(value, levels)):
        yield f"[{len(value)}]{_head(fields)}\n"
        yield from (f"{_row(row, fields)}\n" for row in value)
        return
    if len(value) > 1 and all(isinstance(one, list) and one and _are_objects(one) for one in value):
        fields = _fields([row for one in value for row in one], levels)
        yield f"[[{len(value)}]]{_head(fields)}\n" if fields else ""
        for one in value if fields else ():
            yield from (f"{_row(row, fields)}\n" for row in one)
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


def _fields(rows: Sequence[Mapping[str, Any]], levels: int) -> tuple[TableField, ...]:
    """Return the columns that rows share; () where they are too unlike for a table, or a row would be empty."""
    if not levels or not (keys := _keys(rows)):
        return ()
    found = [_field(key, [row[key] for row in rows if key in row], len(rows), levels - 1) for key in keys]
    width = sum(one.width for one in found)
    if not width:
        found[0] = TableField(found[0].key)
        width = 1
    if width == 1 and any(_is_empty(row, found) for row in rows):
        return ()
    return tuple(found)


def _is_empty(row: Mapping[str, Any], fields: Sequence[TableField]) -> bool:
    """Tell whether the only cell of a row is that of a missing key."""
    one = next(field for field in fields if field.width)
    return one.key not in row or (bool(one.fields) and not one.many and _is_empty(row[one.key], one.fields))


def _is_key(field: TableField, rows: Mapping[str, Mapping[str, Any]]) -> bool:
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


def _field(key: str, column: Sequence[Any], rows: int, levels: int) -> TableField:
    if len(column) == rows and _are_objects(column) and (fields := _fields(column, levels)):
        return TableField(key, fields)
    if all(isinstance(one, list) and _are_objects(one) for one in column):
        inner = [row for one in column for row in one]
        if len(inner) > 1 and (fields := _fields(inner, levels)):
            return TableField(key, fields, many=True)
    first = column[0]
    if len(column) == rows > 1 and not isinstance(first, dict | list) and all(_alike(first, one) for one in column):
        return TableField(key, fixed=first)
    return TableField(key)


def _alike(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


def _head(fields: Sequence[TableField]) -> str:
    return "{" + ",".join(map(_named, fields)) + "}:"


def _named(field: TableField) -> str:
    key = _key(field.key)
    if field.fields:
        inner = ",".join(map(_named, field.fields))
        return f"{key}[{inner}]" if field.many else f"{key}{{{inner}}}"
    if field.fixed is SAME:
        return f"{key}=:"
    return key if field.fixed is ABSENT else f"{key}={_cell(field.fixed)}"


def _key(key: str) -> str:
    return key if KEY.fullmatch(key) else quoted(key)


def _row(row: Mapping[str, Any], fields: Sequence[TableField]) -> str:
    return ",".join(_cells(row, fields))


def _cells(row: Mapping[str, Any], fields: Sequence[TableField]) -> Iterator[str]:
    for one in fields:
        if one.fixed is not ABSENT:
            continue
        if one.fields and not one.many:
            yield from _cells(row[one.key], one.fields)
        elif one.key not in row:
            yield ""
        elif one.many:
            yield "[" + ";".join(_row(inner, one.fields) for inner in row[one.key]) + "]"
        else:
            yield _cell(row[one.key])


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value if _is_plain(value) else quoted(value)
    return compact_json(value)


def _is_plain(text: str) -> bool:
    return (
        text.isprintable()
        and bool(text)
        and text == text.strip()
        and PLAIN.fullmatch(text) is not None
        and text not in WORDS
        and not NUMBER.fullmatch(text)
    )
