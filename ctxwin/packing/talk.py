"""Hold a conversation that grows and is packed again and again: part of the station "read" of a packing.

A `Talk` reads, counts, indexes and embeds each message once; a `Snapshot` is the conversation at one moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from threading import RLock
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..citations.injections import addresses
from ..embed import get_embedder
from ..items import Item, content_hash
from ..messages import Conversation, Dialect, Transcript
from ..messages.conversation import Path
from ..models import Model, get_model
from ..pool import Pool, Scored
from ..pool.layout import duplicate_weights
from ..pool.units import reasons_to_stay, resolve_pins
from ..renditions import Folded, Sentences, fold
from ..renditions.summaries.growing import Kept, Tree, View
from ..renditions.summaries.nodes import summary_key
from ..renditions.summaries.telling import Telling
from ..renditions.summaries.writing import limits_of, write_summaries
from ..renditions.summarize import Summarizer
from ..retrieve.words.columns import Column
from ..standing import Entry, Name, Names, Said, Standing, is_note, is_omitted
from ..standing.masking import masked
from ..tokens import RequestRules, Tokenizer, count_items, get_rules, get_tokenizer

__all__ = ["Facts", "Snapshot", "Talk", "sentence_key"]


class Talk:
    """A conversation that grows; `pack` takes a `Talk` in place of a list of messages, with the same result.

    Each message is read, counted, indexed and embedded once. Threads may extend and pack one talk at the same time: a
    packing sees the messages that there were when it began.

    Args:
        messages: messages as `pack` takes them. Default: no messages yet.
        dialect: the dialect of the messages. Default: found out from the messages; all messages are read anew where a
            later message is the first to show the dialect.

    Raises:
        MessageError: a message is malformed; the message has its index.

    Example:
        >>> from ctxwin import pack
        >>> talk = Talk([{"role": "user", "content": f"Locker {n} opens with {n * n}."} for n in range(50)])
        >>> talk.extend([{"role": "user", "content": "What opens locker 31?"}])
        >>> "31 opens with 961" in pack(talk, budget=100, embedder="none").text
        True
    """

    def __init__(self, messages: Any = None, *, dialect: Dialect | None = None) -> None:
        self._transcript = Transcript(() if messages is None else messages, dialect=dialect)
        self._facts = Facts(self._transcript.items)
        self._kept: Kept | None = None
        self._snapshot: Snapshot | None = None
        self._withdrawn: frozenset[tuple[str, str]] = frozenset()
        self._lock = RLock()

    def __len__(self) -> int:
        return len(self._transcript.items)

    def __repr__(self) -> str:
        return f"Talk({len(self):,} messages, {self.dialect})"

    @property
    def dialect(self) -> Dialect:
        """The dialect of the messages."""
        return self._transcript.dialect

    @property
    def items(self) -> Sequence[Item]:
        """One item for each message, forgotten messages included; a system prompt outside the messages has no item."""
        return tuple(self._transcript.items)

    def extend(self, messages: Sequence[Mapping[str, Any] | Item]) -> None:
        """Append all messages, or none if one is refused.

        An Item without text takes the text of its `raw` message.

        Raises:
            MessageError: a message is malformed, or a result has no call; the error has the position in the talk.
        """
        with self._lock:
            self._transcript.extend(messages)
            if self._facts.items is not self._transcript.items:
                self._facts = Facts(self._transcript.items)
                self._facts.tree().keep_in(self._kept)
            self._snapshot = None

    @property
    def system(self) -> Any:
        """The system prompt that is kept apart from the messages, or None.

        In a request, the system prompt is the first message for OpenAI chat and stands outside the messages for other
        dialects. A system message among the messages stays where it is.
        """
        head = self._transcript.head
        return head.raw["content"] if head is not None and head.raw is not None else None

    @system.setter
    def system(self, content: Any) -> None:
        with self._lock:
            self._transcript.set_system(content)
            self._snapshot = None

    @property
    def forgotten(self) -> frozenset[int]:
        """Positions of the messages that `forget` left out."""
        return self._transcript.forgotten

    def forget(self, *positions: int) -> None:
        """Leave messages and their groups out of every packing, as if the messages were not in the list.

        Raises:
            InputError: there is no message at a position.
        """
        with self._lock:
            self._forget_only(self.forgotten | set(positions))

    def unforget(self, *positions: int) -> None:
        """Undo `forget` for some messages."""
        with self._lock:
            self._forget_only(self.forgotten - set(positions))

    def without(self, *positions: int) -> Talk:
        """Return the present conversation with these messages left out too; counts and vectors are shared.

        The returned talk is to be packed, not to grow.
        """
        with self._lock:
            view = copy(self)
            view._transcript, view._lock = copy(self._transcript), RLock()
            view._forget_only(self.forgotten | set(positions))
            view.snapshot()
        return view

    @property
    def withdrawn(self) -> frozenset[tuple[str, str]]:
        """Sentences that do not stand, whatever they say, by `sentence_key`; their messages stay as they are."""
        return self._withdrawn

    @withdrawn.setter
    def withdrawn(self, keys: Iterable[tuple[str, str]]) -> None:
        with self._lock:
            self._withdrawn = frozenset(keys)
            self._snapshot = None

    def _forget_only(self, positions: frozenset[int]) -> None:
        if positions != self.forgotten:
            self._transcript.forget(positions)
            self._snapshot = None

    @property
    def pool(self) -> Pool:
        """All messages as a pool. Known vectors are given to the pool by `pool.embedded(name, positions, matrix)`."""
        with self._lock:
            facts, size = self._facts, len(self)
        return facts.pool(size)

    def counts(self, tokenizer: Any = None, *, model: str | Model | None = None) -> NDArray[np.int64]:
        """Return the tokens of each message, (n,); only new messages are counted.

        Args:
            tokenizer: a tokenizer as `pack` takes it. Default: the tokenizer of the model.
            model: the model whose counting rules hold. Default: the rules of the dialect.
        """
        with self._lock:
            facts, size, by = self._facts, len(self), self._counting(tokenizer, model)
        return facts.counts(*by, size)

    def set_counts(self, counts: ArrayLike, tokenizer: Any = None, *, model: str | Model | None = None) -> None:
        """Take the (k,) counts that `counts` returned earlier for the first k messages."""
        with self._lock:
            self._facts.set_counts(np.asarray(counts, np.int64), *self._counting(tokenizer, model))

    def _counting(self, tokenizer: Any, model: str | Model | None) -> tuple[Tokenizer, RequestRules]:
        row = get_model(model) if model is not None else None
        return get_tokenizer(tokenizer if tokenizer is not None else row), get_rules(self.dialect, row)

    def prepare(self, *, tokenizer: Any = None, model: str | Model | None = None, embedder: Any = None) -> None:
        """Count, index and embed new messages ahead of the next packing; may run in a thread of its own.

        Args:
            tokenizer: the tokenizer that `pack` will be given.
            model: the model that `pack` will be given.
            embedder: the embedder that `pack` will be given.
        """
        self.counts(tokenizer, model=model)
        self.embed_ahead(embedder)

    def embed_ahead(self, embedder: Any = None) -> None:
        """Index and embed new messages, and count none; may run in a thread of its own.

        Args:
            embedder: the embedder that `pack` will be given.
        """
        now = self.snapshot()
        turns = now.select(np.flatnonzero(now.stand == 0))
        reader = get_embedder("auto" if embedder is None else embedder)
        question = now.conversation.items[now.conversation.asked].text if now.conversation.asked is not None else ""
        for reading in reader.readings(question, turns.scripts) if reader is not None else ():
            items, texts = turns.to_embed(reading)
            turns.embedded(reading.name, items, reading.embedder.embed(texts))

    def read_ahead(self) -> None:
        """Find what stands, and what only some questions ask for: rules and what speakers say of themselves.

        Otherwise the next packing that needs it does this work. May run in a thread of its own.
        """
        self.snapshot().said()
        self.pool.index.read_ahead()

    def tell_ahead(self, most: int) -> bool:
        """Make at most so many nodes of the tree over the messages; return whether all are there.

        A question for a summary of the whole makes what is missing. May run in a thread of its own.
        """
        now = self.snapshot()
        return now.facts.tree(now.size).grow(now.there, most)

    def sum_up_ahead(self, summarizer: Summarizer) -> None:
        """Have nodes of the tree summed up, as many at once as the summarizer allows, the oldest first.

        The summarizer works in threads that end with the program, within its `limits`, whether or not a packing may
        wait for it; what it wrote is among the next `new_summaries`.
        """
        telling = Telling(self.snapshot().tree(), summarizer, addresses)
        some = map(telling.source, telling.open()[: limits_of(summarizer).workers])
        taken = {source.text: partial(telling.take, source) for source in some}
        write_summaries(summarizer, list(taken), taken)

    def keep_nodes_in(self, kept: Kept) -> None:
        """Look for nodes of the tree in this place, by their keys, before they are made."""
        with self._lock:
            self._kept = kept
            self._facts.tree().keep_in(kept)

    def new_nodes(self) -> dict[str, bytes]:
        """Return the nodes that were made since this was asked last, by key."""
        return self._facts.tree().take_new()

    def new_summaries(self) -> dict[str, bytes]:
        """Return what a summarizer wrote of nodes since this was asked last, by key."""
        return self._facts.tree().take_summaries()

    def node_keys(self, positions: Sequence[int]) -> list[str]:
        """Return the keys of all nodes that depend on some messages, and of their summaries.

        They are found whether forgotten messages are left out or not.
        """
        now, some = self.snapshot(), np.asarray(positions, np.intp)
        tree = now.facts.tree(now.size)
        keys = [tree.keys_over(rows, some) for rows in (np.arange(now.size), np.union1d(now.there, some), now.there)]
        return [key for node in dict.fromkeys(chain.from_iterable(keys)) for key in (node, summary_key(node))]

    def summary_keys(self) -> list[str]:
        """Return the keys of the summaries of all nodes over the messages, written or not."""
        view = self.snapshot().tree()
        return [summary_key(view.key(place)) for place in view.nodes()]

    def snapshot(self) -> Snapshot:
        """Return the conversation at this moment as a value that can be packed."""
        with self._lock:
            if self._snapshot is None:
                script, facts = self._transcript, self._facts
                self._snapshot = Snapshot(
                    conversation=script.conversation,
                    head=script.head,
                    there=script.there,
                    size=len(self),
                    facts=facts,
                    withdrawn=self._withdrawn,
                )
            return self._snapshot


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Snapshot:
    """The messages of a talk that a packing sees: n items, perhaps with a system prompt before the messages."""

    conversation: Conversation
    head: Item | None
    """The system prompt that is kept apart from the messages."""
    there: NDArray[np.intp]
    """Positions in the talk of the messages that are not forgotten, ascending."""
    size: int
    """Number of messages in the talk at this moment, forgotten messages included."""
    facts: Facts
    withdrawn: frozenset[tuple[str, str]] = frozenset()
    """Sentences that do not stand, by `sentence_key`; the older sentences that they replaced do not return."""

    @property
    def _ahead(self) -> Sequence[Item]:
        return () if self.head is None else (self.head,)

    @property
    def stand(self) -> NDArray[np.int8]:
        """Why each item must stay wherever it stands, (n,) codes of `reasons_to_stay`."""
        return np.concatenate([reasons_to_stay(self._ahead), self.facts.stand(self.size)[self.there]])

    @property
    def duplicate(self) -> NDArray[np.float64]:
        """How strongly each item is discounted when a similar item is in the request, (n,)."""
        return np.concatenate([duplicate_weights(self._ahead), self.facts.duplicate(self.size)[self.there]])

    @property
    def noted(self) -> NDArray[np.bool_]:
        """Whether each item is a note of an earlier packing, of what stands or of what is left out, (n,)."""
        return np.concatenate([_notes(self._ahead), self.facts.noted(self.size)[self.there]])

    def counts(self, tokenizer: Tokenizer, rules: RequestRules) -> NDArray[np.int64]:
        """Return the tokens of each item, (n,)."""
        ahead = np.asarray(count_items(self._ahead, tokenizer, rules), np.int64)
        return np.concatenate([ahead, self.facts.counts(tokenizer, rules, self.size)[self.there]])

    def folded(self, tokenizer: Tokenizer) -> dict[tuple[int, Path], Folded]:
        """Return the results of tools that can be written shorter without loss, by item and path."""
        found = self.facts.folded(tokenizer, self.size)
        held = np.flatnonzero(np.isin(self.there, list(found))) if found else np.zeros(0, np.intp)
        ahead = len(self._ahead)
        return {(ahead + at, path): new for at in held.tolist() for path, new in found[int(self.there[at])]}

    def said(self, *, allow_secrets: bool = False) -> Said:
        """Return the sentences of the messages with their strength, but those that a newer one replaces."""
        said = replace(self.facts.said(self._is_there()), allow_secrets=allow_secrets)
        if not self.withdrawn:
            return said
        sources = {source for source, _ in self.withdrawn}
        stays = [one.source not in sources or sentence_key(one) not in self.withdrawn for one in said.entries]
        return said.only(np.array(stays, np.bool_))

    def names(self) -> list[Name]:
        """Return what the messages named, the strongest first."""
        return self.facts.named(self._is_there().tolist())

    def _is_there(self) -> NDArray[np.bool_]:
        there = np.zeros(self.size, np.bool_)
        there[self.there] = True
        return there

    def index(self, position: int) -> int:
        """Return the index among the items of the message at a position in the talk."""
        return len(self._ahead) + int(np.searchsorted(self.there, position))

    def indices(self, positions: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the indices among the items of messages at (k,) positions in the talk."""
        return len(self._ahead) + np.searchsorted(self.there, positions)

    def find(self, name: str) -> int | None:
        """Return the index of the item with this id; None where no such item is in the talk or it is forgotten."""
        position = self.facts.position(name, self.size)
        if position is not None:
            at = int(np.searchsorted(self.there, position))
            if at < len(self.there) and self.there[at] == position:
                return len(self._ahead) + at
        return 0 if self.head is not None and self.head.id == name else None

    def select(self, items: NDArray[np.intp]) -> Scored:
        """Return some messages, (m,) ascending indices of items, to be scored as though there were no others."""
        return self.facts.select(self.there[items - len(self._ahead)], self.size)

    def tree(self) -> View:
        """Return segments, sessions and so on of the messages that are there, but a system prompt kept apart."""
        return self.facts.tree(self.size).view(self.there)

    def pinned(self, pins: Iterable[int | str]) -> frozenset[int]:
        """Turn pins into indices of items; a pin on a forgotten message gives no index.

        Args:
            pins: ids, or positions in the talk; negative positions count from the end of the talk.

        Raises:
            InputError: a pin names no message.
        """
        if not (pins := list(pins)):
            return frozenset()
        positions = list(resolve_pins(self.facts.items[: self.size], pins))
        return frozenset((len(self._ahead) + np.flatnonzero(np.isin(self.there, positions))).tolist())


