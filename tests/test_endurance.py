"""A chat of 5,000 turns through a wrapped client, against a provider on this machine that counts for itself."""

from __future__ import annotations

import gzip
import json
import resource
import statistics
import time

import openai
import pytest
from server import Provider

import ctxwin

TURNS = 5_000
"""Messages, half of them the user's."""
BUDGET = 4_000
EVERY, LATER = 25, 400
"""User's messages from one planted fact to the next, and from a fact to the question about it, at least."""


@pytest.fixture(scope="module")
def material(data):
    """Real messages of users and assistants, none longer than a page."""
    found = []
    for name in ("beam_100k", "longmemeval_mini"):
        path = data / name / "units.jsonl.gz"
        if not path.is_file():
            pytest.skip(f"{name} is not beside this checkout")
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            found += [json.loads(line)["text"][:2_000] for line in lines]
    return [text for text in found if len(text) > 40]


def said(material, turn):
    """Return what the user says in a turn, and the fact that the request must hold where it is a question."""
    number, step = divmod(turn, EVERY)
    if step == 7:
        return f"Remember this: the {planted(number)[0]} of locker {number} is {planted(number)[1]}.", None
    if step == 19 and turn >= LATER + EVERY:
        about = (turn * 7919) % ((turn - LATER) // EVERY)
        return f"What is the {planted(about)[0]} of locker {about}?", planted(about)[1]
    return material[(turn * 31) % len(material)], None


def planted(number):
    things = ("code", "owner", "colour", "weight")
    return things[number % 4], f"{number * 104_729 % 900_001 + 100_000}"


@pytest.mark.slow
def test_five_thousand_turns_stay_quick_small_and_within_budget(material, tmp_path):
    asked = kept = 0
    spent, memory = [], []
    answers = iter(material[1::2] * 9)
    with Provider(keep=1) as provider:
        provider.respond = lambda request: next(answers)
        window = ctxwin.Window(model="gpt-4o", budget=BUDGET, store=tmp_path / "chat.db", embedder="static")
        raw = openai.OpenAI(base_url=provider.openai, api_key="any", max_retries=0)
        client = ctxwin.wrap(raw, window=window)
        for turn in range(TURNS // 2):
            text, fact = said(material, turn)
            began = time.thread_time()
            client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": text}])
            spent.append(time.thread_time() - began)
            assert provider.last.tokens <= BUDGET
            if fact is not None:
                asked += 1
                kept += any(fact in one for one in provider.last.texts)
            if turn % 100 == 99:
                memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        assert len(window) == TURNS
        window.close()
        raw.close()
    assert asked >= 80
    assert kept >= 0.9 * asked
    # Seconds of this thread's own work, so that a busy machine does not count; the first sixteen turns all fit and are
    # not packed. Measured: 1.5 times without the cache planner, 1.7 to 2.1 with it; the aim is 1.5.
    assert statistics.median(spent[-100:]) <= 3 * statistics.median(spent[16:116])
    assert memory[-1] - memory[4] < 100_000  # kilobytes; 4,000 messages with vectors and index, and the provider
