"""Request bodies as the SDKs build them, and as `pack` and a window read and return them."""

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
"""Where a request body keeps its messages."""
CONTINUES = ("previous_response_id", "conversation", "thread", "thinking")
"""What else of a body the rules on messages look at: whether the provider keeps earlier ones, and thinking."""
TOOLS = ("tools", "functions")
SCHEMAS = (
    ("response_format", "json_schema"),
    ("text", "format"),
    ("output_config", "format"),
)
"""Where chat completions, Responses and Anthropic's messages take the schema of an answer, with what describes it."""
UNSET = frozenset({"NotGiven", "Omit"})
"""Types whose values stand for arguments that were not given, in the SDKs."""


def _read(wire: Wire) -> tuple[str, ...]:
    """Return the names of what is read in a body: messages, a system prompt beside them, tools."""
    outside = OUTSIDE.get(wire.dialect)
    return (LISTS[wire.dialect], *((outside,) if outside else ()), *TOOLS)


def holds_messages(body: Any, wire: Wire) -> bool:
    """Tell whether there is something to pack: a request may hold no more than the name of a stored prompt."""
    return isinstance(body, Mapping) and bool(body.get(LISTS[wire.dialect]))


def tools_of(body: Mapping[str, Any]) -> list[Any]:
    """Return the tools of a request body, also tools in the older form (`functions`)."""
    return [tool for name in TOOLS for tool in body.get(name) or ()]


def schemas_of(body: Mapping[str, Any]) -> list[Any]:
    """Return the schemas that the answer must follow, in the form of tools, since the model is shown both alike."""
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
    """Return a body whose messages and tools are plain JSON, without what was not given."""
    given = as_given(body)
    return given | plain({name: given[name] for name in _read(wire) if name in given})


def as_given(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body without the values by which the SDKs say that an argument was not given."""
    return {name: value for name, value in body.items() if type(value).__name__ not in UNSET}


def as_body(packed: Mapping[str, Any] | Sequence[Mapping[str, Any]], body: Mapping[str, Any], wire: Wire) -> Any:
    """Return packed messages as a body; Anthropic's system prompt stands outside of the messages."""
    if isinstance(packed, Mapping):
        return packed
    envelope = {**body, LISTS[wire.dialect]: []}
    if wire.dialect == "anthropic" and packed and packed[0].get("role") == "system":
        envelope["system"] = ""
    return write(wire.dialect, packed, envelope)


def with_packed(
    body: Mapping[str, Any], read: Mapping[str, Any], packed: Mapping[str, Any], wire: Wire
) -> Mapping[str, Any]:
    """Return a body with the messages and the system prompt of a packed one; the same where they are as they were."""
    key = LISTS[wire.dialect]
    names = (key, OUTSIDE.get(wire.dialect, key))
    changed = {name: packed[name] for name in names if name in packed and packed[name] != read.get(name)}
    return {**body, **changed} if changed else body
