"""Learning from a provider's replies how it counts, so that requests fit by its own count."""

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
        known = _read(saved) if saved else None
        self._base = base
        self._counter = CalibratedTokenizer(base, known if known and known.base == base.name else None)
        self._row = row
        self.tokenizer: Tokenizer = base if self._counter.name == base.name else self._counter
        """What counts now; another one only where its counts are others."""

    @property
    def state(self) -> Mapping[str, Any]:
        """What was learned, as plain JSON values."""
        return self._counter.calibration.to_dict()

    def pack(
        self, budget: Budget, tools: Tools, new: int, dialect: Dialect, pack: Callable[[Budget, Tokenizer], Packed]
    ) -> tuple[Packed, Sequence[Counted]]:
        """Pack so that the request fits by what the provider is expected to count.

        What was learned chooses among what may be left out. It never refuses what the tokenizer itself would let pass:
        a report may be wrong, and the provider says by itself what is too long for it.

        Args:
            budget: what it may have; with a margin of its own, that is kept to.
            tools: that go with it.
            new: tokens of the messages since the last request.
            dialect: whose messages are packed.
            pack: packs under a budget, counted by a tokenizer.

        Returns:
            The request and its pieces, for `observe`.

        Raises:
            BudgetError: what must stay does not fit, whatever was learned.
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
        """Learn from the tokens that the provider reported for a request; say whether something was learned."""
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
    """Read what was learned; None where it is damaged or of an earlier form, which could close a window."""
    try:
        return Calibration.from_dict(saved)
    except InputError as error:
        _log.info("what was learned of the provider's counting is begun anew: %s", error)
        return None
