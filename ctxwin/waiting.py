"""Runs the code of others, and waits for it no longer than a limit."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from contextvars import copy_context
from threading import Thread
from typing import TypeVar

from .errors import CtxwinError

__all__ = ["Unanswered", "in_time"]

Result = TypeVar("Result")


class Unanswered(CtxwinError, TimeoutError):
    """An embedder, reranker or summarizer gave no answer within its limit."""


def in_time(work: Callable[[], Result], seconds: float, who: str) -> Result:
    """Run some work in a thread that can be abandoned if it hangs.

    Args:
        work: the function to run.
        seconds: longest wait.
        who: names the hanging work in the error.

    Raises:
        Unanswered: the work took longer; its thread is abandoned, and keeps no process alive.
        Exception: any error of the work.

    Example:
        >>> in_time(lambda: 6 * 7, 5.0, "the answer")
        42
    """
    done: Future[Result] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - the caller's to handle
            done.set_exception(error)

    Thread(target=copy_context().run, args=(run,), name="ctxwin-foreign", daemon=True).start()
    if not wait([done], seconds).done:
        raise Unanswered(f"{who} gave no answer for {seconds:g} s; see what it waits for, or go on without it")
    return done.result()
