"""Turns content blocks of many programs into pieces of a conversation."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..attachments import attachment
from ..dialects.fields import as_json, decoded
from .speech import Said, SaidCall, SaidResult, Thought, object_of, text

__all__ = ["contents", "field_of", "file", "image", "pieces", "shown", "sound"]

TEXTS = frozenset({"text", "input_text", "output_text", "summary_text", "reasoning_text", "refusal", "text-plain"})
THOUGHTS = frozenset({"thinking", "reasoning", "reasoning_content"})
SEALED = frozenset({"redacted_thinking", "redacted_reasoning", "non_standard_reasoning"})
CALLS = frozenset({"tool_use", "server_tool_use", "mcp_tool_use", "tool_call", "server_tool_call", "invalid_tool_call"})
IMAGES = frozenset({"image", "image_url", "input_image"})
SOUNDS = frozenset({"audio", "input_audio"})
FILES = frozenset({"document", "file", "input_file", "video"})
ANSWERED = ("tool_use_id", "tool_call_id")
"""Keys by which a result names its call; without one the result is a part of another result."""
LONG = 1_000
"""Characters without a space from which a string of an unknown block counts as data for machines."""

HEAD = 4_096
"""Characters of base64 in which the type of an image is searched for; a multiple of 4."""
SPOKEN_TEXT = ("application/json", "application/xml", "application/yaml", "application/javascript")
"""Media types besides text/* whose bytes are text."""
SOUND_FORMATS = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}
"""Sound formats that chat completions take [OpenAI, Audio, input_audio]."""

_BASE64 = re.compile(r"[A-Za-z0-9+/\r\n]{4,}={0,2}[\r\n]*")


def field_of(block: Mapping[str, Any], *names: str) -> Any:
    """Return the first value under several names: forms write names in camel case or with underscores."""
    return next((block[name] for name in names if block.get(name) is not None), None)


def pieces(content: Any) -> Iterator[Said]:
    """Yield the pieces of a message's content: a text, a list of blocks, or one block."""
    if isinstance(content, str):
        yield text(content)
    elif isinstance(content, Mapping):
        yield from _block(content)
    elif isinstance(content, list | tuple):
        for one in content:
            yield from pieces(one)
    elif content is not None:
        yield text(as_json(content))


def contents(content: Any) -> list[Mapping[str, Any]]:
    """Return the content parts of a tool's result; thoughts and calls have no place there."""
    found = list(pieces(content))
    return [piece for piece in found if isinstance(piece, Mapping)] or [text("")]


def _block(block: Mapping[str, Any]) -> Iterator[Said]:
    kind = block.get("type")
    if not isinstance(kind, str):
        yield text(block["text"] if block.keys() == {"text"} and isinstance(block["text"], str) else shown(block))
    elif kind in TEXTS:
        words = field_of(block, "text", "refusal", "content")
        yield text(str(words.get("value") or "") if isinstance(words, Mapping) else str(words or ""))
    elif kind in THOUGHTS:
        yield Thought(_thought(block))
    elif kind in CALLS:
        name = str(field_of(block, "name", "function") or "")
        yield SaidCall(name=name, arguments=field_of(block, "input", "args", "arguments"), id=block.get("id"))
    elif kind.endswith("tool_result") or (kind.endswith("_result") and field_of(block, *ANSWERED) is not None):
        call_id = field_of(block, *ANSWERED)
        yield SaidResult(id=call_id, content=contents(field_of(block, "content", "output")), name=block.get("name"))
    elif kind.endswith("_result"):
        yield from _found(block)
    elif kind not in SEALED:
        yield _media(block, kind)


def _found(block: Mapping[str, Any]) -> Iterator[Said]:
    """Yield one find of a tool: its description, and its content."""
    held = block.get("content")
    inside = held if isinstance(held, str | Mapping | list | tuple) else None
    about = {key: value for key, value in block.items() if key != "type" and (key != "content" or inside is None)}
    if about:
        yield text(shown(about))
    yield from pieces(inside)


def _thought(block: Mapping[str, Any]) -> str:
    if block.get("redacted") is True:
        return str(block.get("summary") or "")
    found = field_of(block, "thinking", "reasoning", "text", "content", "summary") or ""
    if isinstance(found, list | tuple):
        return "\n".join(str(one.get("text") or "") for one in found if isinstance(one, Mapping))
    return str(found)


def _media(block: Mapping[str, Any], kind: str) -> dict[str, Any]:
    read: Callable[[Mapping[str, Any]], dict[str, Any]]
    if kind in IMAGES:
        read = _image
    elif kind in SOUNDS:
        read = _sound
    elif kind in FILES:
        read = _file
    else:
        return text(shown(block))
    return read(block)


def _where(block: Mapping[str, Any]) -> tuple[Any, str | None]:
    """Return the data or address of a medium, and its type, from any key where a block keeps them."""
    source = object_of(block.get("source"))
    mime = field_of({**block, **source}, "media_type", "mime_type", "mediaType", "mimeType")
    data = field_of(source, "data", "url", "file_id", "content") or field_of(
        block, "base64", "data", "url", "file_data", "file_url", "fileId", "file_id"
    )
    return data, mime


def _image(block: Mapping[str, Any]) -> dict[str, Any]:
    data, mime = _where(block)
    given = field_of(block, "image_url", "image")
    detail = block.get("detail")
    if isinstance(given, Mapping):
        data, detail = given.get("url", data), given.get("detail", detail)
    elif given is not None:
        data = given
    return image(data, mime=mime, detail=detail)


def _sound(block: Mapping[str, Any]) -> dict[str, Any]:
    given = field_of(block, "input_audio", "audio")
    data, mime = _where(block)
    kind = block.get("format")
    if isinstance(given, Mapping):
        data, kind = given.get("data"), given.get("format")
    elif given is not None:
        data = given
    said = block.get("transcript")
    return text(said) if isinstance(said, str) and said else sound(data, mime=mime or f"audio/{kind or 'wav'}")


def _file(block: Mapping[str, Any]) -> dict[str, Any]:
    inner = object_of(block.get("file")) or block
    data, mime = _where(inner)
    name = field_of(inner, "filename", "name", "title")
    data = data if data is not None else field_of(inner, "document", "video", "text")
    plain = object_of(inner.get("source")).get("type") in ("text", "content")
    if isinstance(data, list | tuple):  # a document of content blocks
        data, plain = "\n".join(str(one.get("text") or "") for one in data if isinstance(one, Mapping)), True
    if plain or (data is not None and data == inner.get("text")):
        return file(name=name, mime=mime, words=str(data))
    return file(data, name=name, mime=mime)


def image(data: Any, *, mime: Any = None, detail: Any = None) -> dict[str, Any]:
    """Return the content part of an image.

    Args:
        data: an address, a data URI, base64 or bytes; anything else leaves a mark.
        mime: the media type, if known.
        detail: OpenAI's setting for images.
    """
    if isinstance(data, bytes | bytearray):
        data = base64.b64encode(data).decode()
    if isinstance(data, str) and not data.startswith(("http://", "https://", "data:")):
        seen, mime = attachment(decoded(data) or b""), mime if isinstance(mime, str) else None
        found = seen.media.mime if seen.kind == "image" else None
        data = f"data:{mime or found};base64,{data}" if found or (mime and _is_base64(data)) else data
    if isinstance(data, str) and data.startswith(("http://", "https://", "data:")):
        extra = {"detail": detail} if isinstance(detail, str) else {}
        return {"type": "image_url", "image_url": {"url": data, **extra}}
    return _missing("image", data, mime if isinstance(mime, str) else None)


def sound(data: Any, *, mime: Any = None) -> dict[str, Any]:
    """Return the content part of a sound, or a mark if chat completions do not take the sound."""
    if isinstance(data, bytes | bytearray):
        data = base64.b64encode(data).decode()
    mime, data = _from_uri(data, mime)
    known = SOUND_FORMATS.get((mime or "").lower())
    if known and isinstance(data, str) and _is_base64(data):
        return {"type": "input_audio", "input_audio": {"data": data, "format": known}}
    return _missing("audio", data, mime)


def file(data: Any = None, *, name: Any = None, mime: Any = None, words: str | None = None) -> dict[str, Any]:
    """Return the content part of a file: its text, an image, a sound, a PDF, or a mark.

    Args:
        data: an address, a data URI, base64 or bytes.
        name: the file's name.
        mime: the media type.
        words: the file's text, in place of data.
    """
    name = name if isinstance(name, str) and name else None
    if isinstance(data, bytes | bytearray):
        data = base64.b64encode(data).decode()
    mime, data = _from_uri(data, mime)
    if words is None and isinstance(data, str) and (mime or "").startswith(("text/", *SPOKEN_TEXT)):
        words = _decoded(data)
    if words is not None:
        return text(f"[{name}]\n{words}" if name else words)
    if (mime or "").startswith("image/"):
        return image(data, mime=mime)
    if (mime or "").startswith("audio/"):
        return sound(data, mime=mime)
    if mime == "application/pdf" and isinstance(data, str) and _is_base64(data):
        inner = {"filename": name or "document.pdf", "file_data": f"data:{mime};base64,{data}"}
        return {"type": "file", "file": inner}
    return _missing("file", data, mime, name)


def _from_uri(data: Any, mime: Any) -> tuple[str | None, Any]:
    mime = mime if isinstance(mime, str) else None
    if isinstance(data, str) and data.startswith("data:") and "," in data:
        head, _, rest = data.partition(",")
        if head.endswith(";base64"):
            return head[5:].split(";")[0] or mime, rest
    return mime, data


def _decoded(data: str) -> str | None:
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def _is_base64(data: str) -> bool:
    return bool(_BASE64.fullmatch(data[:LONG])) and len(data) % 4 == 0


def _missing(kind: str, data: Any, mime: str | None, name: str | None = None) -> dict[str, Any]:
    address = data if isinstance(data, str) and not _for_machines(data) else None
    known = [one for one in (name, address, mime) if isinstance(one, str) and one]
    return text(f"[{kind}: {', '.join(known)}]" if known else f"[{kind}]")


def _for_machines(words: str) -> bool:
    return words.startswith("data:") or (len(words) > LONG and " " not in words[:LONG])


def shown(value: Any) -> str:
    """Return a text unchanged, or a value as JSON; strings for machines are replaced by their length.

    Example:
        >>> shown({"celsius": 22, "picture": "A" * 5_000})
        '{"celsius": 22, "picture": "[5,000 characters]"}'
    """
    return value if isinstance(value, str) else as_json(_short(value))


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return f"[{len(value):,} characters]" if _for_machines(value) else value
    if isinstance(value, Mapping):
        return {key: _short(inner) for key, inner in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, bytes | bytearray):
        return [_short(inner) for inner in value]
    return f"[{len(value):,} bytes]" if isinstance(value, bytes | bytearray) else value
