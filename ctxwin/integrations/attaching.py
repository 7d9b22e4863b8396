"""Turns attachments of a framework's messages into OpenAI chat blocks: texts as text, all else counted by rule."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import re
from typing import Any

from ..items import MediaKind
from ..messages.attachments import attachment

__all__ = ["attached", "content_of", "rewritten"]

_DATA_URI = re.compile(r"data:(?P<mime>[^,]{0,200}?)(?P<form>;base64)?,", re.I)


def attached(
    kind: MediaKind,
    *,
    data: bytes | str | None = None,
    url: str | None = None,
    mime: str | None = None,
    name: str | None = None,
    detail: str | None = None,
) -> dict[str, Any]:
    """Return the OpenAI chat block of an attachment: of type `text` if it may be shortened.

    Args:
        kind: the declared kind; the bytes, if given, decide.
        data: the bytes, or base64, or a data URI.
        url: the address, in place of `data`.
        mime: the declared type.
        name: the file name.
        detail: OpenAI's setting for images.

    Example:
        >>> attached("file", data="RWJiIGF0IHNpeA==", mime="text/plain")
        {'type': 'text', 'text': 'Ebb at six'}
        >>> attached("file", url="https://example.org/tides.pdf")
        {'type': 'file', 'file': {'file_data': 'https://example.org/tides.pdf'}}
    """
    if url is not None and _DATA_URI.match(url):
        data, url = url, None
    content, mime = content_of(data, mime)
    if content is not None and kind != "file":
        mime = mime or f"{kind}/*"
    found = attachment(content, mime=mime, name=name or url)
    if found.kind == "text" and content is not None:
        written = kind == "file"  # a drawing that is text stays a drawing
        return {"type": "text", "text": found.text} if written else {"type": "other", "words": found.text}
    if found.genuine and found.kind in ("image", "audio", "video") and (content is not None or kind == "file"):
        kind = found.kind
    if content is not None:
        url = f"data:{mime or ''};base64,{base64.b64encode(content).decode()}"
    elif data is not None:  # no base64: its letters are counted
        url = str(data)
    return _block(kind, url, mime, name, detail)


def content_of(data: bytes | str | None, mime: str | None = None) -> tuple[bytes | None, str | None]:
    """Return the bytes of an attachment (None if there are none) and its type; a data URI names its own type."""
    if not isinstance(data, str):
        return data, mime
    if head := _DATA_URI.match(data):
        data, mime = data[head.end() :], head["mime"].lower() or mime
        if head["form"] is None:
            return data.encode(), mime
    try:
        return binascii.a2b_base64("".join(data.split()) + "=" * (-len(data) % 4), strict_mode=True), mime
    except (binascii.Error, ValueError):
        return None, mime


def rewritten(data: bytes | str, text: str, *, mime: str | None = None) -> bytes | str:
    """Return another text in the form of an attachment: bytes, base64 or a data URI, in the same encoding.

    Example:
        >>> rewritten("data:text/plain;base64,RWJiIGF0IHNpeA==", "Ebb")
        'data:text/plain;base64,RWJi'
    """
    content, mime = content_of(data, mime)
    new = attachment(content, mime=mime).encoded(text)
    if not isinstance(data, str):
        return new
    head = _DATA_URI.match(data)
    return (f"data:{head['mime']};base64," if head else "") + base64.b64encode(new).decode()


def _block(kind: MediaKind, url: str | None, mime: str | None, name: str | None, detail: str | None) -> dict[str, Any]:
    where = url or ""
    match kind:
        case "image":
            return {"type": "image_url", "image_url": {"url": where, **({"detail": detail} if detail else {})}}
        case "video":
            return {"type": "video_url", "video_url": {"url": where}}
        case "audio":
            return {"type": "input_audio", "input_audio": {"data": where}}
    if name is None and mime is not None and not where.startswith("data:"):
        name = f"file{mimetypes.guess_extension(mime) or ''}"  # by which its kind is known
    file = {"file_data": url, "filename": name}
    return {"type": "file", "file": {key: value for key, value in file.items() if value is not None}}
