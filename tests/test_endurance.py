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
FITTING, LAST = 16, 100
"""User's messages of a new chat that all fit, so that nothing is packed; and those at the end that are timed."""
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


class Chat:
    """A chat through a wrapped client, with the provider's answers and what was noted of its turns."""

    def __init__(self, provider, material, store):
        self._provider, self._material = provider, material
        self._answers = iter(material[1::2] * 9)
        self.window = ctxwin.Window(model="gpt-4o", budget=BUDGET, store=store, embedder="static")
        self._raw = openai.OpenAI(base_url=provider.openai, api_key="any", max_retries=0)
        self._client = ctxwin.wrap(self._raw, window=self.window)
        self.asked = self.kept = 0

    def turn(self, turn):
        """Have one turn, and return the seconds of this thread's own work, so that others' do not count."""
        text, fact = said(self._material, turn)
        self._provider.respond = lambda request: next(self._answers)
        began = time.thread_time()
        self._client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": text}])
        spent = time.thread_time() - began
        assert self._provider.last.tokens <= BUDGET
        if fact is not None:
            self.asked += 1
            self.kept += any(fact in one for one in self._provider.last.texts)
        return spent

    def close(self):
        self.window.close()
        self._raw.close()


@pytest.mark.slow
def test_five_thousand_turns_stay_quick_small_and_within_budget(material, tmp_path):
    memory, first, last = [], [], []
    with Provider(keep=1) as provider:
        chat = Chat(provider, material, tmp_path / "chat.db")
        for turn in range(TURNS // 2 - LAST):
            chat.turn(turn)
            if turn % 100 == 99:
                memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        # Its last turns and the first of a new chat by turns, so that what else the machine does weighs on both alike.
        new = Chat(provider, material, tmp_path / "new.db")
        for turn in range(FITTING):
            new.turn(turn)
        for turn in range(LAST):
            last.append(chat.turn(TURNS // 2 - LAST + turn))
            first.append(new.turn(FITTING + turn))
        assert len(chat.window) == TURNS
        chat.close()
        new.close()
    assert chat.asked >= 80
    assert chat.kept >= 0.9 * chat.asked
    assert memory[-1] - memory[4] < 100_000  # kilobytes; 4,000 messages with vectors and index, and the provider
    # Measured: 1.43 on an idle machine, 1.41 to 1.49 in five runs beside other work; the aim is 1.5, the rest is slack.
    assert statistics.median(last) <= 1.75 * statistics.median(first)
