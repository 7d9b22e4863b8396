"""Wrapped clients of the real SDKs against a real server: packed on the way in, unchanged on the way out."""

import asyncio
import json
import logging
import threading

import anthropic
import httpx2
import openai
import pydantic
import pytest
from callers import APIS, DIALECTS, KEYS, MODES, body_of, call, dumped, make, run
from conversations import LIMIT, TOOLS, Words, talk
from server import Answer, Call, Failure, Provider

import ctxwin
from ctxwin.errors import BudgetError, CtxwinWarning, InputError, MessageError

SECRET = "the vault opens with 4711"


@pytest.fixture
def provider():
    with Provider() as provider:
        provider.respond = lambda request: Answer(thinking="Let me see.", text="It opens\nwith a key.")
        yield provider


@pytest.fixture
def chat(provider):
    with ctxwin.wrap(make(provider, "chat"), budget=LIMIT) as client:
        yield client


# What goes in


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("api", APIS)
def test_a_long_conversation_is_packed_and_the_answer_is_the_sdks_own(provider, api, mode, asynchronous):
    body = body_of(api, talk())
    bare = run(make(provider, api, asynchronous=asynchronous), api, mode, body, asynchronous)
    long = provider.last
    client = ctxwin.wrap(make(provider, api, asynchronous=asynchronous), budget=LIMIT, embedder="none")
    got = run(client, api, mode, body, asynchronous)
    assert long.tokens > 4 * LIMIT
    assert provider.last.tokens <= LIMIT
    assert any("locker 17 opens with" in text for text in provider.last.texts)
    assert provider.last.messages[-1] == talk()[-1]
    assert type(got) is type(bare)
    kept = {name: value for name, value in provider.last.body.items() if name != KEYS[api]}
    assert kept == {name: value for name, value in long.body.items() if name != KEYS[api]}
    # Whole or as events: the same but for what tells one request from another.
    assert shape(dumped(got)) == shape(dumped(bare))


