"""Growth and exchanges: no move and no exchange that fits and gains is left, shares are kept, ties go by value."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies.problems import small_problems

from ctxwin.allocate import Problem, Share, cost, place_required, worth
from ctxwin.allocate.grow import grow, polish
from ctxwin.allocate.ledger import Ledger, keeps_shares
from ctxwin.allocate.relaxation import core, peaks, relax
from ctxwin.allocate.value import NearDuplicates


def begun(problem, choice):
    """What `grow` and `polish` take: a choice with its tokens, its kept items, and every item to choose from."""
    base = np.where(problem.required, choice, -1)
    near = NearDuplicates(problem)
    near.keep_all(np.flatnonzero(choice >= 0))
    return Ledger(problem, choice), near, core(problem, base, np.arange(problem.size), peaks(problem, base), 0.0)


def moves(problem, choice, item):
    """Every choice that differs in one item only."""
    last = 1 if problem.whole[item] else int(problem.start[item + 1] - problem.start[item])
    for form in range(-1, last):
        trial = choice.copy()
        trial[item] = form
        yield trial


def free(problem):
    return np.flatnonzero(~problem.required).tolist()


def roomy(problem):
    """The same problem with room for what is required."""
    base = place_required(replace(problem, capacity=problem.capacity + 10_000))
    return replace(problem, capacity=problem.capacity + cost(problem, base))


def with_shorter_worth_less(problem):
    """The same problem, in which no form is worth more than a fuller one."""
    values = problem.values.copy()
    for first, last in pairwise(problem.start):
        values[first:last] = np.maximum.accumulate(values[first:last][::-1])[::-1]
    return replace(problem, values=values)


def assert_no_move_is_left(problem, ledger):
    value = worth(problem, ledger.choice)
    assert cost(problem, ledger.choice) == problem.capacity - ledger.left <= problem.capacity
    for trial in (trial for item in free(problem) for trial in moves(problem, ledger.choice, item)):
        assert cost(problem, trial) > problem.capacity or worth(problem, trial) <= value + 1e-9


# --- laws


@given(problem=small_problems(max_items=6, couplings=False, vectors=False))
def test_after_growth_no_move_that_fits_and_gains_is_left(problem):
    problem = with_shorter_worth_less(roomy(problem))
    base = place_required(problem)
    ledger, near, part = begun(problem, base)
    made = grow(problem, ledger, near, part)
    assert_no_move_is_left(problem, ledger)
    assert sum(gain for _, _, gain in made) == pytest.approx(worth(problem, ledger.choice) - worth(problem, base))


@given(problem=small_problems(max_items=8), cap=st.sampled_from([0, 10, 20, 40]), data=st.data())
def test_growth_and_exchanges_keep_to_a_cap(problem, cap, data):
    members = np.array(data.draw(st.lists(st.booleans(), min_size=problem.size, max_size=problem.size)), np.bool_)
    problem = replace(roomy(problem), shares=(Share(name="a", members=members & ~problem.required, cap=cap),))
    base = place_required(problem)
    ledger, near, part = begun(problem, base)
    grow(problem, ledger, near, part)
    assert keeps_shares(problem, ledger.choice)
    polish(problem, part, ledger, near, relax(replace(problem, shares=()), base).price)
    assert keeps_shares(problem, ledger.choice)
    assert cost(problem, ledger.choice) == problem.capacity - ledger.left <= problem.capacity


@given(problem=small_problems(max_items=5, vectors=False))
def test_after_exchanges_no_move_that_fits_and_gains_is_left(problem):
    problem = roomy(problem)
    base = place_required(problem)
    ledger, near, part = begun(problem, base)
    grow(problem, ledger, near, part)
    polish(problem, part, ledger, near, relax(problem, base).price)
    assert_no_move_is_left(problem, ledger)


@given(problem=small_problems(max_items=4, couplings=False, vectors=False))
def test_no_exchange_that_fits_and_gains_is_left(problem):
    problem = roomy(problem)
    base = place_required(problem)
    ledger, near, part = begun(problem, base)
    polish(problem, part, ledger, near, relax(problem, base).price)
    value = worth(problem, ledger.choice)
    for one, other in permutations(free(problem), 2):
        for first in moves(problem, ledger.choice, one):
            for trial in moves(problem, first, other):
                assert cost(problem, trial) > problem.capacity or worth(problem, trial) <= value + 1e-9


@given(problem=small_problems(max_items=8), data=st.data())
def test_the_neighbours_of_an_item_are_those_out_whose_price_its_coming_changes(problem, data):
    ledger = Ledger(problem, np.full(problem.size, -1))
    for item in data.draw(st.permutations(range(problem.size))):
        every, group = np.arange(problem.size), problem.header[item]
        beside = [n for n, joined in ((item - 1, item), (item + 1, item + 1)) if problem.follows[joined]]
        opens = group >= 0 and not (problem.header[ledger.choice >= 0] == group).any()
        before, said = ledger.overheads(every), ledger.neighbours(item)
        assert said == beside + (np.flatnonzero(problem.header == group).tolist() if opens else [])
        ledger.take(item, 0)
        changed = np.flatnonzero((ledger.overheads(every) != before) & (ledger.choice < 0))
        assert set(changed.tolist()) <= set(said)


# --- examples


def test_items_that_could_be_shortened_at_no_loss_keep_none_from_its_room():
    problem = Problem.from_forms([*[[(10, 0.5), (6, 0.5)]] * 40, [(5, 0.1)]], capacity=405)
    ledger, near, part = begun(problem, np.array([*[0] * 40, -1]))
    assert grow(problem, ledger, near, part) == [(40, 0, 0.1)]


def test_a_share_that_is_full_lets_a_shorter_form_of_more_value_in():
    share = Share(name="a", members=np.array([True]), cap=10)
    problem = Problem.from_forms([[(10, 0.1), (8, 0.5)]], capacity=20, shares=[share])
    ledger, near, part = begun(problem, np.array([0]))
    assert grow(problem, ledger, near, part) == [(0, 1, pytest.approx(0.4))]
