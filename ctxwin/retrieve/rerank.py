"""Score the best items again with a model that reads question and item together (a cross-encoder).

The model reads every item again for every question, so it gets only the few items that words, vectors and place put
first. Its scores are added to the items' scores; they do not replace them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..embed.hub import load_model
from ..errors import InputError
from ..waiting import in_time
from .item_vectors import QUANTUM

__all__ = ["LibraryReranker", "Reranker", "get_reranker", "rerank"]

SECONDS = 300.0
"""How long to wait for a reranker: its first call may download a model; a large cross-encoder on two cores reads 20
texts in some 10 s."""


@runtime_checkable
class Reranker(Protocol):
    """Scores how well texts answer a question; `apack` calls `score` in a thread, so it need not be a coroutine."""

    def score(self, question: str, texts: Sequence[str]) -> Any:
        """Return a number for each text, (n,), on any scale, higher for a better answer."""
        ...


class LibraryReranker:
    """A cross-encoder of the sentence-transformers library, by name or folder.

    If the name is not a folder, the library looks it up among its downloads, and else downloads the model.

    Raises:
        MissingExtra: sentence-transformers is not installed.
        InputError: there is no such model, or it cannot be downloaded without a network.
    """

    def __init__(self, model: str) -> None:
        self._model = load_model("CrossEncoder", model, role="reranker", instead="pack without a reranker")

    def score(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the model's scores, (n,)."""
        scores: NDArray[np.float32] = self._model.predict([(question, text) for text in texts], show_progress_bar=False)
        return scores


class _FunctionReranker:
    def __init__(self, function: Callable[[str, list[str]], Any]) -> None:
        self._function = function

    def score(self, question: str, texts: Sequence[str]) -> Any:
        return self._function(question, list(texts))


def get_reranker(which: Any) -> Reranker:
    """Return a reranker for an object, a function or a model's name.

    Args:
        which: a `Reranker`, a function from a question and texts to a number for each, or the name or folder of a
            cross-encoder of the sentence-transformers library.

    Raises:
        InputError: `which` is none of these, or the model of this name cannot be loaded.
        MissingExtra: sentence-transformers is not installed.

    Example:
        >>> longest = get_reranker(lambda question, texts: [len(text) for text in texts])
        >>> rerank(longest, "Which?", ["a", "abc"]).tolist()
        [0.0, 1.0]
    """
    if isinstance(which, str):
        return _named(which)
    if isinstance(which, Reranker):
        return which
    if callable(which):
        return _FunctionReranker(which)
    raise InputError(
        f"a reranker is a name, a function from question and texts to numbers, or an object with `score`, "
        f"not {type(which).__name__}"
    )


@lru_cache(maxsize=2)
def _named(model: str) -> Reranker:
    """Load a model, once for each process."""
    return LibraryReranker(model)


def rerank(reranker: Reranker, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
    """Ask a reranker, check its answer and scale it to 0..1, (n,); equal scores give zeros.

    Raises:
        InputError: the reranker did not return one finite number for each text.
        Unanswered: the reranker did not answer within `SECONDS`.
    """
    given = in_time(lambda: reranker.score(question, texts), SECONDS, f"reranker of type {type(reranker).__name__}")
    scores = np.asarray(given, np.float64)
    if scores.shape != (len(texts),):
        raise InputError(
            f"the reranker gave an array of shape {scores.shape} for {len(texts)} texts; "
            f"it must give one number for each, ({len(texts)},)"
        )
    if not np.isfinite(scores).all():
        raise InputError("the reranker gave numbers that are not finite; check its model")
    spread = float(np.ptp(scores)) if len(scores) else 0.0
    scaled = (scores - scores.min()) / spread if spread else np.zeros(len(texts))
    return (np.rint(scaled / QUANTUM) * QUANTUM).astype(np.float32)
