"""The recall tool: what a packing names, what a model asks for, what it is answered, in three dialects."""

import json
import re

import anthropic
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from server import Answer, Call, Provider
from strategies import anthropic_logs, openai_logs, responses_logs

import ctxwin
from ctxwin.items import Item
from ctxwin.messages import read
from ctxwin.messages.conversation import DIALECTS
from ctxwin.recall import Pending, Recall, answer_recalls, can_recall, id_ranges, pending_recalls, recall_tool
from ctxwin.tokens import count_tools, get_tokenizer

O200K = get_tokenizer("o200k_base")
RAIN = "It rained on that day, and nobody went out. "
TALK = [
    {"role": "user", "content": f"Note {n}: locker {n} opens with {n * 7919 % 9000}. {RAIN * (n % 4)}"}
    for n in range(200)
]
NAMED = re.compile(
    r"(?<=\[)[^\]\s]+(?=\]\n)|(?<=turns omitted: )[^\]]+|(?<=turn omitted: )[^\]]+|(?<=, id )[^\]\s]+(?=\])"
)
"""What a packed request names: the id at the end of an extract, those of omitted turns, that of a stub."""


def text_of(message):
    content = message.get("content", message.get("output"))
    return content if isinstance(content, str) else content[0]["content"]


def ask(ids, items, limit=1000):
    (message,) = answer_recalls([Recall(call_id="c1", ids=ids)], items, dialect="openai", limit=limit)
    return message["content"]


def test_the_definition_is_small_and_the_same_in_three_forms():
    tools = {dialect: recall_tool(dialect) for dialect in DIALECTS}
    assert [count_tools([tools[dialect]], O200K, "openai").tokens for dialect in DIALECTS] == [70, 70, 70]
    assert tools["openai"]["function"] | {"type": "function"} == tools["responses"]
    assert tools["anthropic"]["input_schema"] == tools["responses"]["parameters"]
    assert all(can_recall([tool]) for tool in tools.values())
    assert can_recall([{**tools["anthropic"], "cache_control": {"type": "ephemeral"}}])
    assert not can_recall([{"type": "function", "function": {"name": "recall", "description": "Looks into my diary."}}])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_packing_with_the_tool_names_what_is_missing(dialect):
    talk = TALK if dialect != "responses" else [{"type": "message", **one} for one in TALK]
    packed = ctxwin.pack(talk, "What opens locker 37?", 700, tools=[recall_tool(dialect)], embedder="none")
    assert packed.tokens <= 700
    omitted = [int(number) for number in re.findall(r"\[(\d+) turns? omitted: ", packed.text)]
    out = {decision.id for decision in packed.report.dropped}
    items = read(TALK).items
    named = [ids for ids in NAMED.findall(packed.text) if "-" in ids or ids in out]
    found = [place for ids in named for place in _range(ids, items)]
    assert len(found) == sum(omitted) == len(out)
    assert {items[place].id for place in found} == out
    plain = ctxwin.pack(talk, "What opens locker 37?", 700, embedder="none")
    assert not re.search(r"omitted: |\[m\d+\]", plain.text)


def _range(ids, items):
    places = {item.id: place for place, item in enumerate(items)}
    first, _, last = ids.partition("-")
    return range(places[first], places[last or first] + 1)


def test_what_is_shortened_ends_in_its_id():
    long = {"role": "assistant", "content": RAIN * 30 + "The pump failed at noon. " + RAIN * 30}
    passage = Item(id="p1", kind="passage", text=RAIN * 20 + "The pump was repaired in May. " + RAIN * 20 + "\n")
    packed = ctxwin.pack(
        [long, {"role": "user", "content": "When did the pump fail, and when was it repaired?"}],
        items=[passage],
        budget=500,
        tools=[recall_tool()],
    )
    assert {decision.form for decision in packed.report.shortened} == {"extract"}
    assert "failed at noon" in packed.text
    assert " [m0]" in packed.text
    assert " [p1]" in packed.text
    assert ask("m0, p1", [*read([long]).items, passage]).count("pump") == 2


