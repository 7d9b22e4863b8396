"""Gives functions names that a provider takes, the same in calls, results and tools."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..checks.well_formed import MAX_NAME, misnamed
from .work import Namer, RepairWork

__all__ = ["renamed"]


def renamed(work: RepairWork, names: Iterable[str]) -> dict[str, str]:
    """Return new names for refused names of functions, and rename the request's tools.

    Args:
        work: the request.
        names: the names that its messages use.
    """
    tools = {name for tool in _tools(work) if (name := _named(tool).get("name")) and isinstance(name, str)}
    known = tools | set(names)
    bad = sorted(name for name in known if misnamed(name, work.dialect))
    namer = Namer("[^a-zA-Z0-9_-]+", MAX_NAME[work.dialect], known.difference(bad))
    found = {name: namer.same(name, "unknown") for name in bad}
    for key in ("tools", "functions"):
        given = work.body.get(key)
        if given and any(_named(tool).get("name") in found for tool in given if _nameable(tool)):
            work.body[key] = [_rename(tool, found) for tool in given]
            work.note(None, "tools_named", "a tool was given a name that the provider takes")
    return found


def _tools(work: RepairWork) -> list[Mapping[str, Any]]:
    return [*(work.body.get("tools") or ()), *(work.body.get("functions") or ())]


def _nameable(tool: Mapping[str, Any]) -> bool:
    return isinstance(_named(tool).get("name"), str)


def _named(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the object of a tool that holds its name."""
    return next((tool[key] for key in ("function", "custom") if isinstance(tool.get(key), Mapping)), tool)


def _rename(tool: Mapping[str, Any], found: Mapping[str, str]) -> Mapping[str, Any]:
    named = _named(tool)
    if not _nameable(tool) or named["name"] not in found:
        return tool
    new = {**named, "name": found[named["name"]]}
    if named is tool:
        return new
    key = next(key for key in ("function", "custom") if tool.get(key) is named)
    return {**tool, key: new}
