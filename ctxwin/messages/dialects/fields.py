"""Shares steps of all dialects: checked access to fields, readable text, results, media in base64."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_to_bytes

from ...errors import MessageError
from ...items import Media, MediaKind, Part, content_hash
from ..attachments import attachment
from ..conversation import Path, Raw

__all__ = [
    "INSIDE",
    "LABEL",
    "answering",
    "as_json",
    "at_least",
    "blocks",
    "decoded",
    "encoded",
    "left_over",
    "medium",
    "optional",
    "rest",
    "sealed",
    "shown",
    "sound",
    "string",
]

LABEL = 200
"""Most characters of a known short field, with everything in it; a longer field is text."""
LABELS = frozenset(
    {
        # What it is, and whose.
        "type", "id", "role", "status", "phase", "index", "object", "format", "detail", "version", "async",
        "namespace", "toolset_name", "execution", "fingerprint",
        # What belongs to what.
        "call_id", "item_id", "tool_use_id", "tool_call_id", "tool_id", "caller", "caller_id", "container_id",
        "container", "file_id", "approval_request_id", "encrypted_index", "agent", "ctxwin_origin",
        # Whether it went well.
        "is_error", "success", "approve", "return_code", "exit_code", "error_code", "stop_reason", "stop_sequence",
        # How it is sent, cached and cited.
        "cache_control", "prompt_cache_breakpoint", "ttl", "enabled", "media_type", "citations", "server_label",
        "environment", "max_output_length", "timeout_ms",
    }
)  # fmt: skip
"""Keys of known short fields, from the request types of the SDKs openai 3.57 and anthropic 2.14: names, numbers and
states that only providers read. `ctxwin_origin` is the key of our adapters, which is never sent."""
SEALED = frozenset({"encrypted_content", "signature", "thought_signature", "encrypted_stdout"})
"""Keys of strings that only the provider can read: thoughts, search results and compacted conversations."""

_DATA_URI = re.compile(r"data:(?P<mime>[^;,]*)(?P<rest>[^,]{0,200}),", re.I)


def string(raw: Raw, key: str, what: str) -> str:
    """Return the string at a key.

    Raises:
        MessageError: there is no value, or it is not a string.
    """
    value = raw.get(key)
    if not isinstance(value, str):
        found = f"is {type(value).__name__}" if key in raw else "is missing"
        raise MessageError(f"{key!r} of {what} {found}; give a string")
    return value


def optional(raw: Raw, key: str, what: str) -> str | None:
    """Return the string at a key, or None if there is no value.

    Raises:
        MessageError: the value is not a string.
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
        yield from at_least(read(block, string(block, "type", f"content block {position}"), (*path, position)), block)


def at_least(found: Iterable[Part], raw: Raw, call_id: str | None = None) -> Iterable[Part]:
    """Return the parts of an object; an object of labels alone counts as one part, since it is sent."""
    return list(found) or ([Part(kind="other", text=as_json(raw), call_id=call_id)] if raw else [])


def answering(part: Part, call_id: str | None, name: str | None = None) -> Part:
    """Mark a part as a tool's result: text becomes a result, media keep their kind."""
    return replace(part, kind="result" if part.kind == "text" else part.kind, call_id=call_id, name=name or part.name)


def as_json(value: object) -> str:
    """Write arguments as providers show them to the model: JSON with unescaped characters.

    Raises:
        MessageError: JSON cannot hold a value.
    """
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError) as error:  # keys that are no strings; a value within itself
        raise MessageError(
            f"{type(value).__name__} cannot be written as JSON ({type(error).__name__}); give plain values"
        ) from None


def rest(raw: Raw, *read: str, call_id: str | None = None) -> Iterable[Part]:
    """Yield the fields of an object that the parser has not read: sealed content, and all but known short fields.

    Unread fields count as text, so that nothing sent is free, whatever its key.

    Args:
        raw: any object of a message.
        read: keys that the parser has read already.
        call_id: the call to which the object belongs.

    Example:
        >>> [part.text for part in rest({"type": "note", "id": "n1", "words": "Ebb at six", "title": None})]
        ['{"words": "Ebb at six"}']
    """
    left = left_over(raw, *read)
    for key in [key for key in left if key in SEALED and isinstance(left[key], str)]:
        yield sealed(left.pop(key), call_id)
    if left:
        yield Part(kind="other", text=as_json(left), call_id=call_id)


