"""Shares code of the packing commands: options, packing with progress, and writing a file whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from errno import EISDIR
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..allocate import strategies
from ..embed import get_embedder
from ..errors import InputError, MessageError
from ..items import Budget, Item, parse_tokens
from ..messages import load, repair
from ..packing import Packed, pack
from ..report.picture import clean
from .options import LOCAL, parse_shares
from .working import read_files, working

if TYPE_CHECKING:
    from ..files import Files

__all__ = [
    "BaseUrlOption",
    "BudgetOption",
    "CostsOption",
    "EmbedderOption",
    "EnoughOption",
    "JsonOption",
    "ModelOption",
    "RepairOption",
    "SecretsOption",
    "ShareOption",
    "StrategyOption",
    "TokenizerOption",
    "budget_of",
    "mended",
    "pack_watched",
    "write_whole",
]


def _counted_for(context: typer.Context, value: str | None) -> str | None:
    """Drop the small model if a setting names it for chats; requests are not counted for it."""
    source = context.get_parameter_source("model")
    return None if value == LOCAL and source is not None and source.name != "COMMANDLINE" else value


BudgetOption = Annotated[
    str | None,
    typer.Option(
        "--budget",
        "-b",
        envvar="CTXWIN_BUDGET",
        metavar="TOKENS",
        help="Tokens the request may have, such as 2k; default: --model's window less an answer, or 2048.",
    ),
]
EnoughOption = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Share of what the whole budget is expected to keep that is enough, such as 0.95; 1 fills the budget.",
    ),
]
StrategyOption = Annotated[
    str,
    typer.Option(
        "--strategy", "-s", envvar="CTXWIN_STRATEGY", metavar="NAME", help=f"One of {', '.join(strategies())}."
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        envvar="CTXWIN_MODEL",
        callback=_counted_for,
        metavar="NAME",
        help="Count and price for this model of `ctxwin models`.",
    ),
]
TokenizerOption = Annotated[
    str | None,
    typer.Option(
        envvar="CTXWIN_TOKENIZER",
        metavar="NAME",
        help="Count with this encoding, or this model's; default: --model's, or o200k_base.",
    ),
]
EmbedderOption = Annotated[
    str,
    typer.Option(
        envvar="CTXWIN_EMBEDDER",
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
BaseUrlOption = Annotated[
    str | None,
    typer.Option(
        envvar=["CTXWIN_BASE_URL", "OPENAI_BASE_URL"],
        metavar="URL",
        help="Where the model is asked, such as http://127.0.0.1:11434/v1; default: api.openai.com.",
    ),
]
CostsOption = Annotated[
    bool,
    typer.Option(
        "--costs", envvar="CTXWIN_COSTS", help="Say what the call costs in money, energy and CO2; needs --model."
    ),
]
REPAIRS = 20
"""Most repairs that are listed one by one."""
RepairOption = Annotated[
    bool, typer.Option("--repair", help="Make messages valid that a provider would refuse, and say how.")
]
SecretsOption = Annotated[
    bool, typer.Option("--allow-secrets", help="Read keys, tokens and passwords of files too; else they are left out.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object with everything.")]


def budget_of(budget: str, enough: float | None) -> Budget:
    """Return the budget that the options name; a share of 1 leaves nothing out."""
    return Budget(total=parse_tokens(budget, option="--budget"), enough=None if enough == 1 else enough)


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
    allow_secrets: bool = False,
) -> Packed:
    """Pack as `ctxwin.pack` does, with progress; errors name the options as they were typed.

    With `mend`, messages that a provider would refuse are made valid first, and the repairs are reported on stderr.

    Raises:
        InputError: the messages of the file `origin` are malformed; the error names it and the index.
    """
    total = parse_tokens(budget, option="--budget") if isinstance(budget, str) else budget
    with working() as work:
        if isinstance(files, Sequence):
            found = read_files(files, work, allow_secrets=allow_secrets) if files else None
        else:
            found = files
        if found is not None:
            found.on_progress = work.show  # large files are searched while it packs
        work.start("loading the embedder")
        judge = get_embedder(embedder, on_progress=lambda done, total: work.show("embedding", done, total))
        work.start("packing")
        try:
            return pack(
                mended(messages, pick) if mend else messages,
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


def mended(messages: object, pick: str | None) -> object:
    """Return messages that a provider accepts, and report repairs on stderr; other programs' are valid as read."""
    found = load(messages, pick).messages
    if isinstance(found, list) and any(isinstance(one, Item) for one in found):
        return found
    valid, repairs = repair(found)
    for one in repairs[:REPAIRS]:
        typer.echo(f"mended {clean(str(one))}", err=True)
    if len(repairs) > REPAIRS:
        typer.echo(f"mended {len(repairs) - REPAIRS:,} more", err=True)
    return valid


def write_whole(path: str, text: str) -> None:
    r"""Write a file whole or not at all: first under another name, then moved in one step.

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
