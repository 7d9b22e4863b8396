"""How programs call the SDKs: each API, whole, streamed, by the SDK's helpers, raw; with and without `async`."""

import asyncio

import anthropic
import openai

APIS = ("chat", "responses", "messages")
MODES = ("whole", "stream", "helper", "raw", "raw_stream", "streaming_whole", "streaming_stream", "parse")
MODELS = {"chat": "gpt-4o", "responses": "gpt-4o", "messages": "claude-sonnet-5"}
KEYS = {"chat": "messages", "responses": "input", "messages": "messages"}
DIALECTS = {"chat": "openai", "responses": "responses", "messages": "anthropic"}


def make(provider, api, *, asynchronous=False, **options):
    """Return a client of a provider, which the caller closes."""
    package, name, base = (
        (anthropic, "Anthropic", provider.anthropic) if api == "messages" else (openai, "OpenAI", provider.openai)
    )
    kind = getattr(package, f"Async{name}" if asynchronous else name)
    given = {"timeout": 300, **options}  # by itself it gives up a connection after 5 s, on a busy machine too
    return kind(base_url=base, api_key="sk-very-secret", max_retries=0, **given)


def body_of(api, messages, **fields):
    """Return the arguments of a call."""
    limits = {"max_tokens": 64} if api == "messages" else {}
    return {"model": MODELS[api], KEYS[api]: messages, **limits, **fields}


def resource(client, api):
    return {"chat": lambda: client.chat.completions, "responses": lambda: client.responses}.get(
        api, lambda: client.messages
    )()


def call(client, api, mode, body):
    """Call as a program would, read all of it, and return what the program got: an answer, or the events."""
    at = resource(client, api)
    match mode:
        case "whole":
            return at.create(**body)
        case "parse":
            return at.parse(**body)
        case "stream":
            return list(at.create(**body, stream=True))
        case "helper":
            with at.stream(**body) as stream:
                return list(stream)
        case "raw":
            return at.with_raw_response.create(**body).parse()
        case "raw_stream":
            return list(at.with_raw_response.create(**body, stream=True).parse())
        case "streaming_whole":
            with at.with_streaming_response.create(**body) as response:
                return response.parse()
        case "streaming_stream":
            with at.with_streaming_response.create(**body, stream=True) as response:
                return list(response.parse())


async def call_later(client, api, mode, body):
    at = resource(client, api)
    match mode:
        case "whole":
            return await at.create(**body)
        case "parse":
            return await at.parse(**body)
        case "stream":
            return [event async for event in await at.create(**body, stream=True)]
        case "helper":
            async with at.stream(**body) as stream:
                return [event async for event in stream]
        case "raw":
            return await parsed(await at.with_raw_response.create(**body))
        case "raw_stream":
            return [event async for event in await parsed(await at.with_raw_response.create(**body, stream=True))]
        case "streaming_whole":
            async with at.with_streaming_response.create(**body) as response:
                return await response.parse()
        case "streaming_stream":
            async with at.with_streaming_response.create(**body, stream=True) as response:
                return [event async for event in await response.parse()]


async def parsed(response):
    """OpenAI's raw responses parse at once, Anthropic's asynchronous ones do not."""
    found = response.parse()
    return await found if asyncio.iscoroutine(found) else found


def run(client, api, mode, body, asynchronous):
    """Call once, with `async` or without, and close the client."""
    if not asynchronous:
        with client:
            return call(client, api, mode, body)

    async def later():
        async with client:
            return await call_later(client, api, mode, body)

    return asyncio.run(later())


def dumped(got):
    """Return what a program got as plain values, so that it can be compared."""
    if isinstance(got, list):
        return [dumped(event) for event in got]
    return got.model_dump(warnings=False)  # they would be about types that the SDK itself put in
