"""Wrapped clients answer calls of the recall tool within a stream; the program sees one reply, valid for its SDK."""

import asyncio
import re

import anthropic
import openai
import pytest
from callers import APIS, DIALECTS, KEYS, body_of, call, call_later, dumped, make, resource, run
from conversations import TOOLS, Kept, recaller, reports, user
from server import Answer, Call, Failure, Provider

import ctxwin
from ctxwin.clients import Usage

LIMIT = 900
TURNS = 40
RECALL = Call(name="recall", arguments={"ids": "m17"})
NOW = Call(name="now", arguments={"place": "Rome"})
FOUND = re.compile(r"\[m17, assistant(?:, \d{4}-\d\d-\d\d)?\]\nReport 17\.")  # a window's turns have a date
STREAMS = ("stream", "helper")


@pytest.fixture
def provider():
    with Provider() as provider:
        provider.respond = lambda request: found(request)
        yield provider


def found(request):
    """What a model says that was told report 17."""
    told = next((text for text in request.texts if FOUND.match(text)), None)
    return "Fair and calm." if told else "Nobody knows."


def wrapped(provider, api, *, window=None, asynchronous=False, **options):
    """Return a client that packs to a budget at which report 17 is left out."""
    client = make(provider, api, asynchronous=asynchronous, **options)
    options = {} if window is not None else {"embedder": "none"}
    return ctxwin.wrap(client, budget=LIMIT, window=window, recall=True, **options)


def raws(api, events):
    """The provider's events among those of a helper, which adds its own."""
    if api == "chat":
        return [getattr(event, "chunk", event) for event in events if getattr(event, "type", "chunk") == "chunk"]
    own = ("text", "input_json", "thinking", "signature", "citation")
    return [event for event in events if event.type not in own]


def parts(api, events):
    """Put a stream together as a program would: the texts, the thoughts and the calls in it, each in its order."""
    collect = {"chat": of_chunks, "responses": of_items, "messages": of_blocks}[api]
    return collect(raws(api, events))


def of_chunks(chunks):
    assert len({(chunk.id, chunk.created) for chunk in chunks}) == 1
    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert [choice.delta.role for choice in choices] == ["assistant"] + [None] * (len(choices) - 1)
    assert [bool(choice.finish_reason) for choice in choices] == [False] * (len(choices) - 1) + [True]
    text = "".join(choice.delta.content or "" for choice in choices)
    thoughts = "".join(getattr(choice.delta, "reasoning_content", None) or "" for choice in choices)
    calls = [one.function.name for choice in choices for one in choice.delta.tool_calls or () if one.function.name]
    return [text], [thoughts] if thoughts else [], calls


def of_items(events):
    numbers = [event.sequence_number for event in events]
    assert numbers == list(range(numbers[0], numbers[0] + len(events)))
    assert [event.type for event in events].count("response.created") == 1
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert events[0].response.id == events[-1].response.id
    added = [event for event in events if event.type == "response.output_item.added"]
    done = [event for event in events if event.type == "response.output_item.done"]
    assert [event.output_index for event in added] == [event.output_index for event in done] == list(range(len(done)))
    output = events[-1].response.output
    assert [item.id for item in output] == [event.item.id for event in done]
    texts = ["" for _ in output]
    for event in events:
        if event.type == "response.output_text.delta":
            texts[event.output_index] += event.delta
    said = [item.content[0].text for item in output if item.type == "message"]
    assert [text for text in texts if text] == said
    thoughts = [item.summary[0].text for item in output if item.type == "reasoning"]
    return said, thoughts, [item.name for item in output if item.type == "function_call"]


def of_blocks(events):
    kinds = [event.type for event in events]
    assert [kinds.count(kind) for kind in ("message_start", "message_delta", "message_stop")] == [1, 1, 1]
    assert (kinds[0], kinds[-2:]) == ("message_start", ["message_delta", "message_stop"])
    blocks, stopped = [], []
    for event in events:
        if event.type == "content_block_start":
            assert event.index == len(blocks) == len(stopped)
            blocks.append([event.content_block.type, getattr(event.content_block, "name", "")])
        elif event.type == "content_block_delta":
            assert event.index == len(blocks) - 1
            blocks[-1][1] += getattr(event.delta, "text", "") or getattr(event.delta, "thinking", "")
        elif event.type == "content_block_stop":
            stopped.append(event.index)
    assert stopped == list(range(len(blocks)))
    return tuple([text for kind, text in blocks if kind == wanted] for wanted in ("text", "thinking", "tool_use"))


