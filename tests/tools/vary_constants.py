"""Which constants change a plan: each numeric one is halved and doubled, and a set of inputs is packed again.

    python tests/tools/vary_constants.py --inputs inputs.json --sets /path/to/evaluation/sets --to constants.json
    python tests/tools/vary_constants.py ... --only retrieve/ allocate/relaxation.py:SPARE_ITEMS
    python tests/tools/vary_constants.py ... --only retrieve/words/ --recall friendsqa:512 bfcl_memory:1000

Inputs: random logs in the three dialects (made by `record_plans.py`), the sample with its files, windows, questions of
evaluation sets, folders and large files, attachments. One process packs them all and notes which code each of them
runs. Then each constant is varied in processes of its own, over the inputs that run code which names the constant
(some of each sort, since all would take hours). The source is changed as it is imported, so that what was derived from
a constant, imported by name or made a default argument follows.

For every constant the table says how many of these inputs give another request (or error) at half and at double (1
less and 1 more up to 3), and how many the same request with other figures in its report.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import hashlib
import importlib.abc
import importlib.machinery
import json
import os
import pickle
import resource
import shutil
import sys
import tempfile
import threading
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from varied_inputs import CHOSEN, Make, inputs

os.environ.update(HF_HUB_OFFLINE="1", COLUMNS="100", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "ctxwin"
SORTS = {"caching", "evaluate", "cli", "report", "clients", "integrations", "sample"}
"""Rooms left out unless `--only` names them: they show a plan, measure it or pay for it, and do not make it."""
MOST_INPUTS = 24
"""Inputs that a constant is tried on."""
MOST_SECONDS = 2.0
"""Seconds of the first run that these inputs took together."""
HANGS, LONG = 90, 900
"""Processor seconds after which a process is given up: with some inputs, and with all inputs or a whole set."""
QUESTIONS = 150
"""Questions of a set by which recall is measured."""
SMALL = 3
"""Whole numbers up to this are varied by 1."""


@dataclass(frozen=True, kw_only=True)
class Number:
    """A numeric constant of a module."""

    file: str
    name: str
    value: float

    @property
    def key(self) -> str:
        return f"{self.file}:{self.name}"

    def varied(self) -> tuple[float, float]:
        """Return the value halved and doubled; of a small whole number one less and one more."""
        if isinstance(self.value, int):
            return (self.value - 1, self.value + 1) if abs(self.value) <= SMALL else (self.value // 2, self.value * 2)
        return self.value / 2, self.value * 2


def number_of(node: ast.expr | None) -> float | None:
    """Return the number that an expression of literals is, or nothing."""
    allowed = (ast.Constant, ast.UnaryOp, ast.BinOp, ast.operator, ast.unaryop)
    if node is None or not all(isinstance(part, allowed) for part in ast.walk(node)):
        return None
    value = eval(compile(ast.Expression(node), "number", "eval"))  # literals alone
    return value if type(value) in (int, float) else None


def assigned(tree: ast.Module) -> Iterator[tuple[ast.stmt, str, ast.expr]]:
    """Yield the statement, name and value of each assignment of a module, those of a tuple one by one."""
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            yield node, node.target.id, node.value
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
            if isinstance(target, ast.Name):
                yield node, target.id, value
            elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                for one, figure in zip(target.elts, value.elts, strict=True):
                    if isinstance(one, ast.Name):
                        yield node, one.id, figure


def numbers() -> list[Number]:
    """Return all numeric constants at module level of the package."""
    return [
        Number(file=str(path.relative_to(PACKAGE)), name=name, value=value)
        for path in sorted(PACKAGE.rglob("*.py"))
        for _, name, expression in assigned(ast.parse(path.read_text(encoding="utf-8")))
        if (value := number_of(expression)) is not None
    ]


def set_number(tree: ast.Module, name: str, value: float) -> None:
    """Change the value of a constant in a module's syntax."""
    for node, found, old in assigned(tree):
        if found == name:
            new = ast.copy_location(ast.Constant(value), old)
            if isinstance(node.value, ast.Tuple):  # type: ignore[attr-defined]
                node.value.elts = [new if one is old else one for one in node.value.elts]  # type: ignore[attr-defined]
            else:
                node.value = new  # type: ignore[attr-defined]
    ast.fix_missing_locations(tree)


