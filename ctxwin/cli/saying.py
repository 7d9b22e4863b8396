"""Describes a chat's messages, window and budget in words."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import typer

from ..clients.local import ANSWER, WINDOW
from ..errors import InputError
from ..items import Budget
from ..packing import Packed
from ..report.picture import clean, columns, kind_order
from ..standing import Entry
from ..store import Turn, open_store
from ..window import Window
from .options import many, print_json

__all__ = [
    "ListedChat",
    "described",
    "filled",
    "in_kinds",
    "limit_of",
    "list_conversations",
    "name_of",
    "status",
    "stood",
]

BAR = 24
"""Characters of the bar that shows what fills the window."""
WORDS = 60
"""Most characters of a message that are shown with its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedChat:
    """A conversation of a store, as `--list --json` prints it."""

    id: str
    messages: int
    model: str | None


def status(packed: Packed, window: Window) -> str:
    """Return one line on what fills the window, if possible no wider than the terminal."""
    report = packed.report
    filled = round(BAR * packed.tokens / report.limit)
    parts = ", ".join(f"{name} {tokens:,}" for name, tokens in report.parts.items() if tokens and name != "overhead")
    said = {name_of(turn) for turn in window.turns}
    messages = [one.form != "out" for one in report.decisions if one.id in said]
    places = f", {many(len(report.excerpts), 'place')}" if report.excerpts else ""
    line = f"{packed.tokens:,} of {report.limit:,} tokens: {parts}; "
    line += f"{sum(messages):,} of {len(messages):,} messages{places}"
    bar = f"[{'#' * filled}{'.' * (BAR - filled)}] "
    return (bar if len(bar) + len(line) <= columns() else "") + line


def in_kinds(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Return what stands by kind, and within a kind as it was said."""
    return sorted(entries, key=lambda one: kind_order(one.kind))


def stood(entries: Sequence[Entry]) -> Iterator[str]:
    """Yield a line for each entry: its number, kind and message, who said it, and the sentence."""
    for number, one in enumerate(entries, 1):
        who = clean(f"{one.source} {one.speaker or one.voice}", 30)
        yield f"{number:>4}  {one.kind:<10} {who:<16} {clean(one.text, 2 * WORDS)}"


def limit_of(tokens: int | None, *, local: bool, enough: float | None = None) -> Budget | None:
    """Return the budget of a request; the small model's window keeps a part for the answer."""
    if not local:
        return Budget(total=tokens, enough=enough) if tokens is not None else None
    total = min(tokens or WINDOW, WINDOW)
    return Budget(total=total, reserve=min(ANSWER, total // 4), enough=enough)


def list_conversations(place: Path, *, as_json: bool) -> None:
    """Print the conversations of a store, oldest first."""
    if not place.exists():
        raise InputError(f"no conversations in {str(place)!r}; begin one with `ctxwin chat`")
    store = open_store(place)
    try:
        found = [(name, len(store.turns(name)), store.settings(name)) for name in store.windows()]
    finally:
        store.close()
    if as_json:
        print_json(
            [ListedChat(id=name, messages=count, model=known.model if known else None) for name, count, known in found]
        )
        return
    for name, count, known in found:
        typer.echo(f"{count:>7,} messages  {clean(name)}  {clean((known and known.model) or '')}".rstrip())


def name_of(turn: Turn) -> str:
    """Return the name by which the user can refer to a message."""
    return f"m{turn.position}"


def described(turn: Turn) -> str:
    """Return a message's name with its first words."""
    content = turn.message.get("content")
    words = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return f"{name_of(turn)} {turn.message.get('role', '')}: {clean(words, WORDS)!r}"


def filled(text: str, indent: int = 0) -> str:
    """Break lines between words where the terminal would break a word."""
    wrap = partial(textwrap.fill, width=columns(), subsequent_indent=" " * indent, break_long_words=False)
    return "\n".join(wrap(line, break_on_hyphens=False) for line in text.split("\n"))
