"""Windows whose provider reports what cannot be, and windows whose turns are erased from everything."""

import json
import sqlite3
from contextlib import closing

import pytest
from processes import run
from server import Provider

import ctxwin
from ctxwin import BudgetError
from ctxwin.clients import Reply, Usage
from ctxwin.clients.anthropic import MESSAGES
from ctxwin.clients.openai import CHAT
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

    window = ctxwin.Window(budget=150, store=tmp_path / "w.db", embedder="static", summarizer=shorten)
    window.add(f"My password is {SECRET} and the lease ends in May. " + "The garden has old trees. " * 20)
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


def holding(folder):
    """Return the names of the files that hold the secret."""
    return {path.name for path in folder.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()}


def test_what_another_process_keeps_of_a_window_is_not_written_over(tmp_path):
    def opened():
        return ctxwin.Window(budget=2_000, store=tmp_path / "w.db", client=Reporting(), model="gpt-4o", embedder="none")

    one, other = opened(), opened()
    one.add(SECRET)
    one.export(tmp_path / "one.json")
    one.system("Be brief.")
    other.send("Hello.")  # keeps what it learned, and knew nothing of the export nor the prompt
    other.set_budget(3_000)
    assert other.erase(0) == (str(tmp_path / "one.json"),)
    assert holding(tmp_path) == {"one.json"}
    one.send("And now?")
    again = ctxwin.Window(store=tmp_path / "w.db", client=Reporting(), embedder="none")
    assert (again.prompt, again.budget.total) == ("Be brief.", 3_000)
    assert again.erase(1) == (str(tmp_path / "one.json"),)
    for window in (one, other, again):
        window.close()


def test_an_export_that_was_killed_is_named_where_it_has_the_turn(tmp_path):
    run(
        """
        import os, pathlib, sys
        import ctxwin
        window = ctxwin.Window(budget=500, store=sys.argv[1] + "/w.db", embedder="none")
        window.add(sys.argv[2])
        pathlib.Path.replace = lambda *_: os._exit(0)  # as if it were killed here
        window.export(sys.argv[1] + "/out.json")
        """,
        tmp_path,
        SECRET,
    )
    with ctxwin.Window(budget=500, store=tmp_path / "w.db", embedder="none") as window:
        assert window.erase(0) == (str(tmp_path / "out.json.part"),)
        assert holding(tmp_path) == {"out.json.part"}


SHORTENING = """
    import os, sys
    import ctxwin
    def shorten(text):
        return " ".join(text.split()[:25])
    window = ctxwin.Window(budget=300, store=sys.argv[1] + "/w.db", embedder="none", summarizer=shorten)
    window.add(f"My password is {sys.argv[2]} and the lease ends in May. " + "The garden has old trees. " * 60)
    for number in range(30):
        window.add(f"Note {number}: " + "the locker opens with a small brass key under the pot. " * 5)
"""


def test_a_summary_whose_writing_was_killed_goes_with_its_message(tmp_path, monkeypatch):
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path / "cache"))
    killed = """
    os.replace = lambda *_: os._exit(0)
    window.pack("What is the password of the lease?")
    """
    run(SHORTENING + killed, tmp_path, SECRET)
    assert any("cache" in path.parts for path in tmp_path.rglob("*") if path.is_file() and holding(path.parent))
    with ctxwin.Window(store=tmp_path / "w.db", embedder="none") as window:
        window.erase(0)
        assert holding(tmp_path) == set()


def test_a_summary_that_is_written_while_another_process_erases_goes_at_the_next_use(tmp_path, monkeypatch):
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path / "cache"))
    run(SHORTENING, tmp_path, SECRET)
    erasing = """
        import sys, ctxwin
        ctxwin.Window(store=sys.argv[1] + "/w.db", embedder="none").erase(0)
    """
    asked = []

    def shorten(text):
        if not asked:
            run(erasing, tmp_path)
        asked.append(text)
        return " ".join(text.split()[:25])

    with ctxwin.Window(store=tmp_path / "w.db", embedder="none", summarizer=shorten) as window:
        window.pack("What is the password of the lease?")
        assert holding(tmp_path) != set()
        window.pack("What is the password of the lease?")
        assert holding(tmp_path) == set()


