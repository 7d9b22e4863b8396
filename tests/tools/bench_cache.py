"""What the constants of `ctxwin.caching` are worth: `python tests/tools/bench_cache.py DATA [NAME ...]`.

Conversations of BEAM at 8k are replayed under `auto@none` with reads at .1 and writes at 1.25 of the price, once as it
is and once with each constant changed; transcripts at 2k where the constant is about tools. Printed are the price of a
request, that of a question's request, and evidence recall, as differences with their 95 % intervals: by conversation
for prices, by question for recall.
"""

import importlib
import sys
from pathlib import Path

import numpy as np

from ctxwin.caching import get_policy
from ctxwin.evaluate.cache_task import Contender, ReplayTask, prices_at, replay_one
from ctxwin.evaluate.spoken import spoken

READ = 0.1
SETS = {"beam_100k": (8_000, 5), "transcripts": (2_000, 12)}
"""Sets, with budget and how many conversations of each, spread evenly."""
TOOLS = ("policies.CHAIN", "scene.CALLS_SEEN")
TRIED = {
    "policies.FULL": (0.5,),
    "policies.LITTLE": (0.05,),
    "policies.LEAST_BLOCK": (1 / 8,),
    "policies.LEAST_KEEP": (1 / 4,),
    "planner.RECENT": (1.0,),
    "scene.LAST": (0.0,),
    "request.LEAST": (256,),
    "need.RULES": (0.0,),
    "policies.CHAIN": (0.0, 1 / 2),
    "scene.CALLS_SEEN": (0, 1_000),
}


def tallies(name):
    budget, most = SETS[name]
    talks = spoken(Path(sys.argv[1]) / name)
    auto = Contender(name="auto", policy=get_policy("auto"), embedder="none")
    options = {"contenders": (auto,), "reads": (READ,), "budgets": (budget,), "tokenizer": "o200k_base"}
    for talk in [talks[n * len(talks) // most] for n in range(most)]:
        yield from replay_one(ReplayTask(spoken=talk, **options), lambda: None)


def figures(name):
    """Return the prices of requests and questions by conversation, and recall by question."""
    prices, found = prices_at(READ), list(tallies(name))
    told = {"price": np.array([np.mean([prices.of(bill) for bill in one.bills]) for one in found])}
    if any(one.recalls for one in found):
        told["question"] = np.array([np.mean([prices.of(bill) for bill in one.asked]) for one in found])
        told["recall"] = np.array([100 * score for one in found for score in one.recalls])
    return told


def shown(values):
    half = 1.96 * values.std(ddof=1) / len(values) ** 0.5
    return f"{values.mean():+.1f} [{values.mean() - half:+.1f}, {values.mean() + half:+.1f}]"


def main():
    usual = {name: figures(name) for name in SETS}
    for name, found in usual.items():
        print(name, *(f"{which} {values.mean():.1f} of {len(values)}" for which, values in found.items()), sep="; ")
    for name in sys.argv[2:] or TRIED:
        module, _, constant = name.partition(".")
        room = importlib.import_module(f"ctxwin.caching.{module}")
        dataset = "transcripts" if name in TOOLS else "beam_100k"
        before = getattr(room, constant)
        for value in TRIED[name]:
            setattr(room, constant, value)
            changed = figures(dataset)
            told = (f"{which} {shown(changed[which] - values)}" for which, values in usual[dataset].items())
            print(f"{name} {before:.4g} -> {value:.4g}", *told, sep="; ", flush=True)
        setattr(room, constant, before)


if __name__ == "__main__":
    main()
