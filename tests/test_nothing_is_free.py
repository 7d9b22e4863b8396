"""Law 9: every string of a request is counted, or refused by name, under whatever key it stands."""

import base64
import copy
import json
import random
import sys

import fuzz_requests
import pytest
from strategies.samples import BODIES, encoded

from ctxwin import MessageError, check, count_tokens, get_tokenizer, pack, repair
from ctxwin.messages import read, rewrite, texts_within, write
from ctxwin.messages.dialects.fields import SEALED
from ctxwin.tokens import count_items, count_tools

DIALECTS = sorted(BODIES)
HELD = {
    "openai": ("messages", "tools"),
    "responses": ("input", "instructions", "tools"),
    "anthropic": ("messages", "system", "tools"),
}
TOKENIZER = get_tokenizer("o200k_base")
WORDS = ["harbour", "lantern", "ferry", "tide", "seventeen", "olive", "rudder", "beacon", "gravel"]
LONG = " ".join(random.Random(7).choices(WORDS, k=400))
COST = TOKENIZER.count_many([LONG])[0]


def places(value, path=()):
    """Yield the path of every object and of every field, at any depth."""
    if isinstance(value, dict):
        yield (*path, "unheard_of")
        for key, inner in value.items():
            yield (*path, key)
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield (*path, position)
            yield from places(inner, (*path, position))


def with_value(body, path, value):
    body = copy.deepcopy(body)
    holder = body
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return body


def test_the_samples_are_read_and_come_back():
    for dialect in DIALECTS:
        conversation = read(BODIES[dialect])
        assert conversation.dialect == dialect
        assert write(conversation) == BODIES[dialect]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "form", [str, encoded, lambda text: {"deep": [{"er": text}]}], ids=["words", "base64", "object"]
)
def test_a_string_costs_what_it_costs_wherever_it_stands(dialect, form):
    """Twice the string costs its tokens more, or less only where it is base64 that nobody can read."""
    free = []
    for path in places({key: BODIES[dialect][key] for key in HELD[dialect]}):
        if len(path) == 1:
            continue
        try:
            once, twice = (counted(dialect, path, form(text)) for text in (LONG, f"{LONG} {LONG}"))
        except MessageError as error:
            assert LONG[:60] not in str(error)
            continue
        if twice.high - once.high < 0.9 * least(path, form):
            free.append((".".join(map(str, path)), once, twice))
    assert free == []


def test_random_requests_are_packed_within_their_budget_by_another_count():
    """A sample; the whole is run by `python tests/tools/fuzz_requests.py --count 20000`."""
    found = [(seed, *fuzz_requests.run(seed)) for seed in range(150)]
    assert [one for one in found if one[2]] == []
    assert sum(kind == "packed" for _, kind, _ in found) > 50


def test_a_page_that_was_fetched_is_searched_and_shortened_as_tool_output():
    page = "The keeper paints the rail. " * 300 + "The gate opens at nine. " + "The keeper sweeps the yard. " * 300
    fetched = copy.deepcopy(BODIES["anthropic"]["messages"][1]["content"])
    fetch = next(block for block in fetched if block["type"] == "web_fetch_tool_result")
    fetch["content"]["content"]["source"]["data"] = page
    call = next(block for block in fetched if block.get("id") == fetch["tool_use_id"])
    talk = [
        {"role": "user", "content": "Read it."},
        {"role": "assistant", "content": [call, fetch, {"type": "text", "text": "Read."}]},
        {"role": "user", "content": "When does the gate open?"},
    ]
    packed = pack(talk, budget=400, embedder="none", tokenizer="o200k_base")
    sent = [block for message in packed.messages for block in message["content"] if isinstance(block, dict)]
    data = next(one for one in sent if one["type"] == "web_fetch_tool_result")["content"]["content"]["source"]["data"]
    assert "The gate opens at nine." in data
    assert len(data) < 2_000
    assert check(packed.messages) == []


def test_a_text_file_is_shortened_and_encoded_again_with_a_mark():
    text = "The roof is red. " * 2_000 + "The rent rises in May. " + "The shed is dry. " * 2_000
    block = {"type": "input_file", "filename": "a.txt", "file_data": f"data:text/plain;base64,{encoded(text)}"}
    asked = [{"role": "user", "content": [block, {"type": "input_text", "text": "When does the rent rise?"}]}]
    packed = pack(asked, budget=600, embedder="none", tokenizer="o200k_base")
    sent = packed.messages[0]["content"][0]
    assert (sent["type"], sent["filename"]) == ("input_file", "a.txt")
    head, _, data = sent["file_data"].partition(",")
    kept = base64.b64decode(data).decode()
    assert head == "data:text/plain;base64"
    assert "The rent rises in May." in kept and "…" in kept
    assert check(packed.messages) == []


