"""Define the `recall` tool, by which a model asks for the full text of items that were shortened or left out.

    pack(..., tools=[recall_tool(dialect)]) ──▶ a request that names ids: "The lease ends in May. … [m7]",
                                                "[9 turns omitted: m12-m20]"
    reply ──pending_recalls──▶ calls ──answer_recalls──▶ messages with the full text, to be sent behind the reply

A packing names ids exactly when this tool is among its tools. The ids are those of the items: `m7` is the message
at index 7 of the messages given. Nothing here calls a model; the caller, who has the client, writes the loop.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from .errors import InputError
from .items import Item
from .messages import Dialect, read
from .tokens import Tokenizer, get_tokenizer

__all__ = [
    "LEAST",
    "LIMIT",
    "NAME",
    "ROUNDS",
    "Pending",
    "Recall",
    "answer_recalls",
    "can_recall",
    "id_ranges",
    "marked",
    "pending_recalls",
    "recall_tool",
]

NAME = "recall"
"""The tool's name, in a request and in a call."""
DESCRIPTION = (
    'Returns in full what is shortened in this conversation ("… [m7]") or left out ("[9 turns omitted: m12-m20]").'
)
PARAMETERS: Mapping[str, Any] = {
    "type": "object",
    "properties": {"ids": {"type": "string", "description": '"m7, m12-m20"'}},
    "required": ["ids"],
}

LIMIT = 1_000
"""Default for the tokens of all texts that answer one reply: some ten turns of a chat."""
LEAST = 128
"""The smallest limit on an answer, in tokens: room for a line of text and for how to go on."""
ROUNDS = 3
"""Times in one turn that a model's calls of the tool are answered; then the reply stands as it is."""
LINE = 16
"""Begin a text only if this many tokens of it fit."""
NAMED = 4
"""The most ranges of ids that one answer lists, both of ids not found and of texts still to come."""
FILLER = frozenset({"", "id", "ids", "and", "…"})
"""Words that models write around ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """A call of the tool that has no answer yet."""

    call_id: str
    ids: str
    """The ids asked for, as the model wrote them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """The calls of a reply that ask for full texts; true if there is at least one."""

    calls: tuple[Recall, ...]
    alone: bool
    """Whether no other call waits for an answer, so that the request can be sent once these are answered."""

    def __bool__(self) -> bool:
        return bool(self.calls)


def recall_tool(dialect: Dialect = "openai") -> dict[str, Any]:
    """Return the tool's definition, ready for a request's list of tools.

    Example:
        >>> recall_tool("responses")["name"], sorted(recall_tool("anthropic"))
        ('recall', ['description', 'input_schema', 'name'])
    """
    named = {"name": NAME, "description": DESCRIPTION}
    if dialect == "anthropic":
        return {**named, "input_schema": dict(PARAMETERS)}
    function = {**named, "parameters": dict(PARAMETERS)}
    return {"type": "function", **function} if dialect == "responses" else {"type": "function", "function": function}


def can_recall(tools: Iterable[Mapping[str, Any]]) -> bool:
    """Tell whether this tool is among a request's tools; another tool with the same name does not count."""
    inner = (tool.get("function", tool) for tool in tools)
    return any(one.get("name") == NAME and one.get("description") == DESCRIPTION for one in inner)


def marked(text: str, item: Item) -> str:
    r"""Append an item's id to its shortened text.

    Example:
        >>> marked("The lease ends in May. …\n", Item(text="", id="m7"))
        'The lease ends in May. … [m7]\n'
    """
    body = text.rstrip("\n")
    return f"{body} [{item.id}]{text[len(body) :]}"


def id_ranges(items: Sequence[Item], indices: Sequence[int]) -> str:
    """Name items by their ids, and neighbours as a range.

    Args:
        items: all items.
        indices: the items to name, ascending.

    Example:
        >>> id_ranges([Item(text="", id=f"m{n}") for n in range(9)], [2, 3, 4, 7])
        'm2-m4, m7'
    """
    runs: list[list[int]] = []
    for index in indices:
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    names = [items[run[0]].id + (f"-{items[run[-1]].id}" if len(run) > 1 else "") for run in runs]
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")


