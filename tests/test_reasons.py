"""Why items are in, shortened or out: each verdict is true of the choice, and each reason of the request."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies.problems import seeded_problem, small_problems

import ctxwin
from ctxwin.allocate import Problem, Share, Verdict, cost, knapsack, place_required, verdicts, worth
from ctxwin.allocate.ledger import keeps_shares
from ctxwin.allocate.value import DUPLICATE_COSINE
from ctxwin.report import Cause
from ctxwin.sample import conversation, files

KEPT = {"required", "relevant", "filler", "bridge", "floor", "strategy"}


def without(choice, *items):
    found = choice.copy()
    found[list(items)] = -1
    return found


def forms(problem, item):
    return range(1 if problem.whole[item] else int(problem.start[item + 1] - problem.start[item]))


def with_best(problem, choice, item):
    """The choice with the item in the form that gives most per token."""
    density = [
        problem.values[problem.start[item] + form] / max(problem.tokens[problem.start[item] + form], 1e-9)
        for form in forms(problem, item)
    ]
    found = choice.copy()
    found[item] = int(np.argmax(density))
    return found


def holds(problem, found, said, item):  # noqa: C901 - one line for each verdict
    """Whether what is said of an item is true, by its definition."""
    choice, verdict, other = found.choice, said.verdict[item], said.other[item]
    lacks, share = said.lacks[item], said.share[item]
    if choice[item] >= 0:
        free = cost(problem, choice) - cost(problem, without(choice, item))
        if verdict == "shortened":
            whole = choice.copy()
            whole[item] = 0
            return choice[item] > 0 and lacks == max(0, cost(problem, whole) - problem.capacity)
        if verdict == "bridge":
            return free <= 0
        if verdict == "floor":
            return not keeps_shares(problem, without(choice, item))
        return verdict in KEPT and (verdict == "required") == bool(problem.required[item])
    if verdict == "oversize":
        base = np.where(problem.required, 0, -1)
        costs = []
        for form in forms(problem, item):
            base[item] = form
            costs.append(cost(problem, base))
        return min(costs) - problem.capacity == lacks > 0
    if verdict == "irrelevant":
        return max(problem.values[problem.start[item] + form] for form in forms(problem, item)) <= 0
    if verdict == "duplicate":
        near = float(problem.vectors[item] @ problem.vectors[other])
        return choice[other] >= 0 and near > DUPLICATE_COSINE and problem.duplicate_weight[item] > 0
    if verdict == "capped":
        one = problem.shares[share]
        has = cost(replace(problem, gap_tokens=0 * problem.gap_tokens, header_tokens=0 * problem.header_tokens),
                   np.where(one.members, choice, -1))  # fmt: skip
        return bool(one.members[item]) and has + int(problem.smallest[item]) - one.cap == lacks > 0
    trial = with_best(problem, choice, item)
    over = cost(problem, trial) - problem.capacity
    if verdict == "passed":
        return over <= 0
    if verdict == "crowded":
        return over == lacks > 0
    assert verdict in ("outbid", "floor")
    if said.also[item]:
        return over == lacks > 0 and choice[other] >= 0
    fits = cost(problem, without(trial, other)) <= problem.capacity
    if verdict == "floor":
        return fits and over > 0 and not keeps_shares(problem, without(choice, other))
    return fits and over == lacks > 0 and choice[other] >= 0 and not problem.required[other]


@settings(max_examples=200, deadline=None)
@given(problem=small_problems(max_items=9), data=st.data())
def test_every_verdict_is_true_by_its_definition(problem, data):
    room = cost(problem, place_required(replace(problem, capacity=10_000)))
    members = np.array(data.draw(st.lists(st.booleans(), min_size=problem.size, max_size=problem.size)), np.bool_)
    cap = data.draw(st.sampled_from([None, 0, 20, 40]))
    floor = data.draw(st.sampled_from([0, 5, 20])) if cap is None else 0
    shares = (Share(name="a", members=members & ~problem.required, floor=floor, cap=cap),)
    problem = replace(problem, capacity=problem.capacity + room, shares=data.draw(st.sampled_from([(), shares])))
    try:
        found = knapsack(problem)
    except ctxwin.BudgetError:
        return
    said = verdicts(problem, found)
    assert set(said.verdict) <= set(get_args(Verdict))
    for item in range(problem.size):
        assert holds(problem, found, said, item), (item, said.verdict[item], said.other[item], said.lacks[item])


@settings(max_examples=100, deadline=None)
@given(problem=small_problems(max_items=9, vectors=False, required=False))
def test_what_outbids_an_item_is_worth_as_much_in_its_room(problem):
    found = knapsack(problem)
    said = verdicts(problem, found)
    for item in (item for item in range(problem.size) if said.verdict[item] == "outbid" and not said.also[item]):
        swapped = without(with_best(problem, found.choice, item), said.other[item])
        assert cost(problem, swapped) <= problem.capacity
        assert worth(problem, swapped) <= found.value + 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_an_item_that_is_too_large_fits_with_the_tokens_it_lacks(seed):
    problem = seeded_problem(seed, 60, capacity=40, forms=1, couplings=True)
    said = verdicts(problem, knapsack(problem))
    large = [item for item in range(problem.size) if said.verdict[item] == "oversize"]
    assert large
    for item in large:
        more = replace(problem, capacity=problem.capacity + said.lacks[item])
        assert verdicts(more, knapsack(more)).verdict[item] != "oversize"
        less = replace(problem, capacity=problem.capacity + said.lacks[item] - 1)
        assert verdicts(less, knapsack(less)).verdict[item] == "oversize"


def test_the_room_of_what_outbids_it_lets_an_item_in_as_a_rule():
    came, asked = 0, 0
    for seed in range(6):
        problem = seeded_problem(seed, 200, share=0.1, couplings=bool(seed % 2), forms=1)
        found = knapsack(problem)
        said = verdicts(problem, found)
        for item in [i for i in range(problem.size) if said.verdict[i] == "outbid" and not said.also[i]][::3]:
            pair = np.append(np.flatnonzero(found.choice >= 0), item)
            values = np.where(np.isin(np.arange(problem.size), pair), problem.values, 0.0)
            values[said.other[item]] = 0.0
            came += knapsack(replace(problem, values=values)).choice[item] >= 0
            asked += 1
    assert asked > 200
    assert came / asked > 0.9


def test_of_two_that_say_the_same_the_report_names_the_one_that_is_in():
    rows = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    problem = Problem.from_forms([[(20, 0.5)], [(20, 0.6)], [(20, 0.4)]], capacity=40, vectors=rows)
    said = verdicts(problem, knapsack(problem))
    assert said.verdict[0] == "duplicate"
    assert said.other[0] == 1


def test_a_cap_and_a_floor_are_named():
    shares = (Share(name="a", members=np.array([True, True, False, False]), cap=30),)
    problem = Problem.from_forms([[(30, 0.9)], [(30, 0.8)], [(30, 0.1)], [(30, 0.05)]], capacity=70, shares=shares)
    said = verdicts(problem, knapsack(problem))
    assert (said.verdict[1], said.share[1], said.lacks[1]) == ("capped", 0, 30)
    poor = (Share(name="poor", members=np.array([False, False, True]), floor=30),)
    problem = Problem.from_forms([[(30, 0.9)], [(30, 0.8)], [(30, 0.1)]], capacity=60, shares=poor)
    said = verdicts(problem, knapsack(problem))
    assert said.verdict[1:] == ["floor", "floor"]
    assert said.share[1:] == [0, 0]


def test_items_that_a_floor_needs_are_not_among_those_that_together_hold_the_room():
    forms = [[(30, 0.01)], *[[(10, 0.3)]] * 4, [(35, 0.1)], *[[(12, 0.2)]] * 3]
    poor = Share(name="poor", members=np.arange(9) == 0, floor=30)
    problem = Problem.from_forms(forms, capacity=70, shares=[poor])
    found = knapsack(problem)
    said = verdicts(problem, found)
    assert found.choice.tolist() == [0, 0, 0, 0, 0, -1, -1, -1, -1]
    assert (said.verdict[5], said.other[5], said.also[5], said.lacks[5]) == ("outbid", 1, 3, 35)


@pytest.fixture(scope="module")
def packed():
    return ctxwin.pack(conversation(), query="Which brake pads does the Koga take?", budget=1_000, files=files())


def test_reasons_name_items_that_are_in_and_causes_that_are_known(packed):
    ids = {one.id for one in packed.report.decisions if one.form != "out"}
    said = Counter(one.cause for one in packed.report.decisions)
    assert set(said) <= set(get_args(Verdict)) | {"system", "pinned", "tail"}
    assert len(said) > 3
    for one in packed.report.decisions:
        if one.cause in ("outbid", "duplicate"):
            assert one.by in ids
            assert one.form == "out"
            assert one.lacks > 0 or one.cause == "duplicate"
        assert (one.form == "out") <= (one.reason not in ("relevant", "less relevant"))
    assert packed.report.to_dict()["items"][1]["cause"] == packed.report.decisions[1].cause


def test_what_is_worth_its_tokens_but_lacks_room_is_in_or_has_another_reason_with_more(packed):
    crowded = [one for one in packed.report.decisions if one.cause in ("crowded", "oversize")][:6]
    for one in crowded:
        more = packed.plan.repack(budget=1_000 + one.lacks)
        then = more.report.decisions[one.position]
        assert then.form != "out" or (then.cause, then.by, then.lacks) != (one.cause, one.by, one.lacks)


def test_of_a_strategy_that_is_not_by_value_no_more_is_said_than_that_it_chose():
    talk = [{"role": "user", "content": f"Number {n} is {n * n}."} for n in range(60)]
    packed = ctxwin.pack(talk, query="What is 7?", budget=150, strategy="recency", embedder="none")
    said = {(one.form, one.cause, one.reason) for one in packed.report.decisions}
    assert ("out", "strategy", "not in recency") in said
    assert ("full", "strategy", "by recency") in said


def test_where_all_fits_the_report_says_so():
    talk = [{"role": role, "content": "Hello."} for role in ("user", "assistant", "user")]
    packed = ctxwin.pack(talk, budget=99)
    assert [one.cause for one in packed.report.decisions] == ["everything", "everything", "tail"]


def test_causes_are_a_closed_set():
    assert len(set(get_args(Cause))) == len(get_args(Cause))
    assert set(get_args(Verdict)) < set(get_args(Cause))


class Careless:
    """A strategy that keeps to no limit."""

    def allocate(self, problem):
        self.problem = problem
        return knapsack(replace(problem, capacity=1_000_000))


def test_the_value_of_a_request_that_was_cut_down_is_that_of_what_is_left():
    careless = Careless()
    items = [
        ctxwin.Item(text=f"Pump {n} was bought in {1990 + n}. " + "So it was. " * 9, kind="memory") for n in range(12)
    ]
    packed = ctxwin.pack(items=items, query="When was pump 3 bought?", budget=200, strategy=careless, embedder="none")
    decisions = packed.report.decisions
    assert "recounted" in {one.cause for one in decisions}
    kept = np.array([-1 if one.form == "out" else 0 for one in decisions])
    assert packed.report.value == pytest.approx(worth(careless.problem, kept))
