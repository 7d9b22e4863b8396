"""Reads messages of Amazon Bedrock's Converse: the single key of a block names its type.

[docs.aws.amazon.com, Bedrock runtime, ContentBlock]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .content_blocks import field_of, file, image, shown, sound
from .form import ForeignForm, ForeignTalk
from .script import Script
from .speech import Said, SaidCall, SaidResult, Thought, rows_of, text, word

__all__ = ["FORM"]

Row = Mapping[str, Any]

ROLES = frozenset({"user", "assistant", "system"})
BLOCKS = frozenset(
    {"text", "image", "document", "video", "audio", "toolUse", "toolResult", "guardContent", "cachePoint",
     "reasoningContent", "citationsContent", "searchResult"}
)  # fmt: skip
MIMES: Mapping[str, str] = {
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
}
"""Media types of the formats of documents and sounds."""


def _recognise(value: Any) -> bool:
    rows = _messages(value)
    return bool(rows) and all(_is_message(row) for row in rows)


def _messages(value: Any) -> Sequence[Row]:
    """Return the messages of a request, of an answer, or of a bare list."""
    if not isinstance(value, Mapping):
        return rows_of(value)
    given = rows_of(value.get("messages"))
    output = value.get("output")
    answer = output.get("message") if isinstance(output, Mapping) else None
    return [*given, answer] if isinstance(answer, Mapping) else given


def _is_message(row: Row) -> bool:
    content = row.get("content")
    if word(row, "role") not in ROLES or not isinstance(content, list) or not content:
        return False
    return all(isinstance(block, Mapping) and "type" not in block and block.keys() & BLOCKS for block in content)


def _read(value: Any) -> Iterator[ForeignTalk]:
    script = Script()
    body: Row = value if isinstance(value, Mapping) else {}
    script.take("system", [piece for block in rows_of(body.get("system")) for piece in _pieces(block)])
    for row in _messages(value):
        script.take(row["role"], [piece for block in row["content"] for piece in _pieces(block)])
    yield ForeignTalk(items=script.items())


def _pieces(block: Row) -> Iterator[Said]:
    if isinstance(words := block.get("text"), str):
        yield text(words)
    for key, inner in block.items():
        if key in BLOCKS - {"text"} and isinstance(inner, Mapping):
            yield from _piece(key, inner)


def _piece(key: str, inner: Row) -> Iterator[Said]:
    match key:
        case "toolUse":
            yield SaidCall(name=word(inner, "name"), arguments=inner.get("input"), id=inner.get("toolUseId"))
        case "toolResult":
            yield SaidResult(id=inner.get("toolUseId"), content=list(_given_back(inner)) or [text("")])
        case "reasoningContent":
            told = inner.get("reasoningText")
            yield Thought(word(told, "text") if isinstance(told, Mapping) else "")
        case "guardContent":
            yield from _pieces(inner["text"] if isinstance(inner.get("text"), Mapping) else inner)
        case "citationsContent":
            yield from (piece for one in rows_of(inner.get("content")) for piece in _pieces(one))
        case "cachePoint":
            return
        case "searchResult":
            words = "\n".join(word(one, "text") for one in rows_of(inner.get("content")))
            yield file(name=inner.get("title") or inner.get("source"), words=words)
        case _:
            yield _media(key, inner)


def _media(key: str, inner: Row) -> dict[str, Any]:
    source = inner["source"] if isinstance(inner.get("source"), Mapping) else {}
    format_ = word(inner, "format")
    place = source.get("s3Location")
    data = field_of(source, "bytes", "text") or (place.get("uri") if isinstance(place, Mapping) else None)
    if key == "image":
        return image(data, mime=f"image/{format_ or 'png'}")
    if key == "audio":
        return sound(data, mime=MIMES.get(format_, f"audio/{format_}"))
    if "text" in source or "content" in source:
        told = [word(one, "text") for one in rows_of(source.get("content"))]
        return file(name=inner.get("name"), words="\n".join([word(source, "text"), *told]).strip("\n"))
    mime = f"video/{format_}" if key == "video" else MIMES.get(format_, f"application/{format_}")
    name = inner.get("name")
    return file(data, name=f"{name}.{format_}" if name and format_ else name, mime=mime)


def _given_back(inner: Row) -> Iterator[Mapping[str, Any]]:
    for block in rows_of(inner.get("content")):
        if "json" in block:
            yield text(shown(block["json"]))
        yield from (piece for piece in _pieces(block) if isinstance(piece, Mapping))


FORM = ForeignForm(name="Bedrock Converse messages", recognise=_recognise, read=_read)
