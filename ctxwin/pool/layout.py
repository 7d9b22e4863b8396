"""Lay out a block: print items with headings and marks around them, and count what each of them costs.

A request reads, top to bottom: system and tools, the kept messages in order with a note for each omitted
run, one block with the items retrieved from lists and files, the question. The block prints

    [data 583: 412 left out]
    8 May 2023:
    Caroline: I went to a support group yesterday.
    …
    Melanie: That is great!

    notes/lease.md:12-20
    The deposit is two months' rent.
    [end 583]

The first and last line stand only where documents are quoted; otherwise the block begins with `[412 left out]`. A date
is printed once for a sitting, a source once for the passages from it that follow each other (not where all items are
passages from one source), and `path:first-last` (the lines shown) once for a run of neighbouring chunks. `…` stands
where turns between two printed turns are missing. Everything printed is counted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..citations.excerpts import Excerpt, Runs, Slice, merged, parts_of
from ..citations.excerpts import citation as cite
from ..citations.fences import FENCE, fence_number, fenced
from ..items import Item
from ..tokens import Tokenizer

__all__ = [
    "OMISSION",
    "QUOTED",
    "Costs",
    "Runs",
    "citation",
    "costs_of",
    "duplicate_weights",
    "frame",
    "left_out",
    "omitted_run",
    "render_block",
]

DUPLICATE_WEIGHT = {"turn": 0.5, "memory": 0.5}
"""Discount of near-duplicates by kind; 1 for chunks, passages and tool output, which repeat a lot, while a
conversation repeats little."""
QUOTED = frozenset({"chunk", "document"})
"""Kinds of items that put a block into a fence, which marks the block as data: text of files. Passages of a store are
as short as the fence is long: at 200 tokens a fence cost 2 points of evidence recall (rgb_zh)."""
OMISSION = "…\n"
"""The mark between two printed turns, or pieces of one document, when others between them are missing; one token in
o200k."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Costs:
    """What n items cost when a block prints them, as arrays for the allocator; all figures in tokens."""

    tokens: NDArray[np.int64]
    """(n,) the item's own text with the speaker's label and the line end."""
    order: NDArray[np.int64]
    """(n,) position; two items are neighbours exactly when their positions differ by one."""
    gap_tokens: NDArray[np.int64]
    """(n,) added when the neighbour before is not printed: a mark of omission, or a chunk's citation line."""
    header: NDArray[np.int64]
    """(n,) the shared heading (a date, a source) that the item stands under; -1 for none."""
    header_tokens: NDArray[np.int64]
    """(H,) the cost of each shared heading."""
    labels: Sequence[str]
    """(n) the label printed before each text: the speaker's, or ""."""
    names: Mapping[str, str] = field(default_factory=dict)
    """The label of each speaker."""
    duplicate_weight: NDArray[np.float64]
    """(n,) the share, from 0 to 1, by which an item loses value when a near-duplicate of it is chosen."""

    def without_sole_source(self, items: Sequence[Item]) -> Costs:
        """Return the costs without a heading where one source stands above all n items: it tells none from another.

        What was asked for one source, its name of 8 tokens, was a tenth of the room within 128 tokens.
        """
        sole = len(self.header_tokens) == 1 and bool((self.header == 0).all())
        if not sole or items[0].kind != "passage" or items[0].time is not None:
            return self
        return replace(self, header=np.full(len(items), -1, np.int64), header_tokens=np.zeros(0, np.int64))

    def take(self, rows: NDArray[np.intp], items: Sequence[Item]) -> Costs:
        """Return the costs of some of the items, (m,) in any order, without counting them again.

        Args:
            rows: indices of the items; none of them may have a label, since labels depend on all items.
            items: the same items, in the same order.
        """
        step = np.full(len(rows), 2, np.int64)
        header = self.header[rows]
        new = header >= 0  # whether a header stands above each, other than that of the one before
        behind = np.diff(rows) == 1
        step[1:][behind] = np.diff(self.order)[rows[:-1][behind]]
        new[1:][behind] &= np.diff(header)[behind] != 0
        for i in (1 + np.flatnonzero(~behind)).tolist():
            step[i] -= follows(items[i - 1], items[i])
            new[i] &= _above(items[i - 1]) != _above(items[i])
        return Costs(
            tokens=self.tokens[rows],
            order=np.cumsum(step),
            gap_tokens=self.gap_tokens[rows],
            header=np.where(header >= 0, np.cumsum(new) - 1, -1),
            header_tokens=self.header_tokens[header[new]],
            labels=[""] * len(rows),
            duplicate_weight=self.duplicate_weight[rows],
        )

    def plus(self, more: Costs) -> Costs:
        """Append the costs of other items, which continue none of these."""
        after = int(self.order[-1]) + 2 if len(self.order) else 0
        header = np.where(more.header >= 0, more.header + len(self.header_tokens), -1)
        return Costs(
            tokens=np.concatenate([self.tokens, more.tokens]),
            order=np.concatenate([self.order, more.order + after]),
            gap_tokens=np.concatenate([self.gap_tokens, more.gap_tokens]),
            header=np.concatenate([self.header, header]),
            header_tokens=np.concatenate([self.header_tokens, more.header_tokens]),
            labels=[*self.labels, *more.labels],
            duplicate_weight=np.concatenate([self.duplicate_weight, more.duplicate_weight]),
        )


