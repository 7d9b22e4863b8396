"""Word what both pictures of a packing say, so that no text can disturb a terminal or a page."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from . import Decision, Report, Stands

__all__ = [
    "PARTS",
    "PREVIEW",
    "by_relevance",
    "clean",
    "costs",
    "flagged",
    "fullness",
    "headline",
    "kind_order",
    "left_out",
    "limited",
    "notes",
    "numbers",
    "origin",
    "quality",
    "relevance",
    "shares_of",
    "sizes",
    "standing",
    "stands",
    "title",
]

MORE = 500
"""Extra tokens for which both pictures say what they would buy."""
PREVIEW = 160
"""The most characters of an item's first words."""
CITATIONS = 4
"""The most citations to name."""
FLAGS = 2
"""The most lines that address the model to name."""
SECRETS = 4
"""The most places of left-out secrets to name."""
FACTS = 4
"""The most lost facts to name."""
STOOD = 4
"""The most sources of what stands to name."""
NO_ROOM = 12
"""The most sentences without room to list."""
KINDS = ("rule", "preference", "limit", "decision", "task", "fact")
"""The kinds of what stands, in the order in which they are listed."""
UNWANTED = ("irrelevant", "duplicate", "aside", "unanswered")
"""Causes for which an item is out whatever the budget."""
ESTIMATED = 1.1
"""Tell a request's upper bound from this many times its tokens on; the rewriting of tools makes less difference."""
JUDGES = {
    "all-MiniLM-L6-v2": "minilm",
    "universal-sentence-encoder-multilingual-3": "multilingual",
    "wordllama-l2-supercat-256": "static",
}
"""The names of embedders on the command line."""
PARTS = ("system", "tools", "standing", "history", "retrieved", "query", "overhead")
"""The parts of a request, in order."""

_MESSAGE = re.compile(r"m\d+")
"""The id that a message gets from its place; people type it to pin or forget the message."""
_UNSAFE = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
"""Marks and overrides of writing direction, which can turn the text next to them."""


def clean(text: str, length: int = PREVIEW) -> str:
    r"""Return a text as one line that can disturb neither a terminal nor a page.

    Example:
        >>> clean("a\x1b[31m\nb\u202e\ud800")
        'a�[31m b��'
    """
    signs = []
    for sign in text[: 4 * length]:
        kind = unicodedata.category(sign)
        if sign in "\t\n\r" or kind in ("Zl", "Zp"):
            signs.append(" ")
        else:
            signs.append("�" if kind in ("Cc", "Cs") or sign in _UNSAFE else sign)
    line = " ".join("".join(signs).split())
    whole = len(line) <= length and len(text) <= 4 * length
    return line if whole else line[: length - 1].rstrip() + "…"


def headline(report: Report) -> str:
    """Say how full the window is and how it was filled."""
    tokenizer = clean(report.tokenizer, 40)
    counted = tokenizer if report.exact else f"estimated for {tokenizer}"
    return (
        f"{report.tokens:,} of {report.limit:,} tokens ({fullness(report)} %), "
        f"out of {report.given:,} given; strategy {clean(report.strategy, 40)}, {counted}"
    )


def fullness(report: Report) -> int:
    """Return how full the window is in percent, rounded down so that only a full window has 100."""
    return 100 * report.tokens // report.limit


def numbers(report: Report) -> str:
    """Say how many items are in whole, shortened and out."""
    return f"{len(report.kept):,} whole, {len(report.shortened):,} shortened, {len(report.dropped):,} out"


def origin(report: Report) -> list[str]:
    """Name the source of imported messages; return nothing for a provider's messages."""
    return [f"read from: {clean(report.origin, 90)}"] if report.origin else []


def quality(report: Report) -> str:
    """Say how good the choice is and who judged relevance."""
    if not report.dropped and not report.shortened:
        return "everything that was given fits"
    judge = f"words and {clean(_judges(report.embedder), 60)}" if report.embedder else "words alone"
    if report.bound <= 0:
        return f"relevance by {judge}"
    held = f"about {100 * report.expected.share:.0f} % of the evidence expected inside; " if report.expected else ""
    best = "proven best" if report.gap < 5e-4 else f"at most {100 * report.gap:.1f} % from the best"
    return f"{held}{best}; relevance by {judge}"


