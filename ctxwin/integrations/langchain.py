"""Packs LangChain's messages: a drop-in for `trim_messages`, and two middlewares for agents.

    chain = trim_messages(max_tokens=4_000, token_counter=model) | model
    agent = create_agent(model, tools, middleware=[PackingMiddleware(budget=8_000)])
    agent = create_agent(model, tools, middleware=[CompactionMiddleware(trigger=("tokens", 8_000), budget=2_000)])

The first two choose messages by the question, and the agent's state keeps every message. The third, which stands where
`SummarizationMiddleware` would, replaces the messages of the state when they have become too many. All three keep calls
with their results, the system message and the last user message, and shorten long texts.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import InputError, MessageError
from ..items import Budget
from ..models import get_model
from ..packing import compact
from . import Raw, arguments_in, costs_of, counted_for, function, missing, repack
from .content import call_in, renew, spread

try:
    from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
    from langchain.agents.structured_output import ToolStrategy
    from langchain_core.language_models import BaseLanguageModel
    from langchain_core.messages import (
        AIMessage,
        BaseMessage,
        HumanMessage,
        RemoveMessage,
        convert_to_messages,
        convert_to_openai_messages,
        filter_messages,
    )
    from langchain_core.runnables import RunnableLambda
    from langchain_core.utils.function_calling import convert_to_openai_tool
    from langgraph.graph.message import REMOVE_ALL_MESSAGES
except ModuleNotFoundError as error:
    raise missing("langchain", error) from error

if TYPE_CHECKING:
    from langchain.agents.middleware.summarization import ContextSize, TriggerClause

__all__ = ["CompactionMiddleware", "PackingMiddleware", "trim_messages"]

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
"""Roles of messages that are sent to a model."""
UNSENT = frozenset({"function_call", "tool_calls", "parsed"})
"""Additional keys of a message that repeat its calls and its content."""
THRESHOLDS = ("tokens", "messages", "fraction")
"""What a trigger may name, in LangChain's words."""


def trim_messages(
    messages: Any = None,
    *,
    max_tokens: int | Budget | None = None,
    token_counter: Any = None,
    strategy: str = "last",
    start_on: Any = None,
    end_on: Any = None,
    include_system: bool = True,
    allow_partial: bool = True,
    text_splitter: Any = None,
    **options: Any,
) -> Any:
    """Return messages within a token budget, chosen by the question in the last user message.

    Call it like `langchain_core.messages.trim_messages`; without messages, it returns a Runnable.

    Args:
        messages: anything that LangChain takes as messages, oldest first.
        max_tokens: the budget. Default: the budget of the `model` in the options.
        token_counter: a chat model, whose name tells how to count, or a tokenizer as for `ctxwin.pack`. Counting
            functions and `approximate` are ignored: `ctxwin` counts.
        strategy: `last`, LangChain's word for `auto`, or a name from `ctxwin.strategies()`.
        start_on: types of messages; messages before the first of these types are left out, except system messages.
        end_on: types of messages; messages after the last of these types are left out.
        include_system: accepted so that calls need not change; system messages always stay.
        allow_partial: accepted likewise; long texts may be shortened.
        text_splitter: accepted likewise; texts are shortened by sentences.
        **options: options of `ctxwin.pack`, such as `query`, `files`, `model`.

    Returns:
        Messages: the same objects if they are kept whole, copies if they are shortened, and a `HumanMessage` in place
        of left-out turns.

    Raises:
        BudgetError: the required messages do not fit.
        InputError: `token_counter` counts messages, or `strategy` is `first`.

    Example:
        >>> talk = [HumanMessage(f"Locker {n} opens with {n * 7919 % 9000}.") for n in range(99)]
        >>> kept = trim_messages([*talk, HumanMessage("What opens locker 37?")], max_tokens=120)
        >>> talk[37] in kept, talk[98] in kept
        (True, False)
    """
    options = {**_counting(token_counter), **options, "budget": max_tokens, "strategy": _strategy(strategy)}
    if messages is None:
        return RunnableLambda(partial(_trim, start_on=start_on, end_on=end_on, **options), name="trim_messages")
    return _trim(messages, start_on=start_on, end_on=end_on, **options)


def _trim(messages: Any, *, start_on: Any, end_on: Any, **options: Any) -> list[BaseMessage]:
    given = convert_to_messages(messages)
    if end_on is not None:
        given = given[: max(_places(given, end_on), default=-1) + 1]
    if start_on is not None:
        first = min(_places(given, start_on), default=len(given))
        given = [*filter_messages(given[:first], include_types=["system"]), *given[first:]]
    return _packed(given, **options)


def _places(messages: Sequence[BaseMessage], types: Any) -> list[int]:
    """Return the positions of messages of some types."""
    found = filter_messages(messages, include_types=types if isinstance(types, list | tuple) else [types])
    wanted = {id(message) for message in found}
    return [place for place, message in enumerate(messages) if id(message) in wanted]


