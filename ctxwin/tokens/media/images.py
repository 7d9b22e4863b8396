"""Count the tokens of an image by its width and height, as each provider documents or bills them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor, sqrt

__all__ = [
    "GEMINI_TILE",
    "claude_image",
    "flat_image",
    "gemini_image",
    "openai_patches",
    "openai_tiles",
    "qwen_image",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Squares:
    """The squares by which a provider counts an image, in pixels of a side."""

    side: int
    """A square; of Gemini's squares, which follow the image, the smallest."""
    largest: int = 0
    """The largest square where squares follow the image: short side / 1.5, between the two."""
    fit: int = 0
    """An image is first shrunk into a square of this side; of Gemini, one that fits into it is one square."""
    short: int = 0
    """An image is then shrunk until its short side has no more pixels."""


TILES = Squares(side=512, fit=2_048, short=768)
"""OpenAI's tiles [OpenAI, Images and vision, 2026-09]."""
PATCHES = Squares(side=32, fit=512)
"""OpenAI's patches; only at `detail: low` an image is shrunk first [ibid.]."""
CLAUDE = Squares(side=28)
"""A token each [Anthropic, Vision, 2026-09]."""
GEMINI = Squares(side=256, largest=768, fit=384)
"""Gemini 2's tiles [Google, Gemini API, Tokens]."""
QWEN = Squares(side=28)
"""A token each [Qwen2-VL, preprocessor]."""
QWEN_RANGE = (4, 16_384)
"""Least and most tokens of an image [ibid.]."""
GEMINI_TILE = 258
"""Tokens of a tile or a small image [Google, Gemini API, Tokens]."""
CLAUDE_BLOCK = 4
"""The most tokens around one image block [measured: 3 to 4]."""


def openai_tiles(width: int, height: int, detail: str | None = None, *, base: int, tile: int) -> int:
    """Count an image as OpenAI's tile models do (GPT-4o, GPT-4.1, GPT-5, o1, o3).

    Args:
        width: pixels.
        height: pixels.
        detail: `low` costs only `base`; anything else is high detail.
        base: tokens of the small overview image.
        tile: tokens of each tile of 512 by 512 pixels.

    Example:
        >>> openai_tiles(1024, 1024, base=85, tile=170)
        765
    """
    if detail == "low":
        return base
    scale = min(1.0, TILES.fit / max(width, height))
    scale = min(scale, TILES.short / min(width, height))
    return base + tile * _ceil(width * scale / TILES.side) * _ceil(height * scale / TILES.side)


def openai_patches(
    width: int,
    height: int,
    detail: str | None = None,
    *,
    caps: Mapping[str, int],
    multiplier: float,
) -> int:
    """Count an image as OpenAI's patch models do (GPT-4.1 mini, o4-mini, GPT-5 mini, GPT-5.2 and later).

    The image is shrunk, keeping its shape, until the most patches of 32 by 32 pixels allowed by `caps` cover it.

    Args:
        width: pixels.
        height: pixels.
        detail: `low`, `high`, `original`, or None and `auto` for the model's default.
        caps: the most patches by detail: `auto`, and `high` and `original` if these differ from `auto`.
        multiplier: billed tokens per patch.

    Example:
        >>> openai_patches(1800, 2400, caps={"auto": 1536}, multiplier=1)
        1452
    """
    if detail == "low":
        scale = min(1.0, PATCHES.fit / max(width, height))
        width, height = _ceil(width * scale), _ceil(height * scale)
    cap = caps.get(detail or "auto", caps["auto"])
    wide, high = ceil(width / PATCHES.side), ceil(height / PATCHES.side)
    if wide * high > cap:
        scale = sqrt(cap * PATCHES.side**2 / (width * height))
        across, down = width * scale / PATCHES.side, height * scale / PATCHES.side
        scale *= min(max(1, floor(across)) / across, max(1, floor(down)) / down)
        wide, high = _ceil(width * scale / PATCHES.side), _ceil(height * scale / PATCHES.side)
    return _ceil(min(wide * high, cap) * multiplier)


def claude_image(width: int, height: int, detail: str | None = None, *, edge: int, cap: int) -> int:
    """Count an image as Claude does: one token per 28 by 28 pixels, and a few around it.

    A larger image is shrunk, keeping its shape, until its long edge and its tokens are within the limits.

    Args:
        width: pixels.
        height: pixels.
        detail: Claude has no such setting.
        edge: longest edge in pixels.
        cap: the most tokens.

    Example:
        >>> claude_image(1920, 1080, edge=1568, cap=1568) - CLAUDE_BLOCK
        1560
    """
    long, short = max(width, height), min(width, height)
    low, high = 1, min(long, edge)
    while low < high:  # the largest long edge that stays within the cap
        middle = (low + high + 1) // 2
        fits = _cells(middle, short * middle / long, CLAUDE.side) <= cap
        low, high = (middle, high) if fits else (low, middle - 1)
    return _cells(low, short * low / long, CLAUDE.side) + CLAUDE_BLOCK


def gemini_image(width: int, height: int, detail: str | None = None) -> int:
    """Count an image as Gemini 2 does: 258 tokens for a small image, else 258 for each tile.

    Example:
        >>> gemini_image(960, 540) // GEMINI_TILE
        6
    """
    if max(width, height) <= GEMINI.fit:
        return GEMINI_TILE
    unit = min(GEMINI.largest, max(GEMINI.side, floor(min(width, height) / 1.5)))
    return GEMINI_TILE * ceil(width / unit) * ceil(height / unit)


def qwen_image(width: int, height: int, detail: str | None = None) -> int:
    """Count an image as Qwen2-VL does: one token per 28 by 28 pixels, from 4 to 16,384.

    Example:
        >>> qwen_image(1024, 1024)
        1369
    """
    least, most = QWEN_RANGE
    return min(most, max(least, ceil(width / QWEN.side) * ceil(height / QWEN.side)))


def flat_image(width: int, height: int, detail: str | None = None, *, tokens: int, low: int) -> int:
    """Count an image as Gemini 3 does: the same for every size."""
    return low if detail == "low" else tokens


def _cells(width: float, height: float, side: int) -> int:
    # The image is resized to whole pixels before it is cut into squares.
    return ceil(width / side) * ceil(max(1, round(height)) / side)


def _ceil(value: float) -> int:
    return ceil(round(value, 6))  # 33.000000001 is 33: floating point, not a further patch
