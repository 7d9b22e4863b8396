"""Tells the types of files: by their first bytes, by the declared type, by their name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from mimetypes import MimeTypes
from typing import Literal

__all__ = ["OFFICE", "OLD_OFFICE", "RTF", "SHEETS", "WRITTEN", "aac_frame", "declared_type", "kind_of", "signature"]

OFFICE: Mapping[str, str] = {
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "word/",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xl/",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "ppt/",
}
"""Types of Office Open XML, and the folder in a package of each type [ECMA-376, part 2]."""
SHEETS = frozenset(
    {
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.oasis.opendocument.spreadsheet",
    }
)
OLD_OFFICE = "application/x-ole-storage"
"""Type of Word, Excel and PowerPoint files before 2007, all of one container [MS-CFB]."""
RTF = "application/rtf"
WRITTEN = re.compile(
    r"application/(?:(?:x-)?rtf|msword|x-ole-storage|epub\+zip|vnd\.(?:ms-|oasis\.opendocument|openxmlformats).*)"
)
"""Types of documents that hold mostly text [IANA, Media types]."""

_GENERIC = frozenset({"application/octet-stream", "binary/octet-stream", "application/x-binary", "*/*"})
_HEADS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBPVP8", "image/webp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"\x00\x00\x00\x0cjP  \r\n\x87\n", "image/jp2"),
    (0, b"\x00\x00\x01\x00", "image/x-icon"),
    (0, b"BM", "image/bmp"),
    (8, b"WAVE", "audio/wav"),
    (8, b"AIFF", "audio/aiff"),
    (8, b"AIFC", "audio/aiff"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "audio/x-ms-wma"),
    (0, b"\x1a\x45\xdf\xa3", "video/webm"),
    (8, b"AVI LIST", "video/x-msvideo"),
    (0, b"\x00\x00\x01\xba", "video/mpeg"),
    (0, b"FLV\x01", "video/x-flv"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLD_OFFICE),
)
"""Offset, bytes there, type [the formats' own specifications; the list of the `file` command]."""
_BRANDS: Mapping[bytes, str] = {
    b"heic": "image/heic", b"heix": "image/heic", b"hevc": "image/heic", b"hevx": "image/heic",
    b"mif1": "image/heif", b"msf1": "image/heif", b"avif": "image/avif", b"avis": "image/avif",
    b"M4A ": "audio/mp4", b"M4B ": "audio/mp4", b"qt  ": "video/quicktime",
}  # fmt: skip
"""Brands of the ISO base media format that are not film in MP4 [ISO 14496-12; mp4ra.org]."""
_TEXTUAL = re.compile(
    r"text/.+|message/.+|.+\+(?:xml|json)|application/(?:x-)?(?:json|jsonl|ndjson|json-seq|json5|xml|xhtml|yaml|toml|"
    r"javascript|ecmascript|typescript|python|python-code|sh|shellscript|csh|perl|php|httpd-php|ruby|sql|tex|latex|"
    r"troff|graphql|markdown|csv|mbox|subrip|tcl|lua|go|rust|java|java-source|diff|patch|ini|ipynb)"
)
_CODE = re.compile(
    "bat|bash|c|cc|cfg|clj|conf|cpp|cs|csx|cxx|dart|diff|dockerfile|el|env|erl|ex|exs|f90|fs|go|gradle|graphql|groovy|"
    "h|hh|hpp|hs|ini|java|jl|kt|kts|less|lisp|log|lua|m|mk|ml|mm|nim|patch|php|pl|pm|proto|ps1|r|rb|rs|rst|sass|scala|"
    "scm|scss|sh|sql|srt|svelte|swift|tex|tf|toml|ts|tsx|vb|vim|vtt|vue|yaml|yml|zig|zsh"
)
"""Endings of files of text that Python's table of types lacks, or knows as something else (`.ts` is a film there)."""
_NAMES: Mapping[str, str] = {
    **dict(zip(("docx", "xlsx", "pptx"), OFFICE, strict=True)),
    "md": "text/markdown", "markdown": "text/markdown", "jsonl": "application/jsonl", "ipynb": "application/x-ipynb",
    "avif": "image/avif", "heic": "image/heic", "heif": "image/heif", "webp": "image/webp", "rtf": RTF,
    "opus": "audio/ogg", "ogg": "audio/ogg", "flac": "audio/flac", "m4a": "audio/mp4", "webm": "video/webm",
    "mkv": "video/webm", "doc": OLD_OFFICE, "xls": OLD_OFFICE, "ppt": OLD_OFFICE,
}  # fmt: skip
"""Other endings that Python's table lacks or takes for something else."""
READ = 1_024
"""Bytes within which media must show that they are no text, and a PDF that it is one."""
TAG_END = 16_384
"""Bytes after a sound's tag within which the sound begins; a frame has 5,760 at most."""
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x80-\xff]")
_BMP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
"""Bytes of the second header of a bitmap, by its version."""


def declared_type(mime: str | None, name: str | None) -> tuple[str | None, str | None]:
    """Return the declared type, or else the type of the name, and the charset.

    Example:
        >>> declared_type("Text/CSV; charset=cp1252", None), declared_type(None, "https://x.org/a/main.rs?raw=1")
        (('text/csv', 'cp1252'), ('text/plain', None))
    """
    head, *settings = (mime or "").lower().split(";")
    said: str | None = head.strip()
    charsets = [value.strip(" \"'") for key, _, value in (one.partition("=") for one in settings) if "charset" in key]
    if not said or said in _GENERIC or "/" not in said:
        said = _named(name)
    return said, charsets[0] if charsets else None


