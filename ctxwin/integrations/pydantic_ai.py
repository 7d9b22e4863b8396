"""Packs the history of each request in Pydantic AI, as a capability.

    agent = Agent("openai:gpt-5-mini", capabilities=[PackHistory(budget=8_000)])

The capability shapes only the messages of a request, when its model is known, so the history that a run keeps and
`result.all_messages()` returns stays whole. A processor of `ProcessHistory` replaces this history; if you want that,
use `ProcessHistory(partial(pack_history, budget=8_000))`.

With `trigger`, a long history is compacted instead, without a question: what stands in it, and the recent turns.

    agent = Agent("openai:gpt-5-mini", capabilities=[PackHistory(trigger=20_000, budget=4_000)])
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from ..items import Budget, MediaKind
from ..packing import compact
from . import Raw, arguments_in, compaction_point, costs_of, counted_for, function, missing, repack
from .attaching import attached, rewritten

try:
    from pydantic_ai import RunContext
    from pydantic_ai.capabilities import AbstractCapability
    from pydantic_ai.messages import (
        ERROR_OUTCOMES,
        BinaryContent,
        FileUrl,
        InstructionPart,
        ModelMessage,
        ModelRequest,
        ModelResponse,
        TextContent,
        TextPart,
        ToolReturnPart,
        UploadedFile,
        UserPromptPart,
    )
    from pydantic_ai.models import ModelRequestContext
except ModuleNotFoundError as error:
    raise missing("pydantic-ai", error) from error

__all__ = ["PackHistory", "pack_history"]

SEALED = ("encrypted_content", "thought_signature", "signature")
"""Keys of a part's details with values that are sent back to the provider, which alone can read them."""
_KINDS: Mapping[str, MediaKind] = {"image": "image", "audio": "audio", "video": "video"}


def pack_history(
    messages: Sequence[ModelMessage],
    *,
    budget: int | Budget | None = None,
    trigger: int | str | None = None,
    **options: Any,
) -> list[ModelMessage]:
    """Return a history within a token budget, chosen by the question in its last user prompt, or compacted.

    Calls stay with their returns. System prompts, the last user prompt and the framework's own texts stay. The
    `instructions` of the last request that has any are counted, and stay on every request that is kept.

    Args:
        messages: oldest first.
        budget: tokens. Default: as in `ctxwin.pack`.
        trigger: the most tokens that the messages may have before they are compacted into the budget, without a
            question; messages that come after a compaction follow it as they are, until the trigger is reached again.
            None packs by the question.
        **options: options of `ctxwin.pack`, or with a trigger of `ctxwin.compact`.

    Returns:
        The same objects if they are kept whole, copies if parts are shortened or left out.

    Raises:
        BudgetError: the required messages do not fit.
        InputError: the budget is not below the trigger.

    Example:
        >>> talk = [ModelRequest.user_text_prompt(f"Locker {n} opens with {n * 7919 % 9000}.") for n in range(99)]
        >>> kept = pack_history([*talk, ModelRequest.user_text_prompt("What opens locker 37?")], budget=120)
        >>> talk[37] in kept, talk[98] in kept
        (True, False)
    """
    if "before" not in options:  # a model that is asked directly reads them from the history
        requests = (one for one in reversed(messages) if isinstance(one, ModelRequest))
        said = next((one.instructions for one in requests if one.instructions), None)
        options["before"] = [{"role": "system", "content": said}] if said else []
    options |= {"spread": _spread, "rebuild": _rebuild, "tell": _told, "budget": budget}
    if trigger is None:
        return repack(messages, **options)
    point = compaction_point(costs_of(map(_spread, messages), **options), trigger=trigger, budget=budget)
    return [*repack(messages[:point], by=compact, **options), *messages[point:]]


