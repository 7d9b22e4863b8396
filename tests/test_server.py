"""The test server itself, read by the real SDKs."""

import anthropic
import openai
import pytest
from server import Answer, Call, Failure, Provider

ASK = [{"role": "user", "content": "What is the time in Rome?"}]
FULL = Answer(thinking="I need a clock.", text="Let me look.", calls=[Call(name="now", arguments={"place": "Rome"})])
LONG = "All that was said before. " * 400


@pytest.fixture
def provider():
    with Provider() as provider:
        yield provider


@pytest.fixture
def gpt(provider):
    with openai.OpenAI(base_url=provider.openai, api_key="any", max_retries=0) as client:
        yield client


@pytest.fixture
def claude(provider):
    with anthropic.Anthropic(base_url=provider.anthropic, api_key="any", max_retries=0) as client:
        yield client


def test_chat_is_the_same_whole_and_streamed(provider, gpt):
    provider.script(FULL, FULL)
    whole = gpt.chat.completions.create(model="gpt-4o", messages=ASK)
    with gpt.chat.completions.stream(model="gpt-4o", messages=ASK, stream_options={"include_usage": True}) as stream:
        streamed = stream.get_final_completion()
    for message in (whole.choices[0].message, streamed.choices[0].message):
        assert message.content == "Let me look."
        assert message.tool_calls[0].function.arguments == '{"place": "Rome"}'
    assert whole.choices[0].finish_reason == streamed.choices[0].finish_reason == "tool_calls"
    assert whole.usage == streamed.usage
    assert whole.usage.prompt_tokens == provider.last.tokens == 4 + 7 + 3
    assert provider.requests[0].question == "What is the time in Rome?"


def test_responses_are_the_same_whole_and_streamed(provider, gpt):
    provider.script(FULL, FULL)
    whole = gpt.responses.create(model="gpt-4o", input=ASK[0]["content"])
    with gpt.responses.stream(model="gpt-4o", input=ASK) as stream:
        streamed = stream.get_final_response()
    assert [item.type for item in whole.output] == [item.type for item in streamed.output]
    assert whole.output_text == streamed.output_text == "Let me look."
    assert whole.output[-1].arguments == streamed.output[-1].arguments == '{"place": "Rome"}'
    assert whole.usage.output_tokens == streamed.usage.output_tokens


def test_claude_is_the_same_whole_and_streamed(provider, claude):
    provider.script(FULL, FULL)
    whole = claude.messages.create(model="claude-sonnet-5", messages=ASK, max_tokens=100)
    with claude.messages.stream(model="claude-sonnet-5", messages=ASK, max_tokens=100) as stream:
        streamed = stream.get_final_message()
    assert [block.type for block in streamed.content] == ["thinking", "text", "tool_use"]
    assert streamed.content[0].signature == "signed-2"
    assert whole.content[1].text == streamed.content[1].text
    assert whole.content[2].input == streamed.content[2].input == {"place": "Rome"}
    assert whole.stop_reason == streamed.stop_reason == "tool_use"
    assert whole.usage.output_tokens == streamed.usage.output_tokens


@pytest.mark.parametrize(("status", "kind"), [(400, "BadRequestError"), (401, "AuthenticationError"),
                                              (429, "RateLimitError"), (500, "InternalServerError")])  # fmt: skip
def test_refusals_are_those_of_the_providers(provider, gpt, claude, status, kind):
    provider.script(*[Failure(status=status)] * 3)
    with pytest.raises(getattr(openai, kind), match="scripted failure"):
        gpt.chat.completions.create(model="gpt-4o", messages=ASK)
    with pytest.raises(getattr(openai, kind)):
        gpt.responses.create(model="gpt-4o", input=ASK)
    with pytest.raises(getattr(anthropic, kind), match="scripted failure"):
        claude.messages.create(model="claude-sonnet-5", messages=ASK, max_tokens=9)
    assert len(provider.requests) == 3


