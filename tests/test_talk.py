"""A talk that grows is packed as the list of its messages is."""

import asyncio
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import BUDGETS, EMBEDDERS, LOGS, law, tried

from ctxwin import Item, Pool, apack, check, pack
from ctxwin.errors import InputError, MessageError
from ctxwin.evaluate.baselines import greedy, summary
from ctxwin.messages import Transcript, read
from ctxwin.packing import Talk
from ctxwin.tokens import get_tokenizer

STRATEGIES = st.sampled_from(["auto", greedy, "relevance", "recency", summary])


class Toy:
    """An embedder that counts what it is asked: letters of the alphabet as dimensions."""

    name = "toy of a talk"

    def __init__(self):
        self.texts = []

    def embed(self, texts):
        self.texts += texts
        matrix = np.array([[text.lower().count(chr(97 + i)) for i in range(26)] for text in texts], np.float32) + 0.01
        return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def user(text):
    return {"role": "user", "content": text}


def call(name):
    function = {"name": "look", "arguments": "{}"}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": name, "type": "function", "function": function}],
    }


def result(name, text="found"):
    return {"role": "tool", "tool_call_id": name, "content": text}


def notes(count, start=0):
    return [user(f"Note {n}: locker {n} opens with {n * 7919 % 9000 + 1000}.") for n in range(start, start + count)]


def parted(log):
    """Split a log into what a talk begins with and the messages that it grows by."""
    if isinstance(log, list):
        return (), log
    key = "messages" if "messages" in log else "input"
    return ({**log, key: []}, log[key]) if isinstance(log[key], list) else (log, [])


def put_together(log, messages):
    """Return a log with other messages."""
    if isinstance(log, list):
        return messages
    return {**log, "messages" if "messages" in log else "input": messages}


def outcome(log, **options):
    """Return all that a request says, or the words of the error."""
    packed = tried(log, **options)
    if isinstance(packed, Exception):
        return str(packed)
    return packed.messages, packed.plan.to_json(), packed.tokens, packed.report.decisions


@law
@given(LOGS, st.data())
def test_a_conversation_that_grew_is_the_one_that_is_read_at_once(log, data):
    begin, rest = parted(log)
    transcript = Transcript(begin)
    while rest:
        count = data.draw(st.integers(1, len(rest)))
        transcript.extend(rest[:count])
        rest = rest[count:]
    assert transcript.conversation == read(log)


@law
@given(LOGS, BUDGETS, STRATEGIES, EMBEDDERS, st.data())
def test_a_talk_that_grew_is_packed_as_the_list_of_its_messages(log, budget, strategy, embedder, data):
    begin, rest = parted(log)
    talk = Talk(begin)
    for place, message in enumerate(rest):
        talk.extend([message])
        if data.draw(st.integers(0, 3)) == 0:  # what is packed on the way leaves no trace
            outcome(talk, budget=budget, strategy=data.draw(STRATEGIES), embedder=data.draw(EMBEDDERS))
        if place == len(rest) - 1 or data.draw(st.integers(0, 5)) == 0:
            so_far = put_together(log, rest[: place + 1])
            pins = data.draw(st.sets(st.integers(0, place), max_size=2))
            options = {"budget": budget, "strategy": strategy, "embedder": embedder}
            ahead = len(read(so_far).items) - place - 1  # a system prompt outside the messages is the first of the list
            fresh = outcome(so_far, pins={pin + ahead for pin in pins}, **options)
            assert outcome(talk, pins=pins, **options) == fresh