class PackHistory(AbstractCapability[Any]):
    """Packs the messages of each request of an agent.

    Instructions, tools and the answer's form are counted, by the rules of the request's model if the catalogue knows
    it; the model's window is then the default budget. Options are those of `pack_history`, `trigger` among them.
    """

    def __init__(self, budget: int | Budget | None = None, **options: Any) -> None:
        self._options = {"budget": budget, **options}

    async def prepare_model_request(
        self, ctx: RunContext[Any], request_context: ModelRequestContext
    ) -> ModelRequestContext:
        """Return the request with fewer messages; packing does not block the event loop."""
        asked = request_context.model_request_parameters
        said = InstructionPart.join(asked.instruction_parts or [])
        before = [{"role": "system", "content": said}] if said else []
        known = (*asked.function_tools, *asked.output_tools)
        tools = [function(tool.name, tool.description, tool.parameters_json_schema) for tool in known]
        if form := asked.output_object:
            tools.append(function(form.name or "", form.description, form.json_schema))
        options = {**counted_for(request_context.model.model_name), **self._options}
        messages = await asyncio.to_thread(
            pack_history, request_context.messages, before=before, tools=tools, **options
        )
        return replace(request_context, messages=messages)


def _told(note: Raw) -> ModelMessage:
    if note["role"] == "assistant":
        return ModelResponse(parts=[TextPart(note["content"])])
    return ModelRequest.user_text_prompt(note["content"])


def _spread(message: ModelMessage) -> list[Raw]:
    if isinstance(message, ModelRequest):
        return [_asked(part) for part in message.parts] or [{"role": "system", "content": ""}]
    calls = [
        {"id": part.tool_call_id, "type": "function", "function": {"name": part.tool_name, "arguments": _args(part)}}
        for part in message.parts
        if part.part_kind == "tool-call"
    ]
    beside = [block for part in message.parts for block in _beside(part)]
    raw: Raw = {"role": "assistant", "content": [*(_said(part) for part in message.parts), *beside]}
    return [{**raw, "tool_calls": calls} if calls else raw]


def _args(part: Any) -> str:
    return part.args if isinstance(part.args, str) else part.args_as_json_str()


def _asked(part: Any) -> Raw:
    """Write a part of a request; the framework's own texts count as the system's, so that they stay."""
    match part.part_kind:
        case "user-prompt":
            plain = isinstance(part.content, str)
            return {"role": "user", "content": part.content if plain else [_shown(one) for one in part.content]}
        case "tool-return":
            return {"role": "tool", "tool_call_id": part.tool_call_id, "content": list(_returned(part))}
        case "retry-prompt" if part.tool_name is not None:
            return {"role": "tool", "tool_call_id": part.tool_call_id, "content": part.model_response()}
        case "retry-prompt" | "retry-feedback":
            return {"role": "system", "content": part.model_response()}
        case "speech":
            return {"role": "user", "content": [_other(part.content)]}
        case _:
            return {"role": "system", "content": str(getattr(part, "content", None) or "")}


def _fixed(part: ToolReturnPart) -> bool:
    """Tell whether a return may not be shortened: a typed tool's has a shape, an error is wrapped when it is sent."""
    return part.tool_kind is not None or part.outcome in ERROR_OUTCOMES


def _returned(part: ToolReturnPart) -> Iterator[Raw]:
    text = part.model_response_str()
    yield {"type": "text", "text": "" if _fixed(part) else text}
    if _fixed(part):
        yield _other(text)
    yield from (_whole(_shown(file)) if _fixed(part) else _shown(file) for file in part.files)


def _said(part: Any) -> Raw:
    """Write a part of a response."""
    match part.part_kind:
        case "text":
            return {"type": "text", "text": part.content}
        case "file":
            return _whole(_shown(part.content))
        case "tool-call":
            return {"type": "text", "text": ""}
        case "builtin-tool-call":
            return _other(f"{part.tool_name} {_args(part)}")
        case "builtin-tool-return":
            return _other(part.model_response_str())
        case _:
            return _other(str(part.content or ""))


def _beside(part: Any) -> Iterator[Raw]:
    """Write a response part's content besides its text: files, and details that only the provider can read."""
    if part.part_kind == "builtin-tool-return":
        yield from (_whole(_shown(file)) for file in part.files)
    details = getattr(part, "provider_details", None) or {}
    for sealed in (getattr(part, "signature", None), *(details.get(key) for key in SEALED)):
        if sealed:
            yield {"type": "other", "encrypted_content": sealed}
    if said := details.get("raw_content"):
        yield _other("\n".join(map(str, said)))


