"""Puts the parts of a foreign conversation into an order that a provider takes.

Forms add texts, calls and results in the order in which they keep them. The result is OpenAI chat messages in which
results follow each call, each id is used once, and pictures stand where they may.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...items import Item
from ..dialects.fields import as_json
from .form import said
from .speech import Said, SaidCall, SaidResult, Thought, text
from .wording import LONGEST

__all__ = ["NO_RESULT", "Script"]

NO_RESULT = "[no result]"
"""Stands for the result of an interrupted call."""
ROLES = frozenset({"system", "developer", "user", "assistant"})
"""Possible roles; any other counts as a user."""
NAMELESS = "tool"
"""Name for a function without a name."""

_NOT_IN_FUNCTIONS = re.compile(r"[^a-zA-Z0-9_-]")
"""Characters that the name of a function may not have [OpenAI, Chat completions, `tools`]."""


@dataclass(slots=True, kw_only=True)
class _Asked:
    id: str
    call: SaidCall
    turn: _ScriptTurn
    answer: list[Mapping[str, Any]] | None = None
    time: str | None = None


@dataclass(slots=True, kw_only=True)
class _ScriptTurn:
    role: str
    key: str | None
    about: dict[str, Any]
    """Time, speaker and session."""
    parts: list[Mapping[str, Any]] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    """The texts among the parts."""
    thoughts: dict[str, None] = field(default_factory=dict)
    asked: list[_Asked] = field(default_factory=list)
    by_id: dict[str, _Asked] = field(default_factory=dict)
    waiting: dict[str | None, deque[_Asked]] = field(default_factory=dict)
    """Calls that may have no result yet, by name, and all of them under None."""
    answered: bool = False
    """Whether one of its calls has a result."""
    answers: str | None = None
    """The call that a tool's message answers, if the call is in another part of the conversation."""

    @property
    def streamed(self) -> bool:
        """Whether the form gives the message a key and may add to it more than once."""
        return bool(self.key) and not str(self.key).startswith(" ")


