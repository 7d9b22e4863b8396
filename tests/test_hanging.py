"""Embedders and rerankers that hang: the request is packed without them, and told; a window closes all the same."""

import threading

import numpy as np
import pytest

import ctxwin
from ctxwin.embed import get_embedder, vectors
from ctxwin.packing.needs import LateWarning
from ctxwin.retrieve import rerank
from ctxwin.waiting import Unanswered, in_time

TALK = [
    f"Locker {number} opens with {number * number}, as the porter of the old station told us." for number in range(40)
]
QUESTION = "What opens locker 31?"


class Waiting:
    """An embedder that answers when it is let."""

    name = "waiting"

    def __init__(self):
        self.open = threading.Event()
        self.asked = 0

    def embed(self, texts):
        self.asked += 1
        self.open.wait()
        return np.eye(8, dtype=np.float32)[[len(text) % 8 for text in texts]]


@pytest.fixture
def waiting(tmp_path, monkeypatch):
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(vectors, "SECONDS", 0.05)
    monkeypatch.setattr(vectors, "SECONDS_EACH", 0.0)
    embedder = Waiting()
    yield embedder
    embedder.open.set()


def test_a_request_is_packed_without_an_embedder_that_hangs(waiting):
    plain = ctxwin.pack(items=TALK, query=QUESTION, budget=100, embedder="none")
    with pytest.warns(LateWarning, match=r"'waiting' gave no answer for 0\.05 s.*words alone"):
        packed = ctxwin.pack(items=TALK, query=QUESTION, budget=100, embedder=waiting)
    assert packed.messages == plain.messages
    assert "opens with 961" in packed.text


@pytest.mark.filterwarnings("ignore::ctxwin.packing.needs.LateWarning")
def test_a_window_goes_on_closes_and_uses_the_embedder_again_when_it_answers(waiting, tmp_path):
    window = ctxwin.Window(budget=200, store=tmp_path / "w.db", embedder=waiting, client=lambda messages: "961.")
    for text in TALK:
        window.add(text)
    assert window.send(QUESTION).text == "961."
    assert "opens with 961" in window.last.text
    assert waiting.asked == 1  # what hangs is asked nothing more
    window.close()
    waiting.open.set()
    window = ctxwin.Window(store=tmp_path / "w.db", embedder=waiting)
    assert window.pack(QUESTION).report.embedder == "waiting"
    waiting.open.clear()
    window.add("One more.")
    window.close()


def test_an_embedder_is_left_until_it_has_answered(waiting):
    embedder = get_embedder(waiting)
    with pytest.raises(Unanswered, match="gave no answer"):
        embedder.embed(["one"])
    with pytest.raises(Unanswered, match="has not answered yet"):
        embedder.embed(["two"])
    waiting.open.set()
    embedder._left.wait()
    assert embedder.embed(["one", "two"]).shape == (2, 8)
    assert waiting.asked == 2


def test_a_request_is_packed_without_a_reranker_that_hangs(monkeypatch):
    monkeypatch.setattr(rerank, "SECONDS", 0.05)
    over = threading.Event()
    given = {"items": TALK, "query": QUESTION, "budget": 100, "embedder": "none"}
    with pytest.warns(LateWarning, match="reranker .* gave no answer"):
        packed = ctxwin.pack(**given, reranker=lambda question, texts: over.wait())
    over.set()
    assert packed.messages == ctxwin.pack(**given).messages


def test_what_others_raise_comes_through_a_timeout_of_their_own_too():
    def fail():
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine") as caught:
        in_time(fail, 5.0, "it")
    assert not isinstance(caught.value, Unanswered)
