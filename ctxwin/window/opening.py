"""Settles the settings with which a window is opened: given arguments first, stored settings second."""

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
"""Keys of a window's state: embedders with stored vectors, and paths of exports."""
PART = ".part"
"""Suffix of an export that is being written."""
_CLIENTS: Mapping[Dialect, str] = {
    "openai": "client=OpenAI()",
    "responses": "client=ctxwin.clients.adapt(OpenAI(), 'responses')",
    "anthropic": "client=Anthropic()",
}
"""A client for each dialect, as an error message suggests it."""
UNKNOWN = "generic"
"""Tokenizer of a model that is not in the catalogue: an estimate with a wide bound."""


def as_budget(budget: int | str | Budget | None) -> Budget | None:
    """Return a number of tokens as a `Budget`; a `Budget` and None pass unchanged."""
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
    """Return the settings of a window that is opened: given arguments replace stored settings."""
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
        InputError: the client takes another dialect.
    """
    if client.dialect != dialect:
        raise InputError(
            f"a client of type {type(client).__name__} takes messages of dialect {client.dialect!r}, not {dialect!r}; "
            f"give {_CLIENTS[dialect]}, or leave out dialect="
        )


def row_of(model: str | Model | None, budget: Budget | None) -> Model | None:
    """Return a model's row; None for a model that only the user's endpoint knows, if a budget is given.

    Raises:
        UnknownModel: the catalogue has no such model, and no budget is given.
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
    """The settings of one window, in the store and in memory.

    Args:
        store: the store of the window.
        window: the window's name in the store.
        settings: the settings with which the window is opened; stored if they differ from `known`.
        known: the settings in the store.
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
        """Store some values of the state; None removes a value."""
        with self._lock:
            self._save(self._stored(), state)

    @property
    def embedders(self) -> Sequence[str]:
        """Names of the embedders whose vectors the store holds."""
        names: Sequence[str] = self._stored().state.get(EMBEDDERS, ())
        return names

    def note_embedder(self, name: str) -> None:
        """Remember that an embedder's vectors are stored, so that erasing finds them."""
        self._note(EMBEDDERS, name)

    def note_export(self, path: Path) -> None:
        """Remember the path of an export, so that erasing can name the file."""
        self._note(EXPORTS, str(path))

    def _note(self, list_: str, value: str) -> None:
        with self._lock:
            known = self._stored()
            if value not in (values := known.state.get(list_, ())):
                self._save(known, {list_: [*values, value]})

    def _stored(self) -> WindowSettings:
        """Return the settings in the store, so that changes by other processes are kept."""
        return self._store.settings(self._window) or self.now

    def _save(self, known: WindowSettings, state: Mapping[str, Any]) -> None:
        changed = {name: value for name, value in {**known.state, **state}.items() if value is not None}
        if changed != known.state:
            self._store.save_settings(self._window, replace(known, state=changed))
        self.now = replace(self.now, state=changed)


def exported(store: Store) -> Sequence[str]:
    """Return the existing files that windows of a store were exported to, half-written ones too."""
    states = [settings.state for name in store.windows() if (settings := store.settings(name)) is not None]
    paths = dict.fromkeys(path for state in states for path in state.get(EXPORTS, ()))
    return tuple(file for path in paths for file in (path, path + PART) if Path(file).exists())
