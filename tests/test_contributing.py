"""CONTRIBUTING is followed: its examples go into a copy of the package, and what they add is picked up there.

Each example is a file of its own; each `diff` is applied to the one file of its section in which its lines stand.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
import yaml

import ctxwin
from ctxwin.messages import Dialect

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RECIPES = {part.partition("\n")[0]: part for part in TEXT.split("\n### ")[1:]}
FILE = re.compile(r"[Ff]or\s+instance\s+`(?P<path>[^`]+)`:\n\n```\w+\n(?P<body>.*?)^```", re.DOTALL | re.MULTILINE)
DIFF = re.compile(r"^```diff\n(.*?)^```", re.DOTALL | re.MULTILINE)
PATH = re.compile(r"`((?:ctxwin|tests)/[\w./]+|pyproject\.toml)`")
ROW = re.compile(r"^\| `(?P<path>ctxwin/[\w/]+\.py)` \| `(?P<table>\w+)` \|", re.MULTILINE)
NEW = [found["path"] for recipe in RECIPES.values() for found in FILE.finditer(recipe)]
DIALECTS = set(get_args(Dialect))


def apply(diff: str, root: Path, paths: list[str]) -> None:
    """Apply a diff to the one of these files that has its lines, once."""
    old, new = ("".join(line[1:] for line in diff.splitlines(True) if line[0] in (" ", sign)) for sign in "-+")
    fits = [path for path in paths if (root / path).is_file() and old in (root / path).read_text(encoding="utf-8")]
    assert len(fits) == 1, f"{fits or 'no file of the section'}: {old!r}"
    text = (root / fits[0]).read_text(encoding="utf-8")
    assert text.count(old) == 1, (fits, old)
    (root / fits[0]).write_text(text.replace(old, new), encoding="utf-8")


def follow(recipe: str, root: Path) -> None:
    """Do what a section says."""
    for found in FILE.finditer(recipe):
        assert not (root / found["path"]).exists()
        (root / found["path"]).write_text(found["body"], encoding="utf-8")
    for diff in DIFF.findall(recipe):
        apply(diff, root, sorted(set(PATH.findall(recipe)) - set(NEW)))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package and what its contracts need, with every recipe followed."""
    root = tmp_path_factory.mktemp("copy")
    for name in ("ctxwin", "tests/contracts", "tests/strategies"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "tests/conftest.py"):
        shutil.copy(ROOT / name, root / name)
    for recipe in RECIPES.values():
        follow(recipe, root)
    return root


