"""Stores windows: `SqliteStore` in one file for years, `MemoryStore` for as long as the process lives."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from ..errors import InputError
from .memory import MemoryStore
from .protocol import Store
from .sqlite import SqliteStore
from .turns import Turn, UsageRecord, Vector, WindowSettings

__all__ = ["MemoryStore", "SqliteStore", "Store", "Turn", "UsageRecord", "Vector", "WindowSettings", "open_store"]


def open_store(where: str | PathLike[str] | Store | None = None) -> Store:
    """Return the given store, the store in the given file, or for None a new store in memory.

    Raises:
        InputError: `where` is neither a store nor a path.
        StoreError: the file cannot be used.

    Example:
        >>> open_store()
        MemoryStore(0 windows)
    """
    if where is None:
        return MemoryStore()
    if where == ":memory:":
        raise InputError("':memory:' is a name that only SQLite knows; give no store at all for one in memory")
    if isinstance(where, str | PathLike):
        return SqliteStore(Path(where))
    if isinstance(where, Store):
        return where
    raise InputError(f"a store is a path, a Store or None, not {type(where).__name__}")
