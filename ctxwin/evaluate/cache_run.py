"""Replay conversations turn by turn under caching policies, and price the requests with a provider's cache.

Wherever the model answered, the policy makes the request that it would have sent, given its earlier requests, and a
`Provider` says which tokens are read from the cache. The reply is the one in the conversation, which then goes on. At
the end, every question of the set with evidence in the messages is asked, each as the next turn of the conversation,
and its evidence recall is scored.

Prices are in tokens of fresh input, without the reply. With read multipliers of .25 and above, every prefix is written
free, as with OpenAI up to GPT-4.1; with lower ones, marked prefixes are written at 1.25, as with Anthropic and, from
GPT-5.6 on, OpenAI. A minute passes between two requests, a day before a new sitting.

On BEAM at 8k, with reads at .1 and writes at 1.25 of the price, a request costs as much as

    policy                                   fresh tokens    evidence recall
    auto                                            3,428               83.7
    ref:repack, packed anew every turn              7,155               84.3
    ref:breakpoints                                 6,312               83.0
    ref:append, and cut down at times               3,387               73.5
    ref:truncate, the oldest dropped                6,224                1.9
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

from ..caching import OLD_NAMES, Policy, get_policy
from ..errors import InputError
from ..items import name_of
from .cache_policies import CACHE_POLICIES
from .cache_task import CacheTally, Contender, ReplayTask, prices_at, replay_one
from .data import Dataset
from .limits import check_settings, spread
from .spoken import spoken
from .workers import Progress, work

__all__ = ["READS", "REPLAYED", "Gain", "Priced", "Replay", "ReplayRecord", "replay"]

READS = (0.5, 0.25, 0.1, 0.05, 0.025)
"""Read multipliers of GPT-4o; GPT-4.1; GPT-5 and Claude; Claude Opus 5.5; Claude Fable 5.1."""

REPLAYED = ("auto", *CACHE_POLICIES)
"""Names of the policies that can be replayed."""
REPACKED = frozenset({"ref:repack", "repack"})
"""Names of the policy whose recall the others are compared with; the second until 0.3.0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """The result of one policy on a set's conversations, under one budget at one read multiplier."""

    dataset: str
    budget: int
    policy: str
    read: float
    write: float
    requests: int
    price: float
    """Mean price of a request, in tokens of fresh input."""
    tokens: float
    """Mean tokens of a request."""
    cached: float
    """Percentage of the tokens that were read from the cache."""
    questions: int
    recall: float | None
    """Evidence recall in percent; None without questions."""
    question_price: float | None
    """Mean price of a question's request; the other means leave these requests out."""
    skipped: int
    """Number of requests where the items that must stay exceed the budget."""
    overruns: int
    """Number of requests over the budget by an independent count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """The first policy compared with the cheapest of the others, for one set, budget and read multiplier."""

    dataset: str
    budget: int
    read: float
    policy: str
    price: float
    best: str
    """The cheapest of the others."""
    best_price: float
    recall_gain: float | None
    """Points of evidence recall over `ref:repack`; None if no question was asked or it was not replayed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRecord:
    """The settings and figures of replays, as `Replay.to_dict` gives them."""

    policies: tuple[str, ...]
    budgets: tuple[int, ...]
    reads: tuple[float, ...]
    tokenizer: str
    rows: tuple[Priced, ...]
    gains: tuple[Gain, ...]


@dataclass(frozen=True, kw_only=True)
class Replay:
    """The prices of replays, and their settings."""

    policies: tuple[str, ...]
    """The policies; the others are compared with the first."""
    budgets: tuple[int, ...]
    reads: tuple[float, ...]
    tokenizer: str
    rows: tuple[Priced, ...]

    @cached_property
    def gains(self) -> tuple[Gain, ...]:
        """The first policy compared with the others."""
        cells: dict[tuple[str, int, float], dict[str, Priced]] = {}
        for row in self.rows:
            cells.setdefault((row.dataset, row.budget, row.read), {})[row.policy] = row
        return tuple(_gain(cell, self.policies[0]) for cell in cells.values() if len(cell) > 1)

    def to_dict(self) -> dict[str, Any]:
        """Return settings, rows and gains as plain values, ready for JSON."""
        return asdict(ReplayRecord(**{one.name: getattr(self, one.name) for one in fields(ReplayRecord)}))


