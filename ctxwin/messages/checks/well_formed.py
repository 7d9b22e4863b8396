"""Defines what all rules work on: a log of well-formed messages, and the rules themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...items import Part
from ..conversation import Dialect, Raw, brief
from .shapes import Fault

__all__ = [
    "MAX_CALLS",
    "MAX_ID",
    "MAX_MARKS",
    "MAX_NAME",
    "NAME",
    "Finding",
    "Log",
    "Rule",
    "content_blocks",
    "holds_object",
    "keys_known",
    "misnamed",
    "rule",
    "tools_named",
    "types_known",
]

Finding = tuple[int | None, str]
"""Position of a message in the log (None for the request), and the fault."""

NAME = re.compile(r"[a-zA-Z0-9_-]+")
"""Characters that all three providers take in the name of a tool; the length is `MAX_NAME`."""

MAX_NAME: Mapping[Dialect, int] = {"openai": 64, "responses": 128, "anthropic": 128}
"""Most characters of a tool's name. OpenAI: reference of `FunctionDefinition.name` ("a maximum length of 64") and of
`FunctionTool` in Responses; Anthropic: "must match the regex ^[a-zA-Z0-9_-]{1,128}$" (Define tools)."""

MAX_ID = 64
"""Most characters of a call's id at OpenAI: "Invalid 'input[95].call_id': string too long. Expected a string with
maximum length 64"; the limit of chat was 40 until 2025 and is 64 since (reports of live runs, 2026)."""

MAX_CALLS = 128
"""Most calls of one chat message: "array too long. Expected an array with maximum length 128"."""

MAX_MARKS = 4
"""Most cache marks of a request: "A maximum of 4 blocks with cache_control may be provided. Found 5."."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The messages of a request, as rules see them."""

    dialect: Dialect
    raws: Sequence[Raw]
    parts: Sequence[tuple[Part, ...]]
    faults: Sequence[Sequence[Fault]]
    """For each message the types and keys that the provider does not know."""
    body: Mapping[str, Any]
    """The request body; empty if a list of messages was given."""
    lifted: bool = False
    """Whether the first message is the system prompt from outside the list."""
    elsewhere: bool = False
    """Whether the provider keeps earlier items."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of a provider's rule book."""

    name: str
    says: str
    """The rule in one sentence."""
    source: str
    """The provider's error message, or the place where the rule is written."""
    find: Callable[[Log], Iterable[Finding]]


def rule(source: str) -> Callable[[Callable[[Log], Iterable[Finding]]], Rule]:
    """Turn a function that finds faults into a rule with the function's name and docstring."""

    def made(find: Callable[[Log], Iterable[Finding]]) -> Rule:
        return Rule(name=find.__name__, says=str(find.__doc__), source=source, find=find)

    return made


def types_known(source: str) -> Rule:
    """Return the rule on types of items and blocks, with a provider's words."""

    def types_known(log: Log) -> Iterable[Finding]:
        """An item, message or content block is of a type that the provider documents, where it documents it."""
        return _faults(log, "type")

    return rule(source)(types_known)


def keys_known(source: str) -> Rule:
    """Return the rule on keys, with a provider's words."""

    def keys_known(log: Log) -> Iterable[Finding]:
        """A message, item or block has only keys that the provider takes."""
        return _faults(log, "key")

    return rule(source)(keys_known)


def _faults(log: Log, kind: str) -> Iterator[Finding]:
    for index, faults in enumerate(log.faults):
        yield from ((index, f"{fault.place or 'it'} {fault.said}") for fault in faults if fault.kind == kind)


def tools_named(source: str) -> Rule:
    """Return the rule on the names of the request's tools, with a provider's words."""

    def tools_named(log: Log) -> Iterable[Finding]:
        """A tool has a name of letters, digits, `_` and `-`, within the provider's length."""
        for tool in [*(log.body.get("tools") or ()), *(log.body.get("functions") or ())]:
            named = next((tool[key] for key in ("function", "custom") if isinstance(tool.get(key), Mapping)), tool)
            if isinstance(named.get("name"), str) and (wrong := misnamed(named["name"], log.dialect)):
                yield None, f"the tool {wrong}"

    return rule(source)(tools_named)


def misnamed(name: str, dialect: Dialect) -> str:
    """Return what is wrong with the name of a tool, or nothing."""
    most = MAX_NAME[dialect]
    if len(name) > most:
        return f"name has {len(name)} characters; use at most {most}"
    if not NAME.fullmatch(name):
        return f"name {brief(name)} is not letters, digits, '_' and '-' alone; rename it"
    return ""


def holds_object(text: str) -> bool:
    """Tell whether a text is a JSON object.

    Example:
        >>> holds_object('{"q": 1}'), holds_object("null"), holds_object("")
        (True, False, False)
    """
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def content_blocks(raw: Raw) -> Iterator[Raw]:
    """Yield the content blocks of a message; a string counts as one text block."""
    content = raw.get("content")
    if isinstance(content, str):
        yield {"type": "text", "text": content}
    elif isinstance(content, list | tuple):
        yield from content