def test_an_import_that_was_killed_is_gone_on_with(tmp_path):
    said = [{"role": "user", "content": f"Message {number}."} for number in range(5)]
    with ctxwin.Window(budget=500, store=tmp_path / "a.db", embedder="none", system="Be brief.") as window:
        window.add(*said)
        window.pin(1, 3)
        window.export(tmp_path / "a.json")
    killed = """
        import os, sys
        import ctxwin
        from ctxwin.store import SqliteStore
        left = [int(sys.argv[2])]
        def dying(method):
            def then(*args, **kwargs):
                left[0] -= 1
                return method(*args, **kwargs) if left[0] >= 0 else os._exit(0)
            return then
        for name in ("save_settings", "append", "mark"):
            setattr(SqliteStore, name, dying(getattr(SqliteStore, name)))
        here, writes = sys.argv[1:]
        ctxwin.Window.import_(here + "/a.json", store=f"{here}/{writes}.db", id="w", embedder="none")
    """
    for writes in range(5):
        run(killed, tmp_path, writes)
        place = tmp_path / f"{writes}.db"
        with ctxwin.Window.import_(tmp_path / "a.json", store=place, id="w", embedder="none") as window:
            assert [turn.message for turn in window.turns] == said
            assert [turn.pinned for turn in window.turns] == [False, True, False, True, False]
            assert window.prompt == "Be brief."
        with pytest.raises(InputError, match="has a window 'w' already"):
            ctxwin.Window.import_(tmp_path / "a.json", store=place, id="w")


def test_an_export_with_lone_surrogates_can_be_imported(tmp_path):
    odd = "half a pair \ud83d, whole \U0001f600, \\ud800 in letters \r\n\x85"
    with ctxwin.Window(budget=500, store=tmp_path / "a.db", embedder="none", system=odd) as window:
        window.add(odd)
        window.export(tmp_path / "a.json")
    with ctxwin.Window.import_(tmp_path / "a.json", store=tmp_path / "b.db", embedder="none") as window:
        assert window.turns[0].message["content"] == window.prompt == odd


def test_a_request_whose_message_was_erased_is_refused_and_ends_with_nobody_elses():
    window = ctxwin.Window(budget=500, embedder="none")
    window.add("Of another.")
    mine = window.sync([{"role": "user", "content": "Mine?"}])
    window.erase(1)
    with pytest.raises(InputError, match="was erased meanwhile"):
        window.pack(call=mine)
    window.leave(mine)
    assert window.pack().messages == [{"role": "user", "content": "Of another."}]


def test_a_client_is_asked_in_the_way_that_the_windows_dialect_wants(tmp_path):
    openai = pytest.importorskip("openai")
    with Provider() as provider:
        raw = openai.OpenAI(base_url=provider.openai, api_key="any", max_retries=0)
        for given in ({"dialect": "responses", "model": "gpt-4o"}, {}):  # and as it was opened
            with ctxwin.Window(store=tmp_path / "w.db", client=raw, embedder="none", **given) as window:
                assert window.send("When does the lease end?").text == "Noted."
                assert provider.last.dialect == "responses"
                assert window.dialect == "responses"
        raw.close()


@pytest.mark.parametrize("dialect", ["responses", "anthropic"])
def test_a_client_of_another_dialect_is_refused_with_the_way_out(dialect):
    way = "adapt" if dialect == "responses" else "Anthropic"
    with pytest.raises(InputError, match=rf"'openai', not '{dialect}'; give client=.*{way}\("):
        ctxwin.Window(budget=200, dialect=dialect, client=lambda messages: "ok")
    window = ctxwin.Window(model="gpt-4o", dialect=dialect, embedder="none")
    with pytest.raises(InputError, match=r"EndpointClient.*takes messages of dialect 'openai'"):
        window.send("Hello.")


@pytest.mark.parametrize("usage", ["many", 7, [], [3], {"input_tokens": "many", "output_tokens": None}], ids=repr)
def test_a_streamed_usage_of_another_form_loses_no_answer(usage):
    gather = MESSAGES.gather()
    for event in (
        {"type": "message_start", "message": {"model": "claude-sonnet-5", "usage": usage}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "In May."}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage},
    ):
        gather.feed(event)
    assert gather.done and gather.reply().text == "In May."
