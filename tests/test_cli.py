"""The command line: what goes to which stream, every bad input in one line, nothing half-written."""

from __future__ import annotations

import gzip
import json
import os
import pkgutil
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from ctxwin import get_tokenizer, sample
from ctxwin.cli import __path__ as CLI
from ctxwin.cli import main
from ctxwin.cli.commands import COMMANDS, load_command
from ctxwin.messages import check
from ctxwin.tokens import count_tokens

QUESTION = "What does it cost when Meiling's hired bike comes back a day late?"


@dataclass(frozen=True)
class Run:
    code: int
    out: str
    err: str


Ctxwin = Callable[..., Run]


@pytest.fixture
def ctxwin(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ctxwin:
    """The command line in this process, through the same `main` as the console script."""

    def run(*arguments: str | Path) -> Run:
        monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # main() replaces it
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(one) for one in arguments])
        streams = capsys.readouterr()
        return Run(int(end.value.code or 0), streams.out, streams.err)

    return run


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = tmp_path / "talk.json"
    path.write_text(json.dumps(sample.conversation()), encoding="utf-8")
    return path


@pytest.fixture
def notes() -> Path:
    return sample.files()


def write(path: Path, value: Any) -> Path:
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


# --- what works -------------------------------------------------------------------------------------------


def test_pack_prints_a_request_and_tells_about_it_apart(ctxwin: Ctxwin, talk: Path) -> None:
    run = ctxwin("pack", talk, "--query", QUESTION, "--budget", "1k")
    assert run.code == 0
    messages = json.loads(run.out)
    assert messages[-1] == {"role": "user", "content": QUESTION}
    assert check(messages) == []
    assert count_tokens(messages, tokenizer="o200k_base").tokens <= 1_000
    assert re.search(r"of 1,000 tokens .* strategy auto, o200k_base", run.err)


def test_pack_and_explain_keep_shares_of_sources(ctxwin: Ctxwin, talk: Path, notes: Path) -> None:
    arguments = ("-q", QUESTION, "-b", "1k", "--share", "files=10%:200", "--share", "messages=200:")
    run = ctxwin("pack", talk, "--files", notes, *arguments)
    assert re.search(r"share of files: \d+ of [\d,]+ tokens, at least 100, at most 200", run.err)
    plain = json.loads(ctxwin("explain", talk, notes, *arguments, "--json").out)
    files, messages = plain["shares"]
    assert 100 <= files["tokens"] <= 200 <= messages["tokens"]


def test_pack_json_is_one_object(ctxwin: Ctxwin, talk: Path, notes: Path) -> None:
    run = ctxwin("pack", talk, "-q", QUESTION, "-b", "1.5k", "--files", notes, "--json")
    assert (run.code, run.err) == (0, "")
    whole = json.loads(run.out)
    assert set(whole) == {"messages", "tokens", "report", "plan"}
    assert sum(whole["report"]["parts"].values()) == whole["tokens"] <= 1_500
    assert any("rental-conditions.md:" in one for one in whole["report"]["citations"])
    assert len(whole["report"]["items"]) > len(sample.conversation())


def test_pack_output_is_written_whole(ctxwin: Ctxwin, talk: Path, tmp_path: Path) -> None:
    target = tmp_path / "request.json"
    run = ctxwin("pack", talk, "-q", QUESTION, "-b", "1k", "--output", target)
    assert (run.code, run.out) == (0, "")
    assert f"wrote {target}" in run.err
    assert json.loads(target.read_text(encoding="utf-8"))[-1]["content"] == QUESTION
    assert sorted(one.name for one in tmp_path.iterdir()) == ["request.json", "talk.json"]


