"""Learn from a provider's replies how it counts: the values to keep, and the fit.

A reply is a row of a linear regression: tokens of each kind of writing, and 1 for the tokens added to every request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from math import floor, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .kinds import KINDS

__all__ = ["CONSTANT", "ONE", "Anchor", "Calibration", "differing", "fit", "pull", "spread"]

FORM = 2
"""Version of a saved calibration's form; raised when the form changes."""
ONE = 1_000
"""The ratio 1: ratios are in thousandths, so that counts are sums of whole numbers."""
LEAST, MOST = 500, 5_000
"""Bounds of a ratio, in thousandths, whatever is reported."""

# Found on chats of 40 calls (English, Chinese, code, tools, mixed) into 4,000 tokens, counted by eight pairs of
# tokenizers, the provider's up to 67 % above the one at hand: from the sixth call on, a margin of 3.4 % of the room,
# and 1 of 3,920 requests too large. With any constant but `FADE` and `DOUBT` halved or doubled the margin is 3.2 to
# 3.8 %, and 0 to 3 requests are too large. Tried and left: one ratio for all kinds instead of six (of 6,552
# requests without anchors 25 too large instead of 9), anchors of several requests (no better than one), a quantile
# of the last 20 errors for the error (the same margin for a longer state).
TOGETHER, APART = 0.5, 0.3
"""How far all kinds together, and one kind against the others, may be off: standard deviations of ratios."""
CONSTANT, BILLED = 10.0, 10_000.0
"""Tokens that a provider may add to every request: standard deviations of what its template adds, and of what its own
tools and prompts add, if it has any, which have some hundred to some ten thousand tokens. The figure that makes the
replies more likely is used."""
TEXTURE = 100
"""Tokens at which the chance of single words matters as much as the difference between whole texts: the error of a
text of s tokens is taken to be `error * sqrt(1 + TEXTURE / s)`."""
SCATTER = 0.05
"""Relative error of one text when the ratios are right."""
MEMORY = 0.97
"""Weight of a reply after each further reply: in effect 33 replies are remembered."""
ADOPT = 0.01
"""Change of a request's count from which new ratios replace the old: cached counts of many texts depend on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """The last request that the provider has counted."""

    reported: int
    """Tokens of the request, as the provider counted them."""
    fixed: int
    """Tokens besides the words, as counted here."""
    shares: tuple[float, ...]
    """Tokens of each kind by the base tokenizer."""
    sizes: tuple[tuple[str, int], ...]
    """Key and tokens of each piece."""

    @property
    def plain(self) -> int:
        """Tokens by the base tokenizer, without ratios."""
        return self.fixed + round(sum(self.shares))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What was learned from the replies of one model: small, and the same after saving as JSON and loading."""

    base: str = ""
    """Name of the tokenizer to correct; "" before the first reply."""
    replies: int = 0
    """Number of replies that taught something."""
    ratios: tuple[int, ...] = (ONE,) * len(KINDS)
    """Weight of a token of each kind, in thousandths."""
    constant: int = 0
    """Tokens added to a request that shares nothing with the anchor."""
    worst: float = 0.0
    """The worst recent relative error."""
    information: tuple[tuple[float, ...], ...] = ()
    """Summed products of counts with counts, (k+1, k+1) for the k kinds and the constant; () before the first reply."""
    moments: tuple[float, ...] = ()
    """Summed products of counts and reports, (k+1,)."""
    anchor: Anchor | None = None
    doubted: Anchor | None = None
    """The last request, if its report is not believed until another report agrees."""
    before: Calibration | None = None
    """The calibration before the last reply, if this reply made it start again; else None."""

    def to_dict(self) -> dict[str, Any]:
        """Return the calibration as plain values, ready for JSON."""
        plain: dict[str, Any] = {one.name: getattr(self, one.name) for one in fields(self)} | {"form": FORM}
        for name in ("anchor", "doubted"):
            if (kept := plain[name]) is not None:
                plain[name] = {one.name: getattr(kept, one.name) for one in fields(kept)}
        if self.before is not None:
            plain["before"] = self.before.to_dict()
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Calibration:
        """Read the result of `to_dict`, also after it was saved as JSON.

        Raises:
            InputError: `plain` is not a saved calibration, or has another form.
        """
        try:
            if plain["form"] != FORM:
                raise InputError(
                    f"this calibration has the form {plain['form']!r}, and ctxwin reads {FORM}; begin a new one"
                )
            found = {one.name: _frozen(plain[one.name]) for one in fields(cls)}
            for name in ("anchor", "doubted"):
                if plain[name] is not None:
                    found[name] = Anchor(**{one.name: _frozen(plain[name][one.name]) for one in fields(Anchor)})
            if plain["before"] is not None:
                found["before"] = cls.from_dict(plain["before"])
        except (KeyError, TypeError) as error:
            raise InputError(f"this is no saved calibration ({error}); save one with to_dict()") from error
        return cls(**found)


