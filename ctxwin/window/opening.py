"""How a window is opened: what is given, else what was kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

from ..clients import Client
from ..errors import InputError, UnknownModel
from ..items import Budget, parse_tokens
from ..messages import Dialect
from ..models import Model, get_model
from ..store import Store, WindowSettings

__all__ = ["PART", "UNKNOWN", "StoredSettings", "as_budget", "exported", "require_dialect", "row_of", "settled"]

EMBEDDERS, EXPORTS = "embedders", "exports"
"""Where a window's state keeps whose vectors it has, and the paths that it was written to."""
PART = ".part"
"""Ends the name of an export that is being written."""
_CLIENTS: Mapping[Dialect, str] = {
    "openai": "client=OpenAI()",
    "responses": "client=ctxwin.clients.adapt(OpenAI(), 'responses')",
    "anthropic": "client=Anthropic()",
}
"""What speaks a dialect."""
UNKNOWN = "generic"
"""Tokenizer of a model that is not in the catalogue: an estimate with a wide bound."""


def as_budget(budget: int | str | Budget | None) -> Budget | None:
    """Return a budget given as tokens, as itself or not at all."""
    total = parse_tokens(budget) if isinstance(budget, str) else budget
    return Budget(total=total) if isinstance(total, int) else total


def settled(
    known: WindowSettings,
    *,
    model: str | Model | None,
    budget: int | str | Budget | None,
    dialect: Dialect | None,
    system: Any,
) -> WindowSettings:
    """Return the settings of a window that is opened: what is given, else what is known."""
    return replace(
        known,
        model=(model.name if isinstance(model, Model) else model) or known.model,
        budget=as_budget(budget) or known.budget,
        dialect=dialect or known.dialect,
        system=known.system if system is None else system,
    )


def require_dialect(client: Client, dialect: Dialect) -> None:
    """Refuse a client that takes messages of another dialect.

    Raises:
        InputError: it does.
    """
    if client.dialect != dialect:
        raise InputError(
            f"a client of type {type(client).__name__} takes messages of dialect {client.dialect!r}, not {dialect!r}; "
            f"give {_CLIENTS[dialect]}, or leave out dialect="
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


class StoredSettings:
    """The settings of one window, in its store and here.

    Args:
        store: where the window is.
        window: its name.
        settings: with which it is opened; kept where they differ from what is known.
        known: what the store has.
    """

    def __init__(self, store: Store, window: str, settings: WindowSettings, known: WindowSettings) -> None:
        self._store = store
        self._window = window
        self._lock = Lock()
        self.now = settings
        if settings != known:
            store.save_settings(window, settings)

    def change(self, **settings: Any) -> None:
        """Change some settings and store them."""
        with self._lock:
            known = self._stored()
            self._store.save_settings(self._window, replace(known, **settings))
            self.now = replace(self.now, **settings, state=known.state)

    def remember(self, **state: Any) -> None:
        """Keep some values of the state; None removes one."""
        with self._lock:
            self._save(self._stored(), state)

    @property
    def embedders(self) -> Sequence[str]:
        """Names of the embedders whose vectors are kept beside the messages."""
        names: Sequence[str] = self._stored().state.get(EMBEDDERS, ())
        return names

    def note_embedder(self, name: str) -> None:
        """Remember that an embedder's vectors are kept, so that erasing finds them."""
        self._note(EMBEDDERS, name)

    def note_export(self, path: Path) -> None:
        """Remember where the window is written to, so that erasing can name the file."""
        self._note(EXPORTS, str(path))

    def _note(self, list_: str, value: str) -> None:
        with self._lock:
            known = self._stored()
            if value not in (values := known.state.get(list_, ())):
                self._save(known, {list_: [*values, value]})

    def _stored(self) -> WindowSettings:
        """Return the settings as the store has them: other processes change them too, and what they did stays."""
        return self._store.settings(self._window) or self.now

    def _save(self, known: WindowSettings, state: Mapping[str, Any]) -> None:
        changed = {name: value for name, value in {**known.state, **state}.items() if value is not None}
        if changed != known.state:
            self._store.save_settings(self._window, replace(known, state=changed))
        self.now = replace(self.now, state=changed)


def exported(store: Store) -> Sequence[str]:
    """Return the files that windows of a store were written to and that are still there, half written ones too."""
    states = [settings.state for name in store.windows() if (settings := store.settings(name)) is not None]
    paths = dict.fromkeys(path for state in states for path in state.get(EXPORTS, ()))
    return tuple(file for path in paths for file in (path, path + PART) if Path(file).exists())
