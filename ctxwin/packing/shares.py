"""Turn the floors and caps that a caller gave into shares of the allocator's problem: part of the station "choose".

    {"files": (0.3, 0.7), "tool_output": (0, 2_000), "src/vendor/*": (0, 0.05)}

`read.py` checks shares with `check_shares`, and the report says what each share used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..allocate import Share
from ..errors import InputError
from ..pool import Pool
from ..pool.layout import QUOTED
from .shorten import Chosen, Section

__all__ = ["SOURCES", "ShareUnits", "allocator_shares", "check_shares", "sources_of"]

SOURCES = ("messages", "tool_output", "files", "items")
"""Names of sources; any other name is a path or a glob of paths."""
TOOLS = ("tool", "function")
"""Roles of tool output."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShareUnits:
    """The units of one source, with the floor and the cap of the source in tokens."""

    name: str
    floor: int
    cap: int | None
    members: Sequence[NDArray[np.bool_]]
    """For each section (n,): the units of the source that compete; units that must stay are outside all shares."""

    def tokens(self, sections: Sequence[Section]) -> int:
        """Return the tokens of all units of the source, unshortened."""
        return sum(int(one.costs.tokens[mine].sum()) for one, mine in zip(sections, self.members, strict=True))

    def tokens_in(self, sections: Sequence[Section], chosen: Sequence[Chosen]) -> int:
        """Return the tokens of the source's chosen units, in their chosen forms."""
        return sum(one.tokens(sections) for one in chosen if self.members[one.section][one.unit])


def check_shares(shares: Any, pool: Pool | None) -> Mapping[str, tuple[float, float | None]]:
    """Check the shares that a caller gave.

    Raises:
        InputError: the shares have another form, a figure is out of range, or no source has the path.
    """
    if shares is None:
        return {}
    if not isinstance(shares, Mapping):
        raise InputError(f"shares is a dict from sources to (floor, cap), not {type(shares).__name__}")
    for source, pair in shares.items():
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise InputError(f"the share of {source!r} is {pair!r}; give (floor, cap), such as (0.3, 0.7) or (0, 500)")
        floor, cap = pair
        for figure in (floor, *([cap] if cap is not None else [])):
            if isinstance(figure, bool) or not isinstance(figure, int | float) or not 0 <= figure < float("inf"):
                raise InputError(
                    f"the share of {source!r} has {figure!r}; give tokens, or a part of the budget like 0.3"
                )
            if isinstance(figure, float) and figure > 1:
                raise InputError(f"the share of {source!r} has {figure!r}; a part of the budget is at most 1.0")
        if source not in SOURCES:
            _require_source(str(source), pool)
    return dict(shares)


def _require_source(pattern: str, pool: Pool | None) -> None:
    names = sorted({item.source for item in pool if item.source}) if pool is not None else []
    if any(_matches(name, pattern) for name in names):
        return
    near = get_close_matches(pattern, [*SOURCES, *names], n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"use {', '.join(SOURCES)}, or a path like those in citations"
    raise InputError(f"no source {pattern!r} to share with; {hint}")


def _matches(source: str, pattern: str) -> bool:
    """Tell whether a source is the path, stands below the path, or fits the glob; `*` also crosses folders."""
    return source == pattern or source.startswith(pattern.rstrip("/") + "/") or fnmatchcase(source, pattern)


def sources_of(
    shares: Mapping[str, tuple[float, float | None]], limit: int, sections: Sequence[Section]
) -> tuple[ShareUnits, ...]:
    """Return the sources that have a share, with floors and caps in tokens of `limit`.

    Args:
        shares: the shares that `check_shares` returned.
        limit: tokens of the request.
        sections: the messages, and the block if there is one.

    Raises:
        InputError: a floor is over the cap of the same source.
    """
    out = []
    for name, (low, high) in shares.items():
        floor, cap = _tokens(low, limit), None if high is None else _tokens(high, limit)
        if cap is not None and floor > cap:
            raise InputError(f"the share of {name!r} has a floor of {floor:,} over its cap of {cap:,}; swap them")
        out.append(ShareUnits(name=name, floor=floor, cap=cap, members=_members(name, sections)))
    return tuple(out)


def _tokens(figure: float, limit: int) -> int:
    return int(figure * limit) if isinstance(figure, float) else figure


def _members(source: str, sections: Sequence[Section]) -> list[NDArray[np.bool_]]:
    """Tell for each section which units belong to a source and compete; units that must stay do not compete."""
    out = []
    for number, section in enumerate(sections):
        size = len(section.units)
        if source == "messages":
            mine = np.full(size, number == 0)
        elif source == "tool_output":
            mine = np.array([_has_output(section, unit) for unit in range(size)], np.bool_)
        elif number == 0:
            mine = np.zeros(size, np.bool_)
        elif source in ("files", "items"):
            mine = np.array([(item.kind in QUOTED) == (source == "files") for item in section.items], np.bool_)
        else:
            mine = np.array([_matches(item.source or "", source) for item in section.items], np.bool_)
        out.append(mine & ~section.units.required & ~section.units.barred)
    return out


def _has_output(section: Section, unit: int) -> bool:
    items = (section.items[member] for member in section.units.members[unit])
    return any(item.role in TOOLS or any(part.kind == "result" for part in item.parts) for item in items)


def allocator_shares(sources: Sequence[ShareUnits], where: NDArray[np.int64]) -> tuple[Share, ...]:
    """Return the shares for a problem whose items are the units `where`, (n, 2) of section and unit."""
    section, unit = where[:, 0], where[:, 1]
    shares = []
    for one in sources:
        start = np.cumsum([0, *map(len, one.members)])
        mine = np.concatenate(one.members)[start[section] + unit]
        shares.append(Share(name=one.name, members=mine, floor=one.floor, cap=one.cap))
    return tuple(shares)
