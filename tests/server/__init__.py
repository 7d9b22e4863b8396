"""A model provider on this machine: OpenAI chat and Responses, Anthropic messages, over real HTTP, scripted.

    from server import Answer, Call, Failure, Provider

    with Provider() as provider:
        client = openai.OpenAI(base_url=provider.openai, api_key="any")
        claude = anthropic.Anthropic(base_url=provider.anthropic, api_key="any")
        provider.script("Good morning.", Answer(calls=[Call(name="now")]), Failure(status=429))
        ...
        provider.last.body        # the request's JSON as it came
        provider.last.tokens      # its input tokens by the provider's own count

Paths: `POST /v1/chat/completions`, `/v1/responses`, `/v1/messages`, `/v1/messages/count_tokens`, `GET /v1/models`;
each of the first three whole or streamed (`"stream": true`), as the provider's documentation writes them.

What the provider keeps of a conversation (`previous_response_id`, `conversation`, Anthropic's `thread`) is counted.

What is answered: the next of `script(...)`; where nothing is scripted, `respond(request)`, a function from the
`Request` to an `Answer`, a `Failure` or a text, which may look into the request and is free to set:

    provider.respond = lambda request: "Miso." if any("Miso" in text for text in request.texts) else "Who knows."

A `Failure` is one HTTP answer: an SDK that retries takes the next of the script (`max_retries=0` prevents it).

`Provider(...)` takes
    count:   the provider's own tokenizer, a function from text to tokens; default: o200k_base by toktok.
    factor:  what the words count by that tokenizer is multiplied by, so that it differs from what ctxwin believes.
    window:  tokens of input above which a request is refused as too long; None: none is.
    strict:  whether a request in which `ctxwin.check` finds a fault is refused with status 400; default: yes.
    ttl:     seconds for which the prompt cache keeps a prefix, by `clock`.
    clock:   a function that tells the time in seconds; default: one that stands still, so nothing expires.
    keep:    requests that are kept in `requests`, the newest; None: all.

The prompt cache: OpenAI caches every prefix of 1,024 tokens and more by itself and reports multiples of 128; Anthropic
caches at `cache_control` markers (at most four, found again up to 20 blocks back, 1,024 tokens and more, `"ttl": "1h"`
for an hour). Both are keyed by model, and reported in the usage as those providers do.

Everything is deterministic: ids are counted (`resp_3` answers the third request), times stand still.
"""

from .app import Provider
from .values import Answer, Call, Failure, Request

__all__ = ["Answer", "Call", "Failure", "Provider", "Request"]
