"""Code that is made to break a parser takes neither the process along nor more than its time and memory."""

from __future__ import annotations

import random
import sys

import pytest

from ctxwin.chunking.syntax import parse
from ctxwin.chunking.syntax import tree as tree_module

if sys.platform != "linux":
    pytest.skip("measures processes that are forked", allow_module_level=True)

from hostile_code import MEGABYTES, SECONDS, costs, languages, pieces, shapes, text_of

KNOWN = [
    *(("java", f"run {piece!r}") for piece in ("a<", "List<", "a=>", "a!!", "a)")),
    *((language, "run 'a<b,'") for language in ("typescript", "tsx", "cpp", "csharp", "c")),
    *((language, "inside '<T,'") for language in ("c", "java")),
    *((language, "varied 'a<'") for language in ("java", "csharp", "cpp", "c", "typescript")),
    *(("csharp", f"run {piece!r}") for piece in ("a<b>(c", "a) ;;")),
    *(("swift", "run 'a?b:'"), ("swift", "run '#'"), ("toml", "run '- - '"), ("yaml", "run '- - '")),
    *(("kotlin", "inside '<div><p>'"), ("shell", "run 'a=('"), ("shell", "nest 45 'a['"), ("swift", "nest 190 '<a>'")),
    *(("markdown", "run '['"), ("csv", "run '\"'"), ("log", "lines"), ("html", "nest 0 '<div>'"), ("rust", "soup 1")),
    *(("ruby", f"{how} '.a{{'") for how in ("run", "varied", "inside")),
]
"""Texts that failed once, and some of each kind."""


def test_hostile_files_of_200_kb_are_bounded() -> None:
    found = list(costs(KNOWN))
    assert [one for one in found if one.code] == []
    assert [one for one in found if one.seconds > 2 * SECONDS] == []  # a busy machine
    assert [one for one in found if one.megabytes > MEGABYTES] == []


def test_the_shapes_are_many_and_what_they_say() -> None:
    for language in languages():
        assert len(shapes(language)) >= 64
    assert len({*pieces()}) > 400
    assert text_of("java", "nest 45 'a('", 200).startswith("a(" * 45 + "a" + ")" * 45 + "\n")
    assert len(text_of("python", "soup 0")) >= 200_000


@pytest.mark.parametrize("language", ["java", "csharp", "cpp", "typescript", "tsx"])
def test_code_by_hand_is_parsed_as_before(language: str) -> None:
    loop = "for (int i = 0; i < n; i++) { if (a < b) { x = (y << 24) | (z << 16); } }\n"
    is_script = language in ("typescript", "tsx")
    method = (loop.replace("int i", "let i"), "") if is_script else (loop, "void ")
    text = "class A {\n" + "".join(f"{method[1]}f{i}() {{\n{method[0]}}}\n" for i in range(500)) + "}\n"
    found = parse(text, language)
    assert found is not None
    assert any(one.name == "A" for one in found.definitions)


def test_one_piece_again_and_again_is_not_parsed() -> None:
    code = "".join(f"def f{i}(x):\n    return x + {i}\n\n" for i in range(400))
    assert parse(code, "python") is not None
    assert parse(code + "(a" * 6_000, "python") is None
    assert parse(code + "(a)" * 500, "python") is not None
    draw = random.Random(1)
    table = ", ".join(str(draw.randrange(256)) for _ in range(9_000))
    assert parse(f"TABLE = [{table}]\n{code}", "python") is not None


def test_a_text_that_took_too_long_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "".join(f"def f{i}(x):\n    return x + {i}\n\n" for i in range(2_000))
    monkeypatch.setattr(tree_module, "SECONDS", -1.0)
    assert parse(code, "python") is None
    monkeypatch.undo()
    assert parse(code, "python") is None
    assert parse(code + "\n", "python") is not None


def test_what_the_parser_misses_is_no_reference() -> None:
    found = parse("%|", "shell")
    assert found is not None
    assert [one.name for one in found.references] == ["%"]
