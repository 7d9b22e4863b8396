"""Measure what hostile texts cost each regular expression of the package: twice the text for twice the time.

    python tests/tools/bench_regexes.py [NAME ...]

All compiled patterns of all modules are found by looking. Each reads runs of every class of signs, and runs of
pieces of the texts that it is made to find, after what leads up to them; process
time of a text and of one twice as long is compared.
"""

from __future__ import annotations

import pkgutil
import random
import re
import re._parser as sre
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import ctxwin

SIGNS = (
    *"\n \t\raA1_.,-:;/\\#*=~+`'\"<>()[]{}|@!?%&$^\f\x0b\x00\x1c\x85\xad\u200b\u2028\u202e",
    *"中あ가é。！？：“”「」\U0001f3f4\U000e0061",
    *(
        "a ",
        "a\n",
        "\n ",
        " \n",
        "\n\n ",
        "\r\n",
        "a.",
        "1.",
        "1,",
        "a-",
        "-a",
        "a_",
        "aA",
        "Aa",
        "a1",
        "1a",
        "a/",
        "\\a",
    ),
    *("`a", "[a", "(a", "<a", "a'", '"a', "```\n", "* ", "> ", "- ", "# ", "| ", "a:", "1:", "a@", "a. ", "A. ", "中 "),
    *("=\n", "-\n", "a\n=\n", "http://", "a.b/", "File ", "at ", "AI ", "you ", "the ", "[1] ", "data:", "```a\n"),
)
"""What is repeated, for every pattern."""
SAMPLES = 12
"""Texts made for each pattern; from each some pieces are repeated."""
FIRST, LAST = 4_000, 256_000
"""Signs of the shortest text, and of the longest that is tried."""
QUICK = 0.03
"""Seconds below which a text is doubled again: too short to compare, where a clock ticks every 4 ms."""
ENOUGH = 0.4
"""Seconds from which it is not."""
METHODS = ("match", "fullmatch", "finditer")
"""Ways to read a text; `search`, `sub`, `findall` and `split` try each place, as `finditer` does."""
LIMIT = 10.0
"""Seconds of a core after which a pattern is given up; its ratio is infinite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What the worst text costs one pattern."""

    name: str
    ratio: float
    """Time of a text to that of its half."""
    seconds: float
    signs: int
    text: str
    """How it begins."""


def patterns() -> Iterator[tuple[str, re.Pattern[Any], Sequence[str]]]:
    """Yield the compiled patterns of all modules that stand alone or in a collection, and how they are used."""
    seen = set()
    for module in pkgutil.walk_packages(ctxwin.__path__, "ctxwin."):
        if module.name.endswith(("__main__", "documents.convert")):
            continue
        with suppress(ImportError):
            found = import_module(module.name)
            for name, value in vars(found).items():
                for pattern in inside(value):
                    if (pattern.pattern, pattern.flags) not in seen:
                        seen.add((pattern.pattern, pattern.flags))
                        yield f"{module.name.removeprefix('ctxwin.')}.{name}", pattern, methods(found, name)


def methods(module: ModuleType, name: str) -> Sequence[str]:
    """Return how a module uses a pattern: of one that is only matched, no later places are tried."""
    used = set(re.findall(rf"\b{name}\.(\w+)\(", Path(module.__file__ or "").read_text(encoding="utf-8")))
    return tuple(used) if used and used <= {"match", "fullmatch"} else METHODS


def inside(value: Any) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict) and len(value) < 100:
        yield from inside(list(value.values()))
    elif isinstance(value, tuple | list | frozenset) and len(value) < 100:
        for one in value:
            yield from inside(one)
    elif hasattr(value, "cache_info") and "re.Pattern" in str(value.__annotations__.get("return")):
        yield from inside(value())  # compiled when first used


def sample(parsed: Any, draw: random.Random) -> str:
    """Make a text that a parsed pattern might match."""
    return "".join(_sample(op, value, draw) for op, value in parsed)


def _sample(op: Any, value: Any, draw: random.Random) -> str:
    name = str(op)
    if name == "LITERAL":
        return chr(value)
    if name in ("NOT_LITERAL", "ANY"):
        return draw.choice("a 1")
    if name == "IN":
        return _member(value, draw)
    if name == "BRANCH":
        return sample(draw.choice(value[1]), draw)
    if name == "SUBPATTERN":
        return sample(value[3], draw)
    if name == "ATOMIC_GROUP":
        return sample(value, draw)
    if name in ("ASSERT",):
        return sample(value[1], draw) if value[0] > 0 else ""
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        low, high, body = value
        return "".join(sample(body, draw) for _ in range(min(int(high), low + draw.randrange(3))))
    return ""


