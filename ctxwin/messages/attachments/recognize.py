"""Tells what an attachment is: from its bytes first, then from the declared type and the file's name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ...items import Media
from .archives import inner_text, package_type
from .decoding import decoded
from .file_types import declared_type, kind_of, signature
from .lengths import TIMED, seconds_of
from .pages import page_count
from .sizes import pixels

__all__ = ["Attachment", "AttachmentKind", "attachment"]

AttachmentKind = Literal["text", "image", "audio", "video", "file", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """An attachment: its kind, its measures, and its text if it has one."""

    kind: AttachmentKind
    """`file` is a document that is no plain text; `unknown` are bytes of no known form."""
    media: Media
    """Type, size, pixels, seconds, pages: the measures that `media_tokens` counts by. Its `kind` is the same, with
    `unknown` as `file`."""
    text: str | None = None
    """The whole text if the kind is `text` and the bytes are there."""
    encoding: str | None = None
    """Encoding of the text, by the name that `bytes.decode` takes."""
    genuine: bool = True
    """Whether the bytes can be of the declared type; if not, the string that holds them is counted letter by letter."""

    def encoded(self, text: str) -> bytes:
        """Encode another text, such as a shortened one, as this one was encoded."""
        return text.encode(self.encoding or "utf-8", "replace")


def attachment(data: bytes | None, *, mime: str | None = None, name: str | None = None) -> Attachment:
    """Tell what an attachment is, and measure it, without decoding pictures, sound or film.

    Bytes of a known form are believed, whatever was declared. No bytes, however broken, raise an error or cost more
    than linear time.

    Args:
        data: the content; None if it is elsewhere, behind a URL or a file's id.
        mime: the declared type, with or without parameters such as `charset`.
        name: the file's name, or the URL.

    Example:
        >>> found = attachment("Die Miete steigt im Mai.".encode("utf-16"), mime="text/plain")
        >>> found.kind, found.text, found.encoding
        ('text', 'Die Miete steigt im Mai.', 'utf-16')
        >>> attachment(b"GIF89a" + bytes([64, 1, 240, 0]) + bytes(9), mime="image/png").media.width
        320
        >>> attachment(bytes(range(256)), mime="image/png").genuine
        False
    """
    said, charset = declared_type(mime, name)
    if data is None:
        return Attachment(kind=kind_of(said), media=Media(mime=said))
    found = signature(data, said)
    if found is not None:
        return _measured(data, found, said)
    read = decoded(data, charset=charset, expected=kind_of(said) == "text")
    if read is None:
        return Attachment(kind="unknown", media=Media(mime=said, size=len(data)), genuine=not _checkable(said))
    genuine = kind_of(said) == "text" or not _checkable(said)
    media = Media(mime=said if kind_of(said) == "text" else "text/plain", size=len(data))
    return Attachment(kind="text", media=media, text=read[0], encoding=read[1], genuine=genuine)


def _measured(data: bytes, mime: str, said: str | None) -> Attachment:
    if mime == "application/zip":
        mime = package_type(data, said)
    media = Media(mime=mime, size=len(data))
    kind = kind_of(mime)
    match kind:
        case "image":
            size = pixels(data, mime)
            if size is None:  # the first bytes of a picture, and then none
                return Attachment(kind="unknown", media=media, genuine=False)
            media = replace(media, width=size[0], height=size[1])
        case "audio" | "video":
            seconds = seconds_of(data, mime)
            genuine = seconds is not None or mime not in TIMED
            return Attachment(kind=kind, media=replace(media, seconds=seconds), genuine=genuine)
        case _ if mime == "application/pdf":
            pages = page_count(data)
            genuine = pages is not None or b" obj" in data
            return Attachment(kind="file", media=replace(media, pages=pages), genuine=genuine)
        case "file":
            media = replace(media, text_size=inner_text(data, mime))
    return Attachment(kind=kind, media=media)


def _checkable(mime: str | None) -> bool:
    """Tell whether a type's first bytes are known, so that other bytes cannot be of the type."""
    return mime is not None and (kind_of(mime) in ("image", "audio", "video", "text") or mime == "application/pdf")