def test_output_follows_links_and_keeps_devices(ctxwin: Ctxwin, talk: Path, tmp_path: Path) -> None:
    target = write(tmp_path / "request.json", "old")
    (tmp_path / "link.json").symlink_to(target)
    assert ctxwin("pack", talk, "-b", "1k", "--output", tmp_path / "link.json").code == 0
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads(target.read_text(encoding="utf-8"))
    assert ctxwin("pack", talk, "-b", "1k", "--output", "/dev/null").code == 0
    assert Path("/dev/null").is_char_device()


def test_pack_preview_writes_nothing(ctxwin: Ctxwin, talk: Path, tmp_path: Path) -> None:
    run = ctxwin("pack", talk, "-q", QUESTION, "-b", "1k", "--preview", "--output", tmp_path / "request.json")
    assert (run.code, run.err) == (0, "")
    assert "of 1,000 tokens" in run.out
    assert not (tmp_path / "request.json").exists()


def test_pack_keeps_a_request_body_and_lone_surrogates(ctxwin: Ctxwin, tmp_path: Path) -> None:
    text = '{"model": "gpt-5", "messages": [{"role": "user", "content": "broken \\ud800 emoji"}]}'
    path = write(tmp_path / "body.json", text)
    target = tmp_path / "out.json"
    assert ctxwin("pack", path, "--output", target).code == 0
    assert json.loads(target.read_text(encoding="utf-8")) == json.loads(text)
    assert json.loads(ctxwin("pack", path).out) == json.loads(text)


def test_pack_is_deterministic(ctxwin: Ctxwin, talk: Path) -> None:
    arguments = ("pack", talk, "-q", QUESTION, "-b", "800", "--json")
    assert ctxwin(*arguments).out == ctxwin(*arguments).out


def test_ask_prints_cited_context(ctxwin: Ctxwin, notes: Path) -> None:
    run = ctxwin("ask", "When does the last ferry in the Schlögen loop leave in June?", notes, "--budget", "500")
    assert run.code == 0
    assert re.search(r"route\.md:\d+-\d+\n", run.out)
    assert "18:30" in run.out
    assert "When does the last ferry" not in run.out
    assert re.match(r"\d+ of 500 tokens: ", run.err)


def test_ask_json(ctxwin: Ctxwin, notes: Path) -> None:
    run = ctxwin("ask", "What did the repairs of the Koga cost?", notes, "-b", "600", "--json")
    whole = json.loads(run.out)
    assert whole["answer"] is None
    assert whole["tokens"] <= 600


def test_explain_accounts_for_every_item(ctxwin: Ctxwin, talk: Path, notes: Path) -> None:
    run = ctxwin("explain", talk, notes, "-q", QUESTION, "-b", "1k", "--all")
    assert run.code == 0
    rows = [
        line for line in run.out.splitlines() if re.match(r"(full|extract|summary|stub|out) +([01]\.\d\d|<\.01) ", line)
    ]
    plain = json.loads(ctxwin("explain", talk, notes, "-q", QUESTION, "-b", "1k", "--json").out)
    assert len(rows) == len(plain["items"]) > len(sample.conversation())
    assert "500 more tokens would buy, best first:" in run.out
    assert plain["more"]["tokens"] == 500
    assert plain["more"]["offers"]
    assert all(0 < one["tokens"] <= 500 for one in plain["more"]["offers"])


