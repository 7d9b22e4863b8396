"""Small conversations as agents and SDKs keep them, made by hand after the public descriptions of each form.

All tell of a shed: where its key is, and what a tool said of it. `COMPLETE` are whole conversations, by the file of
`ctxwin.messages.foreign` that reads them; each with the texts that must not be lost.
"""

from __future__ import annotations

import json
from typing import Any

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = "JVBERi0xLjQKJSVFT0YK"
ASKED, LOOKED, FOUND, SAID = "Where is the key of the shed?", "look_under", "A rusty key, 7 cm.", "Under the mat."
THOUGHT = "Keys lie under mats."
TALK = (ASKED, FOUND, SAID, LOOKED)
AT = "2026-03-01T10:00:0{}.000Z"


def line(kind: str, uuid: str, parent: str | None, content: Any, **more: Any) -> dict[str, Any]:
    """Return a line of a Claude Code session."""
    message = {"role": kind, "content": content, **({"id": more.pop("message")} if "message" in more else {})}
    about = {"sessionId": "s1", "cwd": "/home/ana/shed", "gitBranch": "main", "isSidechain": False, "version": "2.1.9"}
    return {
        **about,
        "type": kind,
        "uuid": uuid,
        "parentUuid": parent,
        "timestamp": AT.format(1),
        "message": message,
        **more,
    }


def use(call_id: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": LOOKED, "input": arguments}


def gave(call_id: str, content: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content}


CLAUDE_CODE = [
    {"type": "summary", "summary": "The key of the shed", "leafUuid": "a3"},
    {"type": "file-history-snapshot", "messageId": "u1", "snapshot": {"trackedFileBackups": {}}},
    line("user", "u1", None, ASKED),
    line("assistant", "a1", "u1", [{"type": "thinking", "thinking": THOUGHT, "signature": "x" * 300}], message="msg_1"),
    line("assistant", "a2", "a1", [use("t1", what="mat")], message="msg_1"),
    line("user", "r1", "a2", [gave("t1", [{"type": "text", "text": FOUND}])], toolUseResult={"stdout": FOUND}),
    line("assistant", "a3", "r1", [{"type": "text", "text": SAID}], message="msg_2"),
    {"type": "system", "subtype": "turn_duration", "uuid": "y1", "parentUuid": "a3", "durationMs": 900},
]
CLAUDE_STREAM = [
    {"type": "system", "subtype": "init", "cwd": "/home/ana", "session_id": "s2", "tools": [LOOKED]},
    {"type": "user", "message": {"role": "user", "content": ASKED}, "parent_tool_use_id": None, "session_id": "s2"},
    {"type": "assistant", "message": {"role": "assistant", "id": "m1", "content": [use("t1")]}, "session_id": "s2"},
    {"type": "user", "message": {"role": "user", "content": [gave("t1", FOUND)]}, "session_id": "s2"},
    {"type": "assistant", "message": {"role": "assistant", "id": "m2", "content": [{"type": "text", "text": SAID}]}},
    {"type": "result", "subtype": "success", "is_error": False, "result": SAID, "session_id": "s2"},
]


def codex(kind: str, /, **payload: Any) -> dict[str, Any]:
    """Return a line of a Codex rollout."""
    return {"timestamp": AT.format(1), "type": kind, "payload": payload}


def codex_said(role: str, words: str) -> dict[str, Any]:
    block = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": block, "text": words}]}


CODEX_ITEMS = [
    codex_said("user", "<environment_context>\n<cwd>/home/ana</cwd>\n</environment_context>"),
    codex_said("user", ASKED),
    {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": THOUGHT}],
        "encrypted_content": "gAAAA",
    },
    {"type": "function_call", "name": LOOKED, "arguments": '{"what": "mat"}', "call_id": "call_1"},
    {"type": "function_call_output", "call_id": "call_1", "output": FOUND},
    {
        "type": "custom_tool_call",
        "call_id": "call_2",
        "name": "apply_patch",
        "input": "*** Begin Patch\n+key",
        "status": "completed",
    },
    {
        "type": "custom_tool_call_output",
        "call_id": "call_2",
        "output": '{"output":"Success.","metadata":{"exit_code":0}}',
    },
    {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "rust on keys"}},
    codex_said("assistant", SAID),
]
CODEX = [
    codex(
        "session_meta",
        id="c1",
        cwd="/home/ana",
        originator="codex_cli_rs",
        cli_version="0.80.0",
        base_instructions={"text": "Be brief."},
    ),
    codex("turn_context", cwd="/home/ana", model="gpt-5.2-codex"),
    codex("event_msg", type="user_message", message=ASKED, kind="plain"),
    *[codex("response_item", **item) for item in CODEX_ITEMS],
    codex("event_msg", type="token_count", info=None),
    codex("event_msg", type="agent_message", message=SAID),
]
CODEX_BARE = [
    {"id": "c0", "timestamp": AT.format(0), "instructions": "Be brief.", "git": {"branch": "main"}},
    {"record_type": "state"},
    *CODEX_ITEMS,
]
CODEX_EARLY = {"session": {"id": "c9", "timestamp": AT.format(0), "instructions": ""}, "items": CODEX_ITEMS}

