"""Count media by the rule of each family of models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import ceil, floor
from typing import Literal

from ...items import Media, MediaKind
from ...messages.attachments.file_types import OLD_OFFICE, SHEETS, WRITTEN, kind_of
from ..counts import Count
from .images import GEMINI_TILE, claude_image, flat_image, gemini_image, openai_patches, openai_tiles, qwen_image

__all__ = ["MEDIA_RULES", "MediaRule", "media_tokens"]

AUDIO_OPENAI = 10
"""Tokens per second of input sound [OpenAI, Realtime and audio, "about 10"]."""
AUDIO_GEMINI = 32
"""Tokens per second of sound [Google, Gemini API, Tokens]."""
VIDEO_GEMINI_2 = 263
"""Tokens per second of film with its sound: 258 for a frame, the rest for time marks [ibid.]."""
VIDEO_GEMINI_3 = 70 + AUDIO_GEMINI
"""Tokens per second of film with its sound: a frame of 70, by default [Google, Media resolution]."""
PAGE_TEXT = (1_500, 3_000)
"""Tokens of the text of a PDF page, least and most, besides its picture [Anthropic, PDF support]."""
PAGE_SIZE = (1_275, 1_650)
"""Pixels of a shown page, assumed to be a letter page at 150 dots per inch."""
UNKNOWN_IMAGE = (1_920, 1_080)
"""Pixels assumed for an image of unknown size: a screenshot."""
UNKNOWN_IMAGES = ((1, 1), (4_032, 3_024))
"""Pixels that bound an image of unknown size: a dot and a telephone's photograph."""
UNKNOWN_SECONDS = (1, 60, 600)
"""Least, likely and most seconds of sound or film of unknown length."""
UNKNOWN_PAGES = (1, 10, 100)
"""Least, likely and most pages of a PDF that is only referred to: 100 are Claude's limit in a window of 200,000 tokens
[Anthropic, PDF support, 2026-11]."""
UNKNOWN_TEXT = (250, 2_500, 25_000)
"""Least, likely and most tokens of a text or an office document that is only referred to: a web page of 10 kB has
2,500, a long one of 100 kB 25,000 [Anthropic, Web fetch tool]."""
BYTES_PER_PAGE = (1_000_000, 50_000, 3_000)
"""Bytes of a PDF page that is a scan, that has pictures, or that is only text (two manuals have 7,300 and 8,300)."""
TEXT_BYTES = (8.0, 3.5, 1.0)
"""Most, usual and least bytes of UTF-8 per token: with o200k Russian has 8.0, English, code and German 3.6 to 4.5;
with Gemini's estimate figures have 1.1 [measured]."""
SHEET_BYTES = (8.0, 2.0, 1.0)
"""The same for a sheet, which is mostly figures: a table with dates and numbers has 2.2 [measured]."""
OLD_OFFICE_BYTES = (100.0, 10.0, 1.0)
"""Bytes of a Word, Excel or PowerPoint file before 2007 per token of its text; the rest is pictures and settings."""
BINARY_BYTES = (4.0, 1.0, 1.0)
"""Bytes of a file of unknown form per token: its base64 has 1.40 (cl100k) to 1.47 (o200k) letters per token [measured],
which is one token per byte; a provider that finds text in the file counts fewer."""
BYTES_PER_SECOND = {"audio": (2_000, 16_000, 192_000), "video": (30_000, 250_000, 2_500_000)}
"""Bytes per second at little, usual (128 kbit sound, 2 Mbit film) and high quality."""

ImageRule = Callable[[int, int, str | None], int]
"""A function from width, height and detail to tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRule:
    """How one family of models counts media."""

    image: ImageRule
    audio: int = AUDIO_GEMINI
    """Tokens per second; for providers without sound, Gemini's figure."""
    video: int = VIDEO_GEMINI_2
    """Tokens per second; for providers without film, Gemini's figure."""
    page: int | None = None
    """Tokens of a document's page. Default: those of the page's picture, and 1,500 to 3,000 tokens of text."""
    error: float = 0.0
    """How far the rule itself may be off, relative; 0 if the provider documents the rule."""


def _openai(base: int, tile: int) -> MediaRule:
    return MediaRule(image=partial(openai_tiles, base=base, tile=tile), audio=AUDIO_OPENAI)


def _patches(multiplier: float, *, error: float = 0.0, **caps: int) -> MediaRule:
    image = partial(openai_patches, caps=caps, multiplier=multiplier)
    return MediaRule(image=image, audio=AUDIO_OPENAI, error=error)


