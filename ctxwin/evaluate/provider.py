"""Imitate a provider's prompt cache: which tokens of a request it reads, writes, and bills at the full price.

The imitation knows nothing of planners: like the provider, it sees messages and marks, and has its own hashes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..caching import Bill, CacheRules

__all__ = ["Provider"]


class Provider:
    """The cache of one conversation, in pieces of whole messages.

    Example:
        >>> from ctxwin.caching import CacheRules
        >>> provider = Provider(CacheRules(provider="", minimum=100))
        >>> talk = [{"role": "user", "content": "one"}, {"role": "user", "content": "two"}]
        >>> [provider.send(talk[:n], [120] * n, marks=(), now=0.0).read for n in (1, 2)]
        [0, 120]
    """

    def __init__(self, rules: CacheRules) -> None:
        self.rules = rules
        self._written: dict[str, float] = {}
        """When each prefix was last used, by its hash."""

    def send(
        self, messages: Sequence[Mapping[str, Any]], tokens: Sequence[int], marks: Sequence[int], now: float
    ) -> Bill:
        """Receive a request and return the bill for its input.

        Args:
            messages: the messages; a system prompt and tools, if any, come first as messages.
            tokens: tokens of each message.
            marks: how many messages each marked prefix has.
            now: the time in seconds.
        """
        prefixes = _prefixes(messages)
        marks = [*marks] if self.rules.marks else [*range(1, len(messages) + 1)]
        blocks = [_blocks(message) for message in messages]
        read = max((self._found(prefixes, blocks, mark, now) for mark in marks), default=0)
        before = sum(tokens[:read])
        cached = self.rules.readable(before)
        for mark in {*marks, read}:
            if mark and sum(tokens[:mark]) >= self.rules.minimum:
                self._written[prefixes[mark - 1]] = now
        end = sum(tokens[: max(marks, default=0)])
        written = max(0, end - cached) if self.rules.marks and end >= self.rules.minimum else 0
        return Bill(read=cached, written=written, fresh=sum(tokens) - cached - written)

    def _found(self, prefixes: Sequence[str], blocks: Sequence[int], mark: int, now: float) -> int:
        """Return the number of messages in the longest kept prefix that a mark finds."""
        looked = 0
        for end in range(mark, 0, -1):
            if now - self._written.get(prefixes[end - 1], -float("inf")) <= self.rules.ttl:
                return end
            looked += blocks[end - 1]
            if self.rules.lookback is not None and looked >= self.rules.lookback:
                break
        return 0


def _prefixes(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    digest, found = hashlib.sha256(), []
    for message in messages:
        digest.update(json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        found.append(digest.hexdigest())
    return found


def _blocks(message: Mapping[str, Any]) -> int:
    """Return how many content blocks a message has; each call counts as a block."""
    content = message.get("content")
    return max(1, (len(content) if isinstance(content, list) else 1) + len(message.get("tool_calls") or ()))
