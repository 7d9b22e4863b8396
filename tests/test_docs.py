"""READMEs and notebooks are run; every command is documented and its examples can be parsed.

Each block of a README is run as though it had been pasted alone, in an empty folder; where it asks a model, a
provider on this machine answers. A block under `<!-- not run: why -->` is only compiled or parsed, and one that
installs is run by `.ci/run`.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from server import Provider
from typer.testing import CliRunner

from ctxwin.cli import app
from ctxwin.cli.commands import COMMANDS, load_command

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
CHINESE = ROOT / "README.zh.md"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
BLOCK = re.compile(
    r"^(?:<!--\s*not run:(?P<why>.+?)-->\s*)?```(?P<language>\w+)\n(?P<body>.*?)^```",
    re.MULTILINE | re.DOTALL,
)
NOTEBOOK_SECONDS = 900
"""Time for one cell, with room for a busy machine; it takes some 30 s on two cores, and `standing` three minutes
of a core more where the small model is installed."""


def blocks(language: str, *readmes: Path) -> Iterator[tuple[str, bool]]:
    """Yield the blocks of READMEs in a language, and whether they are to be run."""
    for readme in readmes or (README, CHINESE):
        for found in BLOCK.finditer(readme.read_text(encoding="utf-8")):
            if found["language"] == language:
                yield found["body"], found["why"] is None


def invocations(text: str) -> Iterator[list[str]]:
    """Yield the arguments of each line that starts with `ctxwin`, up to a pipe, a redirection or a remark."""
    for line in text.replace("\\\n", " ").splitlines():
        words = re.split(r"\s{2,}|\s[|>#&]", line.strip().removeprefix("$ "))[0]
        if words.startswith("ctxwin "):
            yield shlex.split(words)[1:]


def parse(arguments: list[str]) -> None:
    """Parse a command line without running it; an unknown command or option raises."""
    assert arguments[0] in COMMANDS or arguments[0].startswith("-"), arguments
    if arguments[0] in COMMANDS:
        load_command(arguments[0]).make_context(arguments[0], arguments[1:])


PYTHON = [body for body, run in blocks("python", README) if run]  # the other shows the same, as a test holds
SHELL = [body for body, run in blocks("sh") if run and "pip install" not in body]


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to work in, and somebody who answers for OpenAI."""
    with Provider() as provider:
        provider.respond = lambda request: "In May."
        monkeypatch.setenv("OPENAI_BASE_URL", provider.openai)
        monkeypatch.setenv("OPENAI_API_KEY", "any")
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
        monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        (tmp_path / "work").mkdir()
        monkeypatch.chdir(tmp_path / "work")
        yield tmp_path / "work"


@pytest.mark.parametrize("body", PYTHON, ids=range(len(PYTHON)))
def test_python_of_the_readme_runs_as_pasted(body: str, empty: Path) -> None:
    exec(compile(body, "README", "exec"), {"__name__": "readme"})


def test_python_of_the_readme_that_is_not_run_compiles() -> None:
    for readme in (README, CHINESE):
        assert sum(run for _, run in blocks("python", readme)) >= 6, "it shows hardly any Python that runs"
    for body, _ in blocks("python"):
        compile(body, "README", "exec")


@pytest.mark.slow
@pytest.mark.parametrize("body", SHELL, ids=range(len(SHELL)))
def test_commands_of_the_readme_run_as_pasted(body: str, empty: Path) -> None:
    lines = [line for line in body.splitlines() if line and not line.startswith("#")]
    assert len(lines) >= 8
    for line in lines:
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, (line, done.stderr)
        assert done.stdout or "> " in line, line


def test_readme_command_lines_are_real() -> None:
    lines = [one for language in ("sh", "bash", "console") for body, _ in blocks(language) for one in invocations(body)]
    assert lines
    for arguments in lines:
        parse(arguments)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_in_the_readme(command: str) -> None:
    for readme in (README, CHINESE):
        assert f"ctxwin {command}" in readme.read_text(encoding="utf-8")


def test_both_readmes_show_the_same_set_up_and_python_and_name_each_other() -> None:
    shown = {ast.dump(ast.parse(body)) for body, _ in blocks("python", README)}
    assert [body for body, _ in blocks("python", CHINESE) if ast.dump(ast.parse(body)) not in shown] == []
    first, second = (readme.read_text(encoding="utf-8").splitlines() for readme in (README, CHINESE))
    assert [[line for line in lines if line.startswith("pip install ")] for lines in (first, second)] == [
        ["pip install . && ctxwin demo", 'pip install ".[test]" && pytest']
    ] * 2
    assert f"]({CHINESE.name})" in first[2] and f"]({README.name})" in second[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_examples_in_help_can_be_parsed(command: str) -> None:
    found = CliRunner().invoke(app, [command, "--help"], prog_name="ctxwin", env={"COLUMNS": "100"})
    examples = list(invocations(found.output.split("Example:")[1]))
    assert examples
    for arguments in examples:
        assert arguments[0] == command
        parse(arguments)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run_and_carry_their_output(path: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), "run it from the top"
    assert any("image/png" in output.get("data", {}) for cell in code for output in cell.outputs)
    assert not any(output.output_type == "error" for cell in code for output in cell.outputs)
    spoke = [bool(printed(cell)) for cell in code]
    NotebookClient(notebook, timeout=NOTEBOOK_SECONDS, resources={"metadata": {"path": str(path.parent)}}).execute()
    assert [bool(printed(cell)) for cell in code] == spoke, "a cell that printed prints no more, or the reverse"


def printed(cell: Any) -> str:
    """Return what a cell prints; figures may differ by the processor's rounding, so that nobody compares them."""
    return "".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs)


def test_notebooks_are_there() -> None:
    assert "01_quickstart" in [path.stem for path in NOTEBOOKS]
