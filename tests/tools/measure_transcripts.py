"""What a compaction of transcripts keeps of what later turns use: `python tests/tools/measure_transcripts.py DATA`.

DATA is the folder with `transcripts/transcripts.jsonl.gz`; where it is absent there is nothing to measure. Each
transcript is cut into five parts. Part after part is appended to what is left of the former parts, and the whole is
compacted where it is over the budget: the system messages and a tenth of all other tokens. Of the identifiers, paths,
numbers and commands that were said before the cut, not in a system message, and that a later text or call of the
assistant has again, the share is printed that is still there. Ways to compact:

    newest   the newest groups of messages that fit
    oracle   the names that later turns use, the shortest first: no choice can keep more
    pack     `ctxwin.compact`
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time
from typing import Any

from ctxwin import compact
from ctxwin.errors import BudgetError
from ctxwin.messages import check, read
from ctxwin.tokens import count_items, get_rules, get_tokenizer

PARTS = 5
"""Parts of a transcript; after each but the last, later turns show what they use."""
TENTH = 10
"""A compaction leaves 1 / TENTH of the tokens."""
LEAST = 2_000
"""Tokens of a transcript that is worth a compaction."""
COMMAND_KEYS = frozenset({"command", "cmd", "code", "bash", "script"})
"""Names of the arguments that hold a command."""

Messages = Sequence[Mapping[str, Any]]
TYPES: Mapping[str, re.Pattern[str]] = {
    "path": re.compile(r"https?://[^\s\"'<>)\]]+|(?<![\w.])(?:~|\.{1,2})?/?(?:[\w@+-][\w.@+-]*/)+[\w@+-][\w.@+-]*"
                       r"|(?<![\w./])/[\w@+-][\w.@+-]*"
                       r"|\b[\w-]+\.(?:py|js|ts|c|h|go|rs|md|txt|json|toml|ya?ml|cfg|sh|html|csv|pcap)\b"),
    "id": re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+"
                     r"|(?<!\w)#?(?=\w*\d)(?=\w*[A-Za-z])\w{4,}\b|\b[a-zA-Z]+(?:_[a-zA-Z0-9]+)+\b"
                     r"|\b[A-Z]{5,}\b|\b[a-z]+[A-Z]\w+\b|\b[A-Z][a-z]+[A-Z]\w+\b"),
    "number": re.compile(r"(?<![\w.-])[$€£]?\d[\d,]*\.?\d+(?:[-/:.]\d+)*(?![\w])"),
}  # fmt: skip
"""The names of each type, the first type that matches."""
_FENCE = re.compile(r"```[^\n]*\n(.*?)```", re.DOTALL)


def names(texts: Sequence[str], commands: Sequence[str] = ()) -> dict[str, str]:
    """Return the names in texts, each with its type."""
    found = dict.fromkeys(commands, "command")
    for text in texts:
        rest = text
        for kind, pattern in TYPES.items():
            for match in pattern.finditer(rest):
                found.setdefault(match[0].rstrip(".,:;"), kind)
            rest = pattern.sub(" ", rest)
    return {name: kind for name, kind in found.items() if len(name) > 1}


def texts_of(message: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts of an OpenAI chat message: content and the values in the arguments of calls."""
    content = message.get("content")
    if isinstance(content, str):
        yield content
    for part in content if isinstance(content, list) else ():
        yield part.get("text") or ""
    for call in message.get("tool_calls") or ():
        yield from _leaves(_loaded(call["function"]["arguments"]))


def commands_of(message: Mapping[str, Any]) -> Iterator[str]:
    """Yield the commands of one line that a message runs: in a fence, or in the argument of a call."""
    if message["role"] != "assistant":
        return
    found = _FENCE.findall(message["content"]) if isinstance(message.get("content"), str) else []
    for call in message.get("tool_calls") or ():
        given = _loaded(call["function"]["arguments"])
        found += [one for key, one in given.items() if key in COMMAND_KEYS] if isinstance(given, dict) else []
    for one in found:
        if isinstance(one, str) and "\n" not in one.strip() and len(one.split()) > 1:
            yield one.strip()


def _loaded(arguments: Any) -> Any:
    try:
        return json.loads(arguments)
    except (TypeError, ValueError):
        return arguments


def _leaves(value: Any) -> Iterator[str]:
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _leaves(one)
    if not isinstance(value, dict | list) and value is not None:
        yield str(value)


