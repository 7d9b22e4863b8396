"""Citations as models write them, found in an answer however it is cut, and held against what was shown."""

from __future__ import annotations

import gc
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ctxwin
from ctxwin.citations import Checker
from ctxwin.citations.excerpts import Excerpt


def shown(path: str, *lines: tuple[int, int]) -> Excerpt:
    return Excerpt(path=path, lines=lines, text="", parts=((1, "x"),), ids=())


EXCERPTS = [
    shown("src/app.py", (3, 9), (20, 30)),
    shown("笔记/租约.md", (1, 5)),
    shown("my notes.md", (1, 4)),
    shown("store"),
]
GIVEN = ["src/app.py", "src/cli.py", "docs/app.py", "C:/x/y.txt", "Makefile"]

CASES = [
    ("See `src/app.py:4-6`.", [("src/app.py:4-6", "right")]),
    ("It is signed [src/app.py:4].", [("src/app.py:4", "right")]),
    ("src/app.py#L4-L6", [("src/app.py#L4-L6", "right")]),
    ("src/app.py#L25", [("src/app.py#L25", "right")]),
    ("see src\\app.py:3-9", [("src\\app.py:3-9", "right")]),
    ("./src/app.py:25", [("src/app.py:25", "right")]),
    ("app.py:4", [("app.py:4", "right")]),
    ("**src/app.py:3-5,20-22**", [("src/app.py:3-5,20-22", "right")]),
    ("(src/app.py:3-9, 20-30)", [("src/app.py:3-9, 20-30", "right")]),
    ("src/app.py:3–9", [("src/app.py:3–9", "right")]),
    ("src/app.py: lines 3-9", [("src/app.py: lines 3-9", "right")]),
    ("<src/app.py:3-5>;src/app.py:20", [("src/app.py:3-5", "right"), ("src/app.py:20", "right")]),
    ("[src/app.py](src/app.py#L3)", [("src/app.py", "right"), ("src/app.py#L3", "right")]),
    ("见笔记/租约.md:2-3。", [("笔记/租约.md:2-3", "right")]),
    ("（笔记/租约.md：2-3），很好", [("笔记/租约.md：2-3", "right")]),
    ("《租约.md：第2-3行》", [("租约.md：第2-3", "right")]),
    ("as my notes.md:2 says", [("my notes.md:2", "right")]),
    ("`src/app.py`", [("src/app.py", "right")]),
    ("[store]", [("store", "right")]),
    ("src/app.py:9-12", [("src/app.py:9-12", "lines not shown")]),
    ("src/app.py:3-30", [("src/app.py:3-30", "lines not shown")]),
    ("src/app.py:0", [("src/app.py:0", "lines not shown")]),
    ("src/app.py:99999999", [("src/app.py:99999999", "lines not shown")]),
    ("store:12", [("store:12", "lines not shown")]),
    ("src/cli.py:1-2", [("src/cli.py:1-2", "file not packed")]),
    ("`src/cli.py`", [("src/cli.py", "file not packed")]),
    ("docs/app.py:4", [("docs/app.py:4", "file not packed")]),
    ("C:\\x\\y.txt:12", [("C:\\x\\y.txt:12", "file not packed")]),
    ("Makefile:7", [("Makefile:7", "file not packed")]),
    ("src/nope.py:3-4", [("src/nope.py:3-4", "unknown")]),
    ("nope.rs:3", [("nope.rs:3", "unknown")]),
    ("At 12:30 or 10.5:1, v1.2:3, and/or:2", []),
    ("http://example.com:80/x and https://x.com/a.py:3 and localhost:8080", []),
    ("`foo.bar` and [1] and src/app.py: 3 functions", []),
    ("Nothing is cited here.", []),
]


@pytest.mark.parametrize(("answer", "expected"), CASES)
def test_a_citation_is_found_and_judged(answer: str, expected: list[tuple[str, str]]) -> None:
    assert [(one.text, one.verdict) for one in Checker(EXCERPTS, GIVEN).check(answer)] == expected


