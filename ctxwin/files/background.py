"""Embeds a pool's items in the background."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

from ..embed import CachedEmbedder
from ..pool import Pool

__all__ = ["Filling"]


class Filling:
    """A thread that embeds the items of a pool, which may be packed meanwhile.

    The thread ends with the process, finished or not; vectors made so far are on disk, and the next process finds them.

    Args:
        pool: holds the items.
        embedder: embeds the items, after the embedder that it chooses candidates with, if any; None does nothing.
        on_progress: called with (items embedded, of how many).
    """

    def __init__(
        self, pool: Pool, embedder: CachedEmbedder | None, on_progress: Callable[[int, int], None] | None = None
    ) -> None:
        self.done = 0
        """Texts embedded so far; a text that two models read counts twice."""
        self.total = 0
        """Texts to embed; known once the thread has begun."""
        self._stopped = Event()
        self._error: BaseException | None = None
        self._work = (pool, embedder, on_progress)
        self._thread = Thread(target=self._run, name="ctxwin-embed", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"Filling({self.done:,} of {self.total:,})"

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until all items are embedded, or the time is over; return whether all are.

        Raises:
            Exception: any error of the embedder or of `on_progress`.
        """
        self._thread.join(seconds)
        if self._error is not None:
            raise self._error
        return not self._thread.is_alive() and self.done == self.total

    def stop(self) -> None:
        """End after the present step, and wait for it."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._fill(*self._work)
        except BaseException as error:  # noqa: BLE001 - a thread has nobody to tell but who waits
            self._error = error

    def _fill(
        self, pool: Pool, embedder: CachedEmbedder | None, on_progress: Callable[[int, int], None] | None
    ) -> None:
        if embedder is None:
            return
        readings = embedder.readings("", pool.scripts)
        if embedder.allowance is not None:
            readings = [*embedder.quick_readings("", pool.scripts), *readings]
        wanted = [(reading, *pool.to_embed(reading)) for reading in readings]
        self.total = sum(len(texts) for _, _, texts in wanted)
        for reading, items, texts in wanted:
            step = reading.embedder.step  # seconds of work, between two checks for a stop
            for start in range(0, len(texts), step):
                if self._stopped.is_set():
                    return
                some = texts[start : start + step]
                pool.embedded(reading.name, items[start : start + step], reading.embedder.embed(some))
                self.done += len(some)
                if on_progress is not None:
                    on_progress(self.done, self.total)
