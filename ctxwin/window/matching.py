"""Finds the messages of an incoming request that a stored conversation does not have yet."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence, Set
from typing import Any

from ..errors import MessageError
from ..messages import Dialect
from ..messages.envelope import take_apart
from ..messages.reading import parse, raws_of
from ..recall import NAME

__all__ = ["follows_closely", "known_elsewhere", "new_messages", "results_of", "said", "split_request"]

Raw = Mapping[str, Any]
_PROMPT = {"role", "content"}
Said = tuple[str | None, tuple[tuple[str, str, str | None, str | None], ...]]


def new_messages(newest: Iterable[Raw], incoming: Sequence[Raw], dialect: Dialect) -> Sequence[Raw]:
    """Return the messages of a request that are not stored yet.

    A request may hold the whole conversation, its end, or only new messages. The overlap is the longest end of the
    stored messages with which the incoming messages begin. Two messages are the same when role, texts, calls and
    results are the same, since callers keep a reply in shorter forms than the provider gave it. Calls of the recall
    tool that ctxwin answered, and the answers, may be missing from the request; a streamed text before a recall may be
    joined to the text after the recall.

    Args:
        newest: the stored messages, the newest first; only as many are read as the request could hold.
        incoming: m messages, without a system prompt.
        dialect: of the stored and the incoming messages.

    Example:
        >>> one, two = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}
        >>> new_messages([two, one], [two, {"role": "user", "content": "Bye"}], "openai")
        [{'role': 'user', 'content': 'Bye'}]
    """
    had = [message for message in _end(newest, len(incoming)) if not _silent(message)]
    places = [place for place, message in enumerate(incoming) if not _silent(message)]
    messages = [incoming[place] for place in places]
    unseen = _recalls(had, dialect)
    for size in range(min(len(had), len(places)), 0, -1):
        if _ends(had, messages, size, unseen, dialect):
            return incoming[places[size - 1] + 1 :]
    return incoming


def known_elsewhere(stored: Sequence[Raw], incoming: Sequence[Raw], dialect: Dialect) -> tuple[int, int]:
    """Return how many incoming messages are stored, though others were stored since, and where they end.

    Several programs may talk in one window. The request of one program begins with the program's own part of the
    conversation; the window holds this part in the same order, with turns of others in between. A known question alone
    proves nothing, since two programs may ask the same: a known answer is needed too.

    Args:
        stored: all messages, in order.
        incoming: m messages, without a system prompt, that the stored ones do not end with.
        dialect: of the stored and the incoming messages.

    Returns:
        The number of incoming messages that are known, and the row of the last of them; (0, -1) for none.

    Example:
        >>> ask, say = [{"role": "user", "content": one} for one in "abc"], {"role": "assistant", "content": "yes"}
        >>> known_elsewhere([ask[0], say, ask[1], say], [ask[0], say, ask[2]], "openai")
        (2, 1)
    """
    row, found = 0, (0, -1)
    for known, message in enumerate(incoming, 1):
        if _silent(message):
            continue
        asks = message.get("role") == "user"
        # Questions come back as they were sent, and answers in shorter forms, which takes long to tell.
        rows = range(row, len(stored))
        same = (at for at in rows if stored[at] == message or (not asks and _same(stored[at], message, dialect)))
        at = next(same, None)
        if at is None:
            break
        row = at + 1
        if not asks:  # a question alone may be another's
            found = known, at
    return found


def follows_closely(message: Raw, dialect: Dialect) -> bool:
    """Tell whether a message belongs right behind its predecessor: a model's message, or results of calls."""
    return message.get("role") != "user" or bool(results_of(message, dialect))


def results_of(message: Raw, dialect: Dialect) -> Set[str]:
    """Return the ids of the calls that a message answers; empty if the message is malformed (storing it raises)."""
    try:
        parts = parse(message, dialect)
    except MessageError:
        return frozenset()
    return {part.call_id for part in parts if part.kind == "result" and part.call_id is not None}


def _end(newest: Iterable[Raw], size: int) -> Sequence[Raw]:
    """Return the end of a conversation, oldest first, that holds one user message more than `size`."""
    end: list[Raw] = []
    for message in newest:
        end.append(message)
        size -= message.get("role") == "user" and not _results_alone(message)
        if size < 0:
            break
    return end[::-1]


def _results_alone(message: Raw) -> bool:
    content = message.get("content")
    return isinstance(content, list) and all(
        isinstance(part, Mapping) and part.get("type") == "tool_result" for part in content
    )


