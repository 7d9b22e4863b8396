"""Conversations of earlier requests: one that comes again, grown, is read, counted and indexed only for what is new."""

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
"""Conversations that are remembered; the one that was used longest ago goes first."""


@dataclass(slots=True, eq=False)
class _Known:
    talk: Talk
    messages: list[Any]
    lock: Lock = field(default_factory=Lock)
    """Held while it is extended and packed, since its system prompt is that of one request."""

    def begins(self, messages: Sequence[Any], dialect: Dialect) -> bool:
        """Tell whether these messages are the conversation, grown or as it was.

        Plain messages are the same in each dialect; what stands beside them and what they become is not.
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
        """Pack messages as a talk, one that is known where they continue it.

        Args:
            messages: plain JSON, all of them.
            system: the system prompt beside them; None: none.
            dialect: of both.
            pack: packs a talk.
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
