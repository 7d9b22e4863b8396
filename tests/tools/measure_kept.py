"""What stands in real conversations where nothing was planted: `python tests/tools/measure_kept.py DATA`.

    python tests/tools/measure_kept.py DATA [--sample 30] [--seed 1]

DATA is the folder of the evaluation sets. For twenty conversations of eleven sets it prints which part of the tokens
stands, by kind and by voice; then entries drawn at random with the seed, for a person who says of each whether it is
worth keeping. A long conversation has no more of them in the draw than a short one. What a system message says is left
out: the message stays whole anyway.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ctxwin.evaluate import load
from ctxwin.evaluate.limits import spread
from ctxwin.items import Item
from ctxwin.messages import read
from ctxwin.standing import Entry, Standing
from ctxwin.tokens import get_tokenizer

SETS = {
    "longmemeval_mini": 3,
    "beam_100k": 2,
    "locomo": 2,
    "memorycode": 2,
    "memorybank_en": 1,
    "bfcl_memory": 1,
    "friendsqa": 1,
    "qmsum": 1,
    "memorybank_zh": 3,
    "vcsum_zh": 1,
}
"""How many conversations of each set, spread evenly over it."""
TRANSCRIPTS = ("tau-bench", "SWE-agent", "inspect")
"""One transcript of an agent from each of these, the longest."""
MOST = 0.08
"""Part of a conversation's tokens that may stand, over all twenty."""
TOKENIZER = "o200k_base"


@dataclass(frozen=True)
class Kept:
    """What stands in one conversation."""

    name: str
    tokens: int
    """Tokens of the texts of the conversation."""
    costs: Sequence[int]
    """Tokens of each entry, with its speaker's name and the end of the line."""
    entries: Sequence[Entry]

    @property
    def share(self) -> float:
        return sum(self.costs) / max(1, self.tokens)


def conversations(data: Path) -> Iterator[tuple[str, Sequence[Item]]]:
    """Yield name and messages of each conversation; sets that are absent are named and passed over."""
    for name, count in SETS.items():
        if not (data / name / "queries.jsonl").is_file():
            print(f"{name}: absent from {str(data)!r}, left out")
            continue
        sources = load(data / name).sources
        for source in spread(list(sources), count):
            yield f"{name} {source}", sources[source]
    path = data / "transcripts" / "transcripts.jsonl.gz"
    if not path.is_file():
        print(f"transcripts: absent from {str(data)!r}, left out")
        return
    with gzip.open(path, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    for origin in TRANSCRIPTS:
        of_it = [row for row in rows if origin.casefold() in row["origin"].casefold()]
        for row in sorted(of_it, key=lambda row: -len(row["messages"]))[:1]:
            yield f"transcripts {row['id']}", read(row["messages"]).items


def kept(name: str, items: Sequence[Item]) -> Kept:
    counter = get_tokenizer(TOKENIZER)
    standing = Standing()
    standing.extend(items)
    entries = [one for one in standing.entries() if one.voice != "system"]
    lines = [f"{one.speaker}: {one.text}\n" if one.speaker else f"{one.text}\n" for one in entries]
    return Kept(
        name=name,
        tokens=sum(counter.count_many([item.text for item in items])),
        costs=counter.count_many(lines),
        entries=entries,
    )


def draw(found: Sequence[Kept], size: int, seed: int) -> list[tuple[str, Entry]]:
    """Return entries at random: a conversation at random, then one of its entries, none twice."""
    chance = random.Random(seed)
    left = [(one.name, chance.sample(list(one.entries), len(one.entries))) for one in found]
    drawn: list[tuple[str, Entry]] = []
    while len(drawn) < size and (full := [one for one in left if one[1]]):
        name, entries = chance.choice(full)
        drawn.append((name, entries.pop()))
    return drawn


def table(found: Sequence[Kept]) -> Iterator[str]:
    for one in found:
        voices = Counter(entry.voice for entry in one.entries)
        kinds = Counter(entry.kind for entry in one.entries)
        said = "  ".join(f"{name} {count}" for name, count in (*kinds.most_common(), *voices.most_common()))
        yield f"{one.name[:44]:44} {one.tokens:8,} tokens {one.share:6.1%} stand, {len(one.entries):4} entries: {said}"
    together = sum(sum(one.costs) for one in found) / max(1, sum(one.tokens for one in found))
    mean = sum(one.share for one in found) / len(found)
    over = sum(one.share > MOST for one in found)
    yield f"{len(found)} conversations: {together:.1%} of all tokens, mean {mean:.1%}, {over} over {MOST:.0%}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sample", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    found = [kept(name, items) for name, items in conversations(given.data)]
    if not found:
        print(f"no conversation in {str(given.data)!r}: nothing measured")
        return 0
    print("\n".join(table(found)))
    for number, (name, one) in enumerate(draw(found, given.sample, given.seed), 1):
        speaker = f" ({one.speaker})" if one.speaker else ""
        print(f"\n{number}. {one.kind}, {one.voice}{speaker}, {one.strength:.2f}, {name}, {one.source}\n   {one.text}")
    together = sum(sum(one.costs) for one in found) / max(1, sum(one.tokens for one in found))
    return 1 if together > MOST else 0


if __name__ == "__main__":
    sys.exit(main())
