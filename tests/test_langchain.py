"""LangChain's messages, chains and agents, with the real packages against a real HTTP server."""

import asyncio
import importlib
import itertools
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain.agents import create_agent
from langchain.agents.structured_output import ToolStrategy
from langchain_anthropic import ChatAnthropic
from langchain_core import messages as core
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.runnables import Runnable
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph.message import REMOVE_ALL_MESSAGES, add_messages
from pydantic import BaseModel, Field
from server import Answer, Call, Provider
from strategies import openai_logs

import ctxwin
from ctxwin.integrations.langchain import CompactionMiddleware, PackingMiddleware, trim_messages

RAIN = "It rained on that day, and nobody went out. " * 12
QUESTION = HumanMessage("What opens locker 37?")
TALK = [SystemMessage("Be brief."), *(HumanMessage(f"Locker {n} opens with {n * 7919 % 9000}.") for n in range(300))]


@pytest.fixture
def provider():
    with Provider() as provider:
        yield provider


def gpt(provider):
    return ChatOpenAI(model="gpt-4o", base_url=provider.openai, api_key="any", max_retries=0)


def claude(provider):
    return ChatAnthropic(model="claude-sonnet-5", base_url=provider.anthropic, api_key="any", max_retries=0)


@tool
def read_log(day: int) -> str:
    """Read the log of a day."""
    return f"Day {day}: the pump ran at {day * 7} litres a minute. " + RAIN


def counted(messages):
    return ctxwin.count_tokens(core.convert_to_openai_messages(messages)).tokens


def test_what_is_kept_whole_is_the_same_object():
    kept = trim_messages([*TALK, QUESTION], max_tokens=200)
    assert kept[0] is TALK[0]
    assert kept[-1] is QUESTION
    assert any(one is TALK[38] for one in kept)
    assert all(one.content.endswith("omitted]") for one in kept if one not in [*TALK, QUESTION])
    assert counted(kept) <= 200 < counted(TALK)


def test_all_comes_back_where_it_fits():
    kept = trim_messages([*TALK[:9], QUESTION], max_tokens=500)
    assert all(mine is yours for mine, yours in zip(kept, [*TALK[:9], QUESTION], strict=True))
    assert trim_messages([], max_tokens=10) == []


def test_what_is_shortened_is_a_copy():
    blocks = [
        {"type": "text", "text": RAIN + "The pump failed at noon. " + RAIN, "cache_control": {"type": "ephemeral"}},
        {"type": "thinking", "thinking": "Pumps fail.", "signature": "abc"},
    ]
    long = [AIMessage(blocks, id="a1"), HumanMessage(RAIN + "The pump is old. " + RAIN, id="h1", name="Ana")]
    before = [one.model_copy(deep=True) for one in long]
    kept = trim_messages([*long, HumanMessage("When did the pump fail?")], max_tokens=200)
    assert long == before
    short = {one.id: one for one in kept if one.id}
    assert short["a1"].content[1] == blocks[1]
    assert short["a1"].content[0]["cache_control"] == {"type": "ephemeral"}
    assert "The pump failed at noon." in short["a1"].content[0]["text"]
    assert len(short["a1"].content[0]["text"]) < len(blocks[0]["text"]) // 1.5
    if "h1" in short:
        assert short["h1"].name == "Ana"


def test_a_tool_call_keeps_its_result_and_both_their_fields():
    call = {"name": "read_log", "args": {"day": 3}, "id": "c1", "type": "tool_call"}
    asks = AIMessage("", tool_calls=[call], usage_metadata={"input_tokens": 9, "output_tokens": 3, "total_tokens": 12})
    result = ToolMessage(RAIN * 3 + "The valve is red. " + RAIN * 3, tool_call_id="c1", artifact={"rows": 3}, id="t1")
    talk = [HumanMessage("Look."), asks, result, *TALK[1:9]]
    kept = trim_messages([*talk, HumanMessage("Which colour has the valve?")], max_tokens=300)
    assert any(one is asks for one in kept)
    short = next(one for one in kept if isinstance(one, ToolMessage))
    assert (short.tool_call_id, short.artifact, short.id) == ("c1", {"rows": 3}, "t1")
    assert "The valve is red." in short.content
    assert len(short.content) < len(result.content)


