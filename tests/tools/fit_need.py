"""The constants of `ctxwin.caching.need`, and how far they carry over: `python tests/tools/fit_need.py DATA`.

A set's questions, asked at the end of their conversations, are the ones that ask for what was said before; the user's
own turns, from the middle of each conversation on, are those that do not. What stands in the last 6 % of a
conversation, at most 4,000 tokens, counts as kept. All sets count alike, as do both classes. Fitted on permissively
licensed sets; BEAM, LoCoMo and MemoryCode are there to check.
"""

import sys
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from ctxwin.caching.need import features as told_by
from ctxwin.caching.policies import FULL
from ctxwin.evaluate import load
from ctxwin.retrieve import Index, Query

FITTED = ("longmemeval_mini", "bfcl_memory", "memorybank_en", "memorybank_zh", "friendsqa")
CHECKED = ("beam_100k", "locomo", "memorycode")
SOURCES, TURNS, QUESTIONS = 12, 20, 20
"""Conversations of a set, turns and questions of each."""
KEPT_SHARE, KEPT_TOKENS = 0.06, 4_000
RIDGE = 0.05
NAMES = ("lead", "content", "substance", "fact", "past")


def spread(values, most):
    return values[:: max(1, len(values) // most)]


def features(items, size, text):
    index = Index(items)
    left = np.cumsum(size[::-1])[::-1]
    kept = left <= min(KEPT_TOKENS, KEPT_SHARE * size.sum())
    if not kept.any() or kept.all():
        kept[-2:] = True
    return told_by(index, Query(text=text), kept)


def rows(dataset):
    turns, questions = [], []
    for source in sorted(dataset.sources)[:SOURCES]:
        items = dataset.sources[source]
        if len(items) < 40:
            continue
        size = np.array([len(item.text) / 4 + 4 for item in items])
        own = [k for k, item in enumerate(items) if item.role in ("user", None) and k > len(items) / 2]
        turns += [features(items[:k], size[:k], items[k].text) for k in spread(own, TURNS)]
        asked = [query.text for query in dataset.queries if query.source == source and query.gold]
        questions += [features(items, size, text) for text in spread(asked, QUESTIONS)]
    return np.array(turns, float), np.array(questions, float)


def auc(turns, questions):
    return np.mean((questions[:, None] > turns) + 0.5 * (questions[:, None] == turns))


def main(folder):
    sets = {name: rows(load(folder / name)) for name in (*FITTED, *CHECKED)}
    x = np.concatenate([part for name in FITTED for part in sets[name]])
    y = np.concatenate([np.full(len(part), asks) for name in FITTED for asks, part in enumerate(sets[name])])
    weight = np.concatenate([np.full(len(part), 1 / len(part)) for name in FITTED for part in sets[name]])
    middle, scale = x.mean(axis=0), x.std(axis=0)
    z = np.c_[(x - middle) / scale, np.ones(len(x))]

    def loss(b):
        return (weight * (np.logaddexp(0, z @ b) - y * (z @ b))).sum() + RIDGE * (b[:-1] ** 2).sum()

    found = minimize(loss, np.zeros(z.shape[1])).x
    slopes = found[:-1] / scale
    bias = found[-1] - (slopes * middle).sum()
    print(f"BIAS {bias:.2f}, WEIGHTS", *(f"{name} {slope:.2f}" for name, slope in zip(NAMES, slopes, strict=True)))
    for name, (turns, questions) in sets.items():
        p_turns, p_questions = (1 / (1 + np.exp(-(bias + part @ slopes))) for part in (turns, questions))
        missed = [f"{np.mean(p_turns >= np.quantile(p_questions, share)):.2f}" for share in (0.02, 0.05, 0.1)]
        print(
            f"{name:17} {len(turns):4} turns {len(questions):4} questions  AUC {auc(p_turns, p_questions):.3f}"
            f"  turns taken for questions where 2, 5, 10 % of those are missed: {', '.join(missed)}"
            f"  p of questions at 2, 5, 10, 25 %: {np.quantile(p_questions, (0.02, 0.05, 0.1, 0.25)).round(2)}"
            f"  of turns at 50, 75, 90 %: {np.quantile(p_turns, (0.5, 0.75, 0.9)).round(2)}"
            f"  from {FULL}: {np.mean(p_questions >= FULL):.0%} of questions, {np.mean(p_turns >= FULL):.0%} of turns"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