def _shown(content: Any) -> Raw:
    """Write the content of a user's prompt."""
    if isinstance(content, str):
        return {"type": "text", "text": content}
    if isinstance(content, TextContent):
        return {"type": "text", "text": content.content} if type(content) is TextContent else _other(content.content)
    if isinstance(content, BinaryContent | FileUrl | UploadedFile):
        return _file(content)
    return _other("" if content.kind == "cache-point" else str(content))


def _file(content: Any) -> Raw:
    try:
        mime: str | None = content.media_type
    except ValueError:  # a URL that does not say it
        mime = None
    detail = (content.vendor_metadata or {}).get("detail")
    said = (mime or "") if content.kind == "binary" else content.kind.replace("-url", "/")
    kind = _KINDS.get(said.partition("/")[0], "file")
    if isinstance(content, BinaryContent):
        return attached(kind, data=content.data, mime=mime, detail=detail)
    return attached(kind, url=content.url if isinstance(content, FileUrl) else None, mime=mime, detail=detail)


def _whole(block: Raw) -> Raw:
    """Write a text that is counted and stays unchanged."""
    return _other(block["text"]) if block["type"] == "text" else block


def _other(words: str) -> Raw:
    """Write words that are counted and stay unchanged."""
    return {"type": "other", "words": words}


def _rebuild(message: ModelMessage, kept: Mapping[int, Raw]) -> ModelMessage:
    if isinstance(message, ModelResponse):
        blocks, asked = kept[0]["content"], arguments_in(kept[0])
        # What stands beside the parts comes after them.
        said = [_reworded(old, new, asked) for old, new in zip(message.parts, blocks, strict=False)]
        return replace(message, parts=said)
    return replace(message, parts=[_renewed(message.parts[place], raw["content"]) for place, raw in kept.items()])


def _reworded(old: Any, new: Raw, asked: Mapping[str, str]) -> Any:
    if old.part_kind == "tool-call" and asked.get(old.tool_call_id, _args(old)) != _args(old):
        return replace(old, args=asked[old.tool_call_id])
    if old.part_kind != "text" or old.content == new["text"]:
        return old
    return replace(old, content=new["text"], id=None)  # by its id, OpenAI would take its own copy


def _renewed(old: Any, content: Any) -> Any:
    """Return a request part with the shortened texts in place of its own."""
    if isinstance(old, UserPromptPart) and not isinstance(old.content, str):
        said = [_reprompted(one, new) for one, new in zip(old.content, content, strict=True)]
        return (
            old if all(one is new for one, new in zip(old.content, said, strict=True)) else replace(old, content=said)
        )
    if isinstance(old, ToolReturnPart):
        return _rereturned(old, content)
    return old if content == _asked(old)["content"] else replace(old, content=content)


def _reprompted(old: Any, new: Raw) -> Any:
    if new["type"] != "text" or new == _shown(old):
        return old
    if isinstance(old, str):
        return new["text"]
    if isinstance(old, BinaryContent):
        data = rewritten(old.data, new["text"], mime=old.media_type)
        return BinaryContent(
            cast(bytes, data),
            media_type=old.media_type,
            vendor_metadata=old.vendor_metadata,
            identifier=old.identifier,
        )
    return replace(old, content=new["text"])


def _rereturned(old: ToolReturnPart, blocks: Sequence[Raw]) -> ToolReturnPart:
    text, *shown = (blocks[0]["text"], *blocks[-len(old.files) :]) if old.files else (blocks[0]["text"],)
    files = [_reprompted(file, new) for file, new in zip(old.files, shown, strict=True)]
    if _fixed(old) or (text == old.model_response_str() and files == old.files):
        return old
    if text != old.model_response_str():
        return replace(old, content=[text, *files] if files else text)
    renewed = {id(file): new for file, new in zip(old.files, files, strict=True)}
    told = old.content if isinstance(old.content, list) else [old.content]
    return replace(old, content=[renewed.get(id(one), one) for one in told])
