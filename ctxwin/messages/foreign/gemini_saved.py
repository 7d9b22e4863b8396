"""Reads prompts that Google's AI Studio saved to Drive: `chunkedPrompt` with a chunk for each message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .content_blocks import field_of, file
from .form import ForeignForm, ForeignTalk
from .gemini_contents import part_pieces
from .script import Script
from .speech import Said, Thought, rows_of, stamp, text, word

__all__ = ["FORM"]

INLINE = ("inlineFile", "inlineImage", "inlineAudio", "inlineVideo", "inlineData")
LINKED: Mapping[str, str] = {
    "driveDocument": "drive document",
    "driveImage": "drive image",
    "driveAudio": "drive audio",
    "driveVideo": "drive video",
    "youtubeVideo": "youtube video",
}
"""Keys of a chunk for content stored elsewhere, and the name of each."""


def _chunks(value: Any) -> list[Mapping[str, Any]]:
    prompt = value.get("chunkedPrompt") if isinstance(value, Mapping) else None
    if not isinstance(prompt, Mapping):
        return []
    unsent = [row for row in rows_of(prompt.get("pendingInputs")) if row.get("text")]
    return [*rows_of(prompt.get("chunks")), *unsent]


def _recognise(value: Any) -> bool:
    return any(isinstance(chunk.get("role"), str) for chunk in _chunks(value))


def _read(value: Any) -> Iterator[ForeignTalk]:
    script = Script()
    if words := _instruction(value.get("systemInstruction")):
        script.take("system", [text(words)])
    for chunk in _chunks(value):
        role = "assistant" if field_of(chunk, "role", "author") == "model" else "user"
        script.take(role, list(_pieces(chunk)), time=stamp(chunk.get("createTime")), joined=role == "assistant")
    yield ForeignTalk(items=script.items(), title=word(value, "title", "displayName"), id=word(value, "id"))


def _instruction(found: Any) -> str:
    if not isinstance(found, Mapping):
        return str(found or "")
    parts = "".join(word(part, "text") for part in rows_of(found.get("parts")))
    return word(found, "text") or parts


def _pieces(chunk: Mapping[str, Any]) -> Iterator[Said]:
    for key in INLINE:
        if isinstance(data := chunk.get(key), Mapping):
            yield file(data.get("data"), name=data.get("name"), mime=data.get("mimeType"))
    for key, name in LINKED.items():
        if isinstance(link := chunk.get(key), Mapping):
            yield text(f"[{name}: {field_of(link, 'name', 'id', 'url') or 'unknown'}]")
    words = chunk.get("text")
    if not words:
        words = "".join(word(part, "text") for part in rows_of(chunk.get("parts")))
    if words:
        yield Thought(str(words)) if chunk.get("isThought") is True else text(str(words))
    yield from part_pieces({key: inner for key, inner in chunk.items() if key not in ("text", *INLINE)})
    if chunk.get("errorMessage"):
        yield text(f"[{chunk['errorMessage']}]")


FORM = ForeignForm(name="AI Studio prompt", recognise=_recognise, read=_read)
