"""How quickly, how surely and in how much memory the nearest of very many real vectors are found.

    python tests/tools/benchmark_nearest.py [VECTORS] [EMBEDDER]

The texts are distinct lines of the packages that are installed here, in random order; 200 further lines are the
questions. The vectors are made first (static: 10,000 a second). Then the index is built from them, in a cache that goes
at the end, and a process of its own opens it: times are those of one core, memory is what it shares with none.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ctxwin.embed import get_embedder
from ctxwin.embed.nearest import READ, find_or_build, packed_keys
from ctxwin.embed.vectors import vector_key
from ctxwin.retrieve import DiskFirst
from ctxwin.retrieve.item_vectors import similarity

QUESTIONS, BEST = 200, 200
SUFFIXES = {".py", ".pyi", ".md", ".rst", ".txt"}


def lines(count: int) -> list[str]:
    """Return distinct lines of installed packages that have a word."""
    found: dict[str, None] = {}
    for path in sorted(Path(sysconfig.get_paths()["purelib"]).rglob("*")):
        if path.suffix in SUFFIXES and path.is_file() and path.stat().st_size < 500_000:
            for line in path.read_text("utf-8", "replace").splitlines():
                if len(text := line.strip()) >= 25 and re.search("[A-Za-z]{4}", text):
                    found[text[:500]] = None
    texts = list(found)
    random.Random(0).shuffle(texts)
    return texts[:count]


def private() -> float:
    """Return the MB of this process that no other shares."""
    told = Path("/proc/self/smaps_rollup").read_text()
    return sum(int(kb) for kb in re.findall(r"Private_(?:Clean|Dirty): +(\d+) kB", told)) / 1e3


def timed(work: Callable[[], object]) -> float:
    """Return the seconds of a core that some work takes."""
    start = time.process_time()
    work()
    return time.process_time() - start


def never(start: int, stop: int) -> NDArray[np.float32]:
    """Refuse to make vectors that should be on disk."""
    raise AssertionError(f"the index of {stop - start:,} vectors and more was not found")


def search(name: str, folder: Path) -> None:
    """Open the index that is there, ask it, and hold the answers against exact products."""
    import faiss  # it is no part of the figures

    faiss.omp_set_num_threads(1)
    questions, keys = np.load(folder / "questions.npy"), np.load(folder / "keys.npy")
    before = private()
    start = time.process_time()
    disk = find_or_build(name, keys, never, None)
    opened = time.process_time() - start
    both = DiskFirst(disk, np.empty((0, disk.shape[1]), np.float32))
    both.cosines(questions[0])
    first = timed(lambda: [disk.near(one, 1_000) for one in questions]) / len(questions)
    cosines = timed(lambda: [both.cosines(one) for one in questions]) / len(questions)
    print(f"open {opened:.2f} s, private memory {private() - before:.0f} MB")
    print(f"first 1,000 candidates {first * 1e3:.1f} ms, cosines of all {cosines * 1e3:.1f} ms")
    matrix = disk[np.arange(len(disk))]
    found = dict.fromkeys((400, 1_000, 10_000), 0.0)
    for one in questions:
        best = np.argsort(-similarity(matrix, one), kind="stable")[:BEST]
        for most in found:
            found[most] += len(np.intersect1d(best, disk.near(one, most))) / BEST / len(questions)
    print(*(f"recall@{BEST} among {most:,} {share:.4f}" for most, share in found.items()), sep=", ")
    exact = timed(lambda: [similarity(matrix, one) for one in questions[:20]]) / 20
    print(f"exact products {exact * 1e3:.1f} ms, {matrix.nbytes / 1e6:,.0f} MB")


def main() -> None:
    """Make the vectors, build the index, and search it in a process of its own."""
    if sys.argv[1:2] == ["search"]:
        search(sys.argv[2], Path(sys.argv[3]))
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    embedder = get_embedder(sys.argv[2] if len(sys.argv) > 2 else "static")
    assert embedder is not None
    texts = lines(count + QUESTIONS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["CTXWIN_CACHE"] = name
        texts[:count] = sorted(texts[:count], key=lambda text: vector_key(embedder.name, text))
        keys = packed_keys([vector_key(embedder.name, text) for text in texts[:count]])
        np.save(folder / "keys.npy", keys)
        start = time.process_time()
        made = np.concatenate([embedder.inner.embed(texts[at : at + READ]).astype(np.float16) for at in steps(texts)])
        print(f"{len(texts):,} vectors by {embedder.name}: made in {time.process_time() - start:.0f} s", flush=True)
        np.save(folder / "questions.npy", made[count:].astype(np.float32))
        built = timed(lambda: find_or_build(embedder.name, keys, lambda a, b: made[a:b].astype(np.float32), None))
        size = sum(path.stat().st_size for path in folder.glob("nearest-1/*/*"))
        print(f"build {built:.1f} s, {size / 1e6:.0f} MB on disk", flush=True)
        subprocess.run([sys.executable, __file__, "search", embedder.name, name], check=True)


def steps(texts: list[str]) -> range:
    """Return the places at which some texts begin that are embedded together."""
    return range(0, len(texts), READ)


if __name__ == "__main__":
    main()
