"""Floors and caps of sources in whole packings: the law, what the report says, what is refused."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ctxwin
from ctxwin.errors import BudgetError, InputError


def files(folder):
    """Three small files, one of them in a folder of its own."""
    (folder / "vendor").mkdir()
    for name, topic in (("a.md", "pump"), ("b.md", "lease"), ("vendor/c.md", "pump")):
        text = "\n\n".join(
            f"Part {n} of {name}: the {topic} number {n} is fine. " + "It hums along. " * 9 for n in range(20)
        )
        (folder / name).write_text(text, encoding="utf-8")
    return ctxwin.Files(folder)


TALK = [
    {"role": "user" if n % 2 == 0 else "assistant", "content": f"Note {n}: pump {n} runs. " + "We talked. " * 12}
    for n in range(40)
]
for n in (5, 15):
    call = {"id": f"c{n}", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    TALK[n:n] = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": f"c{n}", "content": f"Log of pump {n}.\n" + "ok 200 GET /pump\n" * 40},
    ]
ITEMS = [
    ctxwin.Item(text=f"Memory {n}: pump {n} was bought in {1990 + n}. " + "So it was. " * 9, kind="memory")
    for n in range(20)
]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return files(tmp_path_factory.mktemp("files"))


FIGURES = st.sampled_from([0, 0, 60, 150, 0.1, 0.25])
CAPS = st.sampled_from([None, None, 0, 200, 400, 0.3, 0.5])
INSIDE = {
    "files": lambda one: one.kind == "chunk",
    "items": lambda one: one.kind == "memory",
    "vendor": lambda one: one.label.startswith("vendor/"),
    "*.md": lambda one: ".md:" in one.label,
    "b.md": lambda one: one.label.startswith("b.md:"),
}


def tokens(figure, budget):
    return int(figure * budget) if isinstance(figure, float) else figure


@settings(max_examples=25, deadline=None)
@given(
    shares=st.dictionaries(st.sampled_from(["messages", "tool_output", *INSIDE]), st.tuples(FIGURES, CAPS), max_size=3),
    budget=st.sampled_from([500, 900, 2_000, 40_000]),
    solver=st.sampled_from(["greedy", "greedy", "exact"]),
    question=st.sampled_from(["Which pump runs?", "When does the lease end?", None]),
)
def test_each_source_has_its_floor_and_no_more_than_its_cap(found, shares, budget, solver, question):
    sound = {n: (f, c) for n, (f, c) in shares.items() if c is None or tokens(c, budget) >= tokens(f, budget)}
    try:
        packed = ctxwin.pack(
            TALK, question, budget, files=found, items=ITEMS, shares=sound, solver=solver, embedder="none"
        )
    except BudgetError as error:
        floors = sum(tokens(floor, budget) for floor, _ in sound.values())
        assert floors > budget / 4 or any(cap is not None for _, cap in sound.values()), error
        return
    report = packed.report
    assert packed.tokens <= budget
    assert report.value <= report.bound + 1e-6
    assert [one.source for one in report.shares] == list(sound)
    for one in report.shares:
        assert min(one.floor, one.given) <= one.tokens <= (one.tokens if one.cap is None else one.cap)
        if one.source in INSIDE:
            mine = [decision for decision in report.decisions if INSIDE[one.source](decision)]
            assert one.tokens == sum(decision.tokens for decision in mine)
            assert one.given == sum(decision.full_tokens for decision in mine)


def test_without_shares_the_plan_is_the_same(found):
    plain, none = (
        ctxwin.pack(TALK, "Which pump runs?", 900, files=found, shares=s, embedder="none") for s in (None, {})
    )
    assert plain.plan == none.plan
    assert none.report.shares == ()


def test_tool_output_competes_and_can_be_held_back(found):
    free, held = (
        ctxwin.pack(TALK, "ok 200 GET /pump, log of pump 15?", 900, files=found, shares=s, embedder="none")
        for s in ({"tool_output": (0, None)}, {"tool_output": (0, 40)})
    )
    assert free.report.shares[0].tokens > 40 >= held.report.shares[0].tokens
    assert held.report.shares[0].given == free.report.shares[0].given


def test_a_packing_with_shares_can_be_made_again_and_parts_follow_the_budget(found):
    packed = ctxwin.pack(TALK, "Which pump runs?", 2_000, files=found, shares={"files": (0.5, None)}, embedder="none")
    again = packed.plan.repack(budget=1_000)
    assert packed.report.shares[0].floor == 1_000
    assert again.report.shares[0].floor == 500 <= again.report.shares[0].tokens


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"files": 0.3}, r"'files' is 0.3; give \(floor, cap\)"),
        ({"files": (0.3, 0.2)}, "'files' has a floor of 300 over its cap of 200"),
        ({"files": (-1, None)}, "'files' has -1"),
        ({"files": (0, 1.5)}, "a part of the budget is at most 1.0"),
        ({"fles": (0, 10)}, "no source 'fles' to share with; did you mean 'files'"),
        ({"vendor/d.md": (0, 10)}, "did you mean 'vendor/c.md'"),
        ([("files", 1)], "shares is a dict"),
    ],
)
def test_a_wrong_share_is_refused_and_what_to_do_is_said(found, shares, message):
    with pytest.raises(InputError, match=message):
        ctxwin.pack(TALK, "Which?", 1_000, files=found, shares=shares, embedder="none")


def test_floors_over_the_budget_are_refused_with_their_sum(found):
    with pytest.raises(BudgetError, match=r"the floors of the shares do not fit .*files 700 \+ messages 600"):
        ctxwin.pack(
            TALK,
            "Which pump?",
            1_000,
            files=found,
            shares={"files": (700, None), "messages": (600, None)},
            embedder="none",
        )


def test_a_strategy_that_keeps_no_shares_says_so(found):
    with pytest.raises(InputError, match="shares go with strategy 'auto', not with 'recency'"):
        ctxwin.pack(TALK, "Which?", 1_000, files=found, shares={"files": (0, 10)}, strategy="recency")


def test_a_window_keeps_files_beside_its_conversation_under_one_budget(found):
    options = {"budget": 700, "client": lambda messages: "It ends in May.", "embedder": "none"}
    with ctxwin.Window(**options, files=found, shares={"files": (0.3, 0.6)}) as window:
        window.add(*TALK)
        window.send("When does the lease end?")
        (share,) = window.last.report.shares
        assert 210 <= share.tokens <= 420
        assert window.last.tokens <= 700
        assert any(one.startswith("b.md:") for one in window.last.report.citations)
        assert window.fork("other").pack("Which pump runs?").report.shares[0].source == "files"
        assert all("b.md" not in str(turn.message) for turn in window.turns)


def test_shares_are_shown_in_the_table_and_in_json(found):
    packed = ctxwin.pack(TALK, "Which pump runs?", 2_000, files=found, shares={"files": (0.2, 700)}, embedder="none")
    (share,) = packed.report.shares
    assert f"share of files: {share.tokens:,} of {share.given:,} tokens, at least 400, at most 700" in str(packed)
    assert packed.report.to_dict()["shares"] == [
        {"source": "files", "floor": 400, "cap": 700, "tokens": share.tokens, "given": share.given}
    ]


async def packed_later(found):
    return await ctxwin.apack(TALK, "Which pump runs?", 900, files=found, shares={"files": (0, 90)}, embedder="none")


def test_packing_without_blocking_keeps_shares_too(found):
    assert asyncio.run(packed_later(found)).report.shares[0].tokens <= 90
