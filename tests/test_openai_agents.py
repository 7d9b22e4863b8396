"""OpenAI Agents: sessions in windows, packed requests, with the real SDK against a real HTTP server."""

import asyncio
import importlib
import sys
from contextlib import asynccontextmanager

import openai
import pytest
from agents import (
    Agent,
    AgentOutputSchema,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    RunConfig,
    Runner,
    SQLiteSession,
    function_tool,
    set_tracing_disabled,
)
from agents.memory import Session
from pydantic import BaseModel, Field
from server import Answer, Call, Failure, Provider

import ctxwin
from ctxwin.integrations.openai_agents import CompactionSession, WindowSession, pack_input
from ctxwin.window import Window

set_tracing_disabled(True)
RAIN = "It rained on that day, and nobody went out. " * 12
QUESTION = "What opens locker 37, and when did the pump run best?"
TALK = [
    {"role": "user" if n % 2 == 0 else "assistant", "content": f"Locker {n} opens with {n * 7919 % 9000}."}
    for n in range(300)
]
BUDGET = 700


@function_tool
def read_log(day: int) -> str:
    """Read the log of a day."""
    return f"Day {day}: the pump ran at {day * 7} litres a minute. " + RAIN


@pytest.fixture
def provider():
    with Provider() as provider:
        yield provider


@pytest.fixture
def window(tmp_path):
    with Window(store=tmp_path / "chat.db", id="ana", dialect="responses", budget=BUDGET) as window:
        yield window


@asynccontextmanager
async def agent_of(provider, kind=OpenAIResponsesModel):
    other = Agent(name="Other", handoff_description="Knows the rest.")
    async with openai.AsyncOpenAI(base_url=provider.openai, api_key="any", max_retries=0) as client:
        model = kind("gpt-4o", client)
        yield Agent(name="Logs", instructions="You read logs.", tools=[read_log], handoffs=[other], model=model)


@pytest.mark.parametrize("kind", [OpenAIResponsesModel, OpenAIChatCompletionsModel])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_run_sends_little_and_stores_all(provider, window, kind, streamed):
    days = [Answer(text="So.", thinking="Hm.", calls=[Call(name="read_log", arguments={"day": day})]) for day in (3, 4)]
    provider.script(*days, "Day 4 was the best.")

    async def run():
        session = WindowSession(window)
        await session.add_items(TALK)
        config = RunConfig(call_model_input_filter=session.pack)
        async with agent_of(provider, kind) as agent:
            if not streamed:
                return (await Runner.run(agent, QUESTION, session=session, run_config=config)).final_output
            result = Runner.run_streamed(agent, QUESTION, session=session, run_config=config)
            async for _ in result.stream_events():
                pass
            return result.final_output

    assert asyncio.run(run()) == "Day 4 was the best."
    stored = [turn.message for turn in window.turns]
    assert stored[:300] == TALK
    assert stored[300] == {"role": "user", "content": QUESTION}
    assert sum(one.get("type") == "function_call" for one in stored) == 2
    assert all(one["output"].endswith(RAIN) for one in stored if one.get("type") == "function_call_output")
    assert len(provider.requests) == 3
    for request in provider.requests:  # each of which passed the provider's check
        assert request.tokens <= BUDGET
        assert any(QUESTION in text for text in request.texts)
    assert any("Locker 37 opens" in text for text in provider.requests[0].texts)


def test_a_session_outlives_the_process_and_the_next_run_goes_on(provider, tmp_path):
    async def say(text):
        with Window(store=tmp_path / "chat.db", id="ana", dialect="responses", budget=BUDGET) as window:
            session = WindowSession(window)
            async with agent_of(provider) as agent:
                config = RunConfig(call_model_input_filter=session.pack)
                return (await Runner.run(agent, text, session=session, run_config=config)).final_output

    provider.respond = lambda request: "Miso." if any("cat is Miso" in text for text in request.texts) else "Who knows."
    assert asyncio.run(say("Hello.")) == "Who knows."
    assert asyncio.run(say("My cat is Miso.")) == "Miso."
    assert asyncio.run(say("What is my cat called?")) == "Miso."


