"""Learning from a provider's replies how it counts, so that requests fit by its own count."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..items import Budget
from ..messages import Dialect
from ..models import Model
from ..packing import Packed
from ..tokens import CalibratedTokenizer, Calibration, Piece, Tokenizer, spell

__all__ = ["Learner"]

ROUNDS = 3
"""Times one request is packed until it fits by what the provider is expected to count; two nearly always do."""

Tools = Sequence[Mapping[str, Any]]


class Learner:
    """The tokenizer of one window, corrected by what the provider reported.

    Args:
        base: what counts without any reply.
        row: the model in the catalogue, for its rules; None without one.
        saved: what `state` returned earlier; of another tokenizer, it is not used.
    """

    def __init__(self, base: Tokenizer, row: Model | None, saved: Mapping[str, Any] | None) -> None:
        known = Calibration.from_dict(saved) if saved else None
        self._counter = CalibratedTokenizer(base, known if known and known.base == base.name else None)
        self._row = row
        self._sent: Sequence[Piece] = ()
        self.tokenizer: Tokenizer = base if self._counter.name == base.name else self._counter
        """What counts now; another one only where its counts are others."""

    @property
    def state(self) -> Mapping[str, Any]:
        """What was learned, as plain JSON values."""
        return self._counter.calibration.to_dict()

    def pack(
        self, budget: Budget, tools: Tools, new: int, dialect: Dialect, pack: Callable[[Budget], Packed]
    ) -> Packed:
        """Pack so that the request fits by what the provider is expected to count.

        Args:
            budget: what it may have; with a margin of its own, that is kept to.
            tools: that go with it.
            new: tokens of the messages since the last request.
            dialect: whose messages are packed.
            pack: packs under a budget.
        """
        room = budget.total - budget.reserve
        margin = self._counter.margin(room, new) if budget.margin is None else budget.margin
        packed = pack(replace(budget, margin=margin))
        for _ in range(ROUNDS - 1):
            self._sent = spell(packed.messages, model=self._row, tools=tools, dialect=dialect)
            if budget.margin is not None or (not margin and not self._counter.error):
                break
            over = self._counter.count_request(self._sent).high - room
            if over <= 0:
                break
            margin += over
            packed = pack(replace(budget, margin=margin))
        return packed

    def observe(self, reported: int) -> bool:
        """Learn from the tokens that the provider reported for the last request; say whether something was learned."""
        sent, self._sent = self._sent, ()
        if not sent or reported <= 0:
            return False
        before = self._counter
        self._counter = before.observe(sent, reported)
        if self._counter.name != self.tokenizer.name:
            self.tokenizer = self._counter
        return bool(self._counter.error or self._counter.name != before.name)

    def forget_request(self) -> None:
        """Take it that what is sent next was not packed here."""
        self._sent = ()
