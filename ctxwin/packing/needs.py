"""Answer what a packing needs from outside: vectors, a reranker's scores and summaries.

The stations "judge" and "choose" yield a need; `answer` calls the embedder, reranker or summarizer.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..embed import CachedEmbedder, Embedder, Nearest
from ..errors import CtxwinWarning
from ..renditions.summaries.writing import Written, write_summaries
from ..renditions.summarize import Summarizer
from ..retrieve.rerank import Reranker, rerank

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
    """A need: shorten these texts. The answer is for each text a shorter one, or the reason why there is none."""

    summarizer: Summarizer
    texts: Sequence[str]
    taken: Mapping[str, Callable[[str], None]]
    """For some of the texts what is called with the shorter one, in place of the cache."""


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
Answer = NDArray[np.float32] | Indexed | list[Written]


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
    return _summaries(need)


def _summaries(need: Summaries) -> list[Written]:
    """Return what was written; warn of failures, without the texts."""
    found = write_summaries(need.summarizer, need.texts, need.taken)
    for reason in dict.fromkeys(one.reason for one in found if one.failed):
        message = f"summarizer {need.summarizer.name!r} {reason}; extracts are used instead"
        warnings.warn(message, SummaryWarning, stacklevel=2)
    return found
