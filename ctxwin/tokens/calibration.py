"""Correct counts by the provider's reports: after a reply, everything that was sent counts as the provider said.

    pieces of a request ──count_request──▶ Count ... reply ──observe(pieces, tokens)──▶ the next tokenizer

Two things are learned from a reply. **Ratios:** a text's count by the base tokenizer is divided among its kinds of
writing (`KINDS`), and each part is multiplied by a ratio. The ratios are refitted by least squares, with older
replies counting less and less, and with a pull to the tokenizer's own counts (all kinds together may be far off, one
kind against the others less so). **The anchor:** the provider's own count of the last request. A request that shares
pieces with the last one costs the anchor, plus the new pieces, less the pieces that are gone, so that only the
difference is estimated, wherever the request was cut.

`error` is the error of texts that the provider has not counted yet. It starts at the tokenizer's own error and falls by
a twentieth with every reply, but never below the worst error seen meanwhile: it widens at once when a model changes.

A report is one sample, and may be odd. Tokens beyond `FACTOR` times the count are billed for something else, such as
a provider's own tools: they are doubted until a second report says the same, and then added to the constant. A change
that a tokenizer could explain is accepted at once, and undone if the next reply is as before. Whatever was learned,
`SHARE` of the room stays for the messages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from math import ceil, hypot, sqrt

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..items import MOST_TOKENS, content_hash
from .counts import Count, Counted
from .kinds import KINDS, weigh_kinds
from .replies import CONSTANT, ONE, Anchor, Calibration, differing, fit, pull, spread
from .tokenizers import Tokenizer

__all__ = ["Anchor", "CalibratedTokenizer", "Calibration", "most_margin"]

TEACHES = 16
"""Tokens of difference below which a reply teaches nothing."""
DOUBT = 2.0
"""Standard deviations within which the true ratios are assumed to lie, so that a kind of writing that the provider has
not counted yet gets room. After pasting a script not seen before, 0 of 1,260 requests were too large; without this
room, 7."""
BEYOND, SHIFT = 3.0, 0.05
"""A count that is off by the first figure times its bound, and by the second figure as a share of the request, comes
from another tokenizer: the model has changed. Forget what was learned; one reply later counts are 2 % off instead of
28."""
FACTOR = 2
"""Factor by which a tokenizer may be off over a whole request: the worst pair measured is 67 % apart. Tokens reported
beyond it are billed for something else; a report below one part in `FACTOR` is no count of the request."""
SHARE = 0.5
"""Share of the room that no report can take from the messages."""
FADE = 0.95
"""Weight of the worst error seen after each further reply: half after 14. At .9 the margin is 2.5 %, and 4 requests
are too large."""
FLOOR = 0.01
"""The least error of an estimating tokenizer."""
UNSTATED = 0.15
"""Error of a tokenizer that calls itself exact and is not."""


class CalibratedTokenizer(Tokenizer):
    """A tokenizer that corrects another tokenizer's counts by the provider's reports.

    It never changes: `observe` returns a new one. `calibration` is the state to store.

    Args:
        base: the tokenizer that counts without any reply.
        calibration: what was learned so far.

    Raises:
        InputError: the calibration belongs to another tokenizer.

    Example:
        >>> from ctxwin.tokens import get_tokenizer
        >>> counter = CalibratedTokenizer(get_tokenizer("generic"))
        >>> sent = (Counted(("Could you find out when the lease ends, and what the notice period is? " * 20,), 7),)
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

    def count_request(self, sent: Sequence[Counted]) -> Count:
        """Count a request: as the provider did for pieces that it has counted, with bounds for the rest.

        Args:
            sent: all pieces of the request, as returned by `spell`.
        """
        request = self._measure(sent)
        centre, changed, known = self._expect(request)
        slack = ceil(self._slack(request, changed, known))
        return Count(tokens=centre, low=max(0, centre - slack), high=centre + slack, exact=slack == 0)

    def margin(self, room: int, new: int) -> int:
        """Return the tokens to keep free in a budget before a request is packed, for `Budget(margin=...)`.

        Packing adds up plain counts. The margin is what the provider counts beyond these for the part that it knows,
        and the error of the part that it does not know: the new tokens, and as many tokens that leave to make room.
        Afterwards `count_request` of the packed request tells whether this was enough. The margin is never more than
        `most_margin`.

        Args:
            room: tokens that the provider may count.
            new: tokens that the last request did not have.
        """
        kept = self.calibration.anchor
        if kept is None:
            more = self.calibration.constant + room - room / (1 + self.error)
        else:
            more = kept.reported - self._total(kept) + spread(self.error, min(2 * new, room))
        return max(0, min(ceil(more), most_margin(room)))

    def observe(self, sent: Sequence[Counted], reported: int) -> CalibratedTokenizer:
        """Return a tokenizer that has learned from a reply.

        A report that cannot be a count of the request teaches nothing: one below a part in `FACTOR` of the count, and,
        until another report agrees, one beyond `FACTOR` times the count.

        Args:
            sent: all pieces of the request.
            reported: tokens of input as the provider counted them, including cached tokens.

        Raises:
            InputError: nothing was sent, or no tokens were reported.
        """
        if not sent or reported <= 0:
            raise InputError(f"{len(sent)} pieces and {reported} reported tokens teach nothing; give both")
        request = replace(self._measure(sent), reported=reported)
        if reported * FACTOR < request.plain or reported > MOST_TOKENS:
            return self
        if self._agrees(request):
            return self._taught(sent, reported)
        before = self.calibration.before
        if before is not None and (earlier := self._with(before))._agrees(
            replace(earlier._measure(sent), reported=reported)
        ):
            return earlier._taught(sent, reported)
        if self._is_beyond(request):
            return self._doubting(sent, request)
        # New texts are not counted that wrong: the provider counts the old ones otherwise than before.
        anew = self._with(None)._taught(sent, reported).calibration
        return self._with(replace(anew, before=replace(self.calibration, before=None, doubted=None)))

    def _with(self, calibration: Calibration | None) -> CalibratedTokenizer:
        return CalibratedTokenizer(self.base, calibration)

    def _is_beyond(self, request: Anchor) -> bool:
        """Tell whether a provider reported more than any tokenizer's error explains."""
        most = (FACTOR - 1) * max(request.plain, self._total(request)) + BEYOND * CONSTANT
        return request.reported - self._expect(request)[0] > most

    def _agrees(self, request: Anchor) -> bool:
        """Tell whether a request's report fits what is known."""
        centre, changed, known = self._expect(request)
        far = max(BEYOND * self._slack(request, changed, known), SHIFT * self._total(request))
        return not self._is_beyond(request) and (known is None or abs(request.reported - centre) <= far)

    def _doubting(self, sent: Sequence[Counted], request: Anchor) -> CalibratedTokenizer:
        """Record a report that no tokenizer explains; believe it if the last such report says the same."""
        last = self.calibration.doubted
        if last is not None:
            first = fit(Calibration(base=self.base.name, worst=self.base.error), last, None, last.plain)
            anew = self._with(replace(first, anchor=last))
            if anew._agrees(replace(anew._measure(sent), reported=request.reported)):
                return anew._taught(sent, request.reported)
        return self._with(replace(self.calibration, base=self.base.name, doubted=request))

    def _taught(self, sent: Sequence[Counted], reported: int) -> CalibratedTokenizer:
        """Learn from a reply that is believed."""
        request = self._measure(sent)
        centre, changed, known = self._expect(request)
        learned = replace(self.calibration, base=self.base.name, doubted=None, before=None)
        if changed >= TEACHES:
            worst = self._worst(reported - centre, changed, known)
            learned = fit(replace(learned, worst=worst), replace(request, reported=reported), known, changed)
            billed = learned.constant - self.calibration.constant > BEYOND * CONSTANT
            if billed and not self.base.error:  # what seemed to be the tokenizer's error was none
                learned = replace(learned, worst=0.0)
        if learned.ratios != self.calibration.ratios:
            request = self._with(learned)._measure(sent)
        return self._with(replace(learned, anchor=replace(request, reported=reported)))

    def _slack(self, request: Anchor, changed: int, known: Anchor | None) -> float:
        """Return the tokens by which the expected count may be off: by the texts, and by ratios hardly known yet."""
        texts = spread(self.error, changed)
        if not texts or not self.calibration.replies:
            return texts
        counted = differing(request, known)
        variance = np.linalg.inv(pull() + np.array(self.calibration.information))
        return hypot(texts, DOUBT * sqrt(max(0.0, float(counted @ variance @ counted))))

    def _error(self) -> float:
        worst = self.calibration.worst
        if not self.calibration.replies:
            return self.base.error
        return max(FLOOR, worst) if self.base.error else worst

    def _worst(self, missed: int, changed: int, known: Anchor | None) -> float:
        """Return the worst recent error, given how far off the last request was."""
        seen = max(0.0, abs(missed) - (CONSTANT if known is None else 0.0)) / spread(1.0, changed)
        seen = min(seen, FACTOR - 1.0)
        if self.calibration.replies:
            return max(seen, FADE * self.calibration.worst)
        # The first reply tells how far off the tokenizer was, which the ratios then make up for.
        return FADE * (self.base.error or min(seen, UNSTATED))

    def _measure(self, sent: Sequence[Counted]) -> Anchor:
        """Count a request's pieces; the provider's count is not known yet, and 0."""
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
        """Return what packing counts for a request with the present ratios."""
        return request.fixed + round(float(np.asarray(request.shares) @ self._ratios) / ONE)

    def _expect(self, request: Anchor) -> tuple[int, int, Anchor | None]:
        """Return the count expected from the provider, how many of its tokens are estimated, and the anchor used."""
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


def most_margin(room: int) -> int:
    """Return the most tokens that a margin may have in a room of `room` tokens."""
    return room - max(1, ceil(SHARE * room))
