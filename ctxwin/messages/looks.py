"""Describes a value that is no conversation, and tells what to do with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .envelope import LISTS

__all__ = ["looks_like"]

FORMS = "a list of messages, {'messages': [...]}, items with 'text', or an export of a chat program"
"""The forms that can be given."""
KEYS = 6
"""Most keys that are named."""
KEY = 40
"""Most characters of a key that is named."""

LOOKS: Sequence[tuple[frozenset[str], str]] = (
    (frozenset({"id", "name", "created", "creator", "members"}),
     "looks like a Slack channel list; give the folder or zip of the export it lies in"),
    (frozenset({"id", "team_id", "profile"}),
     "looks like a Slack user list; give the folder or zip of the export it lies in"),
    (frozenset({"uuid", "full_name", "email_address"}),
     "looks like the user list of a Claude.ai export; give its conversations.json or the zip"),
    (frozenset({"uuid", "prompt_template", "docs"}),
     "looks like the project list of a Claude.ai export; give its conversations.json or the zip"),
    (frozenset({"id", "conversation_id", "title", "is_anonymous"}),
     "looks like ChatGPT's list of shared conversations, without their messages; give conversations.json or the zip"),
    (frozenset({"email", "chatgpt_plus_user"}),
     "looks like the user file of a ChatGPT export; give conversations.json or the zip"),
    (frozenset({"conversation_id", "rating"}),
     "looks like the feedback file of a ChatGPT export; give conversations.json or the zip"),
    (frozenset({"cells", "nbformat"}), "looks like a notebook; use `ctxwin ask ... FILE` or files=[...]"),
    (frozenset({"custom_id", "response"}), "looks like the results of a batch; give the conversation that asked"),
    (frozenset({"choices", "usage"}), "looks like an answer of a model; give the messages that it answers"),
)  # fmt: skip
"""Keys of values that people take for a conversation, and the advice for each."""


def looks_like(value: Any) -> str:
    """Say what a value looks like and what to do, as the end of a sentence that begins with its name.

    Example:
        >>> looks_like([{"a": 1, "b": 2}])[:37]
        "holds JSON objects with keys 'a', 'b'"
        >>> looks_like(7)[:9]
        'holds int'
    """
    if isinstance(value, str):
        return "is a plain text that is no transcript; use `ctxwin ask ... FILE` or files=[...], or give " + FORMS
    rows = value if isinstance(value, list | tuple) else [value]
    if isinstance(value, list | tuple) and not value:
        return f"holds no messages; give {FORMS}"
    first = next((one for one in rows if isinstance(one, Mapping)), None)
    if first is None:
        inner = f"a list of {type(rows[0]).__name__}" if rows and rows is value else type(value).__name__
        return f"holds {inner}; give {FORMS}"
    for keys, words in LOOKS:
        if keys <= first.keys():
            return words
    what = "JSON objects" if rows is value else "a JSON object"
    for key in LISTS:
        held = first.get(key)
        if rows is not value and isinstance(held, list) and held and isinstance(held[0], Mapping):
            return f"holds {what} whose {key!r} have {_keys(held[0])} and are no messages; give {FORMS}"
    return f"holds {what} with {_keys(first)}; give {FORMS}"


def _keys(row: Mapping[str, Any]) -> str:
    listed = ", ".join(repr(str(key)[:KEY]) for key in list(row)[:KEYS])
    more = f" and {len(row) - KEYS:,} more" if len(row) > KEYS else ""
    return f"keys {listed}{more}" if row else "no keys"
