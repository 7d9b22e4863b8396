"""Reads the sources that a command is given: paths, and `-` for standard input."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError
from ..items import Item
from ..messages import Export, Source, holds_conversations, open_place
from ..report.picture import left_out

if TYPE_CHECKING:
    from ..files import Secret

__all__ = ["STDIN", "GivenSources", "PickOption", "opened", "stdin_item", "told_apart"]

STDIN = "-"
"""Stands for standard input."""
NAME = "stdin"
"""Name of standard input in citations."""
CONVERSATIONS = (".json", ".jsonl", ".ndjson")
"""Endings of names of files that count as conversations."""
BEGINNING = 1_000_000
"""Bytes of a text that are searched for a conversation; even, since UTF-16 has two for a character."""
TEXTS = (".txt", ".md", ".markdown", ".csv", ".tsv", ".log", "")
"""Endings of names of files that may hold a conversation."""

PickOption = Annotated[
    str | None,
    typer.Option(
        "--pick", metavar="TITLE|ID|N", help="Which conversation of an export: its title or a part, its id or number."
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenSources:
    """The given sources: conversations, files, and the text of standard input."""

    conversations: Sequence[str | Source | Export]
    files: Sequence[str]
    items: Sequence[Item]
    """The text of standard input, if it is no conversation."""


def opened(path: str) -> str | Source | Export:
    """Return a path unchanged, and `-` as opened standard input.

    Raises:
        InputError: standard input is a terminal, or cannot be read.
    """
    return _stdin() if path == STDIN else path


def _stdin() -> Source | Export:
    if sys.stdin is None or sys.stdin.isatty():
        raise InputError(
            "'-' reads what another program writes, and nothing does; write it like `git diff | ctxwin ...`"
        )
    return open_place(sys.stdin.buffer)


def stdin_item(*, allow_secrets: bool = False) -> Item:
    """Return the text of standard input as a document; left-out secrets are reported on stderr.

    Raises:
        InputError: standard input is no text, or empty.
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
        from ..files import redacted  # as in `packing.read`

        text, secrets = redacted(text, NAME)
    if said := left_out([(f"{one.path}:{one.line}", one.kind) for one in secrets]):
        typer.echo(said, err=True)
    return Item(text=text, kind="document", source=NAME)


def told_apart(paths: Sequence[str], *, allow_secrets: bool = False) -> GivenSources:
    """Separate conversations from other files: by name, texts and folders by content.

    Raises:
        InputError: a source cannot be read.
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
    """Tell whether a path holds a conversation: by name, texts and folders by content."""
    end = Path(path).suffix.lower()
    if end in CONVERSATIONS or end == ".zip":
        return True
    place = Path(path)
    try:
        return (place.is_dir() or (place.is_file() and end in TEXTS)) and holds_conversations(_beginning(place))
    except (InputError, OSError):  # no text: whoever reads files says so
        return False


def _beginning(place: Path) -> str | Source | Export:
    """Return a path, or of a large text its beginning, by which a conversation is told from other texts."""
    if place.is_file() and place.stat().st_size > BEGINNING:
        with place.open("rb") as file:
            head = file.read(BEGINNING)
        if not head.lstrip().startswith((b"PK", b"[", b"{")):  # a zip or JSON tells nothing by its beginning alone
            return open_place(io.BytesIO(head if b"\0" in head else head[: head.rfind(b"\n") + 1] or head))
    return str(place)
