"""Fit weights to your own labels: small corrections that stay close to the starting weights.

The value of a feature depends on the kind of talk, so a fit is for one kind: your support chats, your meetings.
The fit lowers the mean logarithm of the tokens that a packing must spend before it reaches each item that helped.
It stays close to the starting weights; how close is chosen by leaving whole pools out. If the pools left out do not
clearly gain, the starting weights are returned.

Fitted on half of a set's sources and packed on the other half, in points of evidence [95 % interval]: BEAM +4.1 [2.0,
6.5], QMSum +2.2 [.9, 3.4], VCSum +2.2 [.9, 3.5], MemoryBank +.9 [0, 2.8], MemoryCode +.5 [-1, 2], LoCoMo +.4 [-.8,
1.9]; within half a point on FriendsQA, MTRAG-UN, BFCL, RGB and passages of documents. Fitted on all kinds at once it
gained nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..embed import CachedEmbedder, Reading, Script, get_embedder
from ..errors import InputError
from ..items import Item
from .curve import Curve
from .index import WORTH_TOKENS, Index
from .own_curve import filled, fitted_curve
from .query import Query
from .weights import FEATURES, Weights, shipped_weights

__all__ = ["Feedback", "HasIndex", "Logistic", "fit", "lessons_of"]

Array = NDArray[np.float64]

FIRMNESS = (100.0, 30.0, 10.0)
"""How firmly the fit is held to the starting weights, as the number of labelled questions they count for; the firmest
is for a single pool."""
FOLDS = 5
"""Number of parts that pools are divided into to choose the firmness."""
ANCHORS = ("lexical", "dense")
"""Features whose weights keep their sum, since this sum is the scale of all other weights and of the temperature."""
LEAST_UNIT = 0.3
"""Least unit of a correction, which is measured by the weight's own size; so a weight of 0 can be learned, too."""
LEAST_ANCHOR = 0.5
"""The least share of its weight that an anchor keeps."""
PROBE = 1e-3
"""Weight given to a feature without one, to see what the feature would add."""
SOFTNESS = 0.4
"""Softness of the step from "chosen before" to "chosen after", in units of the score over the temperature."""
ROOM = 150.0
"""Tokens that are spent anyway; an item within them is found early enough."""
RIVALS, HELPERS = 1_000, 25
"""How many items of a pool, best first, and how many that helped, evenly spread, one question is learned from."""


class HasIndex(Protocol):
    """An object that holds items with their index and vectors: a `Pool`."""

    @property
    def items(self) -> Sequence[Item]:
        """All items in order."""
        ...

    @property
    def scripts(self) -> set[Script]:
        """The scripts that the items are written in."""
        ...

    def to_embed(self, reading: Reading) -> tuple[NDArray[np.intp], list[str]]:
        """List the items of a reading that its embedder has not embedded yet, and their texts."""
        ...

    def embedded(self, name: str, items: NDArray[np.intp], new: NDArray[np.float32]) -> None:
        """Add the vectors of the items that `to_embed` returned."""
        ...

    def index_with(self, readings: Sequence[Reading]) -> Index:
        """Return the index with the vectors of these readings."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Feedback:
    """A question to a pool, and the items that helped to answer it."""

    pool: HasIndex
    """A `Pool`, which holds documents as chunks."""
    query: str | Query
    helped: Collection[str]
    """Ids of the items that helped; each counts the same."""


def fit(feedback: Sequence[Feedback], *, start: Weights | None = None, embedder: object = "auto") -> Weights:
    """Fit weights to labelled questions; use them as `Pool(items, weights=fit(feedback))`.

    The same feedback gives the same weights. Ten questions change the weights little; a hundred from several pools
    change them as far as the pools left out gain. With a single pool the fit is held most firmly, since no pool can be
    left out.

    Args:
        feedback: questions of one kind, best from several pools.
        start: the weights to correct. Default: the package's own.
        embedder: as in `pack`; use the embedder that will be used for packing.

    Raises:
        InputError: there is no feedback, or a feedback names no item, an item that its pool lacks, or all items.

    Example:
        >>> from ctxwin.pool import Pool
        >>> pool = Pool([Item(text=f"Day {n}: {what}.", id=str(n)) for n, what in enumerate(["rain", "Ana left"])])
        >>> fit([Feedback(pool=pool, query="When did Ana leave?", helped=["1"])], embedder="none").temperature
        0.4
    """
    start = start or shipped_weights()
    lessons = list(lessons_of(feedback, start, get_embedder(embedder)))
    if not lessons:
        raise InputError("there is no feedback to learn from; give at least one question with the ids of what helped")
    learner = Logistic(start, lessons)
    firmness = learner.chosen_firmness()
    weights = start if firmness is None else learner.weights(learner.solved(lessons, firmness))
    return replace(weights, curve=_curve(weights, lessons))


def _curve(weights: Weights, lessons: Sequence[Lesson]) -> Curve:
    """Return the curve of the expected share, corrected for requests that these weights fill."""
    questions = []
    for one in lessons:
        index = one.index.with_weights(weights)
        questions.append(filled(weights.curve, one.pool, index, one.query, index.score(one.query), one.places))
    return fitted_curve(weights.curve, [one for one in questions if one is not None])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lesson:
    """One question over n items; k of them helped."""

    pool: int
    index: Index
    query: Query
    places: NDArray[np.intp]
    """The places of all items that helped."""
    values: Array
    """(n, features) what each feature adds at weight 1."""
    handicap: Array
    """(n,) how much an item's length lowers the logarithm of its value per token."""
    helped: NDArray[np.intp]
    """(k,)"""
    tokens: Array
    """(k,) tokens of the items that helped."""
    spent: Array
    """(n,) tokens that an item costs if it comes before one that helped; 0 for items that helped."""

    def loss(self, scores: Array) -> tuple[float, Array]:
        """Return the mean logarithm of the tokens spent to reach the helpful items, and its gradient by score, (n,)."""
        rank = scores + self.handicap
        before = (1 + np.tanh((rank - rank[self.helped, None]) / (2 * SOFTNESS))) / 2
        tokens = before @ self.spent + self.tokens + ROOM
        pull = before * (1 - before) * self.spent / (SOFTNESS * len(tokens) * tokens[:, None])
        slope = pull.sum(axis=0)
        slope[self.helped] -= pull.sum(axis=1)
        return float(np.log(tokens).mean()), slope


