"""What fitted weights and calibrated p are worth: `python tests/tools/fit_weights.py DATA SET... [--all]`.

For each set, weights are fitted on half of its sources and packed on the other half, both ways (a set with one source
is left out); with `--all`, one correction is fitted on all other sets instead. Then p is held against the evidence,
bare and recalibrated on the other sets. The shipped weights are set by hand: a pooled correction gained nothing.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from ctxwin.embed import get_embedder
from ctxwin.evaluate import Variant, evaluate, load
from ctxwin.evaluate.recalibration import calibrate
from ctxwin.evaluate.reliability import reliability_curve
from ctxwin.evaluate.stats import bootstrap
from ctxwin.pool import Pool
from ctxwin.retrieve import Feedback, Query, fit

LABELS, PACKED, BUDGETS = 60, 50, (1_000, 2_000)
"""Questions that are learned from and packed in each half."""


def spread(values, most):
    return [values[i] for i in np.linspace(0, len(values) - 1, min(most, len(values))).astype(int)]


def evidence(pool, query):
    """Ids of a pool's items that hold evidence; of chunks, those that hold the start of a span."""
    if not query.spans:
        return [item.id for item in pool if item.id in query.gold]
    texts = {uid: "".join(item.text for item in pool if item.source == uid) for uid in query.spans}
    starts = [texts[uid][first : first + 20] for uid, spans in query.spans.items() for first, _ in spans]
    return [item.id for item in pool if any(start and start in item.text for start in starts)]


def feedback(dataset, queries, pools):
    found = []
    for query in queries:
        pool = pools.setdefault((dataset.name, query.source), Pool(dataset.sources[query.source]))
        helped = evidence(pool, query)
        if 0 < len(helped) < len(pool):
            found.append(Feedback(pool=pool, query=query.text, helped=helped))
    return found


def gains(dataset, queries, weights):
    part = replace(dataset, queries=tuple(queries))
    variants = [Variant(), Variant(weights=weights, name="fitted")]
    scores = evaluate([part], variants=variants, budgets=BUDGETS, history=False, limit=PACKED, processes=1).scores
    recall = {(s.variant, s.source, s.qid, s.budget): s.recall for s in scores}
    pairs = {(source, qid) for _, source, qid, _ in recall}
    return [
        float(np.mean([100 * (recall["fitted", *pair, b] - recall["auto", *pair, b]) for b in BUDGETS]))
        for pair in sorted(pairs)
    ]


def scored(lessons):
    embedder, p, helped = get_embedder("auto"), [], []
    for one in lessons:
        query = Query(text=one.query)
        readings = embedder.readings(query.text, one.pool.scripts)
        vectors = {reading.name: reading.embedder.embed(query.texts_to_embed) for reading in readings}
        for reading in readings:
            items, texts = one.pool.to_embed(reading)
            one.pool.embedded(reading.name, items, reading.embedder.embed(texts))
        p.append(one.pool.index_with(readings).score(replace(query, vectors=vectors)))
        helped.append([item.id in one.helped for item in one.pool])
    return np.concatenate(p), np.concatenate(helped)


def main(folder, *names):
    pooled, names = "--all" in names, [name for name in names if name != "--all"]
    sets = {name: load(Path(folder) / name) for name in names}
    queries = {name: [q for q in one.queries if q.gold and q.category != "adversarial"] for name, one in sets.items()}
    pools, known = {}, {}
    for name, one in sets.items():
        known[name] = feedback(one, spread(queries[name], LABELS), pools)
        sources = sorted({query.source for query in queries[name]})
        if pooled or len(sources) < 2:
            continue
        found = []
        for half in (0, 1):
            learned = [query for query in queries[name] if sources.index(query.source) % 2 == half]
            packed = [query for query in queries[name] if sources.index(query.source) % 2 != half]
            found += gains(one, packed, fit(feedback(one, spread(learned, LABELS), pools)))
        print(name, f"{np.mean(found):+.2f}", [f"{end:+.1f}" for end in bootstrap(found)], len(found), flush=True)
    if pooled:
        for name, one in sets.items():
            weights = fit([lesson for other in sets if other != name for lesson in known[other]])
            found = gains(one, queries[name], weights)
            print(name, f"{np.mean(found):+.2f}", [f"{end:+.1f}" for end in bootstrap(found)], weights, flush=True)
    judged = {name: scored(lessons) for name, lessons in known.items()}
    for name, (p, helped) in judged.items():
        raw = reliability_curve(p, helped)
        others = [judged[other] for other in judged if other != name]
        told = raw.error
        if others:
            weight = np.concatenate([np.full(len(part), 1 / len(part)) for part, _ in others])
            line = calibrate(np.concatenate([a for a, _ in others]), np.concatenate([b for _, b in others]), weight)
            told = reliability_curve(line(p), helped).error
        print(name, f"error {raw.error:.3f}, recalibrated on the others {told:.3f}")
        print("   ", "  ".join(f"{one.p:.2f}: {one.share:.2f} ({one.items})" for one in raw.bins))


if __name__ == "__main__":
    main(*sys.argv[1:])
