"""Find how many tokens are enough on talk or files without labels: `knee`.

Probes stand for the questions to come. Half of them are the turns of a talk's second half that ask something, each put
to the turns before it, as it was when it was said. The others, in files all, are half-remembered sentences: what is
left of a sentence without its rarest words, put to all items. Whether the sentence stands in a request can be checked,
and what is expected is corrected by it.

What people will ask cannot be known from a talk: of 20 sets the knee lay within a factor of 1.5 of the one from gold on
7, of 1.65 on 12, and it was too large where reading is easy (`measure_enough.py --knees`). The questions of the sets
themselves, without labels, gave 11 within 1.5; one figure for all, 2,400 tokens, gave 7.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BudgetError, InputError
from ..items import Budget, Item
from ..packing import pack
from ..pool import Pool
from ..retrieve import Query
from ..retrieve.curve import EDGE
from ..retrieve.own_curve import ShareBySize, scaled
from .limits import spread
from .score import sentences

__all__ = ["Knee", "KneePoint", "Probe", "corrected", "knee", "knee_at", "probes_of"]

PROBES = 24
"""Most probes: twice as many moved the knee by a tenth."""
REMEMBERED = 0.45
"""Share of a sentence's weight, by rarity, that its probe has. At .6 / .45 / .3 the knee lay within a factor of 1.5
of the one from gold on 12 / 12 / 10 of 19 sets, by an earlier curve; sentences with one fact masked share too much with
their source (4 of 10 sets, the knees too small)."""
HOLD = 0.25
"""How many half-remembered sentences the curve counts for, as a share of all (`own_curve.HOLD` for labelled questions):
they are found more easily than what questions ask for, by .6 logits, however many they are."""
LEAST_BUDGET = 125
"""Tokens of the smallest budget, from which each budget is twice the one before."""
LEAST_WORDS = 4
"""Fewest words of a turn or a sentence that says enough to be a probe."""
NICE = 50
"""A knee is rounded up to a multiple of so many tokens."""
_WORD = re.compile(r"[\u3400-\u9fff]{1,2}|[^\s\u3400-\u9fff]+")
"""A word, or two Chinese characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A question, put to the first items of a pool."""

    text: str
    items: int
    """How many of the items, from the first, were there when it was asked."""
    sentence: str = ""
    """The sentence that is half remembered; "" for a question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KneePoint:
    """What requests of one size hold, as a mean over the probes."""

    tokens: int
    expected: float
    """Expected share of the evidence."""
    low: float
    high: float
    answers: float | None
    """Share of the half-remembered sentences that the requests hold; None without such probes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knee:
    """The curve of the expected share over tokens, and the knee of the curve."""

    points: tuple[KneePoint, ...]
    total: int
    """Tokens that the knee is compared with."""
    enough: float
    """Share of what `total` holds that the knee holds."""
    tokens: int
    """The knee: the fewest tokens that are expected to hold enough."""
    probes: int

    @property
    def said(self) -> str:
        """The knee in words."""
        return f"{self.tokens:,} tokens keep {100 * self.enough:.0f} % of what {self.total:,} keep"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self)


def knee(
    items: Sequence[Item] | Pool,
    *,
    probes: Sequence[str] | None = None,
    total: int = 8_000,
    enough: float = 0.95,
    tokenizer: Any = None,
    embedder: Any = None,
    on_progress: Callable[[int, int], object] | None = None,
) -> Knee:
    """Find the fewest tokens that are expected to hold enough of the evidence on talk or files like these.

    Args:
        items: the turns of a talk in their order, or chunks, passages and documents.
        probes: questions of your own, put to all items. Default: made of the items, without labels.
        total: tokens to compare with.
        enough: share of what `total` holds that is enough.
        tokenizer: as for `pack`.
        embedder: as for `pack`.
        on_progress: called after each request with the number done and the number of all.

    Raises:
        InputError: there is nothing to ask about.

    Example:
        >>> from ctxwin import Item
        >>> talk = [Item(text=f"Shelf {n} holds {n * n} jars of plum jam.") for n in range(400)]
        >>> found = knee(talk, probes=["How many jars are on shelf 31?"], total=4_000, embedder="none")
        >>> found.tokens < 4_000, found.probes
        (True, 1)
    """
    Budget(total=total, enough=enough)  # refuses figures that make no budget
    pool = items if isinstance(items, Pool) else Pool(items)
    asked = probes_of(pool) if probes is None else [Probe(text=text, items=len(pool)) for text in probes]
    if not asked:
        raise InputError("no probe: nothing here asks a question or states a fact; give questions of your own")
    budgets = sorted({total, *(total // 2**step for step in range(32) if total // 2**step >= LEAST_BUDGET)})
    tick = on_progress or (lambda done, of: None)
    shares, held = _packed(pool, asked, budgets, grow=probes is None, tick=tick, tokenizer=tokenizer, embedder=embedder)
    if not pool.index.is_meeting:  # where an answer is spread over many turns, which no sentence is
        shares = corrected(shares, held)
    error, open_ = pool.weights.curve.error, (shares > 0) & (shares < 1)
    low, high = (np.where(open_, np.clip(shares + one, 0, 1), shares).mean(axis=0) for one in (-error, error))
    mean, known = shares.mean(axis=0), ~np.isnan(held[:, 0])
    points = tuple(
        KneePoint(
            tokens=budget, expected=round(float(mean[column]), 3),
            low=round(float(low[column]), 3), high=round(float(high[column]), 3),
            answers=round(float(held[known, column].mean()), 3) if known.any() else None,
        )
        for column, budget in enumerate(budgets)
    )  # fmt: skip
    tokens = knee_at(budgets, mean.tolist(), enough)
    return Knee(points=points, total=total, enough=enough, tokens=tokens, probes=len(asked))


def _packed(
    pool: Pool,
    asked: Sequence[Probe],
    budgets: Sequence[int],
    *,
    grow: bool,
    tick: Callable[[int, int], object],
    **how: Any,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the expected shares and whether requests hold their sentence, (probes, budgets); NaN for a question."""
    shares = np.zeros((len(asked), len(budgets)))
    held = np.full_like(shares, np.nan)
    growing, every = Pool((), weights=pool.weights) if grow else pool, list(pool.items)
    for row, probe in enumerate(asked):
        if growing is not pool and probe.items == len(pool):
            growing = pool
        elif growing is not pool:
            growing.extend(every[len(growing) : probe.items])
        for column, budget in enumerate(budgets):
            try:
                made = pack(query=probe.text, items=growing, budget=budget, **how)
            except BudgetError:  # the question alone is larger
                held[row, column] = 0.0 if probe.sentence else np.nan
            else:
                share = made.report.expected
                shares[row, column] = share.share if share is not None else 1.0
                held[row, column] = probe.sentence in made.text if probe.sentence else np.nan
            tick(row * len(budgets) + column + 1, shares.size)
    return shares, held