def kind_of(mime: str | None) -> Literal["text", "image", "audio", "video", "file"]:
    """Return the kind of a type; `file` without a type."""
    if mime is None:
        return "file"
    if _TEXTUAL.fullmatch(mime):
        return "text"
    match mime.partition("/")[0]:
        case "image":
            return "image"
        case "audio":
            return "audio"
        case "video":
            return "video"
    return "file"


def signature(data: bytes, said: str | None = None) -> str | None:
    """Return the type that the first bytes show; None if they show none.

    Args:
        data: the whole content.
        said: the declared type, which decides between sound and film if both have the same form.
    """
    head = data[:64]
    if _is_pdf(data):
        return "application/pdf"
    if head.startswith(b"{\\rtf"):
        return RTF
    if _CONTROL.search(data[:READ]) is None:  # media have such bytes at once; a text may begin with `GIF89a`
        return None
    if head[4:8] == b"ftyp":
        return _either(_BRANDS.get(head[8:12], "video/mp4"), said)
    for offset, magic, mime in _HEADS:
        if head.startswith(magic, offset) and _is_so(head, mime):
            if mime == "audio/ogg" and b"theora" in data[:256]:
                return "video/ogg"
            return _either(mime, said)
    return _tagged(data) if head.startswith(b"ID3") else _framed(data)


def _tagged(data: bytes) -> str | None:
    """Return the type of the sound after a tag [id3.org, ID3v2.4, 3.1]; some zero bytes may stand between."""
    size = 0
    for byte in data[6:10]:
        size = size << 7 | byte & 0x7F
    sound = data[10 + size : 10 + size + TAG_END].lstrip(b"\0")
    return "audio/flac" if sound.startswith(b"fLaC") else _framed(sound)


def _framed(data: bytes) -> str | None:
    return "audio/aac" if _frames(data, aac_frame) else "audio/mpeg" if _frames(data, _mpeg) else None


def _is_pdf(data: bytes) -> bool:
    """Tell whether bytes are a PDF; other bytes may stand before it [PDF 1.7, note 13 of annex H]."""
    start = data[:READ].find(b"%PDF-")
    return start == 0 or (start > 0 and (not data[:start].strip(b"\xef\xbb\xbf\0 \t\r\n") or b"startxref" in data))


def _either(mime: str, said: str | None) -> str:
    """Return the declared type if it is sound and the bytes may be film or sound alone, else the bytes' type."""
    return said if mime in ("video/mp4", "video/webm") and said and said.startswith("audio/") else mime


def _is_so(head: bytes, mime: str) -> bool:
    """Check further bytes if the first bytes are too few, or stand inside a container."""
    match mime:
        case "image/bmp":
            return int.from_bytes(head[14:18], "little") in _BMP_HEADERS and not any(head[6:10])
        case "image/x-icon":
            return head[4:6] != b"\0\0" and head[9:10] == b"\0"
        case "image/webp":  # a frame begins with a code, whichever of the two it is of
            frame = {b" ": head[23:26] == b"\x9d\x01\x2a", b"L": head[20:21] == b"/"}
            return head.startswith(b"RIFF") and frame.get(head[15:16], head[15:16] == b"X")
        case "audio/wav" | "video/x-msvideo":
            return head[:4] in (b"RIFF", b"RF64")
        case "video/webm":  # the kind of document stands in the header
            return b"webm" in head or b"matroska" in head
        case "audio/aiff":
            return head[:4] == b"FORM"
    return True


def _named(name: str | None) -> str | None:
    ending = re.split(r"[?#]", name or "")[0].rpartition(".")[2].lower()
    if _CODE.fullmatch(ending):
        return "text/plain"
    return _NAMES.get(ending) or _types().guess_type(f"x.{ending}")[0]


@cache
def _types() -> MimeTypes:
    return MimeTypes()  # the table of the language, not of the machine


_MPEG_KBITS = (
    (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
"""Kilobits per second: MPEG 1 layers 1 to 3, MPEG 2 layer 1, MPEG 2 layers 2 and 3 [ISO 11172-3, 13818-3]."""
_MPEG_HERTZ = (44_100, 48_000, 32_000)


def _frames(data: bytes, length: Callable[[bytes], int]) -> bool:
    """Tell whether two frames of sound follow each other, so that a chance pair of bytes does not count."""
    first = length(data[:8])
    return bool(first) and bool(length(data[first : first + 8]))


def aac_frame(head: bytes) -> int:
    """Return the size of an AAC frame by its header, 0 if there is none [ISO 13818-7, 6.2]."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 0xF > 12:
        return 0
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return length if length > 7 else 0


def _mpeg(head: bytes) -> int:
    """Return the size of an MP3 frame by its header, 0 if there is none."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer, rate, hertz = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3), head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer == 4 or rate in (0, 15) or hertz == 3:
        return 0
    row = layer - 1 if version == 3 else 3 + (layer > 1)
    frequency = _MPEG_HERTZ[hertz] >> {3: 0, 2: 1, 0: 2}[version]
    bits, padding = _MPEG_KBITS[row][rate] * 1000, head[2] >> 1 & 1
    if layer == 1:
        return (12 * bits // frequency + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * bits // frequency + padding
