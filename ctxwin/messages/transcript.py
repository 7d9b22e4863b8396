"""Reads messages as they come: a conversation that grows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, MessageError
from ..items import Item, Part
from .conversation import OUTSIDE, Conversation, Dialect, Raw, brief
from .dialects.fields import INSIDE
from .dialects.responses import from_model
from .envelope import by_messages, take_apart
from .native import as_plain
from .reading import raws_of, read_items, read_system

__all__ = [
    "Links",
    "Ties",
    "Transcript",
    "last_user",
    "link",
    "open_tail",
    "read",
    "speaks",
    "tie",
    "typed",
    "waits_for_results",
]

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


def read(
    messages: Sequence[Mapping[str, Any] | Item] | Mapping[str, Any], *, dialect: Dialect | None = None
) -> Conversation:
    """Read messages, or a request body with messages, as a conversation.

    Args:
        messages: OpenAI chat messages, OpenAI Responses input items, Anthropic messages, a request body
            around any of them, or Items (one without `raw` becomes a message of its role, default `user`).
        dialect: of the messages; None detects it. Plain messages, which all dialects write alike, count as `openai`.

    Raises:
        MessageError: a message is malformed, has an unknown role, or is a tool result without a call.
        InputError: `dialect` is none of the three.

    Example:
        >>> read([{"role": "user", "content": "Hello"}]).items[0].text
        'Hello'
    """
    conversation = Transcript(messages, dialect=dialect).conversation
    if not conversation.items:
        raise MessageError("no messages; give at least one")
    return conversation


class Transcript:
    """A conversation that grows, and from which messages can be left out; equal to one that is read at once.

    Args:
        messages: as for `read`; there may be none at first.
        dialect: of the messages; None detects it, and reads all anew when a later message is the first to show the
            dialect.

    Raises:
        MessageError: as `read` does.
        InputError: as `read` does.

    Example:
        >>> transcript = Transcript([{"role": "user", "content": "Hello"}])
        >>> transcript.extend([{"role": "assistant", "content": "Hi"}])
        >>> len(transcript.conversation.items)
        2
    """

    def __init__(self, messages: Any = (), *, dialect: Dialect | None = None) -> None:
        body = isinstance(messages, Mapping)
        request = self._request = take_apart(as_plain(messages) if body else (), dialect)
        self.dialect, self._told = request.dialect, request.told
        self._strict = dialect is None  # where nobody says so, what is none of a provider's forms is none
        self.head: Item | None = read_system(request.raws[0]["content"], self.dialect) if request.lifted else None
        """The separate system prompt; None if there is none."""
        self.items: list[Item] = []
        """One item per message. The list only grows; if all messages are read anew, it is replaced."""
        self.forgotten: frozenset[int] = frozenset()
        """Positions of messages that are left out, each with its group."""
        self._given: list[Any] = []  # as long as nothing tells the dialect
        self._link_anew()
        self.extend(request.raws[request.lifted :] if body else messages)

    def extend(self, messages: Sequence[Mapping[str, Any] | Item]) -> None:
        """Append messages, all or none.

        Raises:
            MessageError: as `read` does, with the position in the whole conversation.
        """
        if isinstance(messages, Mapping):
            raise MessageError("a conversation grows by messages, not by a request body; give the list of them")
        messages = as_plain(messages)
        first, raws = len(self.items), take_apart(messages, self.dialect).raws
        told = None if self._told else by_messages(raws_of(raws, first=first))
        if told is not None and told != self.dialect:
            self._read_anew([*self._given, *messages], told)
        else:
            new = read_items(messages, self.dialect, first=first, strict=self._strict)
            try:
                self._link(new, first)
            except MessageError:
                self._link_anew()
                raise
            self.items += new
        self._told = self._told or told is not None
        self._given = [] if self._told else [*self._given, *messages]

    def set_system(self, content: object) -> None:
        """Set the separate system prompt; None removes it.

        Raises:
            MessageError: the prompt is malformed.
        """
        head = None if content is None else read_system(content, self.dialect)
        moved, self.head = (head is None) != (self.head is None), head
        if moved:
            self._link_anew()

    def forget(self, positions: Iterable[int]) -> None:
        """Leave out these messages and no others.

        Raises:
            InputError: there is no such message.
        """
        forgotten = frozenset(positions)
        for position in forgotten:
            if not 0 <= position < len(self.items):
                raise InputError(f"there is no message {position} of {len(self.items):,}; count from 0")
        self.forgotten = forgotten
        self._link_anew()

    def _read_anew(self, given: Sequence[Any], dialect: Dialect) -> None:
        """Read all messages anew, as messages of another dialect."""
        before = self.dialect, self._request, self.head, self.items
        try:
            self.dialect, self._request = dialect, take_apart(self._request.envelope or (), dialect)
            apart = self.head.raw if self.head else self._request.raws[0] if self._request.lifted else None
            self.head = read_system(apart["content"], dialect) if apart else None
            self.items = read_items(given, dialect, strict=self._strict)
            self._link_anew()
        except MessageError:
            self.dialect, self._request, self.head, self.items = before
            self._link_anew()
            raise

    def _link_anew(self) -> None:
        self._all = self._links()
        self._there = self._links() if self.forgotten else self._all
        self._asked: int | None = None
        self.there: NDArray[np.intp] = np.empty(0, np.intp)
        """Positions of the messages that are not left out, ascending."""
        self._link(self.items, 0)

    def _links(self) -> Links:
        """Return links that begin with the separate system prompt."""
        links = Links(self.dialect, elsewhere=self._request.elsewhere, offset=self._ahead)
        if self.head is not None:
            links.add(self.head.raw or {}, self.head.parts)
        return links

    def _link(self, new: Sequence[Item], first: int) -> None:
        """Link items that stand at the positions from `first` on."""
        for item in new:
            self._all.add(item.raw or {}, item.parts)
        if not self.forgotten:
            self.there, added = np.arange(first + len(new)), list(enumerate(new, first))
        else:
            items = [*self.items[:first], *new]
            groups = np.asarray(self._all.groups[self._ahead :], np.intp)
            there = np.flatnonzero(~np.isin(groups, groups[sorted(self.forgotten)]))
            if not np.array_equal(there[there < first], self.there):  # what is new ties what is old to the forgotten
                self._there, first = self._links(), 0
            self.there, added = there, [(i, items[i]) for i in there[there >= first].tolist()]
            for _, item in added:
                self._there.add(item.raw or {}, item.parts)
        self._asked = next((i for i, item in reversed(added) if speaks(item)), self._asked if first else None)

    @property
    def _ahead(self) -> int:
        """Number of items before the messages."""
        return int(self.head is not None)

    @property
    def conversation(self) -> Conversation:
        """The conversation without the messages that are left out, as a value."""
        head = () if self.head is None else (self.head,)
        items = self.items if len(self.there) == len(self.items) else [self.items[i] for i in self.there.tolist()]
        return Conversation(
            dialect=self.dialect,
            items=(*head, *items),
            envelope=self._envelope,
            groups=tuple(self._there.groups),
            tools=self._request.tools,
            unanswered=self._there.unanswered,
            asked=None if self._asked is None else self._ahead + int(np.searchsorted(self.there, self._asked)),
        )

    @property
    def _envelope(self) -> Mapping[str, Any] | None:
        given, outside = self._request.envelope, OUTSIDE.get(self.dialect)
        if outside is None or (self.head is not None) == (given is not None and given.get(outside) is not None):
            return given
        if self.head is None:
            return {key: value for key, value in (given or {}).items() if key != outside}
        messages: dict[str, Any] = {"input" if self.dialect == "responses" else "messages": []}
        return {**(given or messages), outside: ""}
