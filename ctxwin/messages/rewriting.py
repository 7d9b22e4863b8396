"""Puts shortened texts back into their places in a message."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import MessageError
from ..items import Part
from .conversation import Path, Raw
from .dialects.fields import INSIDE, encoded

__all__ = ["as_written", "rewrite", "texts_within"]

MEDIA: Mapping[str, str] = {
    "image_url": "text",
    "video_url": "text",
    "input_audio": "text",
    "file": "text",
    "image": "text",
    "document": "text",
    "input_image": "input_text",
    "input_file": "input_text",
}
"""Content blocks that a caption may replace, and the type of the text block that replaces each."""

LEVELS = 100
"""Most levels of arguments in which texts are searched for; each costs a frame of the stack."""

KEPT = ("cache_control", "prompt_cache_breakpoint")
"""Keys that mark the end of a cached prefix; they stay at the place, even if a caption replaces the picture."""


def rewrite(raw: Raw, texts: Mapping[Path, str]) -> dict[str, Any]:
    """Return a message with other texts in some of its places; the given message stays unchanged.

    Args:
        raw: a message.
        texts: new text by the `path` of a part. An image or another medium is replaced by a text block; a text for a
            call's arguments must be JSON, as they were.

    Raises:
        MessageError: a path leads nowhere, or to something that must stay as it is (path `()`).

    Example:
        >>> rewrite({"role": "user", "content": "A long story."}, {("content",): "A story."})
        {'role': 'user', 'content': 'A story.'}
    """
    if () in texts:
        raise MessageError("a part without a path stays as it is; leave it out of the texts")
    new = _put(raw, texts, ())
    return dict(new) if isinstance(new, Mapping) else {}


def texts_within(call: Part) -> list[tuple[Path, str]]:
    """Return the texts within the arguments of a call, each with the path at which `rewrite` replaces it.

    Arguments that are no JSON are one text; texts that nest deeper than `LEVELS` are not returned.

    Example:
        >>> from ctxwin.messages import read
        >>> save = {"type": "tool_use", "id": "c", "name": "save", "input": {"path": "a.md", "lines": ["Ebb", "Flood"]}}
        >>> [text for _, text in texts_within(read([{"role": "assistant", "content": [save]}]).items[0].parts[0])]
        ['a.md', 'Ebb', 'Flood']
    """
    try:
        held = json.loads(call.text)
    except (ValueError, RecursionError):
        return [(call.path, call.text)]
    if not isinstance(held, dict | list):
        return [(call.path, call.text)]
    return list(_texts(held, (*call.path, INSIDE), LEVELS))


def as_written(raw: Raw, path: Path, text: str) -> tuple[str, str] | None:
    r"""Return how arguments in JSON write a text: as it came in, and as `rewrite` writes it; else None.

    Many programs escape all but ASCII in arguments; `rewrite` leaves characters as they are.

    Example:
        >>> call = {"type": "function_call", "arguments": '{"text": "\u6f6e"}'}
        >>> as_written(call, ("arguments", INSIDE, "text"), "潮")
        ('\u6f6e', '潮')
    """
    if INSIDE not in path[:-1]:
        return None
    held: Any = raw
    for step in path[: path.index(INSIDE)]:
        held = held[step]
    escaped = isinstance(held, str) and held.isascii()
    return json.dumps(text, ensure_ascii=escaped)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]


def _texts(value: object, path: Path, levels: int) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif levels and isinstance(value, Mapping | list):
        for key, inner in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _texts(inner, (*path, key), levels - 1)


def _put(value: object, texts: Mapping[Path, str], path: Path) -> object:
    """Return a value with other texts at the places below it; each object and each JSON is written once."""
    if () in texts:
        return _renewed(value, texts[()], path)
    below: dict[str | int, dict[Path, str]] = {}
    for rest, text in texts.items():
        below.setdefault(rest[0], {})[rest[1:]] = text
    if INSIDE in below:  # arguments may be JSON, or the object already
        inner = below[INSIDE]
        return _inside(value, inner, path) if isinstance(value, str) else _put(value, inner, path)
    copy = _copy(value)
    keys = copy if isinstance(copy, dict) else range(len(copy)) if isinstance(copy, list) else ()
    for step, inner in below.items():
        here = (*path, step)
        if step not in keys:
            raise MessageError(f"this message has nothing at {here!r}; take the path from its parts")
        copy[step] = _put(copy[step], inner, here)
    return copy


def _inside(value: str, texts: Mapping[Path, str], path: Path) -> str:
    """Return a string with other texts in its content: JSON, or a text in base64."""
    if () in texts:
        return encoded(texts[()], value)
    try:
        held = json.loads(value)
    except (ValueError, RecursionError):
        raise MessageError(f"there is no JSON at {path!r}; take the path from the parts") from None
    return json.dumps(_put(held, texts, path), ensure_ascii=False)


def _copy(value: object) -> Any:  # an open JSON value
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, list | tuple) else value


def _renewed(old: object, text: str, path: Path) -> object:
    if isinstance(old, str):
        return text
    if isinstance(old, Mapping) and (kind := MEDIA.get(str(old.get("type")))) is not None:
        kept = {key: old[key] for key in KEPT if key in old}
        return {"type": kind, "text": text, **kept}
    if path[-1] in ("input", "arguments"):
        return _arguments(text, path)
    raise MessageError(f"{path!r} leads to {type(old).__name__}, not to text or media; take it from the parts")


def _arguments(text: str, path: Path) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise MessageError(f"arguments at {path!r} are a JSON object; the new text is not")
    return value
