"""Read the tables of `json_tables` back as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from .table_values import ABSENT, HEAD, KEY, NUMBER, PLAIN, ROW_KEY, SAME, WORDS, NoTable, Number, TableField, once

__all__ = ["read_tables"]


def read_tables(text: str) -> Any:
    r"""Read what `write_tables` wrote, as `read_json` reads JSON.

    Raises:
        ValueError: the text is not in this notation.

    Example:
        >>> from ctxwin.renditions.outputs.table_values import compact_json
        >>> compact_json(read_tables('{"free":[2]{seat,at{row}}:\n7A,7\n8C,8\n}'))
        '{"free":[{"seat":"7A","at":{"row":7}},{"seat":"8C","at":{"row":8}}]}'
    """
    reader = _Reader(text)
    value = reader.block()
    if reader.at != len(text):
        raise NoTable(f"character {reader.at}: the value has ended")
    return value


class _Reader:
    """Reads the notation from its first character on."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._json = json.JSONDecoder(
            object_pairs_hook=once, parse_float=Number, parse_int=Number, parse_constant=Number
        )

    def block(self) -> Any:
        if head := HEAD.match(self.text, self.at):
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

    def _line(self, fields: Sequence[TableField]) -> dict[str, Any]:
        row = self._row(fields)
        self._take("\n")
        return row

    def _keyed_row(self, fields: Sequence[TableField]) -> tuple[str, Any]:
        found = ROW_KEY.match(self.text, self.at)
        self.at = found.end() if found else self.at
        key = found[0] if found else str(self._value())
        self._take(": ")
        return key, {name: key if value is SAME else value for name, value in self._line(fields).items()}

    def _row(self, fields: Sequence[TableField]) -> dict[str, Any]:
        self._begun = False
        return self._object(fields)

    def _object(self, fields: Sequence[TableField]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for one in fields:
            if one.fixed is not ABSENT:
                out[one.key] = one.fixed
            elif one.fields and not one.many:
                out[one.key] = self._object(one.fields)
            elif (value := self._next_cell(one)) is not ABSENT:
                out[one.key] = value
        return out

    def _next_cell(self, field: TableField) -> Any:
        if self._begun:
            self._take(",")
        if field.many and self._has("["):
            rows = [] if self._has("]") else list(self._rows(field.fields))
            value: Any = rows
        else:
            value = self._cell()
        self._begun = True
        return value

    def _rows(self, fields: Sequence[TableField]) -> Iterator[dict[str, Any]]:
        yield self._row(fields)
        while self._has(";"):
            yield self._row(fields)
        self._take("]")

    def _cell(self) -> Any:
        if self.text[self.at : self.at + 1] in ('"', "[", "{"):
            return self._value()
        found = PLAIN.match(self.text, self.at)
        plain = found[0] if found else ""
        self.at += len(plain)
        if not plain:
            return ABSENT
        return Number(plain) if NUMBER.fullmatch(plain) else WORDS.get(plain, plain)

    def _fields(self, end: str) -> tuple[TableField, ...]:
        return tuple(self._items(end, self._field))

    def _field(self) -> TableField:
        key = self._key()
        if self._has("{"):
            return TableField(key, self._fields("}"))
        if self._has("["):
            return TableField(key, self._fields("]"), many=True)
        if self._has("=:"):
            return TableField(key, fixed=SAME)
        return TableField(key, fixed=self._cell()) if self._has("=") else TableField(key)

    def _key(self) -> str:
        if found := KEY.match(self.text, self.at):
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
            raise NoTable(f"character {self.at}: {mark!r} is missing")
