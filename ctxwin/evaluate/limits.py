"""Check the settings that all evaluations share, and take a part of a set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from ..errors import InputError
from .score import COUNTERS

__all__ = ["check_settings", "spread"]

T = TypeVar("T")


def check_settings(given: Mapping[str, int], *, tokenizer: str, limit: int | None, processes: int | None) -> None:
    """Check the settings of an evaluation.

    Args:
        given: numbers of things, by name; each must be at least 1.
        tokenizer: name of the tokenizer.
        limit: how much of a set to use.
        processes: number of parallel processes.

    Raises:
        InputError: a setting is wrong.
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


def spread(values: Sequence[T], limit: int | None) -> Sequence[T]:
    """Return at most `limit` of some values, spread evenly over them; all of them without a limit.

    Example:
        >>> spread("abcdef", 3)
        ['a', 'c', 'e']
    """
    if limit is None or limit >= len(values):
        return values
    return [values[number * len(values) // limit] for number in range(limit)]
