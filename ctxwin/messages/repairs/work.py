"""Holds a request while it is mended: its messages, the changes, and the places where strings went."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..conversation import Dialect, Repair

__all__ = ["GONE", "MISSING", "CallPlace", "Draft", "Namer", "RepairWork", "match", "spoken", "strings"]

GONE = "[result of a call that is gone]"
"""Title of the text of a result whose call is not in the request."""
MISSING = "[no result was recorded]"
"""Result of a call that has none."""

MACHINE = frozenset(
    {
        "type", "role", "id", "call_id", "item_id", "tool_use_id", "tool_call_id", "approval_request_id", "file_id",
        "container_id", "status", "caller", "signature", "data", "file_data", "encrypted_content", "encrypted_index",
        "fingerprint", "cache_control", "media_type", "format", "detail",
    }
)  # fmt: skip
"""Keys of strings that a reader does not need; they do not become text."""


@dataclass(slots=True)
class Draft:
    """A message of the request in its present state."""

    raw: Any
    index: int | None
    """Position in the given list; None for the system prompt from outside."""


@dataclass(slots=True, kw_only=True)
class RepairWork:
    """A request that is being mended. A given message is never changed, but replaced."""

    dialect: Dialect
    entries: list[Draft]
    system: Draft | None = None
    """The system prompt from outside the messages."""
    body: dict[str, Any] = field(default_factory=dict)
    elsewhere: bool = False
    """Whether the provider keeps earlier items."""
    notes: list[tuple[int | None, str, str]] = field(default_factory=list)
    """For each change: the message, the broken rule, and the change in words."""
    kept: dict[str, str] = field(default_factory=dict)
    """Strings that were put into longer ones, each with the longer one."""

    def note(self, index: int | None, rule: str, done: str) -> None:
        """Note a change; the same change of a message is noted once."""
        if not self.notes or self.notes[-1] != (index, rule, done):
            self.notes.append((index, rule, done))

    def change(self, entry: Draft, rule: str, done: str, **changed: Any) -> None:
        """Replace values at some keys of a message, and note the change."""
        entry.raw = {**entry.raw, **changed}
        self.note(entry.index, rule, done)

    def text(self, value: object, title: str = "") -> str:
        """Return the words of a value as one text under a title, and remember which strings the text holds."""
        said = list(spoken(value))
        return self.keep("\n".join(filter(None, (title, *said))), said)

    def keep(self, text: str, parts: Iterable[str]) -> str:
        """Remember that strings are inside a text; return the text."""
        self.kept.update((part, text) for part in parts if part != text)
        return text

    def as_json(self, value: object) -> str:
        """Write a value as JSON, and remember the strings that stand in it unescaped."""
        try:
            written = json.dumps(value, ensure_ascii=False)
        except (RecursionError, TypeError, ValueError):  # too deep, or nothing that JSON can hold
            return self.text(value)
        plain = (one for one in strings(value) if json.dumps(one, ensure_ascii=False)[1:-1] == one)
        return self.keep(written, plain)

    def repairs(self, before: Sequence[Any], outside: object, after: object) -> list[Repair]:
        """Return the changes, with the strings that are gone.

        Args:
            before: the given messages.
            outside: the request body around the given messages.
            after: the mended messages.
        """
        here = set(strings(after))
        lost: dict[int | None, tuple[str, ...]] = {}
        for index in dict.fromkeys(index for index, _, _ in self.notes):
            found = strings(outside if index is None else before[index])
            lost[index] = tuple(dict.fromkeys(one for one in found if not self._stands(one, here)))
        notes = sorted(dict.fromkeys(self.notes), key=lambda note: -1 if note[0] is None else note[0])
        return [Repair(index=index, rule=rule, done=done, lost=lost.pop(index, ())) for index, rule, done in notes]

    def _stands(self, one: str, here: set[str]) -> bool:
        """Tell whether a string is in the result, alone or inside a longer one."""
        while one not in here:
            longer = self.kept.get(one)
            if longer is None or len(longer) <= len(one):
                return False
            one = longer
        return True


def strings(value: object) -> Iterator[str]:
    """Yield all strings of a value, keys included, at any depth."""
    todo = deque([value])
    while todo:
        one = todo.popleft()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            yield from (key for key in one if isinstance(key, str))
            todo.extendleft(reversed(list(one.values())))
        elif isinstance(one, list | tuple):
            todo.extendleft(reversed(one))
        elif isinstance(one, set | frozenset):
            todo.extendleft(sorted(one, key=repr, reverse=True))


def spoken(value: object) -> Iterator[str]:
    """Yield the strings of a value that are words for a reader.

    Example:
        >>> list(spoken({"type": "picture", "caption": "The shed.", "url": "data:image/png;base64,AAAA"}))
        ['The shed.']
    """
    todo = deque([value])
    while todo:
        one = todo.popleft()
        if isinstance(one, str):
            if one.strip() and one[:5].lower() != "data:":
                yield one
        elif isinstance(one, Mapping):
            todo.extendleft(reversed([inner for key, inner in one.items() if key not in MACHINE]))
        elif isinstance(one, list | tuple):
            todo.extendleft(reversed(one))
        elif isinstance(one, set | frozenset):
            todo.extendleft(sorted(one, key=repr, reverse=True))


class CallPlace(NamedTuple):
    """The place of a call, or of a call's result."""

    place: int
    """Position of its message."""
    order: int
    """Position within the message."""
    call_id: str


