"""Saves a window as one JSON file, to be kept, moved and read elsewhere, and restores it."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from ..errors import InputError, MessageError
from ..items import Budget, Item, content_hash
from ..items.outside import read_value
from ..messages import Dialect, Source, Transcript, load, open_place
from ..messages.reading import raws_of
from ..store import Store, Turn, WindowSettings
from ..store.cache import locked, new_private
from ..store.canonical import encode, encode_state
from .contents import WITHDRAWN, turn_id
from .matching import split_request
from .opening import PART

__all__ = ["restore", "save", "write"]

FORMAT = "ctxwin.window"
VERSION = 1
"""Raised when the form of the file changes."""
_SURROGATES = re.compile(r"[\ud800-\udfff]")
"""Characters that JSON can spell and UTF-8 cannot encode."""
IMPORTING = "importing"
"""Key of a window's state while its import is unfinished; importing again resumes a killed import."""
EXPORT_AGAIN = "mend the file, or export the window again"
"""What to do with a saved window that cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedTurn:
    """A message of a saved window, with its time and marks."""

    message: Mapping[str, Any] = field(hash=False)
    time: str | None = None
    pinned: bool = False
    forgotten: bool = False
    withdrawn: tuple[str, ...] = ()
    """Hashes of its sentences that do not stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedWindow:
    """A window as its file holds it."""

    version: int
    turns: tuple[SavedTurn, ...]
    id: str | None = None
    created: str | None = None
    dialect: Dialect | None = None
    model: str | None = None
    budget: Budget | None = None
    system: Any = field(default=None, hash=False)


def save(store: Store, window: str) -> dict[str, Any]:
    """Return a window as plain values: settings and turns, without counts, vectors and usage."""
    settings = store.settings(window) or WindowSettings()
    withdrawn: defaultdict[str, list[str]] = defaultdict(list)
    for name, sentence in settings.state.get(WITHDRAWN, ()):
        withdrawn[name].append(sentence)
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
            | ({"withdrawn": withdrawn[name]} if (name := turn_id(turn.position)) in withdrawn else {})
            for turn in sorted(store.turns(window), key=lambda turn: turn.place)
        ],
    }


def restore(store: Store, source: Any, window: str | None, pick: str | int | None = None) -> str:
    """Write a saved window, or a conversation that `ctxwin.pack` reads, into a store; return the window's name.

    Args:
        store: receives the window.
        source: a path or a loaded value.
        window: the window's name in the store. Default: the saved name, else "default".
        pick: the conversation to take, if the source holds several.

    Raises:
        InputError: the source is no conversation, or the store has a window of that name; nothing is written.
        MessageError: a message is malformed; nothing is written.
    """
    saved = _saved(source) or _conversation(source, pick)
    name = window or saved.id or "default"
    settings = WindowSettings(
        dialect=saved.dialect,
        model=saved.model,
        budget=saved.budget,
        created=saved.created,
        system=saved.system,
    )
    turns = [(turn.message, turn.time) for turn in saved.turns]
    marks = [(turn.pinned, turn.forgotten) for turn in saved.turns]
    with locked(f"import-{content_hash(name)}"):
        known = _begun(store, name, [message for message, _ in turns])
        store.save_settings(name, replace(settings, state={IMPORTING: True}))
        if turns and not known:
            known = store.append(name, [message for message, _ in turns], times=[time for _, time in turns])
        for turn, (pinned, forgotten) in zip(known, marks, strict=True):
            if pinned or forgotten:
                store.mark(name, turn.position, pinned=pinned, forgotten=forgotten)
        gone = [
            [turn_id(turn.position), one] for turn, old in zip(known, saved.turns, strict=True) for one in old.withdrawn
        ]
        store.save_settings(name, replace(settings, state={WITHDRAWN: gone} if gone else {}))
    return name


def _begun(store: Store, name: str, messages: Sequence[Mapping[str, Any]]) -> Sequence[Turn]:
    """Return the turns that a killed import of the same messages stored; none for a new window.

    Raises:
        InputError: the store has another window of this name.
    """
    known = store.settings(name)
    if known is None:
        return ()
    turns = store.turns(name)
    if not known.state.get(IMPORTING) or (turns and [turn.message for turn in turns] != list(messages)):
        raise InputError(f"the store has a window {name!r} already; give another id")
    return turns


def write(path: str | Path, plain: Mapping[str, Any]) -> None:
    """Write a saved window to a file that only the user can access; the file appears whole or not at all.

    Raises:
        InputError: the file cannot be written.
    """
    place = Path(path)
    temporary = place.with_name(place.name + PART)
    try:
        temporary.unlink(missing_ok=True)
        new_private(temporary)
        text = _SURROGATES.sub(lambda one: f"\\u{ord(one[0]):04x}", json.dumps(plain, ensure_ascii=False, indent=1))
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(place)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(f"cannot write {str(place)!r}: {error.strerror}; give a path that can be written") from None


def _saved(source: Any) -> SavedWindow | None:
    """Return a saved window, given loaded or as a file; None if the source is something else."""
    found, where = [source], "this saved window"
    if isinstance(source, str | Path):
        file = open_place(source)
        found, where = [], file.name
        if isinstance(file, Source) and (values := file.values()) is not None:
            with closing(values):
                found = [] if values.listed else list(islice(values, 2))
    plain = found[0] if found else None
    if not isinstance(plain, Mapping) or plain.get("format") != FORMAT:
        return None
    if len(found) > 1:
        raise InputError(f"{where}: another value behind the window; {EXPORT_AGAIN}")
    saved = read_value(plain, SavedWindow, where, remedy=EXPORT_AGAIN, version=VERSION)
    _check(saved, where)
    return saved


def _check(saved: SavedWindow, where: str) -> None:
    """Refuse messages and a system prompt that a store or a window would refuse later."""
    messages = [turn.message for turn in saved.turns]
    try:
        encode(messages)
        transcript = Transcript(messages, dialect=saved.dialect)
    except MessageError as error:
        told = MessageError(f"{where}: {error}; {EXPORT_AGAIN}")
        told.index = error.index
        raise told from None
    try:
        encode_state({"prompt": saved.system})
        transcript.set_system(saved.system)
    except (InputError, MessageError) as error:
        raise InputError(f"{where}: 'system': {error}; {EXPORT_AGAIN}") from None


def _conversation(source: Any, pick: str | int | None) -> SavedWindow:
    """Return a conversation in the form of a saved window."""
    given = load(source, pick).messages
    dialect, system, messages = split_request(given, None)
    raws = raws_of(messages)
    Transcript(given)  # what is malformed is refused before anything is written
    times = [one.when.isoformat() if isinstance(one, Item) and one.when else None for one in messages]
    pins = [isinstance(one, Item) and one.pinned for one in messages]
    turns = [
        SavedTurn(message=raw, time=time, pinned=pinned) for raw, time, pinned in zip(raws, times, pins, strict=True)
    ]
    return SavedWindow(version=VERSION, dialect=dialect, system=system, turns=tuple(turns))