@settings(max_examples=60)
@given(openai_logs(), st.integers(60, 600))
def test_any_conversation_stays_one_that_providers_take(log, budget):
    try:
        messages = core.convert_to_messages(log["messages"] if isinstance(log, dict) else log)
    except (ValueError, TypeError):  # LangChain knows no spoken answers, no calls without ids, no custom tools
        return
    try:
        kept = trim_messages(messages, max_tokens=budget, embedder="none")
    except ctxwin.BudgetError:
        return

    def broken(some):
        return {problem.rule for problem in ctxwin.check(core.convert_to_openai_messages(some), dialect="openai")}

    assert broken(kept) <= broken(messages)
    order = [next((n for n, one in enumerate(messages) if one is mine), None) for mine in kept]
    known = [place for place in order if place is not None]
    assert known == sorted(known)


@pytest.mark.parametrize("options", [
    {"token_counter": "approximate"},
    {"token_counter": "approximate", "strategy": "last", "start_on": "human", "include_system": True},
    {"token_counter": "approximate", "end_on": ("human", "tool"), "allow_partial": True, "text_splitter": str.split},
    {"token_counter": lambda messages: len(messages)},
])  # fmt: skip
def test_a_call_of_langchain_is_a_call_of_ours(options):
    talk = [AIMessage("Hello, who is there?"), *TALK[1:], QUESTION, AIMessage("It opens with")]
    theirs = core.trim_messages([TALK[0], *talk], max_tokens=150, **options)
    ours = trim_messages([TALK[0], *talk], max_tokens=150, **options)
    assert [type(one) for one in ours] and set(map(type, ours)) <= {SystemMessage, HumanMessage, AIMessage}
    assert type(ours[-1]) is type(theirs[-1])
    if "start_on" in options:
        assert [type(one) for one in ours[:2]] == [type(one) for one in theirs[:2]] == [SystemMessage, HumanMessage]
    assert any("Locker 37 " in one.content for one in ours)
    assert not any("Locker 37 " in one.content for one in theirs)


def test_tokens_are_counted_as_the_model_does():
    chinese = [
        HumanMessage("今天下雨，我们在家里等你。" * 8) for _ in range(30)
    ]  # fewer tokens in the newer vocabulary
    for counter in (ChatOpenAI(model="gpt-4", api_key="any"), "cl100k_base", ctxwin.get_tokenizer("cl100k_base")):
        kept = trim_messages([*chinese, QUESTION], max_tokens=1000, token_counter=counter)
        raw = core.convert_to_openai_messages(kept)
        assert ctxwin.count_tokens(raw, model="gpt-4").tokens <= 1000
        assert len(kept) < len(trim_messages([*chinese, QUESTION], max_tokens=1000))