AGENTS_ROWS = [
    {"id": number, "session_id": "ana", "created_at": "2026-03-01 10:00:00", "message_data": json.dumps(item)}
    for number, item in enumerate(
        [
            {"role": "user", "content": ASKED},
            {
                "type": "function_call",
                "name": LOOKED,
                "arguments": "{}",
                "call_id": "c1",
                "id": "fc_1",
                "status": "completed",
            },
            {"type": "function_call_output", "call_id": "c1", "output": FOUND},
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": SAID, "annotations": []}],
            },
        ]
    )
]
AGENTS_RUN = {
    "input": ASKED,
    "new_items": [
        {
            "type": "tool_call_item",
            "agent": {"name": "Keeper"},
            "raw_item": {"type": "function_call", "name": LOOKED, "arguments": "{}", "call_id": "c1"},
        },
        {
            "type": "tool_call_output_item",
            "raw_item": {"type": "function_call_output", "call_id": "c1", "output": FOUND},
            "output": FOUND,
        },
        {"type": "message_output_item", "raw_item": codex_said("assistant", SAID)},
    ],
    "final_output": SAID,
}
AGENTS_HISTORY = {"history": CODEX_ITEMS[1:], "lastAgent": "Keeper"}
AGENTS_JS = [
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": ASKED}]},
    {"type": "function_call", "callId": "c1", "name": LOOKED, "arguments": "{}", "status": "completed"},
    {
        "type": "function_call_result",
        "callId": "c1",
        "name": LOOKED,
        "status": "completed",
        "output": {"type": "text", "text": FOUND},
    },
    {"type": "message", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": SAID}]},
]
AGENTS_MIXED = [
    {"role": "user", "content": ASKED},
    {"type": "function_call", "name": LOOKED, "arguments": "{}", "call_id": "c1"},
    {"role": "tool", "tool_call_id": "c1", "content": FOUND},
    {"role": "assistant", "content": SAID},
]
AGENTS_REALTIME = [
    {
        "item_id": "i1",
        "type": "message",
        "role": "user",
        "content": [{"type": "input_audio", "audio": None, "transcript": ASKED}],
    },
    {
        "item_id": "i2",
        "type": "function_call",
        "name": LOOKED,
        "arguments": "{}",
        "status": "completed",
        "output": FOUND,
    },
    {"item_id": "i3", "type": "message", "role": "assistant", "content": [{"type": "audio", "transcript": SAID}]},
]

LANGCHAIN_DUMPED = [
    {"content": ASKED, "additional_kwargs": {}, "response_metadata": {}, "type": "human", "name": "Ana", "id": None},
    {
        "content": "",
        "type": "ai",
        "tool_calls": [{"name": LOOKED, "args": {"what": "mat"}, "id": "c1", "type": "tool_call"}],
        "invalid_tool_calls": [],
        "usage_metadata": {"input_tokens": 9, "output_tokens": 3, "total_tokens": 12},
    },
    {"content": FOUND, "type": "tool", "tool_call_id": "c1", "name": LOOKED, "status": "success", "artifact": None},
    {"content": [{"type": "text", "text": SAID}], "type": "ai", "tool_calls": []},
]

GEMINI = {
    "systemInstruction": {"parts": [{"text": "Be brief."}]},
    "contents": [
        {"role": "user", "parts": [{"text": ASKED}, {"inlineData": {"mimeType": "image/png", "data": PNG}}]},
        {
            "role": "model",
            "parts": [
                {"text": THOUGHT, "thought": True},
                {"functionCall": {"name": LOOKED, "args": {"what": "mat"}}, "thoughtSignature": "sig"},
            ],
        },
        {"role": "user", "parts": [{"functionResponse": {"name": LOOKED, "response": {"result": FOUND}}}]},
        {
            "role": "model",
            "parts": [
                {"executableCode": {"language": "PYTHON", "code": "print(7)"}},
                {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "7\n"}},
                {"text": SAID},
            ],
        },
    ],
    "generationConfig": {"temperature": 0},
}
GEMINI_SNAKE = [
    {"role": "user", "parts": [{"text": ASKED}]},
    {"role": "model", "parts": [{"function_call": {"name": LOOKED, "args": {}}}]},
    {"role": "user", "parts": [{"function_response": {"name": LOOKED, "response": {"result": FOUND}}}]},
    {"role": "model", "parts": [{"text": SAID[:5]}]},
    {"role": "model", "parts": [{"text": SAID[5:]}]},
]
AI_STUDIO = {
    "runSettings": {"temperature": 1.0, "model": "models/gemini-2.5-pro"},
    "systemInstruction": {"text": "Be brief."},
    "chunkedPrompt": {
        "chunks": [
            {"driveDocument": {"id": "1abc"}, "role": "user", "tokenCount": 9},
            {"text": ASKED, "role": "user", "tokenCount": 6},
            {"text": THOUGHT, "role": "model", "isThought": True},
            {"text": f"{LOOKED}: {FOUND} {SAID}", "role": "model", "finishReason": "STOP", "parts": [{"text": SAID}]},
        ],
        "pendingInputs": [{"text": "", "role": "user"}],
    },
}
GEMINI_MESSAGES = [
    {"id": "m1", "timestamp": AT.format(1), "type": "user", "content": [{"text": ASKED}]},
    {"id": "m2", "timestamp": AT.format(2), "type": "info", "content": "A new version is there."},
    {
        "id": "m3",
        "timestamp": AT.format(3),
        "type": "gemini",
        "content": "",
        "model": "gemini-2.5-pro",
        "thoughts": [{"subject": "Mats", "description": THOUGHT, "timestamp": AT.format(3)}],
        "toolCalls": [
            {
                "id": "c1",
                "name": LOOKED,
                "args": {"what": "mat"},
                "status": "success",
                "resultDisplay": "key",
                "result": [{"functionResponse": {"id": "c1", "name": LOOKED, "response": {"output": FOUND}}}],
            }
        ],
    },
    {"id": "m4", "timestamp": AT.format(4), "type": "gemini", "content": SAID},
]
GEMINI_SESSION = {
    "sessionId": "g1",
    "projectHash": "ab",
    "startTime": AT.format(0),
    "lastUpdated": AT.format(5),
    "messages": GEMINI_MESSAGES,
}
GEMINI_LINES = [
    {"sessionId": "g1", "projectHash": "ab", "startTime": AT.format(0), "kind": "main"},
    GEMINI_MESSAGES[0],
    {"id": "x", "type": "gemini", "content": "A wrong turn."},
    {"$rewindTo": "x"},
    {**GEMINI_MESSAGES[2], "toolCalls": []},
    GEMINI_MESSAGES[2],
    {"$set": {"lastUpdated": AT.format(5)}},
    GEMINI_MESSAGES[3],
]

