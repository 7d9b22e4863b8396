"""Measure for how long the event loop stands still while `apack` packs, and `Window.asend` sends.

    python tests/tools/bench_loop.py [MESSAGES]

A task wakes every millisecond; the longest gap is what others on the loop wait. It is taken by the clock, so that it
needs an idle machine; beside it stands the processor time of the loop's own thread in a gap, which does not.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import ctxwin

MESSAGES = 10_000
LIMIT = 0.05
"""Seconds that the loop may stand still."""


def talk(size: int) -> list[dict[str, str]]:
    draw = random.Random(1)
    words = "garden lease shed invoice window door price order march april total pump valve".split()  # noqa: SIM905
    roles = ("user", "assistant")
    return [
        {"role": roles[i % 2], "content": f"{i}: " + " ".join(draw.choices(words, k=draw.randrange(5, 60)))}
        for i in range(size)
    ] + [{"role": "user", "content": "What is the price of the pump?"}]


async def gaps(work: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """Return the longest gap in seconds of the clock, and the most processor time that the loop took in one."""
    longest = busiest = 0.0
    running = True

    async def beat() -> None:
        nonlocal longest, busiest
        last, used = time.perf_counter(), time.thread_time()
        while running:
            await asyncio.sleep(0.001)
            now, spent = time.perf_counter(), time.thread_time()
            longest, busiest = max(longest, now - last), max(busiest, spent - used)
            last, used = now, spent

    task = asyncio.create_task(beat())
    await asyncio.sleep(0.01)
    await work()
    running = False
    await task
    return longest, busiest


async def send(messages: list[dict[str, str]]) -> object:
    with ctxwin.Window(model="gpt-4o", budget=4_000, embedder="none", client=lambda request: "It is 12.") as window:
        window.add(*messages[:-1])
        return await gaps(lambda: window.asend(messages[-1]["content"]))


async def measure(size: int) -> dict[str, Any]:
    """Measure a process that waits, the first call with all that it loads, then calls with messages never seen."""
    found: dict[str, Any] = {"idle": await gaps(lambda: asyncio.sleep(0.5))}
    few, apack = talk(20), ctxwin.apack  # the name loads its module
    found["first call"] = await gaps(lambda: apack(few, budget=100, embedder="none"))
    for name, embedder in (("apack, words", "none"), ("apack, vectors", "static")):
        await apack(few, budget=100, embedder=embedder)
        messages = talk(size)
        found[name] = await gaps(lambda: apack(messages, budget=4_000, embedder=embedder))  # noqa: B023
        size -= 1
    found["asend"] = await send(talk(size))
    return found


def main() -> int:
    size = int(sys.argv[1]) if sys.argv[1:] else MESSAGES
    found = asyncio.run(measure(size))
    for name, (longest, busiest) in found.items():
        print(f"{name:20} longest gap {longest * 1e3:7.1f} ms, busiest {busiest * 1e3:7.1f} ms of the loop's thread")
    return 1 if max(one[0] for name, one in found.items() if name != "first call") > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