def test_a_summary_ends_in_its_id_too():
    told = "The committee met on 3 May 2024 and talked about the harbour wall at length. " * 12
    packed = ctxwin.pack(
        [{"role": "assistant", "content": told}, {"role": "user", "content": "What was said about the harbour wall?"}],
        budget=140,
        tools=[recall_tool()],
        summarizer=lambda text: "Harbour wall: talked about on 3 May 2024.",
    )
    assert "Harbour wall: talked about on 3 May 2024. [m0]" in packed.text


@pytest.mark.parametrize(("logs", "dialect"), [
    (openai_logs(), "openai"), (responses_logs(), "responses"), (anthropic_logs(), "anthropic"),
])  # fmt: skip
def test_packings_that_name_ids_keep_the_laws(logs, dialect):
    @settings(max_examples=40)
    @given(logs, st.integers(120, 900))
    def law(log, budget):
        tools = [recall_tool(dialect)]
        try:
            packed = ctxwin.pack(log, budget=budget, tools=tools, embedder="none", model="gpt-4o")
        except ctxwin.BudgetError:
            return
        assert packed.tokens <= budget
        before = {problem.rule for problem in ctxwin.check(log, dialect=dialect)}
        assert {problem.rule for problem in ctxwin.check(packed.messages, dialect=dialect)} <= before

    law()


def _client(provider, dialect):
    if dialect == "anthropic":
        return anthropic.Anthropic(base_url=provider.anthropic, api_key="any", max_retries=0)
    return openai.OpenAI(base_url=provider.openai, api_key="any", max_retries=0)