def shape(value):
    """Return an answer without ids and counts."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items() if name not in ("id", "item_id", "signature")}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return None if isinstance(value, int | float) and not isinstance(value, bool) else signed(value)


def signed(value):
    return "signed" if isinstance(value, str) and value.startswith("signed-") else value


@pytest.mark.parametrize("api", APIS)
def test_what_fits_is_sent_byte_for_byte(provider, api):
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    parts = [{"type": "text", "text": "What is it?"}, image] if api == "chat" else "What is it?"
    fields = {
        "tools": TOOLS[api],
        "extra_body": {"own": [1, None]},
        "extra_headers": {"x-own": "1"},
    }
    body = body_of(api, [*talk(5), {"role": "user", "content": parts}], **fields)
    with make(provider, api) as client:
        call(client, api, "whole", body)
        bare = provider.last
        call(ctxwin.wrap(client), api, "whole", body)  # under the model's own window
    assert provider.last.raw == bare.raw
    assert provider.last.headers["x-own"] == "1"


def test_what_was_given_is_not_changed(provider, chat):
    messages = talk()
    chat.chat.completions.create(model="gpt-4o", messages=messages)
    assert messages == talk()


@pytest.mark.parametrize("api", APIS)
def test_messages_may_be_what_the_sdk_returned(provider, api):
    provider.script(Answer(text="Let me look.", calls=[Call(name="now", arguments={"place": "Rome"})]))
    with ctxwin.wrap(make(provider, api), budget=2 * LIMIT, embedder="none") as client:
        body = body_of(api, talk(), tools=TOOLS[api])
        first = call(client, api, "whole", body)
        answered = {
            "chat": lambda: [
                first.choices[0].message,
                {"role": "tool", "tool_call_id": "call_1_0", "content": "12:00"},
            ],
            "responses": lambda: [
                *first.output,
                {"type": "function_call_output", "call_id": "call_1_0", "output": "12:00"},
            ],
            "messages": lambda: [
                {"role": "assistant", "content": first.content},
                {
                    "role": "user",
                    "content": [{"type": "tool_result", "tool_use_id": "toolu_1_0", "content": "12:00"}],
                },
            ],
        }[api]()
        call(client, api, "whole", {**body, KEYS[api]: [*talk(), *answered]})
    assert provider.last.tokens <= 2 * LIMIT
    assert "12:00" in provider.last.texts
    assert ctxwin.check(provider.last.body, dialect=DIALECTS[api]) == []


@pytest.mark.parametrize("api", APIS)
def test_tools_and_system_prompts_are_counted_and_kept(provider, api):
    prompt = "You know every locker by heart. " * 12
    outside = {"messages": {"system": prompt}, "responses": {"instructions": prompt}}.get(api, {})
    messages = talk() if outside else [{"role": "system", "content": prompt}, *talk()]
    limit = 900
    with ctxwin.wrap(make(provider, api), budget=limit, embedder="none") as client:
        call(client, api, "whole", body_of(api, messages, tools=TOOLS[api] * 3, **outside))
        assert limit // 2 < provider.last.tokens <= limit
        assert provider.last.texts[0] == prompt
        assert provider.last.body["tools"] == TOOLS[api] * 3
        with pytest.raises(BudgetError, match="tools"):
            call(client, api, "whole", body_of(api, messages, tools=TOOLS[api] * 60, **outside))


@pytest.mark.parametrize("api", APIS)
def test_the_schema_of_an_answer_is_counted(provider, api):
    fields = {f"reading_{n}": (float, pydantic.Field(description=f"What instrument {n} showed.")) for n in range(20)}
    Report = pydantic.create_model("Report", **fields)
    name = {"chat": "response_format", "responses": "text_format", "messages": "output_format"}[api]
    provider.respond = lambda request: json.dumps(dict.fromkeys(fields, 1.5))
    limit = 2_200 if api == "messages" else 1_500
    with ctxwin.wrap(make(provider, api), budget=limit, embedder="none") as client:
        got = call(client, api, "parse", body_of(api, talk(), **{name: Report}))
    assert 1_000 < provider.last.tokens <= limit
    found = {
        "chat": lambda: got.choices[0].message.parsed,
        "responses": lambda: got.output_parsed,
        "messages": lambda: got.parsed_output,
    }[api]()
    assert found.reading_19 == 1.5


def test_the_budget_is_the_models_window_less_what_the_answer_may_have(provider):
    with make(provider, "chat") as client:
        wrapped = ctxwin.wrap(client, embedder="none")
        long = talk(900)
        for fields, room in [({}, 8192 * 3 // 4), ({"max_tokens": 4000}, 4192), ({"max_completion_tokens": 500}, 7692)]:
            wrapped.chat.completions.create(model="gpt-4", messages=long, **fields)
            assert 0.9 * room < provider.last.tokens <= room
        wrapped.responses.create(model="gpt-4", input=long, max_output_tokens=4000)
        assert 0.9 * 4192 < provider.last.tokens <= 4192


def test_a_model_of_unknown_window_needs_a_budget_or_a_known_name(provider):
    with make(provider, "chat") as client:
        with pytest.raises(InputError, match=r"'my-own' is not known; give ctxwin\.wrap a budget"):
            ctxwin.wrap(client).chat.completions.create(model="my-own", messages=talk())
        assert not provider.requests
        ctxwin.wrap(client, model="gpt-4").chat.completions.create(model="my-own", messages=talk(900))
        assert 5000 < provider.last.tokens <= 6144
        ctxwin.wrap(client, budget=LIMIT).chat.completions.create(model="my-own", messages=talk())
        assert provider.last.tokens <= LIMIT
        assert provider.last.body["model"] == "my-own"


def test_what_cannot_be_packed_is_not_sent(provider, chat):
    with pytest.raises(BudgetError):
        chat.chat.completions.create(model="gpt-4o", messages=[{"role": "system", "content": "word " * 900}, *talk(3)])
    with pytest.raises(MessageError, match="message 0"):
        chat.chat.completions.create(model="gpt-4o", messages=[{"role": "user"}])
    assert not provider.requests


def test_responses_that_the_provider_continues_are_packed_as_far_as_they_are_there(provider):
    with make(provider, "responses") as bare:
        client = ctxwin.wrap(bare, budget=LIMIT, embedder="none")
        first = client.responses.create(model="gpt-4o", input=talk())
        assert provider.last.tokens <= LIMIT
        kept = provider.last
        client.responses.create(model="gpt-4o", input=talk(), previous_response_id=first.id)
        assert provider.last.body["previous_response_id"] == first.id
        assert LIMIT < provider.last.tokens <= kept.tokens + kept.output + LIMIT + 8
        # An output whose call the provider keeps is no mistake.
        provider.script(Answer(calls=[Call(name="now")]))
        called = client.responses.create(model="gpt-4o", input="What time is it?", conversation="conv_1")
        output = {"type": "function_call_output", "call_id": called.output[0].call_id, "output": "12:00"}
        client.responses.create(model="gpt-4o", input=[output], conversation={"id": "conv_1"})
        assert provider.last.body["input"] == [output]


def test_one_long_text_is_shortened_and_no_input_is_left_alone(provider):
    with ctxwin.wrap(make(provider, "responses"), budget=LIMIT, embedder="none") as client:
        client.responses.create(model="gpt-4o", input=" ".join(turn["content"] for turn in talk()), instructions="Go.")
        assert isinstance(provider.last.body["input"], str)
        assert provider.last.tokens <= LIMIT
        client.responses.create(model="gpt-4o", prompt={"id": "pmpt_1"})
        assert "input" not in provider.last.body


def test_packing_happens_off_the_event_loop(provider):
    words = Words()
    client = ctxwin.wrap(make(provider, "chat", asynchronous=True), budget=LIMIT, tokenizer=words, embedder="none")
    run(client, "chat", "whole", body_of("chat", talk()), True)
    assert words.threads
    assert threading.get_ident() not in words.threads


@pytest.mark.parametrize("api", APIS)
def test_a_conversation_that_comes_again_is_counted_for_what_is_new(provider, api):
    words = Words()
    system = {"messages": "system", "responses": "instructions"}.get(api)
    with ctxwin.wrap(make(provider, api), budget=LIMIT, tokenizer=words, embedder="none") as client:
        long = talk(1201)
        for end in range(1181, 1202, 4):
            outside = {system: f"It is {end} o'clock."} if system else {}
            before = words.texts
            call(client, api, "whole", body_of(api, long[:end], **outside))
            counted = words.texts - before
            sent = provider.last.body
            again = ctxwin.pack(long[:end] if not system else {KEYS[api]: long[:end], **outside}, budget=LIMIT,
                                tokenizer=Words(), embedder="none")  # fmt: skip
            packed = again.messages[KEYS[api]] if system else again.messages
            assert sent[KEYS[api]] == packed
            assert sent.get(system) == outside.get(system)
    assert counted < 600  # of 1,201 messages, most of them in notes and what is packed


def test_conversations_do_not_mix(provider):
    with ctxwin.wrap(make(provider, "messages"), budget=LIMIT, embedder="none") as client:
        for turn in range(3, 60, 8):
            for name in "abcdef":
                messages = [{**message, "content": f"{name}: {message['content']}"} for message in talk(turn)]
                call(client, "messages", "whole", body_of("messages", messages, system=f"You are {name}{turn}."))
                assert provider.last.body["system"] == f"You are {name}{turn}."
                assert all(text.startswith((name, "[")) for text in provider.last.texts[1:])


def test_many_calls_at_once(provider):
    client = ctxwin.wrap(make(provider, "chat", asynchronous=True), budget=LIMIT, embedder="none")
    provider.respond = lambda request: f"{request.question} {len(request.texts)}"
    asked = [[*talk(99)[:-1], {"role": "user", "content": f"What opens locker {n}?"}] for n in range(12)]

    async def all_at_once():
        async with client:
            await client.chat.completions.create(**body_of("chat", talk(99)[:-1]))  # with which all of them begin
            return await asyncio.gather(*(client.chat.completions.create(**body_of("chat", one)) for one in asked))

    answers = [answer.choices[0].message.content for answer in asyncio.run(all_at_once())]
    alone = [ctxwin.pack(one, budget=LIMIT, model="gpt-4o", embedder="none").messages for one in asked]
    assert answers == [f"What opens locker {n}? {len(messages)}" for n, messages in enumerate(alone)]
    assert max(request.tokens for request in provider.requests) <= LIMIT


# What comes out


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_refusals_are_the_sdks_own(provider, api, status):
    failure = Failure(status=status, message="no, because", code="some_code", headers={"retry-after": "7"})
    provider.script(failure, failure)
    with make(provider, api) as client:
        bare, wrapped = (error_of(one, api, "whole") for one in (client, ctxwin.wrap(client, budget=LIMIT)))
        assert type(wrapped) is type(bare)
        assert str(wrapped) == str(bare)
        assert wrapped.body == bare.body
        assert wrapped.status_code == status
        assert wrapped.response.headers["retry-after"] == "7"
        assert call(ctxwin.wrap(client, budget=LIMIT), api, "whole", body_of(api, talk())) is not None


def error_of(client, api, mode):
    with pytest.raises(Exception) as caught:
        call(client, api, mode, body_of(api, talk()))
    return caught.value


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("fault", [{"broken_after": 4}, {"error_after": 4}])
def test_streams_break_as_they_do_without_us(provider, api, fault):
    broken = Answer(text="one two three four", **fault)
    provider.script(broken, broken, "Back again.")
    with make(provider, api) as client:
        wrapped = ctxwin.wrap(client, budget=LIMIT)
        if api == "responses" and "error_after" in fault:  # an event like any other
            assert [dumped(call(one, api, "stream", body_of(api, talk())))[-1] for one in (client, wrapped)]
        else:
            bare, ours = error_of(client, api, "stream"), error_of(wrapped, api, "stream")
            assert type(ours) is type(bare)
            assert str(ours) == str(bare)
            assert isinstance(ours, openai.APIError | anthropic.APIError | httpx2.RemoteProtocolError)
        assert call(wrapped, api, "whole", body_of(api, talk())) is not None


def test_a_wrapped_client_is_a_client_in_all_else(provider):
    client = make(provider, "chat", timeout=7.5, default_headers={"x-team": "blue"})
    wrapped = ctxwin.wrap(client, budget=LIMIT)
    assert type(wrapped) is openai.OpenAI
    assert wrapped is not client
    assert (wrapped.timeout, wrapped.base_url) == (client.timeout, client.base_url)
    assert [model.id for model in wrapped.models.list()] == ["gpt-4o", "claude-sonnet-5"]
    client.chat.completions.create(model="gpt-4o", messages=talk())
    assert provider.last.tokens > 4 * LIMIT  # the client that was given is as it was
    with pytest.raises(openai.NotFoundError):
        wrapped.embeddings.create(model="text-embedding-3-small", input="Miso")
    for copied in (wrapped.with_options(max_retries=1), wrapped.copy(timeout=3).copy()):
        copied.chat.completions.create(model="gpt-4o", messages=talk())
        assert provider.last.tokens <= LIMIT
        assert provider.last.headers["x-team"] == "blue"
    assert copied.timeout == 3
    with wrapped:
        pass
    assert client.is_closed()  # the connections are shared


def test_claude_counts_batches_and_runs_tools_through_a_wrapped_client(provider):
    with ctxwin.wrap(make(provider, "messages"), budget=900, embedder="none") as client:
        assert client.messages.count_tokens(model="claude-sonnet-5", messages=talk()).input_tokens > 900

        @anthropic.beta_tool
        def now(place: str) -> str:
            """Tell the time.

            Args:
                place: a city.
            """
            return f"12:00 in {place}"

        provider.script(Answer(calls=[Call(name="now", arguments={"place": "Rome"})]), "Noon it is.")
        runner = client.beta.messages.tool_runner(model="claude-sonnet-5", max_tokens=64, messages=talk(), tools=[now])
        assert runner.until_done().content[0].text == "Noon it is."
    assert [request.tokens <= 900 for request in list(provider.requests)[1:]] == [True, True]
    assert "12:00 in Rome" in provider.last.texts


def test_derived_clients_are_wrapped_too(provider):
    azure = openai.AzureOpenAI(
        azure_endpoint=provider.url, base_url=None, api_version="2026-01-01", api_key="any", max_retries=0
    )
    with ctxwin.wrap(azure, budget=LIMIT) as client, pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="gpt-4o", messages=talk())  # a path of its own, which this server lacks


def test_a_client_whose_parts_cannot_be_reached_is_refused(provider):
    class Early(openai.OpenAI):
        def __init__(self, **options):
            super().__init__(**options)
            self.early = self.responses  # as SDKs of before 2025 make all of their parts

    with Early(base_url=provider.openai, api_key="any") as client, pytest.raises(InputError, match="pip install -U"):
        ctxwin.wrap(client)


# Arguments


def test_what_is_not_known_is_refused_at_once(provider):
    with pytest.raises(InputError, match="unknown option 'budgets', 'tools'; use some of embedder, files, items"):
        ctxwin.wrap(openai.OpenAI(api_key="any"), budgets=3, tools=[])
    for stranger in (openai.OpenAI, "gpt-4o", lambda messages: "Hi", None):
        with pytest.raises(InputError, match="cannot be wrapped; give OpenAI"):
            ctxwin.wrap(stranger)


def test_options_of_pack_hold_for_each_request(provider):
    items = [f"Shelf {n} holds {n * 3} jars." for n in range(100)]
    with ctxwin.wrap(
        make(provider, "chat"), budget=LIMIT, items=items, strategy="relevance", embedder="none"
    ) as client:
        client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "How many jars does shelf 77 hold?"}]
        )
    assert "Shelf 77 holds 231 jars." in "\n".join(provider.last.texts)
    assert provider.last.tokens <= LIMIT


# Secrets


def test_neither_keys_nor_messages_get_into_logs_or_errors(provider, caplog):
    caplog.set_level(logging.DEBUG, logger="ctxwin")
    provider.script("Fine.", Failure(status=401), Answer(text=SECRET, broken_after=3))
    errors = []
    with ctxwin.wrap(make(provider, "chat"), budget=LIMIT, embedder="none") as client:
        messages = [*talk(), {"role": "user", "content": SECRET}]
        client.chat.completions.create(model="gpt-4o", messages=messages)
        for bad, stream in [
            (messages, False),
            (messages, True),
            ([{"role": "system", "content": SECRET * 200}, *messages], False),
            ([{"role": "user", "content": {"text": SECRET}}], False),
            ([{"role": "tool", "tool_call_id": "c1", "content": SECRET}], False),
        ]:
            with pytest.raises((openai.APIError, ctxwin.CtxwinError)) as caught:
                list(client.chat.completions.create(model="gpt-4o", messages=bad, stream=stream))
            errors.append(caught.value)
    ours = [str(error) for error in errors if isinstance(error, ctxwin.CtxwinError)]
    assert len(ours) == 3
    logged = [record.getMessage() for record in caplog.records if record.name.startswith("ctxwin")]
    assert any("packed" in line for line in logged)
    for text in (*ours, *logged):
        assert "4711" not in text
        assert "sk-very-secret" not in text
        assert "locker" not in text


def test_a_poisoned_history_is_refused_with_the_remedy_or_mended_where_that_was_asked_for(provider):
    lost = {"role": "tool", "tool_call_id": "c1", "content": "The gate opens at nine."}
    said = [lost, {"role": "user", "content": "When does it open?"}]
    with pytest.raises(MessageError, match=r"ctxwin\.repair"):
        call(ctxwin.wrap(make(provider, "chat"), budget=LIMIT), "chat", "whole", body_of("chat", said))
    client = ctxwin.wrap(make(provider, "chat"), budget=LIMIT, repair=True)
    with pytest.warns(CtxwinWarning, match="1 messages of a request were mended, 3 strings left out") as told:
        call(client, "chat", "whole", body_of("chat", said))
    assert "nine" not in str(told[0].message)
    assert ctxwin.check(provider.last.body["messages"]) == []
    assert "The gate opens at nine." in provider.last.body["messages"][0]["content"]
    assert said[0] is lost and lost["role"] == "tool"


def test_a_valid_history_is_sent_as_it_is_where_it_might_be_mended(provider):
    body = body_of("chat", talk()[-3:])
    call(make(provider, "chat"), "chat", "whole", body)
    plain = provider.last.body
    call(ctxwin.wrap(make(provider, "chat"), budget=LIMIT, repair=True), "chat", "whole", body)
    assert provider.last.body == plain
