"""Find results of tools that a newer result of the same call replaces: a file read again, a status asked again."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..items import Item, Part
from .conversation import Path

__all__ = ["OlderResult", "older_results"]

_ERROR = re.compile(
    r"\s*[\[{(\"']{0,3}(?:error|exception|traceback|fatal|failed|failure|permission denied)\b"
    r"|\"(?:is_error|error)\": ?(?!null|false|\"\")",
    re.IGNORECASE,
)
"""A result that says what went wrong."""


@dataclass(frozen=True, slots=True)
class OlderResult:
    """A result with a newer one: the index of its item, its path in the message, and where the newer one is."""

    item: int
    path: Path
    newer: int
    """Index of the item that holds the newer result."""
    call_id: str
    """The id of the newer call."""


def older_results(items: Sequence[Item]) -> list[OlderResult]:
    """Return the results of calls that were made again, with the same name and arguments.

    An error stays unless the newer result says the same, since what failed once is worth knowing.

    Example:
        >>> def call(name): return Item(text="", role="assistant", parts=(Part(kind="call", name="ls", call_id=name),))
        >>> def result(name): return Item(text="", role="tool", parts=(Part(kind="result", text="a.py", call_id=name),))
        >>> [(one.item, one.call_id) for one in older_results([call("c1"), result("c1"), call("c2"), result("c2")])]
        [(1, 'c2')]
    """
    calls = {part.call_id: part for item in items for part in item.parts if part.kind == "call"}
    newest: dict[tuple[str, str], list[tuple[int, Part]]] = {}
    found = []
    for index in reversed(range(len(items))):
        for part in items[index].parts:
            if part.kind != "result" or (call := calls.get(part.call_id)) is None:
                continue
            alike = newest.setdefault(_digest(call), [])
            newer = next((one for one in alike if _same(call, calls[one[1].call_id])), None)
            if newer is None:
                alike.append((index, part))
            elif newer[1].call_id != part.call_id and (part.text == newer[1].text or not _ERROR.match(part.text)):
                found.append(OlderResult(index, part.path, newer[0], newer[1].call_id or ""))
    return found[::-1]


def _digest(call: Part) -> tuple[str, str]:
    """Return what equal calls have in common, found without reading the JSON of thousands of calls: the letters."""
    return call.name or "", "".join(sorted(call.text)).strip()


def _same(one: Part, other: Part) -> bool:
    """Tell whether two calls have the same arguments, however these are spaced and ordered."""
    if one.text == other.text:
        return True
    try:
        return bool(json.loads(one.text) == json.loads(other.text))
    except ValueError:
        return False
