"""Other processes for tests: `run` a piece of Python; `kill_store`, as a script, kills writers of a store.

    python tests/processes.py FOLDER ROUNDS SEED

Each round forks a process that writes to one window of a file in FOLDER and tells each thing when the store has
acknowledged it; kills it (SIGKILL) at a random moment; and checks that the file is whole and has all that was told.
"""

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np

from ctxwin.store import SqliteStore

ROUNDS_OF_A_FILE = 10
LONGEST = 0.15
"""Seconds that a process lives at most; opening takes 1 ms, a write some milliseconds."""


def run(code, *arguments, timeout=300):
    """Run Python code as a process of its own and return what it printed."""
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def message(name, size):
    return {"role": "user", "content": f"{name} {'z' * size}"}


def write(path, name, tell):
    """Do all that a store can do, in random order, until killed."""
    chance = random.Random(name)
    store = SqliteStore(path)
    for n in range(10_000):
        told = [[f"{name} {n} {m}", chance.choice([1, 100, 5_000, 30_000])] for m in range(chance.choice([1, 1, 4]))]
        turns = store.append("w", [message(*one) for one in told])
        tell("added", [[turn.position, *one] for turn, one in zip(turns, told, strict=True)])
        position = turns[0].position
        act = chance.random()
        if act < 0.05:
            tell("erasing", position)
            store.erase("w", [position])
            tell("erased", position)
        elif act < 0.2:
            store.mark("w", position, pinned=True)
            tell("pinned", position)
        elif act < 0.3:
            store.save_vectors("e", {f"{name} {n} {m}": np.ones(384, np.float16) for m in range(20)})
            tell("embedded", f"{name} {n} 19")
        elif act < 0.35:
            store.fork("w", f"{name} {n}")
            tell("forked", [f"{name} {n}", turns[-1].position])
        elif act < 0.4:
            store.close()
            store = SqliteStore(path)


def killed(path, name, chance):
    """Return what a process told before it was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            write(path, name, lambda *what: os.write(writing, (json.dumps(what) + "\n").encode()))
        os._exit(1)
    os.close(writing)
    time.sleep(chance.uniform(0, LONGEST))
    os.kill(child, signal.SIGKILL)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1]), "the process failed before it was killed"
    with os.fdopen(reading) as pipe:
        return [json.loads(line) for line in pipe]


def check(path, told):
    """Check a file against all that processes told of it before they were killed."""
    of = {kind: [value for other, value in told if other == kind] for kind, _ in told}
    maybe_gone = set(of.get("erasing", ()))
    with contextlib.closing(SqliteStore(path)) as store:
        turns = {turn.position: turn for turn in store.turns("w")}
        for position, name, size in (one for added in of.get("added", ()) for one in added):
            kept = turns[position].message if position in turns else None
            assert kept == message(name, size) or (kept is None and position in maybe_gone), f"turn {position} is lost"
        assert not turns.keys() & set(of.get("erased", ()))
        assert all(turns[position].pinned for position in set(of.get("pinned", ())) - maybe_gone)
        assert store.vectors("e", of.get("embedded", [])).keys() == set(of.get("embedded", []))
        for window, last in of.get("forked", ()):
            assert store.turns(window)[-1] == turns[last]
        length = store.append("w", [message("after", 1)])[0].position + 1
    with contextlib.closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert file.execute("PRAGMA foreign_key_check").fetchall() == []
        rows = file.execute(
            "SELECT position FROM turns WHERE \"window\" = (SELECT id FROM windows WHERE name = 'w') ORDER BY 1"
        )
        assert rows.fetchall() == [(position,) for position in range(length)]
    return length


def kill(folder, rounds, seed):
    """Run the rounds; print what was acknowledged, and how often the process was killed before its first write."""
    chance = random.Random(seed)
    acknowledged = silent = 0
    told = []
    for number in range(rounds):
        path = Path(folder) / f"{number // ROUNDS_OF_A_FILE}.db"
        if number % ROUNDS_OF_A_FILE == 0:
            told = []
        new = killed(path, f"{seed} {number}", chance)
        told += new
        check(path, told)
        acknowledged += sum(len(value) for kind, value in new if kind == "added")
        silent += not new
    print(json.dumps({"killed": rounds, "acknowledged": acknowledged, "silent": silent}))


if __name__ == "__main__":
    kill(sys.argv[1], int(sys.argv[2]), sys.argv[3])