class Script:
    """Collects the parts of a conversation and puts them into order.

    Args:
        whole: whether the conversation is complete; otherwise calls may be answered before or after it.

    Example:
        >>> script = Script()
        >>> script.take("assistant", [SaidCall(name="add", arguments={"a": 1}, id="c1")])
        >>> script.take("tool", [SaidResult(id="c1", content=[text("2")])])
        >>> [item.raw["role"] for item in script.items()]
        ['assistant', 'tool']
    """

    def __init__(self, *, whole: bool = True) -> None:
        self._whole = whole
        self._turns: list[_ScriptTurn] = []
        self._calls: dict[str, _Asked] = {}
        self._asking: _ScriptTurn | None = None
        self._ids: set[str] = set()

    def take(
        self,
        role: str,
        pieces: Iterable[Said],
        *,
        speaker: str | None = None,
        time: str | None = None,
        session: str | None = None,
        key: str | None = None,
        joined: bool = False,
    ) -> None:
        """Take one message.

        Args:
            role: a role of OpenAI chat; for a message of results alone it does not matter.
            pieces: the pieces of the message, in order; pieces after a result form another message.
            speaker: the speaker.
            time: the time.
            session: the sitting.
            key: names the message if the form keeps it in several pieces.
            joined: whether thoughts, words and calls that come one by one form one message until a result comes.
        """
        about = {"speaker": speaker, "time": time, "session": session}
        key = key or ("" if joined else f" {len(self._turns)}")
        role = role if role in ROLES else "user"
        for piece in pieces:
            if isinstance(piece, SaidResult):
                self._answer(replace(piece, id=_id(piece.id), name=_id(piece.name)), about)
            else:
                piece = replace(piece, id=_id(piece.id)) if isinstance(piece, SaidCall) else piece
                self._add(self._turn(role, piece, key, about), piece)

    def _turn(self, role: str, piece: Said, key: str, about: dict[str, Any]) -> _ScriptTurn:
        last = self._turns[-1] if self._turns else None
        if last is not None and last.role == role and last.key == key and _continues(last, piece, key):
            return last
        self._turns.append(_ScriptTurn(role=role, key=key, about=about))
        return self._turns[-1]

    def _add(self, turn: _ScriptTurn, piece: Said) -> None:
        if isinstance(piece, Thought):
            if piece.text.strip():
                turn.thoughts[piece.text] = None
        elif isinstance(piece, SaidCall):
            self._ask(turn, piece)
        elif isinstance(piece, Mapping):
            _add_part(turn, piece)

    def _ask(self, turn: _ScriptTurn, call: SaidCall) -> None:
        if call.id is not None and call.id in turn.by_id:  # a stream writes a call again and again
            turn.by_id[call.id].call = call
            return
        asked = _Asked(id=self._free(call.id), call=call, turn=turn)
        turn.asked.append(asked)
        for name in (None, call.name):
            turn.waiting.setdefault(name, deque()).append(asked)
        self._asking = turn
        if call.id is not None:
            turn.by_id[call.id] = self._calls[call.id] = asked

    def _free(self, wanted: str | None) -> str:
        if not self._whole and wanted:
            return wanted
        number = len(self._ids)
        if not wanted or len(wanted) > LONGEST:
            wanted = f"call_{number}"
        found = wanted
        while found in self._ids:
            number += 1
            found = f"{wanted[: LONGEST // 2]}_{number}"
        self._ids.add(found)
        return found

    def _answer(self, result: SaidResult, about: dict[str, Any]) -> None:
        asked = self._asked_by(result)
        if asked is None:
            self._turns.append(self._stray(result, about))
        elif asked.answer is None:
            asked.answer, asked.time = list(result.content), about["time"]
            asked.turn.answered = True
        elif asked.answer != list(result.content):
            asked.answer += result.content

    def _asked_by(self, result: SaidResult) -> _Asked | None:
        if result.id is not None and result.id in self._calls:
            return self._calls[result.id]
        waiting = self._asking.waiting.get(result.name) if self._asking is not None else None
        while waiting and waiting[0].answer is not None:
            waiting.popleft()
        if waiting and (result.id is None or waiting[0].call.id is None):
            return waiting[0]
        return None

    def _stray(self, result: SaidResult, about: dict[str, Any]) -> _ScriptTurn:
        if not self._whole and result.id:
            return _ScriptTurn(role="tool", key=None, about=about, parts=list(result.content), answers=result.id)
        heading = text(_heading(result.name))
        return _ScriptTurn(role="user", key=None, about=about, parts=[heading, *result.content])

    def items(self) -> list[Item]:
        """Return the messages, oldest first."""
        turns = _with_thoughts(self._turns)
        return [item for index, turn in enumerate(turns) for item in self._written(turn, index == len(turns) - 1)]

    def _written(self, turn: _ScriptTurn, last: bool) -> Iterable[Item]:
        if turn.answers is not None:
            yield said("tool", _words(turn.parts), **_quiet(turn.about), tool_call_id=turn.answers)
            return
        if turn.role == "assistant":
            yield from _assistant(turn)
        elif turn.role == "user":
            calls = [text(f"[{one.call.name}({_arguments(one.call.arguments)})]") for one in turn.asked]
            yield from _spoken(turn.role, [*turn.parts, *calls], turn.about)
        else:
            yield from _spoken(turn.role, [text(_words(turn.parts))], turn.about)
        yield from self._answers(turn, last)

    def _answers(self, turn: _ScriptTurn, last: bool) -> Iterable[Item]:
        shown = [part for one in turn.asked for part in one.answer or () if part["type"] != "text"]
        open_end = not self._whole or (last and not shown)
        for one in turn.asked:
            if one.answer is None and open_end:
                continue
            about = {**_quiet(turn.about), "time": one.time or turn.about["time"]}
            words = NO_RESULT if one.answer is None else _words(one.answer)
            if turn.role == "assistant":
                yield said("tool", words, **about, tool_call_id=one.id)
            elif one.answer is not None:
                yield said("user", f"{_heading(one.call.name)}\n{words}", **turn.about)
        yield from _spoken("user", shown, _quiet(turn.about))  # a tool message may have nothing but text


