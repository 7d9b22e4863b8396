"""Reads logs of inspect_ai: a whole log with its `samples`, one sample of an `.eval` file, or a list of its messages.

[inspect.aisi.org.uk, inspect_ai.log EvalSample and inspect_ai.model ChatMessage]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .content_blocks import contents, field_of, pieces
from .form import ForeignForm, ForeignTalk
from .script import Script
from .speech import Said, SaidCall, SaidResult, object_of, rows_of, text, word

__all__ = ["FORM"]

Row = Mapping[str, Any]

ROLES = frozenset({"system", "user", "assistant", "tool"})
KEPT = "attachment://"
"""Prefix of a string that refers to a sample's attachments, where the text is kept once."""


def _recognise(value: Any) -> bool:
    if isinstance(value, Mapping):
        samples = _samples(value)
        known = all({"id", "epoch", "input"} <= sample.keys() for sample in samples)
        return known and any(_messages(sample) for sample in samples)
    rows = rows_of(value)
    told = next((own for row in rows if len(row) > 2 and (own := _is_own(row)) is not None), False)
    return told and all(word(row, "role") in ROLES for row in rows)


def _samples(value: Row) -> Sequence[Row]:
    if isinstance(value.get("eval"), Mapping):
        return rows_of(value.get("samples"))
    return [value]


def _messages(sample: Row) -> list[Row]:
    """Return the messages of a sample; its input and output if the messages are not kept."""
    if found := rows_of(sample.get("messages")):
        return list(found)
    given = sample.get("input")
    asked = [{"role": "user", "content": given}] if isinstance(given, str) and given else list(rows_of(given))
    output = sample.get("output")
    choices = rows_of(output.get("choices")) if isinstance(output, Mapping) else ()
    return [*asked, *[choice["message"] for choice in choices[:1] if isinstance(choice.get("message"), Mapping)]]


def _is_own(row: Row) -> bool | None:
    """Tell whether a message is inspect's; None if the message does not show it."""
    if row.get("source") in ("input", "generate"):
        return True
    calls = rows_of(row.get("tool_calls"))
    return any(isinstance(call.get("function"), str) for call in calls) if calls else None


def _read(value: Any) -> Iterator[ForeignTalk]:
    if not isinstance(value, Mapping):
        yield ForeignTalk(items=_items(rows_of(value), {}))
        return
    samples = _samples(value)
    again = len({str(sample["id"]) for sample in samples}) < len(samples)
    for sample in samples:
        title = f"{sample['id']} (epoch {sample['epoch']})" if again else str(sample["id"])
        if items := _items(_messages(sample), object_of(sample.get("attachments"))):
            yield ForeignTalk(items=items, title=title, id=word(sample, "uuid"))


def _items(rows: Sequence[Row], kept: Row) -> Any:
    script = Script()
    for row in rows:
        whole = _whole(row, kept) if kept else row
        role = word(whole, "role")
        script.take("user" if role == "tool" else role, list(_pieces(whole, role)))
    return script.items()


def _whole(value: Any, kept: Row) -> Any:
    """Return a value with the attachments in place of the references to them."""
    if isinstance(value, str):
        return kept.get(value.removeprefix(KEPT), value) if value.startswith(KEPT) else value
    if isinstance(value, Mapping):
        return {key: _whole(inner, kept) for key, inner in value.items()}
    return [_whole(inner, kept) for inner in value] if isinstance(value, list) else value


def _pieces(row: Row, role: str) -> Iterator[Said]:
    if role == "tool":
        said = contents(row.get("content"))
        error = row.get("error")
        if isinstance(error, Mapping) and error.get("message") and not _tells(said, str(error["message"])):
            said.append(text(f"[{error.get('type') or 'error'}] {error['message']}"))
        name = field_of(row, "function", "name")
        yield SaidResult(id=row.get("tool_call_id"), name=name, content=said)
        return
    for block in row["content"] if isinstance(row.get("content"), list) else [row.get("content")]:
        hosted = object_of(block).get("type") == "tool_use" and "tool_type" in object_of(block)
        yield from _hosted(object_of(block)) if hosted else pieces(block)
    for call in rows_of(row.get("tool_calls")):
        yield _call(call)


def _call(call: Row) -> SaidCall:
    inner = call.get("function")
    if isinstance(inner, Mapping):
        return SaidCall(name=word(inner, "name"), arguments=inner.get("arguments"), id=call.get("id"))
    return SaidCall(name=str(inner or ""), arguments=call.get("arguments"), id=call.get("id"))


def _hosted(block: Row) -> Iterator[Said]:
    """Yield the call of a provider-run tool, and its result."""
    yield SaidCall(
        name=str(block.get("name") or block["tool_type"]), arguments=block.get("arguments"), id=block.get("id")
    )
    yield SaidResult(id=block.get("id"), content=contents(field_of(block, "error", "result")))


def _tells(said: Sequence[Row], words: str) -> bool:
    return any(words in str(part.get("text")) for part in said)


FORM = ForeignForm(name="inspect_ai log", recognise=_recognise, read=_read)
