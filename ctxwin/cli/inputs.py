"""What the packing commands share: their options, packing with a bar, writing a file whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from errno import EISDIR
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..allocate import strategies
from ..embed import get_embedder
from ..errors import InputError, MessageError
from ..files import Files
from ..items import Budget, Item, parse_tokens
from ..messages import load, repair
from ..packing import Packed, pack
from ..picture import clean
from .options import parse_shares

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = [
    "BudgetOption",
    "CostsOption",
    "EmbedderOption",
    "JsonOption",
    "ModelOption",
    "RepairOption",
    "ShareOption",
    "StrategyOption",
    "TokenizerOption",
    "Work",
    "pack_watched",
    "working",
    "write_whole",
]

BudgetOption = Annotated[
    str | None,
    typer.Option(
        "--budget",
        "-b",
        metavar="TOKENS",
        help="Tokens the request may have, such as 2k; default: --model's window less an answer, or 2048.",
    ),
]
StrategyOption = Annotated[
    str, typer.Option("--strategy", "-s", metavar="NAME", help=f"One of {', '.join(strategies())}.")
]
ModelOption = Annotated[
    str | None,
    typer.Option("--model", "-m", metavar="NAME", help="Count and price for this model of `ctxwin models`."),
]
TokenizerOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Count with this encoding, or this model's; default: --model's, or o200k_base."),
]
EmbedderOption = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Judges relevance beside words: minilm, multilingual, static, none or a sentence-transformers model.",
    ),
]
ShareOption = Annotated[
    list[str] | None,
    typer.Option(
        "--share",
        metavar="SOURCE=FLOOR:CAP",
        help="Tokens or percent that messages, tool_output, files or a path have at least and at most; repeatable.",
    ),
]
CostsOption = Annotated[
    bool, typer.Option("--costs", help="Say what the call costs in money, energy and CO2; needs --model.")
]
REPAIRS = 20
"""Repairs that are told one by one."""
RepairOption = Annotated[
    bool, typer.Option("--repair", help="Make messages valid that a provider would refuse, and say how.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object with everything.")]


class Work:
    """A bar on stderr that says what is being done; it draws nothing where that is no terminal."""

    def __init__(self, bar: Progress | None) -> None:
        self._bar = bar
        self._task = bar.add_task("starting", total=None) if bar else None

    def start(self, what: str) -> None:
        """Show what is done now, of unknown length."""
        if self._bar is not None and self._task is not None:
            self._bar.reset(self._task, description=what, total=None)

    def show(self, what: str, done: int, total: int) -> None:
        """Show what is done now, and how far it is."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=what, completed=done, total=total)


@contextmanager
def working() -> Iterator[Work]:
    """Show a bar while the body runs; it vanishes at the end."""
    if not sys.stderr.isatty():
        yield Work(None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield Work(bar)


def pack_watched(
    messages: object = None,
    *,
    origin: str = "",
    query: str | None,
    budget: str | Budget | None,
    pick: str | None = None,
    files: Sequence[str] | Files = (),
    items: Sequence[Item] = (),
    strategy: str = "auto",
    model: str | None = None,
    tokenizer: Any = None,
    embedder: str = "auto",
    shares: Sequence[str] = (),
    mend: bool = False,
) -> Packed:
    """Pack as `ctxwin.pack` does, with a bar while it lasts and the options as they were typed.

    With `mend`, messages that a provider would refuse are made valid first, and what was done is said on stderr.

    Raises:
        InputError: the messages of the file `origin` are malformed; the error names it and the index.
    """
    total = parse_tokens(budget, option="--budget") if isinstance(budget, str) else budget
    with working() as work:
        work.start("reading files")
        found = files if isinstance(files, Files) else Files(files, on_progress=work.show) if files else None
        if found is not None:
            found.on_progress = work.show
        work.start("loading the embedder")
        judge = get_embedder(embedder, on_progress=lambda done, total: work.show("embedding", done, total))
        work.start("packing")
        try:
            return pack(
                _mended(messages, pick) if mend else messages,
                query,
                total,
                pick=None if mend else pick,
                files=found,
                items=items or None,
                strategy=strategy,
                model=model,
                tokenizer=tokenizer,
                embedder=judge or "none",
                shares=parse_shares(shares),
            )
        except MessageError as error:
            raise InputError(f"{origin}: {error}" if origin else str(error)) from error


def _mended(messages: object, pick: str | None) -> object:
    """Return messages that a provider takes; those of other programs are valid as they are read."""
    found = load(messages, pick).messages
    if isinstance(found, list) and any(isinstance(one, Item) for one in found):
        return found
    mended, repairs = repair(found)
    for one in repairs[:REPAIRS]:
        typer.echo(f"mended {clean(str(one))}", err=True)
    if len(repairs) > REPAIRS:
        typer.echo(f"mended {len(repairs) - REPAIRS:,} more", err=True)
    return mended


def write_whole(path: str, text: str) -> None:
    r"""Write a file whole or not at all: beside its place first, then moved there in one step.

    A lone surrogate is written as its escape `\udXXX`, which JSON reads back.

    Raises:
        InputError: the folder is missing or the file cannot be written.
    """
    target = Path(os.path.realpath(path))  # a link stays, and what it points to is replaced
    device = target.is_char_device() or target.is_fifo()
    written = target if device else target.parent / f".{target.name}.{os.getpid()}"
    try:
        if target.is_dir():
            raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
        with written.open("w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        if not device:
            os.replace(written, target)
    except OSError as error:
        if not device:
            written.unlink(missing_ok=True)
        raise InputError(
            f"cannot write {path!r} ({error.strerror or error}); give --output a file in a folder of yours"
        ) from error
