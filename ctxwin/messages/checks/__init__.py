"""Checks whether a provider would accept a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import MessageError
from ...items import Part
from ..conversation import Dialect, Raw, Violation
from ..envelope import Envelope, take_apart
from ..native import as_plain
from ..reading import parse
from . import anthropic as rules_anthropic
from . import openai as rules_openai
from . import responses as rules_responses
from .shapes import Fault, faults, union_of
from .well_formed import Log, Rule

__all__ = ["check"]

RULES: Mapping[Dialect, tuple[Rule, ...]] = {
    "openai": rules_openai.RULES,
    "responses": rules_responses.RULES,
    "anthropic": rules_anthropic.RULES,
}
"""The providers' rules of late 2026, from their references and error messages."""


def check(
    messages: Sequence[Mapping[str, Any]] | Mapping[str, Any], *, dialect: Dialect | None = None
) -> list[Violation]:
    """Return the reasons why a provider would refuse messages or a request body; empty for a valid request.

    If messages are malformed, only these faults are returned: the other rules need well-formed messages.

    Args:
        messages: a list of messages, or a request body around one.
        dialect: of the rules; None detects it, as `read` does.

    Raises:
        InputError: `dialect` is none of the three.

    Example:
        >>> result = {"role": "tool", "tool_call_id": "c1", "content": "3"}
        >>> print(*check([{"role": "user", "content": "Hi"}, result]))
        message 1: the message before has no call 'c1'; put the result behind its call (results_follow_calls)
    """
    try:
        request = take_apart(as_plain(messages), dialect)
    except MessageError as error:
        return [Violation(index=None, rule="well_formed", message=str(error))]
    if not request.raws:
        return [Violation(index=None, rule="not_empty", message="no messages; give at least one")]
    parts, found, problems = _well_formed(request)
    if problems:
        return problems
    log = Log(
        dialect=request.dialect,
        raws=request.raws,
        parts=parts,
        faults=found,
        body=request.envelope or {},
        lifted=request.lifted,
        elsewhere=request.elsewhere,
    )
    return [
        Violation(index=_index(position, request), rule=rule.name, message=message)
        for rule in RULES[request.dialect]
        for position, message in rule.find(log)
    ]


def _well_formed(request: Envelope) -> tuple[list[tuple[Part, ...]], list[list[Fault]], list[Violation]]:
    """Return the parts and faults of each message, and what is malformed."""
    parts: list[tuple[Part, ...]] = []
    found: list[list[Fault]] = []
    problems: list[Violation] = []
    for position, raw in enumerate(request.raws):
        try:
            parts.append(parse(raw, request.dialect))
            found.append(_faults(raw, request.dialect))
            said = [f"{fault.place or 'it'} {fault.said}" for fault in found[-1] if fault.kind == "value"]
        except MessageError as error:
            said = [str(error)]
        except (RecursionError, TypeError, ValueError) as error:  # what JSON cannot hold, or no parser reads
            said = [f"it cannot be written as JSON ({type(error).__name__}); give plain values, not too deeply nested"]
        problems += [Violation(index=_index(position, request), rule="well_formed", message=one) for one in said]
    return parts, found, problems


def _faults(raw: Raw, dialect: Dialect) -> list[Fault]:
    # The plain message is nearly every message, and checking it must cost little.
    if raw.keys() == {"role", "content"} and isinstance(raw["content"], str):
        return []
    return list(faults(raw, dialect, union_of(dialect)))


def _index(position: int | None, request: Envelope) -> int | None:
    """Return the position in the given list, which does not hold a system prompt from outside."""
    if position is None or (request.lifted and position == 0):
        return None
    return position - int(request.lifted)
