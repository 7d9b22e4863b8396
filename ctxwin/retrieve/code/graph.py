"""Build the graph of code: which places refer to names that other places define.

A place is a chunk, a definition or a file, as the caller chooses. A reference is shared among the places that define
the name; places in the same file are preferred. A name that many places define, or that stands nearly everywhere,
ties nothing together and is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["CodeGraph", "NamePlaces", "link", "telling"]

Array = NDArray[np.float64]
NamePlaces = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Numbers of names, and the place of each name, (k,) both."""

MOST_DEFINERS = 8
"""The most places that may define a name (4 to 8: the same)."""
MOST_REFERRERS = 0.1
"""The largest share of all places that may refer to a name (.03 to .1: within .5 points; without a limit code_sweqa
lost 1 at 8k)."""
FEW = 5
"""How many places may refer to a name in a small graph, whatever `MOST_REFERRERS` says."""
DAMPING, STEPS = 0.85, 20
"""Share of a walk that continues at each step (Brin and Page 1998), and steps after which the rest weighs 4 %."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CodeGraph:
    """A graph of n places.

    Example:
        >>> graph = link([{"load"}, {"main"}, {"help"}], [{"open"}, {"load"}, set()])
        >>> graph.near(np.array([0.0, 1.0, 0.0])).tolist()
        [0.5, 0.0, 0.0]
    """

    source: NDArray[np.intp]
    """(m,) where the references start, ascending; each pair of places occurs once."""
    target: NDArray[np.intp]
    """(m,) where they end."""
    share: Array
    """(m,) how much of the references of the source goes to the target."""
    out: Array
    """(n,) how many references go out of each place."""
    into: Array
    """(n,) how many references come into each place."""

    @classmethod
    def of(
        cls, size: int, defined: NamePlaces, referred: NamePlaces, groups: NDArray[np.intp] | None = None
    ) -> CodeGraph:
        """Build the graph of n places from names that are `telling`.

        Args:
            size: n.
            defined: names and the places that define them.
            referred: names and the places that refer to them; a place's references to its own names are ignored.
            groups: (n,) number of each place's file. Default: all places are in one file.
        """
        source, target, share = _edges(defined, referred, groups)
        pairs, pair = np.unique(source * size + target, return_inverse=True)
        return cls(
            source=pairs // max(size, 1),
            target=pairs % max(size, 1),
            share=np.bincount(pair, share, minlength=len(pairs)).astype(np.float64),
            out=np.bincount(source, share, minlength=size).astype(np.float64),
            into=np.bincount(target, share, minlength=size).astype(np.float64),
        )

    def near(self, weights: Array) -> Array:
        """Pass the weight of each place to its neighbours, (n,), half along references and half against them."""
        # Counts with weights do what a sparse matrix would, without the tenth of a second that importing scipy takes.
        along = (weights / np.maximum(self.out, 1e-9))[self.source] * self.share
        against = (weights / np.maximum(self.into, 1e-9))[self.target] * self.share
        size = len(weights)
        return (np.bincount(self.target, along, size) + np.bincount(self.source, against, size)) / 2

    def central(self, start: Array, *, damping: float = DAMPING, steps: int = STEPS) -> Array:
        """Rank places by a random walk that keeps returning to its start (personalised PageRank).

        Args:
            start: (n,) how likely the walk starts at each place, 0 or more; equal if the question favours no place.
            damping: the share of the walk that continues at each step, below 1.
            steps: the number of steps.

        Returns:
            (n,) ranks that add up to 1, or zeros if `start` is all zeros.

        Example:
            >>> graph = link([{"load"}, {"main"}, {"help"}], [{"open"}, {"load", "help"}, {"load"}])
            >>> int(graph.central(np.ones(3)).argmax())
            0
        """
        start = start / max(float(start.sum()), 1e-12)
        at = start
        for _ in range(steps):
            gone = damping * self.near(at)
            at = gone + (at.sum() - gone.sum()) * start
        return at


def link(
    defined: Sequence[Iterable[str]], referred: Sequence[Iterable[str]], groups: NDArray[np.intp] | None = None
) -> CodeGraph:
    """Build the graph of n places from the names that each place defines and refers to.

    Args:
        defined: the names that each place defines.
        referred: the names that each place refers to.
        groups: as for `CodeGraph.of`.
    """
    number: dict[str, int] = {}
    both = [
        [(number.setdefault(name, len(number)), place) for place, names in enumerate(some) for name in names]
        for some in (defined, referred)
    ]
    pairs = [np.asarray(one, np.intp).reshape(-1, 2) for one in both]
    definers, referrers = (np.bincount(one[:, 0], minlength=len(number)) for one in pairs)
    kept = telling(definers, referrers, len(defined))
    ends, starts = (one[kept[one[:, 0]]].T for one in pairs)
    return CodeGraph.of(len(defined), (ends[0], ends[1]), (starts[0], starts[1]), groups)


def telling(definers: NDArray[np.intp], referrers: NDArray[np.intp], size: int) -> NDArray[np.bool_]:
    """Tell which names tie places together, (k,), by how many of all places define them and refer to them."""
    return (definers > 0) & (definers <= MOST_DEFINERS) & (referrers <= max(FEW, MOST_REFERRERS * size))


def _edges(
    defined: NamePlaces, referred: NamePlaces, groups: NDArray[np.intp] | None
) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
    """Return the places where references start and end, and the weight of each reference."""
    order = np.argsort(defined[0], kind="stable")
    names, places = defined[0][order], defined[1][order]
    name, source = referred
    first = np.searchsorted(names, name)
    times = np.searchsorted(names, name, side="right") - first
    reference = np.repeat(np.arange(len(name)), times)
    within = np.arange(len(reference)) - np.repeat(np.cumsum(times) - times, times)
    target, source = places[first[reference] + within], source[reference]
    own = np.bincount(reference, target == source, minlength=len(name))[reference] > 0
    here = np.ones(len(source), np.bool_) if groups is None else groups[source] == groups[target]
    kept = ~own & (here | (np.bincount(reference, here, minlength=len(name))[reference] == 0))
    reference, source, target = reference[kept], source[kept], target[kept]
    return source, target, 1 / np.bincount(reference, minlength=len(name))[reference]
