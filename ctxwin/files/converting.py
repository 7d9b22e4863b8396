"""Converts several documents at once, within one limit of time for all of them together."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial

from .documents import SECONDS
from .file_text import FileText, read
from .secret_places import SecretPlaces

__all__ = ["TOGETHER", "read_together"]

TOGETHER = 120.0
"""Seconds that all documents of one call may take together: enough for some hundred common documents on two cores."""
QUICK = 10.0
"""Seconds that each document has at first, so that a few that never end do not take the time of all others; a common
document takes one or two."""
MOST_WORKERS = 8
"""Most converters at once, of one per core: each may hold 1 GB."""

Job = tuple[str, os.stat_result, FileText | None]
"""A document's path, its `os.stat`, and an earlier reading of it."""


def read_together(
    jobs: Mapping[str, Job],
    tell: Callable[[str, int, int], None],
    *,
    allow_secrets: bool = False,
    places: SecretPlaces | None = None,
) -> dict[str, FileText]:
    """Read documents at once; a document for which there was no time has `late` set and gives this reason.

    Args:
        jobs: the documents, by their source.
        tell: called with (activity, documents done, documents in all).
        allow_secrets: whether lines with keys and passwords stay in the texts.
        places: where secrets were found by an earlier process. Default: they are looked for.
    """
    end = time.monotonic() + TOGETHER
    readings: dict[str, FileText] = {}
    for seconds in (QUICK, SECONDS):
        left = [key for key in jobs if key not in readings or readings[key].late]
        pool = ThreadPoolExecutor(min(MOST_WORKERS, max(1, len(left)), _cores()), thread_name_prefix="ctxwin-convert")
        try:
            some = partial(_read, seconds=min(seconds, SECONDS), end=end, allow_secrets=allow_secrets, places=places)
            futures = {pool.submit(some, key, jobs[key]): key for key in left}
            for done, future in enumerate(as_completed(futures)):
                tell("converting documents", done, len(left))
                readings[futures[future]] = future.result()
        finally:
            pool.shutdown(cancel_futures=True)
    return {key: readings[key] for key in jobs}


def _read(
    source: str, job: Job, *, seconds: float, end: float, allow_secrets: bool, places: SecretPlaces | None
) -> FileText:
    path, status, before = job
    left = min(seconds, end - time.monotonic())
    if left <= 0:
        reason = f"not converted: all documents together had taken {TOGETHER:.0f} s; the next look tries it again"
        return FileText(reason=reason, late=True)
    return read(path, status, 0, before, source=source, allow_secrets=allow_secrets, places=places, seconds=left)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
