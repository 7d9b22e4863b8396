"""Reads and writes rows of a store's file, and tells whether a row is what was written.

SQLite notices broken pages, but not a changed value inside a page; so each row has a sum.
"""

from __future__ import annotations

import sqlite3
import zlib

import numpy as np

from ..items import content_hash
from .canonical import Content
from .turns import DTYPES, Vector

__all__ = ["column_of", "form_of", "intact", "row_sum", "stored", "vector_of"]

Value = str | int | float | bytes | None


def row_sum(*values: Value) -> int:
    """Return the sum of a row's values, which is stored with the row.

    Example:
        >>> row_sum("m1", 3, None) == row_sum("m1", 3, None) != row_sum("m1", 2, None)
        True
    """
    found = 0
    for value in values:
        plain = value if isinstance(value, bytes) else repr(value).encode("utf-8", "surrogatepass")
        found = zlib.crc32(plain + b"\0", found)
    return found


def intact(column: bytes | None, key: str) -> str | None:
    """Return a JSON text; None if its hash is not this one."""
    if column is None:
        return None
    try:
        form = column.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    return form if content_hash(form) == key else None


def vector_of(dtype: object, column: object) -> Vector | None:
    """Return a vector; None if its row is damaged, since vectors can be made again."""
    if (
        dtype not in DTYPES
        or not isinstance(column, bytes)
        or not column
        or len(column) % np.dtype(str(dtype)).itemsize
    ):
        return None
    vector: Vector = np.frombuffer(column, str(dtype))
    return vector


def stored(file: sqlite3.Connection, content: Content) -> int:
    """Return the number of a message; add the message if it is missing, and mend it if it was damaged."""
    file.execute(
        "INSERT INTO messages (key, hash, form) VALUES (?, ?, ?)"
        " ON CONFLICT (key) DO UPDATE SET form = excluded.form WHERE form IS NOT excluded.form",
        (content.key, content.hash, column_of(content.form)),
    )
    (number,) = file.execute("SELECT id FROM messages WHERE key = ?", (content.key,)).fetchone()
    return int(number)


def column_of(form: str) -> str | bytes:
    """Return a JSON text in a form that SQLite can store."""
    try:
        form.encode()
    except UnicodeEncodeError:
        return form.encode("utf-8", "surrogatepass")
    return form


def form_of(column: str | bytes) -> str:
    """Return the JSON text that `column_of` was given."""
    return column if isinstance(column, str) else column.decode("utf-8", "surrogatepass")
