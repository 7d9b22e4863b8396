"""Describe how a request is counted, message by message: its words, and the tokens besides them."""

from __future__ import annotations

from dataclasses import dataclass

from ..items import content_hash

__all__ = ["Counted"]


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
