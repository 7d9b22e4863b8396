"""The module litellm, wrapped and behind `adapt`, against a real server that speaks OpenAI's and Anthropic's forms."""

import asyncio
import gc
import json
import warnings

import pytest
from conversations import LIMIT, TOOLS, Kept, recaller, reports, said, talk, user
from server import Answer, Call, Failure, Provider

import ctxwin
from ctxwin.clients import Usage, adapt, completing
from ctxwin.errors import InputError
from ctxwin.renditions.summarize import ChatSummarizer

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its own making, at import
    litellm = pytest.importorskip("litellm")

# Said where its own types are first used.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Items? .* on TypedDict class .* using the `ReadOnly` qualifier"),
    pytest.mark.filterwarnings("ignore:Accessing the 'model_.*' attribute on the instance"),
]

MODELS = ["openai/gpt-4o", "anthropic/claude-sonnet-5"]
CALLS = [Call(name="now", arguments={"place": "Rome", "zone": None})]


@pytest.fixture(scope="module", autouse=True)
def loop():
    """One event loop for all, since the package keeps connections; they are closed at the end."""
    from litellm.llms.custom_httpx.async_client_cleanup import close_litellm_async_clients

    with asyncio.Runner() as runner:
        yield runner
        runner.run(close_litellm_async_clients())
    for handler in litellm.in_memory_llm_clients_cache.cache_dict.values():
        if hasattr(handler, "close") and not asyncio.iscoroutinefunction(handler.close):
            handler.close()
    litellm.in_memory_llm_clients_cache.flush_cache()
    gc.collect()


@pytest.fixture
def provider():
    with Provider() as provider:
        yield provider


def fields(provider, model, **more):
    base = provider.openai if model.startswith("openai") else provider.anthropic
    return {"model": model, "api_base": base, "api_key": "sk-very-secret", "max_retries": 0, **more}


def ask(client, loop, **body):
    """Call as a program would, asynchronously where a loop is given, and return the answer, or the chunks."""
    if loop is None:
        got = client.completion(**body)
        return list(got) if body.get("stream") else got

    async def later():
        got = await client.acompletion(**body)
        return [chunk async for chunk in got] if body.get("stream") else got

    return loop.run(later())


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("model", MODELS)
def test_a_long_conversation_is_packed_and_the_answer_is_its_own(provider, loop, model, asynchronous, stream):
    loop = loop if asynchronous else None
    body = fields(provider, model, messages=talk(), stream=stream, max_tokens=64)
    bare = ask(litellm, loop, **body)
    got = ask(ctxwin.wrap(litellm, budget=2 * LIMIT, embedder="none"), loop, **body)
    assert provider.requests[0].tokens > 4 * LIMIT
    assert provider.last.tokens <= 2 * LIMIT
    assert any("locker 17 opens with" in text for text in provider.last.texts)
    assert type(got) is type(bare)
    assert len(got) == len(bare) if stream else got.choices[0].message == bare.choices[0].message


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("model", MODELS)
def test_question_and_answer_are_kept(provider, loop, model, asynchronous, stream):
    loop = loop if asynchronous else None
    window = Kept("chat")
    client = ctxwin.wrap(litellm, window=window, budget=2 * LIMIT)
    options = {"stream_options": {"include_usage": True}} if stream else {}
    provider.script("With a key.", Answer(text="Let me look.", calls=CALLS), "Noon.")
    body = fields(provider, model, stream=stream, max_tokens=64, tools=TOOLS["chat"], **options)
    ask(client, loop, messages=[user("How?")], **body)
    assert window.messages == [user("How?"), *said("chat", "With a key.", 1)]
    assert window.usages == [Usage(input=provider.last.tokens, output=provider.last.output)]
    ask(client, loop, messages=[user("What time is it?")], **body)
    called = window.messages[-1]["tool_calls"][0]
    assert called["function"] == {"name": "now", "arguments": '{"place": "Rome", "zone": null}'}
    result = {"role": "tool", "tool_call_id": called["id"], "content": "12:00"}
    ask(client, loop, messages=[result], **body)
    assert ctxwin.check(window.messages) == []
    assert window.messages[-2:] == [result, *said("chat", "Noon.", 3)]
    assert len(provider.last.messages) == 5


