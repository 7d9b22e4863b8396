"""Wrapped clients answer the model's calls of the recall tool by themselves; the program sees what follows."""

import asyncio

import pytest
from callers import APIS, DIALECTS, MODELS, body_of, call, make, run
from conversations import TOOLS, Kept, recaller, reports
from server import Answer, Call, Provider

import ctxwin

LIMIT = 900


@pytest.fixture
def provider():
    with Provider() as provider:
        provider.respond = recaller()
        yield provider


def text_of(api, got):
    if api == "chat":
        return got.choices[0].message.content
    return got.output_text if api == "responses" else got.content[-1].text


@pytest.mark.parametrize("mode", ["whole", "raw"])
@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("windowed", [False, True])
@pytest.mark.parametrize("api", APIS)
def test_the_program_gets_the_answer_that_follows(provider, api, windowed, asynchronous, mode):
    window = Kept(api, recall=True) if windowed else None
    options = {} if windowed else {"recall": True, "embedder": "none"}
    client = ctxwin.wrap(make(provider, api, asynchronous=asynchronous), budget=LIMIT, window=window, **options)
    got = run(client, api, mode, body_of(api, reports(), tools=TOOLS[api]), asynchronous)
    assert text_of(api, got).startswith("After 1: [m17, assistant")
    assert "\nReport 17. The weather" in "\n".join(provider.last.texts)
    assert len(provider.requests) == 2
    assert [request.tokens <= LIMIT for request in provider.requests] == [True, True]
    assert provider.last.body["tools"][:-1] == TOOLS[api]
    if windowed:
        assert ctxwin.check(window.messages, dialect=DIALECTS[api]) == []
        assert len(window.messages) > len(reports()) + 2


def test_what_fits_needs_no_tool_and_what_cannot_be_answered_comes_without(provider):
    client = make(provider, "chat")
    with ctxwin.wrap(client, budget=LIMIT, recall=True, embedder="none") as wrapped:
        for mode in ("whole", "stream"):
            call(wrapped, "chat", mode, body_of("chat", reports(1)))
            assert "tools" not in provider.last.body
        for mode in ("raw_stream", "streaming_stream", "streaming_whole"):
            call(wrapped, "chat", mode, body_of("chat", reports()))
            assert "tools" not in provider.last.body
        call(wrapped, "chat", "whole", body_of("chat", reports(), n=2))
        assert "tools" not in provider.last.body
        wrapped.responses.create(model="gpt-4o", input=reports(), conversation="conv_1")
        assert "tools" not in provider.last.body


def test_a_model_that_recalls_without_end_is_heard_in_the_end(provider):
    provider.respond = recaller(times=99)
    with ctxwin.wrap(make(provider, "chat"), budget=2 * LIMIT, recall=True, embedder="none") as client:
        got = call(client, "chat", "whole", body_of("chat", reports()))
    assert got.choices[0].message.tool_calls[0].function.name == "recall"
    assert len(provider.requests) == 4
    assert max(request.tokens for request in provider.requests) <= 2 * LIMIT


def test_a_recall_beside_other_calls_is_the_programs(provider):
    calls = [Call(name="recall", arguments={"ids": "m17"}), Call(name="now", arguments={"place": "Rome"})]
    provider.script(Answer(calls=calls))
    with ctxwin.wrap(make(provider, "chat"), budget=LIMIT, recall=True, embedder="none") as client:
        got = call(client, "chat", "whole", body_of("chat", reports(), tools=TOOLS["chat"]))
    assert [one.function.name for one in got.choices[0].message.tool_calls] == ["recall", "now"]
    assert len(provider.requests) == 1


def test_items_can_be_recalled_too(provider):
    items = [ctxwin.Item(text=f"Shelf {n}. " + "It holds jars of all kinds. " * 40, id=f"s{n}") for n in range(30)]
    provider.respond = lambda request: (
        "Jars."
        if any("[s7" in text for text in request.texts[-1:])
        else Answer(calls=[Call(name="recall", arguments={"ids": "s7"})])
    )
    with ctxwin.wrap(make(provider, "chat"), budget=LIMIT, recall=True, items=items, embedder="none") as client:
        got = call(client, "chat", "whole", body_of("chat", reports(2)))
    assert got.choices[0].message.content == "Jars."
    assert "Shelf 7." in provider.last.texts[-1]


def test_a_text_alone_can_be_shortened_and_recalled(provider):
    text = " ".join(turn["content"] for turn in reports(20))
    provider.respond = recaller(ids="m0")
    with ctxwin.wrap(make(provider, "responses"), budget=LIMIT, recall=True, embedder="none") as client:
        got = client.responses.create(model=MODELS["responses"], input=text)
    assert got.output_text.startswith("After 1: [m0")
    assert provider.last.tokens <= LIMIT


def test_a_recall_that_fails_is_an_error_like_any_other(provider):
    window = Kept("chat", recall=True)
    provider.window = 1_000
    provider.script(Answer(calls=[Call(name="recall", arguments={"ids": "m17"})]), Answer(broken_after=0))
    client = ctxwin.wrap(make(provider, "chat", asynchronous=True), budget=LIMIT, window=window)

    async def later():
        async with client:
            with pytest.raises(Exception, match="Connection error"):
                await client.chat.completions.create(**body_of("chat", reports()))
            return await client.chat.completions.create(**body_of("chat", [{"role": "user", "content": "And now?"}]))

    assert asyncio.run(later()).choices[0].message.content.startswith("After 1")
    assert ctxwin.check(window.messages) == []
