"""The house: rooms that the map names, file names that occur once, words that mean something, old names that work."""

import ast
import importlib
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import ctxwin
from ctxwin.moved import MOVED

PACKAGE = Path(ctxwin.__file__).parent
MAP, _, GLOSSARY = (ctxwin.__doc__ or "").partition("Words, each for one thing:")
DOORS = {"__init__", "__main__", "moved"}
"""Files that are no room: two doors, and the old names, which go with the next release."""
MOST_ROOMS = 27
MOST_ARROWS = 151
FAMILIES = {
    "cli": re.compile(r"cli/\w+\.py"),
    "dialects": re.compile(r"(?:clients|messages/\w+)/(?:openai|anthropic|responses)\.py"),
}
"""Where a rule gives the names of files: one a command, one a dialect."""


def rooms():
    found = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    return found - DOORS


def test_the_map_in_the_docstring_names_the_rooms_and_no_others():
    assert set(re.findall(r"^    (\w+) {2,}\S", MAP, re.M)) == rooms()
    assert len(rooms()) <= MOST_ROOMS


def test_the_map_has_the_order_of_the_layers():
    toml = (PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8")
    layers = re.findall(r'^    "(.*)",$', toml[toml.index("layers = [") :], re.M)
    floor = {room.strip(" ()"): place for place, line in enumerate(layers) for room in line.split("|")}
    order = [floor[room] for room in re.findall(r"^    (\w+) {2,}\S", MAP, re.M)]
    assert order == sorted(order)


def test_rooms_know_few_others():
    arrows = set()
    for path in PACKAGE.rglob("*.py"):
        inside = path.relative_to(PACKAGE).parts
        if len(inside) == 1 and path.stem in DOORS:
            continue
        room = inside[0].removesuffix(".py")
        text = path.read_text(encoding="utf-8")
        above = "." * len(inside)
        for named in re.findall(rf"^\s*from {re.escape(above)}(\w+)[\w.]* import", text, re.M):
            arrows.add((room, named))
    assert len({(a, b) for a, b in arrows if a != b}) <= MOST_ARROWS


def test_no_modules_import_each_other_in_a_circle():
    """Imports for types alone count too: who reads one module should not have to read the other first."""
    names = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        names[".".join(parts[:-1] if path.stem == "__init__" else parts)] = path
    needs = {name: set(imported(name, path, names)) - {name, "ctxwin"} for name, path in names.items()}
    while free := {name for name in needs if not needs[name] & needs.keys()}:
        for name in free:
            del needs[name]
    assert sorted(needs) == []


def imported(name, path, names):
    """Yield the modules that a module imports, an imported name counted with the module that it stands in."""
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package.split(".")[: len(package.split(".")) - node.level + 1]
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                yield inner if inner in names else module


def test_every_word_of_the_glossary_stands_for_something_in_the_code():
    named = re.findall(r"`([a-z]\w*(?:\.\w+)+)`", GLOSSARY)
    assert len(named) >= 10
    for name in named:
        module, _, value = name.rpartition(".")
        try:
            importlib.import_module(f"ctxwin.{name}")
        except ImportError:
            assert hasattr(importlib.import_module(f"ctxwin.{module}"), value), name


def test_a_file_name_occurs_once():
    paths = [path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    free = [path for path in paths if not any(rule.fullmatch(path) for rule in FAMILIES.values())]
    assert [name for name, times in Counter(Path(path).name for path in free).items() if times > 1] == []


def test_a_class_name_occurs_once():
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")]
    names = Counter(node.name.lstrip("_") for tree in trees for node in tree.body if isinstance(node, ast.ClassDef))
    assert [name for name, times in names.items() if times > 1] == []


@pytest.mark.parametrize("new", sorted(set(MOVED.values())))
def test_old_names_lead_to_modules_that_are_there(new):
    assert importlib.import_module(new)


def test_an_old_name_works_and_warns():
    code = """
import warnings
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    from ctxwin.lexical import tokenize
    import ctxwin.footprint.energy as energy
    from ctxwin.media import *
print(tokenize.__module__, hasattr(energy, "energy_of") or bool(energy.__all__), len(told), "media_tokens" in globals())
print(told[0].message)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first == "ctxwin.retrieve.words.lexical True 4 True"
    assert second == "ctxwin.lexical is ctxwin.retrieve.words.lexical since 0.2.0"


def test_a_name_that_never_was_is_no_module():
    with pytest.raises(ModuleNotFoundError, match=r"ctxwin\.nothing"):
        importlib.import_module("ctxwin.nothing")
