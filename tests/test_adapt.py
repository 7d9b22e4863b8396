"""Every kind of client behind one interface, against a real server: requests out, replies read."""

import asyncio
import inspect
import json
from contextlib import ExitStack

import anthropic
import httpx2
import openai
import pytest
from server import Answer, Call, Failure, Provider

from ctxwin.clients import Client, Endpoint, Usage, adapt
from ctxwin.errors import EndpointError, InputError

ASK = [{"role": "user", "content": "What is the time in Rome, and in Lima?"}]
NOW = {"name": "now", "description": "Tells the time.", "parameters": {"type": "object", "properties": {}}}
CALLS = [Call(name="now", arguments={"place": "Rome", "zone": None}), Call(name="now", arguments={"place": "Lima"})]
ANSWERS = {
    "text": Answer(text="Noon, \N{SUN} as ever.\n\nAnd five."),
    "calls": Answer(calls=CALLS),
    "all": Answer(thinking="I need two clocks.", text="Let me look.", calls=CALLS),
    "short": Answer(text="Noon and", stop="length"),
}
APIS = ["chat", "responses", "messages"]
BODIES = {
    "chat": {"model": "gpt-4o", "messages": ASK},
    "responses": {"model": "gpt-4o", "input": ASK},
    "messages": {"model": "claude-sonnet-5", "messages": ASK, "max_tokens": 50},
}


@pytest.fixture
def provider():
    with ExitStack() as stack:
        provider = stack.enter_context(Provider())
        provider.stack = stack
        yield provider


def make(provider, api, asynchronous=False):
    """Return a client of a provider; one that is not asynchronous is closed with it."""
    package, name, base = (anthropic, "Anthropic", provider.anthropic) if api == "messages" else (
        openai, "OpenAI", provider.openai
    )  # fmt: skip
    client = getattr(package, f"Async{name}" if asynchronous else name)(base_url=base, api_key="any", max_retries=0)
    return client if asynchronous else provider.stack.enter_context(client)


def renamed(messages):
    """Return messages with the ids that the second answer would have had as the first."""
    return json.loads(json.dumps(messages).replace("_2", "_1").replace("-2", "-1"))


def ask(client, body):
    """Send, and return the reply, its text piece by piece, and whether a streamed one came to its end."""
    gather = client.gather()
    if client.is_async:
        return asyncio.run(ask_later(client, body, gather))
    answer = client.send(body)
    if not body.get("stream"):
        return client.read(answer), [], True
    pieces = [gather.feed(event) for event in answer]
    return gather.reply(), pieces, gather.done


async def ask_later(client, body, gather):
    answer = await client.send(body)
    if not body.get("stream"):
        reply, pieces, done = client.read(answer), [], True
    else:
        pieces = [gather.feed(event) async for event in answer]
        reply, done = gather.reply(), gather.done
    if hasattr(client, "client"):
        await client.client.close()
    return reply, pieces, done


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("api", APIS)
def test_a_streamed_reply_is_the_whole_one(provider, api, name, asynchronous):
    provider.script(ANSWERS[name], ANSWERS[name])
    body = BODIES[api]
    options = {"stream_options": {"include_usage": True}} if api == "chat" else {}
    whole, _, _ = ask(adapt(make(provider, api, asynchronous), api), body)
    streamed, pieces, done = ask(adapt(make(provider, api, asynchronous), api), {**body, "stream": True, **options})
    assert done
    assert "".join(pieces) == streamed.text == whole.text == ANSWERS[name].text
    # Ids tell which answer it is; all else is the same.
    assert renamed(streamed.messages) == list(whole.messages)
    assert streamed.usage == whole.usage
    assert whole.model == streamed.model == body["model"]
    assert whole.usage == Usage(input=provider.last.tokens, output=provider.last.output)


@pytest.mark.parametrize("api", APIS)
def test_a_reply_can_be_sent_back(provider, api):
    provider.script(ANSWERS["all"], "Noon.")
    client, body = adapt(make(provider, api), api), BODIES[api]
    reply, _, _ = ask(client, body)
    key = "input" if api == "responses" else "messages"
    again = {**body, key: [*body[key], *reply.messages, *results(reply, api)]}
    reply, _, _ = ask(client, again)  # the server refuses what is not valid
    assert reply.text == "Noon."
    assert provider.last.body[key] == again[key]


