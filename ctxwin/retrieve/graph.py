"""The graph of code: which places refer to what other places define.

A place is whatever the caller counts in: a chunk, a definition, a file. A reference is shared among the places that
define its name, and those in its own file are preferred; a name that many places define, or that stands nearly
everywhere, ties nothing together and is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["Graph", "Pairs", "link"]

Array = NDArray[np.float64]
Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Numbers of names, and the place where each stands, (k,) both."""

MOST_DEFINERS = 8
"""Places that may define a name (4 to 8: the same)."""
MOST_REFERRERS = 0.1
"""Share of all places that may refer to it (.03 to .1: within .5 points; without a limit 1 point less at 8k and 16k)."""
FEW = 5
"""Places that may refer to it in the smallest graph."""
DAMPING, STEPS = 0.85, 20
"""Share of a walk that goes on at each step (Brin and Page 1998), and steps after which the rest weighs 4 %."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Graph:
    """A graph of n places.

    Example:
        >>> graph = link([{"load"}, {"main"}, {"help"}], [{"open"}, {"load"}, set()])
        >>> graph.near(np.array([0.0, 1.0, 0.0])).tolist()
        [0.5, 0.0, 0.0]
    """

    forward: csr_array
    """(n, n) share of each place's references that goes to each other; rows add up to 1 or 0."""
    backward: csr_array
    """(n, n) share of what refers to each place that stands in each other; rows add up to 1 or 0."""

    @classmethod
    def of(cls, size: int, defined: Pairs, referred: Pairs, groups: NDArray[np.intp] | None = None) -> Graph:
        """Build the graph of n places.

        Args:
            size: n.
            defined: names and the places that define them.
            referred: names and the places that refer to them; a reference from where the name is defined is none.
            groups: (n,) number of each place's file; None: all places are of one.
        """
        from scipy.sparse import csr_array, diags_array

        source, target, share = _edges(size, defined, referred, groups)
        edges = csr_array((share, (source, target)), shape=(size, size))
        out, into = np.asarray(edges.sum(axis=1)).ravel(), np.asarray(edges.sum(axis=0)).ravel()
        return cls(
            forward=csr_array(diags_array(1 / np.maximum(out, 1e-9)) @ edges),
            backward=csr_array((edges @ diags_array(1 / np.maximum(into, 1e-9))).T),
        )

    def near(self, weights: Array) -> Array:
        """Return what places get of the weight of others, (n,), half along references and half against them."""
        return np.asarray((self.forward.T @ weights + self.backward.T @ weights) / 2)

    def central(self, start: Array, *, damping: float = DAMPING, steps: int = STEPS) -> Array:
        """Rank places by a random walk that keeps coming back to where it starts (personalised PageRank).

        Args:
            start: (n,) how likely it starts at each place, 0 or more; all alike where the question says nothing.
            damping: share of it that goes on at each step, below 1.
            steps: how many are taken.

        Returns:
            (n,) adding up to 1, or zeros where `start` has none.

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
) -> Graph:
    """Build the graph of n places from the names that each defines and refers to.

    Args:
        defined: for each place the names that it defines.
        referred: for each place the names that it refers to.
        groups: as for `Graph.of`.
    """
    number: dict[str, int] = {}
    both = [
        [(number.setdefault(name, len(number)), place) for place, names in enumerate(some) for name in names]
        for some in (defined, referred)
    ]
    ends, starts = (tuple(np.asarray(pairs, np.intp).reshape(-1, 2).T) for pairs in both)
    return Graph.of(len(defined), (ends[0], ends[1]), (starts[0], starts[1]), groups)


def _edges(
    size: int, defined: Pairs, referred: Pairs, groups: NDArray[np.intp] | None
) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
    """Return from where to where references go, and how much of each."""
    order = np.argsort(defined[0], kind="stable")
    names, places = defined[0][order], defined[1][order]
    known = int(max(names.max(initial=-1), referred[0].max(initial=-1))) + 1
    definers = np.bincount(names, minlength=known)
    referrers = np.bincount(referred[0], minlength=known)
    telling = (definers > 0) & (definers <= MOST_DEFINERS) & (referrers <= max(FEW, MOST_REFERRERS * size))
    name, source = (column[telling[referred[0]]] for column in referred)
    times = definers[name]
    reference = np.repeat(np.arange(len(name)), times)
    within = np.arange(len(reference)) - np.repeat(np.cumsum(times) - times, times)
    first = np.searchsorted(names, name)
    target, source = places[first[reference] + within], source[reference]
    own = np.bincount(reference, target == source, minlength=len(name))[reference] > 0
    here = np.ones(len(source), np.bool_) if groups is None else groups[source] == groups[target]
    kept = ~own & (here | (np.bincount(reference, here, minlength=len(name))[reference] == 0))
    reference, source, target = reference[kept], source[kept], target[kept]
    return source, target, 1 / np.bincount(reference, minlength=len(name))[reference]