MEDIA_RULES: Mapping[str, MediaRule] = {
    # Tiles: base and tokens per tile from OpenAI's guide "Images and vision", read 2026-11.
    "gpt-4o": _openai(85, 170),
    "gpt-4o-mini": _openai(2_833, 5_667),
    "o1": _openai(75, 150),
    "gpt-5": _openai(70, 140),
    # Patches. The guide's multipliers for the small models are up to a third above what was billed (1.20 for
    # gpt-5-mini); 1.20 for the later ones is measured (table of image costs, 2026-10, in the tests).
    "gpt-mini": _patches(1.62, auto=1_536, error=0.26),
    "gpt-nano": _patches(2.46, auto=1_536, error=0.26),
    "o4-mini": _patches(1.72, auto=1_536, error=0.26),
    "gpt-5.2": _patches(1.20, auto=1_536),
    "gpt-5.4": _patches(1.20, auto=2_500, original=10_000),
    "gpt-5.5": _patches(1.20, auto=10_000, high=2_500),
    "gpt-6": _patches(1.20, auto=30_000, high=2_500),
    # Longest edge and most tokens from Anthropic's "Vision", read 2026-11: to Opus 4.6, and from Opus 4.7 on.
    "claude": MediaRule(image=partial(claude_image, edge=1_568, cap=1_568), error=0.01),
    "claude-high": MediaRule(image=partial(claude_image, edge=2_576, cap=4_784), error=0.01),
    "gemini-2": MediaRule(image=gemini_image, page=GEMINI_TILE),
    # Google, "Media resolution": 1,120 (low: 280) tokens an image, 560 a page; measured 1,065 to 1,101.
    "gemini-3": MediaRule(image=partial(flat_image, tokens=1_120, low=280), video=VIDEO_GEMINI_3, page=560, error=0.05),
    "qwen-vl": MediaRule(image=qwen_image),
    # Models whose rule nobody has published: the middle of those above.
    "unknown": MediaRule(image=partial(claude_image, edge=1_568, cap=1_568), error=0.5),
}
"""The rules by name, as in the column `media` of the catalogue."""


def media_tokens(media: Media | None, kind: MediaKind, rule: MediaRule) -> Count:
    """Count the tokens of an image, a sound, a film or a document.

    An unknown size (pixels, seconds, pages) is assumed to be a usual one, and the bounds then go from the least to
    the most that is likely.

    Args:
        media: the known facts, or None.
        kind: image, audio, video or file.
        rule: the model's rule, from `MEDIA_RULES`.

    Example:
        >>> media_tokens(Media(width=1024, height=1024), "image", MEDIA_RULES["gpt-4o"])
        Count(tokens=765, low=765, high=765, exact=True)
        >>> media_tokens(Media(), "image", MEDIA_RULES["gpt-4o"])
        Count(tokens=1105, low=255, high=1105, exact=False)
    """
    media = media or Media()
    shown = kind_of(media.mime)
    if kind == "file" and (shown == "image" or shown == "audio" or shown == "video"):
        kind = shown
    match kind:
        case "image":
            return _image(media, rule)
        case "audio" | "video":
            rate = rule.audio if kind == "audio" else rule.video
            seconds = _seconds(media, kind)
            least, likely, most = (ceil(rate * length) for length in seconds)
            return _bounded(least, likely, most, rule)
        case "file":
            return _document(media, rule)


def _image(media: Media, rule: MediaRule) -> Count:
    if media.width and media.height:
        return Count.of(rule.image(media.width, media.height, media.detail), error=rule.error)
    counts = [rule.image(*size, media.detail) for size in (*UNKNOWN_IMAGES, UNKNOWN_IMAGE)]
    return _bounded(min(counts), counts[-1], max(counts), rule)


def _document(media: Media, rule: MediaRule) -> Count:
    """Count a document by its pages, else by its text, else by its size, else as a usual document of its kind."""
    textual = kind_of(media.mime) == "text"
    if media.pages is not None:
        return _paged((media.pages,) * 3, media, rule)
    if media.text_size is not None:
        return _read(media.text_size, SHEET_BYTES if media.mime in SHEETS else TEXT_BYTES)
    if media.size is None:
        written = textual or WRITTEN.fullmatch(media.mime or "")
        least, likely, most = UNKNOWN_TEXT
        unread = Count(tokens=likely, low=least, high=most, exact=False)
        return unread if written else _paged(UNKNOWN_PAGES, media, rule)
    if media.mime == "application/pdf":
        few, some, many = (max(1, ceil(media.size / each)) for each in BYTES_PER_PAGE)
        return _paged((few, some, many), media, rule)
    each = TEXT_BYTES if textual else OLD_OFFICE_BYTES if media.mime == OLD_OFFICE else BINARY_BYTES
    return _read((media.size,) * 2, each)


def _paged(pages: tuple[int, int, int], media: Media, rule: MediaRule) -> Count:
    page = _page(rule, media.detail)
    few, some, many = pages
    return _bounded(page.low * few, page.tokens * some, page.high * many, rule)


def _read(size: tuple[int, int], bytes_per_token: tuple[float, float, float]) -> Count:
    """Count text by its bytes; the likely count assumes that a provider reads the fewest bytes."""
    least, most = size
    most_bytes, usual, fewest = bytes_per_token
    likely = max(1, ceil(least / usual))
    return Count(tokens=likely, low=floor(least / most_bytes), high=max(1, ceil(most / fewest)), exact=False)


def _bounded(least: int, likely: int, most: int, rule: MediaRule) -> Count:
    low, high = Count.of(least, error=rule.error).low, Count.of(most, error=rule.error).high
    return Count(tokens=likely, low=low, high=high, exact=low == high)


def _seconds(media: Media, kind: Literal["audio", "video"]) -> tuple[float, float, float]:
    if media.seconds is not None:
        return (media.seconds,) * 3
    if media.size is not None:
        little, usual, high = BYTES_PER_SECOND[kind]
        return media.size / high, media.size / usual, media.size / little
    return UNKNOWN_SECONDS


def _page(rule: MediaRule, detail: str | None) -> Count:
    if rule.page is not None:
        return Count.of(rule.page)
    least, most = PAGE_TEXT
    picture = rule.image(*PAGE_SIZE, detail)
    return Count(tokens=(least + most) // 2 + picture, low=least, high=most + picture, exact=False)
