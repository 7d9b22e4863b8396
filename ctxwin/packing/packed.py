"""Hold the result of a packing, the output of the station "explain": the request, the report and the plan.

A `Plan` is the choice alone; a plan can be saved, compared and packed again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import InputError
from ..items import Budget, FormKind
from ..items.outside import read_json
from ..report import Report
from ..report.picture import html, table
from ..report.record import ReportRecord

__all__ = ["Change", "Packed", "PackedRecord", "Plan", "flat_text"]

PLAN_VERSION = 1
"""Version of the format of a saved plan; raised when the format changes."""
PLAN_REMEDY = "pack again, and save the plan with Plan.to_json()"
"""What to do with a saved plan that cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference between two plans."""

    id: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """A plan as JSON holds it."""

    choices: tuple[tuple[str, FormKind], ...]
    limit: int
    strategy: str
    tokenizer: str
    tokens: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The choice of a packing: which item is shown in which form. Equal input gives an equal plan, byte for byte."""

    choices: tuple[tuple[str, str], ...]
    """(id, form) of every item in the request, in order."""
    strategy: str
    limit: int
    tokens: int
    tokenizer: str
    again: Callable[..., Packed] | None = field(default=None, compare=False, repr=False)

    def to_json(self) -> str:
        """Return the plan as one line of JSON, without the items' texts.

        Example:
            >>> Plan(choices=(("t1", "full"),), strategy="auto", limit=9, tokens=7, tokenizer="o200k_base").to_json()
            '{"choices":[["t1","full"]],"limit":9,"strategy":"auto","tokenizer":"o200k_base","tokens":7,"version":1}'
        """
        plain = {name: getattr(self, name) for name in ("choices", "strategy", "limit", "tokens", "tokenizer")}
        return json.dumps(plain | {"version": PLAN_VERSION}, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Plan:
        """Read a plan that `to_json` wrote; such a plan can be compared, but not repacked.

        Raises:
            InputError: the text is no plan, or a plan of another version.
        """
        saved = read_json(text, SavedPlan, "this plan", remedy=PLAN_REMEDY, version=PLAN_VERSION)
        return cls(
            choices=saved.choices,
            strategy=saved.strategy,
            limit=saved.limit,
            tokens=saved.tokens,
            tokenizer=saved.tokenizer,
        )

    def diff(self, other: Plan) -> tuple[Change, ...]:
        """Return the items whose form differs in `other`, in order; `out` stands for an item outside the plan."""
        mine, theirs = dict(self.choices), dict(other.choices)
        return tuple(
            Change(id=name, before=mine.get(name, "out"), after=theirs.get(name, "out"))
            for name in {**mine, **theirs}
            if mine.get(name, "out") != theirs.get(name, "out")
        )

    def repack(self, *, budget: int | str | Budget | None = None, model: str | None = None) -> Packed:
        """Pack the same input again under another budget or for another model.

        Raises:
            InputError: the plan was read from JSON, which does not hold the items.
        """
        if self.again is None:
            raise InputError("a plan read from a file has no items to repack; call pack() with them")
        return self.again(budget=budget, model=model)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedRecord:
    """A packed request as `Packed.to_dict` gives it."""

    messages: Any
    tokens: int
    report: ReportRecord
    plan: SavedPlan


@dataclass(frozen=True, kw_only=True, eq=False)
class Packed:
    """A packed request: ready to send, with its account and its plan."""

    messages: Any
    """The request in the form that came in: a list of messages, or a request body around it."""
    text: str
    """The request as one flat text."""
    tokens: int
    """Recounted from `messages`; never over the budget's limit."""
    report: Report
    plan: Plan

    def __str__(self) -> str:
        return table(self.report)

    def __repr__(self) -> str:
        return f"Packed({self.tokens:,} of {self.report.limit:,} tokens, strategy {self.report.strategy!r})"

    def _repr_html_(self) -> str:
        return html(self.report)

    def to_dict(self) -> Mapping[str, Any]:
        """Return request, report and plan as plain values, ready for JSON."""
        return {
            "messages": self.messages,
            "tokens": self.tokens,
            "report": self.report.to_dict(),
            "plan": json.loads(self.plan.to_json()),
        }


def flat_text(items: Sequence[Any]) -> str:
    """Print a request's messages as one text: for each message a line with the role, then the text."""
    return "\n".join(f"{item.role or 'user'}:\n{item.text}\n" for item in items)
