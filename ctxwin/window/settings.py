"""How a window is opened: what is given, else what was kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..errors import UnknownModel
from ..items import Budget
from ..messages import Dialect
from ..models import Model, get_model
from ..store import Settings

__all__ = ["UNKNOWN", "as_budget", "row_of", "settled"]

UNKNOWN = "generic"
"""Tokenizer of a model that is not in the catalogue: an estimate with a wide bound."""


def as_budget(budget: int | Budget | None) -> Budget | None:
    """Return a budget given as tokens, as itself or not at all."""
    return Budget(total=budget) if isinstance(budget, int) else budget


def settled(
    known: Settings, *, model: str | Model | None, budget: int | Budget | None, dialect: Dialect | None, system: Any
) -> Settings:
    """Return the settings of a window that is opened: what is given, else what is known."""
    return replace(
        known,
        model=(model.name if isinstance(model, Model) else model) or known.model,
        budget=as_budget(budget) or known.budget,
        dialect=dialect or known.dialect,
        system=known.system if system is None else system,
    )


def row_of(model: str | Model | None, budget: Budget | None) -> Model | None:
    """Return a model's row; None for one that only the user's endpoint knows, if there is a budget.

    Raises:
        UnknownModel: there is no row, and no budget either.
    """
    if model is None:
        return None
    try:
        return get_model(model)
    except UnknownModel:
        if budget is None:
            raise
        return None
