"""One message of each kind that a provider documents, with every field that it may have."""

from __future__ import annotations

import base64
import struct
import zlib

CACHE = {"type": "ephemeral", "ttl": "5m"}
TEXT = "The ferry leaves at six."


def png(width: int = 8, height: int = 4) -> str:
    """Return a whole PNG in base64."""
    rows = b"".join(b"\0" + b"\0\0\0" * width for _ in range(height))
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    made = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + made).decode()


def encoded(text: str = TEXT) -> str:
    """Return a text in base64."""
    return base64.b64encode(text.encode()).decode()


SOUND = base64.b64encode(
    b"RIFF" + (36 + 8000).to_bytes(4, "little") + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    + b"data" + (8000).to_bytes(4, "little") + b"\x80" * 8000
).decode()  # fmt: skip


def _server(kind: str, name: str, given: dict, content: object) -> list[dict]:
    return [
        {"type": "server_tool_use", "id": f"srvtoolu_{kind}", "name": name, "input": given, "cache_control": CACHE},
        {"type": f"{kind}_tool_result", "tool_use_id": f"srvtoolu_{kind}", "content": content, "cache_control": CACHE},
    ]


CHAT = [
    {"role": "system", "content": [{"type": "text", "text": "Be brief.", "prompt_cache_breakpoint": {"type": "x"}}]},
    {"role": "developer", "content": "Use metres.", "name": "rules"},
    {
        "role": "user",
        "name": "Ana",
        "content": [
            {"type": "text", "text": TEXT},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{png()}", "detail": "low"}},
            {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
            {"type": "video_url", "video_url": {"url": "https://example.org/a.mp4"}},
            {"type": "input_audio", "input_audio": {"data": SOUND, "format": "wav"}},
            {"type": "file", "file": {"filename": "a.txt", "file_data": f"data:text/plain;base64,{encoded()}"}},
            {"type": "file", "file": {"file_id": "file-1"}},
        ],
    },
    {
        "role": "assistant",
        "content": [{"type": "text", "text": "I look."}, {"type": "refusal", "refusal": "I will not."}],
        "refusal": "No.",
        "audio": {"id": "audio_1", "transcript": "Spoken."},
        "annotations": [
            {"type": "url_citation", "url_citation": {"url": "https://e.org", "title": "E", "start_index": 0}}
        ],
        "reasoning_content": "Let me think.",
        "reasoning_details": [
            {"type": "reasoning.text", "text": "I think.", "signature": "c2ln", "id": "r1", "format": "x", "index": 0},
            {"type": "reasoning.encrypted", "data": encoded(), "id": "r2"},
            {"type": "reasoning.summary", "summary": "I thought."},
        ],
        "thinking_blocks": [
            {"type": "thinking", "thinking": "I think.", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": encoded()},
        ],
        "provider_specific_fields": {"note": "kept"},
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"q": "tides"}'}, "index": 0},
            {"id": "c2", "type": "custom", "custom": {"name": "sql", "input": "select 1"}},
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "name": "find", "content": [{"type": "text", "text": "Ebb at six."}]},
    {"role": "tool", "tool_call_id": "c2", "content": "1"},
    {"role": "assistant", "content": None, "function_call": {"name": "find", "arguments": "{}"}},
    {"role": "function", "name": "find", "content": "Nothing."},
    {"role": "user", "content": "And now?"},
]

MESSAGES = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": TEXT, "cache_control": CACHE},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": png()}},
            {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
            {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
            {
                "type": "document",
                "title": "Tides",
                "context": "A table.",
                "citations": {"enabled": True},
                "source": {"type": "text", "media_type": "text/plain", "data": TEXT},
            },
            {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": TEXT}]}},
            {"type": "document", "source": {"type": "url", "url": "https://example.org/a.pdf"}},
            {
                "type": "search_result",
                "source": "https://example.org",
                "title": "Tides",
                "content": [{"type": "text", "text": TEXT}],
                "citations": {"enabled": True},
            },
            {"type": "container_upload", "file_id": "file_2"},
        ],
    },
    {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": "I think.", "signature": encoded("signed" * 200)},
            {"type": "redacted_thinking", "data": encoded("sealed" * 200)},
            {
                "type": "text",
                "text": "I look.",
                "citations": [
                    {"type": "char_location", "cited_text": "six", "document_index": 0, "document_title": "T"}
                ],
            },
            *_server(
                "web_search",
                "web_search",
                {"query": "tides"},
                [
                    {
                        "type": "web_search_result",
                        "url": "https://e.org",
                        "title": "E",
                        "encrypted_content": encoded(),
                        "page_age": "1 day",
                    }
                ],
            ),
            *_server(
                "web_fetch",
                "web_fetch",
                {"url": "https://e.org"},
                {
                    "type": "web_fetch_result",
                    "url": "https://e.org",
                    "retrieved_at": "2026-11-01",
                    "content": {
                        "type": "document",
                        "title": "E",
                        "citations": {"enabled": True},
                        "source": {"type": "text", "media_type": "text/plain", "data": TEXT},
                    },
                },
            ),
            *_server(
                "code_execution",
                "code_execution",
                {"code": "print(1)"},
                {
                    "type": "code_execution_result",
                    "stdout": "1",
                    "stderr": "",
                    "return_code": 0,
                    "content": [{"type": "code_execution_output", "file_id": "file_3"}],
                },
            ),
            *_server(
                "text_editor_code_execution",
                "text_editor_code_execution",
                {"command": "view", "path": "a.txt"},
                {
                    "type": "text_editor_code_execution_view_result",
                    "file_type": "text",
                    "content": TEXT,
                    "num_lines": 1,
                    "start_line": 1,
                    "total_lines": 1,
                },
            ),
            *_server(
                "tool_search",
                "tool_search_tool_bm25",
                {"query": "weather"},
                {
                    "type": "tool_search_tool_search_result",
                    "tool_references": [{"type": "tool_reference", "tool_name": "weather"}],
                },
            ),
            {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "ask", "server_name": "s", "input": {"a": 1}},
            {
                "type": "mcp_tool_result",
                "tool_use_id": "mcptoolu_1",
                "is_error": False,
                "content": [{"type": "text", "text": TEXT}],
            },
            {"type": "compaction", "content": "So far."},
            {
                "type": "tool_use",
                "id": "toolu_1",
                "name": "find",
                "input": {"q": "tides"},
                "caller": {"type": "direct"},
            },
        ],
    },
    {
        "role": "user",
        "content": [
            {
                "type": "tool_result",
                "tool_use_id": "toolu_1",
                "is_error": False,
                "content": [
                    {"type": "text", "text": "Ebb at six."},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": png()}},
                    {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": TEXT}]},
                    {"type": "tool_reference", "tool_name": "weather"},
                ],
            },
            {"type": "text", "text": "And now?"},
        ],
    },
]

