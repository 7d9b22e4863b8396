"""Conversations from files, for the command line."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError, MessageError
from ..items import Item

__all__ = ["load"]

LINES = (".jsonl", ".ndjson")
"""File names that say: one JSON value a line."""

FIELDS = ("id", "kind", "role", "speaker", "session", "time", "source", "title")
"""Fields of an Item that a file may give beside `text`."""

FORMS = "a list of messages, {'messages': [...]}, or items with 'text'"


def load(path: str | os.PathLike[str]) -> list[Any] | dict[str, Any]:
    """Read the messages of a JSON or JSON-lines file.

    The file holds a list of messages, a request body with `messages` or `input`, or a list of items such as
    `{"text": ..., "speaker": ..., "session": ..., "time": ..., "role": ..., "id": ...}`.

    Returns:
        What `read` takes: a list of dicts, a request body, or a list of Items.

    Raises:
        InputError: the file is missing, empty, not JSON (with line and column), or holds something else.
    """
    file = Path(path)
    text = _text(file)
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        if not _in_lines(file, text, error):
            raise _broken(file, error, error.lineno) from None
        data = _lines(file, text)
    except ValueError as error:  # a number of thousands of digits
        raise InputError(f"{str(file)!r} cannot be read as JSON ({error}); mend the file") from None
    except RecursionError:
        raise InputError(f"{str(file)!r} is nested too deeply to be read; give {FORMS}") from None
    return _shaped(file, data)


def _text(file: Path) -> str:
    try:
        text = file.read_text("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"no file {str(file)!r}; check the path") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{str(file)!r} is not UTF-8 at byte {error.start:,}; save it as UTF-8 JSON") from None
    except OSError as error:
        raise InputError(f"cannot read {str(file)!r}: {error.strerror}; give a readable file") from None
    if not text.strip():
        raise InputError(f"{str(file)!r} is empty; give {FORMS}")
    return text


def _in_lines(file: Path, text: str, error: json.JSONDecodeError) -> bool:
    if file.suffix.lower() in LINES:
        return True
    return error.msg == "Extra data" and "\n" not in text[: error.pos].strip()


def _lines(file: Path, text: str) -> list[Any]:
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):  # splitlines would cut at U+2028 within a string
        if line.strip():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise _broken(file, error, number) from None
            except (ValueError, RecursionError) as error:
                raise InputError(f"{file}:{number}: cannot be read as JSON ({error}); mend the line") from None
    return rows


def _broken(file: Path, error: json.JSONDecodeError, line: int) -> InputError:
    return InputError(f"{file}:{line}:{error.colno}: broken JSON ({error.msg}); mend the file there")


def _shaped(file: Path, data: object) -> list[Any] | dict[str, Any]:
    if isinstance(data, list) and len(data) == 1 and (isinstance(data[0], list) or _is_body(data[0])):
        data = data[0]  # a file of one line
    if isinstance(data, dict):
        if _is_body(data):
            listed = data.get("messages")
            return _items(file, listed) if isinstance(listed, list) and _are_items(listed) else data
        data = [data]
    if not isinstance(data, list):
        raise InputError(f"{str(file)!r} holds {type(data).__name__}; give {FORMS}")
    if not data:
        raise InputError(f"{str(file)!r} holds no messages; give {FORMS}")
    if _are_items(data):
        return _items(file, data)
    if _is_body(data[0]):
        raise InputError(f"{str(file)!r} holds {len(data):,} conversations; give a file with one of them")
    if isinstance(data[0], dict) and not data[0].keys() & {"role", "type"}:
        keys = ", ".join(map(repr, data[0])) or "no keys"
        raise InputError(f"{str(file)!r} holds objects with {keys}; give {FORMS}")
    return data


def _is_body(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("messages", value.get("input")), list | str)


def _are_items(rows: object) -> bool:
    if not isinstance(rows, list) or not rows or not isinstance(rows[0], dict):
        return False
    return isinstance(rows[0].get("text"), str) and not rows[0].keys() & {"content", "type"}


def _items(file: Path, rows: Sequence[Any]) -> list[Item]:
    items = []
    for index, row in enumerate(rows):
        if not isinstance(row, Mapping) or not isinstance(row.get("text"), str):
            raise InputError(f"{str(file)!r}, item {index}: no 'text'; the items before it have one")
        fields = {"id": row.get("uid"), **{name: row[name] for name in FIELDS if name in row}}
        for name, value in fields.items():
            if value is not None and not isinstance(value, str | int | float):
                raise InputError(f"{str(file)!r}, item {index}: {name!r} is {type(value).__name__}; give a string")
        known = {name: str(value) for name, value in fields.items() if value is not None}
        try:
            items.append(Item(text=row["text"], **known))  # type: ignore[arg-type]  # kind is checked by Item
        except MessageError as error:
            raise InputError(f"{str(file)!r}, item {index}: {error}") from None
    return items
