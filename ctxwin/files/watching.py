"""Waits for changes under paths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import Event

from ..errors import MissingExtra

__all__ = ["until_something_changes"]

SECONDS = 5.0
"""Seconds after which files are checked even without an event: network file systems send none, and a file that an
editor replaced sends no more."""
QUIET = 0.2
"""Seconds of silence that end a burst of changes, such as a checkout of another branch."""


def until_something_changes(paths: Sequence[str], stop: Event) -> Iterator[None]:
    """Yield whenever something under the paths has changed, or may have, until told to stop.

    Raises:
        MissingExtra: watchfiles is not installed.
    """
    try:
        from watchfiles import watch
    except ImportError as error:
        raise MissingExtra("watchfiles", feature="watching files", command='pip install "ctxwin[watch]"') from error
    for _ in watch(
        *paths,
        stop_event=stop,
        step=int(1_000 * QUIET),
        debounce=int(5_000 * QUIET),
        rust_timeout=int(1_000 * SECONDS),
        yield_on_timeout=True,
        ignore_permission_denied=True,
        raise_interrupt=True,
    ):
        yield