def joined(api, *texts):
    """Texts of several replies as one reply has them."""
    return ["\n\n".join(texts)] if api == "chat" else list(texts)


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("windowed", [False, True])
@pytest.mark.parametrize("mode", STREAMS)
@pytest.mark.parametrize("api", APIS)
def test_a_recall_before_any_text_leaves_nothing_of_itself(provider, api, mode, windowed, asynchronous):
    options = {"stream_options": {"include_usage": True}} if api == "chat" else {}
    body = body_of(api, reports(TURNS), tools=TOOLS[api], **options)
    provider.script(Answer(thinking="Who knows.", calls=[RECALL]), Answer(thinking="I see.", text="Fair and calm."))
    window = Kept(api) if windowed else None
    client = wrapped(provider, api, window=window, asynchronous=asynchronous)
    got = run(client, api, mode, body, asynchronous)
    assert FOUND.search("\n".join(provider.last.texts))
    assert max(request.tokens for request in provider.requests) <= LIMIT
    assert {**provider.requests[0].body, KEYS[api]: 0} == {**provider.last.body, KEYS[api]: 0}
    # What a bare client gets for the second request, but for what tells one request from another.
    provider.script(Answer(thinking="I see.", text="Fair and calm."))
    bare = run(make(provider, api, asynchronous=asynchronous), api, mode, {**body, **sent(provider, api)}, asynchronous)
    assert str(dumped(bare)).replace("_3", "_2").replace("-3", "-2") == str(dumped(got))


def sent(provider, api):
    """What a bare client is to send for the last request again."""
    return {name: provider.last.body[name] for name in (KEYS[api], "tools")}


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("windowed", [False, True])
@pytest.mark.parametrize("mode", STREAMS)
@pytest.mark.parametrize("api", APIS)
def test_a_recall_after_text_is_followed_by_more_of_the_same_reply(provider, api, mode, windowed, asynchronous):
    provider.script(
        Answer(thinking="Hm.", text="One moment.", calls=[RECALL]),
        Answer(thinking="Where is it?", text="And another.", calls=[RECALL]),
        Answer(thinking="I see.", text="Fair and calm."),
    )
    window = Kept(api) if windowed else None
    client = wrapped(provider, api, window=window, asynchronous=asynchronous)
    got = run(client, api, mode, body_of(api, reports(TURNS)), asynchronous)
    texts, thoughts, calls = parts(api, got)
    assert texts == joined(api, "One moment.", "And another.", "Fair and calm.")
    assert "".join(thoughts) == "Hm.Where is it?I see."
    assert calls == []
    assert len(provider.requests) == 3


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("api", APIS)
def test_the_helpers_put_one_answer_together(provider, api, asynchronous):
    answers = [Answer(thinking="Hm.", text="One moment.", calls=[RECALL]), Answer(text="Let me see.", calls=[NOW])]
    provider.script(*answers)
    name = {"chat": "get_final_completion", "responses": "get_final_response", "messages": "get_final_message"}[api]
    client = wrapped(provider, api, asynchronous=asynchronous)
    body = body_of(api, reports(TURNS), tools=TOOLS[api])

    async def later():
        async with client, resource(client, api).stream(**body) as stream:
            return await getattr(stream, name)()

    if asynchronous:
        final = asyncio.run(later())
    else:
        with client, resource(client, api).stream(**body) as stream:
            final = getattr(stream, name)()
    last = provider.last
    if api == "chat":
        message = final.choices[0].message
        assert (message.role, message.content) == ("assistant", "One moment.\n\nLet me see.")
        assert [one.function.name for one in message.tool_calls] == ["now"]
        assert final.choices[0].finish_reason == "tool_calls"
    elif api == "responses":
        assert [item.type for item in final.output] == ["reasoning", "message", "message", "function_call"]
        assert final.output_text == "One moment.Let me see."
        assert final.usage.input_tokens == last.tokens
    else:
        assert [block.type for block in final.content] == ["thinking", "text", "text", "tool_use"]
        assert final.content[-1].input == {"place": "Rome"}
        assert final.stop_reason == "tool_use"
        assert (final.usage.input_tokens, final.usage.output_tokens) == (last.tokens, last.output)