def match(calls: Sequence[CallPlace], results: Sequence[CallPlace]) -> dict[int, int]:
    """Match results to calls by their ids, which may repeat; return the call's number by the result's.

    A result belongs to the nearest earlier call of its id without a result, else to the next later call.
    """
    waiting: dict[str, list[deque[int]]] = {}
    found: dict[int, int] = {}
    early: list[int] = []
    events = [(slot.place, slot.order, True, number) for number, slot in enumerate(calls)]
    events += [(slot.place, slot.order, False, number) for number, slot in enumerate(results)]
    for _, _, is_call, number in sorted(events, key=lambda event: event[:2]):
        if is_call:
            stack = waiting.setdefault(calls[number].call_id, [])
            if stack and stack[-1] and calls[stack[-1][-1]].place == calls[number].place:
                stack[-1].append(number)
            else:
                stack.append(deque([number]))
            continue
        stack = waiting.get(results[number].call_id, [])
        while stack and not stack[-1]:
            stack.pop()
        if stack:
            found[number] = stack[-1].popleft()
        else:
            early.append(number)
    later = {call_id: deque(one for group in stack for one in group) for call_id, stack in waiting.items()}
    for number in early:
        left = later.get(results[number].call_id)
        if left:
            found[number] = left.popleft()
    return found


class Namer:
    """Gives names and ids that a provider takes: unique, and equal for equal old ones.

    Args:
        bad: the characters that a name may not have.
        most: most characters of a name.
        taken: names that are in use.
    """

    def __init__(self, bad: str, most: int, taken: Iterable[str] = ()) -> None:
        self._bad, self._most = re.compile(bad), most
        self._taken, self._counts = set(taken), dict[str, int]()
        self._given: dict[str, str] = {}

    def same(self, old: str, otherwise: str) -> str:
        """Return the new name for an old one, always the same.

        Args:
            old: the name that the provider refuses.
            otherwise: the name to use if nothing of `old` can be kept.
        """
        if old not in self._given:
            self._given[old] = self.new(old, otherwise)
        return self._given[old]

    def new(self, old: str, otherwise: str) -> str:
        """Return a name similar to an old one that is not in use."""
        base = self._bad.sub("_", old)[: self._most] or otherwise
        name = base
        while name in self._taken:
            count = self._counts[base] = self._counts.get(base, 1) + 1
            name = f"{base[: self._most - len(str(count)) - 1]}_{count}"
        self._taken.add(name)
        return name
