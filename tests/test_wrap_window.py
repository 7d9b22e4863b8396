"""Wrapped clients with a window: what is new is stored before it is sent, answers once they are whole."""

import asyncio
import threading

import anthropic
import httpx2
import openai
import pytest
from callers import APIS, DIALECTS, KEYS, MODES, body_of, call, call_later, dumped, make, resource, run
from conversations import LIMIT, Kept, said, user
from server import Answer, Call, Failure, Provider

import ctxwin
import ctxwin.messages
from ctxwin.clients import Usage
from ctxwin.errors import BudgetError, StoreError

BROKEN = (openai.APIConnectionError, httpx2.RemoteProtocolError)


@pytest.fixture
def provider():
    with Provider() as provider:
        yield provider


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("api", APIS)
def test_question_and_answer_are_kept_however_the_program_asks(provider, api, mode, asynchronous):
    window = Kept(api)
    provider.script("With a key.", "With a key.")
    bare = run(make(provider, api, asynchronous=asynchronous), api, mode, body_of(api, [user("How?")]), asynchronous)
    client = ctxwin.wrap(make(provider, api, asynchronous=asynchronous), window=window)
    got = run(client, api, mode, body_of(api, [user("How?")]), asynchronous)
    assert window.messages == [user("How?"), *said(api, "With a key.", 2)]
    assert provider.requests[0].raw == provider.last.raw
    assert str(dumped(got)).replace("_2", "_1").replace("-2", "-1") == str(dumped(bare))
    streamed_chat = api == "chat" and mode in ("stream", "helper", "raw_stream", "streaming_stream")
    expected = None if streamed_chat else Usage(input=provider.last.tokens, output=provider.last.output)
    assert window.usages == [expected]
    if asynchronous:
        assert threading.get_ident() not in window.threads


@pytest.mark.parametrize("api", APIS)
def test_a_program_may_send_all_or_only_what_is_new(provider, api):
    for everything in (True, False):
        window, sent = Kept(api), []
        with ctxwin.wrap(make(provider, api), window=window) as client:
            for number in range(4):
                answer = f"Answer {number}."
                provider.script(answer)
                question = [user(f"Question {number}?")]
                got = call(client, api, "whole", body_of(api, [*sent, *question]))
                if everything:
                    sent += [*question, *returned(api, got)]
        assert list(texts(window)) == [text for n in range(4) for text in (f"Question {n}?", f"Answer {n}.")]
        assert len(provider.last.messages) == 7


@pytest.mark.parametrize("api", APIS)
def test_a_program_may_send_answers_back_as_bare_texts(provider, api):
    window, sent = Kept(api), []
    provider.respond = lambda request: Answer(thinking="Hm.", text=f"Answer {request.number}.")
    with ctxwin.wrap(make(provider, api), window=window, budget=2 * LIMIT) as client:
        for number in range(1, 5):
            sent.append(user(f"Question {number}?"))
            call(client, api, "whole", body_of(api, sent))
            sent.append({"role": "assistant", "content": f"Answer {number}."})
    each = 3 if api == "responses" else 2  # reasoning is an item of its own there
    assert len(window.messages) == 4 * each


def texts(window):
    for message in window.messages:
        content = message["content"]
        yield content if isinstance(content, str) else content[0]["text"]


def returned(api, got):
    """What programs append to their conversation, as the SDK returned it."""
    if api == "chat":
        return [got.choices[0].message]
    return got.output if api == "responses" else [{"role": "assistant", "content": got.content}]


def test_a_window_without_a_model_takes_that_of_the_requests(provider):
    provider.respond = lambda request: f"Answer {request.number}."
    with ctxwin.Window(budget=4_000, embedder="none") as window:
        assert window.model is None
        with ctxwin.wrap(make(provider, "messages"), window=window) as client:
            for model in ("claude-sonnet-5", "claude-haiku-4-5"):
                call(
                    client,
                    "messages",
                    "whole",
                    {**body_of("messages", [user(f"{model}?")]), "system": "Brief. " * 900, "model": model},
                )
                assert window.model == model
                assert "cache_control" in str(provider.last.body["system"])
            assert [record.model for record in window.records] == ["claude-sonnet-5", "claude-haiku-4-5"]
            assert all(record.cost for record in window.records)


