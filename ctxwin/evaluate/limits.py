"""Check the settings that all evaluations share."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import InputError
from .score import COUNTERS

__all__ = ["check_settings"]


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
