"""Tells the form in which messages come (a list or a request body), and their dialect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InputError, MessageError
from .checks.vocabulary import ITEM_TYPES
from .conversation import DIALECTS, OUTSIDE, Dialect, Raw, brief

__all__ = ["LISTS", "Envelope", "Written", "by_messages", "put_back", "take_apart"]

LISTS: Mapping[str, Dialect | None] = {"messages": None, "input": "responses"}
"""Keys of a request body for its messages, and the dialect that each shows."""

BLOCKS: Mapping[str, Dialect] = {
    "image_url": "openai",
    "video_url": "openai",
    "input_audio": "openai",
    "file": "openai",
    "input_text": "responses",
    "output_text": "responses",
    "input_image": "responses",
    "input_file": "responses",
    "image": "anthropic",
    "document": "anthropic",
    "search_result": "anthropic",
    "thinking": "anthropic",
    "redacted_thinking": "anthropic",
    "container_upload": "anthropic",
}
"""Content blocks that only one dialect has; `text` and `refusal` show no dialect."""

KEYS: Mapping[str, Dialect] = {
    "tool_calls": "openai",
    "function_call": "openai",
    "tool_call_id": "openai",
    "refusal": "openai",
    "stop_reason": "anthropic",
}
"""Keys of a message that only one dialect has."""


Written = list[Raw] | dict[str, Any]
"""A list of messages, or a request body around one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A list of messages or a request body, taken apart."""

    dialect: Dialect
    raws: Sequence[Any]
    """The messages, unchecked; a system prompt from outside is the first."""
    told: bool = False
    """Whether anything shows the dialect; plain messages do not."""
    lifted: bool = False
    """Whether the first message is the system prompt from outside."""
    envelope: Mapping[str, Any] | None = None
    tools: tuple[Mapping[str, Any], ...] = ()

    @property
    def elsewhere(self) -> bool:
        """Whether the provider keeps earlier items, so that results may stand without their calls."""
        body = self.envelope or {}
        thread = body.get("thread")  # Anthropic's, in beta
        continued = thread.get("previous_message_id") if isinstance(thread, Mapping) else None
        return any(one is not None for one in (continued, body.get("previous_response_id"), body.get("conversation")))


def take_apart(messages: object, dialect: Dialect | None = None) -> Envelope:
    """Take a list of messages or a request body apart.

    Without a given dialect the first sign decides: a body's keys (`input`: responses; `system`: anthropic), its tool
    schemas, the messages in order (`by_messages`); else openai.

    Raises:
        MessageError: the value is neither a list nor a body, or a body's parts have wrong types.
        InputError: `dialect` is none of the three.
    """
    if dialect is not None and dialect not in DIALECTS:
        raise InputError(f"unknown dialect {dialect!r}; use one of {', '.join(DIALECTS)}")
    if isinstance(messages, Mapping):
        return _from_body(messages, dialect)
    if isinstance(messages, str | bytes) or not isinstance(messages, Sequence):
        raise MessageError(
            f"messages are {type(messages).__name__}; give a list of them, or a request body with 'messages'"
        )
    told = dialect or by_messages(messages)
    return Envelope(dialect=told or "openai", raws=messages, told=told is not None)


def _from_body(body: Mapping[str, Any], dialect: Dialect | None) -> Envelope:
    key = next((key for key in LISTS if body.get(key) is not None), None)
    if key is None:
        hint = "; a single message goes in a list" if "role" in body else ""
        keys = ", ".join(map(brief, body)) or "no key"
        raise MessageError(f"a request body has 'messages' or 'input', this one has {keys}{hint}")
    given = body[key]
    if isinstance(given, str) and key == "input":
        raws: Sequence[Any] = [{"role": "user", "content": given}]
    elif isinstance(given, str) or not isinstance(given, Sequence):
        raise MessageError(f"{key!r} of the request body is {type(given).__name__}; give a list")
    else:
        raws = given
    tools = _tools(body)
    told = dialect or LISTS[key] or _by_body(body, tools) or by_messages(raws)
    dialect = told or "openai"
    envelope = {**body, key: "" if isinstance(given, str) else []}
    outside = OUTSIDE.get(dialect)
    lifted = outside is not None and body.get(outside) is not None
    if outside is not None and lifted:
        raws = [{"role": "system", "content": body[outside]}, *raws]
        envelope[outside] = ""
    return Envelope(dialect=dialect, raws=raws, told=told is not None, lifted=lifted, envelope=envelope, tools=tools)


def _tools(body: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    tools: list[Any] = []
    for key in ("tools", "functions"):
        given = body.get(key) or ()
        if not isinstance(given, list | tuple):
            raise MessageError(f"{key!r} of the request body is {type(given).__name__}; give a list")
        tools += given
    for position, tool in enumerate(tools):
        if not isinstance(tool, Mapping):
            raise MessageError(f"tool {position} of the request body is {type(tool).__name__}; give an object")
    return tuple(tools)


def _by_body(body: Mapping[str, Any], tools: Iterable[Mapping[str, Any]]) -> Dialect | None:
    if body.get("system") is not None or "anthropic_version" in body:
        return "anthropic"
    for tool in tools:
        if "input_schema" in tool:
            return "anthropic"
        if "function" in tool:
            return "openai"
    return None


def by_messages(raws: Iterable[Any]) -> Dialect | None:
    """Return the dialect that messages show, the first that does; None if all are plain."""
    for raw in raws:
        if type(raw) is dict and len(raw) == 2 and type(raw.get("content")) is str:
            continue  # a plain message tells nothing
        if isinstance(raw, Mapping) and (told := _telling(raw)):
            return told
    return None


def _telling(raw: Raw) -> Dialect | None:
    """Return the dialect that a message shows: by its blocks, by its keys and role, by its `type`."""
    content = raw.get("content")
    if isinstance(content, list | tuple):
        for block in content:
            kind = block.get("type") if isinstance(block, Mapping) else None
            if not isinstance(kind, str):
                continue
            if kind in BLOCKS:
                return BLOCKS[kind]
            if kind.endswith(("tool_use", "tool_result")):
                return "anthropic"
    if raw.get("role") in ("tool", "function"):
        return "openai"
    for key, dialect in KEYS.items():
        if key in raw:
            return dialect
    kind = raw.get("type")
    return "responses" if isinstance(kind, str) and kind in ITEM_TYPES else None


def put_back(raws: Sequence[Raw], dialect: Dialect, envelope: Mapping[str, Any] | None) -> Written:
    """Return messages in the form in which they came: a list, or the request body around it."""
    if envelope is None:
        return list(raws)
    body = dict(envelope)
    outside = OUTSIDE.get(dialect)
    if outside is not None and body.get(outside) is not None:
        if raws and raws[0].get("role") == "system":
            body[outside], raws = raws[0]["content"], raws[1:]
        else:
            del body[outside]
    key = next(key for key in LISTS if body.get(key) is not None)
    one = isinstance(body[key], str) and len(raws) == 1 and raws[0].keys() == {"role", "content"}
    body[key] = raws[0]["content"] if one and isinstance(raws[0]["content"], str) else list(raws)
    return body
