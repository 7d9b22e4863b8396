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

A report is one sample, and may be odd. What lies beyond `FACTOR` times the count is billed for something else, such as
a provider's own tools: it is doubted until a second one says the same, and is then the constant's. A change that a
tokenizer could explain is taken at once and taken back where the next reply is as it was before. Whatever was learned,
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
from ..items import content_hash
from .counted import Counted
from .counts import Count
from .kinds import KINDS, weigh_kinds
from .replies import CONSTANT, MOST_TOKENS, ONE, Anchor, Calibration, differing, fit, pull, spread
from .tokenizers import Tokenizer

__all__ = ["Anchor", "CalibratedTokenizer", "Calibration", "most_margin"]

TEACHES = 16
"""Tokens of difference under which a reply teaches nothing."""
DOUBT = 2.0
"""Standard deviations of the ratios within which they are taken to be; so a kind of writing that the provider has
not counted yet gets room. Pasting a script that was not seen before: 0 of 1,260 requests too large, without it 7."""
BEYOND, SHIFT = 3.0, 0.05
"""A count that is off by so many times its bound, and by such a share of the request, is that of another tokenizer:
the model has changed. What was learned is forgotten; one reply later counts are 2 % off instead of 28."""
FACTOR = 2
"""By how much a tokenizer may be off over a whole request: the worst pair that was measured is 67 % apart. What is
reported beyond is billed for something else; what is under one part in so many is no count of the request."""
SHARE = 0.5
"""Part of the room that no report takes from the messages."""
FADE = 0.95
"""What the worst error seen counts for after another reply: half after 14. At .9 the margin is 2.5 %, and 4 requests
are too large."""
FLOOR = 0.01
"""Least error of a tokenizer that is an estimate."""
UNSTATED = 0.15
"""Error of a tokenizer that called itself exact and is not."""


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
        Afterwards `count_request` of what was packed tells whether that was so. It is never more than `most_margin`.

        Args:
            room: tokens that the provider may count.
            new: tokens of what the last request did not have.
        """
        kept = self.calibration.anchor
        if kept is None:
            more = self.calibration.constant + room - room / (1 + self.error)
        else:
            more = kept.reported - self._total(kept) + spread(self.error, min(2 * new, room))
        return max(0, min(ceil(more), most_margin(room)))

    def observe(self, sent: Sequence[Counted], reported: int) -> CalibratedTokenizer:
        """Return the tokenizer that has learned from a reply.

        A report that cannot be a count of the request teaches nothing: one under a part in `FACTOR` of what was
        counted, and one beyond `FACTOR` times that, before another agrees.

        Args:
            sent: all pieces of the request.
            reported: tokens of input as the provider counted them, those from its cache included.

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
        """Tell whether more was reported than any tokenizer's error explains."""
        most = (FACTOR - 1) * max(request.plain, self._total(request)) + BEYOND * CONSTANT
        return request.reported - self._expect(request)[0] > most

    def _agrees(self, request: Anchor) -> bool:
        """Tell whether what was reported of a request may be true by all that is known."""
        centre, changed, known = self._expect(request)
        far = max(BEYOND * self._slack(request, changed, known), SHIFT * self._total(request))
        return not self._is_beyond(request) and (known is None or abs(request.reported - centre) <= far)

    def _doubting(self, sent: Sequence[Counted], request: Anchor) -> CalibratedTokenizer:
        """Take note of a report that no tokenizer explains; believe it where the last one of its kind says the same."""
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
        """Return the tokens by which what is expected may be off: by the texts, and by ratios hardly known yet."""
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
        """Return the worst error of late, given how far off the last request was."""
        seen = max(0.0, abs(missed) - (CONSTANT if known is None else 0.0)) / spread(1.0, changed)
        seen = min(seen, FACTOR - 1.0)
        if self.calibration.replies:
            return max(seen, FADE * self.calibration.worst)
        # The first reply tells how far off the tokenizer was, which the ratios then make up for.
        return FADE * (self.base.error or min(seen, UNSTATED))

    def _measure(self, sent: Sequence[Counted]) -> Anchor:
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


def most_margin(room: int) -> int:
    """Return the tokens that a margin may have at most in a room of so many."""
    return room - max(1, ceil(SHARE * room))
