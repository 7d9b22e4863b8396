"""Finds the messages that belong together: calls and results, reasoning and its answer, the open end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..errors import MessageError
from ..items import Item, Part
from .conversation import Conversation, Dialect, Raw, brief
from .dialects.fields import INSIDE
from .dialects.responses import from_model

__all__ = ["Links", "Ties", "last_user", "link", "open_tail", "speaks", "tie", "typed", "waits_for_results"]

ATTACHED = frozenset({INSIDE, "source"})
"""Steps of paths that lead into an attachment."""
_Key = tuple[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ties:
    """Tells which parts of a log belong to which calls."""

    pairs: tuple[tuple[int, Part, int | None], ...]
    """A message, a part of it that belongs to a call, and the call's message; None without a call."""
    open: frozenset[int]
    """Messages with a call that has no result."""


def tie(log: Iterable[Iterable[Part]]) -> Ties:
    """Tie every result to the nearest earlier call of its id, since ids may repeat in a long log.

    A result without an id is tied to the nearest open call of its name. A part of kind `other` with an id
    belongs to a call, but does not answer it.
    """
    calls = _OpenCalls()
    pairs = [(index, *pair) for index, parts in enumerate(log) for pair in calls.add(index, parts)]
    return Ties(pairs=tuple(pairs), open=calls.open)


class _OpenCalls:
    """The calls of a growing log, and those that wait for a result."""

    def __init__(self) -> None:
        self._calls: dict[_Key, list[tuple[int, _Key]]] = {}
        self._waiting: set[tuple[int, _Key]] = set()

    def add(self, index: int, parts: Iterable[Part]) -> list[tuple[Part, int | None]]:
        """Take the next message; return its parts that belong to calls, each with the call's message."""
        pairs: list[tuple[Part, int | None]] = []
        for part in parts:
            key = ("name", part.name) if part.call_id is None else ("id", part.call_id)
            if part.kind == "call":
                for name in {key, ("name", part.name)}:
                    self._calls.setdefault(name, []).append((index, key))
                self._waiting.add((index, key))
            elif part.kind == "result" or part.call_id is not None:
                known = self._calls.get(key, [])
                call = known[-1] if known else None
                if key[0] == "name":
                    call = next((one for one in reversed(known) if one in self._waiting), call)
                pairs.append((part, call[0] if call else None))
                if call and part.kind != "other":
                    self._waiting.discard(call)
        return pairs

    @property
    def open(self) -> frozenset[int]:
        return frozenset(index for index, _ in self._waiting)


class Links:
    """Groups the messages of a log one after the other.

    Args:
        dialect: of the messages.
        elsewhere: whether calls may stand in a conversation that the provider keeps, so that a result
            without a call is no error.
        offset: number of messages before the first message of the given list.
    """

    def __init__(self, dialect: Dialect, *, elsewhere: bool = False, offset: int = 0) -> None:
        self.groups: list[int] = []
        """The group number of each message, counted from 0 in order of first appearance."""
        self._dialect, self._elsewhere, self._offset = dialect, elsewhere, offset
        self._calls = _OpenCalls()
        self._reference: int | None = None
        self._beside = _BESIDE[dialect]()
        self._count = 0
        self._last_is_alone = True

    def add(self, raw: Raw, parts: Sequence[Part]) -> None:
        """Take the next message.

        Raises:
            MessageError: the message is a result without an earlier call; the links cannot be used after that.
        """
        index = len(self.groups)
        self.groups.append(self._count)
        self._count, self._last_is_alone = self._count + 1, True
        for part, call in self._calls.add(index, parts):
            # In Responses a call may be sent by reference to a stored item, which does not say its id.
            known = self._reference if call is None else call
            if known is not None:
                self._join(known)
            elif part.kind == "result" and not (self._elsewhere or _free(part, self._dialect)):
                raise _orphan(part, index - self._offset)
        if self._beside(raw, parts):
            self._join(index - 1)
        if self._dialect == "responses" and raw.get("type") == "item_reference":
            self._reference = index

    def _join(self, index: int) -> None:
        """Put the last message and an earlier one in one group."""
        first, second = sorted((self.groups[index], self.groups[-1]))
        if first == second:
            return
        if self._last_is_alone:
            self.groups[-1] = first
        else:
            self.groups = [first if one == second else one - (one > second) for one in self.groups]
        self._count, self._last_is_alone = self._count - 1, False

    @property
    def unanswered(self) -> frozenset[int]:
        """Messages with unanswered calls; a call in the last message's group may still be answered."""
        return frozenset(index for index in self._calls.open if self.groups[index] != self.groups[-1])


