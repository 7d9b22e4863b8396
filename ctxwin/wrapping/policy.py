"""Packs the requests of a wrapped client, and keeps the provider's answers."""

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
"""Fields of a request that limit the tokens of the answer."""
PREVIOUS = "previous_response_id"
RENAMED = 1_000
"""Responses whose provider ids are remembered; the oldest are dropped first."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Passing:
    """The settings and memory of a wrapped client: how requests are packed and answers are kept."""

    budget: int | str | Budget | None
    model: str | None
    window: Window | None
    recall: bool
    repair: bool
    options: Mapping[str, Any]
    talks: Talks = field(default_factory=Talks)
    taps: deque[Tap] = field(default_factory=deque)
    """Streams since the last request; their answers may not be kept yet."""
    unknown: set[str] = field(default_factory=set)
    """Unknown types of content that the client has warned of."""
    renamed: OrderedDict[str, str] = field(default_factory=OrderedDict)
    """Maps ids of responses that were joined from several to the ids that the provider knows."""

    def repaired(self, body: Mapping[str, Any], wire: Wire) -> Mapping[str, Any]:
        """Return a body with valid messages if `repair` is set; the same body if nothing needs repair.

        Raises:
            MessageError: the messages cannot be repaired.
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
            wire: the form of the body.
            tools: counted with the messages.
            alone: whether the request is independent of other requests, such as the rest of a conversation that the
                provider keeps.

        Raises:
            CtxwinError: the errors of `ctxwin.pack`.
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
        """Pack a window's messages under the budget of `wrap`, else of the window, else of the request's model.

        Args:
            window: the window.
            body: as `readable` returns it.
            tools: counted with the messages, including the recall tool if it is offered.
            call: the window's call of the request.
        """
        said = {**self.options, "budget": self.budget, "model": self.model}
        if self.budget is None and window.budget is None:
            said["budget"] = self._budget(body, window.model)
        told = {name: value for name, value in said.items() if value is not None}
        return _told(window.pack(tools=tools, recall=False, call=call, **told))

    def tell_unknown(self, body: Mapping[str, Any], wire: Wire) -> None:
        """Warn once of each type of content that ctxwin does not know; the provider may know it."""
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
        """Return the model to count by; None if the catalogue does not know the request's model."""
        if self.model is not None:
            return self.model
        try:
            return get_model(str(body.get("model"))).name
        except UnknownModel:
            return None

    def _budget(self, body: Mapping[str, Any], model: str | None = None) -> int | str | Budget | None:
        """Return the budget of a request; None leaves the budget to `pack`, which takes the model's."""
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
        """Keep the whole answers of earlier streams that nobody read to the end."""
        for _ in range(len(self.taps)):
            with suppress(IndexError):  # another request was here
                self.taps.popleft().settle()

    def listening(self, tap: Tap) -> Tap:
        """Return the tap of a stream; remember it if the stream's answer is to be kept."""
        if self.window is not None:
            self.taps.append(tap)
        return tap

    def continued(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a body that continues a response by the id that the provider knows."""
        while len(self.renamed) > RENAMED:
            self.renamed.popitem(last=False)
        known = self.renamed.get(str(body.get(PREVIOUS)))
        return {**body, PREVIOUS: known} if known is not None else body


def _told(packed: Packed) -> Packed:
    """Log a packing, in numbers alone, and return it."""
    report = packed.report
    _log.debug("packed %d tokens to %d of at most %d", report.given, report.tokens, report.limit)
    return packed
