"""The measure of facts: kinds, rounds, and the ways of other packages on a small talk."""

from __future__ import annotations

from typing import Any

import pytest
import summarisers
from measure_facts import Compacted, Result, by_ctxwin, facts_in, in_substance, interval, run, table

from ctxwin.evaluate.score import request_text, request_tokens
from ctxwin.retrieve.words.lexical import tokenize


def said(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "content": text}


def chatter(size: int) -> list[dict[str, Any]]:
    return [
        said("assistant" if n % 2 else "user", f"Story {n}: the tram was late and the hall was cold all evening again.")
        for n in range(size)
    ]


SAID = "The kiln may draw at most 4150 watts until 3 March 2031, start it with `kiln run --slow`."
SESSION = {
    "id": "kiln",
    "messages": [said("user", SAID), *chatter(99)[1:], said("user", "Thanks.")],
    "planted": [{"kind": "limit", "text": SAID, "stale": None}],
}
FACTS = {"4150": "number", "3 March 2031": "date", "kiln run --slow": "command"}


def test_facts_have_kinds() -> None:
    assert facts_in(SAID) == FACTS
    assert facts_in("See /srv/kiln/log.txt, order KX-2291-B, 2031-03-04.") == {
        "/srv/kiln/log.txt": "path",
        "KX-2291-B": "identifier",
        "2031-03-04": "date",
    }


def test_what_is_planted_counts_word_for_word_by_fact_and_in_substance() -> None:
    whole = run(lambda system, new, budget: SESSION["messages"], "all", "standing", SESSION)
    assert whole.there == whole.used == {"number": 1, "date": 1, "command": 1, "word for word": 1, "in substance": 1}
    assert whole.over == whole.rounds == 5
    other = [said("user", "At most 4150 watts may the kiln draw until 3 March 2031; start: kiln run slow")]
    left = run(lambda system, new, budget: other, "other", "standing", SESSION)
    assert left.there == {"number": 1, "date": 1, "command": 0, "word for word": 0, "in substance": 1}
    assert not in_substance(SAID, [frozenset(tokenize("The kiln is slow until March."))])


def test_facts_that_the_assistant_uses_later_count_after_each_round() -> None:
    messages = [
        said("system", "Be kind. Ask 7777."),
        said("user", "Ticket TK4417 and 7777 and 9001."),
        *chatter(98)[1:],
    ]
    messages += [said("assistant", "I close TK4417 and 7777.")]
    session = {"id": "ticket", "messages": messages}
    nothing = run(lambda system, new, budget: [*system, new[-1]], "none", "transcripts", session)
    assert nothing.used == {"identifier": 4}
    assert nothing.there == {"identifier": 0}
    ours = run(Compacted(by_ctxwin), "ctxwin", "transcripts", session)
    assert ours.there == {"identifier": 4}
    assert not (ours.over or ours.faults or ours.refused)


def test_a_table_names_kinds_numbers_and_intervals() -> None:
    results = [
        Result(way="a", set="transcripts", id=str(n), used={"number": 2}, there={"number": n % 3}, rounds=4)
        for n in range(9)
    ]
    lines = list(table(results, "transcripts"))
    assert "number (18)" in lines[1]
    assert lines[2].split()[:3] == ["a", "(9)", "50.0"]
    low, high = interval([2] * 9, [n % 3 for n in range(9)])
    assert 0 <= low < 50 < high <= 100


def test_what_is_crushed_fits_and_the_newest_stays() -> None:
    pytest.importorskip("headroom")
    way, budget = summarisers.Headroom(), 200
    system = [said("system", "Be kind.")]
    for number in range(3):
        new = [said("user", f"The {number}th code is {number}417."), *chatter(40)[1:]]
        left = way(system, new, budget)
        assert request_tokens(left) <= budget + request_tokens(system)
        assert list(left[-1].items()) == list(new[-1].items())


@pytest.mark.parametrize("name", ["langchain", "langmem"])
def test_a_summary_stands_before_the_newest_messages(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    pytest.importorskip("langmem" if name == "langmem" else "langchain")
    asked: list[dict[str, Any]] = []

    class Model:
        def send(self, body: dict[str, Any]) -> dict[str, Any]:
            asked.append(body)
            return {"choices": [{"message": {"content": "They spoke of trams."}}]}

    monkeypatch.setattr(summarisers, "local", Model)
    way, system = summarisers.SUMMARISERS[name](), [said("system", "Be kind.")]
    for number in range(2):
        new = chatter(60 + number)
        left = way(system, new, 300)
        assert [one["role"] for one in left].count("system") == (2 if name == "langmem" else 1)
        assert left[0] == system[0]
        assert "They spoke of trams." in request_text(left[:2])
        assert left[-1]["content"] == new[-1]["content"]
        assert request_tokens(left) <= 300 + request_tokens(system)
    assert len(asked) == 2
    assert all("Copy every number" in str(body["messages"]) for body in asked)
    assert all(body["max_tokens"] <= 200 for body in asked)