def names_in(messages: Messages) -> dict[str, str]:
    commands = [line for one in messages for line in commands_of(one)]
    return names([text for one in messages for text in texts_of(one)], commands)


def is_system(message: Mapping[str, Any]) -> bool:
    return message["role"] in ("system", "developer")


class Counted:
    """Counts messages by the rules of OpenAI chat."""

    def __init__(self) -> None:
        self._tokenizer, self._rules = get_tokenizer(), get_rules("openai", None)

    def messages(self, messages: Messages) -> int:
        if not messages:
            return 0
        return sum(count_items(read(messages, dialect="openai").items, self._tokenizer, self._rules))

    def texts(self, texts: Sequence[str]) -> list[int]:
        return self._tokenizer.count_many(list(texts))


def groups_of(messages: Messages) -> list[list[Mapping[str, Any]]]:
    """Return the groups of messages that stay or go together, in order."""
    if not messages:
        return []
    out: dict[int, list[Mapping[str, Any]]] = {}
    for message, group in zip(messages, read(messages, dialect="openai").groups, strict=True):
        out.setdefault(group, []).append(message)
    return list(out.values())


def parts_of(messages: Messages) -> list[list[Mapping[str, Any]]]:
    """Cut a transcript into parts at the ends of groups."""
    parts: list[list[Mapping[str, Any]]] = [[]]
    for group in groups_of(messages):
        if len(parts) < PARTS and sum(map(len, parts)) >= len(messages) * len(parts) / PARTS:
            parts.append([])
        parts[-1] += group
    return parts


@dataclass
class Seen:
    """What a way to compact kept, over all transcripts and rounds."""

    there: Counter[str] = field(default_factory=Counter)
    used: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    rounds: list[float] = field(default_factory=list)
    by_round: dict[int, list[float]] = field(default_factory=dict)
    by_origin: dict[str, list[float]] = field(default_factory=dict)
    problems: int = 0
    overruns: int = 0
    refused: int = 0
    changed: int = 0
    seconds: float = 0.0

    def line(self, name: str) -> str:
        shares = [f"{kind} {100 * self.there[kind] / max(1, n):5.1f}" for kind, n in sorted(self.used.items())]
        whole = 100 * self.there.total() / max(1, self.used.total())
        mean = 100 * sum(self.rounds) / max(1, len(self.rounds))
        rounds = [f"{100 * sum(found) / len(found):.1f}" for found in self.by_round.values()]
        origins = [f"{name} {100 * sum(found) / len(found):.1f}" for name, found in sorted(self.by_origin.items())]
        return (
            f"{name:8} {whole:5.1f} of {self.used.total():,} (mean of rounds {mean:.1f})  {'  '.join(shares)}\n"
            f"{'':8} {', '.join(origins)}; by round {', '.join(rounds)}\n"
            f"{'':8} check {self.problems}, overruns {self.overruns}, refused {self.refused}, "
            f"other bytes {self.changed}, {self.seconds:.1f} s"
        )


Way = Callable[[Messages, int, Messages], tuple[Messages, int]]
"""Compacts messages to a budget; the later turns are for the oracle alone."""


def by_pack(messages: Messages, budget: int, _later: Messages) -> tuple[Messages, int]:
    packed = compact(messages, budget)
    return packed.messages, packed.tokens


def by_newest(counted: Counted) -> Way:
    def newest(messages: Messages, budget: int, _later: Messages) -> tuple[Messages, int]:
        system = [one for one in messages if is_system(one)]
        left, kept = budget - counted.messages(system), []
        for group in reversed(groups_of([one for one in messages if not is_system(one)])):
            left -= counted.messages(group)
            if left < 0:
                break
            kept = [*group, *kept]
        return [*system, *kept], budget - max(0, left)

    return newest


def by_oracle(counted: Counted) -> Way:
    def oracle(messages: Messages, budget: int, later: Messages) -> tuple[Messages, int]:
        system = [one for one in messages if is_system(one)]
        used = names_in([one for one in later if one["role"] == "assistant"])
        known = names_in([one for one in messages if not is_system(one)])
        there = sorted(set(used) & set(known))
        costs = dict(zip(there, counted.texts([f"{name}\n" for name in there]), strict=True))
        left, kept = budget - counted.messages(system) - counted.messages([{"role": "user", "content": "."}]), []
        for name in sorted(there, key=lambda name: costs[name]):
            left -= costs[name]
            if left >= 0:
                kept.append(name)
        return [*system, {"role": "user", "content": "\n".join(kept)}], budget

    return oracle


