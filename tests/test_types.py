"""What type checkers and completion see of the package."""

import asyncio
import inspect
import os
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

import pytest

import ctxwin

PROGRAM = """
import asyncio

from ctxwin import Budget, BudgetError, Files, Item, Packed, Window, apack, check, count_tokens, pack, wrap

packed: Packed = pack([{"role": "user", "content": "Hello"}], budget=Budget(total=100))
tokens: int = packed.tokens


async def main() -> int:
    later = await apack(items=[Item(text="a", id="1"), "b"], query="c", budget=64, strategy="auto", embedder="none")
    return later.tokens


def talk(window: Window) -> str:
    try:
        return window.send("Hello").text
    except BudgetError as error:
        return str(error.limit)


client = wrap(object(), window=Window(budget=100))
print(asyncio.run(main()), Files, check, count_tokens("a").tokens, talk(Window(budget=100)))
"""
WRONG = """
import asyncio

from ctxwin import apack, pack

one: str = pack("x").tokens
two = pack("x", bugdet=3)
three = asyncio.run(apack("x", bugdet=3))
"""
ROOT = str(Path(ctxwin.__file__).parents[1])


def checked(tool: str, place: Path, text: str) -> subprocess.CompletedProcess[str]:
    program = place / "program.py"
    program.write_text(text)
    options = ["--strict", "--cache-dir", str(place / "mypy")] if tool == "mypy" else ["--pythonpath", sys.executable]
    environment = {**os.environ, "MYPYPATH": ROOT, "PYTHONPATH": ROOT}
    command = [sys.executable, "-m", tool, *options, str(program)]
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("tool", ["mypy", "basedpyright"])
def test_a_users_program_is_checked_with_real_types(tmp_path, tool):
    """The second is pyright with its program in the wheel, so that nothing is fetched."""
    if find_spec(tool) is None:
        pytest.skip(f"{tool} is not installed")
    right = checked(tool, tmp_path, PROGRAM)
    assert right.returncode == 0, right.stdout + right.stderr
    wrong = checked(tool, tmp_path, WRONG)
    assert wrong.returncode == 1
    assert wrong.stdout.count("bugdet") == 2 and "str" in wrong.stdout


def test_completion_lists_public_names_alone():
    assert dir(ctxwin) == sorted(["__version__", *ctxwin.__all__])
    assert set(ctxwin.__all__) == set(ctxwin._HOME)
    code = "import ctxwin, ctxwin.tokens; ctxwin.pack; print([n for n in dir(ctxwin) if n not in ctxwin.__all__])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['__version__']"


def test_apack_has_the_parameters_of_pack():
    assert inspect.signature(ctxwin.apack) == inspect.signature(ctxwin.pack)


def test_apack_works_off_the_loops_thread_and_the_loop_goes_on():
    started, go_on, threads = threading.Event(), threading.Event(), []

    class Held:
        """A tokenizer that waits until the event loop lets it go: in the loop's own thread it would wait for ever."""

        name, exact, error = "held", True, 0.0

        def count(self, text):
            return self.count_many([text])[0]

        def count_many(self, texts):
            threads.append(threading.get_ident())
            started.set()
            assert go_on.wait(60)
            return [len(text.split()) for text in texts]

        def truncate(self, text, tokens):
            return " ".join(text.split()[:tokens])

    async def both():
        talk = [{"role": "user", "content": f"Locker {n} opens with {n * n}."} for n in range(60)]
        packing = asyncio.create_task(ctxwin.apack(talk, "What opens locker 7?", 60, tokenizer=Held(), embedder="none"))
        while not started.is_set():
            await asyncio.sleep(0.001)
        go_on.set()
        return await packing

    assert asyncio.run(both()).tokens <= 60
    assert threads and threading.get_ident() not in threads
