"""Lists each provider's caching rules: what it keeps of a prompt, for how long, and how it finds a prefix again."""

from __future__ import annotations

from dataclasses import dataclass

from ..models import Model

__all__ = ["RULES", "CacheRules", "cache_rules"]

MINUTE, HOUR = 60, 3_600
"""Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRules:
    """How a provider caches the beginning of a request.

    Example:
        >>> from ctxwin import get_model
        >>> rules = cache_rules(get_model("gpt-5-mini"))
        >>> [rules.readable(tokens) for tokens in (1_000, 1_100, 1_300)]
        [0, 1024, 1280]
    """

    provider: str
    """The provider's name in the catalogue; "" for any."""
    prefixes: tuple[str, ...] = ("",)
    """Beginnings of the names of the models for which this row holds."""
    minimum: int = 1024
    """Tokens of the shortest prefix that is kept."""
    step: int = 1
    """A prefix is read in whole multiples of this many tokens, from the minimum on."""
    marks: int = 0
    """How many ends of prefixes a request may mark; 0 if the provider keeps every prefix by itself."""
    lookback: int | None = None
    """How many content blocks before a mark a kept prefix may end and still be found; None for any number."""
    ttl: int = 5 * MINUTE
    """Seconds that a prefix is kept after its last use."""
    source: str = ""
    """Source of the figures."""

    def readable(self, tokens: int) -> int:
        """Return how many tokens of a kept prefix of this length are read from the cache."""
        return 0 if tokens < self.minimum else tokens - (tokens - self.minimum) % self.step


_OPENAI = "OpenAI, Prompt caching (2026-10)"
_CLAUDE = "Anthropic, Prompt caching; minimum by model: LiteLLM, Prompt caching (2026-10)"
_GEMINI = "Google, Gemini API, Context caching (2026-10-13)"

RULES: tuple[CacheRules, ...] = (
    # From GPT-5.6 on writing costs 1.25, a request writes up to four marked prefixes, and an end is not rounded.
    CacheRules(provider="openai", prefixes=("gpt-5.6", "gpt-6"), marks=4, ttl=30 * MINUTE, source=_OPENAI),
    # "5 to 10 minutes of inactivity": the lesser. The first 1,024 tokens, then steps of 128.
    CacheRules(provider="openai", step=128, source=_OPENAI),
    CacheRules(
        provider="anthropic",
        prefixes=("claude-opus-5", "claude-fable", "claude-mythos"),
        minimum=512,
        marks=4,
        lookback=20,
        source=_CLAUDE,
    ),
    CacheRules(
        provider="anthropic",
        prefixes=("claude-sonnet", "claude-opus-4-8", "claude-opus-4-1"),
        minimum=1024,
        marks=4,
        lookback=20,
        source=_CLAUDE,
    ),
    # Haiku 4.5, Opus 4.5 and 4.6; and the most that any has, for those not listed.
    CacheRules(provider="anthropic", minimum=4096, marks=4, lookback=20, source=_CLAUDE),
    CacheRules(provider="google", prefixes=("gemini-2.5",), minimum=2048, source=_GEMINI),
    CacheRules(provider="google", minimum=4096, source=_GEMINI),
    # Kept on disk in whole units: ends of requests, common beginnings, fixed intervals; "hours to days".
    CacheRules(provider="deepseek", step=64, ttl=HOUR, source="DeepSeek, Context caching; step: as of V3"),
    CacheRules(
        provider="minimax", marks=4, lookback=20, source="MiniMax, Anthropic-compatible cache; minimum and ttl assumed"
    ),
    CacheRules(
        provider="qwen",
        prefixes=("qwen3.6-plus", "qwen3.7-plus", "qwen3-coder"),
        marks=4,
        lookback=20,
        source="as Anthropic, whose form its explicit cache has; assumed",
    ),
    CacheRules(provider="", source="assumed: the form most providers share"),
)
"""The caching rules; the first row that fits a model holds."""


def cache_rules(model: Model | None) -> CacheRules:
    """Return the caching rules for a model; if none are known, the rules that most providers share.

    Example:
        >>> from ctxwin import get_model
        >>> cache_rules(get_model("claude-haiku-4-5")).minimum
        4096
    """
    provider, name = (model.provider, model.name) if model is not None else ("", "")
    return next(row for row in RULES if row.provider in ("", provider) and name.startswith(row.prefixes))
