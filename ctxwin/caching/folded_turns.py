"""Writes results of tools shorter without loss, once and for all: the same bytes in every request that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from ..items import Item
from ..messages import rewrite
from ..messages.conversation import Path
from ..packing.shorten import SHORTEN_FROM
from ..packing.talk import Facts, Snapshot
from ..tokens import RequestRules, Tokenizer, count_items

__all__ = ["FoldedTurn", "FoldedTurns"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldedTurn:
    """A turn whose results are written shorter."""

    item: Item
    tokens: int
    how: str
    """The ways, in a few words: `JSON as tables`."""


class FoldedTurns:
    """The folded turns of talks, by talk; each turn is rewritten and counted once."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Facts, dict[tuple[Tokenizer, RequestRules], dict[int, FoldedTurn]]]
        self._known = WeakKeyDictionary()

    def of(self, talk: Snapshot, tokenizer: Tokenizer, rules: RequestRules) -> Mapping[int, FoldedTurn]:
        """Return the turns that take fewer tokens with their results written shorter, by row of the talk."""
        known = self._known.setdefault(talk.facts, {}).setdefault((tokenizer, rules), {})
        items = talk.conversation.items
        texts: dict[int, dict[Path, str]] = {}
        ways: dict[int, list[str]] = {}
        for (row, path), one in talk.folded(tokenizer).items():
            texts.setdefault(row, {})[path] = one.text
            ways.setdefault(row, []).append(one.how)
        counts = talk.counts(tokenizer, rules) if texts else ()
        found: dict[int, FoldedTurn] = {}
        for row, new in texts.items():
            if counts[row] < SHORTEN_FROM:
                continue
            position = int(talk.there[row - (talk.head is not None)])
            turn = known.get(position)
            if turn is None:
                item = _rewritten(items[row], new)
                tokens = sum(count_items([item], tokenizer, rules))
                known[position] = turn = FoldedTurn(item=item, tokens=tokens, how=", ".join(dict.fromkeys(ways[row])))
            if turn.tokens < counts[row]:
                found[row] = turn
        return found


def _rewritten(item: Item, texts: Mapping[Path, str]) -> Item:
    """Return a turn with other texts in some of its places; it is still found by the words that it came with."""
    parts = tuple(replace(part, text=texts.get(part.path, part.text)) for part in item.parts)
    return replace(item, parts=parts, raw=rewrite(item.raw or {}, texts))
