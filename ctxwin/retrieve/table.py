"""Hold as columns the facts about an index's items that no question changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..embed import is_foreign
from ..items import Item
from .words.columns import Column
from .words.lexical import cjk_share

__all__ = ["Lazily", "Place", "Scores", "Table", "lay_out"]

Scores = NDArray[np.float32]

WINDOW = 600.0
"""Estimated tokens before and after an item that make its topic, in talk without sessions. Half: 1 of 11 requests
differs, double: 1."""
LONG_SESSION = 6_000.0
"""Estimated tokens above which a session is too long to be about one thing. Half: 2 of 11 requests differ, double:
none."""
SHORT_TURN = 80.0
"""Mean estimated tokens of turns that need the turns around them; longer turns need them less and less. Half: 2 of 11
requests differ, double: 2."""
STEEPLY = 4
"""Power by which this need falls for long turns: at 1, BFCL memory and VCSum (about 120 and 140 tokens a turn) lost up
to 2 points. Half: none of 11 requests differs, double: 1."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Place:
    """The layout of n items; all arrays are (n,)."""

    follows: NDArray[np.bool_]
    """Whether the item continues the item before: turns of one session, chunks of one source."""
    session: NDArray[np.intp]
    """Number of a turn's session; every other item has a number of its own."""
    sizes: Scores
    """Estimated tokens."""
    first: NDArray[np.intp]
    """First item of the window around each item."""
    last: NDArray[np.intp]
    """One after the last item of the same window."""
    undivided: Scores
    """How much the item is a short turn in a session too long to be about one thing, 0 to 1."""
    brief: Scores
    """How much the item is a turn of talk in short turns, 0 to 1: 1 up to `SHORT_TURN` tokens a turn on average,
    a half at 95, 0 beyond 200, when a turn stands alone."""

    def around(self, scores: Scores) -> Scores:
        """Add up the scores of the items before and after each item, if they belong together."""
        out = np.zeros_like(scores)
        joined = self.follows[1:]
        out[1:] += scores[:-1] * joined
        out[:-1] += scores[1:] * joined
        return out

    def best_of_session(self, scores: Scores) -> Scores:
        """Return the best score in each item's session."""
        best = np.zeros(int(self.session.max(initial=-1)) + 1, np.float32)
        np.maximum.at(best, self.session, scores)
        return best[self.session]

    def topic(self, scores: Scores) -> Scores:
        """Average twice over each item's window, so that nearer items count more."""
        for _ in range(2):
            total = np.concatenate([[0.0], np.cumsum(scores, dtype=np.float64)])
            scores = ((total[self.last] - total[self.first]) / (self.last - self.first)).astype(np.float32)
        return scores


def lay_out(session: NDArray[np.intp], turn: NDArray[np.bool_], sizes: Scores) -> Place:
    """Find how n items hang together.

    Args:
        session: (n,) number of each item's session; an item that stands alone has a number of its own.
        turn: (n,) whether each item is a turn of talk.
        sizes: (n,) estimated tokens.
    """
    n = len(session)
    follows = np.zeros(n, np.bool_)
    follows[1:] = session[1:] == session[:-1]
    start = np.flatnonzero(~follows)
    run = np.cumsum(~follows) - 1
    end = np.append(start[1:], n)[run] if n else start
    middle = np.cumsum(sizes, dtype=np.float64) - sizes / 2
    first = np.maximum(np.searchsorted(middle, middle - WINDOW), start[run] if n else start)
    last = np.minimum(np.searchsorted(middle, middle + WINDOW, "right"), end)
    total = np.bincount(session, sizes)
    count = np.maximum(np.bincount(session), 1)
    short = np.clip(SHORT_TURN / np.maximum(total / count, 1), 0, 1)
    undivided = np.where(total > LONG_SESSION, short, 0)[session].astype(np.float32)
    brief = (turn * short[session] ** STEEPLY).astype(np.float32)
    return Place(
        follows=follows, session=session, sizes=sizes, first=first, last=last, undivided=undivided, brief=brief
    )


class Lazily:
    """A value read from each item's text, (n,), when first asked for; 0 for items of other kinds.

    Copies of an index share the values. Threads that ask at once read the same values, and either result is kept.
    """

    def __init__(self, read: Callable[[str], Any], *kinds: str, dtype: type[np.generic] = np.float32) -> None:
        self._read, self._kinds = read, kinds
        self._values: NDArray[Any] = np.zeros(0, dtype)

    def of(self, items: Sequence[Item]) -> NDArray[Any]:
        """Return the values of `items`; earlier calls had the first of these items."""
        values = self._values
        if new := items[len(values) :]:
            read = (self._read(item.text) if item.kind in self._kinds else 0.0 for item in new)
            self._values = values = np.concatenate([values, np.fromiter(read, values.dtype, len(new))])
        return values


