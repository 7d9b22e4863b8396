"""Keeps the token counts of a window's messages in its store, so that a new process need not count them again."""

from __future__ import annotations

from ..models import Model
from ..store import Store
from ..tokens import Tokenizer
from .contents import Contents

__all__ = ["StoredCounts"]


class StoredCounts:
    """Token counts of a window's messages in the store, by one tokenizer and one model's rules."""

    def __init__(self, contents: Contents, store: Store, tokenizer: Tokenizer, row: Model | None) -> None:
        self._contents = contents
        self._store = store
        self._by = tokenizer, row
        self._name = f"{tokenizer.name}/{row.template if row else contents.talk.dialect}"
        self._stored = 0
        self.load()

    def load(self) -> None:
        """Hand the stored counts to the talk, up to the first message without one."""
        tokenizer, row = self._by
        hashes = [turn.hash for turn in self._contents.turns]
        known = self._store.counts(self._name, hashes)
        self._stored = next((i for i, name in enumerate(hashes) if name not in known), len(hashes))
        if self._stored:
            self._contents.talk.set_counts([known[name] for name in hashes[: self._stored]], tokenizer, model=row)

    def keep(self) -> None:
        """Store the counts that are new."""
        tokenizer, row = self._by
        turns, counts = self._contents.turns, self._contents.talk.counts(tokenizer, model=row).tolist()
        new = list(zip(turns, counts, strict=False))[self._stored :]
        if new:
            self._store.save_counts(self._name, {turn.hash: count for turn, count in new})
            self._stored += len(new)