ITEMS = [
    {
        "type": "message",
        "role": "user",
        "id": "msg_0",
        "content": [
            {"type": "input_text", "text": TEXT},
            {"type": "input_image", "image_url": f"data:image/png;base64,{png()}", "detail": "low"},
            {"type": "input_image", "file_id": "file-1"},
            {"type": "input_audio", "input_audio": {"data": SOUND, "format": "wav"}},
            {"type": "input_file", "filename": "a.txt", "file_data": f"data:text/plain;base64,{encoded()}"},
            {"type": "input_file", "file_url": "https://example.org/a.pdf"},
        ],
    },
    {
        "type": "additional_tools",
        "role": "developer",
        "tools": [{"type": "function", "name": "find", "parameters": {}}],
    },
    {"type": "configuration_update", "text": {"verbosity": "low"}},
    {"type": "compaction", "id": "cmp_1", "encrypted_content": encoded("sealed" * 200)},
    {"type": "item_reference", "id": "msg_9"},
    {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "I think."}],
        "content": [{"type": "reasoning_text", "text": "I thought."}],
        "encrypted_content": encoded("sealed" * 200),
    },
    {
        "type": "message",
        "role": "assistant",
        "id": "msg_1",
        "status": "completed",
        "phase": "final_answer",
        "content": [
            {
                "type": "output_text",
                "text": "I look.",
                "annotations": [
                    {"type": "url_citation", "url": "https://e.org", "title": "E", "start_index": 0, "end_index": 2}
                ],
            },
            {"type": "refusal", "refusal": "I will not."},
        ],
    },
    {
        "type": "file_search_call",
        "id": "fs_1",
        "status": "completed",
        "queries": ["tides"],
        "results": [
            {"file_id": "file-1", "filename": "t.md", "score": 0.5, "text": TEXT, "attributes": {"year": "2024"}}
        ],
    },
    {
        "type": "web_search_call",
        "id": "ws_1",
        "status": "completed",
        "action": {"type": "search", "query": "tides", "sources": [{"type": "url", "url": "https://e.org"}]},
    },
    {
        "type": "code_interpreter_call",
        "id": "ci_1",
        "code": "print(1)",
        "container_id": "c",
        "status": "completed",
        "outputs": [{"type": "logs", "logs": "1"}, {"type": "image", "url": "https://e.org/a.png"}],
    },
    {
        "type": "image_generation_call",
        "id": "ig_1",
        "status": "completed",
        "result": png(),
        "revised_prompt": "A ferry.",
    },
    {
        "type": "mcp_list_tools",
        "id": "mcpl_1",
        "server_label": "s",
        "tools": [{"name": "ask", "description": "Asks.", "input_schema": {"type": "object"}, "annotations": None}],
    },
    {
        "type": "mcp_call",
        "id": "mcp_1",
        "server_label": "s",
        "name": "ask",
        "arguments": '{"a": 1}',
        "output": TEXT,
        "error": None,
    },
    {"type": "mcp_approval_request", "id": "mcpr_1", "server_label": "s", "name": "ask", "arguments": "{}"},
    {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True, "reason": "Fine."},
    {
        "type": "computer_call",
        "id": "cu_1",
        "call_id": "k1",
        "status": "completed",
        "action": {"type": "type", "text": "ebb"},
        "pending_safety_checks": [{"id": "s1", "code": "c", "message": "Careful."}],
    },
    {
        "type": "computer_call_output",
        "call_id": "k1",
        "output": {"type": "computer_screenshot", "image_url": f"data:image/png;base64,{png()}"},
    },
    {
        "type": "function_call",
        "id": "fc_1",
        "call_id": "k2",
        "name": "find",
        "arguments": '{"q": "tides"}',
        "namespace": "n",
    },
    {"type": "function_call_output", "call_id": "k2", "output": [{"type": "input_text", "text": "Ebb at six."}]},
    {"type": "custom_tool_call", "call_id": "k3", "name": "sql", "input": "select 1"},
    {"type": "custom_tool_call_output", "call_id": "k3", "output": "1"},
    {
        "type": "local_shell_call",
        "id": "ls_1",
        "call_id": "k4",
        "status": "completed",
        "action": {"type": "exec", "command": ["ls"], "env": {}},
    },
    {"type": "local_shell_call_output", "id": "lso_1", "output": '{"output": "a"}'},
    {"type": "shell_call", "call_id": "k5", "action": {"commands": ["ls"], "timeout_ms": 100}},
    {
        "type": "shell_call_output",
        "call_id": "k5",
        "max_output_length": 100,
        "output": [{"stdout": "a", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}],
    },
    {
        "type": "apply_patch_call",
        "call_id": "k6",
        "status": "completed",
        "operation": {"type": "update_file", "path": "a", "diff": "+a"},
    },
    {"type": "apply_patch_call_output", "call_id": "k6", "status": "completed", "output": "done"},
    {"type": "tool_search_call", "call_id": "k7", "arguments": {"query": "weather"}, "execution": "client"},
    {
        "type": "tool_search_output",
        "call_id": "k7",
        "tools": [{"type": "function", "name": "weather", "parameters": {}}],
    },
    {"type": "program", "id": "p_1", "call_id": "k8", "code": "await find()", "fingerprint": "f"},
    {"type": "program_output", "id": "po_1", "call_id": "k8", "result": "3", "status": "completed"},
    {"type": "message", "role": "user", "content": "And now?"},
]

