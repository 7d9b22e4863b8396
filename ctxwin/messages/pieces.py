"""Steps that all dialects share: checked access to fields, readable text, results, media in base64."""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import MessageError
from ..items import Media, Part
from ..media import sniff
from .values import Path, Raw

__all__ = [
    "answering",
    "as_json",
    "blocks",
    "media_in",
    "media_of",
    "optional",
    "sound_of",
    "string",
    "words",
]

IMAGE_HEAD = 1 << 18
"""Base64 characters in which the size of an image is looked for before all of it is decoded."""

OPAQUE = frozenset(
    {
        "type", "id", "call_id", "item_id", "tool_use_id", "container_id", "file_id", "status", "role",
        "caller", "signature", "data", "result", "encrypted_content", "encrypted_index", "cache_control",
        "image_url",
    }
)  # fmt: skip
"""Keys whose strings are for machines: they say nothing and may be megabytes of base64."""

_DATA_URI = re.compile(r"data:(?P<mime>[^;,]*)(?P<rest>[^,]{0,200}),", re.I)


def string(raw: Raw, key: str, what: str) -> str:
    """Return the string at a key.

    Raises:
        MessageError: there is none, or it is not a string.
    """
    value = raw.get(key)
    if not isinstance(value, str):
        found = f"is {type(value).__name__}" if key in raw else "is missing"
        raise MessageError(f"{key!r} of {what} {found}; give a string")
    return value


def optional(raw: Raw, key: str, what: str) -> str | None:
    """Return the string at a key, or None where there is none.

    Raises:
        MessageError: there is something else.
    """
    return None if raw.get(key) is None else string(raw, key, what)


def blocks(value: Sequence[Any], path: Path, read: Callable[[Raw, str, Path], Iterable[Part]]) -> Iterable[Part]:
    """Read a list of content blocks with a function of (block, its type, its path).

    Raises:
        MessageError: a block is not an object or has no `type`; the message gives its position.
    """
    for position, block in enumerate(value):
        if not isinstance(block, Mapping):
            raise MessageError(f"content block {position} is {type(block).__name__}; give an object with a 'type'")
        yield from read(block, string(block, "type", f"content block {position}"), (*path, position))


def answering(part: Part, call_id: str | None, name: str | None = None) -> Part:
    """Mark a part as what a tool gave back: text becomes a result, media keep their kind."""
    return replace(part, kind="result" if part.kind == "text" else part.kind, call_id=call_id, name=name or part.name)


def as_json(value: object) -> str:
    """Write arguments as providers print them to the model: JSON with characters as they are."""
    return json.dumps(value, ensure_ascii=False, default=str)


def words(value: object) -> str:
    """Return what a machine-made object says to a reader: its strings, without ids, media and secrets.

    Example:
        >>> words({"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "query": "tides"}})
        'tides'
    """
    return "\n".join(_strings(value))


def _strings(value: object) -> Iterable[str]:
    if isinstance(value, str):
        if value and not value.startswith("data:"):
            yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key not in OPAQUE:
                yield from _strings(inner)
    elif isinstance(value, Sequence) and not isinstance(value, bytes):
        for inner in value:
            yield from _strings(inner)


def media_in(url: object, *, detail: str | None = None) -> Media:
    """Describe what a URL points at; a data URI is looked into, anything else is not fetched."""
    if isinstance(url, str) and (head := _DATA_URI.match(url)):
        mime = head["mime"].lower() or None
        if head["rest"].lower().endswith(";base64"):
            return media_of(url[head.end() :], mime=mime, detail=detail)
        return Media(mime=mime, detail=detail)
    return Media(detail=detail)


def media_of(data: object, *, mime: str | None = None, detail: str | None = None) -> Media:
    """Describe media given as base64 or data URI; what cannot be decoded keeps the declared type alone."""
    if not isinstance(data, str):
        return Media(mime=mime, detail=detail)
    if data[:5].lower() == "data:":
        return media_in(data, detail=detail)
    try:
        found = _sniff(data)
    except (binascii.Error, ValueError):
        return Media(mime=mime, detail=detail)
    return replace(found, mime=found.mime or mime, detail=detail)


def sound_of(block: Raw) -> Media:
    """Describe the sound of an OpenAI `input_audio` part.

    Raises:
        MessageError: the part holds none.
    """
    sound = block.get("input_audio")
    if not isinstance(sound, Mapping):
        raise MessageError(f"'input_audio' of a content part is {type(sound).__name__}; give an object")
    return media_of(sound.get("data"), mime=f"audio/{sound.get('format', 'wav')}")


def _sniff(data: str) -> Media:
    if len(data) > IMAGE_HEAD:
        found = sniff(binascii.a2b_base64(data[:IMAGE_HEAD]))
        if found.width is not None:  # an image says its size at the start; sound and documents are read whole
            return replace(found, size=len(data) * 3 // 4 - data[-2:].count("="))
    return sniff(binascii.a2b_base64(data))
