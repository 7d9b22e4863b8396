"""How long a question over large files takes, and in how much memory: a log of 1 GB and a table of 2 M rows.

    python tests/tools/benchmark_large.py [MEGABYTES] [ROWS]

Files are made in a temporary folder and go at the end. Each question has a process of its own; its seconds are those
of one process, reading and import of the package apart, and its memory is the peak beyond that of a small pack.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

ASK = """
import json, sys, time, ctxwin
path, question, small = sys.argv[1:]
peak = lambda name: next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name))
def anonymous():
    return peak("RssAnon:")
ctxwin.pack(query="How many retries?", files=[small], budget=2_000)
import threading
most, done = [anonymous()], threading.Event()
def watch():
    while not done.wait(0.01):
        most.append(anonymous())
before, before_peak = anonymous(), peak("VmHWM:")
threading.Thread(target=watch, daemon=True).start()
start = time.process_time()
packed = ctxwin.pack(query=question, files=[path], budget=8_000)
seconds = time.process_time() - start
done.set()
more = (max(most) - before) / 1024
print(json.dumps({"seconds": seconds, "private": more, "peak": (peak("VmHWM:") - before_peak) / 1024,
    "whole": max(most) / 1024, "text": packed.text, "citations": packed.report.citations,
    "scanned": packed.report.scanned}))
"""
LEVELS = ["INFO"] * 90 + ["DEBUG"] * 7 + ["WARN"] * 2 + ["ERROR"]
SERVICES = ["payment", "auth", "worker", "gateway", "cache", "mailer"]
LINE = 86
"""Bytes of a line of the log, about."""


def make_log(path: Path, size: int) -> tuple[int, str]:
    """Write a log of several days; return the line of its one odd entry, and when that was."""
    draw = random.Random(1)
    tails = [
        f"{draw.choice(LEVELS)} [{draw.choice(SERVICES)}] request id={draw.randrange(16**10):010x} took {n % 900} ms\n"
        for n in range(9_973)
    ]
    count = size // LINE
    odd, step = count * 2 // 3, timedelta(days=6) / count
    now, when = datetime(2026, 3, 1), ""
    with path.open("w", encoding="utf-8") as file:
        for n in range(count):
            if n == odd:
                when = f"{now:%H:%M} on {now.day} March"
                file.write(
                    f"{now.isoformat(timespec='milliseconds')}Z ERROR [payment] valve 17 jammed, order dropped\n"
                )
            else:
                file.write(f"{now.isoformat(timespec='milliseconds')}Z {tails[n * 7919 % len(tails)]}")
            now += step
    return odd + 1, when


def make_table(path: Path, rows: int) -> tuple[int, str]:
    """Write a table; return the line of one row, and its key."""
    with path.open("w", encoding="utf-8") as file:
        file.write("day,region,item,units,price\n")
        for n in range(rows):
            file.write(f"2026-{n % 12 + 1:02}-{n % 28 + 1:02},{['north', 'south', 'east', 'west'][n % 4]},")
            file.write(f"SKU-{n * 7919 % 9_999_991:07},{n % 97},{n % 500 / 10:.2f}\n")
    row = rows * 3 // 5
    return row + 2, f"SKU-{row * 7919 % 9_999_991:07}"


def ask(path: Path, question: str, line: int, small: Path) -> None:
    """Ask in a process of its own, and print what it took."""
    run = [sys.executable, "-c", ASK, str(path), question, str(small)]
    found = json.loads(subprocess.run(run, capture_output=True, text=True, check=True).stdout)
    ranges = [pair.split("-") for one in found["citations"] for pair in one.rpartition(":")[2].split(",")]
    right = any(int(first) <= line <= int(last) for first, last in ranges)
    print(
        f"{path.stat().st_size:>13,} bytes  {found['seconds']:5.1f} s  {found['private']:4.0f} MB private beyond"
        f" a small pack ({found['whole']:.0f} in all)  line {line:,} {'shown' if right else 'MISSING'}  {question}"
    )
    for path_, said in found["scanned"]:
        print(f"    {Path(path_).name}: {said}")


def main() -> None:
    """Make the files, and ask."""
    size = int(sys.argv[1]) * 1_000_000 if len(sys.argv) > 1 else 1_000_000_000
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 2_000_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = folder / "small.md"
        small.write_text("# Client\nIt retries three times.\n", encoding="utf-8")
        log, table = folder / "server.log", folder / "sales.csv"
        line, when = make_log(log, size)
        ask(log, f"Which errors were there at {when}?", line, small)
        ask(log, "What was dropped when valve 17 jammed?", line, small)
        log.unlink()
        row, key = make_table(table, rows)
        ask(table, f"How many units of {key} were sold, and where?", row, small)


if __name__ == "__main__":
    main()
