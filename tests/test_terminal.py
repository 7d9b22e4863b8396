"""What others wrote commands no terminal: names of files, contents, messages and errors, on a pseudo terminal."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pexpect
import pytest

from ctxwin import check, count_tokens, pack
from ctxwin.errors import CtxwinError

QUESTION = "where is the session cookie signed?"
BAD = "x\x1b[31m\x9b31m\u202e"
COMMANDS = re.compile("[\x80-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|\x1b\\[(?:31m|2J)|\x1b\\]")


def shown(*arguments: str) -> str:
    """Return what a command shows on a terminal, without what draws its bar."""
    env = dict(os.environ, NO_COLOR="1", TERM="xterm")
    child = pexpect.spawn(
        sys.executable, ["-m", "ctxwin", *arguments], env=env, encoding="utf-8", codec_errors="backslashreplace",
        timeout=120, dimensions=(40, 100), echo=False,
    )  # fmt: skip
    child.expect(pexpect.EOF)
    child.close()
    return str(child.before).replace("\x1b[?25l", "").replace("\x1b[?25h", "")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hostile")
    (root / "tree").mkdir()
    hostile = "The session cookie is signed \x1b[31mred\x9b31m \u202eabc\u2066 here \x1b]0;title\x07.\n"
    (root / "tree" / f"{BAD}gpj\n.md").write_text(hostile, encoding="utf-8")
    (root / "tree" / f"{BAD}.dat").write_bytes(b"\0\1")
    messages = [{"role": "user", "content": f"{BAD} hello"}, {"role": "user", "content": QUESTION}]
    (root / f"{BAD}.json").write_text(json.dumps(messages, ensure_ascii=False), encoding="utf-8")
    return root


@pytest.mark.parametrize(
    "arguments",
    [
        ("ask", QUESTION, "{tree}", "--json"),
        ("ask", QUESTION, "{tree}", "--order", "score"),
        ("ask", QUESTION, "{tree}", "-o", "{out}"),
        ("ask", QUESTION, "{none}"),
        ("pack", "{talk}", "-f", "{tree}"),
        ("explain", "{talk}", "--json"),
        ("count", "{talk}", "--json"),
        ("count", "{tree}"),
        ("models", BAD),
        ("cache", BAD),
        (BAD,),
    ],
    ids=lambda one: " ".join(part for part in one if part.isascii() and part.isprintable()),
)
def test_nothing_commands_the_terminal(place: Path, arguments: tuple[str, ...]) -> None:
    paths = {"tree": place / "tree", "talk": place / f"{BAD}.json", "none": place / BAD, "out": place / f"{BAD}.txt"}
    out = shown(*(one.format(**paths) for one in arguments))
    assert out.strip() and "Traceback" not in out
    assert not COMMANDS.search(out), ascii(out)


def test_escaped_json_reads_back_as_what_it_was(place: Path) -> None:
    out = shown("count", str(place / f"{BAD}.json"), "--json")
    assert json.loads(out[out.index("{\r\n") :])["name"] == str(place / f"{BAD}.json")


CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize("text", ["my password is geheim", "geheim\nline", "geheim" * 40, "\x1b[31mgeheim"])
@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "TEXT", "content": "x"}],
        [{"role": "user", "content": "x"}, {"role": "tool", "tool_call_id": "TEXT", "content": "r"}],
        [{"role": "assistant", "tool_calls": [CALL | {"id": "TEXT"}]}, {"role": "user", "content": "x"}],
        [{"role": "user", "content": [{"type": "TEXT", "text": "x"}]}],
        [{"role": "user", "name": "TEXT", "content": "x"}],
        [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}], "TEXT": 1}],
        {"model": "claude-sonnet-4", "max_tokens": 9, "messages": [{"role": "user", "content": [{"type": "TEXT"}]}]},
    ],
    ids=["role", "result id", "call id", "type", "name", "key", "anthropic"],
)
def test_no_error_and_no_problem_carries_text(messages: object, text: str) -> None:
    given = json.loads(json.dumps(messages).replace('"TEXT"', json.dumps(text)))
    said = []
    for work in (lambda: pack(given, budget=99, embedder="none"), lambda: count_tokens(given), lambda: check(given)):
        try:
            found = work()
            said += [str(one) for one in found] if isinstance(found, list) else []
        except CtxwinError as error:
            said.append(str(error))
    assert not [one for one in said if "geheim" in one]


def test_an_error_quotes_ids_and_names() -> None:
    problems = check([{"role": "user", "content": "x"}, {"role": "tool", "tool_call_id": "call_7", "content": "r"}])
    assert "'call_7'" in str(problems[0])
