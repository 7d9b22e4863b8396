"""Where conversations come from: files of any encoding and size, folders, zips, standard input, the command line."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from command_line import run_here
from foreign_samples import chatgpt_line, claude, claude_message, slack_export, zipped

import ctxwin
from ctxwin.errors import InputError
from ctxwin.messages import load
from ctxwin.messages.json_values import CHUNK, JsonValues

TALK = "Ana: Where is the key?\nBen: Under the mat.\nAna: Thanks, Zoë!\n"
TALKS = [
    chatgpt_line(("user", f"Ferry {n}?"), ("assistant", f"At quay {n * n}."), title=f"Trip {n}") for n in range(1, 6)
]


def run(*arguments, given=b"", code=0):
    """Run the command line with bytes on standard input."""
    done = run_here(*arguments, given=given)
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_texts_and_json_are_read_in_any_unicode(tmp_path, encoding, end):
    (tmp_path / "a.txt").write_bytes(TALK.replace("\n", end).encode(encoding))
    assert [item.speaker for item in load(tmp_path / "a.txt").messages] == ["Ana", "Ben", "Ana"]
    assert load(tmp_path / "a.txt").messages[2].raw["content"] == "Thanks, Zoë!"
    body = json.dumps([{"role": "user", "content": "Zoë"}], ensure_ascii=False, indent=1).replace("\n", end)
    (tmp_path / "a.json").write_bytes(body.encode(encoding))
    assert load(tmp_path / "a.json").messages == [{"role": "user", "content": "Zoë"}]


@pytest.mark.parametrize("size", [CHUNK - 7, CHUNK - 1, CHUNK, 3 * CHUNK + 5])
def test_values_are_read_whole_wherever_the_text_is_cut(size):
    rows = [{"a": 'é\\"\n\ud800' + "x" * size, "b": [1.5, -12, None, True, 10**30]}, {"c": {}}, 123456, "end"]
    for text in (json.dumps(rows), json.dumps(rows, indent=2), json.dumps(rows, ensure_ascii=False)):
        assert list(JsonValues(io.StringIO(text), "a.json")) == rows
    lines = "\n".join(map(json.dumps, rows))
    assert list(JsonValues(io.StringIO(lines), "a.jsonl", lines=True)) == rows


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('[{"a": 1},\n {"b": }]', r"a:2:8: broken JSON \(Expecting value\)"),
        ('[{"a": 1}\n {"b": 2}]', r"a:2:2: broken JSON \(Expecting ',' delimiter\)"),
        ('[{"a": 1}] x', r"a:1:12: broken JSON \(Extra data\)"),
        ('[{"a": 1}', r"a:1:10: broken JSON"),
        ('[{"a": "' + "x" * CHUNK, r"a:1:8: broken JSON \(Unterminated string"),
        ("[\n" + '{"a": "' + "x" * CHUNK + '"},\n{]', r"a:3:2: broken JSON"),
    ],
)
def test_broken_json_is_told_with_its_place(text, match):
    with pytest.raises(InputError, match=match):
        list(JsonValues(io.StringIO(text), "a"))


def test_exports_are_read_from_zips_and_folders(tmp_path):
    parts = {f"export/conversations-00{n}.json": json.dumps(TALKS[n : n + 2]) for n in (0, 2)}
    extra = {
        "export/user.json": '{"email": "a", "chatgpt_plus_user": true}',
        "__MACOSX/._x.json": "\0",
        "export/chat.html": "<p>",
    }
    path = zipped(tmp_path / "chatgpt.zip", {**parts, **extra})
    assert load(path, "trip 4").origin == "ChatGPT export, conversation 'Trip 4' (4 of 4)"
    talk = claude(claude_message("a", None, "human", "Hi"))
    users = [{"uuid": "a", "full_name": "Ana", "email_address": "a@b.c"}]
    path = zipped(tmp_path / "claude.zip", {"conversations.json": json.dumps([talk]), "users.json": json.dumps(users)})
    assert load(path).origin == "Claude.ai export, conversation 'Trip to Bergen'"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "claude")
    assert load(tmp_path / "claude").messages == load(path).messages
    (tmp_path / "slack").mkdir()
    names = list(slack_export(tmp_path / "slack").rglob("*.json"))
    path = zipped(
        tmp_path / "slack.zip", {f"team/{one.relative_to(tmp_path / 'slack')}": one.read_text() for one in names}
    )
    assert load(path, "plans").messages == load(tmp_path / "slack", "plans").messages
    chat = "[12.05.24, 14:33:10] Ana: hi\n[12.05.24, 14:34:10] Ben: <attached: 1.jpg>\n"
    path = zipped(tmp_path / "WhatsApp Chat - Ana.zip", {"_chat.txt": chat, "1.jpg": "\0"})
    assert [item.speaker for item in load(path).messages] == ["Ana", "Ben"]


def test_what_unpacks_to_too_much_is_refused_before_it_is_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", b'["' + b"x" * (1 << 27))
    with pytest.raises(InputError, match=r"'conversations.json' in '.*bomb.zip' unpacks to 134,217,730 bytes"):
        load(tmp_path / "bomb.zip")
    (tmp_path / "cut.zip").write_bytes((tmp_path / "bomb.zip").read_bytes()[:-40])
    with pytest.raises(InputError):
        load(tmp_path / "cut.zip")


@pytest.mark.parametrize(
    ("files", "match"),
    [
        ({}, "has no file, and none is a conversation"),
        ({"a.json": '{"a": 1}', "b.txt": "x"}, r"has 'a.json', 'b.txt', and none is a conversation"),
    ],
)
def test_a_folder_without_conversations_is_refused(tmp_path, files, match):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=match):
        load(tmp_path)


def test_a_file_that_is_open_is_read():
    stream = io.BytesIO(json.dumps(TALKS).encode())
    assert load(stream, 3).origin == "ChatGPT export, conversation 'Trip 3' (3 of 5)"


def test_an_export_of_a_hundred_megabytes_is_read_in_bounded_memory(tmp_path):
    words = "The ferry to Bergen goes at nine from the quay behind the market hall. " * 60
    turns = [("user" if n % 2 else "assistant", f"{n} {words}") for n in range(40)]
    one = json.dumps(chatgpt_line(*turns, title="TITLE"))
    with (tmp_path / "big.json").open("w") as file:
        for number in range(100_000_000 // len(one) + 1):
            file.write(("," if number else "[") + one.replace("TITLE", f"Trip {number}"))
        file.write("]")
    assert (tmp_path / "big.json").stat().st_size > 100_000_000
    # The highest mark of a process is its own from its beginning, so it is read there; in KiB on Linux.
    code = (
        "import resource, sys; from ctxwin.messages import load\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak(); found = load(sys.argv[1], 'Trip 500'); print(found.origin); print(peak() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "big.json"], capture_output=True, text=True, check=True
    )
    origin, kib = done.stdout.splitlines()
    assert origin.startswith("ChatGPT export, conversation 'Trip 500' (501 of ")
    assert int(kib) < 40_000


def test_pack_reads_standard_input_and_names_what_it_read(tmp_path):
    command = [sys.executable, "-m", "ctxwin", "pack", "-", "-q", "Which quay?", "-b", "600", "--pick", "Trip 3"]
    done = subprocess.run(command, input=json.dumps(TALKS), capture_output=True, text=True, check=True)
    assert [one["content"] for one in json.loads(done.stdout)] == ["Ferry 3?", "At quay 9.", "Which quay?"]
    assert "read from: ChatGPT export, conversation 'Trip 3' (3 of 5)" in done.stderr
    out, _ = run("pack", "-", "-q", "key", "-b", "600", "--json", given=TALK.encode("utf-16"))
    assert json.loads(out)["report"]["origin"] == "plain-text transcript"
    _, error = run("pack", "-", "-b", "600", given=json.dumps(TALKS).encode(), code=2)
    assert error.count("\n") == 1 and "'standard input' holds 5 conversations: 1 'Trip 1'" in error


def test_explain_count_and_ask_read_standard_input(tmp_path):
    out, _ = run("explain", "-", "-q", "key", "-b", "600", given=TALK.encode())
    assert "read from: plain-text transcript" in out and "Under the mat." in out
    diff = b"--- a/ferry.py\n+++ b/ferry.py\n@@ -1 +1 @@\n-QUAY = 4\n+QUAY = 9\n"
    out, _ = run("ask", "which quay?", "-", "-b", "400", given=diff)
    assert "+QUAY = 9" in out and "stdin:1-5" in out
    out, _ = run("explain", "-", "-q", "quay", "-b", "400", given=diff)
    assert "stdin" in out
    out, _ = run("count", "-", "--json", given=json.dumps([{"role": "user", "content": "Hi"}]).encode())
    assert json.loads(out)["tokens"] == ctxwin.count_tokens([{"role": "user", "content": "Hi"}]).tokens
    out, _ = run("count", "-", given=diff)
    assert "stdin" in out
    (tmp_path / "quay.txt").write_text("Quay 4 is for cars.\n")
    out, _ = run("ask", "which quay?", "-", tmp_path / "quay.txt", "-b", "400", given=diff)
    assert "Quay 4 is for cars." in out and "+QUAY = 9" in out
    _, error = run("ask", "which quay?", "-", "--interactive", given=diff, code=2)
    assert "--interactive reads your lines from standard input" in error
    _, error = run("ask", "x", "-", given=b"", code=2)
    assert "is empty" in error


def test_count_tells_conversations_from_raw_text(tmp_path):
    (tmp_path / "export.json").write_text(json.dumps(TALKS))
    (tmp_path / "talk.txt").write_text(TALK)
    (tmp_path / "package.json").write_text('{"name": "x"}')
    both = [load(tmp_path / "export.json", number).messages for number in range(1, 6)]
    tokens = sum(ctxwin.count_tokens(one).tokens for one in both)
    out, _ = run("count", tmp_path / "export.json", "--json")
    plain = json.loads(out)
    assert (plain["tokens"], len(plain["children"]), plain["children"][2]["name"]) == (tokens, 5, "Trip 3")
    assert "read as ChatGPT export, all 5 conversations; --pick counts one" in plain["read"][0]
    out, _ = run("count", tmp_path / "export.json", "--pick", "4")
    assert "read as ChatGPT export, conversation 'Trip 4' (4 of 5)" in out
    out, _ = run("count", tmp_path / "export.json", tmp_path / "talk.txt", tmp_path / "package.json", "--json")
    plain = json.loads(out)
    assert plain["tokens"] == tokens + ctxwin.count_tokens(load(tmp_path / "talk.txt").messages).tokens + 6
    assert [one for one in plain["read"] if "package.json: counted as raw text" in one and "keys 'name'" in one]


def test_a_window_begins_with_what_another_program_kept(tmp_path):
    (tmp_path / "export.json").write_text(json.dumps(TALKS))
    window = ctxwin.Window.import_(
        tmp_path / "export.json", pick="trip 2", store=tmp_path / "a.db", id="two", embedder="none"
    )
    assert [turn.message["content"] for turn in window.turns] == ["Ferry 2?", "At quay 4."]
    assert window.turns[1].time == "2024-05-12T12:00:01"
    window.add("And then?")
    with pytest.raises(InputError, match="holds 5 conversations"):
        ctxwin.Window.import_(tmp_path / "export.json", store=tmp_path / "a.db", id="all")
    with pytest.raises(InputError, match="has a window 'two' already"):
        ctxwin.Window.import_(tmp_path / "export.json", pick=1, store=tmp_path / "a.db", id="two")


def test_chat_saves_over_nothing_and_goes_on_with_what_it_saved(tmp_path):
    (tmp_path / "export.json").write_text(json.dumps(TALKS))
    lines = "/save talk.json\n/save talk.json\n/save --replace talk.json\n"
    command = [sys.executable, "-m", "ctxwin", "chat", "--model", "gpt-5-mini", "--store", "a.db", "--embedder", "none"]
    done = subprocess.run(
        [*command, "--import", "export.json", "--pick", "5"],
        input=lines, cwd=tmp_path, capture_output=True, text=True, check=True,
        env={**os.environ, "COLUMNS": "100"},  # readline may have set another in the process of the tests
    )  # fmt: skip
    assert done.stdout.count("2 messages in talk.json") == 2
    assert "error: 'talk.json' is there already; name another file, or write /save --replace talk.json" in done.stdout
    packed = ctxwin.pack(tmp_path / "talk.json", query="Which quay?", budget=300, embedder="none")
    assert "At quay 25." in packed.text
    assert Path(tmp_path / "talk.json").is_file()
