"""Reads ChatGPT's data export: `conversations.json`, one conversation of it, or a shared conversation.

A conversation is a tree of messages in `mapping`; the user last saw the branch from `current_node` up to the root
[OpenAI Help Center, How do I export my ChatGPT history, describes the file; its fields are as exports have them].
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...items import Item
from .form import ForeignForm, ForeignTalk, said
from .moments import iso
from .speech import object_of
from .wording import function_name

__all__ = ["FORM"]

Message = Mapping[str, Any]

WORDS: Mapping[str, tuple[str, ...]] = {
    "code": ("text",),
    "execution_output": ("text",),
    "tether_quote": ("title", "url", "domain", "text"),
    "tether_browsing_display": ("summary", "result"),
    "user_editable_context": ("user_profile", "user_instructions"),
    "model_editable_context": ("model_set_context", "repo_summary", "structured_context"),
    "reasoning_recap": ("content",),
    "system_error": ("name", "text"),
    "thoughts": ("thoughts",),
}
"""Keys of a message's words, by the type of its content, if they are not in `parts`."""
SHORT = frozenset({"content_type", "asset_pointer", "language", "response_format_name", "id", "tether_id", "finished",
                   "chunks", "source_analysis_msg_id", "is_ephemeral", "computer_id"})  # fmt: skip
"""Keys of contents with values that are no words."""
MEDIA = {"image": "image", "audio": "audio", "video": "video"}
"""Names for pointers to stored files, by a word in the pointer's type."""
EVERYBODY = ("all", "", None)
"""Recipients of messages that are addressed to the user."""


