"""Reads messages into items, and writes items back as messages, without loss."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from ..errors import MessageError
from ..items import Item, Part
from .checks.vocabulary import ITEM_TYPES
from .conversation import ROLES, Conversation, Dialect, Path, Raw, brief
from .dialects import anthropic, openai, responses
from .envelope import Written, put_back

__all__ = ["note", "parse", "raws_of", "read_items", "read_system", "write"]

PARSERS: Mapping[Dialect, Callable[[Raw], Iterable[Part]]] = {
    "openai": openai.parts,
    "responses": responses.parts,
    "anthropic": anthropic.parts,
}

SPEAKERS = frozenset({"system", "developer", "user", "assistant"})
"""Roles with a `name` that names a speaker, not a function."""

_CONTENT: Path = ("content",)
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""Names that OpenAI takes as the `name` of a message."""


def read_items(given: Sequence[Any], dialect: Dialect, *, first: int = 0, strict: bool = False) -> list[Item]:
    """Read messages and Items, each as one item, without looking for messages that belong together.

    Args:
        given: the messages.
        dialect: of the messages.
        first: position of the first message, from which items get their ids.
        strict: as for `parse`.

    Raises:
        MessageError: a message is malformed or has an unknown role.
    """
    raws = raws_of(given, first=first)
    plain_roles = ROLES[dialect] & SPEAKERS
    items: list[Item] = []
    for index, raw in enumerate(raws, first):
        # The plain message is nearly every message, and its item must cost little.
        if type(raw) is dict and len(raw) == 2:
            role, text = raw.get("role"), raw.get("content")
            if type(text) is str and type(role) is str and role in plain_roles:
                part = Part(kind="text", text=text, path=_CONTENT)
                items.append(Item(text=text, id=f"m{index}", role=role, parts=(part,), raw=raw))
                continue
        try:
            parts = parse(raw, dialect, strict=strict)
        except MessageError as error:
            raise MessageError(str(error), index=index) from None
        items.append(_item(raw, parts, dialect, f"m{index}"))
    return items if raws is given else [_merged(own, item) for own, item in zip(given, items, strict=True)]


def read_system(content: object, dialect: Dialect) -> Item:
    """Read a system prompt that is separate from the messages.

    Raises:
        MessageError: the prompt is malformed; the error carries no index.
    """
    raw = {"role": "system", "content": content}
    return _item(raw, parse(raw, dialect), dialect, "system")


def parse(raw: object, dialect: Dialect, *, strict: bool = False) -> tuple[Part, ...]:
    """Return the parts of one message.

    Args:
        raw: the message.
        dialect: of the message.
        strict: whether an item of Responses must be of a known type; otherwise an unknown item is counted as text.

    Raises:
        MessageError: the message is malformed; the error carries no index.
    """
    if not isinstance(raw, Mapping):
        raise MessageError(f"it is {type(raw).__name__}, not a dict; give {{'role': ..., 'content': ...}}")
    if dialect != "responses" or raw.get("type", "message") == "message":
        role = raw.get("role")
        if not isinstance(role, str) or role not in ROLES[dialect]:
            raise MessageError(
                f"unknown role {brief(role)} in {dialect} messages; use one of {', '.join(sorted(ROLES[dialect]))}"
            )
    elif not isinstance(raw["type"], str):
        raise MessageError(f"'type' is {type(raw['type']).__name__}; give a string")
    elif strict and raw["type"] not in ITEM_TYPES:
        raise MessageError(
            f"{brief(raw['type'])} is no type of an item of OpenAI Responses; give messages of a known form, or "
            "dialect='responses' where the provider has a new one"
        )
    try:
        return tuple(PARSERS[dialect](raw))
    except RecursionError:
        raise MessageError("it is nested too deeply; give plain messages") from None


def _item(raw: Raw, parts: tuple[Part, ...], dialect: Dialect, name: str) -> Item:
    role = responses.item_role(raw) if dialect == "responses" else raw["role"]
    speaker = raw.get("name") if role in SPEAKERS else None
    return Item(
        text=_text(parts),
        id=name,
        role=role,
        speaker=speaker if isinstance(speaker, str) and "content" in raw else None,
        pinned=_settles(raw, dialect),
        parts=parts,
        raw=raw,
    )


def _settles(raw: Raw, dialect: Dialect) -> bool:
    """Tell whether a message changes how the rest is read, so that it must stay: settings, compacted turns."""
    if dialect == "responses":
        return raw.get("type") in responses.SETTINGS
    content = raw.get("content")
    return dialect == "anthropic" and isinstance(content, list) and any(b["type"] == "compaction" for b in content)


def _text(parts: Iterable[Part]) -> str:
    texts = (f"{part.name}({part.text})" if part.kind == "call" else part.text for part in parts)
    return "\n".join(text for text in texts if text)


def raws_of(given: Sequence[Any], *, first: int = 0) -> Sequence[Any]:
    """Return messages, and the messages of Items; an Item without `raw` becomes a message of its role.

    Raises:
        MessageError: an Item without `raw` has a role that needs it.
    """
    if not any(isinstance(one, Item) for one in given):
        return given
    return [_raw(one, index) for index, one in enumerate(given, first)]


def _raw(message: Any, index: int) -> Any:
    if not isinstance(message, Item):
        return message
    if message.raw is not None:
        return message.raw
    role = message.role or "user"
    if role not in SPEAKERS:
        raise MessageError(
            f"an Item with role {role!r} needs the message it comes from as 'raw'; "
            f"without it, use one of {', '.join(sorted(SPEAKERS))}",
            index=index,
        )
    name = {"name": message.speaker} if message.speaker and _NAME.fullmatch(message.speaker) else {}
    return {"role": role, "content": message.text, **name}


def _merged(own: object, item: Item) -> Item:
    """Return an Item with its own fields, and the message's parts and fields that it lacks."""
    if not isinstance(own, Item):
        return item
    return replace(
        own,
        text=own.text or item.text,
        role=own.role or item.role,
        speaker=own.speaker or item.speaker,
        pinned=own.pinned or item.pinned,
        parts=item.parts,
        raw=item.raw,
    )


def write(
    target: Conversation | Dialect,
    raws: Sequence[Raw] | None = None,
    envelope: Mapping[str, Any] | None = None,
) -> Written:
    """Return messages in the form that came in: `write(read(x)) == x`.

    Args:
        target: the conversation that was read, or its dialect.
        raws: the messages to write. Default: the conversation's. A system prompt from outside the messages is the first
            of them and goes back outside.
        envelope: the request body around the messages. Default: the conversation's.

    Returns:
        A list of messages, or a request body if one came in. The messages are the given ones, not copies.
    """
    if isinstance(target, Conversation):
        if raws is None:
            raws = [item.raw for item in target.items if item.raw is not None]
        return put_back(raws, target.dialect, target.envelope if envelope is None else envelope)
    return put_back(raws or (), target, envelope)


def note(text: str, dialect: Dialect, *, role: Literal["user", "assistant"] = "user") -> dict[str, Any]:
    """Return a message with a text, in a dialect.

    Example:
        >>> note("[3 turns omitted]", "anthropic")
        {'role': 'user', 'content': '[3 turns omitted]'}
    """
    if dialect == "responses" and role == "user":  # written out, so that it tells its dialect
        content = [{"type": "input_text", "text": text}]
        return {"type": "message", "role": "user", "content": content}
    return {"role": role, "content": text}
