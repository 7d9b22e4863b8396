"""Tell which items of a pool are no more like a question than unrelated items of the same pool: the noise floor.

What is measured is worth, relevance a token: p / (1 + tokens / 150). A long item that is unlikely takes much room for
little; a short one may stay.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .table import Scores

__all__ = ["FAR", "FAR_NAMED", "FAR_WORDS", "LEAST", "unrelated"]

LEAST = 32
"""Fewest items of a pool whose scores show how unrelated items score; fewer groups are packed whole whatever is enough.
RGB's pools of some thirty passages lose up to 2 points below that."""
FAR_WORDS, FAR, FAR_NAMED = 0.9, 1.35, 1.8
"""How far below the best item an item may be noise: in whole matches by words, and beside vectors, in whole matches by
meaning, of turns and untitled text, and of titled passages and programs, which others name. With vectors worth is below
.0018 and .0005, without below .1.

Tokens saved and points of recall lost at 8k (`measure_enough.py`, 60 questions a set; a bar on p alone saved 20, 1, 21,
3 and 1 %): LoCoMo 25 % 0, BEAM 17 % 0 (179 questions: 21 % and .7 [.0, 2.0], most of it by one question), MTRAG 26 % 0,
HotpotQA 29 % 0, code 5 % 0; FriendsQA at 2k 9 % 0. At .0015 for turns, without `SPREADS`, FriendsQA saves 15 % and BFCL
loses 1.7. Code at .001 saves 13 % and loses 2.8.

Nothing tried saved a fifth of code, or of FriendsQA at 2k, at half a point lost: likeness beside that to other turns of
the pool and to questions of other talks (z of cosine and of BM25, by sum, by maximum, by Fisher's method); the rank at
which a question's scores fall to those of other questions (FriendsQA 15 %, BEAM 3, code 0); the share of matches that
are false by such questions (FriendsQA and MTRAG lose 4 to 13 points); the tail of the summed p, to the powers .5 to 2
(by p FriendsQA 13 %, BEAM 8, code 4); boosted trees on 25 signs, whole sets left out."""
SPREADS = 1.5
"""Median distances above the middle of a pool's worth, one standard deviation of normal scores, up to which a turn, or
any item by words alone, is worth no more than most."""
LIKELY, REACH = 0.05, 4
"""What is within so many items of one of such a p may belong to its answer, by words alone."""


def unrelated(
    p: Scores, worth: NDArray[np.float64], far: NDArray[np.float64], turns: NDArray[np.bool_], *, by_vectors: bool
) -> NDArray[np.bool_]:
    """Mark the items, (n,), that are no more like the question than unrelated items.

    A turn that is worth more than most turns may be the second half of an answer, however far the best one stands out.
    Other text says by itself what it is about. By words alone most items share no word with the question, and what
    answers it may share none either: so there what stands near a likely item stays, too.

    Args:
        p: (n,) relevance, in the order of the pool.
        worth: (n,) relevance a token.
        far: (n,) the worth below which each item may be noise.
        turns: (n,) whether each item is a turn of a talk.
        by_vectors: whether vectors took part in p.

    Example:
        >>> p, turns = np.array([1.0, 0.3] + [0.001] * 34, np.float32), np.ones(36, np.bool_)
        >>> marked = unrelated(p, p.astype(float), np.full(36, 0.01), turns, by_vectors=False)
        >>> np.flatnonzero(marked).tolist()[:3]
        [6, 7, 8]
    """
    score = np.log(np.maximum(worth, 1e-7))  # p is rounded to that
    middle = np.median(score)
    usual = score <= middle + SPREADS * np.median(np.abs(score - middle))
    low: NDArray[np.bool_] = (worth < far) & (usual | (~turns & by_vectors))
    if by_vectors:
        return low
    near = np.cumsum(np.concatenate([[0], p >= LIKELY]))
    place = np.arange(len(p))
    alone = near[np.minimum(place + REACH + 1, len(p))] == near[np.maximum(place - REACH, 0)]
    return np.asarray(low & alone)