def _recognise(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    if isinstance(tree := value.get("mapping"), Mapping):
        nodes = list(tree.values())[:8]
        return all(isinstance(one, Mapping) and ("message" in one or "children" in one) for one in nodes)
    listed = value.get("linear_conversation")
    return isinstance(listed, list) and all(isinstance(one, Mapping) for one in listed[:8])


def _read(value: Any) -> Iterable[ForeignTalk]:
    name = str(value.get("conversation_id") or value.get("id") or "")
    title = str(value.get("title") or "")
    tree = value.get("mapping")
    branch = _branch(tree, value.get("current_node")) if isinstance(tree, Mapping) else _linear(value)
    yield ForeignTalk(items=list(_items(list(branch), title or name or None)), title=title, id=name)


def _linear(value: Mapping[str, Any]) -> Sequence[Message]:
    """Return the messages of a shared conversation, which lists them in order."""
    return [_message(node) for node in value["linear_conversation"] if _message(node)]


def _message(node: Any) -> Message:
    message = node.get("message") if isinstance(node, Mapping) else None
    return message if isinstance(message, Mapping) else {}


def _branch(tree: Mapping[str, Any], last: Any) -> list[Message]:
    """Return the messages from the root down to the current node; without a current node, to the newest leaf."""
    if not isinstance(last, str) or last not in tree:
        leaves = [name for name, node in tree.items() if not object_of(node).get("children")]
        last = max(leaves or list(tree), key=lambda name: _moment(_message(tree[name])), default=None)
    found: list[Message] = []
    seen: set[str] = set()
    while isinstance(last, str) and last in tree and last not in seen:
        seen.add(last)
        node = object_of(tree[last])
        if message := _message(node):
            found.append(message)
        last = node.get("parent")
    return found[::-1]


def _moment(message: Message) -> float:
    moment = message.get("create_time")
    return moment if isinstance(moment, int | float) else 0.0


def _items(messages: Sequence[Message], session: str | None) -> Iterator[Item]:
    """Turn messages into items; a tool's request becomes a call before the tool's answer."""
    at = 0
    while at < len(messages):
        message = messages[at]
        role, text, time = _role(message), _text(message), iso(message.get("create_time"))
        at += 1
        if role == "assistant" and (to := message.get("recipient")) not in EVERYBODY:
            answers = _answers(messages, at)
            if answers:
                yield from _call(message, str(to), text, answers, session)
                at += len(answers)
                continue
            text = f"[to {to}] {text}"
        if text and role == "tool":  # of no call that there is: what it gave is said by its name
            yield said("user", text, speaker=_name(message), time=time, session=session)
        elif text:
            yield said(role, text, speaker=_person(message), time=time, session=session)


def _answers(messages: Sequence[Message], at: int) -> Sequence[Message]:
    """Return the messages of tools that follow; of several the provider takes one result."""
    end = at
    while end < len(messages) and _role(messages[end]) == "tool":
        end += 1
    return messages[at:end]


def _call(message: Message, to: str, text: str, answers: Sequence[Message], session: str | None) -> Iterator[Item]:
    call_id = function_name(str(message.get("id") or "call"))[:40]
    function = {"name": function_name(to), "arguments": _arguments(text)}
    call = {"id": call_id, "type": "function", "function": function}
    yield said("assistant", None, time=iso(message.get("create_time")), session=session, tool_calls=[call])
    result = "\n\n".join(one for one in map(_text, answers) if one)
    time = iso(answers[0].get("create_time"))
    yield said("tool", result or "(nothing)", time=time, session=session, tool_call_id=call_id)


def _arguments(text: str) -> str:
    """Return a tool's request as the JSON object that a call must have."""
    try:
        if isinstance(json.loads(text), dict):
            return text
    except (ValueError, RecursionError):
        pass
    return json.dumps({"input": text}, ensure_ascii=False)


def _role(message: Message) -> str:
    author = message.get("author")
    role = author.get("role") if isinstance(author, Mapping) else message.get("role")
    return role if role in ("system", "user", "assistant", "tool") else "user"


def _name(message: Message) -> str | None:
    author = message.get("author")
    name = author.get("name") if isinstance(author, Mapping) else None
    return name if isinstance(name, str) and name else None


def _person(message: Message) -> str | None:
    return _name(message) if _role(message) == "user" else None


def _text(message: Message) -> str:
    """Return all words of a message: its content, and the names of attached files."""
    content = message.get("content")
    metadata = message.get("metadata")
    found = [content] if isinstance(content, str) else []
    if isinstance(content, Mapping):
        kind = str(content.get("content_type") or "")
        marked = f"[{kind}]" if kind in ("thoughts", "system_error") else ""
        found += [marked] if marked else []
        if isinstance(content.get("parts"), list):
            found += [_part(one) for one in content["parts"]]
        elif kind in WORDS:
            found += [_part(content[key]) for key in WORDS[kind] if content.get(key)]
        else:
            found.append(_part({key: one for key, one in content.items() if key != "content_type"}))
        found = [] if found == [marked] else found
    attached = metadata.get("attachments") if isinstance(metadata, Mapping) else None
    for one in attached if isinstance(attached, list) else ():
        if isinstance(one, Mapping) and (name := one.get("name")) and not _shown(one, content):
            found.append(f"[file: {name}]")
    return "\n".join(one for one in found if one).strip()


def _shown(attachment: Mapping[str, Any], content: Any) -> bool:
    """Tell whether the content already shows an attachment, as it does an image."""
    name = attachment.get("id")
    parts = content.get("parts") if isinstance(content, Mapping) else None
    pointers = [str(one.get("asset_pointer")) for one in parts or () if isinstance(one, Mapping)]
    return isinstance(name, str) and any(pointer.endswith(name) for pointer in pointers)


def _part(part: Any) -> str:
    """Return the words of a part: a string, a pointer to a stored file, a transcript, or anything with strings."""
    if isinstance(part, str):
        return part
    if isinstance(part, list):
        return "\n".join(one for one in map(_part, part) if one)
    if not isinstance(part, Mapping):
        return ""
    kind, pointer = str(part.get("content_type") or ""), part.get("asset_pointer")
    found = []
    if isinstance(pointer, str):
        what = next((name for word, name in MEDIA.items() if word in kind), "file")
        found.append(f"[{what}: {pointer.rpartition('/')[2]}]")
    found += [_part(one) for key, one in part.items() if key not in SHORT]
    return "\n".join(one for one in found if one)


FORM = ForeignForm(name="ChatGPT export", recognise=_recognise, read=_read, each=True)