def test_messages_may_be_what_it_returned(provider):
    window = Kept("chat")
    client = ctxwin.wrap(litellm, window=window)
    provider.script(Answer(text="Let me look.", calls=CALLS), "Noon.")
    body = fields(provider, MODELS[0], tools=TOOLS["chat"])
    first = client.completion(messages=[user("What time is it?")], **body).choices[0].message
    result = {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "12:00"}
    client.completion(messages=[user("What time is it?"), first, result], **body)
    assert [message["role"] for message in window.messages] == ["user", "assistant", "tool", "assistant"]
    packing = ctxwin.wrap(litellm, budget=LIMIT, embedder="none")
    by_hand = {"role": "assistant", "content": None, "tool_calls": first.tool_calls}
    packing.completion(messages=[*talk(), by_hand, result], **body)
    assert provider.last.tokens <= LIMIT
    assert provider.last.messages[-1] == result


def test_a_call_by_position_stays_one(provider, loop):
    client = ctxwin.wrap(litellm, budget=LIMIT, embedder="none")
    body = fields(provider, MODELS[0])
    del body["model"]
    client.completion(MODELS[0], talk(), 30.0, **body)
    assert provider.last.tokens <= LIMIT
    loop.run(client.acompletion(MODELS[0], talk(), **body))
    assert provider.last.tokens <= LIMIT


def test_the_budget_is_the_models_window(provider):
    client = ctxwin.wrap(litellm, embedder="none")
    client.completion(messages=talk(900), **fields(provider, "openai/gpt-4", max_tokens=4000))
    assert 3800 < provider.last.tokens <= 4192
    with pytest.raises(InputError, match="the window of model 'openai/my-own' is not known"):
        client.completion(messages=talk(), **fields(provider, "openai/my-own"))


@pytest.mark.parametrize("status", [400, 401, 429, 500])
@pytest.mark.parametrize("model", MODELS)
def test_refusals_are_its_own_and_the_question_is_kept(provider, model, status):
    window = Kept("chat")
    client = ctxwin.wrap(litellm, window=window)
    provider.script(*[Failure(status=status, message="no, because")] * 2, "Now it works.")
    body = fields(provider, model, messages=[user("Once?")], num_retries=0)
    errors = []
    for one in (litellm, client):
        with pytest.raises(Exception, match="no, because") as caught:
            one.completion(**body)
        errors.append(caught.value)
    assert type(errors[0]) is type(errors[1])
    assert window.messages == [user("Once?")]
    client.completion(**body)
    assert len(window.messages) == 2


def test_a_broken_stream_keeps_the_question(provider):
    window = Kept("chat")
    client = ctxwin.wrap(litellm, window=window)
    provider.script(Answer(text="one two three", broken_after=3))
    with pytest.raises(Exception, match="Connection error"):
        list(client.completion(messages=[user("Once?")], stream=True, **fields(provider, MODELS[0])))
    assert window.messages == [user("Once?")]


def test_it_is_the_module_in_all_else(provider):
    client = ctxwin.wrap(litellm, budget=LIMIT)
    assert client.token_counter is litellm.token_counter
    assert client.exceptions.RateLimitError is litellm.RateLimitError
    assert "completion" in dir(client)
    before = litellm.drop_params
    try:
        client.drop_params = not before
        assert litellm.drop_params is not before
    finally:
        litellm.drop_params = before
    with pytest.raises(AttributeError):
        client.no_such_thing  # noqa: B018


def test_a_router_is_wrapped_too(provider):
    params = fields(provider, MODELS[0])
    router = litellm.Router(model_list=[{"model_name": "gpt-4o", "litellm_params": params}])
    client = ctxwin.wrap(router, budget=LIMIT, embedder="none")
    assert client.completion("gpt-4o", talk()).choices[0].message.content == "Noted."
    assert provider.last.tokens <= LIMIT


@pytest.mark.parametrize("asynchronous", [False, True])
def test_what_the_model_recalls_is_answered_here(provider, loop, asynchronous):
    provider.respond = recaller()
    client = ctxwin.wrap(litellm, budget=900, recall=True, embedder="none")
    got = ask(client, loop if asynchronous else None, messages=reports(), **fields(provider, MODELS[0]))
    assert got.choices[0].message.content == "After 1: [m17, assistant]\nReport 17. Th"
    assert max(request.tokens for request in provider.requests) <= 900


