"""`ctxwin models`: lists the catalogue of models with windows, prices and tokenizers."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from fnmatch import fnmatch
from typing import Annotated

import typer

from ..errors import UnknownModel
from ..models import Model, models, names
from ..report.picture import columns
from .inputs import JsonOption
from .options import print_json

__all__ = ["run"]

COLUMNS = ("model", "provider", "tokenizer", "window", "answer", "$ in", "$ out", "cache read", "cache write")
WORDS = frozenset({"model", "provider", "tokenizer"})
"""Columns that hold words; the others hold figures."""
SPARE = ("provider", "tokenizer", "cache write", "cache read")
"""Columns that a narrow terminal leaves out, in this order."""
GAP = "  "

OUTPUT = Sequence[Model]


def run(
    pattern: Annotated[
        str | None,
        typer.Argument(metavar="[PATTERN]", help="A part of a name or provider, or one with * and ?."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    r"""List models with window, longest answer, prices and tokenizer.

    Prices are US dollars per million tokens; a token read from the prompt cache, or written to it, costs the
    given multiple of the input's price. --json also tells when each row was read and where.

    \b
    Example:
      ctxwin models
      ctxwin models "claude-*" --json

    \b
    Exit codes: 0 done; 2 no model fits.
    """
    found = [one for one in models() if pattern is None or _fits(one, pattern.lower())]
    if not found:
        raise UnknownModel(str(pattern), get_close_matches(str(pattern).lower(), names(), cutoff=0.4))
    if as_json:
        print_json(found)
    else:
        _show(found)


def _fits(model: Model, pattern: str) -> bool:
    whole = pattern if set(pattern) & set("*?[") else f"*{pattern}*"
    return fnmatch(model.name, whole) or fnmatch(model.provider, whole)


def _rows(found: Sequence[Model]) -> Iterator[tuple[str, ...]]:
    """Yield the lines of the table as cells, its head first."""
    yield COLUMNS
    for one in found:
        figures = (one.window, one.output, one.input_price, one.output_price, one.cache_read, one.cache_write)
        yield (
            one.name,
            one.provider,
            one.tokenizer,
            *("" if n is None else f"{n:,.4g}" if n < 1 else f"{n:,.10g}" for n in figures),
        )


def _show(found: Sequence[Model]) -> None:
    table = dict(zip(COLUMNS, zip(*_rows(found), strict=True), strict=True))
    widths = {name: max(map(len, cells)) for name, cells in table.items()}
    spared = []
    for name in SPARE if sys.stdout.isatty() else ():
        if sum(widths.values()) + len(GAP) * (len(widths) - 1) > columns():
            del widths[name]
            spared.append(name)
    lined = [
        [cell.ljust(width) if name in WORDS else cell.rjust(width) for cell in table[name]]
        for name, width in widths.items()
    ]
    for row in zip(*lined, strict=True):
        typer.echo(GAP.join(row).rstrip())
    if spared:
        typer.echo(f"\n--json and a wider terminal show {', '.join(spared)} too")