def pending_recalls(messages: Sequence[Mapping[str, Any]], dialect: Dialect | None = None) -> Pending:
    """Return the calls of the tool that have no answer yet, from a reply or a whole conversation.

    Args:
        messages: the raw messages of a reply; for Responses, all its output items.
        dialect: the dialect of the messages. Default: read from the messages.

    Raises:
        MessageError: a message is malformed.

    Example:
        >>> call = {"type": "function_call", "call_id": "c1", "name": "recall", "arguments": '{"ids": "m7"}'}
        >>> pending_recalls([call])
        Pending(calls=(Recall(call_id='c1', ids='m7'),), alone=True)
    """
    parts = [part for item in read(messages, dialect=dialect).items for part in item.parts] if messages else []
    answered = {part.call_id for part in parts if part.kind == "result"}
    waiting = [part for part in parts if part.kind == "call" and part.call_id not in answered]
    calls = tuple(
        Recall(call_id=part.call_id, ids=_asked_for(part.text))
        for part in waiting
        if part.call_id and part.name == NAME
    )
    return Pending(calls=calls, alone=len(calls) == len(waiting))


def _asked_for(arguments: str) -> str:
    """Read a call's arguments; small models write lists, other keys, or no JSON at all."""
    try:
        value = json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
    if isinstance(value, Mapping):
        value = value.get("ids", list(value.values()))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def answer_recalls(
    calls: Pending | Sequence[Recall],
    items: Sequence[Item],
    *,
    dialect: Dialect,
    limit: int = LIMIT,
    tokenizer: Any = None,
) -> list[dict[str, Any]]:
    r"""Answer calls with the full texts they ask for, as messages to be sent after the reply.

    An unknown id is answered with the nearest known ids. Texts that do not fit are named at the end so that the
    model can ask for them: `[for the rest: recall "m12+5321, m13-m20"]`, where 5321 is a character of the text.

    Args:
        calls: the result of `pending_recalls`.
        items: the items that may be asked for, in order: those of `ctxwin.messages.read`, and those of a pool.
        dialect: the dialect of the messages to write.
        limit: the most tokens of all texts together, 128 or more.
        tokenizer: counts the tokens; as in `ctxwin.pack`.

    Raises:
        InputError: the limit is too small.

    Example:
        >>> talk = read([{"role": "user", "content": "The lease ends in May."}]).items
        >>> answer_recalls([Recall(call_id="c1", ids="m0")], talk, dialect="openai")
        [{'role': 'tool', 'tool_call_id': 'c1', 'content': '[m0, user]\nThe lease ends in May.\n'}]
    """
    if limit < LEAST:
        raise InputError(f"a limit of {limit} tokens is too small for an answer; give {LEAST} or more")
    asked = calls.calls if isinstance(calls, Pending) else calls
    counter = get_tokenizer(tokenizer)
    texts: list[str] = []
    for left in range(len(asked), 0, -1):
        room = limit // left
        text = counter.truncate(_answer(asked[-left].ids, items, counter, room), room)
        limit -= counter.count_many([text])[0]
        texts.append(text)
    return _written(asked, texts, dialect)


def _written(calls: Sequence[Recall], texts: Sequence[str], dialect: Dialect) -> list[dict[str, Any]]:
    pairs = list(zip(calls, texts, strict=True))
    if dialect == "anthropic":  # wants all results of a turn in one message
        results = [{"type": "tool_result", "tool_use_id": call.call_id, "content": text} for call, text in pairs]
        return [{"role": "user", "content": results}] if results else []
    if dialect == "responses":
        return [{"type": "function_call_output", "call_id": call.call_id, "output": text} for call, text in pairs]
    return [{"role": "tool", "tool_call_id": call.call_id, "content": text} for call, text in pairs]


_Place = tuple[int, int]
"""An item's index, and the first character of its text to send."""


