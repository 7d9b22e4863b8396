"""Packs for OpenAI Agents: a session stores the conversation in a window, and a filter packs each request.

    session = WindowSession(ctxwin.Window(store="chat.db", id="ana", dialect="responses", budget=8_000))
    await Runner.run(agent, "...", session=session, run_config=RunConfig(call_model_input_filter=session.pack))

The SDK reads a session before it knows the question, and once for a run of many requests; a session that packed could
only guess. So the session returns everything, and the filter, which sees each request whole, packs it. With another
session, or none, use `pack_input(budget=8_000)` as the filter.

A compaction needs no question. `CompactionSession` returns a long conversation compacted, whatever session stores it:

    session = CompactionSession(SQLiteSession("ana", "chat.db"), trigger=20_000, budget=4_000)
    await Runner.run(agent, "...", session=session)
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, cast

from ..errors import InputError
from ..items import Budget
from ..packing import compact, pack
from ..window import Window
from . import Raw, compaction_point, costs_of, counted_for, function, missing

try:
    from agents import AgentOutputSchema, AgentOutputSchemaBase, FunctionTool, Handoff, RunContextWrapper, handoff
    from agents.memory import Session, SessionSettings
    from agents.run import CallModelData, ModelInputData
except ModuleNotFoundError as error:
    raise missing("openai-agents", error) from error

if TYPE_CHECKING:
    from agents import TResponseInputItem

__all__ = ["CompactionSession", "WindowSession", "pack_input"]

EVERY = 2**31 - 1
"""Items that a session is asked for in order to get all, whatever its settings: the most that any store takes."""

Filter = Callable[[CallModelData[Any]], Awaitable[ModelInputData]]


def pack_input(budget: int | Budget | None = None, **options: Any) -> Filter:
    """Return a `call_model_input_filter` that packs the input of each request.

    Instructions, tools, handoffs and the answer's form are counted, by the rules of the agent's model if the catalogue
    knows it; the model's window is then the default budget. The run's own items and the session's stored items are not
    touched.

    Args:
        budget: tokens. Default: as in `ctxwin.pack`.
        **options: options of `ctxwin.pack`.

    Example:
        >>> from agents import RunConfig
        >>> config = RunConfig(call_model_input_filter=pack_input(budget=8_000))
    """

    async def packed(data: CallModelData[Any]) -> ModelInputData:
        asked = data.model_data
        if not asked.input:
            return asked
        body = {"input": asked.input, "instructions": asked.instructions}
        model = data.agent.model
        name = model if isinstance(model, str) else getattr(model, "model", None)
        found = {**counted_for(name), "budget": budget, "tools": await _tools(data), **options}
        fitting = await asyncio.to_thread(lambda: pack(body, **found))
        return ModelInputData(input=fitting.messages["input"], instructions=asked.instructions)

    return packed


async def _tools(data: CallModelData[Any]) -> list[Raw]:
    """Return the tool definitions of a request."""
    found: list[Raw] = []
    for tool in await data.agent.get_all_tools(RunContextWrapper(data.context)):
        if isinstance(tool, FunctionTool):
            found.append(function(tool.name, tool.description, tool.params_json_schema))
        else:
            found.append(_hosted(tool))
    for one in data.agent.handoffs:
        known = one if isinstance(one, Handoff) else handoff(one)
        found.append(function(known.tool_name, known.tool_description, known.input_json_schema))
    form = data.agent.output_type
    if form is not None and not isinstance(form, AgentOutputSchemaBase):
        form = AgentOutputSchema(form)
    if form is not None and not form.is_plain_text():
        found.append(function(form.name(), None, form.json_schema()))
    return found


def _hosted(tool: Any) -> Raw:
    """Return the definition of a tool that the provider runs: its name, and the user's settings."""
    set_ = {field.name: getattr(tool, field.name) for field in fields(tool)} if is_dataclass(tool) else {}
    plain = {key: value for key, value in set_.items() if isinstance(value, str | int | list | dict)}
    return {**plain, "type": tool.name}