@law
@given(LOGS, BUDGETS, st.data())
def test_what_is_forgotten_is_as_if_it_were_not_in_the_list(log, budget, data):
    begin, rest = parted(log)
    talk = Talk(begin)
    for message in rest:
        talk.extend([message])
        if data.draw(st.integers(0, 4)) == 0:
            talk.forget(data.draw(st.integers(0, len(talk) - 1)))
        if talk.forgotten and data.draw(st.integers(0, 9)) == 0:
            talk.unforget(min(talk.forgotten))
        if data.draw(st.integers(0, 3)) == 0:
            outcome(talk, budget=budget)
    there = {item.id for item in talk.snapshot().conversation.items}
    kept = [Item(text="", id=item.id, raw=item.raw) for item in talk.items if item.id in there]
    for position in talk.forgotten:
        assert talk.items[position].id not in there
    if rest and kept:  # what tells the dialect may be among what is forgotten
        fresh = Talk(put_together(log, kept), dialect=talk.dialect)
        assert outcome(talk, budget=budget) == outcome(fresh, budget=budget)


def test_with_vectors_a_grown_talk_is_packed_as_the_list_and_each_text_is_embedded_once(tmp_path, monkeypatch):
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path))
    chance = random.Random(5)
    words = ["harbour", "lease", "invoice", "window", "bridge", "garden", "meeting", "ticket", "budget", "recipe"]
    log = []
    for n in range(120):
        if n % 11 == 5:
            log += [call(f"c{n}"), result(f"c{n}", " ".join(chance.choices(words, k=30)))]
        log.append({"role": ("user", "assistant")[n % 2], "content": " ".join(chance.choices(words, k=9)) + f" {n}."})
    toy, talk = Toy(), Talk()
    for place, message in enumerate(log):
        talk.extend([message])
        if place % 10 == 0 or place == len(log) - 1:
            grown = pack(talk, budget=400, embedder=toy)
            fresh = pack(log[: place + 1], budget=400, embedder=Toy())
            assert (grown.messages, grown.plan.to_json()) == (fresh.messages, fresh.plan.to_json())
    assert len(toy.texts) == len(set(toy.texts))


class Counting:
    """A tokenizer that remembers what it was asked."""

    name, error = "counting", 0.0

    def __init__(self):
        self.texts = []

    def count_many(self, texts):
        self.texts += texts
        return get_tokenizer("o200k_base").count_many(texts)


def test_counts_and_vectors_that_are_known_are_not_made_again(tmp_path, monkeypatch):
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path))
    log, question = notes(300), user("What opens locker 137?")
    known, toy = Talk(log), Toy()
    counting = get_tokenizer(asked := Counting())
    counts = known.counts("o200k_base")
    matrix = toy.embed(known.pool.index.texts_to_embed)
    talk = Talk(log)
    talk.set_counts(counts, counting)
    talk.pool.embedded(toy.name, np.arange(len(log)), matrix)
    toy.texts.clear()
    talk.extend([question])
    packed = pack(talk, budget=300, embedder=toy, tokenizer=counting)
    assert toy.texts == [question["content"]]
    assert len(asked.texts) < 100
    assert packed.messages == pack([*log, question], budget=300, embedder=toy, tokenizer="o200k_base").messages


def test_what_is_prepared_is_not_made_by_the_packing(tmp_path, monkeypatch):
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path))
    toy, counting = Toy(), get_tokenizer(asked := Counting())
    talk = Talk([{"role": "system", "content": "Be brief."}, *notes(200)])
    talk.prepare(tokenizer=counting, embedder=toy)
    talk.read_ahead()
    assert len(toy.texts) == 200  # what always stays is not judged
    toy.texts.clear()
    asked.texts.clear()
    talk.extend([user("What opens locker 137?")])
    pack(talk, budget=300, embedder=toy, tokenizer=counting)
    assert toy.texts == ["What opens locker 137?"]
    assert len(asked.texts) < 100