VERCEL = [
    {
        "id": "v1",
        "role": "user",
        "parts": [
            {"type": "text", "text": ASKED},
            {"type": "file", "mediaType": "image/png", "url": f"data:image/png;base64,{PNG}"},
        ],
    },
    {
        "id": "v2",
        "role": "assistant",
        "metadata": {"createdAt": 1_772_360_000_000},
        "parts": [
            {"type": "step-start"},
            {"type": "reasoning", "text": THOUGHT},
            {
                "type": f"tool-{LOOKED}",
                "toolCallId": "c1",
                "state": "output-available",
                "input": {"what": "mat"},
                "output": {"seen": FOUND},
            },
            {
                "type": "dynamic-tool",
                "toolName": "weigh",
                "toolCallId": "c2",
                "state": "output-error",
                "input": {},
                "errorText": "no scales",
            },
            {"type": "step-start"},
            {"type": "text", "text": SAID, "state": "done"},
            {"type": "source-url", "sourceId": "1", "url": "https://example.com/mats", "title": "Mats"},
            {"type": "data-weather", "data": {"sky": "grey"}},
        ],
    },
]
VERCEL_OLD = [
    {"id": "1", "role": "user", "content": ASKED, "createdAt": "2026-03-01T10:00:00.000Z"},
    {
        "id": "2",
        "role": "assistant",
        "content": SAID,
        "toolInvocations": [{"state": "result", "toolCallId": "c1", "toolName": LOOKED, "args": {}, "result": FOUND}],
    },
]
VERCEL_MODEL = [
    {"role": "user", "content": [{"type": "text", "text": ASKED}]},
    {"role": "assistant", "content": [{"type": "tool-call", "toolCallId": "c1", "toolName": LOOKED, "input": {}}]},
    {
        "role": "tool",
        "content": [
            {"type": "tool-result", "toolCallId": "c1", "toolName": LOOKED, "output": {"type": "text", "value": FOUND}}
        ],
    },
    {"role": "assistant", "content": SAID},
]

