"""Write summaries through a summarizer: cached, in parts that fit its window, in time, within what may be spent.

A summarizer that fails is left alone for a while, so that the next packing is not slower.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from contextvars import copy_context
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from time import monotonic

from ...tokens import Tokenizer, get_tokenizer
from ..sentences import MAX_SENTENCE, sentences
from ..summarize import (
    INSTRUCTION,
    Limits,
    Summarizer,
    begin_writing,
    end_writing,
    load_summary,
    save_summary,
)
from .topics import cut_by_topic
from .unwrap import summary_in

__all__ = ["SUMMARY_TOKENS", "Written", "limits_of", "write_summaries"]

SUMMARY_TOKENS = 96
"""Tokens that a summary is asked to have at most: some four sentences. The returned summary is counted. Half, double:
none of 4 requests differs."""
TRIES = 2
"""Times that a request is sent before it counts as failed."""
PAUSE = 60.0
"""Seconds for which a summarizer is left alone after a failure; twice as long after each further one."""
LONGEST_PAUSE = 3_600.0
"""Most seconds for which it is left alone."""
ROUNDS = 4
"""Most times that the joined summaries of a text's parts are summarised again."""
UNKNOWN = "generic"
"""The estimate that counts what is sent to a model whose tokenizer is unknown."""


@dataclass(frozen=True, slots=True)
class Written:
    """A summary, or why there is none."""

    text: str | None
    reason: str = ""
    failed: bool = False
    """Whether the summarizer failed or gave no answer."""


class _Broken(Exception):
    """Nothing more may be asked now."""


class _Breaker:
    """How long a summarizer is left alone."""

    def __init__(self) -> None:
        self.until = 0.0
        self.pause = PAUSE
        self.why = ""

    def fail(self, why: str) -> None:
        self.until, self.why = monotonic() + self.pause, why
        self.pause = min(2 * self.pause, LONGEST_PAUSE)

    def succeed(self) -> None:
        self.until, self.pause = 0.0, PAUSE


_breakers: dict[str, _Breaker] = {}
_flying: set[tuple[str, str]] = set()
_lock = Lock()


def limits_of(summarizer: Summarizer) -> Limits:
    """Return what asking a summarizer may take."""
    return getattr(summarizer, "limits", None) or Limits()


def write_summaries(
    summarizer: Summarizer, texts: Sequence[str], taken: Mapping[str, Callable[[str], None]] | None = None
) -> list[Written]:
    """Return a summary of each text, or the reason why there is none; raises nothing.

    Args:
        summarizer: asked about texts that the cache has no summary of; its `limits` hold.
        texts: asked about in this order, as long as time and money last.
        taken: for some of the texts what is called with the summary, perhaps in another thread; it keeps the summary
            in the place of the cache.
    """
    limits, taken = limits_of(summarizer), taken or {}
    found: dict[str, Written] = {}
    for text in texts:
        summary = load_summary(summarizer.name, text, SUMMARY_TOKENS) if text not in taken else None
        if summary is not None:
            found[text] = Written(summary)
    missing = [text for text in dict.fromkeys(texts) if text not in found]
    breaker = _breakers.setdefault(summarizer.name, _Breaker())
    if missing and breaker.until > monotonic():
        alone = Written(None, f"left alone for {breaker.until - monotonic():.0f} s more, since it {breaker.why}")
        found |= dict.fromkeys(missing, alone)
    elif missing:
        found |= _Work(summarizer, limits, breaker, missing, taken).outcomes()
    return [found[text] for text in texts]


