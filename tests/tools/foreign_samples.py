"""Exports as chat programs write them, made here after the public descriptions of their forms."""

import json
import zipfile

NOON = 1715515200.25
"""2024-05-12 12:00:00 UTC."""


def chatgpt_node(name, parent, children, role="user", content=None, *, at=0, **more):
    if isinstance(content, str):
        content = {"content_type": "text", "parts": [content]}
    message = None
    if content is not None:
        message = {
            "id": name,
            "author": {"role": role, "name": more.pop("author", None), "metadata": {}},
            "create_time": NOON + at,
            "update_time": None,
            "content": content,
            "status": "finished_successfully",
            "end_turn": True,
            "weight": 1.0,
            "metadata": more.pop("metadata", {}),
            "recipient": more.pop("recipient", "all"),
            "channel": None,
        }
    return {"id": name, "message": message, "parent": parent, "children": children}


def chatgpt(nodes, *, title="Trip to Bergen", current=None, name="c-1"):
    """Return a conversation of `conversations.json` from nodes."""
    return {
        "title": title,
        "create_time": NOON,
        "update_time": NOON + 60,
        "mapping": {one["id"]: one for one in nodes},
        "moderation_results": [],
        "current_node": current,
        "plugin_ids": None,
        "conversation_id": name,
        "conversation_template_id": None,
        "gizmo_id": None,
        "is_archived": False,
        "default_model_slug": "gpt-5",
        "id": name,
    }


def chatgpt_line(*turns, **about):
    """Return a conversation without branches from (role, content) or (role, content, further fields)."""
    names = [f"n{at}" for at in range(len(turns))]
    nodes = [chatgpt_node("root", None, names[:1])]
    for at, (role, content, *more) in enumerate(turns):
        fields = more[0] if more else {}
        parent = names[at - 1] if at else "root"
        nodes.append(chatgpt_node(names[at], parent, names[at + 1 : at + 2], role, content, at=at, **fields))
    return chatgpt(nodes, current=names[-1], **about)


def claude_message(name, parent, sender, text, *, blocks=None, at="12:00:00", **more):
    block = {"start_timestamp": None, "stop_timestamp": None, "type": "text", "text": text, "citations": []}
    return {
        "uuid": name,
        "text": text,
        "content": [block] if blocks is None else blocks,
        "sender": sender,
        "created_at": f"2024-05-12T{at}.000000Z",
        "updated_at": f"2024-05-12T{at}.000000Z",
        "attachments": [],
        "files": [],
        "parent_message_uuid": parent,
        **more,
    }


def claude(*messages, title="Trip to Bergen", name="u-1"):
    return {
        "uuid": name,
        "name": title,
        "summary": "",
        "created_at": "2024-05-12T12:00:00.000000Z",
        "updated_at": "2024-05-12T12:00:00.000000Z",
        "account": {"uuid": "a"},
        "chat_messages": list(messages),
    }


def slack_export(folder):
    """Write a Slack export into a folder."""
    write = {
        "users.json": [
            {"id": "U1", "team_id": "T1", "name": "ana", "profile": {"real_name": "Ana Li", "display_name": "Ana"}},
            {"id": "U2", "team_id": "T1", "name": "ben", "real_name": "Ben Wolf", "profile": {"display_name": ""}},
        ],
        "channels.json": [{"id": "C1", "name": "plans", "created": 1, "creator": "U1", "members": ["U1", "U2"]}],
        "dms.json": [{"id": "D9", "created": 1, "members": ["U1", "U2"]}],
        "plans/2024-05-12.json": [
            {"user": "U1", "type": "message", "ts": "1715515200.000100", "text": "<@U2> ferry at 9 &amp; bus"},
            {
                "type": "message",
                "subtype": "bot_message",
                "ts": "1715515260.000200",
                "username": "tides",
                "bot_id": "B1",
                "text": "",
                "attachments": [{"title": "High tide", "text": "at 11:20", "fallback": "High tide at 11:20"}],
            },
        ],
        "plans/2024-05-13.json": [
            {
                "user": "U2",
                "type": "message",
                "ts": "1715601600.000300",
                "thread_ts": "1715515200.000100",
                "text": "see <https://a.org/t|timetable>",
                "files": [{"id": "F1", "name": "times.pdf"}],
                "edited": {"user": "U2", "ts": "1715601700.000000"},
                "reactions": [{"name": "wave", "users": ["U1"]}],
            },
            {
                "type": "message",
                "subtype": "channel_join",
                "ts": "1715601660.000000",
                "user": "U2",
                "text": "<@U2> has joined the channel",
            },
        ],
        "D9/2024-05-12.json": [{"user": "U1", "type": "message", "ts": "1715515300.000100", "text": "just us"}],
    }
    for name, rows in write.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(rows), encoding="utf-8")
    return folder


def telegram(**about):
    messages = [
        {
            "id": 1,
            "type": "service",
            "date": "2024-05-12T14:30:00",
            "actor": "Ana",
            "action": "create_group",
            "title": "Bergen",
            "members": ["Ana", "Ben"],
            "text": "",
        },
        {
            "id": 2,
            "type": "message",
            "date": "2024-05-12T14:33:10",
            "date_unixtime": "1715517190",
            "from": "Ana",
            "from_id": "user1",
            "text": ["see ", {"type": "text_link", "text": "times", "href": "https://a.org"}, "!"],
        },
        {
            "id": 3,
            "type": "message",
            "date": "2024-05-12T14:34:00",
            "from": "Ben",
            "from_id": "user2",
            "reply_to_message_id": 2,
            "photo": "photos/p1.jpg",
            "text": "ok",
        },
    ]
    return {"name": "Bergen", "type": "private_group", "id": 77, "messages": messages, **about}


def zipped(path, files):
    """Write a zip of texts by their names."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path