def measure(transcripts: Sequence[Mapping[str, Any]], way: Way, counted: Counted, show: int = 0) -> Seen:
    seen = Seen()
    for one in transcripts:
        messages = one["messages"]
        system = counted.messages([m for m in messages if is_system(m)])
        whole = counted.messages(messages) - system
        if whole >= LEAST:
            _rounds(messages, system + whole // TENTH, way, seen, one["origin"], counted, show)
    return seen


def _rounds(messages: Messages, budget: int, way: Way, seen: Seen, origin: str, counted: Counted, show: int) -> None:
    parts = parts_of(messages)
    standing = names([text for one in messages if is_system(one) for text in texts_of(one)])
    now: list[Mapping[str, Any]] = []
    before: list[Mapping[str, Any]] = []
    for number, part in enumerate(parts[:-1], 1):
        now, before = [*now, *part], [*before, *part]
        later = [one for rest in parts[number:] for one in rest]
        if counted.messages(now) + 3 > budget:
            now = _compacted(now, budget, way, later, seen, show)
        wanted = used_later(before, later, standing)
        kept = there(wanted, now)
        seen.used.update(wanted.values())
        seen.there.update(wanted[name] for name in kept)
        seen.lost.update(name for name in wanted if name not in kept)
        if wanted:
            seen.rounds.append(len(kept) / len(wanted))
            seen.by_round.setdefault(number, []).append(len(kept) / len(wanted))
            seen.by_origin.setdefault(origin, []).append(len(kept) / len(wanted))


def used_later(before: Messages, later: Messages, standing: Container[str]) -> dict[str, str]:
    """Return the names said before that the assistant uses later, each with its type; not what the system says."""
    known = names_in([one for one in before if not is_system(one)])
    used = names_in([one for one in later if one["role"] == "assistant"])
    return {name: kind for name, kind in known.items() if name in used and name not in standing}


def there(wanted: Iterable[str], now: Messages) -> list[str]:
    """Return the wanted names that messages have."""
    here = names_in(now)
    text = "\n".join(text for one in now for text in texts_of(one))
    return [name for name in wanted if name in here or stands(name, text)]


def stands(name: str, text: str) -> bool:
    """Tell whether a name stands in a text as a word of its own."""
    return re.search(rf"(?<![\w]){re.escape(name)}(?!\w)", text) is not None


def _compacted(now: Messages, budget: int, way: Way, later: Messages, seen: Seen, show: int) -> list[Mapping[str, Any]]:
    began = process_time()
    try:
        out, tokens = way(now, budget, later)
    except BudgetError:
        seen.refused += 1
        return list(now)
    seen.seconds += process_time() - began
    seen.overruns += tokens > budget
    seen.problems += len(check(out, dialect="openai"))
    seen.changed += json.dumps(way(now, budget, later)[0]) != json.dumps(out) if way is by_pack else 0
    if show and len(seen.rounds) == show - 1:
        print(budget, tokens)
        print(
            "\n".join(f"--- {one['role']} {json.dumps(one, ensure_ascii=False)}" for one in out if not is_system(one))
        )
    return list(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("ways", nargs="*", help="newest, oracle, pack; default: all")
    parser.add_argument("--lost", type=int, default=0, help="print this many of the names most often lost")
    parser.add_argument("--show", type=int, default=0, help="print the request of the n-th round that is measured")
    given = parser.parse_args()
    place = given.data / "transcripts" / "transcripts.jsonl.gz"
    if not place.exists():
        print(f"no {place}: nothing to measure")
        return
    with gzip.open(place, "rt", encoding="utf-8") as lines:
        transcripts = [json.loads(line) for line in lines]
    counted = Counted()
    ways: dict[str, Way] = {"newest": by_newest(counted), "oracle": by_oracle(counted), "pack": by_pack}
    for name in given.ways or ways:
        seen = measure(transcripts, ways[name], counted, given.show if name == "pack" else 0)
        print(seen.line(name))
        if given.lost:
            print(", ".join(f"{one} {n}" for one, n in seen.lost.most_common(given.lost)))


if __name__ == "__main__":
    main()
