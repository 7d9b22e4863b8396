"""Every prefix of real agent transcripts, packed at many budgets, for two providers.

The whole of it is some 58,000 packings, a quarter of an hour; `CTXWIN_FULL=1` runs it. Otherwise each transcript
gives a few prefixes, others for each budget.
"""

from __future__ import annotations

import gzip
import json
import os
from typing import Any

import pytest

import ctxwin
from ctxwin.errors import BudgetError
from ctxwin.evaluate.score import request_tokens

BUDGETS = (500, 1_000, 1_500, 2_000, 3_000, 4_000, 6_000, 8_000)
FULL = bool(os.environ.get("CTXWIN_FULL"))
STEP = 1 if FULL else 23
"""Every so many prefixes, counted over all budgets; a prime, so that each budget sees other ones."""

Raw = dict[str, Any]


@pytest.fixture(scope="module")
def transcripts(data):
    path = data / "transcripts" / "transcripts.jsonl.gz"
    if not path.is_file():
        pytest.skip("the transcripts are not beside this checkout")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["messages"] for line in lines]


def as_anthropic(messages: list[Raw]) -> Raw:
    """Turn OpenAI messages into an Anthropic request body.

    Users cannot call tools there: what a simulated user calls, and what comes back, is told in words.
    """
    theirs: set[str] = set()
    system, turns = [], []
    for message in messages:
        role, content = message["role"], message.get("content")
        if role == "system":
            system.append({"type": "text", "text": content})
            continue
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) and content.strip() else []
        if isinstance(content, list):
            blocks = [_block(block) for block in content]
        calls = message.get("tool_calls") or ()
        if role == "user":
            theirs |= {call["id"] for call in calls}
            blocks += [{"type": "text", "text": f"I run {call['function']['name']}."} for call in calls]
        elif role == "assistant":
            blocks += [_call(call) for call in calls]
        elif message["tool_call_id"] in theirs:
            blocks = [{"type": "text", "text": f"It says: {content}"}]
        else:
            blocks = [{"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": content or ""}]
        turns.append({"role": "assistant" if role == "assistant" else "user", "content": blocks or "(nothing)"})
    if turns and turns[0]["role"] == "assistant":
        turns.insert(0, {"role": "user", "content": "Hello."})
    return {"model": "claude-sonnet-4-5", "max_tokens": 500, "messages": turns} | ({"system": system} if system else {})


def _call(call: Raw) -> Raw:
    function = call["function"]
    return {"type": "tool_use", "id": call["id"], "name": function["name"], "input": json.loads(function["arguments"])}


def _block(block: Raw) -> Raw:
    if block["type"] == "text":
        return block
    head, data = block["image_url"]["url"].split(",", 1)
    return {
        "type": "image",
        "source": {"type": "base64", "media_type": head.removeprefix("data:").split(";")[0], "data": data},
    }


def unanswered(body: Any) -> list[str]:
    """Return the calls that have no result, and fail where a result has no call; ids may come again in a log."""
    waiting: list[str] = []
    for message in body["messages"] if isinstance(body, dict) else body:
        content = message.get("content")
        blocks = content if isinstance(content, list) else []
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        for result in [*results, *([message["tool_call_id"]] if message["role"] == "tool" else [])]:
            assert result in waiting, "a result without its call"
            waiting.remove(result)
        waiting += [call["id"] for call in message.get("tool_calls") or ()]
        waiting += [block["id"] for block in blocks if block["type"] == "tool_use"]
    return waiting


@pytest.mark.slow
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_every_prefix_keeps_the_promise(transcripts, provider):
    place = packed_once = 0
    for messages in transcripts:
        for end in range(1, len(messages) + 1):
            for budget in BUDGETS:
                place += 1
                if place % STEP == 0:
                    prefix = messages[:end]
                    given = as_anthropic(prefix) if provider == "anthropic" else prefix
                    packed_once += keeps_the_promise(given, budget, provider)
    assert packed_once > (200 if not FULL else 10_000)  # the others cannot hold what must stay


def keeps_the_promise(given: Any, budget: int, provider: str) -> bool:
    """Pack once; return whether there was a request: a budget may be too small for what must stay."""
    before = ctxwin.check(given, dialect=provider)
    try:
        packed = ctxwin.pack(given, budget=budget, tokenizer="o200k_base", embedder="none")
    except BudgetError as error:
        assert sum(error.sums.values()) > budget
        return False
    known = {problem.rule for problem in before}
    assert [problem for problem in ctxwin.check(packed.messages, dialect=provider) if problem.rule not in known] == []
    assert set(unanswered(packed.messages)) <= set(unanswered(given)), "a call without its result"
    assert packed.tokens <= budget
    if provider == "openai" and not any(isinstance(message.get("content"), list) for message in packed.messages):
        assert request_tokens(packed.messages, "o200k_base") <= budget
    return True
