"""Reads width and height of an image from its bytes, without decoding it."""

from __future__ import annotations

import io

__all__ = ["pixels"]


MAX_SIDE = 100_000
"""Most pixels of a side; a header with more is taken as false: twice the limit of JPEG."""


def pixels(data: bytes, mime: str) -> tuple[int, int] | None:
    """Return width and height of an image as it is shown; None if its bytes do not tell.

    Args:
        data: the whole file, or its beginning.
        mime: its type, as its first bytes show it.
    """
    if mime == "image/x-icon":
        found = _icon(data)
    elif mime == "image/png" and data[12:16] != b"IHDR":
        return None
    else:
        import imagesize

        found = imagesize.get(io.BytesIO(data))  # an error is a size of -1
    return found if all(0 < side <= MAX_SIDE for side in found) else None


def _icon(data: bytes) -> tuple[int, int]:
    """Return the size of the largest picture in an icon; 0 stands for 256."""
    count = min(int.from_bytes(data[4:6], "little"), (len(data) - 6) // 16)
    sides = [(data[at] or 256, data[at + 1] or 256) for at in range(6, 6 + 16 * count, 16)]
    return max(sides, default=(0, 0))
