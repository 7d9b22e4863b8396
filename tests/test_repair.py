"""What is broken is mended, what is not is left alone, and nothing is lost without being named."""

import copy
import json
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sdk_types import refused
from strategies import anthropic_logs, law, openai_logs, responses_logs

from ctxwin.errors import MessageError
from ctxwin.messages import check, read, repair
from ctxwin.messages.envelope import take_apart
from ctxwin.messages.repairs.work import strings

DIALECTS = ["openai", "responses", "anthropic"]
LOGS = {"openai": openai_logs(), "responses": responses_logs(), "anthropic": anthropic_logs()}

JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=12)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)
KEYS = [
    "role",
    "content",
    "type",
    "name",
    "tool_calls",
    "tool_call_id",
    "id",
    "call_id",
    "arguments",
    "output",
    "text",
    "input",
    "source",
    "tool_use_id",
    "cache_control",
    "status",
    "summary",
    "function_call",
    "signature",
]
WORDS = [
    "user",
    "assistant",
    "system",
    "tool",
    "function",
    "developer",
    "human",
    "text",
    "image_url",
    "tool_use",
    "tool_result",
    "function_call",
    "function_call_output",
    "reasoning",
    "message",
    "item_reference",
    "thinking",
    "server_tool_use",
    "web_search_tool_result",
    "input_text",
    "output_text",
    "document",
    "image",
    "a",
    "call_a",
    "toolu_01",
    "",
    " ",
    "{}",
    "null",
    "a b",
    "x" * 300,
]


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


USER = {"role": "user", "content": "Hi"}


def calls(*ids, name="f", arguments="{}"):
    made = [{"id": i, "type": "function", "function": {"name": name, "arguments": arguments}} for i in ids]
    return {"role": "assistant", "content": None, "tool_calls": made}


def result(call_id, text="3"):
    return {"role": "tool", "tool_call_id": call_id, "content": text}


def uses(*ids, name="f"):
    return {"role": "assistant", "content": [{"type": "tool_use", "id": i, "name": name, "input": {}} for i in ids]}


def answers(*ids, text="3"):
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": i, "content": text} for i in ids]}


SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "tides"}}
SAID = {"type": "text", "text": "Well."}


