"""Parses OpenAI chat messages, the form of most other providers too, into parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...errors import MessageError
from ...items import Media, Part
from ..conversation import Path, Raw, brief
from .fields import LABEL, answering, as_json, at_least, blocks, medium, optional, rest, sealed, sound, string

__all__ = ["parts"]

SAYS_SOMETHING = ("content", "tool_calls", "function_call", "audio", "refusal")
"""A message needs one of these keys: without them, its text stands under another key and would be lost."""

THINKING = ("reasoning_content", "reasoning")
"""Keys under which DeepSeek, Qwen, OpenRouter and vLLM return the model's thoughts."""
THOUGHTS = ("reasoning_details", "thinking_blocks")
"""Keys under which OpenRouter and LiteLLM return thoughts as a list, with parts that only the provider can read."""


def parts(raw: Raw) -> Iterable[Part]:
    """Yield the parts of a chat message: thoughts, content, refusal, audio, calls, and all other fields.

    Raises:
        MessageError: a field has a wrong type.
    """
    if not any(key in raw for key in SAYS_SOMETHING):
        raise MessageError(
            f"a {raw['role']} message has no 'content' (its keys are {', '.join(map(brief, raw))}); add it"
        )
    read = [*SAYS_SOMETHING, *THOUGHTS, *(key for key in THINKING if isinstance(raw.get(key), str))]
    for key in read[len(SAYS_SOMETHING) + len(THOUGHTS) :]:
        yield Part(kind="reasoning", text=raw[key])
    for key in THOUGHTS:
        yield from _thoughts(raw.get(key))
    results = raw["role"] in ("tool", "function")
    yield from _results(raw) if results else _content(raw)
    if raw.get("refusal") is not None:
        yield Part(kind="text", text=string(raw, "refusal", "a message"), path=("refusal",))
    yield from _spoken(raw.get("audio"))
    yield from _calls(raw)
    if isinstance(name := raw.get("name"), str) and (not results or len(name) <= LABEL):
        read.append("name")  # a speaker's name is counted with the message, a function's stood in the call
    yield from rest(raw, *read)


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
        empty = empty and part.kind in ("other", "sealed")  # which belong to the call, and do not answer it
        yield answering(part, call_id, name)
    if empty:
        yield Part(kind="result", call_id=call_id, name=name)


def _thoughts(thoughts: object) -> Iterable[Part]:
    for one in thoughts if isinstance(thoughts, list | tuple) else () if thoughts is None else (thoughts,):
        if not isinstance(one, Mapping):
            yield Part(kind="other", text=as_json(one))
            continue
        yield from at_least(_thought(one), one)


def _thought(one: Raw) -> Iterable[Part]:
    readable = [key for key in ("thinking", "text", "summary") if isinstance(one.get(key), str)]
    for key in readable:
        yield Part(kind="reasoning", text=one[key])
    if isinstance(one.get("data"), str):
        yield sealed(one["data"])
        readable.append("data")
    yield from rest(one, *readable)


def _spoken(audio: object) -> Iterable[Part]:
    """Yield an earlier spoken answer, which is sent back by its id."""
    if isinstance(audio, Mapping):
        said = audio.get("transcript")
        yield Part(kind="audio", text=said if isinstance(said, str) else "", media=Media())
        yield from rest(audio, *(["transcript"] if isinstance(said, str) else []), "expires_at")
    elif audio is not None:
        yield Part(kind="other", text=as_json(audio))


def _block(block: Raw, kind: str, path: Path) -> Iterable[Part]:
    match kind:
        case "text" | "refusal":
            yield Part(kind="text", text=string(block, kind, f"a {kind} part"), path=(*path, kind))
        case "image_url" | "video_url":
            source = block.get(kind)
            known, inside = (source, (kind, "url")) if isinstance(source, Mapping) else ({"url": source}, (kind,))
            detail = known.get("detail")
            yield from medium(
                "image" if kind == "image_url" else "video",
                known.get("url"),
                path,
                inside=inside,
                detail=detail if isinstance(detail, str) else None,
            )
            yield from rest(known, "url")
        case "input_audio":
            yield from sound(block, path)
        case "file":
            file = _object(block, kind)
            yield from medium(
                "file",
                file.get("file_data"),
                path,
                inside=(kind, "file_data"),
                name=optional(file, "filename", "a file"),
            )
            yield from rest(file, "file_data", "filename")
        case _:
            kind = ""
    yield from rest(block, *([kind] if kind else []))


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
        yield from _call(_object(call, kind), field, ("tool_calls", position, kind, field), call_id)
        yield from rest(call, kind)
    if raw.get("function_call") is not None:
        yield from _call(_object(raw, "function_call"), "arguments", ("function_call", "arguments"), None)


def _call(call: Raw, field: str, path: Path, call_id: str | None) -> Iterable[Part]:
    name, text = string(call, "name", "a tool call"), call.get(field, "")
    if not isinstance(text, str):  # some open-model servers keep arguments as an object
        text = as_json(text)
    yield Part(kind="call", text=text, path=path, name=name, call_id=call_id)
    yield from rest(call, field, "name")
