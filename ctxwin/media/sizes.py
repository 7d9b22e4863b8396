"""Type and size of an image, a sound or a document from its bytes, without decoding it."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable, Mapping

from ..items import Media

__all__ = ["pixels", "sniff"]

_PDF_PAGE = re.compile(rb"/Type\s*/Page(?![a-zA-Z])")
_JPEG_PLAIN = frozenset({0x01, *range(0xD0, 0xD9)})  # markers that stand alone
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # start of frame: the size follows


MAX_SIDE = 100_000
"""Pixels of a side beyond which a header is taken to lie: twice what JPEG can say."""


def pixels(data: bytes, mime: str) -> tuple[int, int] | None:
    """Return width and height of an image as it is shown, None where its bytes do not say them.

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
    """Return the largest of the pictures of an icon; 0 stands for 256."""
    count = min(int.from_bytes(data[4:6], "little"), (len(data) - 6) // 16)
    sides = [(data[at] or 256, data[at + 1] or 256) for at in range(6, 6 + 16 * count, 16)]
    return max(sides, default=(0, 0))


def sniff(data: bytes) -> Media:
    """Read type and size from the bytes of a PNG, JPEG, GIF, WebP, WAV or PDF file; of others, the length.

    Example:
        >>> sniff(b"GIF89a" + (640).to_bytes(2, "little") + (480).to_bytes(2, "little")).width
        640
    """
    size = len(data)
    if data.startswith(b"%PDF-"):
        return Media(mime="application/pdf", pages=len(_PDF_PAGE.findall(data)) or None, size=size)
    if data[:4] == b"RIFF" and data[8:16] == b"WAVEfmt " and size >= 32:
        (rate,) = struct.unpack_from("<I", data, 28)  # bytes per second
        return Media(mime="audio/wav", seconds=max(0, size - 44) / rate if rate else None, size=size)
    for mime, measure in _IMAGES.items():
        found = measure(data)
        if found is not None:
            return Media(mime=mime, width=found[0] or None, height=found[1] or None, size=size)
    return Media(size=size)


def _png(data: bytes) -> tuple[int, int] | None:
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or len(data) < 24:
        return None
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _gif(data: bytes) -> tuple[int, int] | None:
    if data[:6] not in (b"GIF87a", b"GIF89a") or len(data) < 10:
        return None
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def _webp(data: bytes) -> tuple[int, int] | None:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or len(data) < 30:
        return None
    match data[12:16]:
        case b"VP8X":
            return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case _:
            width, height = struct.unpack_from("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF


def _jpeg(data: bytes) -> tuple[int, int] | None:
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        alone = marker in _JPEG_PLAIN or marker == 0xFF
        at += (1 if marker == 0xFF else 2) if alone else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return 0, 0  # a JPEG, but its size is not in these bytes


_IMAGES: Mapping[str, Callable[[bytes], tuple[int, int] | None]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/gif": _gif,
    "image/webp": _webp,
}
