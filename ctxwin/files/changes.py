"""Defines `Changes`: the files that were added, changed and removed between two readings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Changes", "changes_between"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The files that a refresh found changed; true if there are any. A renamed file is both removed and added."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def changes_between(before: Mapping[str, bytes], now: Mapping[str, bytes]) -> Changes:
    """Compare two readings of files, each given as the hash of each file's content, by source.

    Example:
        >>> changes_between({"a": b"1", "b": b"2"}, {"b": b"3", "c": b"4"})
        Changes(added=('c',), changed=('b',), removed=('a',))
    """
    return Changes(
        added=tuple(source for source in now if source not in before),
        changed=tuple(source for source, digest in now.items() if before.get(source, digest) != digest),
        removed=tuple(source for source in before if source not in now),
    )