SITTING = 1_500.0
"""Estimated tokens from which a sitting is long: the sets with longer ones among three or more people are meetings, and
their expected share is 2 logits lower (QMSum, VCSum); the others' have up to 400 (FriendsQA)."""
USUAL_TOKENS = 64.0
"""Estimated tokens of an item that is neither brief nor long. Half, double: none of 11 requests differs."""

COLUMNS: Mapping[str, type[np.generic]] = {
    "size": np.float32,
    "self": np.float32,
    "user": np.float32,
    "assistant": np.float32,
    "day": np.float32,
    "foreign": np.bool_,
    "turn": np.bool_,
    "memory": np.bool_,
    "titled": np.bool_,
    "speaker": np.int32,
    "session": np.intp,
}


class Table:
    """Columns of n items: `table["size"]` is (n,). A table never changes; `plus` and `take` return new tables.

    The columns: `size`, estimated tokens; `self`, whether the user said it; `user` and `assistant`, whether the
    user or the assistant may have said it; `day`, an ordinal, NaN if unknown; `foreign`, whether it is mostly in
    other scripts than Latin; `turn` and `memory`, whether it is of this kind; `titled`, whether it has a title;
    `speaker`, the number of the name, -1 for none; `session`, the number of the session.

    Example:
        >>> table = Table().plus([Item(text="Hello"), Item(text="Hi", role="user")])
        >>> table["self"].tolist(), len(table.take(np.array([1])))
        ([0.0, 1.0], 1)
    """

    def __init__(self, given: Table | None = None, rows: NDArray[np.intp] | None = None) -> None:
        if given is None:
            self._columns = {name: Column[Any](np.empty(0, kind)) for name, kind in COLUMNS.items()}
            self._numbers = _Numbers()
        else:
            self._columns, self._numbers = given._columns, given._numbers
        self._rows = rows

    def __len__(self) -> int:
        return len(self["size"])

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._arrays[name]

    @cached_property
    def _arrays(self) -> Mapping[str, NDArray[Any]]:
        arrays = {name: column.array for name, column in self._columns.items()}
        return arrays if self._rows is None else {name: array[self._rows] for name, array in arrays.items()}

    def plus(self, items: Iterable[Item]) -> Table:
        """Return the table with more items."""
        grown = Table(self)
        rows = [self._row(item) for item in items]
        columns = zip(self._columns.items(), zip(*rows, strict=True), strict=True) if rows else ()
        grown._columns = self._columns | {name: column.plus(new) for (name, column), new in columns}
        return grown

    def take(self, rows: NDArray[np.intp]) -> Table:
        """Return the table of some items, (m,) in any order, as if there were no others."""
        return Table(self, rows)

    def _row(self, item: Item) -> tuple[Any, ...]:
        share = cjk_share(item.text[:1_000])
        when = item.when
        return (
            len(item.text) * (0.25 + 0.45 * share) + 4,
            item.role == "user",
            # Who spoke tells turns of the two from each other, not from results of tools, passages and files.
            item.role != "assistant",
            item.role != "user",
            when.toordinal() if when else np.nan,
            is_foreign(item.text),
            item.kind == "turn",
            item.kind == "memory",
            bool(item.title),
            self._numbers.speaker(item),
            self._numbers.session(item),
        )

    def said_by(self, names: Iterable[str]) -> Scores:
        """Tell which items are said by somebody with one of these first names (in lower case), 0 or 1."""
        known = [number for name in names if (number := self._numbers.names.get(name)) is not None]
        return np.isin(self["speaker"], known).astype(np.float32) if known else np.zeros(len(self), np.float32)

    @cached_property
    def folds(self) -> Scores:
        """How many times longer than usual each item is, as a power of e."""
        folds: Scores = np.log(self["size"] / np.float32(USUAL_TOKENS))
        return folds

    @cached_property
    def is_meeting(self) -> bool:
        """Whether three or more people talk in sessions of `SITTING` estimated tokens and more on average."""
        turn = self["turn"]
        if not turn.any() or len(np.unique(self["speaker"][turn & (self["speaker"] >= 0)])) < 3:
            return False
        sessions = np.bincount(self["session"][turn], self["size"][turn])
        return float((sessions**2).sum() / sessions.sum()) > SITTING

    @cached_property
    def place(self) -> Place:
        """How the items hang together."""
        return lay_out(self["session"], self["turn"], self["size"])


class _Numbers:
    """Numbers for names and sessions, in order of first appearance."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        self._sessions: dict[tuple[str | None, ...], int] = {}

    def speaker(self, item: Item) -> int:
        names = re.findall(r"\w+", item.speaker.lower()) if item.speaker else []
        return self.names.setdefault(names[0], len(self.names)) if names else -1

    def session(self, item: Item) -> int:
        """Number an item's session, or its source for chunks; a passage or memory stands alone."""
        shared = item.kind in ("turn", "chunk")
        key = (item.kind, item.source, item.session) if shared else (str(len(self._sessions)),)
        return self._sessions.setdefault(key, len(self._sessions))
