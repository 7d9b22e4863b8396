"""`ctxwin count`: the tokens of files, folders or a conversation, as a tree with totals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from ..errors import InputError, MessageError
from ..files import Files
from ..messages import Conversation, load, read
from ..models import get_model
from ..picture import clean
from ..tokens import Count, Node, count_conversation, count_tokens, count_tree, get_rules, get_tokenizer
from .inputs import JsonOption, ModelOption, TokenizerOption, is_conversation, working
from .options import print_json

__all__ = ["run"]


def run(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Files and folders, or one JSON file of messages."),
    ],
    model: ModelOption = None,
    tokenizer: TokenizerOption = None,
    depth: Annotated[
        int | None, typer.Option("--depth", metavar="N", min=0, help="Show so many levels; default: all.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    r"""Count the tokens of files and folders, or of a conversation, and show them as a tree with totals.

    A conversation is counted as the provider bills it: with what surrounds each message, tool schemas and
    media. Binary and ignored files are left out. With --model, its window and price are set beside the sum.

    \b
    Example:
      ctxwin count src/ --depth 2
      ctxwin count talk.json --model gpt-5-mini

    \b
    Exit codes: 0 done; 2 bad input.
    """
    row = get_model(model) if model is not None else None
    counter = get_tokenizer(tokenizer if tokenizer is not None else row)
    skipped: Sequence[tuple[str, str]] = ()
    if (talk := _conversation(paths)) is not None:
        tree = count_conversation(talk, counter, get_rules(talk.dialect, row), name=paths[0])
        total = count_tokens(load(paths[0]), model=model, tokenizer=counter)
    else:
        with working() as work:
            work.start("reading files")
            files = Files(paths)
            work.start("counting")
            tree = count_tree(files.texts.items(), counter, name=paths[0] if len(paths) == 1 else "all")
        skipped = [(one.path, one.reason) for one in files.skipped]
        total = Count.of(tree.tokens, error=counter.error)
    if as_json:
        passed = [{"path": path, "reason": reason} for path, reason in skipped]
        print_json(asdict(tree) | asdict(total) | {"tokenizer": counter.name, "skipped": passed})
        return
    for line in _lines(tree, max(1, tree.tokens), len(f"{tree.tokens:,}"), depth):
        typer.echo(line)
    typer.echo("\n" + _summary(total, counter.name))
    if row is not None and row.window:
        cost = row.cost(total.tokens)
        price = f", ${cost:.5f} to read" if cost is not None else ""
        typer.echo(f"{100 * total.tokens / row.window:.1f} % of the window of {row.name}, {row.window:,}{price}")
    for path, reason in skipped:
        typer.echo(f"skipped {clean(path)}: {reason}", err=True)


def _conversation(paths: Sequence[str]) -> Conversation | None:
    """Read the conversation that is to be counted; None where files are."""
    if len(paths) > 1 or not is_conversation(paths[0]):
        return None
    try:
        given = load(paths[0])
    except InputError:  # JSON of another kind is counted as the text that it is; a missing file is told then
        return None
    try:
        return read(given)
    except MessageError as error:
        raise InputError(f"{paths[0]}: {error}") from error


def _lines(node: Node, total: int, width: int, depth: int | None, indent: int = 0) -> Iterator[str]:
    share = 100 * node.tokens / total
    name = clean(node.name) + ("/" if node.children and indent else "")
    yield f"{node.tokens:>{width},} {share:>5.1f} %  {'  ' * indent}{name}"
    if depth is None or indent < depth:
        for child in node.children:
            yield from _lines(child, total, width, depth, indent + 1)


def _summary(total: Count, tokenizer: str) -> str:
    if total.exact:
        return f"{total.tokens:,} tokens, exact, by {tokenizer}"
    return f"{total.tokens:,} tokens, estimated between {total.low:,} and {total.high:,}, by {tokenizer}"
