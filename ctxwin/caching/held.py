"""Tells which beginning of a request the provider already holds, and what the request costs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..items import content_hash
from .prices import Bill
from .providers import CacheRules
from .state import Sent

__all__ = ["Held", "message_hash"]

DIGITS = 16
"""Hexadecimal digits of a message's hash: two of a million messages agree by chance once in thirty million times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The earlier requests that a provider still holds, and the provider's caching rules."""

    rules: CacheRules
    sent: Sequence[Sent]

    def prefix(self, hashes: Sequence[str]) -> int:
        """Return how many leading messages the provider holds as a prefix that can be read."""
        request = Sent(time=0.0, hashes=tuple(hashes), tokens=())
        found = 0
        for old in self.sent:
            common = old.common(request)
            if self.rules.marks:
                common = max((end for end in old.ends if end <= common), default=0)
            if self.rules.readable(sum(old.tokens[:common])):
                found = max(found, common)
        return found

    def read(self, hashes: Sequence[str], tokens: Sequence[int]) -> int:
        """Return how many tokens of a request are read from the cache."""
        return self.rules.readable(sum(tokens[: self.prefix(hashes)]))

    def marked(self, hashes: Sequence[str], ends: Iterable[int]) -> tuple[int, ...]:
        """Choose the ends of prefixes to mark, as numbers of messages, ascending.

        The end of the held prefix is marked again: a mark finds a kept prefix only a few blocks before the mark.
        """
        wanted = sorted({*ends, self.prefix(hashes)} - {0}, reverse=True)
        return tuple(sorted(wanted[: self.rules.marks or len(wanted)]))

    def bill(self, request: Sent, total: int) -> Bill:
        """Split a request's tokens by price: read, written, fresh.

        Args:
            request: the request's messages and marks.
            total: all tokens of the request, including tokens outside messages.
        """
        read = self.read(request.hashes, request.tokens)
        end = sum(request.tokens[: max(request.ends, default=0)]) if self.rules.marks else total
        written = max(0, end - read) if end >= self.rules.minimum else 0
        return Bill(read=read, written=written, fresh=total - read - written)


def message_hash(message: Mapping[str, Any] | Sequence[Any]) -> str:
    """Hash the whole content of a message, or of the tools."""
    return content_hash(json.dumps(message, sort_keys=True, ensure_ascii=False, default=str))[:DIGITS]
