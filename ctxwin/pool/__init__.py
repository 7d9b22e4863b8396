"""Count, index and embed items once, so that they can be packed many times."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from threading import RLock
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ..chunking import chunk_item
from ..embed import Nearest, Reading, Script
from ..errors import MessageError
from ..items import Item
from ..renditions import Sentences, split
from ..renditions.summaries.growing import Tree
from ..retrieve import DiskFirst, Index, ItemVectors, Weights
from ..retrieve.words.columns import Column
from ..retrieve.words.lexical import TermCounts
from ..tokens import Tokenizer, get_tokenizer
from .layout import Costs, costs_of
from .units import Units, item_units

__all__ = ["Among", "Pool", "Scored"]

Among = NDArray[np.bool_] | None
"""Which items of a pool are meant, (n,); None means all."""


class Scored:
    """The items of a pool, or some of them, with the index and vectors that their relevance is judged by."""

    def __init__(self, index: Index, vectors: dict[str, _PoolVectors], rows: NDArray[np.intp] | None = None) -> None:
        self._index = index
        self._vectors = vectors
        self._rows = rows

    @property
    def weights(self) -> Weights:
        """The weights of the features that the items are scored by."""
        return self._index.weights

    @property
    def index(self) -> Index:
        """The index over all items, by words only."""
        return self._index

    @property
    def scripts(self) -> set[Script]:
        """The scripts that the items are written in."""
        foreign = self._index.foreign
        found: set[Script] = {"foreign"} if foreign.any() else set()
        return found if foreign.all() else found | {"latin"}

    def to_embed(self, reading: Reading, among: Among = None) -> tuple[NDArray[np.intp], list[str]]:
        """List the items of a reading that its embedder has not embedded yet, and their texts, in order.

        Args:
            reading: names the embedder and the script of the items.
            among: the items that may get vectors. Default: all.
        """
        missing = self._read_by(reading, among)
        if (known := self._vectors.get(reading.name)) is not None:
            missing = missing & (known.rows_of(self._places) < 0)
        new = np.flatnonzero(missing)
        return new, [self._index.text_to_embed(i) for i in new.tolist()]

    def embedded(self, name: str, items: NDArray[np.intp], new: NDArray[np.float32]) -> None:
        """Add the vectors of the items that `to_embed` returned, unless another thread has added them meanwhile.

        Args:
            name: the embedder's name.
            items: (k,) the items.
            new: (k, d) their vectors, of unit length.
        """
        if len(items):
            self._vectors.setdefault(name, _PoolVectors()).add(self._places[items], new)

    def to_index(self, reading: Reading, among: Among = None) -> list[str]:
        """List the texts of a reading if an index on disk is due; none, for some items of a pool are compared exactly.

        Args:
            reading: names the embedder and the script of the items.
            among: the items that may get vectors. Default: all.
        """
        return []

    def indexed(self, reading: Reading, index: Nearest, rows: NDArray[np.intp]) -> None:
        """Take the vectors of the items whose texts `to_index` returned from an index on disk.

        Args:
            reading: as given to `to_index`.
            index: the index.
            rows: (k,) the row of each item's vector in the index.
        """
        places = self._places[self._read_by(reading, None)]
        self._vectors.setdefault(reading.name, _PoolVectors()).index(index, places, rows)

    def index_with(self, readings: Sequence[Reading], among: Among = None) -> Index:
        """Return the index with the vectors of these readings, each for the items of its script.

        Vectors of items that are not in `among` are not used, even if another call asked for them.
        """
        return self._index.with_vectors(*self.vectors(readings, among))

    def vectors(self, readings: Sequence[Reading], among: Among = None) -> Sequence[ItemVectors]:
        """Return the vectors of these readings, each for the items of its script."""
        out = []
        for reading in readings:
            if (known := self._vectors.get(reading.name)) is not None:
                rows, matrix = known.rows_and_matrix(self._places)
                row = np.where(self._read_by(reading, among), rows, -1)
                plain = len(row) == len(matrix) and np.array_equal(row, np.arange(len(row)))
                out.append(ItemVectors(name=reading.name, matrix=matrix, row=None if plain else row))
        return out

    @property
    def _places(self) -> NDArray[np.intp]:
        return np.arange(len(self._index)) if self._rows is None else self._rows

    def _read_by(self, reading: Reading, among: Among) -> NDArray[np.bool_]:
        foreign = self._index.foreign
        read = np.ones_like(foreign) if reading.script is None else foreign == (reading.script == "foreign")
        return read if among is None else read & among


SPLIT = 2_048
"""How many texts to remember the sentences of: those that the next questions are likely to need; some 20 MB."""


SPARSE = 1_000
"""Number of items from which it pays to free the items that were left out."""
DEAD = 2
"""Free the left-out items once all items together are more than this many times the items in use."""


class Pool(Scored):
    """Items that are counted, indexed and embedded once and packed many times.

    Documents are cut into chunks; later items with the same id get `~2`, `~3`, ... after it.

    Args:
        items: items, or plain strings.
        weights: the weights of the features that the items are scored by, from `ctxwin.retrieve`. Default: the
            package's own.

    Raises:
        MessageError: something in `items` is neither an `Item` nor a string; the message gives its index.

    Example:
        >>> pool = Pool([Item(text="The lease ends in May.", id="a"), "The cat is called Miso."])
        >>> len(pool), pool[0].id
        (2, 'a')
    """

    def __init__(self, items: Iterable[Item | str] = (), *, weights: Weights | None = None) -> None:
        self._items: list[Item] = []
        self._ids: Counter[str] = Counter()
        super().__init__(Index(weights=weights), {})
        self._all = self._index  # of which `take` leaves some out, and which then grows for all that share it
        self._costs: WeakKeyDictionary[Tokenizer, Costs] = WeakKeyDictionary()
        self._sentences: WeakKeyDictionary[Tokenizer, dict[tuple[str, str | None], Sentences]] = WeakKeyDictionary()
        self._units: Units | None = None
        self._tree = Tree(self._items)
        self.extend(items)

    def to_index(self, reading: Reading, among: Among = None) -> list[str]:
        """List the texts of a reading if they are so many that an index of them on disk is due; else none."""
        if among is not None or len(self) <= reading.embedder.indexed_from:
            return []
        items = np.flatnonzero(self._read_by(reading, None))
        known = self._vectors.get(reading.name)
        if len(items) <= reading.embedder.indexed_from or (known is not None and known.is_indexed(self._places[items])):
            return []
        return [self._index.text_to_embed(i) for i in items.tolist()]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def __getitem__(self, index: int) -> Item:
        return self._items[index]

    def __repr__(self) -> str:
        return f"Pool({len(self):,} items)"

    @property
    def items(self) -> Sequence[Item]:
        """All items in order, each document as its chunks."""
        return self._items

    def extend(self, items: Iterable[Item | str], terms: Sequence[TermCounts] | None = None) -> None:
        """Add items at the end; the items already there are not indexed, counted or embedded again.

        Args:
            items: items, or plain strings.
            terms: the items' counts from `ctxwin.retrieve.count_terms`, if known, in one or more batches.
        """
        new = [self._named(item) for index, given in enumerate(items) for item in self._opened(given, index)]
        if not new:
            return
        self._items += new
        places = np.arange(len(self._all), len(self._all) + len(new))
        self._all.extend(new, terms)
        if self._rows is not None:
            self._look_at(np.concatenate([self._rows, places]))
        elif self._index is not self._all:
            self._index = self._all.with_weights(self.weights)
        self._units = None

    def take(
        self, rows: NDArray[np.intp], more: Iterable[Item | str] = (), terms: Sequence[TermCounts] | None = None
    ) -> Pool:
        """Return a pool of these items, (m,) in any order; it behaves as if built from them.

        The items already there are not indexed, counted or embedded again, and this pool does not change. Items that
        are left out stay in memory until they are more than half of all.

        Args:
            rows: indices of the items; the items of `more` are numbered on from the last item of this pool.
            more: new items for the returned pool.
            terms: the counts of `more` from `ctxwin.retrieve.count_terms`, if known, in one or more batches.

        Example:
            >>> [item.text for item in Pool(["a", "b", "c"]).take(np.array([3, 0, 1]), ["d"])]
            ['d', 'a', 'b']
        """
        if self._rows is None:
            self._look_at(np.arange(len(self)))  # what both share may grow for the other
        grown = copy.copy(self)
        grown._items, grown._costs = list(self._items), WeakKeyDictionary(self._costs)
        grown._tree = Tree(grown._items)
        left_out = np.ones(len(self), np.bool_)
        left_out[rows[rows < len(self)]] = False
        grown._ids = self._ids.copy()
        grown._ids.subtract(self._items[row].id for row in np.flatnonzero(left_out).tolist())
        grown.extend(more, terms)
        return grown._taken(rows)

    def _taken(self, rows: NDArray[np.intp]) -> Pool:
        other = copy.copy(self)
        other._items = [self._items[row] for row in rows.tolist()]
        other._units, other._sentences = None, WeakKeyDictionary(self._sentences)
        other._tree = Tree(other._items)
        known = {tokenizer: self.costs(tokenizer) for tokenizer in list(self._costs)}
        other._costs = WeakKeyDictionary(
            {by: costs.take(rows, other._items) for by, costs in known.items() if not any(costs.labels)}
        )
        places = self._places[rows]
        if len(self._all) > max(SPARSE, DEAD * len(rows)):
            other._all = self._all.compact(places)
            other._vectors = {name: vectors.take(places) for name, vectors in self._vectors.items()}
            places = np.arange(len(rows))
        other._look_at(places)
        return other

    def _look_at(self, places: NDArray[np.intp]) -> None:
        self._index = self._all.select(places).with_weights(self.weights)
        self._rows = places

    def _opened(self, given: Item | str, index: int) -> Sequence[Item]:
        if isinstance(given, str):
            return (Item(text=given, kind="passage"),)
        if not isinstance(given, Item):
            raise MessageError(
                f"a Pool holds Items or strings, not {type(given).__name__}; messages go to pack(messages)",
                index=index,
            )
        return chunk_item(given) if given.kind == "document" else (given,)

    def _named(self, item: Item) -> Item:
        self._ids[item.id] += 1
        seen = self._ids[item.id]
        return item if seen == 1 else self._named(replace(item, id=f"{item.id}~{seen}"))

    def costs(self, tokenizer: Tokenizer) -> Costs:
        """Count what each item costs when a block prints it, with this tokenizer."""
        known = self._costs.get(tokenizer)
        if known is None or len(known.tokens) < len(self):
            self._costs[tokenizer] = known = costs_of(self._items, tokenizer, known)
        return known

    def sentences(self, text: str, tokenizer: Tokenizer, language: str | None = None) -> Sentences:
        """Split a text of an item into counted sentences; code is split by its syntax."""
        known = self._sentences.setdefault(tokenizer, {})
        if (found := known.get((text, language))) is None:
            found = split(text, tokenizer, language=language)
            if len(known) >= SPLIT:
                known.clear()
            known[text, language] = found
        return found

    @property
    def tree(self) -> Tree:
        """Segments, sessions and so on of the items, with what each says; it grows when it is asked."""
        return self._tree

    @property
    def units(self) -> Units:
        """Groups of one item each."""
        self._units = self._units or item_units(self._items)
        return self._units

    def only(self, rows: NDArray[np.bool_]) -> Pool:
        """Return the same pool where only these items, (n,), may be packed; all are scored as before."""
        other = copy.copy(self)
        units = self.units
        other._units = replace(units, barred=units.barred | ~rows, required=units.required & rows)
        return other

    def with_weights(self, weights: Weights) -> Pool:
        """Return the same pool, scored with other weights."""
        other = copy.copy(self)
        other._index = self._index.with_weights(weights)
        return other

    def select(self, rows: NDArray[np.intp]) -> Scored:
        """Return some items, (m,) ascending, to be scored as if the pool had no others.

        The selection does not change when the pool grows; the pool and the selection share their vectors.
        """
        places = self._places[rows]
        return Scored(self._all.select(places).with_weights(self.weights), self._vectors, places)

    def count(self, tokenizer: str | Tokenizer = "o200k_base") -> int:
        """Count the tokens of all items as a block prints them, without headings.

        Example:
            >>> Pool(["The cat is called Miso."]).count()
            7
        """
        return int(self.costs(get_tokenizer(tokenizer)).tokens.sum())


class _PoolVectors:
    """The vectors of one embedder: those of an index on disk, if there is one, then others in the order of arrival."""

    def __init__(self) -> None:
        self._items = Column(np.empty(0, np.intp))
        self._matrix = Column(np.empty((0, 0), np.float32))
        self._disk: Nearest | None = None
        self._on_disk = np.empty((0, 2), np.intp)  # item and row of each item in the index
        self._lock = RLock()

    def take(self, items: NDArray[np.intp]) -> _PoolVectors:
        """Return the vectors of some items; the items are then numbered 0, 1, and so on."""
        taken = _PoolVectors()
        rows, matrix = self.rows_and_matrix(items)
        taken.add(np.flatnonzero(rows >= 0), matrix[rows[rows >= 0]])
        return taken

    def rows_of(self, items: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the row of each item's vector, -1 for an item without one."""
        return self.rows_and_matrix(items)[0]

    def rows_and_matrix(self, items: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.float32] | DiskFirst]:
        """Return the row of each item's vector, -1 for an item without one, and the matrix of the rows."""
        with self._lock:  # another thread may add to all of these
            known, memory, disk, on_disk = self._items.array, self._matrix.array, self._disk, self._on_disk
        row = np.full(1 + max(known.max(initial=-1), items.max(initial=-1), on_disk.max(initial=-1)), -1, np.intp)
        row[known] = np.arange(len(known))
        if disk is None:
            return row[items], memory
        row[known] += len(disk)
        row[on_disk[:, 0]] = on_disk[:, 1]
        return row[items], DiskFirst(disk, memory)

    def add(self, items: NDArray[np.intp], matrix: NDArray[np.float32]) -> None:
        """Add the vectors of items that have none yet."""
        with self._lock:
            new = self.rows_of(items) < 0
            self._matrix = self._matrix.plus(matrix[new])
            self._items = self._items.plus(items[new])

    def index(self, index: Nearest, items: NDArray[np.intp], rows: NDArray[np.intp]) -> None:
        """Take the vectors of some items from an index on disk, and free those in memory."""
        with self._lock:
            left = ~np.isin(self._items.array, items)
            self._matrix = Column(self._matrix.array[left])
            self._items = Column(self._items.array[left])
            self._disk, self._on_disk = index, np.stack([items, rows], axis=1)

    def is_indexed(self, items: NDArray[np.intp]) -> bool:
        """Tell whether an index on disk has these items and no others, so that equal items give equal cosines."""
        return self._disk is not None and np.array_equal(np.sort(self._on_disk[:, 0]), np.sort(items))
