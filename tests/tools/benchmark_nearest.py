"""How quickly, how surely and in how much memory the nearest of very many real vectors are found.

    python tests/tools/benchmark_nearest.py [VECTORS] [EMBEDDER]

The texts are distinct lines of the packages that are installed here, in random order; 200 further lines are the
questions. The vectors are made first, in a cache that goes at the end (static: 10,000 a second). Then the index is
built, and a process of its own opens it: times are those of one core, memory is what the process shares with none.
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

from ctxwin.embed import get_embedder
from ctxwin.retrieve import DiskFirst
from ctxwin.retrieve.cosines import similarity

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


def search(count: int, which: str, texts: list[str]) -> None:
    """Open the index that is there, ask it, and hold the answers against exact products."""
    import faiss  # it and the embedder are no part of the figures

    faiss.omp_set_num_threads(1)
    embedder = get_embedder(which)
    assert embedder is not None
    questions = embedder.embed(texts[count:])
    before = private()
    start = time.process_time()
    disk, _ = embedder.index(texts[:count])
    opened = time.process_time() - start
    both = DiskFirst(disk, np.empty((0, disk.shape[1]), np.float32))
    both.cosines(questions[0])
    first = timed(lambda: [disk.near(one, 1_000) for one in questions]) / len(questions)
    cosines = timed(lambda: [both.cosines(one) for one in questions]) / len(questions)
    print(f"open {opened:.1f} s with the texts' hashes, private memory {private() - before:.0f} MB")
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
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    which = sys.argv[2] if len(sys.argv) > 2 else "static"
    texts = lines(count + QUESTIONS)
    if len(sys.argv) > 3:
        search(count, which, texts)
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CTXWIN_CACHE"] = folder
        embedder = get_embedder(which)
        assert embedder is not None
        made = timed(lambda: [embedder.embed(texts[start : start + 10_000]) for start in range(0, len(texts), 10_000)])
        built = timed(lambda: embedder.index(texts[:count]))
        size = sum(path.stat().st_size for path in Path(folder).glob("nearest-1/*/*"))
        print(f"{count:,} vectors by {embedder.name}: made in {made:.0f} s")
        print(f"build {built:.1f} s with reading the vectors from the cache, {size / 1e6:.0f} MB on disk", flush=True)
        subprocess.run([sys.executable, __file__, str(count), which, "search"], check=True)


if __name__ == "__main__":
    main()
