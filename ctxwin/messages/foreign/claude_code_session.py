"""Reads sessions of Claude Code: files under `~/.claude/projects`, and the JSON that `claude -p` streams.

A session is a tree of lines: going back to an earlier message opens a branch, and compacting opens a new root, which
names the line that it replaces. Each block of an answer, such as a call or a thought, has a line of its own with the
message's id; the results of parallel calls hang on a side of the tree. [as observed in version 2.1 and before by
github.com/microsoft/amplifier, ai_working/claude_code_logging]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .content_blocks import pieces, shown
from .form import ForeignForm, ForeignTalk
from .script import Script
from .speech import object_of, rows_of, stamp, text, word

__all__ = ["FORM"]

Row = Mapping[str, Any]

SPEAKERS = frozenset({"user", "assistant"})
ATTACHED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "queued_command": (("prompt",),),
    "file": (("content", "file", "content"), ("content", "content"), ("content",)),
    "directory": (("content",),),
    "edited_text_file": (("snippet",),),
    "nested_memory": (("content", "content"), ("content",)),
    "hook_additional_context": (("content",),),
}
"""Attachments with text that the model was shown, and the possible keys of the text."""
TITLES = (("custom-title", "customTitle"), ("ai-title", "aiTitle"), ("summary", "summary"))
"""Lines that name a session, the most reliable first."""


def _recognise(value: Any) -> bool:
    rows = rows_of(value)
    typed = bool(rows) and all(isinstance(row.get("type"), str) and "payload" not in row for row in rows)
    spoken = [row for row in rows if word(row, "type") in SPEAKERS] if typed else []
    return bool(spoken) and all(_is_spoken(row) for row in spoken)


def _is_spoken(row: Row) -> bool:
    message = object_of(row.get("message"))
    return word(message, "role") in SPEAKERS and "content" in message


def _read(value: Any) -> Iterator[ForeignTalk]:
    rows = _once(rows_of(value))
    script = Script()
    if place := _place(rows):
        script.take("system", [text(place)])
    queued = _queued(rows)
    for row in _branch(rows):
        _take(script, row, queued)
    titles = [[str(row[key]) for row in rows if row["type"] == kind and row.get(key)] for kind, key in TITLES]
    title = next((found[-1] for found in titles if found), "")
    yield ForeignTalk(items=script.items(), title=title, id=_first(rows, "sessionId", "session_id"))


def _once(rows: Sequence[Row]) -> list[Row]:
    """Return the lines without the copies in a resumed session."""
    seen: set[str] = set()
    found = []
    for row in rows:
        if isinstance(row.get("uuid"), str):
            if row["uuid"] in seen:
                continue
            seen.add(row["uuid"])
        found.append(row)
    return found


def _place(rows: Sequence[Row]) -> str:
    """Return the folder and branch in which the session ran; each line repeats them."""
    told = (("Working directory", _first(rows, "cwd")), ("Git branch", _first(rows, "gitBranch")))
    return "\n".join(f"{name}: {value}" for name, value in told if value)


def _first(rows: Sequence[Row], *keys: str) -> str:
    return next((row[key] for row in rows for key in keys if isinstance(row.get(key), str) and row[key]), "")


def _branch(rows: Sequence[Row]) -> list[Row]:
    """Return the lines of the newest branch, in the order of the file."""
    main = [row for row in rows if not _aside(row)] if any(_talks(row) and not _aside(row) for row in rows) else rows
    parents = _parents(main)
    leaf = next((row.get("uuid") for row in reversed(main) if _talks(row)), None)
    line: set[str] = set()
    while isinstance(leaf, str) and leaf not in line:
        line.add(leaf)
        leaf = parents.get(leaf)
    on = [row for row in main if not word(row, "uuid") or row["uuid"] in line]
    messages = {_message_id(row) for row in on} - {None}
    calls = {call for row in main if _is_of(row, messages) for call in _ids(row, "id")}
    calls |= {call for row in on for call in _ids(row, "id")}
    there = {id(row) for row in on}
    return [row for row in main if id(row) in there or _is_of(row, messages) or calls & _ids(row, "tool_use_id")]


def _aside(row: Row) -> bool:
    """Tell whether a line comes from a subagent."""
    return row.get("isSidechain") is True or isinstance(row.get("parent_tool_use_id"), str)


def _talks(row: Row) -> bool:
    return _is_spoken(row) or (row["type"] == "attachment" and bool(_attached(row)))


def _parents(rows: Sequence[Row]) -> dict[str, str | None]:
    """Return the parent line of each line; a line with a parent outside the file follows its predecessor there."""
    known = {row["uuid"] for row in rows if isinstance(row.get("uuid"), str)}
    found: dict[str, str | None] = {}
    before: str | None = None
    for row in rows:
        if not isinstance(own := row.get("uuid"), str):
            continue
        compact = row.get("subtype") == "compact_boundary"
        parent = word(row, "logicalParentUuid" if compact else "parentUuid")
        root = "parentUuid" in row and row["parentUuid"] is None and not compact
        found[own] = parent if parent in known and parent != own else None if root else before
        before = own
    return found


def _is_of(row: Row, messages: set[str | None]) -> bool:
    return _message_id(row) in messages


def _message_id(row: Row) -> str | None:
    """Return the id of an answer that a line may be a part of."""
    found = row["message"].get("id") if _is_spoken(row) and row["message"]["role"] == "assistant" else None
    return found if isinstance(found, str) else None


def _ids(row: Row, key: str) -> set[str]:
    content = row["message"]["content"] if _is_spoken(row) else None
    blocks = content if isinstance(content, list) else []
    return {block[key] for block in blocks if isinstance(block, Mapping) and isinstance(block.get(key), str)}


def _queued(rows: Sequence[Row]) -> list[str]:
    """Return the text that was typed while the model worked, and that no other line has."""
    told = {_plain(row["message"]["content"]) for row in rows if _is_spoken(row)}
    told |= {_plain(_attached(row)) for row in rows if row["type"] == "attachment"}
    told |= {_plain(row.get("content")) for row in rows if row.get("operation") == "popAll"}  # back in the editor
    return [words for row in rows if _is_queued(row) and (words := _plain(row["content"])) and words not in told]


def _is_queued(row: Row) -> bool:
    return row["type"] == "queue-operation" and row.get("operation") == "enqueue" and "content" in row


def _plain(content: Any) -> str:
    if isinstance(content, list):
        content = "\n".join(word(one, "text") for one in content if isinstance(one, Mapping))
    return str(content or "").strip()


def _take(script: Script, row: Row, queued: Sequence[str]) -> None:
    time = stamp(row.get("timestamp"))
    session = row.get("sessionId") if isinstance(row.get("sessionId"), str) else None
    kind = row["type"]
    if _is_spoken(row):
        said = list(pieces(row["message"]["content"]))
        script.take(row["message"]["role"], said, time=time, session=session, key=_message_id(row))
    elif kind == "attachment":
        script.take("user", list(pieces(_attached(row))), time=time, session=session)
    elif _is_queued(row) and _plain(row["content"]) in queued:
        script.take("user", list(pieces(row["content"])), time=time, session=session)
    elif kind == "system" and row.get("subtype") == "local_command":
        script.take("user", list(pieces(row.get("content"))), time=time, session=session)


def _attached(row: Row) -> Any:
    """Return the text of an attachment that the model was shown, under the name of its file."""
    inner = row.get("attachment")
    if not isinstance(inner, Mapping):
        return ""
    for path in ATTACHED.get(word(inner, "type"), ()):
        found: Any = inner
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        if found:
            name = inner.get("filename") or inner.get("path")
            words = found if isinstance(found, str | list) else shown(found)
            return f"[{name}]\n{words}" if name and isinstance(words, str) else words
    return ""


FORM = ForeignForm(name="Claude Code session", recognise=_recognise, read=_read)
