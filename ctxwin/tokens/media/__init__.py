"""Count the tokens of images, sound, films and documents by each provider's rule; each rule has its source.

A rule is named after the models that it applies to; `ctxwin.models` says which model has which rule.
"""

from __future__ import annotations

from .images import claude_image, flat_image, gemini_image, openai_patches, openai_tiles, qwen_image
from .rules import MEDIA_RULES, MediaRule, media_tokens
from .sealed import report_sealed, sealed_tokens

__all__ = [
    "MEDIA_RULES",
    "MediaRule",
    "claude_image",
    "flat_image",
    "gemini_image",
    "media_tokens",
    "openai_patches",
    "openai_tiles",
    "qwen_image",
    "report_sealed",
    "sealed_tokens",
]
