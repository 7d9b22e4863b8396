"""Mutation testing of three rooms: which small faults in their code does no test see? `python tests/tools/mutate.py`.

Each mutant is one change of one expression or statement (a comparison, a sign, a number, `and` and `or`, a
condition, a result, a call for its effect), drawn with a fixed seed, alike from all of a room. Pytest collects the
quick tests of the room once; each mutant is a fork of that process, in which the changed functions get their new
code, and runs the tests that see its line, the fastest first: a tenth of a second a mutant and what its tests take.
A mutant is killed when a test fails or its processor time runs out. Docstrings, annotations, texts, tables of figures
and `__all__` stay as they are. Needs `pip install coverage`.
"""

from __future__ import annotations

import argparse
import ast
import copy
import functools
import json
import os
import random
import resource
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import pytest

HERE = Path(__file__).parents[2]
SEED = 20261129
ROOMS = {
    "allocate": (
        ["ctxwin/allocate"],
        ["tests/test_allocate.py", "tests/test_ledger.py", "tests/test_relaxation.py", "tests/test_grow.py",
         "ctxwin/allocate", "tests/test_sharing.py", "tests/contracts/test_allocators.py", "tests/test_shares.py",
         "tests/test_reasons.py"],
        ["reference.py"],
    ),
    "units": (
        ["ctxwin/pool/units.py", "ctxwin/pool/layout.py"],
        ["ctxwin/pool", "tests/test_layout.py", "tests/test_constraints.py", "tests/test_pool.py",
         "tests/test_shares.py"],
        [],
    ),
    "tokens": (
        ["ctxwin/tokens"],
        ["ctxwin/tokens", "tests/test_tokens.py", "tests/test_media.py", "tests/test_calibration.py",
         "tests/test_nothing_is_free.py"],
        [],
    ),
}  # fmt: skip
"""Of each room: what is changed, the tests in their order, files left alone (the slow twins, which only tests use)."""

OPTIONS = ["-s", "-x", "-m", "not slow", "-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:terminal",
           "-o", "addopts=--strict-markers --doctest-modules"]  # fmt: skip

APART = 3
"""Exit code of a mutant that cannot be put into a process that has imported the module; such are not counted."""

COMPARED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
SIGNS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult}
CALLED = {
    "min": "max", "max": "min", "any": "all", "all": "any", "minimum": "maximum", "maximum": "minimum",
    "argmin": "argmax", "argmax": "argmin", "floor": "ceil", "ceil": "floor",
}  # fmt: skip


class Mutant(NamedTuple):
    """One changed file: its number and line in it, what stood there, what stands there now, the tree."""

    path: str
    number: int
    line: int
    before: str
    after: str
    inside: bool
    """Whether it is inside a function, so that a test that runs its line can be named."""
    tree: ast.Module | None


def changes(node: ast.AST) -> Iterator[ast.AST]:  # noqa: C901 - one line a kind of change
    """Yield each changed copy of a node."""

    def changed(**fields: object) -> ast.AST:
        other = copy.deepcopy(node)
        for name, value in fields.items():
            setattr(other, name, value)
        return other

    match node:
        case ast.Compare(ops=[op, *rest]) if type(op) in COMPARED:
            yield changed(ops=[COMPARED[type(op)](), *rest])
        case ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in SIGNS:
            yield changed(op=SIGNS[type(op)]())
        case ast.BoolOp(op=op):
            yield changed(op=ast.And() if isinstance(op, ast.Or) else ast.Or())
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand) if not isinstance(operand, ast.Constant):
            yield operand
        case ast.Constant(value=bool() as value):
            yield changed(value=not value)
        case ast.Constant(value=int() as value):
            yield changed(value=value + 1)
        case ast.Constant(value=float() as value):
            yield changed(value=value * 2 or 1.0)
        case ast.Call(func=ast.Name(id=name)) if name in CALLED:
            yield changed(func=ast.Name(CALLED[name], ast.Load()))
        case ast.Call(func=ast.Attribute(attr=name) as called) if name in CALLED:
            yield changed(func=ast.Attribute(called.value, CALLED[name], ast.Load()))
        case ast.If(test=test) | ast.IfExp(test=test):
            yield changed(test=ast.UnaryOp(ast.Not(), test))
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield changed(value=ast.Constant(None))
        case ast.Expr(value=ast.Call()) | ast.Raise() | ast.Continue() | ast.Break():
            yield ast.Pass()
        case ast.Assign(targets=[ast.Subscript() | ast.Attribute()]):
            yield ast.Pass()


def places(node: ast.AST, inside: bool = False) -> Iterator[tuple[ast.AST, str, int | None, ast.AST, bool]]:
    """Yield each node below another that may change: parent, field, index in it, node, whether in a function."""
    function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        within = inside or (function and field == "body")
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST) and not _is_still(child, node):
                yield node, field, index, child, within
                yield from places(child, within)