def lessons_of(feedback: Sequence[Feedback], start: Weights, embedder: CachedEmbedder | None) -> Iterator[Lesson]:
    """Yield what each feedback teaches, with the features that weights to start from see."""
    seen: dict[str, Any] = {name: getattr(start, name) or PROBE for name in FEATURES}
    probe = replace(start, **seen)
    pools: dict[tuple[tuple[str, str], ...], dict[str, int]] = {}
    for number, one in enumerate(feedback):
        # Pools of the same items are one: what is learned from one of them may not be tested on another.
        key = tuple((item.id, item.text) for item in one.pool.items)
        places = pools.setdefault(key, {name: place for place, (name, _) in enumerate(key)})
        helped = _places(number, one, places)
        query = one.query if isinstance(one.query, Query) else Query(text=one.query)
        readings = embedder.readings(query.text, one.pool.scripts) if embedder else []
        for reading in readings:
            new, texts = one.pool.to_embed(reading)
            one.pool.embedded(reading.name, new, reading.embedder.embed(texts))
            own = reading.embedder.embed(query.texts_to_embed)
            query = replace(query, vectors={**query.vectors, reading.name: own})
        index = one.pool.index_with(readings).with_weights(probe)
        yield _lesson(list(pools).index(key), index, query, helped, probe)


def _places(number: int, one: Feedback, places: dict[str, int]) -> NDArray[np.intp]:
    wanted = dict.fromkeys([one.helped] if isinstance(one.helped, str) else one.helped)
    if unknown := [name for name in wanted if name not in places]:
        raise InputError(f"feedback {number}: its pool holds no item {unknown[0]!r}; give ids of the pool's items")
    if not wanted:
        raise InputError(f"feedback {number} names nothing that helped; leave such questions out")
    if len(wanted) == len(places):
        raise InputError(f"feedback {number}: all {len(places):,} items helped, which teaches nothing; leave it out")
    return np.sort(np.fromiter((places[name] for name in wanted), np.intp, len(wanted)))


def _lesson(pool: int, index: Index, query: Query, helped: NDArray[np.intp], probe: Weights) -> Lesson:
    """Keep the items that helped and their strongest rivals, with the value of each feature at weight 1."""
    parts = index.features(query)
    total = np.sum(np.stack(list(parts.values())), axis=0)
    rivals = total.copy()
    rivals[helped] = -np.inf
    kept = np.sort(np.argsort(-rivals, kind="stable")[: min(RIVALS, len(total) - len(helped))])
    learned_from = helped[np.linspace(0, len(helped) - 1, min(HELPERS, len(helped))).astype(int)]
    rows = np.concatenate([learned_from, kept])
    values = np.zeros((len(rows), len(FEATURES)))
    for column, name in enumerate(FEATURES):
        if name in parts:
            values[:, column] = parts[name][rows] / np.float32(getattr(probe, name))
    sizes = index.sizes[rows].astype(np.float64)
    first = np.arange(len(learned_from))
    spent = sizes.copy()
    spent[first] = 0.0
    handicap = -np.log1p(sizes / WORTH_TOKENS)
    return Lesson(
        pool=pool, index=index, query=query, places=helped, values=values, handicap=handicap, helped=first,
        tokens=sizes[first], spent=spent,
    )  # fmt: skip


