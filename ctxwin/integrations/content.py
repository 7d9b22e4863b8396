"""Converts LangChain's content blocks, its own and those of providers, to blocks of OpenAI chat and back.

    a block ──spread──▶ what it shows, and what else it holds ──pack──▶ a text in its place

LangChain's messages hold blocks as OpenAI, Anthropic, Gemini and Bedrock write them, and LangChain's own blocks of
version 0 (`source_type`) and 1 (`base64`, `url`, `file_id`).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import MessageError
from ..items import MediaKind
from . import Raw
from .attaching import attached, rewritten

__all__ = ["CALLS", "call_in", "renew", "spread"]

CALLS = frozenset(
    {"tool_use", "tool_call", "function_call", "invalid_tool_call", "tool_call_chunk", "input_json_delta"}
)
"""Types of content blocks that repeat a message's `tool_calls`."""
KINDS: Mapping[str, MediaKind] = {
    "image": "image", "image_url": "image", "input_image": "image",
    "audio": "audio", "input_audio": "audio",
    "video": "video", "video_url": "video", "input_video": "video",
    "file": "file", "input_file": "file", "document": "file", "document_url": "file", "media": "file",
    "text-plain": "file", "text_file": "file",
}  # fmt: skip
"""Types of content blocks with an attachment, and the kind that each declares."""
BYTES = ("base64", "data", "bytes", "file_data")
URLS = ("url", "uri", "file_url", "file_uri", "image_url", "video_url", "document_url", "s3Location")
NAMES = ("filename", "name")
TYPES = ("mime_type", "media_type")
IDS = ("file_id", "id", "fileId")
SETTINGS = ("type", "source_type", "format", "detail", "index", *TYPES, *IDS)
"""Keys of an attachment that tell how it is sent."""
LABEL = 200
"""Most characters of a setting; a longer one is counted."""
LABELS = frozenset({*SETTINGS, *NAMES})
ASKED = ("input", "args", "arguments")
CALL_KEYS = (*ASKED, *NAMES, *SETTINGS, "call_id", "partial_json", "error")
"""Keys of a call that repeat a message's `tool_calls`."""
SEALED = ("redacted_thinking", "redacted_reasoning")
"""Types of blocks whose `data` only the provider can read."""


ContentBlock = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attached:
    """An attachment in a block."""

    kind: MediaKind
    inside: str | None
    """Key of the object that holds the attachment; None for the block itself."""
    holder: ContentBlock
    key: str | None
    """Key of the attachment's bytes or text; None without one."""

    @property
    def plain(self) -> bool:
        """Whether the attachment is a text that is written as such."""
        return self.key == "text" or (self.key == "data" and self.holder.get("type") == "text")


def spread(block: str | ContentBlock) -> tuple[Raw, list[Raw]]:
    """Return a block as OpenAI chat, and blocks with its other content, which are counted and stay unchanged.

    Raises:
        MessageError: the block is a tool's result, which is a message of its own.
    """
    if isinstance(block, str):
        return {"type": "text", "text": block}, []
    kind = block.get("type")
    if kind == "tool_result":
        raise MessageError("a content block of type 'tool_result'; give the result as a ToolMessage")
    if isinstance(block.get("text"), str) and (kind == "text" or "type" not in block):
        return {"type": "text", "text": block["text"]}, _others(block, "text")
    if isinstance(kind, str) and kind in CALLS:
        return {"type": "text", "text": ""}, _others(
            block, *ASKED, *NAMES, *SETTINGS, "call_id", "partial_json", "error"
        )
    if kind == "non_standard" and isinstance(block.get("value"), Mapping):
        shown, beside = spread(block["value"])
        return _fixed(shown), beside
    if isinstance(kind, str) and kind in SEALED:
        return {"type": "other", "encrypted_content": block.get("data")}, _others(block, "data")
    found = _found(block)
    if found is None:
        return {**_readable(block), "type": "other"}, []
    return _attachment(found), _left(block, found)


