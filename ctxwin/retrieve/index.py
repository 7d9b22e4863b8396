"""Prepare items once, so that they can be scored for many questions."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..embed import is_foreign
from ..errors import InputError
from ..items import Item
from .code.sources import Sources
from .item_vectors import ItemVectors
from .links import Titles
from .noise import FAR, FAR_NAMED, FAR_WORDS, LEAST, unrelated
from .query import Query
from .scaling import Ranges, add_up, find_ranges, scale, scale_within, top
from .table import Lazily, Scores, Table
from .talk.cues import instruction_strength, self_reference
from .talk.dates import named_days, near_days
from .talk.instructions import exact_instructions, replaced
from .weights import Weights, shipped_weights
from .words.lexical import Bm25, TermCounts, tokenize

__all__ = ["Index", "count_terms", "score_together"]

WORDS = "words"
"""The name of the match by words; a match by vectors has the name of its embedder."""


MEANING = 1.5
"""Factor on the weight of vectors for a question in a non-Latin script if no item has a word of the question. Half: 1
of 10 requests differs, double: 1."""
LEANING, SELF_CONTAINED = 0.3, 0.6
"""A question leans wholly on the messages before it if its best cosine with an item is up to the first figure, and not
at all from the second on (from .35 or .4 up to .6, and from .3 up to .7: within a point). Half, double: none of 11
requests differs."""
STEEP_WORDS, STEEP_VECTORS = 1.3, 2.0
"""Powers of the scaled scores, which make the best stand out (below 1 cost up to 2 points, above 2 gained nothing).
`STEEP_WORDS` half: 8 of 11 requests differ, double: 9. `STEEP_VECTORS` half: 6 of 11 requests differ, double: 7."""
BRIDGES, BRIDGE_TERMS, LINKS = 3, 5, 5
"""How many of the best items to follow by rare terms, by how many terms, and how many to search for titles. `BRIDGES`
one less: 1 of 11 requests differs, one more: none. `BRIDGE_TERMS` half: 5 of 11 requests differ, double: 6. `LINKS`
half, double: none of 11 requests differs."""
TASK_WORDS, TASK_PLACE = 0.5, 0.3
"""Weights of shared words, and of an item's surroundings, when rules for a task are searched: rules name neither the
task's objects nor each other (MemoryCode 2k +3; anything from 0 to 1 lies within 3 points). `TASK_WORDS` half: 1 of 11
requests differs, double: 1. `TASK_PLACE` half: 1 of 11 requests differs, double: none."""
KIN, KIN_CUE = 20, 0.6
"""The most of the likeliest rules to average into the typical vector of rules for a task, and the least instruction
strength of each (10 to 40, and .4 to .8, lie within a point). `KIN` half: 4 of 6 requests differ, double: 4. `KIN_CUE`
half: none of 6 requests differs, double: 5."""
EXACT, REPLACED = 1.2, 0.4
"""Factors on an instruction that names something exactly, and on one that a newer instruction replaces. Together
MemoryCode +8.0 [3.5, 12.3] at 1k and +7.7 [3.9, 11.8] at 2k; at 2k the first alone +2.3 [-1.5, 5.6] and the second
+4.8 [1.5, 7.9]. At 1.4 the first gave 1.8 less at 2k and .2 more at 1k; from .2 to .6 the second: within a point."""
WORTH_TOKENS = 150.0
"""Estimated tokens added to the size of each item when the best items for bridges are chosen. Half: none of 11 requests
differs, double: 1."""
SAYS_SOMETHING = 12.0
"""Nats of rare words at which the deduction for a turn that says nothing has fallen to 1/e: two or three words that few
other turns have (10 to 15 gave the same). Half: 4 of 11 requests differ, double: 2."""
PHRASE_TERMS = 0.25
"""The least share of a phrase's weight, by rarity, that the terms of an item holding the phrase have: not all of it,
since the first and last words may be parts of longer words there. Half, double: none of 4 requests differs."""


class Index:
    """Items prepared for scoring: built once, queried many times, grown by `extend`.

    Example:
        >>> index = Index([Item(text="I moved to Oslo.", speaker="Ana"), Item(text="It rains.", speaker="Bo")])
        >>> [f"{p:.2f}" for p in index.score(Query(text="Where did Ana move?"))]
        ['1.00', '0.08']
    """

    def __init__(self, items: Iterable[Item] = (), *, weights: Weights | None = None) -> None:
        self.weights = weights or shipped_weights()
        self._vectors: tuple[ItemVectors, ...] = ()
        self._items: list[Item] = []
        self._texts: list[str] = []
        self._rows: NDArray[np.intp] | None = None
        self._table = Table()
        self._words = Bm25()
        self._titles = Titles()
        self._sources = Sources()
        self._instructions = Lazily(instruction_strength, "turn", "memory")
        self._exact = Lazily(exact_instructions, "turn", "memory", dtype=np.object_)
        self._own = Lazily(self_reference, "turn")
        self.extend(items)

    def __len__(self) -> int:
        return len(self._table)

    def extend(self, items: Iterable[Item], terms: Sequence[TermCounts] | None = None) -> None:
        """Append items; the index then scores as if built from all items at once.

        Args:
            items: the items to append.
            terms: the items' counts from `count_terms`, if known, in one or more batches.
        """
        new = list(items)
        texts = [_key(item) for item in new]
        for i, item in enumerate(new, len(self)):
            if item.title:
                self._titles.add(item.title, i)
        self._items += new
        self._texts += texts
        self._words.extend_counted([count_terms(new)] if terms is None else terms)
        self._table = self._table.plus(new)
        self._sources.extend(new, self._words)

    def select(self, rows: NDArray[np.intp]) -> Index:
        """Return an index of some items, (m,) in any order; it scores as if built from these items only.

        The new index does not change when this one grows, cannot grow itself, and keeps the data of the other items.
        """
        other = copy.copy(self)
        other._rows, other._vectors = rows, ()
        other._table, other._words = self._table.take(rows), self._words.select(rows)
        other._sources = self._sources.select(rows)
        return other

    def compact(self, rows: NDArray[np.intp]) -> Index:
        """Return a separate index of some items, (m,) in any order, without reading their texts for terms again."""
        other = Index(weights=self.weights)
        other.extend([self._items[i] for i in rows.tolist()], [self._words.counted(rows)])
        return other

    def read_ahead(self) -> None:
        """Read from the texts what only some questions need."""
        for lazily in (self._instructions, self._exact, self._own):
            lazily.of(self._items)

    def _item(self, i: int) -> Item:
        return self._items[i if self._rows is None else self._rows[i]]

    def _read(self, lazily: Lazily) -> NDArray[Any]:
        values = lazily.of(self._items)
        return values[: len(self)] if self._rows is None else values[self._rows]

    @property
    def sizes(self) -> Scores:
        """Estimated tokens of each item, (n,)."""
        return self._table["size"]

    @property
    def texts_to_embed(self) -> Sequence[str]:
        """The texts to embed, one for each item."""
        return self._texts if self._rows is None else [self._texts[i] for i in self._rows.tolist()]

    def text_to_embed(self, i: int) -> str:
        """Return the text to embed for one item."""
        return self._texts[i if self._rows is None else self._rows[i]]

    @property
    def foreign(self) -> NDArray[np.bool_]:
        """Whether each item is mostly written in other scripts than Latin, (n,)."""
        return self._table["foreign"]

    def with_vectors(self, *vectors: ItemVectors) -> Index:
        """Return the same index with vectors of one or several embedders; call this again after `extend`.

        Args:
            vectors: the vectors of the `texts_to_embed`; none for words only. No item has vectors of two embedders.

        Raises:
            InputError: the vectors are for another number of items.
        """
        for one in vectors:
            if (have := len(one.matrix if one.row is None else one.row)) != len(self):
                raise InputError(f"{have:,} vectors for {len(self):,} items; embed all of `texts_to_embed`")
        other = copy.copy(self)
        other._vectors = vectors
        return other

    def with_weights(self, weights: Weights) -> Index:
        """Return the same index with other weights; call this again after `extend`."""
        other = copy.copy(self)
        other.weights = weights
        return other

    def query_weights(self, query: Query) -> dict[str, float]:
        """Weigh the question's terms by rarity, to score sentences."""
        return self._words.query_weights(query.wording)

    def coverage(self, query: Query) -> Scores:
        """Return the share of a question's weight, by rarity, that the terms of each item cover, (n,) in [0, 1]."""
        return self._words.coverage(query.terms(0.0))

    def score(self, query: Query) -> Scores:
        """Return the probability p in [0, 1] of each item, (n,); quantised, so that equal input gives equal order."""
        return score_together([(self, query)])[0]

    def unrelated(self, p: Scores) -> NDArray[np.bool_]:
        """Mark the items, (n,), that are no more like the question behind p, (n,), than unrelated items are.

        In a meeting an answer is spread over many turns, and none is unrelated; nor is a memory, which somebody chose
        to keep (MADial lost 1.4 points at 2k); nor anything of a small pool.
        """
        if self.is_meeting or len(self) < LEAST:
            return np.zeros(len(self), np.bool_)
        weights, by_vectors = self.weights, bool(self._vectors)
        named = self._table["titled"] | (self._sources["program"] > 0 if self._sources.has_code else False)
        meaning = weights.dense * np.where(named, FAR_NAMED, FAR) * by_vectors
        far = np.exp(-(FAR_WORDS * weights.lexical + meaning) / weights.temperature)
        worth = p.astype(np.float64) / (1.0 + self._table["size"] / WORTH_TOKENS)
        marked = unrelated(p, worth, far, self._table["turn"], by_vectors=by_vectors)
        return np.asarray(marked & ~self._table["memory"])

    @property
    def is_meeting(self) -> bool:
        """Whether three or more people talk in long sittings, so that an answer is spread over many turns."""
        return self._table.is_meeting

    def central(self, start: Scores, damping: float) -> Scores:
        """Rank pieces of code by walks along references from `start`, (n,), that continue with probability `damping`.

        Other items get 0.
        """
        return self._sources.central(start, self._words, damping)

    def explain(self, query: Query, i: int) -> dict[str, float]:
        """Return what each feature adds to the score of item `i`, the largest first."""
        parts = {name: round(float(part[i]), 3) for name, part in self.features(query).items()}
        return dict(sorted(parts.items(), key=lambda part: -part[1]))

    def features(self, query: Query, ranges: Ranges | None = None, missing: float | None = None) -> dict[str, Scores]:
        """Return what each feature adds to the score, (n,) each; the score is their sum.

        Args:
            query: the question.
            ranges: least and most of the bare matches over all indexes scored together. Default: over this index only.
            missing: the share of the question that no item of these indexes says. Default: over this index only.
        """
        leaning = self._leaning(query)
        terms = query.terms(self.weights.history * leaning, prose_weight=self._sources.prose_weight)
        bare = self._matches(query, terms, leaning)
        limits = ranges or find_ranges(bare)
        scaled = {name: np.nan_to_num(scale(scores, *limits[name])) for name, scores in bare.items()}
        words = TASK_WORDS if query.is_task else 1.0
        parts = {"lexical": words * self.weights.lexical * scaled.pop(WORDS) ** STEEP_WORDS}
        if scaled:
            parts["dense"] = (
                self.weights.dense * self._need_of_meaning(query, missing) * add_up(scaled) ** STEEP_VECTORS
            )
        parts |= self._surroundings(query, add_up(parts))
        parts |= self._asked_for(query) | self._sources.asked_for(query, terms, self.weights)
        if self._sources.has_code:
            parts["calls"] = self._sources.calls(add_up(parts), self._words, self.weights)
        if query.is_task:
            parts["kin"] = self.weights.kin * self._kin(add_up(parts))
        return parts | self._second_step(add_up(parts), terms)

    def matches(self, query: Query) -> dict[str, Scores]:
        """Return how well each item matches, unscaled: BM25, and cosines (NaN without a vector)."""
        leaning = self._leaning(query)
        terms = query.terms(self.weights.history * leaning, prose_weight=self._sources.prose_weight)
        return self._matches(query, terms, leaning)

    def _matches(self, query: Query, terms: dict[str, float], leaning: float) -> dict[str, Scores]:
        return {WORDS: self._words.scores(terms)} | self._cosines(query, leaning)

    def _cosines(self, query: Query, leaning: float = 0.0) -> dict[str, Scores]:
        return {
            one.name: one.cosines(direction, len(self))
            for one in self._vectors
            if (direction := query.direction(one.name, leaning)) is not None
        }

    def _leaning(self, query: Query) -> float:
        """Return how far a question leans on the messages before it, 0 to 1.

        This follows the best cosine of the question alone: if an item means just what the question says, the subject
        has changed, or was said again, and the messages before mislead. Gains over using the share of the question that
        no item says, whatever vectors know: MTRAG-UN at 1k +5.3 [2.9, 8.1], MADial -.6 [-4, 2] in English and +.2 in
        Chinese. The square of this share is the lower bound, since an embedder with high cosines everywhere would
        switch the history off. Without vectors the share itself is used.
        """
        if not query.history:
            return 0.0
        missing = self.missing(query)
        by_vectors = self._unlike_by_vectors(query)
        return missing if by_vectors is None else max(missing**2, by_vectors)

    def _unlike_by_vectors(self, query: Query) -> float | None:
        """Return how far the best item's meaning is from the question's, 0 to 1; None without vectors."""
        found = [float(np.nanmax(one)) for one in self._cosines(query).values() if not np.isnan(one).all()]
        return float(np.clip((SELF_CONTAINED - max(found)) / (SELF_CONTAINED - LEANING), 0, 1)) if found else None

    def unlike(self, query: Query) -> float:
        """Return how far the best item is from what the question says, by words and by vectors, 0 to 1."""
        return max(self.missing(query) ** 2, self._unlike_by_vectors(query) or 0.0)

    def apart(self, query: Query) -> float:
        """Return by what factor the best item matches by words better than the fifth best, as a natural logarithm."""
        scores = self._words.scores(query.terms(0.0))
        if not len(scores):
            return 0.0
        place = len(scores) - min(5, len(scores))
        return float(np.log((1.0 + scores.max()) / (1.0 + np.partition(scores, place)[place])))

    def missing(self, query: Query) -> float:
        """Return the share of a question's weight, by rarity, that the best item lacks, 0 to 1."""
        return 1.0 - float(self.coverage(query).max(initial=0.0))

    def _need_of_meaning(self, query: Query, missing: float | None) -> float:
        """Return how much vectors count; for a question in another script, less the more of it the best item says.

        Pairs of characters are such fine keys, and the model of other scripts is so coarse, that vectors help only
        where words do not. Gains over vectors that always count: VCSum at 2k +7 [5, 10], MemoryBank at 128 tokens +5
        [1, 11], MADial at 512 -1.5 [-5, 1], RGB (checked only) at 256 +2 [-2, 6]. In English such a gate gave -3 to +4.
        """
        if not is_foreign(query.text):
            return self._sources.need_of_meaning
        return MEANING * (self.missing(query) if missing is None else missing) ** 2

    def _surroundings(self, query: Query, base: Scores) -> dict[str, Scores]:
        """Let items share in the relevance of the items around them.

        A question over time is not about the session of the best item.
        """
        weights, place = self.weights, self._table.place
        share = TASK_PLACE if query.is_task else 1.0
        return {
            "neighbours": weights.neighbours * share * place.around(base),
            "session": weights.session * (0.0 if query.is_over_time else share) * place.best_of_session(base),
            "topic": weights.topic * place.undivided * scale_within(place.topic(base)),
        }

    def _asked_for(self, query: Query) -> dict[str, Scores]:
        """Score the speakers, times and kinds of items that the question asks for."""
        weights, named = self.weights, self._named(query)
        parts = {
            "speaker": weights.speaker * named,
            "filler": -weights.filler * self._table.place.brief * np.exp(-self._words.content / SAYS_SOMETHING),
            "role": weights.role * self._table["assistant" if query.asks_assistant else "user"],
            "brief": weights.brief * np.maximum(-self._table.folds, 0),
            "long": weights.long * np.maximum(self._table.folds, 0),
        }
        if named.any():
            parts["own"] = weights.own * named * self._read(self._own)
        if query.is_about_the_user:
            parts["mine"] = weights.mine * self._table["self"] * self._read(self._own)
        if query.is_task:
            parts["instruction"] = weights.instruction * self._read(self._instructions) * self._force()
        if phrases := query.phrases:
            parts["phrase"] = weights.phrase * self._quoting(phrases)
        if (days := self._days(query)) is not None:
            parts["date"] = weights.date * days
        return parts

    def _force(self) -> Scores:
        """Return how much more or less each item's instruction counts for what it names exactly, (n,) about 1."""
        said, by_user = self._read(self._exact), self._table["self"] > 0
        exact = np.flatnonzero(said)
        oldest_first = exact if self._rows is None else exact[np.argsort(self._rows[exact])]
        force = np.ones(len(self), np.float32)
        force[exact] = EXACT
        force[list(replaced((i, bool(by_user[i]), said[i]) for i in oldest_first.tolist()))] = REPLACED
        return force

    def _quoting(self, phrases: Sequence[str]) -> Scores:
        """Tell which items have one of the phrases, 0 or 1; only items with enough of a phrase's terms are read."""
        out = np.zeros(len(self), np.float32)
        for phrase in phrases:
            terms = dict.fromkeys(tokenize(phrase), 1.0)
            likely = np.flatnonzero(self._words.coverage(terms) >= PHRASE_TERMS) if terms else np.arange(len(self))
            out[[i for i in likely.tolist() if phrase in self.text_to_embed(i).lower()]] = 1.0
        return out

    def _named(self, query: Query) -> Scores:
        """Tell which items are said by somebody named in the question, 0 or 1."""
        return self._table.said_by(set(re.findall(r"\w+", query.text.lower())))

    def _kin(self, total: Scores) -> Scores:
        """Return how near each item is to the likeliest rules for a task, 0 to 1; zeros without vectors or rules."""
        cues = self._read(self._instructions)
        best = top(np.round(total * cues, 5), KIN)
        best = best[cues[best] >= KIN_CUE]
        out = np.zeros(len(self), np.float32)
        for one in self._vectors:
            known = best if one.row is None else best[one.row[best] >= 0]
            if len(known):
                shares = np.exp(total[known] - total[known].max())
                mean = shares @ one.matrix[known if one.row is None else one.row[known]]
                cosines = one.cosines(mean, len(self))
                low, high = float(np.nanmin(cosines)), float(np.nanmax(cosines))
                out = np.maximum(out, np.nan_to_num(scale(cosines, low, high)))
        return out

    def _days(self, query: Query) -> Scores | None:
        """Return how near each item is to a day named in the question, 0 to 1; None if the question names no day."""
        day = self._table["day"]
        known = np.flatnonzero(~np.isnan(day))
        if not len(known):
            return None
        spans = named_days(query.text, query.when or self._item(known[-1]).when)
        return near_days(day, spans) if spans else None

    def _second_step(self, total: Scores, terms: dict[str, float]) -> dict[str, Scores]:
        """Follow the best items to other items that share their rare terms, or whose titles they name."""
        weights = self.weights
        worth = total - weights.temperature * np.log(self._table["size"] + WORTH_TOKENS)
        best = top(np.round(worth, 5), max(BRIDGES, LINKS))
        shares = {int(i): float(np.exp((worth[i] - worth[best[0]]) / weights.temperature)) for i in best}
        bridges = {i: shares[i] for i in best[:BRIDGES].tolist()}
        bridge = self._words.expansion(bridges, terms, BRIDGE_TERMS)
        bridge[list(bridges)] = 0.0
        bridge = scale_within(bridge)
        if not len(self._titles):
            return {"bridge": weights.bridge * bridge}
        link, headings = np.zeros((2, len(self)), np.float32)
        for i in best[:LINKS].tolist():
            for j in self._named_in(self._item(i)) - {i}:
                # A chunk's title is a heading or a name within a file, which texts say for many reasons.
                named = headings if self._item(j).kind == "chunk" else link
                named[j] = max(named[j], shares[i])
        return {"bridge": weights.bridge * (bridge + headings), "link": weights.link * link}

    def _named_in(self, item: Item) -> set[int]:
        """Return the items whose titles stand in the text of `item`."""
        found = self._titles.named_in(item.text)
        rows = np.arange(len(self)) if self._rows is None else self._rows
        return set(np.flatnonzero(np.isin(rows, list(found))).tolist()) if found else found