def test_explain_and_pack_say_what_a_call_costs_in_money_energy_and_carbon(
    ctxwin: Ctxwin, talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("-b", "1k", "--strategy", "recency", "--model", "gpt-5", "--costs")
    assert "CO2" not in ctxwin("explain", talk, *options[:-1]).out
    run = ctxwin("explain", talk, *options)
    assert re.search(r"^\$0\.001[12]\d with gpt-5, unpacked \$0\.0\d+ \(prices of ", run.out, re.M)
    figure = r"[\d.,]+-[\d.,]+"
    impact = rf"{figure} instead of {figure} Wh, {figure} instead of {figure} g CO2e$"
    assert re.search(rf"^{impact}", run.out, re.M)
    assert re.search(rf"^at 10M tokens a day: \$12\.50 instead of \$[\d.]+, {figure} instead of", run.out, re.M)
    assert re.search(rf"^{impact}", ctxwin("pack", talk, *options, "--preview").out, re.M)
    assert "CO2" not in ctxwin("pack", talk, *options[:-1], "--preview").out
    monkeypatch.setenv("CTXWIN_GRID", "mars")
    refused = ctxwin("pack", talk, *options)
    assert refused.code == 2 and refused.out == ""
    assert "unknown grid 'mars'" in refused.err and "CTXWIN_GRID" in refused.err


def test_explain_files_alone(ctxwin: Ctxwin, notes: Path) -> None:
    run = ctxwin("explain", notes / "route.md", "-q", "Where is the ferry?", "-b", "300", "--more", "100")
    assert "100 more tokens would buy" in run.out


def test_count_adds_up(ctxwin: Ctxwin, notes: Path, talk: Path) -> None:
    plain = json.loads(ctxwin("count", notes, "--json").out)
    text = ctxwin("count", notes).out
    assert f"{plain['tokens']:,}" in text
    assert all(one.name in text for one in notes.iterdir() if one.is_file())
    whole = json.loads(ctxwin("count", talk, "--json").out)
    assert whole["tokens"] == count_tokens(sample.conversation(), tokenizer="o200k_base").tokens


def test_files_of_any_size_are_counted_and_those_that_cannot_be_are_named(ctxwin: Ctxwin, tmp_path: Path) -> None:
    row = "2026-01-01T00:00:00Z INFO worker tick\n"
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "big.log").write_text(row * 80_000)
    (tmp_path / "logs" / "small.log").write_text(row)
    (tmp_path / "talk.jsonl").write_text('{"a": 1}\n' * 300_000)  # no conversation, as large as it is
    (tmp_path / "core.bin").write_bytes(bytes(3_000_000))
    with gzip.open(tmp_path / "old.log.gz", "wt") as file:
        file.write(row * 1_000)
    (tmp_path / "cut.log.gz").write_bytes((tmp_path / "old.log.gz").read_bytes()[:-20])
    tokens = get_tokenizer().count_many([row, '{"a": 1}\n'])
    done = ctxwin("count", tmp_path, "--json")
    tree = json.loads(done.out)
    assert tree["tokens"] == tree["low"] == tree["high"] == tokens[0] * 81_001 + tokens[1] * 300_000
    assert {one["path"] for one in tree["skipped"]} == {"core.bin", "cut.log.gz"}
    logs = next(one for one in tree["children"] if one["name"] == "logs")
    assert [one["tokens"] for one in logs["children"]] == [tokens[0] * 80_000, tokens[0]]
    told = ctxwin("count", tmp_path)
    assert "logs/big.log: 3,040,000 bytes, counted in pieces" in told.out
    assert "skipped cut.log.gz" in told.err and "too large" not in told.err
    assert ctxwin("count", tmp_path / "talk.jsonl").out.startswith(f"{tokens[1] * 300_000:,}")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read as Linux tells it")