def link(
    raws: Sequence[Raw], log: Sequence[Sequence[Part]], dialect: Dialect, *, elsewhere: bool = False, offset: int = 0
) -> Links:
    """Link all messages of a log.

    Args:
        raws: the messages, in order.
        log: the parts of the messages.
        dialect: as for `Links`.
        elsewhere: as for `Links`.
        offset: as for `Links`.

    Raises:
        MessageError: a result has no earlier call.
    """
    links = Links(dialect, elsewhere=elsewhere, offset=offset)
    for raw, parts in zip(raws, log, strict=True):
        links.add(raw, parts)
    return links


def _free(part: Part, dialect: Dialect) -> bool:
    """Tell whether a result needs no call: a Responses output without `call_id` is of a provider-run tool."""
    return dialect == "responses" and part.call_id is None


def _orphan(part: Part, index: int) -> MessageError:
    tie = f"id {brief(part.call_id)}" if part.call_id is not None else f"name {brief(part.name)}"
    return MessageError(
        f"a tool result with {tie}, but no earlier call has it; add the call, or mend the messages by ctxwin.repair",
        index=index,
    )


class _NothingBelongs:
    """For chats: messages belong together only by their calls."""

    def __call__(self, raw: Raw, parts: Sequence[Part]) -> bool:
        return False


class _Responses:
    """Join the items into which one answer of the model was cut.

    The API refuses reasoning without the item that followed it, and each later item of the same answer without the
    reasoning. A reference may stand for reasoning. Neighbouring calls were made in parallel.
    """

    def __init__(self) -> None:
        self._thought = self._called = False

    def __call__(self, raw: Raw, parts: Sequence[Part]) -> bool:
        if not from_model(raw):
            self._thought = self._called = False
            return False
        calls = any(part.kind == "call" for part in parts)
        joined = self._thought or (self._called and calls)
        self._thought = self._thought or raw.get("type") in ("reasoning", "item_reference")
        self._called = calls
        return joined


class _Anthropic:
    """Join a system message within the conversation with its neighbouring turns.

    The API takes a system message only after a user message and before an assistant message or the end.
    """

    def __init__(self) -> None:
        self._started = self._after_aside = False

    def __call__(self, raw: Raw, parts: Sequence[Part]) -> bool:
        aside = raw["role"] == "system" and self._started
        joined = aside or self._after_aside
        self._started, self._after_aside = self._started or raw["role"] != "system", aside
        return joined


_BESIDE: Mapping[Dialect, type[_NothingBelongs | _Responses | _Anthropic]] = {
    "openai": _NothingBelongs,
    "responses": _Responses,
    "anthropic": _Anthropic,
}


def speaks(item: Item) -> bool:
    """Tell whether a message holds words of a user.

    A message with nothing but tool results (Anthropic) or a simulated user's calls does not.
    """
    tool_only = bool(item.parts) and all(part.kind == "call" or part.call_id is not None for part in item.parts)
    return item.role == "user" and not tool_only


def typed(item: Item) -> str:
    """Return the words in a message without its attached files: the question, if one is asked.

    Example:
        >>> from ctxwin.messages import read
        >>> page = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Ebb at six."}}
        >>> typed(read([{"role": "user", "content": [page, {"type": "text", "text": "When is ebb?"}]}]).items[0])
        'When is ebb?'
    """
    said = [part.text for part in item.parts if part.kind == "text" and part.path and not ATTACHED & {*part.path}]
    return "\n".join(said) if said else item.text


def last_user(conversation: Conversation) -> int | None:
    """Return the index of the last message with words of a user, or None.

    A message with nothing but tool results (Anthropic) or a simulated user's calls does not count.
    """
    return conversation.asked


def open_tail(conversation: Conversation) -> int:
    """Return the index from which every item must stay, so that the request still asks the same.

    The last user message must stay, and the last message with its group: an open tool chain, or an answer to continue.
    In a chat the returned index is that user message. In a long tool loop it is the last exchange only, since the
    rounds before it are closed and may go; the user message (`last_user`) then stands before it and must stay too.

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


def waits_for_results(conversation: Conversation) -> bool:
    """Tell whether the last message, or its group, has an unanswered call, so that only results may follow."""
    groups, items = conversation.groups, conversation.items
    last = [item.parts for item, group in zip(items, groups, strict=True) if group == groups[-1]] if items else []
    return bool(tie(last).open)