def _member(members: Any, draw: random.Random) -> str:
    if str(members[0][0]) == "NEGATE":
        return draw.choice("a1 x")
    op, value = draw.choice(members)
    if str(op) == "RANGE":
        return chr(draw.choice((value[0], value[1])))
    if str(op) == "CATEGORY":
        kinds = {
            "CATEGORY_SPACE": " \n\t",
            "CATEGORY_DIGIT": "17",
            "CATEGORY_WORD": "a1_é",
            "CATEGORY_NOT_SPACE": "a.-",
        }
        return draw.choice(kinds.get(str(value), ".-a"))
    return chr(value)


def hostile(pattern: re.Pattern[Any], draw: random.Random, samples: int) -> Iterator[tuple[str, str, str]]:
    """Yield (what comes first, what is repeated, what comes last)."""
    for sign in SIGNS:
        yield "", sign, "\x00"
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    parsed = sre.parse(source, pattern.flags & ~re.DEBUG)
    few = max(samples, min(12 * samples, len(source) // 40))
    for _ in range(few):
        text = sample(parsed, draw)
        if not text:
            continue
        yield "", text, "\x00"
        for _ in range(4):
            start, end = sorted((draw.randrange(len(text) + 1), draw.randrange(len(text) + 1)))
            yield text[:start], text[start : min(end, start + draw.choice((1, 2, 5, 30)))] or text[:1], "\x00!"
            yield "", text[:start] + draw.choice(("\n", " ", "a", "")), "\x00"


class _TooLong(Exception):
    pass


def cost(
    pattern: re.Pattern[Any], used: Sequence[str], most: int, before: str, piece: str, after: str
) -> tuple[float, float, int]:
    """Return the ratio of the times of a text and its half, the longer time, and its signs."""

    def spent(size: int) -> float:
        text: Any = before + piece * (size // len(piece)) + after
        if isinstance(pattern.pattern, bytes):
            text = text.encode("utf-8", "surrogatepass")
        start = time.process_time()
        for method in used:
            found = getattr(pattern, method)(text)
            if method == "finditer":
                deque(found, maxlen=0)
        return time.process_time() - start

    size = FIRST
    first = spent(size)
    while first < QUICK and size * 2 < most:
        size *= 4 if first < QUICK / 16 else 2
        first = spent(size)
    if first < QUICK:
        return 0.0, first, size
    last = spent(2 * size)
    while last < ENOUGH and last > 2.6 * first and 4 * size <= most:  # still too short, or really no line
        size *= 2
        first, last = last, spent(2 * size)
    if last > 2.6 * first:
        first, last = min(first, spent(size)) if first > last / 2 else spent(size), min(last, spent(2 * size))
    return last / first, last, 2 * size


def worst(
    name: str, pattern: re.Pattern[Any], used: Sequence[str] = METHODS, *, samples: int = SAMPLES, last: int = LAST
) -> Cost:
    """Return what the worst text costs a pattern."""

    def stop(*_: Any) -> None:
        raise _TooLong

    found = Cost(name=name, ratio=0.0, seconds=0.0, signs=0, text="")
    before = signal.signal(signal.SIGVTALRM, stop)
    try:
        for parts in dict.fromkeys(one for one in hostile(pattern, random.Random(1), samples) if one[1]):
            signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT)
            try:
                ratio, seconds, signs = cost(pattern, used, last, *parts)
            except _TooLong:
                ratio, seconds, signs = float("inf"), LIMIT, FIRST
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            if ratio > found.ratio:
                found = Cost(name=name, ratio=ratio, seconds=seconds, signs=signs, text="".join(parts[:2])[:60])
            if ratio == float("inf"):
                break
    finally:
        signal.signal(signal.SIGVTALRM, before)
    return found


def main() -> None:
    wanted = sys.argv[1:]
    costs = []
    for name, pattern, used in patterns():
        if not wanted or any(one in name for one in wanted):
            costs.append(worst(name, pattern, used))
            one = costs[-1]
            print(f"{one.ratio:6.2f} {one.seconds:7.3f} s {one.signs:8,} {one.name:44} {one.text!r}", flush=True)
    top = max(costs, key=lambda one: one.ratio)
    print(f"worst of {len(costs)}: {top.ratio:.2f} times for twice the text, {top.name}")


if __name__ == "__main__":
    main()