def test_a_window_with_a_model_keeps_it(provider):
    provider.respond = lambda request: "Yes."
    with ctxwin.Window(model="gpt-4o", budget=LIMIT, embedder="none") as window:
        with ctxwin.wrap(make(provider, "chat"), window=window) as client:
            call(client, "chat", "whole", {**body_of("chat", [user("Well?")]), "model": "gpt-4.1"})
        assert window.model == "gpt-4o"
        assert provider.last.body["model"] == "gpt-4.1"


@pytest.mark.parametrize("api", APIS)
def test_a_long_window_is_packed_and_all_of_it_is_kept(provider, api):
    window = Kept(api)
    system = {"messages": {"system": "Be brief."}}.get(api, {})
    with ctxwin.wrap(make(provider, api), window=window) as client:
        for number in range(40):
            provider.script(f"Locker {number} opens with {number * 7919 % 9000 + 1000}.")
            call(client, api, "whole", body_of(api, [user(f"What opens locker {number}?")], **system))
        provider.script("1000 it was.")
        call(client, api, "whole", body_of(api, [user("And once more, what opens locker 0?")], **system))
    assert len(window.messages) == 82
    assert max(request.tokens for request in provider.requests) <= LIMIT
    assert any("Locker 39" in text for text in provider.last.texts)  # the newest turns stay
    assert any("Locker 0 opens with 1000" in text for text in provider.last.texts)
    assert provider.last.body.get("system") == system.get("system")


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("api", APIS)
def test_tool_calls_are_kept_and_their_results_known(provider, api, asynchronous):
    window = Kept(api)
    calls = [Call(name="now", arguments={"place": "Rome"}), Call(name="now", arguments={"place": "Lima"})]
    provider.script(Answer(thinking="Two clocks.", calls=calls), "Noon and five.")
    schema = {"type": "object", "properties": {"place": {"type": "string"}}}
    tool = {
        "chat": {"type": "function", "function": {"name": "now", "parameters": schema}},
        "responses": {"type": "function", "name": "now", "parameters": schema},
        "messages": {"name": "now", "input_schema": schema},
    }[api]
    client = ctxwin.wrap(make(provider, api, asynchronous=asynchronous), window=window, budget=2 * LIMIT)
    body = body_of(api, [user("What time is it in Rome and Lima?")], tools=[tool])

    async def later():
        async with client:
            await call_later(client, api, "stream", body)
            await call_later(client, api, "whole", {**body, KEYS[api]: results(api)})

    if asynchronous:
        asyncio.run(later())
    else:
        with client:
            call(client, api, "stream", body)
            call(client, api, "whole", {**body, KEYS[api]: results(api)})
    assert ctxwin.check(window.messages, dialect=DIALECTS[api]) == []
    assert provider.last.messages == window.messages[: len(provider.last.messages)]
    assert "12:00" in provider.last.texts


def results(api):
    if api == "chat":
        return [{"role": "tool", "tool_call_id": f"call_1_{n}", "content": "12:00"} for n in range(2)]
    if api == "responses":
        return [{"type": "function_call_output", "call_id": f"call_1_{n}", "output": "12:00"} for n in range(2)]
    blocks = [{"type": "tool_result", "tool_use_id": f"toolu_1_{n}", "content": "12:00"} for n in range(2)]
    return [{"role": "user", "content": blocks}]


@pytest.mark.parametrize("mode", ["stream", "helper"])
@pytest.mark.parametrize("api", APIS)
def test_a_caller_that_stops_reading_keeps_what_it_saw_whole_and_nothing_less(provider, api, mode):
    window = Kept(api)
    with ctxwin.wrap(make(provider, api), window=window) as client:
        at = resource(client, api)
        for whole in (False, True):
            provider.script("one two three")
            body = body_of(api, [user(f"Whole: {whole}?")])
            stream = at.create(**body, stream=True) if mode == "stream" else at.stream(**body)
            with stream as events:
                for event in events:
                    if ended(event) if whole else begun(event):
                        break
            if not whole:
                assert window.messages == [user("Whole: False?")]
    assert window.messages == [user("Whole: False?"), user("Whole: True?"), *said(api, "one two three", 2)]