SCHEMA = {
    "type": "object",
    "title": "Question",
    "description": "What is asked.",
    "required": ["q"],
    "additionalProperties": False,
    "properties": {
        "q": {"type": ["string", "null"], "description": "Words.", "default": "tides", "pattern": "[a-z]+"},
        "n": {"type": "integer", "minimum": 1, "examples": [3]},
        "kind": {"enum": ["ebb", "flood"]},
        "all": {"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/place"}, {"type": "string", "format": "date"}]}},
    },
    "$defs": {"place": {"type": "object", "properties": {"name": {"type": "string", "description": "Its name."}}}},
}
FUNCTION = {"name": "find", "description": "Finds tides.", "parameters": SCHEMA, "strict": True}
TOOLS = {
    "openai": [
        {"type": "function", "function": FUNCTION},
        {
            "type": "custom",
            "custom": {
                "name": "sql",
                "description": "Asks.",
                "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /a/"}},
            },
        },
    ],
    "responses": [
        {"type": "function", **FUNCTION, "output_schema": {"type": "string"}},
        {
            "type": "web_search",
            "user_location": {"type": "approximate", "city": "Bergen"},
            "filters": {"allowed_domains": ["e.org"]},
        },
        {
            "type": "mcp",
            "server_label": "s",
            "server_url": "https://e.org",
            "server_description": "Tides.",
            "allowed_tools": ["ask"],
        },
        {"type": "namespace", "name": "sea", "description": "The sea.", "tools": [{"type": "function", **FUNCTION}]},
        {"type": "custom", "name": "sql", "format": {"type": "grammar", "syntax": "lark", "definition": "start: /a/"}},
        {"type": "function", **FUNCTION, "defer_loading": True},
    ],
    "anthropic": [
        {
            "name": "find",
            "description": "Finds tides.",
            "input_schema": SCHEMA,
            "cache_control": CACHE,
            "input_examples": [{"q": "x"}],
        },
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 3, "allowed_domains": ["e.org"]},
        {"name": "later", "description": "Later.", "input_schema": SCHEMA, "defer_loading": True},
    ],
}

BODIES = {
    "openai": {"model": "gpt-5-mini", "messages": CHAT, "tools": TOOLS["openai"]},
    "responses": {"model": "gpt-5-mini", "instructions": "Be brief.", "input": ITEMS, "tools": TOOLS["responses"]},
    "anthropic": {
        "model": "claude-sonnet-4-5",
        "max_tokens": 100,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": CACHE}],
        "messages": MESSAGES,
        "tools": TOOLS["anthropic"],
    },
}
"""A request body of each dialect with all of it."""
