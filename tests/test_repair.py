"""What is broken is mended, what is not is left alone, and nothing is lost without being named."""

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sdk_types import refused
from strategies import anthropic_logs, openai_logs, responses_logs

from ctxwin.messages import check, read, repair
from ctxwin.messages.envelope import take_apart
from ctxwin.messages.repair_work import strings

law = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
DIALECTS = ["openai", "responses", "anthropic"]
LOGS = {"openai": openai_logs(), "responses": responses_logs(), "anthropic": anthropic_logs()}

JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=12)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)
KEYS = ["role", "content", "type", "name", "tool_calls", "tool_call_id", "id", "call_id", "arguments", "output", "text",
        "input", "source", "tool_use_id", "cache_control", "status", "summary", "function_call"]  # fmt: skip
WORDS = ["user", "assistant", "system", "tool", "function", "developer", "human", "text", "image_url", "tool_use",
         "tool_result", "function_call", "function_call_output", "reasoning", "message", "item_reference", "thinking",
         "server_tool_use", "web_search_tool_result", "input_text", "output_text", "document", "image", "a", "call_a",
         "toolu_01", "", " ", "{}", "null", "a b", "x" * 300]  # fmt: skip


def messages_of(value, dialect):
    return take_apart(value, dialect).raws


def sources(value):
    return set(strings(value))


def judged(log, dialect=None):
    """Repair, hold the result against the laws, return it."""
    before = copy.deepcopy(log)
    mended, repairs = repair(log, dialect=dialect)
    assert log == before
    assert type(mended) is type(log)
    assert check(mended, dialect=dialect) == []
    told = take_apart(mended, dialect)
    read(mended, dialect=dialect)
    assert not refused(told.raws[int(told.lifted) :], told.dialect)
    told_by_hand = BOOK[told.dialect](told.raws[int(told.lifted) :], told)
    assert told_by_hand == []
    assert repair(mended, dialect=dialect) == (mended, [])
    out = [*strings(mended), *(one for each in repairs for one in each.lost)]
    whole, known = "\x00".join(out), set(out)
    assert [one for one in sources(log) if one not in known and one not in whole] == []
    touched = {one.index for one in repairs}
    kept = told.raws
    for index, message in enumerate(messages_of(log, dialect)[int(take_apart(log, dialect).lifted) :]):
        assert index in touched or message in kept
    return mended, repairs


def holds(condition, said):
    return [] if condition else [said]


def openai_book(messages, request):
    """The chat reference, read by hand."""
    wrong, open_ids, ids = [], set(), set()
    for place, message in enumerate(messages):
        role, content = message["role"], message.get("content")
        if role == "tool":
            wrong += holds(message["tool_call_id"] in ids, f"{place}: a result without call")
            open_ids.discard(message["tool_call_id"])
        else:
            wrong += holds(not open_ids, f"{place}: calls without result before")
            calls = message.get("tool_calls", [])
            ids = open_ids = {call["id"] for call in calls}
            open_ids = set(ids)
            wrong += holds(len(ids) == len(calls), f"{place}: ids twice") + holds(
                "tool_calls" not in message or calls, f"{place}: no calls"
            )
            for call in calls:
                inner = call[call["type"]]
                wrong += holds(0 < len(call["id"]) <= 64 and plain(inner["name"], 64), f"{place}: name or id")
                if call["type"] == "function":
                    wrong += holds(isinstance(json.loads(inner["arguments"]), dict), f"{place}: arguments")
        if isinstance(content, list):
            kinds = {"user": {"text", "image_url", "input_audio", "file"}, "assistant": {"text", "refusal"}}.get(
                role, {"text"}
            )
            wrong += holds(content and {part["type"] for part in content} <= kinds, f"{place}: parts of {role}")
        elif content is None:
            calls = (
                message.get("tool_calls")
                or message.get("function_call")
                or message.get("audio")
                or message.get("refusal")
            )
            wrong += holds(calls or role == "function", f"{place}: no content")
    return wrong


def anthropic_book(messages, request):
    """The Messages reference, read by hand, over turns: neighbours of one role."""
    wrong, turns = [], []
    for place, message in enumerate(messages):
        blocks = message["content"]
        last = place == len(messages) - 1 and message["role"] == "assistant"
        wrong += holds(blocks or last, f"{place}: empty")
        blocks = [{"type": "text", "text": blocks}] if isinstance(blocks, str) else blocks
        wrong += holds(
            last or all(block["type"] != "text" or block["text"].strip() for block in blocks), f"{place}: blank"
        )
        if turns and turns[-1][0] == message["role"]:
            turns[-1] = (message["role"], [*turns[-1][1], *blocks])
        else:
            turns.append((message["role"], blocks))
    wrong += holds(turns[0][0] == "user", "starts with the user")
    seen, marks, due = set(), 0, {}
    for number, (role, blocks) in enumerate(turns):
        kinds = [block["type"] for block in blocks]
        uses = [block["id"] for block in blocks if block["type"] == "tool_use"]
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        before = [block["id"] for block in turns[number - 1][1] if block["type"] == "tool_use"] if number else []
        if number or not request.elsewhere:
            wrong += holds(sorted(results) == sorted(before), f"turn {number}: results {results} for {before}")
        wrong += holds(kinds[: len(results)] == ["tool_result"] * len(results), f"turn {number}: results first")
        wrong += holds(not uses or kinds[-len(uses) :] == ["tool_use"] * len(uses), f"turn {number}: calls last")
        wrong += holds(not seen & set(uses) and len(set(uses)) == len(uses), f"turn {number}: ids twice")
        seen |= set(uses)
        for block in blocks:
            wrong += holds("id" not in block or plain(block["id"], 1000), f"turn {number}: id")
            wrong += holds(block["type"] != "tool_use" or plain(block["name"], 128), f"turn {number}: name")
            if block["type"] in ("server_tool_use", "mcp_tool_use"):
                due[block["id"]] = block
            elif block["type"].endswith("_tool_result"):
                wrong += holds(due.pop(block["tool_use_id"], None) is not None, f"turn {number}: server result")
        if role == "assistant" and not uses and number < len(turns) - 1:
            wrong += holds(not due, f"turn {number}: server call")
            due = {}
    body = request.envelope or {}
    whole = json.dumps([messages, body.get("system"), body.get("tools")], default=str)
    marks = whole.count('"cache_control": {')
    return wrong + holds(marks <= 4, f"{marks} marks")


