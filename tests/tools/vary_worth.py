"""What the worth of an item and the parts of the allocator gain: `python tests/tools/vary_worth.py DATA [WAY...]`.

Each question is read, measured and judged once; then the choice is made again for each way to value the forms, and the
printed requests are scored by evidence recall. The questions of a set fall into two halves, by conversation where a set
has eight or more: choose a way by one half, believe the other. Differences to `today` have 95 % intervals (paired
bootstrap); their mean over the sets resamples the questions within each set. Sets that are absent are left out; without
ways, all of `WAYS` are tried.
"""

from __future__ import annotations

import argparse
import importlib
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import groupby, product
from pathlib import Path
from statistics import fmean
from typing import Any
from unittest.mock import patch

import numpy as np

from ctxwin.allocate import get_allocator
from ctxwin.errors import BudgetError
from ctxwin.evaluate import data, score
from ctxwin.evaluate.baselines import BASELINES
from ctxwin.evaluate.stats import SEED, bootstrap
from ctxwin.items import FORM_KINDS, Item
from ctxwin.packing.choose import SATURATION, TRUST, Candidates, assemble
from ctxwin.packing.judge import Relevance, judge
from ctxwin.packing.measure import Measured
from ctxwin.packing.needs import answer
from ctxwin.packing.read import make_task
from ctxwin.pool import Pool
from ctxwin.renditions import extracts

CHOOSE = importlib.import_module("ctxwin.packing.choose")  # the package has a function of this name
SOLVER = importlib.import_module("ctxwin.allocate.knapsack")
VALUE = importlib.import_module("ctxwin.allocate.value")

SHORT, LONG = (256, 1_000), (1_000, 4_000)
SETS = {
    **dict.fromkeys(("memorybank_en", "memorybank_zh", "bfcl_memory", "friendsqa", "madial_en", "madial_zh"), SHORT),
    **dict.fromkeys(("rgb_zh", "hotpot_100", "chunking_eval", "cmrc2018_zh", "drcd_zhtw", "musique_100"), SHORT),
    **dict.fromkeys(("mtrag_un", "locomo", "vcsum_zh", "memorycode", "beam_100k", "longmemeval_mini", "qmsum"), LONG),
    "code_sweqa_wheels": (4_000, 8_000),
}
"""The sets with their budgets."""
MOST = 120
"""Questions of a set, unless `--limit` says otherwise."""
CONVERSATIONS = 8
"""Conversations from which a set is halved by conversation, else by question."""
RESAMPLES = 4_000

Worth = Callable[[Any, Any], Any]
"""The worth of whole items, from p and tokens."""


def saturating(at: float, power: float = 1.0, sharp: float = 1.0) -> Worth:
    return lambda p, tokens: p**sharp * tokens / (1 + tokens / at) ** power


today = saturating(SATURATION)


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way to value forms and to choose among them; the default is the package's own."""

    worth: Worth = today
    extract: float = TRUST["extract"]
    evenness: float = extracts.EVENNESS
    by_length: bool = False
    """Whether a shorter form is worth what a whole item of its length is, not a share of its own item's worth."""
    free: str = ""
    """Column of the problem that is set to 0."""
    alike: float = VALUE.DUPLICATE_COSINE
    allocator: str = "auto"
    off: tuple[str, ...] = ()
    """Parts of the allocator that are switched off: polish, restarts."""


WAYS = {
    "today": Way(),
    "p alone": Way(worth=lambda p, tokens: p),
    **{f"saturation {n}": Way(worth=saturating(n)) for n in (40, 75, 110, 300, 600)},
    "no saturation": Way(worth=lambda p, tokens: p * tokens),
    "half power 10": Way(worth=saturating(10, power=0.5)),
    "power 1.5 150": Way(worth=saturating(150, power=1.5)),
    **{f"sharper {n}": Way(worth=saturating(n, sharp=1.3)) for n in (40, 75)},
    "blunter 300": Way(worth=saturating(300, sharp=0.75)),
    "form by its length": Way(by_length=True),
    **{f"evenness {n}": Way(evenness=n) for n in (0.65, 0.95)},
    **{f"trust {n}": Way(extract=n) for n in (0.5, 0.7, 0.8, 0.95, 1.0)},
    **{f"alike {n}": Way(alike=n) for n in (0.6, 0.7)},
    "no duplicates": Way(free="duplicate_weight"),
    "marks free": Way(free="gap_tokens"),
    "headings free": Way(free="header_tokens"),
    "no polish": Way(off=("polish",)),
    "no restarts": Way(off=("restarts",)),
    "neither": Way(off=("polish", "restarts")),
    **{name: Way(allocator=name) for name in ("relevance", "ref:greedy", "ref:coverage")},
}


@contextmanager
def allocating(way: Way) -> Iterator[None]:
    """Let the allocator do without some of its parts, or with another cosine for near-duplicates."""
    polish = (lambda *_: None) if "polish" in way.off else SOLVER.polish
    added = -1 if "restarts" in way.off else SOLVER.RESTART_ADDED
    with patch.multiple(SOLVER, polish=polish, RESTART_ADDED=added), patch.object(VALUE, "DUPLICATE_COSINE", way.alike):
        yield


def valued(made: Candidates, way: Way) -> Candidates:
    """Return the same candidates with the values that a way gives their forms."""
    old = made.problem
    rows = np.repeat(np.arange(old.size), np.diff(old.start))
    share = np.ones(len(rows))
    for i, forms in made.forms.items():
        share[old.start[i] + 1 : old.start[i + 1]] = [form.share for form in forms]
    whole = old.tokens[old.start[:-1]]
    if way.by_length:
        values = way.worth(old.relevance[rows], share * whole[rows])
    else:
        values = way.worth(old.relevance, whole)[rows] * share
    trust = {**TRUST, "extract": way.extract}
    values = values * np.array([trust[kind] for kind in FORM_KINDS])[old.kinds]
    free: dict[str, Any] = {way.free: np.zeros_like(getattr(old, way.free))} if way.free else {}
    return replace(made, problem=replace(old, values=values, **free))


