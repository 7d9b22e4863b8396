"""Pack the questions of evaluation sets under many budgets, with and without the noise floor: `fit_enough.py` and
`measure_enough.py` read the rows.

Each question is judged once; then the choice is made for each budget. Rows are kept in a file beside the settings that
made them, since gathering them takes most of the time.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from ctxwin.errors import BudgetError
from ctxwin.evaluate import data, score
from ctxwin.evaluate.limits import spread
from ctxwin.items import Budget, Item
from ctxwin.packing.choose import choose, everything
from ctxwin.packing.expected import signs_of, within_enough
from ctxwin.packing.judge import Relevance, judge
from ctxwin.packing.measure import Measured
from ctxwin.packing.needs import answer
from ctxwin.packing.read import Task, make_task
from ctxwin.pool import Pool

PERMISSIVE = (
    "bfcl_memory", "chunking_eval", "code_sweqa_wheels", "friendsqa", "longmemeval_mini", "madial_en", "madial_zh",
    "memorybank_en", "memorybank_zh", "memorycode", "mtrag_un", "qmsum", "vcsum_zh",
)  # fmt: skip
"""Sets under MIT, Apache 2.0 or CC BY, by their READMEs: a curve that ships may be fitted on them."""
HELD_OUT = ("beam_100k", "cmrc2018_zh", "drcd_zhtw", "hotpot_100", "locomo", "musique_100", "rgb_zh")
"""Sets under other licences, or kept for checks."""
BUDGETS = (125, 250, 500, 1_000, 2_000, 4_000, 8_000)
TOTAL, ENOUGH = 8_000, 0.95


@dataclass(frozen=True, kw_only=True)
class Row:
    """One question under one budget; recall and tokens with the noise floor, and without."""

    set: str
    source: str
    qid: str
    category: str
    answered: bool
    """Whether the set has evidence for the question."""
    budget: int
    fits: bool
    """Whether everything fits."""
    tokens: int
    recall: float
    tokens_without: int
    recall_without: float
    signs: dict[str, Any] | None = None


def judged(measured: Measured) -> Relevance:
    flow, given = judge(measured), None
    try:
        while True:
            given = answer(flow.send(given))
    except StopIteration as done:
        return done.value


def rows_of(folder: Path, limit: int, wheels: str | None, budgets: tuple[int, ...] = BUDGETS) -> Iterator[Row]:
    """Yield the rows of a set: one for each question and budget, and one with `Budget(enough=)`, whose budget is 0."""
    dataset = data.load(folder, wheels=wheels)
    with_gold = sorted((q for q in dataset.queries if q.gold and q.category != "adversarial"), key=lambda q: q.source)
    asked = [*spread(with_gold, limit), *[query for query in dataset.queries if not query.gold][:limit]]
    for source, queries in groupby(sorted(asked, key=lambda q: q.source), lambda query: query.source):
        pool, units = Pool(dataset.sources[source]), {item.id: item for item in dataset.sources[source]}
        for query in queries:
            turns = [*query.history, Item(id="question", text=query.text, role="user", time=query.asked)]
            what = {"messages": turns} if query.history or query.asked else {"query": query.text}
            task = make_task(**what, items=pool, budget=max(budgets), tokenizer="o200k_base")
            for made in _packed(task, budgets):
                rate = {"": 0.0}
                for text in (made["text"], made["text_without"]):
                    if text not in rate:
                        rate[text] = score.recall(text, query, units) if query.gold else 0.0
                yield Row(
                    set=folder.name, source=source, qid=query.qid, category=query.category, answered=bool(query.gold),
                    budget=made["budget"], fits=made["fits"], tokens=made["tokens"], recall=rate[made["text"]],
                    tokens_without=made["tokens_without"], recall_without=rate[made["text_without"]],
                    signs=made["signs"],
                )  # fmt: skip


def _packed(task: Task, budgets: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    relevance = judged(Measured(task).with_map())
    for budget in (*budgets, 0):
        total = Budget(total=budget or TOTAL, enough=None if budget else ENOUGH)
        measured = Measured(task.under(total, None))
        whole = everything(measured)
        made: dict[str, Any] = {"budget": budget, "fits": whole is not None, "signs": None}
        try:
            if whole is not None and budget:
                text = score.request_text(whole.messages)
                made |= {"tokens": whole.tokens, "text": text, "tokens_without": whole.tokens, "text_without": text}
            else:
                drawn = measured.with_map()
                own = relevance if drawn is measured else judged(drawn)
                with_notes = drawn.with_notes()
                choice = choose(within_enough(with_notes, own), own)
                made["signs"] = asdict(signs_of(with_notes, own, choice.request.chosen))
                one = {"": choice.request}
                one["_without"] = choose(with_notes, replace(own, noise=())).request
                for name, request in one.items():
                    made |= {f"tokens{name}": request.tokens, f"text{name}": score.request_text(request.messages)}
        except BudgetError:
            continue
        yield made


def gathered(given: argparse.Namespace) -> list[Row]:
    """Return the rows of all sets that are there, from `--rows` if the file has them."""
    kept: dict[str, list[Any]] = {}
    if given.rows is not None and given.rows.is_file():
        kept = json.loads(given.rows.read_text(encoding="utf-8"))
    for name in given.sets or (*PERMISSIVE, *HELD_OUT):
        key = f"{name} {given.limit}"
        if key in kept or not (given.data / name / "queries.jsonl").is_file():
            continue
        if name == "code_sweqa_wheels" and given.wheels is None:
            continue
        kept[key] = [asdict(row) for row in rows_of(given.data / name, given.limit, given.wheels)]
        if given.rows is not None:
            given.rows.write_text(json.dumps(kept), encoding="utf-8")
    wanted = [f"{name} {given.limit}" for name in given.sets or (*PERMISSIVE, *HELD_OUT)]
    return [Row(**row) for key in wanted for row in kept.get(key, ())]


def arguments(doc: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the evaluation sets")
    parser.add_argument("sets", nargs="*", help="names of sets; default: all that are there")
    parser.add_argument("--limit", type=int, default=60, help="questions of a set (%(default)s)")
    parser.add_argument("--wheels", help="folder of the wheels that code_sweqa_wheels asks about")
    parser.add_argument("--rows", type=Path, help="file that keeps the rows between runs")
    return parser


if __name__ == "__main__":
    print(f"{len(gathered(arguments(__doc__).parse_args())):,} rows")
