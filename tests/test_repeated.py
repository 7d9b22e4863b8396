"""A newer result of the same call replaces the older one, and never an error that differs."""

from __future__ import annotations

import json
from time import process_time
from typing import Any, Literal

import pytest

from ctxwin import compact, pack
from ctxwin.messages import check, older_results, read

Dialect = Literal["openai", "responses", "anthropic"]
DIALECTS: tuple[Dialect, ...] = ("openai", "responses", "anthropic")
PAGE = "".join(f"Row {n} of the plan names valve {n}. " for n in range(40))


def turn(dialect: Dialect, n: int, name: str, arguments: str, result: str) -> list[dict[str, Any]]:
    """Return a call with its result."""
    made = f"call_{n}"
    if dialect == "openai":
        call = {"id": made, "type": "function", "function": {"name": name, "arguments": arguments}}
        return [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": made, "content": result},
        ]
    if dialect == "responses":
        return [
            {"type": "function_call", "call_id": made, "name": name, "arguments": arguments},
            {"type": "function_call_output", "call_id": made, "output": result},
        ]
    use = {"type": "tool_use", "id": made, "name": name, "input": json.loads(arguments)}
    answer = {"type": "tool_result", "tool_use_id": made, "content": result}
    return [{"role": "assistant", "content": [use]}, {"role": "user", "content": [answer]}]


def talk(dialect: Dialect, *turns: tuple[str, str, str]) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = [{"role": "user", "content": "Watch the valves."}]
    for n, (name, arguments, result) in enumerate(turns):
        out += turn(dialect, n, name, arguments, result)
    return out


def replaced(dialect: Dialect, *turns: tuple[str, str, str]) -> list[str]:
    return [one.call_id for one in older_results(read(talk(dialect, *turns), dialect=dialect).items)]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_same_call_again_replaces_the_older_result(dialect: Dialect) -> None:
    first = ("read", '{"path": "a.md", "from": 1}', "old text")
    assert replaced(dialect, first, ("read", '{"from":1,"path":"a.md"}', "new text")) == ["call_1"]
    assert replaced(dialect, first, ("read", '{"path": "b.md", "from": 1}', "new text")) == []
    assert replaced(dialect, first, ("list", '{"path": "a.md", "from": 1}', "new text")) == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_error_stays_beside_a_later_success(dialect: Dialect) -> None:
    failed = ("run", '{"command": "make"}', "Error: no rule for valve.o")
    assert replaced(dialect, failed, ("run", '{"command": "make"}', "done")) == []
    assert replaced(dialect, failed, failed) == ["call_1"]


def test_arguments_that_differ_in_a_space_are_not_the_same() -> None:
    assert replaced("openai", ("run", '{"c": "rm a b"}', "x"), ("run", '{"c": "rm ab"}', "x")) == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_compaction_shows_a_stub_for_what_was_read_again(dialect: Dialect) -> None:
    again = ("read", '{"path": "plan.md"}', PAGE)
    given = [*talk(dialect, again, ("count", "{}", "40"), again), {"role": "user", "content": "Go on."}]
    whole = pack(given, budget=9_000, embedder="none").tokens
    packed = compact(given, whole - 100)
    assert packed.tokens <= whole - 100
    assert not check(packed.messages, dialect=dialect)
    assert "[older result: see call_2]" in packed.text
    assert packed.text.count("valve 39") == 1


def test_a_packing_shows_a_stub_only_beside_the_newer_result() -> None:
    again = ("read", '{"path": "plan.md"}', PAGE)
    talked = [
        {"role": "user", "content": f"Valve {n} drips, note it down for the plan of the week."} for n in range(60)
    ]
    open_end = [*talk("openai", again), *talked, *turn("openai", 7, *again)]
    packed = pack(open_end, budget=1_100, embedder="none")
    assert packed.tokens <= 1_100 and packed.text.count("valve 39") == 1
    closed = [*open_end, {"role": "user", "content": "What does row 7 of the plan say?"}]
    assert "older result" not in pack(closed, budget=900, embedder="none").text


def test_the_report_says_that_a_stub_is_no_full_form() -> None:
    again = ("read", '{"path": "plan.md"}', PAGE)
    given = [*talk("openai", again, ("count", "{}", "40"), again), {"role": "user", "content": "Go on."}]
    packed = compact(given, pack(given, budget=9_000, embedder="none").tokens - 100)
    forms = [one.form for one in packed.report.decisions]
    assert forms[2] == "extract" and forms[6] == "full"


FILE = "".join(f"{n} valve_{n} = {n * n}\n" for n in range(30))
PART = "".join(f"{n} valve_{n} = {n * n}\n" for n in range(10, 20))
READ, READ_PART = '{"path": "a.py"}', '{"path": "a.py", "offset": 10, "limit": 10}'


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_file_that_is_read_whole_replaces_a_part_of_it(dialect: Dialect) -> None:
    part, whole = ("read_file", READ_PART, PART), ("read_file", READ, FILE)
    edit = ("edit_file", '{"path": "a.py", "old": "valve_3", "new": "gate_3"}', "-valve_3\n+gate_3")
    assert replaced(dialect, part, edit, whole) == ["call_2"]
    assert replaced(dialect, whole, edit, part) == []
    assert replaced(dialect, whole, edit) == []
    assert replaced(dialect, whole, edit, whole) == ["call_2"]


def test_a_part_that_the_newer_reading_does_not_hold_stays() -> None:
    cut = FILE[: len(FILE) // 4] + "[80 lines more]"
    assert replaced("openai", ("read_file", READ_PART, PART), ("read_file", READ, cut)) == []
    other = ("read_file", '{"path": "b.py"}', FILE)
    assert replaced("openai", ("read_file", READ_PART, PART), other) == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_file_that_is_written_whole_replaces_what_was_read_of_it(dialect: Dialect) -> None:
    write = ("write_file", json.dumps({"path": "a.py", "content": FILE}), "done")
    assert replaced(dialect, ("read_file", READ_PART, PART), write) == ["call_1"]
    assert replaced(dialect, ("read_file", READ, FILE), write, ("read_file", READ, FILE)) == ["call_2"]
    failed = (write[0], write[1], "Error: read-only file system")
    assert replaced(dialect, ("read_file", READ, FILE), failed) == []
    appended = ("append_file", write[1], "done")
    assert replaced(dialect, ("read_file", READ, FILE), appended) == []
    viewed = ("editor", '{"command": "view", "path": "a.py"}', FILE)
    created = ("editor", json.dumps({"command": "create", "path": "a.py", "file_text": FILE}), "done")
    assert replaced(dialect, viewed, created) == ["call_1"]
    assert replaced(dialect, viewed, ("editor", '{"command": "insert", "path": "a.py", "content": "x"}', "done")) == []


def test_a_newer_error_replaces_no_success() -> None:
    call = ("run", '{"command": "make"}')
    assert replaced("openai", (*call, "3 warnings"), (*call, "done"), (*call, "Error: no rule")) == ["call_1"]


def test_a_call_that_fails_again_and_again_is_read_in_linear_time() -> None:
    def seconds(times: int) -> float:
        items = read(
            talk("openai", *(("run", '{"c": "x"}', f"Error {n}") for n in range(times))), dialect="openai"
        ).items
        began = process_time()
        assert older_results(items) == []
        return process_time() - began

    assert min(seconds(4_000) for _ in range(2)) < 4 * min(seconds(2_000) for _ in range(2))
