"""What hangs together in a conversation: calls and results, reasoning and what it led to, the open end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..errors import MessageError
from ..items import Item, Part
from .responses import from_model
from .values import Conversation, Dialect, Raw

__all__ = ["Ties", "last_user", "link", "open_tail", "tie"]

_Key = tuple[str, str | None]


class _Groups:
    """Disjoint sets of item indices; the root of a set is its first item."""

    def __init__(self, count: int) -> None:
        self.parent = list(range(count))

    def root(self, index: int) -> int:
        while self.parent[index] != index:
            self.parent[index] = self.parent[self.parent[index]]
            index = self.parent[index]
        return index

    def join(self, one: int, other: int) -> None:
        first, second = sorted((self.root(one), self.root(other)))
        self.parent[second] = first

    def numbers(self) -> tuple[int, ...]:
        seen: dict[int, int] = {}
        return tuple([seen.setdefault(self.root(index), len(seen)) for index in self.parent])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ties:
    """Which parts of a log belong to which calls."""

    pairs: tuple[tuple[int, Part, int | None], ...]
    """A message, a part of it that belongs to a call, and the call's message; None where there is no call."""
    open: frozenset[int]
    """Messages with a call that has no result."""


def tie(log: Iterable[Iterable[Part]]) -> Ties:
    """Tie every result to the nearest earlier call of its id, since ids may repeat in a long log.

    A result without an id is tied to the nearest open call of its name. A part of kind `other` with an id
    belongs to a call, but does not answer it.
    """
    calls: dict[_Key, list[tuple[int, _Key]]] = {}
    waiting: set[tuple[int, _Key]] = set()
    pairs: list[tuple[int, Part, int | None]] = []
    for index, parts in enumerate(log):
        for part in parts:
            key = ("name", part.name) if part.call_id is None else ("id", part.call_id)
            if part.kind == "call":
                for name in {key, ("name", part.name)}:
                    calls.setdefault(name, []).append((index, key))
                waiting.add((index, key))
            elif part.kind == "result" or part.call_id is not None:
                known = calls.get(key, [])
                call = known[-1] if known else None
                if key[0] == "name":
                    call = next((one for one in reversed(known) if one in waiting), call)
                pairs.append((index, part, call[0] if call else None))
                if call and part.kind != "other":
                    waiting.discard(call)
    return Ties(pairs=tuple(pairs), open=frozenset(index for index, _ in waiting))


def link(
    raws: Sequence[Raw],
    log: Sequence[Sequence[Part]],
    dialect: Dialect,
    *,
    elsewhere: bool = False,
    offset: int = 0,
) -> tuple[tuple[int, ...], frozenset[int]]:
    """Find the group of every message, and the messages whose calls were never answered.

    A call in the group of the last message may still be answered.

    Args:
        raws: the messages, in order.
        log: their parts.
        dialect: whose rules hold.
        elsewhere: whether calls may stand in a conversation that the provider keeps, so that a result
            without a call is no error.
        offset: how many messages stand before the first message of the list that came in.

    Raises:
        MessageError: a result has no earlier call.
    """
    groups, ties = _Groups(len(raws)), tie(log)
    for index, part, call in ties.pairs:
        known = _reference(raws, index) if call is None and dialect == "responses" else call
        if known is not None:
            groups.join(known, index)
        elif part.kind == "result" and not (elsewhere or _free(part, dialect)):
            raise _orphan(part, index - offset)
    if dialect == "responses":
        _join_responses(raws, log, groups)
    elif dialect == "anthropic":
        _join_anthropic(raws, groups)
    numbers = groups.numbers()
    return numbers, frozenset(index for index in ties.open if numbers[index] != numbers[-1])


def _reference(raws: Sequence[Raw], index: int) -> int | None:
    """A call may be sent by reference to a stored item, which does not say its id."""
    earlier = (at for at in range(index - 1, -1, -1) if raws[at].get("type") == "item_reference")
    return next(earlier, None)


def _free(part: Part, dialect: Dialect) -> bool:
    """In Responses an output without `call_id` comes from a tool that the provider ran."""
    return dialect == "responses" and part.call_id is None


def _orphan(part: Part, index: int) -> MessageError:
    tie = f"id {part.call_id!r}" if part.call_id is not None else f"name {part.name!r}"
    return MessageError(
        f"a tool result with {tie}, but no earlier call has it; add the call or remove the result",
        index=index,
    )


def _join_responses(raws: Sequence[Raw], log: Sequence[Sequence[Part]], groups: _Groups) -> None:
    """Join what one answer of the model was cut into.

    The API refuses reasoning without the item that it led to, and each later item of the same answer
    without the reasoning. A reference may stand for reasoning. Calls side by side were made in parallel.
    """
    thought = called = False
    for index, (raw, parts) in enumerate(zip(raws, log, strict=True)):
        if not from_model(raw):
            thought = called = False
            continue
        calls = any(part.kind == "call" for part in parts)
        if thought or (called and calls):
            groups.join(index - 1, index)
        thought = thought or raw.get("type") in ("reasoning", "item_reference")
        called = calls


def _join_anthropic(raws: Sequence[Raw], groups: _Groups) -> None:
    """Join a system message within the conversation with the turns beside it.

    The API takes it only after a user message and before an assistant message or the end.
    """
    started = False
    for index, raw in enumerate(raws):
        if raw["role"] == "system" and started:
            groups.join(index - 1, index)
            if index + 1 < len(raws):
                groups.join(index, index + 1)
        started = started or raw["role"] != "system"


def last_user(conversation: Conversation) -> int | None:
    """Return the index of the last message in which a user says something, or None.

    A message that only carries tool results (Anthropic) or a simulated user's calls is not one.
    """
    for index in range(len(conversation.items) - 1, -1, -1):
        item = conversation.items[index]
        if item.role == "user" and _speaks(item):
            return index
    return None


def _speaks(item: Item) -> bool:
    tool_only = bool(item.parts) and all(part.kind == "call" or part.call_id is not None for part in item.parts)
    return not tool_only


def open_tail(conversation: Conversation) -> int:
    """Return the index from which every item must stay, so that the request asks what it asked.

    What must stay is the last user message and, at the end, the last message with its group: an open
    tool chain, or an answer to go on with. In a chat the returned index is that user message. In
    a long tool loop it is the last exchange only, since the rounds before it are closed and may go;
    the user message (`last_user`) then stands before it and must stay too.

    Example:
        >>> from ctxwin.messages import read
        >>> open_tail(read([{"role": "user", "content": text} for text in ("Hello", "And now?")]))
        1
    """
    groups, user = conversation.groups, last_user(conversation)
    stay = {groups[-1]} if user is None else {groups[-1], groups[user]}
    index = len(groups)
    while index and groups[index - 1] in stay:
        index -= 1
    return index
