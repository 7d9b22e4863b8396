"""Parses OpenAI Responses input items into parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ...errors import MessageError
from ...items import Part
from ..conversation import Path, Raw
from .fields import LABEL, answering, as_json, at_least, blocks, medium, optional, rest, shown, sound, string

__all__ = ["HOSTED", "SETTINGS", "from_model", "item_role", "parts"]

TEXT = frozenset({"input_text", "output_text", "text", "summary_text", "reasoning_text"})

CALLS: Mapping[str, str] = {
    "function_call": "arguments",
    "custom_tool_call": "input",
    "computer_call": "action",
    "local_shell_call": "action",
    "shell_call": "action",
    "apply_patch_call": "operation",
    "tool_search_call": "arguments",
    "mcp_approval_request": "arguments",
    "program": "code",
}
"""Items that ask the caller for an answer, and the key of their request."""

HOSTED = frozenset(
    {"file_search_call", "web_search_call", "code_interpreter_call", "image_generation_call", "mcp_call",
     "mcp_list_tools"}
)  # fmt: skip
"""Tools that the provider runs: call and result are one item."""
FOUND = ("results", "outputs", "output", "tools", "action", "code", "arguments", "error", "queries")
"""Keys of such an item for the request and the finds."""

SETTINGS = frozenset({"additional_tools", "compaction", "configuration_update"})
"""Items that change how the rest is read; without them the rest would mean something else."""


def item_role(raw: Raw) -> str | None:
    """Return the role of an input item: `assistant` for calls, `tool` for outputs, None if nobody spoke."""
    kind = raw.get("type", "message")
    if kind == "message" or "role" in raw:
        return str(raw.get("role"))
    if kind.endswith("_output") or kind == "mcp_approval_response":
        return "tool"
    return "assistant" if from_model(raw) else None


def from_model(raw: Raw) -> bool:
    """Tell whether the model made an item; a reference stands for an item of a stored answer."""
    kind = raw.get("type", "message")
    if kind == "message":
        return raw.get("role") == "assistant"
    return kind in CALLS or kind in HOSTED or kind in ("reasoning", "item_reference")


def parts(raw: Raw) -> Iterable[Part]:
    """Yield the parts of an input item, and all its other fields.

    Raises:
        MessageError: a field has a wrong type.
    """
    kind = raw.get("type", "message")
    match kind:
        case "message":
            if "content" not in raw:
                raise MessageError(f"a {raw.get('role')} message has no 'content'; add it")
            yield from _content(raw["content"], ("content",))
            yield from rest(raw, "content", "name")
        case "reasoning":
            yield from _thoughts(raw)
        case "mcp_approval_response":
            request = string(raw, "approval_request_id", "an mcp_approval_response")
            yield Part(kind="result", text=str(raw.get("reason") or ""), call_id=request)
            yield from rest(raw, "reason")
        case _ if kind in CALLS:
            yield from _call(raw, kind)
        case _ if kind in HOSTED:
            yield from _hosted(raw, kind)
        case _ if kind.endswith("_output"):
            yield from _output(raw, kind)
        case _:
            yield from rest(raw)
    caller = raw.get("caller")
    if isinstance(caller, Mapping) and isinstance(caller.get("caller_id"), str):  # a call made by running code
        yield Part(kind="other", call_id=caller["caller_id"])


def _content(content: object, path: Path) -> Iterable[Part]:
    if isinstance(content, str):
        return (Part(kind="text", text=content, path=path),)
    if isinstance(content, list | tuple):
        return blocks(content, path, _block)
    raise MessageError(f"{path[0]} is {type(content).__name__}; give a string or a list of content parts")


def _block(block: Raw, kind: str, path: Path) -> Iterable[Part]:
    read: tuple[str, ...] = ()
    match kind:
        case _ if kind in TEXT:
            yield Part(kind="text", text=string(block, "text", f"an {kind} part"), path=(*path, "text"))
            read = ("text",)
        case "refusal":
            yield Part(kind="text", text=string(block, "refusal", "a refusal part"), path=(*path, "refusal"))
            read = ("refusal",)
        case "input_image" | "computer_screenshot":
            detail = block.get("detail")
            yield from medium(
                "image",
                block.get("image_url"),
                path,
                inside=("image_url",),
                detail=detail if isinstance(detail, str) else None,
            )
            read = ("image_url",)
        case "input_audio":
            yield from sound(block, path)
            read = ("input_audio",)
        case "input_file":
            yield from _file(block, path)
            read = ("file_data", "file_url", "filename")
    yield from rest(block, *read)


def _file(block: Raw, path: Path) -> Iterable[Part]:
    name = optional(block, "filename", "an input_file part")
    where = "file_url" if block.get("file_data") is None and block.get("file_url") is not None else "file_data"
    yield from medium("file", block.get(where), path, inside=(where,), name=name)
    if where == "file_data" and block.get("file_url") is not None:
        yield from rest({"file_url": block["file_url"]})


def _thoughts(raw: Raw) -> Iterable[Part]:
    lists = {key: raw[key] for key in ("summary", "content") if isinstance(raw.get(key), list | tuple)}
    found = [one for listed in lists.values() for one in listed if isinstance(one, Mapping)]
    odd = [one for listed in lists.values() for one in listed if not isinstance(one, Mapping)]
    texts = [one["text"] for one in found if isinstance(one.get("text"), str)]
    yield Part(kind="reasoning", text="\n".join(texts))
    for one in found:
        yield from rest(one, "text") if isinstance(one.get("text"), str) else at_least(rest(one), one)
    if odd:
        yield Part(kind="other", text=as_json(odd))
    yield from rest(raw, *lists)


def _call(raw: Raw, kind: str) -> Iterable[Part]:
    field = CALLS[kind]
    if kind in ("function_call", "custom_tool_call"):
        yield Part(
            kind="call",
            text=string(raw, field, f"a {kind}"),
            path=(field,),
            name=string(raw, "name", f"a {kind}"),
            call_id=string(raw, "call_id", f"a {kind}"),
        )
        yield from rest(raw, field, "name")
        return
    asked = raw.get(field)
    text = asked if isinstance(asked, str) else as_json(asked)
    call_id = optional(raw, "id" if kind == "mcp_approval_request" else "call_id", f"a {kind}")
    path = (field,) if asked else ()
    yield Part(kind="call", text=text, path=path, name=kind, call_id=call_id)
    yield from rest(raw, field)


def _hosted(raw: Raw, kind: str) -> Iterable[Part]:
    """Yield the call of a provider-run tool and its finds, which are one item."""
    call_id = optional(raw, "approval_request_id", f"a {kind}")
    if call_id is not None:
        yield Part(kind="other", call_id=call_id)
    if kind == "image_generation_call":
        yield from medium("image", raw.get("result"), (), inside=(), mime="image/png")
        yield from rest(raw, "result")
        return
    inside = [key for key in FOUND if raw.get(key) is not None]
    for key in inside:
        # The text of a result may be shortened; the item is no answer to a call of ours.
        yield from (replace(part, call_id=None) for part in shown(raw[key], (key,), "", _block))
    yield from rest(raw, *inside)


def _output(raw: Raw, kind: str) -> Iterable[Part]:
    call_id, name = optional(raw, "call_id", f"a {kind}"), optional(raw, "name", f"a {kind}")
    if call_id is None and name is None:  # local shell and hosted tool search: tied by the type of the call
        name = kind.removesuffix("_output").removesuffix("_call") + "_call"
    field = "result" if kind == "program_output" else "tools" if kind == "tool_search_output" else "output"
    output = raw.get(field)
    found: Iterable[Part]
    if kind == "computer_call_output" and isinstance(output, Mapping):
        found = _block(output, "computer_screenshot", (field,))
    elif kind == "shell_call_output" and isinstance(output, list | tuple):
        found = _streams(output)
    elif isinstance(output, str | list | tuple) and kind != "tool_search_output":
        found = _content(output, (field,))
    elif kind in ("function_call_output", "custom_tool_call_output"):
        raise MessageError(f"output is {type(output).__name__}; give a string or a list of content parts")
    else:
        found = (Part(kind="text", text=as_json(output)),) if output is not None else ()
    answers = [answering(part, call_id, name) for part in found]
    if all(part.kind in ("other", "sealed") for part in answers):
        yield Part(kind="result", call_id=call_id, name=name)
    yield from answers
    yield from rest(raw, field, *(["name"] if isinstance(raw.get("name"), str) and len(raw["name"]) <= LABEL else []))


def _streams(output: Iterable[object]) -> Iterable[Part]:
    for position, piece in enumerate(output):
        if not isinstance(piece, Mapping):
            yield Part(kind="other", text=as_json(piece))
            continue
        yield from at_least(_stream(piece, ("output", position)), piece)


def _stream(piece: Raw, path: Path) -> Iterable[Part]:
    streams = [stream for stream in ("stdout", "stderr") if isinstance(piece.get(stream), str)]
    for stream in streams:
        if piece[stream]:
            yield Part(kind="text", text=piece[stream], path=(*path, stream))
    yield from rest(piece, *streams)
