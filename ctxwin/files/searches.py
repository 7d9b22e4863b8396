"""Searches large files for questions, and remembers the last finds, since an agent asks the same at each step."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import RLock

import numpy as np

from ..items import Item
from ..pool import Pool
from .file_text import mark_of
from .scanning import Scan, Scanned, Target, Tell, search

__all__ = ["Searches"]

ANSWERS = 8
"""Questions whose finds are remembered: enough for the steps of an agent, and for several agents at a time."""


class Searches:
    """Searches large files for questions, and joins the finds to the pool of the other files.

    Args:
        most: bytes of large files that one question reads at most.
        allow_secrets: whether secrets stay in the finds.
        tell: called with (activity, bytes read, bytes in all).
    """

    def __init__(self, *, most: int, allow_secrets: bool, tell: Tell) -> None:
        self._most, self._allow_secrets, self._tell = most, allow_secrets, tell
        self._lock = RLock()
        self._scans: OrderedDict[tuple[object, ...], Scan] = OrderedDict()
        self._asked: tuple[Pool, Scan, Pool] | None = None

    @property
    def found(self) -> Sequence[Item]:
        """The finds of the last questions."""
        with self._lock:
            return tuple(item for scan in self._scans.values() for item in scan.items)

    def joined(self, pool: Pool, targets: Sequence[Target], question: str) -> tuple[Pool, Sequence[Scanned]]:
        """Return a pool with a question's finds in the targets, and how much of each target was read."""
        scan = self._scan(targets, question)
        with self._lock:
            known = self._asked if self._asked is not None and self._asked[0] is pool else (pool, Scan(), pool)
            if known[1] is not scan:
                # Grown from the one before, whose finds go: the index under them is shared, and would grow for ever.
                before, found = known[2], np.arange(len(scan.items))
                rows = np.concatenate([np.arange(len(pool)), len(before) + found])
                known = (pool, scan, before.take(rows, scan.items))
            self._asked = known
            return known[2], scan.scanned

    def _scan(self, targets: Sequence[Target], question: str) -> Scan:
        """Search large files as they are now, or return the remembered finds if question and files are the same."""
        key = (question, *((one.source, one.text or mark_of(one.path)) for one in targets))
        with self._lock:
            if (known := self._scans.get(key)) is not None:
                self._scans.move_to_end(key)
                return known
        scan = search(targets, question, most=self._most, tell=self._tell, allow_secrets=self._allow_secrets)
        with self._lock:
            self._scans[key] = scan
            while len(self._scans) > ANSWERS:
                self._scans.popitem(last=False)
        return scan
