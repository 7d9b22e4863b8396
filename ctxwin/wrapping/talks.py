"""Remembers earlier conversations, so that only the new messages of a grown one are read, counted and indexed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from ..messages import Dialect
from ..packing import Packed, Talk

__all__ = ["Talks"]

KEPT = 4
"""Conversations that are remembered; the one that came first is dropped first."""


@dataclass(slots=True, eq=False)
class _Known:
    talk: Talk
    messages: list[Any]
    lock: Lock = field(default_factory=Lock)
    """Held while the conversation is extended and packed, since its system prompt belongs to one request."""

    def begins(self, messages: Sequence[Any], dialect: Dialect) -> bool:
        """Tell whether these messages are the conversation, grown or unchanged.

        Plain messages look the same in each dialect, but the system prompt and the packed messages differ, so the
        dialect must match too.
        """
        size = len(self.messages)
        return (
            self.talk.dialect == dialect
            and 0 < size <= len(messages)
            and self.messages[-1] == messages[size - 1]
            and self.messages == messages[:size]
        )


class Talks:
    """The conversations that one client was asked to continue."""

    def __init__(self) -> None:
        self._known: deque[_Known] = deque(maxlen=KEPT)

    def pack(self, messages: list[Any], system: Any, dialect: Dialect, pack: Callable[[Talk], Packed]) -> Packed:
        """Pack messages as a talk; reuse a known talk if the messages continue it.

        Args:
            messages: all messages, as plain JSON.
            system: the separate system prompt; None if there is none.
            dialect: of the messages and the system prompt.
            pack: a function that packs a talk.
        """
        for known in list(self._known):
            if not known.begins(messages, dialect):
                continue
            with known.lock:
                if known.begins(messages, dialect):  # nothing was added meanwhile that these do not have
                    known.talk.extend(messages[len(known.messages) :])
                    known.messages = messages
                    return self._packed(known, system, pack)
        known = _Known(Talk(messages, dialect=dialect), messages)
        self._known.append(known)
        with known.lock:
            return self._packed(known, system, pack)

    def _packed(self, known: _Known, system: Any, pack: Callable[[Talk], Packed]) -> Packed:
        if system != known.talk.system and known.talk.dialect != "openai":
            known.talk.system = system
        return pack(known.talk)
