"""The relaxation: shortlists beside their slow twin, the size of a core, bounds by value, the trials of a price."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from strategies.problems import seeded_problem, small_problems

from ctxwin.allocate import Problem, cost, place_required, relaxation
from ctxwin.allocate.ledger import room_beside
from ctxwin.allocate.reference import brute_force
from ctxwin.allocate.relaxation import core, densest, peaks, relax, restrict, shortlist


def roomy(problem):
    """The same problem with room for what is required."""
    plain = replace(problem, capacity=problem.capacity + 10_000)
    return replace(problem, capacity=problem.capacity + cost(plain, place_required(plain)))


def some_free(seed, couplings):
    """Many items, of which some have a form without tokens."""
    problem = seeded_problem(seed, 3_000, capacity=700, couplings=couplings)
    free = np.random.default_rng(seed).random(len(problem.tokens)) < 0.01
    return replace(problem, tokens=np.where(free, 0, problem.tokens))


def alone(problem, item):
    """The best value per token of an item that pays for its mark and its heading, and its tokens with the mark."""
    group = problem.header[item]
    extra = problem.markers[item] + (problem.header_tokens[group] if group >= 0 else 0)
    found = []
    for place in range(problem.start[item], problem.start[item + 1]):
        tokens = int(problem.tokens[place])
        found.append((problem.values[place] / max(tokens + extra, 1e-9), tokens + int(problem.markers[item])))
    return max(found)


# --- laws


@pytest.mark.parametrize("couplings", [False, True])
@pytest.mark.parametrize("spare", [0, 5])
@pytest.mark.parametrize("seed", range(4))
def test_a_shortlist_equals_its_twin(seed, spare, couplings):
    problem = some_free(seed, couplings)
    peak = peaks(problem, np.full(problem.size, -1))
    rank = sorted((alone(problem, item) for item in range(problem.size)), key=lambda pair: -pair[0])
    left, price = problem.capacity, 0.0
    for price, tokens in rank:  # noqa: B007 - the price of the first that does not fit
        left -= tokens
        if left < 0:
            break
    last = np.sort(peak)[::-1][(peak >= price).sum() + spare - 1]
    items, outside = shortlist(problem, peak, problem.capacity, spare)
    assert items.tolist() == np.flatnonzero(peak >= last).tolist()
    assert outside == peak[peak < last].max()


@given(problem=small_problems(max_items=6))
def test_the_bound_is_above_the_best_and_the_choice_fits(problem):
    problem = roomy(problem)
    base = place_required(problem)
    found = relax(problem, base)
    assert brute_force(problem)[1] <= found.bound + 1e-9
    assert cost(problem, found.choice) <= problem.capacity
    assert (found.choice[base >= 0] == base[base >= 0]).all()


@given(problem=small_problems(max_items=8))
def test_a_peak_is_the_best_value_per_token_of_the_forms_that_may_fit(problem):
    problem = roomy(problem)
    base = place_required(problem)
    room, found = room_beside(problem, base), peaks(problem, base)
    for item in range(problem.size):
        forms = range(problem.start[item], problem.start[item] + 1 if problem.whole[item] else problem.start[item + 1])
        densities = [problem.values[n] / max(problem.tokens[n], 1e-9) for n in forms if problem.tokens[n] <= room]
        assert found[item] == (0 if base[item] >= 0 else max(densities, default=0))


@settings(max_examples=50)
@given(problem=small_problems(max_items=8))
def test_a_core_of_fewer_items_is_the_core_restricted_to_them(problem):
    problem = roomy(problem)
    base = place_required(problem)
    peak = peaks(problem, base)
    every = core(problem, base, np.arange(problem.size), peak, 0.0)
    places = np.arange(problem.size)[::2]
    part = restrict(every, places)
    assert part.items.tolist() == places.tolist()
    assert part.follows.tolist() == [False] * len(places)  # between two of them one is missing
    for place, item in enumerate(places.tolist()):
        mine = part.owner == place
        assert part.start[place] == np.flatnonzero(mine)[0]
        assert part.form[mine].tolist() == every.form[every.owner == item].tolist()
        assert part.tokens[mine].tolist() == every.tokens[every.owner == item].tolist()


@given(problem=small_problems(max_items=12))
def test_the_densest_are_the_first_by_value_per_token_with_all_equals_of_the_last(problem):
    for count in range(1, problem.size + 2):
        rank = sorted((one for one in problem.peak.tolist() if one > 0), reverse=True)
        last = rank[min(count, len(rank)) - 1] if rank else 1.0
        assert densest(problem.peak, count).tolist() == [n for n, one in enumerate(problem.peak) if one >= last]


@pytest.mark.parametrize("couplings", [False, True])
def test_a_price_is_found_after_a_dozen_trials(couplings, monkeypatch):
    prices = []

    def counted(part, price, capacity, trial=relaxation._trial):
        prices.append(price)
        return trial(part, price, capacity)

    monkeypatch.setattr(relaxation, "_trial", counted)
    made = []
    for seed in range(8):
        for size, share in ((40, 0.05), (200, 0.1), (3_000, 0.02)):
            prices.clear()
            problem = seeded_problem(seed, size, share=share, couplings=couplings)
            relax(problem, place_required(problem))
            made.append(len(prices))
    assert np.mean(made) < 9
    assert max(made) <= 13


# --- examples


def test_what_is_required_leaves_a_small_core_for_the_rest():
    random = np.random.default_rng(0)
    values = random.permutation(np.linspace(0.1, 1, 2_000))
    required = np.arange(2_000) < 90
    problem = Problem.from_forms([[(10, value)] for value in values], capacity=1_000, required=required)
    inside = relax(problem, place_required(problem)).core.items
    assert set(np.flatnonzero(required)) < set(inside.tolist())
    assert len(inside) < 90 + 2 * (10 + relaxation.SPARE_ITEMS) + 10  # each with the item before it


def test_what_has_no_heading_pays_for_none():
    problem = Problem.from_forms([[(10, 1.0)], [(10, 0.5)]], capacity=10, header=[-1, 0], header_tokens=[0])
    assert relax(problem, place_required(problem)).bound == pytest.approx(1.0)


def test_a_form_that_cannot_fit_is_worth_nothing_in_the_bound():
    problem = Problem.from_forms([[(11, 5.0)], [(10, 0.5)]], capacity=10)
    assert relax(problem, place_required(problem)).bound == pytest.approx(0.5)


def test_items_before_the_core_may_save_its_marks():
    problem = Problem.from_forms([[(1, 0)], [(1, 0)], [(10, 1.0)], [(30, 0.1)]], capacity=12, gap_tokens=[10] * 4)
    assert brute_force(problem)[1] == 1.0
    assert relax(problem, place_required(problem)).bound == pytest.approx(1.0)
