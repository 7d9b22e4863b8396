"""Replay one conversation, in one process."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..caching import Bill, Planner, Policy, Prices, State
from ..errors import BudgetError
from ..messages import read
from ..models import Model
from ..packing import Packed, Talk
from .cache_policies import BLIND
from .provider import Provider
from .score import recall, request_text, request_tokens
from .spoken import Spoken
from .workers import Tick

__all__ = ["CacheTally", "Contender", "ReplayTask", "prices_at", "replay_one"]

FREE_FROM = 0.25
"""Read multiplier from which writing is free and every prefix is kept, as with OpenAI up to GPT-4.1."""
WRITE = 1.25
"""Write multiplier below `FREE_FROM`, with marked prefixes: Anthropic's, and OpenAI's from GPT-5.6 on."""


def prices_at(read: float) -> Prices:
    """Return the prices that go with a read multiplier.

    Example:
        >>> prices_at(0.5).write, prices_at(0.1).write
        (1.0, 1.25)
    """
    return Prices(read=read, write=1.0 if read >= FREE_FROM else WRITE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A policy with an embedder, by the name that the results give it."""

    name: str
    policy: Policy
    embedder: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayTask:
    """A conversation, and the settings of its replay."""

    spoken: Spoken
    contenders: tuple[Contender, ...]
    reads: tuple[float, ...]
    budgets: tuple[int, ...]
    tokenizer: str

    @property
    def steps(self) -> int:
        """The number of requests to make."""
        runs = sum(1 if one.policy in BLIND else len(self.reads) for one in self.contenders)
        return runs * len(self.budgets) * (len(self.spoken.requests) + len(self.spoken.questions))


@dataclass(slots=True, kw_only=True)
class CacheTally:
    """The growing costs of a policy's requests under one budget at one read multiplier."""

    dataset: str
    budget: int
    policy: str
    read: float
    tokenizer: str
    provider: Provider
    bills: list[Bill] = field(default_factory=list)
    asked: list[Bill] = field(default_factory=list)
    recalls: list[float] = field(default_factory=list)
    skipped: int = 0
    overruns: int = 0

    def take(self, packed: Packed, state: State, now: float, *, question: bool = False) -> None:
        """Send a request to the provider; a request with a question leaves no trace there."""
        provider = copy.deepcopy(self.provider) if question else self.provider
        sent = state.sent[0]
        messages = [item.raw or {} for item in read(packed.messages).items]
        bill = provider.send([{"tools": []}, *messages], sent.tokens, sent.ends, now)
        rest = packed.tokens - bill.tokens  # how the reply is begun
        bill = Bill(read=bill.read, written=bill.written, fresh=bill.fresh + rest)
        (self.asked if question else self.bills).append(bill)
        self.overruns += request_tokens(messages, self.tokenizer) > self.budget


def replay_one(task: ReplayTask, tick: Tick) -> list[CacheTally]:
    """Replay one conversation under all policies, budgets and multipliers."""
    runs = [run for one in task.contenders for budget in task.budgets for run in _runs(task, one, budget)]
    spoken, talk, there = task.spoken, Talk(), 0
    for size, now in zip(spoken.requests, spoken.times, strict=True):
        talk.extend(spoken.messages[there:size])
        there = size
        for run in runs:
            run.go_on(talk, now)
            tick()
    talk.extend(spoken.messages[there:])
    for run in runs:
        for query in spoken.questions:
            packed = run.ask(talk, query.text, spoken.times[-1] + 1.0)
            score = recall(request_text(packed.messages), query, spoken.units) if packed is not None else 0.0
            for tally in run.tallies:
                tally.recalls.append(score)
            tick()
    return [tally for run in runs for tally in run.tallies]


class _Run:
    """One policy under one budget, for the multipliers at which it makes the same requests."""

    def __init__(self, planner: Planner, embedder: str, tallies: Sequence[CacheTally]) -> None:
        self._planner = planner
        self._state: State | None = None
        one = tallies[0]
        self._options: dict[str, Any] = {"embedder": embedder, "tokenizer": one.tokenizer, "budget": one.budget}
        self.tallies = tallies

    def go_on(self, talk: Talk, now: float) -> None:
        """Make the next request."""
        try:
            packed, self._state = self._planner.plan(talk, self._state, now=now, **self._options)
        except BudgetError:
            for tally in self.tallies:
                tally.skipped += 1
            return
        for tally in self.tallies:
            tally.take(packed, self._state, now)

    def ask(self, talk: Talk, question: str, now: float) -> Packed | None:
        """Make a request with a question that is not in the talk, and then forget the question."""
        try:
            packed, state = self._planner.plan(talk, self._state, query=question, now=now, **self._options)
        except BudgetError:
            return None
        for tally in self.tallies:
            tally.take(packed, state, now, question=True)
        return packed


def _runs(task: ReplayTask, one: Contender, budget: int) -> Iterator[_Run]:
    groups = [task.reads] if one.policy in BLIND else [(read,) for read in task.reads]
    for reads in groups:
        planners = [Planner(model=_model(read), policy=one.policy) for read in reads]
        tallies = [
            CacheTally(
                dataset=task.spoken.dataset,
                budget=budget,
                policy=one.name,
                read=read,
                tokenizer=task.tokenizer,
                provider=Provider(planner.rules),
            )
            for read, planner in zip(reads, planners, strict=True)
        ]
        yield _Run(planners[-1], one.embedder, tallies)


def _model(read: float) -> Model:
    """Make a model with the prices and the provider's caching rules for a read multiplier."""
    prices = prices_at(read)
    free = prices.write == 1.0
    return Model(
        name="gpt-4.1" if free else "claude-sonnet-5",
        provider="openai" if free else "anthropic",
        input_price=1.0,
        output_price=1.0,
        cache_read=prices.read,
        cache_write=prices.write,
        template="openai",
    )
