"""Find where items stand: which follow each other, in which session, and what is around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Place", "Scores", "lay_out"]

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