def test_a_message_that_is_refused_leaves_the_talk_as_it_was():
    talk = Talk([user("Look."), call("a")])
    before = talk.snapshot().conversation
    for wrong in ([result("a"), result("b")], [user("Hm."), {"role": "wizard", "content": "?"}], [user("x"), 5]):
        with pytest.raises(MessageError, match=r"^message 3: "):
            talk.extend(wrong)
        assert talk.snapshot().conversation == before
    with pytest.raises(MessageError, match="give the list of them"):
        talk.extend({"messages": [user("x")]})
    talk.extend([result("a")])
    assert talk.snapshot().conversation == read([user("Look."), call("a"), result("a")])


def test_the_first_message_that_tells_the_dialect_makes_all_be_read_anew():
    use = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "look", "input": {}}]}
    answer = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "found"}]}
    talk = Talk(notes(3))
    talk.system = "Be brief."
    assert talk.dialect == "openai"
    assert pack(talk, budget=500, embedder="none").messages[0] == {"role": "system", "content": "Be brief."}
    talk.extend([use, answer])
    assert talk.dialect == "anthropic"
    assert pack(talk, budget=500, embedder="none").messages == {
        "messages": [*notes(3), use, answer],
        "system": "Be brief.",
    }
    with pytest.raises(MessageError, match=r"message 5: .*role 'tool'"):
        talk.extend([result("t1")])


@pytest.mark.parametrize(
    ("dialect", "key", "outside"),
    [("openai", "messages", None), ("anthropic", "messages", "system"), ("responses", "input", "instructions")],
)
def test_the_system_prompt_apart_changes_without_reading_anything_anew(dialect, key, outside):
    talk = Talk(notes(40), dialect=dialect)
    for content in ("Be brief.", "Be kind.", None, "Be both."):
        talk.system = content
        assert talk.system == content
        packed = pack(talk, "What opens locker 7?", 120, embedder="none", tokenizer="o200k_base")
        raws = packed.messages if isinstance(packed.messages, list) else packed.messages[key]
        assert packed.tokens <= 120
        assert not check(packed.messages, dialect=dialect)
        if outside and content:
            assert packed.messages[outside] == content
        assert (raws[0] == {"role": "system", "content": content}) == (content is not None and outside is None)
        body = {outside: content, key: notes(40)} if outside and content else notes(40)
        if content and outside is None:
            body = [{"role": "system", "content": content}, *body]
        fresh = pack(read_as(body, dialect), "What opens locker 7?", 120, embedder="none", tokenizer="o200k_base")
        assert packed.messages == fresh.messages


def read_as(body, dialect):
    return Talk(body, dialect=dialect)


def test_pins_are_positions_in_the_talk_or_ids():
    talk = Talk(notes(80))
    talk.system = "Be brief."
    talk.forget(3, 5)
    packed = pack(talk, "What opens locker 70?", 160, embedder="none", pins=[4, "m9", -71, 5])
    for n in (4, 9):
        assert notes(1, n)[0] in packed.messages
    assert notes(1, 5)[0] not in packed.messages  # what is forgotten stays out
    with pytest.raises(InputError, match="outside the 80 items"):
        pack(talk, "What?", 160, embedder="none", pins=[80])
    with pytest.raises(InputError, match="no message 80 of 80"):
        talk.forget(80)


def test_a_forgotten_call_takes_its_results_along_and_comes_back_with_them():
    log = [user("Look."), call("a"), result("a"), {"role": "assistant", "content": "Found."}, user("Again."), call("b")]
    talk = Talk(log)
    talk.forget(1, 5)
    talk.extend([result("b"), {"role": "assistant", "content": "Found again."}, user("Thanks.")])
    everything = [*log, result("b"), {"role": "assistant", "content": "Found again."}, user("Thanks.")]
    there = [message for place, message in enumerate(everything) if place not in (1, 2, 5, 6)]
    assert pack(talk, budget=900, embedder="none").messages == there
    talk.unforget(1)
    assert talk.forgotten == {5}
    assert call("a") in pack(talk, budget=900, embedder="none").messages


