"""Adapts agent frameworks, one small file each: requests are packed, and the framework's own records stay whole.

    messages ──spread──▶ dicts with their origin ──pack──▶ dicts ──gather──▶ messages

A framework's message is spread into one OpenAI chat dict for each piece that may stay alone. A message that is kept
whole comes back as the very same object, a shortened message as a copy with other texts, and a note about left-out
messages as a new user message. An adapter consists of three functions: message to dicts, message with some of its dicts
to message, text to message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, TypeVar

from ..errors import MissingExtra, UnknownModel
from ..models import get_model
from ..packing import pack

__all__ = ["arguments_in", "counted_for", "function", "missing", "repack"]

Message = TypeVar("Message")
Raw = dict[str, Any]

ORIGIN = "ctxwin_origin"
"""Key of a dict that names its message and its piece. No dialect reads this key, and nothing counts it."""


def missing(extra: str, error: ImportError) -> MissingExtra:
    """Return the error that tells how to install an adapter's framework."""
    package = error.name or extra
    return MissingExtra(package, feature=f"ctxwin.integrations.{extra}", command=f'pip install "ctxwin[{extra}]"')


def counted_for(name: object) -> dict[str, str]:
    """Return the option to count as a framework's model does; none if the catalogue does not know the model."""
    try:
        return {"model": get_model(name).name} if isinstance(name, str) else {}
    except UnknownModel:
        return {}


def function(name: str, description: str | None, parameters: Mapping[str, Any]) -> Raw:
    """Return the definition of a tool, or of the form of an answer, to be counted."""
    told = {"name": name, "description": description or "", "parameters": parameters}
    return {"type": "function", "function": told}


def arguments_in(raw: Raw) -> dict[str, str]:
    """Return the arguments of a message's calls as JSON, by the id of the call."""
    functions = ((call["id"], call["function"]) for call in raw.get("tool_calls", ()) if "function" in call)
    return {call_id: asked["arguments"] for call_id, asked in functions}


def repack(
    messages: Sequence[Message],
    *,
    spread: Callable[[Message], Sequence[Raw]],
    rebuild: Callable[[Message, Mapping[int, Raw]], Message],
    tell: Callable[[str], Message],
    before: Iterable[Raw] = (),
    **options: Any,
) -> list[Message]:
    """Pack a framework's messages and return them in the framework's form.

    Args:
        messages: all messages that could be sent, oldest first.
        spread: turns a message into OpenAI chat dicts, one for each piece that may stay without the others.
        rebuild: makes a message from an original and some of its dicts, by their place; shortened dicts are new dicts
            of the same shape.
        tell: makes a message from a text that is not among the messages, such as a note or retrieved items.
        before: dicts that are sent first in any case, such as a system prompt: counted, but not returned.
        **options: options of `ctxwin.pack`.

    Raises:
        BudgetError: the required messages do not fit.
    """
    if not messages:
        return []
    pieces = [spread(message) for message in messages]
    given = {(-1, place): raw for place, raw in enumerate(before)}
    given |= {(index, place): raw for index, some in enumerate(pieces) for place, raw in enumerate(some)}
    sent = [{**raw, ORIGIN: origin} for origin, raw in given.items()]
    same = {id(raw) for raw in sent}
    out: list[Message] = []
    for index, run in groupby(pack(sent, **options).messages, key=lambda raw: raw.get(ORIGIN, (None,))[0]):
        kept = list(run)
        if index is None:
            out += [tell(raw["content"]) for raw in kept]
        elif index >= 0 and len(kept) == len(pieces[index]) and all(id(raw) in same for raw in kept):
            out.append(messages[index])
        elif index >= 0:
            out.append(rebuild(messages[index], {raw[ORIGIN][1]: raw for raw in kept}))
    return out