MENDED = [
    (
        "an orphan becomes text",
        None,
        [result("a", "Rain."), USER],
        [{"role": "user", "content": "[result of a call that is gone]\nRain."}, USER],
    ),
    (
        "a missing result is marked",
        None,
        [USER, calls("a", "b"), result("b"), USER],
        [USER, calls("a", "b"), result("b"), result("a", "[no result was recorded]"), USER],
    ),
    (
        "an open call may wait",
        None,
        [USER, calls("a"), result("z"), calls("b")],
        [
            USER,
            calls("a"),
            result("a", "[no result was recorded]"),
            {"role": "user", "content": "[result of a call that is gone]\n3"},
            calls("b"),
        ],
    ),
    (
        "a result moves behind its call",
        None,
        [USER, calls("a"), USER, result("a")],
        [USER, calls("a"), result("a"), USER],
    ),
    (
        "doubled ids are told apart, with their results",
        None,
        [USER, calls("a", "a"), result("a", "1"), result("a", "2"), USER],
        [USER, calls("a", "a_2"), result("a", "1"), result("a_2", "2"), USER],
    ),
    (
        "a name is rewritten",
        None,
        [USER, calls("a", name="my tool"), result("a")],
        [USER, calls("a", name="my_tool"), result("a")],
    ),
    (
        "arguments are wrapped",
        None,
        [USER, calls("a", arguments="tides"), result("a")],
        [USER, calls("a", arguments='{"input": "tides"}'), result("a")],
    ),
    (
        "an object of arguments is written as a string",
        None,
        [USER, calls("a", arguments={"x": 1}), result("a")],
        [USER, calls("a", arguments='{"x": 1}'), result("a")],
    ),
    (
        "no arguments are an empty object",
        None,
        [USER, calls("a", arguments=None), result("a")],
        [USER, calls("a"), result("a")],
    ),
    (
        "an empty list of calls goes",
        None,
        [USER, {"role": "assistant", "content": "Hi", "tool_calls": []}],
        [USER, {"role": "assistant", "content": "Hi"}],
    ),
    ("null content is filled", None, [{"role": "user", "content": None}], [{"role": "user", "content": ""}]),
    (
        "a picture in an answer becomes a mark",
        None,
        [USER, {"role": "assistant", "content": [{"type": "image_url", "image_url": {"url": "https://e.org/a.png"}}]}],
        [USER, {"role": "assistant", "content": [{"type": "text", "text": "[image_url]\nhttps://e.org/a.png"}]}],
    ),
    (
        "Claude: ids and results",
        "anthropic",
        [USER, uses("a.b:1"), answers("a.b:1")],
        [USER, uses("a_b_1"), answers("a_b_1")],
    ),
    (
        "Claude: an id that comes again",
        "anthropic",
        [USER, uses("a"), answers("a", text="1"), uses("a"), answers("a", text="2")],
        [USER, uses("a"), answers("a", text="1"), uses("a_2"), answers("a_2", text="2")],
    ),
    (
        "Claude: a missing result",
        "anthropic",
        [USER, uses("a"), USER],
        [USER, uses("a"), answers("a", text="[no result was recorded]"), USER],
    ),
    (
        "Claude: results first",
        "anthropic",
        [USER, uses("a"), USER, answers("a")],
        [USER, uses("a"), answers("a"), USER],
    ),
    (
        "Claude: a search without result",
        "anthropic",
        [USER, {"role": "assistant", "content": [SEARCH, SAID]}, USER],
        [
            USER,
            {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "[web_search was called; no result was recorded]\nweb_search\ntides"},
                    SAID,
                ],
            },
            USER,
        ],
    ),
    ("Claude: a blank message goes", "anthropic", [USER, {"role": "assistant", "content": " "}, USER], [USER, USER]),
    (
        "Claude: text in base64",
        "anthropic",
        [
            {
                "role": "user",
                "content": [
                    {"type": "document", "source": {"type": "base64", "media_type": "text/csv", "data": "YSxi"}}
                ],
            }
        ],
        [
            {
                "role": "user",
                "content": [
                    {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a,b"}}
                ],
            }
        ],
    ),
    (
        "Claude: an answer comes first",
        "anthropic",
        [{"role": "assistant", "content": "Hello."}, USER],
        [
            {"role": "user", "content": "[the conversation begins here]"},
            {"role": "assistant", "content": "Hello."},
            USER,
        ],
    ),
    (
        "Responses: an output without call",
        "responses",
        [{"type": "function_call_output", "call_id": "c", "output": "3"}],
        [{"role": "user", "content": "[result of a call that is gone]\n3"}],
    ),
    (
        "Responses: a call without output",
        "responses",
        [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}, USER],
        [
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "output": "[no result was recorded]", "call_id": "c"},
            USER,
        ],
    ),
    (
        "Responses: a block is no item",
        "responses",
        [{"type": "text", "text": "Hi"}],
        [{"role": "user", "content": "Hi"}],
    ),
    (
        "Responses: what parse() adds goes",
        "responses",
        [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "parsed_arguments": None}],
        [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}],
    ),
]


@pytest.mark.parametrize(("dialect", "broken", "mended"), [row[1:] for row in MENDED], ids=[row[0] for row in MENDED])
def test_each_fault_is_mended_in_its_way(dialect, broken, mended):
    assert judged(broken, dialect)[0] == mended


def test_five_cache_marks_become_four_and_the_last_stay():
    block = {"type": "text", "text": "Well.", "cache_control": {"type": "ephemeral"}}
    mended, repairs = judged([{"role": "user", "content": [dict(block) for _ in range(6)]}], "anthropic")
    assert ["cache_control" in one for one in mended[0]["content"]] == [False, False, True, True, True, True]
    assert {one.rule for one in repairs} == {"marks_few"}


def test_a_request_body_comes_back_as_one_with_its_tools_renamed():
    tool = {"type": "function", "function": {"name": "my tool", "parameters": {}}}
    body = {"model": "gpt-5-mini", "tools": [tool], "messages": [USER, calls("a", name="my tool"), result("a")]}
    mended, repairs = judged(body)
    assert mended["tools"][0]["function"]["name"] == "my_tool"
    assert mended["messages"][1]["tool_calls"][0]["function"]["name"] == "my_tool"
    assert [one.index for one in repairs] == [None, 1]


def test_a_chain_without_thinking_becomes_text_where_thinking_is_enabled():
    body = {"thinking": {"type": "enabled"}, "messages": [USER, uses("a"), answers("a", text="Rain.")]}
    mended, _ = repair(body, dialect="anthropic")
    assert check(mended, dialect="anthropic") == []
    assert "Rain." in str(mended["messages"][2]["content"][0]["text"])


CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}


def test_what_is_gone_is_named_in_the_repair():
    _, repairs = repair(
        [USER, {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "parsed": "x y"}]
    )
    assert repairs[0].lost == ("parsed", "x y")
    assert "x y" in str(repairs[0])


def test_nothing_to_repair_is_refused():
    with pytest.raises(MessageError, match="no messages to repair"):
        repair([])


