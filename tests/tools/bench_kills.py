"""Kill processes (SIGKILL) that do all that a window can do, and check what they were told had been done.

    python tests/tools/bench_kills.py ROUNDS SEED

Each round lets one process or four work on one store until they are killed at random moments. Then every turn that was
acknowledged must be there once, its answer behind it, in the order of its process; what was erased must be in no file
but in exports that are named; the file must be whole, and the window must open and send. Prints what was counted.
"""

import contextlib
import itertools
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import ctxwin
from ctxwin.cli.cache import _found, _remove
from ctxwin.store import SqliteStore
from ctxwin.window.opening import exported

ROUNDS_OF_A_FILE = 10
LONGEST = 2.5
"""Seconds that a process lives at most; opening a window takes some 0.1 s, a turn 20 ms."""


def client(messages):
    return f"To {messages[-1]['content']}"


def opened(folder, window="w", **options):
    given = {"budget": 1_500, "client": client, "embedder": "none"} | options
    return ctxwin.Window(store=folder / "w.db", id=window, **given)


def shorten(text):
    return " ".join(text.split()[:12])


def work(folder, name, tell):
    """Do everything in random order until killed; tell each thing when its call has returned."""
    chance = random.Random(name)
    window, secrets = opened(folder, summarizer=shorten), opened(folder, "secrets", budget=400, summarizer=shorten)
    files = ctxwin.Files(folder / "tree")
    for n in range(10_000):
        said = f"{name}-{n}"
        act = chance.random()
        if act < 0.4:
            window.send(said)
            tell("sent", said)
        elif act < 0.6:
            "".join(window.stream(said))
            tell("sent", said)
        elif act < 0.65:
            window.pack("what was said first?", files=files)
        elif act < 0.7:
            window.fork(f"fork {said}")
            tell("forked", f"fork {said}")
        elif act < 0.8:
            turn = secrets.add(f"SECRET{said}SECRET {'the old garden wall ' * chance.choice([1, 200])}")
            secrets.add("what of the garden wall?")
            with contextlib.suppress(ctxwin.BudgetError):
                secrets.pack()
            secrets.erase(turn.position)
            tell("erased", f"SECRET{said}SECRET")
        elif act < 0.9:
            path = folder / f"{said}.json"
            secrets.export(path) if chance.random() < 0.5 else window.export(path)
            ctxwin.Window.import_(path, store=folder / "w.db", id=f"import {said}").close()
            tell("imported", f"import {said}")
            path.unlink()
        elif act < 0.95:
            (folder / "tree" / f"{said}.md").write_text("the session cookie is signed\n" * chance.choice([1, 900]))
            files.refresh()
        else:
            _remove([path for paths in _found().values() for path in paths])


def begun(folder, name):
    """Return a process that works, and the end of the pipe by which it tells."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            work(folder, name, lambda *what: os.write(writing, (json.dumps(what) + "\n").encode()))
        except BaseException as error:  # noqa: BLE001 - told to the parent, which has the check
            os.write(writing, (json.dumps(["failed", f"{type(error).__name__}: {error}"]) + "\n").encode())
        os._exit(1)
    os.close(writing)
    return child, reading


def killed(folder, names, chance):
    """Return what processes told before they were killed, in their own order."""
    running = [begun(folder, name) for name in names]
    told = []
    for child, _ in running:
        time.sleep(chance.uniform(0, LONGEST / len(running)))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    for _, reading in running:
        with os.fdopen(reading) as pipe:
            told += [json.loads(line) for line in pipe]
    return told


def by_process(said):
    """Return the process that said something, and as what."""
    process, _, number = said.rpartition("-")
    return process, int(number)


def bytes_of(folder, spared):
    """Return the bytes of every file but those that erasing names."""
    files = (path for path in folder.rglob("*") if path.is_file() and str(path) not in spared)
    return b"\n".join(path.read_bytes() for path in files)


def check(folder, told):
    """Check a folder against all that was told of it; return what is wrong."""
    of = {kind: [value for other, value in told if other == kind] for kind, _ in told}
    wrong = Counter({f"failed: {why}": 1 for why in of.get("failed", ())})
    with opened(folder) as window:
        said = [turn.message["content"] for turn in window.turns]
        times = Counter(said)
        place = {text: at for at, text in enumerate(said)}
        for text in of.get("sent", ()):
            wrong["lost"] += text not in times
            wrong["doubled"] += times[text] > 1 or times[f"To {text}"] > 1
            wrong["answer elsewhere"] += text in place and said[place[text] + 1 : place[text] + 2] != [f"To {text}"]
        for _, texts in itertools.groupby(sorted(of.get("sent", ()), key=by_process), lambda text: by_process(text)[0]):
            order = [place[text] for text in texts if text in place]
            wrong["out of order"] += order != sorted(order)
        assert window.send("after").text == "To after"
    with contextlib.closing(SqliteStore(folder / "w.db")) as store:
        names = set(store.windows())
        wrong["window lost"] += len({*of.get("forked", ()), *of.get("imported", ())} - names)
        spared = set(exported(store))
        for name in names:  # those that a killed import left are gone on with, or read as they are
            store.turns(name)
        left = {turn.message["content"] for name in names for turn in store.turns(name)}
        found = bytes_of(folder, spared)
        gone = [one for one in of.get("erased", ()) if not any(one in text for text in left)]
        wrong["bytes of what was erased"] += sum(one.encode() in found for one in gone)
    with contextlib.closing(sqlite3.connect(folder / "w.db")) as file:
        wrong["not whole"] += file.execute("PRAGMA integrity_check").fetchall() != [("ok",)]
    return +wrong


def main(rounds, seed):
    """Run the rounds and print what was acknowledged and what was wrong."""
    chance = random.Random(seed)
    counted, wrong = Counter(), Counter()
    told, folder = [], None
    for number in range(rounds):
        if number % ROUNDS_OF_A_FILE == 0:
            told, folder = [], Path(tempfile.mkdtemp(prefix="ctxwin-kills-"))
            os.environ["CTXWIN_CACHE"] = str(folder / "cache")
            (folder / "tree").mkdir()
            (folder / "tree" / "first.md").write_text("the session cookie is signed in auth\n")
        names = [f"{seed}.{number}.{k}" for k in range(chance.choice([1, 4]))]
        new = killed(folder, names, chance)
        told += new
        counted.update(kind for kind, _ in new)
        counted["kills"] += len(names)
        wrong += check(folder, told)
    print(json.dumps({"told": counted, "wrong": wrong}, indent=1))
    return not wrong


if __name__ == "__main__":
    sys.exit(not main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "0"))