def _judges(embedder: str) -> str:
    """Name embedders as `embedder=` does, without their versions.

    Example:
        >>> _judges("all-MiniLM-L6-v2/int8-1/0.1.0 and sentence-transformers/bge-m3/6.2.0")
        'minilm and bge-m3'
    """
    names = (one.removeprefix("sentence-transformers/").split("/")[0] for one in embedder.split(" and "))
    return " and ".join(JUDGES.get(name, name) for name in names)


def limited(report: Report) -> str | None:
    """Say why a request may have fewer tokens than its budget; return None if it may have all."""
    budget = report.budget
    margin = budget.total - budget.reserve - report.limit
    less = [f"{budget.reserve:,} reserved for the answer"] if budget.reserve else []
    if margin > 0:
        why = f", since {clean(report.tokenizer, 40)} is estimated" if not report.exact else ""
        less.append(f"a margin of {margin:,} for counting errors{why}")
    return f"limit {report.limit:,}: a budget of {budget.total:,} less {' and '.join(less)}" if less else None


def costs(report: Report) -> list[str]:
    """Say what the call, and a day of such calls, costs in money, energy and CO2; return nothing without a model."""
    if (cost := report.cost) is None:
        return []
    said = [cost.spending.impact()]
    if cost.packed is not None and cost.unpacked is not None:
        model = clean(cost.model, 40)
        said.insert(0, f"${cost.packed:.5f} with {model}, unpacked ${cost.unpacked:.5f} (prices of {cost.date})")
    return [*said, cost.spending.daily()]


def _purchase(report: Report) -> str | None:
    offers = report.more(MORE)
    if not offers:
        return None
    first = offers[0]
    label = clean(next((title(one) for one in report.decisions if one.id == first.id), first.label), 40)
    return f"{MORE} more tokens would buy {len(offers):,} more, first {label} (+{first.tokens:,} tokens)"


def sizes(one: Decision) -> str:
    """Print the tokens of an item: now, or now/whole if that is less, or whole if it is out."""
    if one.form == "full":
        return f"{one.tokens:,}"
    return f"{one.full_tokens:,}" if one.form == "out" else f"{one.tokens:,}/{one.full_tokens:,}"


def title(one: Decision) -> str:
    """Name an item: a message by its id or a turn by its place among all, with the speaker; else by its label."""
    if one.kind != "turn" or one.id == one.label == "system":
        return one.label
    return f"{one.id if _MESSAGE.fullmatch(one.id) else one.position} {one.label}"


def relevance(p: float) -> str:
    """Print a relevance in four columns; a small relevance above 0 is not printed as 0.00."""
    return "<.01" if 0 < p < 0.005 else f"{p:.2f}"


def shares_of(report: Report) -> dict[str, int]:
    """Return the tokens of each part that has any, in the order of the request, and the free tokens."""
    known = {name: report.parts.get(name, 0) for name in PARTS}
    rest = {name: tokens for name, tokens in report.parts.items() if name not in PARTS}
    shares = {name: tokens for name, tokens in (known | rest).items() if tokens > 0}
    return shares | {"free": max(0, report.limit - report.tokens)}


def by_relevance(decisions: Sequence[Decision]) -> list[Decision]:
    """Sort items by relevance, the highest first, and among equals by position."""
    return sorted(decisions, key=lambda one: (-one.p, one.position))


def notes(report: Report) -> list[str]:
    """Return the notes below a picture: the limit, offers, sources, losses, warnings."""
    said = [
        limited(report),
        _estimated(report),
        _purchase(report),
        _nothing_else(report),
        standing(report),
        _sources(report),
        *_shares(report),
        _folded(report),
        _lost(report),
        _skipped(report),
        left_out(report.secrets),
    ]
    said += flagged(report)[:FLAGS]
    return [*(one for one in said if one), *(f"warning: {clean(one)}" for one in report.warnings)]


def _nothing_else(report: Report) -> str | None:
    """Say that what is out has nothing to do with the question, where tokens are left; return nothing otherwise."""
    if any(one.cause not in UNWANTED for one in report.dropped):
        return None
    unrelated = sum(one.cause == "irrelevant" for one in report.dropped)
    if not unrelated:
        return None
    left = report.limit - report.tokens
    return f"nothing else is relevant: {_many(unrelated, 'item')} out, {_many(left, 'token')} left free"


def _estimated(report: Report) -> str | None:
    """Say how many tokens a request may take, if not the tokens counted; the tokenizer's own error is said above."""
    count = report.count
    if not report.exact or count.high <= report.tokens * ESTIMATED:
        return None
    return f"images, files or sealed content of unknown size: the provider may count {count.low:,} to {count.high:,}"


