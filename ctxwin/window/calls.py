"""Keeps the requests of a window that are under way at once apart: which messages belong to which caller."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar
from weakref import WeakSet

from ..caching import State
from ..messages import Dialect
from ..packing import Packed
from ..tokens import Counted
from .contents import Contents
from .matching import follows_closely, known_elsewhere, new_messages

__all__ = ["Call", "Calls", "in_thread"]

Result = TypeVar("Result")

LEAVING = 10.0
"""Longest time in seconds that a cancelled task waits until its messages are stored. Storing takes milliseconds, and
more when many tasks store at once."""
LEFT = 100
"""Calls without an answer that are remembered, so that their messages are recognized when they are sent again."""


@dataclass(slots=True, weakref_slot=True, eq=False)
class Call:
    """One request of one caller, from its messages to its answer."""

    own: list[int] = field(default_factory=list)
    """Positions of the messages that the call brought and of its answers; the request ends with the last of them. Empty
    if the request ends with the window's last message."""
    packed: Packed | None = None
    """The packed request."""
    sent: Sequence[Counted] = ()
    """The counted pieces of the request; the learner compares them with the reply's usage."""
    planned: State | None = None
    """The state in which the request leaves the provider's prompt cache to the next request."""
    over: bool = False
    """Whether the call has ended."""

    @property
    def last(self) -> int | None:
        """The position of the request's last message; None if the request ends with the window's last message."""
        return self.own[-1] if self.own else None


class Calls:
    """The calls of one window that are under way. A call that nobody holds any more is over."""

    def __init__(self) -> None:
        self._open: WeakSet[Call] = WeakSet()
        self._left: deque[list[int]] = deque(maxlen=LEFT)
        self._lock = Lock()  # calls are left from the event loop while others begin in threads

    def begin(self, positions: Sequence[int]) -> Call:
        """Return the call that brought the messages at these positions."""
        call = Call(own=list(positions))
        with self._lock:
            self._left = deque((one for one in self._left if one != call.own[: len(one)]), maxlen=LEFT)
        self._open.add(call)
        return call

    def take(self, contents: Contents, incoming: Sequence[Mapping[str, Any]], dialect: Dialect) -> Call:
        """Store the messages of a request that are not stored yet, and return the request's call.

        Args:
            contents: the window's contents as of now.
            incoming: all messages of the request, without a system prompt.
            dialect: of the stored and the incoming messages.
        """
        busy = self.busy()
        rows = [row for row, turn in enumerate(contents.turns) if turn.position not in busy] if busy else None
        turns = contents.turns if rows is None else [contents.turns[row] for row in rows]
        new = new_messages((turn.message for turn in reversed(turns)), incoming, dialect)
        at = len(turns) - 1
        if len(new) == len(incoming):
            known, at = known_elsewhere([turn.message for turn in turns], incoming, dialect)
            new = incoming[known:]
        again, new = self._again(contents, new)
        after = again[-1] if again else turns[at].position if at >= 0 else None
        if not new:
            return self.begin(again or ([] if after is None else [after]))
        behind = after if again or follows_closely(new[0], dialect) else None
        return self.begin([*again, *(turn.position for turn in contents.append(new, behind=behind))])

    def _again(
        self, contents: Contents, new: Sequence[Mapping[str, Any]]
    ) -> tuple[list[int], Sequence[Mapping[str, Any]]]:
        """Return the positions of messages that an unanswered call stored before, and the messages left to store."""
        with self._lock:
            left = [*reversed(self._left)]
        for own in left:
            said = [turn.message for turn in contents.turns if turn.position in own]
            if said and said == list(new[: len(said)]):
                return list(own), new[len(said) :]
        return [], new

    def answered(self, call: Call, positions: Sequence[int]) -> None:
        """Mark a call as answered by the messages at these positions."""
        call.own += positions
        call.over = True

    def went_on(self, call: Call, positions: Sequence[int]) -> None:
        """Mark a call as going on with the messages at these positions."""
        call.own += positions
        call.over = False

    def leave(self, call: Call) -> None:
        """Mark a call as ended without an answer."""
        with self._lock:
            if not call.over and call.own:
                self._left.append(call.own)  # before it counts as over: who asks again finds it here or under way
            call.over = True

    def busy(self, but: Call | None = None) -> Collection[int]:
        """Return the positions of the messages of other calls that are under way."""
        return {position for call in list(self._open) if call is not but and not call.over for position in call.own}


async def in_thread(work: Callable[[], Result]) -> Result:
    """Run work in a thread, off the event loop; when the task is cancelled, wait for the work before raising.

    A thread cannot be stopped: without the wait, a caller who asks again at once would store a message twice.
    """
    done = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        done.add_done_callback(lambda future: future.cancelled() or future.exception())  # nobody else asks for it
        await asyncio.wait([done], timeout=LEAVING)
        raise
