"""Counts that follow what the provider reports: after a reply, all that was sent counts as the provider said.

    pieces of a request ──count_request──▶ Count ... reply ──observe(pieces, tokens)──▶ the next tokenizer

Two things are learned from a reply. **Ratios:** a text's count by the tokenizer at hand is shared among its kinds of
writing (`KINDS`), and each share is multiplied by a ratio that is refitted by least squares, with older replies
counting less and less, and with a pull to what the tokenizer said (the kinds together may be far off, one kind
against the others less so). **The anchor:** the provider's own count of the last request. A request that shares
pieces with it costs that much, more by what is new and less by what is gone, so that only the difference is
estimated; whether it was cut at the front, in the middle or not at all makes no difference.

`error` is that of texts the provider has not counted yet. It starts at the tokenizer's own, falls by a twentieth with
every reply, and never under the worst that was seen meanwhile: it widens at once when a model changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from math import ceil, floor, hypot, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..items import content_hash
from ..media import Count
from .kinds import KINDS, weigh_kinds
from .pieces import Piece
from .tokenizers import Tokenizer

__all__ = ["Anchor", "CalibratedTokenizer", "Calibration"]

FORM = 1
"""Form of a saved calibration; raised when the form changes."""
ONE = 1_000
"""Ratios are in thousandths, so that counts are sums of whole numbers."""
LEAST, MOST = 200, 5_000
"""Thousandths between which a ratio stays, whatever is reported."""

# Found on chats of 40 calls (English, Chinese, code, tools, mixed) into 4,000 tokens, counted by eight pairs of
# tokenizers, the provider's up to 67 % above the one at hand: from the sixth call on, a margin of 3.4 % of the room,
# and 1 of 3,920 requests too large. With any constant but `FADE` and `DOUBT` halved or doubled the margin is 3.2 to
# 3.8 %, and 0 to 3 requests are too large. Tried and left: one ratio for all kinds instead of six (of 6,552
# requests without anchors 25 too large instead of 9), anchors of several requests (no better than one), a quantile
# of the last 20 errors for the error (the same margin for a longer state).
TOGETHER, APART = 0.5, 0.3
"""How far all kinds together, and one kind beside the others, may be off: standard deviations of ratios."""
CONSTANT = 10.0
"""Tokens that a provider may add to every request: standard deviation."""
TEXTURE = 100
"""Tokens at which the chance of single words is as large as what sets a whole text apart: the error of a text of s
tokens is taken to be `error * sqrt(1 + TEXTURE / s)`."""
SCATTER = 0.05
"""Error of one text when the ratios are right, relative."""
MEMORY = 0.97
"""What a reply counts for after the next one: as much as 33 replies are remembered."""
FADE = 0.95
"""What the worst error seen counts for after another reply: half after 14. At .9 the margin is 2.5 %, and 4 requests
are too large."""
FLOOR = 0.01
"""Least error of a tokenizer that is an estimate."""
UNSTATED = 0.15
"""Error of a tokenizer that called itself exact and is not."""
ADOPT = 0.01
"""Change of a request's count from which new ratios are taken over: kept counts of many texts hang on them."""
TEACHES = 16
"""Tokens of difference under which a reply teaches nothing."""
DOUBT = 2.0
"""Standard deviations of the ratios within which they are taken to be; so a kind of writing that the provider has
not counted yet gets room. Pasting a script that was not seen before: 0 of 1,260 requests too large, without it 7."""
BEYOND, SHIFT = 3.0, 0.05
"""A count that is off by so many times its bound, and by such a share of the request, is that of another tokenizer:
the model has changed. What was learned is forgotten; one reply later counts are 2 % off instead of 28."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """The last request that the provider has counted."""

    reported: int
    """Tokens, as the provider counted them."""
    fixed: int
    """Of them, those beside the words, as counted here."""
    shares: tuple[float, ...]
    """Tokens of each kind by the tokenizer at hand."""
    sizes: tuple[tuple[str, int], ...]
    """Key and tokens of each piece."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What was learned from the replies of one model: small, and the same after a turn through JSON."""

    base: str = ""
    """Name of the tokenizer that it corrects; "" before the first reply."""
    replies: int = 0
    """Those that taught something."""
    ratios: tuple[int, ...] = (ONE,) * len(KINDS)
    """What a token of each kind counts for, in thousandths."""
    constant: int = 0
    """Tokens added to a request that shares nothing with the anchor."""
    worst: float = 0.0
    """The worst relative error of late."""
    information: tuple[tuple[float, ...], ...] = ()
    """Summed products of what was counted, (k+1, k+1) for the k kinds and the constant; () before the first reply."""
    moments: tuple[float, ...] = ()
    """Summed products of what was counted and what was reported, (k+1,)."""
    anchor: Anchor | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, ready for JSON."""
        plain: dict[str, Any] = {one.name: getattr(self, one.name) for one in fields(self)} | {"form": FORM}
        if self.anchor is not None:
            plain["anchor"] = {one.name: getattr(self.anchor, one.name) for one in fields(self.anchor)}
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Calibration:
        """Read what `to_dict` wrote, also after a turn through JSON.

        Raises:
            InputError: it is no saved calibration, or one of another form.
        """
        try:
            if plain["form"] != FORM:
                raise InputError(
                    f"this calibration has the form {plain['form']!r}, and ctxwin reads {FORM}; begin a new one"
                )
            found = {one.name: _frozen(plain[one.name]) for one in fields(cls)}
            if plain["anchor"] is not None:
                kept = {one.name: _frozen(plain["anchor"][one.name]) for one in fields(Anchor)}
                found["anchor"] = Anchor(**kept)
        except (KeyError, TypeError) as error:
            raise InputError(f"this is no saved calibration ({error}); save one with to_dict()") from error
        return cls(**found)


class CalibratedTokenizer(Tokenizer):
    """A tokenizer that counts by another one's counts and by what the provider has reported since.

    It never changes: `observe` returns the next one. `calibration` is what is to be kept.

    Args:
        base: what counts without any reply.
        calibration: what was learned so far.

    Raises:
        InputError: the calibration is of another tokenizer.

    Example:
        >>> from ctxwin.tokens import get_tokenizer
        >>> counter = CalibratedTokenizer(get_tokenizer("generic"))
        >>> sent = (Piece(("Could you find out when the lease ends, and what the notice period is? " * 20,), 7),)
        >>> counter.count_request(sent)
        Count(tokens=338, low=249, high=427, exact=False)
        >>> counter = counter.observe(sent, 440)
        >>> counter.count_request(sent)
        Count(tokens=440, low=440, high=440, exact=True)
        >>> text = "Could you find out when the lease ends? " * 20
        >>> counter.base.count(text).tokens, counter.count(text).tokens
        (187, 244)
    """

    def __init__(self, base: Tokenizer, calibration: Calibration | None = None) -> None:
        self.base = base
        self.calibration = calibration or Calibration()
        if self.calibration.base not in ("", base.name):
            raise InputError(
                f"this calibration is of the tokenizer {self.calibration.base!r}, not of {base.name!r}; "
                "begin a new one when the model changes"
            )
        ratios = self.calibration.ratios
        self._plain = ratios == (ONE,) * len(KINDS)
        self._ratios = np.array(ratios, np.int64)
        self.name = base.name if self._plain else f"{base.name}*{content_hash(repr(ratios))[:8]}"
        self.error = self._error()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base.name!r}, {self.calibration.replies} replies, {self.error:.1%})"

    def count_many(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text; lone surrogates count as U+FFFD."""
        texts = list(texts)
        counts = self.base.count_many(texts)
        return counts if self._plain or not texts else self._corrected(counts, weigh_kinds(texts))

    def count_request(self, sent: Sequence[Piece]) -> Count:
        """Count a request: as the provider did where it has counted pieces, with bounds for the rest.

        Args:
            sent: all its pieces, as `spell` gives them.
        """
        request = self._measure(sent)
        centre, changed, known = self._expect(request)
        slack = ceil(self._slack(request, changed, known))
        return Count(tokens=centre, low=max(0, centre - slack), high=centre + slack, exact=slack == 0)

    def margin(self, room: int, new: int) -> int:
        """Return the tokens to keep free in a budget, for `Budget(margin=...)`, before a request is packed.

        Packing adds up plain counts. From what it may use, this takes off what the provider counts more for the
        part it knows, and the error of the part that it does not: of what is new, and of as much that goes for it.
        Afterwards `count_request` of what was packed tells whether that was so.

        Args:
            room: tokens that the provider may count.
            new: tokens of what the last request did not have.
        """
        kept = self.calibration.anchor
        if kept is None:
            more = self.calibration.constant + room - room / (1 + self.error)
        else:
            more = kept.reported - self._total(kept) + _spread(self.error, min(2 * new, room))
        return max(0, min(ceil(more), room - 1))

    def observe(self, sent: Sequence[Piece], reported: int) -> CalibratedTokenizer:
        """Return the tokenizer that has learned from a reply.

        Args:
            sent: all pieces of the request.
            reported: tokens of input as the provider counted them, those from its cache included.

        Raises:
            InputError: nothing was sent, or no tokens were reported.
        """
        if not sent or reported <= 0:
            raise InputError(f"{len(sent)} pieces and {reported} reported tokens teach nothing; give both")
        request = self._measure(sent)
        centre, changed, known = self._expect(request)
        missed = reported - centre
        far = max(BEYOND * self._slack(request, changed, known), SHIFT * self._total(request))
        if known is not None and abs(missed) > far:
            # New texts are not counted that wrong: the provider counts the old ones otherwise than before.
            return CalibratedTokenizer(self.base).observe(sent, reported)
        learned = replace(self.calibration, base=self.base.name)
        if changed >= TEACHES:
            learned = replace(learned, replies=learned.replies + 1, worst=self._worst(missed, changed, known))
            learned = _fit(learned, request, reported, known, changed)
        if learned.ratios != self.calibration.ratios:
            request = CalibratedTokenizer(self.base, learned)._measure(sent)
        return CalibratedTokenizer(self.base, replace(learned, anchor=replace(request, reported=reported)))

    def _slack(self, request: Anchor, changed: int, known: Anchor | None) -> float:
        """Return the tokens by which what is expected may be off: by the texts, and by ratios hardly known yet."""
        texts = _spread(self.error, changed)
        if not texts or not self.calibration.replies:
            return texts
        counted = _differing(request, known)
        variance = np.linalg.inv(_pull() + np.array(self.calibration.information))
        return hypot(texts, DOUBT * sqrt(max(0.0, float(counted @ variance @ counted))))

    def _error(self) -> float:
        worst = self.calibration.worst
        if not self.calibration.replies:
            return self.base.error
        return max(FLOOR, worst) if self.base.error else worst

    def _worst(self, missed: int, changed: int, known: Anchor | None) -> float:
        """Return the worst error of late, given how far off the last request was."""
        seen = max(0.0, abs(missed) - (CONSTANT if known is None else 0.0)) / _spread(1.0, changed)
        if self.calibration.replies:
            return max(seen, FADE * self.calibration.worst)
        # The first reply tells how far off the tokenizer was, which the ratios then make up for.
        return FADE * (self.base.error or min(seen, UNSTATED))

    def _measure(self, sent: Sequence[Piece]) -> Anchor:
        """Count a request's pieces; what the provider says of it is not known yet, and 0."""
        texts = [text for piece in sent for text in piece.texts]
        counts, weights = self.base.count_many(texts), weigh_kinds(texts)
        parts = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1)
        tokens = iter(counts if self._plain else self._corrected(counts, weights))
        return Anchor(
            reported=0,
            fixed=sum(piece.fixed for piece in sent),
            shares=tuple((np.asarray(counts, np.float64) @ parts).tolist()),
            sizes=tuple((piece.key, piece.fixed + sum(next(tokens) for _ in piece.texts)) for piece in sent),
        )

    def _corrected(self, counts: Sequence[int], weights: NDArray[np.int64]) -> list[int]:
        """Multiply n counts by the ratios of their texts' kinds, (n, k), in whole numbers."""
        millionths = 1_000 * (weights @ self._ratios) // np.maximum(weights.sum(axis=1), 1)
        corrected: list[int] = ((np.asarray(counts, np.int64) * millionths + 500_000) // 1_000_000).tolist()
        return corrected

    def _total(self, request: Anchor) -> int:
        """Return what packing counts for a request under the ratios of now."""
        return request.fixed + round(float(np.asarray(request.shares) @ self._ratios) / ONE)

    def _expect(self, request: Anchor) -> tuple[int, int, Anchor | None]:
        """Return what the provider is expected to count, how many tokens of that are estimated, and by which anchor."""
        total = sum(tokens for _, tokens in request.sizes)
        if (kept := self.calibration.anchor) is not None:
            now, then = Counter(key for key, _ in request.sizes), Counter(key for key, _ in kept.sizes)
            new, gone = _sum(request.sizes, now - then), _sum(kept.sizes, then - now)
            if new + gone <= total:
                return kept.reported + new - gone, new + gone, kept
        return total + self.calibration.constant, total, None


def _sum(sizes: Sequence[tuple[str, int]], wanted: Counter[str]) -> int:
    tokens = dict(sizes)
    return sum(tokens[key] * times for key, times in wanted.items())


def _spread(error: float, tokens: int) -> float:
    """Return the tokens by which texts of so many tokens together may be off."""
    return error * sqrt(tokens * (tokens + TEXTURE))


def _differing(request: Anchor, known: Anchor | None) -> NDArray[np.float64]:
    """Return the tokens of each kind, and 1 for the constant, in which a request differs from what is known."""
    counted = np.append(request.shares, 1.0)
    return counted if known is None else counted - np.append(known.shares, 1.0)


def _fit(learned: Calibration, request: Anchor, reported: int, known: Anchor | None, changed: int) -> Calibration:
    """Refit the ratios and the constant to one more reply, or to its difference from the anchor's."""
    size = len(KINDS) + 1
    counted, seen = _differing(request, known), float(reported - request.fixed)
    if known is not None:
        seen -= known.reported - known.fixed
    weight = 1.0 / (_spread(SCATTER, changed) ** 2 + 1.0)
    before = np.array(learned.information or np.zeros((size, size)))
    information = MEMORY * before + weight * np.outer(counted, counted)
    moments = MEMORY * np.array(learned.moments or np.zeros(size)) + weight * seen * counted
    pull = _pull()
    start = np.append(np.ones(len(KINDS)), 0.0)
    found = np.linalg.solve(pull + information, pull @ start + moments)
    ratios = tuple(int(ratio) for ratio in np.clip(np.rint(ONE * found[:-1]), LEAST, MOST))
    learned = replace(
        learned,
        information=tuple(tuple(row) for row in information.tolist()),
        moments=tuple(moments.tolist()),
    )
    constant = floor(found[-1] + 0.5)
    shares = np.asarray(request.shares)
    old = float(shares @ np.array(learned.ratios)) / ONE + learned.constant
    new = float(shares @ np.array(ratios)) / ONE + constant
    if abs(new - old) <= ADOPT * max(1.0, old):
        return learned
    return replace(learned, ratios=ratios, constant=constant)


@lru_cache(maxsize=1)
def _pull() -> NDArray[np.float64]:
    """Return the pull of ratios to 1 and of the constant to 0: the inverse of their covariance."""
    kinds = len(KINDS)
    spread = np.zeros((kinds + 1, kinds + 1))
    spread[:kinds, :kinds] = TOGETHER**2 + APART**2 * np.eye(kinds)
    spread[kinds, kinds] = CONSTANT**2
    return np.asarray(np.linalg.inv(spread), np.float64)


def _frozen(value: Any) -> Any:
    """Turn lists into tuples, all the way down."""
    return tuple(_frozen(one) for one in value) if isinstance(value, list | tuple) else value
