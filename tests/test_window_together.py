"""Many callers in one window at once: each gets its own answer, and nothing is lost, doubled or crossed."""

import asyncio
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import openai
import pytest
from callers import APIS, DIALECTS, body_of, call, call_later, make
from conversations import TOOLS, user
from server import Answer, Call, Failure, Provider

import ctxwin
from ctxwin.messages import check
from ctxwin.store import MemoryStore, SqliteStore

ROOM = 6_000


@pytest.fixture
def provider():
    with Provider() as provider:
        provider.respond = reply
        yield provider


def reply(request):
    """Answer with what is asked last, a little later, so that calls overlap."""
    return Answer(text=f"To {request.question}", pause=0.002 if request.body.get("stream") else 0.0, delay=0.005)


def window(api="chat", store=None, **options):
    return ctxwin.Window(budget=ROOM, store=store, dialect=DIALECTS[api], embedder="none", **options)


def texts(turns):
    """What each turn says, its calls and results in brackets."""
    for turn in turns:
        message = turn.message
        content = message.get("content", message.get("output"))
        if isinstance(content, str):
            yield content
        elif message.get("type") == "function_call" or message.get("tool_calls"):
            yield "[call]"
        else:
            parts = [part.get("text") or f"[{part['type']}]" for part in content or ()]
            yield " ".join(parts)


def assert_each_answer_stands_behind_its_question(turns, asked):
    said = list(texts(turns))
    assert Counter(said[::2]) == Counter(asked)
    assert said[1::2] == [f"To {question}" for question in said[::2]]


def text_of(got):
    if not isinstance(got, list):
        plain = got.model_dump()
        return str(plain.get("choices") or plain.get("output") or plain.get("content"))
    pieces = []
    for event in got:
        plain = event.model_dump(warnings=False)
        if plain.get("choices"):
            pieces.append(plain["choices"][0]["delta"].get("content") or "")
        elif plain.get("type") in ("response.output_text.delta", "content_block_delta"):
            delta = plain["delta"]
            pieces.append(delta if isinstance(delta, str) else delta.get("text") or "")
    return "".join(pieces)


@pytest.mark.parametrize("store", [MemoryStore, SqliteStore])
@pytest.mark.parametrize("grows", [False, True], ids=["only what is new", "its own history"])
def test_fifty_threads_get_their_own_answers(provider, tmp_path, store, grows):
    shared = window(store=store(*([tmp_path / "w.db"] if store is SqliteStore else [])))
    with make(provider, "chat") as bare:
        client = ctxwin.wrap(bare, window=shared)

        def talk(thread):
            sent = []
            for turn in range(4):
                question = f"q{thread}-{turn}"
                sent = [*(sent if grows else ()), user(question)]
                mode = "stream" if thread % 2 else "whole"
                got = text_of(call(client, "chat", mode, body_of("chat", sent)))
                assert f"To {question}" in got
                sent.append({"role": "assistant", "content": f"To {question}"})

        with ThreadPoolExecutor(50) as pool:
            list(pool.map(talk, range(50)))
    assert_each_answer_stands_behind_its_question(shared.turns, [f"q{n}-{m}" for n in range(50) for m in range(4)])
    for request in provider.requests:
        assert check(list(request.messages)) == []
        unanswered = [one for one in request.messages if one["role"] == "user" and "omitted" not in one["content"]]
        answers = [one["content"] for one in request.messages if one["role"] == "assistant"]
        # but for its own, every question that is shown was answered when it came
        assert {f"To {one['content']}" for one in unanswered[:-1]} <= set(answers)
    shared.close()