def renew(old: str | ContentBlock, new: Raw) -> Any:
    """Return a block with the text that now stands in its place; the block itself if the text is the same."""
    shown, _ = spread(old)
    if new.get("type") != "text" or new["text"] == shown.get("text"):
        return old
    if isinstance(old, str):
        return new["text"]
    found = _found(old)
    if found is None:  # a text; a provider that keeps what it said would take its own copy by the id
        return {**{key: value for key, value in old.items() if key != "id"}, "text": new["text"]}
    if found.key is None:
        return old
    text, holder = new["text"], found.holder
    put = text if found.plain else rewritten(holder[found.key], text, mime=_said(holder, *TYPES))
    inner = {**holder, found.key: put}
    return inner if found.inside is None else {**old, found.inside: inner}


def call_in(block: object) -> Raw | None:
    """Return the call in a block as OpenAI chat; None if the block holds no call."""
    if not isinstance(block, Mapping) or block.get("type") not in ("tool_use", "tool_call", "function_call"):
        return None
    name, call_id = block.get("name"), block.get("call_id") or block.get("id")
    if not isinstance(name, str) or not isinstance(call_id, str):
        return None
    given: Any = next((block[key] for key in ASKED if key in block), {})
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": given}}


def _found(block: ContentBlock) -> _Attached | None:
    """Find the attachment of a block; Bedrock's blocks have no type, but one key that names the kind."""
    kind = block.get("type")
    if kind is None and len(block) == 1:
        (kind,) = block
        if not isinstance(block[kind], Mapping):
            return None
    if not isinstance(kind, str) or kind not in KINDS:
        return None
    inside = next((key for key in (kind, "source") if isinstance(block.get(key), Mapping)), None)
    holder: ContentBlock = block if inside is None else block[inside]
    key: str | None = None
    if isinstance(source := holder.get("source"), Mapping):  # Bedrock's are two objects deep
        holder = {**holder, **source}
    elif kind == "text-plain" or holder.get("source_type") == "text":
        key = next((key for key in ("text", *BYTES) if isinstance(holder.get(key), str | bytes)), None)
    else:
        key = _key(holder)
    if key is None and _key(holder) is None and not any(name in holder for name in (*URLS, *IDS)):
        return None
    return _Attached(kind=KINDS[kind], inside=inside, holder=holder, key=key)


def _key(holder: ContentBlock) -> str | None:
    return next((key for key in BYTES if isinstance(holder.get(key), str | bytes)), None)


def _attachment(found: _Attached) -> Raw:
    holder = found.holder
    if found.plain and found.key is not None:
        return {"type": "text", "text": holder[found.key]}
    key, form = _key(holder), _said(holder, "format")
    mime = _said(holder, *TYPES) or (f"{found.kind}/{form}" if form and found.kind != "file" else None)
    name = _said(holder, *NAMES) or (f"file.{form}" if form else None)
    shown = attached(
        found.kind,
        data=holder[key] if key else None,
        url=None if key else _said(holder, *URLS),
        mime=mime,
        name=name,
        detail=_said(holder, "detail"),
    )
    return shown if found.key is not None else _fixed(shown)


def _left(block: ContentBlock, found: _Attached) -> list[Raw]:
    """Return the rest of a block without its attachment."""
    holder = found.holder
    shown = found.key or _key(holder) or next((key for key in URLS if isinstance(holder.get(key), str)), "")
    deep = ["source"] if isinstance(holder.get("source"), Mapping) else []
    beside = [] if found.inside is None else _others(block, found.inside, *SETTINGS, *NAMES)
    return [*beside, *_others(holder, shown, *deep, *SETTINGS, *NAMES)]


def _others(block: ContentBlock, *read: str) -> list[Raw]:
    """Return the keys of a block that are not read, and settings that are too long."""
    left = {
        key: value
        for key, value in _readable(block).items()
        if (key not in read and key != "type") or (key in LABELS and len(str(value)) > LABEL)
    }
    left = {("kind" if key == "type" else key): value for key, value in left.items()}
    return [{**left, "type": "other"}] if left else []


def _readable(value: Any) -> Any:
    """Return a value in JSON's types: bytes as base64."""
    if isinstance(value, Mapping):
        return {str(key): _readable(inner) for key, inner in value.items()}
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_readable(inner) for inner in value]
    return value


def _said(holder: ContentBlock, *keys: str) -> str | None:
    return next((holder[key] for key in keys if isinstance(holder.get(key), str)), None)


def _fixed(shown: Raw) -> Raw:
    """Return an OpenAI chat block for a text that must not be shortened."""
    return {"type": "other", "words": shown["text"]} if shown["type"] == "text" else shown
