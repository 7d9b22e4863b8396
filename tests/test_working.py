"""What is said while work lasts: phases and counts, on stderr alone, and nothing where it is short."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from server import Provider

from ctxwin.cli import main, working
from ctxwin.cli.working import EVERY, Working, read_files


def test_lines_come_at_most_every_few_seconds_and_none_at_first(capsys: pytest.CaptureFixture[str]) -> None:
    now = [100.0]
    work = Working(clock=lambda: now[0])
    work.start("reading files")
    work.show("reading files", 1, 5_000)
    assert capsys.readouterr() == ("", "")
    now[0] += EVERY
    work.show("reading files", 1_204, 5_000)
    work.show("reading files", 1_205, 5_000)
    work.weigh(83_000_000)
    work.show("cutting files", 100, 5_000)
    now[0] += EVERY
    work.show("cutting files", 200, 5_000)
    now[0] += EVERY
    work.show("indexing", 0, 1)
    now[0] += EVERY
    work.start("packing")
    assert capsys.readouterr().err.splitlines() == [
        "ctxwin: reading files: 1,204 of 5,000",
        "ctxwin: cutting files: 200 of 5,000, 83.0 MB",
        "ctxwin: indexing, 83.0 MB",
        "ctxwin: packing",
    ]


def test_reading_files_tells_each_phase(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        (tmp_path / f"{number}.md").write_text(f"Note {number}: {os.urandom(8).hex()}\n" * 20_000, encoding="utf-8")
    ticks = iter(range(0, 10_000, 10))
    read_files([str(tmp_path)], Working(clock=lambda: next(ticks)))
    told = capsys.readouterr().err
    assert [line.split(":")[1].split(",")[0].strip() for line in told.splitlines()] == [
        *("reading files", "reading files", "reading files", "reading files", "cutting files", "indexing")
    ]
    assert "cutting files: 0 of 3, 1.5 MB" in told


COMMAND = [sys.executable, "-m", "ctxwin", "ask", "Where is the note?", ".", "--embedder", "none", "-b", "300"]


def test_short_work_says_nothing_off_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("The note is here.\n", encoding="utf-8")
    done = subprocess.run([*COMMAND, "--json"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["excerpts"]
    assert "ctxwin:" not in done.stderr


def test_a_terminal_sees_a_bar_that_fits_and_vanishes(tmp_path: Path) -> None:
    for number in range(400):
        (tmp_path / f"{number}.md").write_text(f"The note {number} is here.\n" * 50, encoding="utf-8")
    seen = pexpect.run(
        " ".join([*COMMAND[:4], "'Where is the note?'", *COMMAND[5:]]),
        cwd=str(tmp_path), encoding="utf-8", timeout=60, dimensions=(24, 80),
        env={**os.environ, "TERM": "xterm", "CTXWIN_CACHE": f"{tmp_path}-cache"},
    )  # fmt: skip
    assert "files: " in seen and " of 400" in seen
    assert "\x1b[2K" in seen, "the bar is taken back"


def test_a_chat_shows_how_far_the_first_embedding_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(working, "EVERY", 0.0)
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path / "cache"))
    talk = [{"role": "user", "content": f"Locker {n} opens with {n * 7919 % 9000}."} for n in range(900)]
    (tmp_path / "talk.json").write_text(json.dumps(talk))
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.log").write_text("the locker is shut\n" * 150_000)
    (notes / "b.md").write_text("".join(f"# Note {n}\n\nBoat {n} lies in Oslo.\n\n" for n in range(9_000)))
    with Provider() as provider:
        monkeypatch.setenv("OPENAI_API_KEY", "any")
        monkeypatch.setenv("OPENAI_BASE_URL", provider.openai)
        begin = ["chat", "--model", "gpt-4o", "--embedder", "static", "--budget", "900"]
        begin += ["--import", str(tmp_path / "talk.json"), "--store"]
        for number, arguments in enumerate(
            (
                [*begin, str(tmp_path / "one.db")],
                [*begin, str(tmp_path / "two.db"), "--json"],
                ["ask", "Which locker?", str(notes), "--interactive", "--embedder", "static"],
                ["ask", "Which boat?", str(notes), "--interactive", "--embedder", "static", "--model", "gpt-4o"],
            )
        ):
            monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path / f"cache{number}"))  # nothing is embedded yet
            monkeypatch.setattr(sys, "stdin", io.StringIO("" if arguments[0] == "ask" else "Which locker is it?\n"))
            provider.script("Locker 7.")
            with pytest.raises(SystemExit) as end:
                main(arguments)
            told = capsys.readouterr()
            assert end.value.code in (None, 0), told.err
            assert re.search(r"ctxwin: embedding: 256 of [\d,]+\n", told.err), told.err
            assert "asking gpt-4o" in told.err or "--model" not in arguments
            assert "ctxwin: searching" in told.err or arguments[0] == "chat"
            assert "embedding" not in told.out and ("Locker 7." in told.out or "--model" not in arguments)
