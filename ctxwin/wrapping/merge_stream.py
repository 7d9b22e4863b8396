"""Makes one stream of several: calls of the recall tool are taken out, and the next reply takes their place.

    1st reply   begin  [text  text]  [recall ...]  end
    2nd reply                                           begin  [text  text]  end
    the program gets
                begin  [text  text]                            [text  text]  end      as one reply
    or, of a 1st reply without text,
                                                        begin  [text  text]  end      as it came

Text is passed on at once. Thoughts and the beginning of a reply wait for the next event: those that only a recall
follows are taken out with the recall, since providers refuse thoughts without the part that followed them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import MutableMapping, Sequence
from typing import Any, Literal

from ..messages import Dialect
from ..messages.tidying import field
from ..recall import NAME

__all__ = ["Splice", "splice_of"]

EventKind = Literal["frame", "thought", "said", "recall"]
"""Kinds of events: an event around everything, reasoning, output for the program, a recall that the program must not
see."""

BREAK = "\n\n"
"""Between the texts of a chat model before and after a recall: one text, where other dialects have two parts."""


class Splice(ABC):
    """Decides which events of a program's stream are passed on, and joins several replies into one."""

    def __init__(self) -> None:
        self.recalling = False
        """Whether the present reply has called the recall tool; from this call on the reply is held back."""
        self._held: list[tuple[EventKind, Any]] = []
        self._open = False  # the reply has said something
        self._begun = False  # some reply has
        self._joining = False  # an earlier one has

    def feed(self, event: Any) -> Sequence[Any]:
        """Take one event of a reply; return the events that may be passed on now."""
        kind = self._kind(event)
        self.recalling = self.recalling or kind == "recall"
        self._open = self._open or (kind == "said" and not self.recalling)
        self._held.append((kind, event))
        waits = self.recalling or kind == "thought" or (kind == "frame" and (len(self._held) > 1 or not self._open))
        return () if waits else self._release()

    def follow(self) -> None:
        """Drop the held events, since their calls are answered; the next event belongs to another reply."""
        self.recalling = self._open = False
        self._held.clear()
        self._joining = self._begun
        self._next()

    def rest(self, *, whole: bool) -> Sequence[Any]:
        """Return the held events of a last reply; of a reply that broke off, without the call."""
        if not whole:
            self._held = [(kind, event) for kind, event in self._held if kind != "recall"]
        return self._release()

    def _release(self) -> Sequence[Any]:
        events = [event for _, event in self._held]
        self._held.clear()
        self._begun = True
        if self._joining:  # others have these too: what is kept of the answer, what a client logs of it
            events = [event.model_copy(deep=True) for event in events]
        return [event for event in events if self._pass(event)]

    @abstractmethod
    def _kind(self, event: Any) -> EventKind: ...

    @abstractmethod
    def _next(self) -> None:
        """Start another reply."""

    @abstractmethod
    def _pass(self, event: Any) -> bool:
        """Adapt an event to the program's stream; return False if the event has no place there."""


class ChatSplice(Splice):
    """Joins chat chunks: the text goes on under the first reply's id."""

    def __init__(self) -> None:
        super().__init__()
        self._first: Any = None
        self._named = self._over = False
        self._spoken, self._gap = "", False

    def _next(self) -> None:
        self._named = self._over = False
        self._gap = self._joining and bool(self._spoken) and not self._spoken[-1].isspace()

    def _kind(self, event: Any) -> EventKind:
        choices = field(event, "choices") or ()
        self._over = self._over or any(field(choice, "finish_reason") is not None for choice in choices)
        kinds = {self._kind_of(field(choice, "delta")) for choice in choices}
        for kind in ("recall", "said", "thought"):
            if kind in kinds:
                return kind
        return "said" if self._over else "frame"

    def _kind_of(self, delta: Any) -> EventKind:
        calls = field(delta, "tool_calls") or ()
        names = [field(call, "function", "name") or field(call, "custom", "name") for call in calls]
        if NAME in names or (names and self.recalling):
            return "recall"
        self._named = self._named or any(names)
        if names:
            return "said" if self._named else "thought"
        if any(field(delta, key) for key in ("content", "refusal", "function_call", "audio")):
            return "said"
        thinks = any(field(delta, key) for key in ("reasoning_content", "reasoning", "thinking_blocks"))
        return "thought" if thinks else "frame"

    def _pass(self, event: Any) -> bool:
        if self._first is None:
            self._first = event
        if self._joining:
            event.id, event.created = self._first.id, self._first.created
        for delta in (field(choice, "delta") for choice in field(event, "choices") or ()):
            if self._joining and field(delta, "role"):
                delta.role = None  # said once in a stream
            if text := field(delta, "content"):
                if self._gap and not text[0].isspace():
                    delta.content = BREAK + text
                self._gap, self._spoken = False, text
        return True


