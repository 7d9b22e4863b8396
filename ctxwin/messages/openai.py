"""OpenAI chat messages, as most other providers take them too, to parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..errors import MessageError
from ..items import Media, Part
from .pieces import answering, as_json, blocks, media_in, media_of, optional, sound_of, string, words
from .values import Path, Raw

__all__ = ["parts"]

SAYS_SOMETHING = ("content", "tool_calls", "function_call", "audio", "refusal")
"""A message without any of these keys is a mistake: its text stands under another key and would be lost."""

THINKING = ("reasoning_content", "reasoning")
"""Keys under which DeepSeek, Qwen, OpenRouter and vLLM return what the model thought."""


def parts(raw: Raw) -> Iterable[Part]:
    """Yield the parts of a chat message: thoughts, content, refusal, audio, calls.

    Raises:
        MessageError: a field has not the type that it must have.
    """
    if not any(key in raw for key in SAYS_SOMETHING):
        raise MessageError(
            f"a {raw['role']} message has no 'content' (its keys are {', '.join(map(repr, raw))}); add it"
        )
    for key in THINKING:
        if isinstance(raw.get(key), str):
            yield Part(kind="reasoning", text=raw[key])
    yield from _results(raw) if raw["role"] in ("tool", "function") else _content(raw)
    if raw.get("refusal") is not None:
        yield Part(kind="text", text=string(raw, "refusal", "a message"), path=("refusal",))
    if isinstance(raw.get("audio"), Mapping):  # an earlier spoken answer, sent back by its id
        yield Part(kind="audio", text=str(raw["audio"].get("transcript") or ""), media=Media())
    yield from _calls(raw)


def _content(raw: Raw) -> Iterable[Part]:
    content = raw.get("content")
    if isinstance(content, str):
        yield Part(kind="text", text=content, path=("content",))
    elif isinstance(content, list | tuple):
        yield from blocks(content, ("content",), _block)
    elif content is not None:
        raise MessageError(f"content is {type(content).__name__}; give a string, a list of content parts or null")


def _results(raw: Raw) -> Iterable[Part]:
    if raw["role"] == "function":  # the form before tool calls had ids: tied by name
        call_id: str | None = None
        name: str | None = string(raw, "name", "a function message")
    else:
        call_id, name = string(raw, "tool_call_id", "a tool message"), optional(raw, "name", "a tool message")
    empty = True
    for part in _content(raw):
        empty = False
        yield answering(part, call_id, name)
    if empty:
        yield Part(kind="result", call_id=call_id, name=name)


def _block(block: Raw, kind: str, path: Path) -> Iterable[Part]:
    match kind:
        case "text":
            yield Part(kind="text", text=string(block, "text", "a text part"), path=(*path, "text"))
        case "refusal":
            yield Part(kind="text", text=string(block, "refusal", "a refusal part"), path=(*path, "refusal"))
        case "image_url" | "video_url":
            source = block.get(kind)
            known = source if isinstance(source, Mapping) else {"url": source}
            media = media_in(known.get("url"), detail=known.get("detail"))
            yield Part(kind="image" if kind == "image_url" else "video", path=path, media=media)
        case "input_audio":
            yield Part(kind="audio", path=path, media=sound_of(block))
        case "file":
            file = _object(block, kind)
            name = str(file.get("filename") or "")
            yield Part(kind="file", text=name, path=path, media=media_of(file.get("file_data")))
        case _:
            yield Part(kind="other", text=words(block))


def _object(block: Raw, key: str) -> Raw:
    value = block.get(key)
    if not isinstance(value, Mapping):
        raise MessageError(f"{key!r} of a content part is {type(value).__name__}; give an object")
    return value


def _calls(raw: Raw) -> Iterable[Part]:
    calls = raw.get("tool_calls")
    if calls is not None and not isinstance(calls, list | tuple):
        raise MessageError(f"tool_calls is {type(calls).__name__}; give a list")
    for position, call in enumerate(calls or ()):
        if not isinstance(call, Mapping):
            raise MessageError(f"tool call {position} is {type(call).__name__}; give an object")
        call_id = string(call, "id", f"tool call {position}")
        kind = "custom" if call.get("type") == "custom" else "function"
        field = "input" if kind == "custom" else "arguments"
        yield _call(_object(call, kind), field, ("tool_calls", position, kind, field), call_id)
    if raw.get("function_call") is not None:
        yield _call(_object(raw, "function_call"), "arguments", ("function_call", "arguments"), None)


def _call(call: Raw, field: str, path: Path, call_id: str | None) -> Part:
    name, text = string(call, "name", "a tool call"), call.get(field, "")
    if not isinstance(text, str):  # some open-model servers keep arguments as an object
        text = as_json(text)
    return Part(kind="call", text=text, path=path, name=name, call_id=call_id)