SAVE = {"path": "notes/a.md", "content": "A line of the log.\n" * 6_000, "mode": ["w", {"text": "The tide. " * 300}]}
OPEN_CALLS = {
    "openai": [
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "save", "arguments": json.dumps(SAVE)}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "ok"},
    ],
    "object": [  # as some servers of open models keep it
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "save", "arguments": SAVE}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "ok"},
    ],
    "anthropic": [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "save", "input": SAVE}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "ok"}]},
    ],
    "responses": [
        {"type": "function_call", "call_id": "c1", "name": "save", "arguments": json.dumps(SAVE)},
        {"type": "function_call_output", "call_id": "c1", "output": "ok"},
    ],
}  # fmt: skip


@pytest.mark.parametrize("form", sorted(OPEN_CALLS))
def test_long_arguments_of_an_open_call_are_shortened_within_their_json(form):
    talk = [{"role": "user", "content": "Save it."}, *OPEN_CALLS[form]]
    packed = pack(talk, budget=2_000, embedder="none", tokenizer="o200k_base")
    assert packed.tokens <= 2_000
    (call,) = [part for item in read(packed.messages).items for part in item.parts if part.kind == "call"]
    sent = json.loads(call.text)
    assert sent.keys() == SAVE.keys()
    assert (sent["path"], sent["mode"][0]) == ("notes/a.md", "w")
    assert "tokens omitted …]" in sent["content"]
    assert form == "object" or check(packed.messages) == []
    closed = [*talk, {"role": "assistant", "content": "Saved."}, {"role": "user", "content": "Which file was it?"}]
    for budget in (300, 2_000, 20_000):
        kept = pack(closed, budget=budget, embedder="none", tokenizer="o200k_base").messages
        assert talk[1] in kept or not any("save" in json.dumps(message) for message in kept)


ESCAPED = {"text": "潮汐今天六点出发。" * 4_000, "path": "a.md"}
LAST = {
    "escaped": {"type": "function_call", "call_id": "c1", "name": "save", "arguments": json.dumps(ESCAPED)},
    "no JSON": {"type": "custom_tool_call", "call_id": "c1", "name": "save", "input": 'say "six"\n' * 4_000},
    "patch": {
        "type": "apply_patch_call", "call_id": "c1", "status": "completed",
        "operation": {"type": "update_file", "path": "a.md", "diff": "+ The ferry leaves at six.\n" * 3_000},
    },
}  # fmt: skip


@pytest.mark.parametrize("form", sorted(LAST))
def test_arguments_are_shortened_however_they_are_written(form):
    """Escapes of all but ASCII, quotes that nothing escapes, and calls whose arguments stand under their own key."""
    call = LAST[form]
    talk = [{"role": "user", "content": "Save it."}, call, {**call, "type": f"{call['type']}_output", "output": "ok"}]
    for field in ("name", "arguments", "input", "operation"):
        talk[2].pop(field, None)
    assert check(talk) == []
    packed = pack(talk, budget=2_000, embedder="none", tokenizer="o200k_base")
    assert 1_000 < packed.tokens <= 2_000
    assert check(packed.messages) == []
    assert packed.messages[1].keys() == call.keys()
    assert "tokens omitted …]" in json.dumps(packed.messages[1], ensure_ascii=False)


def test_each_json_is_written_once_however_many_texts_in_it_are_shortened():
    """Twice the fields take twice the work: calls of the JSON reader do not grow with them."""

    def calls(fields):
        held = json.dumps({f"k{n}": "The ferry leaves at six." for n in range(fields)})
        (part,) = read([{"type": "function_call", "call_id": "c", "name": "save", "arguments": held}]).items[0].parts
        texts = {path: "Six." for path, _ in texts_within(part)}
        seen = []
        sys.setprofile(lambda frame, event, _: seen.append(1) if frame.f_code is json.loads.__code__ else None)
        try:
            new = rewrite({"arguments": held}, texts)
        finally:
            sys.setprofile(None)
        assert set(json.loads(new["arguments"]).values()) == {"Six."}
        return len(seen)

    assert calls(40) == calls(20)


