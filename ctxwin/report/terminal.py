"""Print a report as plain text, for terminals and logs."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from itertools import groupby

from . import Decision, Report
from .words import (
    PARTS,
    by_relevance,
    clean,
    headline,
    limited,
    notes,
    numbers,
    origin,
    quality,
    relevance,
    shares_of,
    sizes,
    standing,
    title,
)

__all__ = ["columns", "listing", "strip_of", "table"]

WIDTH = 100
"""Columns without a terminal."""
LEAST, MOST = 40, 120
"""The least and the most columns: longer lines are hard to read."""
NARROW = 72
"""Columns from which there is room for the reason."""
FIXED = 26
"""Columns of form, relevance and tokens, with the spaces after them."""
NOTE_LINES = 2
"""The most lines of one note."""
TOP_IN = 8
"""Rows for the most relevant items that are in."""
TOP_OUT = 4
"""Rows for the most relevant items that are out."""
NOTES = 8
"""The most lines of notes."""
SIGNS = dict(zip(PARTS, "#%*=+?:", strict=True))
"""The sign that draws each part of a request."""
FREE = "."


def table(report: Report, width: int | None = None) -> str:
    """Return the report as plain text: at most some 30 lines, no colour codes.

    It shows what fills the window; how many items are in, shortened and out; the most relevant items in and out, each
    with form, relevance p, tokens (now/whole) and reason; and what more tokens would buy.

    Args:
        report: the report.
        width: the most columns. Default: the terminal's or `COLUMNS`, up to 120; 100 without a terminal.
    """
    inside = by_relevance([one for one in report.decisions if one.form != "out"])
    outside = by_relevance(report.dropped)
    rows: list[Decision | str] = [*inside[:TOP_IN], *_rest(len(inside) - TOP_IN, "more in")]
    rows += [*outside[:TOP_OUT], *_rest(len(outside) - TOP_OUT, "more out")]
    return _framed(report, rows, notes(report)[:NOTES], width or columns())


def listing(report: Report, *, dropped: bool = False, width: int | None = None) -> str:
    """Return the report with every item in order, as plain text, without notes on single items.

    Args:
        report: the report.
        dropped: whether to list dropped items too; otherwise one line stands for each run of them.
        width: as for `table`.
    """
    rows: list[Decision | str] = []
    for out, run in groupby(report.decisions, key=lambda one: one.form == "out"):
        members = list(run)
        if out and not dropped:
            best = relevance(max(one.p for one in members))
            rows += _rest(len(members), f"out, relevance at most {best}")
        else:
            rows += members
    said = [one for one in (limited(report), standing(report)) if one]
    return _framed(report, rows, said, width or columns())


def columns() -> int:
    """Return the columns of the terminal: those of `COLUMNS` if set, else of stdout, else of stderr."""
    chosen = os.environ.get("COLUMNS", "")
    found = int(chosen) if chosen.isascii() and chosen.isdigit() else 0
    for stream in (sys.__stdout__, sys.__stderr__):
        if found == 0 and stream is not None:
            with contextlib.suppress(OSError, ValueError):
                found = os.get_terminal_size(stream.fileno()).columns
    return min(max(found or WIDTH, LEAST), MOST)


def _framed(report: Report, rows: Sequence[Decision | str], said: Sequence[str], width: int) -> str:
    """Put the headline and the bar above the rows of items, and the notes below."""
    shares = shares_of(report)
    head = ("form", "p", "tokens", "item", "why", "begins")
    lines = [*_wrapped(headline(report), width), f"[{strip_of(shares, width - 2)}]", *_legend(shares, width)]
    lines += ["", *origin(report), *_wrapped(f"{numbers(report)}; {quality(report)}", width)]
    if rows:
        cells = (one if isinstance(one, str) else _row(*_cells(one), width=width) for one in rows)
        lines += ["", _row(*head, width=width), *cells]
    if said:
        lines += ["", *(line for note in said for line in _wrapped(note, width)[:NOTE_LINES])]
    return "\n".join(_fit(line, width).rstrip() for line in lines)


def _wrapped(text: str, width: int) -> list[str]:
    """Break a text into lines of `width` columns; Chinese signs and emoji take two columns each."""
    from rich.console import Console
    from rich.text import Text

    return [one.plain.rstrip() for one in Text(text).wrap(Console(width=width), width)]


def _rest(count: int, what: str) -> list[str]:
    return [f"{'':<8}… {count:,} {what}"] if count > 0 else []


def _legend(shares: Mapping[str, int], width: int) -> list[str]:
    """Say which sign stands for which part, in as many lines as needed; no entry is broken."""
    lines = [""]
    for name, tokens in shares.items():
        entry = f" {SIGNS.get(name, FREE)} {name} {tokens:,}"
        if lines[-1] and len(lines[-1]) + 2 + len(entry) > width:
            lines.append("")
        lines[-1] += ("  " if lines[-1] else "") + entry
    return lines


def strip_of(shares: Mapping[str, int], width: int) -> str:
    """Draw parts in proportion, `width` signs in all; a part that has tokens gets at least one sign.

    Example:
        >>> strip_of({"system": 1, "history": 60, "free": 39}, 20)
        '#===========........'
    """
    total = sum(shares.values()) or 1
    cells = {name: max(1, int(width * tokens / total)) if tokens else 0 for name, tokens in shares.items()}
    while (over := sum(cells.values()) - width) != 0:
        step = -1 if over > 0 else 1
        error = {name: cells[name] - width * shares[name] / total for name in cells if cells[name] > (step < 0)}
        name = max(error, key=lambda one: -step * error[one])
        cells[name] += step
    return "".join(SIGNS.get(name, FREE) * count for name, count in cells.items())


def _cells(one: Decision) -> tuple[str, ...]:
    return one.form, relevance(one.p), sizes(one), clean(title(one)), clean(one.reason), clean(one.preview)


def _row(form: str, p: str, tokens: str, label: str, why: str, preview: str, *, width: int) -> str:
    """Lay out one item: the figures, then its name, the reason and its first words in the columns left."""
    free = width - FIXED
    head = f"{form:<7} {p:>4} {tokens:>11}  "
    if width < NARROW:
        name = 2 * free // 5
        return f"{head}{_fit_end(label, name)} {_fit(preview, free - name - 1)}"
    name, reason = 33 * free // 100, 30 * free // 100
    return f"{head}{_fit_end(label, name)} {_fit(why, reason)} {_fit(preview, free - name - reason - 2)}"


def _fit(text: str, width: int) -> str:
    """Cut or fill a text to `width` columns of a terminal; Chinese signs and emoji take two columns each."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(set_cell_size(text, width - 1).rstrip() + "…", width)


def _fit_end(label: str, width: int) -> str:
    """Like `_fit`, but a path that is too long keeps its end, with the file's name and lines."""
    return _fit(label if len(label) <= width or not set("/:") & set(label) else "…" + label[1 - width :], width)
