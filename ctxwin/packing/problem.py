"""From sections and relevance to the allocator's problem, and from its selection back to forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..allocate import RUNG_KINDS, Problem, Selection
from .sections import Form, Section

__all__ = ["Candidates", "Chosen", "assemble"]

LADDERS = 160
"""Units whose shorter forms are worked out: the most relevant ones that are long. More cost time and are not
chosen at budgets where packing matters."""
LADDER_FROM = 64
"""Tokens from which a unit has shorter forms."""
TRUST = {"full": 1.0, "extract": 0.95, "summary": 0.8, "stub": 0.0}
"""What a form's content is worth beside the original's words (../research: full 1, extract .95, summary .8)."""
STUB_VALUE = 0.5
"""Value of a stub in tokens of evidence: it only says that something is there."""
FIT_SHARES = (1.0, 0.5, 0.25)
"""Shares of the room to which a unit larger than the room is shortened."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A unit that is in the request, and its form; None for whole."""

    section: int
    unit: int
    form: Form | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """The allocator's problem, with the way back from its indices."""

    problem: Problem
    where: NDArray[np.int64]
    """(n, 2) section and unit of each of the problem's items."""
    forms: Mapping[int, Sequence[Form]]
    """The shorter forms of the problem's items that have any."""

    def chosen(self, selection: Selection) -> list[Chosen]:
        """Return what the selection keeps, in order."""
        kept = np.flatnonzero(selection.choice >= 0)
        out = []
        for i in kept.tolist():
            rung = int(selection.choice[i])
            section, unit = self.where[i].tolist()
            out.append(Chosen(section, unit, self.forms[i][rung - 1] if rung else None))
        return out


def assemble(
    sections: Sequence[Section],
    relevance: Sequence[NDArray[np.float32]],
    *,
    capacity: int,
    weights: Mapping[str, float],
    gamma: float,
    vectors: NDArray[np.float32] | None,
    extra: Mapping[tuple[int, int], Sequence[Form]],
) -> Candidates:
    """Build the problem of choosing under `capacity` tokens.

    Args:
        sections: the parts that compete.
        relevance: for each, the probability of each unit to be evidence, (n,) in [0, 1].
        capacity: tokens for all of them together.
        weights: what each term of the question weighs.
        gamma: value of a form = p * tokens^gamma * share kept; at 1 the order of choice is that of p.
        vectors: (n, d) unit rows for all units of all sections, for the discount of near-duplicates.
        extra: more forms (summaries) for some units, by section and unit.
    """
    where, columns = _stack(sections, relevance)
    need = _ladder_rows(columns, capacity)
    forms: dict[int, list[Form]] = {}
    for i in need.tolist():
        section, unit = where[i].tolist()
        if found := _forms(sections[section], unit, columns, i, capacity, weights, extra.get((section, unit), ())):
            forms[i] = found
    start, tokens, share, kinds = _rungs(columns["tokens"], forms)
    base = columns["p"] * columns["tokens"].astype(np.float64) ** gamma
    rows = np.repeat(np.arange(len(where)), np.diff(start))
    trust = np.array([TRUST[kind] for kind in RUNG_KINDS])
    values = base[rows] * share * trust[kinds]
    values = np.where(kinds == RUNG_KINDS.index("stub"), columns["p"][rows] * STUB_VALUE, values)
    problem = Problem(
        tokens=tokens,
        values=values,
        kinds=kinds,
        start=start,
        capacity=capacity,
        required=columns["required"],
        whole=columns["whole"],
        order=columns["order"],
        gap_tokens=columns["gap"],
        header=columns["header"],
        header_tokens=columns["header_tokens"],
        relevance=columns["p"],
        vectors=vectors[columns["row"]] if vectors is not None else None,
        duplicate_weight=columns["duplicate"],
    )
    return Candidates(problem=problem, where=where, forms=forms)


def _stack(
    sections: Sequence[Section], relevance: Sequence[NDArray[np.float32]]
) -> tuple[NDArray[np.int64], dict[str, NDArray[np.generic]]]:
    """Put the sections' columns under each other, without the units that may not be sent."""
    parts: dict[str, list[NDArray[np.generic]]] = {}
    where = []
    headers = order = row = 0
    for number, (section, p) in enumerate(zip(sections, relevance, strict=True)):
        size = len(section.units)
        allowed = ~section.units.barred
        piece = section.pieces
        columns = {
            "tokens": piece.tokens,
            "order": piece.order + order,
            "gap": piece.gap,
            "header": np.where(piece.header >= 0, piece.header + headers, -1),
            "p": np.asarray(p, np.float64),
            "required": section.units.required,
            "whole": section.units.whole,
            "duplicate": section.pieces.duplicate,
            "row": np.arange(row, row + size),
        }
        for name, column in columns.items():
            parts.setdefault(name, []).append(column[allowed])
        parts.setdefault("header_tokens", []).append(piece.header_tokens)
        units = np.flatnonzero(allowed)
        where.append(np.stack([np.full(len(units), number), units], axis=1))
        headers += len(piece.header_tokens)
        order += int(piece.order[-1]) + 2 if size else 0
        row += size
    return np.concatenate(where), {name: np.concatenate(columns) for name, columns in parts.items()}


def _ladder_rows(columns: Mapping[str, NDArray[np.generic]], capacity: int) -> NDArray[np.int64]:
    """Choose whose shorter forms are worked out: the most relevant long ones, and what is required."""
    long = columns["tokens"] >= min(LADDER_FROM, max(1, capacity))
    rows = np.flatnonzero(long & ~columns["required"])
    best = rows[np.argsort(-columns["p"][rows], kind="stable")[:LADDERS]]
    must = np.flatnonzero(columns["required"] & ~columns["whole"])
    return np.sort(np.concatenate([best, must]))


def _forms(
    section: Section,
    unit: int,
    columns: Mapping[str, NDArray[np.generic]],
    i: int,
    capacity: int,
    weights: Mapping[str, float],
    extra: Sequence[Form],
) -> list[Form]:
    """Return the shorter forms of one unit, fullest first, each smaller than the one before."""
    room = capacity - int(columns["gap"][i])
    header = int(columns["header"][i])
    room -= int(columns["header_tokens"][header]) if header >= 0 else 0
    found = [*section.shorter(unit, weights), *extra]
    full = int(columns["tokens"][i])
    if full > room:
        sizes = [int(room * share) for share in FIT_SHARES]
        found += [form for size in sizes if (form := section.fitted(unit, size, weights)) is not None]
    found = sorted((form for form in found if form.tokens < full), key=lambda form: -form.tokens)
    return found


def _rungs(
    full: NDArray[np.int64], forms: Mapping[int, Sequence[Form]]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int8]]:
    """Lay all rungs out in rows: each item's whole form first, then its shorter ones."""
    sizes = np.ones(len(full), np.int64)
    for i, found in forms.items():
        sizes[i] += len(found)
    start = np.concatenate([[0], np.cumsum(sizes)])
    tokens = np.zeros(start[-1], np.int64)
    share = np.ones(start[-1], np.float64)
    kinds = np.zeros(start[-1], np.int8)
    tokens[start[:-1]] = full
    for i, found in forms.items():
        rows = slice(int(start[i]) + 1, int(start[i + 1]))
        tokens[rows] = [form.tokens for form in found]
        share[rows] = [form.share for form in found]
        kinds[rows] = [RUNG_KINDS.index(form.kind) for form in found]
    return start, tokens, share, kinds
