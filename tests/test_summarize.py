"""Summaries through the whole pipeline: asked for late, checked, cached, replaced by extracts on failure."""

import asyncio

import pytest

from ctxwin import Item, apack, pack
from ctxwin.packing.needs import SummaryWarning
from ctxwin.renditions.summarize import ChatSummarizer, Summarizer, get_summarizer

LONG = "The committee met on 3 May 2024 and talked about the harbour wall at length. " * 12
ITEMS = [Item(text=LONG + f"Point {i} was adjourned.", id=f"m{i}", kind="memory") for i in range(6)]
ASK = {"query": "What did the committee say about the harbour wall?", "embedder": "none"}


class Recorder:
    """A summariser that remembers what it was asked, and answers as it is told."""

    def __init__(self, name, answer):
        self.name = name
        self.answer = answer
        self.asked = []

    def summarize(self, texts, max_tokens):
        self.asked += texts
        return [self.answer(text) for text in texts]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path))


def test_nothing_is_asked_when_everything_fits():
    recorder = Recorder("r", lambda text: "short")
    pack(items=ITEMS, budget=20_000, summarizer=recorder, **ASK)
    assert recorder.asked == []


def test_a_summary_takes_the_place_of_what_would_be_lost_and_is_kept_on_disk():
    recorder = Recorder("r", lambda text: "Harbour wall: talked about on 3 May 2024.")
    packed = pack(items=ITEMS, budget=300, summarizer=recorder, **ASK)
    assert any(one.form == "summary" for one in packed.report.shortened)
    assert "Harbour wall: talked about" in packed.text
    assert packed.tokens <= 300
    asked = len(recorder.asked)
    assert 0 < asked <= 16
    again = pack(items=ITEMS, budget=300, summarizer=recorder, **ASK)
    assert len(recorder.asked) == asked
    assert again.plan == packed.plan


@pytest.mark.parametrize(
    "answer",
    [lambda text: "", lambda text: "On 9 June 2031 they built 400 boats.", lambda text: "好的，没有问题。", lambda text: "\x00"],
    ids=["empty", "invented", "another language", "garbage"],
)
def test_a_bad_summary_is_refused(answer):
    packed = pack(items=ITEMS, budget=300, summarizer=Recorder("bad", answer), **ASK)
    plain = pack(items=ITEMS, budget=300, **ASK)
    assert all(one.form != "summary" for one in packed.report.decisions)
    assert packed.messages == plain.messages


def test_a_failing_summariser_changes_nothing_but_warns_without_the_text():
    def fail(text):
        raise RuntimeError(text)

    with pytest.warns(SummaryWarning, match="RuntimeError") as caught:
        packed = pack(items=ITEMS, budget=300, summarizer=fail, **ASK)
    assert packed.messages == pack(items=ITEMS, budget=300, **ASK).messages
    assert not any("harbour" in str(one.message) for one in caught)


def test_an_async_summariser_serves_both_drivers():
    async def shorten(text):
        await asyncio.sleep(0)
        return "Harbour wall: talked about on 3 May 2024."

    one = pack(items=ITEMS, budget=300, summarizer=shorten, **ASK)
    two = asyncio.run(apack(items=ITEMS, budget=300, summarizer=shorten, **ASK))
    assert "Harbour wall: talked about" in one.text
    assert one.messages == two.messages
    assert one.plan == two.plan


def test_a_function_and_a_chat_model_are_summarisers():
    assert isinstance(get_summarizer(str.upper), Summarizer)
    seen = []

    def complete(messages):
        seen.append(messages)
        return "short"

    chat = ChatSummarizer(complete, "model")
    assert get_summarizer(chat) is chat
    assert chat.summarize(["a", "b"], 40) == ["short", "short"]
    assert "at most 30 words" in seen[0][0]["content"]
    assert seen[1][1]["content"] == "-----\nb\n-----"
