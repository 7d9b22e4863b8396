"""Numbers at module level: each says its unit, and those that can change a plan are few.

`tests/tools/vary_constants.py` halves and doubles each and says how many recorded requests change.
"""

import ast
from pathlib import Path

from vary_constants import Number, assigned, number_of, numbers, set_number

import ctxwin

PACKAGE = Path(ctxwin.__file__).parent
ROOMS = ("allocate/", "chunking/", "packing/", "pool/", "renditions/", "retrieve/", "tokens/")
"""The stations of a packing, and what they are made of."""
BOUNDS = {
    "chunking/syntax/": "when a hostile text is given up, before it costs minutes or gigabytes",
    "retrieve/own_curve.py": "how a curve is fitted, before any plan",
    "retrieve/own_weights.py": "how weights are fitted, before any plan",
    "allocate/exact.py:EXACT_ITEMS": "what is refused",
    "allocate/value.py:_ALONE": "threads",
    "allocate/value.py:_BLOCK": "memory",
    "allocate/verdicts.py:_CELLS": "memory",
    "chunking/cutting.py:BLOCK": "time",
    "chunking/cutting.py:DENSE": "time",
    "packing/explain.py:PREVIEW": "what a report shows",
    "packing/packed.py:PLAN_VERSION": "form of a file",
    "pool/": "memory",
    "renditions/outputs/passed_tests.py:LOOKED_AT": "time",
    "renditions/outputs/table_values.py:LEVELS": "memory",
    "renditions/outputs/line_patterns.py:CANDIDATES": "time",
    "packing/story.py:CHUNKS": "time",
    "packing/story.py:MOST_READ": "time",
    "packing/story.py:STRETCHES": "time",
    "renditions/summaries/clauses.py": "which sentences of a summary are refused",
    "renditions/summaries/relations.py": "which sentences of a summary are refused",
    "renditions/summaries/faithful.py": "which sentences of a summary are refused",
    "renditions/summaries/gist.py:EASE": "time",
    "renditions/summaries/leaves.py:READ": "memory",
    "renditions/summaries/growing.py:SOUGHT": "time",
    "renditions/summarize.py:SECONDS": "waiting",
    "renditions/summarize.py:WINDOW": "what is refused",
    "renditions/summaries/writing.py:LONGEST_PAUSE": "waiting",
    "renditions/summaries/writing.py:PAUSE": "waiting",
    "renditions/summaries/writing.py:ROUNDS": "time",
    "renditions/summaries/writing.py:TRIES": "waiting",
    "retrieve/code/traces.py:LOOKED_AT": "time",
    "retrieve/rerank.py:SECONDS": "waiting",
    "retrieve/words/columns.py:GROWTH": "memory",
    "retrieve/words/lexical.py:FEW": "time",
    "retrieve/words/lexical.py:LOOKED_THROUGH": "time",
    "tokens/estimates.py:BATCH": "memory",
    "tokens/replies.py:FORM": "form of a file",
    "tokens/replies.py:ONE": "unit",
    "tokens/tokenizers.py:PARALLEL_FROM": "threads",
}
"""Numbers in these rooms that bound time and memory, or say what is refused or shown: no plan follows them."""
MOST = 182
"""Numbers that a plan may follow: 150, nine that say what stands and in which room, one of what is folded, twelve that
say what is enough (which items are noise, what share of the evidence a request holds), two of single sentences, four
of a story of the whole, four of the tree that it is told by."""


def undocumented(tree: ast.Module) -> list[str]:
    """Return the numeric constants of a module without a docstring below them."""
    below = dict(zip(tree.body, tree.body[1:], strict=False))
    found = []
    for node, name, value in assigned(tree):
        after = below.get(node)
        text = after.value if isinstance(after, ast.Expr) else None
        if number_of(value) is not None and not (isinstance(text, ast.Constant) and isinstance(text.value, str)):
            found.append(name)
    return found


def test_every_number_says_its_unit():
    found = {
        str(path.relative_to(PACKAGE)): undocumented(ast.parse(path.read_text(encoding="utf-8")))
        for path in sorted(PACKAGE.rglob("*.py"))
    }
    assert {file: names for file, names in found.items() if names} == {}


def test_a_number_without_a_docstring_is_found():
    tree = ast.parse('A = 3\n"""Tokens."""\nB, C = 1.5, 1 << 4\nD: int = -2\nE = "3"\nF = len("abc")\nG = True\n')
    assert undocumented(tree) == ["B", "C", "D"]


def test_few_numbers_change_a_plan():
    keys = [one.key for one in numbers() if one.file.startswith(ROOMS)]
    assert [bound for bound in BOUNDS if not any(key.startswith(bound) for key in keys)] == []
    assert len([key for key in keys if not key.startswith(tuple(BOUNDS))]) <= MOST


def test_a_number_is_halved_and_doubled():
    assert Number(file="a.py", name="A", value=1.5).varied() == (0.75, 3.0)
    assert Number(file="a.py", name="A", value=9).varied() == (4, 18)
    assert Number(file="a.py", name="A", value=1).varied() == (0, 2)
    tree = ast.parse("A, B = 1, 2\nC = A + B\n")
    set_number(tree, "B", 20)
    found: dict[str, int] = {}
    exec(compile(tree, "numbers", "exec"), found)
    assert found["C"] == 21
