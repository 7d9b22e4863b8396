"""Steps that all dialects share: checked access to fields, readable text, results, media in base64."""

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
"""Characters that a short known field has at most, with all that stands in it; a longer one is text."""
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
"""Keys of short known fields, from the request types of the SDKs openai 3.57 and anthropic 2.14: names, numbers and
states that providers read by themselves. `ctxwin_origin` is that of our adapters, which is never sent."""
SEALED = frozenset({"encrypted_content", "signature", "thought_signature", "encrypted_stdout"})
"""Keys whose strings only the provider can read: thoughts, search results and compacted conversations."""

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
        yield from at_least(read(block, string(block, "type", f"content block {position}"), (*path, position)), block)


def at_least(found: Iterable[Part], raw: Raw, call_id: str | None = None) -> Iterable[Part]:
    """Return the parts of an object; an object of nothing but labels is one, too, since it is sent."""
    return list(found) or ([Part(kind="other", text=as_json(raw), call_id=call_id)] if raw else [])


def answering(part: Part, call_id: str | None, name: str | None = None) -> Part:
    """Mark a part as what a tool gave back: text becomes a result, media keep their kind."""
    return replace(part, kind="result" if part.kind == "text" else part.kind, call_id=call_id, name=name or part.name)


def as_json(value: object) -> str:
    """Write arguments as providers print them to the model: JSON with characters as they are.

    Raises:
        MessageError: JSON has no form for it.
    """
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError) as error:  # keys that are no strings; a value within itself
        raise MessageError(
            f"{type(value).__name__} cannot be written as JSON ({type(error).__name__}); give plain values"
        ) from None


def rest(raw: Raw, *read: str, call_id: str | None = None) -> Iterable[Part]:
    """Yield what a parser has not read of an object: sealed content, and all that is no short known field as text.

    So nothing that is sent is free, whatever key it stands under.

    Args:
        raw: any object of a message.
        read: keys that are read already.
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
    """Return the fields of an object that are neither read nor short and known.

    Fields that say nothing (null, false, empty) are left out too, unless their names are a text by themselves.
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
    """Tell whether a field is short and known, with all fields in it."""
    return key in LABELS and _short(value) <= LABEL


def _short(value: object) -> int:
    """Return the characters of a value; more than a label has where a field in it is not known."""
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
    """Return the part of a string that only the provider can read; it costs by its size."""
    return Part(kind="sealed", name=content_hash(text)[:16], call_id=call_id, media=Media(size=len(text)))


TEXTS = frozenset({"text", "stdout", "stderr", "logs", "output", "error", "result", "transcript", "cited_text"})
"""Keys under which the results of a provider's own tools have what was found, read or printed."""
HOLDERS = TEXTS | {"content", "source", "tool_references", "outcome", "annotations", "attributes"}
"""Keys of what is looked into that providers give it by themselves; the name of any other is text of the result."""


def shown(value: object, path: Path, call_id: str, block: Callable[[Raw, str, Path], Iterable[Part]]) -> Iterable[Part]:
    """Yield what a provider's own tool gave back, whatever its shape: texts and documents, and all the rest.

    Args:
        value: the content of the result.
        path: where it stands.
        call_id: the call that it answers.
        block: reads what stands in it as anywhere else: images and documents.
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
    """Tell whether a field of a result is looked into, since it has text, or objects."""
    if isinstance(value, str):
        return key in TEXTS or key == "content"
    return isinstance(value, Mapping | list | tuple) and not is_label(key, value)


INSIDE = -1
"""A step of a path from a string to what is written in it: JSON, or a text in base64 or in a data URI."""
LONGEST_URL = 2_048
"""Characters of an address; a longer one, or what is none, is counted as the text that it is."""
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
    """Yield the part of an image, a sound, a film or a file: by its bytes, or by what is known where there are none.

    A text is the text that it says, whatever it came as. What is no medium, nor the address of one, is counted as
    text, since it may not be free.

    Args:
        kind: what it is declared to be.
        source: base64, a data URI, an address, or nothing where the provider has it.
        path: where its block stands.
        inside: where the source stands in the block; () where the source may not be changed.
        mime: its declared type.
        name: its file name, which is counted.
        detail: OpenAI's setting of an image.
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
        MessageError: the part holds none.
    """
    given = block.get("input_audio")
    if not isinstance(given, Mapping):
        raise MessageError(f"'input_audio' of a content part is {type(given).__name__}; give an object")
    mime = f"audio/{given['format']}" if isinstance(given.get("format"), str) else None
    yield from medium("audio", given.get("data"), path, inside=("input_audio", "data"), mime=mime)
    yield from rest(given, "data")


def encoded(text: str, old: str) -> str:
    """Return a text as base64, in a data URI where there was one.

    Example:
        >>> encoded("Ebb", "data:text/plain;charset=utf-16;base64,AAAA"), encoded("Ebb", "AAAA")
        ('data:text/plain;base64,RWJi', 'RWJi')
    """
    head = _DATA_URI.match(old)
    data = base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")
    return f"data:{head['mime']};base64,{data}" if head else data


def decoded(text: str) -> bytes | None:
    """Return the bytes of base64 or of a data URI; None where it is none."""
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