def test_a_large_text_is_counted_in_bounded_memory_and_a_long_transcript_is_still_one(
    ctxwin: Ctxwin, tmp_path: Path
) -> None:
    talk = "".join(
        f"[{n % 28 + 1:02}/03/2026, 09:{n % 60:02}:00] {'Ana' if n % 2 else 'Bo'}: Line {n}\n" for n in range(40_000)
    )
    for name, encoding in (("talk.txt", "utf-8"), ("wide.txt", "utf-16")):
        (tmp_path / name).write_text(talk, encoding=encoding)
        assert (tmp_path / name).stat().st_size > 1_000_000
        assert "read as" in ctxwin("count", tmp_path / name, "--depth", "0").out
    (tmp_path / "big.log").write_bytes(b"2026-01-01T00:00:00Z INFO worker tick 1 of many\n" * 2_000_000)
    script = (
        "import sys, atexit, pathlib\n"
        "atexit.register(lambda: sys.stderr.write(pathlib.Path('/proc/self/status').read_text()))\n"
        "from ctxwin.cli import main\n"
        f"main(['count', {str(tmp_path / 'big.log')!r}])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "tokens, exact" in done.stdout
    peak = re.search(r"VmHWM:\s+(\d+) kB", done.stderr)
    assert peak is not None and int(peak[1]) < 220_000


def test_models_lists_and_filters(ctxwin: Ctxwin) -> None:
    every = json.loads(ctxwin("models", "--json").out)
    some = json.loads(ctxwin("models", "gpt-5", "--json").out)
    assert 0 < len(some) < len(every)
    assert all("gpt-5" in one["name"] for one in some)
    assert "gpt-5" in ctxwin("models", "gpt-5").out


def test_demo_holds_its_answer(ctxwin: Ctxwin) -> None:
    run = ctxwin("demo")
    assert run.code == 0
    held = run.out.split("and the request holds it:")[1].split("Next,")[0]
    assert "140" in held
    assert all(f"  {word} " in run.out for word in ("form", "p", "tokens", "why"))
    assert re.search(r"route\.md:\d+-\d+", run.out)
    assert "of 2,000 tokens" in run.out
    assert ctxwin("demo", "When does the last ferry leave?", "--budget", "900", "--json").code == 0


def test_the_list_of_commands_is_not_cut_at_80_columns(ctxwin: Ctxwin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    listed = ctxwin("--help").out.split("Commands:")[1].splitlines()
    assert [line.split()[0] for line in listed if line] == sorted(COMMANDS)
    assert all(line.endswith(".") and not line.endswith("...") for line in listed if line)


def test_best_first_is_best_first_where_everything_fits(ctxwin: Ctxwin, notes: Path) -> None:
    run = ctxwin("ask", "Which brake pads wore out in training?", notes, "-b", "100k", "--order", "score", "--json")
    plain = json.loads(run.out)
    scores = [one["score"] for one in plain["excerpts"]]
    assert scores == sorted(scores, reverse=True) and scores[0] > 0.9 > scores[-1]
    assert len(scores) == len(plain["citations"]) == 6, "all is still there"


def test_what_is_too_large_in_its_shortest_form_is_told_with_the_sum(ctxwin: Ctxwin, tmp_path: Path) -> None:
    write(tmp_path / "note.txt", "The note is here. " * 500)
    run = ctxwin("ask", "Where is the note?", tmp_path / "note.txt", "-b", "32", "--embedder", "none")
    assert run.code == 2
    found = re.search(r"overhead (\d+) \+ the shortest form (\d+) = (\d+) tokens; limit 32\).*at least (\d+) ", run.err)
    assert found is not None, run.err
    fixed, least, whole, more = map(int, found.groups())
    assert fixed + least == whole == 32 + more
    enough = ctxwin("ask", "Where is the note?", tmp_path / "note.txt", "-b", str(whole + 3), "--embedder", "none")
    assert (enough.code, "note" in enough.out) == (0, True)


def test_summaries_that_nobody_writes_are_told(ctxwin: Ctxwin, talk: Path) -> None:
    said = "strategy 'summary' has no summarizer"
    told = ctxwin("pack", talk, "-b", "600", "--strategy", "summary", "--embedder", "none").err
    assert said in told
    assert told.count("strategy='summary' is a reference of the evaluation since 0.2.0") == 1
    assert said not in ctxwin("pack", talk, "-b", "600", "--strategy", "recency", "--embedder", "none").err


def test_the_sample_can_be_had_as_files(ctxwin: Ctxwin, tmp_path: Path) -> None:
    run = ctxwin("demo", "--write", tmp_path / "tour")
    assert (run.code, run.err) == (0, "")
    assert json.loads((tmp_path / "tour" / "talk.json").read_text(encoding="utf-8")) == sample.conversation()
    had = {path.name: path.read_bytes() for path in sample.files().iterdir() if path.is_file()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "tour" / "notes").iterdir()} == had
    again = ctxwin("demo", "--write", tmp_path / "tour")
    assert (again.code, "is there already" in again.err) == (2, True)
    write(tmp_path / "file", "x")
    assert ctxwin("demo", "--write", tmp_path / "file").code == 2


# --- an endpoint ------------------------------------------------------------------------------------------


class Answer(BaseHTTPRequestHandler):
    """Answers as an OpenAI-compatible endpoint does, in three events."""

    bodies: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.bodies.append(json.loads(body))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for piece in ("At 18:30 ", "(route.md:22-22)."):
            event = json.dumps({"choices": [{"delta": {"content": piece}}]})
            self.wfile.write(f"data: {event}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    Answer.bodies = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.server_port}/v1")
    yield Answer.bodies
    server.shutdown()
    server.server_close()
    thread.join()


def test_ask_streams_a_models_answer(ctxwin: Ctxwin, notes: Path, endpoint: list[dict[str, Any]]) -> None:
    run = ctxwin("ask", "When does the last ferry leave in June?", notes, "-b", "600", "--model", "gpt-5-mini")
    assert (run.code, run.out) == (0, "At 18:30 (route.md:22-22).\n")
    assert re.match(r"\d+ of [\d,]+ tokens to gpt-5-mini: ", run.err)
    sent = endpoint[0]
    assert sent["model"] == "gpt-5-mini"
    assert sent["messages"][0]["role"] == "system"
    assert "18:30" in json.dumps(sent["messages"])
    assert count_tokens(sent["messages"], model="gpt-5-mini").tokens <= 600


def test_ask_serves_models_of_ones_own(ctxwin: Ctxwin, notes: Path, endpoint: list[dict[str, Any]]) -> None:
    run = ctxwin("ask", "When does the last ferry leave in June?", notes, "-m", "my-own:7b", "--json")
    assert json.loads(run.out)["answer"] == "At 18:30 (route.md:22-22)."
    assert endpoint[0]["model"] == "my-own:7b"


def test_ask_without_key_says_what_to_set(ctxwin: Ctxwin, notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    run = ctxwin("ask", "Where is the ferry?", notes, "-m", "gpt-5-mini")
    assert (run.code, run.out) == (2, "")
    assert "set OPENAI_API_KEY" in run.err


# --- bad input --------------------------------------------------------------------------------------------

CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
BAD_TALKS = {
    "unknown role": (
        [{"role": "user", "content": "Hello"}, {"role": "wizard", "content": "Hm"}],
        ["message 1", "'wizard'"],
    ),
    "orphan tool result": (
        [{"role": "user", "content": "Hello"}, {"role": "tool", "tool_call_id": "c9", "content": "3"}],
        ["message 1", "c9"],
    ),
    "no dict": ([{"role": "user", "content": "Hello"}, 7], ["1"]),
    "content of no known type": ([{"role": "user", "content": 7}], ["message 0", "content"]),
    "broken JSON": ('[{"role": "user",]', [":1:"]),
    "no messages": ([], []),
    "not a conversation": ({"name": "Ana"}, []),
    "empty file": ("", []),
}


def refused(run: Run, *words: str) -> None:
    assert run.code == 2, run
    assert run.out == ""
    assert run.err.startswith("ctxwin: error: ")
    assert run.err.count("\n") == 1, run.err
    for word in words:
        assert word in run.err
    assert "Traceback" not in run.err


@pytest.mark.parametrize("command", ["pack", "explain"])
@pytest.mark.parametrize("name", BAD_TALKS)
def test_bad_conversations(ctxwin: Ctxwin, tmp_path: Path, command: str, name: str) -> None:
    value, words = BAD_TALKS[name]
    path = write(tmp_path / "talk.json", value)
    target = tmp_path / "out.json"
    output = ("--output", target) if command == "pack" else ()
    refused(ctxwin(command, path, "--query", "Who?", "--budget", "1k", *output), "talk.json", *words)
    assert not target.exists()


@pytest.mark.parametrize("budget", ["-5", "0", "many", "1.2345k", "", "2 k k", "1e3"])
@pytest.mark.parametrize("command", ["pack", "explain"])
def test_bad_budgets(ctxwin: Ctxwin, talk: Path, command: str, budget: str) -> None:
    refused(ctxwin(command, talk, "-q", "Who?", f"--budget={budget}"), "--budget", repr(budget))


def test_a_budget_that_is_too_small_shows_the_sum(ctxwin: Ctxwin, talk: Path, tmp_path: Path) -> None:
    run = ctxwin("pack", talk, "-q", QUESTION, "-b", "20", "--output", tmp_path / "out.json")
    refused(run, "limit 20", "system")
    assert not (tmp_path / "out.json").exists()


def test_unknown_names_come_with_near_ones(ctxwin: Ctxwin, talk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    refused(ctxwin("pack", talk, "--model", "gpt-5-mni"), "'gpt-5-mni'", "'gpt-5-mini'")
    refused(ctxwin("ask", "Who?", talk.parent, "--model", "gpt-5-mni"), "'gpt-5-mni'", "'gpt-5-mini'")
    refused(ctxwin("pack", talk, "--tokenizer", "o200k_bas"), "'o200k_bas'", "'o200k_base'")
    refused(ctxwin("count", talk, "--model", "gpt-5-mni"), "'gpt-5-mini'")
    refused(ctxwin("models", "no-such-model"), "'no-such-model'")
    refused(ctxwin("pack", talk, "--strategy", "best"), "'best'", "auto")
    refused(ctxwin("packk", talk), "packk")
    refused(ctxwin("pack", talk, "--budgt", "1k"), "--budgt")


def test_missing_paths(ctxwin: Ctxwin, talk: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone.json"
    for arguments in (
        ("pack", gone),
        ("explain", gone),
        ("count", gone),
        ("ask", "Who?", gone),
        ("pack", talk, "--files", gone),
        ("explain", tmp_path / "gone", "-q", "Who?"),
    ):
        refused(ctxwin(*arguments), "gone")


def test_a_folder_is_no_conversation(ctxwin: Ctxwin, tmp_path: Path) -> None:
    refused(ctxwin("pack", tmp_path), str(tmp_path))


def test_a_folder_without_readable_files(ctxwin: Ctxwin, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    refused(ctxwin("ask", "Who?", folder), "pictures")
    (folder / "a.bin").write_bytes(bytes(range(256)) * 8)
    refused(ctxwin("ask", "Who?", folder), "pictures")
    refused(ctxwin("explain", folder, "-q", "Who?"), "pictures")


def test_an_output_that_cannot_be_written(ctxwin: Ctxwin, talk: Path, tmp_path: Path) -> None:
    refused(ctxwin("pack", talk, "-b", "1k", "--output", tmp_path / "no" / "out.json"), "out.json", "--output")
    (tmp_path / "folder").mkdir()
    refused(ctxwin("pack", talk, "-b", "1k", "--output", tmp_path / "folder"), "folder")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["folder", "talk.json"]


def test_two_conversations(ctxwin: Ctxwin, talk: Path) -> None:
    refused(ctxwin("explain", talk, talk.with_name("b.json"), "-q", "Who?"), "one at a time")


# --- help -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_exit_codes(ctxwin: Ctxwin, command: str) -> None:
    run = ctxwin(command, "--help")
    assert run.code == 0
    assert f"ctxwin {command}" in run.out.split("Example:")[1]
    assert "--json" in run.out


def test_the_help_tells_the_exit_codes(ctxwin: Ctxwin) -> None:
    run = ctxwin("--help")
    assert run.code == 0
    assert "Exit codes:\n" in run.out
    assert re.search(r"^ +2 +bad input", run.out, re.MULTILINE)
    assert all(f"  {command} " in run.out for command in COMMANDS)


def test_the_list_of_commands_has_each_command_and_the_first_line_of_its_help() -> None:
    modules = [import_module(f"ctxwin.cli.{one.name}") for one in pkgutil.iter_modules(CLI)]
    runs = {one.__name__.rpartition(".")[2]: one.run for one in modules if hasattr(one, "run")}
    assert {name: run.__doc__.splitlines()[0] for name, run in runs.items()} == COMMANDS
    for name in COMMANDS:
        assert (load_command(name).help or "").splitlines()[0] == COMMANDS[name]


def test_the_help_loads_no_other_room() -> None:
    code = """
import sys
from ctxwin.cli import main
try:
    main(["--help"])
finally:
    loaded = sorted(one for one in sys.modules if one.startswith("ctxwin"))
    others = sorted({"numpy", "pydantic", "pydantic_settings", "rich"} & sys.modules.keys())
    print(loaded, others, file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    own = ["ctxwin", "ctxwin.cli", "ctxwin.cli.commands", "ctxwin.cli.setting_places", "ctxwin.errors"]
    assert done.stderr == f"{own} []\n"


def test_a_command_loads_no_other_command(talk: Path) -> None:
    code = f"""
import sys
from ctxwin.cli import main
try:
    main(["count", {str(talk)!r}])
finally:
    print(sorted({set(COMMANDS)!r} & {{one.removeprefix("ctxwin.cli.") for one in sys.modules}}), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stderr.splitlines()[-1] == "['count']"


def test_a_mistyped_command_is_told_the_nearest(ctxwin: Ctxwin) -> None:
    refused(ctxwin("pakc"), "No such command 'pakc'. Did you mean 'pack'?")


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("ctxwin p", ["pack"]),
        ("ctxwin c", ["cache", "chat", "compact", "config", "count"]),
        ("ctxwin pack --bud", ["--budget"]),
    ],
)
def test_a_shell_completes_commands_and_options(typed: str, completed: list[str]) -> None:
    asked = {"_CTXWIN_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    assert console(env=os.environ | asked).stdout.split() == completed


# --- the real console -------------------------------------------------------------------------------------


def console(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ctxwin", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


def test_the_console_packs(talk: Path) -> None:
    done = console("pack", talk, "-q", QUESTION, "-b", "700")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[-1]["content"] == QUESTION
    assert "of 700 tokens" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr


def test_the_console_refuses(tmp_path: Path) -> None:
    done = console("pack", tmp_path / "gone.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("ctxwin: error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_real_terminal_shows_the_work_and_the_table(talk: Path, notes: Path) -> None:
    import pty

    leader, follower = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "ctxwin",
        "pack",
        str(talk),
        "-q",
        QUESTION,
        "-f",
        str(notes),
        "--preview",
    ]
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "100"}
    process = subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, env=environment)
    os.close(follower)
    shown = b""
    while True:
        try:
            piece = os.read(leader, 65_536)
        except OSError:  # Linux's way to say that the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(leader)
    assert process.wait(timeout=60) == 0, shown
    text = shown.decode()
    assert "reading files" in text or "packing" in text or "embedding" in text
    assert "\x1b[?25h" in text, "the cursor is shown again"
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    assert "of 2,048 tokens" in plain
    assert "form       p" in plain


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_an_output_that_cannot_be_written_is_told_and_a_closed_one_is_nobodys() -> None:
    def run(shell: str) -> tuple[int, str]:
        done = subprocess.run(
            ["sh", "-c", f'"$0" -m ctxwin models {shell}', sys.executable], capture_output=True, text=True, timeout=120
        )
        return done.returncode, done.stderr

    code, said = run("> /dev/full")
    assert code == 2 and said.startswith("ctxwin: error: the output cannot be written (No space left on device)")
    assert run(">&-") == (0, "")
    assert run("2>&-") == (0, "")