def test_long_logs_cost_in_proportion():
    def cost(turns):
        log = [m for i in range(turns) for m in (USER, calls(f"c{i}", "x", name="a b"), result("lost"), result("x"))]
        start = time.process_time()
        repair(log)
        return time.process_time() - start

    cost(100)
    small, large = min(cost(500) for _ in range(3)), min(cost(2_000) for _ in range(2))
    assert large < 4 * 2.3 * small


def test_the_command_line_mends_and_says_how(tmp_path):
    talk = [{"role": "user", "content": "Hi"}, {"role": "tool", "tool_call_id": "gone", "content": "Rain until six."}]
    (tmp_path / "talk.json").write_text(json.dumps(talk), encoding="utf-8")
    run = [sys.executable, "-m", "ctxwin", "pack", str(tmp_path / "talk.json"), "-q", "Rain?", "-b", "400"]
    refused = subprocess.run(run, capture_output=True, text=True, check=False)
    assert refused.returncode == 2 and "ctxwin.repair" in refused.stderr
    done = subprocess.run([*run, "--repair"], capture_output=True, text=True, check=True)
    assert check(json.loads(done.stdout)) == []
    assert "Rain until six." in done.stdout
    assert "mended message 1: a result without its call became text" in done.stderr


def test_strings_in_a_set_stand_in_the_result_in_an_order_of_their_own():
    messages, repairs = repair([{"role": "user", "content": {"Flood at noon.", "Ebb at six."}}])
    assert messages == [{"role": "user", "content": "Ebb at six.\nFlood at noon."}]
    assert [one.lost for one in repairs] == [()]


SENT_TO_ANOTHER = [
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Rain here, and there?"}]},
    {"type": "function_call", "call_id": "c1", "name": "sky", "arguments": '{"place": "here"}'},
    {"type": "function_call", "call_id": "c2", "name": "sky", "arguments": '{"place": "there"}'},
    {"type": "function_call_output", "call_id": "c1", "output": "Rain."},
    {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "Sun."}]},
]


def test_calls_of_responses_stay_calls_in_chat():
    mended = judged(SENT_TO_ANOTHER, "openai")[0]
    assert not any("type" in message for message in mended)
    assert [message["role"] for message in mended] == ["user", "assistant", "tool", "assistant", "tool"]
    assert mended[1]["tool_calls"][0]["function"] == {"name": "sky", "arguments": '{"place": "here"}'}
    assert [(mended[n]["tool_call_id"], mended[n]["content"]) for n in (2, 4)] == [("c1", "Rain."), ("c2", "Sun.")]


def test_calls_of_responses_stay_calls_for_anthropic():
    mended = judged(SENT_TO_ANOTHER, "anthropic")[0]
    blocks = [message["content"][0] for message in mended]
    assert [block["type"] for block in blocks] == ["text", "tool_use", "tool_use", "tool_result", "tool_result"]
    assert blocks[1] == {"type": "tool_use", "id": "c1", "name": "sky", "input": {"place": "here"}}
    assert [(block["tool_use_id"], block["content"]) for block in blocks[3:]] == [("c1", "Rain."), ("c2", "Sun.")]


def test_a_call_of_responses_that_is_cut_off_is_still_mended():
    for dialect in ("openai", "anthropic"):
        judged([USER, {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"place": "he'}], dialect)
        judged([USER, {"type": "function_call", "name": "f", "arguments": {"place": 'the "yard"'}}], dialect)
        judged([{"type": "function_call_output", "call_id": "c", "output": None}, USER], dialect)
        judged([USER, {"type": "reasoning", "summary": [], "id": "rs_1"}, {"type": "compaction", "id": "x"}], dialect)


@pytest.mark.parametrize("dialect", ["responses", "anthropic"])
def test_what_another_dialect_has_no_place_for_is_named(dialect):
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}},
        {"id": "c2", "type": "custom", "custom": {"name": "grep", "input": "zebra"}},
    ]
    cited = [{"type": "url_citation", "url_citation": {"url": "https://example.org", "title": "Rain"}}]
    talk = [
        {"role": "user", "content": "Weather?", "name": "Ana"},
        {"role": "assistant", "content": "Let me look.", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "c1", "content": "It rains."},
        {"role": "tool", "tool_call_id": "c2", "content": "Two lines."},
        {"role": "assistant", "content": "Rain.", "annotations": cited},
    ]
    mended, repairs = repair(talk, dialect=dialect)
    assert check(mended, dialect=dialect) == []
    said, named = json.dumps(mended), {word for one in repairs for word in one.lost}
    for word in (
        "Ana",
        '{"city": "Oslo"}',
        "zebra",
        "weather",
        "grep",
        "It rains.",
        "Two lines.",
        "https://example.org",
    ):
        assert json.dumps(word)[1:-1] in said or word in named
    assert any("tool_calls" in str(one) for one in repairs)
