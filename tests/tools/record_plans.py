"""What ctxwin decides on a fixed set of inputs, as one digest each: does a change of the code change a plan?

    python tests/tools/record_plans.py --inputs inputs.json --to before.json  (makes inputs.json where there is none)
    python tests/tools/record_plans.py --inputs inputs.json --to after.json --against before.json

The inputs are random logs in the three dialects, the sample conversation and its files under every strategy, and
windows that send turn by turn. They are made once and kept in a file, since what a generator draws may follow the code.
A digest covers the request, the report, the plan, the table and the picture, or the error with its sums. With
`--against` the names of what differs are printed, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.update(HF_HUB_OFFLINE="1", COLUMNS="100")

from hypothesis import HealthCheck, Phase, given, settings

sys.path.insert(0, str(Path(__file__).parents[1]))  # the strategies of the tests
from strategies import anthropic_logs, openai_logs, responses_logs

import ctxwin
from ctxwin import sample

LOGS = {"openai": openai_logs, "responses": responses_logs, "anthropic": anthropic_logs}
EACH = 40
"""Random logs of each dialect."""
BUDGETS = (120, 700, 3_000)
STRATEGIES = ("auto", "knapsack", "greedy", "relevance", "recency", "head_tail", "summary", "mmr", "coverage")
"""Also names that were strategies before 0.2.0."""


def random_logs() -> dict[str, list[Any]]:
    """Draw the logs of each dialect that JSON holds."""
    made: dict[str, list[Any]] = {}
    for name, logs in LOGS.items():
        keep = made.setdefault(name, []).append

        @settings(
            max_examples=EACH, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(logs())
        def collect(keep: Callable[[Any], None], log: Any) -> None:
            keep(log)

        collect(keep)
    return made


def digest(make: Callable[[], ctxwin.Packed]) -> str:
    """Return a digest of a packing, or of the error that it ends in."""
    try:
        packed = make()
    except ctxwin.CtxwinError as error:
        shown = [type(error).__name__, str(error), getattr(error, "sums", None)]
    else:
        shown = [packed.to_dict(), str(packed), packed._repr_html_()]
    text = json.dumps(shown, ensure_ascii=True, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def of_logs(logs: dict[str, list[Any]]) -> Iterator[tuple[str, str]]:
    """Pack random logs, each strategy in turn."""
    for dialect, drawn in logs.items():
        for place, log in enumerate(drawn):
            for nth, budget in enumerate(BUDGETS):
                strategy = STRATEGIES[(place + nth) % len(STRATEGIES)]
                options = {"budget": budget, "strategy": strategy, "embedder": "none", "tokenizer": "o200k_base"}
                yield f"{dialect}/{place}/{strategy}/{budget}", digest(lambda o=options, log=log: ctxwin.pack(log, **o))


def of_sample() -> Iterator[tuple[str, str]]:
    """Pack the sample under every strategy, with files, shares, pins, models and solvers."""
    talk, folder, asked = sample.conversation(), str(sample.files()), sample.questions()
    for strategy in STRATEGIES:
        for one in asked[:6]:
            options = {"query": one.text, "strategy": strategy}
            yield f"sample/{strategy}/{one.id}", digest(lambda o=options: ctxwin.pack(talk, budget=1_500, **o))
            yield (
                f"sample/{strategy}/{one.id}/files",
                digest(lambda o=options: ctxwin.pack(talk, budget=2_500, files=[folder], **o)),
            )
    question = asked[0].text
    variants: dict[str, dict[str, Any]] = {
        "embedder none": {"embedder": "none", "budget": 1_000},
        "embedder static": {"embedder": "static", "budget": 1_000},
        "claude": {"model": "claude-sonnet-4-5", "budget": 2_000},
        "exact": {"solver": "exact", "budget": 800},
        "shares": {"files": [folder], "shares": {"files": (0.3, 0.5)}, "budget": 1_500},
        "pins": {"pins": [3, 8], "budget": 1_200},
        "whole": {"query": "How is this project organised?", "files": [folder], "budget": 2_000},
        "reserve": {"budget": ctxwin.Budget(total=2_000, reserve=300, margin=50)},
    }
    for name, options in variants.items():
        yield f"sample/{name}", digest(lambda o=options: ctxwin.pack(talk, **({"query": question} | o)))
    items = [ctxwin.Item(text=one["content"], speaker=one["role"]) for one in talk if isinstance(one["content"], str)]
    pool = ctxwin.Pool(items)
    for one in asked:
        yield f"items/{one.id}", digest(lambda q=one.text: ctxwin.pack(items=pool, query=q, budget=600))


def of_windows() -> Iterator[tuple[str, str]]:
    """Send the sample's turns through windows, of a model with cheap cache reads and of none."""
    talk = sample.conversation()
    for model in ("claude-sonnet-4-5", "gpt-5-mini", None):
        with tempfile.TemporaryDirectory() as folder:
            window = ctxwin.Window(budget=1_500, store=str(Path(folder, "w.db")), id="w", model=model)
            for place, message in enumerate(talk):
                if place % 5 == 4 and isinstance(message["content"], str):
                    yield f"window/{model}/{place}", digest(lambda w=window, m=message: w.pack(m["content"]))
                window.add(message)
            window.close()


def main() -> int:
    """Record, and compare where there is something to compare with."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--inputs", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--against", type=Path)
    given_ = parser.parse_args()
    warnings.simplefilter("ignore")
    if not given_.inputs.exists():
        given_.inputs.write_text(json.dumps(random_logs(), ensure_ascii=True))
    logs = json.loads(given_.inputs.read_text())
    found: dict[str, str] = {}
    for part in (of_logs(logs), of_sample(), of_windows()):
        for name, value in part:
            found[name] = value
    given_.to.write_text(json.dumps(found, indent=0))
    print(f"{len(found):,} plans recorded")
    if given_.against is None:
        return 0
    before = json.loads(given_.against.read_text())
    differs = [name for name in sorted(before.keys() | found.keys()) if before.get(name) != found.get(name)]
    print(f"{len(differs):,} differ")
    for name in differs[:40]:
        print(" ", name)
    return int(bool(differs))


if __name__ == "__main__":
    sys.exit(main())
