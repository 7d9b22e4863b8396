"""Mends each message by itself: its role, type, content and shape become those of its dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import MessageError
from ..checks.shapes import fits, union_of
from ..checks.vocabulary import ITEM_TYPES
from ..conversation import ROLES, Dialect
from ..dialects.openai import SAYS_SOMETHING
from ..dialects.responses import from_model
from ..reading import parse
from .shaping import GIVEN_UP, Bench
from .stray_items import from_responses
from .work import GONE, Draft, RepairWork

__all__ = ["as_text", "mend_messages", "result_as_text"]

ALIASES: Mapping[str, str] = {
    "ai": "assistant", "bot": "assistant", "chatbot": "assistant", "gpt": "assistant", "model": "assistant",
    "developer": "system", "human": "user",
}  # fmt: skip
"""Other programs' names for the roles."""


def mend_messages(work: RepairWork) -> None:
    """Give every message the shape of its dialect; drop values that are no message and have no words."""
    for entry in work.entries:
        _mend(work, entry)
    if work.system is not None:
        _mend(work, work.system)
        raw = work.system.raw
        work.system.raw = {**raw, "role": "system"} if raw is not None else None
    work.entries = [entry for entry in work.entries if entry.raw is not None]


def _mend(work: RepairWork, entry: Draft) -> None:
    message = union_of(work.dialect)
    if not isinstance(entry.raw, Mapping):
        as_text(work, entry, "well_formed", "what is no message became the text of one")
        return
    if work.dialect != "responses":
        from_responses(work, entry)
    _typed(work, entry)
    if entry.raw is None:
        return
    if work.dialect != "responses" or entry.raw.get("type", "message") == "message":
        _filled(work, entry)
    if fits(entry.raw, work.dialect, message) and _readable(entry.raw, work.dialect):
        return
    mended = Bench(work, entry.index).mend(entry.raw, message)
    if mended is GIVEN_UP or not _readable(mended, work.dialect):
        as_text(work, entry, "well_formed", "a message that could not be mended became text")
    else:
        entry.raw = mended


def _readable(raw: Any, dialect: Dialect) -> bool:
    try:
        parse(raw, dialect)
    except (MessageError, RecursionError, TypeError, ValueError):
        return False
    return True


def _typed(work: RepairWork, entry: Draft) -> None:
    """Give a message a role, or an item a type, that the dialect has."""
    raw, roles = entry.raw, ROLES[work.dialect]
    if work.dialect == "responses" and raw.get("type", "message") != "message":
        if not isinstance(raw["type"], str) or raw["type"] not in ITEM_TYPES:
            as_text(work, entry, "types_known", "an item of a type that the provider does not know became text")
        return
    role = raw.get("role")
    if isinstance(role, str) and role in roles:
        return
    if role in ("tool", "function") and isinstance(raw.get("tool_call_id"), str):
        _as_result(work, entry)
        return
    alias = ALIASES.get(role.lower(), "user") if isinstance(role, str) else _role(work, raw)
    work.change(entry, "well_formed", f"a role that the provider does not know became {alias!r}", role=alias)


def _role(work: RepairWork, raw: Mapping[Any, Any]) -> str:
    """Return the role of a message that does not state it."""
    if work.dialect == "openai" and isinstance(raw.get("tool_call_id"), str):
        return "tool"
    return "assistant" if any(raw.get(key) for key in ("tool_calls", "function_call", "refusal", "audio")) else "user"


def _as_result(work: RepairWork, entry: Draft) -> None:
    """Turn a chat result into a result of another dialect."""
    raw = entry.raw
    content = raw.get("content")
    said = content if isinstance(content, str) else work.as_json(content)
    if work.dialect == "anthropic":
        block = {"type": "tool_result", "tool_use_id": raw["tool_call_id"], "content": said}
        entry.raw = {"role": "user", "content": [block]}
    else:
        entry.raw = {"type": "function_call_output", "call_id": raw["tool_call_id"], "output": said}
    work.note(entry.index, "well_formed", "a tool message became a result as the provider writes it")


def _filled(work: RepairWork, entry: Draft) -> None:
    """Fill a message without content with its words under other keys."""
    raw = entry.raw
    present = SAYS_SOMETHING if work.dialect == "openai" else ("content",)
    if any(raw.get(key) is not None for key in present):
        return
    rest = {key: value for key, value in raw.items() if key not in ("role", "type", "id", "name", *present)}
    said = work.text(rest) if work.dialect != "openai" or not any(key in raw for key in present) else ""
    entry.raw = {key: value for key, value in raw.items() if key not in rest or not said} | {"content": said}
    work.note(entry.index, "content_present", "a message without content was filled with what it says elsewhere")


def as_text(work: RepairWork, entry: Draft, rule: str, done: str, title: str = "") -> None:
    """Turn a message into a plain one with the same words; without words it is dropped."""
    raw = entry.raw
    said = work.text(raw, title)
    role = "user"
    if isinstance(raw, Mapping) and work.dialect != "anthropic":
        model = from_model(raw) if work.dialect == "responses" and isinstance(raw.get("type", ""), str) else False
        role = "assistant" if model or raw.get("role") == "assistant" else "user"
    work.note(entry.index, rule, done if said else "a message that says nothing was left out")
    entry.raw = _plain(said, role) if said else None


def result_as_text(work: RepairWork, entry: Draft, content: Any) -> None:
    """Turn a message with a result, whose call is gone, into a user's message."""
    said = content if isinstance(content, str) else work.text(content)
    entry.raw = _plain(work.keep(f"{GONE}\n{said}" if said else GONE, [said]), "user")
    work.note(entry.index, "results_follow_calls", "a result without its call became text")


def _plain(said: str, role: str) -> dict[str, Any]:
    return {"role": role, "content": said}