def _key(item: Item) -> str:
    """Return the text that an item is found by: its own, with its speaker or title."""
    head = item.title or item.speaker
    return f"{head}: {item.text}" if head else item.text


def count_terms(items: Iterable[Item]) -> TermCounts:
    """Count the terms that items are found by; the result can be stored and passed to `Index.extend`."""
    return TermCounts.of(tokenize(_key(item)) for item in items)


def score_together(asked: Sequence[tuple[Index, Query]]) -> list[Scores]:
    """Score the items of several indexes on one scale, so that turns and file chunks can compete.

    Args:
        asked: each index with its question.

    Returns:
        For each index the probability p in [0, 1] of its items, (n,); the best item of all has 1.

    Example:
        >>> talk, files = Index([Item(text="It rains.")]), Index([Item(text="Ana moved to Oslo.")])
        >>> query = Query(text="Where did Ana move?")
        >>> [[f"{one:.2f}" for one in p] for p in score_together([(talk, query), (files, query)])]
        [['0.03'], ['1.00']]
    """
    none, several = np.zeros(0, np.float32), len(asked) > 1
    ranges = find_ranges(*(index.matches(query) for index, query in asked)) if several else None
    missing = min(index.missing(query) for index, query in asked) if several else None
    totals = [add_up(index.features(query, ranges, missing)) if len(index) else none for index, query in asked]
    best = max((float(total.max()) for total in totals if total.size), default=0.0)
    return [
        np.exp((total - np.float32(best)) / np.float32(index.weights.temperature)).round(7)
        for total, (index, _) in zip(totals, asked, strict=True)
    ]
