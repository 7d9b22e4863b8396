"""Reads Telegram Desktop's export: `result.json` of one chat, or of all.

[Telegram, Data Export Schema, core.telegram.org/import-export]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...items import Item
from .form import ForeignForm, ForeignTalk, said
from .moments import clock, stamped

__all__ = ["FORM"]

FILES = ("file_name", "file", "photo", "thumbnail", "contact_vcard")
"""Keys of a message that name its attached file; the first that is there is enough."""
WORDS = ("sticker_emoji", "title", "performer", "place_name", "address", "question", "text", "game_title")
"""Keys of places, polls, songs and the like with values that are words."""
_KINDS = frozenset({"message", "service", "unsupported"})


def _recognise(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    chats = value.get("chats")
    if isinstance(chats, Mapping) and isinstance(chats.get("list"), list):
        return any(map(_is_chat, chats["list"]))
    return _is_chat(value)


def _is_chat(value: Any) -> bool:
    messages = value.get("messages") if isinstance(value, Mapping) else None
    if not isinstance(messages, list) or not messages or "type" not in value:
        return False
    return all(
        isinstance(one, Mapping) and one.get("type") in _KINDS and one.keys() >= {"date", "id"} for one in messages
    )


def _read(value: Any) -> Iterable[ForeignTalk]:
    chats = value["chats"]["list"] if "chats" in value else [value]
    for chat in filter(_is_chat, chats):
        yield ForeignTalk(items=list(_items(chat)), title=str(chat.get("name") or ""), id=str(chat.get("id") or ""))


def _items(chat: Mapping[str, Any]) -> Iterator[Item]:
    known = {one["id"]: one for one in chat["messages"]}
    for one in chat["messages"]:
        time = str(one["date"])
        text = _words(one.get("text"))
        if one["type"] == "service":
            action = str(one.get("action") or "service message").replace("_", " ")
            text = " ".join(part for part in (f"[{action}]", text, _words(one.get("members"))) if part)
        text = "\n".join(part for part in (_quoted(one, known), text, *_sent(one)) if part)
        if text:
            speaker = str(one.get("from") or one.get("actor") or one.get("from_id") or "deleted account")
            yield said("user", stamped(text, time), speaker=speaker, time=time, session=time[:10])


def _quoted(one: Mapping[str, Any], known: Mapping[Any, Mapping[str, Any]]) -> str:
    """Return a note on the message that this one answers, and on the author of a forwarded one."""
    words = []
    if (before := known.get(one.get("reply_to_message_id"))) is not None:
        words.append(f"(in reply to {before.get('from') or 'somebody'}, {clock(str(before['date']))})")
    if one.get("forwarded_from"):
        words.append(f"(forwarded from {one['forwarded_from']})")
    return " ".join(words)


def _sent(one: Mapping[str, Any]) -> Iterator[str]:
    """Yield the attachments of a text: files by their names, the words of polls, places and contacts."""
    name = next((str(one[key]) for key in FILES if one.get(key)), "")
    if name:
        kind = str(one.get("media_type") or ("photo" if one.get("photo") else "file")).replace("_", " ")
        yield f"[{kind}: {name.rpartition('/')[2]}]"
    for key in ("poll", "contact_information", "location_information", "invoice_information"):
        if isinstance(one.get(key), Mapping) and (words := _values(one[key])):
            yield f"[{key.partition('_')[0]}: {words}]"
    yield from (str(one[key]) for key in WORDS if key != "text" and isinstance(one.get(key), str))


def _values(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(words for words in map(_values, value.values()) if words)
    if isinstance(value, list):
        return ", ".join(words for words in map(_values, value) if words)
    return str(value) if isinstance(value, str | float) or type(value) is int else ""


def _words(text: Any) -> str:
    """Return a text that is a string, or a list of strings and formatted pieces."""
    if isinstance(text, str):
        return text
    pieces = text if isinstance(text, list) else ()
    return "".join(one if isinstance(one, str) else _piece(one) for one in pieces if one)


def _piece(one: Any) -> str:
    if not isinstance(one, Mapping):
        return ""
    text, address = str(one.get("text") or ""), one.get("href")
    return f"{text} ({address})" if isinstance(address, str) and address != text else text


FORM = ForeignForm(name="Telegram export", recognise=_recognise, read=_read)
