"""Group items, and say for each group whether it must stay, must stay whole, or may not be sent.

A conversation is chosen by its groups (`ctxwin.messages`): a tool call, all its results and the reasoning
before it are one group. System and developer messages and pins stay whole. The tail (the last user message
and an open tool chain after it) stays, and is shortened only if it alone is over the limit. A call that
never got its result is never sent, since providers refuse it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from ..errors import BudgetError, InputError
from ..items import Item
from ..messages import Conversation, last_user, open_tail

__all__ = ["Members", "Units", "conversation_units", "item_units", "reasons_to_stay", "require_room", "resolve_pins"]

ALWAYS_WHOLE = frozenset({"system", "developer"})
"""Roles of instructions; their messages stay, word for word."""

REASONS = ("", "unanswered", "tail", "pinned", "system")
"""Why a group must stay or may not be sent, the strongest reason last; "" for a free group."""
_FREE, _UNANSWERED, _TAIL, _PINNED, _SYSTEM = range(len(REASONS))
_NAMES = np.array(REASONS, object)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Units:
    """n groups: the items of a group are kept, shortened or left out together."""

    members: Members
    """The indices of each group's items, ascending."""
    reasons: NDArray[np.object_]
    """(n,) why a group must stay (`system`, `pinned`, `tail`) or may not be sent (`unanswered`); "" for a free one."""
    required: NDArray[np.bool_]
    """(n,) the group must be in the request, in some form."""
    whole: NDArray[np.bool_]
    """(n,) the group may not be shortened."""
    barred: NDArray[np.bool_]
    """(n,) the group may not be sent."""

    @classmethod
    def of(cls, groups: NDArray[np.intp], reasons: NDArray[np.int8]) -> Units:
        """Make groups of m items.

        Args:
            groups: (m,) number of each item's group, counted from 0 in order of first appearance.
            reasons: (m,) index into `REASONS`; a group takes the strongest reason of its items.
        """
        members = Members(groups)
        code = np.maximum.reduceat(reasons[members.items], members.start[:-1]) if len(members) else reasons
        return cls(
            members=members,
            reasons=_NAMES[code],
            required=code >= _TAIL,
            whole=code >= _PINNED,
            barred=code == _UNANSWERED,
        )

    def __len__(self) -> int:
        return len(self.members)


class Members(Sequence[tuple[int, ...]]):
    """The items of each group: a sequence of tuples, each made when it is read."""

    def __init__(self, groups: NDArray[np.intp]) -> None:
        self.items = np.argsort(groups, kind="stable")
        """(m,) the items, group after group."""
        self.start = np.concatenate([[0], np.cumsum(np.bincount(groups))])
        """(n + 1,) where each group begins in `items`."""

    @property
    def firsts(self) -> NDArray[np.intp]:
        """The first item of each group, (n,)."""
        first: NDArray[np.intp] = self.items[self.start[:-1]]
        return first

    @property
    def lasts(self) -> NDArray[np.intp]:
        """The last item of each group, (n,)."""
        last: NDArray[np.intp] = self.items[self.start[1:] - 1]
        return last

    def __len__(self) -> int:
        return len(self.start) - 1

    @overload
    def __getitem__(self, unit: int) -> tuple[int, ...]: ...
    @overload
    def __getitem__(self, unit: slice) -> list[tuple[int, ...]]: ...
    def __getitem__(self, unit: int | slice) -> tuple[int, ...] | list[tuple[int, ...]]:
        if isinstance(unit, slice):
            return [self[i] for i in range(*unit.indices(len(self)))]
        return tuple(self.items[self.start[unit] : self.start[unit + 1]].tolist())


def reasons_to_stay(items: Iterable[Item]) -> NDArray[np.int8]:
    """Return why each item must stay at any place in a conversation, (m,) indices into `REASONS`."""
    codes = [_SYSTEM if item.role in ALWAYS_WHOLE else _PINNED if item.pinned else _FREE for item in items]
    return np.asarray(codes, np.int8)


def conversation_units(
    conversation: Conversation, pinned: frozenset[int] = frozenset(), stand: NDArray[np.int8] | None = None
) -> Units:
    """Return the groups of a conversation, ordered by their first item.

    Args:
        conversation: the result of `ctxwin.messages.read`.
        pinned: indices of items that must stay whole.
        stand: the result of `reasons_to_stay` for its items, if known.
    """
    reasons = (reasons_to_stay(conversation.items) if stand is None else stand).copy()
    size = len(reasons)
    tail = [*range(open_tail(conversation), size)] if size else []
    if (asked := last_user(conversation)) is not None:
        tail.append(asked)
    for code, items in ((_UNANSWERED, conversation.unanswered), (_TAIL, tail), (_PINNED, pinned)):
        places = np.asarray(list(items), np.intp)
        reasons[places] = np.maximum(reasons[places], code)
    return Units.of(np.asarray(conversation.groups, np.intp), reasons)


def item_units(items: Sequence[Item]) -> Units:
    """Return groups of one item each; pinned items must stay."""
    pinned = [_PINNED if item.pinned else _FREE for item in items]
    return Units.of(np.arange(len(items)), np.asarray(pinned, np.int8))


def resolve_pins(items: Sequence[Item], pins: Iterable[int | str]) -> frozenset[int]:
    """Turn pins, which are indices or ids, into indices.

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
    """Check that the parts that must stay fit the limit.

    Args:
        sums: tokens of the parts that must stay, by name.
        limit: tokens that the request may have.

    Raises:
        BudgetError: the parts do not fit; the message itemises them.
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