class Changed(importlib.abc.MetaPathFinder):
    """Imports one module of the package with one constant changed."""

    def __init__(self, number: Number, value: float) -> None:
        self.number, self.value = number, value
        parts = Path("ctxwin", number.file).with_suffix("").parts
        self.module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname != self.module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is None or spec.origin is None:
            raise ImportError(fullname)
        loader = importlib.machinery.SourceFileLoader(fullname, spec.origin)
        tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
        set_number(tree, self.number.name, self.value)
        code = compile(tree, spec.origin, "exec")
        loader.get_code = lambda fullname: code  # type: ignore[method-assign]
        spec.loader = loader
        return spec


def digests(make: Make) -> tuple[str, str]:
    """Return a digest of the request that a call makes, and one of its report; of an error, its text."""
    import ctxwin

    try:
        made = make()
    except ctxwin.CtxwinError as error:
        text = f"{type(error).__name__} {error}"
        return text, text
    except Exception as error:  # noqa: BLE001  what a strange figure breaks is a finding
        return f"! {type(error).__name__} {str(error)[:200]}", "!"
    parts = made if isinstance(made, list) else [made]
    shown = (
        [getattr(one, "messages", one) for one in parts],
        [one.to_dict() for one in parts if hasattr(one, "to_dict")],
    )
    sums = [hashlib.sha256(json.dumps(one, sort_keys=True, default=str).encode()).hexdigest()[:16] for one in shown]
    return sums[0], sums[1]


def forked(work: Callable[[], Any], seconds: int = HANGS) -> Any:
    """Return what a call returns in a process of its own, or the reason why it did not."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001  the parent prints it
            result = f"{type(error).__name__}: {str(error)[:120]}"
        with os.fdopen(writer, "wb") as out:
            pickle.dump(result, out)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as source:
        data = source.read()
    os.waitpid(child, 0)
    return pickle.loads(data) if data else "hangs"


def with_cache(cache: Path, folder: Path, *, vectors: bool, graphs: bool) -> None:
    """Give a process a cache of its own: the models, and the vectors where these cannot change."""
    own = folder / "cache"
    own.mkdir()
    for path in cache.iterdir():
        if path.name.startswith("files") or (path.name.startswith("vectors") and not vectors):
            continue
        if path.suffix in (".onnx", ".bin"):
            if graphs:
                os.link(path, own / path.name)
        elif path.is_dir():
            shutil.copytree(path, own / path.name)
        else:
            shutil.copy2(path, own / path.name)
    os.environ["CTXWIN_CACHE"] = str(own)


def names_run(work: Make) -> tuple[Any, float, set[tuple[str, str]]]:
    """Return what a call returns, its seconds, and each file and name that the code which it ran mentions."""
    codes: set[Any] = set()
    here = str(PACKAGE)

    def note(frame: Any, event: str, arg: Any) -> None:
        codes.add(frame.f_code)

    threading.setprofile(note)
    sys.setprofile(note)
    start = time.process_time()
    try:
        result = work()
    finally:
        seconds = time.process_time() - start
        sys.setprofile(None)
        threading.setprofile(None)
    mentioned: set[tuple[str, str]] = set()
    for code in codes:
        if code.co_filename.startswith(here):
            file = code.co_filename[len(here) + 1 :]
            mentioned.update((file, name) for name in code.co_names)
            mentioned.add((file, code.co_name))
    return result, seconds, mentioned


def readers(every: Sequence[Number]) -> dict[str, set[tuple[str, str]]]:
    """Return each constant's key with the files and names by which code may read the constant or what it makes."""
    trees = {
        str(path.relative_to(PACKAGE)): ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")
    }
    imported: dict[str, set[str]] = defaultdict(set)
    for file, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                imported[file].update(alias.name for alias in node.names)
    found: dict[str, set[tuple[str, str]]] = {}
    for number in every:
        wanted = {(number.file, number.name)}
        while True:
            more = set(wanted)
            for file, name in wanted:
                more.update(
                    (other, name) for other, names in imported.items() if name in names or Path(file).stem in names
                )
            for file in {file for file, _ in more}:
                names = {name for where, name in more if where == file}
                for node in trees[file].body:
                    more.update((file, made) for made in made_of(node, names))
            if more == wanted:
                break
            wanted = more
        found[number.key] = wanted
    return found