def test_an_item_gives_its_message_an_id_a_time_and_a_pin():
    items = [
        Item(text="", id=f"turn {n}", raw=message, time=f"2024-05-{n + 1:02}", pinned=n == 2)
        for n, message in enumerate(notes(20))
    ]
    packed = pack(Talk(items), "What opens locker 9?", 130, embedder="none")
    assert notes(1, 2)[0] in packed.messages
    assert ("turn 9", "full") in packed.plan.choices
    assert Talk(items).items[4].when.day == 5


def test_a_document_among_the_messages_stays_one_message():
    document = Item(text="# Boats\n\n" + "Boats are cheap. " * 900, kind="document", role="user")
    packed = pack([document, *notes(20), user("Are boats cheap?")], budget=300, embedder="none")
    assert packed.tokens <= 300
    assert [decision.position for decision in packed.report.decisions] == list(range(22))


def test_files_items_and_questions_go_with_a_talk(tmp_path):
    (tmp_path / "boats.md").write_text("# Boats\n\nThe ferry leaves at nine.\n", encoding="utf-8")
    talk, pool = Talk(notes(60)), Pool(["The cat is called Miso."] * 1)
    options = {"files": str(tmp_path / "boats.md"), "items": pool, "budget": 150, "embedder": "none"}
    for query in (None, "When does the ferry leave?", "Who is Miso?"):
        assert pack(talk, query, **options).messages == pack(notes(60), query, **options).messages


def test_a_plan_is_repacked_from_what_the_talk_was():
    talk, log = Talk(notes(100)), notes(100)
    packed = pack(talk, "What opens locker 31?", 90, embedder="none")
    talk.extend(notes(50, 500))
    talk.forget(31)
    again = packed.plan.repack(budget=300)
    assert again.messages == pack(log, "What opens locker 31?", 300, embedder="none").messages
    claude = packed.plan.repack(model="claude-opus-5", budget=300)
    assert claude.plan.tokenizer != packed.plan.tokenizer


def test_a_talk_is_packed_in_an_event_loop():
    talk = Talk(notes(100))

    async def both():
        return await asyncio.gather(*(apack(talk, f"What opens locker {n}?", 90, embedder="none") for n in (3, 77)))

    for n, packed in zip((3, 77), asyncio.run(both()), strict=True):
        assert packed.messages == pack(notes(100), f"What opens locker {n}?", 90, embedder="none").messages


def test_threads_pack_one_talk_while_another_extends_it(tmp_path, monkeypatch):
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path))
    total, talk, done = 260, Talk(notes(20)), threading.Event()
    question = "What opens locker 13?"

    def grow():
        for n in range(20, total):
            talk.extend(notes(1, n))
            if n % 40 == 0:
                talk.system = f"It is turn {n}."
        done.set()

    def ask():
        found = []
        while not done.is_set() or not found:
            found.append(pack(talk, question, 200, embedder=Toy(), tokenizer="o200k_base"))
        return found

    with ThreadPoolExecutor(3) as threads:
        asking = [threads.submit(ask) for _ in range(2)]
        threads.submit(grow).result()
        found = [packed for one in asking for packed in one.result()]
    assert len(talk) == total
    for packed in found[:: max(1, len(found) // 12)]:
        seen = [decision for decision in packed.report.decisions if decision.id != "system"]
        log = (
            [{"role": "system", "content": packed.messages[0]["content"]}]
            if len(packed.report.decisions) > len(seen)
            else []
        )
        fresh = pack([*log, *notes(len(seen))], question, 200, embedder=Toy(), tokenizer="o200k_base")
        assert packed.messages == fresh.messages


def test_messages_in_one_script_compete_with_items_in_two():
    items = [f"流浪地球是一部科幻电影。第{n}页。" for n in range(20)] + [
        f"The film is long, says page {n}." for n in range(20)
    ]
    packed = pack(notes(60), "What opens locker 31?", 300, items=items)
    assert packed.tokens <= 300
    assert "locker 31 opens with" in packed.text
