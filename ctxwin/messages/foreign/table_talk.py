"""Reads a talk in a table: CSV with a column of speakers and one of texts, or with a column per side of a chat."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import MessageError
from .form import ForeignForm, ForeignTalk
from .moments import iso
from .roles import SpokenLine, role_of, turns_to_items

__all__ = ["FORM"]

DELIMITERS = ",;\t|"
SAMPLE = 1 << 16
"""Characters from which the delimiter is found."""
HEADER = 2_000
"""Most characters of the line that names the columns."""
FIELD = 1 << 26
"""Most characters of one cell."""
COLUMNS: Mapping[str, frozenset[str]] = {
    "name": frozenset({"role", "speaker", "author", "sender", "from", "who", "participant", "username", "user name",
                       "user", "name", "nickname", "speaker name", "sender name", "from name", "role name"}),
    "text": frozenset({"content", "text", "message", "msg", "body", "value", "utterance", "transcript", "message text",
                       "message content", "dialogue", "line", "contents", "message body"}),
    "time": frozenset({"time", "timestamp", "date", "datetime", "created at", "sent at", "created", "ts", "create time",
                       "date time", "start", "start time", "sent", "message time"}),
    "talk": frozenset({"conversation id", "conversation", "dialogue id", "dialog id", "chat id", "conv id", "talk",
                       "conversation title", "chat session", "session id", "thread id", "chat", "channel"}),
}  # fmt: skip
"""Names of columns, with spaces for `_` and `-`, in lower case."""
SURE = frozenset({"role", "speaker", "sender", "participant", "speaker name", "sender name", "role name"})
"""Names of a column of speakers that no other table has together with a column of texts."""
SIDES = (
    ("user", "assistant"),
    ("human", "assistant"),
    ("human", "ai"),
    ("user", "bot"),
    ("prompt", "response"),
    ("prompt", "completion"),
    ("user message", "assistant message"),
)
"""Pairs of columns that are the two sides of a chat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _SpokenTable:
    """A table with the meaning of its columns."""

    rows: Sequence[Sequence[str]]
    names: Sequence[str]
    columns: Mapping[str, int]
    sides: tuple[int, int] | None = None


def _recognise(value: Any) -> bool:
    return isinstance(value, str) and _table(value, limit=SAMPLE) is not None


def _table(text: str, *, limit: int | None = None) -> _SpokenTable | None:
    """Return a text as a table; None if it lacks the columns of a talk."""
    text = text.lstrip("\ufeff").lstrip("\r\n")
    header = text[:HEADER].partition("\n")[0].strip()
    if len(header) == HEADER:
        return None
    for delimiter in sorted((one for one in DELIMITERS if one in header), key=header.count, reverse=True):
        names = [_called(one) for one in next(csv.reader([header], delimiter=delimiter), [])]
        if len(set(names)) < len(names):
            continue
        columns = {key: at for key, called in COLUMNS.items() if (at := _first(names, called)) is not None}
        sides = next(((names.index(a), names.index(b)) for a, b in SIDES if a in names and b in names), None)
        told = _are_told(names, columns)
        if told or sides is not None:
            rows = _rows(text[:limit], delimiter, whole=limit is None)
            words = not told or any(_has_words(row, columns["text"]) for row in rows)
            if rows and words and all(len(row) <= len(names) for row in rows[:-1]):
                return _SpokenTable(rows=rows, names=names, columns=columns, sides=None if told else sides)
    return None


def _are_told(names: Sequence[str], columns: Mapping[str, int]) -> bool:
    """Tell whether columns certainly are a talk: by a sure name, an author with a time, or no other columns."""
    if not {"name", "text"} <= columns.keys():
        return False
    who = names[columns["name"]]
    return who in SURE or (who == "author" and "time" in columns) or set(columns.values()) == set(range(len(names)))


def _has_words(row: Sequence[str], column: int) -> bool:
    return len(row) > column and any(map(str.isalpha, row[column]))


def _called(name: str) -> str:
    return " ".join(name.strip().lower().replace("_", " ").replace("-", " ").split())


def _first(names: Sequence[str], called: frozenset[str]) -> int | None:
    return next((at for at, name in enumerate(names) if name in called), None)


def _rows(text: str, delimiter: str, *, whole: bool) -> Sequence[Sequence[str]]:
    """Return the non-empty rows below the header."""
    before = csv.field_size_limit(FIELD)
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=whole)
        return [row for row in rows if any(cell.strip() for cell in row)][1:]
    except csv.Error as error:
        raise MessageError(f"the table is damaged ({error}); save it as CSV again") from None
    finally:
        csv.field_size_limit(before)


def _read(value: Any) -> Iterable[ForeignTalk]:
    table = _table(value)
    if table is None:
        return
    talks: dict[str, list[SpokenLine]] = {}
    for row in table.rows:
        cells = [*row, *[""] * (len(table.names) - len(row))]
        talk = cells[table.columns["talk"]] if "talk" in table.columns else ""
        talks.setdefault(talk, []).extend(_lines(cells, table))
    for talk, lines in talks.items():
        yield ForeignTalk(items=turns_to_items(lines), title=talk, id=talk)


def _lines(cells: Sequence[str], table: _SpokenTable) -> Iterator[SpokenLine]:
    """Yield the words of a row; cells with words in columns of other names are added below."""
    time = iso(cells[table.columns["time"]]) if "time" in table.columns else None
    if table.sides is not None:
        for side, role in zip(table.sides, ("user", "assistant"), strict=True):
            if cells[side].strip():
                yield SpokenLine(name=role, text=cells[side], time=time)
        return
    used = set(table.columns.values())
    pairs = enumerate(zip(table.names, cells, strict=False))
    more = [f"{name}: {cell}" for at, (name, cell) in pairs if at not in used and " " in cell.strip()]
    text = "\n".join([cells[table.columns["text"]], *more]).strip()
    name = cells[table.columns["name"]].strip()
    if text:
        yield SpokenLine(name=role_of(name) or name, text=text, time=time)


FORM = ForeignForm(name="table of messages", recognise=_recognise, read=_read)