def made_of(node: ast.stmt, names: set[str]) -> Iterator[str]:
    """Yield what a statement of a module makes, if running it at import reads one of these names."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        parts: list[ast.AST] = [*node.args.defaults, *filter(None, node.args.kw_defaults), *node.decorator_list]
        made = [node.name]
    elif isinstance(node, ast.ClassDef):
        for inner in node.body:
            yield from made_of(inner, names)
        parts = [one for one in node.body if isinstance(one, ast.Assign | ast.AnnAssign)]
        made = [node.name]
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        parts = [node] if node.value is not None else []
        made = [one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)]
    else:
        return
    if any(isinstance(one, ast.Name) and one.id in names for part in parts for one in ast.walk(part)):
        yield from made


def chosen(reached: Sequence[str], seconds: dict[str, float]) -> list[str]:
    """Return some inputs of each sort, as many as may be tried: real talk and files first, where most is to choose."""
    sorts: dict[str, list[str]] = defaultdict(list)
    for name in reached:
        sorts[name.split("/")[0]].append(name)
    order = sorted(
        sorts, key=lambda sort: (sort not in CHOSEN, not sort.startswith("files"), not sort.startswith("sample"))
    )
    taken: list[str] = []
    spent = 0.0
    while any(sorts.values()) and len(taken) < MOST_INPUTS:
        for nth, sort in enumerate(order):
            names = sorts[sort]
            if names and len(taken) < MOST_INPUTS:
                name = names.pop(min(len(names) - 1, len(names) // 2 + nth % 2))
                if not taken or spent + seconds[name] <= MOST_SECONDS:
                    taken.append(name)
                    spent += seconds[name]
    return taken


def prepare(modules: Sequence[str]) -> None:
    """Import what is not ours, once for all processes."""
    for name in modules:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    with contextlib.suppress(ImportError):
        import toktok

        toktok.batch_count(["A vocabulary is read at its first use."], "o200k_base", threads=1)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What is packed in each process."""

    logs: dict[str, list[Any]]
    sets: Path | None
    cache: Path

    def pack(self, wanted: Sequence[str] | None, number: Number | None = None, value: float = 0) -> dict[str, Any]:
        """Return the digests of the wanted inputs with a constant changed; of all, also what they took and ran."""
        tempfile.tempdir = None
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            tempfile.tempdir = name  # what the inputs leave behind goes with the folder
            keep = number is None or not number.file.startswith("embed/")
            with_cache(self.cache, folder, vectors=keep, graphs=keep or "export" not in number.file)  # type: ignore[union-attr]
            if number is not None:
                sys.meta_path.insert(0, Changed(number, value))
            found: dict[str, Any] = {}
            for one, make in inputs(self.logs, self.sets, self.cache, folder, wanted):
                if wanted is None:
                    found[one] = names_run(lambda make=make: digests(make))  # type: ignore[misc]
                elif one in wanted:
                    found[one] = digests(make)
            return found

    def first(self, kept: Path | None) -> tuple[dict[str, Any], list[str]]:
        """Pack everything once, or read what an earlier run found; with the modules that this imported."""
        if kept is not None and kept.exists():
            return pickle.loads(kept.read_bytes())  # type: ignore[no-any-return]

        def first() -> tuple[dict[str, Any], list[str]]:
            return self.pack(None), [name for name in sys.modules if not name.startswith(("ctxwin", "__"))]

        found = forked(first, LONG)
        if isinstance(found, str):
            raise SystemExit(found)
        if kept is not None:
            kept.write_bytes(pickle.dumps(found))
        return found  # type: ignore[no-any-return]

    def row(self, number: Number, wanted: Sequence[str], base: dict[str, Any]) -> dict[str, Any]:
        """Return how many inputs differ when a constant is changed."""
        if missing := [name for name in wanted if name not in base]:
            base.update(forked(lambda: self.pack(missing)))
        row: dict[str, Any] = {"tried": len(wanted)}
        for side, value in zip(("half", "double"), number.varied(), strict=True):
            got = forked(lambda value=value: self.pack(wanted, number, value))  # type: ignore[misc]
            if isinstance(got, str):
                row[side] = got
                continue
            requests = [name for name in wanted if got[name][0] != base[name][0]]
            row[side] = len(requests)
            row[f"{side}_figures"] = sum(got[name] != base[name] for name in wanted) - len(requests)
            row[f"{side}_errors"] = sum(got[name][0].startswith("!") for name in wanted)
            row[f"{side}_names"] = requests[:6]
        return row

    def recall(self, measures: Sequence[tuple[str, int]], number: Number | None, value: float) -> dict[str, Any]:
        """Return the evidence recall, in percent, of `QUESTIONS` questions of each set with a constant changed."""
        if number is not None:
            sys.meta_path.insert(0, Changed(number, value))
        from ctxwin.evaluate import evaluate

        sets = {name: str(self.sets / name) for name, _ in measures if self.sets is not None}
        return {
            f"{name} {budget}": {
                (score.source, score.qid): 100 * score.recall
                for score in evaluate([sets[name]], budgets=[budget], limit=QUESTIONS, processes=1).scores
            }
            for name, budget in measures
        }

    def print_recall(self, measures: Sequence[tuple[str, int]], every: Sequence[Number]) -> None:
        """Print what each constant adds to recall at half and at double, with 95 % intervals over the questions."""
        base = forked(lambda: self.recall(measures, None, 0), LONG)

        def compare(number: Number, value: float) -> list[str]:
            found = self.recall(measures, number, value)
            from ctxwin.evaluate.stats import bootstrap

            told = []
            for name, scores in base.items():
                gains = [found[name][key] - score for key, score in scores.items()]
                low, high = bootstrap(gains)
                told.append(f"{name}: {sum(gains) / len(gains):+.1f} [{low:.1f}, {high:.1f}]")
            return told

        for number in every:
            for side, value in zip(("half", "double"), number.varied(), strict=True):
                print(number.key, side, forked(lambda n=number, v=value: compare(n, v), LONG), flush=True)  # type: ignore[misc]