def run(root: Path, code: str, *options: str) -> object:
    """Run a program with a copy of the package; return what it prints, as JSON."""
    before = f"import json, ctxwin\nassert ctxwin.__file__.startswith({str(root)!r}), ctxwin.__file__\n"
    done = subprocess.run(
        [sys.executable, *options, "-c", before + textwrap.dedent(code)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_kind_has_a_recipe() -> None:
    words = ("reader", "strategy", "embedder", "store", "integration", "grammar", "dialect")
    assert [next((word for word in words if word in title), title) for title in RECIPES] == [*words]
    assert len(NEW) == len(words) - 1
    assert sum(len(DIFF.findall(recipe)) for recipe in RECIPES.values()) >= len(NEW)


def test_every_path_that_is_named_is_there() -> None:
    named = set(PATH.findall(TEXT)) - set(NEW)
    assert len(named) > 20
    assert [path for path in sorted(named) if not (ROOT / path).exists() and "LANGUAGE" not in path] == []


def test_examples_are_in_the_style_of_the_house(copy: Path) -> None:
    files = [path for path in NEW if path.endswith(".py")]
    for command in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        ruff = [str(Path(sys.executable).with_name("ruff")), *command, *files]
        done = subprocess.run(ruff, cwd=copy, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_a_reader_is_picked_up(copy: Path) -> None:
    code = """
    from ctxwin.messages import load
    post = {"username": "ana", "raw": "When does the ferry leave?", "created_at": "2024-05-12T12:00:00Z", "id": 1}
    found = load({"title": "Ferries", "id": 9, "post_stream": {"posts": [post]}})
    print(json.dumps([found.origin, found.messages[0].raw]))
    """
    origin, raw = run(copy, code)
    assert origin.startswith("Discourse")
    assert raw == {"role": "user", "content": "When does the ferry leave?", "name": "ana"}


def test_a_strategy_is_picked_up(copy: Path) -> None:
    code = """
    talk = [{"role": "user", "content": f"Locker {n} opens with {n * 7919 % 9000}."} for n in range(99)]
    packed = ctxwin.pack(talk, budget=200, strategy="oldest", embedder="none")
    print(json.dumps([ctxwin.strategies()["oldest"], packed.tokens, [one["content"] for one in packed.messages]]))
    """
    line, tokens, texts = run(copy, code)
    assert line == "the oldest items, in full"
    assert tokens <= 200
    assert [text.split()[1] for text in texts if text.startswith("Locker")][:3] == ["0", "1", "2"]


def test_an_embedder_is_picked_up(copy: Path) -> None:
    code = """
    from ctxwin.embed import get_embedder
    items = [ctxwin.Item(text=text) for text in ("tttt", "zzzz ssss", "qqqq")]
    packed = ctxwin.pack(items=items, query="t", budget=40, embedder="letters")
    print(json.dumps([get_embedder("letters").name, get_embedder("letters").embed(["tt", ""]).tolist()]))
    """
    name, rows = run(copy, code)
    assert name == "letters/1"
    assert rows == [[0, 1, 0, 0, 0, 0, 0, 0, 0], [0] * 9]


def test_a_store_is_picked_up(copy: Path) -> None:
    code = """
    from ctxwin.store import AuditedStore
    store = AuditedStore()
    window = ctxwin.Window(budget=200, store=store, id="tea", client=lambda messages: "Yes.", embedder="none")
    window.send("Milk?")
    print(json.dumps([store.log, isinstance(store, ctxwin.Store)]))
    """
    assert run(copy, code) == [[["tea", 0], ["tea", 1]], True]


def test_a_grammar_is_picked_up(copy: Path) -> None:
    code = r"""
    from ctxwin.chunking.syntax import LANGUAGES, language_of, parse
    found = parse('load("//tools:cc.star", "cc")\n\nLIMIT = 3\n\ndef rule(ctx):\n    return cc(ctx)\n', "starlark")
    names = [(one.kind, one.name) for one in found.definitions]
    asked = ctxwin.pack(query="Which rule calls cc?", files=["x.star"], budget=300, embedder="none").text
    print(json.dumps([language_of("BUILD.bazel"), "starlark" in LANGUAGES, names, found.imports, asked]))
    """
    (copy / "x.star").write_text("def rule(ctx):\n    return cc(ctx)\n", encoding="utf-8")
    named, listed, names, imports, asked = run(copy, code)
    assert (named, listed) == ("starlark", True)
    assert names == [["constant", "LIMIT"], ["function", "rule"]]
    assert imports == ["//tools:cc.star"]
    assert "return cc(ctx)" in asked


def test_an_integration_is_picked_up(copy: Path) -> None:
    pytest.importorskip("haystack")
    code = """
    from haystack.dataclasses import ChatMessage
    from ctxwin.integrations.haystack import shorter
    talk = [ChatMessage.from_user(f"Locker {n} opens with {n * 7919 % 9000}.") for n in range(99)]
    packed = shorter([*talk, ChatMessage.from_user("What opens locker 37?")], budget=150, embedder="none")
    print(json.dumps([any(one is talk[37] for one in packed), len(packed), packed[-1].text]))
    """
    kept, many, last = run(copy, code, "-W", "ignore")
    assert kept
    assert many < 20
    assert last == "What opens locker 37?"
    extras = tomllib.loads((copy / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert extras["haystack"] == ["haystack-ai>=3.2"]


def test_contracts_hold_for_what_was_added(copy: Path) -> None:
    options = ["-q", "-rA", "-p", "no:cacheprovider", "-k", "letters or audited or oldest and not oldest_first"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "tests/contracts"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "CTXWIN_CACHE": str(copy / "cache")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    for name in ("letters", "audited", "oldest"):
        assert re.search(rf"PASSED .*\[{name}", done.stdout), name


# A dialect


def tables(text: str) -> Iterator[tuple[str, ast.Dict]]:
    """Yield the tables at the top of a module that have a row for each dialect, and their names."""
    for node in ast.parse(text).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if isinstance(value, ast.Dict) and {getattr(key, "value", None) for key in value.keys} >= DIALECTS:
            yield target.id, value


def test_the_tables_of_dialects_are_those_that_are_named() -> None:
    named = [(found["path"], found["table"]) for found in ROW.finditer(RECIPES["A dialect"])]
    texts = {path.relative_to(ROOT): path.read_text(encoding="utf-8") for path in (ROOT / "ctxwin").rglob("*.py")}
    found = [(str(path), table) for path, text in texts.items() if '"responses"' in text for table, _ in tables(text)]
    assert sorted(named) == sorted(found)


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A copy of the package with one dialect more, which has OpenAI's row in every table that is named."""
    shutil.copytree(ROOT / "ctxwin", tmp_path / "ctxwin", ignore=shutil.ignore_patterns("__pycache__"))
    for path in {found["path"] for found in ROW.finditer(RECIPES["A dialect"])}:
        text = (tmp_path / path).read_text(encoding="utf-8")
        lines = text.splitlines(True)
        for _, table in reversed(list(tables(text))):
            rows = zip(table.keys, table.values, strict=True)
            key, value = next(row for row in rows if getattr(row[0], "value", None) == "openai")
            line = lines[key.lineno - 1]
            row = f'"toy": {ast.get_source_segment(text, value)}, '
            lines[key.lineno - 1] = line[: key.col_offset] + row + line[key.col_offset :]
        (tmp_path / path).write_text("".join(lines), encoding="utf-8")
    values = tmp_path / "ctxwin/messages/conversation.py"
    text, found = re.subn(r"^(Dialect = Literal\[.*)\]$", r'\1, "toy"]', values.read_text(encoding="utf-8"), flags=re.M)
    assert found == 1
    values.write_text(text, encoding="utf-8")
    shapes = tmp_path / "ctxwin/messages/checks/shapes.toml"
    text = shapes.read_text(encoding="utf-8")
    shapes.write_text(text + text[text.index("[openai]") : text.index("[responses]")].replace("[openai]", "[toy]"))
    return tmp_path


def test_a_dialect_with_a_row_in_every_table_is_read_checked_mended_counted_and_kept(toy: Path) -> None:
    code = """
    from ctxwin.caching.marking import KEYS
    from ctxwin.messages import read, write
    from ctxwin.tokens import count_items
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    talk = [
        {"role": "user", "content": "Rain?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "Rain until six."},
        {"role": "assistant", "content": "Until six."},
    ]
    found = read(talk, dialect="toy")
    assert (found.dialect, write(found)) == ("toy", talk)
    lost, told = ctxwin.repair(talk[2:], dialect="toy")
    window = ctxwin.Window(budget=300, dialect="toy", embedder="none")
    window.add(*talk)
    packed = window.pack("And tomorrow?")
    tokens = [count_items(found.items, ctxwin.get_tokenizer("o200k_base"), one) for one in ("toy", "openai")]
    assert "toy" in KEYS and tokens[0] == tokens[1]
    print(json.dumps([ctxwin.check(talk, dialect="toy"), len(told), window.dialect, packed.messages[-1]["content"]]))
    """
    assert run(toy, code) == [[], 1, "toy", "And tomorrow?"]


def test_what_is_asked_for_by_name_is_found_by_the_command() -> None:
    command = re.search(r"`(grep [^`]+)`", RECIPES["A dialect"])
    done = subprocess.run(["bash", "-c", command[1]], cwd=ROOT, capture_output=True, text=True, check=True)
    files = {line.partition(":")[0] for line in done.stdout.splitlines()}
    assert {"ctxwin/messages/reading.py", "ctxwin/wrapping/merge_stream.py", "ctxwin/recall.py"} <= files


# What is public, and how it goes


def test_public_modules_are_those_that_the_readme_names() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\bctxwin\.([a-z_]+)\.\w", readme)) | set(re.findall(r"from ctxwin\.(\w+) import", readme))
    named |= {one for line in re.findall(r"from ctxwin import (.+)", readme) for one in line.split(", ")}
    public = TEXT.partition("## What is public")[2].partition("\n## ")[0]
    listed = set(re.findall(r"`ctxwin\.([a-z]\w+)`", public))
    assert listed == {one for one in named if (ROOT / "ctxwin" / one).exists() or (ROOT / f"ctxwin/{one}.py").exists()}
    assert set(ctxwin.__all__).isdisjoint(listed)


def test_a_module_that_moved_needs_one_line(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "ctxwin", tmp_path / "ctxwin", ignore=shutil.ignore_patterns("__pycache__"))
    moved = tmp_path / "ctxwin/moved.py"
    text = moved.read_text(encoding="utf-8")
    assert text.count('_TABLE = """\n') == 1
    moved.write_text(text.replace('_TABLE = """\n', '_TABLE = """\nexamples sample\n'), encoding="utf-8")
    code = """
    import warnings
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        from ctxwin.examples import conversation
    print(json.dumps([conversation.__module__, [(one.category.__name__, str(one.message)) for one in told]]))
    """
    module, told = run(tmp_path, code)
    assert module == "ctxwin.sample"
    assert [category for category, _ in told] == ["DeprecationWarning"]
    assert told[0][1].startswith("ctxwin.examples is ctxwin.sample")


# Checks


def test_nothing_is_checked_in_two_ways() -> None:
    check, whole = ((ROOT / ".ci" / name).read_text(encoding="utf-8") for name in ("check", "run"))
    for tool in ("ruff", "mypy", "lint-imports"):
        assert re.search(rf"^{tool}\b", check, re.MULTILINE), tool
        assert not re.search(rf"^\s*{tool}\b", whole, re.MULTILINE), tool
    assert ".ci/check --static" in whole
    assert all(os.access(ROOT / ".ci" / name, os.X_OK) for name in ("check", "run"))


def test_the_workflow_runs_on_every_python_that_the_project_names() -> None:
    flow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    assert set(flow[True]) == {"push", "pull_request"}  # YAML reads the key `on` as true
    assert flow["concurrency"]["cancel-in-progress"] is True
    assert flow["permissions"] == {"contents": "read"}
    (job,) = flow["jobs"].values()
    prefix = "Programming Language :: Python :: 3."
    named = [one.rpartition(" ")[2] for one in PROJECT["project"]["classifiers"] if one.startswith(prefix)]
    assert job["strategy"]["matrix"]["python"] == named
    assert all(isinstance(one, str) for one in named)
    assert PROJECT["project"]["requires-python"] == f">={named[0]}"
    assert (job["runs-on"], job["timeout-minutes"]) == ("ubuntu-latest", 60)
    chosen = next(step["with"] for step in job["steps"] if step.get("uses", "").startswith("actions/setup-python@"))
    assert (chosen["python-version"], chosen["cache"]) == ("${{ matrix.python }}", "pip")
    assert all((ROOT / path).is_file() for path in chosen["cache-dependency-path"].split())
    assert [step["run"] for step in job["steps"] if "run" in step][-1] == ".ci/run"
    assert "secrets." not in json.dumps(job)