def _sources(report: Report) -> str | None:
    if not report.citations:
        return None
    more = len(report.citations) - CITATIONS
    named = ", ".join(clean(one, 60) for one in report.citations[:CITATIONS])
    return f"from {named}" + (f" and {more:,} more" if more > 0 else "")


def kind_order(kind: str) -> int:
    """Return the place of a kind in lists of what stands, from 0."""
    return KINDS.index(kind) if kind in KINDS else len(KINDS)


def standing(report: Report) -> str | None:
    """Say how much of what stands the request holds, and from where; return nothing if nothing stands."""
    shown = [one for one in report.standing if one.shown]
    without = len(report.standing) - len(shown)
    if not report.standing:
        return None
    said = f"standing: {_many(len(shown), 'entry', 'entries')}, {report.parts.get('standing', 0):,} tokens"
    sources = list(dict.fromkeys(clean(one.source, 40) for one in shown))
    more = f" and {len(sources) - STOOD:,} more" if len(sources) > STOOD else ""
    said += f", from {', '.join(sources[:STOOD])}{more}" if sources else ""
    return said + (f"; {without:,} found no room" if without else "")


def stands(report: Report) -> list[str]:
    """List the sentences that stand by kind, each with its source and the one who said it; first those shown."""
    lines: list[str] = []
    shown = sorted((one for one in report.standing if one.shown), key=lambda one: kind_order(one.kind))
    without = sorted((one for one in report.standing if not one.shown), key=lambda one: -one.strength)
    if shown:
        lines += [
            "",
            "stands at the head, word for word:",
            *map(_stood, sorted(shown, key=lambda one: kind_order(one.kind))),
        ]
    if without:
        lines += ["", "stands and found no room, the surest first:", *map(_stood, without[:NO_ROOM])]
    if len(without) > NO_ROOM:
        lines.append(f"  … {len(without) - NO_ROOM:,} more, which --json lists")
    return lines


def _stood(one: Stands) -> str:
    return f"  {one.kind:<10} {clean(f'{one.source} {one.voice}', 40):<16} {clean(one.text, 2 * PREVIEW)}"


def _shares(report: Report) -> list[str]:
    return [
        f"share of {clean(one.source, 60)}: {one.tokens:,} of {one.given:,} tokens, at least {one.floor:,}"
        + (f", at most {one.cap:,}" if one.cap is not None else "")
        for one in report.shares
    ]


def flagged(report: Report) -> list[str]:
    """Name the lines in the request that address the model, one on each line."""
    return [
        f"warning: {clean(one.path, 60)}{'' if one.line is None else f':{one.line}'} addresses the model "
        f"({one.kind}): {clean(one.text, 80)}"
        for one in report.flags
    ]


def _folded(report: Report) -> str | None:
    """Say how many items are written shorter without loss, how, and what that saves; return nothing if none is."""
    found = [one for one in report.kept if one.form == "folded"]
    ways = ", ".join(dict.fromkeys(clean(one.folded, 60) for one in found))
    saved = sum(one.full_tokens - one.tokens for one in report.kept)
    return f"folded without loss: {_many(len(found), 'item')} ({ways}), {saved:,} tokens saved" if found else None


def _lost(report: Report) -> str | None:
    facts = report.lost_facts
    if not facts:
        return None
    named = ", ".join(clean(fact, 24) for fact in facts[:FACTS])
    return f"lost by shortening: {_many(len(facts), 'fact')}, such as {named}"


def _skipped(report: Report) -> str | None:
    if not report.skipped:
        return None
    path, reason = report.skipped[0]
    return f"skipped {_many(len(report.skipped), 'file')}, such as {clean(path, 60)} ({clean(reason, 60)})"


def left_out(secrets: Sequence[tuple[str, str]]) -> str | None:
    """Say where secrets were left out of files, and how to include them."""
    if not secrets:
        return None
    named = ", ".join(f"{clean(place, 60)} ({kind})" for place, kind in secrets[:SECRETS])
    more = f" and {len(secrets) - SECRETS:,} more" if len(secrets) > SECRETS else ""
    return f"left out {_many(len(secrets), 'secret')}: {named}{more}; allow_secrets=True or --allow-secrets packs them"


def _many(count: int, noun: str, plural: str = "") -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {plural or noun + 's'}"