def corrected(shares: NDArray[np.float64], held: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shift and stretch the logits of expected shares, (n, budgets), by what the requests of sentences hold."""
    sure = (shares <= 0) | (shares >= 1)  # nothing fits, or everything
    logit = np.log(np.clip(shares, EDGE, 1 - EDGE) / (1 - np.clip(shares, EDGE, 1 - EDGE)))
    rows = [(one[~known], found[~known]) for one, found, known in zip(logit, held, sure | np.isnan(held), strict=True)]
    questions = [ShareBySize(pool=0, logit=one, share=found) for one, found in rows if len(one)]
    if not questions:
        return shares
    shift, factor = scaled(questions, HOLD * len(questions))
    return np.where(sure, shares, 1 / (1 + np.exp(-shift - factor * logit)))


def knee_at(budgets: Sequence[int], shares: Sequence[float], enough: float) -> int:
    """Return the tokens at which the shares, on a line over the logarithm of tokens, reach enough of the last share."""
    rising = np.maximum.accumulate(np.asarray(shares))
    aim = enough * rising[-1]
    place = int(np.argmax(rising >= aim))
    if place == 0:
        return budgets[0]
    part = (aim - rising[place - 1]) / (rising[place] - rising[place - 1])
    tokens = float(np.exp(np.log(budgets[place - 1]) * (1 - part) + np.log(budgets[place]) * part))
    return min(budgets[-1], int(np.ceil(tokens / NICE)) * NICE)


def probes_of(pool: Pool) -> list[Probe]:
    """Make at most `PROBES` probes of the items, spread evenly: questions of the talk, then half-remembered sentences.

    Example:
        >>> talk = [Item(text=f"The hall has {n} tall doors.", role="user") for n in range(9)]
        >>> found = probes_of(Pool([*talk, Item(text="How many doors has the hall?", role="user")]))
        >>> found[0].text, found[1].text, found[1].sentence
        ('How many doors has the hall?', 'The hall has tall doors.', 'The hall has 0 tall doors.')
    """
    items = list(pool.items)
    turns = [n for n, item in enumerate(items) if item.kind == "turn" and item.role not in ("assistant", "system")]
    asking = [n for n in turns[len(turns) // 2 :] if _asks(items[n].text)]
    found = [Probe(text=items[n].text.strip(), items=n) for n in spread(asking, PROBES // 2)]
    some = spread(items, 4 * PROBES)
    probes = filter(None, (_half_remembered(item.text, n, pool) for n, item in enumerate(some)))
    return [*found, *spread(list(probes), PROBES - len(found))]


def _asks(text: str) -> bool:
    return ("?" in text or "？" in text) and len(_WORD.findall(text)) >= LEAST_WORDS


def _half_remembered(text: str, number: int, pool: Pool) -> Probe | None:
    """Take one sentence of a text, by the text's number, and leave out its rarest words."""
    cut = [text[start:end].strip() for start, end in sentences(text[:4_000])]
    said = [one for one in cut if len(_WORD.findall(one)) >= LEAST_WORDS]
    if not said:
        return None
    sentence = said[number % len(said)]
    words = [
        (one.span(), sum(pool.index.query_weights(Query(text=one[0])).values())) for one in _WORD.finditer(sentence)
    ]
    left = total = sum(weight for _, weight in words)
    rest = list(sentence)
    for (start, end), weight in sorted(words, key=lambda word: -word[1]):
        if left <= REMEMBERED * total:
            break
        rest[start:end] = " " * (end - start)
        left -= weight
    remembered = " ".join("".join(rest).split())
    if remembered in ("", sentence):
        return None
    return Probe(text=remembered, items=len(pool), sentence=sentence)
