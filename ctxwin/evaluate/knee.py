"""Find how many tokens are enough on talk or files without labels: `knee`.

Probes stand for the questions to come. In talk these are the turns of its second half that ask something, each put to
the turns before it, as it was when it was said. In files they are sentences of which a fact is masked, each put to all
files; whether the masked fact stands in a request is an answer that can be checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..errors import BudgetError, InputError
from ..items import Budget, Item
from ..packing import pack
from ..pool import Pool
from .limits import spread
from .score import sentences

__all__ = ["Knee", "KneePoint", "Probe", "knee", "knee_at", "probes_of"]

PROBES = 24
"""Most probes: twice as many moved the knee by a tenth."""
LEAST_BUDGET = 125
"""Tokens of the smallest budget, from which each budget is twice the one before."""
LEAST_WORDS = 4
"""Fewest words of a turn that says enough to be a probe."""
NICE = 50
"""A knee is rounded up to a multiple of so many tokens."""
_FACT = re.compile(r"\b\w*\d\w*\b|(?<=[a-z,] )[A-Z]\w{2,}|\b\w+_\w+\b")
"""A number, a name within a sentence, an identifier."""
_WORD = re.compile(r"[^\W_]{2,}|[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A question, put to the first items of a pool."""

    text: str
    items: int
    """How many of the items, from the first, were there when it was asked."""
    answer: str = ""
    """What a request should hold; "" where nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KneePoint:
    """What requests of one size hold, as a mean over the probes."""

    tokens: int
    expected: float
    """Expected share of the evidence."""
    low: float
    high: float
    answers: float | None
    """Share of the probes with a known answer whose request holds the answer; None without such probes."""


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
    shares = np.zeros((len(asked), len(budgets), 3))
    held = np.full((len(asked), len(budgets)), np.nan)
    growing, every = Pool((), weights=pool.weights) if probes is None else pool, list(pool.items)
    for row, probe in enumerate(asked):
        if growing is not pool and probe.items == len(pool):
            growing = pool
        elif growing is not pool:
            growing.extend(every[len(growing) : probe.items])
        for column, budget in enumerate(budgets):
            try:
                made = pack(query=probe.text, items=growing, budget=budget, tokenizer=tokenizer, embedder=embedder)
            except BudgetError:  # the question alone is larger
                held[row, column] = 0.0 if probe.answer else np.nan
            else:
                share = made.report.expected
                shares[row, column] = (share.share, share.low, share.high) if share is not None else 1.0
                if probe.answer:
                    held[row, column] = probe.answer in made.text.replace(probe.text, "")
            if on_progress is not None:
                on_progress(row * len(budgets) + column + 1, shares.shape[0] * shares.shape[1])
    mean, known = shares.mean(axis=0), ~np.isnan(held[:, 0])
    points = tuple(
        KneePoint(
            tokens=budget, expected=round(float(one[0]), 3), low=round(float(one[1]), 3), high=round(float(one[2]), 3),
            answers=round(float(held[known, column].mean()), 3) if known.any() else None,
        )
        for column, (budget, one) in enumerate(zip(budgets, mean, strict=True))
    )  # fmt: skip
    tokens = knee_at(budgets, mean[:, 0].tolist(), enough)
    return Knee(points=points, total=total, enough=enough, tokens=tokens, probes=len(asked))


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
    """Make at most `PROBES` questions of the items, spread evenly, the turns in their order.

    Example:
        >>> talk = [Item(text=f"The hall has {n} tall doors.", role="user") for n in range(9)]
        >>> [one.text for one in probes_of(Pool([*talk, Item(text="How many doors has the hall?", role="user")]))]
        ['How many doors has the hall?']
    """
    items = list(pool.items)
    turns = [n for n, item in enumerate(items) if item.kind == "turn" and item.role not in ("assistant", "system")]
    asking = [n for n in turns[len(turns) // 2 :] if _asks(items[n].text)]
    if asking:
        return [Probe(text=items[n].text.strip(), items=n) for n in spread(asking, PROBES)]
    masked = (_masked(item.text) for item in spread(items, 4 * PROBES))
    found = [Probe(text=text, items=len(items), answer=answer) for text, answer in filter(None, masked)]
    return list(spread(found, PROBES))


def _asks(text: str) -> bool:
    return ("?" in text or "？" in text) and len(_WORD.findall(text)) >= LEAST_WORDS


def _masked(text: str) -> tuple[str, str] | None:
    """Return the first sentence of a text with a fact, without the fact, and the fact."""
    for start, end in sentences(text[:4_000]):
        sentence = text[start:end]
        fact = max(_FACT.findall(sentence), key=len, default="")
        rest = sentence.replace(fact, " ") if fact else ""
        if len(_WORD.findall(rest)) >= LEAST_WORDS:
            return " ".join(rest.split()), fact
    return None
