"""Learns from a provider's replies how the provider counts, so that requests fit by the provider's own count.

A report, however odd, never takes more than half of the room from the messages, and one odd report changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import BudgetError, InputError
from ..items import Budget
from ..messages import Dialect
from ..models import Model
from ..packing import Packed
from ..tokens import CalibratedTokenizer, Calibration, Counted, Tokenizer, spell
from ..tokens.calibration import most_margin

__all__ = ["Learner"]

_log = logging.getLogger(__name__)

ROUNDS = 3
"""Times one request is packed until it fits by the provider's expected count; two nearly always suffice."""

Tools = Sequence[Mapping[str, Any]]


class Learner:
    """A window's tokenizer, corrected by the token counts that the provider reported.

    Args:
        base: the tokenizer that counts before any reply.
        row: the model's row in the catalogue, for its rules; None if the catalogue has none.
        saved: an earlier `state`; not used if another tokenizer learned it.
    """

    def __init__(self, base: Tokenizer, row: Model | None, saved: Mapping[str, Any] | None) -> None:
        known = _read(saved) if saved else None
        self._base = base
        self._counter = CalibratedTokenizer(base, known if known and known.base == base.name else None)
        self._row = row
        self.tokenizer: Tokenizer = base if self._counter.name == base.name else self._counter
        """The tokenizer that counts now; replaced only when its counts change."""

    @property
    def state(self) -> Mapping[str, Any]:
        """Everything learned so far, as plain JSON values."""
        return self._counter.calibration.to_dict()

    def pack(
        self, budget: Budget, tools: Tools, new: int, dialect: Dialect, pack: Callable[[Budget, Tokenizer], Packed]
    ) -> tuple[Packed, Sequence[Counted]]:
        """Pack so that the request fits by the provider's expected count.

        The corrected count decides only what is left out. A request that fits by `base` is never refused: a report may
        be wrong, and the provider itself refuses a request that is too long.

        Args:
            budget: the request's budget; a margin in it replaces the learned margin.
            tools: definitions of the request's tools.
            new: tokens of the messages since the last request.
            dialect: of the messages.
            pack: packs under a budget with a tokenizer's counts.

        Returns:
            The request and its counted pieces, for `observe`.

        Raises:
            BudgetError: required items do not fit even by the counts of `base`.
        """
        try:
            return self._fitted(budget, tools, new, dialect, lambda some: pack(some, self.tokenizer))
        except BudgetError:
            if not self._counter.calibration.replies:
                raise
            _log.info("what must stay fits by %s alone; what was learned is left aside for a request", self._base.name)
            packed = pack(budget, self._base)
            return packed, spell(packed.messages, model=self._row, tools=tools, dialect=dialect)

    def _fitted(
        self, budget: Budget, tools: Tools, new: int, dialect: Dialect, pack: Callable[[Budget], Packed]
    ) -> tuple[Packed, Sequence[Counted]]:
        room = budget.total - budget.reserve
        margin = self._counter.margin(room, new) if budget.margin is None else budget.margin
        packed = pack(replace(budget, margin=margin))
        sent = spell(packed.messages, model=self._row, tools=tools, dialect=dialect)
        for _ in range(ROUNDS - 1):
            if budget.margin is not None or (not margin and not self._counter.error):
                break
            more = min(margin + self._counter.count_request(sent).high - room, most_margin(room))
            if more <= margin:
                break
            margin = more
            packed = pack(replace(budget, margin=margin))
            sent = spell(packed.messages, model=self._row, tools=tools, dialect=dialect)
        return packed, sent

    def observe(self, sent: Sequence[Counted], reported: int) -> bool:
        """Learn from the tokens that the provider reported for a request; return whether something was learned."""
        if not sent or reported <= 0:
            return False
        before = self._counter
        self._counter = before.observe(sent, reported)
        if self._counter.name != self.tokenizer.name:
            self.tokenizer = self._counter
        return self._counter.calibration != before.calibration and bool(
            self._counter.error or self._counter.name != before.name or self._counter.calibration.doubted
        )


def _read(saved: Mapping[str, Any]) -> Calibration | None:
    """Read saved learning; None if it is damaged or of an earlier form, so that the window still opens."""
    try:
        return Calibration.from_dict(saved)
    except InputError as error:
        _log.info("what was learned of the provider's counting is begun anew: %s", error)
        return None
