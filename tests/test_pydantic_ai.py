"""Pydantic AI's messages and agents, with the real package against a real HTTP server."""

import asyncio
import importlib
import json
import sys
from copy import deepcopy
from functools import partial

import anthropic
import openai
import pytest
from pydantic import BaseModel, Field
from pydantic_ai import Agent, BinaryContent, ImageUrl, ModelRetry, NativeOutput, VideoUrl
from pydantic_ai.capabilities import ProcessHistory
from pydantic_ai.messages import (
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider
from server import Answer, Call, Provider

import ctxwin
from ctxwin.errors import BudgetError
from ctxwin.integrations.pydantic_ai import PackHistory, pack_history

RAIN = "It rained on that day, and nobody went out. " * 12
QUESTION = ModelRequest.user_text_prompt("What opens locker 37?")
TALK = [
    message
    for n in range(150)
    for message in (
        ModelRequest.user_text_prompt(f"Locker {n} opens with {n * 7919 % 9000}."),
        ModelResponse(parts=[TextPart(f"Locker {n} is noted.")]),
    )
]


@pytest.fixture
def provider():
    with Provider() as provider:
        yield provider


def chat(provider, kind=OpenAIChatModel):
    client = openai.AsyncOpenAI(base_url=provider.openai, api_key="any", max_retries=0)
    return kind("gpt-4o", provider=OpenAIProvider(openai_client=client))


def claude(provider):
    client = anthropic.AsyncAnthropic(base_url=provider.anthropic, api_key="any", max_retries=0)
    return AnthropicModel("claude-sonnet-5", provider=AnthropicProvider(anthropic_client=client))


def run(agent, question, history=TALK):
    """Run an agent in a loop of its own, and end its connections."""

    async def whole():
        try:
            return await agent.run(question, message_history=history)
        finally:
            if client := getattr(agent.model, "client", None):
                await client.close()

    return asyncio.run(whole())


def tools(messages):
    """Return the ids of the calls and of the returns of a history."""
    parts = [part for message in messages for part in message.parts]
    return [[part.tool_call_id for part in parts if isinstance(part, kind)] for kind in (ToolCallPart, ToolReturnPart)]


def exchange(name, returned, **fields):
    call = ToolCallPart(tool_name="read_log", args={"day": 3}, tool_call_id=name)
    back = ToolReturnPart(tool_name="read_log", content=returned, tool_call_id=name, **fields)
    return [ModelResponse(parts=[ThinkingPart("Logs say it."), call]), ModelRequest(parts=[back])]


def test_what_is_kept_whole_is_the_same_object():
    kept = pack_history([*TALK, QUESTION], budget=200)
    assert kept[-1] is QUESTION
    assert any(one is TALK[74] for one in kept)
    ours = [one for one in kept if not any(one is other for other in [*TALK, QUESTION])]
    assert ours
    assert all(part.content.endswith("omitted]") for one in ours for part in one.parts)
    assert all(one is other for one, other in zip(pack_history(TALK[:4], budget=900), TALK, strict=False))
    assert pack_history([], budget=9) == []


def test_what_is_shortened_is_a_copy_and_the_rest_of_its_message_stays():
    said = ModelResponse(
        parts=[ThinkingPart("Pumps."), TextPart(RAIN + "The pump failed at noon. " + RAIN, id="t1")], model_name="m"
    )
    asked = ModelRequest(
        parts=[
            SystemPromptPart("Be brief."),
            UserPromptPart(["Look.", RAIN * 4, ImageUrl("https://example.org/a.png")]),
        ],
        instructions="Say little.",
    )
    before = deepcopy([asked, said])
    kept = pack_history([asked, said, ModelRequest.user_text_prompt("When did the pump fail?")], budget=220)
    assert [asked, said] == before
    short = next(one for one in kept if isinstance(one, ModelResponse))
    assert short.parts[0] is said.parts[0]
    assert "failed at noon" in short.parts[1].content
    assert (short.parts[1].id, short.model_name) == (None, "m")
    assert len(short.parts[1].content) < len(said.parts[1].content) / 1.5
    first = next(one for one in kept if isinstance(one, ModelRequest))
    assert first.parts[0] is asked.parts[0]
    assert first.instructions == "Say little."


def test_instructions_are_counted_and_stay(provider):
    said = "Answer as a pump would. " * 20
    talk = [ModelRequest(parts=[UserPromptPart(f"Pump {n}: {RAIN}")], instructions=said) for n in range(20)]
    budget = 400
    kept = pack_history(talk, budget=budget)
    assert len(kept) < len(talk)
    assert kept[-1] is talk[-1] and kept[-1].instructions == said

    async def ask():
        asked = chat(provider)
        await asked.request(kept, None, ModelRequestParameters())
        await asked.client.close()

    asyncio.run(ask())
    assert any(said.strip() in text for text in provider.last.texts)
    assert provider.last.tokens <= budget
    with pytest.raises(BudgetError):
        pack_history(talk, budget=100)


def test_calls_and_returns_stay_together_at_every_budget():
    talk = [ModelRequest.user_text_prompt("Look."), *exchange("c1", RAIN * 3 + "The valve is red. " + RAIN * 3)]
    talk += [*TALK[:8], *exchange("c2", {"rows": [RAIN] * 3}), *exchange("c3", RAIN, outcome="failed")]
    talk += [ModelRequest.user_text_prompt("Which colour has the valve?"), *exchange("c4", RAIN)]
    shown = set()
    for budget in range(230, 1500, 70):
        kept = pack_history(talk, budget=budget, embedder="none")
        calls, returns = tools(kept)
        assert calls == returns
        assert calls[-1] == "c4"
        shown |= {part.content for one in kept for part in one.parts if isinstance(part, UserPromptPart)}
        for one in kept:
            for part in one.parts:
                if isinstance(part, ToolReturnPart) and part.outcome == "failed":
                    assert part.content == RAIN  # an error is whole or out
        assert ModelMessagesTypeAdapter.validate_json(ModelMessagesTypeAdapter.dump_json(kept)) is not None
    assert "Which colour has the valve?" in shown


def test_a_long_return_is_shortened_in_place():
    talk = [ModelRequest.user_text_prompt("Look."), *exchange("c1", RAIN * 3 + "The valve is red. " + RAIN * 3)]
    kept = pack_history([*talk, *TALK[:8], ModelRequest.user_text_prompt("Which colour has the valve?")], budget=320)
    (back,) = [part for one in kept for part in one.parts if isinstance(part, ToolReturnPart)]
    assert "The valve is red." in back.content
    assert len(back.content) < len(RAIN) * 4
    assert back.tool_name == "read_log"


def test_media_are_counted():
    film = VideoUrl("https://example.org/a.mp4")
    sound = BinaryContent(b"RIFF$\0\0\0WAVEfmt ", media_type="audio/wav")
    talk = [ModelRequest(parts=[UserPromptPart(["What is this?", film, sound])])]
    assert pack_history(talk, budget=90_000)[0] is talk[0]
    with pytest.raises(ctxwin.BudgetError):
        pack_history(talk, budget=40)


@pytest.mark.parametrize("model", [chat, partial(chat, kind=OpenAIResponsesModel), claude])
def test_an_agent_sends_little_and_keeps_all(provider, model):
    budget = 1300 if model is claude else 600
    days = [Answer(calls=[Call(name="read_log", arguments={"day": day})]) for day in (3, 4, 5)]
    provider.script(*days, "Day 5 was the best.")
    agent = Agent(model(provider), instructions="You read logs.", capabilities=[PackHistory(budget=budget)])

    @agent.tool_plain
    def read_log(day: int) -> str:
        """Read the log of a day."""
        return f"Day {day}: the pump ran at {day * 7} litres a minute. " + RAIN

    question = "What opens locker 37, and when did the pump run best?"
    done = run(agent, question)
    assert done.output == "Day 5 was the best."
    assert len(done.all_messages()) == len(TALK) + 1 + 3 * 2 + 1
    assert all(one is other for one, other in zip(done.all_messages(), TALK, strict=False))
    assert all(
        RAIN in part.content for one in done.all_messages() for part in one.parts if part.part_kind == "tool-return"
    )
    assert len(provider.requests) == 4
    for request in provider.requests:
        assert request.tokens <= budget
        assert any(question in text for text in request.texts)
    assert any("Locker 37 opens" in text for text in provider.requests[0].texts)


def test_a_stream_and_a_run_in_a_loop_pack_as_well(provider):
    agent = Agent(chat(provider), capabilities=[PackHistory(budget=200)])

    async def both():
        async with agent.run_stream("What opens locker 37?", message_history=TALK) as stream:
            streamed = await stream.get_output()
        whole = await agent.run("What opens locker 41?", message_history=TALK)
        await agent.model.client.close()
        return streamed, whole.output

    assert asyncio.run(both()) == ("Noted.", "Noted.")
    assert all(request.tokens <= 200 for request in provider.requests)
    assert any("Locker 41 opens" in text for text in provider.last.texts)


def test_what_the_framework_says_stays_beside_the_question():
    seen = []

    def model(messages, info):
        seen.append(messages)
        return ModelResponse(parts=[TextPart("nine" if len(seen) < 3 else "9")])

    agent = Agent(FunctionModel(model), capabilities=[PackHistory(budget=700)], retries=5)

    @agent.output_validator
    def digits(output: str) -> str:
        if not output.isdigit():
            raise ModelRetry("Digits only, please.")
        return output

    assert run(agent, "What is 3 * 3?", [*TALK, *TALK]).output == "9"
    said = [part.content for message in seen[-1] for part in message.parts]
    assert sum("Digits only, please." in text for text in said) == 2
    assert "What is 3 * 3?" in said
    assert len(seen[-1]) < 200


class Report(BaseModel):
    """What the logs say, in the order in which they say it."""

    days: list[int] = Field(description="All days that the logs tell of, the earliest first. " * 3)
    best: int = Field(description="The day on which the pump ran best, or 0 where none is known. " * 3)


@pytest.mark.parametrize("form", [Report, NativeOutput(Report)])
def test_the_form_of_an_answer_is_counted(provider, form):
    said = {"days": [3], "best": 3}
    provider.script(Answer(calls=[Call(name="final_result", arguments=said)]) if form is Report else json.dumps(said))
    agent = Agent(chat(provider), capabilities=[PackHistory(budget=400)], output_type=form)
    assert run(agent, "What opens locker 37?").output == Report(**said)
    assert 200 < provider.last.tokens <= 400
    assert len(provider.last.messages) < 25


def test_it_may_replace_the_history_as_a_processor(provider):
    agent = Agent(chat(provider), capabilities=[ProcessHistory(partial(pack_history, budget=200))])
    done = run(agent, "What opens locker 37?")
    assert len(done.all_messages()) < 30
    assert provider.last.tokens <= 200


def test_a_budget_that_is_too_small_reaches_the_caller(provider):
    agent = Agent(chat(provider), instructions=RAIN, capabilities=[PackHistory(budget=90)])
    with pytest.raises(ctxwin.BudgetError, match="system"):
        run(agent, "What opens locker 37?")
    assert not provider.requests


def test_a_missing_package_names_the_command(monkeypatch):
    for name in [one for one in sys.modules if one.startswith(("pydantic_ai", "ctxwin.integrations.pydantic_ai"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pydantic_ai", None)
    with pytest.raises(ctxwin.MissingExtra, match=r'pip install "ctxwin\[pydantic-ai\]"'):
        importlib.import_module("ctxwin.integrations.pydantic_ai")


def test_long_arguments_of_an_open_call_come_back_shorter():
    args = {"path": "a.md", "content": "A line of the log.\n" * 4_000}
    for given in (args, json.dumps(args)):
        asked = ModelResponse(parts=[ToolCallPart("save", given, tool_call_id="c1")])
        answered = ModelRequest(parts=[ToolReturnPart("save", "ok", tool_call_id="c1")])
        kept = pack_history([ModelRequest.user_text_prompt("Save it."), asked, answered], budget=1_000)
        sent = next(one for one in kept if isinstance(one, ModelResponse)).parts[0].args_as_dict()
        assert sent["path"] == "a.md"
        assert "omitted …]" in sent["content"]
        assert asked.parts[0].args == given


def test_a_file_that_a_tool_returned_is_read_in_objects_as_in_dumps():
    note = BinaryContent(data=b"The ferry leaves at six.", media_type="text/plain")
    called = ModelResponse(parts=[ToolCallPart("look", {"a": 1}, "c1")])
    talk = [ModelRequest.user_text_prompt("Look."), called, ModelRequest(parts=[ToolReturnPart("look", note, "c1")])]
    for form in (talk, ModelMessagesTypeAdapter.dump_python(talk, mode="json")):
        sent = ctxwin.pack(form, budget=1_000, embedder="none").messages
        assert "The ferry leaves at six." in next(one["content"] for one in sent if one["role"] == "tool")


RULE = "Never call me before nine."
FACT = "The staging server is staging-7.example.org, port 8443."
CALM = "The sea was calm and blue. " * 12
CALM_DAYS = [
    ModelRequest.user_text_prompt(RULE),
    ModelResponse(parts=[TextPart(FACT)]),
    *(one for n in range(30) for one in exchange(f"c{n}", f"Day {n}. {CALM}")),
]


@pytest.mark.parametrize("model", [chat, partial(chat, kind=OpenAIResponsesModel), claude])
@pytest.mark.parametrize("replaces", [True, False])
def test_an_agent_compacts_its_history_and_what_stands_is_said_in_every_request(provider, model, replaces):
    compacts = {"trigger": 1_500, "budget": 900}
    history = ProcessHistory(partial(pack_history, **compacts)) if replaces else PackHistory(**compacts)
    agent = Agent(model(provider), capabilities=[history])
    said = [ModelRequest.user_text_prompt(RULE), ModelResponse(parts=[TextPart(FACT)])]

    async def talk():
        kept = said
        for day in range(12):
            provider.script(f"Day {day}. {CALM}")
            kept = (await agent.run(f"Tell me of day {day}. {CALM}", message_history=kept)).all_messages()
        await agent.model.client.close()
        return kept

    kept = asyncio.run(talk())
    assert (len(kept) == len(said) + 24) == (not replaces)
    assert max(request.tokens for request in provider.requests) <= 1_600
    for request in provider.requests:  # each of which passed the provider's check
        assert any(RULE in text for text in request.texts)
        assert any(FACT in text for text in request.texts)
        assert not any(FACT in str(one) for one in request.messages if one.get("role") == "user")
    assert ModelMessagesTypeAdapter.validate_json(ModelMessagesTypeAdapter.dump_json(kept)) is not None


def test_calls_stay_with_their_returns_wherever_a_compaction_ends():
    for end in range(2, len(CALM_DAYS) + 1):
        calls, returns = tools(kept := pack_history(CALM_DAYS[:end], trigger=1_500, budget=900))
        assert calls[: len(returns)] == returns and len(calls) - len(returns) == (end % 2)
        assert any(FACT in str(part.content) for one in kept for part in one.parts if part.part_kind == "text")
    assert pack_history([], trigger=9, budget=8) == []
    with pytest.raises(ctxwin.errors.InputError, match="budget below it"):
        pack_history(CALM_DAYS, trigger=900)
