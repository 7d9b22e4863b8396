"""The providers' rules, each broken once."""

import copy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import anthropic_logs, openai_logs, responses_logs

from ctxwin.errors import InputError, MessageError
from ctxwin.messages import check, last_user, read, write
from ctxwin.messages.checking import RULES

law = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
LOGS = st.one_of(openai_logs(), anthropic_logs(), responses_logs())

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
REASONING = {"type": "reasoning", "id": "r", "summary": []}

BROKEN = [
    ("openai", "content_present", 0, [{"role": "user", "content": None}]),
    ("openai", "content_present", 1, [USER, {"role": "assistant", "content": None}]),
    ("openai", "content_present", 0, [{"role": "user", "content": []}]),
    ("openai", "content_types", 0, [{**SYSTEM, "content": [{"type": "image_url", "image_url": "u"}]}]),
    ("openai", "names_valid", 0, [{**USER, "name": "Ana Löw"}]),
    ("openai", "names_valid", 0, [{**USER, "name": ""}]),
    ("openai", "call_ids_unique", 1, [USER, calls("a", "a"), result("a")]),
    ("openai", "results_follow_calls", 3, [USER, calls("a"), USER, result("a")]),
    ("openai", "results_follow_calls", 1, [USER, result("a")]),
    ("openai", "calls_answered", 1, [USER, calls("a", "b"), result("b"), USER]),
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
    named = {(dialect, rule.__name__) for dialect, rules in RULES.items() for rule in rules}
    assert named == {(dialect, rule) for dialect, rule, _, _ in BROKEN}
    assert all(rule.__doc__ and "\n" not in rule.__doc__ for rules in RULES.values() for rule in rules)


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
