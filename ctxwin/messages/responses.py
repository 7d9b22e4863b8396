"""OpenAI Responses input items to parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..errors import MessageError
from ..items import Part
from .pieces import answering, as_json, blocks, media_in, media_of, optional, sound_of, string, words
from .values import Path, Raw

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
"""Items that ask the caller for an answer, and the key of what they ask."""

HOSTED = frozenset(
    {"file_search_call", "web_search_call", "code_interpreter_call", "image_generation_call", "mcp_call",
     "mcp_list_tools"}
)  # fmt: skip
"""Tools that the provider runs: call and result are one item."""

SETTINGS = frozenset({"additional_tools", "compaction", "configuration_update"})
"""Items that change how the rest is read; without them it means something else."""


def item_role(raw: Raw) -> str | None:
    """Return who made an input item: `assistant` for calls, `tool` for outputs, None where nobody spoke."""
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
    """Yield the parts of an input item.

    Raises:
        MessageError: a field has not the type that it must have.
    """
    kind = raw.get("type", "message")
    match kind:
        case "message":
            if "content" not in raw:
                raise MessageError(f"a {raw.get('role')} message has no 'content'; add it")
            yield from _content(raw["content"], ("content",))
        case "reasoning":
            yield Part(kind="reasoning", text=words([raw.get("summary"), raw.get("content")]))
        case "mcp_approval_response":
            request = string(raw, "approval_request_id", "an mcp_approval_response")
            yield Part(kind="result", text=str(raw.get("reason") or ""), call_id=request)
        case _ if kind in CALLS:
            yield _call(raw, kind)
        case _ if kind.endswith("_output"):
            yield from _output(raw, kind)
        case _:
            yield Part(kind="other", text=words(raw), call_id=optional(raw, "approval_request_id", kind))
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
    match kind:
        case _ if kind in TEXT:
            yield Part(kind="text", text=string(block, "text", f"an {kind} part"), path=(*path, "text"))
        case "refusal":
            yield Part(kind="text", text=string(block, "refusal", "a refusal part"), path=(*path, "refusal"))
        case "input_image":
            media = media_in(block.get("image_url"), detail=block.get("detail"))
            yield Part(kind="image", path=path, media=media)
        case "input_audio":
            yield Part(kind="audio", path=path, media=sound_of(block))
        case "input_file":
            name = str(block.get("filename") or "")
            yield Part(kind="file", text=name, path=path, media=media_of(block.get("file_data")))
        case _:
            yield Part(kind="other", text=words(block))


def _call(raw: Raw, kind: str) -> Part:
    field = CALLS[kind]
    if kind in ("function_call", "custom_tool_call"):
        return Part(
            kind="call",
            text=string(raw, field, f"a {kind}"),
            path=(field,),
            name=string(raw, "name", f"a {kind}"),
            call_id=string(raw, "call_id", f"a {kind}"),
        )
    asked = raw.get(field)
    text = asked if isinstance(asked, str) else as_json(asked)
    call_id = optional(raw, "id" if kind == "mcp_approval_request" else "call_id", f"a {kind}")
    return Part(kind="call", text=text, name=kind, call_id=call_id)


def _output(raw: Raw, kind: str) -> Iterable[Part]:
    call_id, name = optional(raw, "call_id", f"a {kind}"), optional(raw, "name", f"a {kind}")
    if call_id is None and name is None:  # local shell and hosted tool search: tied by the type of the call
        name = kind.removesuffix("_output").removesuffix("_call") + "_call"
    field = "result" if kind == "program_output" else "output"
    output = raw.get(field)
    found: Iterable[Part]
    if kind == "computer_call_output" and isinstance(output, Mapping):
        found = (Part(kind="image", media=media_in(output.get("image_url"))),)
    elif kind == "shell_call_output" and isinstance(output, list | tuple):
        found = _streams(output)
    elif isinstance(output, str | list | tuple):
        found = _content(output, (field,))
    elif kind in ("function_call_output", "custom_tool_call_output"):
        raise MessageError(f"output is {type(output).__name__}; give a string or a list of content parts")
    else:
        found = ()
    answers = [answering(part, call_id, name) for part in found]
    yield from answers or (Part(kind="result", text=words(raw), call_id=call_id, name=name),)


def _streams(output: Iterable[object]) -> Iterable[Part]:
    for position, piece in enumerate(output):
        for stream in ("stdout", "stderr"):
            text = piece.get(stream) if isinstance(piece, Mapping) else None
            if isinstance(text, str) and text:
                yield Part(kind="text", text=text, path=("output", position, stream))
