"""Reads sessions of the Gemini CLI: `~/.gemini/tmp/<project>/chats/session-*.json`, and the later `.jsonl`.

A line of the later form is a message, the head of the session, or a change: `$set` of the head's fields, `$rewindTo` a
message. A message is written again when more of it is known.
[github.com/google-gemini/gemini-cli, packages/core/src/services/chatRecordingService.ts]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .content_blocks import shown
from .form import ForeignForm, ForeignTalk
from .gemini_contents import part_pieces
from .script import Script
from .speech import Said, SaidCall, SaidResult, Thought, rows_of, stamp, text, word

__all__ = ["FORM"]

Row = Mapping[str, Any]

ROLES: Mapping[str, str] = {"user": "user", "gemini": "assistant"}
"""Role of each type of message; the other types (`info`, `error`, `warning`) inform the user of the program."""


def _recognise(value: Any) -> bool:
    head, rows = _session(value)
    return "sessionId" in head and any(word(row, "type") in ROLES and "content" in row for row in rows)


def _session(value: Any) -> tuple[Row, Sequence[Row]]:
    """Return the head of a session, and its messages."""
    if isinstance(value, Mapping):
        return value, rows_of(value.get("messages"))
    rows = rows_of(value)
    if not rows or "sessionId" not in rows[0] or "type" in rows[0]:
        return {}, ()
    return rows[0], rows[1:]


def _messages(rows: Sequence[Row]) -> list[Row]:
    found: dict[str, Row] = {}
    for place, row in enumerate(rows):
        if "$rewindTo" in row:
            target = word(row, "$rewindTo")
            while target in found:
                found.popitem()
        elif isinstance(change := row.get("$set"), Mapping):
            if given := rows_of(change.get("messages")):
                found = {word(one, "id") or str(place): one for place, one in enumerate(given)}
        elif "type" in row:
            found[word(row, "id") or str(place)] = row
    return list(found.values())


def _read(value: Any) -> Iterator[ForeignTalk]:
    head, rows = _session(value)
    script = Script()
    for row in _messages(rows):
        if role := ROLES.get(word(row, "type")):
            script.take(role, list(_pieces(row)), time=stamp(row.get("timestamp")))
    yield ForeignTalk(items=script.items(), title=word(head, "summary"), id=str(head["sessionId"]))


def _pieces(row: Row) -> Iterator[Said]:
    for thought in rows_of(row.get("thoughts")):
        told = (str(thought.get(key) or "") for key in ("subject", "description"))
        yield Thought("\n".join(one for one in told if one))
    yield from _parts(row.get("content"))
    calls = rows_of(row.get("toolCalls"))
    for call in calls:
        yield SaidCall(name=word(call, "name"), arguments=call.get("args"), id=call.get("id"))
    for call in calls:
        content = [piece for piece in _given_back(call) if isinstance(piece, Mapping)]
        if content:
            yield SaidResult(id=call.get("id"), name=call.get("name"), content=content)


def _parts(content: Any) -> Iterator[Said]:
    for part in content if isinstance(content, list) else [content]:
        if part is not None:
            yield from part_pieces(part)


def _given_back(call: Row) -> Iterator[Said]:
    for piece in _parts(call.get("result")):
        if isinstance(piece, SaidResult):
            yield from piece.content
        else:
            yield piece
    if call.get("result") is None and call.get("resultDisplay"):
        yield text(shown(call["resultDisplay"]))


FORM = ForeignForm(name="Gemini CLI session", recognise=_recognise, read=_read)
