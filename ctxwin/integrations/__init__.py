"""Adapts agent frameworks, one small file each: requests are packed, and the framework's own records stay whole.

    messages ──spread──▶ dicts with their origin ──pack or compact──▶ dicts ──gather──▶ messages

A framework's message is spread into one OpenAI chat dict for each piece that may stay alone. A message that is kept
whole comes back as the very same object, a shortened message as a copy with other texts, and a note as a new message of
the user or the assistant. An adapter consists of three functions: message to dicts, message with some of its dicts to
message, note to message.

A history that is packed for each request stays whole. A history that is compacted over a `trigger` is compacted up to
`compaction_point`, which rests for many turns, and the newer messages follow as they are: so the beginning of the
requests rests too, and the provider's prompt cache stays warm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby, islice
from typing import Any, TypeVar

from ..errors import InputError, MissingExtra, UnknownModel
from ..items import Budget, parse_tokens
from ..messages import Dialect, read
from ..models import get_model
from ..packing import Packed, pack
from ..tokens import count_items, get_rules, get_tokenizer

__all__ = ["arguments_in", "compaction_point", "costs_of", "counted_for", "function", "missing", "repack"]

Message = TypeVar("Message")
Raw = dict[str, Any]

ORIGIN = "ctxwin_origin"
"""Key of a dict that names its message and its piece. No dialect reads this key, and nothing counts it."""


def missing(extra: str, error: ImportError) -> MissingExtra:
    """Return the error that tells how to install an adapter's framework."""
    package = error.name or extra
    return MissingExtra(package, feature=f"ctxwin.integrations.{extra}", command=f'pip install "ctxwin[{extra}]"')


def counted_for(name: object) -> dict[str, str]:
    """Return the option to count as a framework's model does; none if the catalogue does not know the model."""
    try:
        return {"model": get_model(name).name} if isinstance(name, str) else {}
    except UnknownModel:
        return {}


def function(name: str, description: str | None, parameters: Mapping[str, Any]) -> Raw:
    """Return the definition of a tool, or of the form of an answer, to be counted."""
    told = {"name": name, "description": description or "", "parameters": parameters}
    return {"type": "function", "function": told}


def arguments_in(raw: Raw) -> dict[str, str]:
    """Return the arguments of a message's calls as JSON, by the id of the call."""
    functions = ((call["id"], call["function"]) for call in raw.get("tool_calls", ()) if "function" in call)
    return {call_id: asked["arguments"] for call_id, asked in functions}


def costs_of(
    pieces: Iterable[Sequence[Raw]],
    *,
    dialect: Dialect = "openai",
    model: str | None = None,
    tokenizer: Any = None,
    **_: Any,
) -> list[int]:
    """Return the tokens of each message.

    Args:
        pieces: the dicts of each message.
        dialect: the dialect of the dicts.
        model: the model whose rules count, as for `ctxwin.pack`.
        tokenizer: as for `ctxwin.pack`.
        **_: further options of `ctxwin.pack`, which do not count.

    Example:
        >>> costs_of([[{"role": "user", "content": "Hello"}], []])
        [5, 0]
    """
    given = [list(some) for some in pieces]
    raws = [raw for some in given for raw in some]
    items = read(raws, dialect=dialect).items if raws else ()
    counter = get_tokenizer(tokenizer if tokenizer is not None else get_model(model) if model is not None else None)
    costs = iter(count_items(items, counter, get_rules(dialect, model)))
    return [sum(islice(costs, len(some))) for some in given]


def compaction_point(costs: Iterable[int], *, trigger: int | str, budget: int | str | Budget | None) -> int:
    """Return how many messages of a history are to be compacted; the others follow as they are.

    The point moves only when the messages since the last point no longer fit beside a full compaction. It depends on
    the history alone, so that each process finds the same point.

    Args:
        costs: the tokens of each message, oldest first.
        trigger: the most tokens that the history may have, as a number or a text such as `8k`.
        budget: the tokens of the compaction.

    Raises:
        InputError: the budget is missing, or it is not below the trigger.

    Example:
        >>> [compaction_point([10] * turns, trigger=100, budget=40) for turns in (10, 11, 16, 17, 18)]
        [0, 11, 11, 11, 18]
    """
    most = parse_tokens(trigger, option="trigger") if isinstance(trigger, str) else trigger
    room = parse_tokens(budget) if isinstance(budget, str) else budget
    room = room.total if isinstance(room, Budget) else room
    if room is None or room >= most:
        raise InputError(f"trigger={trigger!r} needs a budget below it, which a compaction may have; got {budget!r}")
    point = since = 0
    free = most
    for place, tokens in enumerate(costs, 1):
        since += tokens
        if since > free:
            point, since, free = place, 0, most - room
    return point


def repack(
    messages: Sequence[Message],
    *,
    spread: Callable[[Message], Sequence[Raw]],
    rebuild: Callable[[Message, Mapping[int, Raw]], Message],
    tell: Callable[[Raw], Message],
    before: Iterable[Raw] = (),
    by: Callable[..., Packed] = pack,
    **options: Any,
) -> list[Message]:
    """Pack or compact a framework's messages and return them in the framework's form.

    Args:
        messages: all messages that could be sent, oldest first.
        spread: turns a message into OpenAI chat dicts, one for each piece that may stay without the others.
        rebuild: makes a message from an original and some of its dicts, by their place; shortened dicts are new dicts
            of the same shape.
        tell: makes a message from a dict of the user or the assistant that is not among the messages, such as a note
            or retrieved items.
        before: dicts that are sent first in any case, such as a system prompt: counted, but not returned.
        by: `ctxwin.pack` or `ctxwin.compact`.
        **options: options of `by`.

    Raises:
        BudgetError: the required messages do not fit.
    """
    if not messages:
        return []
    pieces = [spread(message) for message in messages]
    given = {(-1, place): raw for place, raw in enumerate(before)}
    given |= {(index, place): raw for index, some in enumerate(pieces) for place, raw in enumerate(some)}
    sent = [{**raw, ORIGIN: origin} for origin, raw in given.items()]
    same = {id(raw) for raw in sent}
    out: list[Message] = []
    for index, run in groupby(by(sent, **options).messages, key=lambda raw: raw.get(ORIGIN, (None,))[0]):
        kept = list(run)
        if index is None:
            out += map(tell, kept)
        elif index >= 0 and len(kept) == len(pieces[index]) and all(id(raw) in same for raw in kept):
            out.append(messages[index])
        elif index >= 0:
            out.append(rebuild(messages[index], {raw[ORIGIN][1]: raw for raw in kept}))
    return out
