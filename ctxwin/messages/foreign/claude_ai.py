"""Reads Claude.ai's data export: `conversations.json`, or one conversation of it.

A conversation lists its messages. If a message was edited or asked again, they are branches of a tree; the user saw the
branch that ends at `current_leaf_message_uuid`, else the newest branch.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...items import Item
from .form import ForeignForm, ForeignTalk, said
from .moments import iso
from .wording import function_name, joined

__all__ = ["FORM"]

Message = Mapping[str, Any]

ROLES = {"human": "user", "assistant": "assistant"}
NO_PARENT = "00000000-0000-4000-8000-000000000000"
"""The parent that the first message names."""
NO_WORDS = frozenset({"type", "start_timestamp", "stop_timestamp", "flags", "id", "tool_use_id", "uuid", "file_uuid",
                      "integration_name", "integration_icon_url", "icon_name", "is_missing", "approval_key",
                      "approval_options", "cut_off", "truncated", "signature", "alternative_display_type"})  # fmt: skip
"""Keys of blocks with values that are no words."""


def _recognise(value: Any) -> bool:
    if not isinstance(value, Mapping) or not isinstance(value.get("chat_messages"), list):
        return False
    return not value["chat_messages"] or any(map(_is_message, value["chat_messages"]))


def _is_message(one: Any) -> bool:
    return isinstance(one, Mapping) and "sender" in one


def _read(value: Any) -> Iterable[ForeignTalk]:
    title, name = str(value.get("name") or ""), str(value.get("uuid") or "")
    branch = _branch(
        [one for one in value["chat_messages"] if _is_message(one)], value.get("current_leaf_message_uuid")
    )
    items = [item for one in branch for item in _items(one, title or name or None)]
    yield ForeignTalk(items=items, title=title, id=name)


def _branch(messages: Sequence[Message], leaf: Any) -> Sequence[Message]:
    """Return the messages that the user saw, oldest first; all messages if none names its parent."""
    by_id = {str(one.get("uuid")): one for one in messages}
    if len(by_id) < len(messages) or not all(_parent(one) in by_id or _first(one) for one in messages):
        return messages
    if sum(_first(one) for one in messages) == len(messages):
        return messages
    newest = max(range(len(messages)), key=lambda at: (str(messages[at].get("created_at")), at))
    at = str(leaf) if str(leaf) in by_id else str(messages[newest].get("uuid"))
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
    """Yield a message, with the use of tools within it as calls and results."""
    role, time = ROLES.get(str(message.get("sender")), "user"), iso(message.get("created_at"))
    blocks = message.get("content")
    blocks = [one for one in blocks if isinstance(one, Mapping)] if isinstance(blocks, list) else []
    text = message.get("text")
    shown = any(one.get("type") == "text" and one.get("text") for one in blocks)
    words = [text] if isinstance(text, str) and not shown else []
    answers = _answers(blocks) if role == "assistant" else {}
    answered = set(answers.values())
    for at, block in enumerate(blocks):
        if at in answers:
            name = f"{str(message.get('uuid') or 'call')[:30]}_{at}"
            yield said("assistant", joined(words) or None, time=time, session=session, tool_calls=[_call(block, name)])
            result = _words(blocks[answers[at]].get("content") or blocks[answers[at]].get("display_content"))
            yield said("tool", result or "(nothing)", time=time, session=session, tool_call_id=name)
            words = []
        elif at not in answered:
            words.append(_block(block))
    words += [*_attached(message.get("attachments")), *_attached(message.get("files"), message.get("files_v2"))]
    if text := joined(words):
        yield said(role, text, time=time, session=session)


def _answers(blocks: Sequence[Message]) -> Mapping[int, int]:
    """Return the place of each call's result: by id; in older exports without ids, results follow their calls."""
    answers: dict[int, int] = {}
    waiting: list[int] = []
    for at, block in enumerate(blocks):
        if block.get("type") == "tool_use":
            waiting.append(at)
        elif block.get("type") == "tool_result" and waiting:
            name = block.get("tool_use_id")
            called = next(
                (one for one in waiting if name and blocks[one].get("id") == name), None if name else waiting[0]
            )
            if called is not None:
                waiting.remove(called)
                answers[called] = at
    return answers


def _call(block: Message, name: str) -> dict[str, Any]:
    asked = block.get("input")
    arguments = json.dumps(asked if isinstance(asked, dict) else {"input": asked}, ensure_ascii=False)
    function = {"name": function_name(str(block.get("name") or "")), "arguments": arguments}
    return {"id": name, "type": "function", "function": function}


def _block(block: Message) -> str:
    """Return the words of a block, after its kind if it is no text."""
    kind = str(block.get("type") or "")
    if kind == "text":
        return str(block.get("text") or "")
    text = _words({key: one for key, one in block.items() if key not in ("type", "summaries")})
    return f"[{kind}]\n{text}" if text else ""


def _words(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return joined(map(_words, value))
    if isinstance(value, Mapping):
        return joined(_words(one) for key, one in value.items() if key not in NO_WORDS)
    return ""


def _attached(*lists: Any) -> Iterator[str]:
    """Yield the name of each attached file, and the text that was extracted from it, if it is kept."""
    seen = set[str]()
    for listed in lists:
        for one in listed if isinstance(listed, list) else ():
            name = str(one.get("file_name") or one.get("name") or "") if isinstance(one, Mapping) else str(one)
            text = one.get("extracted_content") if isinstance(one, Mapping) else None
            if (name or text) and (name not in seen or text):
                seen.add(name)
                yield f"[file: {name or 'pasted text'}]" + (f"\n{text}" if isinstance(text, str) and text else "")


FORM = ForeignForm(name="Claude.ai export", recognise=_recognise, read=_read, each=True)
