"""Define the form in which JSON holds a report, and read a report back from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..citations.injections import Flag
from ..items import Budget
from ..items.outside import read_json
from ..models.footprint.ranges import Range
from ..tokens.counts import Count
from . import Decision, Expected, ShareUsed, Stands, Summarized

__all__ = ["FileScanned", "FileSkipped", "ReportRecord", "SecretLeftOut"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSkipped:
    """A file that could not be used."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretLeftOut:
    """A line of a file, `path:line`, whose secret was left out."""

    place: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileScanned:
    """A file too large to index that was searched for the question."""

    path: str
    read: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BothRanges:
    """The range of a packed call, and of the call with the whole input."""

    packed: Range
    unpacked: Range


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRecord:
    """The cost of a call: dollars, energy in Wh, CO2 equivalent in g."""

    model: str
    date: str
    packed: float | None
    unpacked: float | None
    energy_wh: BothRanges
    co2_g: BothRanges
    daily: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRecord:
    """A report as `Report.to_dict` gives it: the same names, with details worked out.

    Example:
        >>> import ctxwin, json
        >>> packed = ctxwin.pack([{"role": "user", "content": "When does the lease end?"}], budget=100)
        >>> record = ReportRecord.from_json(json.dumps(packed.report.to_dict()))
        >>> record.tokens == packed.tokens, record.items == packed.report.decisions
        (True, True)
    """

    origin: str
    limit: int
    tokens: int
    given: int
    strategy: str
    tokenizer: str
    exact: bool
    embedder: str | None
    value: float
    bound: float
    gap: float
    price: float
    budget: Budget
    count: Count
    parts: Mapping[str, int] = field(hash=False)
    citations: tuple[str, ...]
    standing: tuple[Stands, ...]
    shares: tuple[ShareUsed, ...]
    skipped: tuple[FileSkipped, ...]
    secrets: tuple[SecretLeftOut, ...]
    scanned: tuple[FileScanned, ...]
    warnings: tuple[str, ...]
    cost: CostRecord | None
    expected: Expected | None
    items: tuple[Decision, ...] = ()
    lost_facts: tuple[str, ...] = ()
    lost_kinds: Mapping[str, int] = field(default_factory=dict, hash=False)
    summaries: tuple[Summarized, ...] = ()
    flags: tuple[Flag, ...] = ()

    @classmethod
    def from_json(cls, text: str | bytes) -> ReportRecord:
        """Read what `Report.to_dict` gave, or `ctxwin explain --json` printed.

        Raises:
            InputError: the text is no report; the error names the key.
        """
        return read_json(text, cls, "this report", remedy="pack again, and save Report.to_dict() as JSON")
