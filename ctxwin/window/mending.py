"""Mends messages that a provider would refuse, before they are stored in a window."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import CtxwinWarning, MessageError
from ..messages import Dialect, Repair, open_tail, read, repair, waits_for_results
from ..packing import Talk

__all__ = ["mended"]

ANCHOR = {"role": "user", "content": "[the conversation so far]"}
"""Stands for the conversation so far, so that the messages to mend begin as every provider wants."""


def mended(messages: Sequence[Mapping[str, Any]], talk: Talk, dialect: Dialect | None) -> Sequence[Mapping[str, Any]]:
    """Mend new messages so that they may follow a talk; return them unchanged if nothing is wrong.

    The talk's own messages are stored and stay. Only its calls that still wait for results are read: new results must
    find them, and other new messages must not leave them open.

    Args:
        messages: the messages to add, in any state.
        talk: the stored conversation.
        dialect: of all messages; None detects it.

    Raises:
        MessageError: none of the messages can be kept.
    """
    conversation = talk.snapshot().conversation
    waiting = bool(conversation.items) and waits_for_results(conversation)
    before = [item.raw or {} for item in conversation.items[open_tail(conversation) :]] if waiting else []
    for known in ([ANCHOR, *before], [ANCHOR]):
        found, repairs = _repaired([*known, *messages], dialect)
        if not repairs:
            return messages
        if found[: len(known)] == known:
            break
    kept = found[len(known) :]
    if not kept:
        raise MessageError(f"nothing of {len(messages):,} messages can be kept: {repairs[0].done}; add others")
    lost = sum(len(one.lost) for one in repairs)
    warnings.warn(
        f"{len(messages):,} messages were mended to {len(kept):,} before they were stored, {lost:,} strings left out; "
        "see ctxwin.repair(messages)",
        CtxwinWarning,
        stacklevel=3,
    )
    return kept


def _repaired(messages: list[Any], dialect: Dialect | None) -> tuple[list[Any], list[Repair]]:
    """Repair messages that others will follow, unless they end in calls that wait for results."""
    found, repairs = repair(messages, dialect=dialect)
    if not waits_for_results(read(found, dialect=dialect)):
        followed, more = repair([*found, ANCHOR], dialect=dialect)
        return list(followed)[:-1], [*repairs, *more]
    return list(found), repairs