def frame(kinds: Collection[str], size: int) -> str:
    """Return the longest text that can stand around a block of `size` items of these kinds."""
    return fenced("", FENCE, size) if QUOTED & set(kinds) else left_out(size)


def left_out(omitted: int) -> str:
    """Return a block's first line, which says how many items are missing; "" when none is.

    It takes 5 tokens. `[412 of 437 items left out]` took 9, and a question of 128 tokens has some 90 for all items.
    """
    return f"[{omitted:,} left out]\n" if omitted else ""


def omitted_run(turns: int, ids: str = "") -> str:
    """Return the note between two kept messages: how many turns are missing, and their ids if they can be recalled."""
    return f"[{turns:,} turn{'s' if turns != 1 else ''} omitted{': ' if ids else ''}{ids}]"


def source_of(item: Item) -> str:
    """Name the source of an item; "" for a turn, which has a speaker instead, and for an unknown source."""
    return item.source if item.source is not None and item.kind != "turn" else ""


def citation(item: Item) -> str:
    """Name the lines of a chunk as `path:first-last`; "" when it has no source.

    Example:
        >>> citation(Item(text="x", kind="chunk", source="notes.md", lines=(3, 9)))
        'notes.md:3-9'
    """
    places = (item.place,) if item.place is not None else ()
    return cite(source_of(item), (item.lines,) if item.lines is not None else (), places)


def short_names(speakers: Sequence[str | None]) -> Mapping[str, str]:
    """Label each speaker with the first word of the name, or with the full name if two speakers share that word."""
    names = {name for name in speakers if name}
    first: dict[str, set[str]] = {}
    for name in names:
        first.setdefault(name.split()[0] if name.split() else name, set()).add(name)
    return {name: word if len(owners) == 1 else name for word, owners in first.items() for name in owners}


def _label(item: Item, names: Mapping[str, str]) -> str:
    who = names.get(item.speaker) if item.speaker else (item.role if item.kind == "turn" else None)
    return f"{who}: " if who else ""


def _shared(item: Item) -> str:
    """Return the heading that an item shares with its neighbours: a date, or the source of passages."""
    if item.time is None:
        return f"\n{item.source}\n" if item.kind == "passage" and item.source and item.lines is None else ""
    when = item.when
    return f"{when.day} {when:%B} {when.year}:\n" if when else f"{item.time}:\n"


def _head(item: Item, cited: str) -> str:
    """Return the text printed before an item when its neighbour before is not printed."""
    if item.kind == "turn":
        return OMISSION
    if item.kind == "memory":
        return ""
    if item.kind == "passage" and item.lines is None:  # its source stands above
        cited = item.title or ""
    header = _closed(item.header[1]) if item.header is not None else ""
    if cited:
        return f"\n{cited}\n{header}"
    return OMISSION + header if item.kind == "chunk" else "\n"


