"""Lists the types of Responses items and of content blocks that the providers document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..conversation import Dialect

__all__ = ["BLOCK_TYPES", "ITEM_TYPES", "unknown_types"]

ITEM_TYPES = frozenset(
    {
        "additional_tools", "apply_patch_call", "apply_patch_call_output", "code_interpreter_call", "compaction",
        "compaction_trigger", "computer_call", "computer_call_output", "configuration_update", "custom_tool_call",
        "custom_tool_call_output", "file_search_call", "function_call", "function_call_output",
        "image_generation_call", "item_reference", "local_shell_call", "local_shell_call_output",
        "mcp_approval_request", "mcp_approval_response", "mcp_call", "mcp_list_tools", "message", "program",
        "program_output", "reasoning", "shell_call", "shell_call_output", "tool_search_call", "tool_search_output",
        "web_search_call",
    }
)  # fmt: skip
"""Input items of the Responses API: the union `ResponseInputItemParam` of openai-python 3.57."""

BLOCK_TYPES: Mapping[Dialect, frozenset[str]] = {
    "openai": frozenset({"file", "image_url", "input_audio", "refusal", "text", "video_url"}),
    "responses": frozenset(
        {
            "computer_screenshot", "input_audio", "input_file", "input_image", "input_text", "output_text",
            "reasoning_text", "refusal", "summary_text",
        }
    ),
    "anthropic": frozenset(
        {
            "advisor_redacted_result", "advisor_result", "advisor_tool_result", "advisor_tool_result_error",
            "bash_code_execution_output", "bash_code_execution_result", "bash_code_execution_tool_result",
            "bash_code_execution_tool_result_error", "browser_state", "code_execution_output",
            "code_execution_result", "code_execution_tool_result", "code_execution_tool_result_error", "compaction",
            "container_upload", "document", "encrypted_code_execution_result", "fallback", "image",
            "mcp_tool_listing", "mcp_tool_result", "mcp_tool_use", "redacted_thinking", "search_result",
            "server_tool_use", "text", "text_editor_code_execution_create_result",
            "text_editor_code_execution_str_replace_result", "text_editor_code_execution_tool_result",
            "text_editor_code_execution_tool_result_error", "text_editor_code_execution_view_result", "thinking",
            "tool_addition", "tool_reference", "tool_removal", "tool_result", "tool_search_tool_result",
            "tool_search_tool_result_error", "tool_search_tool_search_result", "tool_use", "web_fetch_result",
            "web_fetch_tool_result", "web_fetch_tool_result_error", "web_search_result", "web_search_tool_result",
            "web_search_tool_result_error",
        }
    ),
}  # fmt: skip
"""Content blocks, those inside results and documents included.

Sources: the unions `ChatCompletionContentPart*Param` and `ResponseInputContentParam` of openai-python 3.57 with the
parts of answers and reasoning; `BetaContentBlockParam` of anthropic 2.14 and the blocks inside its members. `video_url`
is not OpenAI's, but servers of open models take it; some models take `input_audio` in Responses.
"""


def unknown_types(messages: Iterable[Any], dialect: Dialect) -> list[str]:
    """Return the types of items and content blocks that are on no list, sorted, without repetition.

    Args:
        messages: of a request, in any state.
        dialect: of the messages.

    Example:
        >>> unknown_types([{"role": "user", "content": [{"type": "hologram"}, {"type": "text"}]}], "openai")
        ['hologram']
    """
    found: set[str] = set()
    for message in messages:
        if not isinstance(message, Mapping):
            continue
        kind = message.get("type")
        if dialect == "responses" and isinstance(kind, str) and kind not in ITEM_TYPES:
            found.add(kind)
        content = message.get("content")
        for block in content if isinstance(content, list | tuple) else ():
            kind = block.get("type") if isinstance(block, Mapping) else None
            if isinstance(kind, str) and kind not in BLOCK_TYPES[dialect]:
                found.add(kind)
    return sorted(found)
