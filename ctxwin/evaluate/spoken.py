"""Read recorded conversations to replay: what was said, when the model was asked, and what to ask at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..items import Item
from ..items.outside import read_json
from .data import LINE_REMEDY, Dataset, GoldQuery, lines_of, load

__all__ = ["Spoken", "spoken"]

MINUTE, DAY = 60.0, 86_400.0
"""Seconds between two requests of a sitting, and before a new sitting: a cache outlives a minute, but not a day."""
TRANSCRIPTS = "transcripts.jsonl.gz"
"""File of whole conversations, one on each line, with `id` and `messages`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A recorded conversation."""

    dataset: str
    messages: tuple[Mapping[str, Any], ...] = field(hash=False)
    requests: tuple[int, ...]
    """The number of messages at each request, which are those before an answer of the model."""
    times: tuple[float, ...]
    """The time of each request, in seconds."""
    questions: tuple[GoldQuery, ...] = ()
    """Questions to ask at the end; their evidence is in the messages."""
    units: Mapping[str, Item] = field(default_factory=dict, hash=False)
    """The evidence, by uid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptRow:
    """A line of `transcripts.jsonl.gz`: messages as their provider takes them."""

    messages: tuple[Mapping[str, Any], ...] = field(hash=False)


def spoken(source: Dataset | str | Path) -> tuple[Spoken, ...]:
    """Return the conversations of a set whose turns have roles, or of a folder with `transcripts.jsonl.gz`.

    Raises:
        InputError: the source cannot be read, or no turn is an assistant's.

    Example:
        >>> from ctxwin.evaluate import load_sample
        >>> [(len(one.messages), len(one.requests), len(one.questions)) for one in spoken(load_sample())]
        [(116, 50, 16)]
    """
    if isinstance(source, Dataset):
        name, found = source.name, _of_set(source)
    elif (path := Path(source) / TRANSCRIPTS).is_file():
        name, found = Path(source).name, _transcripts(path)
    else:
        dataset = load(source)
        name, found = dataset.name, _of_set(dataset)
    held = tuple(one for one in found if one.requests)
    if not held:
        raise InputError(f"no turn of {name!r} is an assistant's, so nothing can be replayed; give a set with roles")
    return held


def _transcripts(path: Path) -> Iterator[Spoken]:
    for where, line in lines_of(path):
        messages = read_json(line, TranscriptRow, where, remedy=LINE_REMEDY).messages
        requests = tuple(_answered([message.get("role") for message in messages]))
        times = tuple(MINUTE * n for n in range(len(requests)))
        yield Spoken(dataset=path.parent.resolve().name, messages=messages, requests=requests, times=times)


def _of_set(dataset: Dataset) -> Iterator[Spoken]:
    for name, items in dataset.sources.items():
        turns = [item for item in items if item.kind == "turn"]
        units = {item.id: item for item in turns}
        requests = tuple(_answered([item.role for item in turns]))
        asked = (query for query in dataset.queries if query.source == name and query.gold)
        yield Spoken(
            dataset=dataset.name,
            messages=tuple(item.raw or {"role": item.role or "user", "content": item.text} for item in turns),
            requests=requests,
            times=tuple(_times(turns, requests)),
            questions=tuple(query for query in asked if units.keys() >= {*query.gold}),
            units=units,
        )


def _answered(roles: Sequence[str | None]) -> Iterator[int]:
    """Yield the number of messages before each answer of the model; several messages in a row are one answer."""
    for at, (before, role) in enumerate(pairwise(roles), start=1):
        if role == "assistant" and before != "assistant" and "user" in roles[:at]:
            yield at


def _times(turns: Sequence[Item], requests: Sequence[int]) -> Iterator[float]:
    now = 0.0
    for before, size in pairwise((1, *requests)):
        now += DAY if turns[before - 1].session != turns[size - 1].session else MINUTE
        yield now
