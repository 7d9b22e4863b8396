"""The house rules that a tool can hold: public names, weight of the import, sizes, one-way layers, no prints."""

import ast
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
TESTS = Path(__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
MAX_LINES = 600
MAX_FUNCTION = 50
"""Lines of a function without its docstring."""

PUBLIC = [
    "Allocator", "Budget", "BudgetError", "CtxwinError", "Embedder", "Files", "Item", "MessageError", "MissingExtra",
    "Packed", "Pool", "Report", "Store", "StoreError", "Summarizer", "Tokenizer", "UnknownModel", "Window", "acompact",
    "apack", "check", "compact", "count_tokens", "get_model", "get_tokenizer", "pack", "repair", "strategies", "wrap",
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


NAMELESS = {
    "ctxwin.files.documents.convert", "ctxwin.messages.dialects", "ctxwin.renditions.outputs",
    "ctxwin.renditions.summaries", "ctxwin.retrieve.code", "ctxwin.retrieve.talk", "ctxwin.retrieve.words",
}  # fmt: skip
"""A program by itself, and folders that hold nothing but modules."""

WORKING = {"CacheTally", "Call", "Draft", "RepairWork"}
"""Dataclasses that change while something is worked out, as those with an underscore do, and are nobody's value."""


def private(name):
    return name.startswith("_") and not name.startswith("__")


def imported():
    """Yield every module of the package but the one that runs it."""
    for found in pkgutil.walk_packages([str(PACKAGE)], "ctxwin."):
        if found.name != "ctxwin.__main__":
            yield importlib.import_module(found.name)


def as_ruff_sorts(name):
    return 0 if name.isupper() else 1 if name[:1].isupper() else 2, name


def test_every_module_lists_its_names_sorted():
    for module in imported():
        names = getattr(module, "__all__", ())
        assert names or module.__name__ in NAMELESS, module.__name__
        assert list(names) == sorted(set(names), key=as_ruff_sorts), module.__name__
        assert [name for name in names if not hasattr(module, name)] == [], module.__name__


def test_what_one_module_imports_of_another_is_among_its_names():
    for path in MODULES:
        here = ["ctxwin", *path.relative_to(PACKAGE).with_suffix("").parts]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level and node.module:
                other = importlib.import_module(".".join([*here[: len(here) - node.level], node.module]))
                unlisted = {one.name for one in node.names} - set(getattr(other, "__all__", ()))
                assert not {name for name in unlisted if private(name) or callable(vars(other).get(name))}, path


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
    for module in imported():
        for name, value in vars(module).items():
            own = isinstance(value, type) and value.__module__ == module.__name__
            if own and "__dataclass_params__" in vars(value) and not private(name) and name not in WORKING:
                assert value.__dataclass_params__.frozen, f"{module.__name__}.{name}"


def test_the_library_sets_no_logger_levels():
    for path in MODULES:
        assert ".setLevel(" not in path.read_text(encoding="utf-8"), path


TEST_FILES = sorted({*TESTS.glob("*.py"), *(TESTS / "contracts").glob("*.py"), *(TESTS / "strategies").glob("*.py")})


@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.name)
def test_tests_know_public_names_and_change_no_module_by_a_string(path):
    # Tools that rename see no string, and a test that names what is private breaks with it for no reason.
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.ImportFrom(module=str() as module, names=names) if module.startswith("ctxwin"):
                assert not [one.name for one in names if private(one.name)], node.lineno
            case ast.Call(func=ast.Attribute(attr="setattr"), args=[ast.Constant(value=str() as name), *_]):
                pytest.fail(f"line {node.lineno} changes {name} by a string; pass the object")


def test_imports_go_one_way():
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
