"""Converts request bodies between the form that the SDKs build and the form that `pack` and windows use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..clients.reply import Wire
from ..messages import write
from ..messages.conversation import OUTSIDE
from ..messages.tidying import field, plain

__all__ = [
    "CONTINUES",
    "LISTS",
    "as_body",
    "as_given",
    "holds_messages",
    "listed",
    "readable",
    "schemas_of",
    "tools_of",
    "with_packed",
]

LISTS = {"openai": "messages", "responses": "input", "anthropic": "messages"}
"""The field of a request body that holds the messages."""
CONTINUES = ("previous_response_id", "conversation", "thread", "thinking")
"""Further fields that the rules on messages read: whether the provider keeps earlier messages, and thinking."""
TOOLS = ("tools", "functions")
SCHEMAS = (
    ("response_format", "json_schema"),
    ("text", "format"),
    ("output_config", "format"),
)
"""The fields in which chat completions, Responses and Anthropic's messages take the schema of an answer."""
UNSET = frozenset({"NotGiven", "Omit"})
"""Types of the SDKs whose values mean that an argument was not given."""


def _read(wire: Wire) -> tuple[str, ...]:
    """Return the fields of a body that are read: messages, a separate system prompt, tools."""
    outside = OUTSIDE.get(wire.dialect)
    return (LISTS[wire.dialect], *((outside,) if outside else ()), *TOOLS)


def holds_messages(body: Any, wire: Wire) -> bool:
    """Tell whether a body holds messages to pack; it may hold just the name of a stored prompt."""
    return isinstance(body, Mapping) and bool(body.get(LISTS[wire.dialect]))


def tools_of(body: Mapping[str, Any]) -> list[Any]:
    """Return the tools of a request body, also tools in the older form (`functions`)."""
    return [tool for name in TOOLS for tool in body.get(name) or ()]


def schemas_of(body: Mapping[str, Any]) -> list[Any]:
    """Return the schemas of the answer, in the form of tools, since the model is shown both alike."""
    found = (field(body, *path) for path in SCHEMAS)
    return [
        {"name": one.get("name") or "answer", "description": one.get("description"), "parameters": one["schema"]}
        for one in found
        if isinstance(one, Mapping) and isinstance(one.get("schema"), Mapping)
    ]


def listed(body: Mapping[str, Any], wire: Wire) -> Mapping[str, Any]:
    """Return a body that can be read more than once: the SDKs take any iterable of messages or tools."""
    once = {name: list(body[name]) for name in _read(wire) if hasattr(body.get(name), "__next__")}
    return {**body, **once} if once else body


def readable(body: Mapping[str, Any], wire: Wire) -> dict[str, Any]:
    """Return a body with messages and tools in plain JSON, and without arguments that were not given."""
    given = as_given(body)
    return given | plain({name: given[name] for name in _read(wire) if name in given})


def as_given(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body without the SDKs' values for arguments that were not given."""
    return {name: value for name, value in body.items() if type(value).__name__ not in UNSET}


def as_body(packed: Mapping[str, Any] | Sequence[Mapping[str, Any]], body: Mapping[str, Any], wire: Wire) -> Any:
    """Return packed messages as a body; Anthropic's system prompt stands outside the messages."""
    if isinstance(packed, Mapping):
        return packed
    envelope = {**body, LISTS[wire.dialect]: []}
    if wire.dialect == "anthropic" and packed and packed[0].get("role") == "system":
        envelope["system"] = ""
    return write(wire.dialect, packed, envelope)


def with_packed(
    body: Mapping[str, Any], read: Mapping[str, Any], packed: Mapping[str, Any], wire: Wire
) -> Mapping[str, Any]:
    """Return a body with the messages and system prompt of a packed body; the same body if nothing changed."""
    key = LISTS[wire.dialect]
    names = (key, OUTSIDE.get(wire.dialect, key))
    changed = {name: packed[name] for name in names if name in packed and packed[name] != read.get(name)}
    return {**body, **changed} if changed else body