def responses_book(items, request):
    """The Responses reference, read by hand."""
    wrong, called, answered, ids = [], {}, set(), set()
    stored = request.elsewhere
    for place, item in enumerate(items):
        kind = item.get("type", "message")
        stored = stored or kind == "item_reference"
        if isinstance(item.get("id"), str):
            wrong += holds(item["id"] not in ids, f"{place}: id twice")
            ids.add(item["id"])
        if kind in ("function_call", "custom_tool_call"):
            wrong += holds(plain(item["name"], 128) and 0 < len(item["call_id"]) <= 64, f"{place}: name or id")
            wrong += holds(item["call_id"] not in called, f"{place}: call id twice")
        if "call_id" in item and kind.endswith(("_call", "program")):
            called[item["call_id"]] = place
        elif isinstance(item.get("call_id"), str) and kind.endswith("_output"):
            wrong += holds(item["call_id"] in called or stored, f"{place}: no call")
            answered.add(item["call_id"])
        if kind == "function_call":
            wrong += holds(isinstance(json.loads(item["arguments"]), dict), f"{place}: arguments")
        if kind == "reasoning":
            following = items[place + 1] if place + 1 < len(items) else {"role": "user"}
            wrong += holds(following.get("role", "assistant") == "assistant", f"{place}: reasoning alone")
    outputs = [place for place, item in enumerate(items) if item.get("type", "").endswith("_output")]
    users = [
        place for place, item in enumerate(items) if item.get("role") == "user" and place > max(outputs, default=0)
    ]
    for call_id, place in called.items():
        late = users and place < users[-1] and items[place]["type"] in ("function_call", "custom_tool_call")
        wrong += holds(not late or call_id in answered, f"{place}: no output")
    return wrong


def plain(name, most):
    return 0 < len(name) <= most and all(one.isascii() and (one.isalnum() or one in "_-") for one in name)


BOOK = {"openai": openai_book, "responses": responses_book, "anthropic": anthropic_book}


@law
@given(st.sampled_from(DIALECTS).flatmap(lambda dialect: st.tuples(st.just(dialect), LOGS[dialect])))
def test_valid_messages_are_left_alone(drawn):
    _, log = drawn
    mended, repairs = repair(log)
    assert (mended, repairs) == (log, [])
    told = take_apart(log)
    assert BOOK[told.dialect](told.raws[int(told.lifted) :], told) == []
    assert not refused(told.raws[int(told.lifted) :], told.dialect)


def spots(value, path=()):
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*path, key)
        yield from spots(one, (*path, key))


def damage(value, data):
    """Drop, double, swap, rename or blank one message, block or key of a value, in place."""
    places = list(spots(value))
    if not places:
        return
    *steps, last = data.draw(st.sampled_from(places))
    holder = value
    for step in steps:
        holder = holder[step]
    match data.draw(st.sampled_from(["drop", "double", "swap", "junk", "blank", "word", "key"])):
        case "drop":
            del holder[last]
        case "double" if isinstance(holder, list):
            holder.insert(data.draw(st.integers(0, len(holder))), copy.deepcopy(holder[last]))
        case "swap" if isinstance(holder, list):
            other = data.draw(st.integers(0, len(holder) - 1))
            holder[last], holder[other] = holder[other], holder[last]
        case "blank":
            holder[last] = data.draw(st.sampled_from([None, "", " ", [], {}]))
        case "key" if isinstance(holder, dict):
            holder[data.draw(st.sampled_from(KEYS))] = holder.pop(last)
        case "word":
            holder[last] = data.draw(st.sampled_from(WORDS))
        case _:
            holder[last] = data.draw(JUNK)


@settings(law, max_examples=300)
@pytest.mark.parametrize("dialect", DIALECTS)
@given(st.data())
def test_damaged_messages_are_made_valid(dialect, data):
    log = copy.deepcopy(messages_of(data.draw(LOGS[dialect]), None))
    log = [message for message in log if isinstance(message, dict)]
    for _ in range(data.draw(st.integers(1, 4))):
        damage(log, data)
    log = [message for message in log if isinstance(message, dict)]
    if log:
        judged(log, data.draw(st.sampled_from([dialect, None])))


MESSAGE = st.dictionaries(st.sampled_from(KEYS), st.one_of(JUNK, st.sampled_from(WORDS)), max_size=5)
BLOCK = st.dictionaries(st.sampled_from(KEYS), st.one_of(JUNK, st.sampled_from(WORDS)), max_size=4)


@settings(law, max_examples=300)
@given(
    st.lists(
        st.one_of(
            MESSAGE, st.builds(lambda raw, blocks: raw | {"content": blocks}, MESSAGE, st.lists(BLOCK, max_size=3))
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from([*DIALECTS, None]),
)
def test_any_list_of_dicts_is_made_valid(log, dialect):
    judged(log, dialect)