BEDROCK_MESSAGES = [
    {
        "role": "user",
        "content": [
            {"text": ASKED},
            {"image": {"format": "png", "source": {"bytes": PNG}}},
            {"document": {"format": "pdf", "name": "plan", "source": {"bytes": PDF}}},
        ],
    },
    {
        "role": "assistant",
        "content": [
            {"reasoningContent": {"reasoningText": {"text": THOUGHT, "signature": "s"}}},
            {"toolUse": {"toolUseId": "c1", "name": LOOKED, "input": {"what": "mat"}}},
        ],
    },
    {
        "role": "user",
        "content": [
            {"toolResult": {"toolUseId": "c1", "content": [{"json": {"seen": FOUND}}], "status": "success"}},
            {"cachePoint": {"type": "default"}},
        ],
    },
    {"role": "assistant", "content": [{"text": SAID}]},
]
BEDROCK = {
    "modelId": "amazon.nova-lite-v1:0",
    "system": [{"text": "Be brief."}],
    "messages": BEDROCK_MESSAGES,
    "inferenceConfig": {},
}

OLLAMA = {
    "model": "llama3.2",
    "stream": False,
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": ASKED, "images": [PNG]},
        {
            "role": "assistant",
            "content": "",
            "thinking": THOUGHT,
            "tool_calls": [{"function": {"name": LOOKED, "arguments": {"what": "mat"}}}],
        },
        {"role": "tool", "tool_name": LOOKED, "content": FOUND},
        {"role": "assistant", "content": SAID},
    ],
}
OLLAMA_TYPED = [
    {"role": "user", "content": ASKED},
    {
        "role": "assistant",
        "tool_calls": [{"type": "function", "function": {"index": 0, "name": LOOKED, "arguments": {}}}],
    },
    {"role": "tool", "tool_name": LOOKED, "content": FOUND},
    {"role": "assistant", "content": SAID},
]
OLLAMA_ORDER = [
    {"role": "user", "content": ASKED},
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"function": {"name": LOOKED, "arguments": {"n": n}}} for n in (1, 2)],
    },
    {"role": "tool", "content": FOUND},
    {"role": "tool", "content": "A beetle."},
    {"role": "assistant", "content": SAID},
]

