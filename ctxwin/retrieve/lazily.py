"""Read a figure from texts only when a question asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..items import Item
from .talk.place import Scores

__all__ = ["Lazily"]


class Lazily:
    """A figure read from each item's text, (n,), when first asked for; 0 for items of other kinds.

    Copies of an index share the figures. Threads that ask at once read the same figures, and either result is kept.
    """

    def __init__(self, read: Callable[[str], float], *kinds: str) -> None:
        self._read, self._kinds = read, kinds
        self._values: Scores = np.zeros(0, np.float32)

    def of(self, items: Sequence[Item]) -> Scores:
        """Return the figures of `items`; earlier calls had the first of these items."""
        values = self._values
        if new := items[len(values) :]:
            read = [self._read(item.text) if item.kind in self._kinds else 0.0 for item in new]
            self._values = values = np.concatenate([values, np.asarray(read, np.float32)])
        return values
