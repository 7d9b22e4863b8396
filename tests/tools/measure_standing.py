"""What of a long talk survives compactions that no question guides: `python tests/tools/measure_standing.py DATA`.

    python tests/tools/measure_standing.py DATA [--lost]
    python tests/tools/measure_standing.py --sessions FILE... [--shares 0.05 0.1] [--processes 2]

DATA is the folder of the evaluation sets; of it `standing` is read: real talk in which rules, limits, facts, decisions,
tasks and preferences were planted, once each. FILE is another of the same form (`*.jsonl` or `*.jsonl.gz`: `messages`,
and `planted` with `kind`, `text`, `stale`). A third of a session is there and compacted where it is over the budget, a
part of the session's tokens; then the next third is added, and the last. A planted sentence survives where it stands
word for word in what is left; over the budget nothing does. Intervals: 95 %, bootstrap over the sessions.

Every compaction is checked too: `ctxwin.check` finds nothing, the budget is kept by a counter apart from the library's,
the last user message ends it, shortened at most where it takes a third of the budget, and from 10 % on so many of
the newest messages end it whole as a third of the budget holds.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import ctxwin
from ctxwin.evaluate.score import request_text, request_tokens
from ctxwin.evaluate.stats import bootstrap

Messages = Sequence[Mapping[str, Any]]
Compaction = Callable[[Messages, int], Messages]

ENGLISH = {0.05: 90.0, 0.1: 95.0, 0.2: 98.0}
"""Budgets as parts of a session's tokens, and the percentage of the planted that has to survive."""
CHINESE = {0.1: 80.0, 0.2: 93.0}
ROUNDS = 3
RECENT = 3
"""Part of the budget that the newest messages may fill, as 1 / RECENT."""
RECENT_FROM = 0.1
"""Budget from which the newest messages are asked for."""
TOKENIZER = "o200k_base"
_MARK = re.compile(r"\[[^\]\n]*\]|\.\.\.|…")


