"""Parses Anthropic messages into parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from ...errors import MessageError
from ...items import Part
from ..conversation import Path, Raw
from .fields import answering, as_json, blocks, medium, rest, sealed, shown, string

__all__ = ["parts"]


def parts(raw: Raw) -> Iterable[Part]:
    """Yield the parts of a message, block by block, including those nested in results and documents.

    Raises:
        MessageError: a field has a wrong type.
    """
    if "content" not in raw:
        raise MessageError(f"a {raw['role']} message has no 'content'; add it")
    yield from _content(raw["content"], ("content",))
    yield from rest(raw, "content", "name")


def _content(content: object, path: Path) -> Iterable[Part]:
    if isinstance(content, str):
        return (Part(kind="text", text=content, path=path),)
    if isinstance(content, list | tuple):
        return blocks(content, path, _block)
    raise MessageError(f"content is {type(content).__name__}; give a string or a list of content blocks")


def _block(block: Raw, kind: str, path: Path) -> Iterable[Part]:
    match kind:
        case "text":
            yield Part(kind="text", text=string(block, "text", "a text block"), path=(*path, "text"))
            yield from rest(block, "text")
        case "image":
            yield from _source(block, "image", path)
            yield from rest(block, "source")
        case "document":
            yield from _document(block, path)
        case "search_result":
            yield from _heading(block, "title", "source")
            yield from _content(block.get("content", []), (*path, "content"))
            yield from rest(block, "title", "source", "content")
        case "thinking":
            yield Part(kind="reasoning", text=string(block, "thinking", "a thinking block"))
            yield from rest(block, "thinking")
        case "redacted_thinking":
            yield sealed(string(block, "data", "a redacted_thinking block"))
            yield from rest(block, "data")
        case _ if kind.endswith("tool_use"):
            yield from _call(block, kind, path)
        case _ if kind.endswith("tool_result"):
            yield from _result(block, kind, path)
        case _:
            yield from rest(block)


def _heading(block: Raw, *keys: str) -> Iterable[Part]:
    """Yield the heading of a document; a heading that is no string is counted as it is."""
    texts = [value for key in keys if isinstance(value := block.get(key), str) and value.strip()]
    if texts:
        yield Part(kind="text", text="\n".join(texts))
    yield from rest({key: block.get(key) for key in keys if not isinstance(block.get(key), str)})


def _document(block: Raw, path: Path) -> Iterable[Part]:
    source = block.get("source")
    kind = source.get("type") if isinstance(source, Mapping) else None
    yield from _heading(block, "title", "context")
    if isinstance(source, Mapping) and kind in ("text", "content"):
        place = "data" if kind == "text" else "content"
        yield from _content(source.get(place), (*path, "source", place))
        yield from rest(source, place)
    else:
        yield from _source(block, "file", path)
    yield from rest(block, "source", "title", "context")


def _source(block: Raw, kind: Literal["image", "file"], path: Path) -> Iterable[Part]:
    """Yield an image, or a document that is no text, from the description of its source."""
    source = block.get("source")
    if not isinstance(source, Mapping):
        raise MessageError(f"'source' of a {block['type']} block is {type(source).__name__}; give an object")
    mime, where = source.get("media_type"), "url" if source.get("type") == "url" else "data"
    yield from medium(
        kind, source.get(where), path, inside=("source", where), mime=mime if isinstance(mime, str) else None
    )
    yield from rest(source, where)


def _call(block: Raw, kind: str, path: Path) -> Iterable[Part]:
    place = (*path, "input") if kind == "tool_use" else ()  # the server made the others: they stay as they are
    yield Part(
        kind="call",
        text=as_json(block.get("input", {})),
        path=place,
        name=string(block, "name", f"a {kind} block"),
        call_id=string(block, "id", f"a {kind} block"),
    )
    caller = block.get("caller")
    if isinstance(caller, Mapping) and isinstance(caller.get("tool_id"), str):  # a call made by running code
        yield Part(kind="other", call_id=caller["tool_id"])
    yield from rest(block, "input", "name")


def _result(block: Raw, kind: str, path: Path) -> Iterable[Part]:
    call_id = string(block, "tool_use_id", f"a {kind} block")
    content, place = block.get("content"), (*path, "content")
    if kind == "tool_result":
        found = [answering(part, call_id) for part in _content(content or "", place)] if content else []
    else:
        found = list(shown(content, place, call_id, _block))
    # An empty result answers its call too; with nothing to read there is nothing to shorten.
    if not any(part.kind not in ("other", "sealed") for part in found):
        yield Part(kind="result", call_id=call_id)
    yield from found
    yield from rest(block, "content", call_id=call_id)