def begun(event):
    return "one" in str(event)


def ended(event):
    """Tell whether an event says that the model has ended, as a program would know."""
    choices = getattr(event, "choices", None) or getattr(getattr(event, "chunk", None), "choices", None)
    if choices:
        return choices[0].finish_reason is not None
    return event.type in ("response.completed", "message_stop", "message_delta")


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("fault", [{"broken_after": 4}, {"error_after": 4}])
def test_a_broken_stream_keeps_the_question_and_the_next_call_works(provider, api, fault):
    window = Kept(api)
    provider.script(Answer(text="one two three four", **fault), "Back again.")
    with ctxwin.wrap(make(provider, api), window=window) as client:
        try:
            events = call(client, api, "stream", body_of(api, [user("Once?")]))
            assert events[-1].type == "error"  # Responses tell it as an event
        except (*BROKEN, openai.APIError, anthropic.APIError):
            pass
        assert window.messages == [user("Once?")]
        call(client, api, "stream", body_of(api, [user("Once?")]))  # asked again: it is not stored twice
    assert window.messages == [user("Once?"), *said(api, "Back again.", 2)]


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_a_refusal_keeps_the_question_and_the_next_call_works(provider, api, status, asynchronous):
    window = Kept(api)
    provider.script(Failure(status=status), "Now it works.")
    with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as caught:
        client = ctxwin.wrap(make(provider, api, asynchronous=asynchronous), window=window)
        run(client, api, "whole", body_of(api, [user("Once?")]), asynchronous)
    assert caught.value.status_code == status
    assert window.messages == [user("Once?")]
    client = ctxwin.wrap(make(provider, api, asynchronous=asynchronous), window=window)
    run(client, api, "whole", body_of(api, [user("Once?")]), asynchronous)
    assert window.messages == [user("Once?"), *said(api, "Now it works.", 2)]


def test_what_cannot_be_packed_is_kept_too(provider):
    window = Kept("chat")
    with ctxwin.wrap(make(provider, "chat"), window=window, budget=20) as client, pytest.raises(BudgetError):
        client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "system", "content": "word " * 99}, user("Once?")]
        )
    assert window.messages[-1] == user("Once?")
    assert not provider.requests


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("mode", ["whole", "stream", "raw"])
def test_a_store_that_fails_is_heard_of_and_the_next_call_works(provider, mode, asynchronous):
    class Full(Kept):
        full = True

        def record(self, reply, call=None):
            if self.full:
                self.full = False
                raise StoreError("no space left")
            super().record(reply, call)

    window = Full("chat")
    provider.script("Lost.", "Kept.")
    with pytest.raises(StoreError, match="no space left"):
        client = ctxwin.wrap(make(provider, "chat", asynchronous=asynchronous), window=window)
        run(client, "chat", mode, body_of("chat", [user("Once?")]), asynchronous)
    assert window.messages == [user("Once?")]
    client = ctxwin.wrap(make(provider, "chat", asynchronous=asynchronous), window=window)
    run(client, "chat", mode, body_of("chat", [user("Once?")]), asynchronous)
    assert window.messages == [user("Once?"), *said("chat", "Kept.", 2)]


@pytest.mark.parametrize("stop", [False, True])
def test_usage_comes_in_streams_of_those_who_ask_for_it(provider, stop):
    window = Kept("chat")
    provider.script("Fine.", "Fine.")
    body = body_of("chat", [user("How are you?")], stream=True, stream_options={"include_usage": True})
    with ctxwin.wrap(make(provider, "chat"), window=window) as client:
        for chunk in client.chat.completions.create(**body):
            if stop and chunk.choices and chunk.choices[0].finish_reason:
                break  # before the chunk with the usage: the answer is kept with the next request
        client.chat.completions.create(**body_of("chat", [user("And now?")]))
    expected = [user("How are you?"), *said("chat", "Fine.", 1), user("And now?"), *said("chat", "Fine.", 2)]
    assert window.messages == expected
    first = provider.requests[0]
    assert window.usages[0] == (None if stop else Usage(input=first.tokens, output=first.output))