def test_streams_break_and_fail_where_the_script_says(provider, gpt, claude):
    provider.script(Answer(text="one two three", broken_after=3), Answer(text="one two three", error_after=3))
    seen = []
    with pytest.raises(openai.APIConnectionError):
        for chunk in gpt.chat.completions.create(model="gpt-4o", messages=ASK, stream=True):
            seen.append(chunk.choices[0].delta.content)
    assert seen == ["", "one", " two"]
    with pytest.raises(openai.APIError, match="overloaded"):
        list(gpt.chat.completions.create(model="gpt-4o", messages=ASK, stream=True))
    provider.script(Answer(text="one two three", error_after=4), Answer(text="cut", broken_after=0))
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        list(claude.messages.create(model="claude-sonnet-5", messages=ASK, max_tokens=9, stream=True))
    with pytest.raises(anthropic.APIConnectionError):
        claude.messages.create(model="claude-sonnet-5", messages=ASK, max_tokens=9)


def test_what_is_invalid_or_too_long_is_refused(gpt, provider):
    with pytest.raises(openai.BadRequestError, match="has no call 'c1'"):
        gpt.chat.completions.create(
            model="gpt-4o", messages=[*ASK, {"role": "tool", "tool_call_id": "c1", "content": "3"}]
        )
    provider.window = 100
    with pytest.raises(openai.BadRequestError, match="prompt is too long: 2408 tokens"):
        gpt.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": LONG}])


def test_openai_caches_prefixes_in_steps(provider, gpt):
    long = [{"role": "system", "content": LONG}]
    first = gpt.chat.completions.create(model="gpt-4o", messages=[*long, *ASK]).usage
    second = gpt.chat.completions.create(model="gpt-4o", messages=[*long, *ASK, *ASK]).usage
    other = gpt.chat.completions.create(model="gpt-4o", messages=[*ASK, *long]).usage
    assert first.prompt_tokens_details.cached_tokens == other.prompt_tokens_details.cached_tokens == 0
    assert second.prompt_tokens_details.cached_tokens == first.prompt_tokens // 128 * 128


def test_anthropic_caches_at_markers_for_a_time():
    now = [0.0]
    marked = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}]
    with (
        Provider(clock=lambda: now[0], ttl=300) as provider,
        anthropic.Anthropic(base_url=provider.anthropic, api_key="any") as claude,
    ):

        def ask(system):
            return claude.messages.create(model="claude-sonnet-5", messages=ASK, max_tokens=9, system=system).usage

        first, second = ask(marked), ask(marked)
        now[0] = 600.5
        third = ask(marked)
        plain = ask(LONG)
    assert first.cache_creation_input_tokens == second.cache_read_input_tokens > 1024
    assert second.cache_creation_input_tokens == 0
    assert second.input_tokens == 4 + 7 + 3
    assert third.cache_read_input_tokens == 0
    assert plain.cache_read_input_tokens == plain.cache_creation_input_tokens == 0


def test_responses_keep_what_was_said_on_the_server(provider, gpt):
    first = gpt.responses.create(model="gpt-4o", input="My cat is called Miso.")
    second = gpt.responses.create(model="gpt-4o", input="And you?", previous_response_id=first.id)
    assert second.usage.input_tokens > first.usage.input_tokens + first.usage.output_tokens
    with pytest.raises(openai.BadRequestError, match="no such response"):
        gpt.responses.create(model="gpt-4o", input="And you?", previous_response_id="resp_99")


def test_its_tokenizer_may_differ_from_what_is_believed():
    with Provider(factor=1.3) as provider:
        assert provider.count("What is the time in Rome?") == 10  # of 7
    with Provider(count=len) as provider:
        assert provider.count("四十二") == 3


def test_other_paths_answer(provider, gpt, claude):
    assert [model.id for model in gpt.models.list()] == [model.id for model in claude.models.list()]
    counted = claude.messages.count_tokens(model="claude-sonnet-5", messages=ASK)
    assert counted.input_tokens == 14


def test_kept_requests_are_bounded():
    with Provider(keep=2) as provider, openai.OpenAI(base_url=provider.openai, api_key="any") as gpt:
        for _ in range(3):
            gpt.chat.completions.create(model="gpt-4o", messages=ASK)
        assert [request.number for request in provider.requests] == [2, 3]
