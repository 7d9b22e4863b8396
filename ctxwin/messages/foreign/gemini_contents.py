"""Reads Google's `contents`: requests to Gemini with its answers, and chat histories.

Names are in camel case in REST and with underscores in Python's SDK; both are read. [ai.google.dev, Content and Part]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .content_blocks import contents as parts_of
from .content_blocks import field_of, file, shown
from .form import ForeignForm, ForeignTalk
from .script import Script
from .speech import Said, SaidCall, SaidResult, Thought, object_of, rows_of, text, word

__all__ = ["FORM", "PARTS", "part_pieces", "take_contents"]

PARTS = frozenset(
    {"text", "inlineData", "inline_data", "fileData", "file_data", "functionCall", "function_call", "functionResponse",
     "function_response", "executableCode", "executable_code", "codeExecutionResult", "code_execution_result",
     "toolCall", "tool_call", "toolResponse", "tool_response"}
)  # fmt: skip
"""Keys of which each part has one."""
ROLES: Mapping[str, str] = {
    "user": "user",
    "function": "user",
    "tool": "user",
    "model": "assistant",
    "system": "system",
}
CODE = "code_execution"
"""Name for the calls of Google's own interpreter."""


def _recognise(value: Any) -> bool:
    return bool(_contents(value))


def _contents(value: Any) -> Sequence[Mapping[str, Any]]:
    """Return the contents of a request, a request with its answer, a saved history, or a bare list."""
    if isinstance(value, Mapping):
        if isinstance(value.get("request"), Mapping):
            return [*_contents(value["request"]), *_answer(value.get("response"))]
        inner = field_of(value, "contents", "history")
        if isinstance(inner, str) and inner and "model" in value:
            return [{"role": "user", "parts": [{"text": inner}]}]
        found = _contents([inner] if isinstance(inner, Mapping) else inner)
        return found or _answer(value)
    if not isinstance(value, list | tuple) or not value or not all(_is_content(row) for row in value):
        return ()
    return value


def _answer(value: Any) -> Sequence[Mapping[str, Any]]:
    """Return the answer: the content of the first candidate."""
    first = next(iter(rows_of(object_of(value).get("candidates"))), {})
    inner = object_of(first.get("content"))
    return [inner] if _is_content(inner) else ()


def _is_content(row: Any) -> bool:
    if not isinstance(row, Mapping) or row.get("role", "user") not in (*ROLES, None) or "content" in row:
        return False
    parts = row.get("parts")
    parts = [parts] if isinstance(parts, str | Mapping) else parts
    if not isinstance(parts, list | tuple) or not parts or not all(_is_part(part) for part in parts):
        return False
    return "role" in row or all(isinstance(part, Mapping) for part in parts)  # lists of words are many things


def _is_part(part: Any) -> bool:
    if isinstance(part, str):
        return True
    return isinstance(part, Mapping) and "type" not in part and "kind" not in part and bool(part.keys() & PARTS)


def take_contents(script: Script, contents: Sequence[Mapping[str, Any]]) -> None:
    """Take contents; pieces of one streamed answer, which the SDK keeps apart, become one message."""
    for row in _joined(contents):
        role = ROLES.get(row.get("role") or "user", "user")
        said = [piece for part in row["parts"] for piece in part_pieces(part)]
        script.take(role, _glued(said) if role == "assistant" else said)


def _joined(contents: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    before: dict[str, Any] | None = None
    for row in contents:
        parts = row.get("parts") or ()
        own = [parts] if isinstance(parts, str | Mapping) else list(parts)
        if before is not None and before["role"] == row.get("role") == "model":
            before["parts"] += own
            continue
        if before is not None:
            yield before
        before = {"role": row.get("role"), "parts": own}
    if before is not None:
        yield before


def _glued(pieces: Sequence[Said]) -> list[Said]:
    """Return pieces with consecutive texts and thoughts joined, since Google streams them in pieces."""
    found: list[Said] = []
    for piece in pieces:
        before = found[-1] if found else None
        if isinstance(piece, Thought) and isinstance(before, Thought):
            found[-1] = Thought(before.text + piece.text)
        elif _is_text(piece) and _is_text(before):
            found[-1] = text(before["text"] + piece["text"])  # type: ignore[index]  # both are mappings
        else:
            found.append(piece)
    return found


def _is_text(piece: Any) -> bool:
    return isinstance(piece, Mapping) and piece["type"] == "text"


def part_pieces(part: Any) -> Iterator[Said]:
    """Yield the pieces of a part."""
    if not isinstance(part, Mapping):
        yield text(str(part))
        return
    if isinstance(words := part.get("text"), str) and words:
        yield Thought(words) if part.get("thought") is True else text(words)
    for names in (("inlineData", "inline_data"), ("fileData", "file_data")):
        if isinstance(data := field_of(part, *names), Mapping):
            given = field_of(data, "data", "fileUri", "file_uri")
            name = field_of(data, "displayName", "display_name")
            yield file(given, name=name, mime=field_of(data, "mimeType", "mime_type"))
    yield from _called(part)


def _called(part: Mapping[str, Any]) -> Iterator[Said]:
    for names in (("functionCall", "function_call"), ("toolCall", "tool_call")):
        if isinstance(call := field_of(part, *names), Mapping):
            name = word(call, "name", "toolType", "tool_type")
            yield SaidCall(name=name, arguments=field_of(call, "args", "parameters"), id=call.get("id"))
    for names in (("functionResponse", "function_response"), ("toolResponse", "tool_response")):
        if isinstance(answer := field_of(part, *names), Mapping):
            name = field_of(answer, "name", "toolType", "tool_type")
            yield SaidResult(id=answer.get("id"), name=name, content=list(_given_back(answer)))
    if isinstance(code := field_of(part, "executableCode", "executable_code"), Mapping):
        yield SaidCall(name=CODE, arguments={"code": word(code, "code")})
    if isinstance(done := field_of(part, "codeExecutionResult", "code_execution_result"), Mapping):
        words = done.get("output") or f"[{done.get('outcome') or 'done'}]"
        yield SaidResult(name=CODE, content=[text(str(words))])


def _given_back(answer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    response = answer.get("response")
    if isinstance(response, Mapping) and len(response) == 1:
        response = next(iter(response.values()))  # {"result": ...}, {"output": ...} or {"error": ...}
    yield from [text(shown(response))] if not isinstance(response, str) else parts_of(response)
    for part in answer.get("parts") or ():
        yield from (piece for piece in part_pieces(part) if isinstance(piece, Mapping))


def _read(value: Any) -> Iterator[ForeignTalk]:
    script = Script()
    body = object_of(object_of(value).get("request")) or object_of(value)
    names = ("systemInstruction", "system_instruction")
    system = field_of(body, *names) or field_of(object_of(body.get("config")), *names)
    if system:
        parts = system.get("parts", [system]) if isinstance(system, Mapping) else system
        told = parts if isinstance(parts, list | tuple) else [parts]
        script.take("system", [piece for part in told for piece in part_pieces(part)])
    take_contents(script, _contents(value))
    yield ForeignTalk(items=script.items())


FORM = ForeignForm(name="Gemini contents", recognise=_recognise, read=_read)
