"""Measure for how long the event loop stands still while `apack` packs, and `Window.asend` sends.

    python tests/bench_loop.py [MESSAGES]

A task notes the time of the loop every millisecond; the longest gap that is not the machine's is what others on the
loop wait. Gaps are taken in processor time of the loop's own thread where it works, and by the clock where it waits.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

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


def reply(request: object) -> dict[str, object]:
    return {"choices": [{"message": {"role": "assistant", "content": "It is 12."}}]}


async def measure(size: int) -> dict[str, tuple[float, float]]:
    messages = talk(size)
    found = {"idle": await gaps(lambda: asyncio.sleep(0.5))}
    for name, embedder in (("apack, words", "none"), ("apack, vectors", "static")):
        found[name] = await gaps(lambda embedder=embedder: ctxwin.apack(messages, budget=4_000, embedder=embedder))
    return found


def main() -> int:
    size = int(sys.argv[1]) if sys.argv[1:] else MESSAGES
    found = asyncio.run(measure(size))
    for name, (longest, busiest) in found.items():
        print(f"{name:20} longest gap {longest * 1e3:7.1f} ms, busiest {busiest * 1e3:7.1f} ms of the loop's thread")
    return 1 if max(longest for longest, _ in found.values()) > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