def _is_still(node: ast.AST, parent: ast.AST) -> bool:
    """Tell whether a node has nothing to change: `__all__`, a docstring, imports for types, a table of figures."""
    match node:
        case ast.Assign(targets=[ast.Name(id="__all__" | "__slots__")]) | ast.Expr(value=ast.Constant()):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")) | ast.JoinedStr():
            return True
        case (
            ast.Assign(value=ast.Dict() | ast.Tuple() | ast.Set() | ast.List())
            | ast.AnnAssign(value=ast.Dict() | ast.Tuple() | ast.Set() | ast.List())
        ):
            return isinstance(parent, ast.Module)
    return False


def mutants(path: Path, name: str, wanted: int | None = None) -> Iterator[Mutant]:
    """Yield every mutant of a file; the tree only of the one that is wanted, until the next is asked for."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    number = 0
    for parent, field, index, node, inside in places(tree):
        for other in changes(node):
            short = [" ".join(ast.unparse(one).split())[:150] for one in (node, other)]
            made = None
            if number == wanted:
                _put(parent, field, index, ast.copy_location(other, node))
                made = ast.fix_missing_locations(tree)
            yield Mutant(name, number, node.lineno, short[0], short[1], inside, made)
            _put(parent, field, index, node)
            number += 1


def _put(parent: ast.AST, field: str, index: int | None, node: ast.AST) -> None:
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


def exchanged(module: ModuleType, tree: ast.Module, one_inside: bool) -> bool:
    """Give the functions and figures of a module what a changed source says, wherever they are in use already.

    Returns:
        False if what changed is neither, such as a default of a dataclass.
    """
    made = ModuleType(module.__name__)
    made.__dict__.update({name: module.__dict__[name] for name in ("__file__", "__package__", "__spec__", "__path__")
                          if name in module.__dict__})  # fmt: skip
    sys.modules[module.__name__] = made  # dataclasses look their module up
    try:
        exec(compile(tree, str(module.__file__), "exec"), made.__dict__)
    finally:
        sys.modules[module.__name__] = module
    reached = one_inside
    for name, new in vars(made).items():
        old = vars(module).get(name)
        if isinstance(new, int | float | tuple | str | frozenset) and not name.startswith("__") and old != new:
            reached = True
            for other in list(sys.modules.values()):
                if getattr(other, "__name__", "").startswith("ctxwin") and vars(other).get(name) is old:
                    setattr(other, name, new)
    new_functions = dict(functions(made, module.__name__))
    for name, old_function in functions(module, module.__name__):
        new_function = new_functions[name]
        reached = reached or old_function.__defaults__ != new_function.__defaults__
        old_function.__code__ = new_function.__code__
        old_function.__defaults__, old_function.__kwdefaults__ = new_function.__defaults__, new_function.__kwdefaults__
    return reached


def functions(holder: Any, module: str) -> Iterator[tuple[str, FunctionType]]:
    """Yield the plain functions that a module or class of it defines, whatever wraps them, with their names."""
    for name, value in list(vars(holder).items()):
        if isinstance(value, type) and value.__module__ == module and not name.startswith("__"):
            yield from ((f"{name}.{inner}", found) for inner, found in functions(value, module))
        for part, one in enumerate(_inner(value)):
            if isinstance(one, FunctionType) and one.__module__ == module and one.__code__.co_filename != "<string>":
                yield f"{name}#{part}", one


def _inner(value: Any) -> Iterable[Any]:
    """Return what may be a plain function inside a property, a cached or a wrapped function."""
    if isinstance(value, property):
        return value.fget, value.fset
    if isinstance(value, functools.cached_property):
        return (value.func,)
    if isinstance(value, staticmethod | classmethod):
        return (value.__func__,)
    return (getattr(value, "__wrapped__", value),)


class Rounds:
    """A plugin of pytest that, in place of one round of the collected tests, makes one for each mutant."""

    def __init__(self, room: str, given: argparse.Namespace, known: dict[tuple, str]) -> None:
        self.room, self.given, self.known = room, given, known
        self.seconds: dict[str, float] = {}
        self.began = 0.0
        self.tracer: Any | None = None
        self.failed = False

    def pytest_collection(self) -> None:
        """Give each mutant the same random examples, none kept, none made smaller."""
        from hypothesis import Phase, settings  # not before pytest rewrites it

        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("calm", deadline=None, database=None, derandomize=True, phases=phases)
        settings.load_profile("calm")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Count the lines and the processor time from here on to this test."""
        self.began = time.process_time()
        if self.tracer is not None:
            self.tracer.switch_context(nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Note what a test took with its fixtures."""
        self.seconds[nodeid] = time.process_time() - self.began

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Leave at the first that fails."""
        if report.failed:
            print(report.nodeid, str(report.longrepr)[-1500:], flush=True)
            os._exit(1)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run all tests once, then those that matter for each mutant."""
        items = {item.nodeid: item for item in session.items}
        if self.forked(lambda: self.traced(list(items.values())), 3600) != "survived":
            sys.exit(f"{self.room}: a test fails without a mutant; see {self.given.report}")
        lines, seconds = json.loads(self.given.report.with_suffix(".json").read_text())
        items = {name: item for name, item in items.items() if seconds.get(name, 0.0) <= self.given.longest}
        drawn = sampled(self.room, self.given.count)
        ends = dict.fromkeys(("killed", "late", "unseen", "survived", "apart"), 0)
        for one in drawn:
            key = (self.room, one.path, one.line, one.before, one.after)
            end = self.known.get(key)
            if end is None or (self.given.again and end in ("survived", "unseen")):
                names = lines.get(one.path, {}).get(str(one.line), []) if one.inside else list(items)
                tests = [
                    items[name] for name in sorted(names, key=lambda name: seconds.get(name, 0.0)) if name in items
                ]
                end = self.forked(functools.partial(tried, one, tests), self.given.seconds) if tests else "unseen"
                if self.given.to:
                    with self.given.to.open("a") as out:
                        out.write(json.dumps([*key, end], ensure_ascii=False) + "\n")
            ends[end] += 1
            if end in ("survived", "unseen"):
                print(f"{one.path}:{one.line} {end}\n    - {one.before}\n    + {one.after}", flush=True)
        killed = ends["killed"] + ends["late"]
        total = len(drawn) - ends["apart"]
        print(f"{self.room}: {ends}; {killed} of {total} = {killed / total:.0%} killed", flush=True)
        return True

    def traced(self, items: list[pytest.Item]) -> None:
        """Run all tests of a room once; write which test sees which line, and its seconds."""
        import coverage  # no package of the tests needs it

        self.tracer = coverage.Coverage(data_file=None, include=[f"{HERE}/ctxwin/*"])
        self.tracer.start()
        rounds(items)
        self.tracer.stop()
        data = self.tracer.get_data()
        lines = {
            str(Path(file).relative_to(HERE)): {line: sorted(by) for line, by in data.contexts_by_lineno(file).items()}
            for file in data.measured_files()
        }
        self.given.report.with_suffix(".json").write_text(json.dumps([lines, self.seconds]))

    def forked(self, run: Callable[[], None], seconds: int) -> str:
        """Run something in a fork, its output in a file; return 'killed', 'survived', 'late' or 'apart'."""
        child = os.fork()
        if not child:
            code = 1
            try:
                resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
                out = os.open(self.given.report, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
                os.dup2(out, 1)
                os.dup2(out, 2)
                run()
                code = 0
            finally:
                if code:
                    traceback.print_exc()
                sys.stdout.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            return "late"
        return {0: "survived", APART: "apart"}.get(os.WEXITSTATUS(status), "killed")


def rounds(items: list[pytest.Item]) -> None:
    """Run tests one after another."""
    for item, following in zip(items, [*items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


def tried(one: Mutant, items: list[pytest.Item]) -> None:
    """Change the code of this process and run tests."""
    made = next(found for found in mutants(HERE / one.path, one.path, one.number) if found.tree)
    name = one.path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    if not exchanged(sys.modules[name], made.tree, made.inside):
        os._exit(APART)
    rounds(items)


def sampled(room: str, count: int) -> list[Mutant]:
    """Draw mutants of a room with the fixed seed."""
    roots, _, still = ROOMS[room]
    files = sorted(
        file for root in roots for file in ([HERE / root] if root.endswith(".py") else (HERE / root).rglob("*.py"))
    )
    every = [one for file in files if file.name not in still for one in mutants(file, str(file.relative_to(HERE)))]
    print(f"{room}: {len(every):,} mutants in {len(files)} files, {min(count, len(every))} drawn", flush=True)
    return random.Random(SEED).sample(every, min(count, len(every)))


def main() -> None:
    """Run the mutants and print those that no test sees."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("room", choices=list(ROOMS))
    parser.add_argument("--count", type=int, default=100, help="mutants drawn")
    parser.add_argument("--seconds", type=int, default=60, help="processor time of a mutant")
    parser.add_argument(
        "--longest", type=float, default=4.0, help="processor seconds, traced, of the longest test used"
    )
    parser.add_argument("--to", type=Path, help="a file of JSON lines; a change that stands there is not run again")
    parser.add_argument("--again", action="store_true", help="run what survived in --to with the tests of today")
    parser.add_argument("--report", type=Path, default=Path("/tmp/mutate.txt"), help="takes what the last run printed")
    given = parser.parse_args()
    known = {}
    if given.to and given.to.exists():
        known = {tuple(row[:5]): row[5] for row in map(json.loads, given.to.read_text().splitlines())}
    os.chdir(HERE)
    sys.exit(pytest.main([*ROOMS[given.room][1], *OPTIONS], plugins=[Rounds(given.room, given, known)]))


if __name__ == "__main__":
    main()