@dataclass
class Left:
    """What one session has left after the last round."""

    survived: Mapping[str, Sequence[bool]]
    """By kind, for each planted sentence."""
    lost: Sequence[tuple[str, str]] = ()
    stale_alone: int = 0
    stale_beside: int = 0
    faults: Sequence[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        every = [one for some in self.survived.values() for one in some]
        return sum(every) / max(1, len(every))


def folded(text: str) -> str:
    return " ".join(text.casefold().split())


def core(sentence: str) -> str:
    """Return a sentence without its first word (in Chinese: character) and its final mark."""
    text = folded(sentence).rstrip(".。!！?？")
    return text.split(" ", 1)[1] if " " in text else text[1:]


def by_ctxwin(messages: Messages, budget: int) -> Messages:
    return ctxwin.compact(list(messages), budget, tokenizer=TOKENIZER).messages


def newest_first(messages: Messages, budget: int) -> Messages:
    kept = list(messages)
    while kept and request_tokens(kept, TOKENIZER) > budget:
        del kept[0]
    return kept


def content(message: Mapping[str, Any]) -> str:
    return request_text([message])


def last_user(messages: Messages) -> str | None:
    return next((content(one) for one in reversed(messages) if one["role"] == "user"), None)


def faults(before: Messages, after: Messages, budget: int, share: float) -> Iterator[str]:
    """Yield what is wrong with one compaction."""
    tokens = request_tokens(after, TOKENIZER)
    if tokens > budget:
        yield f"{tokens} tokens of {budget}"
    yield from (f"check: {one.rule}" for one in ctxwin.check(list(after)))
    yield from _last(before, after, budget)
    if share >= RECENT_FROM:
        due = recent_due(before, budget)
        there = next(
            (n for n, (old, new) in enumerate(zip(reversed(before), reversed(after), strict=False)) if old != new),
            min(len(before), len(after)),
        )
        if there < due:
            yield f"{there} of the newest {due} messages that a third of the budget holds"


def recent_due(messages: Messages, budget: int) -> int:
    """Return how many of the newest messages fit in a third of the budget; results count with their call alone."""
    left, due = budget // RECENT, 0
    for number, one in enumerate(reversed(messages), 1):
        left -= request_tokens([one], TOKENIZER)
        if left < 0:
            break
        due = due if one["role"] == "tool" else number
    return due


def _last(before: Messages, after: Messages, budget: int) -> Iterator[str]:
    asked, there = last_user(before), last_user(after)
    if asked is None or asked == there:
        return
    if request_tokens([{"role": "user", "content": asked}], TOKENIZER) <= budget / RECENT:
        yield "the last user message is not whole"
        return
    whole = folded(asked)
    pieces = [piece for line in _MARK.split(there or "") if (piece := folded(line))]
    if not pieces or any(piece not in whole for piece in pieces):
        yield "the last user message is not even there in part"


def run(session: Mapping[str, Any], share: float, compaction: Compaction, *, checked: bool = True) -> Left:
    """Compact a session in rounds, and look what is left."""
    messages = session["messages"]
    budget = int(request_tokens(messages, TOKENIZER) * share)
    kept: Messages = []
    wrong: list[str] = []
    for one in range(ROUNDS):
        kept = [*kept, *messages[one * len(messages) // ROUNDS : (one + 1) * len(messages) // ROUNDS]]
        if request_tokens(kept, TOKENIZER) > budget:
            before, kept = kept, compaction(kept, budget)
            wrong += faults(before, kept, budget, share) if checked else ()
    over = request_tokens(kept, TOKENIZER) > budget
    text = "" if over else folded(request_text(kept))
    survived: dict[str, list[bool]] = {}
    left = Left(survived=survived, faults=wrong, lost=[])
    for planted in session["planted"]:
        there = core(planted["text"]) in text
        stale = bool(planted.get("stale")) and core(planted["stale"]) in text
        survived.setdefault(planted["kind"], []).append(there)
        left.stale_alone += stale and not there
        left.stale_beside += stale and there
        if not there:
            left.lost = [*left.lost, (planted["kind"], planted["text"])]
    return left


def row(name: str, share: float, found: Sequence[Left]) -> str:
    low, high = bootstrap([100 * one.share for one in found])
    mean = 100 * sum(one.share for one in found) / len(found)
    kinds: dict[str, list[bool]] = {}
    for one in found:
        for kind, there in one.survived.items():
            kinds.setdefault(kind, []).extend(there)
    said = "  ".join(f"{kind} {100 * sum(there) / len(there):.0f}" for kind, there in sorted(kinds.items()))
    stale = f"stale alone {sum(one.stale_alone for one in found)}, beside {sum(one.stale_beside for one in found)}"
    return f"{share:4.0%}  {name:12} {mean:5.1f} [{low:.1f}, {high:.1f}]  {said}  {stale}"


def sessions(path: Path) -> list[dict[str, Any]]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    return [json.loads(line) for line in text.split("\n") if line.strip()]


def report(path: Path, asked: Mapping[float, float | None], processes: int, *, show: bool) -> bool:
    """Print the rows of one file; return whether all that is asked is met."""
    given = sessions(path)
    print(f"\n{path}: {len(given)} sessions", flush=True)
    met = True
    for share, least in asked.items():
        print(row("newest first", share, [run(one, share, newest_first, checked=False) for one in given]))
        found = compacted(given, share, processes)
        print(row("ctxwin", share, found), flush=True)
        wrong = Counter(fault for one in found for fault in one.faults)
        for fault, count in wrong.most_common():
            print(f"      FAULT {count} times: {fault}")
        if show:
            print("\n".join(f"      lost {kind}: {text}" for one in found for kind, text in one.lost))
        mean = 100 * sum(one.share for one in found) / len(found)
        met &= not wrong and not sum(one.stale_alone for one in found) and (least is None or mean >= least)
        if least is not None:
            print(f"      {least:.0f} asked: {'met' if mean >= least else 'NOT MET'}")
    return met


def compacted(given: Sequence[Mapping[str, Any]], share: float, processes: int) -> list[Left]:
    one = partial(run, share=share, compaction=by_ctxwin)
    if processes < 2:
        return [one(session) for session in given]
    with ProcessPoolExecutor(processes) as pool:
        return list(pool.map(one, given))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--sessions", type=Path, nargs="+", default=[])
    parser.add_argument("--shares", type=float, nargs="+", help="other budgets, without what is asked")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--lost", action="store_true", help="also name every planted sentence that is gone")
    given = parser.parse_args()
    files: dict[Path, Mapping[float, float | None]] = {}
    if given.data:
        folder = given.data / "standing"
        files = {folder / "sessions.jsonl.gz": ENGLISH, folder / "sessions_zh.jsonl.gz": CHINESE}
    files |= {path: dict.fromkeys(ENGLISH) for path in given.sessions}
    met = True
    for path, asked in files.items():
        if not path.is_file():
            print(f"{str(path)!r} is absent: nothing measured")
            continue
        shares = dict.fromkeys(given.shares) if given.shares else asked
        met &= report(path, shares, given.processes, show=given.lost)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
