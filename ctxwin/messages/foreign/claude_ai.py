"""Claude.ai's data export: `conversations.json`, or a conversation of it.

A conversation lists its messages; where one was edited or asked again they are branches of a tree, of which the user
saw the one that ends at `current_leaf_message_uuid`, else the newest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...items import Item
from .form import Form, Found, said

__all__ = ["FORM"]

Message = Mapping[str, Any]

ROLES = {"human": "user", "assistant": "assistant"}
NO_PARENT = "00000000-0000-4000-8000-000000000000"
"""What the first message names as its parent."""
NO_WORDS = frozenset({"type", "start_timestamp", "stop_timestamp", "flags", "id", "tool_use_id", "uuid", "file_uuid",
                      "integration_name", "integration_icon_url", "icon_name", "is_missing", "approval_key",
                      "approval_options", "cut_off", "truncated", "signature", "alternative_display_type"})  # fmt: skip
"""Keys of blocks whose values are no words."""


def _recognise(value: Any) -> bool:
    if not isinstance(value, Mapping) or not isinstance(value.get("chat_messages"), list):
        return False
    return all(isinstance(one, Mapping) and "sender" in one for one in value["chat_messages"])


def _read(value: Any) -> Iterable[Found]:
    title, name = str(value.get("name") or ""), str(value.get("uuid") or "")
    branch = _branch(value["chat_messages"], value.get("current_leaf_message_uuid"))
    items = [item for one in branch for item in _items(one, title or name or None)]
    yield Found(items=items, title=title, id=name)


def _branch(messages: Sequence[Message], leaf: Any) -> Sequence[Message]:
    """Return the messages that the user saw, oldest first; all of them where nothing says what came of what."""
    by_id = {str(one.get("uuid")): one for one in messages}
    if len(by_id) < len(messages) or not all(_parent(one) in by_id or _first(one) for one in messages):
        return messages
    if sum(_first(one) for one in messages) == len(messages):
        return messages
    at = str(leaf) if str(leaf) in by_id else str(messages[-1].get("uuid"))
    found: list[Message] = []
    while at in by_id and len(found) < len(messages):
        found.append(by_id[at])
        at = _parent(by_id[at])
    return found[::-1]


def _parent(message: Message) -> str:
    return str(message.get("parent_message_uuid") or NO_PARENT)


def _first(message: Message) -> bool:
    return _parent(message) == NO_PARENT


def _items(message: Message, session: str | None) -> Iterator[Item]:
    """Yield a message, and what tools gave within it as the calls and results that they are."""
    role = ROLES.get(str(message.get("sender")), "user")
    time = message.get("created_at")
    when = time if isinstance(time, str) else None
    blocks = message.get("content")
    blocks = [one for one in blocks if isinstance(one, Mapping)] if isinstance(blocks, list) else []
    text = message.get("text")
    shown = any(one.get("type") == "text" and one.get("text") for one in blocks)
    words = [text] if isinstance(text, str) and not shown else []
    answers = {one.get("tool_use_id"): one for one in blocks if one.get("type") == "tool_result"}
    for block in blocks:
        kind, name = block.get("type"), block.get("id")
        if kind == "tool_use" and role == "assistant" and isinstance(name, str) and name in answers:
            yield said("assistant", _joined(words) or None, time=when, session=session, tool_calls=[_call(block, name)])
            result = _words(answers.pop(name).get("content"))
            yield said("tool", result or "(nothing)", time=when, session=session, tool_call_id=name)
            words = []
        elif kind != "tool_result" or block.get("tool_use_id") in answers:
            words.append(_block(block))
    words += [*_attached(message.get("attachments")), *_attached(message.get("files"), message.get("files_v2"))]
    if text := _joined(words):
        yield said(role, text, time=when, session=session)


def _call(block: Message, name: str) -> dict[str, Any]:
    asked = block.get("input")
    arguments = json.dumps(asked if isinstance(asked, dict) else {"input": asked}, ensure_ascii=False)
    function = {"name": str(block.get("name") or "tool"), "arguments": arguments}
    return {"id": name, "type": "function", "function": function}


def _block(block: Message) -> str:
    """Return the words of a block, with its kind before them where it is no text."""
    kind = str(block.get("type") or "")
    if kind == "text":
        return str(block.get("text") or "")
    text = _words({key: one for key, one in block.items() if key not in ("type", "summaries")})
    return f"[{kind}]\n{text}" if text else ""


def _words(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return _joined(map(_words, value))
    if isinstance(value, Mapping):
        return _joined(_words(one) for key, one in value.items() if key not in NO_WORDS)
    return ""


def _attached(*lists: Any) -> Iterator[str]:
    """Yield what was attached: the name of each file, and what was read out of it where that is kept."""
    seen = set[str]()
    for listed in lists:
        for one in listed if isinstance(listed, list) else ():
            name = str(one.get("file_name") or one.get("name") or "") if isinstance(one, Mapping) else str(one)
            text = one.get("extracted_content") if isinstance(one, Mapping) else None
            if (name or text) and (name not in seen or text):
                seen.add(name)
                yield f"[file: {name or 'pasted text'}]" + (f"\n{text}" if isinstance(text, str) and text else "")


def _joined(words: Iterable[str]) -> str:
    return "\n".join(one for one in words if one.strip()).strip()


FORM = Form(name="Claude.ai export", recognise=_recognise, read=_read, each=True)