@pytest.mark.parametrize("mode", STREAMS)
@pytest.mark.parametrize("api", APIS)
def test_each_reply_is_kept_once_with_its_usage(provider, api, mode):
    window = Kept(api, recall=True)
    options = {"stream_options": {"include_usage": True}} if api == "chat" else {}
    provider.script(Answer(text="One moment.", calls=[RECALL]), "Fair and calm.", "Rain.")
    with ctxwin.wrap(make(provider, api), window=window, budget=LIMIT) as client:
        call(client, api, mode, body_of(api, reports(TURNS), **options))
        kept = window.messages[TURNS + 1 :]
        call(client, api, mode, body_of(api, [user("And tomorrow?")], **options))
    each = {"chat": 3, "messages": 3, "responses": 4}[api]  # text and call are two items there
    assert len(kept) == each
    assert "recall" in str(kept[each - 3])
    assert FOUND.search(str(kept[-2]).replace("\\n", "\n"))
    assert "Fair and calm." in str(kept[-1])
    assert len(window.messages) == TURNS + 1 + each + 2
    assert window.usages == [Usage(input=one.tokens, output=one.output) for one in provider.requests]
    assert ctxwin.check(window.messages, dialect=DIALECTS[api]) == []


@pytest.mark.parametrize("mode", ["whole", *STREAMS])
@pytest.mark.parametrize("text", ["", "\n\n", "One moment."])
@pytest.mark.parametrize("api", APIS)
def test_a_program_that_sends_all_it_saw_is_understood(provider, api, text, mode):
    window, sent = Kept(api, recall=True), reports(TURNS)
    twice = Answer(text=text, calls=[RECALL, Call(name="recall", arguments={"ids": "m18"})])
    with ctxwin.wrap(make(provider, api), window=window, budget=2 * LIMIT) as client:
        for number in range(3):
            provider.script(twice, Answer(thinking="Hm.", text=f"Fair and calm, {number}."))
            got = call(client, api, mode, body_of(api, sent, tools=TOOLS[api]))
            sent += [*as_returned(api, mode, got), user(f"And on day {number}?")]
    assert len(window.messages) <= TURNS + 1 + 3 * 8
    assert str(window.messages).count("And on day 1?") == 1
    assert str(window.messages).count("'Report 17. ") == 1
    assert str(window.messages).count("calm, 1.") == 1


def as_returned(api, mode, got):
    """What a program appends to its conversation."""
    if mode == "whole" and api == "responses":
        return got.output
    if api == "responses":
        return raws(api, got)[-1].response.output
    if mode == "whole":
        return [{"role": "assistant", "content": got.choices[0].message.content if api == "chat" else got.content}]
    texts = parts(api, got)[0]
    if api == "chat":
        return [{"role": "assistant", "content": texts[0]}]
    return [{"role": "assistant", "content": [{"type": "text", "text": text} for text in texts if text.strip()]}]


