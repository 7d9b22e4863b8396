"""What a request is counted by, message for message: the words, and the tokens beside them."""

from __future__ import annotations

from dataclasses import dataclass

from ..items import content_hash

__all__ = ["Counted"]


@dataclass(frozen=True, slots=True)
class Counted:
    """One message of a request, its tools, or the start of the reply, as it is counted.

    Pieces that are equal cost the same wherever they stand: what a provider writes between messages keeps the
    tokens of one from merging with those of the next.

    Example:
        >>> Counted(("Hello", "Ana"), 5).key == Counted(("Hello", "Ana"), 5).key != Counted(("Hello",), 5).key
        True
    """

    texts: tuple[str, ...]
    """Its words, each counted by itself."""
    fixed: int
    """Tokens beside the words: role, name, media, calls."""

    @property
    def key(self) -> str:
        """Sixteen digits that stand for its content."""
        return content_hash(*self.texts, str(self.fixed))[:16]
