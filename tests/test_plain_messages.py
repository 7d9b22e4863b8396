"""What SDKs hand out is taken where messages are taken, and plain messages pass untouched."""

from __future__ import annotations

import asyncio
import dataclasses
import time

import anthropic
import litellm
import openai
import pytest
from agent_samples import ASKED, FOUND, LOOKED, SAID
from langchain_core import messages as langchain
from langchain_core.prompts import ChatPromptTemplate
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

import ctxwin
from ctxwin import Item, check, count_tokens, pack
from ctxwin.messages.native import as_plain

USER = {"role": "user", "content": ASKED}
CALL = {"id": "c1", "type": "function", "function": {"name": LOOKED, "arguments": "{}"}}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": FOUND}


def completion(maker=ChatCompletion.model_validate, **message):
    answer = {"role": "assistant", "content": None, "refusal": None, "annotations": [], **message}
    choice = {"index": 0, "finish_reason": "stop", "message": answer, "logprobs": None}
    return maker({"id": "x", "object": "chat.completion", "created": 1, "model": "gpt-5", "choices": [choice]})


def claude(*blocks):
    return anthropic.types.Message.model_validate(
        {"id": "m", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": blocks,
         "stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}
    )  # fmt: skip


def response(*output):
    return Response.model_validate(
        {"id": "r", "object": "response", "created_at": 1, "model": "gpt-5", "output": output, "tools": [],
         "parallel_tool_calls": True, "tool_choice": "auto", "status": "completed"}
    )  # fmt: skip


SPOKEN = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
OUTPUT = [
    {"type": "reasoning", "id": "rs_1", "summary": []},
    {**SPOKEN, "content": [{"type": "output_text", "text": SAID, "annotations": []}]},
]
ASSISTANT = {"role": "assistant", "content": SAID}
CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}


@dataclasses.dataclass
class Own:
    role: str
    content: str


MADE = {
    "openai": ([USER, completion(content=SAID).choices[0].message], [USER, ASSISTANT]),
    "openai choice": ([USER, completion(content=SAID).choices[0]], [USER, ASSISTANT]),
    "openai completion": ([USER, completion(content=SAID)], [USER, ASSISTANT]),
    "openai calls": ([USER, completion(tool_calls=[CALL]).choices[0].message, RESULT], [USER, CALLING, RESULT]),
    "openai calls in a dict": (
        [USER, {**CALLING, "tool_calls": completion(tool_calls=[CALL]).choices[0].message.tool_calls}, RESULT],
        [USER, CALLING, RESULT],
    ),
    "litellm": (
        [USER, litellm.ModelResponse(**completion(content=SAID).model_dump()).choices[0].message],
        [USER, ASSISTANT],
    ),
    "litellm response": ([USER, litellm.ModelResponse(**completion(content=SAID).model_dump())], [USER, ASSISTANT]),
    "anthropic": (
        [USER, claude({"type": "text", "text": SAID, "citations": None})],
        [USER, {"role": "assistant", "content": [{"type": "text", "text": SAID}]}],
    ),
    "anthropic blocks": (
        [USER, {"role": "assistant", "content": claude({"type": "text", "text": SAID}).content}],
        [USER, {"role": "assistant", "content": [{"type": "text", "text": SAID}]}],
    ),
    "responses": ([USER, *response(*OUTPUT).output], [USER, *OUTPUT]),
    "responses whole": ([USER, response(*OUTPUT)], [USER, *OUTPUT]),
    "langchain": (
        [langchain.HumanMessage(ASKED), langchain.AIMessage("", tool_calls=[{"id": "c1", "name": LOOKED, "args": {}}]),
         langchain.ToolMessage(FOUND, tool_call_id="c1"), langchain.AIMessageChunk(SAID)],
        [USER, CALLING, RESULT, ASSISTANT],
    ),
    "langchain beside dicts": ([USER, langchain.AIMessage(SAID), USER], [USER, ASSISTANT, USER]),
    "pairs": ([("human", ASKED), ("ai", SAID), ("system", "x")], [USER, ASSISTANT, {"role": "system", "content": "x"}]),
    "roles": ([("user", ASKED), ("assistant", SAID)], [USER, ASSISTANT]),
    "dataclasses": ([Own("user", ASKED)], [USER]),
    "tuple": ((USER, ASSISTANT), [USER, ASSISTANT]),
}  # fmt: skip


