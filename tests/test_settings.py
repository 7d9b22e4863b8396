"""Settings of the command line: where they come from, which goes first, and what a folder's file cannot do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from server import Provider

from ctxwin import sample
from ctxwin.cli.commands import COMMANDS, load_command
from ctxwin.cli.settings import PERSONAL, Settings, variable


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder and a folder of the user's settings, both empty."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    return folder


def user_file(place: Path, text: str) -> Path:
    path = place.parent / "config" / "ctxwin" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def folder_file(place: Path, text: str) -> Path:
    path = place / "ctxwin.toml"
    path.write_text(text, encoding="utf-8")
    return path


def ctxwin(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ctxwin", *arguments]
    found = {**os.environ, "COLUMNS": "80", **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=found, stdin=subprocess.DEVNULL)


def settings(**environment: str) -> dict[str, tuple[Any, str]]:
    run = ctxwin("config", "--json", **environment)
    assert run.returncode == 0, run.stderr
    return {one["name"]: (one["value"], one["origin"]) for one in json.loads(run.stdout)["settings"]}


def limit(*arguments: str, **environment: str) -> int:
    """The tokens that a packing may have, which is what a budget comes to."""
    talk = json.dumps([{"role": "user", "content": "When does the lease end?"}])
    Path("talk.json").write_text(talk, encoding="utf-8")
    run = ctxwin("pack", "talk.json", "--json", "--embedder", "none", *arguments, **environment)
    assert run.returncode == 0, run.stderr
    return int(json.loads(run.stdout)["report"]["limit"])


def test_an_option_goes_before_the_environment_before_the_folder_before_the_user(place: Path) -> None:
    assert limit() == 2048
    user_file(place, 'budget = "1100"')
    assert limit() == 1100
    folder_file(place, "budget = 1200")
    assert limit() == 1200
    assert limit(CTXWIN_BUDGET="1.3k") == 1300
    assert limit("--budget", "1400", CTXWIN_BUDGET="1.3k") == 1400
    assert limit(CTXWIN_BUDGET="") == 1200, "an empty variable sets nothing"


def test_config_says_where_each_value_comes_from(place: Path) -> None:
    user_file(place, 'budget = "1k"\nstrategy = "recency"\nmodel = "gpt-5-mini"\ncosts = true')
    folder_file(place, 'strategy = "relevance"\ntokenizer = "cl100k_base"')
    assert settings(CTXWIN_TOKENIZER="o200k_base") == {
        "budget": ("1k", "user"),
        "model": ("gpt-5-mini", "user"),
        "tokenizer": ("o200k_base", "environment"),
        "strategy": ("relevance", "folder"),
        "embedder": ("auto", "built in"),
        "costs": (True, "user"),
        "base_url": (None, "built in"),
    }
    shown = ctxwin("config").stdout
    assert f"folder      {place / 'ctxwin.toml'}\n" in shown.replace("/private", "")
    assert "option, environment, folder, user, built in" in shown


def test_all_commands_use_them(place: Path) -> None:
    user_file(place, 'budget = "600"\nstrategy = "recency"\nembedder = "none"\ntokenizer = "cl100k_base"\ncosts = true')
    talk = place / "talk.json"
    talk.write_text(json.dumps(sample.conversation()), encoding="utf-8")
    packed = json.loads(ctxwin("pack", "talk.json", "--json").stdout)["report"]
    assert (packed["limit"], packed["strategy"], packed["tokenizer"]) == (600, "recency", "cl100k_base")
    asked = json.loads(ctxwin("ask", "Which brake pads?", str(sample.files()), "--json").stdout)
    assert asked["limit"] == 600
    explained = json.loads(ctxwin("explain", "talk.json", "--json").stdout)
    assert (explained["limit"], explained["strategy"]) == (600, "recency")
    assert "cl100k_base" in ctxwin("count", "talk.json").stdout


def test_a_strategy_of_an_earlier_release_is_still_taken_and_told(place: Path) -> None:
    user_file(place, 'budget = "600"\nstrategy = "mmr"\nembedder = "none"')
    (place / "talk.json").write_text(json.dumps(sample.conversation()), encoding="utf-8")
    run = ctxwin("pack", "talk.json", "--json")
    assert json.loads(run.stdout)["report"]["strategy"] == "mmr"
    assert run.stderr.count("strategy='mmr' is a reference of the evaluation") == 1


def test_a_chat_asks_the_model_and_address_of_the_settings(place: Path) -> None:
    with Provider() as provider:
        provider.script("Ahoy.")
        user_file(place, f'model = "my-own:7b"\nbudget = "2k"\nembedder = "none"\nbase_url = "{provider.openai}"')
        command = [sys.executable, "-m", "ctxwin", "chat", "--json", "--store", "talk.db"]
        found = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"}
        run = subprocess.run(command, input="Hello\n", capture_output=True, text=True, check=False, env=found)
        assert run.returncode == 0, run.stderr
        assert json.loads(run.stdout)["reply"] == "Ahoy."
        assert provider.last.body["model"] == "my-own:7b"
        assert (settings()["base_url"], settings(OPENAI_BASE_URL="http://127.0.0.1:1")["base_url"]) == (
            (provider.openai, "user"),
            ("http://127.0.0.1:1", "environment"),
        )


def test_ask_sends_nothing_where_no_model_is_typed(place: Path) -> None:
    with Provider() as provider:
        run = ctxwin(
            *("ask", "Which brake pads?", str(sample.files()), "--embedder", "none"),
            CTXWIN_MODEL="gpt-5-mini",
            CTXWIN_BASE_URL=provider.openai,
        )
        assert (run.returncode, len(provider.requests)) == (0, 0)
        assert "brake" in run.stdout


@pytest.mark.parametrize("name", sorted(PERSONAL))
def test_a_folder_cannot_say_who_is_asked_or_what_is_loaded(place: Path, name: str) -> None:
    value = {"base_url": "http://127.0.0.1:1/v1"}.get(name, "gpt-5-mini")
    folder_file(place, f'{name} = "{value}"')
    run = ctxwin("config")
    assert (run.returncode, run.stdout) == (2, "")
    assert all(said in run.stderr for said in (name, "ctxwin.toml", "config.toml", variable(name)))
    assert ctxwin("count", ".").returncode == 2


def test_the_small_model_of_a_chat_is_nothing_to_count_for(place: Path) -> None:
    assert limit(CTXWIN_MODEL="local") == 2048
    assert limit(CTXWIN_MODEL="gpt-4o") > 100_000
    run = ctxwin("pack", "talk.json", "--model", "local")
    assert (run.returncode, "unknown model 'local'" in run.stderr) == (2, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bugdet = 3", ["'bugdet'", "did you mean 'budget'"]),
        ("[chat]\nbudget = 3", ["'chat'", "there are budget, model"]),
        ('budget = "x"', ["budget 'x'", "2k"]),
        ("budget = true", ["budget True", "2k"]),
        ("budget = 2.5", ["budget 2.5", "2k"]),
        ("budget = 0", ["budget 0", "2k"]),
        ('strategy = "relevanse"', ["strategy 'relevanse'", "did you mean 'relevance'"]),
        ("strategy = 5", ["strategy 5", "quotes"]),
        ('tokenizer = "o200k_bas"', ["tokenizer 'o200k_bas'", "did you mean 'o200k_base'"]),
        ('costs = "perhaps"', ["costs 'perhaps'", "true nor false"]),
        ("budget = = 3", ["no TOML", "line 1"]),
        ("x = " + "[" * 5_000, ["no TOML"]),
        ("#" + "x" * 200_000, ["over 100,000 bytes"]),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_key(place: Path, text: str, said: list[str]) -> None:
    for write in (folder_file, user_file):
        path = write(place, text)
        run = ctxwin("models", "gpt-5")
        path.unlink()
        assert (run.returncode, run.stdout, run.stderr.count("\n")) == (2, "", 1)
        assert all(one in run.stderr for one in (path.name, *said)), run.stderr


def test_bytes_that_are_no_text_are_named(place: Path) -> None:
    (place / "ctxwin.toml").write_bytes(b"\xff\xfe\x00")
    run = ctxwin("config")
    assert (run.returncode, "ctxwin.toml" in run.stderr, "UTF-8" in run.stderr) == (2, True, True)


@pytest.mark.parametrize(
    ("name", "value"), [("CTXWIN_BUDGET", "abc"), ("CTXWIN_STRATEGY", "best"), ("CTXWIN_COSTS", "perhaps")]
)
def test_a_variable_that_cannot_be_used_is_named(place: Path, name: str, value: str) -> None:
    run = ctxwin("pack", "-", **{name: value})
    assert (run.returncode, name in run.stderr, value in run.stderr) == (2, True, True)


def test_an_address_that_holds_a_key_is_not_shown(place: Path) -> None:
    for address in ("ftp://ana:hidden@127.0.0.1", "http://ana:hidden@127.0.0.1/v1"):
        run = ctxwin("config", CTXWIN_BASE_URL=address)
        assert "hidden" not in run.stdout + run.stderr
    assert settings(CTXWIN_BASE_URL=address)["base_url"] == ("http://127.0.0.1/v1", "environment")
    assert "sk-hidden" not in ctxwin("config", OPENAI_API_KEY="sk-hidden").stdout


def test_a_working_folder_that_has_gone_is_no_hindrance(place: Path) -> None:
    command = f"mkdir gone && cd gone && rmdir ../gone && {sys.executable} -m ctxwin models gpt-4o --json"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, "gpt-4o" in done.stdout) == (0, True), done.stderr


def test_a_variable_that_sets_nothing_is_told(place: Path) -> None:
    run = ctxwin("config", CTXWIN_BUGDET="4k", CTXWIN_CACHE=os.environ["CTXWIN_CACHE"], CTXWIN_GRID="FRA")
    assert run.stderr == "CTXWIN_BUGDET sets nothing; did you mean CTXWIN_BUDGET?\n"


def test_the_table_and_the_options_name_each_other() -> None:
    named = {
        one if isinstance(one, str) else one[0]
        for command in COMMANDS
        for option in load_command(command).params
        if (one := option.envvar)
    }
    assert named == {variable(name) for name in Settings.model_fields}
    assert "CTXWIN_BUDGET" in ctxwin("pack", "--help").stdout


def test_no_setting_touches_the_python_interface(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ctxwin as package

    monkeypatch.setenv("CTXWIN_BUDGET", "20")
    folder_file(place, "budget = 20")
    assert package.pack([{"role": "user", "content": "When does the lease end?"}], embedder="none").report.limit == 2048


@pytest.mark.parametrize("where", ["nothing", "cache", "variable", "lower", "endpoint", "folder", "user"])
def test_settings_are_read_where_there_may_be_any_and_pydantic_settings_is_loaded_for_them(place, where):
    variables = {"variable": "CTXWIN_MODEL", "lower": "ctxwin_model", "cache": "CTXWIN_CACHE"}
    environment = {variables[where]: "gpt-5-mini"} if where in variables else {}
    match where:
        case "endpoint":
            environment["OPENAI_BASE_URL"] = "http://127.0.0.1:9/v1"
        case "folder":
            folder_file(place, 'budget = "2k"\n')
        case "user":
            user_file(place, 'budget = "2k"\n')
    code = "import sys; from ctxwin.cli import app; app(['models', 'gpt-5-mini'], standalone_mode=False); "
    line = [sys.executable, "-c", code + "print('pydantic_settings' in sys.modules)"]
    known = {name: value for name, value in os.environ.items() if not name.startswith("CTXWIN_")} | environment
    said = subprocess.run(line, env=known, check=True, capture_output=True, text=True).stdout
    assert said.endswith(f"{where not in ('nothing', 'cache')}\n")
