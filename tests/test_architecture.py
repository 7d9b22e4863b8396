"""The house rules that a tool can hold: public names, weight of the import, sizes, one-way layers, no prints."""

import ast
import dataclasses
import importlib
import pickle
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import ctxwin
from ctxwin import errors

PACKAGE = Path(ctxwin.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
MAX_LINES = 600
MAX_FUNCTION = 50
"""Lines of a function without its docstring."""

PUBLIC = [
    "Allocator", "Budget", "BudgetError", "CtxwinError", "Embedder", "Files", "Item", "MessageError", "MissingExtra",
    "Packed", "Pool", "Report", "Store", "StoreError", "Summarizer", "Tokenizer", "UnknownModel", "Window", "apack",
    "check", "count_tokens", "get_model", "get_tokenizer", "pack", "repair", "strategies",
    "wrap",
]  # fmt: skip

HEAVY = [
    "anthropic", "bm25s", "faiss", "litellm", "onnxruntime", "openai", "scipy", "sentence_transformers", "tiktoken",
    "torch", "transformers",
]  # fmt: skip


def test_the_public_names_are_these_and_all_are_there():
    assert ctxwin.__all__ == PUBLIC
    assert all(getattr(ctxwin, name) is not None for name in PUBLIC)


@pytest.mark.parametrize(
    "statement", ["import ctxwin", "import ctxwin.packing", "import ctxwin.wrapping", "import ctxwin.cli"]
)
def test_importing_loads_nothing_heavy(statement):
    code = f"import sys; {statement}; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_and_functions_stay_small(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert length <= MAX_FUNCTION, f"{node.name} has {length} lines"


def test_every_module_lists_its_names_sorted():
    for found in pkgutil.walk_packages([str(PACKAGE)], "ctxwin."):
        if found.name in ("ctxwin.__main__",):
            continue
        module = importlib.import_module(found.name)
        if names := getattr(module, "__all__", None):
            assert [name for name in names if not hasattr(module, name)] == []


def test_every_error_is_one_of_ours_and_stands_in_the_tree():
    tree = errors.__doc__
    for name in errors.__all__:
        assert issubclass(getattr(errors, name), errors.CtxwinError | errors.CtxwinWarning)
        assert name in tree


@pytest.mark.parametrize(
    "error",
    [
        errors.BudgetError("no", sums={"system": 9}, limit=5, remedy="raise it"),
        errors.MessageError("no", index=3),
        errors.UnknownModel("gtp-5", ["gpt-5"]),
        errors.MissingExtra("torch", feature="that", command="pip install torch"),
        errors.StoreError("no"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_cross_processes(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_values_are_frozen():
    for module in ("items", "pool.layout", "report", "pool.units", "store"):
        for name, value in vars(importlib.import_module(f"ctxwin.{module}")).items():
            if dataclasses.is_dataclass(value) and isinstance(value, type):
                assert value.__dataclass_params__.frozen, name


def test_the_library_sets_no_logger_levels():
    for path in MODULES:
        assert ".setLevel(" not in path.read_text(encoding="utf-8"), path


def test_imports_go_one_way():
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports"))],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