class MessagesSplice(Splice):
    """Joins Anthropic's events: the blocks of the second reply stand behind the blocks of the first."""

    def __init__(self) -> None:
        super().__init__()
        self._kinds: dict[Any, EventKind] = {}
        self._blocks = self._before = 0
        self._usage: Any = None

    def _next(self) -> None:
        self._kinds.clear()
        self._before = self._blocks

    def _kind(self, event: Any) -> EventKind:
        kind, place = field(event, "type"), field(event, "index")
        if kind == "content_block_start":
            block = field(event, "content_block")
            self._kinds[place] = _kind_of(field(block, "type"), "tool_use", field(block, "name"))
        if place is not None:
            return self._kinds.get(place, "said")
        return "said" if kind in ("message_delta", "message_stop") else "frame"

    def _pass(self, event: Any) -> bool:
        kind = field(event, "type")
        self._blocks += kind == "content_block_start"
        if not self._joining:
            return True
        if kind == "message_start":
            self._usage = event.message.usage
            return False
        if field(event, "index") is not None:
            event.index += self._before
        if kind == "message_delta":  # the beginning said what the first reply took
            for name, value in event.usage or ():
                if value is None:
                    setattr(event.usage, name, field(self._usage, name))
        return True


class ResponsesSplice(Splice):
    """Joins events of Responses: items of later replies stand behind the first's, in a response of the first's id.

    Args:
        renamed: maps response ids that the program sees to the ids that the provider knows.
    """

    STARTS = frozenset({"response.created", "response.queued", "response.in_progress"})
    ENDS = frozenset({"response.completed", "response.incomplete", "response.failed", "error"})

    def __init__(self, renamed: MutableMapping[str, str]) -> None:
        super().__init__()
        self._renamed = renamed
        self._kinds: dict[Any, EventKind] = {}
        self._id: Any = None
        self._earlier: list[Any] = []
        self._items: list[Any] = []
        self._added = self._before = self._number = 0

    def _next(self) -> None:
        self._kinds.clear()
        self._before, self._earlier = self._added, list(self._items)

    def _kind(self, event: Any) -> EventKind:
        kind, place = field(event, "type"), field(event, "output_index")
        if kind == "response.output_item.added":
            item = field(event, "item")
            self._kinds[place] = _kind_of(field(item, "type"), "function_call", field(item, "name"))
        if place is not None:
            return self._kinds.get(place, "said")
        return "said" if kind in self.ENDS else "frame"

    def _pass(self, event: Any) -> bool:
        response = field(event, "response")
        if not self._joining:
            self._id = field(response, "id") or self._id
        elif field(event, "type") in self.STARTS:
            return False
        elif response is not None:
            self._renamed[self._id], response.id = response.id, self._id
            if response.output is not None:
                response.output = [*self._earlier, *response.output]
        self._added += field(event, "type") == "response.output_item.added"
        if field(event, "type") == "response.output_item.done":
            self._items.append(event.item)
        if self._joining:
            self._fit(event)
        self._number = max(self._number, field(event, "sequence_number") or 0)
        return True

    def _fit(self, event: Any) -> None:
        """Give an event the next sequence number, and its item a place behind the earlier items."""
        if field(event, "sequence_number") is not None:
            event.sequence_number = self._number + 1
        if field(event, "output_index") is not None:
            event.output_index += self._before


def splice_of(dialect: Dialect, renamed: MutableMapping[str, str]) -> Splice:
    """Return the splice that joins streams of a dialect; `renamed` as for `ResponsesSplice`."""
    if dialect == "responses":
        return ResponsesSplice(renamed)
    return MessagesSplice() if dialect == "anthropic" else ChatSplice()


def _kind_of(kind: Any, calling: str, name: Any) -> EventKind:
    """Return the kind of a block or an item."""
    if kind == calling and name == NAME:
        return "recall"
    return "thought" if kind in ("reasoning", "thinking", "redacted_thinking") else "said"