class Logistic:
    """A correction of the weights of the features that occur, each in units of its own size."""

    def __init__(self, start: Weights, lessons: Sequence[Lesson]) -> None:
        self.start, self.lessons = start, lessons
        occurs = np.any([lesson.values.any(axis=0) for lesson in lessons], axis=0)
        self.names = [name for name, there in zip(FEATURES, occurs, strict=True) if there]
        self._columns = np.flatnonzero(occurs)
        self._from = np.array([getattr(start, name) for name in self.names])
        self._unit = np.maximum(np.abs(self._from), LEAST_UNIT)
        anchor = np.array([name in ANCHORS for name in self.names])
        self._anchors = anchor & (self._from > 0) if (anchor & (self._from > 0)).any() else np.ones_like(anchor)
        # A match counts for an item, never against it; what had no weight yet may count either way.
        least = np.where(self._from > 0, -self._from / self._unit, -np.inf)
        least[self._anchors] *= 1 - LEAST_ANCHOR
        self._least = least

    def weights(self, correction: Array) -> Weights:
        """Return the starting weights with a correction."""
        moved = self._from + self._unit * correction
        moved *= self._from[self._anchors].sum() / moved[self._anchors].sum()
        rounded: dict[str, Any] = {name: round(float(w), 4) for name, w in zip(self.names, moved, strict=True)}
        return replace(self.start, **rounded)

    def solved(self, lessons: Sequence[Lesson], firmness: float) -> Array:
        """Return the correction that fits some lessons best (L-BFGS-B)."""
        from scipy.optimize import Bounds, minimize  # a tenth of a second that only a fit should cost

        hold = firmness / len(lessons)

        def objective(x: Array) -> tuple[float, Array]:
            losses, slopes = zip(*(self.loss(lesson, x) for lesson in lessons), strict=True)
            return float(np.mean(losses) + hold * x @ x), np.mean(slopes, axis=0) + 2 * hold * x

        start, bounds = np.zeros(len(self.names)), Bounds(lb=self._least)
        found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 40})
        return np.asarray(found.x, np.float64)

    def loss(self, lesson: Lesson, x: Array) -> tuple[float, Array]:
        """Return a lesson's loss and its gradient by the correction; the anchors' sum is the temperature's scale."""
        weights = self._from + self._unit * x
        anchored = weights[self._anchors].sum()
        scale = self._from[self._anchors].sum() / (self.start.temperature * anchored)
        values = lesson.values[:, self._columns]
        bare = values @ weights
        loss, slope = lesson.loss(bare * scale)
        gradient = (values.T @ slope) * scale
        gradient[self._anchors] -= (slope @ bare) * scale / anchored
        return loss, gradient * self._unit

    def chosen_firmness(self) -> float | None:
        """Choose the firmness by pools left out; return None if they do not gain more than the standard error.

        Of the values about as good as the best (within its standard error), the firmest is chosen.
        """
        pools = sorted({lesson.pool for lesson in self.lessons})
        if len(pools) == 1:
            return FIRMNESS[0]
        gains = {firmness: self._gains(pools, firmness) for firmness in FIRMNESS}
        mean = {firmness: float(gain.mean()) for firmness, gain in gains.items()}
        best = max(FIRMNESS, key=lambda firmness: mean[firmness])
        error = float(gains[best].std(ddof=1) / np.sqrt(len(pools)))
        if mean[best] <= error:
            return None
        return next(firmness for firmness in FIRMNESS if mean[firmness] >= mean[best] - error)

    def _gains(self, pools: Sequence[int], firmness: float) -> Array:
        """Return how much the loss of each pool falls when the weights are learned from the other pools, (pools,)."""
        gains = np.zeros(len(pools))
        for fold in range(min(FOLDS, len(pools))):
            out = set(pools[fold::FOLDS])
            x = self.solved([lesson for lesson in self.lessons if lesson.pool not in out], firmness)
            for pool in out:
                left = [lesson for lesson in self.lessons if lesson.pool == pool]
                drops = [self.loss(lesson, 0 * x)[0] - self.loss(lesson, x)[0] for lesson in left]
                gains[pools.index(pool)] = np.mean(drops)
        return gains
