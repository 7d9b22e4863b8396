"""Reads ShareGPT: `{"conversations": [{"from": "human", "value": ...}, ...]}`, alone, in a list, or one per line.

The roles `function_call` and `observation` are those of LLaMA-Factory's sharegpt format; `items` in place of
`conversations`, and `markdown` or `text` in place of `value`, are those of older dumps.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...items import Item
from .form import ForeignForm, ForeignTalk, said
from .wording import function_name

__all__ = ["FORM"]

LISTS = ("conversations", "items", "conversation")
ROLES = {
    "human": "user", "user": "user", "prompter": "user",
    "gpt": "assistant", "assistant": "assistant", "bot": "assistant", "chatgpt": "assistant", "bing": "assistant",
    "bard": "assistant", "claude": "assistant", "model": "assistant", "ai": "assistant",
    "system": "system", "developer": "system",
    "function_call": "call", "tool_call": "call",
    "observation": "result", "tool": "result", "function": "result", "function_response": "result",
    "tool_response": "result", "ipython": "result",
}  # fmt: skip
"""Names of speakers, and the role of each."""
VALUES = ("value", "markdown", "text", "content")
"""Keys of the words of a turn."""


def _recognise(value: Any) -> bool:
    turns = _turns(value)
    if not turns:  # an empty one among many
        return isinstance(value, Mapping) and value.get("conversations") == []
    return all(map(_is_turn, turns))


def _is_turn(one: Any) -> bool:
    if not isinstance(one, Mapping) or str(one.get("from")).lower() not in ROLES:
        return False
    return any(isinstance(one.get(key), str) for key in VALUES)


def _turns(value: Any) -> Sequence[Any]:
    """Return the turns of a value: its list of turns, or the value itself if it is one."""
    if isinstance(value, Mapping):
        return next((value[key] for key in LISTS if isinstance(value.get(key), list)), ())
    return value if isinstance(value, list) else ()


def _read(value: Any) -> Iterable[ForeignTalk]:
    about: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
    title, name = str(about.get("title") or ""), str(about.get("id") or "")
    items = list(_items(_turns(value), title or name or None))
    system = about.get("system") or about.get("system_prompt")
    if isinstance(system, str) and system.strip():
        items.insert(0, said("system", system, session=title or name or None))
    tools = about.get("tools")
    if tools:
        text = tools if isinstance(tools, str) else json.dumps(tools, ensure_ascii=False)
        items.insert(0, said("system", f"Tools:\n{text}", session=title or name or None))
    yield ForeignTalk(items=items, title=title, id=name)


def _items(turns: Sequence[Mapping[str, Any]], session: str | None) -> Iterator[Item]:
    for at, turn in enumerate(turns):
        kind, text = _kind(turn), next(turn[key] for key in VALUES if isinstance(turn.get(key), str))
        before = _kind(turns[at - 1]) if at else ""
        after = _kind(turns[at + 1]) if at + 1 < len(turns) else ""
        if kind == "call" and after == "result":
            yield said("assistant", None, session=session, tool_calls=[_call(text, f"call_{at}")])
        elif kind == "result" and before == "call":
            yield said("tool", text, session=session, tool_call_id=f"call_{at - 1}")
        elif text:
            role = {"call": "assistant", "result": "user"}.get(kind, kind)
            yield said(role, text, speaker="tool" if kind == "result" else None, session=session)


def _kind(turn: Mapping[str, Any]) -> str:
    return ROLES[str(turn["from"]).lower()]


def _call(text: str, name: str) -> dict[str, Any]:
    """Return a call in OpenAI's form; its text is a JSON object with name and arguments, or anything else."""
    try:
        asked = json.loads(text)
    except (ValueError, RecursionError):
        asked = None
    asked = asked[0] if isinstance(asked, list) and len(asked) == 1 else asked
    if isinstance(asked, dict) and isinstance(asked.get("name"), str) and asked.keys() <= {"name", "arguments", "id"}:
        given = asked.get("arguments", {})
        arguments = given if isinstance(given, str) and _is_object(given) else json.dumps(given, ensure_ascii=False)
        function = function_name(asked["name"])
        if _is_object(arguments):
            return {"id": name, "type": "function", "function": {"name": function, "arguments": arguments}}
    arguments = json.dumps({"input": text}, ensure_ascii=False)
    return {"id": name, "type": "function", "function": {"name": "tool", "arguments": arguments}}


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


FORM = ForeignForm(name="ShareGPT", recognise=_recognise, read=_read, each=True)