@pytest.mark.parametrize("api", APIS)
def test_two_hundred_tasks_some_of_them_cancelled(provider, api):
    shared = window(api)

    async def one(client, number):
        question = f"q{number}-0"
        task = asyncio.create_task(
            call_later(client, api, "stream" if number % 3 else "whole", body_of(api, [user(question)]))
        )
        if number % 7 == 0:
            await asyncio.sleep(0.01)
            task.cancel()
        try:
            return question, text_of(await task)
        except asyncio.CancelledError:
            return question, None

    async def everything():
        async with make(provider, api, asynchronous=True) as bare:
            client = ctxwin.wrap(bare, window=shared)
            got = await asyncio.gather(*(one(client, number) for number in range(200)))
            await asyncio.sleep(0.05)
            return got

    got = asyncio.run(everything())
    assert all(text is None or f"To {question}" in text for question, text in got)
    assert sum(text is None for _, text in got) <= 29
    said = list(texts(shared.turns))
    assert all(count == 1 for count in Counter(said).values())
    for question, text in got:
        if text is not None:
            assert said[said.index(question) + 1] == f"To {question}"


@pytest.mark.parametrize("api", APIS)
def test_what_is_asked_again_after_a_cancellation_is_stored_once(provider, api):
    """Cancelled at each moment: before it is stored, while it is, while it is packed, on its way.

    Where the answer was stored already, though nobody got it, the same question is a new one, and has its own answer.
    """
    shared = window(api)

    async def one(client, number):
        question = f"q{number}-0"
        first = asyncio.create_task(call_later(client, api, "whole", body_of(api, [user(question)])))
        for _ in range(number % 20):
            await asyncio.sleep(0 if number % 2 else 0.001)
        first.cancel()
        with suppress(asyncio.CancelledError):
            return question, text_of(await first)
        return question, text_of(await call_later(client, api, "whole", body_of(api, [user(question)])))

    async def everything():
        async with make(provider, api, asynchronous=True) as bare:
            client = ctxwin.wrap(bare, window=shared)
            return await asyncio.gather(*(one(client, number) for number in range(60)))

    got = asyncio.run(everything())
    assert all(f"To {question}" in text for question, text in got)
    said = list(texts(shared.turns))
    assert all(said[at + 1] == f"To {text}" for at, text in enumerate(said) if text.startswith("q"))
    assert Counter(text for text in said if text.startswith("q")).keys() == {question for question, _ in got}
    assert len(said) <= 2 * (60 + 12)


def test_sending_and_streaming_at_once(provider):
    with make(provider, "chat") as bare:
        shared = window(client=bare, model="gpt-4o")

        def talk(thread):
            for turn in range(3):
                question = f"q{thread}-{turn}"
                text = "".join(shared.stream(question)) if thread % 2 else shared.send(question).text
                assert text == f"To {question}"

        with ThreadPoolExecutor(30) as pool:
            list(pool.map(talk, range(30)))
    assert_each_answer_stands_behind_its_question(shared.turns, [f"q{n}-{m}" for n in range(30) for m in range(3)])
    assert len(shared.records) == 90
    assert [record.position for record in shared.records if record.position is None] == []


def test_asynchronous_sending_at_once(provider):
    async def everything():
        async with make(provider, "chat", asynchronous=True) as bare:
            shared = window(client=bare, model="gpt-4o")
            replies = await asyncio.gather(*(shared.asend(f"q{number}-0") for number in range(100)))
            assert [reply.text for reply in replies] == [f"To q{number}-0" for number in range(100)]
            return shared

    assert_each_answer_stands_behind_its_question(asyncio.run(everything()).turns, [f"q{n}-0" for n in range(100)])


RESULTS = {
    "chat": lambda id: {"role": "tool", "tool_call_id": id, "content": "noon"},
    "responses": lambda id: {"type": "function_call_output", "call_id": id, "output": "noon"},
    "messages": lambda id: user([{"type": "tool_result", "tool_use_id": id, "content": "noon"}]),
}


