"""Makes the errors that all stores raise, in the same words."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import InputError, StoreError

__all__ = ["name_taken", "no_turns", "no_window", "too_short"]


def no_window(window: str) -> InputError:
    """Return the error for a window that does not exist."""
    return InputError(f"no window {window!r} in this store; `windows()` lists those that are")


def name_taken(window: str) -> InputError:
    """Return the error for a new window whose name is taken."""
    return InputError(f"there is a window {window!r} already; choose another name")


def no_turns(window: str, positions: Sequence[int], length: int) -> InputError:
    """Return the error for positions where a window has no turn."""
    which = ", ".join(map(str, positions[:5])) + (", ..." if len(positions) > 5 else "")
    return InputError(
        f"window {window!r} has no turn {which}; it has had {length:,} turns, counted from 0, without those erased"
        if length
        else f"window {window!r} has no turn {which}; it is empty"
    )


def too_short(window: str, length: int, expected: int) -> StoreError:
    """Return the error for a window with fewer turns than its reader expects."""
    return StoreError(
        f"window {window!r} has {length:,} turns where {expected:,} were known; its store was replaced by an older "
        "one, open the window again"
    )
