"""Calibration by usage, before and after: `python tests/tools/bench_calibration.py`.

A simulated provider counts by another tokenizer than the one at hand; chats of 40 calls in several languages are
packed by `ctxwin.pack` into 4,000 tokens of the provider. In percent: how far the counts of packing are off the
provider's; how far what was expected is; tokens kept free for error; the error claimed for new texts; how full those
requests were by the provider's count from which something was left out; and requests that were larger than the room.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the strategies of the tests
from strategies.providers import Provider, Sent, chat, talk

from ctxwin.tokens import get_tokenizer

ROOM = 4_000
PAIRS = (
    ("generic", Provider(tokenizer="qwen3.5", factor=1.3)),
    ("cl100k_base", Provider(tokenizer="qwen3.5", factor=1.3)),
    ("o200k_base", Provider(tokenizer="claude-4.7")),
    ("claude-3", Provider(tokenizer="claude-4.7")),
    ("deepseek", Provider(tokenizer="cl100k_base")),
    ("o200k_base", Provider(tokenizer="o200k_base", message=4, request=3)),
)
CHATS = {
    "English": "e",
    "Chinese": "z",
    "code": "c",
    "mixed": "ezce",
    "English, then Chinese and code": "e" * 20 + "zc" * 10,
    "held out: Japanese, Korean, Russian, German": "jkrg",
}
SPANS = ((0, 1), (1, 5), (5, 20), (20, 40))


def row(sent: Sequence[Sent]) -> str:
    """Print the means of some calls."""
    n = len(sent)
    off = sum(abs(one.reported / one.counted - 1) for one in sent) / n
    missed = sum(abs(one.reported / one.expected - 1) for one in sent) / n
    margin = sum(one.margin / one.room for one in sent) / n
    error = sum(one.error for one in sent) / n
    cut = [one.reported / one.room for one in sent if one.cut]
    full = f"{sum(cut) / len(cut):6.0%}" if cut else f"{'-':>6}"
    over = sum(one.reported > one.room for one in sent)
    return f"{off:7.1%} {missed:9.1%} {margin:7.1%} {error:6.1%} {full} {over:4d}/{n:<4d}"


def main() -> None:
    """Print the table."""
    print(f"{'':58}{'calls':>8} {'off':>7} {'expected':>9} {'margin':>7} {'error':>6} {'full':>6} {'over':>7}")
    everything: dict[bool, list[list[Sent]]] = {False: [], True: []}
    for name, provider in PAIRS:
        for learn in (False, True):
            calls = [
                list(talk(chat(kinds), get_tokenizer(name), provider, ROOM, learn=learn)) for kinds in CHATS.values()
            ]
            everything[learn] += calls
            what = f"{name} for {provider.tokenizer} x {provider.factor}, {'calibrated' if learn else 'as it is'}"
            for first, after in SPANS if learn else ((0, 40),):
                span = f"{first + 1}-{after}"
                print(f"{what:58}{span:>8} {row([one for sent in calls for one in sent[first:after]])}")
                what = ""
    for number, chat_name in enumerate(CHATS):
        for learn in (False, True):
            sent = [one for calls in everything[learn][number :: len(CHATS)] for one in calls[1:]]
            print(f"{chat_name + (', calibrated' if learn else ''):58}{'2-40':>8} {row(sent)}")


if __name__ == "__main__":
    main()
