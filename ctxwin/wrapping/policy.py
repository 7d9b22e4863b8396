"""What is done to a request on its way to the provider, and to an answer on its way back."""

from __future__ import annotations

import logging
import warnings
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..clients.reply import Wire
from ..errors import CtxwinWarning, InputError, UnknownModel
from ..items import Budget
from ..messages import repair
from ..messages.checks.vocabulary import unknown_types
from ..messages.conversation import OUTSIDE, brief
from ..models import get_model
from ..packing import Packed, Talk, pack
from .sdk_body import CONTINUES, LISTS, as_body, readable, with_packed
from .talks import Talks
from .tap import Tap

if TYPE_CHECKING:
    from ..window import Window
    from ..window.calls import Call

__all__ = ["Passing"]

_log = logging.getLogger(__name__)

ANSWERS = ("max_completion_tokens", "max_output_tokens", "max_tokens")
"""Fields that allow so many tokens for the answer."""
PREVIOUS = "previous_response_id"
RENAMED = 1_000
"""Responses whose other ids are remembered; the oldest go first."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Passing:
    """How requests are packed and answers are kept."""

    budget: int | str | Budget | None
    model: str | None
    window: Window | None
    recall: bool
    repair: bool
    options: Mapping[str, Any]
    talks: Talks = field(default_factory=Talks)
    taps: deque[Tap] = field(default_factory=deque)
    """Streams since the last request, whose answers may not be kept yet."""
    unknown: set[str] = field(default_factory=set)
    """Types of content of which it was warned."""
    renamed: OrderedDict[str, str] = field(default_factory=OrderedDict)
    """From the ids of responses that were made of several to those by which the provider goes on."""

    def repaired(self, body: Mapping[str, Any], wire: Wire) -> Mapping[str, Any]:
        """Return a body with valid messages, where that was asked for; the same where they are.

        Raises:
            MessageError: nothing can be made of them.
        """
        given = readable(body, wire)
        names = (LISTS[wire.dialect], OUTSIDE.get(wire.dialect), *CONTINUES)
        asked = {name: given[name] for name in names if name is not None and given.get(name)}
        if not self.repair or not asked.get(LISTS[wire.dialect]):
            return body
        mended, repairs = repair(asked, dialect=wire.dialect)
        if not repairs:
            return body
        places = len({one.index for one in repairs})
        lost = sum(len(one.lost) for one in repairs)
        said = f"{places} messages of a request were mended, {lost} strings left out; see ctxwin.repair(messages)"
        _log.info("%d messages mended, %d strings left out", places, lost)
        warnings.warn(said, CtxwinWarning, stacklevel=2)
        return with_packed(body, given, as_body(mended, given, wire), wire)

    def pack(self, body: Mapping[str, Any], wire: Wire, tools: Sequence[Mapping[str, Any]], *, alone: bool) -> Packed:
        """Pack a readable body with these tools.

        Args:
            body: as `readable` returns it.
            wire: its form.
            tools: what goes with the messages and is counted.
            alone: whether it has nothing to do with other requests, as the rest of a conversation that the
                provider keeps.

        Raises:
            CtxwinError: what `ctxwin.pack` raises.
        """
        model, budget = self._model(body), self._budget(body)

        def packed(talk: Talk) -> Packed:
            return _told(pack(talk, budget=budget, model=model, tools=tools, **self.options))

        messages = body[LISTS[wire.dialect]]
        if alone or isinstance(messages, str):
            return packed(Talk(body, dialect=wire.dialect))
        return self.talks.pack(messages, body.get(OUTSIDE.get(wire.dialect, "")), wire.dialect, packed)

    def pack_window(
        self, window: Window, body: Mapping[str, Any], tools: Sequence[Mapping[str, Any]], call: Call | None
    ) -> Packed:
        """Pack what a window holds: as was said to `wrap`, else to the window, else as the request's model allows.

        Args:
            window: the window.
            body: as `readable` returns it.
            tools: what goes with the messages and is counted, the recall tool included where it is offered.
            call: the request in the window.
        """
        said = {**self.options, "budget": self.budget, "model": self.model}
        if self.budget is None and window.budget is None:
            said["budget"] = self._budget(body, window.model)
        told = {name: value for name, value in said.items() if value is not None}
        return _told(window.pack(tools=tools, recall=False, call=call, **told))

    def tell_unknown(self, body: Mapping[str, Any], wire: Wire) -> None:
        """Warn of types that the provider may know and ctxwin does not, each once."""
        messages = body.get(LISTS[wire.dialect])
        new = [] if isinstance(messages, str) else unknown_types(messages or (), wire.dialect)
        if new := [kind for kind in new if kind not in self.unknown]:
            self.unknown.update(new)
            warnings.warn(
                f"content of unknown type {', '.join(map(brief, new))} is counted as text and passed on as it is",
                CtxwinWarning,
                stacklevel=2,
            )

    def _model(self, body: Mapping[str, Any]) -> str | None:
        """Return the model to count by; None where the catalogue has none of the request's name."""
        if self.model is not None:
            return self.model
        try:
            return get_model(str(body.get("model"))).name
        except UnknownModel:
            return None

    def _budget(self, body: Mapping[str, Any], model: str | None = None) -> int | str | Budget | None:
        """Return the budget of a request; None: what `pack` takes for the model."""
        if self.budget is not None:
            return self.budget
        name = self.model or model or body.get("model")
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

    def listening(self, tap: Tap) -> Tap:
        """Remember a stream whose answer is to be kept, and return it."""
        if self.window is not None:
            self.taps.append(tap)
        return tap

    def continued(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a body that continues the response which the provider knows; the same where it does already."""
        while len(self.renamed) > RENAMED:
            self.renamed.popitem(last=False)
        known = self.renamed.get(str(body.get(PREVIOUS)))
        return {**body, PREVIOUS: known} if known is not None else body


def _told(packed: Packed) -> Packed:
    """Log what a packing did, in numbers alone."""
    report = packed.report
    _log.debug("packed %d tokens to %d of at most %d", report.given, report.tokens, report.limit)
    return packed
