"""Hold a tree over the texts of a conversation that grows: segments, sessions of these, and so on.

    leaf       a text, such as a turn
    segment    a run of `FEWEST` to `FAN` leaves that ends where the topic changes most, or the day
    session    a run of as many segments, cut alike by what they say
    and so on, up to the few nodes that no further node covers

A node is made when what follows it is known, and never changes then, so a new text makes one node a level at most. It
holds the places of the sentences that say most of what it covers, word for word: a gist of the gists below. Its key
is a hash of all that it depends on, so it can be kept anywhere and is never stale. Where a model sums nodes up
(`telling.py`), what it wrote is kept beside them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from threading import RLock

import numpy as np
from numpy.typing import NDArray

from ...items import Item, content_hash
from .gist import Gist, Statements
from .leaves import Leaves
from .nodes import FAN, FEWEST, NodeSummary, TreeNode, summary_key
from .topics import BLOCK

__all__ = ["Kept", "Place", "Tree", "View"]

FORM = "1"
"""Changed with what makes a node, so that nodes of another version are not read."""
GIST = 256
"""Tokens of a node's sentences, by `BYTES`. As above with 128 / 256 / 512: 52 / 52 / 52 and 71 / 71 / 71 %."""
SOUGHT = 1_024
"""Nodes that are looked for at once where they are kept."""

AHEAD = FAN + BLOCK
"""Children that say where the first node over them ends."""
Place = tuple[int, int]
"""A node or leaf of a view: its level, 0 for a leaf, and its number in the level."""
Kept = Callable[[Sequence[str]], Mapping[str, bytes]]
"""Returns the nodes that are kept under some keys."""


@dataclass(slots=True)
class _Level:
    """The nodes of one level; of level 0 only the keys of the leaves."""

    keys: list[str] = field(default_factory=list)
    nodes: list[TreeNode] = field(default_factory=list)
    begins: list[int] = field(default_factory=lambda: [0])
    """Where the children of each node begin in the level below, and where those of the next node will."""
    firsts: list[int] = field(default_factory=lambda: [0])
    """The first leaf of each node, and of the next."""
    sought: int = 0
    """Children from which a kept node may begin: those before were looked for."""

    def copy(self) -> _Level:
        return _Level(list(self.keys), list(self.nodes), list(self.begins), list(self.firsts), self.sought)


