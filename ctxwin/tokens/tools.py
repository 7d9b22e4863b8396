"""What tool schemas cost."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..media import Count
from ..messages import Dialect
from .pieces import Piece
from .rules import RequestRules, get_rules
from .tokenizers import Tokenizer

__all__ = ["count_tools", "spell_tools"]

TOOL_START = 7
"""Tokens of a tool besides its words: its start [OpenAI cookbook, "How to count tokens", gpt-4o]."""
TOOL_END = 12
"""... and its end [ibid.]."""
PROPERTIES = 3
"""Tokens of a list of parameters [ibid.]."""
PROPERTY = 3
"""Tokens of a parameter besides its name, type and description [ibid.]."""
ENUM, ENUM_ITEM = -3, 3
"""Tokens of a list of allowed values, and of each of them besides its words [ibid.]."""
TOOLS_ERROR = 0.1
"""Relative error of the whole formula: the providers rewrite schemas in ways that they do not document."""
WORDS = ("default", "examples", "format", "pattern", "const", "title")
"""Keywords of a schema, besides type and description, that are shown to the model."""
LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
TABLES = ("$defs", "definitions")


def count_tools(
    tools: Sequence[Mapping[str, Any]], tokenizer: Tokenizer, rules: RequestRules | Dialect = "openai"
) -> Count:
    """Count tool schemas, in the form of any of the three dialects.

    Example:
        >>> from ctxwin import get_tokenizer
        >>> tool = {"type": "function", "function": {"name": "now", "description": "Tells the time."}}
        >>> count_tools([tool], get_tokenizer("gpt-4o")).tokens
        24
    """
    if not tools:
        return Count.of(0)
    piece = spell_tools(tools, rules)
    return Count.of(piece.fixed + sum(tokenizer.count_many(piece.texts)), error=tokenizer.error + TOOLS_ERROR)


def spell_tools(tools: Sequence[Mapping[str, Any]], rules: RequestRules | Dialect = "openai") -> Piece:
    """Return what tool schemas are counted by."""
    rules = get_rules(rules) if isinstance(rules, str) else rules
    if rules.json_tools:
        return Piece(tuple(_compact(tool.get("function", tool)) for tool in tools), rules.tools)
    fixed, texts = 0, []
    for tool in tools:
        around, own = _typed(tool)
        fixed += around
        texts += own
    return Piece(tuple(texts), fixed)


def _typed(tool: Mapping[str, Any]) -> tuple[int, list[str]]:
    """Return a tool's tokens beside its words, and its words, as OpenAI's rewriting to types has them."""
    inner = tool.get("function", tool)
    if not isinstance(inner, Mapping) or "name" not in inner:  # a provider's own tool: {"type": "web_search"}
        return TOOL_START + TOOL_END, [_compact(tool)]
    texts = [f"{inner['name']}:{_sentence(inner.get('description'))}"]
    around = _walk(inner.get("parameters", inner.get("input_schema")), texts)
    return TOOL_START + around + TOOL_END, texts


def _walk(schema: object, texts: list[str]) -> int:
    """Add the words of a schema to `texts`; return its tokens beside them."""
    if not isinstance(schema, Mapping):
        return 0
    tokens = 0
    if isinstance(values := schema.get("enum"), list):
        tokens += ENUM + ENUM_ITEM * len(values)
        texts += [str(value) for value in values]
    texts += [f"{word}:{_compact(schema[word])}" for word in WORDS if word in schema]
    properties = schema.get("properties")
    if isinstance(properties, Mapping) and properties:
        tokens += PROPERTIES + PROPERTY * len(properties)
        texts += [_property(str(name), inner) for name, inner in properties.items()]
    return tokens + sum(_walk(inner, texts) for inner in _below(schema))


def _property(name: str, schema: object) -> str:
    known = schema if isinstance(schema, Mapping) else {}
    kind = known.get("type", "")
    kind = "|".join(map(str, kind)) if isinstance(kind, list) else kind
    return f"{name}:{kind}:{_sentence(known.get('description'))}"


def _below(schema: Mapping[str, Any]) -> Iterable[object]:
    """Yield the schemas inside a schema."""
    for key in ("properties", *TABLES):
        if isinstance(table := schema.get(key), Mapping):
            yield from table.values()
    for key in LISTS:
        if isinstance(rows := schema.get(key), list):
            yield from rows
    yield from (schema.get("items"), schema.get("additionalProperties"))


def _sentence(text: object) -> str:
    return str(text or "").removesuffix(".")


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