@pytest.mark.parametrize(("options", "told"), [
    ({"token_counter": len}, "counts messages"),
    ({"strategy": "first"}, "'first'"),
    ({"max_tokens": 20}, "does not fit"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(options, told):
    with pytest.raises(ctxwin.CtxwinError, match=told):
        trim_messages([SystemMessage(RAIN), QUESTION], **{"max_tokens": 99, **options})


def test_results_in_content_blocks_are_refused():
    block = {"type": "tool_result", "tool_use_id": "c1", "content": "3"}
    with pytest.raises(ctxwin.MessageError, match="as a ToolMessage"):
        trim_messages([QUESTION, AIMessage([{"type": "tool_use", "id": "c1", "name": "now", "input": {}}]),
                       HumanMessage([block])], max_tokens=99)  # fmt: skip


def test_it_takes_all_that_langchain_takes_as_messages():
    kept = trim_messages([("system", "Be brief."), {"role": "user", "content": "Hello"}, "Who?"], max_tokens=99)
    assert [type(one) for one in kept] == [SystemMessage, HumanMessage, HumanMessage]


def test_images_and_films_are_counted_and_come_back():
    picture = {"type": "image", "base64": "iVBORw0KGgo=", "mime_type": "image/png"}
    film = {"type": "video", "base64": "AAAA" * 9000, "mime_type": "video/mp4"}
    shown = HumanMessage([{"type": "text", "text": "What is this?"}, picture, film])
    kept = trim_messages([*TALK, shown], max_tokens=60_000)
    assert kept[-1] is shown
    with pytest.raises(ctxwin.BudgetError):
        trim_messages([*TALK, shown], max_tokens=60)


def test_without_messages_it_is_a_step_of_a_chain(provider):
    trim = trim_messages(max_tokens=150, token_counter=gpt(provider))
    assert isinstance(trim, Runnable)
    chain = trim | gpt(provider)
    assert chain.invoke([*TALK, QUESTION]).content == "Noted."
    assert asyncio.run(chain.ainvoke([*TALK, QUESTION])).content == "Noted."
    for request in provider.requests:
        assert request.tokens <= 150
        assert any("Locker 37 opens" in text for text in request.texts)


@pytest.mark.parametrize("model", [gpt, claude])
@pytest.mark.parametrize("calls", ["sync", "async"])
def test_an_agent_sends_little_and_keeps_all(provider, model, calls):
    budget = 1300 if model is claude else 700
    days = [Answer(calls=[Call(name="read_log", arguments={"day": day})]) for day in (3, 4, 5, 6)]
    provider.script(*days, "Day 5 was the best.")
    agent = create_agent(
        model(provider), [read_log], system_prompt="You read logs.", middleware=[PackingMiddleware(budget=budget)]
    )
    state = {"messages": [*TALK[1:], HumanMessage("What opens locker 37, and when did the pump run best?")]}
    done = asyncio.run(agent.ainvoke(state)) if calls == "async" else agent.invoke(state)
    assert done["messages"][-1].content == "Day 5 was the best."
    assert len(done["messages"]) == 301 + 4 * 2 + 1
    assert all(one.content.endswith(RAIN) for one in done["messages"] if isinstance(one, ToolMessage))
    assert len(provider.requests) == 5
    for request in provider.requests:  # each of which passed the provider's check
        assert request.tokens <= budget
        assert any("What opens locker 37" in text for text in request.texts)
    assert any("Locker 37 opens" in text for text in provider.requests[0].texts)


def test_parallel_and_invalid_calls_travel_with_their_answers(provider):
    provider.script(
        Answer(calls=[Call(name="read_log", arguments={"day": 1}), Call(name="read_log", arguments={"day": 2})]),
        Answer(calls=[Call(name="read_log", arguments={"day": "soon"})]),
        "Done.",
    )
    agent = create_agent(gpt(provider), [read_log], middleware=[PackingMiddleware(budget=360)])
    done = agent.invoke({"messages": [*TALK[1:], HumanMessage("Read days 1 and 2.")]})
    assert done["messages"][-1].content == "Done."
    assert max(request.tokens for request in provider.requests) <= 360
    answers = [[one for one in request.messages if one["role"] == "tool"] for request in provider.requests]
    assert [len(some) for some in answers] == [0, 2, 3]
    assert any("omitted" in one["content"] for one in answers[1])
    assert "valid integer" in answers[2][-1]["content"]


class Report(BaseModel):
    """What the logs say, in the order in which they say it."""

    days: list[int] = Field(description="All days that the logs tell of, the earliest first. " * 3)
    best: int = Field(description="The day on which the pump ran best, or 0 where none is known. " * 3)


def test_the_form_of_an_answer_is_counted(provider):
    provider.script(Answer(calls=[Call(name="Report", arguments={"days": [3], "best": 3})]))
    packing = PackingMiddleware(budget=400)
    agent = create_agent(gpt(provider), [read_log], middleware=[packing], response_format=ToolStrategy(Report))
    done = agent.invoke({"messages": [*TALK[1:], QUESTION]})
    assert done["structured_response"] == Report(days=[3], best=3)
    assert len(provider.last.body["tools"]) == 2
    assert 300 < provider.last.tokens <= 400


def test_a_budget_that_is_too_small_reaches_the_caller(provider):
    agent = create_agent(gpt(provider), [read_log], system_prompt=RAIN, middleware=[PackingMiddleware(budget=90)])
    with pytest.raises(ctxwin.BudgetError, match="system"):
        agent.invoke({"messages": [QUESTION]})
    assert not provider.requests


def test_a_missing_package_names_the_command(monkeypatch):
    for name in [one for one in sys.modules if one.startswith(("langchain", "ctxwin.integrations.langchain"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "langchain", None)
    with pytest.raises(ctxwin.MissingExtra, match=r'pip install "ctxwin\[langchain\]"'):
        importlib.import_module("ctxwin.integrations.langchain")


def test_long_arguments_of_an_open_call_come_back_shorter():
    args = {"path": "a.md", "content": "A line of the log.\n" * 4_000}
    block = {"type": "tool_use", "id": "c1", "name": "save", "input": args}
    calls = [{"id": "c1", "name": "save", "args": args}]
    for content in ("", [block]):
        asked = AIMessage(content, tool_calls=calls)
        talk = [HumanMessage("Save it."), asked, ToolMessage("ok", tool_call_id="c1")]
        kept = trim_messages(talk, max_tokens=1_000, tokenizer="o200k_base")
        sent = next(one for one in kept if isinstance(one, AIMessage))
        assert sent.tool_calls[0]["args"]["path"] == "a.md"
        assert "omitted …]" in sent.tool_calls[0]["args"]["content"]
        assert content == "" or sent.content[0]["input"] == sent.tool_calls[0]["args"]
        assert asked.tool_calls[0]["args"] == args


@pytest.mark.parametrize(
    "found",
    [
        {"type": "web_fetch_result", "url": "https://e.org", "content": {
            "type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "The ferry leaves."}}},
        [{"type": "web_search_result", "url": "https://e.org", "title": "The ferry leaves.", "encrypted_content": "x"}],
        {"type": "bash_code_execution_result", "stdout": "The ferry leaves.", "stderr": "", "return_code": 0},
        {"type": "code_execution_result", "stdout": "", "stderr": "The ferry leaves.", "content": []},
        [{"type": "search_result", "source": "s", "title": "t", "content": [
            {"type": "text", "text": "The ferry leaves."}]}],
    ],
    ids=["page", "hits", "shell", "code", "search"],
)  # fmt: skip
def test_what_the_providers_own_tools_found_is_read_in_messages_of_claude(found):
    used = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "look", "input": {"q": "tides"}}
    result = {"type": "look_tool_result", "tool_use_id": "srvtoolu_1", "content": found}
    talk = [HumanMessage("Look."), AIMessage([used, result, {"type": "text", "text": "Done."}]), HumanMessage("So?")]
    sent = ctxwin.pack(talk, budget=1_000, embedder="none").messages
    assert "The ferry leaves." in next(one["content"] for one in sent if one["role"] == "tool")
    assert ctxwin.check(sent) == []


def test_what_is_no_message_for_a_model_is_refused_by_name():
    with pytest.raises(ctxwin.MessageError, match="RemoveMessage"):
        trim_messages([QUESTION, core.RemoveMessage(id="x")], max_tokens=200)
    with pytest.raises(ctxwin.MessageError, match="ChatMessage has the role 'critic'"):
        trim_messages([core.ChatMessage(role="critic", content="Too long."), QUESTION], max_tokens=200)
    said = core.ChatMessage(role="user", content="What opens locker 3?")
    assert trim_messages([said, QUESTION], max_tokens=200)[0] == said


def test_citations_and_outputs_of_a_providers_tools_stay_with_a_shortened_answer():
    long = " ".join(f"Pump {n} speaks of locker {n * 7}." for n in range(200))
    cited = [{"type": "url_citation", "url": "https://example.org/pumps"}]
    outputs = [{"type": "web_search_call", "id": "ws_1", "status": "completed"}]
    for content in (long, [{"type": "text", "text": long, "annotations": cited}]):
        answer = AIMessage(content, additional_kwargs={"tool_outputs": outputs, "annotations": cited})
        kept = trim_messages([HumanMessage("Hi?"), answer, HumanMessage("What of locker 700?")], max_tokens=300)
        short = next(one for one in kept if isinstance(one, AIMessage))
        assert short is not answer and len(str(short.content)) < len(long)
        assert short.additional_kwargs == answer.additional_kwargs
        assert isinstance(content, str) or short.content[0]["annotations"] == cited


RULE = "Never call me before nine."
FACT = "The staging server is staging-7.example.org, port 8443."
CALM = "The sea was calm and blue. " * 12


def compacted(messages, **options):
    """Return the messages of a state after a compaction, as LangGraph keeps them."""
    given = {"trigger": ("messages", 1), **options}
    update = CompactionMiddleware(**given).before_model({"messages": messages}, None)
    return messages if update is None else add_messages([], update["messages"])


@pytest.mark.parametrize("model", [gpt, claude])
@pytest.mark.parametrize("calls", ["sync", "async"])
def test_an_agent_compacts_its_state_again_and_again_and_what_stands_is_said_in_every_request(provider, model, calls):
    agent = create_agent(
        model(provider),
        [read_log],
        system_prompt="You read logs.",
        middleware=[CompactionMiddleware(model(provider), trigger=("tokens", 1_500), budget=700)],
        checkpointer=InMemorySaver(),
    )
    config = {"configurable": {"thread_id": "ana"}}
    days = [[Answer(calls=[Call(name="read_log", arguments={"day": day})]), f"It was wet. {RAIN}"] for day in range(12)]
    provider.script("Understood. " + FACT, *itertools.chain(*days))
    said = [{"messages": [HumanMessage(text)]} for text in (RULE, *(f"Tell me of day {day}." for day in range(12)))]

    async def talk():
        return [await agent.ainvoke(one, config) for one in said]

    states = asyncio.run(talk()) if calls == "async" else [agent.invoke(one, config) for one in said]
    sizes = [counted(state["messages"]) for state in states]
    assert sum(late < early for early, late in itertools.pairwise(sizes)) >= 2, "it compacts more than once"
    assert max(sizes) < 1_500 + 2 * 200  # a question, a call, a result and an answer come on top
    for request in list(provider.requests)[1:]:  # each of which passed the provider's check
        assert any(RULE in text for text in request.texts)
        assert any(FACT in text for text in request.texts)
        users = [one for one in request.messages if one["role"] == "user"]
        assert FACT not in str(users) + str(request.messages[0] if model is gpt else request.body["system"])
    seen = {one.id for state in agent.get_state_history(config) for one in state.values.get("messages", ())}
    assert len(seen) > 12 * 4, "the checkpointer has the former states"


def test_a_compaction_keeps_the_recent_messages_under_their_ids_and_an_open_call():
    call = {"name": "read_log", "args": {"day": 3}, "id": "c1", "type": "tool_call"}
    end = [HumanMessage("And day 3?", id="h"), AIMessage("", tool_calls=[call], id="a")]
    talk = [SystemMessage("Be brief.", id="s"), HumanMessage(RULE), AIMessage(FACT)]
    talk += [*(HumanMessage(CALM) for _ in range(30)), *end]
    before = [one.model_dump(exclude={"id"}) for one in talk]  # LangGraph gives ids
    for tail in ([], [ToolMessage("Wet.", tool_call_id="c1", id="t")]):
        kept = compacted([*talk, *tail], budget=400)
        assert counted(kept) <= 400
        assert [one.id for one in kept if len(one.id) == 1] == ["s", "h", "a", *(one.id for one in tail)]
        assert [type(one) for one in kept[:3]] == [SystemMessage, HumanMessage, AIMessage]
        assert RULE in kept[1].content and FACT in kept[2].content
        assert len({one.id for one in kept}) == len(kept)
    assert [one.model_dump(exclude={"id"}) for one in talk] == before


def test_a_compaction_of_compactions_loses_nothing_that_stood():
    rules = [f"Always write the {word} report before {hour} o'clock." for hour, word in enumerate(
        ("tide", "pump", "valve", "ferry", "crane", "buoy"), 1)]  # fmt: skip
    state = [HumanMessage(rules[0])]
    for place, rule in enumerate(rules[1:]):
        state = compacted([*state, *TALK[1 + 40 * place : 41 + 40 * place], HumanMessage(rule)], budget=600)
    state = compacted([*state, *TALK[201:]], budget=600)
    assert [rule for rule in rules if not any(rule in one.content for one in state)] == []
    assert counted(state) <= 600
    assert sum(one.content.startswith("[said earlier") for one in state) == 1


@pytest.mark.parametrize(("trigger", "compacts"), [
    (("messages", 30), True),
    (("messages", 31), False),
    (("tokens", 300), True),
    (("tokens", 500), False),
    (("fraction", 0.004), False),
    (("fraction", 0.002), True),
    ({"messages": 30, "tokens": 300}, True),
    ({"messages": 30, "tokens": 500}, False),
    ({"tokens": 10, "fraction": 0.004}, False),
    ([("tokens", 500), {"messages": 10}], True),
    ([("tokens", 500), {"messages": 10, "tokens": 600}], False),
])  # fmt: skip
def test_triggers_are_those_of_langchain(trigger, compacts):
    for model in ("gpt-4o", "openai:gpt-4o", ChatOpenAI(model="gpt-4o", api_key="any")):  # a window of 128,000
        middleware = CompactionMiddleware(model, trigger=trigger, budget=100)
        done = middleware.before_model({"messages": TALK[1:31]}, None)
        assert (done is not None) == compacts
        if done is not None:
            assert done["messages"][0].id == REMOVE_ALL_MESSAGES


def test_what_fits_is_left_as_it_is():
    assert CompactionMiddleware(trigger=("messages", 1), budget=900).before_model({"messages": TALK[:20]}, None) is None


@pytest.mark.parametrize("trigger", [("turns", 3), ("tokens", 0), {}, [{}], ("fraction", 0.5), {"fraction": 0.5}])
def test_a_trigger_that_cannot_be_read_is_refused(trigger):
    with pytest.raises(ctxwin.errors.InputError, match="trigger"):
        CompactionMiddleware("a-model-of-ours", trigger=trigger, budget=900)


@settings(max_examples=60)
@given(openai_logs(), st.integers(60, 600))
def test_any_compacted_conversation_stays_one_that_providers_take(log, budget):
    try:
        messages = core.convert_to_messages(log["messages"] if isinstance(log, dict) else log)
    except (ValueError, TypeError):  # as above
        return
    try:
        kept = compacted(messages, budget=budget)
    except ctxwin.BudgetError:
        return

    def broken(some):
        return {problem.rule for problem in ctxwin.check(core.convert_to_openai_messages(some), dialect="openai")}

    assert broken(kept) <= broken(messages)