def reached_by(number: Number, ran: dict[str, Any], reads: set[tuple[str, str]]) -> list[str]:
    """Return the inputs that run code which reads a constant."""
    reached = {name for name, (_, _, mentioned) in ran.items() if mentioned & reads}
    if number.file.split("/")[0] in ("chunking", "files"):  # a file is read for the first input of its sort alone
        sorts = {name.split("/")[0] for name in reached}
        reached.update(one for one in ran if one.startswith(("files", "sample-files")) and one.split("/")[0] in sorts)
    return [name for name in ran if name in reached]


def main() -> int:
    """Vary the constants and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--inputs", type=Path, required=True, help="random logs, as record_plans.py makes them")
    parser.add_argument("--sets", type=Path, help="folder of evaluation sets")
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=[], help="beginnings of FILE:NAME")
    parser.add_argument("--recall", nargs="*", default=[], help="SET:BUDGET: recall, and not how many requests differ")
    parser.add_argument("--first", type=Path, help="file that keeps what the first process finds, for another run")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    sys.path.insert(0, str(ROOT))
    every = [one for one in numbers() if not asked.only and one.file.split("/")[0] not in SORTS]
    every += [one for one in numbers() if one.key.startswith(tuple(asked.only)) and asked.only]
    cache = Path(os.environ["CTXWIN_CACHE"])
    trial = Trial(logs=json.loads(asked.inputs.read_text()), sets=asked.sets, cache=cache)
    ran, modules = trial.first(asked.first)
    prepare(modules)
    seconds = {name: one[1] for name, one in ran.items()}
    if asked.recall:
        measures = [one.split(":") for one in asked.recall]
        trial.print_recall([(name, int(budget)) for name, budget in measures], every)
        return 0
    print(f"{len(ran)} inputs, {sum(seconds.values()):.0f} s; {len(every)} constants", flush=True)
    by = readers(every)
    table: dict[str, Any] = {}
    base: dict[str, tuple[str, str]] = {}
    for number in every:
        reached = reached_by(number, ran, by[number.key])
        row: dict[str, Any] = {"value": number.value, "reached": len(reached)}
        if reached:
            row |= trial.row(number, chosen(reached, seconds), base)
            print(number.key, *(f"{k} {v}" for k, v in row.items() if not k.endswith("names")), flush=True)
        table[number.key] = row
        asked.to.write_text(json.dumps(table, indent=1))
    print(f"{sum(not row['reached'] for row in table.values())} are read by no input")
    return 0


if __name__ == "__main__":
    sys.exit(main())
