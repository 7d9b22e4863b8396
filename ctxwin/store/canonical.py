"""Turns messages into JSON text: stored as given, hashed in one canonical form.

The stored text has the keys in their given order, since providers' prompt caches compare requests byte by byte. The
hash is that of a canonical text (keys sorted, 1.0 written as 1), so that equal JSON values have one hash.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InputError, MessageError
from ..items import content_hash

__all__ = ["Content", "decode", "encode", "encode_state"]

MAX_DEPTH = 100
"""Most levels of lists and objects in a message. Python's JSON reader stops at its recursion limit (1,000 by default,
shared with the caller's own stack); a stored message must be readable from anywhere. Tool schemas nest some ten
levels."""


@dataclass(frozen=True, slots=True)
class Content:
    """A message as text."""

    key: str
    """Hash of `form`."""
    hash: str
    """Hash of the canonical form."""
    form: str
    """JSON text as given; may hold lone surrogates."""


def encode(messages: Sequence[Mapping[str, Any]]) -> list[Content]:
    """Turn messages into JSON texts with their hashes.

    Tuples become lists, mappings objects; lone surrogates are kept.

    Raises:
        MessageError: a message is no mapping, or holds something that JSON cannot: NaN, an infinity, a key that is no
            string, an object of another class, more than `MAX_DEPTH` levels. The error carries the message's index.

    Example:
        >>> first, second = encode([{"role": "user", "n": 1}, {"n": 1.0, "role": "user"}])
        >>> first.form, first.hash == second.hash, first.key == second.key
        ('{"role":"user","n":1}', True, False)
    """
    return [_content(message, index) for index, message in enumerate(messages)]


def decode(form: str) -> Any:
    """Read what `encode` wrote.

    Example:
        >>> decode(encode([{"b": [1], "a": "é"}])[0].form)
        {'b': [1], 'a': 'é'}
    """
    return json.loads(form)


def encode_state(state: Mapping[str, Any]) -> str:
    """Turn a window's state into JSON text.

    Raises:
        InputError: the state holds something that JSON cannot.
    """
    try:
        return _text(_plain(state))
    except _NotJson as error:
        raise InputError(f"the state of a window {error}; give plain JSON values") from None


class _NotJson(Exception):
    """Says which part of a value is no JSON, without its text."""


def _content(message: Mapping[str, Any], index: int) -> Content:
    if not isinstance(message, Mapping):
        raise MessageError(
            f"is {type(message).__name__}; give a dict such as {{'role': ..., 'content': ...}}", index=index
        )
    try:
        plain = _plain(message)
        form = _text(plain)
    except _NotJson as error:
        raise MessageError(
            f"{error}; give plain JSON values (`model_dump()` of an SDK's object)", index=index
        ) from None
    canonical = _text(_canonical(plain), sort_keys=True)
    return Content(content_hash(form), content_hash(canonical), form)


def _text(plain: Any, *, sort_keys: bool = False) -> str:
    try:
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":"), sort_keys=sort_keys)
    except ValueError:  # what else it refuses is gone in _plain
        raise _NotJson("holds a whole number of thousands of digits") from None


def _plain(value: Any, depth: int = 0) -> Any:
    """Return a value made only of JSON's types."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise _NotJson("holds a number that JSON has not (NaN or an infinity)")
    if depth == MAX_DEPTH:
        raise _NotJson(f"is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, list | tuple):
        return [_plain(one, depth + 1) for one in value]
    if not isinstance(value, Mapping):
        raise _NotJson(f"holds a value of type {type(value).__name__}, which JSON has not")
    for key in value:
        if not isinstance(key, str):
            raise _NotJson(f"holds a key of type {type(key).__name__}; JSON has strings only")
    return {key: _plain(one, depth + 1) for key, one in value.items()}


def _canonical(plain: Any) -> Any:
    if isinstance(plain, float) and plain.is_integer():
        return int(plain)
    if isinstance(plain, list):
        return [_canonical(one) for one in plain]
    if isinstance(plain, dict):
        return {key: _canonical(one) for key, one in plain.items()}
    return plain
