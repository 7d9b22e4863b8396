"""Windows whose provider reports what cannot be, and windows whose turns are erased from everything."""

import json
import sqlite3
from contextlib import closing

import pytest

import ctxwin
from ctxwin import BudgetError
from ctxwin.clients import Reply, Usage
from ctxwin.clients.chat import CHAT
from ctxwin.errors import InputError
from ctxwin.store import MemoryStore, SqliteStore, UsageRecord

SECRET = "ZEBRAQUARTZ7731"
ODD = [10**30, -5, 0, True, float("nan"), 1e300, "many", None, [3], 2_000_000]


def answer(reported):
    return {
        "id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ok"}}],
        "usage": {"prompt_tokens": reported, "completion_tokens": reported, "total_tokens": reported},
    }  # fmt: skip


class Reporting:
    """A client of chat completions that reports what it is told to, or a count with so much more."""

    dialect, is_async = "openai", False

    def __init__(self, *reported, more=None):
        self.reported, self.more = list(reported), more

    def send(self, body):
        if self.more is not None:
            return answer(ctxwin.count_tokens(body["messages"], model="gpt-4o").tokens + self.more)
        return answer(self.reported.pop(0) if self.reported else None)

    def read(self, response):
        return CHAT.read(response)

    def gather(self):
        raise NotImplementedError


@pytest.mark.parametrize("store", [MemoryStore, SqliteStore])
@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_no_report_closes_a_window(tmp_path, store, odd):
    place = store(*([tmp_path / "w.db"] if store is SqliteStore else []))
    for _ in range(2):  # and opened again
        window = ctxwin.Window(budget=2_000, store=place, client=Reporting(*[odd] * 6), model="gpt-4o", embedder="none")
        for number in range(6):
            window.send(f"Message {number} about the lease.")
            assert window.last.report.limit >= 1_000
            assert 0 <= window.records[-1].input <= 10**9
        window.usage  # noqa: B018  # adds up


def test_a_window_that_the_first_version_closed_opens_again(tmp_path):
    place = tmp_path / "w.db"
    window = ctxwin.Window(budget=8_000, store=place, client=Reporting(), model="gpt-4o", embedder="none")
    window.send("Hello.")
    window.close()
    # What 0.1.0 kept after one report of 17,000 tokens for a request of 8,000; packing had a limit of 1.
    closed = {
        "form": 1, "base": "o200k_base", "replies": 1, "ratios": [5_000] * 6, "constant": 9_000, "worst": 1.0,
        "information": [[1.0] * 7] * 7, "moments": [1.0] * 7,
        "anchor": {"reported": 17_000, "fixed": 7, "shares": [1.0] * 6, "sizes": [["k", 10]]},
    }  # fmt: skip
    with closing(sqlite3.connect(place)) as file:
        file.execute("UPDATE windows SET state = ?, state_crc = NULL", (json.dumps({"calibration": closed}),))
        file.commit()
    window = ctxwin.Window(store=place, client=Reporting(), model="gpt-4o", embedder="none")
    assert window.send("And now?").text == "ok"
    assert window.last.report.limit == 8_000
    window.close()


@pytest.mark.parametrize("damaged", [{"form": 2}, [], {"form": 2, "ratios": "none"}, {"anchor": 3}])
def test_a_damaged_calibration_is_begun_anew(damaged):
    store = MemoryStore()
    window = ctxwin.Window(budget=800, store=store, client=Reporting(), model="gpt-4o", embedder="none")
    store.save_settings("default", type(store.settings("default"))(model="gpt-4o", state={"calibration": damaged}))
    window = ctxwin.Window(budget=800, store=store, client=Reporting(), model="gpt-4o", embedder="none")
    assert window.send("Hello.").text == "ok"


def test_what_must_stay_and_fits_by_the_tokenizer_is_sent_whatever_was_reported():
    """A pin of two thirds of the budget, after reports that leave half of it."""
    window = ctxwin.Window(budget=2_000, client=Reporting(more=9_000), model="gpt-4o", embedder="none")
    for number in range(4):
        window.send(f"Message {number}.")
    assert window.pack().report.limit == 1_000
    window.pin(window.add("The lease ends in May. " * 220))
    assert window.send("When does it end?").text == "ok"
    assert 1_300 < window.last.tokens <= 2_000
    window.pin(window.add("The lease ends in May. " * 220))
    with pytest.raises(BudgetError):
        window.send("When does it end?")


def test_a_store_refuses_numbers_that_it_cannot_keep(tmp_path):
    with closing(SqliteStore(tmp_path / "w.db")) as store:
        with pytest.raises(InputError, match="64 bits"):
            store.record_usage("w", UsageRecord(input=10**30))
        assert store.usage("w") == []


def test_erasing_takes_everything_that_was_made_of_a_turn_and_names_exports(tmp_path, monkeypatch):
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path / "cache"))
    asked = []

    def shorten(text):
        asked.append(text)
        return " ".join(text.split()[:25])

    window = ctxwin.Window(budget=300, store=tmp_path / "w.db", embedder="static", summarizer=shorten)
    window.add(f"My password is {SECRET} and the lease ends in May. " + "The garden has old trees. " * 60)
    for number in range(30):
        window.add(f"Note {number}: " + "the locker opens with a small brass key under the pot. " * 5)
    window.pack("What is the password of the lease?")
    assert any(SECRET in text for text in asked)
    window.export(tmp_path / "one.json")
    gone = tmp_path / "gone.json"
    window.export(gone)
    gone.unlink()

    def holding():
        return {
            path.name
            for path in tmp_path.rglob("*")
            if path.is_file() and (SECRET.encode() in (data := path.read_bytes()) or SECRET.lower().encode() in data)
        }

    assert len(holding()) >= 3  # the store or its log, a summary, the export
    assert window.erase(0) == (str(tmp_path / "one.json"),)
    assert holding() == {"one.json"}
    window.pack("What is the password of the lease?")
    assert holding() == {"one.json"}
    window.close()
    assert holding() == {"one.json"}


def test_record_without_a_call_answers_what_was_packed_last():
    window = ctxwin.Window(budget=500, embedder="none")
    window.add("Hello.")
    window.pack()
    window.record(
        Reply(messages=({"role": "assistant", "content": "Hi."},), text="Hi.", usage=Usage(input=9, output=2))
    )
    assert [turn.message["content"] for turn in window.turns] == ["Hello.", "Hi."]
    assert window.records[0].position == 1


@pytest.mark.parametrize("query", [[{"type": "text", "text": "hi"}], 3, b"hi"])
@pytest.mark.parametrize("model", [None, "claude-sonnet-4-5"])
def test_a_query_that_is_no_text_is_named(query, model, tmp_path):
    window = ctxwin.Window(budget=200, model=model)
    window.add({"role": "user", "content": "When does the lease end?"})
    (tmp_path / "a.py").write_text("def lease():\n    return 2031\n")
    for ask in (window.pack, window.explain, ctxwin.Files(str(tmp_path)).map):
        with pytest.raises(InputError, match=f"a query is a string, not {type(query).__name__}"):
            ask(query)