@pytest.mark.parametrize("mode", STREAMS)
@pytest.mark.parametrize("api", APIS)
def test_text_is_passed_on_as_it_comes(provider, api, mode):
    before = {"chat": 1, "responses": 4, "messages": 3}[api]
    provider.script(Answer(text="one two three four", broken_after=before + 2))
    seen = []
    with wrapped(provider, api) as client, pytest.raises(Exception, match=r"Connection error|peer closed"):
        at = resource(client, api)
        body = body_of(api, reports(TURNS))
        with at.create(**body, stream=True) if mode == "stream" else at.stream(**body) as stream:
            seen.extend(event for event in stream)
    assert " two" in str(dumped(seen[-1]))
    assert provider.last.body["tools"]


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("mode", STREAMS)
@pytest.mark.parametrize("api", APIS)
def test_a_stream_without_a_recall_comes_as_it_came(provider, api, mode, asynchronous):
    answer = Answer(thinking="Hm.", text="Let me look.", calls=[NOW])
    provider.script(answer, answer)
    options = {"stream_options": {"include_usage": True}} if api == "chat" else {}
    body = body_of(api, reports(TURNS), tools=TOOLS[api], **options)
    got = run(wrapped(provider, api, asynchronous=asynchronous), api, mode, body, asynchronous)
    assert provider.last.body["tools"] != TOOLS[api]
    bare = run(make(provider, api, asynchronous=asynchronous), api, mode, {**body, **sent(provider, api)}, asynchronous)
    assert str(dumped(got)) == str(dumped(bare)).replace("_2", "_1").replace("-2", "-1")


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("windowed", [False, True])
@pytest.mark.parametrize("text", ["", "One moment."])
@pytest.mark.parametrize("api", APIS)
def test_an_error_of_the_second_request_is_the_programs_and_the_next_call_works(
    provider, api, text, windowed, asynchronous
):
    provider.script(Answer(text=text, calls=[RECALL]), Failure(status=429, message="too fast"), "Fair and calm.")
    window = Kept(api) if windowed else None
    client = wrapped(provider, api, window=window, asynchronous=asynchronous)

    async def later():
        async with client:
            with pytest.raises((openai.RateLimitError, anthropic.RateLimitError), match="too fast") as caught:
                await call_later(client, api, "stream", body_of(api, reports(TURNS)))
            return caught.value, await call_later(client, api, "stream", body_of(api, [user("And now?")]))

    if asynchronous:
        error, got = asyncio.run(later())
    else:
        with client:
            with pytest.raises((openai.RateLimitError, anthropic.RateLimitError), match="too fast") as caught:
                call(client, api, "stream", body_of(api, reports(TURNS)))
            error, got = caught.value, call(client, api, "stream", body_of(api, [user("And now?")]))
    assert not isinstance(error.__context__, StopIteration | StopAsyncIteration)
    assert parts(api, got)[0] == ["Fair and calm."]
    if windowed:
        assert str(window.messages).count("[m17, assistant") == 1


@pytest.mark.parametrize("api", APIS)
def test_a_stream_whose_second_request_failed_is_at_its_end(provider, api):
    window = Kept(api, recall=True)
    provider.script(Answer(calls=[RECALL]), Failure(status=500), "Rain.")
    with ctxwin.wrap(make(provider, api), budget=LIMIT, window=window) as client:
        stream = resource(client, api).create(**body_of(api, reports(TURNS)), stream=True)
        with pytest.raises((openai.InternalServerError, anthropic.InternalServerError)):
            next(stream)
        assert list(stream) == []
        call(client, api, "stream", body_of(api, [user("And tomorrow?")]))
    assert len(window.messages) == TURNS + 1 + 4
    assert "Rain." in str(window.messages[-1])


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("mode", STREAMS)
@pytest.mark.parametrize("api", APIS)
def test_leaving_a_stream_closes_whichever_is_open(provider, api, mode, asynchronous):
    provider.script(Answer(text="One moment.", calls=[RECALL]), "Fair and calm.")
    responses = []

    async def note(response):
        responses.append(response)

    package = anthropic if api == "messages" else openai
    connections = (
        package.DefaultAsyncHttpxClient(event_hooks={"response": [note]})
        if asynchronous
        else package.DefaultHttpxClient(event_hooks={"response": [responses.append]})
    )
    window = Kept(api, recall=True)
    client = ctxwin.wrap(
        make(provider, api, asynchronous=asynchronous, http_client=connections), budget=LIMIT, window=window
    )
    body = body_of(api, reports(TURNS))

    async def later():
        async with client:
            at = resource(client, api)
            async with await at.create(**body, stream=True) if mode == "stream" else at.stream(**body) as stream:
                async for event in stream:
                    if "Fair" in str(event):
                        break
                assert not responses[-1].is_closed
            return [response.is_closed for response in responses]

    if asynchronous:
        closed = asyncio.run(later())
    else:
        with client:
            at = resource(client, api)
            with at.create(**body, stream=True) if mode == "stream" else at.stream(**body) as stream:
                for event in stream:
                    if "Fair" in str(event):
                        break
                assert not responses[-1].is_closed
            closed = [response.is_closed for response in responses]
    assert closed == [True, True]
    assert FOUND.search(str(window.messages[-1]).replace("\\n", "\n"))  # the answer itself was left before its end


@pytest.mark.parametrize("mode", STREAMS)
@pytest.mark.parametrize("api", APIS)
def test_a_model_that_recalls_without_end_is_heard_in_the_end(provider, api, mode):
    provider.respond = recaller(times=99)
    with ctxwin.wrap(make(provider, api), budget=2 * LIMIT, recall=True, embedder="none") as client:
        texts, _, calls = parts(api, call(client, api, mode, body_of(api, reports(TURNS))))
    assert texts == joined(api, *["One moment."] * 4)
    assert calls == ["recall"]
    assert len(provider.requests) == 4
    assert max(request.tokens for request in provider.requests) <= 2 * LIMIT


