"""Count the tokens of an image by its width and height, as each provider documents or bills them."""

from __future__ import annotations

from collections.abc import Mapping
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

TILE = 512
"""Pixels of a side of an OpenAI tile [OpenAI, Images and vision, 2026-09]."""
TILES_FIT = 2048
"""Pixels of the square that an image is first shrunk into [ibid.]."""
TILES_SHORT_SIDE = 768
"""Pixels that the short side is then shrunk to [ibid.]."""
PATCH = 32
"""Pixels of a side of an OpenAI patch [ibid.]."""
LOW_DETAIL = 512
"""Pixels of a side of the image that a patch model sees at `detail: low` [ibid.]."""
CLAUDE_PATCH = 28
"""Pixels of a side of the square that is one token [Anthropic, Vision, 2026-09]."""
CLAUDE_BLOCK = 4
"""The most tokens around one image block [measured: 3 to 4]."""
GEMINI_SMALL = 384
"""Pixels: an image no larger in either direction is one tile [Google, Gemini API, Tokens]."""
GEMINI_TILE = 258
"""Tokens of a tile or a small image [ibid.]."""
GEMINI_UNIT = (256, 768)
"""Pixels: least and largest side of the square that becomes one tile; in between, short side / 1.5 [ibid.]."""
QWEN_PATCH = 28
"""Pixels of a side of the square that is one token [Qwen2-VL, preprocessor]."""
QWEN_RANGE = (4, 16_384)
"""Least and most tokens of an image [ibid.]."""


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
    scale = min(1.0, TILES_FIT / max(width, height))
    scale = min(scale, TILES_SHORT_SIDE / min(width, height))
    return base + tile * _ceil(width * scale / TILE) * _ceil(height * scale / TILE)


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
        scale = min(1.0, LOW_DETAIL / max(width, height))
        width, height = _ceil(width * scale), _ceil(height * scale)
    cap = caps.get(detail or "auto", caps["auto"])
    wide, high = ceil(width / PATCH), ceil(height / PATCH)
    if wide * high > cap:
        scale = sqrt(cap * PATCH**2 / (width * height))
        across, down = width * scale / PATCH, height * scale / PATCH
        scale *= min(max(1, floor(across)) / across, max(1, floor(down)) / down)
        wide, high = _ceil(width * scale / PATCH), _ceil(height * scale / PATCH)
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
        fits = _cells(middle, short * middle / long, CLAUDE_PATCH) <= cap
        low, high = (middle, high) if fits else (low, middle - 1)
    return _cells(low, short * low / long, CLAUDE_PATCH) + CLAUDE_BLOCK


def gemini_image(width: int, height: int, detail: str | None = None) -> int:
    """Count an image as Gemini 2 does: 258 tokens for a small image, else 258 for each tile.

    Example:
        >>> gemini_image(960, 540) // GEMINI_TILE
        6
    """
    if max(width, height) <= GEMINI_SMALL:
        return GEMINI_TILE
    least, largest = GEMINI_UNIT
    unit = min(largest, max(least, floor(min(width, height) / 1.5)))
    return GEMINI_TILE * ceil(width / unit) * ceil(height / unit)


def qwen_image(width: int, height: int, detail: str | None = None) -> int:
    """Count an image as Qwen2-VL does: one token per 28 by 28 pixels, from 4 to 16,384.

    Example:
        >>> qwen_image(1024, 1024)
        1369
    """
    least, most = QWEN_RANGE
    return min(most, max(least, ceil(width / QWEN_PATCH) * ceil(height / QWEN_PATCH)))


def flat_image(width: int, height: int, detail: str | None = None, *, tokens: int, low: int) -> int:
    """Count an image as Gemini 3 does: the same for every size."""
    return low if detail == "low" else tokens


def _cells(width: float, height: float, side: int) -> int:
    # The image is resized to whole pixels before it is cut into squares.
    return ceil(width / side) * ceil(max(1, round(height)) / side)


def _ceil(value: float) -> int:
    return ceil(round(value, 6))  # 33.000000001 is 33: floating point, not a further patch