INSPECT_SAMPLE = {
    "id": "shed-1",
    "epoch": 1,
    "input": ASKED,
    "target": "mat",
    "uuid": "Zx9",
    "attachments": {"4f2": f"data:image/png;base64,{PNG}"},
    "messages": [
        {"id": "1", "role": "system", "content": "Be brief."},
        {
            "id": "2",
            "role": "user",
            "source": "input",
            "content": [
                {"type": "text", "text": ASKED},
                {"type": "image", "image": "attachment://4f2", "detail": "auto"},
            ],
        },
        {
            "id": "3",
            "role": "assistant",
            "source": "generate",
            "model": "openai/gpt-5",
            "content": [{"type": "reasoning", "reasoning": THOUGHT, "redacted": False}],
            "tool_calls": [
                {"id": "c1", "function": LOOKED, "arguments": {"what": "mat"}, "type": "function"},
                {"id": "c2", "function": "dig", "arguments": {}},
            ],
        },
        {"id": "4", "role": "tool", "content": FOUND, "tool_call_id": "c1", "function": LOOKED},
        {
            "id": "5",
            "role": "tool",
            "content": "",
            "tool_call_id": "c2",
            "function": "dig",
            "error": {"type": "timeout", "message": "too slow"},
        },
        {"id": "6", "role": "assistant", "source": "generate", "content": SAID},
    ],
    "scores": {"match": {"value": "C"}},
}
INSPECT = {
    "version": 2,
    "status": "success",
    "eval": {"task": "sheds", "model": "openai/gpt-5"},
    "samples": [INSPECT_SAMPLE],
}

TAU = [
    {
        "task_id": 3,
        "reward": 1.0,
        "trial": 0,
        "info": {"task": {"instruction": "Find the key."}},
        "traj": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": ASKED},
            {
                "role": "assistant",
                "content": None,
                "function_call": None,
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": LOOKED, "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "c1", "name": LOOKED, "content": FOUND},
            {"role": "assistant", "content": SAID, "tool_calls": None, "function_call": None},
        ],
    },
]
TAU2 = {
    "timestamp": "2026-03-01T10:00:00",
    "info": {"num_trials": 1},
    "tasks": [{"id": "7"}],
    "simulations": [
        {
            "id": "sim",
            "task_id": "7",
            "trial": 0,
            "termination_reason": "user_stop",
            "messages": [
                {
                    "role": "assistant",
                    "content": "Hi! How can I help?",
                    "tool_calls": None,
                    "turn_idx": 0,
                    "timestamp": AT.format(0),
                },
                {"role": "user", "content": ASKED, "tool_calls": None, "turn_idx": 1},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {"id": "c1", "name": LOOKED, "arguments": {"what": "mat"}, "requestor": "assistant"}
                    ],
                },
                {"role": "tool", "id": "c1", "content": FOUND, "requestor": "assistant", "error": False},
                {"role": "assistant", "content": "Now look yourself."},
                {
                    "role": "user",
                    "content": None,
                    "tool_calls": [{"id": "c2", "name": "lift_mat", "arguments": {}, "requestor": "user"}],
                },
                {"role": "tool", "id": "c2", "content": "It is lifted.", "requestor": "user", "error": False},
                {"role": "user", "content": "I see it."},
                {"role": "assistant", "content": SAID},
            ],
        }
    ],
}

