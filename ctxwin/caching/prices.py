"""Prices a request by its cached and fresh tokens, and tells when to cut a carried history down."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..models import Model

__all__ = ["Bill", "Prices", "compaction_point"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """The input tokens of one request, by what they cost."""

    read: int = 0
    """Tokens read from the prompt cache."""
    written: int = 0
    """Tokens written to the prompt cache."""
    fresh: int = 0
    """Tokens that are neither read from the cache nor written to it."""

    @property
    def tokens(self) -> int:
        """All input tokens of the request."""
        return self.read + self.written + self.fresh


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """The prices of cached tokens, as shares of the price of a fresh input token.

    Example:
        >>> Prices(read=0.1, write=1.25).of(Bill(read=1_000, written=400, fresh=200))
        800.0
    """

    read: float = 1.0
    """Price of a token read from the cache; 1 if nothing is cached."""
    write: float = 1.0
    """Price of a token written to the cache; 1 if writing costs nothing extra."""

    @classmethod
    def of_model(cls, model: Model | None) -> Prices:
        """Return a model's prices; if they are unknown, cached tokens cost as much as fresh ones."""
        if model is None or model.cache_read is None:
            return cls()
        return cls(read=model.cache_read, write=model.cache_write)

    def of(self, bill: Bill) -> float:
        """Return the price of a request, in fresh tokens."""
        return self.read * bill.read + self.write * bill.written + bill.fresh


def compaction_point(prices: Prices, *, keep: float, growth: float) -> float:
    """Return by how many tokens a carried history should grow before it is cut down to `keep` again.

    Cutting writes `keep` tokens anew, once in `D / growth` requests; not cutting reads `D / 2` more in each, on
    average. The sum r D / 2 + w keep growth / D is least at D = sqrt(2 w keep growth / r).

    Args:
        prices: the model's prices.
        keep: tokens that stay when the history is cut.
        growth: tokens that each request adds.

    Example:
        >>> [round(compaction_point(Prices(read=r, write=1.25), keep=20_000, growth=1_000)) for r in (0.1, 0.025)]
        [22361, 44721]
    """
    return math.sqrt(2 * prices.write * keep * growth / prices.read) if prices.read > 0 else math.inf
