"""Loads conversations from anywhere: messages, request bodies, files, exports of other programs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import InputError, MessageError
from ..items import Item
from .conversation import OUTSIDE, Dialect
from .foreign import FORMS, ForeignForm, recognise
from .looks import looks_like
from .native import is_body, is_native, may_be_native
from .origins import Export, Source, is_place, open_place
from .picking import Candidate, Picked, pick_one
from .sdk_objects import as_plain

__all__ = ["Loaded", "conversations", "holds_conversations", "load", "loaded"]

FIELDS = ("id", "kind", "role", "speaker", "session", "time", "source", "title")
"""Fields of an Item that a file may give besides `text`."""
MESSAGES = "messages"
"""Name in errors of a value that comes from no file."""
AROUND = ("conversations", "conversation", "data")
"""Keys of objects that hold the conversations of an export."""
CONVERSATIONS = frozenset({".json", ".jsonl", ".ndjson"})
"""Endings of files in a folder or a zip that may each hold a conversation."""
EXPORTED = re.compile(r"(?:[^/]+/)?conversations(?:-\d+)?\.json")
"""File names in ChatGPT's and Claude.ai's exports."""
_END = object()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Loaded:
    """A conversation that was loaded."""

    messages: Any
    """A list of messages or Items, or a request body, as `read` takes it."""
    origin: str = ""
    """The source, such as "ChatGPT export, conversation 'Trip to Bergen' (3 of 120)"; "" for a provider's messages that
    were given alone."""


class _Foreign(InputError):
    """A value that is no conversation in any form."""


def load(source: Any, pick: str | int | None = None) -> Loaded:
    """Load one conversation.

    Args:
        source: a path of a file, a folder or a zip; an open binary file; or the loaded value: messages, a request body,
            items such as `{"text": ..., "speaker": ..., "time": ...}`, or a conversation of another program in a form
            of `ctxwin.messages.foreign`.
        pick: the conversation to take from several: its title, whole or in part, its id, or its number from 1.

    Returns:
        The messages in the form of their provider if they have one, else as Items around OpenAI chat messages.

    Raises:
        InputError: the source cannot be read, has no known form (the error says what it looks like), or holds several
            conversations and `pick` does not select one.
        MessageError: a conversation in it is damaged.

    Example:
        >>> talk = {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]}
        >>> loaded = load(talk)
        >>> loaded.origin, [item.raw["content"] for item in loaded.messages]
        ('ShareGPT', ['Hi', 'Hello'])
    """
    if not is_place(source):
        source = as_plain(source)
        if pick is None and is_native(source):
            return Loaded(messages=source)
    name, found = conversations(source)
    try:
        return loaded(pick_one(found, pick, name))
    except RecursionError:
        raise InputError(f"{name!r} is nested too deeply to be read; give messages as a list") from None


def loaded(picked: Picked) -> Loaded:
    """Return a picked conversation with ids for its items and a description of its source."""
    one = picked.candidate
    messages = one.messages
    if one.form and isinstance(messages, Sequence):
        messages = _in_dialect([replace(item, id=f"m{at}") for at, item in enumerate(messages)], one.dialect)
    title = " ".join((one.title or one.id).split())
    named = f"conversation {title!r}" if title else "conversation"
    place = f"{picked.number:,} of {picked.total:,}"
    if picked.total > 1:
        origin = f"{one.form}, {named} ({place})" if one.form else f"conversation {place}"
    else:
        origin = f"{one.form}, {named}" if one.form and title else one.form
    return Loaded(messages=messages, origin=origin)


def _in_dialect(items: Sequence[Item], dialect: Dialect) -> Any:
    """Return items; if the dialect keeps the system prompt apart, in a request body."""
    first = items[0].raw or {}
    outside = OUTSIDE.get(dialect)
    if outside is None or first.get("role") != "system":
        return items
    return {outside: first["content"], "input" if dialect == "responses" else "messages": list(items[1:])}


def conversations(source: Any) -> tuple[str, Iterator[Candidate]]:
    """Return the name of a source, and an iterator over its conversations, read one by one.

    Raises:
        InputError: while iterating, as in `load`.
    """
    if not is_place(source):
        return MESSAGES, _of_value(source, MESSAGES)
    place = source if isinstance(source, Source | Export) else open_place(source)
    return place.name, _of_export(place) if isinstance(place, Export) else _of_file(place)


def holds_conversations(source: Any) -> bool:
    """Tell whether a file holds a conversation, or a folder is an export; a folder of other files is none.

    Raises:
        InputError: the place cannot be read.
    """
    place = source if isinstance(source, Source | Export) else open_place(source)
    if isinstance(place, Export):
        return place.zipped or _is_export(place)
    try:
        return next(_of_file(place), None) is not None
    except _Foreign:
        return False
    except (InputError, MessageError):  # broken JSON in a file that is named so: whoever reads it says what is wrong
        return place.suffix in CONVERSATIONS


def _is_export(export: Export) -> bool:
    whole = (form.unfold(export) for form in FORMS if form.unfold is not None)
    return any(next(iter(one), _END) is not _END for one in whole) or any(map(EXPORTED.fullmatch, export.names))


def _of_file(file: Source) -> Iterator[Candidate]:
    values = file.values()
    if values is None:
        text = file.text()
        form = recognise(text)
        if form is None:
            raise _refused(text, file.name)
        return _read(form, text, file.name)
    return _of_values(iter(values), file.name, listed=values.listed)


def _of_values(values: Iterator[Any], name: str, *, listed: bool) -> Iterator[Candidate]:
    """Yield the conversations of values that come one by one: each value is one, or all together are."""
    first = next(values, _END)
    if first is _END:
        raise InputError(f"{name!r} holds no messages; give a list of messages, or an export of a chat program")
    second = next(values, _END)
    if second is _END and not listed:
        yield from _of_value([first] if isinstance(first, Mapping) and "role" in first else first, name)
    elif _stands_alone(first):
        several = itertools.chain([first], () if second is _END else [second], values)
        for number, value in enumerate(several, start=1):
            yield from _of_value(value, f"{name}, conversation {number}")
    else:
        yield from _of_value([first, *(() if second is _END else (second,)), *values], name)


def _stands_alone(value: Any) -> bool:
    """Tell whether an element of a list is a conversation of its own."""
    return isinstance(value, list) or is_body(value) or any(form.each and form.recognise(value) for form in FORMS)


def _of_value(value: Any, name: str) -> Iterator[Candidate]:
    """Yield the conversations of a value."""
    if is_native(value):
        yield Candidate(form="", messages=value)
    elif (items := _listed_items(value)) is not None:
        yield Candidate(form="", messages=_items(name, items))
    elif (form := recognise(value)) is not None:
        yield from _read(form, value, name)
    elif isinstance(value, Mapping) and (inner := _around(value)) is not None:
        yield from _of_value(inner, name)
    elif isinstance(value, list) and len(value) > 0 and _stands_alone(value[0]):
        for number, one in enumerate(value, start=1):
            yield from _of_value(one, f"{name}, conversation {number}")
    elif may_be_native(value):  # what is wrong with it is told by what reads it
        yield Candidate(form="", messages=value)
    else:
        raise _refused(value, name)


def _around(value: Mapping[str, Any]) -> Any:
    """Return the conversations inside an object, as other exporters write them; None if there are none."""
    inner = next((value[key] for key in AROUND if isinstance(value.get(key), list | Mapping)), None)
    first = inner[0] if isinstance(inner, list) and inner else inner
    return inner if any(form.each and form.recognise(first) for form in FORMS) else None


def _read(form: ForeignForm, value: Any, name: str) -> Iterator[Candidate]:
    try:
        for found in form.read(value):
            if found.items:
                yield Candidate(
                    form=form.name, title=found.title, id=found.id, messages=found.items, dialect=found.dialect
                )
    except MessageError as error:
        raise MessageError(f"{name!r} as {form.name}: {error}") from None


def _of_export(export: Export) -> Iterator[Candidate]:
    """Yield the conversations of a folder or a zip: of the export as a whole, else of each file that has some."""
    for form in FORMS:
        if form.unfold is not None:
            whole = iter(form.unfold(export))
            if (first := next(whole, _END)) is not _END:
                for value in itertools.chain([first], whole):
                    yield from _read(form, value, export.name)
                return
    none = True
    for name in export.names:
        source = export.sources[name]
        if source.suffix not in CONVERSATIONS:
            continue
        try:
            found = _of_file(source)
            first = next(found, _END)
        except _Foreign:
            continue
        if isinstance(first, Candidate):
            none = False
            yield first
            yield from found
    if none:
        raise _Foreign(_nothing(export))


def _nothing(export: Export) -> str:
    shown = ", ".join(map(repr, export.names[:3])) or "no file"
    more = f" and {len(export.names) - 3:,} more" if len(export.names) > 3 else ""
    return f"{export.name!r} has {shown}{more}, and none is a conversation; give the export of a chat program or a file"


def _refused(value: Any, name: str) -> _Foreign:
    return _Foreign(f"{name!r} {looks_like(value)}")


def _listed_items(value: Any) -> Sequence[Any] | None:
    """Return the rows of items with `text` in a list or in a body around one."""
    rows = value.get("messages") if isinstance(value, Mapping) else value
    if not isinstance(rows, list) or not rows or not isinstance(rows[0], Mapping):
        return None
    return rows if isinstance(rows[0].get("text"), str) and not rows[0].keys() & {"content", "type", "parts"} else None


def _items(name: str, rows: Sequence[Any]) -> list[Item]:
    items = []
    for index, row in enumerate(rows):
        if not isinstance(row, Mapping) or not isinstance(row.get("text"), str):
            raise InputError(f"{name!r}, item {index}: no 'text'; the items before it have one")
        fields = {"id": row.get("uid"), **{key: row[key] for key in FIELDS if key in row}}
        for key, value in fields.items():
            if value is not None and not isinstance(value, str | int | float):
                raise InputError(f"{name!r}, item {index}: {key!r} is {type(value).__name__}; give a string")
        known = {key: str(value) for key, value in fields.items() if value is not None}
        try:
            items.append(Item(text=row["text"], **known))  # type: ignore[arg-type]  # kind is checked by Item
        except MessageError as error:
            raise InputError(f"{name!r}, item {index}: {error}") from None
    return items