def _closed(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"


def follows(before: Item, item: Item) -> bool:
    """Tell whether `item` continues `before`: the next turn of a sitting, the next chunk of a document."""
    if before.kind != item.kind or item.kind in ("memory", "passage", "document"):
        return False
    if item.kind == "turn":
        return before.session == item.session and before.source == item.source
    return (
        before.source == item.source
        and before.span is not None
        and item.span is not None
        and (before.span[1] == item.span[0])
    )


def costs_of(items: Sequence[Item], tokenizer: Tokenizer, known: Costs | None = None) -> Costs:
    """Count all items as a block prints them, in one call of the tokenizer.

    Args:
        items: n items.
        tokenizer: what counts them.
        known: the costs of the first items from an earlier call; these items are counted again only if a label has
            changed because another speaker has the same first name.
    """
    known = known or _NO_COSTS
    names = short_names([*known.names, *(item.speaker for item in items[len(known.labels) :])])
    if not known.names.items() <= names.items():
        known = _NO_COSTS
    first = len(known.labels)
    new, before = items[first:], items[first - 1] if first else None
    labels = [_label(item, names) for item in new]
    header, lines = _headers(new, before, len(known.header_tokens))
    heads = [_head(item, citation(item)) for item in new]
    texts = [label + _closed(item.text) for label, item in zip(labels, new, strict=True)]
    different = list(dict.fromkeys(heads))
    counts = tokenizer.count_many([*texts, *different, *lines])
    head_cost = dict(zip(different, counts[len(texts) :], strict=False))
    steps = [
        1 if left is not None and follows(left, item) else 2 for left, item in zip([before, *new], new, strict=False)
    ]
    columns = {
        "tokens": counts[: len(texts)],
        "order": np.cumsum([int(known.order[-1]) if first else 0, *steps])[1:],
        "gap_tokens": [head_cost[head] for head in heads],
        "header": header,
        "header_tokens": counts[len(texts) + len(different) :],
        "duplicate_weight": duplicate_weights(new),
    }
    grown = {
        name: np.concatenate([getattr(known, name), np.asarray(column, getattr(known, name).dtype)])
        for name, column in columns.items()
    }
    return Costs(labels=[*known.labels, *labels], names=names, **grown)


_NO_COSTS = Costs(
    tokens=np.empty(0, np.int64),
    order=np.empty(0, np.int64),
    gap_tokens=np.empty(0, np.int64),
    header=np.empty(0, np.int64),
    header_tokens=np.empty(0, np.int64),
    labels=[],
    duplicate_weight=np.empty(0, np.float64),
)


def _headers(items: Sequence[Item], before: Item | None, known: int) -> tuple[list[int], list[str]]:
    """Return the index of each item's heading, -1 for none, and the new headings, whose indices begin at `known`."""
    header, lines = [], []
    last = _above(before) if before is not None else None
    for item in items:
        above = _above(item)
        # Where another line comes between two items, theirs is printed again.
        if above[1] and above != last:
            lines.append(above[1])
        header.append(known + len(lines) - 1 if above[1] else -1)
        last = above
    return header, lines


def _above(item: Item) -> tuple[str | None, str]:
    return item.session, _shared(item)


def duplicate_weights(items: Sequence[Item]) -> NDArray[np.float64]:
    """Return the share of its value that each item loses when a near-duplicate is chosen, (n,) from 0 to 1."""
    tools = ("tool", "function")
    weights = (1.0 if item.role in tools else DUPLICATE_WEIGHT.get(item.kind, 1.0) for item in items)
    return np.fromiter(weights, np.float64, len(items))


def render_block(
    items: Sequence[Item],
    costs: Costs,
    chosen: Sequence[int],
    short: Mapping[int, tuple[str, Runs | None]],
    total: int | None = None,
) -> tuple[str, list[Excerpt]]:
    """Print the chosen items as one text, in order; a fence surrounds it if one of them is part of a document.

    Args:
        items: all items of the block.
        costs: the costs of all items, which name the label before each text and the items under a heading.
        chosen: indices of the items to print, ascending.
        short: for each item that is not printed whole, the text to print and the slices of the item's own text that
            it is made of; None instead of slices for a text in other words.
        total: how many items could have been chosen. Default: all.

    Returns:
        The text, and one excerpt for each run of neighbours in it, in order.
    """
    total = len(items) if total is None else total
    omitted = total - len(chosen)
    out: list[str] = []
    shown: list[Excerpt] = []
    under: tuple[str | None, str] | None = None
    for run in _runs(items, chosen):
        first = items[run[0]]
        excerpt = _excerpt(items, costs.labels, run, short)
        head, line = _head(first, excerpt.citation), _shared(first) if costs.header[run[0]] >= 0 else ""
        if line and (first.session, line) != under:
            head = line + ("" if head == OMISSION else head.removeprefix("\n"))
        if not out:
            # The line above says that something is missing, and at the very top there is nothing to part.
            head = "" if head == OMISSION else head.removeprefix("" if omitted else "\n")
        under = (first.session, line)
        out.append(head + _closed(excerpt.text))
        shown.append(excerpt)
    text = "".join(out)
    if any(items[i].kind in QUOTED for i in chosen):
        return fenced(text, fence_number(text), omitted), shown
    return left_out(omitted) + text, shown


def _excerpt(
    items: Sequence[Item], labels: Sequence[str], run: Sequence[int], short: Mapping[int, tuple[str, Runs | None]]
) -> Excerpt:
    """Describe a run of neighbours as an excerpt: its source, lines and text."""
    header = items[run[0]].header
    parts: list[Slice] = [header] if header is not None else []
    texts, lines = [], list[tuple[int, int]]()
    for i in run:
        text, runs = short.get(i, (None, None))
        its, where = parts_of(items[i], text, runs)
        parts += its
        lines += where
        texts.append(labels[i] + _piece(items[i], items[i].text if text is None else text))
    return Excerpt(
        path=source_of(items[run[0]]),
        lines=merged(lines),
        text="".join(texts),
        parts=tuple(parts),
        ids=tuple(items[i].id for i in run),
        places=tuple(dict.fromkeys(place for i in run if (place := items[i].place) is not None)),
        header=_closed(header[1]) if header is not None else "",
    )


def _runs(items: Sequence[Item], chosen: Sequence[int]) -> Iterator[list[int]]:
    """Split ascending indices into runs of neighbours that stand under one date."""
    run: list[int] = []
    for i in chosen:
        if run and not (run[-1] == i - 1 and follows(items[i - 1], items[i]) and items[i - 1].time == items[i].time):
            yield run
            run = []
        run.append(i)
    if run:
        yield run


def _piece(item: Item, text: str) -> str:
    return text if item.kind == "chunk" else _closed(text)
