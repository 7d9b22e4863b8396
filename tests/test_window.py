"""Windows: what is added is kept, packed and sent, with the real SDKs against a real server on this machine."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import subprocess
import sys
from contextlib import ExitStack, closing

import anthropic
import openai
import pytest
from server import Answer, Call, Failure, Provider

import ctxwin
from ctxwin.clients import Reply, Usage, adapt
from ctxwin.embed.vectors import vector_key
from ctxwin.errors import CtxwinWarning, InputError, MessageError, UnknownModel
from ctxwin.store import MemoryStore, SqliteStore

LONG = [f"Note {n}: locker {n} opens with {n * 7919 % 9000 + 1000}." for n in range(300)]


@pytest.fixture
def provider():
    with Provider() as one, ExitStack() as stack:
        one.stack = stack
        yield one


MODEL = {"openai": "gpt-4o", "responses": "gpt-4o", "anthropic": "claude-sonnet-5"}


def window_of(provider, dialect="openai", **options):
    options = {"budget": 1_500 if dialect == "anthropic" else 600, "embedder": "none"} | options
    kind = anthropic.Anthropic if dialect == "anthropic" else openai.OpenAI
    client = provider.stack.enter_context(made(kind, provider))
    return ctxwin.Window(model=MODEL[dialect], client=speaking(client, dialect), **options)


def made(kind, provider):
    url = provider.anthropic if kind.__module__.startswith("anthropic") else provider.openai
    return kind(base_url=url, api_key="any", max_retries=0)


def speaking(client, dialect):
    return adapt(client, "responses") if dialect == "responses" else client


EACH = pytest.mark.parametrize("dialect", ["openai", "responses", "anthropic"])


@EACH
def test_a_long_talk_is_stored_whole_and_sent_packed(provider, dialect):
    with window_of(provider, dialect, system="Be brief.") as window:
        window.add(*({"role": "user", "content": text} for text in LONG))
        provider.script("It opens with 4,904.")
        reply = window.send("What opens locker 137?")
        assert reply.text == "It opens with 4,904."
        assert len(window) == len(LONG) + 2
        assert provider.last.tokens <= window.budget.total
        assert any("locker 137 opens with" in text for text in provider.last.texts)
        assert any("Be brief." in text for text in provider.last.texts)
        assert window.turns[-1].message == reply.messages[-1]


@EACH
def test_a_streamed_reply_comes_piece_by_piece_and_is_stored_whole(provider, dialect):
    with window_of(provider, dialect) as window:
        provider.script("one two three")
        pieces = list(window.stream("Count to three."))
        assert len(pieces) > 1
        assert "".join(pieces) == "one two three"
        assert "one two three" in json.dumps(window.turns[-1].message)


@EACH
def test_asynchronous_clients_send_and_stream(provider, dialect):
    provider.script("first", "second one")
    kind = anthropic.AsyncAnthropic if dialect == "anthropic" else openai.AsyncOpenAI

    async def talk():
        async with made(kind, provider) as client:
            answers = speaking(client, dialect)
            window = ctxwin.Window(model=MODEL[dialect], budget=600, client=answers, embedder="none")
            reply = await window.asend("Hello")
            pieces = [piece async for piece in window.astream("And now?")]
            return window, reply, pieces

    window, reply, pieces = asyncio.run(talk())
    assert reply.text == "first"
    assert "".join(pieces) == "second one"
    assert len(window) == 4
    with pytest.raises(InputError, match="asend"):
        window.send("Once more")


def test_a_blocking_client_serves_the_event_loop_too(provider):
    provider.script("one", "two three")
    window = window_of(provider)

    async def talk():
        return (await window.asend("Hello")).text, [piece async for piece in window.astream("More")]

    text, pieces = asyncio.run(talk())
    assert (text, "".join(pieces)) == ("one", "two three")


@pytest.mark.parametrize("how", ["send", "stream"])
def test_a_failing_model_leaves_the_message_stored_and_the_next_call_works(provider, how):
    with window_of(provider) as window:
        provider.script(Failure(status=429), "Good.")
        with pytest.raises(openai.RateLimitError):
            window.send("Hello") if how == "send" else list(window.stream("Hello"))
        assert [turn.message["content"] for turn in window.turns] == ["Hello"]
        assert window.send("Are you there?").text == "Good."


def test_a_stream_that_breaks_stores_no_half_reply(provider):
    with window_of(provider) as window:
        provider.script(Answer(text="one two three four", broken_after=2), "Good.")
        with pytest.raises(Exception) as broken:
            list(window.stream("Hello"))
        assert broken.type.__module__.split(".")[0] in ("openai", "httpx", "httpcore")
        assert [turn.message["role"] for turn in window.turns] == ["user"]
        assert window.send("Again?").text == "Good."


@EACH
def test_tools_are_called_answered_and_gone_on_with(provider, dialect):
    name = "get_time"
    tool = {
        "openai": {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}},
        "responses": {"type": "function", "name": name, "parameters": {"type": "object", "properties": {}}},
        "anthropic": {"name": name, "input_schema": {"type": "object", "properties": {}}},
    }[dialect]
    with window_of(provider, dialect) as window:
        provider.script(Answer(calls=[Call(name=name, id="call_1")]), "It is noon.")
        reply = window.send("What time is it?", tools=[tool])
        assert reply.text == ""
        window.add(
            {
                "openai": {"role": "tool", "tool_call_id": "call_1", "content": "12:00"},
                "responses": {"type": "function_call_output", "call_id": "call_1", "output": "12:00"},
                "anthropic": {
                    "role": "user",
                    "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "12:00"}],
                },
            }[dialect]
        )
        assert window.send(tools=[tool]).text == "It is noon."
        (sent,) = provider.last.body["tools"]
        assert {name: value for name, value in sent.items() if name != "cache_control"} == tool


@EACH
def test_a_model_recalls_what_was_left_out_without_the_caller_noticing(provider, dialect):
    with window_of(provider, dialect, recall=True) as window:
        window.add(*({"role": "user", "content": text} for text in LONG))
        provider.script(Answer(calls=[Call(name="recall", arguments={"ids": "m200"})]), "Now I know.")
        assert window.send("What opens the door of the cellar?").text == "Now I know."
        assert any("locker 200 opens with" in text for text in provider.last.texts)
        assert provider.last.tokens <= window.budget.total


def test_what_is_forgotten_cannot_be_recalled(provider):
    with window_of(provider, recall=True) as window:
        window.add(*LONG)
        window.forget(200)
        provider.script(Answer(calls=[Call(name="recall", arguments={"ids": "m200"})]), "I cannot know.")
        assert window.send("What opens the door of the cellar?").text == "I cannot know."
        assert not any("locker 200 opens with" in text for text in provider.last.texts)


OTHER = """
import sys, ctxwin
with ctxwin.Window(store=sys.argv[1], budget=600, embedder="none") as window:
    window.add("The vault opens with 5512.")
    window.pin(1)
    window.forget(2)
    window.erase(3)
