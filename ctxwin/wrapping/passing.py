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
from ..items import Budget, Item
from ..models import get_model
from ..packing import Packed, pack
from .streams import Tap

__all__ = ["Passing", "Recorder"]

_log = logging.getLogger(__name__)

CLAUDE = "anthropic_version"
"""A key that tells `pack` Anthropic's dialect where the messages do not; it is not sent."""
ANSWERS = ("max_completion_tokens", "max_output_tokens", "max_tokens")
"""Fields that allow so many tokens for the answer."""


class Recorder(Protocol):
    """A conversation that is kept, as `wrap` uses it; `ctxwin.Window` is one."""

    recall: bool
    """Whether the model gets the recall tool; `pack` then counts it by itself."""
    tokenizer: Any

    @property
    def items(self) -> Sequence[Item]:
        """All messages under the ids by which packings name them."""
        ...

    def sync(self, body: Mapping[str, Any], /) -> None:
        """Store the messages of a request that are not stored yet.

        A program may send an answer back in a shorter form than that in which `record` was given it.
        """
        ...

    def add(self, *messages: Mapping[str, Any]) -> Any:
        """Store messages."""
        ...

    def pack(self, query: str | None = None, *, tools: Sequence[Mapping[str, Any]] = ()) -> Packed:
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
    recall: bool
    options: Mapping[str, Any]
    taps: deque[Tap] = field(default_factory=deque)
    """Streams since the last request, whose answers may not be kept yet."""

    def pack(self, body: Mapping[str, Any], wire: Wire, tools: Sequence[Mapping[str, Any]]) -> Packed:
        """Pack a readable body with these tools.

        Raises:
            CtxwinError: what `ctxwin.pack` raises.
        """
        marked = {**body, CLAUDE: ""} if wire.dialect == "anthropic" else body
        packed = pack(marked, budget=self._budget(body), model=self.model, tools=tools, **self.options)
        return _told(packed)

    def pack_window(self, window: Recorder, tools: Sequence[Mapping[str, Any]]) -> Packed:
        """Pack what a window holds; what was said to `wrap` goes before what the window has of its own."""
        said = {"budget": self.budget, "model": self.model}
        options = {**self.options, **{name: value for name, value in said.items() if value is not None}}
        return _told(window.pack(tools=tools, **options))

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


def _told(packed: Packed) -> Packed:
    """Log what a packing did, in numbers alone."""
    report = packed.report
    _log.debug("packed %d tokens to %d of at most %d", report.given, report.tokens, report.limit)
    return packed
