"""Random OpenAI Responses logs."""

import json

from hypothesis import strategies as st

from .common import NAMES, Ids, arguments, pngs, tagged, texts


@st.composite
def _item_message(draw, ids):
    form = draw(st.sampled_from(["easy", "typed", "image", "system", "answer"]))
    match form:
        case "typed":
            text = {"type": "input_text", "text": draw(texts())}
            return [{"type": "message", "role": "user", "content": [text]}]
        case "image":
            image = {
                "type": "input_image",
                "detail": "auto",
                "image_url": f"data:image/png;base64,{draw(pngs())}",
            }
            file = {
                "type": "input_file",
                "filename": "a.pdf",
                "file_data": "data:application/pdf;base64,JVBERi0=",
            }
            return [{"role": "user", "content": [draw(st.sampled_from([image, file]))]}]
        case "system":
            return [{"role": draw(st.sampled_from(["system", "developer"])), "content": draw(texts())}]
        case "answer":
            return [draw(_item_answer(ids))]
    return [{"role": draw(st.sampled_from(["user", "assistant"])), "content": draw(texts())}]


@st.composite
def _item_answer(draw, ids):
    text = {"type": "output_text", "text": draw(texts()), "annotations": []}
    content = [draw(st.sampled_from([text, {"type": "refusal", "refusal": "No."}]))]
    return {
        "type": "message",
        "id": ids.new("msg"),
        "role": "assistant",
        "status": "completed",
        "content": content,
    }


def _item_reasoning(ids):
    return st.builds(
        lambda text: {
            "type": "reasoning",
            "id": ids.new("rs"),
            "summary": [{"type": "summary_text", "text": text}],
            "encrypted_content": "Z0FBQUFB",
        },
        texts(),
    )


@st.composite
def _item_pair(draw, ids):
    """A call and its output."""
    call_id, text = ids.new("call"), draw(texts())
    match draw(st.sampled_from(["function", "function", "custom", "shell", "local", "screen"])):
        case "function":
            name, asked = draw(st.sampled_from(NAMES)), json.dumps(draw(arguments()))
            call = {"type": "function_call", "call_id": call_id, "name": name, "arguments": asked}
            output = draw(st.sampled_from([text, [{"type": "input_text", "text": text}]]))
            return call, {"type": "function_call_output", "call_id": call_id, "output": output}
        case "custom":
            call = {"type": "custom_tool_call", "call_id": call_id, "name": "sql", "input": draw(texts())}
            return call, {"type": "custom_tool_call_output", "call_id": call_id, "output": text}
        case "shell":
            call = {"type": "shell_call", "call_id": call_id, "action": {"commands": ["ls"]}}
            streams = [{"stdout": text, "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}]
            return call, {"type": "shell_call_output", "call_id": call_id, "output": streams}
        case "local":
            action = {"type": "exec", "command": ["ls"], "env": {}}
            ids_of_call = {"id": ids.new("lsh"), "call_id": call_id}
            call = {"type": "local_shell_call", "action": action, "status": "completed", **ids_of_call}
            return call, {"type": "local_shell_call_output", "id": ids.new("lsho"), "output": text}
    action, shot = {"type": "screenshot"}, f"data:image/png;base64,{draw(pngs())}"
    call = {
        "type": "computer_call",
        "id": ids.new("cu"),
        "call_id": call_id,
        "action": action,
        "status": "completed",
    }
    call["pending_safety_checks"] = []
    output = {"type": "computer_screenshot", "image_url": shot}
    return call, {"type": "computer_call_output", "call_id": call_id, "output": output}


@st.composite
def _item_exchange(draw, ids, whole=True):
    """Parallel calls, at times after reasoning, and their outputs in any order."""
    pairs = [draw(_item_pair(ids)) for _ in range(draw(st.integers(1, 3)))]
    thought = [draw(_item_reasoning(ids))] if draw(st.booleans()) else []
    calls = [call for call, _ in pairs]
    outputs = [output for _, output in pairs]
    return [*thought, *calls, *(draw(st.permutations(outputs)) if whole else outputs[: len(outputs) - 1])]


@st.composite
def _item_nested(draw, ids):
    """A program of the model that calls a function of ours; its output comes after that of the function."""
    outer, inner = ids.new("call"), ids.new("call")
    caller = {"type": "program", "caller_id": outer}
    call = {"type": "function_call", "call_id": inner, "name": "search", "arguments": "{}", "caller": caller}
    code = {
        "type": "program",
        "id": ids.new("prog"),
        "call_id": outer,
        "code": "search()",
        "fingerprint": "f",
    }
    result = {
        "type": "program_output",
        "id": ids.new("po"),
        "call_id": outer,
        "result": draw(texts()),
        "status": "completed",
    }
    return [code, call, {"type": "function_call_output", "call_id": inner, "output": draw(texts())}, result]


@st.composite
def _item_hosted(draw, ids):
    """Reasoning, a tool of the provider, an answer; and a call that had to be allowed."""
    search = {"type": "web_search_call", "id": ids.new("ws"), "status": "completed"}
    search["action"] = {"type": "search", "query": draw(texts())}
    approval, call = ids.new("mcpr"), {"server_label": "s", "name": "search", "arguments": "{}"}
    asked = [
        {"type": "mcp_approval_request", "id": approval, **call},
        {"type": "mcp_approval_response", "approval_request_id": approval, "approve": True},
        {
            "type": "mcp_call",
            "id": ids.new("mcp"),
            "approval_request_id": approval,
            "output": draw(texts()),
            **call,
        },
    ]
    reference = [{"type": "item_reference", "id": ids.new("msg")}]
    answer = [draw(_item_reasoning(ids)), search, draw(_item_answer(ids))]
    return draw(st.sampled_from([answer, asked, reference]))


@st.composite
def responses_logs(draw):
    """OpenAI Responses input items, at times in a request body with instructions."""
    ids = Ids()
    steps = [
        _item_message(ids),
        _item_message(ids),
        _item_exchange(ids),
        _item_nested(ids),
        _item_hosted(ids),
    ]
    blocks = draw(st.lists(st.one_of(*steps), min_size=1, max_size=10))
    items = [item for block in blocks for item in block]
    items += draw(st.one_of(st.just([]), _item_exchange(ids), _item_exchange(ids, whole=False)))
    instructions = draw(st.one_of(st.none(), texts()))
    if draw(st.booleans()):
        items.insert(0, {"type": "message", "role": "user", "content": [{"type": "input_text", "text": draw(texts())}]})
        return items
    tool = {"type": "function", "name": "search", "parameters": {"type": "object", "properties": {}}}
    items = draw(st.sampled_from([items, items, draw(texts())]))
    return tagged({"model": "gpt-5-mini", "instructions": instructions, "input": items, "tools": [tool]})