"""


def test_what_another_process_adds_marks_and_erases_is_seen_at_the_next_use(tmp_path):
    store = tmp_path / "chat.db"
    with ctxwin.Window(model="gpt-4o", store=store, budget=600, embedder="none") as window:
        window.add(*LONG)
        before = window.pack("What opens lockers 2 and 3?").text
        assert LONG[2] in before
        assert LONG[3] in before
        subprocess.run([sys.executable, "-c", OTHER, str(store)], check=True)
        packed = window.pack("What opens lockers 1, 2 and 3, and the vault?").text
        assert LONG[1] in packed
        assert "The vault opens with 5512." in packed
        assert LONG[2] not in packed
        assert LONG[3] not in packed
        assert [turn.position for turn in window.turns if turn.pinned or turn.forgotten] == [1, 2]
        window.unforget(2)
        assert LONG[2] in window.pack("What opens locker 2?").text


def test_a_window_outlives_its_process(tmp_path):
    store = tmp_path / "chat.db"
    code = (
        "import ctxwin, sys; w = ctxwin.Window(budget=500, store=sys.argv[1], id='ana', embedder='none');"
        "w.system('Be brief.'); w.add('The cat is called Miso.'); w.pin(-1)"
    )
    subprocess.run([sys.executable, "-c", code, str(store)], check=True)
    with ctxwin.Window(store=store, id="ana", embedder="none") as window:
        assert window.budget.total == 500
        assert [turn.message["content"] for turn in window.turns] == ["The cat is called Miso."]
        assert window.turns[0].pinned
        assert window.pack("Who is Miso?").messages[0] == {"role": "system", "content": "Be brief."}


def test_two_windows_on_one_store_see_what_each_adds(tmp_path):
    store = tmp_path / "chat.db"
    one = ctxwin.Window(budget=500, store=store, embedder="none")
    other = ctxwin.Window(store=store, embedder="none")
    one.add("First.")
    other.add("Second.")
    one.add("Third.")
    assert [turn.message["content"] for turn in other.turns] == ["First.", "Second.", "Third."]
    assert [turn.position for turn in one.turns] == [0, 1, 2]
    assert "Second." in one.pack("Second?").text
    one.close()
    other.close()


def test_pinned_turns_stay_forgotten_ones_stay_out_and_erased_ones_are_gone(tmp_path):
    place = tmp_path / "chat.db"
    with ctxwin.Window(budget=300, store=place, embedder="none") as window:
        window.add(*LONG)
        window.pin(250)
        assert LONG[250] in window.pack("What opens locker 137?").text
        window.unpin("m250")
        assert LONG[250] not in window.pack("What opens locker 137?").text
        window.forget(window.turns[137])
        assert LONG[137] not in window.pack("What opens locker 137?").text
        assert window.turns[137].forgotten
        window.unforget(137)
        assert LONG[137] in window.pack("What opens locker 137?").text
        window.erase(137)
        assert LONG[137] not in window.pack("What opens locker 137?").text
        assert 137 not in [turn.position for turn in window.turns]
    assert LONG[137].encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_turns_that_are_not_there_are_named_with_their_like():
    window = ctxwin.Window(budget=300, embedder="none")
    window.add(*LONG[:20])
    with pytest.raises(InputError, match="no turn 'm200' among its 20; did you mean"):
        window.pin("m200")
    with pytest.raises(InputError, match="no turn -21"):
        window.pin(-21)


def test_a_fork_shares_its_beginning_and_goes_its_own_way():
    window = ctxwin.Window(budget=300, embedder="none", store=MemoryStore())
    window.system("Be brief.")
    window.add(*LONG[:10])
    other = window.fork("other", until=4)
    other.add("Elsewhere.")
    assert len(window) == 10
    assert [turn.message["content"] for turn in other.turns] == [*LONG[:5], "Elsewhere."]
    assert other.pack("?").messages[0]["content"] == "Be brief."
    with pytest.raises(InputError):
        window.fork("other")


def test_a_window_is_exported_and_imported_elsewhere(tmp_path):
    window = ctxwin.Window(budget=ctxwin.Budget(total=500, reserve=100), embedder="none", id="ana")
    window.system("Be brief.")
    window.add(*LONG[:5])
    window.pin(1)
    window.forget(2)
    window.export(tmp_path / "ana.json")
    again = ctxwin.Window.import_(tmp_path / "ana.json", store=tmp_path / "b.db", embedder="none")
    assert again.export()["turns"] == window.export()["turns"]
    assert again.budget == window.budget
    assert again.pack("Note 3?").messages == window.pack("Note 3?").messages
    with pytest.raises(InputError, match="already"):
        ctxwin.Window.import_(tmp_path / "ana.json", store=tmp_path / "b.db")
    (tmp_path / "no.json").write_text("[1]")
    with pytest.raises(InputError, match="holds a list of int; give a list of messages"):
        ctxwin.Window.import_(tmp_path / "no.json")


def test_malformed_messages_are_refused_and_nothing_is_stored():
    window = ctxwin.Window(budget=300, embedder="none")
    window.add("Hello.")
    for bad in ({"role": "tool", "tool_call_id": "none", "content": "x"}, {"role": "king", "content": "x"}, {"x": 1}):
        with pytest.raises(MessageError):
            window.add("Fine.", bad)
        assert len(window) == 1
    assert "Hello." in window.pack().text


def test_packing_a_window_is_packing_its_messages():
    window = ctxwin.Window(budget=400, embedder="none")
    messages = [{"role": "user" if n % 2 else "assistant", "content": text} for n, text in enumerate(LONG)]
    for message in messages:
        window.add(message)
        window.pack() if message["content"].startswith("Note 5") else None
    assert (
        window.pack("What opens locker 77?").messages
        == ctxwin.pack(messages, "What opens locker 77?", budget=400, embedder="none").messages
    )


def test_an_unknown_model_needs_a_budget():
    with pytest.raises(UnknownModel):
        ctxwin.Window(model="my-own-model")
    assert ctxwin.Window(model="my-own-model", budget=500).model == "my-own-model"


def test_what_the_provider_reported_is_kept(provider):
    with window_of(provider) as window:
        provider.script("Good.")
        window.send("Hello")
        (record,) = window.records
        assert record.input == provider.last.tokens
        assert record.output > 0
        assert record.cost > 0


def test_vectors_and_counts_are_kept_beside_the_messages(tmp_path):
    place = tmp_path / "chat.db"
    asked = []

    def read(texts):
        asked.extend(texts)
        return [[float(len(text)), float(text.count("e")), 1.0] for text in texts]

    class Letters:
        name = "letters-1"
        embed = staticmethod(read)

    with ctxwin.Window(budget=300, store=place, embedder=Letters()) as window:
        window.add(*LONG[:40])
        window.add("What opens locker 7?")
        first = window.pack().messages
        window._packer.settle()
    assert LONG[7] in asked
    asked.clear()
    with ctxwin.Window(store=place, embedder=Letters()) as window:
        assert window.pack().messages == first
        assert LONG[7] not in asked
        window.erase(7)
    with closing(SqliteStore(place)) as store:
        key = vector_key("letters-1", LONG[7]).hex()
        assert not store.vectors("letters-1", [key])
        assert store.vectors("letters-1", [vector_key("letters-1", LONG[8]).hex()])


def test_nothing_is_counted_before_the_first_packing_and_everything_once(tmp_path):
    """Loading a vocabulary would hold up the next `add`, and a process that only adds needs none."""
    counted = []

    class Words:
        name = "words"

        def count(self, text):
            counted.append(text)
            return len(text.split())

    options = {"budget": 60, "store": tmp_path / "chat.db", "tokenizer": Words(), "embedder": "none"}
    with ctxwin.Window(**options) as window:
        for text in LONG[:20]:
            window.add(text)
        window._packer.settle()
        assert not counted
    with ctxwin.Window(**options) as window:
        window.pack()
        assert set(LONG[:20]) <= set(counted)
    counted.clear()
    with ctxwin.Window(**options) as window:
        assert LONG[3] not in window.pack("What opens locker 7?").text
        assert LONG[3] not in counted  # its count was stored
        window.add(LONG[20])
        window._packer.settle()
        assert counted.count(LONG[20]) == 1  # ahead of the next packing


def test_texts_in_chinese_are_packed_while_others_are_embedded(tmp_path):
    """A second embedder is opened in the background while a packing waits; neither may wait for the other."""
    with ctxwin.Window(budget=300, store=tmp_path / "chat.db") as window:
        for number in range(30):
            window.add(f"第{number}号柜子的密码是{number * 7919 % 9000 + 1000}。")
            window.pack("七号柜子的密码是多少？") if number % 10 == 9 else None
        assert window.pack("7号柜子的密码是多少？").tokens <= 300


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_a_provider_that_counts_thirty_percent_more_is_learned_from_its_replies(dialect):
    """Its first count may be over; from then on every request is within the budget by its own count."""
    budget = 2_000
    with Provider(factor=1.3) as provider, ExitStack() as stack:
        provider.stack = stack
        provider.respond = lambda request: f"Noted, number {request.number}: " + "we go on with the plan. " * 6
        window = window_of(provider, dialect, budget=budget)
        for number in range(40):
            window.send(f"{LONG[number]} " + "Please think about the garden, the lease and the boat. " * 8)
        tokens = [request.tokens for request in provider.requests]
        assert all(one <= budget for one in tokens[1:])
        assert max(tokens) > 0.85 * budget, "the room is used all the same"
        again = ctxwin.Window(model=MODEL[dialect], budget=budget, store=window._store, embedder="none")
        assert again.tokenizer.name == window.tokenizer.name


def test_a_report_can_be_read_after_the_conversation_has_grown():
    window = ctxwin.Window(model="gpt-4o", budget=260, embedder="none", client=lambda messages: "Noted.")
    for text in LONG[:14]:
        window.send(text)
    last = window.last.report.decisions
    assert len(last) == 27
    assert sum(one.form != "out" for one in last) < 27


@pytest.mark.parametrize("dialect", ["openai", "anthropic", "responses"])
def test_a_window_may_mend_what_a_provider_would_refuse(dialect):
    poisoned = {
        "openai": [
            {"role": "tool", "tool_call_id": "gone", "content": "Rain until six."},
            {"role": "assistant", "content": None, "tool_calls": []},
        ],
        "anthropic": [
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "gone", "content": "Rain until six."}]},
            {"role": "assistant", "content": [{"type": "text", "text": " "}]},
        ],
        "responses": [{"type": "function_call_output", "call_id": "gone", "output": "Rain until six."}],
    }[dialect]
    plain = ctxwin.Window(budget=500, dialect=dialect, embedder="none")
    plain.add("Hello")
    with pytest.raises(MessageError, match=r"ctxwin\.repair"):
        plain.add(*poisoned)
    window = ctxwin.Window(budget=500, dialect=dialect, embedder="none", repair=True)
    window.add("Hello")
    with pytest.warns(CtxwinWarning, match="were mended"):
        window.add(*poisoned)
    window.add("And now?")
    packed = window.pack()
    assert "Rain until six." in packed.text
    assert ctxwin.check(packed.messages, dialect=dialect) == []


def test_a_mended_window_lets_an_open_call_wait_and_closes_one_that_nobody_answers():
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    window = ctxwin.Window(budget=500, embedder="none", repair=True)
    window.add("Look.", {"role": "assistant", "content": None, "tool_calls": [call]})
    assert len(window) == 2
    window.add({"role": "tool", "tool_call_id": "c1", "content": "Dry."})
    assert [turn.message["role"] for turn in window.turns] == ["user", "assistant", "tool"]
    window.add({"role": "assistant", "content": None, "tool_calls": [{**call, "id": "c2"}]})
    with pytest.warns(CtxwinWarning, match="were mended"):
        window.add("Never mind.")
    assert [turn.message["role"] for turn in window.turns][-2:] == ["tool", "user"]
    assert ctxwin.check([turn.message for turn in window.turns]) == []


def test_sealed_thoughts_count_as_the_provider_reported_them(tmp_path):
    sealed = base64.b64encode(random.Random(3).randbytes(9_000)).decode()
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": sealed}
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "At six."}]}
    asked = {"type": "message", "role": "user", "content": "When is ebb?"}
    guess = ctxwin.count_tokens([asked, thought, said])
    assert guess.high - guess.low > 1_000
    usage = Usage(input=12, output=260, reasoning=250)
    with closing(ctxwin.Window(budget=9_000, dialect="responses", store=tmp_path / "a.db", embedder="none")) as window:
        window.add(asked)
        window.pack()
        window.record(Reply(messages=(thought, said), text="At six.", usage=usage))
        window.add({**asked, "content": "And tomorrow?"})
        assert 250 < window.pack().tokens < 320
        packer, call = window._packer, window._calls.begin([])
        assert packer.unseal(Reply(messages=(thought,), text="", usage=usage), "responses")
        assert not packer.unseal(Reply(messages=(said,), text="At six."), "responses")
        assert not packer.answered(call, Reply(messages=(said,), text="At six."))  # nothing new is to be kept
    known = (
        "from ctxwin import Window; import sys; w = Window(store=sys.argv[1], embedder='none'); print(w.pack().tokens)"
    )
    again = subprocess.run(
        [sys.executable, "-c", known, str(tmp_path / "a.db")], capture_output=True, text=True, check=True
    )
    assert 250 < int(again.stdout) < 320  # by another process, from the store
