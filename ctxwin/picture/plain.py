"""A packing as plain text, for terminals and logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from ..report import Decision, Report
from .words import (
    PARTS,
    by_relevance,
    clean,
    headline,
    notes,
    numbers,
    origin,
    quality,
    relevance,
    shares_of,
    sizes,
    title,
)

__all__ = ["listing", "table"]

WIDTH = 100
"""Columns at most."""
TOP_IN = 8
"""Rows for what is in: the most relevant."""
TOP_OUT = 4
"""Rows for what is out: the most relevant."""
NOTES = 8
"""Lines of notes, at most."""
SIGNS = dict(zip(PARTS, "#%=+?:", strict=True))
"""The sign that draws each part of a request."""
FREE = "."


def table(report: Report) -> str:
    """Return the account as plain text: at most some 30 lines of at most 100 columns, no colour codes.

    Shows what fills the window, how many items are in, shortened and out, the most relevant of each with
    its form, relevance p, tokens (now/whole) and reason, and what more tokens would buy.
    """
    inside = by_relevance([one for one in report.decisions if one.rung != "out"])
    outside = by_relevance(report.dropped)
    lines = [_decision_row(one) for one in inside[:TOP_IN]]
    lines += _rest(len(inside) - TOP_IN, "more in")
    lines += [_decision_row(one) for one in outside[:TOP_OUT]]
    lines += _rest(len(outside) - TOP_OUT, "more out")
    return _framed(report, lines, notes(report)[:NOTES])


def listing(report: Report, *, dropped: bool = False) -> str:
    """Return the account with every item in its order, as plain text of at most 100 columns, without notes.

    Args:
        report: the account.
        dropped: list also what is out; otherwise a line stands for each run of it.
    """
    lines: list[str] = []
    for out, run in groupby(report.decisions, key=lambda one: one.rung == "out"):
        members = list(run)
        if out and not dropped:
            best = relevance(max(one.p for one in members))
            lines += _rest(len(members), f"out, relevance at most {best}")
        else:
            lines += [_decision_row(one) for one in members]
    return _framed(report, lines, ())


def _framed(report: Report, rows: Sequence[str], said: Sequence[str]) -> str:
    """Put the headline and the bar above the rows of items, what is said below."""
    shares = shares_of(report)
    lines = [headline(report), f"[{_bar(shares, WIDTH - 2)}]", _legend(shares)]
    lines += ["", *origin(report), f"{numbers(report)}; {quality(report)}"]
    if rows:
        lines += ["", _row("form", "p", "tokens", "item", "why", "begins"), *rows]
    if said:
        lines += ["", *said]
    return "\n".join(_fit(line, WIDTH).rstrip() for line in lines)


def _rest(count: int, what: str) -> list[str]:
    return [f"{'':<8}… {count:,} {what}"] if count > 0 else []


def _legend(shares: Mapping[str, int]) -> str:
    return " " + "   ".join(f"{SIGNS.get(name, FREE)} {name} {tokens:,}" for name, tokens in shares.items())


def _bar(shares: Mapping[str, int], width: int) -> str:
    """Draw parts in proportion, `width` signs in all; a part that has tokens gets at least one sign.

    Example:
        >>> _bar({"system": 1, "history": 60, "free": 39}, 20)
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


def _decision_row(one: Decision) -> str:
    return _row(one.rung, relevance(one.p), sizes(one), clean(title(one)), clean(one.reason), clean(one.preview))


def _row(form: str, p: str, tokens: str, label: str, why: str, preview: str) -> str:
    return f"{form:<7} {p:>4} {tokens:>11}  {_fit_end(label, 25)} {_fit(why, 16)} {_fit(preview, 30)}"


def _fit(text: str, width: int) -> str:
    """Cut or fill a text to so many columns of a terminal, where Chinese signs and emoji take two."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(set_cell_size(text, width - 1).rstrip() + "…", width)


def _fit_end(label: str, width: int) -> str:
    """Like `_fit`, but of a path that is too long the end is kept, with its name and lines."""
    return _fit(label if len(label) <= width or "/" not in label else "…" + label[1 - width :], width)