def judged(asked: dict[str, Any], pool: Pool, budget: int, embedder: str) -> tuple[Measured, Relevance] | None:
    """Measure and judge one question under one budget; None where everything fits."""
    measured = Measured(make_task(**asked, items=pool, budget=budget, tokenizer="o200k_base", embedder=embedder))
    if CHOOSE.everything(measured) is not None:
        return None
    measured = measured.with_map()
    flow, given = judge(measured), None
    try:
        while True:
            given = answer(flow.send(given))
    except StopIteration as done:
        return measured, done.value


def recalls(
    measured: Measured, relevance: Relevance, ways: dict[str, Way], rate: Callable[[str], float]
) -> list[float]:
    """Return the recall of each way."""
    found, made = [], dict[float, Candidates]()
    rate = lru_cache(maxsize=None)(rate)
    for way in ways.values():
        if way.evenness not in made:
            with patch.object(extracts, "EVENNESS", way.evenness):
                made[way.evenness] = assemble(
                    measured.sections, relevance.p, capacity=measured.capacity, weights=relevance.weights,
                    vectors=relevance.vectors, extra={}, sources=measured.sources,
                )  # fmt: skip
        ours = valued(made[way.evenness], way)
        allocator = get_allocator(BASELINES.get(way.allocator, way.allocator))
        measured.task = replace(measured.task, allocator=allocator)
        with patch.object(CHOOSE, "assemble", lambda *_, ours=ours, **__: ours), allocating(way):
            try:
                found.append(rate(score.request_text(CHOOSE.choose(measured, relevance).request.messages)))
            except BudgetError:
                found.append(0.0)
    return found


def measure(
    folder: Path, ways: dict[str, Way], limit: int, wheels: str | None, embedder: str = "auto"
) -> list[dict[str, Any]]:
    """Return one row a question and budget: half, budget and the recall of each way."""
    dataset = data.load(folder, wheels=wheels)
    asked = sorted((q for q in dataset.queries if q.gold and q.category != "adversarial"), key=lambda q: q.source)
    asked = [asked[n * len(asked) // limit] for n in range(limit)] if limit < len(asked) else asked
    by_source = len({query.source for query in asked}) >= CONVERSATIONS
    rows = []
    for source, queries in groupby(asked, lambda query: query.source):
        pool, units = Pool(dataset.sources[source]), {item.id: item for item in dataset.sources[source]}
        for query, budget in product(queries, SETS[folder.name]):
            turns = [*query.history, Item(id="question", text=query.text, role="user", time=query.asked)]
            what = {"messages": turns} if query.history or query.asked else {"query": query.text}
            if (one := judged(what, pool, budget, embedder)) is not None:
                half = zlib.crc32((source if by_source else query.qid).encode()) & 1
                found = recalls(*one, ways, partial(score.recall, query=query, units=units))
                rows.append({"question": (source, query.qid), "half": half, "budget": budget, "recall": found})
    return rows


def show(found: dict[str, list[dict[str, Any]]], ways: list[str], halves: tuple[int, ...]) -> None:
    """Print for each way the mean gain over the first, over all sets, and the sets that gain or lose by an interval."""
    sets: dict[str, np.ndarray[Any, Any]] = {}
    for name, rows in found.items():
        of: dict[tuple[str, str], list[list[float]]] = {}
        for row in rows:
            if row["half"] in halves:
                of.setdefault(row["question"], []).append(row["recall"])
        if of:  # a question's recall is the mean over its budgets
            sets[name] = 100 * np.array([np.mean(values, axis=0) for values in of.values()])
    print(f"halves {halves}: {len(sets)} sets, {sum(map(len, sets.values()))} questions")
    for at, way in enumerate(ways):
        gains = {name: recall[:, at] - recall[:, 0] for name, recall in sets.items()}
        draw = np.random.default_rng(SEED)
        means = [g[draw.integers(0, len(g), (RESAMPLES, len(g)))].mean(axis=1) for g in gains.values()]
        low, high = np.percentile(np.mean(means, axis=0), (2.5, 97.5))
        ends = {name: bootstrap(g.tolist()) for name, g in gains.items()}
        told = [f"{n} {gains[n].mean():+.1f} [{a:.1f}, {b:.1f}]" for n, (a, b) in ends.items() if a > 0 or b < 0]
        mean = fmean(float(recall[:, at].mean()) for recall in sets.values())
        print(f"{way:20} {mean:5.1f} {fmean(g.mean() for g in gains.values()):+5.2f} [{low:.2f}, {high:.2f}]", *told)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the evaluation sets")
    parser.add_argument("ways", nargs="*", help=f"of {', '.join(WAYS)}; the others are compared with today")
    parser.add_argument("--limit", type=int, default=MOST, help="questions of a set (%(default)s)")
    parser.add_argument("--wheels", help="folder of the wheels that code_sweqa_wheels asks about")
    parser.add_argument("--embedder", default="auto", help="as for ctxwin eval (%(default)s)")
    given = parser.parse_args()
    tried = {name: WAYS[name] for name in ("today", *given.ways)} if given.ways else WAYS
    there = [given.data / name for name in SETS if (given.data / name / "queries.jsonl").is_file()]
    measured = {folder.name: measure(folder, tried, given.limit, given.wheels, given.embedder) for folder in there}
    for part in ((0,), (1,), (0, 1)):
        show(measured, list(tried), part)