def _id(found: Any) -> str | None:
    """Return an id as text, since some forms use numbers."""
    return str(found) if isinstance(found, str | int) and found != "" else None


def _continues(last: _ScriptTurn, piece: Said, key: str) -> bool:
    """Tell whether a piece belongs to the message before it."""
    if isinstance(piece, SaidCall):
        return bool(key) or not last.answered
    return not last.answered if key else not (last.parts or last.asked)


def _add_part(turn: _ScriptTurn, part: Mapping[str, Any]) -> None:
    """Add a content part once; in a stream it replaces its own shorter beginning."""
    if part["type"] != "text":
        turn.parts.append(part)
        return
    words = part["text"]
    if not words.strip() or (turn.streamed and words in turn.told):
        return
    last = turn.parts[-1] if turn.parts and turn.streamed else None
    if last is not None and last["type"] == "text" and words.startswith(last["text"]):
        turn.parts.pop()
    turn.parts.append(part)
    turn.told.add(words)


def _with_thoughts(turns: Iterable[_ScriptTurn]) -> list[_ScriptTurn]:
    """Return turns with each thought joined to the next words; a thought without words becomes words."""
    found: list[_ScriptTurn] = []
    for turn in turns:
        before = found[-1] if found else None
        if before is not None and before.role == turn.role == "assistant" and not (before.parts or before.asked):
            before.thoughts |= turn.thoughts
            found[-1] = replace(turn, thoughts=before.thoughts)
        else:
            found.append(replace(turn, thoughts=dict(turn.thoughts)))
    return found


def _assistant(turn: _ScriptTurn) -> Iterable[Item]:
    words, thoughts = _words(turn.parts), "\n\n".join(turn.thoughts)
    if not words and not turn.asked:
        words, thoughts = thoughts, ""
    if words or turn.asked:
        yield said(
            "assistant",
            words or None,
            **turn.about,
            reasoning_content=thoughts or None,
            tool_calls=[_written_call(one) for one in turn.asked] or None,
        )


def _spoken(role: str, parts: Sequence[Mapping[str, Any]], about: dict[str, Any]) -> Iterable[Item]:
    if any(part["type"] != "text" for part in parts):
        yield said(role, list(parts), **about)
    elif words := _words(parts):
        yield said(role, words, **about)


def _written_call(one: _Asked) -> dict[str, Any]:
    name = _NOT_IN_FUNCTIONS.sub("_", one.call.name)[:LONGEST] or NAMELESS
    if one.call.custom:
        return {"id": one.id, "type": "custom", "custom": {"name": name, "input": str(one.call.arguments or "")}}
    function = {"name": name, "arguments": _arguments(one.call.arguments)}
    return {"id": one.id, "type": "function", "function": function}


def _arguments(value: Any) -> str:
    """Return arguments as the JSON of an object."""
    if isinstance(value, str):
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            return value
        return as_json({"input": value}) if value.strip() else "{}"
    if value is None:
        return "{}"
    return as_json(value if isinstance(value, Mapping) else {"input": value})


def _words(parts: Iterable[Mapping[str, Any]]) -> str:
    """Return the text of content parts, with a mark for each part that is no text."""
    return "\n\n".join(part["text"] if part["type"] == "text" else _mark(part) for part in parts)


def _mark(part: Mapping[str, Any]) -> str:
    name = part["file"].get("filename") if part["type"] == "file" else None
    return f"[{part['type'].removesuffix('_url').removeprefix('input_')}{f': {name}' if name else ''}]"


def _heading(name: str | None) -> str:
    return f"[result of {name}]" if name else "[result]"


def _quiet(about: dict[str, Any]) -> dict[str, Any]:
    return {**about, "speaker": None}
