"""What must stay, what travels together, what may not be sent: the rules around the choice.

The units of choice in a conversation are its groups (`ctxwin.messages`): a tool call with all its results
and the reasoning before it is one unit. System and developer messages and pins stay whole; the tail (the
last user message and an open tool chain after it) stays, shortened only if it alone is over the limit; a
call that never got its result is never sent, since providers refuse it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import BudgetError, InputError
from .items import Item
from .messages import Conversation, last_user, open_tail

__all__ = ["Units", "conversation_units", "item_units", "require_room", "resolve_pins"]

ALWAYS_WHOLE = frozenset({"system", "developer"})
"""Roles whose messages are instructions: they stay, word for word."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Units:
    """n units of choice: items that are kept, shortened or left out together."""

    members: Sequence[tuple[int, ...]]
    """Indices of each unit's items, ascending."""
    reasons: Sequence[str]
    """Why each must stay (`system`, `pinned`, `tail`) or may not be sent (`unanswered`); "" for a free one."""
    required: NDArray[np.bool_]
    """(n,) must be in the request in some form."""
    whole: NDArray[np.bool_]
    """(n,) may not be shortened."""
    barred: NDArray[np.bool_]
    """(n,) may not be sent."""

    @classmethod
    def of(cls, members: Sequence[tuple[int, ...]], reasons: Sequence[str]) -> Units:
        """Make units from their members and reasons."""
        size = len(members)
        return cls(
            members=members,
            reasons=reasons,
            required=np.fromiter((reason in ("system", "pinned", "tail") for reason in reasons), np.bool_, size),
            whole=np.fromiter((reason in ("system", "pinned") for reason in reasons), np.bool_, size),
            barred=np.fromiter((reason == "unanswered" for reason in reasons), np.bool_, size),
        )

    def __len__(self) -> int:
        return len(self.members)


def conversation_units(conversation: Conversation, pinned: frozenset[int] = frozenset()) -> Units:
    """Return the units of a conversation, ordered by their first item.

    Args:
        conversation: what `ctxwin.messages.read` returned.
        pinned: indices of items that must stay whole.
    """
    if not conversation.items:
        return Units.of([], [])
    tail = frozenset([*range(open_tail(conversation), len(conversation.items)), last_user(conversation)])
    members: dict[int, list[int]] = {}
    for index, group in enumerate(conversation.groups):
        members.setdefault(group, []).append(index)
    groups = [tuple(group) for group in members.values()]
    return Units.of(groups, [_reason(conversation, group, pinned, tail) for group in groups])


def item_units(items: Sequence[Item]) -> Units:
    """Return units of one item each, of which the pinned ones must stay."""
    return Units.of([(i,) for i in range(len(items))], ["pinned" if item.pinned else "" for item in items])


def _reason(
    conversation: Conversation, members: Sequence[int], pinned: frozenset[int], tail: frozenset[int | None]
) -> str:
    items = conversation.items
    if any(items[i].role in ALWAYS_WHOLE for i in members):
        return "system"
    if any(i in pinned or items[i].pinned for i in members):
        return "pinned"
    if any(i in tail for i in members):
        return "tail"
    return "unanswered" if any(i in conversation.unanswered for i in members) else ""


def resolve_pins(items: Sequence[Item], pins: Iterable[int | str]) -> frozenset[int]:
    """Turn indices and ids into indices.

    Raises:
        InputError: a pin names no item; the message gives the nearest ids.
    """
    by_id: dict[str, int] = {}
    found = set()
    for pin in pins:
        if isinstance(pin, int):
            if not -len(items) <= pin < len(items):
                raise InputError(f"pin {pin} is outside the {len(items)} items; count from 0")
            found.add(pin % len(items))
            continue
        by_id = by_id or {item.id: index for index, item in enumerate(items)}
        if pin not in by_id:
            near = difflib.get_close_matches(pin, by_id, n=3)
            hint = f"; did you mean {', '.join(map(repr, near))}?" if near else ""
            raise InputError(f"pin {pin!r} names no item{hint}; pin by an item's id or its index")
        found.add(by_id[pin])
    return frozenset(found)


def require_room(sums: Mapping[str, int], limit: int) -> None:
    """Check that what must stay fits.

    Args:
        sums: tokens of the parts that must stay, by name.
        limit: tokens the request may have.

    Raises:
        BudgetError: it does not fit; the message itemises the parts.
    """
    needed = sum(sums.values())
    if needed <= limit:
        return
    largest = max(sums, key=lambda name: sums[name])
    remedies = {
        "system": "shorten the system message",
        "tools": "send fewer tools",
        "pins": "unpin something",
        "query": "shorten the question",
    }
    also = f" or {remedies[largest]}" if largest in remedies else ""
    raise BudgetError(
        "what must stay does not fit",
        sums=sums,
        limit=limit,
        remedy=f"raise the budget by at least {needed - limit:,} tokens{also}",
    )
