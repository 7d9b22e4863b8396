"""The ledger: when all fits, and what is required, as full as it fits."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from strategies.problems import small_problems

from ctxwin.allocate import Problem, Share, cost, place_required
from ctxwin.allocate.ledger import all_fits
from ctxwin.allocate.reference import tokens_of
from ctxwin.errors import BudgetError

# --- laws


@given(problem=small_problems(max_items=5, vectors=False))
def test_all_fits_where_all_in_full_keep_to_every_limit_and_none_is_worth_more_when_shortened(problem):
    members = ~problem.required & (np.arange(problem.size) % 2 == 0)
    every, full = np.zeros(problem.size, np.int64), problem.start[:-1]
    tokens, its = tokens_of(problem, every), int(problem.tokens[full][members].sum())
    best = [problem.values[first:last].max() for first, last in pairwise(problem.start)]
    for capacity, cap in product((problem.capacity, tokens, tokens - 1), (None, its, its - 1)):
        shares = (Share(name="a", members=members, cap=cap),)
        fits = tokens <= capacity and (cap is None or its <= cap) and problem.values[full].tolist() == best
        assert all_fits(replace(problem, capacity=capacity, shares=shares)) is (problem.size > 0 and fits)


@given(problem=small_problems(max_items=6, vectors=False), data=st.data())
def test_what_is_required_is_as_full_as_fits(problem, data):
    problem = replace(problem, required=~problem.whole)
    full = cost(problem, place_required(replace(problem, capacity=10_000)))
    problem = replace(problem, capacity=data.draw(st.integers(full // 2, full)))
    try:
        base = place_required(problem)
    except BudgetError as error:
        assert error.sums["required"] > error.limit == problem.capacity
        return
    assert (base >= 0).tolist() == problem.required.tolist()
    assert cost(problem, base) <= problem.capacity
    for item in np.flatnonzero(problem.required).tolist():
        now = problem.start[item] + base[item]
        for form, place in enumerate(range(problem.start[item], problem.start[item + 1])):
            if problem.tokens[place] > problem.tokens[now] and problem.values[place] >= problem.values[now]:
                trial = base.copy()
                trial[item] = form
                assert cost(problem, trial) > problem.capacity


# --- examples


def test_a_token_is_enough_for_a_fuller_form_and_the_most_value_per_token_is_first():
    problem = Problem.from_forms([[(50, 0.9), (11, 0.5), (10, 0.4)]], capacity=11, required=[True])
    assert place_required(problem).tolist() == [1]
    two = [[(50, 0.9), (20, 0.6), (10, 0.4)], [(50, 0.9), (15, 0.55), (10, 0.4)]]
    problem = Problem.from_forms(two, capacity=34, required=[True, True])
    assert place_required(problem).tolist() == [2, 1]