@pytest.mark.parametrize(("given", "wanted"), MADE.values(), ids=MADE.keys())
def test_messages_of_sdks_become_what_they_say(given, wanted):
    assert as_plain(given) == wanted
    assert as_plain(one for one in given) == wanted
    assert check(given) == []
    assert count_tokens(given) == count_tokens(wanted)
    assert pack(given, budget=400).messages == pack(wanted, budget=400).messages
    window = ctxwin.Window(budget=400)
    window.add(*given)
    assert window.pack().messages == pack(wanted, budget=400).messages


def test_whole_responses_and_prompts_are_messages():
    assert as_plain(completion(content=SAID)) == [ASSISTANT]
    assert as_plain(response(*OUTPUT)) == OUTPUT
    prompt = ChatPromptTemplate.from_messages([("system", "Be {how}."), ("human", ASKED)]).invoke({"how": "brief"})
    assert as_plain(prompt) == [{"role": "system", "content": "Be brief."}, USER]


def test_a_result_that_comes_alone_stays_one():
    window = ctxwin.Window(budget=400)
    window.add(langchain.HumanMessage(ASKED))
    window.add(langchain.AIMessage("", tool_calls=[{"id": "c1", "name": LOOKED, "args": {}}]))
    window.add(langchain.ToolMessage(FOUND, tool_call_id="c1"))
    assert window.pack().messages == [USER, CALLING, RESULT]


def test_pydantic_ai_histories_are_taken():
    pydantic_ai = pytest.importorskip("pydantic_ai")
    model = pytest.importorskip("pydantic_ai.models.test").TestModel(custom_output_text=SAID)
    agent = pydantic_ai.Agent(model, system_prompt="Be brief.")

    @agent.tool_plain
    def look_under() -> str:
        return FOUND

    ran = asyncio.run(agent.run(ASKED))
    found = as_plain(ran.all_messages())
    assert check(found) == []
    assert [one["role"] for one in found] == ["system", "user", "assistant", "tool", "assistant"]
    assert [found[1]["content"], found[3]["content"], found[4]["content"]] == [ASKED, FOUND, SAID]


def test_agents_runs_are_taken():
    agents = pytest.importorskip("agents")
    item = agents.MessageOutputItem(agent=agents.Agent(name="a"), raw_item=response(*OUTPUT).output[1])
    assert as_plain([USER, item]) == [USER, OUTPUT[1]]


def test_what_is_plain_is_the_same_object():
    for messages in (
        [USER, ASSISTANT],
        [USER, CALLING, RESULT],
        [Item(text=ASKED)],
        {"model": "x", "messages": [USER], "tools": [{"type": "function", "function": {"name": "f"}}]},
        {"input": "Hello"},
        [],
        "a text",
        None,
        3,
    ):
        assert as_plain(messages) is messages
    kept = as_plain([CALLING, completion(content=SAID)])
    assert kept[0] is CALLING


def test_what_is_no_message_is_refused_with_its_place():
    for odd in (7, "words", object(), openai.OpenAI, [USER]):
        with pytest.raises(ctxwin.MessageError, match="message 1"):
            pack([USER, odd], budget=300)


def test_looking_at_plain_messages_costs_little():
    messages = [{"role": "user", "content": "x"} for _ in range(14_000)]
    looked = read = float("inf")
    for _ in range(3):
        began = time.process_time()
        as_plain(messages)
        looked = min(looked, time.process_time() - began)
        began = time.process_time()
        ctxwin.messages.read(messages)
        read = min(read, time.process_time() - began)
    assert looked < read / 5