@pytest.mark.parametrize("api", APIS)
def test_tool_loops_of_several_programs_stay_whole(provider, api):
    def respond(request):
        last = str(request.messages[-1])
        if "noon" in last:
            return Answer(text="It is noon.", delay=0.01)
        number = re.search(r"q(\d+)-0", last).group(1)
        return Answer(calls=[Call(name="now", arguments={"place": "Linz"}, id=f"call_{number}_x")], delay=0.01)

    provider.respond = respond
    shared = window(api)
    with make(provider, api) as bare:
        client = ctxwin.wrap(bare, window=shared)

        def talk(number):
            sent = [user(f"q{number}-0")]
            got = call(client, api, "whole", body_of(api, sent, tools=TOOLS[api]))
            sent += returned(api, got)
            sent.append(RESULTS[api](f"call_{number}_x"))
            assert "It is noon." in str(call(client, api, "whole", body_of(api, sent, tools=TOOLS[api])).model_dump())

        with ThreadPoolExecutor(12) as pool:
            list(pool.map(talk, range(12)))
    for request in provider.requests:
        assert check({key: request.body[key] for key in ("messages", "input", "system") if key in request.body}) == []
    said = [re.sub(r"^q\d+-0$", "q", text) for text in texts(shared.turns)]
    assert len(said) == 48
    assert [said[at] for at in range(0, 48, 4)] == ["q"] * 12
    assert set(said[3::4]) == {"It is noon."}


def returned(api, got):
    if api == "responses":
        return [item.model_dump(exclude_none=True) for item in got.output]
    if api == "messages":
        return [{"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in got.content]}]
    return [got.choices[0].message.model_dump(exclude_none=True)]


def test_what_failed_beside_others_is_not_stored_twice_when_it_is_sent_again(provider):
    shared = window()
    with make(provider, "chat") as bare:
        client = ctxwin.wrap(bare, window=shared)
        provider.script(Failure(status=500))
        with pytest.raises(openai.InternalServerError):
            call(client, "chat", "whole", body_of("chat", [user("first")]))
        call(client, "chat", "whole", body_of("chat", [user("second")]))
        call(client, "chat", "whole", body_of("chat", [user("first")]))
    assert provider.last.question == "first"
    assert list(texts(shared.turns)) == ["first", "To first", "second", "To second"]


def test_the_same_question_of_two_callers_is_two_questions(provider):
    shared = window()
    calls = [shared.sync([user("Same?")]) for _ in range(2)]
    assert len(shared) == 2
    for call_ in reversed(calls):
        packed = shared.pack(call=call_)
        assert [one["content"] for one in packed.messages] == ["Same?"]
        shared.leave(call_)


@pytest.mark.parametrize("store", [MemoryStore, SqliteStore])
def test_the_order_outlives_the_process_and_forks_and_exports_have_it(tmp_path, store):
    place = store(*([tmp_path / "w.db"] if store is SqliteStore else []))
    first = window(store=place)
    one, two = first.sync([user("one")]), first.sync([user("two")])
    reply = {"role": "assistant", "content": "To two"}
    first.record(ctxwin.clients.Reply(messages=(reply,), text="To two"), two)
    first.record(ctxwin.clients.Reply(messages=({**reply, "content": "To one"},), text="To one"), one)
    expected = ["one", "To one", "two", "To two"]
    assert list(texts(first.turns)) == expected
    assert [turn.position for turn in first.turns] == [0, 3, 1, 2]
    assert [turn.behind for turn in first.turns] == [None, 0, None, None]
    assert list(texts(window(store=place).turns)) == expected
    assert list(texts(first.fork("other").turns)) == expected
    assert [turn["message"]["content"] for turn in first.export()["turns"]] == expected
    first.add("three")
    assert list(texts(first.turns)) == [*expected, "three"]
    first.erase(0)
    assert list(texts(first.turns)) == [*expected[1:], "three"]


def test_two_processes_windows_see_one_order(tmp_path):
    here, there = window(store=tmp_path / "w.db"), window(store=tmp_path / "w.db")
    mine, other = here.sync([user("mine")]), there.sync([user("other")])
    answer = {"role": "assistant", "content": "yes"}
    there.record(ctxwin.clients.Reply(messages=(answer,), text="yes"), other)
    assert here.pack(call=mine).messages == [user("mine")]
    here.record(ctxwin.clients.Reply(messages=({**answer, "content": "no"},), text="no"), mine)
    assert list(texts(here.turns)) == list(texts(there.turns)) == ["mine", "no", "other", "yes"]
    here.close(), there.close()