def results(reply, api):
    if api == "chat":
        calls = reply.messages[0]["tool_calls"]
        return [{"role": "tool", "tool_call_id": call["id"], "content": "12:00"} for call in calls]
    if api == "responses":
        calls = [item for item in reply.messages if item["type"] == "function_call"]
        return [{"type": "function_call_output", "call_id": call["call_id"], "output": "12:00"} for call in calls]
    uses = [block for block in reply.messages[0]["content"] if block["type"] == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": use["id"], "content": "12:00"} for use in uses]
    return [{"role": "user", "content": results}]


def test_messages_have_one_plain_form(provider):
    provider.script(ANSWERS["all"], ANSWERS["all"], ANSWERS["all"])
    chat, responses, messages = (ask(adapt(make(provider, api), api), BODIES[api])[0].messages for api in APIS)
    function = {"name": "now", "arguments": '{"place": "Rome", "zone": null}'}
    assert chat[0]["tool_calls"][0] == {"id": "call_1_0", "type": "function", "function": function}
    assert chat[0] | {"tool_calls": ...} == {
        "role": "assistant", "content": "Let me look.", "reasoning_content": "I need two clocks.", "tool_calls": ...,
    }  # fmt: skip
    assert [item["type"] for item in responses] == ["reasoning", "message", "function_call", "function_call"]
    assert responses[1]["content"] == [{"type": "output_text", "text": "Let me look.", "annotations": []}]
    # A null inside of what a tool is called with means something.
    use = {"type": "tool_use", "id": "toolu_3_0", "name": "now", "input": {"place": "Rome", "zone": None}}
    assert messages[0]["content"][2] == use
    assert messages[0]["content"][0]["signature"] == "signed-3"


def test_parsed_answers_carry_nothing_that_the_sdk_added(provider):
    pydantic = pytest.importorskip("pydantic")

    class Time(pydantic.BaseModel):
        hour: int

    provider.script('{"hour": 12}', '{"hour": 12}', '{"hour": 12}')
    gpt, claude = make(provider, "chat"), make(provider, "messages")
    chat = gpt.chat.completions.parse(**BODIES["chat"], response_format=Time)
    responses = gpt.responses.parse(**BODIES["responses"], text_format=Time)
    messages = claude.messages.parse(**BODIES["messages"], output_format=Time)
    assert chat.choices[0].message.parsed.hour == responses.output_parsed.hour == messages.parsed_output.hour == 12
    assert adapt(gpt).read(chat).messages == ({"role": "assistant", "content": '{"hour": 12}'},)
    (item,) = adapt(gpt, "responses").read(responses).messages
    assert item["content"] == [{"type": "output_text", "text": '{"hour": 12}', "annotations": []}]
    block = {"type": "text", "text": '{"hour": 12}'}
    assert adapt(claude).read(messages).messages == ({"role": "assistant", "content": [block]},)


def test_cached_and_written_tokens_are_told(provider):
    long = "All that was said before. " * 400
    system = [{"type": "text", "text": long, "cache_control": {"type": "ephemeral"}}]
    claude = adapt(make(provider, "messages"))
    first, second = (ask(claude, {**BODIES["messages"], "system": system})[0].usage for _ in range(2))
    assert (first.cached, second.written) == (0, 0)
    assert first.written == second.cached > 1024
    assert first.input == second.input == provider.last.tokens
    chat = {**BODIES["chat"], "messages": [{"role": "system", "content": long}, *ASK]}
    first, second = (ask(adapt(make(provider, "chat")), chat)[0].usage for _ in range(2))
    assert first.written == second.cached == first.input // 128 * 128


BREAKS = {"chat": 3, "responses": 6, "messages": 5}
"""Events after which two words are there."""


@pytest.mark.parametrize("api", APIS)
def test_what_a_broken_stream_brought_is_not_done(provider, api):
    provider.script(Answer(text="one two three four", broken_after=BREAKS[api]))
    client = adapt(make(provider, api), api)
    gather = client.gather()
    with pytest.raises((openai.APIConnectionError, httpx2.RemoteProtocolError)):
        for event in client.send({**BODIES[api], "stream": True}):
            gather.feed(event)
    assert not gather.done
    assert gather.reply().text == "one two"


def test_a_response_that_still_runs_or_failed_has_no_messages():
    client = adapt(openai.OpenAI(api_key="any"), "responses")
    for status in ("queued", "in_progress", "failed", "cancelled"):
        item = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Half"}]}
        assert client.read({"status": status, "output": [item], "model": "gpt-4o"}).messages == ()


def test_an_answer_without_choices_or_content_says_nothing():
    assert adapt(openai.OpenAI(api_key="any")).read({"choices": []}).messages == ()
    assert adapt(anthropic.Anthropic(api_key="any")).read({"content": []}).messages == ()


def test_an_endpoint_answers_whole_and_streamed_with_calls_and_usage(provider):
    provider.script(ANSWERS["all"], ANSWERS["all"])
    client = adapt(Endpoint(model="gpt-4o", base_url=provider.openai, api_key="any"))
    tools = [{"type": "function", "function": NOW}]
    whole, _, _ = ask(client, {"messages": ASK, "tools": tools})
    options = {"stream": True, "stream_options": {"include_usage": True}}
    streamed, pieces, done = ask(client, {"messages": ASK, "tools": tools, **options})
    assert done
    assert "".join(pieces) == whole.text == "Let me look."
    assert renamed(streamed.messages) == list(whole.messages)
    assert streamed.usage == whole.usage
    assert provider.last.body["tools"] == tools
    assert provider.last.body["model"] == "gpt-4o"


def test_an_endpoints_refusal_says_neither_message_nor_key(provider):
    provider.script(Failure(status=400, message="what was said: Rome"))
    client = adapt(Endpoint(model="gpt-4o", base_url=provider.openai, api_key="sk-secret"))
    with pytest.raises(EndpointError, match="status 400") as caught:
        client.send({"messages": ASK})
    assert "Rome" not in str(caught.value)
    assert "sk-secret" not in str(caught.value) + repr(client)


def echo(messages):
    return messages[-1]["content"].upper()


async def echo_later(messages):
    return echo(messages)


@pytest.mark.parametrize("function", [echo, echo_later])
def test_a_function_answers_whole_and_streamed(function):
    client = adapt(function)
    assert client.is_async == inspect.iscoroutinefunction(function)
    whole, _, _ = ask(client, {"messages": ASK})
    streamed, pieces, done = ask(client, {"messages": ASK, "stream": True})
    assert done
    assert whole == streamed
    assert "".join(pieces) == whole.text == ASK[0]["content"].upper()
    assert whole.messages == ({"role": "assistant", "content": whole.text},)


def test_a_function_that_answers_with_no_text_is_refused():
    with pytest.raises(InputError, match="returned NoneType"):
        adapt(lambda messages: None).send({"messages": ASK})


def test_derived_clients_are_known_and_others_are_refused(provider):
    class Mine(openai.OpenAI):
        pass

    azure = openai.AzureOpenAI(azure_endpoint=provider.url, api_version="2026-01-01", api_key="any")
    assert adapt(Mine(api_key="any")).dialect == adapt(azure).dialect == "openai"
    assert adapt(Mine(api_key="any"), "responses").dialect == "responses"
    assert adapt(anthropic.AsyncAnthropic(api_key="any")).dialect == "anthropic"
    with pytest.raises(InputError, match="no api 'messages'; use 'chat' or 'responses'"):
        adapt(Mine(api_key="any"), "messages")
    with pytest.raises(InputError, match="no api 'responses'"):
        adapt(echo, "responses")
    for stranger in (3, "gpt-4o", openai.OpenAI, None):
        with pytest.raises(InputError, match="is not known; give OpenAI"):
            adapt(stranger)


def test_a_client_of_ones_own_is_taken_as_it_is():
    class Own:
        dialect, is_async = "openai", False

        def send(self, body):
            return body

        def read(self, response):
            return response

        def gather(self):
            return None

    own = Own()
    assert isinstance(own, Client)
    assert adapt(own) is own
