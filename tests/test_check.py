"""The providers' rules, each broken once."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import LOGS, anthropic_logs, law, responses_logs

from ctxwin.errors import InputError, MessageError
from ctxwin.messages import check, last_user, read, write
from ctxwin.messages.checks import RULES

law = settings(law, max_examples=80)

USER = {"role": "user", "content": "Hi"}
ANSWER = {"role": "assistant", "content": "Hello."}
SYSTEM = {"role": "system", "content": "Be brief."}


def calls(*ids, **more):
    made = [{"id": i, "type": "function", "function": {"name": "f", "arguments": "{}"}} for i in ids]
    return {"role": "assistant", "content": None, "tool_calls": made, **more}


def result(call_id):
    return {"role": "tool", "tool_call_id": call_id, "content": "3"}


def uses(*ids, before=(), after=()):
    made = [{"type": "tool_use", "id": i, "name": "f", "input": {}} for i in ids]
    return {"role": "assistant", "content": [*before, *made, *after]}


def answers(*ids, before=(), after=()):
    found = [{"type": "tool_result", "tool_use_id": i, "content": "3"} for i in ids]
    return {"role": "user", "content": [*before, *found, *after]}


def text(said="Well."):
    return {"type": "text", "text": said}


THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
SHOWN = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}
CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c", "output": "3"}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": []}
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "tides"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}


def called(name="f", arguments="{}", **more):
    made = {"id": "a", "type": "function", "function": {"name": name, "arguments": arguments}, **more}
    return {"role": "assistant", "content": None, "tool_calls": [made]}


def marked(ttl="5m", said="Well."):
    return {**text(said), "cache_control": {"type": "ephemeral", "ttl": ttl}}


def assistant(*blocks):
    return {"role": "assistant", "content": [*blocks]}


def tool(name, dialect):
    """A body with one tool."""
    made = {"name": name}
    if dialect == "openai":
        made = {"type": "function", "function": made}
    key = "input" if dialect == "responses" else "messages"
    return {"tools": [made], key: [USER]}


BROKEN = [
    ("openai", "content_present", 0, [{"role": "user", "content": None}]),
    ("openai", "content_present", 1, [USER, {"role": "assistant", "content": None}]),
    ("openai", "content_present", 0, [{"role": "user", "content": []}]),
    ("openai", "content_types", 0, [{**SYSTEM, "content": [{"type": "image_url", "image_url": {"url": "u"}}]}]),
    ("openai", "names_valid", 0, [{**USER, "name": "Ana Löw"}]),
    ("openai", "names_valid", 0, [{**USER, "name": ""}]),
    ("openai", "call_ids_unique", 1, [USER, calls("a", "a"), result("a")]),
    ("openai", "results_follow_calls", 3, [USER, calls("a"), USER, result("a")]),
    ("openai", "results_follow_calls", 1, [USER, result("a")]),
    ("openai", "calls_answered", 1, [USER, calls("a", "b"), result("b"), USER]),
    ("openai", "types_known", 0, [{"role": "user", "content": [{"type": "image", "source": {}}]}]),
    ("openai", "keys_known", 0, [{**USER, 7: "x"}]),
    ("openai", "tools_named", None, tool("my tool", "openai")),
    ("openai", "functions_named", 1, [USER, called("")]),
    ("openai", "functions_named", 1, [USER, called("my tool")]),
    ("openai", "functions_named", 1, [USER, called("n" * 65)]),
    ("openai", "functions_named", 1, [USER, {"role": "assistant", "content": None, "function_call": {
        "name": "a.b", "arguments": "{}"}}]),
    ("openai", "calls_not_empty", 1, [USER, {**ANSWER, "tool_calls": []}]),
    ("openai", "calls_not_empty", 1, [USER, calls(*map(str, range(129)))]),
    ("openai", "ids_short", 1, [USER, calls("i" * 65)]),
    ("openai", "ids_short", 1, [USER, calls("")]),
    ("openai", "arguments_object", 1, [USER, called(arguments="null")]),
    ("openai", "arguments_object", 1, [USER, called(arguments="{")]),
    ("openai", "arguments_object", 1, [USER, called(arguments="")]),
    ("openai", "functions_called", 1, [USER, {"role": "function", "name": "f", "content": "3"}]),
    ("anthropic", "types_known", 0, [{"role": "user", "content": [{"type": "picture"}]}]),
    ("anthropic", "keys_known", 0, [{"role": "user", "content": [{**text(), "parsed": 1}]}]),
    ("anthropic", "keys_known", 1, [USER, {**ANSWER, "stop_reason": "end_turn"}, USER]),
    ("anthropic", "keys_known", 1, [USER, assistant(
        {**THOUGHT, "cache_control": {"type": "ephemeral"}}, text())]),
    ("anthropic", "tools_named", None, tool("n" * 129, "anthropic")),
    ("anthropic", "tools_called_by_name", 1, [USER, assistant(
        {"type": "tool_use", "id": "a", "name": "n" * 300, "input": {}})]),
    ("anthropic", "ids_plain", 1, [USER, uses("a.b:1"), answers("a.b:1")]),
    ("anthropic", "ids_plain", 1, [USER, assistant({**SEARCH, "id": "s1"}, {**FOUND, "tool_use_id": "s1"}, text())]),
    ("anthropic", "server_calls_answered", 1, [USER, assistant(SEARCH, text()), USER]),
    ("anthropic", "server_results_follow", 1, [USER, assistant(FOUND, text()), USER]),
    ("anthropic", "server_results_follow", 1, [USER, assistant(FOUND, SEARCH, text()), USER]),
    ("anthropic", "server_results_follow", 3, [USER, assistant(SEARCH, FOUND, text()), USER, assistant(FOUND, text())]),
    ("anthropic", "server_results_follow", 1, [USER, assistant(SEARCH, {
        "type": "web_fetch_tool_result", "tool_use_id": "srvtoolu_1", "content": {
            "type": "web_fetch_tool_result_error", "error_code": "unavailable"}}, text())]),
    ("anthropic", "marks_few", None, [{"role": "user", "content": [marked() for _ in range(5)]}]),
    ("anthropic", "marks_few", None, {"system": [marked()], "tools": [
        {"name": "f", "cache_control": {"type": "ephemeral"}}], "messages": [
        {"role": "user", "content": [marked(), marked(), marked()]}]}),
    ("anthropic", "marks_ordered", 0, [{"role": "user", "content": [marked("5m"), marked("1h")]}]),
    ("anthropic", "text_not_blank", 0, [{"role": "user", "content": [{
        "type": "search_result", "source": "u", "title": "t", "content": [text("")]}]}]),
    ("anthropic", "blocks_by_role", 0, [{"role": "user", "content": [SEARCH, FOUND, text()]}]),
    ("anthropic", "first_is_user", 0, [ANSWER, USER]),
    ("anthropic", "first_is_user", 0, [SYSTEM, USER]),
    ("anthropic", "system_placed", 2, [USER, ANSWER, SYSTEM]),
    ("anthropic", "system_placed", 1, [USER, SYSTEM, USER]),
    ("anthropic", "system_placed", 2, [USER, SYSTEM, SYSTEM, ANSWER]),
    ("anthropic", "content_not_empty", 1, [USER, {"role": "assistant", "content": ""}, USER]),
    ("anthropic", "content_not_empty", 0, [{"role": "user", "content": []}]),
    ("anthropic", "text_not_blank", 0, [{"role": "user", "content": [text("")]}]),
    ("anthropic", "text_not_blank", 0, [{"role": "user", "content": " \n"}]),
    ("anthropic", "text_not_blank", 2, [USER, uses("a"), {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "a", "content": [text(" ")]}]}]),
    ("anthropic", "blocks_by_role", 1, [USER, {"role": "assistant", "content": [SHOWN, text()]}]),
    ("anthropic", "blocks_by_role", 0, [{"role": "user", "content": [THOUGHT, text()]}]),
    ("anthropic", "call_ids_unique", 3, [USER, uses("a"), answers("a"), uses("a"), answers("a")]),
    ("anthropic", "calls_come_last", 1, [USER, uses("a", after=[text()]), answers("a")]),
    ("anthropic", "results_follow_calls", 2, [USER, uses("a"), answers("a", before=[text()])]),
    ("anthropic", "results_follow_calls", 3, [USER, uses("a"), USER, answers("a")]),
    ("anthropic", "results_follow_calls", 2, [USER, uses("a"), answers("a", "a")]),
    ("anthropic", "results_follow_calls", 4, [USER, uses("a"), answers("a"), ANSWER, answers("a")]),
    ("anthropic", "calls_answered", 1, [USER, uses("a", "b"), answers("a")]),
    ("anthropic", "thinking_kept", 1, [USER, {"role": "assistant", "content": [THOUGHT]}]),
    ("anthropic", "prefill_trimmed", 1, [USER, {"role": "assistant", "content": "The answer is "}]),
    ("responses", "types_known", 0, [{"type": "text", "text": "Hi"}]),
    ("responses", "types_known", 0, [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]),
    ("responses", "keys_known", 0, [{**CALL, "parsed_arguments": {}}]),
    ("responses", "keys_known", 0, [{**USER, "name": "Ana"}]),
    ("responses", "tools_named", None, tool("a.b", "responses")),
    ("responses", "functions_named", 0, [{**CALL, "name": "a b"}]),
    ("responses", "functions_named", 0, [{"type": "custom_tool_call", "call_id": "c", "name": "", "input": ""}]),
    ("responses", "arguments_object", 0, [{**CALL, "arguments": "[1]"}]),
    ("responses", "ids_short", 0, [{**CALL, "call_id": "c" * 65}]),
    ("responses", "ids_short", 0, [{**CALL, "call_id": ""}]),
    ("responses", "ids_prefixed", 0, [{**CALL, "id": "call_1"}]),
    ("responses", "ids_prefixed", 0, [{**REASONING, "id": "item_1"}, ANSWER]),
    ("responses", "trigger_last", 0, [{"type": "compaction_trigger"}, USER]),
    ("responses", "content_types", 0, [{**ANSWER, "content": [{"type": "input_text", "text": "a"}]}]),
    ("responses", "content_types", 0, [{**USER, "content": [{"type": "output_text", "text": "a"}]}]),
    ("responses", "ids_unique", 3, [CALL, OUTPUT, USER, CALL, OUTPUT]),
    ("responses", "ids_unique", 2, [REASONING, ANSWER, REASONING, ANSWER]),
    ("responses", "outputs_follow_calls", 0, [OUTPUT, CALL]),
    ("responses", "calls_answered", 0, [CALL, USER]),
    ("responses", "reasoning_followed", 0, [REASONING, USER]),
    ("responses", "reasoning_followed", 1, [USER, REASONING]),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "rule", "index", "messages"), BROKEN)
def test_each_rule_is_found_broken_at_its_place(dialect, rule, index, messages):
    assert (rule, index) in [(problem.rule, problem.index) for problem in check(messages, dialect=dialect)]


def test_every_rule_is_broken_above_and_says_why():
    named = {(dialect, rule.name) for dialect, rules in RULES.items() for rule in rules}
    assert named == {(dialect, rule) for dialect, rule, _, _ in BROKEN}
    book = [rule for rules in RULES.values() for rule in rules]
    assert all("\n" not in rule.says and rule.says.endswith(".") and rule.source for rule in book)


@law
@given(LOGS)
def test_valid_logs_have_no_problem_and_are_left_as_they_are(log):
    before = copy.deepcopy(log)
    assert check(log) == []
    assert log == before


@law
@given(LOGS, st.data())
def test_a_log_without_one_result_has_a_problem(log, data):
    conversation = read(log)
    tail = conversation.groups[-1]
    alone = [
        index
        for index, item in enumerate(conversation.items)
        if conversation.groups[index] != tail
        and any(part.kind == "result" and part.call_id for part in item.parts)
        and all(part.kind == "result" for part in item.parts)
        # Without its result a call may still be open unless the user speaks after it.
        and index < (last_user(conversation) or 0)
    ]
    if not alone:
        return
    gone = data.draw(st.sampled_from(alone))
    raws = [item.raw for index, item in enumerate(conversation.items) if index != gone]
    rules = {problem.rule for problem in check(raws, dialect=conversation.dialect)}
    assert rules & {"calls_answered", "calls_come_last"}


@law
@given(st.one_of(anthropic_logs(), responses_logs()), st.data())
def test_a_log_without_one_call_is_refused(log, data):
    conversation = read(log)
    if any(item.raw.get("type") == "item_reference" for item in conversation.items):
        return
    parts = [part for item in conversation.items for part in item.parts]
    answered = {part.call_id for part in parts if part.kind == "result"}
    callers = [
        index
        for index, item in enumerate(conversation.items)
        if any(part.kind == "call" and part.call_id in answered for part in item.parts)
        and not any(part.kind == "result" for part in item.parts)
    ]
    if not callers:
        return
    gone = data.draw(st.sampled_from(callers))
    raws = [item.raw for index, item in enumerate(conversation.items) if index != gone]
    with pytest.raises(MessageError, match="no earlier call"):
        read(raws, dialect=conversation.dialect)


JUNK = [None, 7, [], {}, "x", [{}], {"a": 1}, [["x"]], True, 1.5, {"type": "text"}, [{"type": ["x"]}]]


def spots(value, path=()):
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from spots(one, (*path, key))


@law
@given(LOGS, st.randoms())
def test_a_damaged_log_is_read_back_as_it_is_or_refused_and_always_checked(log, random):
    damaged = copy.deepcopy(log)
    *steps, last = random.choice([path for path in spots(damaged) if path])
    place = damaged
    for step in steps:
        place = place[step]
    place[last] = random.choice(JUNK)
    check(damaged)
    try:
        conversation = read(damaged)
    except MessageError:
        return
    assert write(conversation) == damaged


def test_malformed_messages_are_told_one_by_one():
    problems = check([USER, {"role": "robot", "content": "a"}, 7])
    assert [(problem.index, problem.rule) for problem in problems] == [(1, "well_formed"), (2, "well_formed")]
    assert str(problems[0]).startswith("message 1: unknown role 'robot' in openai messages; use one of")


def test_nothing_and_no_list_are_problems_of_the_request():
    assert [(problem.index, problem.rule) for problem in check([])] == [(None, "not_empty")]
    assert [(problem.index, problem.rule) for problem in check("Hi")] == [(None, "well_formed")]


def test_positions_are_those_of_the_list_that_came_in():
    body = {"system": " ", "messages": [USER, {"role": "assistant", "content": "So "}]}
    assert [(p.index, p.rule) for p in check(body)] == [(None, "text_not_blank"), (1, "prefill_trimmed")]


MALFORMED = [
    ("openai", "tool_calls[0].function.arguments is None; give str", called(arguments=None)),
    ("openai", "tool_calls[0].function.arguments is dict; give str", called(arguments={"x": 1})),
    ("openai", "tool_calls is None; give list", {**ANSWER, "tool_calls": None}),
    ("openai", "content[0].image_url is 'u'; give object", {"role": "user", "content": [
        {"type": "image_url", "image_url": "u"}]}),
    ("openai", "content[0].input_audio.format is 'flac'; give 'mp3' or 'wav'", {"role": "user", "content": [
        {"type": "input_audio", "input_audio": {"data": "x", "format": "flac"}}]}),
    ("anthropic", "content[0].input is 'x'; give object", assistant(
        {"type": "tool_use", "id": "a", "name": "f", "input": "x"})),
    ("anthropic", "content[0].source.media_type is 'text/csv'; give 'application/pdf'", {"role": "user", "content": [
        {"type": "document", "source": {"type": "base64", "media_type": "text/csv", "data": "YQ=="}}]}),
    ("anthropic", "content[0].signature is missing; give str", assistant(
        {"type": "thinking", "thinking": "Hm."}, text())),
    ("anthropic", "content[1].content is int; give list or object", assistant(
        SEARCH, {**FOUND, "content": 7})),
    ("responses", "action is missing; give object", {
        "type": "web_search_call", "id": "ws_1", "status": "completed"}),
    ("responses", "status is None; give 'completed' or 'in_progress' or 'incomplete'", {**CALL, "status": None}),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "said", "message"), MALFORMED)
def test_a_wrong_value_is_named_with_its_place_and_what_to_give(dialect, said, message):
    found = [(one.rule, one.message) for one in check([USER, message], dialect=dialect)]
    assert ("well_formed", said) in found


def test_a_paused_turn_and_a_call_beside_open_calls_may_wait():
    paused = [USER, assistant(text(), SEARCH)]
    assert check(paused) == []
    both = [USER, assistant(SEARCH, uses("a")["content"][0]), answers("a")]
    assert check(both) == []
    assert check([*both, assistant(FOUND, text()), USER]) == []
    assert [p.rule for p in check([*both, assistant(text()), USER])] == ["server_calls_answered"]


def test_unknown_keys_of_chat_messages_are_for_other_servers():
    assert check([USER, {**ANSWER, "reasoning_content": "Hm.", "annotations": []}]) == []


def test_what_json_cannot_hold_is_a_problem_not_a_traceback():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    broken = [
        {"role": "user", "content": deep},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": deep},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {"x": deep}}]},
        {"role": "user", "content": [{"type": "text", "text": {1, 2}}]},
        {1: 2, None: 3},
    ]
    for message in broken:
        for dialect in ("openai", "responses", "anthropic"):
            assert check([message], dialect=dialect)


def test_an_open_chain_may_wait_but_keeps_its_thinking():
    body = {"thinking": {"type": "enabled"}, "messages": [USER, uses("a", before=[THOUGHT]), answers("a")]}
    assert check(body, dialect="anthropic") == []
    body["messages"][1] = uses("a")
    assert [(p.index, p.rule) for p in check(body, dialect="anthropic")] == [(1, "thinking_kept")]
    assert check([USER, calls("a", "b"), result("a")]) == []
    assert check([USER, uses("a")]) == []


def test_a_simulated_user_may_call_tools_too():
    assert check([ANSWER, calls("a", role="user"), result("a"), USER]) == []


def test_an_output_may_answer_a_stored_call():
    assert check({"input": [OUTPUT], "previous_response_id": "resp_1"}) == []
    assert check([{"type": "item_reference", "id": "fc_1"}, OUTPUT]) == []


def test_an_unknown_dialect_is_an_input_error():
    with pytest.raises(InputError, match="unknown dialect 'gemini'"):
        check([USER], dialect="gemini")
