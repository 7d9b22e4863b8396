"""`ctxwin knee`: draws how much of the evidence requests of every size hold, and names the size that is enough."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from ..evaluate.knee import Knee, knee
from ..items import Item, parse_tokens
from ..messages import load
from ..packing import Talk
from .given import PickOption, told_apart
from .inputs import EmbedderOption, JsonOption, SecretsOption, TokenizerOption
from .options import many, print_json
from .working import Working, read_files, working

__all__ = ["run"]

OUTPUT = Knee

BAR = 40
"""Columns of a full bar."""


def run(
    paths: Annotated[
        list[str], typer.Argument(metavar="TALK|PATH...", help="A conversation, or files and folders; - for stdin.")
    ],
    ask: Annotated[
        list[str] | None, typer.Option("--ask", metavar="QUESTION", help="A question of your own; repeatable.")
    ] = None,
    total: Annotated[str, typer.Option(metavar="TOKENS", help="What to compare with.")] = "8k",
    enough: Annotated[float, typer.Option(metavar="SHARE", help="Share of what --total keeps that is enough.")] = 0.95,
    pick: PickOption = None,
    tokenizer: TokenizerOption = None,
    embedder: EmbedderOption = "auto",
    allow_secrets: SecretsOption = False,
    as_json: JsonOption = False,
) -> None:
    r"""Show how many tokens are enough for a talk or for files.

    Turns that ask something, and sentences without their rarest words, stand for the questions to come; nothing has to
    be labelled. A bar is the share of the evidence that requests of a size are expected to hold, on talk of this kind;
    behind it stand its interval, and the share of those sentences that the requests hold. Questions of your own, with
    --ask, tell more: what people ask cannot be known from what was said. `Budget(total=, enough=)` packs
    each question to what is enough.

    \b
    Example:
      ctxwin knee talk.json
      ctxwin knee src/ --total 16k --enough 0.9
      ctxwin knee talk.json --ask "When does the lease end?" --ask "Who is Miso?" --json
    """
    with working() as work:
        found = knee(
            _items(paths, pick, work, allow_secrets=allow_secrets),
            probes=ask or None,
            total=parse_tokens(total, option="--total"),
            enough=enough,
            tokenizer=tokenizer,
            embedder=embedder,
            on_progress=partial(work.show, "packing requests"),
        )
    if as_json:
        print_json(found.to_dict())
    else:
        typer.echo(_drawn(found))


def _items(paths: list[str], pick: str | None, work: Working, *, allow_secrets: bool) -> list[Item]:
    """Return the chunks of files and behind them the turns of conversations."""
    given = told_apart(paths, allow_secrets=allow_secrets)
    items: list[Item] = list(given.items)
    if given.files:
        items += read_files(given.files, work, allow_secrets=allow_secrets).pool.items
    for place in given.conversations:
        said = Talk(load(place, pick).messages).snapshot().conversation.items
        items += [one for one in said if one.text.strip()]
    return items


def _drawn(found: Knee) -> str:
    """Draw the curve, one bar a size, and name the knee."""
    lines = [f"{'tokens':>8}  {'expected share of the evidence':<{BAR + 5}}  {'between':<11}  sentences"]
    for one in found.points:
        bar = "█" * round(BAR * one.expected)
        held = "" if one.answers is None else f"{100 * one.answers:.0f} %"
        share = f"{100 * one.expected:.0f} %"
        between = f"{100 * one.low:>3.0f} to {100 * one.high:>3.0f}"
        lines.append(f"{one.tokens:>8,}  {share:>5} {bar:<{BAR}}  {between}   {held}".rstrip())
    return "\n".join([*lines, "", f"{found.said} (expected, from {many(found.probes, 'probe')})"])