def replay(
    sets: Sequence[Dataset | str | Path],
    *,
    policies: Sequence[str | Policy] = REPLAYED,
    reads: Sequence[float] = READS,
    budgets: Sequence[int] = (4_000, 8_000),
    tokenizer: str = "o200k_base",
    limit: int | None = None,
    processes: int | None = None,
    on_progress: Progress | None = None,
) -> Replay:
    """Replay the conversations of sets under policies, budgets and read multipliers.

    Args:
        sets: folders or sets that `spoken` takes.
        policies: `auto` or `ref:NAME`, each with `@EMBEDDER` if not the default embedder, or functions of your own
            that other processes can import; the others are compared with the first.
        reads: prices of a cached token, as shares of the price of a fresh one.
        budgets: tokens of a request.
        tokenizer: a tokenizer that `toktok` carries, so that the recount is exact.
        limit: conversations of each set, evenly spread. Default: all.
        processes: number of parallel processes, each with one conversation. Default: one for each processor.
        on_progress: called after each request.

    Raises:
        InputError: a set cannot be read, or an argument is wrong.

    Example:
        >>> from ctxwin.evaluate import load_sample
        >>> names = ["auto@none", "ref:truncate"]
        >>> told = replay([load_sample()], policies=names, reads=[0.1], budgets=[900], processes=1)
        >>> [(row.policy, row.overruns, row.price < 900) for row in told.rows]
        [('auto@none', 0, True), ('ref:truncate', 0, True)]
    """
    given = {"sets": len(sets), "policies": len(policies), "budgets": len(budgets), "reads": len(reads)}
    check_settings(given, tokenizer=tokenizer, limit=limit, processes=processes)
    contenders: dict[str, Contender] = {}
    for one in policies:
        policy, name, embedder = _named(one)
        found = Contender(name=name, policy=get_policy(policy), embedder=embedder)
        if contenders.setdefault(name, found) != found:
            raise InputError(f"two policies are called {name!r}; give each function a name of its own")
    settings: dict[str, Any] = {
        "reads": tuple(dict.fromkeys(reads)),
        "budgets": tuple(dict.fromkeys(budgets)),
    }
    tasks = [
        ReplayTask(spoken=talk, contenders=tuple(contenders.values()), tokenizer=tokenizer, **settings)
        for source in sets
        for talk in spread(spoken(source), limit)
    ]
    tallies = work(
        tasks,
        replay_one,
        workers=min(processes or os.cpu_count() or 1, len(tasks)),
        steps=lambda task: task.steps,
        weight=lambda task: task.steps * len(task.spoken.messages),
        on_progress=on_progress,
    )
    rows = tuple(_priced(tally for found in tallies for tally in found))
    return Replay(policies=tuple(contenders), tokenizer=tokenizer, rows=rows, **settings)


def _named(given: str | Policy) -> tuple[str | Policy, str, str]:
    """Return a policy as `get_policy` takes it, its name in the results, and its embedder."""
    if not isinstance(given, str):
        return given, name_of(given), "auto"
    name, _, embedder = given.partition("@")
    if name not in (*REPLAYED, *OLD_NAMES):
        near = get_close_matches(name, REPLAYED, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(REPLAYED)}"
        raise InputError(f"unknown policy {name!r}; {hint}")
    return CACHE_POLICIES.get(name, name), given, embedder or "auto"


def _priced(tallies: Iterable[CacheTally]) -> Iterator[Priced]:
    cells: dict[tuple[str, int, str, float], list[CacheTally]] = {}
    for tally in tallies:
        cells.setdefault((tally.dataset, tally.budget, tally.policy, tally.read), []).append(tally)
    for (dataset, budget, policy, read), some in cells.items():
        prices = prices_at(read)
        bills = [bill for tally in some for bill in tally.bills]
        asked = [prices.of(bill) for tally in some for bill in tally.asked]
        recalls = [score for tally in some for score in tally.recalls]
        tokens = sum(bill.tokens for bill in bills)
        yield Priced(
            dataset=dataset,
            budget=budget,
            policy=policy,
            read=read,
            write=prices.write,
            requests=len(bills),
            price=fmean(map(prices.of, bills)) if bills else 0.0,
            tokens=tokens / max(1, len(bills)),
            cached=100 * sum(bill.read for bill in bills) / max(1, tokens),
            questions=len(recalls),
            recall=100 * fmean(recalls) if recalls else None,
            question_price=fmean(asked) if asked else None,
            skipped=sum(tally.skipped for tally in some),
            overruns=sum(tally.overruns for tally in some),
        )


def _gain(cell: Mapping[str, Priced], first: str) -> Gain:
    mine = cell[first]
    best = min((row for name, row in cell.items() if name != first), key=lambda row: row.price)
    repack = next((row for name, row in cell.items() if name.partition("@")[0] in REPACKED), None)
    known = mine.recall is not None and repack is not None and repack.recall is not None
    return Gain(
        dataset=mine.dataset,
        budget=mine.budget,
        read=mine.read,
        policy=first,
        price=mine.price,
        best=best.policy,
        best_price=best.price,
        recall_gain=mine.recall - repack.recall if known else None,  # type: ignore[operator,union-attr]
    )
