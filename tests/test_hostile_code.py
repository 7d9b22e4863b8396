"""Code that is made to break a parser takes neither the process along nor more than its time and memory."""

from __future__ import annotations

import sys

import pytest
from hostile_code import MEGABYTES, SECONDS, cost

from ctxwin.syntax import parse


@pytest.mark.skipif(sys.platform == "win32", reason="measures with resource")
@pytest.mark.parametrize(
    ("language", "shape"),
    [
        *(
            ("java", "a<"),
            ("java", "List<"),
            ("java", "a=>"),
            ("java", "a<" * 50 + ";"),
            ("cpp", "a<"),
            ("typescript", "a<b,"),
            ("tsx", "a<b,"),
        ),
        *(
            ("csharp", "a<"),
            ("csharp", "a<b>(c"),
            ("csharp", "a<" * 50 + ";"),
            ("swift", "a?b:"),
            ("swift", "#"),
            ("toml", "- - "),
        ),
    ],
)
def test_200_kb_of_a_hostile_shape_are_bounded(language: str, shape: str) -> None:
    seconds, megabytes = cost(language, shape)
    assert seconds < 2 * SECONDS  # a busy machine
    assert megabytes < MEGABYTES


@pytest.mark.parametrize("language", ["java", "csharp", "cpp", "typescript", "tsx"])
def test_code_by_hand_is_parsed_as_before(language: str) -> None:
    loop = "for (int i = 0; i < n; i++) { if (a < b) { x = (y << 24) | (z << 16); } }\n"
    text = "class A { void f() {\n" + loop * 500 + "Map<String, List<Set<Integer>>> m; } }\n"
    found = parse(text, language)
    assert found is not None
    assert any(one.name == "A" for one in found.definitions)
