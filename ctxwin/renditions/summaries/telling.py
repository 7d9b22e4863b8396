"""Have nodes of the tree summed up by a model, and keep what the texts below them bear out.

A node is summed up once the nodes below it are: a segment from its turns, all others from what is said of the nodes
below, so that the whole tree costs little more than reading each turn once. What is written is checked against the
turns that it can come from, and every sentence knows the turns that say so. Where a model wrote nothing that stays, the
node's own sentences serve.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from ...retrieve.words.lexical import tokenize
from ..summarize import Summarizer, version_of
from .faithful import Grounds
from .growing import Place, View
from .nodes import NodeSentence, NodeSummary
from .writing import SUMMARY_TOKENS

__all__ = ["NodeSource", "Telling"]

Addresses = Callable[[str], bool]
"""Tells whether a sentence addresses the model that will read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSource:
    """What a node is summed up from."""

    place: Place
    text: str
    """What a summarizer is asked to shorten."""
    leaves: tuple[int, ...]
    """The leaves that it comes from, ascending, numbered as in the view."""


class Telling:
    """The nodes of a view that a summarizer summed up, and those that it may sum up next.

    Args:
        view: the tree at one moment.
        summarizer: only what it wrote itself counts.
        addresses: sentences that address the model go.

    Example:
        >>> from ctxwin import Item
        >>> from ctxwin.renditions.summarize import get_summarizer
        >>> from ctxwin.renditions.summaries.growing import Tree
        >>> import numpy as np
        >>> talk = [f"Ana rowed to isle {n} and counted {n * n} seals there before the storm came." for n in range(40)]
        >>> view = Tree([Item(text=2 * text) for text in talk]).view(np.arange(40))
        >>> telling = Telling(view, get_summarizer(str.upper), lambda sentence: False)
        >>> source = telling.source(telling.open()[0])
        >>> telling.take(source, "On isle 3 Ana counted 9 seals. On isle 3 Ana counted 90 seals.")
        >>> [(one.text, one.leaves) for one in telling.found()[source.place].sentences]
        [('On isle 3 Ana counted 9 seals.', (3,))]
    """

    def __init__(self, view: View, summarizer: Summarizer, addresses: Addresses) -> None:
        self._view = view
        self._by = version_of(summarizer.name, SUMMARY_TOKENS)
        self._addresses = addresses

    def found(self, places: Collection[Place] | None = None) -> dict[Place, NodeSummary]:
        """Return what the summarizer wrote of some nodes, in order; other threads may add to it. Default: of all."""
        some = self._view.nodes() if places is None else sorted(places)
        return {place: one for place, one in self._view.summaries(some).items() if one.by == self._by}

    @property
    def is_kept(self) -> bool:
        """Whether what is taken is kept elsewhere than in this process."""
        return self._view.is_kept

    def open(self) -> list[Place]:
        """Return the nodes that can be summed up now, those of a lower level first."""
        nodes = self._view.nodes()
        found = self.found(nodes)
        done = {place for place in nodes if place in found or self._is_short(place)}
        ready = (place for place in nodes if place[0] == 1 or done.issuperset(self._view.children(place)))
        return [place for place in ready if place not in done]

    def _is_short(self, place: Place) -> bool:
        """Tell whether a summary would be no shorter than the texts."""
        return int(self._view.tokens[slice(*self._view.span(place))].sum()) <= SUMMARY_TOKENS

    def source(self, place: Place) -> NodeSource:
        """Return what a node is summed up from: its texts, or what is said of the nodes below."""
        if place[0] == 1:
            leaves: Sequence[int] = range(*self._view.span(place))
            return NodeSource(place=place, text=self._texts(leaves)[0], leaves=tuple(leaves))
        parts = [one for child in self._view.children(place) for one in self._said(child)]
        leaves = sorted({leaf for _, some in parts for leaf in some})
        return NodeSource(place=place, text="\n".join(text for text, _ in parts), leaves=tuple(leaves))

    def take(self, source: NodeSource, answer: str) -> None:
        """Keep the sentences of an answer that the texts bear out, unless the node has a summary."""
        if self.found([source.place]):
            return
        first, _ = self._view.span(source.place)
        text, starts, leaves = self._texts(source.leaves)
        labels = {self._view.text(leaf)[0] for leaf in leaves} - {""}
        for label in labels:  # of a model that goes on with the talk
            answer = answer.replace(label, "")
        checked = Grounds(text).check(answer, addresses=self._addresses)
        refused = [(one.text, one.reason) for one in checked.refused]
        kept, empty = [], set(tokenize(" ".join(labels)))
        for one in checked.kept:
            said = sorted({leaves[bisect_right(starts, start) - 1] - first for start, _ in one.places})
            if said and not empty.issuperset(tokenize(one.text)):
                kept.append(NodeSentence(text=one.text, leaves=tuple(said)))
            else:
                refused.append((one.text, "says nothing of the source"))
        if len(checked.text) >= len(source.text):
            kept, refused = [], [(answer, "no shorter than its source")]
        summary = NodeSummary(by=self._by, sentences=tuple(kept), refused=tuple(refused))
        self._view.keep_summary(source.place, summary)

    def _said(self, place: Place) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield what is said of a node, sentence by sentence, each with its leaves: by a model, else its own."""
        first, _ = self._view.span(place)
        written = self.found([place]).get(place)
        if written is not None and written.sentences:
            for one in written.sentences:
                yield one.text, tuple(first + leaf for leaf in one.leaves)
            return
        own = self._view.statements([place])
        for leaf, start, end in zip(own.text.tolist(), own.starts.tolist(), own.ends.tolist(), strict=True):
            label, text = self._view.text(leaf)
            yield label + text[start:end].strip(), (leaf,)

    def _texts(self, leaves: Sequence[int]) -> tuple[str, list[int], list[int]]:
        """Return some texts one below the other, where each begins, and the leaf of each."""
        found = [(*self._view.text(leaf), leaf) for leaf in leaves]
        parts = [(label + text.strip(), leaf) for label, text, leaf in found if text.strip()]
        starts = [0, *accumulate(len(text) + 1 for text, _ in parts)][: len(parts)]
        return "\n".join(text for text, _ in parts), starts, [leaf for _, leaf in parts]
