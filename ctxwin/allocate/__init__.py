"""Choose what goes into the window: at most one form of each item, within the capacity.

`auto`, the default, is `knapsack` and proves how far from the best it can be; `relevance` and `recency` are what many
programs do. All take a `Problem` and return a `Selection`. `get_allocator` finds a strategy by name; it also takes any
function or object of this shape. `ctxwin.evaluate.baselines` has more of them, to compare with.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module

from ..errors import InputError
from ..items import FORM_KINDS
from .exact import exact
from .knapsack import knapsack, marginal
from .ledger import cost, place_required
from .problem import Allocator, Problem, Selection, Share
from .simple import recency, relevance
from .value import appraise, worth
from .verdicts import Verdict, Verdicts, verdicts

__all__ = [
    "FORM_KINDS",
    "OLD_NAMES",
    "SOLVERS",
    "Allocator",
    "Problem",
    "Selection",
    "Share",
    "Verdict",
    "Verdicts",
    "appraise",
    "cost",
    "exact",
    "get_allocator",
    "knapsack",
    "marginal",
    "place_required",
    "recency",
    "relevance",
    "strategies",
    "verdicts",
    "worth",
]

SOLVERS = ("greedy", "exact")

_Function = Callable[[Problem], Selection]

_STRATEGIES: dict[str, _Function] = {"auto": knapsack, "recency": recency, "relevance": relevance}

_LINES = {
    "auto": "the forms of most value, near-duplicates counted down, within a reported gap of the best",
    "recency": "the newest items, in full",
    "relevance": "full items by relevance",
}

_BASELINES = "ctxwin.evaluate.baselines"
OLD_NAMES = {
    "knapsack": "ctxwin.allocate",
    **dict.fromkeys(("coverage", "greedy", "head_tail", "mmr", "summary"), _BASELINES),
}
"""Names that were strategies before 0.2.0 and the modules that have their functions; they work until 0.3.0."""


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
        solver: `exact` proves the optimum of `auto` by integer programming, for audits.

    Raises:
        InputError: no strategy has this name, or the strategy does not work with the solver.

    Example:
        >>> problem = Problem.from_forms([[(40, 0.9), (12, 0.5)], [(30, 0.4)]], capacity=50)
        >>> get_allocator("recency").allocate(problem).choice.tolist()
        [-1, 0]
    """
    if solver not in SOLVERS:
        raise InputError(f"unknown solver {solver!r}; use one of {', '.join(SOLVERS)}")
    if isinstance(strategy, str):
        function = _STRATEGIES.get(strategy) or _old(strategy)
        if function is None:
            near = get_close_matches(strategy, _STRATEGIES, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(_STRATEGIES)}"
            raise InputError(f"unknown strategy {strategy!r}; {hint}")
        if solver == "exact":
            if function is not knapsack:
                raise InputError(f"solver 'exact' goes with strategy 'auto', not with {strategy!r}")
            function = exact
        return _FromFunction(function)
    if solver == "exact":
        raise InputError("solver 'exact' goes with strategy 'auto', not with an allocator of your own")
    return _FromFunction(strategy) if not hasattr(strategy, "allocate") else strategy


def _old(name: str) -> _Function | None:
    """Return the function that a name meant before 0.2.0, with a warning; None for a name that meant nothing."""
    if name not in OLD_NAMES:
        return None
    if name == "knapsack":
        said = "strategy='knapsack' is the same as 'auto' since 0.2.0; pass strategy='auto'"
    else:
        said = (
            f"strategy={name!r} is a reference of the evaluation since 0.2.0; pass strategy='auto', "
            f"or the function {_BASELINES}.{name}"
        )
    warnings.warn(said, DeprecationWarning, stacklevel=5)  # the caller of `pack`
    function: _Function = getattr(import_module(OLD_NAMES[name]), name)
    return function


def __getattr__(name: str) -> _Function:
    if OLD_NAMES.get(name) != _BASELINES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(f"{__name__}.{name} is {_BASELINES}.{name} since 0.2.0", DeprecationWarning, stacklevel=2)
    function: _Function = getattr(import_module(_BASELINES), name)
    return function