def left_over(raw: Raw, *read: str) -> dict[str, Any]:
    """Return the fields of an object that are neither read nor known short fields.

    Fields without content (null, false, empty) are left out too, unless their names are texts themselves.
    """
    left: dict[str, Any] = {}
    silent: dict[str, Any] = {}
    for key, value in raw.items():
        if key in read or is_label(key, value):
            continue
        empty = value is None or value is False or (isinstance(value, list | dict) and not value)
        (silent if empty else left)[key] = value
    return left | silent if silent and sum(len(str(key)) for key in silent) > LABEL else left


def is_label(key: object, value: object) -> bool:
    """Tell whether a field is a known short field, with all fields in it."""
    return key in LABELS and _short(value) <= LABEL


def _short(value: object) -> int:
    """Return the characters of a value; more than `LABEL` if it holds an unknown field."""
    if value is None or isinstance(value, bool | float):
        return 0
    if isinstance(value, str):
        return len(value)
    if isinstance(value, int):
        return value.bit_length() // 3
    if isinstance(value, Mapping):
        return sum(_short(inner) if key in LABELS else LABEL + 1 for key, inner in value.items())
    if isinstance(value, Sequence):
        return len(value) + sum(map(_short, value))
    return LABEL + 1


def sealed(text: str, call_id: str | None = None) -> Part:
    """Return the part of a string that only the provider can read; its size decides its cost."""
    return Part(kind="sealed", name=content_hash(text)[:16], call_id=call_id, media=Media(size=len(text)))


TEXTS = frozenset({"text", "stdout", "stderr", "logs", "output", "error", "result", "transcript", "cited_text"})
"""Keys in the results of provider-run tools for texts that were found, read or printed."""
HOLDERS = TEXTS | {"content", "source", "tool_references", "outcome", "annotations", "attributes"}
"""Keys that providers themselves give to nested content; any other key is text of the result."""


def shown(value: object, path: Path, call_id: str, block: Callable[[Raw, str, Path], Iterable[Part]]) -> Iterable[Part]:
    """Yield the result of a provider-run tool, whatever its shape: texts, documents, and all other content.

    Args:
        value: the content of the result.
        path: the path of the result in the message.
        call_id: the call that the result answers.
        block: reads images and documents in the result as elsewhere.
    """
    if isinstance(value, str):
        yield Part(kind="result", text=value, path=path, call_id=call_id)
    elif isinstance(value, list | tuple):
        if plain := [inner for inner in value if not isinstance(inner, str | list | tuple | Mapping)]:
            yield Part(kind="other", text=as_json(plain), call_id=call_id)
        for position, inner in enumerate(value):
            if isinstance(inner, str | list | tuple | Mapping):
                yield from shown(inner, (*path, position), call_id, block)
    elif isinstance(value, Mapping) and value.get("type") in ("image", "document", "input_image"):
        yield from (answering(part, call_id) for part in block(value, value["type"], path))
    elif isinstance(value, Mapping):
        yield from at_least(_shown_fields(value, path, call_id, block), value, call_id)
    elif value is not None:
        yield Part(kind="other", text=as_json(value), call_id=call_id)


def _shown_fields(
    value: Raw, path: Path, call_id: str, block: Callable[[Raw, str, Path], Iterable[Part]]
) -> Iterable[Part]:
    inside = [key for key, inner in value.items() if _holds(key, inner)]
    yield from rest(value, *inside, call_id=call_id)
    if named := [key for key in inside if key not in HOLDERS]:
        yield Part(kind="other", text=as_json(named), call_id=call_id)
    for key in inside:
        yield from shown(value[key], (*path, key), call_id, block)


