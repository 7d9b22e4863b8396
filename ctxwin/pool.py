"""A pool: items counted and indexed once, packed many times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from .chunking import chunk_item
from .constraints import Units, item_units
from .errors import MessageError
from .items import Item
from .layout import Pieces, count_pieces
from .renditions import Sentences, split
from .retrieve import Index, Weights
from .tokens import Tokenizer, get_tokenizer

__all__ = ["Pool"]


class Pool:
    """Items that are counted, indexed and embedded once and packed many times.

    Documents are cut into chunks; items with the same id get `~2`, `~3`, ... after it.

    Args:
        items: items, or plain strings.
        weights: of the features by which they are scored, from `ctxwin.retrieve`; None for the package's own.

    Raises:
        MessageError: something in `items` is neither an `Item` nor a string; the message gives its index.

    Example:
        >>> pool = Pool([Item(text="The lease ends in May.", id="a"), "The cat is called Miso."])
        >>> len(pool), pool[0].id
        (2, 'a')
    """

    def __init__(self, items: Iterable[Item | str] = (), *, weights: Weights | None = None) -> None:
        self._items: list[Item] = []
        self._ids: dict[str, int] = {}
        self._index = Index(weights=weights)
        self._pieces: WeakKeyDictionary[Tokenizer, Pieces] = WeakKeyDictionary()
        self._sentences: WeakKeyDictionary[Tokenizer, dict[str, Sentences]] = WeakKeyDictionary()
        self._vectors: dict[str, NDArray[np.float32]] = {}
        self._units: Units | None = None
        self._lock = Lock()
        self.extend(items)

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
        """All items in their order, documents as their chunks."""
        return self._items

    def extend(self, items: Iterable[Item | str]) -> None:
        """Add items at the end; what is there already is neither indexed nor embedded again."""
        new = [self._named(item) for index, given in enumerate(items) for item in self._opened(given, index)]
        if not new:
            return
        self._items += new
        self._index.extend(new)
        self._pieces.clear()
        self._units = None

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
        seen = self._ids[item.id] = self._ids.get(item.id, 0) + 1
        return item if seen == 1 else self._named(replace(item, id=f"{item.id}~{seen}"))

    def pieces(self, tokenizer: Tokenizer) -> Pieces:
        """Return what each item costs when printed in a block, by this tokenizer."""
        if tokenizer not in self._pieces:
            self._pieces[tokenizer] = count_pieces(self._items, tokenizer)
        return self._pieces[tokenizer]

    def sentences(self, text: str, tokenizer: Tokenizer) -> Sentences:
        """Return a text of an item split into counted sentences."""
        known = self._sentences.setdefault(tokenizer, {})
        if text not in known:
            known[text] = split(text, tokenizer)
        return known[text]

    @property
    def units(self) -> Units:
        """Each item as a unit of choice of its own."""
        self._units = self._units or item_units(self._items)
        return self._units

    @property
    def weights(self) -> Weights:
        """The weights of the features by which its items are scored."""
        return self._index.weights

    @property
    def index(self) -> Index:
        """The index over all items, by words alone."""
        return self._index

    def to_embed(self, name: str) -> tuple[int, list[str]]:
        """Return how many texts the embedder `name` has seen already, and the rest of them, in order."""
        have = self._vectors.get(name)
        seen = 0 if have is None else len(have)
        return seen, self._index.texts_to_embed[seen:] if seen < len(self) else []

    def embedded(self, name: str, seen: int, new: NDArray[np.float32]) -> None:
        """Take the vectors of what `to_embed` returned, unless another thread brought them meanwhile."""
        with self._lock:
            have = self._vectors.get(name)
            if len(new) and seen == (0 if have is None else len(have)):
                self._vectors[name] = new if have is None else np.concatenate([have, new])

    def index_with(self, name: str) -> Index:
        """Return the index that uses the vectors of the embedder `name`."""
        return self._index.with_vectors(self._vectors.get(name), name)

    def count(self, tokenizer: str | Tokenizer = "o200k_base") -> int:
        """Return the tokens of all items as a block prints them, without headers.

        Example:
            >>> Pool(["The cat is called Miso."]).count()
            7
        """
        return int(self.pieces(get_tokenizer(tokenizer)).tokens.sum())

    def vectors(self, name: str) -> NDArray[np.float32] | None:
        """Return the (n, d) vectors of the embedder `name`, or None."""
        return self._vectors.get(name)
