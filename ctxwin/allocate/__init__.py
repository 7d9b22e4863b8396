"""Choose what goes into the window: at most one form of each item, within the capacity.

`knapsack` is the default and proves how far from the best it can be; the other strategies are baselines and
habits. All take a `Problem` and return a `Selection`. `get_allocator` finds a strategy by name; it also takes
any function or object of this shape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

from ..errors import InputError
from ..items import FORM_KINDS
from .diverse import coverage, mmr
from .exact import exact
from .greedy import greedy
from .knapsack import knapsack, marginal
from .ledger import cost, place_required
from .problem import Allocator, Problem, Selection, Share
from .selection import appraise
from .simple import head_tail, recency, relevance, summary
from .value import worth
from .verdicts import Verdict, Verdicts, verdicts

__all__ = [
    "FORM_KINDS",
    "SOLVERS",
    "Allocator",
    "Problem",
    "Selection",
    "Share",
    "Verdict",
    "Verdicts",
    "appraise",
    "cost",
    "coverage",
    "exact",
    "get_allocator",
    "greedy",
    "head_tail",
    "knapsack",
    "marginal",
    "mmr",
    "place_required",
    "recency",
    "relevance",
    "strategies",
    "summary",
    "verdicts",
    "worth",
]

SOLVERS = ("greedy", "exact")

_Function = Callable[[Problem], Selection]

_STRATEGIES: dict[str, _Function] = {
    "auto": knapsack,
    "coverage": coverage,
    "greedy": greedy,
    "head_tail": head_tail,
    "knapsack": knapsack,
    "mmr": mmr,
    "recency": recency,
    "relevance": relevance,
    "summary": summary,
}

_LINES = {
    "auto": "what measured best: knapsack",
    "coverage": "forms that cover what is relevant, each thing once (facility location)",
    "greedy": "full items by value per token",
    "head_tail": "the oldest and the newest items, in full",
    "knapsack": "the forms of most value, near-duplicates counted down, within a reported gap of the best",
    "mmr": "full items by relevance, less what is kept already (maximal marginal relevance)",
    "recency": "the newest items, in full",
    "relevance": "full items by relevance",
    "summary": "the newest items in full, older ones as summaries",
}


@dataclass(frozen=True, slots=True)
class _FromFunction:
    """An `Allocator` made of a function."""

    function: _Function

    def allocate(self, problem: Problem) -> Selection:
        return self.function(problem)


def strategies() -> dict[str, str]:
    """Return the name of each strategy, with one line on what it chooses."""
    return dict(_LINES)


def get_allocator(strategy: str | Allocator | _Function, *, solver: str = "greedy") -> Allocator:
    """Return the allocator for a name, a function or an object.

    Args:
        strategy: a name from `strategies()`, a function from `Problem` to `Selection`, or an `Allocator`.
        solver: `exact` proves the optimum of `knapsack` (and `auto`) by integer programming, for audits.

    Raises:
        InputError: no strategy has this name, or the strategy does not work with the solver.

    Example:
        >>> problem = Problem.from_ladders([[(40, 0.9), (12, 0.5)], [(30, 0.4)]], capacity=50)
        >>> get_allocator("recency").allocate(problem).choice.tolist()
        [-1, 0]
    """
    if solver not in SOLVERS:
        raise InputError(f"unknown solver {solver!r}; use one of {', '.join(SOLVERS)}")
    if isinstance(strategy, str):
        if strategy not in _STRATEGIES:
            near = get_close_matches(strategy, _STRATEGIES, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(_STRATEGIES)}"
            raise InputError(f"unknown strategy {strategy!r}; {hint}")
        function = _STRATEGIES[strategy]
        if solver == "exact":
            if function is not knapsack:
                raise InputError(f"solver 'exact' goes with 'knapsack' or 'auto', not with {strategy!r}")
            function = exact
        return _FromFunction(function)
    if solver == "exact":
        raise InputError("solver 'exact' goes with 'knapsack' or 'auto', not with an allocator of your own")
    return _FromFunction(strategy) if not hasattr(strategy, "allocate") else strategy