def test_of_several_choices_the_first_is_kept(provider):
    window = Kept("chat")
    with ctxwin.wrap(make(provider, "chat"), window=window) as client:
        provider.script("Fine.", "Fine.")
        client.chat.completions.create(**body_of("chat", [user("How are you?")], n=3))
        list(client.chat.completions.create(**body_of("chat", [user("And now?")], n=3, stream=True)))
    assert list(texts(window)) == ["How are you?", "Fine.", "And now?", "Fine."]


def test_what_the_provider_keeps_is_not_sent_again_but_kept(provider):
    window = Kept("responses")
    with ctxwin.wrap(make(provider, "responses"), window=window) as client:
        provider.script("One.", "Two.")
        first = client.responses.create(model="gpt-4o", input="First?")
        client.responses.create(model="gpt-4o", input="Second?", previous_response_id=first.id)
        assert provider.last.body["input"] == "Second?"
    assert list(texts(window)) == ["First?", "One.", "Second?", "Two."]


def test_raw_answers_are_kept_as_far_as_the_program_reads_them(provider):
    window = Kept("chat")
    body = body_of("chat", [user("Once?")])
    with ctxwin.wrap(make(provider, "chat"), window=window) as client:
        at = client.chat.completions
        provider.script(*["Yes."] * 5)
        assert at.with_raw_response.create(**body).headers["x-request-id"] == "req_1"
        assert len(window.messages) == 2
        with at.with_streaming_response.create(**body) as response:
            assert response.json()["object"] == "chat.completion"
        assert len(window.messages) == 4
        with at.with_streaming_response.create(**body) as response:
            assert b"Yes." in b"".join(response.iter_bytes())
        with at.with_streaming_response.create(**body, stream=True) as response:
            assert any("Yes." in line for line in response.iter_lines())
        assert len(window.messages) == 5  # the question, of which the answers went by
        assert client.with_raw_response.chat.completions.create(**body).parse().choices[0].message.content == "Yes."
        assert len(window.messages) == 6


def test_copies_keep_in_the_same_window(provider):
    window = Kept("chat")
    with ctxwin.wrap(make(provider, "chat"), window=window) as client:
        client.with_options(timeout=5).chat.completions.create(**body_of("chat", [user("Once?")]))
    assert len(window.messages) == 2


@pytest.mark.parametrize("api", APIS)
def test_streams_are_what_the_sdk_makes_them(provider, api):
    window = Kept(api)
    with ctxwin.wrap(make(provider, api), window=window) as client:
        stream = resource(client, api).create(**body_of(api, [user("Once?")]), stream=True)
        assert isinstance(stream, anthropic.Stream if api == "messages" else openai.Stream)
        assert type(stream).__name__ == "Stream"
        assert stream.response.headers["content-type"] == "text/event-stream"
        first = next(stream)
        assert iter(stream) is not None
        rest = list(stream)
        assert first not in rest
        assert list(stream) == []
        stream.close()
        assert stream.response.is_closed
    assert len(window.messages) == 2


def test_a_stream_without_a_window_is_untouched(provider):
    with ctxwin.wrap(make(provider, "chat"), budget=LIMIT) as client:
        stream = client.chat.completions.create(**body_of("chat", [user("Once?")]), stream=True)
        assert type(stream) is openai.Stream
        assert len(list(stream)) > 2


@pytest.mark.parametrize("api", APIS)
def test_a_window_without_a_budget_has_that_of_the_requests_model(provider, api):
    window = ctxwin.Window(embedder="none")
    long = [user(f"Note {n}. " + "It rained again at the harbour, as it does. " * 12) for n in range(120)]
    name = {"messages": "claude-sonnet-5"}.get(api, "gpt-4")
    with ctxwin.wrap(make(provider, api), window=window) as client:
        call(client, api, "whole", {**body_of(api, long), "model": name})
        if api == "messages":
            assert provider.last.tokens > 12_000  # of a window of hundreds of thousands
            return
        assert 5_500 < provider.last.tokens <= 8_192 * 3 // 4
        limit = {"chat": "max_tokens", "responses": "max_output_tokens"}[api]
        call(client, api, "whole", {**body_of(api, [user("And now?")]), "model": name, limit: 6_000})
        assert 1_800 < provider.last.tokens <= 2_192