@pytest.mark.parametrize("windowed", [False, True])
@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("text", ["", "One moment."])
def test_what_the_model_recalls_in_a_stream_is_answered_within_it(provider, loop, text, model, asynchronous, windowed):
    recall = Call(name="recall", arguments={"ids": "m17"})
    provider.script(Answer(text=text, calls=[recall]), Answer(text="Fair.", calls=CALLS))
    window = Kept("chat", recall=True) if windowed else None
    options = {} if windowed else {"recall": True, "embedder": "none"}
    client = ctxwin.wrap(litellm, budget=900, window=window, **options)
    body = fields(provider, model, messages=reports(), tools=TOOLS["chat"], max_tokens=64, stream=True)
    chunks = ask(client, loop if asynchronous else None, **body)
    whole = litellm.stream_chunk_builder(chunks)
    assert whole.choices[0].message.content == (f"{text}\n\nFair." if text else "Fair.")
    assert [one.function.name for one in whole.choices[0].message.tool_calls] == ["now"]
    assert whole.choices[0].finish_reason == "tool_calls"
    assert len({chunk.id for chunk in chunks}) == 1
    assert max(request.tokens for request in provider.requests) <= 900
    if windowed:
        assert len(window.messages) == len(reports()) + 3


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_stream_that_is_left_within_what_follows_a_recall_is_closed(provider, loop, asynchronous):
    provider.script(Answer(calls=[Call(name="recall", arguments={"ids": "m17"})]), "one two three four")
    client = ctxwin.wrap(litellm, budget=900, recall=True, embedder="none")
    body = fields(provider, MODELS[0], messages=reports(), stream=True)

    async def later():
        stream = await client.acompletion(**body)
        first = [await anext(stream), await anext(stream)]
        await stream.aclose()
        return first, [chunk async for chunk in stream]

    if asynchronous:
        first, rest = loop.run(later())
    else:
        stream = client.completion(**body)
        first = [next(stream), next(stream)]
        stream.close()
        rest = list(stream)
    assert [chunk.choices[0].delta.content for chunk in first] == ["", "one"]
    assert rest == []


@pytest.mark.parametrize("model", MODELS)
def test_it_is_a_client_for_windows(provider, model):
    client = adapt(litellm)
    answer = Answer(thinking="A clock.", text="Let me look.", calls=CALLS)
    provider.script(answer, answer)
    body = fields(provider, model, messages=[user("What time is it?")], tools=TOOLS["chat"], max_tokens=64)
    whole = client.read(client.send(body))
    gather = client.gather()
    pieces = [
        gather.feed(event) for event in client.send({**body, "stream": True, "stream_options": {"include_usage": True}})
    ]
    streamed = gather.reply()
    assert gather.done
    assert "".join(pieces) == streamed.text == whole.text == "Let me look."
    assert streamed.usage == whole.usage
    assert json.loads(json.dumps(streamed.messages).replace("_2", "_1").replace("-2", "-1")) == list(whole.messages)


def test_claudes_cache_is_told(provider):
    marked = {"type": "text", "text": "All that was said before. " * 400, "cache_control": {"type": "ephemeral"}}
    messages = [{"role": "system", "content": [marked]}, user("And?")]
    client = adapt(litellm)
    usages = [
        client.read(client.send(fields(provider, MODELS[1], messages=messages, max_tokens=9))).usage for _ in range(2)
    ]
    assert usages[0].written == usages[1].cached > 1024
    assert usages[0].input == usages[1].input == provider.last.tokens


@pytest.mark.parametrize("model", MODELS)
def test_it_writes_summaries_and_one_that_the_source_does_not_bear_out_is_refused(
    provider, monkeypatch, tmp_path, model
):
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path))
    for key, value in fields(provider, model).items():
        monkeypatch.setattr(litellm, {"max_retries": "num_retries"}.get(key, key), value, raising=False)
    provider.respond = lambda request: "The harbour wall was talked about on 3 May 2024. It costs 7,000 crowns."
    long = "The committee met on 3 May 2024 and talked about the harbour wall at length. " * 12
    items = [ctxwin.Item(text=f"{long}Point {i} was adjourned.", id=f"m{i}", kind="memory") for i in range(6)]
    chat = ChatSummarizer(completing(litellm, model), model, workers=1)  # of two threads' clients it closes one
    asked = "What did the committee say about the harbour wall?"
    packed = ctxwin.pack(items=items, query=asked, budget=300, embedder="none", summarizer=chat)
    assert "[summary] The harbour wall was talked about" in packed.text
    assert "7,000" not in packed.text
    assert packed.report.summaries[0].refused[0][0] == "It costs 7,000 crowns."
