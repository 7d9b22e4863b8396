"""Measure what hostile texts cost each way into the package: twice the text for twice the time, up to 1 MB.

    python tests/tools/bench_texts.py [--way PART] [--piece PART] [--ratio 2.3]
    python tests/tools/bench_texts.py --from 500000 --sample 8 --seed 1    # the last doubling alone, 8 pieces a way

Each way reads runs of every class of signs and of the pieces that its patterns look for. Process time of a text and of
one twice as long is compared, from 125,000 characters to 1 million; prints what is over the ratio, and ends with 1.
With a sample, each way reads other pieces, in turn, so that a few a way come to all of them over the ways.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import ctxwin
from ctxwin import sample
from ctxwin.citations import Checker
from ctxwin.citations.injections import flags, scan
from ctxwin.cli.formats import FORMATS, context
from ctxwin.errors import InputError
from ctxwin.messages import load
from ctxwin.renditions import facts, sentences, split, text_forms
from ctxwin.renditions.summarize import get_summarizer
from ctxwin.retrieve.words.lexical import tokenize

FIRST, LAST = 125_000, 1_000_000
"""Characters of the shortest and of the longest text."""
RATIO = 2.3
"""Times that twice the text may take."""
ENOUGH = 0.05
"""Seconds; of less, a ratio says nothing that matters."""
AGAIN = 3
"""Times that a ratio that is over is measured again."""

BUDGET = 300
"""Tokens; so few that none of the texts fits whole, a run of 64 signs a token neither."""
QUESTION = "Where is the cookie of the session signed?"
TOKENIZER = ctxwin.get_tokenizer("o200k_base")

PIECES = (
    *(" ", '\t', '\n', '\r', '\r\n', '\xa0', '\u200b', '\u2028', '\x00', "0", "1", "a", "A", "_", "é", "中", "あ"),
    *("가", '\U0001f600', "é", "́", '\ud800', '\u202e', '\U000e0061', '\U0001f468\u200d\U0001f469\u200d\U0001f467'),
    *("!", '"', "#", "$", "%", "&", "'", "(", ")", "*", "+", ",", "-", ".", "/", ":", ";", "<", "=", ">", "?", "@"),
    *("[", "\\", "]", "^", "`", "{", "|", "}", "~", '\u3002', '\uff01', "a ", 'a\n', '\n ', ' \n', "a. ", "A. "),
    *("a, ", "1.", "1. ", 'a\n\n', "ab cd ", "中 ", "a_b", "aB", "a-b ", "x1", "0x", "1e", '```\n', '```a\n'),
    *('~~~\n', "begin ", "[SYSTEM] ", "<|im_start|>", "<|", "[INST]", "### ", '# a\n', 'a\n=\n', 'a\n---\n'),
    *("| a ", '| a |\n', "|---", '- a\n', "* ", "> ", ">>", "1) ", "https://a.b/", "a@b.c "),
    *("data:image/png;base64,", "QUJD", "%20", "&amp;", '{"a":', '{"a": 1}\n', "[1,", '"a",', "\\u0041", '\\"'),
    *("\\\\", "<a>", "</a>", "<a b='c'>", "<!--", "a=b&", 'a: b\n', 'a:\n ', "2024-01-01 ", "12:00:00 "),
    *('2024-01-01T00:00:00 ERROR a\n', '[01.02.24, 10:11:12] A: b\n', '01/02/2024, 10:11 - A: b\n', 'User: a\n'),
    *('Assistant: a\n', '**User**\n', '## User\n', "A: ", "call_1 ", "a.py:1 ", "[a.py:1-2] ", "`a.py` "),
    *('File "a", line 1\n', 'at a (b:1:2)\n', 'def f():\n', 'class A:\n ', "a(b(", "if ", "@a ", "$a", "${a}"),
    *("not ", "never ", "ignore all previous ", "you ", 'a;b;c\n', '"a","b"\n', '"', 'a\tb\n', '= a\n', '.. a::\n'),
    *('====\n', '----\n', '# %%\n', '\x0c', "$$", "\\(", "[a](b)", "![", "[^1]"),
)  # fmt: skip
SUFFIXES = (
    *("md", "txt", "log", "csv", "tsv", "json", "jsonl", "html", "rst", "adoc"),
    *("py", "js", "yaml", "toml", "sql", "lua", "sh", "ipynb"),
)

Way = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """What twice a text costs on one way."""

    way: str
    piece: str
    characters: int
    """Of the longer text."""
    seconds: float
    """That it takes."""
    ratio: float


def shown(packed: ctxwin.Packed) -> object:
    """Do what is done with a request that is looked at."""
    return str(packed), list(packed.report.flags), packed._repr_html_()


def packs(*messages: dict[str, object], **more: object) -> object:
    with contextlib.suppress(ctxwin.BudgetError):
        return shown(ctxwin.pack([*messages], budget=BUDGET, embedder="none", **more))
    return None


def call(*texts: str) -> dict[str, object]:
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": f"c{i}", "type": "function", "function": {"name": "f", "arguments": text}}
            for i, text in enumerate(texts)
        ],
    }  # fmt: skip


def file_way(suffix: str) -> Way:
    def way(text: str) -> object:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"a.{suffix}")
            content = text
            if suffix == "ipynb":
                cell = {"cell_type": "markdown", "metadata": {}, "source": text}
                content = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
            path.write_bytes(content.encode("utf-8", "replace"))
            with contextlib.suppress(InputError):
                packed = ctxwin.pack(query=QUESTION, files=[path], budget=BUDGET, embedder="none")
                return shown(packed), [context(packed, QUESTION, form) for form in FORMATS]

    return way


def streamed(text: str) -> object:
    checker = Checker(EXCERPTS)
    return [checker.feed(text[at : at + 4]) for at in range(0, len(text), 4)], checker.finish()


def loaded(name: str) -> Way:
    def way(text: str) -> object:
        with tempfile.TemporaryDirectory() as folder, contextlib.suppress(InputError, ctxwin.MessageError):
            path = Path(folder, name)
            path.write_bytes(text.encode("utf-8", "replace"))
            return load(path)

    return way


ASKED = {"role": "user", "content": QUESTION}
EXCERPTS = ctxwin.pack(query="retry", files=sample.files(), budget=1_000, embedder="none").report.excerpts


def ways() -> dict[str, Way]:
    """Return the public ways that read foreign text."""
    plain = [{"role": "user", "content": ""}]
    return {
        "last message": lambda text: packs({"role": "user", "content": text}),
        "history": lambda text: packs(
            {"role": "user", "content": text}, {"role": "assistant", "content": "Yes."}, ASKED
        ),
        "tool result": lambda text: packs(
            ASKED,
            call("{}"),
            {"role": "tool", "tool_call_id": "c0", "content": text},
            {"role": "assistant", "content": "x"},
            ASKED,
        ),
        "open result": lambda text: packs(ASKED, call("{}"), {"role": "tool", "tool_call_id": "c0", "content": text}),
        "arguments": lambda text: packs(
            ASKED, call(json.dumps({"a": text})), {"role": "tool", "tool_call_id": "c0", "content": "x"}
        ),
        "bad arguments": lambda text: packs(ASKED, call(text), {"role": "tool", "tool_call_id": "c0", "content": "x"}),
        "system": lambda text: packs({"role": "system", "content": text}, ASKED),
        "tools": lambda text: packs(
            ASKED, tools=[{"type": "function", "function": {"name": "f", "description": text, "parameters": {}}}]
        ),
        "everything": lambda text: shown(
            ctxwin.pack(
                [{"role": "system", "content": text}, {"role": "user", "content": text}], budget=10**7, embedder="none"
            )
        ),
        "streamed answer": lambda text: streamed(text),
        "query": lambda text: packs({"role": "user", "content": "x"}, query=text),
        "items": lambda text: shown(ctxwin.pack(query=QUESTION, items=[text], budget=BUDGET, embedder="none")),
        "count": lambda text: ctxwin.count_tokens([{"role": "user", "content": text}], model="gpt-4o"),
        "check": lambda text: ctxwin.check([{"role": "user", "content": text}, call(text), *plain]),
        "repair": lambda text: ctxwin.repair(
            [{"role": "user", "content": text}, call(text), {"role": text, "content": text}]
        ),
        "citations": lambda text: Checker(EXCERPTS).check(text),
        "citations in a line": lambda text: Checker(EXCERPTS).check("a " + text.replace("\n", " ")),
        "flags": lambda text: list(flags(EXCERPTS)) and list(scan("a", [(1, text)])),
        "sentences": lambda text: sentences(text),
        "text_forms": lambda text: text_forms(split(text, TOKENIZER), {"cookie": 1.0}, label="a", tool_output=False),
        "facts": facts,
        "tokenize": tokenize,
        "summary": lambda text: get_summarizer(lambda part: part[:500]).summarize([text], 100),
        **{f"file {suffix}": file_way(suffix) for suffix in SUFFIXES},
        **{f"load {name}": loaded(name) for name in ("a.txt", "a.md", "a.json", "a.jsonl", "a.csv", "_chat.txt")},
    }


def spent(way: Way, text: str) -> float:
    start = time.process_time()
    way(text)
    return time.process_time() - start


def filled(piece: str, size: int) -> str:
    return (piece * (size // len(piece) + 1))[:size]


def ratio_of(name: str, way: Way, piece: str, first: int = FIRST) -> Ratio:
    """Return the worst ratio of a way and a piece, among texts that take long enough."""
    size = first
    before, worst = (
        spent(way, filled(piece, size)),
        Ratio(way=name, piece=piece, characters=size, seconds=0.0, ratio=0.0),
    )
    while size * 2 <= LAST:
        size *= 2
        seconds = spent(way, filled(piece, size))
        found = seconds / max(before, 1e-9) if seconds > ENOUGH else 0.0
        for _ in range(AGAIN):
            if found > RATIO:
                before = min(before, spent(way, filled(piece, size // 2)))
                seconds = min(seconds, spent(way, filled(piece, size)))
                before = min(before, spent(way, filled(piece, size // 2)))
                found = seconds / max(before, 1e-9)
        if found >= worst.ratio:
            worst = Ratio(way=name, piece=piece, characters=size, seconds=seconds, ratio=found)
        if seconds > 20:
            break
        before = seconds
    return worst


def dealt(count: int, seed: int) -> Iterator[list[str]]:
    """Deal out the pieces for one way after the other: all of them, or so many at a time from a mixed pack."""
    pack = random.Random(seed).sample(PIECES, len(PIECES))
    for at in itertools.count(0, count):
        yield [pack[(at + i) % len(pack)] for i in range(count)] if count else list(PIECES)


def ratios(given: argparse.Namespace) -> Iterator[Ratio]:
    for (name, one), pieces in zip(ways().items(), dealt(given.sample, given.seed), strict=False):
        if given.way in name:
            spent(one, "warm " * 100)
            for text in pieces:
                if given.piece in repr(text):
                    yield ratio_of(name, one, text, given.first)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--way", default="", help="only ways with this in their name")
    parser.add_argument("--piece", default="", help="only pieces with this in them")
    parser.add_argument("--ratio", type=float, default=RATIO)
    parser.add_argument("--from", dest="first", type=int, default=FIRST, help="characters of the shortest text")
    parser.add_argument("--sample", type=int, default=0, help="pieces a way; without it all")
    parser.add_argument("--seed", type=int, default=0, help="of the order in which the pieces are dealt out")
    given = parser.parse_args()
    over = 0
    found: list[Ratio] = []
    for one in ratios(given):
        found.append(one)
        if one.ratio > given.ratio:
            over += 1
            print(f"over: {one}", flush=True)
    print("worst ten:")
    for one in sorted(found, key=lambda one: -one.ratio)[:10]:
        print(f"{one.ratio:5.2f} {one.seconds:7.2f} s {one.characters:9,} {one.way:20} {one.piece!r}")
    print("slowest ten:")
    for one in sorted(found, key=lambda one: -one.seconds)[:10]:
        print(f"{one.ratio:5.2f} {one.seconds:7.2f} s {one.characters:9,} {one.way:20} {one.piece!r}")
    print(f"{over} of {len(found):,} are over {given.ratio}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
