"""Answer what a packing needs from outside: vectors, a reranker's scores and summaries.

The stations "judge" and "choose" yield a need; `answer` calls the embedder, reranker or summarizer.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..embed import CachedEmbedder, Embedder, Nearest
from ..errors import CtxwinWarning
from ..renditions.summarize import Summarizer, load_summary, save_summary
from ..retrieve.rerank import Reranker, rerank
from ..waiting import Unanswered, in_time

__all__ = [
    "IndexNeeded",
    "Indexed",
    "LateWarning",
    "Need",
    "ScoresNeeded",
    "Summaries",
    "SummaryWarning",
    "VectorsNeeded",
    "answer",
]

SUMMARY_TOKENS = 96
"""Tokens that a summary is asked to have at most: some four sentences. The returned summary is counted. Half, double:
none of 4 requests differs."""
SUMMARY_SECONDS = 60.0
"""Seconds to wait for one summary: a small model on two cores writes SUMMARY_TOKENS tokens in some 10 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorsNeeded:
    """A need: embed these texts. The answer is a matrix (n, d) with rows of length 1."""

    embedder: Embedder
    texts: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexNeeded:
    """A need: index the vectors of very many texts. The answer is the index and each text's row in it."""

    embedder: CachedEmbedder
    texts: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summaries:
    """A need: shorten these texts. The answer is a shorter text for each text, or None where shortening failed."""

    summarizer: Summarizer
    texts: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoresNeeded:
    """A need: score how well these texts answer the question. The answer is a number in [0, 1] for each text, (n,)."""

    reranker: Reranker
    question: str
    texts: Sequence[str]


class LateWarning(CtxwinWarning):
    """An embedder or reranker gave no answer in time, and the request was packed without this embedder or reranker."""


class SummaryWarning(CtxwinWarning):
    """A summariser failed and extracts were used instead."""


Need = VectorsNeeded | IndexNeeded | ScoresNeeded | Summaries
Indexed = tuple[Nearest, NDArray[np.intp]]
Answer = NDArray[np.float32] | Indexed | list[str | None]


def answer(need: Need) -> Answer:
    """Answer a need, and block until the answer is there.

    Raises:
        Unanswered: the embedder or reranker did not answer in time.
    """
    if isinstance(need, VectorsNeeded):
        return need.embedder.embed(need.texts)
    if isinstance(need, IndexNeeded):
        return need.embedder.index(need.texts)
    if isinstance(need, ScoresNeeded):
        return rerank(need.reranker, need.question, need.texts)
    return _summaries(need.summarizer, need.texts)


def _summaries(summarizer: Summarizer, texts: Sequence[str]) -> list[str | None]:
    """Return the cached summary of each text, or a new summary; None where the summariser fails in any way.

    After a summariser has given no answer in time, it is not asked about the remaining texts.
    """
    found = [load_summary(summarizer.name, text, SUMMARY_TOKENS) for text in texts]
    for place, text in enumerate(texts):
        if found[place] is not None:
            continue
        try:
            who = f"summarizer {summarizer.name!r}"
            summary = in_time(lambda text=text: _written(summarizer, text), SUMMARY_SECONDS, who)  # type: ignore[misc]
        except Exception as error:  # noqa: BLE001 - a summariser is anybody's code; the extract serves instead
            late = isinstance(error, Unanswered)
            why = f"gave no answer for {SUMMARY_SECONDS:g} s" if late else f"failed ({type(error).__name__})"
            message = f"summarizer {summarizer.name!r} {why}; extracts are used instead"
            warnings.warn(message, SummaryWarning, stacklevel=2)
            if late:
                break
        else:
            save_summary(summarizer.name, text, SUMMARY_TOKENS, summary)
            found[place] = summary
    return found


def _written(summarizer: Summarizer, text: str) -> str:
    written = summarizer.summarize([text], SUMMARY_TOKENS)
    if inspect.isawaitable(written):
        import asyncio  # with the packages of networks, which hardly any packing has a use for

        written = asyncio.run(_awaited(written))
    return str(written[0])


async def _awaited(written: Awaitable[Sequence[str]]) -> Sequence[str]:
    return await written