def _strategy(name: str) -> str:
    if name == "first":
        raise InputError("strategy 'first' keeps the oldest messages, which ctxwin does not; use 'last'")
    return "auto" if name == "last" else name


def _counting(counter: Any) -> dict[str, Any]:
    """Return the options that a LangChain token counter stands for; none if it names no tokenizer."""
    if counter is len:
        raise InputError("token_counter=len counts messages; give max_tokens in tokens, and leave token_counter out")
    if isinstance(counter, BaseLanguageModel):
        return counted_for(_name(counter))
    ours = isinstance(counter, str) or hasattr(counter, "count_many") or hasattr(counter, "count")
    return {"tokenizer": counter} if ours and counter != "approximate" else {}


def _name(model: object) -> object:
    """Return a chat model's name for its model; LangChain has no single field for it."""
    return getattr(model, "model_name", None) or getattr(model, "model", None)


class PackingMiddleware(AgentMiddleware[Any, Any, Any]):
    """Packs the messages of each request of an agent; the agent's state is not touched, so nothing is lost.

    System message, tools and the answer's form are counted, by the rules of the request's model if the catalogue knows
    it; the model's window is then the default budget. Options are those of `ctxwin.pack`.

    Example:
        >>> PackingMiddleware(budget=8_000, model="gpt-5-mini").name
        'PackingMiddleware'
    """

    def __init__(self, budget: int | Budget | None = None, **options: Any) -> None:
        super().__init__()
        self._options = {"budget": budget, **options}

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """Send a packed request."""
        return handler(self._smaller(request))

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        """Send a packed request; packing does not block the event loop."""
        return await handler(await asyncio.to_thread(self._smaller, request))

    def _smaller(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        tools = [tool if isinstance(tool, dict) else convert_to_openai_tool(tool) for tool in request.tools]
        if (form := request.response_format) is not None:
            wanted = form if isinstance(form, ToolStrategy) else ToolStrategy(form.schema)
            tools += [function(spec.name, spec.description, spec.json_schema) for spec in wanted.schema_specs]
        before = _spread(request.system_message) if request.system_message else []
        options = {**counted_for(_name(request.model)), **self._options}
        return request.override(messages=_packed(request.messages, before=before, tools=tools, **options))


class CompactionMiddleware(AgentMiddleware[Any, Any, Any]):
    """Compacts an agent's history without a question when it has become long, as `ctxwin.compact` does.

    The state's messages are replaced, like by `SummarizationMiddleware`, but no model is asked and no sentence is
    rewritten: rules, limits, facts, decisions and open tasks stand word for word in a `HumanMessage` (what users said)
    and an `AIMessage` (what the assistant and tools said), and the recent messages follow under their ids. A
    checkpointer still has the former state.

    Args:
        model: the agent's model, or its name; tells how to count, and the window of which a trigger names a fraction.
        trigger: when to compact: `("tokens", 8_000)`, `("messages", 50)` or `("fraction", 0.8)`; a dict such as
            `{"tokens": 4_000, "messages": 10}`, which must hold whole; or a list of these, of which one must hold.
        budget: the tokens of the messages after a compaction. The prompt and tools of the agent come on top.
        **options: options of `ctxwin.compact`.

    Raises:
        InputError: the trigger cannot be read, or names a fraction of a window that nobody knows.

    Example:
        >>> CompactionMiddleware("gpt-5-mini", trigger=("fraction", 0.8), budget="8k").name
        'CompactionMiddleware'
    """

    def __init__(
        self,
        model: str | BaseLanguageModel[Any] | None = None,
        *,
        trigger: ContextSize | TriggerClause | list[ContextSize | TriggerClause],
        budget: int | str | Budget,
        **options: Any,
    ) -> None:
        super().__init__()
        self._clauses = [_limits(one, model) for one in (trigger if isinstance(trigger, list) else [trigger])]
        self._options = {**_counted_as(model), "budget": budget, **options}

    def before_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """Replace the messages of the state if one of the triggers holds."""
        messages = state["messages"]
        seen = {"messages": len(messages), "tokens": sum(costs_of(map(_spread, messages), **self._options))}
        if not any(all(seen[kind] >= least for kind, least in clause.items()) for clause in self._clauses):
            return None
        kept = _packed(messages, by=compact, **self._options)
        if len(kept) == len(messages) and all(mine is given for mine, given in zip(kept, messages, strict=True)):
            return None
        return {"messages": [RemoveMessage(id=REMOVE_ALL_MESSAGES), *kept]}

    async def abefore_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """Replace the messages likewise; the compaction does not block the event loop."""
        return await asyncio.to_thread(self.before_model, state, runtime)


def _limits(trigger: Any, model: object) -> dict[str, int]:
    """Return the tokens and messages of a trigger that must be reached together."""
    clause = dict([trigger] if isinstance(trigger, tuple) else trigger)
    if not clause or not all(kind in THRESHOLDS and least > 0 for kind, least in clause.items()):
        raise InputError(f"trigger {trigger!r} is none; give tokens, messages or fraction, each with a number above 0")
    if (part := clause.pop("fraction", None)) is not None:
        clause["tokens"] = max(clause.get("tokens", 0), int(part * _window(model, trigger)))
    return clause


def _window(model: object, trigger: Any) -> int:
    """Return the most tokens that a model reads: by its own profile, or else by the catalogue."""
    profile = getattr(model, "profile", None) or {}
    row = _counted_as(model).get("model")
    window = profile.get("max_input_tokens") or (get_model(row).window if row else None)
    if window is None:
        raise InputError(f"trigger {trigger!r}: nobody knows the window of {model!r}; give the trigger in tokens")
    return int(window)


def _counted_as(model: Any) -> dict[str, str]:
    """Return the option to count as a model does, which may be named as `init_chat_model` takes it: `openai:gpt-5`."""
    name = model if isinstance(model, str) else _name(model)
    return counted_for(name) or (counted_for(name.partition(":")[2]) if isinstance(name, str) else {})


def _packed(messages: Sequence[BaseMessage], **options: Any) -> list[Any]:
    return repack(messages, spread=_spread, rebuild=_rebuild, tell=_told, **options)


def _told(note: Raw) -> BaseMessage:
    return AIMessage(note["content"]) if note["role"] == "assistant" else HumanMessage(note["content"])


def _spread(message: BaseMessage) -> list[Raw]:
    """Write a message as OpenAI chat: LangChain converts role, name and calls; each content block keeps its place."""
    try:
        raw: Raw = convert_to_openai_messages([message.model_copy(update={"content": ""})])[0]
    except ValueError:  # such as a RemoveMessage, which tells a graph what to forget
        raise MessageError(f"a {type(message).__name__} is none that a model is sent; leave it out") from None
    if raw["role"] not in ROLES:
        roles = ", ".join(ROLES)
        kind = type(message).__name__
        raise MessageError(f"a {kind} has the role {raw['role']!r}, which no model is sent; give one of {roles}")
    for call in getattr(message, "invalid_tool_calls", ()):  # sent as they are, and answered with an error
        asked = {"name": call["name"] or "", "arguments": call["args"] or ""}
        raw.setdefault("tool_calls", []).append({"id": call["id"] or "", "type": "function", "function": asked})
    if called := message.additional_kwargs.get("function_call"):  # the form before calls had ids
        raw["function_call"] = called
    content = [message.content] if isinstance(message.content, str) else message.content
    known = {call["id"] for call in raw.get("tool_calls", ())}
    for call in filter(None, map(call_in, content)):
        if call["id"] not in known:
            raw.setdefault("tool_calls", []).append(call)
    blocks = [spread(block) for block in content]
    beside = [block for _, some in blocks for block in some]
    if further := {key: value for key, value in message.additional_kwargs.items() if key not in UNSENT}:
        beside.append({**further, "type": "other"})
    if raw["role"] == "tool" and not any(shown["type"] == "text" for shown, _ in blocks):
        beside.append({"type": "text", "text": ""})  # rows alone answer a call, too
    plain = isinstance(message.content, str) and not beside
    raw["content"] = message.content if plain else [*(shown for shown, _ in blocks), *beside]
    return [raw]


def _rebuild(message: BaseMessage, kept: Mapping[int, Raw]) -> BaseMessage:
    blocks = kept[0]["content"]
    if isinstance(message.content, str):
        content: Any = blocks if isinstance(blocks, str) else blocks[0]["text"]
    else:  # what stands beside the blocks comes after them
        content = [renew(old, new) for old, new in zip(message.content, blocks, strict=False)]
    return _with_arguments(message.model_copy(update={"content": content}), arguments_in(kept[0]))


def _with_arguments(message: BaseMessage, arguments: Mapping[str, str]) -> BaseMessage:
    """Return a message with new arguments of its calls, given as JSON by call id; content blocks repeat them."""
    if not isinstance(message, AIMessage):
        return message
    ids = [call_id for call in message.tool_calls if (call_id := call["id"]) in arguments and call_id is not None]
    new = {call_id: json.loads(arguments[call_id]) for call_id in ids}
    calls = [{**call, "args": new.get(str(call["id"]), call["args"])} for call in message.tool_calls]
    if calls == message.tool_calls:
        return message
    content = message.content if isinstance(message.content, str) else [_called(one, new) for one in message.content]
    return message.model_copy(update={"tool_calls": calls, "content": content})


def _called(block: Any, new: Mapping[Any, Any]) -> Any:
    if not isinstance(block, Mapping) or block.get("id") not in new:
        return block
    return {**block, **{key: new[block["id"]] for key in ("input", "args") if isinstance(block.get(key), Mapping)}}
