"""The shapes that ctxwin knows, held against the request types of the installed packages."""

from collections import defaultdict

import pytest
import typing_extensions as te
from sdk_types import MESSAGES

from ctxwin.messages.checks.shapes import Shape, tables
from ctxwin.messages.checks.vocabulary import BLOCK_TYPES, ITEM_TYPES

BEYOND = {
    "openai": {"video_url"},  # servers of open models take it
    "responses": {"input_audio"},  # `ResponseInputAudioParam`, which the union of items does not name
    "anthropic": set(),
}
LOOSER = {
    "responses": {
        "message",  # an answer may come without id and status, a part of it without annotations
        "output_text",
        "input_image",  # `detail` may be absent in a message as it may in an output
        "function",  # the documents show tools without `strict` and `parameters`
        "item_reference",  # without its `type` it cannot be told from a message
    },
    "openai": set(),
    "anthropic": set(),
}
NOT_READ = {"anthropic": {"fallback", "tool_addition"}}
"""Blocks whose insides are left to the provider."""


def typed(kind, found, seen):
    """Collect the keys of all objects with a `type` that a type holds."""
    if te.is_typeddict(kind):
        if kind in seen or "ToolChangeToolDefinition" in kind.__name__:
            return
        seen.add(kind)
        hints = te.get_type_hints(kind, include_extras=True)
        words = te.get_args(te.get_args(hints["type"])[0]) if te.get_origin(hints.get("type")) is te.Required else ()
        keys = frozenset(key + ("" if key in kind.__required_keys__ or te.get_origin(hint) is te.Required else "?")
                         for key, hint in hints.items())  # fmt: skip
        for word in words:
            found[word].add(keys)
        for hint in hints.values():
            typed(hint, found, seen)
    elif not hasattr(kind, "model_fields"):
        for one in te.get_args(kind):
            typed(one, found, seen)


@pytest.mark.parametrize("dialect", ["openai", "responses", "anthropic"])
def test_every_typed_object_has_the_keys_of_the_sdk(dialect):
    known = defaultdict(set)
    typed(MESSAGES[dialect], known, set())
    ours = defaultdict(set)
    for shape in tables()[dialect].values():
        if isinstance(shape, Shape) and shape.fields.get("type") and shape.fields["type"].required:
            for word in shape.fields["type"].union.words:
                ours[word].add(frozenset(key + ("" if field.required else "?") for key, field in shape.fields.items()))
    free = BEYOND[dialect] | LOOSER[dialect] | NOT_READ.get(dialect, set())
    assert {word: ours[word] for word in known if word not in free} == {
        word: keys for word, keys in known.items() if word not in free
    }
    assert set(ours) - set(known) <= free


def test_the_closed_lists_are_those_of_the_shapes():
    words = {dialect: set() for dialect in tables()}
    for dialect, table in tables().items():
        for shape in table.values():
            if isinstance(shape, Shape):
                words[dialect] |= shape.telling.get("type", frozenset())
    assert all(BLOCK_TYPES[dialect] <= words[dialect] for dialect in words)
    assert words["responses"] >= ITEM_TYPES
