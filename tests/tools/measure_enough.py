"""Measure what is enough: `python tests/tools/measure_enough.py DATA --wheels WHEELS [--rows FILE] [--knees]`.

Five tables, of which the first is printed by `fit_enough.py`: the expected share, each set left out of the fit.

    noise floor     tokens saved and recall lost, on requests that hold not everything (paired bootstrap)
    abstention      tokens of the requests for questions that nothing answers
    enough          recall and tokens of `Budget(total=8_000, enough=.95)`, beside the whole budget, and beside a fixed
                    budget of as many tokens a question (on a line over the logarithm of tokens)
    knees           with `--knees`: the knee from probes of the talk, without labels, beside the knee from gold
    own             with `--own`: how far off the expected share is, as shipped, and fitted on half of a set's talks and
                    used on the other half
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
from enough_rows import ENOUGH, HELD_OUT, PERMISSIVE, TOTAL, Row, arguments, gathered
from fit_enough import fit, usable

from ctxwin import pack
from ctxwin.evaluate import load, recall, request_text
from ctxwin.evaluate.data import Dataset, GoldQuery
from ctxwin.evaluate.knee import knee, knee_at
from ctxwin.evaluate.limits import spread
from ctxwin.evaluate.score import counted
from ctxwin.evaluate.stats import bootstrap
from ctxwin.pool import Pool
from ctxwin.retrieve import Feedback, Query, Weights, shipped_weights
from ctxwin.retrieve import fit as fit_weights

SOURCES = 3
"""Talks of a set whose probes make its knee, that of their mean curve, by their questions. A talk takes 20 seconds."""
FACTOR = 1.5


def interval(values: list[float]) -> str:
    low, high = bootstrap(values)
    return f"{np.mean(values):+.2f} [{low:.2f}, {high:.2f}]"


def floors(rows: list[Row]) -> None:
    print("noise floor: tokens saved, points of recall gained")
    for name, some in sets(rows).items():
        for budget in sorted({row.budget for row in some if row.budget}):
            part = [row for row in some if row.budget == budget and row.answered and not row.fits]
            if len(part) >= 8:
                saved = 1 - sum(row.tokens for row in part) / sum(row.tokens_without for row in part)
                gained = [100 * (row.recall - row.recall_without) for row in part]
                print(f"  {name:18} {budget:>6,} n {len(part):>3}  saved {100 * saved:4.1f} %  {interval(gained)}")
    print("abstention: mean tokens, of answered questions, of questions without an answer, these without the floor")
    for name, some in sets(rows).items():
        for budget in (2_000, TOTAL):
            part = [row for row in some if row.budget == budget and not row.fits]
            none, answered = ([row for row in part if row.answered is kind] for kind in (False, True))
            if len(none) >= 8:
                means = (np.mean([row.tokens for row in kind]) for kind in (answered, none))
                without = np.mean([row.tokens_without for row in none])
                print(f"  {name:18} {budget:>6,} {' '.join(f'{one:8,.0f}' for one in (*means, without))}")


def curve(some: list[Row]) -> tuple[list[int], list[float]]:
    """Return budgets and mean recall up to the total, to the size of the talk where it fits."""
    budgets, recalls = [], []
    for budget in sorted({row.budget for row in some if row.budget}):
        part = [row for row in some if row.budget == budget]
        budgets.append(budget if not all(row.fits for row in part) else int(np.mean([row.tokens for row in part])))
        recalls.append(float(np.mean([row.recall for row in part])))
        if all(row.fits for row in part):
            break
    return budgets, recalls


def enough(rows: list[Row]) -> None:
    print(f"enough={ENOUGH} of {TOTAL:,}: recall as a share of the whole budget's, tokens, a fixed budget of these")
    shares, spent, gains, held_out = [], [], [], []
    for name, some in sets(rows).items():
        answered = [row for row in some if row.answered]
        full = {row.qid: row for row in answered if row.budget == TOTAL}
        part = [(row, full[row.qid]) for row in answered if row.budget == 0 and row.qid in full]
        if not part:
            continue
        recall, whole = (float(np.mean([pair[side].recall for pair in part])) for side in (0, 1))
        tokens, most = (float(np.mean([pair[side].tokens for pair in part])) for side in (0, 1))
        budgets, recalls = curve(answered)
        fixed = float(np.interp(np.log(tokens), np.log(budgets), recalls))
        shares.append(recall / whole)
        spent.append(tokens / most)
        gains.append(100 * (recall - fixed))
        held_out += [gains[-1]] if name in HELD_OUT else []
        print(f"  {name:18} {100 * shares[-1]:5.1f} %  {tokens:6,.0f} of {most:6,.0f}  fixed {gains[-1]:+.1f} points")
    print(f"  mean: {100 * np.mean(shares):.1f} % of the recall, {100 * np.mean(spent):.0f} % of the tokens; beside a")
    print(
        f"  fixed budget {interval(gains)} points over {len(gains)} sets, over those with no part in the fit", end=" "
    )
    print(f"{interval(held_out)}" if held_out else "")


def knees(rows: list[Row], given: object) -> None:
    print("knees: from gold, from probes, with a curve that the set had no part in")
    right = []
    fitted = [row for row in usable(rows) if row.set in PERMISSIVE]
    for name, some in sets(rows).items():
        budgets, recalls = curve([row for row in some if row.answered])
        gold = knee_at(budgets, recalls, ENOUGH)
        sources = load(given.data / name, wheels=given.wheels).sources
        asked = Counter(row.source for row in some)
        weights = replace(shipped_weights(), curve=fit([row for row in fitted if row.set != name]))
        talks = spread(sorted(asked), SOURCES)
        found = [knee(Pool(sources[source], weights=weights), total=TOTAL, enough=ENOUGH) for source in talks]
        shares = [[point.expected for point in one.points] for one in found]
        mean = np.average(shares, axis=0, weights=[asked[source] for source in talks])
        told = knee_at([point.tokens for point in found[0].points], mean.tolist(), ENOUGH)
        factor = max(told / gold, gold / told)
        right.append(factor <= FACTOR)
        print(f"  {name:18} {gold:>6,} {told:>8,.0f}  factor {factor:.2f}", flush=True)
    print(f"  within a factor of {FACTOR}: {sum(right)} of {len(right)}")


def own(rows: list[Row], given: object) -> None:
    print("own calibration: mean error of the expected share as shipped, fitted on the other half of the talks")
    for name in sets(rows):
        dataset = load(given.data / name, wheels=given.wheels)
        asked = spread(
            [query for query in dataset.queries if query.gold and query.category != "adversarial"], given.limit
        )
        sources = sorted({query.source for query in asked})
        if len(sources) < 2:
            continue
        errors = []
        for half in (0, 1):
            pools = {source: Pool(dataset.sources[source]) for source in sources}
            learned = [query for query in asked if query.source in sources[half::2]]
            fitted = fit_weights([one for query in learned if (one := feedback(query, pools[query.source], dataset))])
            left = [query for query in asked if query.source not in sources[half::2]]
            errors.append([off(left, pools, dataset, weights) for weights in (shipped_weights(), fitted)])
        before, after = np.mean(errors, axis=0)
        print(f"  {name:18} {before:.3f}  {after:.3f}", flush=True)


def feedback(query: GoldQuery, pool: Pool, dataset: Dataset) -> Feedback | None:
    """Return the items that hold the evidence of a question: of which one is enough, the likeliest by words."""
    units = {item.id: item for item in dataset.sources[query.source]}
    ids = {item.id for item in pool}
    helped = [uid for uid in counted(query, units) if uid in ids]
    helped = helped or [item.id for item in pool if recall(item.text, query, units) > 0]
    if query.mode != "all" and helped:
        p = dict(zip([item.id for item in pool], pool.index.score(Query(text=query.text)), strict=True))
        helped = [max(helped, key=p.__getitem__)]
    return Feedback(pool=pool, query=query.text, helped=helped) if helped and len(helped) < len(pool) else None


def off(asked: list[GoldQuery], pools: dict[str, Pool], dataset: Dataset, weights: Weights) -> float:
    """Return how far the mean expected share is from the true one, over budgets."""
    errors = []
    weighed = {source: pool.with_weights(weights) for source, pool in pools.items()}
    for budget in (500, 2_000, TOTAL):
        told, true = [], []
        for query in asked:
            packed = pack(query=query.text, items=weighed[query.source], budget=budget)
            units = {item.id: item for item in dataset.sources[query.source]}
            told.append(packed.report.expected.share)
            true.append(recall(request_text(packed.messages), query, units))
        errors.append(abs(np.mean(told) - np.mean(true)))
    return float(np.mean(errors))


def sets(rows: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.set].append(row)
    return found


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--knees", action="store_true", help="make probes of the talks, and compare knees")
    parser.add_argument("--own", action="store_true", help="fit on half of the talks, and look at the other half")
    given = parser.parse_args()
    rows = gathered(given)
    floors(rows)
    enough(rows)
    if given.knees:
        knees(rows, given)
    if given.own:
        own(rows, given)


if __name__ == "__main__":
    main()
