"""What a command is given to read: paths, and `-` for standard input."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError
from ..files import Secret, redacted
from ..items import Item
from ..messages import Export, Source, holds_conversations, open_place
from ..report.picture import left_out

__all__ = ["STDIN", "GivenSources", "PickOption", "opened", "stdin_item", "told_apart"]

STDIN = "-"
"""Stands for standard input."""
NAME = "stdin"
"""By which citations name what came from there."""
CONVERSATIONS = (".json", ".jsonl", ".ndjson")
"""Ends of the names of files that are said to hold a conversation."""
TEXTS = (".txt", ".md", ".markdown", ".csv", ".tsv", ".log", "")
"""Ends of the names of files that may hold one."""

PickOption = Annotated[
    str | None,
    typer.Option(
        "--pick", metavar="TITLE|ID|N", help="Which conversation of an export: its title or a part, its id or number."
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenSources:
    """What was given, told apart."""

    conversations: Sequence[str | Source | Export]
    files: Sequence[str]
    items: Sequence[Item]
    """The text of standard input, where that is no conversation."""


def opened(path: str) -> str | Source | Export:
    """Return a path as it is, and standard input opened.

    Raises:
        InputError: it is a terminal, or what comes from there cannot be read.
    """
    return _stdin() if path == STDIN else path


def _stdin() -> Source | Export:
    if sys.stdin is None or sys.stdin.isatty():
        raise InputError(
            "'-' reads what another program writes, and nothing does; write it like `git diff | ctxwin ...`"
        )
    return open_place(sys.stdin.buffer)


def stdin_item(*, allow_secrets: bool = False) -> Item:
    """Return the text of standard input as a document; secrets that are left out of it are named on stderr.

    Raises:
        InputError: it is no text, or there is none.
    """
    place = _stdin()
    if not isinstance(place, Source):
        raise InputError("standard input is a zip; unpack it, and give its folder")
    text = place.text()
    if not text.strip():
        raise InputError("standard input is empty; write it like `git diff | ctxwin ask ... -`")
    return _item(text, allow_secrets)


def _item(text: str, allow_secrets: bool) -> Item:
    secrets: Sequence[Secret] = ()
    if not allow_secrets:
        text, secrets = redacted(text, NAME)
    if said := left_out([(f"{one.path}:{one.line}", one.kind) for one in secrets]):
        typer.echo(said, err=True)
    return Item(text=text, kind="document", source=NAME)


def told_apart(paths: Sequence[str], *, allow_secrets: bool = False) -> GivenSources:
    """Tell conversations from other files: by their names, and texts and folders by what they hold.

    Raises:
        InputError: one cannot be read.
    """
    talks: list[str | Source | Export] = []
    files, items = [], []
    for path in paths:
        if path == STDIN:
            place = _stdin()
            if isinstance(place, Export) or holds_conversations(place):
                talks.append(place)
            else:
                items.append(_item(place.text(), allow_secrets))
        elif is_conversation(path):
            talks.append(path)
        else:
            files.append(path)
    return GivenSources(conversations=talks, files=files, items=items)


def is_conversation(path: str) -> bool:
    """Tell whether a path holds a conversation: by its name, and texts and folders by what they hold."""
    end = Path(path).suffix.lower()
    if end in CONVERSATIONS or end == ".zip":
        return True
    place = Path(path)
    try:
        return (place.is_dir() or (place.is_file() and end in TEXTS)) and holds_conversations(path)
    except InputError:  # no text: whoever reads files says so
        return False