def spread(error: float, tokens: int) -> float:
    """Return the tokens by which texts of `tokens` tokens together may be off."""
    return error * sqrt(tokens * (tokens + TEXTURE))


def differing(request: Anchor, known: Anchor | None) -> NDArray[np.float64]:
    """Return the tokens of each kind, and 1 for the constant, by which a request differs from the known one."""
    counted = np.append(request.shares, 1.0)
    return counted if known is None else counted - np.append(known.shares, 1.0)


def fit(learned: Calibration, request: Anchor, known: Anchor | None, changed: int) -> Calibration:
    """Refit the ratios and the constant to one more reply, or to its difference from the anchor.

    Both sizes of the constant are tried, and the size that makes the replies more likely is used: otherwise a provider
    that bills a prompt of its own would look like a tokenizer that is off by half, and texts would seem as expensive.
    """
    size = len(KINDS) + 1
    counted, seen = differing(request, known), float(request.reported - request.fixed)
    if known is not None:
        seen -= known.reported - known.fixed
    weight = 1.0 / (spread(SCATTER, changed) ** 2 + 1.0)
    information = MEMORY * np.array(learned.information or np.zeros((size, size))) + weight * np.outer(counted, counted)
    moments = MEMORY * np.array(learned.moments or np.zeros(size)) + weight * seen * counted
    found = max((_solve(information, moments, size) for size in (CONSTANT, BILLED)), key=lambda one: one[0])[1]
    ratios = tuple(int(ratio) for ratio in np.clip(np.rint(ONE * found[:-1]), LEAST, MOST))
    learned = replace(
        learned,
        replies=learned.replies + 1,
        information=tuple(tuple(row) for row in information.tolist()),
        moments=tuple(moments.tolist()),
    )
    constant = floor(found[-1] + 0.5)
    shares = np.asarray(request.shares)
    old, new = (float(shares @ np.array(some)) / ONE for some in (learned.ratios, ratios))
    if max(abs(new - old), abs(constant - learned.constant)) <= ADOPT * max(1.0, old + learned.constant):
        return learned
    return replace(learned, ratios=ratios, constant=constant)


def _solve(
    information: NDArray[np.float64], moments: NDArray[np.float64], constant: float
) -> tuple[float, NDArray[np.float64]]:
    """Return the logarithm of the replies' likelihood for one size of the constant, and the fit, (k+1,)."""
    pulled, start = pull(constant), np.append(np.ones(len(KINDS)), 0.0)
    tight, told = pulled + information, pulled @ start + moments
    found = np.linalg.solve(tight, told)
    # The likelihood of a linear regression, without what is the same under both sizes.
    explained = float(found @ told - start @ pulled @ start)
    return (explained + np.linalg.slogdet(pulled)[1] - np.linalg.slogdet(tight)[1]) / 2, found


@lru_cache(maxsize=2)
def pull(constant: float = CONSTANT) -> NDArray[np.float64]:
    """Return the pull of ratios towards 1 and of the constant towards 0: the inverse of their covariance."""
    kinds = len(KINDS)
    covariance = np.zeros((kinds + 1, kinds + 1))
    covariance[:kinds, :kinds] = TOGETHER**2 + APART**2 * np.eye(kinds)
    covariance[kinds, kinds] = constant**2
    return np.asarray(np.linalg.inv(covariance), np.float64)


def _frozen(value: Any) -> Any:
    """Turn lists into tuples, at every level."""
    return tuple(_frozen(one) for one in value) if isinstance(value, list | tuple) else value
