"""Random OpenAI chat logs."""

import json
from functools import cache

from hypothesis import strategies as st

from .common import CALL_IDS, NAMES, arguments, pngs, tagged, texts, words


@cache
@st.composite
def _chat_user(draw):
    image = st.builds(
        lambda data, detail: tagged(
            {
                "type": "image_url",
                "image_url": tagged({"url": f"data:image/png;base64,{data}", "detail": detail}),
            }
        ),
        pngs(),
        st.sampled_from([None, "low", "high", "auto"]),
    )
    remote = st.just({"type": "image_url", "image_url": {"url": "https://example.org/a.png"}})
    sound = st.just({"type": "input_audio", "input_audio": {"data": "UklGRiQAAABXQVZF", "format": "wav"}})
    file = st.just({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}})
    text = st.builds(lambda text: {"type": "text", "text": text}, texts())
    content = draw(st.one_of(texts(), st.lists(st.one_of(text, image, remote, sound, file), min_size=1, max_size=3)))
    return [tagged({"role": "user", "content": content, "name": draw(st.sampled_from([None, "Ana", "bob-2"]))})]


@cache
@st.composite
def _chat_assistant(draw):
    form = draw(st.sampled_from(["text", "parts", "refusal", "audio"]))
    if form == "refusal":
        return [{"role": "assistant", "content": None, "refusal": draw(words())}]
    if form == "audio":
        return [{"role": "assistant", "audio": {"id": "audio_1"}}]
    text = draw(texts())
    return [{"role": "assistant", "content": text if form == "text" else [{"type": "text", "text": text}]}]


@st.composite
def _chat_call(draw, call_id):
    if draw(st.integers(0, 4)) == 0:
        return {"id": call_id, "type": "custom", "custom": {"name": "sql", "input": draw(texts())}}
    text = json.dumps(draw(arguments()))
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": draw(st.sampled_from(NAMES)), "arguments": text},
    }


@st.composite
def _chat_exchange(draw, whole=True):
    """One to three parallel calls and their results in any order; not whole: some results are missing."""
    ids = draw(st.lists(st.sampled_from(CALL_IDS), min_size=1, max_size=3, unique=True))
    calls = [draw(_chat_call(call_id)) for call_id in ids]
    said = draw(st.one_of(st.none(), texts()))
    messages = [{"role": "assistant", "content": said, "tool_calls": calls}]
    answered = draw(st.permutations(ids)) if whole else ids[: draw(st.integers(0, len(ids) - 1))]
    for call_id in answered:
        result = draw(texts())
        content = draw(st.sampled_from([result, [{"type": "text", "text": result}]]))
        messages.append({"role": "tool", "tool_call_id": call_id, "content": content})
    return messages


@cache
@st.composite
def _chat_function(draw):
    call = {"name": "lookup", "arguments": json.dumps(draw(arguments()))}
    return [
        {"role": "assistant", "content": None, "function_call": call},
        {"role": "function", "name": "lookup", "content": draw(texts())},
    ]


@cache
def _chat_system():
    return st.builds(
        lambda role, text: [{"role": role, "content": text}],
        st.sampled_from(["system", "developer"]),
        texts(),
    )


@cache
@st.composite
def openai_logs(draw):
    """OpenAI chat messages, at times in a request body."""
    steps = [
        _chat_user(),
        _chat_assistant(),
        _chat_exchange(),
        _chat_exchange(),
        _chat_function(),
        _chat_system(),
    ]
    blocks = draw(st.lists(st.one_of(*steps), min_size=1, max_size=12))
    messages = [message for block in blocks for message in block]
    messages += draw(st.one_of(st.just([]), _chat_user(), _chat_exchange(), _chat_exchange(whole=False)))
    if draw(st.integers(0, 3)):
        return messages
    tool = {
        "type": "function",
        "function": {"name": "search", "parameters": {"type": "object", "properties": {}}},
    }
    return {"model": "gpt-5-mini", "messages": messages, "tools": [tool]}
