"""Reads messages as they come: a conversation that grows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, MessageError
from ..items import Item
from .conversation import OUTSIDE, Conversation, Dialect
from .envelope import by_messages, take_apart
from .groups import Links, speaks
from .reading import raws_of, read_items, read_system
from .sdk_objects import as_plain

__all__ = ["Transcript", "read"]


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
