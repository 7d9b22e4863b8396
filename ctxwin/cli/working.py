"""Shows progress: a bar on a terminal, elsewhere a line now and then, so that a log shows life."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

    from ..files import Files

__all__ = ["EVERY", "Answering", "Working", "read_files", "working"]

EVERY = 3.0
"""Seconds between two lines without a terminal, and before the first: short work prints nothing."""
MEGABYTE = 1e6
"""Bytes."""
WIDTH = 20
"""Columns of the bar."""


class Working:
    """Shows on stderr the present work and its progress; stdout is not touched.

    Args:
        bar: draws the progress; None prints plain lines.
        clock: seconds from any moment.
    """

    def __init__(self, bar: Progress | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._bar = bar
        self._clock = clock
        self._task = bar.add_task("starting", total=None) if bar else None
        self._next = clock() + EVERY
        self._size = 0

    def start(self, what: str) -> None:
        """Show that some work of unknown length has begun."""
        self._size = 0
        self._say(what, 0, None)

    def show(self, what: str, done: int, total: int) -> None:
        """Show the present work, and its progress."""
        size = f", {self._size / MEGABYTE:,.1f} MB" if self._size else ""
        self._say(f"{what}: {done:,} of {total:,}{size}" if total > 1 else what + size, done, total)

    def weigh(self, size: int) -> None:
        """Show a number of bytes from now on, until other work starts."""
        self._size = size

    def _say(self, text: str, done: int, total: int | None) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=text, completed=done, total=total)
        elif self._clock() >= self._next:
            self._next = self._clock() + EVERY
            sys.stderr.write(f"ctxwin: {text}\n")
            sys.stderr.flush()


@contextmanager
def working() -> Iterator[Working]:
    """Show the present work while the body runs; a bar vanishes at the end."""
    if not sys.stderr.isatty():
        yield Working()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(WIDTH), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield Working(bar)


class Answering:
    """Reports the work for each answer of a chat, until the answer begins; at other times it reports nothing."""

    def __init__(self) -> None:
        self._work: Working | None = None
        self._what = ""

    @contextmanager
    def begin(self, what: str) -> Iterator[None]:
        """Report this activity, and what is done for it, while the body runs."""
        with working() as work:
            work.start(what)
            self._work, self._what = work, what
            try:
                yield
            finally:
                self._work = None

    def show(self, what: str, done: int, total: int) -> None:
        """Report a part of the work; the activity itself is reported again once the part is done."""
        if (work := self._work) is not None:  # it may be called from a background thread, at any time
            work.start(self._what) if done >= total else work.show(what, done, total)

    def embedded(self, done: int, total: int) -> None:
        """Report how many texts are embedded."""
        self.show("embedding", done, total)


def read_files(paths: Sequence[str], work: Working, *, allow_secrets: bool = False) -> Files:
    """Read, cut and index files, with progress."""
    from ..files import Files  # as in `packing.read`

    work.start("reading files")
    files = Files(paths, allow_secrets=allow_secrets, on_progress=work.show)
    work.weigh(sum(map(len, files.texts.values())))
    files.pool  # noqa: B018 - it is made now, where it can be seen
    return files
