"""The measures of what stands: each tool on a small input, with the faults that it has to see."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import measure_kept
import measure_kit
import measure_standing
import pytest
from compaction_kit.corpus import build_random_session
from measure_standing import faults, newest_first, recent_due, request_tokens, run

RULE = "Please never phone the Ostrava depot before seven."
OLD, NEW = "The gate code of the depot is 4417.", "The gate code of the depot is 9052 now."


def said(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "content": text}


def chatter(size: int) -> list[dict[str, Any]]:
    return [
        said("assistant" if n % 2 else "user", f"Story {n}: the ferry was slow and the sea was grey all {n} hours.")
        for n in range(size)
    ]


SESSION = {
    "id": "depot",
    "messages": [said("user", RULE), *chatter(41), said("user", OLD), *chatter(22)[1:], said("user", NEW), *chatter(9)],
    "planted": [
        {"kind": "rule", "text": RULE, "stale": None},
        {"kind": "fact", "text": NEW, "stale": OLD},
    ],
}


def only(*texts: str) -> measure_standing.Compaction:
    return lambda messages, budget: [said("user", text) for text in texts]


def test_what_is_left_counts_word_for_word_whatever_its_first_word_and_mark() -> None:
    kept = only("RULES: please NEVER phone the  Ostrava depot before seven", NEW)
    left = run(SESSION, 0.3, kept, checked=False)
    assert left.survived == {"rule": [True], "fact": [True]}
    left = run(SESSION, 0.3, only("Never phone the Brno depot before seven."), checked=False)
    assert left.survived == {"rule": [False], "fact": [False]}
    assert left.lost == [("rule", RULE), ("fact", NEW)]


@pytest.mark.parametrize(("texts", "alone", "beside"), [((OLD,), 1, 0), ((OLD, NEW), 0, 1), ((NEW,), 0, 0)])
def test_a_stale_sentence_is_counted_alone_and_beside_the_newer_one(
    texts: Sequence[str], alone: int, beside: int
) -> None:
    last = {**SESSION, "messages": [*chatter(60), said("user", "Thanks.")]}
    left = run(last, 0.3, only(*texts), checked=False)
    assert (left.stale_alone, left.stale_beside) == (alone, beside)


def test_over_the_budget_nothing_survives() -> None:
    left = run(SESSION, 0.3, lambda messages, budget: messages, checked=True)
    assert left.share == 0.0
    assert any(fault.endswith(f"of {int(request_tokens(SESSION['messages']) * 0.3)}") for fault in left.faults)


def test_newest_first_keeps_the_newest() -> None:
    messages = chatter(20)
    kept = newest_first(messages, 100)
    assert list(kept) == messages[-len(kept) :]
    assert request_tokens(kept) <= 100 < request_tokens(messages[-len(kept) - 1 :])


def wrong(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], budget: int = 120) -> list[str]:
    return list(faults(before, after, budget, 0.1))


def test_a_sound_compaction_has_no_fault() -> None:
    messages = chatter(21)
    assert wrong(messages, messages[-3:]) == []


def test_each_fault_of_a_compaction_is_seen() -> None:
    messages = chatter(21)
    assert recent_due(messages, 120) == 1
    assert wrong(messages, messages) == [f"{request_tokens(messages)} tokens of 120"]
    assert wrong(messages, []) == [
        "check: not_empty",
        "the last user message is not whole",
        "0 of the newest 1 messages that a third of the budget holds",
    ]
    assert wrong(messages, [said("user", "Story 20")])[0] == "the last user message is not whole"
    orphan = [{"role": "tool", "tool_call_id": "c1", "content": "3"}, messages[-1]]
    assert wrong(messages, orphan) == ["check: results_follow_calls"]


def test_a_long_last_message_may_be_shortened_but_not_be_gone() -> None:
    long = said("user", "The pump is loud. " * 30 + "Which bearing fits the pump?")
    before = [*chatter(20), long]
    assert wrong(before, [said("user", "The pump is loud. [...] Which bearing fits the pump?")]) == []
    assert wrong(before, [said("user", "Thanks.")]) == ["the last user message is not even there in part"]


def test_results_are_due_with_their_call_alone() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "read", "arguments": "{}"}}
    turn = [
        {"role": "assistant", "content": "word " * 200, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "3"},
    ]
    assert recent_due([*chatter(4), *turn, said("user", "Go on.")], 120) == 1


def written(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("\n".join(json.dumps(row) for row in rows).encode()))
    return path


def test_measure_standing_on_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "talk.jsonl.gz", [SESSION])
    monkeypatch.setattr(sys, "argv", ["measure_standing.py", "--sessions", str(path), "--shares", "0.2"])
    assert measure_standing.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].split()[:5] == ["20%", "newest", "first", "50.0", "[50.0,"]
    assert lines[-1].split()[:4] == ["20%", "ctxwin", "100.0", "[100.0,"]
    assert lines[-1].endswith("stale alone 0, beside 0")


@pytest.mark.parametrize("tool", [measure_standing, measure_kept])
def test_absent_data_are_named_and_nothing_fails(
    tool: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [tool.__name__, str(tmp_path)])
    assert tool.main() == 0
    assert "nothing measured" in capsys.readouterr().out


def test_measure_kept_says_what_stands_in_a_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    messages = [*chatter(30), said("user", RULE)]
    units = [
        {"source": "a", "uid": str(n), "order": n, "role": one["role"], "text": one["content"]}
        for n, one in enumerate(messages)
    ]
    written(tmp_path / "memorybank_en" / "units.jsonl.gz", units)
    (tmp_path / "memorybank_en" / "queries.jsonl").write_text("")
    monkeypatch.setattr(sys, "argv", ["measure_kept.py", str(tmp_path)])
    assert measure_kept.main() == 0
    shown = capsys.readouterr().out
    assert "\n1 conversations" in shown
    entry = next(one for one in measure_kept.kept("a", measure_kept.read(messages).items).entries if one.text == RULE)
    assert f"rule, user, {entry.strength:.2f}, memorybank_en a, 30\n   {RULE}\n" in shown


def test_the_draw_is_the_same_for_a_seed_and_has_no_entry_twice() -> None:
    texts = [said("user", f"Never ring flat {n} before {n} o'clock, the code is K-{n}77.") for n in range(1, 9)]
    found = [measure_kept.kept(name, measure_kept.read(texts).items) for name in ("a", "b")]
    drawn = measure_kept.draw(found, 10, seed=3)
    assert drawn == measure_kept.draw(found, 10, seed=3) != measure_kept.draw(found, 10, seed=4)
    assert len({(name, one.source, one.text) for name, one in drawn}) == len(drawn) == 10


def test_the_print_of_a_round_is_read_back() -> None:
    messages = [said("system", "Be brief."), said("user", "Two\nlines [user] here"), said("assistant", "")]
    printed = type("Printed", (), {"role": "system", "text": measure_kit.text_of(messages)})
    assert measure_kit.messages_of([printed()]) == messages


@pytest.mark.parametrize("share", measure_kit.BUDGETS)
def test_the_adapter_keeps_the_budget_of_the_kit_in_characters(share: float) -> None:
    turns = build_random_session(7)[0].transcript()
    characters = int(len(measure_kit.text_of(measure_kit.messages_of(turns))) * share)
    text = measure_kit.Compacts().compact(turns, budget_chars=characters).text
    assert 0.8 * characters < len(text) <= characters
    assert text.startswith(f"[system] {turns[0].text}\n")