def test_it_does_what_the_sdk_asks_of_a_session(window):
    session = WindowSession(window)
    assert isinstance(session, Session)
    twin = SQLiteSession("ana")

    async def both(do):
        ours, theirs = await do(session), await do(twin)
        assert ours == theirs
        return ours

    async def steps():
        assert await both(lambda one: one.get_items()) == []
        assert await both(lambda one: one.pop_item()) is None
        await both(lambda one: one.add_items([]))
        await both(lambda one: one.add_items(TALK[:5]))
        assert len(await both(lambda one: one.get_items(limit=2))) == 2
        await both(lambda one: one.get_items(limit=0))
        await both(lambda one: one.get_items(limit=9))
        assert await both(lambda one: one.pop_item()) == TALK[4]
        await both(lambda one: one.add_items(TALK[7:9]))
        assert await both(lambda one: one.get_items()) == [*TALK[:4], *TALK[7:9]]
        assert len(window.turns) == 7  # what was popped is forgotten, not gone
        await both(lambda one: one.clear_session())
        assert await both(lambda one: one.get_items()) == []
        assert len(window.turns) == 0
        await both(lambda one: one.add_items(TALK[:1]))

    asyncio.run(steps())
    twin.close()


def test_pins_and_forgotten_turns_hold(provider, window):
    async def run():
        session = WindowSession(window, embedder="none")
        await session.add_items(TALK)
        window.pin(11)
        window.forget(37)
        config = RunConfig(call_model_input_filter=session.pack)
        async with agent_of(provider) as agent:
            await Runner.run(agent, "What opens locker 37?", session=session, run_config=config)

    asyncio.run(run())
    assert any("Locker 11 opens" in text for text in provider.last.texts)
    assert not any("Locker 37 opens" in text for text in provider.last.texts)


def test_any_other_session_may_be_packed(provider):
    async def run():
        session = SQLiteSession("ana")
        await session.add_items(TALK)
        config = RunConfig(call_model_input_filter=pack_input(budget=BUDGET))
        async with agent_of(provider) as agent:
            await Runner.run(agent, "What opens locker 37?", session=session, run_config=config)
            await Runner.run(agent, "What opens locker 41?", run_config=config)
        items = await session.get_items()
        session.close()
        return items

    assert len(asyncio.run(run())) == 302
    first, second = provider.requests
    assert first.tokens <= BUDGET
    assert any("Locker 37 opens" in text for text in first.texts)
    assert len(second.messages) == 1


class Report(BaseModel):
    """What the logs say, in the order in which they say it."""

    days: list[int] = Field(description="All days that the logs tell of, the earliest first. " * 3)
    best: int = Field(description="The day on which the pump ran best, or 0 where none is known. " * 3)


@pytest.mark.parametrize("form", [Report, AgentOutputSchema(Report)])
def test_the_form_of_an_answer_is_counted(provider, form):
    async def run():
        config = RunConfig(call_model_input_filter=pack_input(budget=BUDGET))
        async with agent_of(provider) as agent:
            question = [*TALK, {"role": "user", "content": "What opens locker 37?"}]
            plain = (await Runner.run(agent, question, run_config=config)).final_output
            return plain, (await Runner.run(agent.clone(output_type=form), question, run_config=config)).final_output

    provider.script("Noted.", '{"days": [3], "best": 3}')
    assert asyncio.run(run()) == ("Noted.", Report(days=[3], best=3))
    plain, formed = provider.requests
    assert max(plain.tokens, formed.tokens) <= BUDGET  # the provider counts the form too
    assert len(formed.messages) < len(plain.messages), "the form takes the room of messages"


def test_a_failure_reaches_the_caller_and_the_question_is_stored(provider, window):
    async def run(budget):
        session = WindowSession(window, budget=budget)
        config = RunConfig(call_model_input_filter=session.pack)
        async with agent_of(provider) as agent:
            return (await Runner.run(agent, "Hello.", session=session, run_config=config)).final_output

    provider.script(Failure(status=500))
    with pytest.raises(openai.InternalServerError):
        asyncio.run(run(BUDGET))
    with pytest.raises(ctxwin.BudgetError, match="tools"):
        asyncio.run(run(40))
    assert asyncio.run(run(BUDGET)) == "Noted."
    assert [turn.message["content"] for turn in window.turns][:1] == ["Hello."]


def test_a_window_of_another_dialect_is_refused():
    with Window(dialect="anthropic", budget=900) as window, pytest.raises(ctxwin.CtxwinError, match="responses"):
        WindowSession(window)


