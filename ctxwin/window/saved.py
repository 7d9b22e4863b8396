"""A window as one JSON file, to be kept, moved and read elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..cache import new_private
from ..errors import InputError
from ..items import Budget
from ..store import Settings, Store

__all__ = ["restore", "save"]

FORMAT = "ctxwin.window"
VERSION = 1
"""Raised when the form changes."""


def save(store: Store, window: str) -> dict[str, Any]:
    """Return everything that makes a window, as plain values; counts, vectors and usage are not part of it."""
    settings = store.settings(window) or Settings()
    return {
        "format": FORMAT,
        "version": VERSION,
        "id": window,
        "created": settings.created,
        "dialect": settings.dialect,
        "model": settings.model,
        "budget": asdict(settings.budget) if settings.budget else None,
        "system": settings.system,
        "turns": [
            {"message": turn.message, "time": turn.time, "pinned": turn.pinned, "forgotten": turn.forgotten}
            for turn in sorted(store.turns(window), key=lambda turn: turn.place)
        ],
    }


def restore(store: Store, source: str | Path | Mapping[str, Any], window: str | None) -> str:
    """Write a saved window into a store and return its name there.

    Raises:
        InputError: the source is no saved window, or the store has one of that name; nothing is written.
    """
    plain = source if isinstance(source, Mapping) else _read(Path(source))
    if plain.get("format") != FORMAT or not isinstance(plain.get("turns"), list):
        raise InputError(f"this is no saved window: it has no 'format': {FORMAT!r}; save one with Window.export()")
    if plain.get("version") != VERSION:
        raise InputError(f"this window was saved in version {plain.get('version')!r}, and ctxwin reads {VERSION}")
    name = window or str(plain.get("id") or "default")
    if name in store.windows():
        raise InputError(f"the store has a window {name!r} already; give another id")
    budget = plain.get("budget")
    try:
        settings = Settings(
            dialect=plain.get("dialect"),
            model=plain.get("model"),
            budget=Budget(**budget) if budget else None,
            created=plain.get("created"),
            system=plain.get("system"),
        )
        turns = [(one["message"], one.get("time")) for one in plain["turns"]]
        marks = [(bool(one.get("pinned")), bool(one.get("forgotten"))) for one in plain["turns"]]
    except (TypeError, KeyError) as error:
        raise InputError(f"this saved window is damaged ({type(error).__name__}: {error}); export it again") from None
    store.save_settings(name, settings)
    kept = store.append(name, [message for message, _ in turns], times=[time for _, time in turns]) if turns else ()
    for turn, (pinned, forgotten) in zip(kept, marks, strict=True):
        if pinned or forgotten:
            store.mark(name, turn.position, pinned=pinned, forgotten=forgotten)
    return name


def write(path: str | Path, plain: Mapping[str, Any]) -> None:
    """Write a saved window to a file that is whole or not there, and the user's alone."""
    place = Path(path)
    temporary = place.with_name(place.name + ".part")
    try:
        temporary.unlink(missing_ok=True)
        new_private(temporary)
        temporary.write_text(json.dumps(plain, ensure_ascii=False, indent=1), encoding="utf-8", errors="surrogatepass")
        temporary.replace(place)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(f"cannot write {str(place)!r}: {error.strerror}; give a path that can be written") from None


def _read(path: Path) -> Mapping[str, Any]:
    try:
        plain = json.loads(path.read_text(encoding="utf-8", errors="surrogatepass"))
    except FileNotFoundError:
        raise InputError(f"no file {str(path)!r}; check the path") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{str(path)!r} cannot be read as a saved window ({type(error).__name__})") from None
    if not isinstance(plain, Mapping):
        raise InputError(f"{str(path)!r} holds no saved window; save one with Window.export()")
    return plain
