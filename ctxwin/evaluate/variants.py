"""Describe a way to pack that is measured, as a value or as a short text.

- `STRATEGY[-FEATURE...][@EMBEDDER]` is `pack` without some features or with another embedder: `auto`, `auto@none`,
  `auto-session-date@static`.
- `ref:NAME[-FEATURE...][@EMBEDDER]` is `pack` with a strategy from `ctxwin.evaluate.baselines`: `ref:mmr@none`.
- `ref:NAME` is also a simple reference from `ctxwin.evaluate.references`, which has neither features nor embedder.
- `peer:NAME` is another package, from `ctxwin.evaluate.peers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

from ..allocate import get_allocator
from ..errors import InputError
from ..retrieve import FEATURES, Weights, shipped_weights
from .baselines import BASELINES
from .peers import PEERS, Peer
from .references import REFERENCES, ReferenceWay

__all__ = ["OUTSIDE", "Variant", "ablations", "get_variant"]


def _as_reference(peer: Peer) -> ReferenceWay:
    return lambda units, items, query, budget, count: peer(items, query.text, budget, count)


OUTSIDE: Mapping[str, ReferenceWay] = {
    **{f"ref:{name}": reference for name, reference in REFERENCES.items()},
    **{f"peer:{name}": _as_reference(peer) for name, peer in PEERS.items()},
}
"""Ways to pack without `ctxwin.pack`, by the variant's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to pack: `Variant(strategy="relevance", embedder="none")`.

    Example:
        >>> Variant(embedder="none").drop("session").name
        'auto-session@none'
    """

    strategy: str = "auto"
    """A name from `ctxwin.strategies()`, of `BASELINES` or of `OUTSIDE`."""
    embedder: str = "auto"
    """The embedder that judges relevance along with words: a name that `pack` takes."""
    weights: Weights | None = None
    """Weights of the features. Default: the package's own."""
    name: str = ""
    """The variant's name in results; if empty, it is made from strategy and embedder."""

    def __post_init__(self) -> None:
        if not self.name:
            at = "" if self.embedder == "auto" else f"@{self.embedder}"
            object.__setattr__(self, "name", f"{self.strategy}{at}")

    def drop(self, feature: str) -> Variant:
        """Return the same variant with one feature switched off.

        Raises:
            InputError: there is no such feature, or the variant does not use features.
        """
        if self.strategy in OUTSIDE:
            raise InputError(f"{self.name!r} has no features to leave out")
        head, at, tail = self.name.partition("@")
        weights = (self.weights or shipped_weights()).without(feature)
        return replace(self, weights=weights, name=f"{head}-{feature}{at}{tail}")


def get_variant(text: str | Variant) -> Variant:
    """Read a variant from a text; the module's docstring gives the grammar.

    Raises:
        InputError: a part of the text is unknown; the message lists the known ones.

    Example:
        >>> get_variant("auto-session-date@static").weights.session
        0.0
    """
    if isinstance(text, Variant):
        return text
    head, at, embedder = text.partition("@")
    strategy, *features = head.split("-")
    if strategy not in BASELINES:
        if ":" in head:
            return Variant(strategy=_outside(text))
        get_allocator(strategy)  # raises for an unknown one
    if at and not embedder:
        raise InputError(f"{text!r} names no embedder after '@'; write it like auto@none")
    variant = Variant(strategy=strategy, embedder=embedder or "auto")
    for feature in features:
        variant = variant.drop(feature)
    return variant


def _outside(name: str) -> str:
    if name not in OUTSIDE:
        known = (*BASELINES, *OUTSIDE)
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(known)}"
        raise InputError(f"unknown variant {name!r}; {hint}")
    return name


def ablations(variant: str | Variant) -> tuple[Variant, ...]:
    """Return a variant and, for each feature, the same variant without the feature.

    Example:
        >>> [one.name for one in ablations("auto@none")][:3]
        ['auto@none', 'auto-lexical@none', 'auto-dense@none']
    """
    whole = get_variant(variant)
    return (whole, *(whole.drop(feature) for feature in FEATURES))