class Tree:
    """The tree over some of n texts; it grows with the texts, and serves any choice among them.

    Args:
        items: the texts with their times; the list may grow at its end.

    Example:
        >>> talk = ["The boat leaks.", "We tar the boat."] * 4 + ["The choir sings.", "The altos sing."] * 9
        >>> view = Tree([Item(text=text) for text in talk]).view(np.arange(26))
        >>> [view.span(place) for place in view.top()][:2], len(view.top())
        ([(0, 8), (8, 9)], 19)
    """

    def __init__(self, items: Sequence[Item]) -> None:
        self._texts = Leaves(items)
        self._nodes: dict[str, TreeNode] = {}
        self._new: dict[str, bytes] = {}
        self._summaries: dict[str, NodeSummary | None] = {}
        self._new_summaries: dict[str, bytes] = {}
        self._kept: Kept | None = None
        self._gists: dict[str, Statements] = {}
        self._rows = np.zeros(0, np.intp)
        self._levels = [_Level()]
        self._lock = RLock()

    @property
    def vocabulary(self) -> Mapping[str, int]:
        """The number of each term that was read."""
        return self._texts.vocabulary

    def keep_in(self, kept: Kept | None) -> None:
        """Look for nodes in this place before they are made, from now on."""
        with self._lock:
            self._kept = kept

    def take_new(self) -> dict[str, bytes]:
        """Return the nodes that were made since this was asked last, by key."""
        with self._lock:
            new, self._new = self._new, {}
            return new

    def take_summaries(self) -> dict[str, bytes]:
        """Return the summaries that came since this was asked last, by `summary_key` of their nodes."""
        with self._lock:
            new, self._new_summaries = self._new_summaries, {}
            return new

    @property
    def is_kept(self) -> bool:
        """Whether nodes are kept elsewhere."""
        return self._kept is not None

    def summaries(self, sizes: Mapping[str, int]) -> dict[str, NodeSummary]:
        """Return the summaries of some nodes, given the leaves of each by its key, as far as there are any."""
        with self._lock:
            unknown = {summary_key(key): key for key in sizes if key not in self._summaries}
            found = self._kept(list(unknown)) if self._kept is not None and unknown else {}
            for name, key in unknown.items():
                self._summaries[key] = NodeSummary.from_bytes(found[name], sizes[key]) if name in found else None
            return {key: one for key in sizes if (one := self._summaries[key]) is not None}

    def keep_summary(self, key: str, summary: NodeSummary) -> None:
        """Keep what a model wrote of a node in place of what was there."""
        with self._lock:
            self._summaries[key] = summary
            self._new_summaries[summary_key(key)] = summary.to_bytes()

    def view(self, rows: NDArray[np.intp]) -> View:
        """Return the tree over some of the texts, (m,) ascending, as though there were no others."""
        with self._lock:
            self.grow(rows)
            return View(self, rows, self._texts.tokens(rows), [level.copy() for level in self._levels])

    def leaves(self, rows: NDArray[np.intp]) -> View:
        """Return some of the texts, (m,) ascending, without any node, where the choice among them changes each time."""
        with self._lock:
            return View(self, rows, self._texts.tokens(rows), [_Level(keys=self._texts.keys(rows))])

    def grow(self, rows: NDArray[np.intp], most: int | None = None) -> bool:
        """Make the nodes over some of the texts.

        Args:
            rows: the texts, (m,) ascending.
            most: the most nodes to make. Default: all.

        Returns:
            Whether all are there.
        """
        with self._lock:
            self._look_at(rows)
            left = sys.maxsize if most is None else most
            number = 1
            while len(self._levels[number - 1].keys) >= AHEAD:
                if number == len(self._levels):
                    self._levels.append(_Level())
                left -= self._grow_level(number, left)
                if self._levels[number].begins[-1] + AHEAD <= len(self._levels[number - 1].keys):
                    return False
                number += 1
            return True

    def keys_over(self, rows: NDArray[np.intp], some: NDArray[np.intp]) -> list[str]:
        """Return the keys of all nodes over the texts in `rows` that depend on some of the texts, made or not.

        Nodes behind one that was never made, and that is kept nowhere, are not found.
        """
        with self._lock:
            self.grow(rows, 0)
            touched = np.flatnonzero(np.isin(rows, some)).tolist()
            found: list[str] = []
            for below, level in pairwise([*self._levels, _Level()]):
                starts = {at for one in touched for at in range(max(0, one - AHEAD + 1), one + 1)}
                found += [_key(below.keys[at : at + AHEAD]) for at in sorted(starts) if at + AHEAD <= len(below.keys)]
                touched = [at for at, begin in enumerate(level.begins[:-1]) if begin in starts]
            return found

    def statements(self, row: int) -> Statements:
        """Return the sentences of one text; none of a tool's output or of an instruction."""
        with self._lock:
            return self._texts.statements(row)

    def text(self, row: int) -> tuple[str, str]:
        """Return the day and speaker of a text as a label, and the text; "" where it has no part in the story."""
        with self._lock:
            return self._texts.label(row), self._texts.text(row)

    def gist(self, key: str, node: TreeNode, rows: NDArray[np.intp]) -> Statements:
        """Return the sentences of a node that covers the texts in `rows`, each with its leaf from 0 on as its text."""
        with self._lock:
            found = self._gists.get(key)
            if found is None:
                leaves = np.unique(node.leaf).tolist()
                parts = []
                for leaf in leaves:
                    numbers = node.number[node.leaf == leaf].tolist()
                    parts.append(self._texts.sentences(int(rows[leaf]), numbers))
                self._gists[key] = found = Statements.joined(parts, leaves)
            return found

    def _look_at(self, rows: NDArray[np.intp]) -> None:
        """Take these texts for the leaves; go on where there are only more of them than before."""
        size = len(self._rows)
        if size > len(rows) or not np.array_equal(self._rows, rows[:size]):
            self._levels, size = [_Level()], 0
        self._levels[0].keys += self._texts.keys(rows[size:])
        self._rows = rows

    def _grow_level(self, number: int, most: int) -> int:
        """Add nodes to a level, of which at most so many are made; return how many were."""
        level, below = self._levels[number], self._levels[number - 1]
        made = 0
        while (at := level.begins[-1]) + AHEAD <= len(below.keys):
            if at >= level.sought:
                level.sought = min(at + SOUGHT, len(below.keys) - AHEAD + 1)
                self._find(below.keys[at : level.sought + AHEAD - 1])
            key = _key(below.keys[at : at + AHEAD])
            node = self._nodes.get(key)
            size = len(self._rows) if node is None else self._size(number, at, node.children)
            if node is None or node.size != size:  # kept by a hand that made no node of ours
                if made == most:
                    break
                self._nodes[key] = node = self._made(number, at, key)
                self._new[key] = node.to_bytes()
                made += 1
            level.keys.append(key)
            level.nodes.append(node)
            level.begins.append(at + node.children)
            level.firsts.append(level.firsts[-1] + node.size)
        return made

    def _find(self, keys: Sequence[str]) -> None:
        """Take the nodes that are kept for some runs of children."""
        if self._kept is None:
            return
        wanted = [_key(keys[at : at + AHEAD]) for at in range(len(keys) - AHEAD + 1)]
        for key, kept in self._kept([key for key in wanted if key not in self._nodes]).items():
            if (node := TreeNode.from_bytes(kept)) is not None:
                self._nodes[key] = node

    def _size(self, number: int, at: int, children: int) -> int:
        """Return how many leaves some children of a level's node cover."""
        below = self._levels[number - 1]
        return children if number == 1 else below.firsts[at + children] - below.firsts[at]

    def _made(self, number: int, at: int, key: str) -> TreeNode:
        """Make the node whose children begin at one of the level below."""
        below = self._levels[number - 1]
        firsts = list(range(at, at + AHEAD + 1)) if number == 1 else below.firsts[at : at + AHEAD + 1]
        parts = [self._said(number - 1, one) for one in range(at, at + AHEAD)]
        children = self._cut([part.terms for part in parts], firsts)
        said = Statements.joined(parts[:children], [first - firsts[0] for first in firsts[:children]])
        gist = said.take(Gist(said).take(GIST))
        self._gists[key] = gist
        return TreeNode(
            children=children,
            size=firsts[children] - firsts[0],
            leaf=gist.text.astype(np.int32),
            number=gist.number.astype(np.int32),
        )

    def _said(self, number: int, at: int) -> Statements:
        if not number:
            return self.statements(int(self._rows[at]))
        level = self._levels[number]
        return self.gist(level.keys[at], level.nodes[at], self._rows[level.firsts[at] : level.firsts[at + 1]])

    def _cut(self, terms: Sequence[NDArray[np.intp]], firsts: Sequence[int]) -> int:
        """Return how many children the first node over `AHEAD` children has: up to where the topic or the day changes.

        Args:
            terms: of each child, with repeats.
            firsts: the first leaf of each child, and of the child after the last.
        """
        _, column = np.unique(np.concatenate(terms), return_inverse=True)
        child = np.repeat(np.arange(len(terms)), [len(one) for one in terms])
        width = int(column.max(initial=-1)) + 1
        counts = np.bincount(child * width + column, minlength=len(terms) * width).reshape(len(terms), width)
        total = np.concatenate([np.zeros((1, width), np.int64), counts.cumsum(axis=0)])
        gaps = np.arange(FAN, FEWEST - 1, -1)  # of equal gaps the last is taken
        before = (total[gaps] - total[np.maximum(gaps - BLOCK, 0)]).astype(np.float64)
        after = (total[gaps + BLOCK] - total[gaps]).astype(np.float64)
        norm = np.sqrt((before**2).sum(axis=1) * (after**2).sum(axis=1))
        alike = (before * after).sum(axis=1) / np.maximum(norm, 1.0)
        day = self._texts.days(self._rows[firsts[0] : firsts[-1]])
        turned = [day[firsts[gap] - firsts[0]] != day[firsts[gap] - firsts[0] - 1] for gap in gaps.tolist()]
        return int(gaps[np.argmin(alike.round(6) - turned)])


