"""`ctxwin compact` as a command: what goes where, the same call twice, bad input in one line, nothing half-written."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from command_line import run_here

import ctxwin
from ctxwin import sample
from ctxwin.messages import check

RULE = "Never push to main before Ana has approved it."
LIMIT = "The whole trip must stay under 1,450 euros."
DECISION = "I decided to keep the sessions in Redis at /srv/app/redis.conf."


def conversation(turns=60):
    """A long talk whose first turns hold what stands; nothing asks for it later."""
    talk = [
        {"role": "system", "content": "You help with code."},
        {"role": "user", "content": f"Nice weather here. {RULE} {LIMIT}"},
        {"role": "assistant", "content": f"Understood. {DECISION}"},
    ]
    for n in range(turns):
        talk.append({"role": "user", "content": f"What do you make of the view from window number {n}, is it fine?"})
        talk.append({"role": "assistant", "content": "It is a fine view, I would say, with some trees and a road."})
    return [*talk, {"role": "user", "content": "Thanks, that was kind."}]


@pytest.fixture
def talk(tmp_path):
    path = tmp_path / "talk.json"
    path.write_text(json.dumps(conversation()), encoding="utf-8")
    return path


def compacted(*arguments, given=b"", code=0):
    done = run_here("compact", *arguments, given=given)
    assert done.returncode == code, done.stderr
    return done


def test_what_stands_survives_and_the_request_is_valid(talk):
    done = compacted(talk, "--budget", "400")
    messages = json.loads(done.stdout)
    assert check(messages) == []
    assert ctxwin.count_tokens(messages).tokens <= 400
    said = "\n".join(one["content"] for one in messages)
    assert all(one in said for one in (RULE, LIMIT, DECISION))
    assert messages[0] == conversation()[0]
    assert messages[-1] == conversation()[-1]
    assert "standing: 3 entries, " in done.stderr
    assert "from m1, m2" in done.stderr


def test_a_process_reads_standard_input_and_writes_the_same_bytes_each_time(talk):
    command = [sys.executable, "-m", "ctxwin", "compact", "-", "-b", "400"]
    first, second = (
        subprocess.run(command, input=talk.read_bytes(), capture_output=True, timeout=120, check=True) for _ in range(2)
    )
    assert first.stdout == second.stdout
    assert RULE in first.stdout.decode()
    assert json.loads(first.stdout) == json.loads(compacted(talk, "-b", "400").stdout)


def test_the_command_and_the_library_agree(talk):
    found = json.loads(compacted(talk, "-b", "400", "--json").stdout)
    packed = ctxwin.compact(conversation(), 400)
    assert found == json.loads(json.dumps(packed.to_dict()))
    assert {one["text"] for one in found["report"]["standing"]} == {RULE, LIMIT, DECISION}


def test_a_preview_says_what_stands_what_is_left_out_and_the_way_back(talk, tmp_path):
    before = sorted(tmp_path.iterdir())
    done = compacted(talk, "-b", "400", "--preview", "--output", tmp_path / "short.json")
    assert sorted(tmp_path.iterdir()) == before
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert f"rule m1 user {RULE}" in lines
    assert any(line.endswith(f" m2 assistant {DECISION}") for line in lines)
    assert lines.index(f"rule m1 user {RULE}") > lines.index("stands at the head, word for word:")
    left_out = next(line for line in lines if line.startswith("left out: "))
    assert "m1 to m" in left_out
    assert any(line.startswith("the way back: ") and "--pin m1 " in line for line in lines)
    assert not done.stderr


def test_what_found_no_room_is_listed(talk):
    budget = ctxwin.count_tokens([conversation()[0], conversation()[-1]]).tokens + 45
    lines = [" ".join(line.split()) for line in compacted(talk, "-b", str(budget), "--preview").stdout.splitlines()]
    without = lines.index("stands and found no room, the surest first:")
    shown = [one for one in (RULE, LIMIT, DECISION) if any(one in line for line in lines[:without])]
    hidden = [one for one in (RULE, LIMIT, DECISION) if any(one in line for line in lines[without:])]
    assert sorted([*shown, *hidden]) == sorted([RULE, LIMIT, DECISION])
    assert hidden


def test_output_may_be_the_conversation_itself_and_compacting_again_loses_nothing_that_stood(talk):
    for budget in ("600", "500", "400"):
        done = compacted(talk, "-b", budget, "--output", talk)
        assert not done.stdout
        assert f"wrote {talk}" in done.stderr
    said = talk.read_text(encoding="utf-8")
    assert all(one in said for one in (RULE, LIMIT, DECISION))
    assert check(json.loads(said)) == []


def test_pins_stay_whole_by_number_and_by_id(talk):
    pinned = conversation()[25]
    for pin in ("25", "m25"):
        assert pinned in json.loads(compacted(talk, "-b", "400", "--pin", pin).stdout)
    assert pinned not in json.loads(compacted(talk, "-b", "400").stdout)
    assert conversation()[-4] in json.loads(compacted(talk, "-b", "200", "--pin", "-4").stdout)
    refused = compacted(talk, "--pin", "m999", code=2)
    assert "m999" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_tools_are_counted(talk, tmp_path):
    tools = [{"type": "function", "function": {"name": "look", "description": "Look. " * 40, "parameters": {}}}]
    (tmp_path / "tools.json").write_text(json.dumps(tools), encoding="utf-8")
    report = json.loads(compacted(talk, "-b", "400", "--tools", tmp_path / "tools.json", "--json").stdout)["report"]
    assert report["parts"]["tools"] == ctxwin.compact(conversation(), 400, tools=tools).report.parts["tools"] > 40
    for text, said in (("{", "no JSON"), ('{"name": "look"}', "no list of tool definitions")):
        (tmp_path / "tools.json").write_text(text, encoding="utf-8")
        assert said in compacted(talk, "--tools", tmp_path / "tools.json", code=2).stderr


def test_what_a_prompt_asks_to_keep_stands(talk):
    lines = conversation()
    lines[2]["content"] += " Now the file that you mean, pkg/web/views.py, I guess?"
    talk.write_text(json.dumps(lines), encoding="utf-8")
    kept = compacted(talk, "-b", "300", "--keep", "keep all file paths").stdout
    assert "pkg/web/views.py" in kept


def test_secrets_are_masked_unless_they_are_allowed(talk):
    lines = conversation()
    lines[1]["content"] += " The password of the staging server is hunter2-Xy88."
    talk.write_text(json.dumps(lines), encoding="utf-8")
    assert "hunter2-Xy88" not in compacted(talk, "-b", "400").stdout
    assert "hunter2-Xy88" in compacted(talk, "-b", "400", "--allow-secrets").stdout


def test_an_export_is_compacted_to_messages(tmp_path):
    lines = "\n".join(
        [f"[12.03.24, 10:0{n % 10}:00] Ana: Note {n}, all is well here on the coast." for n in range(40)]
        + [f"[12.03.24, 10:50:00] Ben: {RULE}"]
        + [f"[12.03.24, 11:0{n % 10}:00] Ana: Note {n}, all is well here in the hills." for n in range(40)]
    )
    (tmp_path / "chat.txt").write_text(lines, encoding="utf-8")
    done = compacted(tmp_path / "chat.txt", "-b", "300")
    assert RULE in done.stdout
    assert check(json.loads(done.stdout)) == []
    assert "read from: WhatsApp" in done.stderr


def test_what_a_provider_would_refuse_is_mended_on_demand(talk):
    lines = conversation()
    lines.insert(3, {"role": "tool", "tool_call_id": "none", "content": "3 files"})
    talk.write_text(json.dumps(lines), encoding="utf-8")
    assert str(talk) in compacted(talk, "-b", "400", code=2).stderr
    done = compacted(talk, "-b", "400", "--repair")
    assert "mended" in done.stderr
    assert check(json.loads(done.stdout)) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-b", "lots"), "--budget 'lots'"),
        (("-b", "3"), "budget"),
        (("--model", "gpt-99-nano"), "gpt-99-nano"),
        (("-b", "400", "--output", "/nowhere/short.json"), "/nowhere/short.json"),
        (("--pick", "Trip"), "Trip"),
    ],
)
def test_bad_input_is_told_in_one_line(talk, arguments, said):
    done = compacted(talk, *arguments, code=2)
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not done.stdout


def test_explain_lists_what_stands_with_its_sources(talk):
    lines = [*conversation()[:-1], {"role": "user", "content": "What was the view from window number 7?"}]
    talk.write_text(json.dumps(lines), encoding="utf-8")
    done = run_here("explain", talk, "-b", "1k", "--embedder", "none")
    told = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert f"rule m1 user {RULE}" in told
    assert any(line.startswith("standing: ") and "found no room" in line for line in told)


def test_the_pictures_show_what_stands():
    packed = ctxwin.compact(conversation(), 400)
    assert "standing: 3 entries, " in str(packed)
    page = packed._repr_html_()
    assert "standing: 3 entries, " in page
    assert RULE in page
    nothing = ctxwin.compact(sample.conversation(), 100_000)
    assert "standing:" not in str(nothing)
    assert "what stands" not in nothing._repr_html_()
