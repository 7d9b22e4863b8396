"""What notes of what stands cost a question: `python tests/tools/measure_beside.py DATA SET... --shares 0,0.05`.

DATA is the folder of the evaluation sets. The units of a source are packed as OpenAI messages, and the evidence recall
of each question is compared, question by question, with the recall under the first share of the limit for notes.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import Any
from unittest.mock import patch

from ctxwin import pack
from ctxwin.evaluate import load
from ctxwin.evaluate.limits import spread
from ctxwin.evaluate.recall_run import with_evidence
from ctxwin.evaluate.score import recall, request_text, request_tokens
from ctxwin.evaluate.stats import bootstrap
from ctxwin.items import Item
from ctxwin.packing import Talk

ENCODING = "o200k_base"


def as_message(item: Item) -> dict[str, Any]:
    """Return a unit as a message; the speakers of a talk of many are users, each named at the head of the text."""
    if item.role is None and item.speaker:
        return {"role": "user", "content": f"{item.speaker}: {item.text}"}
    return {"role": item.role or "user", "content": item.text}


def scores(
    folder: Path, limit: int, budgets: Sequence[int], shares: Sequence[float], embedder: str
) -> Iterator[tuple[int, list[float], list[int]]]:
    """Yield for each question and budget the recall and the tokens of its requests, one for each share."""
    dataset = load(folder)
    for source, queries in groupby(spread(with_evidence(dataset), limit), key=lambda query: query.source):
        items = [item for item in dataset.sources[source] if item.text.strip()]
        units: Mapping[str, Item] = {item.id: item for item in dataset.sources[source]}
        talk = Talk([as_message(item) for item in items])
        for query in queries:
            for budget in budgets:
                found, tokens = list[float](), list[int]()
                for share in shares:
                    with patch("ctxwin.packing.measure.SHARE", share):
                        made = pack(talk, query.text, budget, tokenizer=ENCODING, embedder=embedder)
                    found.append(recall(request_text(made.messages), query, units))
                    tokens.append(request_tokens(made.messages, ENCODING))
                yield budget, found, tokens


def main() -> None:
    """Print the recall for each set, budget and share, and its difference from the first with its 95 % interval."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--budgets", default="1000,2000")
    parser.add_argument("--shares", default="0,0.05")
    parser.add_argument("--limit", type=int, default=60, help="questions of each set")
    parser.add_argument("--embedder", default="auto")
    given = parser.parse_args()
    budgets, shares = [int(one) for one in given.budgets.split(",")], [float(one) for one in given.shares.split(",")]
    for name in given.sets:
        by_budget: dict[int, list[list[float]]] = defaultdict(list)
        over = 0
        for budget, found, tokens in scores(given.data / name, given.limit, budgets, shares, given.embedder):
            by_budget[budget].append(found)
            over += sum(one > budget for one in tokens)
        for budget, rows in by_budget.items():
            print(f"{name} {budget}: {len(rows)} questions, {100 * fmean(row[0] for row in rows):.2f} %, {over} over")
            for number, share in enumerate(shares[1:], start=1):
                gains = [100 * (row[number] - row[0]) for row in rows]
                low, high = bootstrap(gains)
                print(f"    {share}: {fmean(gains):+.2f} [{low:+.2f}, {high:+.2f}], {sum(map(bool, gains))} differ")


if __name__ == "__main__":
    main()