def _ends(had: Sequence[Raw], messages: Sequence[Raw], size: int, unseen: Set[int], dialect: Dialect) -> bool:
    """Tell whether a conversation ends with these messages, allowing for unseen messages that callers lack."""
    if not unseen:
        first = len(had) - size
        # The two ends tell nearly every misfit, so that a long conversation is not compared at each step.
        return all(_same(had[first + i], messages[i], dialect) for i in (0, size - 1)) and all(
            _same(had[first + i], messages[i], dialect) for i in range(size)
        )
    place = len(had)
    for i in range(size - 1, -1, -1):
        place -= 1
        while place >= 0 and not _stands(messages[i], had, place, unseen, dialect):
            if place not in unseen:
                return False
            place -= 1
    return place >= 0


def _stands(message: Raw, had: Sequence[Raw], place: int, unseen: Set[int], dialect: Dialect) -> bool:
    """Tell whether a message equals the one at a place, alone or joined to texts streamed before its recalls."""
    if _same(had[place], message, dialect):
        return True
    if place - 1 not in unseen or had[place].get("role") != message.get("role"):
        return False
    first = place
    while first - 1 in unseen:
        first -= 1
    one = _run_on([raw for raw in had[first:place] if raw.get("role") == message.get("role")], dialect)[0]
    text, done = _run_on([had[place]], dialect)
    return (one + text, done) == _run_on([message], dialect)


def _run_on(messages: Sequence[Raw], dialect: Dialect) -> tuple[str, list[object]]:
    """Return the texts of messages joined without blanks, and all other parts."""
    parts = [part for message in messages for part in said(message, dialect)[1]]
    texts = [text for kind, text, _, _ in parts if kind == "text"]
    return "".join("".join(texts).split()), [part for part in parts if part[0] != "text"]


def _recalls(had: Sequence[Raw], dialect: Dialect) -> Set[int]:
    """Return the places of messages that callers do not see: recall tool calls, texts with them, results."""
    places: set[int] = set()
    asked: set[str | None] = set()  # by the calls of this reply
    for place, message in enumerate(had):
        if asked and _answers(message, asked, dialect):
            places.add(place)
        elif _calls(message) and (calls := _recall_calls(message, dialect)):
            places.add(place)
            while dialect == "responses" and place and had[place - 1].get("role") == "assistant":
                place -= 1
                places.add(place)
            asked |= calls
        else:
            asked = set()
    return places


def _recall_calls(message: Raw, dialect: Dialect) -> set[str | None]:
    """Return the ids of a message's calls if all of them call the recall tool, else none."""
    calls = [part for part in parse(message, dialect) if part.kind == "call"]
    return {part.call_id for part in calls} if all(part.name == NAME for part in calls) else set()


def _calls(message: Raw) -> bool:
    """Tell quickly whether a message may call the recall tool."""
    if message.get("tool_calls") or message.get("name") == NAME:
        return True
    content = message.get("content")
    return isinstance(content, list) and any(isinstance(part, dict) and part.get("name") == NAME for part in content)


def _answers(message: Raw, ids: Container[str | None], dialect: Dialect) -> bool:
    parts = parse(message, dialect)
    return bool(parts) and all(part.kind == "result" and part.call_id in ids for part in parts)


def _silent(message: Raw) -> bool:
    """Tell whether a message is reasoning alone, which callers may or may not send back."""
    return message.get("type") == "reasoning"


def _same(one: Raw, other: Raw, dialect: Dialect) -> bool:
    if one is other or one == other:
        return True
    if one.get("role") != other.get("role"):
        return False
    return said(one, dialect) == said(other, dialect)


def said(message: Raw, dialect: Dialect) -> Said:
    """Return a message's role, texts, calls and results, without reasoning and bookkeeping."""
    return message.get("role"), tuple(
        (part.kind, part.text.strip(), part.name, part.call_id)
        for part in parse(message, dialect)
        if part.kind not in ("reasoning", "sealed") and (part.text.strip() or part.kind not in ("text", "other"))
    )


def split_request(
    request: Mapping[str, Any] | Sequence[Raw], dialect: Dialect | None
) -> tuple[Dialect, Any, Sequence[Raw]]:
    """Split a request into its dialect, its system prompt (None without one) and its messages.

    A leading OpenAI system message counts as the system prompt.

    Raises:
        MessageError: the request is neither a list of messages nor a request body.

    Example:
        >>> split_request([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}], None)
        ('openai', 'Be brief.', [{'role': 'user', 'content': 'Hi'}])
    """
    taken = take_apart(request, dialect)
    raws = taken.raws
    first = raws_of(raws[:1])[0] if raws else {}
    first = first if isinstance(first, Mapping) else {}
    if taken.lifted or (taken.dialect == "openai" and first.get("role") == "system" and first.keys() == _PROMPT):
        return taken.dialect, first["content"], raws[1:]
    return taken.dialect, None, raws
