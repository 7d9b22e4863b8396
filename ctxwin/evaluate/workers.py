"""Spread tasks over processes, and report progress after every step of a task."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from itertools import count
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from typing import TypeVar

__all__ = ["Progress", "Tick", "work"]

T = TypeVar("T")
R = TypeVar("R")

Progress = Callable[[int, int], object]
"""Called with the number of steps done and the number of all steps."""
Tick = Callable[[], object]
"""Called after each step of a task."""

TICK = 0.2
"""Seconds between two checks of the processes' progress."""


def work(
    tasks: Sequence[T],
    do: Callable[[T, Tick], R],
    *,
    workers: int,
    steps: Callable[[T], int],
    weight: Callable[[T], float],
    on_progress: Progress | None = None,
) -> list[R]:
    """Do all tasks, in this process if one worker is enough, and return their results in order.

    Args:
        tasks: the tasks.
        do: does one task and calls the function it is given after each step; other processes import it by name.
        workers: the number of processes.
        steps: returns how many steps a task has.
        weight: returns how long a task takes; the longest tasks start first.
        on_progress: called after each step.
    """
    total = sum(map(steps, tasks))
    if workers == 1:
        done = count(1)
        tell = on_progress or (lambda now, of: None)
        return [do(task, lambda: tell(next(done), total)) for task in tasks]
    context = get_context("spawn")
    ticks: SimpleQueue[None] = context.SimpleQueue()
    now = 0
    executor = ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(ticks,))
    try:
        order = sorted(range(len(tasks)), key=lambda at: -weight(tasks[at]))
        futures = {at: executor.submit(_do, do, tasks[at]) for at in order}
        pending = set(futures.values())
        while pending:
            finished, pending = wait(pending, timeout=TICK, return_when=FIRST_EXCEPTION)
            while not ticks.empty():
                ticks.get()
                now += 1
                if on_progress:
                    on_progress(now, total)
            for future in finished:
                future.result()  # raises what the process raised
        return [futures[at].result() for at in range(len(tasks))]
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


_ticks: SimpleQueue[None]
"""Set in each worker process by `_start`."""


def _start(ticks: SimpleQueue[None]) -> None:
    global _ticks
    _ticks = ticks
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends a worker without a traceback of its own


def _do(do: Callable[[T, Tick], R], task: T) -> R:
    return do(task, lambda: _ticks.put(None))
