"""Reads the length of sound and film from their headers."""

from __future__ import annotations

import io
import re
import struct

from .file_types import aac_frame

__all__ = ["TIMED", "seconds_of"]

RATES = (1.0, 50_000_000.0)
"""Possible bytes per second of sound or film, from silence to uncompressed film; a length outside is false."""
TIMED = frozenset({"audio/wav", "audio/mpeg", "audio/ogg", "audio/aac"})
"""Types with a length in every file, stated or countable; a file without a length is not of the type."""
_HEAD = 1 << 16
"""Bytes in which the header of a WebM file is searched for."""
_TAGGED = frozenset(
    {"audio/mpeg", "audio/mp4", "audio/ogg", "audio/flac", "audio/aiff", "audio/x-ms-wma", "video/mp4",
     "video/quicktime"}
)  # fmt: skip
AAC_SAMPLES = 1_024
"""Samples in a frame of AAC [ISO 13818-7]."""
_AAC_HERTZ = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)


def seconds_of(data: bytes, mime: str) -> float | None:
    """Return the length of sound or film in seconds; None if its header does not tell.

    Args:
        data: the whole file.
        mime: its type, as its first bytes show it.
    """
    if data.startswith(b"\x1a\x45\xdf\xa3"):
        found = _webm(data)
    elif mime == "audio/wav":
        return _wav(data)
    elif mime == "audio/aac":
        found = _aac(data)
    elif data[4:8] == b"ftyp" or mime in _TAGGED:
        found = _tagged(data)
    else:
        found = None
    least, most = RATES
    return found if found and len(data) / most <= found <= len(data) / least else None


def _tagged(data: bytes) -> float | None:
    from tinytag import TinyTag, TinyTagException

    try:
        return TinyTag.get(file_obj=io.BytesIO(data), tags=False).duration
    except (TinyTagException, MemoryError):
        return None


def _wav(data: bytes) -> float | None:
    """Divide the bytes of sound by the bytes per second, since a stream states a false length."""
    at, rate = 12, 0
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name == b"fmt " and at + 20 <= len(data):
            (rate,) = struct.unpack_from("<I", data, at + 16)
        if name == b"data":
            return min(size or len(data), len(data) - at - 8) / rate if rate else None
        at += 8 + size + size % 2
    return None


def _aac(data: bytes) -> float | None:
    at = frames = hertz = 0
    while length := aac_frame(data[at : at + 8]):
        hertz, frames, at = hertz or _AAC_HERTZ[data[at + 2] >> 2 & 0xF], frames + 1, at + length
    whole = max(1.0, len(data) / at) if at else 1.0  # what cannot be read is taken to be like the rest
    return frames * AAC_SAMPLES / hertz * whole if hertz else None


_SCALE = re.compile(rb"\x2a\xd7\xb1([\x81-\x88])", re.S)
_DURATION = re.compile(rb"\x44\x89(?:\x84(.{4})|\x88(.{8}))", re.S)
"""Elements of a Matroska header: nanoseconds of a tick, ticks of the whole [RFC 9559, 5.1.2]."""


def _webm(data: bytes) -> float | None:
    head = data[:_HEAD]
    length = _DURATION.search(head)
    if length is None:
        return None
    scale = _SCALE.search(head)
    tick = int.from_bytes(head[scale.end() : scale.end() + scale[1][0] - 0x80], "big") if scale else 1_000_000
    ticks = struct.unpack(">f", length[1])[0] if length[1] else struct.unpack(">d", length[2])[0]
    seconds = float(ticks) * tick / 1e9
    return seconds if seconds == seconds else None  # not a number