def test_a_missing_package_names_the_command(monkeypatch):
    for name in [
        one for one in sys.modules if one == "agents" or one.startswith(("agents.", "ctxwin.integrations.op"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "agents", None)
    with pytest.raises(ctxwin.MissingExtra, match=r'pip install "ctxwin\[openai-agents\]"'):
        importlib.import_module("ctxwin.integrations.openai_agents")


RULE = "Never call me before nine."
FACT = "The staging server is staging-7.example.org, port 8443."
CALM = "The sea was calm and blue. " * 12
DAYS = [
    {"role": "user", "content": RULE},
    {"role": "assistant", "content": FACT},
    *({"role": ("user", "assistant")[n % 2], "content": f"Day {n}. {CALM}"} for n in range(60)),
]


def compaction(session):
    return CompactionSession(session, trigger=1_500, budget=600)


def counted(items):
    return ctxwin.count_tokens({"input": items}).tokens if items else 0


@pytest.mark.parametrize("kind", [OpenAIResponsesModel, OpenAIChatCompletionsModel])
@pytest.mark.parametrize("store", ["window", "sqlite"])
def test_a_compacted_session_sends_little_and_stores_all(provider, window, kind, store):
    days = [[Answer(calls=[Call(name="read_log", arguments={"day": day})]), f"So. {CALM}"] for day in range(12)]
    provider.script("Understood. " + FACT, *(answer for day in days for answer in day))

    async def run():
        below = WindowSession(window) if store == "window" else SQLiteSession("ana")
        session = compaction(below)
        assert isinstance(session, Session)
        async with agent_of(provider, kind) as agent:
            for text in (RULE, *(f"Tell me of day {day}." for day in range(12))):
                await Runner.run(agent, text, session=session)
        stored = await below.get_items()
        if store == "sqlite":
            below.close()
        return stored

    stored = asyncio.run(run())
    assert stored[0]["content"] == RULE
    assert len(stored) == 2 + 12 * 4
    assert counted(stored) > 3_000
    assert max(request.tokens for request in provider.requests) < 1_500 + 500  # prompt, tools and the run's own items
    for request in list(provider.requests)[1:]:  # each of which passed the provider's check
        assert any(RULE in text for text in request.texts)
        assert any(FACT in text for text in request.texts)
        assert not any(FACT in str(one) for one in request.messages if one.get("role") == "user")


def test_a_compacted_conversation_begins_alike_for_many_turns_and_in_each_process(window):
    async def run():
        session, below = compaction(WindowSession(window)), SQLiteSession("ana")
        shown = []
        for item in DAYS:
            await session.add_items([item])
            await below.add_items([item])
            shown.append(await session.get_items())
            assert shown[-1] == await compaction(below).get_items()  # nothing is kept in mind
        below.close()
        return shown

    shown = asyncio.run(run())
    assert all(counted(items) <= 1_500 for items in shown)
    assert all(ctxwin.check({"input": items}) == [] for items in shown)
    moved = [place for place in range(1, len(shown)) if shown[place][: len(shown[place - 1])] != shown[place - 1]]
    assert 3 <= len(moved) <= len(DAYS) // 9
    assert all(items[-1] == DAYS[place] for place, items in enumerate(shown))
    for items in shown[moved[0] :]:
        assert RULE in str(items[0]["content"]) and items[0]["role"] == "user"
        assert FACT in str(items[1]["content"]) and items[1]["role"] == "assistant"


def test_what_is_erased_forgotten_or_popped_leaves_the_compaction_and_what_is_pinned_stays(window):
    async def run():
        session = compaction(WindowSession(window))
        await session.add_items(DAYS)
        window.pin(5)
        assert DAYS[5] in await session.get_items()
        window.erase(0)
        window.forget(1)
        shown = str(await session.get_items())
        assert RULE not in shown and FACT not in shown
        assert await session.pop_item() == DAYS[-1]
        assert (await session.get_items())[-1] == DAYS[-2]
        assert await session.get_items(limit=2) == DAYS[-3:-1]
        await session.clear_session()
        assert await session.get_items() == []

    asyncio.run(run())


def test_a_call_that_is_open_where_the_compaction_ends_gets_its_result():
    async def run():
        for size in range(0, 1_600, 100):
            below = SQLiteSession("ana")
            call = {"type": "function_call", "call_id": "c1", "name": "read_log", "arguments": "{}"}
            result = {"type": "function_call_output", "call_id": "c1", "output": CALM}
            await below.add_items([{"role": "user", "content": "word " * size}, call, result])
            items = await compaction(below).get_items()
            below.close()
            assert [one.get("call_id") for one in items][-2:] == ["c1", "c1"]
            assert ctxwin.check({"input": items}) == []

    asyncio.run(run())


@pytest.mark.parametrize(
    ("trigger", "budget"), [(600, 600), ("1k", "2k"), (600, ctxwin.Budget(total=700, reserve=300))]
)
def test_a_budget_that_is_not_below_the_trigger_is_refused(trigger, budget):
    below = SQLiteSession("ana")
    with pytest.raises(ctxwin.errors.InputError, match="budget below it"):
        CompactionSession(below, trigger=trigger, budget=budget)
    below.close()