Folds = tuple[tuple[Path, Folded], ...]
"""The results in a message that can be written shorter, each with its path."""


def sentence_key(entry: Entry) -> tuple[str, str]:
    """Return the id of the message that holds a sentence, and a hash of the sentence without its secrets."""
    return entry.source, content_hash(masked(entry.text))


class Facts:
    """Facts about messages beyond their texts: counts, reasons to stay, an index; each worked out when first asked."""

    def __init__(self, items: list[Item]) -> None:
        self.items = items
        self._pool = Pool()
        self._stand = Column(np.empty(0, np.int8))
        self._duplicate = Column(np.empty(0, np.float64))
        self._noted = Column(np.empty(0, np.bool_))
        self._counts: WeakKeyDictionary[Tokenizer, dict[RequestRules, Column[np.int64]]] = WeakKeyDictionary()
        self._folded: WeakKeyDictionary[Tokenizer, tuple[int, dict[int, Folds]]] = WeakKeyDictionary()
        """For each tokenizer how many messages were read, and what was found."""
        self._positions: dict[str, int] = {}
        self._named = 0
        self._standing = Standing()
        self._names = Names()
        self._lock = RLock()

    def position(self, name: str, size: int) -> int | None:
        """Return the position of the message with this id among the first `size`; the last if several have the id."""
        with self._lock:
            for position in range(self._named, size):
                self._positions[self.items[position].id] = position
            self._named = max(self._named, size)
            found = self._positions.get(name, size)
            return found if found < size else None

    def stand(self, size: int) -> NDArray[np.int8]:
        """Return `reasons_to_stay` of the first `size` messages."""
        with self._lock:
            self._stand = self._stand.plus(reasons_to_stay(self.items[len(self._stand.array) : size]))
            return self._stand.array[:size]

    def noted(self, size: int) -> NDArray[np.bool_]:
        """Tell which of the first `size` messages are notes of an earlier packing."""
        with self._lock:
            self._noted = self._noted.plus(_notes(self.items[len(self._noted.array) : size]))
            return self._noted.array[:size]

    def said(self, there: NDArray[np.bool_]) -> Said:
        """Return the sentences of the messages that are there, but those that a newer one replaces."""
        with self._lock:
            self._standing.extend(self.items[len(self._standing) : len(there)])
            return self._standing.said(there)

    def named(self, there: Sequence[bool]) -> list[Name]:
        """Return what the messages that are there named, the strongest first."""
        with self._lock:
            self._names.extend(self.items[len(self._names) : len(there)])
            return self._names.ranked(there)

    def duplicate(self, size: int) -> NDArray[np.float64]:
        """Return `duplicate_weights` of the first `size` messages."""
        with self._lock:
            self._duplicate = self._duplicate.plus(duplicate_weights(self.items[len(self._duplicate.array) : size]))
            return self._duplicate.array[:size]

    def counts(self, tokenizer: Tokenizer, rules: RequestRules, size: int) -> NDArray[np.int64]:
        """Return the tokens of each of the first `size` messages."""
        with self._lock:
            by_rules = self._counts.setdefault(tokenizer, {})
            known = by_rules.get(rules, Column(np.empty(0, np.int64)))
            by_rules[rules] = known = known.plus(count_items(self.items[len(known.array) : size], tokenizer, rules))
            return known.array[:size]

    def set_counts(self, counts: NDArray[np.int64], tokenizer: Tokenizer, rules: RequestRules) -> None:
        """Take counts of the first `len(counts)` messages."""
        with self._lock:
            self._counts.setdefault(tokenizer, {})[rules] = Column(counts[: len(self.items)])

    def folded(self, tokenizer: Tokenizer, size: int) -> Mapping[int, Folds]:
        """Return the results that can be written shorter, by position, of at least the first `size` messages."""
        with self._lock:
            read, known = self._folded.get(tokenizer, (0, {}))
            results = [
                (position, part.path, part.text)
                for position, item in enumerate(self.items[read:size], read)
                for part in item.parts
                if part.kind == "result" and part.path and part.text
            ]
            new = fold([text for _, _, text in results], tokenizer)
            for (position, path, _), one in zip(results, new, strict=True):
                if one is not None:
                    known[position] = (*known.get(position, ()), (path, one))
            self._folded[tokenizer] = max(read, size), known
            return dict(known)

    def pool(self, size: int) -> Pool:
        """Return a pool of at least the first `size` messages."""
        with self._lock:
            # A pool would cut a document; a message stays one turn, however long.
            new = (_as_turn(item) for item in self.items[len(self._pool) : size])
            self._pool.extend(new)
            return self._pool

    def tree(self, size: int = 0) -> Tree:
        """Return the tree over at least the first `size` messages."""
        with self._lock:
            return self.pool(size).tree

    def select(self, positions: NDArray[np.intp], size: int) -> Scored:
        """Return some of the first `size` messages to be scored."""
        with self._lock:
            return self.pool(size).select(positions)

    def sentences(self, text: str, tokenizer: Tokenizer, language: str | None = None) -> Sentences:
        """Return the text of a message, split into counted sentences."""
        return self._pool.sentences(text, tokenizer, language)


def _notes(items: Iterable[Item]) -> NDArray[np.bool_]:
    return np.array([is_note(item) or is_omitted(item) for item in items], np.bool_)


def _as_turn(item: Item) -> Item:
    return replace(item, kind="turn") if item.kind == "document" else item