@pytest.mark.parametrize("calls", [[RECALL, NOW], [NOW, RECALL]])
@pytest.mark.parametrize("api", APIS)
def test_a_recall_beside_other_calls_is_the_programs(provider, api, calls):
    provider.script(Answer(text="Two things.", calls=calls))
    with wrapped(provider, api, window=Kept(api)) as client:
        got = call(client, api, "helper", body_of(api, reports(TURNS), tools=TOOLS[api]))
    assert parts(api, got)[2] == [one.name for one in calls]
    assert len(provider.requests) == 1


@pytest.mark.parametrize("fault", [{"broken_after": 7}, {"error_after": 7}])
@pytest.mark.parametrize("api", APIS)
def test_a_stream_that_breaks_within_a_recall_breaks_for_the_program(provider, api, fault):
    window = Kept(api, recall=True)
    provider.script(Answer(calls=[RECALL, RECALL], **fault), "Back again.")
    events = []
    with ctxwin.wrap(make(provider, api), budget=LIMIT, window=window) as client:
        stream = resource(client, api).create(**body_of(api, reports(TURNS)), stream=True)
        if api == "responses" and "error_after" in fault:  # an event like any other
            assert [event.type for event in stream] == ["response.created", "response.in_progress", "error"]
        else:
            with pytest.raises(Exception, match=r"peer closed|Connection error|verloaded"):
                events.extend(stream)
            assert events == []
        assert len(window.messages) == TURNS + 1
        assert parts(api, call(client, api, "stream", body_of(api, [user("And now?")])))[0] == ["Back again."]


def test_streams_whose_calls_cannot_be_answered_come_without_the_tool_and_its_tokens(provider):
    def packed(recall, mode, **fields):
        window = Kept("chat", recall=recall)
        with ctxwin.wrap(make(provider, "chat"), window=window, budget=LIMIT) as client:
            call(client, "chat", mode, body_of("chat", reports(TURNS), **fields))
        return window.last.report.tokens, provider.last.body

    for mode, fields in [("raw_stream", {}), ("streaming_stream", {}), ("streaming_whole", {}), ("stream", {"n": 2})]:
        assert packed(True, mode, **fields) == packed(False, mode, **fields)
    assert packed(True, "stream") != packed(False, "stream")


def test_a_program_with_a_tool_of_that_name_keeps_it(provider):
    own = [{"type": "function", "function": {"name": "recall", "description": "Calls a car back.", "parameters": {}}}]
    provider.script(Answer(calls=[RECALL]), Answer(calls=[RECALL]))
    with wrapped(provider, "chat") as client:
        for messages in (reports(1), reports(TURNS)):
            assert parts("chat", call(client, "chat", "stream", body_of("chat", messages, tools=own)))[2] == ["recall"]
            assert provider.last.body["tools"] == own


def test_a_response_made_of_two_is_continued_by_the_id_that_the_provider_knows(provider):
    provider.script(Answer(text="One moment.", calls=[RECALL]), "Fair and calm.", "Rain.")
    with wrapped(provider, "responses") as client:
        seen = call(client, "responses", "stream", body_of("responses", reports(TURNS)))[-1].response.id
        client.responses.create(model="gpt-4o", input="And tomorrow?", previous_response_id=seen)
    assert seen == "resp_1"
    assert provider.last.body["previous_response_id"] == "resp_2"


@pytest.mark.parametrize("text", ["", "One moment."])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_claudes_beta_streams_are_made_one_too(provider, text, asynchronous):
    provider.script(Answer(text=text, calls=[RECALL]), "Fair and calm.")
    client = wrapped(provider, "messages", asynchronous=asynchronous)

    async def later():
        async with client, client.beta.messages.stream(**body_of("messages", reports(TURNS))) as stream:
            return await stream.get_final_message()

    if asynchronous:
        final = asyncio.run(later())
    else:
        with client, client.beta.messages.stream(**body_of("messages", reports(TURNS))) as stream:
            final = stream.get_final_message()
    assert [block.text for block in final.content] == [*([text] if text else []), "Fair and calm."]
