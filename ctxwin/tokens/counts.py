"""Define a number of tokens with its bounds."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

from ..items import content_hash

__all__ = ["Count", "Counted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A number of tokens, with the bounds that the provider's own count lies between; adds with `+`.

    It contains no safety margin: the margin is a field of `Budget`.

    Example:
        >>> Count.of(100) + Count.of(50, error=0.1)
        Count(tokens=150, low=145, high=155, exact=False)
    """

    tokens: int
    """The best estimate, or the number itself."""
    low: int
    high: int
    exact: bool
    """Whether the provider counts exactly this number."""

    @classmethod
    def of(cls, tokens: int, *, error: float = 0.0) -> Count:
        """Make a count with a relative 95 % error, 0 for an exact count."""
        slack = round(tokens * error, 6)  # 50 * 0.1 is 5, whatever floating point makes of it
        low, high = max(0, floor(tokens - slack)), ceil(tokens + slack)
        return cls(tokens=tokens, low=low, high=high, exact=error == 0)

    def __add__(self, other: Count) -> Count:
        return Count(
            tokens=self.tokens + other.tokens,
            low=self.low + other.low,
            high=self.high + other.high,
            exact=self.exact and other.exact,
        )


@dataclass(frozen=True, slots=True)
class Counted:
    """One message of a request, its tools, or the start of the reply, as counted.

    Equal pieces cost the same at any place: the text that a provider writes between messages keeps the tokens of one
    message from merging with those of the next.

    Example:
        >>> Counted(("Hello", "Ana"), 5).key == Counted(("Hello", "Ana"), 5).key != Counted(("Hello",), 5).key
        True
    """

    texts: tuple[str, ...]
    """The words, each text counted by itself."""
    fixed: int
    """Tokens besides the words: role, name, media, calls."""

    @property
    def key(self) -> str:
        """Sixteen digits that stand for the content."""
        return content_hash(*self.texts, str(self.fixed))[:16]
