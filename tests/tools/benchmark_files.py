"""How long a large tree takes: the first index, a new process, a question, a change of one file; and the memory.

    python tests/tools/benchmark_files.py                     # assembles some 5,000 files and a million lines
    python tests/tools/benchmark_files.py --tree ~/checkout   # of your own, which is copied and stays as it is
    python tests/tools/benchmark_files.py --vectors           # also embeds all of it: a quarter of an hour or more

The tree is made of wheels (`pip download`) and npm packages (`npm pack`, where npm is installed). Times are seconds on
the clock and of the processor: where other work runs beside it, the second says more.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WHEELS = ("django", "networkx", "sqlalchemy", "sympy")
PACKAGES = ("date-fns", "rxjs", "three")
FILES = 5_000
LARGEST = 1_000_000
"""Bytes of the largest file that is taken; larger ones are made by machines."""
QUESTIONS = (
    "How does the ORM compile a query into SQL?",
    "Where is the session cookie signed?",
    "How are migrations sorted before they are applied?",
    "What does debounceTime do with the last value?",
    "TypeError: unhashable type in shortest_path",
    "How does simplify decide which form of an expression is the simplest?",
    "Which events does the connection pool listen to?",
    "How is the weekday of a date computed?",
)
EDITS = 5


def main() -> None:
    """Run all steps, each in a process of its own where it must not know what was done before."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--tree", type=Path, help="a folder to index in place of the assembled one")
    parser.add_argument("--files", type=int, default=FILES, help="files of the assembled tree")
    parser.add_argument("--vectors", action="store_true", help="embed all chunks, too")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        STEPS[given.step](given.tree)
        return
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name, "tree")
        if given.tree:
            shutil.copytree(given.tree, tree, symlinks=True)
        else:
            assemble(tree, Path(name, "packages"), given.files)
        environment = {**os.environ, "CTXWIN_CACHE": str(Path(name, "cache"))}
        for step in STEPS:
            if step == "vectors" and not given.vectors:
                continue
            print(f"\n{step}", flush=True)
            command = [sys.executable, __file__, "--tree", str(tree), "--step", step]
            subprocess.run(command, env=environment, check=True)


def assemble(tree: Path, packages: Path, files: int) -> None:
    """Make a tree of about so many text files, evenly drawn from wheels and npm packages."""
    packages.mkdir()
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(packages)]
    subprocess.run([*pip, *WHEELS], check=True)
    if shutil.which("npm"):
        subprocess.run(["npm", "pack", "--silent", *PACKAGES], cwd=packages, check=True, stdout=subprocess.DEVNULL)
    whole = packages / "unpacked"
    for path in sorted(packages.glob("*.*")):
        place = whole / path.name.split("-")[0]
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as wheel:
                wheel.extractall(place)
        else:
            with tarfile.open(path) as package:
                package.extractall(place, filter="data")
    found = [path for path in sorted(whole.rglob("*")) if path.is_file() and _is_written(path)]
    for i in range(min(files, len(found))):
        path = found[i * len(found) // min(files, len(found))]
        place = tree / path.relative_to(whole)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)


def _is_written(path: Path) -> bool:
    """Tell whether people wrote a file, as far as one can see."""
    if path.suffix in (".map", ".mo", ".po") or ".min." in path.name or path.stat().st_size > LARGEST:
        return False
    return b"\0" not in path.read_bytes()[:65_536]


@contextmanager
def lap(what: str) -> Iterator[None]:
    """Print how long the body took."""
    clock, processor = time.perf_counter(), time.process_time()
    yield
    _say(what, time.perf_counter() - clock, time.process_time() - processor)


def _say(what: str, clock: float, processor: float) -> None:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  {what:44} {clock:8.3f} s {processor:8.3f} s of processor {memory:6,.0f} MB", flush=True)


def laps(what: str, work: Callable[[Any], Any], given: Any) -> None:
    """Print the median time of some work, and the longest on the clock."""
    clocks, processors = [], []
    for one in given:
        clock, processor = time.perf_counter(), time.process_time()
        work(one)
        clocks.append(time.perf_counter() - clock)
        processors.append(time.process_time() - processor)
    _say(f"{what}, median of {len(clocks)}", statistics.median(clocks), statistics.median(processors))
    print(f"  {'  the longest':44} {max(clocks):8.3f} s", flush=True)


def asker(files: Any, embedder: str) -> Callable[[str], Any]:
    """Return what packs the answer to a question into 8,000 tokens."""
    from ctxwin import pack

    return lambda question: pack(query=question, budget=8_000, files=files, embedder=embedder)


def first(tree: Path) -> None:
    """Index for the first time."""
    from ctxwin import Files

    with lap("reading"):
        files = Files(tree)
    lines = sum(text.count("\n") for text in files.texts.values())
    print(f"  {len(files.texts):,} files, {lines:,} lines, {len(files.skipped):,} skipped")
    with lap("cutting and indexing"):
        print(f"  {len(files.pool):,} chunks")
    with lap("the first question (counts all chunks)"):
        asker(files, "none")(QUESTIONS[0])


def again(tree: Path) -> None:
    """Open in a new process, ask, and change files."""
    from ctxwin import Files

    with lap("reading"):
        files = Files(tree)
    with lap("from the cache"):
        assert files.pool
    ask = asker(files, "none")
    with lap("the first question (counts all chunks)"):
        ask(QUESTIONS[0])
    laps("a question by words", ask, QUESTIONS)
    with lap("a refresh without changes"):
        assert not files.refresh()
    sources = sorted(files.texts, key=lambda source: len(files.texts[source]))
    edited = [tree / sources[len(sources) * (2 * i + 1) // (2 * EDITS)] for i in range(EDITS)]

    def edit(path: Path) -> None:
        with path.open("a") as file:
            file.write("\n# a change\n")
        assert files.refresh().changed

    laps("a refresh after a change of one file", edit, edited)
    laps("a change and a question", lambda path: (edit(path), ask(QUESTIONS[1])), edited)


def meanwhile(tree: Path) -> None:
    """Ask while vectors are made."""
    from ctxwin import Files

    files = Files(tree)
    ask = asker(files, "none")
    ask(QUESTIONS[0])
    filling = files.embed("static")
    laps("a question by words while vectors fill in", ask, QUESTIONS)
    with lap("the rest of the static vectors"):
        filling.wait()
    laps("a question by words and static vectors", asker(files, "static"), QUESTIONS)
    by_default = asker(files, "auto")
    laps("by default, embedding what it looks at", by_default, QUESTIONS[:3])
    laps("by default, asked again", by_default, QUESTIONS[:3])


def vectors(tree: Path) -> None:
    """Embed everything, then ask."""
    from ctxwin import Files

    files = Files(tree)
    with lap("embedding all chunks"):
        files.embed(on_progress=lambda done, total: None).wait()
    laps("by default, everything embedded", asker(files, "auto"), QUESTIONS)


STEPS = {"first": first, "again": again, "meanwhile": meanwhile, "vectors": vectors}


if __name__ == "__main__":
    main()
