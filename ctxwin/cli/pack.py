"""`ctxwin pack`: packs a conversation, and files with it, under a budget."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..errors import InputError
from ..packing.packed import Packed, PackedRecord
from ..report.picture import clean, costs
from .given import PickOption, opened
from .inputs import (
    BudgetOption,
    CostsOption,
    EmbedderOption,
    EnoughOption,
    JsonOption,
    ModelOption,
    RepairOption,
    SecretsOption,
    ShareOption,
    StrategyOption,
    TokenizerOption,
    budget_of,
    pack_watched,
    write_whole,
)
from .options import json_text

__all__ = ["run"]


OUTPUT = PackedRecord


def run(
    conversation: Annotated[
        str,
        typer.Argument(
            metavar="CONVERSATION", help="Messages, an export (file, folder, zip), a transcript; - for standard input."
        ),
    ],
    query: Annotated[
        str | None,
        typer.Option("--query", "-q", metavar="TEXT", help="The question; default: the last user message."),
    ] = None,
    budget: BudgetOption = None,
    enough: EnoughOption = None,
    pick: PickOption = None,
    mend: RepairOption = False,
    files: Annotated[
        list[str] | None,
        typer.Option("--files", "-f", metavar="PATH", help="A file or folder to choose from as well; repeatable."),
    ] = None,
    strategy: StrategyOption = "auto",
    model: ModelOption = None,
    tokenizer: TokenizerOption = None,
    embedder: EmbedderOption = "auto",
    share: ShareOption = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the request there, whole or not at all."),
    ] = None,
    allow_secrets: SecretsOption = False,
    costed: CostsOption = False,
    preview: Annotated[bool, typer.Option("--preview", help="Print the table alone; write nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    r"""Pack a conversation, and files beside it, under a token budget.

    The request goes to stdout as JSON, in the form that came in, ready to send; a table of what is in and why
    goes to stderr. With --json, stdout gets request, report and plan as one object, and there is no table.
    What other programs keep, such as an export of ChatGPT, Slack or WhatsApp, comes out as OpenAI chat messages.

    \b
    Example:
      ctxwin pack talk.json --query "When does the lease end?" --budget 2k > request.json
      ctxwin pack talk.json -q "When does the lease end?" -b 4k --files notes/ --preview
      ctxwin pack conversations.json --pick "Trip to Bergen" -q "Which ferry?" -b 2k > request.json
      cat talk.json | ctxwin pack - -b 600

    \b
    Exit codes: 0 packed; 2 bad input, or what must stay is larger than the budget.
    """
    if enough is not None and budget is None:
        raise InputError("--enough is a share of what --budget keeps; give both")
    packed = pack_watched(
        opened(conversation),
        origin=conversation,
        query=query,
        budget=budget_of(budget, enough) if budget is not None and enough is not None else budget,
        pick=pick,
        files=files or (),
        strategy=strategy,
        model=model,
        tokenizer=tokenizer,
        embedder=embedder,
        shares=share or (),
        mend=mend,
        allow_secrets=allow_secrets,
    )
    if preview:
        typer.echo(_table(packed, costed))
        return
    text = json_text(packed.to_dict() if as_json else packed.messages)
    if output is not None:
        write_whole(output, text)
    else:
        sys.stdout.write(text)
    if not as_json:
        typer.echo(_table(packed, costed), err=True)
        if output is not None:
            typer.echo(f"\nwrote {clean(output)}", err=True)


def _table(packed: Packed, costed: bool) -> str:
    return "\n".join([str(packed), *(costs(packed.report) if costed else [])])
