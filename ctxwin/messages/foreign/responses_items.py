"""Turns items of OpenAI Responses, as agents keep them, into pieces of a conversation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .content_blocks import contents, field_of, pieces, shown
from .script import Script
from .speech import Said, SaidCall, SaidResult, Thought, rows_of, text, word

__all__ = ["ITEMS", "take_item"]

ASKED: Mapping[str, tuple[str, ...]] = {
    "function_call": ("arguments",),
    "custom_tool_call": ("input",),
    "local_shell_call": ("action",),
    "shell_call": ("action",),
    "apply_patch_call": ("operation", "patch"),
    "computer_call": ("action", "actions"),
    "tool_search_call": ("arguments", "query"),
    "mcp_approval_request": ("arguments",),
}
"""Items that another item answers, and the keys of their request."""
HOSTED: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "web_search_call": (("action", "query"), ("results",)),
    "file_search_call": (("queries",), ("results",)),
    "code_interpreter_call": (("code",), ("outputs",)),
    "image_generation_call": (("revised_prompt", "prompt"), ("saved_path",)),
    "mcp_call": (("arguments",), ("output", "error")),
    "mcp_list_tools": (("server_label",), ("tools", "error")),
    "hosted_tool_call": (("arguments",), ("output",)),
}
"""Items of provider-run tools: the keys of request and result."""
ANSWERS = frozenset(
    {"function_call_result", "shell_call_output", "function_call_output", "custom_tool_call_output",
     "local_shell_call_output", "apply_patch_call_output", "computer_call_output", "computer_call_result",
     "tool_search_output", "mcp_approval_response", "mcp_tool_call_output"}
)  # fmt: skip
SILENT = frozenset({"item_reference", "compaction", "compaction_trigger", "additional_tools", "ghost_snapshot"})
"""Items without any readable words."""
ITEMS = frozenset({"message", "reasoning", "agent_message", *ASKED, *HOSTED, *ANSWERS, *SILENT})
"""Types of items, including those of Codex and of the Agents SDK for JavaScript."""
ROLES = frozenset({"system", "developer", "user", "assistant"})


def take_item(script: Script, item: Mapping[str, Any], *, time: str | None = None, speaker: str | None = None) -> None:
    """Take an item of Responses; thoughts, words and calls of one answer become one message."""
    kind = word(item, "type") or "message"
    role = word(item, "role") or ("user" if kind in ANSWERS else "assistant")
    if kind == "agent_message":  # of one agent of a team to another
        speaker = word(item, "author") or speaker
    elif kind == "message" and role == "tool":
        role = "assistant"
    script.take(
        role if role in ROLES else "user",
        list(_pieces(item, kind)),
        time=time,
        speaker=speaker,
        joined=role == "assistant",
    )


def _pieces(item: Mapping[str, Any], kind: str) -> Iterator[Said]:
    if kind in ("message", "agent_message"):
        yield from pieces(item.get("content") if "content" in item else item.get("text"))
    elif kind == "reasoning":
        yield Thought(_thought(item))
    elif kind in ANSWERS:
        yield SaidResult(id=_call_id(item), content=_output(item), name=item.get("name"))
    elif kind in ASKED:
        yield _call(item, kind, ASKED[kind])
    elif kind in HOSTED:
        asks, gives = HOSTED[kind]
        call = _call(item, kind, asks)
        yield call
        found = [item[name] for name in gives if item.get(name) is not None]
        words = "\n".join(shown(one) for one in found) or f"[{item.get('status') or 'done'}]"
        yield SaidResult(id=call.id, name=call.name, content=[text(words)])
    elif kind not in SILENT:
        yield text(shown({key: value for key, value in item.items() if key not in ("type", "id", "status")}))


def _call(item: Mapping[str, Any], kind: str, where: Iterable[str]) -> SaidCall:
    name = str(item.get("name") or kind.removesuffix("_call"))
    asked = field_of(item, *where)
    bare = isinstance(asked, str) and kind in HOSTED and not asked.lstrip().startswith("{")
    if bare or not isinstance(asked, str | Mapping | None):
        asked = {next(iter(where)): asked}
    return SaidCall(name=name, arguments=asked, id=_call_id(item), custom=kind == "custom_tool_call")


def _call_id(item: Mapping[str, Any]) -> str | None:
    found = field_of(item, "call_id", "callId", "approval_request_id", "id")
    return found if isinstance(found, str) else None


def _output(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    output = field_of(item, "output", "tools", "reason")
    if isinstance(output, str):
        return [text(_unwrapped(output))]
    if isinstance(output, Mapping) and "type" not in output and "content" in output:
        output = output["content"]  # Codex's own form: what was put out, and whether it went well
    if output is None:
        return [text(shown({key: item[key] for key in item.keys() & {"approve", "status"}}))]
    return contents(output)


def _unwrapped(output: str) -> str:
    """Return the output of a command of early Codex, which is stored in JSON with its exit code."""
    if output.startswith('{"output":'):
        try:
            found = json.loads(output)
        except (ValueError, RecursionError):
            return output
        code = found.get("metadata", {}).get("exit_code") if isinstance(found.get("metadata"), Mapping) else None
        if isinstance(found.get("output"), str):
            return f"{found['output']}\n[exit code {code}]" if code else found["output"]
    return output


def _thought(item: Mapping[str, Any]) -> str:
    told = [*rows_of(item.get("summary")), *rows_of(field_of(item, "content", "rawContent"))]
    return "\n\n".join(word(one, "text") for one in told) or word(item, "summary", "text")
