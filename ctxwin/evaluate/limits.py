"""What all evaluations ask of their settings."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import InputError
from .score import COUNTERS

__all__ = ["check_settings"]


def check_settings(given: Mapping[str, int], *, tokenizer: str, limit: int | None, processes: int | None) -> None:
    """Check settings.

    Args:
        given: how many there are of what at least one must be there.
        tokenizer: what counts.
        limit: how much of a set.
        processes: how many work side by side.

    Raises:
        InputError: one of them is wrong.
    """
    for name, number in given.items():
        if not number:
            raise InputError(f"nothing to evaluate: no {name} given; name at least one")
    for name, figure in (("limit", limit), ("processes", processes)):
        if figure is not None and figure < 1:
            raise InputError(f"{name} is {figure}; give 1 or more")
    if tokenizer not in COUNTERS:
        known = ", ".join(COUNTERS)
        raise InputError(f"no independent counter for {tokenizer!r}; evaluate under one of {known}")