@given(st.lists(st.sampled_from([case for case, _ in CASES]), max_size=6), st.data())
def test_however_an_answer_is_cut_its_citations_are_the_same(cases: list[str], data: st.DataObject) -> None:
    answer = "\n".join(cases)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(answer)))))
    checker = Checker(EXCERPTS, GIVEN)
    found = [
        one
        for start, end in zip([0, *cuts], [*cuts, len(answer)], strict=True)
        for one in checker.feed(answer[start:end])
    ]
    found += checker.finish()
    assert found == Checker(EXCERPTS, GIVEN).check(answer)
    assert len(found) == sum(len(dict(CASES)[case]) for case in cases)


@given(st.text(), st.lists(st.text(min_size=1, max_size=20), max_size=4))
def test_any_answer_and_any_path_can_be_read(answer: str, paths: list[str]) -> None:
    Checker([shown(path, (1, 2)) for path in paths], paths).check(answer + f"{paths[0]}:1" if paths else answer)


@pytest.mark.parametrize(
    "path",
    ["a b.py", "ünï.md", "笔记.txt", "a[1].py", "a(b).c", "src/$x/*.js", "no_extension", "a:b.txt", "x#y.md", "'q'.md"],
)
def test_a_given_path_may_hold_any_sign(path: str) -> None:
    (one,) = Checker([shown(path, (1, 9))]).check(f"It stands in {path}:2-3, at the top.")
    assert (one.path, one.lines, one.verdict) == (path, ((2, 3),), "right")


def test_what_the_request_cites_itself_holds(tmp_path) -> None:
    for name in ("a.md", "b.md"):
        text = "\n\n".join(f"Paragraph {n} of {name} is about pump {n}. " + "It hums along. " * 30 for n in range(30))
        (tmp_path / name).write_text(text, encoding="utf-8")
    packed = ctxwin.pack(query="pump 7 and pump 21?", files=[tmp_path], budget=600, embedder="none")
    report = packed.report
    assert report.shortened or report.kept
    checked = Checker(report.excerpts).check("\n".join(report.citations))
    assert [one.text for one in checked] == list(report.citations)
    assert all(one.right for one in checked)
    beyond = [f"{one.path}:{one.lines[-1][1] + 1}" for one in report.excerpts]
    assert {one.verdict for one in Checker(report.excerpts).check("\n".join(beyond))} == {"lines not shown"}


def test_a_long_answer_is_checked_in_linear_time() -> None:
    def spent(size: int) -> float:
        checker = Checker([Excerpt(path="a.py", lines=((1, 2),), text="", parts=((1, "x"),), ids=())])
        text = "[a.py:1-2] `a.py` " * size
        gc.disable()  # what else is in this process is no cost of the checker
        try:
            start = time.process_time()
            found = [one for at in range(0, len(text), 4) for one in checker.feed(text[at : at + 4])]
            found += checker.finish()
            took = time.process_time() - start
        finally:
            gc.enable()
        assert len(found) == 2 * size
        assert {one.verdict for one in found} == {"right"}
        return took

    spent(500)
    assert spent(12_000) < 3.4 * spent(6_000) + 0.1


def test_pieces_of_a_stream_are_put_together() -> None:
    answer = "See a.py:1-2 and\n\n`a.py`, then\r\n[a.py:9]"
    whole = Checker([Excerpt(path="a.py", lines=((1, 2),), text="", parts=((1, "x"),), ids=())])
    pieces = Checker([Excerpt(path="a.py", lines=((1, 2),), text="", parts=((1, "x"),), ids=())])
    found = [one for sign in answer for one in pieces.feed(sign)]
    assert [*found, *pieces.finish()] == whole.check(answer)
    assert [one.text for one in whole.check(answer)] == ["a.py:1-2", "a.py", "a.py:9"]
