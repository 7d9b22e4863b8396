"""What a packing may need from outside, and how it is had: blocking, or within an event loop."""

from __future__ import annotations

import asyncio
import inspect
import warnings
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..embed import Embedder
from ..errors import CtxwinWarning
from ..rerank import Reranker, rerank
from ..summarize import Summarizer, load_summary, save_summary

__all__ = ["Need", "Scores", "Summaries", "SummaryWarning", "Vectors", "answer", "answer_later"]

SUMMARY_TOKENS = 96
"""Tokens that a summary is asked to have at most: some four sentences. What comes back is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors:
    """A need: embed these texts. It is answered with a matrix (n, d) of unit rows."""

    embedder: Embedder
    texts: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summaries:
    """A need: shorten these texts. It is answered with a text for each, or None where that failed."""

    summarizer: Summarizer
    texts: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """A need: say how well these texts answer the question. It is answered with a number in [0, 1] for each, (n,)."""

    reranker: Reranker
    question: str
    texts: Sequence[str]


class SummaryWarning(CtxwinWarning):
    """A summariser failed and extracts were used instead."""


Need = Vectors | Scores | Summaries
Answer = NDArray[np.float32] | list[str | None]


def answer(need: Need) -> Answer:
    """Answer a need, blocking."""
    if isinstance(need, Vectors):
        return need.embedder.embed(need.texts)
    if isinstance(need, Scores):
        return rerank(need.reranker, need.question, need.texts)
    return [_summary(need.summarizer, text) for text in need.texts]


async def answer_later(need: Need) -> Answer:
    """Answer a need in another thread, without blocking the event loop."""
    return await asyncio.to_thread(answer, need)


def _summary(summarizer: Summarizer, text: str) -> str | None:
    """Return the kept summary of a text, or a new one; None where the summariser fails in any way."""
    kept = load_summary(summarizer.name, text, SUMMARY_TOKENS)
    if kept is not None:
        return kept
    try:
        written = summarizer.summarize([text], SUMMARY_TOKENS)
        texts = asyncio.run(_awaited(written)) if inspect.isawaitable(written) else written
        summary = str(texts[0])
    except Exception as error:  # noqa: BLE001 - a summariser is anybody's code; the extract serves instead
        warnings.warn(
            f"summarizer {summarizer.name!r} failed ({type(error).__name__}); extracts are used instead",
            SummaryWarning,
            stacklevel=2,
        )
        return None
    save_summary(summarizer.name, text, SUMMARY_TOKENS, summary)
    return summary


async def _awaited(written: Awaitable[Sequence[str]]) -> Sequence[str]:
    return await written