PYDANTIC_AI = [
    {
        "kind": "request",
        "parts": [
            {"part_kind": "system-prompt", "content": "Be brief."},
            {
                "part_kind": "user-prompt",
                "content": [ASKED, {"kind": "image-url", "url": "https://example.com/a.png"}],
                "timestamp": AT.format(1),
            },
        ],
    },
    {
        "kind": "response",
        "parts": [
            {"part_kind": "thinking", "content": THOUGHT},
            {"part_kind": "tool-call", "tool_name": LOOKED, "args": "{}", "tool_call_id": "c1"},
        ],
    },
    {
        "kind": "request",
        "parts": [{"part_kind": "tool-return", "tool_name": LOOKED, "content": {"seen": FOUND}, "tool_call_id": "c1"}],
    },
    {"kind": "response", "parts": [{"part_kind": "text", "content": SAID}], "timestamp": AT.format(2)},
]

COMPLETE: list[tuple[str, str, Any, tuple[str, ...]]] = [
    ("claude_code_session", "session", CLAUDE_CODE, (*TALK, THOUGHT, "/home/ana/shed")),
    ("claude_code_session", "stream", CLAUDE_STREAM, TALK),
    ("codex_session", "rollout", CODEX, (*TALK, THOUGHT, "Be brief.", "*** Begin Patch", "Success.", "rust on keys")),
    ("codex_session", "bare", CODEX_BARE, (*TALK, THOUGHT, "Be brief.")),
    ("codex_session", "timed items", [{"timestamp": AT.format(1), **item} for item in CODEX_ITEMS], TALK),
    ("codex_session", "early", CODEX_EARLY, (*TALK, THOUGHT)),
    ("agents_items", "rows", AGENTS_ROWS, TALK),
    ("agents_items", "run", AGENTS_RUN, TALK),
    ("agents_items", "history", AGENTS_HISTORY, TALK),
    ("agents_items", "javascript", AGENTS_JS, TALK),
    ("agents_items", "mixed", AGENTS_MIXED, TALK),
    ("agents_items", "realtime", AGENTS_REALTIME, TALK),
    ("langchain_dump", "model_dump", LANGCHAIN_DUMPED, (*TALK, "Ana")),
    ("langchain_dump", "messages_to_dict", [{"type": one["type"], "data": one} for one in LANGCHAIN_DUMPED], TALK),
    ("langchain_dump", "state", {"values": {"messages": LANGCHAIN_DUMPED}, "next": [], "config": {}}, TALK),
    ("langchain_dump", "pairs", [["human", ASKED], ["ai", f"{LOOKED}: {FOUND} {SAID}"]], TALK),
    ("gemini_contents", "body", GEMINI, (*TALK, THOUGHT, "Be brief.", "print(7)", PNG)),
    ("gemini_contents", "history", GEMINI_SNAKE, TALK),
    ("gemini_saved", "prompt", AI_STUDIO, (*TALK, THOUGHT, "Be brief.", "1abc")),
    ("gemini_session", "json", GEMINI_SESSION, (*TALK, THOUGHT)),
    ("gemini_session", "lines", GEMINI_LINES, (*TALK, THOUGHT)),
    ("vercel_parts", "interface", VERCEL, (*TALK, THOUGHT, "no scales", "https://example.com/mats", "grey", PNG)),
    ("vercel_parts", "older", VERCEL_OLD, TALK),
    ("vercel_parts", "model", VERCEL_MODEL, TALK),
    ("bedrock_converse", "body", BEDROCK, (*TALK, THOUGHT, "Be brief.", PNG, PDF)),
    ("bedrock_converse", "list", BEDROCK_MESSAGES, TALK),
    ("ollama_chat", "body", OLLAMA, (*TALK, THOUGHT, "Be brief.", PNG)),
    ("ollama_chat", "typed", OLLAMA_TYPED, TALK),
    ("ollama_chat", "order", OLLAMA_ORDER, (*TALK, "A beetle.")),
    ("inspect_log", "log", INSPECT, (*TALK, THOUGHT, "too slow", PNG)),
    ("inspect_log", "sample", INSPECT_SAMPLE, TALK),
    ("tau_bench", "first", TAU, (*TALK, "Be brief.")),
    ("tau_bench", "second", TAU2, (*TALK, "It is lifted.", "lift_mat")),
    ("pydantic_ai_dump", "all_messages", PYDANTIC_AI, (*TALK, THOUGHT, "Be brief.", "https://example.com/a.png")),
]
"""File of the form, name of the sample, the sample, and texts that must be in what is read."""

