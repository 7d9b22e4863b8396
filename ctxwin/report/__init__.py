"""Report on a packing: which items are in, shortened or out and why, how good the choice is, and what it costs."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import Any, Literal

from ..allocate import Verdict
from ..citations.excerpts import Excerpt
from ..citations.injections import Flag
from ..items import Budget, FormKind
from ..models import Model
from ..models.footprint import Billed, Spending, spending
from ..tokens.counts import Count

__all__ = [
    "Cause",
    "Cost",
    "Decision",
    "Expected",
    "FormName",
    "Offer",
    "Report",
    "ShareUsed",
    "Stands",
    "Summarized",
    "SummarySentence",
    "price_of",
]

FormName = Literal[FormKind, "folded", "out"]
"""The kind of form that an item has in the request; `folded`: whole, but written shorter; or that the item is out."""

Cause = Literal[
    Verdict,
    "system",
    "pinned",
    "tail",
    "everything",
    "unanswered",
    "aside",
    "recounted",
    "story",
    "carried",
    "retrieved",
    "unasked",
]
"""Why an item is in, shortened or out: a verdict of the allocator (`ctxwin.allocate.Verdict`), or one of these.

`system`, `pinned`, `tail`: it stays for any question; `everything`: nothing had to be left out; `unanswered`: a
call without its result, which providers refuse; `aside`: in the pool, but not among the items that compete;
`recounted`: chosen, but the exact count of the request was over the limit; `story`: the question asks for the whole, of
which it tells a part. If a window keeps the provider's prompt
cache warm, also `carried`: it has been in since an earlier request; `retrieved`: an earlier question brought it in as
an extract; `unasked`: no question has asked for it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What happened to one item, and why."""

    id: str
    position: int
    """The item's place in the input, from 0; items of the pool are numbered after the messages."""
    kind: str
    label: str
    """The speaker or role, or `path:first-last`."""
    form: FormName
    """The form shown: `full`, `folded` (whole, but written shorter), `extract`, `summary`, `stub`, or `out`."""
    tokens: int
    """Tokens of the item in the request, including text printed around it."""
    full_tokens: int
    """Tokens of the whole item."""
    p: float
    """Relevance to the question, from 0 to 1; 1 for an item that must stay."""
    reason: str
    """Why, in a few words: "outbid by m83", "needs 310, 12 left", "repeats m7"."""
    cause: Cause
    """The reason as one of a fixed set."""
    by: str = ""
    """The id of the item that this one repeats or is outbid by, or the source whose cap or floor decides; else ""."""
    lacks: int = 0
    """Tokens missing for the item, or for the whole of a shortened item; if the cause is `capped`, tokens missing under
    the cap."""
    preview: str = ""
    """The item's first words."""
    folded: str = ""
    """How a folded item is written shorter without loss, such as `JSON as tables`; else ""."""

    @property
    def rung(self) -> FormName:
        """The former name of `form`; it works until 0.3.0."""
        warnings.warn("Decision.rung is Decision.form since 0.2.0", DeprecationWarning, stacklevel=2)
        return self.form


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One form of one item that a larger budget would buy next."""

    id: str
    label: str
    form: FormName
    tokens: int
    """Tokens to add."""
    value: float
    """Expected evidence gained, in tokens of evidence."""

    @property
    def rung(self) -> FormName:
        """The former name of `form`; it works until 0.3.0."""
        warnings.warn("Offer.rung is Offer.form since 0.2.0", DeprecationWarning, stacklevel=2)
        return self.form


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareUsed:
    """The tokens of a source with a floor or a cap in the request: its items, without text printed around them."""

    source: str
    floor: int
    """The least tokens of the source; all its tokens if it has fewer."""
    cap: int | None
    """The most tokens of the source, or None for no limit."""
    tokens: int
    given: int
    """Tokens of all whole items of the source that compete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """A sentence that stands in the conversation: a rule, limit, fact, decision, task or preference."""

    kind: str
    text: str
    """The sentence, word for word; passwords and keys are left out."""
    source: str
    """The id of the message that holds the sentence."""
    voice: str
    """Whose word it is: `system`, `user`, `assistant` or `tool`."""
    strength: float
    """How surely it stands, from 0 to 1."""
    shown: bool
    """Whether the notes at the head of the request hold it; else it found no room there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The share of the evidence for its question that a request is expected to hold, on talk of its kind."""

    share: float
    low: float
    high: float
    """For 80 % of kinds of talk the mean share lies between `low` and `high`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummarySentence:
    """A sentence of a summary, with where its sources say so."""

    text: str
    sources: tuple[str, ...]
    """The ids of the items that it sums up."""
    places: tuple[tuple[int, int], ...]
    """(start, end) characters of the sentences of the source that bear it out; () for a summary of several items."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summarized:
    """What became of a summary that was asked for."""

    id: str
    """The id of the item that it is of, or of the first and the last of several, as in "m3-m18"."""
    used: bool
    """Whether the request shows it."""
    reason: str
    """Why it is not used; "" for one that is."""
    sentences: tuple[SummarySentence, ...]
    """The sentences that the source bears out."""
    refused: tuple[tuple[str, str], ...]
    """The other sentences, each with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The cost of one call, packed and unpacked, without the answer and with an empty prompt cache."""

    model: str
    date: str
    """The date of the catalogue's row."""
    spending: Spending
    """Money, energy and CO2 of the call, and of the whole input as if it had fitted."""

    @property
    def packed(self) -> float | None:
        """US dollars at the catalogue's prices; None if it has no price."""
        return self.spending.packed.dollars

    @property
    def unpacked(self) -> float | None:
        """US dollars that the whole input would have cost."""
        return self.spending.unpacked.dollars

    def to_dict(self) -> dict[str, Any]:
        """Return the cost as plain values: dollars, and energy in Wh and CO2 equivalent in g as low, mid and high."""
        packed, whole = self.spending.packed, self.spending.unpacked
        return {
            "model": self.model,
            "date": self.date,
            "packed": packed.dollars,
            "unpacked": whole.dollars,
            "energy_wh": {"packed": packed.energy.to_dict(), "unpacked": whole.energy.to_dict()},
            "co2_g": {"packed": packed.co2.to_dict(), "unpacked": whole.co2.to_dict()},
            "daily": self.spending.daily(),
        }


