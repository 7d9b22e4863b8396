"""Makes messages valid, and lists the changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...errors import MessageError
from ..checks import check
from ..conversation import OUTSIDE, Dialect, Repair
from ..envelope import LISTS, Envelope, Written, put_back, take_apart
from .anthropic import mend_anthropic
from .each_message import as_text, mend_messages
from .openai import mend_openai
from .responses import mend_responses
from .work import Draft, RepairWork

__all__ = ["repair"]

MENDERS: Mapping[Dialect, Callable[[RepairWork], None]] = {
    "openai": mend_openai,
    "responses": mend_responses,
    "anthropic": mend_anthropic,
}

ROUNDS = 5
"""Most rounds in which a request is mended: as it is, by the rules of another dialect if it turns out to be that one,
with the remaining faults as plain text, with everything as plain text."""


def repair(
    messages: Sequence[Mapping[str, Any]] | Mapping[str, Any], *, dialect: Dialect | None = None
) -> tuple[Written, list[Repair]]:
    r"""Return messages that the provider takes, and a list of the changes that made them valid.

    Valid messages come back unchanged, with an empty list. Nothing is lost without being named: content that cannot
    stay becomes text if it has words, and strings that are nowhere in the result are listed in the repair of their
    message. The given messages are never changed.

    Args:
        messages: a list of messages, or a request body around one.
        dialect: of the rules; None detects it, as `read` does.

    Returns:
        The messages in the form that came in, which pass `check`, and the repairs in order.

    Raises:
        MessageError: there are no messages, or nothing can be made of them.
        InputError: `dialect` is none of the three.

    Example:
        >>> lost = {"role": "tool", "tool_call_id": "c1", "content": "Rain."}
        >>> messages, repairs = repair([lost, {"role": "user", "content": "And now?"}])
        >>> messages[0]
        {'role': 'user', 'content': '[result of a call that is gone]\nRain.'}
        >>> print(repairs[0])
        message 0: a result without its call became text (results_follow_calls); gone: 'tool_call_id', 'tool', 'c1'
    """
    request = take_apart(messages, dialect)
    if not request.raws:
        raise MessageError("no messages to repair; give at least one")
    if not check(messages, dialect=dialect):
        return (dict(messages) if isinstance(messages, Mapping) else list(messages)), []
    work = _work(request)
    mended = _mended(work, request, dialect)
    around = messages if isinstance(messages, Mapping) else {}
    outside = {key: value for key, value in around.items() if key not in LISTS}
    return mended, work.repairs(request.raws[int(request.lifted) :], outside, mended)


def _mended(work: RepairWork, request: Envelope, dialect: Dialect | None) -> Written:
    """Mend a request until it is valid."""
    plain = False
    for _ in range(ROUNDS):
        mend_messages(work)
        if work.entries:
            MENDERS[work.dialect](work)
        mended = _written(work, request)
        problems = check(mended, dialect=dialect)
        if not problems:
            return mended
        told = take_apart(mended, dialect).dialect
        if told != work.dialect:
            work.dialect = told
            continue
        offending = {problem.index for problem in problems}
        for position, entry in enumerate(work.entries):
            if plain or position in offending:
                as_text(work, entry, "well_formed", "a message that could not be mended became text")
        plain = True
    raise MessageError(f"nothing can be made of this request: {problems[0]}; mend it by hand")


def _work(request: Envelope) -> RepairWork:
    entries = [Draft(raw, index - int(request.lifted)) for index, raw in enumerate(request.raws)]
    system = Draft(entries[0].raw, None) if request.lifted else None
    return RepairWork(
        dialect=request.dialect,
        entries=entries[int(request.lifted) :],
        system=system,
        body=dict(request.envelope or {}),
        elsewhere=request.elsewhere,
    )


def _written(work: RepairWork, request: Envelope) -> Written:
    """Return the request in the form that came in; if no message is left, a message says so."""
    if not work.entries:
        work.entries = [Draft({"role": "user", "content": "[empty message]"}, 0)]
        work.note(0, "not_empty", "a mark was put where no message was left")
    raws = [entry.raw for entry in work.entries]
    if request.envelope is None:
        return put_back(raws, work.dialect, None)
    body = dict(work.body)
    outside = OUTSIDE.get(work.dialect)
    if outside is not None and work.system is not None and work.system.raw is not None:
        body[outside] = ""
        raws = [work.system.raw, *raws]
    elif outside is not None:
        body.pop(outside, None)
    return put_back(raws, work.dialect, body)
