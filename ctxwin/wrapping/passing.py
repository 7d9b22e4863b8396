"""What is done to a request on its way to the provider, and to an answer on its way back."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..clients import Reply
from ..clients.values import Wire
from ..errors import InputError, UnknownModel
from ..items import Budget
from ..messages.envelope import take_apart
from ..models import get_model
from ..packing import Packed, pack
from .bodies import LISTS, as_body, listed, readable, with_packed
from .streams import Tap

__all__ = ["Passing", "Recorder"]

_log = logging.getLogger(__name__)

CLAUDE = "anthropic_version"
"""A key that tells `pack` Anthropic's dialect where the messages do not; it is not sent."""
ANSWERS = ("max_completion_tokens", "max_output_tokens", "max_tokens")
"""Fields that allow so many tokens for the answer."""


class Recorder(Protocol):
    """A conversation that is kept, as `wrap` uses it; `ctxwin.Window` is one."""

    def sync(self, body: Mapping[str, Any], /) -> None:
        """Store the messages of a request that are not stored yet.

        A program may send an answer back in a shorter form than that in which `record` was given it.
        """
        ...

    def pack(self, query: str | None = None, *, tools: Sequence[Mapping[str, Any]] | None = None) -> Packed:
        """Pack what is stored: its `messages` are a list, or a request body with messages and system prompt."""
        ...

    def record(self, reply: Reply, /) -> None:
        """Store an answer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Passing:
    """How requests are packed and answers are kept."""

    budget: int | Budget | None
    model: str | None
    window: Recorder | None
    options: Mapping[str, Any]
    taps: deque[Tap] = field(default_factory=deque)
    """Streams since the last request, whose answers may not be kept yet."""

    def request(self, body: Mapping[str, Any], wire: Wire) -> Mapping[str, Any]:
        """Return the request to send for one that came; what is new in it is stored first.

        Raises:
            CtxwinError: what `pack` and the window raise.
        """
        if not isinstance(body, Mapping) or not body.get(LISTS[wire.dialect]):
            return body  # a stored prompt, say: nothing to pack
        body = listed(body, wire)
        read = readable(body, wire)
        packed = self._pack(read, wire) if self.window is None else self._stored(self.window, read, wire)
        return with_packed(body, read, packed, wire)

    def _stored(self, window: Recorder, body: Mapping[str, Any], wire: Wire) -> Mapping[str, Any]:
        """Store what is new in a request and return what is to be sent instead of its messages."""
        self.settle()
        window.sync(body)
        if take_apart(body, wire.dialect).elsewhere:
            return self._pack(body, wire)  # the provider has the rest
        chosen = {"budget": self.budget, "model": self.model}
        options = {**self.options, **{name: value for name, value in chosen.items() if value is not None}}
        packed = window.pack(tools=[*(body.get("tools") or ()), *(body.get("functions") or ())], **options)
        _tell(packed)
        found: Mapping[str, Any] = as_body(packed.messages, body, wire)
        return found

    def _pack(self, body: Mapping[str, Any], wire: Wire) -> Mapping[str, Any]:
        marked = {**body, CLAUDE: ""} if wire.dialect == "anthropic" else body
        packed = pack(marked, budget=self._budget(body), model=self.model, **self.options)
        _tell(packed)
        messages: Mapping[str, Any] = packed.messages
        return messages

    def _budget(self, body: Mapping[str, Any]) -> int | Budget | None:
        """Return the budget of a request; None: what `pack` takes for the model."""
        if self.budget is not None:
            return self.budget
        name = self.model or body.get("model")
        try:
            window = get_model(str(name)).window
        except UnknownModel:
            window = None
        if window is None:
            raise InputError(f"the window of model {name!r} is not known; give ctxwin.wrap a budget or a known model")
        asked = next((body[name] for name in ANSWERS if isinstance(body.get(name), int)), None)
        return Budget(total=window, reserve=asked) if asked is not None else None

    def settle(self) -> None:
        """Keep what earlier streams brought whole and nobody read to the end."""
        for _ in range(len(self.taps)):
            with suppress(IndexError):  # another request was here
                self.taps.popleft().settle()

    def record(self, reply: Reply) -> None:
        """Keep an answer; one that still runs in the background says nothing yet."""
        if self.window is not None and (reply.messages or reply.usage):
            self.window.record(reply)

    def tap(self, body: Mapping[str, Any], wire: Wire) -> Tap:
        """Return what listens to the stream that answers a request."""
        asked = body.get("stream_options") or {}
        tap = Tap(wire.gather(), self.record, usage_follows=bool(asked.get("include_usage")))
        self.taps.append(tap)
        return tap


def _tell(packed: Packed) -> None:
    """Log what a packing did, in numbers alone."""
    report = packed.report
    _log.debug("packed %d tokens to %d of at most %d", report.given, report.tokens, report.limit)