NATIVE: dict[str, Any] = {
    "openai": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": ASKED, "name": "Ana"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": LOOKED, "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": FOUND},
        {"role": "assistant", "content": SAID},
    ],
    "plain": [{"role": "user", "content": ASKED}, {"role": "assistant", "content": SAID}],
    "openai image": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": ASKED},
                {"type": "image_url", "image_url": {"url": "https://x.org/a.png"}},
            ],
        }
    ],
    "openai body": {"model": "gpt-5", "messages": [{"role": "user", "content": ASKED}], "tools": []},
    "openai objects": [  # servers of open models keep arguments so
        {"role": "user", "content": ASKED},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": LOOKED, "arguments": {}}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": FOUND},
    ],
    "anthropic": {
        "model": "claude-sonnet-4-5",
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": ASKED}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": LOOKED, "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": FOUND}]},
        ],
    },
    "responses": [item for item in CODEX_ITEMS if item["type"] != "web_search_call"],
    "responses body": {
        "input": [
            {"role": "user", "content": ASKED},
            {"type": "reasoning", "id": "r", "summary": []},
            {"type": "function_call", "call_id": "c", "name": LOOKED, "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": FOUND},
        ]
    },
    "to_input_list": [
        {"role": "user", "content": ASKED},
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": SAID, "annotations": [], "logprobs": []}],
        },
    ],
    "ctxwin items": [{"text": ASKED, "speaker": "Ana", "time": "2026-03-01"}],
    "sharegpt": [{"conversations": [{"from": "human", "value": ASKED}, {"from": "gpt", "value": SAID}]}],
    "chatgpt": [{"title": "Shed", "mapping": {"a": {"id": "a", "message": None, "parent": None, "children": []}}}],
    "slack": [{"type": "message", "user": "U1", "text": ASKED, "ts": "1772360000.000100"}],
    "claude.ai": [{"uuid": "1", "name": "Shed", "chat_messages": [{"uuid": "2", "sender": "human", "text": ASKED}]}],
    "geojson": {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": None}]},
    "events": [{"type": "push", "payload": {"ref": "main"}, "created_at": AT.format(1)}],
    "package": {"name": "shed", "version": "1.0.0", "history": ["a"], "inputs": {"x": 1}, "messages": "none"},
    "records": [{"id": "1", "timestamp": AT.format(1), "value": 3}, {"id": "2", "timestamp": AT.format(2), "value": 4}],
    "results": [{"task_id": 1, "reward": 0.5}],
    "agent2agent": [{"kind": "message", "role": "user", "parts": [{"kind": "text", "text": ASKED}]}],
    "strings": ["a", "b"],
    "pairs of words": [["a", "b"], ["c", "d"]],
    "numbers": [1, 2],
    "nothing": [],
    "no keys": {},
    "null": None,
    "text": "Ana: Where is the key?\nBen: Under the mat.",
}
"""What is none of these forms: the providers' own, those that others read, and what is no conversation."""