def _holds(key: str, value: object) -> bool:
    """Tell whether a field of a result is searched, since it holds text or objects."""
    if isinstance(value, str):
        return key in TEXTS or key == "content"
    return isinstance(value, Mapping | list | tuple) and not is_label(key, value)


INSIDE = -1
"""A step of a path from a string into its content: JSON, or a text in base64 or in a data URI."""
LONGEST_URL = 2_048
"""Most characters of an address; a longer one, or anything that is no address, is counted as text."""
_ADDRESS = re.compile(r"(?:https?|gs|s3|file)://[^\s\x00-\x1f]+", re.I)


def medium(
    kind: MediaKind,
    source: object,
    path: Path,
    *,
    inside: Path,
    mime: str | None = None,
    name: str | None = None,
    detail: str | None = None,
) -> Iterable[Part]:
    """Yield the part of an image, sound, film or file: from its bytes, or without bytes from known facts.

    A file of text becomes text, whatever its declared kind. A source that is neither a medium nor the address of one is
    counted as text, since it may not be free.

    Args:
        kind: the declared kind.
        source: base64, a data URI, an address, or nothing if the provider has the medium.
        path: the path of the block.
        inside: the path of the source in the block; () if the source may not be changed.
        mime: the declared type.
        name: the file name, which is counted.
        detail: OpenAI's setting for images.
    """
    if name:
        yield Part(kind="other", text=name)
    text = source if isinstance(source, str) else ""
    if head := _DATA_URI.match(text):
        mime = head["mime"].lower() or mime
    elif _ADDRESS.fullmatch(text) or not text:
        media = attachment(None, mime=mime, name=name or text).media
        yield Part(kind=kind, path=path, media=replace(media, detail=detail))
        if len(text) > LONGEST_URL or (source is not None and not isinstance(source, str)):
            yield Part(kind="other", text=as_json(source))
        return
    data = decoded(text)
    found = attachment(data, mime=mime or (None if kind == "file" else f"{kind}/*"), name=name)
    if data is None or not found.genuine:
        yield Part(kind=kind, path=path, media=Media(mime=found.media.mime, detail=detail))
        yield Part(kind="other", text=text)
    elif found.kind == "text":
        yield Part(kind="text", text=found.text or "", path=(*path, *inside, INSIDE) if inside else ())
    else:
        shown_as = kind if found.kind == "unknown" else found.kind
        yield Part(kind=shown_as, path=path, media=replace(found.media, detail=detail))


def sound(block: Raw, path: Path) -> Iterable[Part]:
    """Yield the sound of an OpenAI `input_audio` part.

    Raises:
        MessageError: the part holds no sound.
    """
    given = block.get("input_audio")
    if not isinstance(given, Mapping):
        raise MessageError(f"'input_audio' of a content part is {type(given).__name__}; give an object")
    mime = f"audio/{given['format']}" if isinstance(given.get("format"), str) else None
    yield from medium("audio", given.get("data"), path, inside=("input_audio", "data"), mime=mime)
    yield from rest(given, "data")


def encoded(text: str, old: str) -> str:
    """Return a text as base64, as a data URI if the old value was one.

    Example:
        >>> encoded("Ebb", "data:text/plain;charset=utf-16;base64,AAAA"), encoded("Ebb", "AAAA")
        ('data:text/plain;base64,RWJi', 'RWJi')
    """
    head = _DATA_URI.match(old)
    data = base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")
    return f"data:{head['mime']};base64,{data}" if head else data


def decoded(text: str) -> bytes | None:
    """Return the bytes of base64 or of a data URI; None for any other string."""
    head = _DATA_URI.match(text)
    written = text[head.end() :] if head else text
    if head is not None and not head["rest"].lower().endswith(";base64"):
        return unquote_to_bytes(written)
    if not written.isascii():
        return None
    if "\n" in written:
        written = written.replace("\r", "").replace("\n", "")
    try:
        return binascii.a2b_base64(written + "=" * (-len(written) % 4), strict_mode=True)
    except (binascii.Error, ValueError):
        return None