def _key(keys: Sequence[str]) -> str:
    return content_hash(FORM + "".join(keys))


class View:
    """The tree over m texts at one moment."""

    def __init__(self, tree: Tree, rows: NDArray[np.intp], tokens: NDArray[np.int64], levels: Sequence[_Level]) -> None:
        self._tree = tree
        self._levels = levels
        self.rows = rows
        """(m,) the texts."""
        self.tokens = tokens
        """(m,) of the texts, by `BYTES`; 0 for those that have no part in the story."""

    @property
    def vocabulary(self) -> Mapping[str, int]:
        """The number of each term that was read."""
        return self._tree.vocabulary

    def nodes(self) -> list[Place]:
        """Return all nodes, those of a lower level first."""
        return [(number, at) for number, level in enumerate(self._levels) if number for at in range(len(level.keys))]

    def key(self, place: Place) -> str:
        """Return the key of a node: a hash of all that it depends on."""
        number, at = place
        return self._levels[number].keys[at]

    def summaries(self, places: Sequence[Place]) -> dict[Place, NodeSummary]:
        """Return what models wrote of some nodes."""
        keys = {place: self.key(place) for place in places}
        found = self._tree.summaries({key: self.span(at)[1] - self.span(at)[0] for at, key in keys.items()})
        return {place: found[key] for place, key in keys.items() if key in found}

    def keep_summary(self, place: Place, summary: NodeSummary) -> None:
        """Keep what a model wrote of a node."""
        self._tree.keep_summary(self.key(place), summary)

    @property
    def is_kept(self) -> bool:
        """Whether nodes are kept elsewhere than in this process."""
        return self._tree.is_kept

    def text(self, leaf: int) -> tuple[str, str]:
        """Return the day and speaker of a leaf as a label, and its text; "" where it has no part in the story."""
        return self._tree.text(int(self.rows[leaf]))

    def top(self) -> list[Place]:
        """Return the nodes and leaves that no node covers, in order."""
        found: list[Place] = []
        for number in range(len(self._levels) - 1, -1, -1):
            above = self._levels[number + 1].begins[-1] if number + 1 < len(self._levels) else 0
            size = len(self._levels[number].keys)
            found += [(number, at) for at in range(above, size)]
        return found

    def children(self, place: Place) -> list[Place]:
        """Return what a node covers in the level below; nothing for a leaf."""
        number, at = place
        if not number:
            return []
        begins = self._levels[number].begins
        return [(number - 1, child) for child in range(begins[at], begins[at + 1])]

    def span(self, place: Place) -> tuple[int, int]:
        """Return the first leaf that a node covers, and the leaf after the last."""
        number, at = place
        return (at, at + 1) if not number else (self._levels[number].firsts[at], self._levels[number].firsts[at + 1])

    def statements(self, places: Sequence[Place]) -> Statements:
        """Return the sentences of some nodes and leaves; the number of each text is that of its leaf."""
        return Statements.joined([self._statements(place) for place in places], [self.span(one)[0] for one in places])

    def count(self, place: Place) -> int:
        """Return how many sentences a node or leaf has."""
        number, at = place
        return len(self._levels[number].nodes[at].leaf if number else self._statements(place))

    def _statements(self, place: Place) -> Statements:
        number, at = place
        if not number:
            return self._tree.statements(int(self.rows[at]))
        level = self._levels[number]
        return self._tree.gist(level.keys[at], level.nodes[at], self.rows[slice(*self.span(place))])