class WindowSession:
    """A session of the SDK over a window: every item is stored, on the disk if the window's store is a file.

    Args:
        window: of dialect `responses`, like the SDK's items, whatever API the agent's model has.
        **options: options of `ctxwin.pack` for the method `pack`.

    Raises:
        InputError: the window has another dialect.
    """

    session_settings: SessionSettings | None = None

    def __init__(self, window: Window, **options: Any) -> None:
        if window.dialect != "responses":
            raise InputError(
                f"window {window.id!r} has messages of dialect {window.dialect!r}, and the SDK's items are "
                "of 'responses'; open another window, with dialect='responses'"
            )
        self.session_id = window.id
        self.window = window
        self._options = {"budget": window.budget, **options}

    async def pack(self, data: CallModelData[Any]) -> ModelInputData:
        """Pack the input of a request within the window's budget, pins whole: a `call_model_input_filter`."""
        pins = await self.pins_among(data.model_data.input)
        return await pack_input(**{"pins": pins, **self._options})(data)

    async def pins_among(self, items: Sequence[TResponseInputItem]) -> list[int]:
        """Return the places of items that are pinned in the window."""
        turns = await asyncio.to_thread(lambda: self.window.turns)
        pinned = [turn.message for turn in turns if turn.pinned]
        return [place for place, item in enumerate(items) if item in pinned]

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        """Return all items without forgotten ones, or only the newest `limit` of them, in order."""
        turns = await asyncio.to_thread(lambda: self.window.turns)
        items = [cast("TResponseInputItem", dict(turn.message)) for turn in turns if not turn.forgotten]
        return items if limit is None else items[max(0, len(items) - limit) :]

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Store items, all or none; they are on the disk when this returns."""
        if items:
            await asyncio.to_thread(self.window.add, *cast("list[Raw]", items))

    async def pop_item(self) -> TResponseInputItem | None:
        """Return the newest item and take it out of the conversation; the window keeps it as a forgotten turn."""
        return await asyncio.to_thread(self._pop)

    def _pop(self) -> TResponseInputItem | None:
        turns = [turn for turn in self.window.turns if not turn.forgotten]
        if not turns:
            return None
        self.window.forget(turns[-1])
        return cast("TResponseInputItem", dict(turns[-1].message))

    async def clear_session(self) -> None:
        """Erase all items, for good."""
        await asyncio.to_thread(lambda: self.window.erase(*self.window.turns))


class CompactionSession:
    """A session over another one that stores all items, and returns a long conversation compacted.

    What is returned follows from what is stored, so nothing is lost, nothing has to be written down, and what the other
    session erases is gone here too. It never has more tokens than the trigger: a compaction of the older items, which
    changes once in many turns, and the newer items as they are.

    Args:
        underlying_session: any session of the SDK, such as `SQLiteSession` or `WindowSession`, whose pins stay whole.
        trigger: the most tokens that the items may have before older ones are compacted.
        budget: the tokens of the compaction.
        **options: options of `ctxwin.compact`.

    Raises:
        InputError: the budget is not below the trigger.

    Example:
        >>> from agents import SQLiteSession
        >>> CompactionSession(SQLiteSession("ana"), trigger=20_000, budget=4_000).session_id
        'ana'
    """

    def __init__(
        self,
        underlying_session: Session,
        *,
        trigger: int | str,
        budget: int | str | Budget,
        **options: Any,
    ) -> None:
        compaction_point((), trigger=trigger, budget=budget)
        self.underlying_session = underlying_session
        self.session_id = underlying_session.session_id
        self.session_settings = underlying_session.session_settings
        self._trigger = trigger
        self._options = {"budget": budget, **options}

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        """Return the conversation, compacted if it is long, or only the newest `limit` items of that, in order."""
        items = await self.underlying_session.get_items(limit=EVERY)
        options = self._options
        if isinstance(self.underlying_session, WindowSession):
            options = {"pins": await self.underlying_session.pins_among(items), **options}
        shown = await asyncio.to_thread(_compacted, items, self._trigger, options)
        return shown if limit is None else shown[max(0, len(shown) - limit) :]

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Store items in the other session."""
        await self.underlying_session.add_items(items)

    async def pop_item(self) -> TResponseInputItem | None:
        """Return the newest item and take it out of the other session."""
        return await self.underlying_session.pop_item()

    async def clear_session(self) -> None:
        """Take all items out of the other session."""
        await self.underlying_session.clear_session()


def _compacted(
    items: list[TResponseInputItem], trigger: int | str, options: Mapping[str, Any]
) -> list[TResponseInputItem]:
    costs = costs_of([[cast(Raw, item)] for item in items], dialect="responses", **options)
    point = compaction_point(costs, trigger=trigger, budget=options["budget"])
    if not point:
        return items
    pins = [pin for pin in options.get("pins", ()) if not isinstance(pin, int) or pin < point]
    short = compact({"input": items[:point]}, **{**options, "pins": pins}).messages["input"]
    return [*short, *items[point:]]