def _answer(ids: str, items: Sequence[Item], tokenizer: Tokenizer, room: int) -> str:
    wanted, unknown = _find(ids, items)
    out = [_not_found(unknown, items)] if unknown or not wanted else []
    out = [tokenizer.truncate(text, room // 2).rstrip() + "\n" for text in out]
    room -= sum(tokenizer.count_many(out))
    for number, (index, start) in enumerate(wanted):
        rest = wanted[number + 1 :]
        head, text = _head(items[index], start), items[index].text[start:].rstrip("\n") or _without_words(items[index])
        more = _more(rest, items) if rest else ""
        whole, after = tokenizer.count_many([f"{head}{text}\n", more])
        if whole + after <= room:
            out.append(f"{head}{text}\n")
            room -= whole
            continue
        longest = _more([(index, start + len(text)), *rest], items)
        spare = room - sum(tokenizer.count_many([head, longest])) - 1
        kept = _cut(text, tokenizer.truncate(text, spare)) if spare >= LINE else ""
        if kept:
            out.append(f"{head}{kept}\n")
        out.append(_more([(index, start + len(kept)), *rest], items))
        break
    return "".join(out)


def _find(ids: str, items: Sequence[Item]) -> tuple[list[_Place], list[str]]:
    """Return the places that a model asks for, each item once in the order asked, and the terms that name nothing."""
    places: dict[str, int] = {}
    for index, item in enumerate(items):
        places.setdefault(item.id, index)
    terms = [ids.strip()] if ids.strip() in places else [term.strip("\"'`[]().") for term in re.split(r"[,;\s]+", ids)]
    wanted: dict[int, int] = {}
    unknown: list[str] = []
    for term in terms:
        found = list(_meant(term, places))
        for index, start in found:
            wanted.setdefault(index, start)
        if not found and term not in FILLER:
            unknown.append(term)
    return list(wanted.items()), unknown


def _meant(term: str, places: Mapping[str, int]) -> Iterable[_Place]:
    """Yield the places that one term names: an id, an id with a character of its text, or a range of ids."""
    if term in places:
        return [(places[term], 0)]
    name, plus, start = term.rpartition("+")
    if plus and name in places and start.isdecimal():
        return [(places[name], int(start))]
    for dash in re.finditer("[-–]", term):
        first, last = places.get(term[: dash.start()]), places.get(term[dash.end() :])
        if first is not None and last is not None:
            return [(index, 0) for index in range(min(first, last), max(first, last) + 1)]
    return []


def _head(item: Item, start: int) -> str:
    when = f", {item.when:%Y-%m-%d}" if item.when else ""
    who = item.speaker or item.role or item.source or item.kind
    return f"[{item.id}{f'+{start}' if start else ''}, {who}{when}]\n"


def _without_words(item: Item) -> str:
    kinds = ", ".join(dict.fromkeys(part.kind for part in item.parts)) or "nothing"
    return f"(no more text: {kinds})"


def _more(places: Sequence[_Place], items: Sequence[Item]) -> str:
    """Name the places still to come so that the model can ask for them; only the first may begin inside a text."""
    (index, start), *others = places
    if not start:
        return f'[for the rest: recall "{id_ranges(items, [index, *(i for i, _ in others)])}"]\n'
    rest = id_ranges(items, [i for i, _ in others])
    return f'[for the rest: recall "{items[index].id}+{start}{", " if rest else ""}{rest}"]\n'


def _cut(text: str, kept: str) -> str:
    """Cut a prefix of a text back to the end of a line or a word, where one is near."""
    if len(kept) == len(text):
        return kept
    half = len(kept) // 2
    return kept[: max(kept.rfind(mark, half) for mark in "\n ") + 1 or len(kept)]


def _not_found(unknown: Sequence[str], items: Sequence[Item]) -> str:
    if not items:
        return "nothing was left out\n"
    known = [item.id for item in items]
    lines = []
    for term in unknown[:NAMED]:
        near = get_close_matches(term, known, n=3)
        lines.append(f'no part has the id "{term}"' + (f"; the nearest are {', '.join(near)}" if near else ""))
    return "\n".join([*lines, f"ids run from {known[0]} to {known[-1]}"]) + "\n"