class _Work:
    """The requests of one packing, in a few threads that keep no process alive."""

    def __init__(
        self,
        summarizer: Summarizer,
        limits: Limits,
        breaker: _Breaker,
        texts: Sequence[str],
        taken: Mapping[str, Callable[[str], None]],
    ) -> None:
        self._summarizer = summarizer
        self._limits = limits
        self._breaker = breaker
        self._counter, self._slack = _counter(summarizer.name)
        self._stop = Event()
        self._texts = texts
        self._taken = taken
        self._done: dict[str, Future[Written]] = {}
        self._queue: SimpleQueue[str] = SimpleQueue()
        for text in texts:
            with _lock:
                if (summarizer.name, text) in _flying:
                    continue
                _flying.add((summarizer.name, text))
            begin_writing(text)  # now: it may be erased before its turn comes
            self._done[text] = Future()
            self._queue.put(text)

    def outcomes(self) -> dict[str, Written]:
        """Ask, wait as long as the limits say, and return what came of each text."""
        for _ in range(min(self._limits.workers, len(self._done))):
            Thread(target=copy_context().run, args=(self._run,), name="ctxwin-summaries", daemon=True).start()
        seconds = 0.0 if self._limits.background else self._limits.timeout
        try:
            late = wait(self._done.values(), seconds).not_done
        finally:
            if not self._limits.background:
                self._stop.set()
        if late and not self._limits.background and not any(one.done() for one in self._done.values()):
            self._breaker.fail(f"gave no answer for {seconds:g} s")
        why = "is being written" if self._limits.background else f"gave no answer for {seconds:g} s"
        out = dict.fromkeys(self._texts, Written(None, "is being written"))  # for another packing
        for text, one in self._done.items():
            out[text] = one.result() if one.done() else Written(None, why, failed=not self._limits.background)
        return out

    def _run(self) -> None:
        while True:
            try:
                text = self._queue.get_nowait()
            except Empty:
                return
            try:
                self._done[text].set_result(self._one(text))
            finally:
                end_writing(text)
                with _lock:
                    _flying.discard((self._summarizer.name, text))

    def _one(self, text: str) -> Written:
        if self._stop.is_set() or self._breaker.until > monotonic():
            return Written(None, f"not asked, since it {self._breaker.why}" if self._breaker.why else "not asked")
        try:
            summary = self._short(text, ROUNDS)
            self._keep(text, summary)
        except _Broken as error:
            return Written(None, str(error))
        except Exception as error:  # noqa: BLE001 - a summarizer is anybody's code; the extract serves instead
            why = f"failed ({type(error).__name__})"
            self._breaker.fail(why)
            return Written(None, why, failed=True)
        self._breaker.succeed()
        return Written(summary)

    def _keep(self, text: str, summary: str) -> None:
        if text in self._taken:
            self._taken[text](summary)
        else:
            save_summary(self._summarizer.name, text, SUMMARY_TOKENS, summary)

    def _short(self, text: str, rounds: int) -> str:
        """Return the summary of a text; of a text longer than the window, the summary of its parts' summaries."""
        room = int((self._limits.window - SUMMARY_TOKENS - self._tokens(INSTRUCTION)) / self._slack) - 16
        if room <= 0:
            raise _Broken(f"a window of {self._limits.window:,} tokens has no room for a text")
        if self._tokens(text) <= room:
            return self._asked(text)
        pieces = [text[start:end] for start, end in sentences(text, min(MAX_SENTENCE, room))]
        counts = [self._tokens(piece) for piece in pieces]
        if max(counts) > room:
            raise _Broken(f"a window of {self._limits.window:,} tokens has no room for one of its sentences")
        runs = cut_by_topic(pieces, counts, room)
        joined = "\n".join(self._asked("".join(pieces[first:last])) for first, last in runs)
        again = rounds and 2 * SUMMARY_TOKENS < self._tokens(joined) < self._tokens(text)
        return self._short(joined, rounds - 1) if again else joined

    def _asked(self, text: str) -> str:
        if not self._limits.allow(self._tokens(text) + self._tokens(INSTRUCTION), SUMMARY_TOKENS):
            raise _Broken("has spent what it may")
        for left in reversed(range(TRIES)):
            try:
                answer = _answer(self._summarizer, text)
                self._limits.settle(max(0, self._tokens(answer) - SUMMARY_TOKENS))
                return summary_in(answer)
            except Exception:
                if not left or self._stop.is_set():
                    raise
        raise AssertionError

    def _tokens(self, text: str) -> int:
        return self._counter.count_many([text])[0]


def _counter(name: str) -> tuple[Tokenizer, float]:
    """Return the tokenizer of a model, and by how much its count may be short."""
    try:
        found = get_tokenizer(name)
    except (LookupError, ValueError):  # an unknown name, or a vocabulary that cannot be had
        found = get_tokenizer(UNKNOWN)
    return found, 1.0 if found.exact else 1.0 + found.error


def _answer(summarizer: Summarizer, text: str) -> str:
    written = summarizer.summarize([text], SUMMARY_TOKENS)
    if inspect.isawaitable(written):
        import asyncio  # with the packages of networks, which hardly any packing has a use for

        written = asyncio.run(_awaited(written))
    return str(written[0])


async def _awaited(written: Awaitable[Sequence[str]]) -> Sequence[str]:
    return await written
