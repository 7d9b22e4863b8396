"""Anthropic messages to parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..errors import MessageError
from ..items import Media, Part
from .pieces import answering, as_json, blocks, media_in, media_of, string, words
from .values import Path, Raw

__all__ = ["parts"]


def parts(raw: Raw) -> Iterable[Part]:
    """Yield the parts of a message, block by block, those nested in results and documents included.

    Raises:
        MessageError: a field has not the type that it must have.
    """
    if "content" not in raw:
        raise MessageError(f"a {raw['role']} message has no 'content'; add it")
    return _content(raw["content"], ("content",))


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
        case "image":
            yield Part(kind="image", path=path, media=_media(block))
        case "document":
            yield from _document(block, path)
        case "search_result":
            yield from _heading(f"{block.get('title', '')}\n{block.get('source', '')}")
            yield from _content(block.get("content", []), (*path, "content"))
        case "thinking":
            yield Part(kind="reasoning", text=string(block, "thinking", "a thinking block"))
        case "redacted_thinking":
            yield Part(kind="reasoning")
        case "container_upload":
            yield Part(kind="file", media=Media())
        case _ if kind.endswith("tool_use"):
            yield from _call(block, kind, path)
        case _ if kind.endswith("tool_result"):
            yield from _result(block, kind, path)
        case _:
            yield Part(kind="other", text=words(block))


def _heading(text: object) -> Iterable[Part]:
    if isinstance(text, str) and text.strip():
        yield Part(kind="text", text=text)


def _document(block: Raw, path: Path) -> Iterable[Part]:
    source = block.get("source")
    kind = source.get("type") if isinstance(source, Mapping) else None
    if kind not in ("text", "content"):
        title = block.get("title")
        yield Part(kind="file", text=title if isinstance(title, str) else "", path=path, media=_media(block))
        return
    yield from _heading(block.get("title"))
    yield from _heading(block.get("context"))
    place = "data" if kind == "text" else "content"
    yield from _content(block["source"].get(place), (*path, "source", place))


def _media(block: Raw) -> Media:
    source = block.get("source")
    if not isinstance(source, Mapping):
        raise MessageError(f"'source' of a {block['type']} block is {type(source).__name__}; give an object")
    if source.get("type") == "url":
        return media_in(source.get("url"))
    return media_of(source.get("data"), mime=source.get("media_type"))


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


def _result(block: Raw, kind: str, path: Path) -> Iterable[Part]:
    call_id = string(block, "tool_use_id", f"a {kind} block")
    content = block.get("content")
    if kind != "tool_result":
        yield Part(kind="result", text=words(content), call_id=call_id)
        return
    found = [answering(part, call_id) for part in _content(content or "", (*path, "content"))]
    # An empty result answers its call too; with nothing to read there is nothing to shorten.
    yield from found if content else (Part(kind="result", call_id=call_id),)