def price_of(model: Model, packed: int, unpacked: int) -> Cost:
    """Price a request of `packed` tokens, and the whole input of `unpacked` tokens.

    Raises:
        InputError: the environment names a grid that is not known.
    """
    call = Billed(model=model, input=packed, unpacked=unpacked)
    return Cost(model=model.name, date=str(model.date or ""), spending=spending([call]))


@dataclass(frozen=True, kw_only=True, eq=False)
class Report:
    """The report on one packing; details are computed when they are read."""

    budget: Budget
    limit: int
    """Tokens that the request may have: total - reserve - margin."""
    tokens: int
    """Tokens of the request, recounted from its final form; never over `limit`."""
    given: int
    """Tokens of the whole input."""
    parts: Mapping[str, int]
    """Tokens by part: `system`, `tools`, `standing`, `history`, `retrieved`, `query`, `overhead`; in all `tokens`."""
    strategy: str
    tokenizer: str
    exact: bool
    """Whether the count is exact or an estimate."""
    embedder: str | None
    """The model that judged relevance; None if words alone did, or if everything fitted."""
    value: float
    """Expected evidence in the request, in tokens of evidence."""
    bound: float
    """The most value that any choice of these forms under this budget can have."""
    price: float
    """The value that one more token would buy."""
    origin: str = ""
    """The source of imported messages, such as "ChatGPT export, conversation 'Trip to Bergen' (3 of 120)"; "" for a
    provider's messages."""
    excerpts: Sequence[Excerpt] = ()
    """The excerpts in the retrieved block, in order, one for each place in a source."""
    shares: Sequence[ShareUsed] = ()
    """The tokens of each source with a floor or a cap."""
    skipped: Sequence[tuple[str, str]] = ()
    """Files that could not be used, each with the reason."""
    secrets: Sequence[tuple[str, str]] = ()
    """Lines of files (`path:line`) with a secret that was left out, and the secret's kind."""
    scanned: Sequence[tuple[str, str]] = ()
    """Files too large to index that were searched for the question, and what was read of each."""
    summaries: Sequence[Summarized] = ()
    """What became of each summary that a summarizer was asked for."""
    warnings: Sequence[str] = ()
    cost: Cost | None = None
    """Money, energy and CO2; None if no model is named."""
    measure: Callable[[], Count] | None = field(default=None, repr=False)
    expect: Callable[[], Expected | None] = field(default=lambda: None, repr=False)
    decide: Callable[[], Sequence[Decision]] = field(default=lambda: (), repr=False)
    offer: Callable[[int], Sequence[Offer]] = field(default=lambda extra: (), repr=False)
    stand: Callable[[], Sequence[Stands]] = field(default=lambda: (), repr=False)
    lose: Callable[[], Mapping[str, str]] = field(default=dict, repr=False)
    flag: Callable[[], Sequence[Flag]] = field(default=lambda: (), repr=False)

    @cached_property
    def count(self) -> Count:
        """Tokens with bounds: sealed content and media of unknown size are estimates with any tokenizer."""
        return self.measure() if self.measure is not None else Count.of(self.tokens)

    @property
    def citations(self) -> tuple[str, ...]:
        """The sources cited in the retrieved block, in order: `path:first-last`, with the lines really shown."""
        return tuple(one.citation for one in self.excerpts if one.path)

    @property
    def gap(self) -> float:
        """How far the choice can be from the best at most, as a share of the bound; 0 is proven best."""
        return max(0.0, (self.bound - self.value) / self.bound) if self.bound > 0 else 0.0

    @cached_property
    def expected(self) -> Expected | None:
        """The share of the evidence for the question that is expected inside; None without a question."""
        return self.expect()

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """The decision on every item, in order."""
        return tuple(self.decide())

    @property
    def kept(self) -> tuple[Decision, ...]:
        """Items that are in whole, as they were given or written shorter without loss."""
        return tuple(one for one in self.decisions if one.form in ("full", "folded"))

    @property
    def shortened(self) -> tuple[Decision, ...]:
        """Items that are in as an extract, a summary or a stub."""
        return tuple(one for one in self.decisions if one.form not in ("full", "folded", "out"))

    @property
    def dropped(self) -> tuple[Decision, ...]:
        """Items that are out."""
        return tuple(one for one in self.decisions if one.form == "out")

    @cached_property
    def standing(self) -> tuple[Stands, ...]:
        """What stands in messages that the request does not hold whole, in order; ids lead back to the sources."""
        return tuple(self.stand())

    @cached_property
    def _lost(self) -> Mapping[str, str]:
        """The kind of each fact that was lost."""
        return self.lose()

    @property
    def lost_facts(self) -> tuple[str, ...]:
        """Numbers, names, paths, dates and negations of shortened items that their shorter forms lack."""
        return tuple(self._lost)

    @property
    def lost_kinds(self) -> Mapping[str, int]:
        """How many of the `lost_facts` are of the kind number, date, path, command, identifier and negation."""
        return dict(Counter(self._lost.values()))

    @cached_property
    def flags(self) -> tuple[Flag, ...]:
        """Lines of files, items and tool output in the request that address the model rather than the reader."""
        return tuple(self.flag())

    def more(self, tokens: int = 500) -> tuple[Offer, ...]:
        """List what a budget larger by `tokens` would buy, best first."""
        return tuple(self.offer(tokens))

    def to_dict(self, *, decisions: bool = True) -> dict[str, Any]:
        """Return the report as plain values, ready for JSON."""
        plain = {
            name: getattr(self, name)
            for name in ("origin", "limit", "tokens", "given", "strategy", "tokenizer", "exact", "embedder")
        }
        plain |= {name: round(getattr(self, name), 6) for name in ("value", "bound", "gap", "price")}
        plain |= {
            "budget": asdict(self.budget),
            "count": asdict(self.count),
            "parts": dict(self.parts),
            "citations": list(self.citations),
            "standing": [asdict(one) for one in self.standing],
            "shares": [asdict(one) for one in self.shares],
            "skipped": [{"path": path, "reason": reason} for path, reason in self.skipped],
            "secrets": [{"place": place, "kind": kind} for place, kind in self.secrets],
            "scanned": [{"path": path, "read": read} for path, read in self.scanned],
            "warnings": list(self.warnings),
            "cost": self.cost.to_dict() if self.cost else None,
            "expected": asdict(self.expected) if self.expected else None,
        }
        if decisions:
            names = [one.name for one in fields(Decision)]  # asdict copies deeply, at ten times the cost
            plain["items"] = [{name: getattr(one, name) for name in names} for one in self.decisions]
            plain["lost_facts"] = list(self.lost_facts)
            plain["lost_kinds"] = dict(self.lost_kinds)
            plain["summaries"] = [asdict(one) for one in self.summaries]
            plain["flags"] = [asdict(one) for one in self.flags]
        return plain
