"""Reads Slack's export: a folder or zip with a folder per channel and in it a JSON file per day, or one such file.

Answers of `conversations.history`, and channels that slackdump writes, have the same messages.

Names of people are in `users.json` [Slack Help Center, How to read Slack data exports].
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import unescape
from pathlib import PurePosixPath
from typing import Any

from ...items import Item
from .form import ExportFolder, ForeignForm, ForeignTalk, said
from .moments import clock, iso, stamped

__all__ = ["FORM"]

_TS = re.compile(r"\d{9,11}(?:\.\d{1,7})?")
"""A message's `ts`: seconds since 1970, a point, and a number that makes it unique."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\.json")
_MARK = re.compile(r"<([@#!]?)([^<>|]+)(?:\|([^<>]*))?>")
"""A reference to a person, a channel, a group or an address in a text."""
REPLIES = "slackdump_thread_replies"
"""Key of a thread within its first message in slackdump's files [github.com/rusq/slackdump, types.Message]."""
LISTS = ("channels.json", "groups.json", "dms.json", "mpims.json")
WORDS = ("title", "title_link", "pretext", "author_name", "text", "fallback", "value", "name", "footer", "fields",
         "blocks", "elements", "accessory", "message_blocks", "message", "alt_text", "url", "user_id")  # fmt: skip
"""Keys of attachments and blocks with values that are words, or hold words."""


def _is_message(one: Any) -> bool:
    return isinstance(one, Mapping) and one.get("type") == "message" and bool(_TS.fullmatch(str(one.get("ts"))))


def _recognise(value: Any) -> bool:
    if isinstance(value, Mapping):
        value = value.get("messages")
    return isinstance(value, list) and bool(value) and all(map(_is_message, value))


def _read(value: Any) -> Iterable[ForeignTalk]:
    about: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
    messages = about.get("messages", value)
    names = _names(about.get("users") or (), messages)
    replies = [reply for one in messages for reply in _mappings(one.get(REPLIES)) if _is_message(reply)]
    ordered = sorted((*messages, *replies), key=lambda one: float(one["ts"]))
    yield ForeignTalk(
        items=list(_items(ordered, names)),
        title=str(about.get("channel") or about.get("name") or ""),
        id=str(about.get("id") or about.get("channel_id") or ""),
    )


