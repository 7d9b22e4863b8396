"""Problems for the tests of allocation: small ones from hypothesis, larger ones from a seed."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from ctxwin.allocate import Problem


@st.composite
def small_problems(draw, *, max_items=7, max_forms=3, couplings=True, vectors=True, required=True):
    """Draw a problem that brute force can solve, with ties, holes in the order, and all that couples items."""
    forms = draw(
        st.lists(
            st.lists(
                st.tuples(st.integers(0, 30), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5, 0.9, 1.0])),
                min_size=1,
                max_size=max_forms,
            ).map(lambda forms: sorted(forms, reverse=True)),
            max_size=max_items,
        )
    )
    size = len(forms)

    def per_item(elements):
        return draw(st.lists(elements, min_size=size, max_size=size))

    arrays = {}
    if couplings and size:
        steps = per_item(st.sampled_from([1, 1, 1, 2]))
        arrays["order"] = np.cumsum(steps) - draw(st.integers(0, 1)) * steps[0]
        arrays["gap_tokens"] = per_item(st.sampled_from([0, 4, 10]))
        arrays["header"] = sorted(per_item(st.integers(-1, 1)))
        arrays["header_tokens"] = draw(st.lists(st.integers(0, 12), min_size=2, max_size=2))
    if required and size:
        arrays["required"] = per_item(st.sampled_from([False, False, False, True]))
        arrays["whole"] = per_item(st.sampled_from([False, False, False, True]))
    if vectors and size and draw(st.booleans()):
        angles = np.array(per_item(st.sampled_from([0.0, 0.1, 0.3, 0.5, 2.0])))
        arrays["vectors"] = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        arrays["duplicate_weight"] = per_item(st.sampled_from([0.0, 0.5, 1.0]))
    return Problem.from_forms(forms, capacity=draw(st.integers(0, 90)), **arrays)


def seeded_problem(seed, size, *, share=None, capacity=None, forms=5, couplings=False, vectors=False):
    """Make a problem as a conversation makes them: log-normal tokens, few relevant items, forms that lose value.

    The capacity is `capacity` tokens, or that share of all full forms.
    """
    random = np.random.default_rng(seed)
    full = np.maximum(1, random.lognormal(np.log(60), 0.8, size)).astype(np.int64)
    relevance = random.beta(0.4, 3, size)
    counts = random.integers(1, forms + 1, size)
    start = np.concatenate(([0], np.cumsum(counts)))
    owner = np.repeat(np.arange(size), counts)
    form = np.arange(len(owner)) - start[owner]
    kept = np.where(form == 0, 1.0, 0.75**form * random.uniform(0.6, 1, len(owner)))
    values = relevance[owner] * np.where(form == 0, 1.0, kept ** random.uniform(0.3, 1.2, len(owner)))
    groups = max(1, size // 15)
    rows = None
    if vectors:
        rows = random.normal(size=(size, 64)).astype(np.float32)
        near = np.flatnonzero(random.random(size) < 0.3)
        rows[near] = rows[random.integers(0, size, len(near))] + 0.3 * rows[near]
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return Problem(
        tokens=np.maximum(1, full[owner] * kept).astype(np.int64),
        values=values,
        kinds=np.minimum(form, 3).astype(np.int8),
        start=start,
        capacity=max(1, int(full.sum() * share)) if capacity is None else capacity,
        required=np.zeros(size, dtype=np.bool_),
        whole=np.zeros(size, dtype=np.bool_),
        order=np.arange(size),
        gap_tokens=np.full(size, 10 if couplings else 0),
        header=np.minimum(np.arange(size) // 15, groups - 1) if couplings else np.full(size, -1),
        header_tokens=np.full(groups if couplings else 0, 12),
        relevance=relevance,
        vectors=rows,
        duplicate_weight=np.ones(size),
    )