LABELLED = [{"type": word} for word in LONG.split()]
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": LABELLED}
LABELLED_TALKS = {
    "content": [{"role": "user", "content": LABELLED}],
    "thoughts": [{"role": "assistant", "content": "Six.", "reasoning_details": LABELLED}],
    "result": [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "find", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": LABELLED}]},
    ],
    "server": [{"role": "assistant", "content": [SEARCH, FOUND]}],
    "reasoning": [{"type": "reasoning", "id": "rs_1", "summary": LABELLED}],
    "hosted": [{"type": "file_search_call", "id": "fs_1", "queries": [], "results": LABELLED}],
    "shell": [
        {"type": "shell_call", "call_id": "k", "action": {"commands": ["ls"]}},
        {"type": "shell_call_output", "call_id": "k", "output": LABELLED},
    ],
}


@pytest.mark.parametrize("place", sorted(LABELLED_TALKS))
def test_objects_of_nothing_but_short_fields_cost_in_their_number(place):
    assert count_items(read(LABELLED_TALKS[place]).items, TOKENIZER)[-1] >= COST


def test_names_of_fields_cost_what_they_say():
    def cost(message):
        return count_items(read([message]).items, TOKENIZER)[0]

    plain = {"role": "user", "content": [{"type": "text", "text": "Hi"}]}
    assert cost({**plain, LONG: None}) >= cost(plain) + COST
    assert cost({**plain, LONG: []}) >= cost(plain) + COST
    hit = {"type": "web_search_result", "url": "u", "title": "t", "encrypted_content": ""}
    found = [{"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}]
    for more in ({LONG: {"a": 1}}, {LONG: [{"a": 1}]}):
        result = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{**hit, **more}]}
        assert cost({"role": "assistant", "content": [*found, result]}) >= COST
    tool = {"name": "f", "parameters": {"type": "object", LONG: 3}}
    assert count_tools([tool], TOKENIZER).tokens >= COST


def test_what_is_sealed_is_planned_with_the_most_that_it_may_be():
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": encoded("x" * 30_000)}
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Yes."}]}
    asked = {"type": "message", "role": "user", "content": "And now?"}
    count = count_tokens([asked, thought, said, asked])
    assert count.low < count.tokens < count.high
    assert not count.exact
    packed = pack([asked, thought, said, asked], budget=(count.tokens + count.high) // 2, embedder="none")
    assert thought not in packed.messages
    whole = pack([asked, thought, said, asked], budget=count.high, embedder="none")
    assert thought in whole.messages
    assert whole.report.count == count


def test_a_deferred_tool_costs_its_name_and_description_until_the_model_asks():
    tool = {"type": "function", "name": "find", "description": LONG, "parameters": {"title": LONG}}
    whole, later = count_tools([tool], TOKENIZER), count_tools([{**tool, "defer_loading": True}], TOKENIZER)
    assert COST < later.tokens < whole.tokens
    assert later.high >= whole.tokens
    space = {"type": "namespace", "name": "sea", "description": "The sea.", "tools": [{**tool, "defer_loading": True}]}
    assert COST < count_tools([space], TOKENIZER).tokens < 1.5 * COST
    assert count_tools([space], TOKENIZER).high >= whole.tokens


def test_an_unknown_item_is_refused_unless_its_dialect_is_named():
    talk = [{"type": "message", "role": "user", "content": "Hi"}, {"type": "hologram", "words": LONG}]
    with pytest.raises(MessageError, match="message 1: 'hologram' is no type of an item"):
        read(talk)
    assert COST <= count_items(read(talk, dialect="responses").items, TOKENIZER, "responses")[1] <= 1.1 * COST


def counted(dialect, path, value):
    return count_tokens(with_value(BODIES[dialect], path, value), tokenizer=TOKENIZER)


def least(path, form):
    sealed = isinstance(form(""), str) and (path[-1] in SEALED or path[-1] == "data")
    return len(encoded(LONG)) * 3 // 8 if sealed and form is encoded else COST if not sealed else COST // 2


@pytest.mark.parametrize("arguments", ["[" * 60_000, '{"a":' * 12_000, '{"a":' * 300 + '"b"' + "}" * 300])
def test_arguments_that_nest_without_end_are_one_text_or_stay(arguments: str) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    asked = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": None, "tool_calls": [call]}]
    talk = [*asked, {"role": "tool", "tool_call_id": "c", "content": "x"}]
    packed = pack(talk, budget=2_000, embedder="none")
    assert packed.tokens <= 2_000
    assert len(packed.messages) == 3
    repaired, _ = repair(talk)
    assert not check(repaired)
