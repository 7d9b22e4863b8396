"""Picks one conversation of several: by title, id or number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import InputError
from .conversation import Dialect

__all__ = ["Candidate", "Picked", "pick_one"]

SHOWN = 5
"""Most conversations that an error lists."""
TITLE = 60
"""Most characters of a title that an error shows."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidate:
    """A conversation that may be picked."""

    form: str
    """Name of the form that the conversation was read from; "" for messages of a provider."""
    title: str = ""
    id: str = ""
    messages: Any
    """A list of Items or messages, or a request body."""
    dialect: Dialect = "openai"
    """Dialect of the Items' messages."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picked:
    """The picked conversation, and its number among all."""

    candidate: Candidate
    number: int
    """From 1, in the order of the file."""
    total: int


@dataclass(slots=True)
class _Matches:
    """The conversations that matched in one way: the first of them, and their number."""

    first: tuple[int, Candidate] | None = None
    rows: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, number: int, candidate: Candidate) -> None:
        self.first = self.first or (number, candidate)
        self.count += 1
        if len(self.rows) < SHOWN:
            self.rows.append(_row(number, candidate))

    @property
    def listed(self) -> str:
        """The first matches with their numbers."""
        more = f" and {self.count - len(self.rows):,} more" if self.count > len(self.rows) else ""
        return ", ".join(self.rows) + more


def pick_one(candidates: Iterable[Candidate], pick: str | int | None, name: str) -> Picked:
    """Return the picked conversation; only possible matches are kept while all are looked at.

    Args:
        candidates: all conversations, in order.
        pick: a title, whole or in part, in any case; an id; or a number from 1. Default: the only conversation.
        name: the file's name, for errors.

    Raises:
        InputError: no conversation matches, or several do; the error lists some with their numbers.

    Example:
        >>> talks = [Candidate(form="", title="Trip to Bergen", messages=[]), Candidate(form="", messages=[])]
        >>> found = pick_one(talks, "bergen", "talks.json")
        >>> found.number, found.total
        (1, 2)
    """
    if isinstance(pick, bool) or not isinstance(pick, str | int | None):
        raise InputError(f"pick is a title, an id or a number from 1, not {type(pick).__name__}")
    ways = [_Matches() for _ in range(4)]
    everything = _Matches()
    for number, candidate in enumerate(candidates, start=1):
        everything.add(number, candidate)
        for way, fits in zip(ways, _fits(candidate, number, pick), strict=True):
            if fits:
                way.add(number, candidate)
    found = everything if pick is None else next((way for way in ways if way.count), None)
    if found is not None and found.count == 1 and found.first is not None:
        return Picked(candidate=found.first[1], number=found.first[0], total=everything.count)
    raise InputError(_unclear(found, everything, pick, name))


def _fits(candidate: Candidate, number: int, pick: str | int | None) -> Sequence[bool]:
    """Tell in which ways a conversation matches: by its id, its title, its number, a part of its title."""
    if pick is None:
        return (False,) * 4
    if isinstance(pick, int):
        return (False, False, number == pick, False)
    word, title = pick.strip().casefold(), candidate.title.strip().casefold()
    by_number = word.isdecimal() and int(word[:9]) == number
    return (candidate.id == pick, bool(word) and word == title, by_number, bool(word) and word in title)


def _row(number: int, candidate: Candidate) -> str:
    title = " ".join((candidate.title or candidate.id or "no title").split())
    return f"{number} {title[:TITLE]!r}"


def _unclear(found: _Matches | None, everything: _Matches, pick: str | int | None, name: str) -> str:
    how = "pick one by title, id or number (--pick, pick=)"
    total = everything.count
    if total == 0:
        return f"{name!r} holds no conversation in which anything is said; give another file"
    held = f"{name!r} holds {total:,} conversations" if total > 1 else f"{name!r} holds one conversation"
    if pick is None:
        return f"{held}: {everything.listed}; {how}"
    if found is None and total == 1:
        return f"{name!r} holds one conversation, and it is not {pick!r}: {everything.listed}; leave the pick out"
    if found is None:
        return f"{held}, none of them {pick!r}: {everything.listed}; {how}"
    return f"{held}, {found.count:,} of them {pick!r}: {found.listed}; {how}"
