"""How a window is opened: what is given, else what was kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from threading import Lock
from typing import Any

from ..errors import UnknownModel
from ..items import Budget, parse_tokens
from ..messages import Dialect
from ..models import Model, get_model
from ..store import Settings, Store

__all__ = ["UNKNOWN", "Kept", "as_budget", "row_of", "settled"]

UNKNOWN = "generic"
"""Tokenizer of a model that is not in the catalogue: an estimate with a wide bound."""


def as_budget(budget: int | str | Budget | None) -> Budget | None:
    """Return a budget given as tokens, as itself or not at all."""
    total = parse_tokens(budget) if isinstance(budget, str) else budget
    return Budget(total=total) if isinstance(total, int) else total


def settled(
    known: Settings,
    *,
    model: str | Model | None,
    budget: int | str | Budget | None,
    dialect: Dialect | None,
    system: Any,
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


class Kept:
    """The settings of one window, in its store and here.

    Args:
        store: where the window is.
        window: its name.
        settings: with which it is opened; kept where they differ from what is known.
        known: what the store has.
    """

    def __init__(self, store: Store, window: str, settings: Settings, known: Settings) -> None:
        self._store = store
        self._window = window
        self._lock = Lock()
        self.now = settings
        if settings != known:
            store.save_settings(window, settings)

    def change(self, **settings: Any) -> None:
        """Change some and keep them."""
        with self._lock:
            self.now = replace(self.now, **settings)
            self._store.save_settings(self._window, self.now)

    def remember(self, **state: Any) -> None:
        """Keep some values of the state; None removes one."""
        with self._lock:
            changed = {name: value for name, value in {**self.now.state, **state}.items() if value is not None}
            self.now = replace(self.now, state=changed)
            self._store.save_settings(self._window, self.now)

    @property
    def embedders(self) -> Sequence[str]:
        """Names of the embedders whose vectors are kept beside the messages."""
        names: Sequence[str] = self.now.state.get("embedders", ())
        return names

    def note_embedder(self, name: str) -> None:
        """Remember that an embedder's vectors are kept, so that erasing finds them."""
        if name not in self.embedders:
            self.remember(embedders=[*self.embedders, name])
