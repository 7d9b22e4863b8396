"""Count the tokens of tool schemas."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ..messages import Dialect
from ..messages.dialects.fields import left_over
from .counts import Count, Counted
from .overheads import RequestRules, get_rules
from .tokenizers import Tokenizer

__all__ = ["count_tools", "spell_tools"]

AROUND = MappingProxyType({"tool": 7 + 12, "properties": 3, "property": 3, "enum": -3, "enum item": 3})
"""Tokens besides the words: of a tool (its start and its end), of a list of parameters, of a parameter, of a list of
allowed values, of such a value [OpenAI cookbook, "How to count tokens", gpt-4o]."""
TOOLS_ERROR = 0.1
"""Relative error of the whole formula: providers rewrite schemas in undocumented ways."""
WORDS = ("default", "examples", "format", "pattern", "const", "title")
"""Keywords of a schema that are shown to the model, besides type and description."""
LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
TABLES = ("$defs", "definitions")
INNER = ("items", "additionalProperties")
READ = frozenset({"type", "enum", "properties", *WORDS, *LISTS, *TABLES, *INNER})
"""Keywords of a schema whose words are counted one by one."""
SILENT = frozenset({"$ref", "$schema", "$id", "strict", "uniqueItems", "nullable"})
"""Short keywords of a schema that a provider turns into the form of the text it shows; all others are counted as
written."""
LIMITS = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems",
     "maxItems", "minContains", "maxContains", "minProperties", "maxProperties", "deprecated", "readOnly", "writeOnly",
     "unevaluatedProperties", "unevaluatedItems", "required", "contains"}
)  # fmt: skip
"""Keywords of a schema that say nothing to the model if they are a number, a truth value or null [JSON Schema]."""
SHORT = 200
"""The most characters of such a keyword's value."""


def count_tools(
    tools: Sequence[Mapping[str, Any]], tokenizer: Tokenizer, rules: RequestRules | Dialect = "openai"
) -> Count:
    """Count tool schemas of any of the three dialects.

    Example:
        >>> from ctxwin import get_tokenizer
        >>> tool = {"type": "function", "function": {"name": "now", "description": "Tells the time."}}
        >>> count_tools([tool], get_tokenizer("gpt-4o")).tokens
        24
    """
    if not tools:
        return Count.of(0)
    piece = spell_tools(tools, rules)
    error = tokenizer.error + TOOLS_ERROR
    count = Count.of(piece.fixed + sum(tokenizer.count_many(piece.texts)), error=error)
    if any(map(_is_deferred, tools)):
        # What the model may load while it answers costs nothing before, and all of it at most.
        whole = spell_tools([_loaded(tool) for tool in tools], rules)
        most = Count.of(whole.fixed + sum(tokenizer.count_many(whole.texts)), error=error)
        count = replace(count, high=max(count.high, most.high), exact=False)
    return count


def spell_tools(tools: Sequence[Mapping[str, Any]], rules: RequestRules | Dialect = "openai") -> Counted:
    """Return the texts to count for tool schemas: whole tools, but only the first sight of deferred tools.

    The model sees only the name and the description of a deferred tool until it searches for it [OpenAI, Tool search].
    """
    rules = get_rules(rules) if isinstance(rules, str) else rules
    seen = [_seen(tool) for tool in tools]
    if rules.json_tools:
        return Counted(tuple(map(_written, seen)), rules.tools)
    fixed, texts = 0, []
    for tool in seen:
        around, own = _typed(tool)
        fixed += around
        texts += own
    return Counted(tuple(texts), fixed)


def _is_deferred(tool: Mapping[str, Any]) -> bool:
    if tool.get("defer_loading") is True:
        return True
    inner = tool.get("function"), *_nested(tool)
    return any(isinstance(one, Mapping) and _is_deferred(one) for one in inner)


