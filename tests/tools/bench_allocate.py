"""The solver alone: gap to the proven optimum, milliseconds, ratios. `python tests/tools/bench_allocate.py`.

Ratios are to one evaluation of the relaxation in plain numpy over all forms, the least that any solver does: they
hardly depend on the machine. Processor time of one thread, the least of several runs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # the strategies of the tests
from strategies.problems import seeded_problem

from ctxwin.allocate import Problem, exact, get_allocator, knapsack, strategies
from ctxwin.evaluate.baselines import BASELINES

SIZES = (1_000, 10_000, 100_000)
CAPACITIES = (4_000, 8_000, 32_000)


def milliseconds(call: Callable[[], object], runs: int = 5) -> tuple[float, float]:
    """Return the time of the first call and the least of the next ones."""
    times = []
    for _ in range(runs + 1):
        start = time.thread_time()
        call()
        times.append(1_000 * (time.thread_time() - start))
    return times[0], min(times[1:])


def one_pass(problem: Problem) -> float:
    """Evaluate the relaxation once, without couplings."""
    net = problem.values - 0.01 * problem.tokens
    return float(np.maximum(np.maximum.reduceat(net, problem.start[:-1]), 0).sum())


def gaps() -> None:
    """Print the gap of `knapsack` to the optimum that HiGHS proves."""
    print("allocate  gap to the optimum, mean (max) of 8; bound above it, mean; knapsack and exact ms")
    for couplings in (False, True):
        for size in (40, 100, 300):
            for share in (0.02, 0.1, 0.3):
                rows = [_compare(seeded_problem(seed, size, share=share, couplings=couplings)) for seed in range(8)]
                gap, above, fast, proven = np.array(rows).T
                print(
                    f"  {size:>5} items, {share:4.0%} of tokens, {'couplings' if couplings else 'no couplings':<12} "
                    f"{gap.mean():6.3f} ({gap.max():6.3f}) %  {above.mean():6.3f} %  "
                    f"{np.median(fast):6.1f} {np.median(proven):7.0f}"
                )


def _compare(problem: Problem) -> tuple[float, float, float, float]:
    """Return the gap and the bound's excess in percent, and the milliseconds of `knapsack` and of `exact`."""
    first = time.thread_time()
    found = knapsack(problem)
    second = time.thread_time()
    best = exact(problem)
    third = time.thread_time()
    gap, above = 100 * (1 - found.value / best.value), 100 * (found.bound / best.value - 1)
    return gap, above, 1_000 * (second - first), 1_000 * (third - second)


def speed(sizes: tuple[int, ...] = SIZES) -> None:
    """Print the time of `knapsack`, first and later calls."""
    print("allocate  knapsack: first call, later calls, times one pass over all forms, reported gap")
    for size in sizes:
        for capacity in CAPACITIES:
            for couplings in (False, True):
                problem = seeded_problem(0, size, capacity=capacity, couplings=couplings)
                unit = milliseconds(lambda problem=problem: one_pass(problem), 15)[1]
                first, later = milliseconds(lambda problem=problem: knapsack(problem))
                found = knapsack(problem)
                print(
                    f"  {size:>7,} items, {capacity:>6,} tokens, {'couplings' if couplings else 'no couplings':<12} "
                    f"{first:6.1f} {later:6.1f} ms  x{later / unit:6.1f}  gap {100 * found.gap:.4f} %"
                )


def all_strategies() -> None:
    """Print time, value and gap of every strategy on one problem with vectors."""
    problem = seeded_problem(0, 10_000, capacity=8_000, couplings=True, vectors=True)
    print("allocate  10,000 items with vectors, 8,000 tokens: ms, value, reported gap")
    for name in (*strategies(), *BASELINES):
        allocator = get_allocator(BASELINES.get(name, name))
        later = milliseconds(lambda allocator=allocator: allocator.allocate(problem), 3)[1]
        found = allocator.allocate(problem)
        print(f"  {name:<13} {later:7.1f} ms  {found.value:8.2f}  {100 * found.gap:5.1f} %")


def report() -> None:
    """Print the speed at 100,000 items: the part of `benchmark.py`."""
    speed(SIZES[-1:])


if __name__ == "__main__":
    for part in sys.argv[1:] or ("speed", "gaps", "all_strategies"):
        {"speed": speed, "gaps": gaps, "all_strategies": all_strategies}[part]()