def _send(client, dialect, messages):
    """Send a request with the real SDK and return the raw messages of the reply."""
    tools = [recall_tool(dialect)]
    if dialect == "anthropic":
        reply = client.messages.create(model="claude-sonnet-5", messages=messages, max_tokens=99, tools=tools)
        return [{"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in reply.content]}]
    if dialect == "responses":
        reply = client.responses.create(model="gpt-4o", input=messages, tools=tools)
        return [item.model_dump(exclude_none=True) for item in reply.output]
    reply = client.chat.completions.create(model="gpt-4o", messages=messages, tools=tools)
    return [reply.choices[0].message.model_dump(exclude_none=True)]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_model_gets_what_it_asks_for(dialect):
    """The question says nothing of what is needed; the model asks for the omitted turns and finds it."""
    talk = [{"role": "user" if n % 2 == 0 else "assistant", "content": f"Day {n}. {RAIN}"} for n in range(60)]
    talk[7]["content"] += "The password is heron."
    talk += [{"role": "user", "content": "Thank you. Go on."}]
    talk = talk if dialect != "responses" else [{"type": "message", **one} for one in talk]

    def model(request):
        if any("heron" in text for text in request.texts):
            return "heron"
        wanted = re.findall(
            r"(?:omitted: |recall \")([^\]\"]+)", json.dumps(request.messages, ensure_ascii=False).replace("\\", "")
        )
        return Answer(thinking="I do not know.", calls=[Call(name="recall", arguments={"ids": wanted[-1]})])

    with Provider() as provider, _client(provider, dialect) as client:
        provider.respond = model
        for _ in range(9):
            packed = ctxwin.pack(talk, budget=900, tools=[recall_tool(dialect)], embedder="none", strategy="recency")
            reply = _send(client, dialect, packed.messages)
            talk = [*talk, *reply]
            if not (asked := pending_recalls(reply, dialect)):
                break
            assert asked.alone
            talk += answer_recalls(asked, read(talk, dialect=dialect).items, dialect=dialect, limit=300)
            assert not ctxwin.check(talk, dialect=dialect)
        assert 2 <= provider.last.number <= 8
        assert "heron" in json.dumps(reply)
        assert not pending_recalls(talk, dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_other_calls_beside_it_are_seen(dialect):
    both = [("c1", "recall", {"ids": "m0"}), ("c2", "now", {})]
    if dialect == "openai":
        calls = [{"id": i, "type": "function", "function": {"name": n, "arguments": json.dumps(a)}} for i, n, a in both]
        reply = [{"role": "assistant", "content": None, "tool_calls": calls}]
    elif dialect == "responses":
        reply = [{"type": "function_call", "call_id": i, "name": n, "arguments": json.dumps(a)} for i, n, a in both]
    else:
        reply = [
            {"role": "assistant", "content": [{"type": "tool_use", "id": i, "name": n, "input": a} for i, n, a in both]}
        ]
    asked = pending_recalls(reply, dialect)
    assert asked == Pending(calls=(Recall(call_id="c1", ids="m0"),), alone=False)
    assert not pending_recalls([], dialect)
    answered = answer_recalls(asked, read(TALK[:2]).items, dialect=dialect)
    assert not pending_recalls([*reply, *answered], dialect)
    assert text_of(answered[0]).startswith("[m0, user]\nNote 0: locker 0 opens with 0.")


@pytest.mark.parametrize("arguments", [
    '{"ids": "m3, m5-m6"}', '{"ids": ["m3", "m5", "m6"]}', '{"id": "[m3] m5–m6"}', '["m3", "m5-m6"]', "m3; m5-m6",
    '{"ids": "id m3, \\"m6-m5\\"."}',
])  # fmt: skip
def test_what_models_write_is_understood(arguments):
    call = {"type": "function_call", "call_id": "c1", "name": "recall", "arguments": arguments}
    text = ask(pending_recalls([call]).calls[0].ids, read(TALK).items)
    assert re.findall(r"Note \d+", text) == ["Note 3", "Note 5", "Note 6"]
    assert "no part" not in text


def test_what_is_not_there_is_answered_with_what_is_near():
    items = read(TALK).items
    assert ask("m300", items) == 'no part has the id "m300"; the nearest are m30, m130, m100\nids run from m0 to m199\n'
    assert ask("m3 and n7", items).startswith('no part has the id "n7"\nids run from m0 to m199\n[m3, user]')
    assert "Note 3" in ask("m3 and n7", items)
    assert ask(" ", items) == "ids run from m0 to m199\n"
    assert ask("m3", []) == "nothing was left out\n"


def test_ids_may_have_any_form():
    items = [
        Item(id=name, text=f"This is {name}.") for name in ("D1:3", "a-b", "a", "b", "no 5", "9+3", "session, two")
    ]
    for item in items:
        assert ask(item.id, items) == f"[{item.id}, turn]\n{item.text}\n"
    assert ask("a-b", items).count("This is") == 1
    assert ask("D1:3-b", items).count("This is") == 4
    assert id_ranges(items, [0, 1, 3, 5, 6]) == "D1:3-a-b, b, 9+3-session, two"


def test_a_picture_has_no_more_text():
    shown = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]}
    assert ask("m0", read([shown]).items) == "[m0, user]\n(no more text: image)\n"


def test_a_limit_that_is_too_small_is_refused():
    with pytest.raises(ctxwin.CtxwinError, match="128 or more"):
        answer_recalls([Recall(call_id="c1", ids="m0")], read(TALK).items, dialect="openai", limit=100)


def test_several_calls_share_the_limit():
    items = read(TALK).items
    calls = [Recall(call_id=f"c{n}", ids="m0-m199") for n in range(3)]
    texts = [text_of(one) for one in answer_recalls(calls, items, dialect="responses", limit=600)]
    counts = O200K.count_many(texts)
    assert sum(counts) <= 600
    assert min(counts) > 120
    assert text_of(answer_recalls(calls, items, dialect="anthropic", limit=600)[0]) == texts[0]


WORDS = st.text(st.sampled_from("abcde ,.\n字"), max_size=1500)


@settings(max_examples=80)
@given(st.lists(WORDS, min_size=1, max_size=12), st.integers(128, 400), st.data())
def test_who_follows_the_marks_reads_everything(texts, limit, data):
    items = [Item(id=f"m{n}", text=text) for n, text in enumerate(texts)]
    last = len(items) - 1
    first = data.draw(st.integers(0, last))
    ids, got = f"m{first}-m{last}", dict.fromkeys(range(first, last + 1), "")
    for _ in range(200):
        answer = ask(ids, items, limit)
        assert O200K.count_many([answer])[0] <= limit
        more = re.search(r'\[for the rest: recall "([^"]+)"\]\n$', answer)
        body = answer[: more.start()] if more else answer
        for name, said in re.findall(r"\[m(\d+)(?:\+\d+)?, turn\]\n(.*?)\n(?=\[m|\Z)", body, re.S):
            got[int(name)] += "" if said.startswith("(no more text") else said
        if more is None:
            break
        ids = more[1]
    assert got == {n: texts[n].rstrip("\n") for n in got}
