"""Sessions and dumps of agents and SDKs become conversations that a provider takes, and nothing of them is lost."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import copy
import gc
import importlib
import json
import random
import sqlite3
import time

import pydantic
import pytest
from agent_samples import (
    ASKED,
    AT,
    CLAUDE_CODE,
    COMPLETE,
    FOUND,
    LOOKED,
    NATIVE,
    PNG,
    SAID,
    THOUGHT,
    codex,
    codex_said,
    gave,
    line,
    use,
)
from openai.types.chat import ChatCompletionMessageParam

import ctxwin
from ctxwin import check

FORMS = sorted({name for name, *_ in COMPLETE})


def form(name):
    return importlib.import_module(f"ctxwin.messages.foreign.{name}").FORM


def read(name, value):
    """Return the messages of the one conversation in a value."""
    assert form(name).recognise(value)
    (found,) = form(name).read(value)
    return [item.raw for item in found.items]


def dumped(messages):
    return json.dumps(messages, ensure_ascii=False)


def complete(function):
    names = [f"{name}-{sample}" for name, sample, *_ in COMPLETE]
    cases = [(name, value, texts) for name, _, value, texts in COMPLETE]
    return pytest.mark.parametrize(("name", "value", "texts"), cases, ids=names)(function)


@complete
def test_what_is_whole_is_valid_and_nothing_is_lost(name, value, texts):
    before = copy.deepcopy(value)
    messages = read(name, value)
    assert value == before
    assert check(messages, dialect="openai") == []
    written = dumped(messages)
    assert [words for words in texts if words not in written] == []
    calls = [call["id"] for message in messages for call in message.get("tool_calls") or ()]
    results = [message["tool_call_id"] for message in messages if message["role"] == "tool"]
    assert calls == results
    for message in messages:
        for call in message.get("tool_calls") or ():
            if call["type"] == "function":
                assert isinstance(json.loads(call["function"]["arguments"]), dict)


@complete
def test_what_has_one_form_has_no_other(name, value, texts):
    assert [one for one in FORMS if form(one).recognise(value)] == [name]


@pytest.mark.parametrize("value", NATIVE.values(), ids=NATIVE.keys())
def test_what_is_none_of_these_is_not_taken_for_one(value):
    assert [one for one in FORMS if form(one).recognise(value)] == []


@complete
def test_what_is_cut_off_anywhere_is_still_valid(name, value, texts):
    """A session may end, or begin, in the middle of everything."""
    rows = value if isinstance(value, list) else next((one for one in value.values() if isinstance(one, list)), [])
    for count in range(1, len(rows)):
        for part in (rows[:count], rows[count:]):
            if form(name).recognise(part):
                for found in form(name).read(part):
                    if found.items:
                        assert check([item.raw for item in found.items], dialect="openai") == []


@complete
def test_rows_in_any_order_are_read_without_a_trace(name, value, texts):
    rows = list(value) if isinstance(value, list) else []
    for seed in range(20):
        random.Random(seed).shuffle(rows)
        if form(name).recognise(rows):
            for found in form(name).read(rows):
                assert not found.items or check([item.raw for item in found.items], dialect="openai") == []


@complete
def test_what_is_read_is_of_the_types_of_the_sdk(name, value, texts):
    for found in form(name).read(value):
        pydantic.TypeAdapter(list[ChatCompletionMessageParam]).validate_python([item.raw for item in found.items])


ODD = (None, 3, "", "x", [], {}, [None], ["a"], {"a": 1}, True, [[]], -1.5, "data:", float("inf"))


def damaged(value, generator):
    """Return a value with something in it gone, doubled or of another type."""
    value = copy.deepcopy(value)
    for _ in range(generator.choice((1, 1, 2, 3))):
        places = [
            (inner, key) for inner in walked(value) for key in (inner if isinstance(inner, dict) else range(len(inner)))
        ]
        inner, key = generator.choice(places)
        chance = generator.random()
        if chance < 0.2:
            del inner[key]
        elif chance < 0.3 and isinstance(inner, list):
            inner.append(copy.deepcopy(inner[key]))
        else:
            inner[key] = copy.deepcopy(generator.choice(ODD))
    return value


def walked(value):
    if isinstance(value, dict | list) and value:
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from walked(inner)


@complete
def test_what_is_damaged_is_read_as_far_as_it_goes(name, value, texts):
    generator = random.Random(name)
    for _ in range(15):
        bad = damaged(value, generator)
        for one in map(form, FORMS):
            if one.recognise(bad):
                for found in one.read(bad):
                    assert not found.items or check([item.raw for item in found.items], dialect="openai") == []


def test_long_lists_of_messages_are_told_from_other_forms_at_little_cost():
    messages = [{"role": "user", "content": "x"} for _ in range(14_000)]
    looked = read_in = float("inf")
    for _ in range(3):
        began = time.process_time()
        assert not any(form(name).recognise(messages) for name in FORMS)
        looked = min(looked, time.process_time() - began)
        began = time.process_time()
        ctxwin.messages.read(messages)
        read_in = min(read_in, time.process_time() - began)
    assert looked < read_in / 2


def hostile(size):
    """Yield sessions that are made to cost much."""
    back = codex("event_msg", type="thread_rolled_back", num_turns=1)
    said = [codex("response_item", **codex_said("user", f"<x>{n}")) for n in range(size)]
    yield "codex_session", said + [back] * size
    call, answer = {"functionCall": {"name": "f"}}, {"functionResponse": {"name": "f", "response": {"a": 1}}}
    yield "gemini_contents", [{"role": "model", "parts": [call] * size}, {"role": "user", "parts": [answer] * size}]
    names = ["a", *(f"a{n}" for n in range(size))]
    blocks = [[{"type": "text", "text": f"t{n}"}] for n in range(size)]
    yield (
        "claude_code_session",
        [line("assistant", names[n + 1], names[n], blocks[n], message="m") for n in range(size)],
    )


@pytest.mark.slow
def test_hostile_sessions_cost_linear_time():
    for (name, small), (_, large) in zip(hostile(500), hostile(2_000), strict=True):
        costs = []
        for value in (small, large):
            best = float("inf")
            for _ in range(3):
                gc.collect()
                began = time.process_time()
                assert form(name).recognise(value)
                list(form(name).read(value))
                best = min(best, time.process_time() - began)
            costs.append(best)
        assert costs[1] < 8 * costs[0], name


# Claude Code


def test_the_newest_branch_of_a_claude_session_is_read():
    rows = [*CLAUDE_CODE, line("user", "u9", "r1", "Look in the pot."), line("assistant", "a9", "u9", "Nothing.")]
    written = dumped(read("claude_code_session", rows))
    assert "Look in the pot." in written
    assert "Nothing." in written
    assert SAID not in written
    assert FOUND in written


def test_results_of_calls_made_at_once_hang_on_a_side_of_the_tree():
    rows = [
        line("user", "u1", None, ASKED),
        line("assistant", "a1", "u1", [use("t1", what="mat")], message="m"),
        line("assistant", "a2", "a1", [use("t2", what="pot")], message="m"),
        line("user", "r1", "a1", [gave("t1", FOUND)]),
        line("user", "r2", "a2", [gave("t2", "A snail.")]),
        line("assistant", "a3", "r2", [{"type": "text", "text": SAID}], message="m2"),
    ]
    messages = read("claude_code_session", rows)
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "tool", "tool", "assistant"]
    assert [message["content"] for message in messages[3:5]] == [FOUND, "A snail."]
    assert len(messages[2]["tool_calls"]) == 2


def test_a_compacted_session_is_one_conversation():
    rows = [
        *CLAUDE_CODE,
        {**line("user", "b", None, ""), "type": "system", "subtype": "compact_boundary", "logicalParentUuid": "a3"},
        line("user", "s", "b", "This session is being continued: a key was found.", isCompactSummary=True),
        line("user", "u2", "s", "Thank you."),
    ]
    written = dumped(read("claude_code_session", rows))
    assert all(words in written for words in (ASKED, SAID, "being continued", "Thank you."))


def test_other_agents_of_a_session_stand_aside_unless_it_is_theirs():
    aside = [line("user", "x1", None, "Search the pot.", isSidechain=True)]
    assert "pot" not in dumped(read("claude_code_session", [*CLAUDE_CODE, *aside]))
    assert "Search the pot." in dumped(read("claude_code_session", aside))


def test_lines_that_are_told_again_are_there_once():
    streamed = [
        line("user", "u1", None, ASKED),
        line("assistant", "a1", "u1", [{"type": "text", "text": SAID[:5]}], message="m"),
        line("assistant", "a2", "a1", [{"type": "text", "text": SAID}], message="m"),
        line("assistant", "a3", "a2", [{"type": "text", "text": SAID}, use("t")], message="m"),
        line("assistant", "a4", "a3", [use("t", what="mat")], message="m"),
        line("user", "r1", "a4", [gave("t", FOUND)]),
    ]
    messages = read("claude_code_session", [*streamed, *streamed[2:4]])
    assert [message["content"] for message in messages[1:]] == [ASKED, SAID, FOUND]
    assert messages[2]["tool_calls"][0]["function"]["arguments"] == '{"what": "mat"}'


def test_what_was_typed_while_the_model_worked_is_said_once():
    def queue(operation, **more):
        return {"type": "queue-operation", "operation": operation, "timestamp": AT.format(2), **more}

    attached = {"type": "queued_command", "prompt": "And the pot.", "commandMode": "prompt"}
    rows = [
        *CLAUDE_CODE[:5],
        queue("enqueue", content="And the pot."),
        queue("enqueue", content="And the roof."),
        queue("enqueue", content="No."),
        queue("popAll", content="No."),
        {"type": "attachment", "uuid": "q", "parentUuid": "a2", "attachment": attached},
        line("user", "r1", "q", [gave("t1", FOUND)]),
        line("assistant", "a3", "r1", SAID, message="msg_2"),
    ]
    messages = read("claude_code_session", rows)
    said = [message["content"] for message in messages if message["role"] == "user"]
    assert said == [ASKED, "And the roof.", "And the pot."]
    assert messages[3]["role"] == "tool"


def test_times_title_and_place_of_a_session_are_kept():
    (found,) = form("claude_code_session").read(CLAUDE_CODE)
    assert found.title == "The key of the shed"
    assert found.id == "s1"
    assert found.items[1].time == AT.format(1)
    assert found.items[0].raw == {"role": "system", "content": "Working directory: /home/ana/shed\nGit branch: main"}


def test_a_picture_that_a_tool_gave_back_follows_the_results():
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    rows = [*CLAUDE_CODE[:5], line("user", "r1", "a2", [gave("t1", [{"type": "text", "text": FOUND}, picture])])]
    *_, result, shown = read("claude_code_session", rows)
    assert result["content"] == f"{FOUND}\n\n[image]"
    assert shown["content"] == [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}]


def test_a_call_that_was_interrupted_gets_a_marked_result_unless_it_is_the_last():
    open_end = read("claude_code_session", CLAUDE_CODE[:5])
    assert open_end[-1]["tool_calls"][0]["id"] == "t1"
    later = read("claude_code_session", [*CLAUDE_CODE[:5], line("user", "u2", "a2", "Stop.")])
    assert [message["content"] for message in later[-2:]] == ["[no result]", "Stop."]
    assert check(later) == []


# Codex


def test_turns_that_codex_took_back_are_gone():
    asked = [codex("response_item", **codex_said("user", words)) for words in (ASKED, "Dig it up!")]
    answers = [codex("response_item", **codex_said("assistant", words)) for words in (SAID, "Digging.")]
    back = codex("event_msg", type="thread_rolled_back", num_turns=1)
    rows = [codex("session_meta", id="c"), asked[0], answers[0], asked[1], answers[1], back]
    assert [message["content"] for message in read("codex_session", rows)] == [ASKED, SAID]


def test_a_compacted_rollout_keeps_what_was_before():
    rows = [codex("session_meta", id="c"), codex("response_item", **codex_said("user", ASKED))]
    summary = codex("compacted", message="They look for a key.", replacement_history=[codex_said("user", ASKED)])
    assert [message["content"] for message in read("codex_session", [*rows, summary])] == [
        ASKED,
        "They look for a key.",
    ]
    assert [message["content"] for message in read("codex_session", [rows[0], summary])] == [
        ASKED,
        "They look for a key.",
    ]


def test_events_speak_where_a_rollout_has_no_items():
    rows = [
        codex("event_msg", type="user_message", message=ASKED),
        codex("event_msg", type="agent_message", message=SAID),
    ]
    assert [message["content"] for message in read("codex_session", rows)] == [ASKED, SAID]


def test_settings_that_are_told_in_each_turn_are_there_once():
    rules = codex("response_item", **codex_said("developer", "<permissions>read only</permissions>"))
    asked = codex("response_item", **codex_said("user", ASKED))
    assert [one["role"] for one in read("codex_session", [rules, asked, rules, asked])] == ["developer", "user", "user"]


def test_calls_and_results_of_one_answer_stand_together():
    calls = [{"type": "function_call", "name": LOOKED, "arguments": "{}", "call_id": one} for one in "ab"]
    results = [
        {"type": "function_call_output", "call_id": one, "output": {"content": one, "success": True}} for one in "ba"
    ]
    rows = [codex("response_item", **item) for item in (codex_said("assistant", SAID), *calls, *results)]
    messages = read("codex_session", rows)
    assert [message.get("tool_call_id") for message in messages] == [None, "a", "b"]
    assert messages[0]["content"] == SAID
    assert len(messages[0]["tool_calls"]) == 2


# The others


def test_langchain_reads_what_langchain_writes():
    messages = pytest.importorskip("langchain_core.messages")
    load = pytest.importorskip("langchain_core.load")
    said = [
        messages.SystemMessage("Be brief."),
        messages.HumanMessage(ASKED, name="Ana"),
        messages.AIMessage(
            [{"type": "reasoning", "reasoning": THOUGHT}, {"type": "text", "text": "I look."}],
            tool_calls=[{"id": "c1", "name": LOOKED, "args": {"what": "mat"}}],
            invalid_tool_calls=[{"id": "c2", "name": "dig", "args": '{"deep": ', "error": "no JSON"}],
        ),
        messages.ToolMessage([{"type": "text", "text": FOUND}], tool_call_id="c1", name=LOOKED),
        messages.ToolMessage("Not dug.", tool_call_id="c2", name="dig"),
        messages.AIMessage(SAID),
    ]
    dumps = [
        messages.messages_to_dict(said),
        load.dumpd(said),
        json.loads(load.dumps({"messages": said})),
        [one.model_dump() for one in said],
        json.loads(json.dumps({"channel_values": {"messages": [one.model_dump() for one in said]}})),
        {
            "inputs": {"messages": [load.dumpd(said[:-1])]},
            "outputs": {"generations": [[{"message": load.dumpd(said[-1])}]]},
        },
    ]
    for dump in dumps:
        found = read("langchain_dump", dump)
        assert [one["role"] for one in found] == ["system", "user", "assistant", "tool", "tool", "assistant"]
        assert check(found) == []
        assert found[1]["name"] == "Ana"
        assert found[2]["reasoning_content"] == THOUGHT
        assert found[2]["content"] == "I look."
        assert json.loads(found[2]["tool_calls"][1]["function"]["arguments"]) == {"input": '{"deep": '}
        assert [one["content"] for one in found[3:]] == [FOUND, "Not dug.", SAID]


def test_agents_reads_what_a_session_of_its_sdk_keeps(tmp_path):
    agents = pytest.importorskip("agents")
    path = tmp_path / "sessions.db"
    session = agents.SQLiteSession("ana", str(path))
    items = [
        {"role": "user", "content": ASKED},
        {"type": "function_call", "name": LOOKED, "arguments": "{}", "call_id": "c1"},
        {"type": "function_call_output", "call_id": "c1", "output": FOUND},
        {"role": "assistant", "content": SAID},
    ]
    asyncio.run(session.add_items(items))
    assert not form("agents_items").recognise(asyncio.run(session.get_items()))  # Responses takes them as they are
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        rows = [dict(row) for row in database.execute("SELECT * FROM agent_messages ORDER BY id")]
    session.close()
    messages = read("agents_items", json.loads(json.dumps(rows)))
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "assistant"]
    (found,) = form("agents_items").read(rows)
    assert found.id == "ana"
    assert found.items[0].when is not None


def test_pydantic_ai_reads_what_its_agents_keep():
    pydantic_ai = pytest.importorskip("pydantic_ai")
    model = pytest.importorskip("pydantic_ai.models.test").TestModel(custom_output_text=SAID)
    agent = pydantic_ai.Agent(model, instructions="Be brief.")

    @agent.tool_plain
    def look_under() -> str:
        return FOUND

    asked = [ASKED, pydantic_ai.BinaryContent(base64.b64decode(PNG), media_type="image/png")]
    ran = asyncio.run(agent.run(asked))  # run_sync leaves its event loop open
    messages = read("pydantic_ai_dump", json.loads(ran.all_messages_json()))
    assert [one["role"] for one in messages] == ["system", "user", "assistant", "tool", "assistant"]
    written = dumped(messages)
    assert all(words in written for words in ("Be brief.", ASKED, FOUND, SAID, PNG))
    assert check(messages) == []


def test_gemini_joins_what_was_streamed():
    messages = read("gemini_contents", {sample: value for _, sample, value, _ in COMPLETE}["history"])
    assert messages[-1]["content"] == SAID


def test_ollama_answers_are_read_whole_and_in_pieces():
    answer = {"model": "m", "created_at": "2024-05-12T14:33:10Z", "message": {"role": "assistant", "content": "At 9"}}
    assert read("ollama_chat", answer | {"done": True}) == [{"role": "assistant", "content": "At 9"}]
    stream = [
        {"model": "m", "message": {"role": "assistant", "content": words, "thinking": thought}, "done": done}
        for words, thought, done in (("", "A fer", False), ("The ", "ry.", False), ("ferry", "", False), ("", "", True))
    ]
    assert read("ollama_chat", stream) == [
        {"role": "assistant", "content": "The ferry", "reasoning_content": "A ferry."}
    ]


@pytest.mark.parametrize("moment", [10**400, float("nan"), 1e308])
def test_a_time_that_cannot_be_is_none(moment):
    answer = {"model": "m", "created_at": moment, "message": {"role": "assistant", "content": "At 9"}, "done": True}
    assert read("ollama_chat", answer) == [{"role": "assistant", "content": "At 9"}]


def test_ids_that_come_twice_are_told_apart():
    calls = [{"type": "ai", "content": "", "tool_calls": [{"id": "same", "name": LOOKED, "args": {}}]}]
    results = [{"type": "tool", "tool_call_id": "same", "content": FOUND}]
    messages = read("langchain_dump", [*calls, *results, *calls, *results])
    assert check(messages) == []
    assert messages[0]["tool_calls"][0]["id"] != messages[2]["tool_calls"][0]["id"]
    assert messages[2]["tool_calls"][0]["id"] == messages[3]["tool_call_id"]


def test_names_and_ids_that_no_provider_takes_are_mended():
    call = {"id": "x" * 200, "name": "shed.look under/mat", "args": ["mat"]}
    rows = [
        {"type": "ai", "content": "", "tool_calls": [call]},
        {"type": "tool", "tool_call_id": "x" * 200, "content": "3"},
    ]
    first, second = read("langchain_dump", rows)
    function = first["tool_calls"][0]["function"]
    assert function["name"] == "shed_look_under_mat"
    assert json.loads(function["arguments"]) == {"input": ["mat"]}
    assert first["tool_calls"][0]["id"] == second["tool_call_id"] == "call_0"


def test_each_sample_and_each_task_is_a_conversation():
    by_name = {sample: value for _, sample, value, _ in COMPLETE}
    log = {**by_name["log"], "samples": [by_name["sample"], {**by_name["sample"], "epoch": 2}]}
    assert [found.title for found in form("inspect_log").read(log)] == ["shed-1 (epoch 1)", "shed-1 (epoch 2)"]
    assert [found.title for found in form("tau_bench").read(by_name["first"])] == ["task 3, trial 0"]


def test_files_are_shown_as_far_as_chat_takes_them():
    parts = [
        {"inlineData": {"mimeType": "text/csv", "data": "YSxiCg=="}},
        {"inlineData": {"mimeType": "audio/wav", "data": "UklGRgAA"}},
        {"inlineData": {"mimeType": "video/mp4", "data": "AAAAHGZ0"}},
        {"fileData": {"mimeType": "application/pdf", "fileUri": "gs://sheds/plan.pdf"}},
    ]
    (message,) = read("gemini_contents", [{"role": "user", "parts": parts}])
    assert [part["type"] for part in message["content"]] == ["text", "input_audio", "text", "text"]
    assert message["content"][0]["text"] == "a,b\n"
    assert "gs://sheds/plan.pdf" in message["content"][3]["text"]