def _names(users: Iterable[Any], messages: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return people's names by their ids: the name that they chose to show, else their own."""
    names: dict[str, str] = {}
    for one in messages:
        if isinstance(one.get("user_profile"), Mapping) and (name := _name(one["user_profile"])):
            names[str(one.get("user"))] = name
    for one in users:
        if isinstance(one, Mapping) and (name := _name(one.get("profile")) or _name(one)):
            names[str(one.get("id"))] = name
    return names


def _name(profile: Any) -> str:
    if not isinstance(profile, Mapping):
        return ""
    return next((str(profile[key]) for key in ("display_name", "real_name", "name") if profile.get(key)), "")


def _items(messages: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> Iterator[Item]:
    began = {one["ts"]: (_speaker(one, names), iso(one["ts"])) for one in messages}
    for one in messages:
        time, speaker = iso(one["ts"]), _speaker(one, names)
        thread = one["thread_ts"] if _TS.fullmatch(str(one.get("thread_ts"))) else None
        text = _text(one, names)
        if not text:
            continue
        if thread and thread != one["ts"]:
            who, when = began.get(thread, ("", iso(thread)))
            text = f"(in reply to {who + ', ' if who else ''}{clock(when)}) {text}"
        session = f"thread {thread}" if thread else (time or "")[:10] or None
        yield said("user", stamped(text, time), speaker=speaker, time=time, session=session)


def _speaker(one: Mapping[str, Any], names: Mapping[str, str]) -> str:
    user, bot = one.get("user"), one.get("bot_profile")
    known = names.get(str(user)) if user else None
    of_bot = one.get("username") or (bot.get("name") if isinstance(bot, Mapping) else None)
    return str(known or of_bot or user or one.get("bot_id") or "Slack")


def _text(one: Mapping[str, Any], names: Mapping[str, str]) -> str:
    text = str(one.get("text") or "")
    found = [_plain(text, names) if text else _plain(_words(one.get("blocks")), names)]
    for attachment in _mappings(one.get("attachments")):
        words = _plain(_words(attachment), names)
        found.append("" if words in found[0] else words)
    for file in _mappings(one.get("files")):
        found.append(f"[file: {file.get('name') or file.get('title') or file.get('id')}]")
    reactions = [f":{r.get('name')}: {_people(r, names)}" for r in _mappings(one.get("reactions"))]
    found += [f"[reactions: {', '.join(reactions)}]"] if reactions else []
    found += ["[edited]"] if one.get("edited") else []
    return "\n".join(words for words in found if words).strip()


def _people(reaction: Mapping[str, Any], names: Mapping[str, str]) -> str:
    users = reaction.get("users")
    return " ".join(names.get(str(one), str(one)) for one in users) if isinstance(users, list) else ""


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    yield from (one for one in value if isinstance(one, Mapping)) if isinstance(value, list) else ()


def _words(value: Any) -> str:
    """Return the words of blocks and attachments, each once."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return _lines(_words(one) for one in value)
    if not isinstance(value, Mapping):
        return ""
    if value.get("type") == "user":
        return f"<@{value.get('user_id')}>"
    if value.get("type") == "emoji":
        return f":{value.get('name')}:"
    parts = _lines(_words(value[key]) for key in WORDS if key in value)
    return parts.replace("\n", "") if value.get("type") == "rich_text_section" else parts


def _lines(texts: Iterable[str]) -> str:
    return "\n".join(dict.fromkeys(text for text in texts if text))


def _plain(text: str, names: Mapping[str, str]) -> str:
    """Return a text with names in place of ids, and without Slack's own markup.

    Example:
        >>> _plain("<@U1> see <https://a.org|this> in <#C2|plans> &amp; answer <!here>", {"U1": "Ana"})
        '@Ana see this (https://a.org) in #plans & answer @here'
    """

    def shown(found: re.Match[str]) -> str:
        sign, target, label = found.groups()
        match sign:
            case "@":
                return f"@{names.get(target) or label or target}"
            case "#":
                return f"#{label or target}"
            case "!":
                return label or f"@{target}"
        return f"{label} ({target})" if label and label != target else target

    return unescape(_MARK.sub(shown, text)).strip()


def _unfold(folder: ExportFolder) -> Iterator[Any]:
    """Yield each channel with all its days and the names of people."""
    days: dict[str, list[str]] = {}
    for name in folder.names:
        path = PurePosixPath(name)
        if _DAY.fullmatch(path.name) and path.parent.name:
            days.setdefault(str(path.parent), []).append(name)
    roots = {str(PurePosixPath(channel).parent) for channel in days}
    if not days or not any(_beside(folder, root, "users.json") for root in roots):
        return
    users = [one for root in roots for one in _listed(folder, _beside(folder, root, "users.json"))]
    names = _names(users, ())
    about: dict[str, Mapping[str, Any]] = {}
    for name in (_beside(folder, root, one) for root in roots for one in LISTS):
        for one in _listed(folder, name):
            about |= {str(one.get("name") or one.get("id")): one, str(one.get("id")): one}
    for channel, files in sorted(days.items()):
        called = PurePosixPath(channel).name
        known = about.get(called, {})
        members = [names.get(str(one), str(one)) for one in known.get("members") or ()]
        title = called if known.get("name") or not members else ", ".join(members)
        messages = [one for name in sorted(files) for one in _listed(folder, name) if _is_message(one)]
        if messages:
            yield {"channel": title, "id": known.get("id"), "users": users, "messages": messages}


def _beside(folder: ExportFolder, root: str, name: str) -> str:
    path = name if root == "." else f"{root}/{name}"
    return path if path in folder.names else ""


def _listed(folder: ExportFolder, name: str) -> Sequence[Mapping[str, Any]]:
    value = folder.json(name) if name else None
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


FORM = ForeignForm(name="Slack export", recognise=_recognise, read=_read, unfold=_unfold)