def _loaded(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a deferred tool, and the tools in it, as if not deferred."""
    kept = {key: value for key, value in tool.items() if key != "defer_loading"}
    if isinstance(kept.get("function"), Mapping):
        kept["function"] = _loaded(kept["function"])
    if nested := _nested(tool):
        kept["tools"] = [_loaded(one) if isinstance(one, Mapping) else one for one in nested]
    return kept


def _seen(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the part of a tool that the model sees before it searches."""
    inner = tool.get("function")
    if tool.get("defer_loading") is True or (isinstance(inner, Mapping) and inner.get("defer_loading") is True):
        named = inner if isinstance(inner, Mapping) else tool
        # What is no description of parameters stays, such as the address of a server.
        return {key: value for key, value in named.items() if key not in ("parameters", "input_schema")}
    if nested := _nested(tool):
        return {**tool, "tools": [_seen(one) if isinstance(one, Mapping) else one for one in nested]}
    return tool


def _nested(tool: Mapping[str, Any]) -> Sequence[Any]:
    """Return the tools of a namespace."""
    found = tool.get("tools")
    return found if isinstance(found, list | tuple) else ()


def _written(tool: Mapping[str, Any]) -> str:
    """Return a tool as JSON; OpenAI's form without the wrapper around the function."""
    inner = tool.get("function")
    if not isinstance(inner, Mapping):
        return _compact(tool)
    around = left_over(tool, "function")
    return _compact(inner) + (_compact(around) if around else "")


def _typed(tool: Mapping[str, Any]) -> tuple[int, list[str]]:
    """Return a tool's tokens besides its words, and its words, in OpenAI's form of types."""
    inner = tool.get("function", tool)
    if not isinstance(inner, Mapping) or "name" not in inner:  # a provider's own tool: {"type": "web_search"}
        return AROUND["tool"], [_compact(tool)]
    texts = [f"{inner['name']}:{_sentence(inner.get('description'))}"]
    tokens = AROUND["tool"]
    for key in ("parameters", "input_schema"):
        tokens += _walk(inner.get(key), texts)
    for one in _nested(inner):
        around, own = _typed(one) if isinstance(one, Mapping) else (0, [_compact(one)])
        tokens, texts = tokens + around, [*texts, *own]
    silent = [key for key, value in inner.items() if key in SILENT and len(str(value)) <= SHORT]
    nested = ["tools"] if _nested(inner) else []
    _add(left_over(inner, "name", "description", "parameters", "input_schema", *nested, *silent), texts)
    _add(left_over(tool, "function") if inner is not tool else {}, texts)
    return tokens, texts


def _add(left: Mapping[str, Any], texts: list[str]) -> None:
    if left:
        texts.append(_compact(left))


def _walk(schema: object, texts: list[str], described: bool = True) -> int:
    """Add the words of a schema to `texts`; return its tokens besides the words.

    Args:
        schema: any JSON.
        texts: collects the texts to count.
        described: whether the schema's description is still to be counted; a parameter's is counted with its name.
    """
    if not isinstance(schema, Mapping):
        if schema is not None and not isinstance(schema, bool):
            texts.append(_compact(schema))
        return 0
    tokens = 0
    if not _is_plain(schema):
        texts.append(_compact(schema))
        return 0
    if (values := schema.get("enum")) is not None:
        tokens += AROUND["enum"] + AROUND["enum item"] * len(values)
        texts += [str(value) for value in values]
    texts += [f"{word}:{_compact(schema[word])}" for word in WORDS if word in schema]
    properties = schema.get("properties")
    if properties:
        tokens += AROUND["properties"] + AROUND["property"] * len(properties)
        texts += [_property(str(name), inner) for name, inner in properties.items()]
        tokens += sum(_walk(inner, texts, described=False) for inner in properties.values())
    _add({key: value for key, value in schema.items() if not _is_read(key, value, schema, described)}, texts)
    return tokens + sum(_walk(inner, texts) for inner in _below(schema, texts))


def _is_plain(schema: Mapping[str, Any]) -> bool:
    """Tell whether the parts of a schema have the required types; if not, the schema is counted as written."""
    tables = all(isinstance(schema.get(key, {}), Mapping) for key in ("properties", *TABLES))
    lists = all(isinstance(schema.get(key, []), list) for key in ("enum", *LISTS))
    kind = schema.get("type", "")
    return tables and lists and isinstance(kind, str | list) and len(str(kind)) <= SHORT


def _is_read(key: str, value: object, schema: Mapping[str, Any], described: bool) -> bool:
    """Tell whether a keyword of a schema is counted elsewhere, or is short and says nothing."""
    if key in READ:
        return True
    if key == "description":
        return not described
    if key == "required" and isinstance(value, list):
        return set(map(str, value)) <= set(map(str, schema.get("properties") or ()))
    short = len(str(value)) <= SHORT
    return short and (key in SILENT or (key in LIMITS and (value is None or isinstance(value, bool | int | float))))


def _property(name: str, schema: object) -> str:
    known = schema if isinstance(schema, Mapping) else {}
    kind = known.get("type", "")
    kind = "|".join(map(str, kind)) if isinstance(kind, list) else kind
    return f"{name}:{kind}:{_sentence(known.get('description'))}"


def _below(schema: Mapping[str, Any], texts: list[str]) -> Iterable[object]:
    """Yield the schemas inside a schema, except its parameters."""
    for key in TABLES:
        texts += map(str, schema.get(key, ()))
        yield from schema.get(key, {}).values()
    for key in LISTS:
        yield from schema.get(key, ())
    yield from (schema.get(key) for key in INNER)


def _sentence(text: object) -> str:
    return str(text or "").removesuffix(".")


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
