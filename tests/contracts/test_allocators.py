"""What every allocator owes, by value and beside the reference: ours, a user's function, a user's object."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from strategies.problems import seeded_problem, small_problems

from ctxwin.allocate import Verdict, appraise, exact, get_allocator, place_required, strategies, verdicts
from ctxwin.allocate.reference import brute_force, tokens_of, value_of
from ctxwin.errors import BudgetError
from ctxwin.evaluate.baselines import BASELINES


def oldest_first(problem):
    """A user's function: full items from the oldest, each that fits."""
    choice = place_required(problem)
    for item in np.flatnonzero(choice < 0):
        trial = choice.copy()
        trial[item] = 0
        if tokens_of(problem, trial) <= problem.capacity:
            choice = trial
    return appraise(problem, choice)


class Nothing:
    """A user's object: only what is required."""

    def allocate(self, problem):
        return appraise(problem, place_required(problem))


OURS = [*strategies(), *BASELINES.values(), exact]
ALL = [*OURS, oldest_first, Nothing()]


def name(made):
    return made if isinstance(made, str) else getattr(made, "__name__", "object")


@pytest.fixture(params=ALL, ids=name)
def allocator(request):
    return get_allocator(request.param)


@pytest.mark.parametrize("made", ALL, ids=name)
@given(problem=small_problems(max_items=6))
def test_the_choice_is_allowed_and_its_figures_are_those_of_the_reference(made, problem):
    try:
        base = place_required(problem)
    except BudgetError:
        with pytest.raises(BudgetError):
            get_allocator(made).allocate(problem)
        return
    found = get_allocator(made).allocate(problem)
    choice = found.choice
    assert choice.shape == (problem.size,)
    assert (choice >= -1).all() and (choice < np.diff(problem.start)).all()
    assert (choice[problem.required] == base[problem.required]).all()
    assert (choice[problem.whole] <= 0).all()
    assert found.tokens == tokens_of(problem, choice) <= problem.capacity
    assert found.value == pytest.approx(value_of(problem, choice))
    best = brute_force(problem)[1]
    assert found.value <= best + 1e-9
    assert best <= found.bound + 1e-9
    assert 0 <= found.gap <= 1
    assert found.price >= 0
    assert set(verdicts(problem, found, by_value=False).verdict) <= set(get_args(Verdict))


def test_equal_problems_give_equal_selections_and_stay_as_they_are(allocator):
    problem = seeded_problem(3, 120, share=0.1, couplings=True, vectors=True)
    before = {field.name: np.copy(getattr(problem, field.name)) for field in fields(problem)}
    first, second = allocator.allocate(problem), allocator.allocate(replace(problem))
    assert first.choice.tobytes() == second.choice.tobytes()
    assert (first.tokens, first.value, first.bound, first.price) == (
        second.tokens, second.value, second.bound, second.price,
    )  # fmt: skip
    assert all((getattr(problem, name) == array).all() for name, array in before.items())


@pytest.mark.parametrize("made", OURS, ids=name)
def test_where_everything_fits_everything_is_in_full(made):
    problem = seeded_problem(4, 60, capacity=10**6, couplings=True, vectors=True)
    found = get_allocator(made).allocate(problem)
    assert (found.choice == 0).all()


def test_no_items_and_no_tokens_are_no_trouble(allocator):
    assert allocator.allocate(seeded_problem(0, 0, capacity=10)).tokens == 0
    found = allocator.allocate(seeded_problem(0, 5, capacity=0))
    assert (found.tokens, found.value, found.bound) == (0, 0, 0)
