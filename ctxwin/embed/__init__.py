"""Turn texts into vectors: with the default model, a fast table, any sentence-transformers model or any function.

Every embedder is wrapped in a `CachedEmbedder`, which embeds a text once and caches the vector on disk.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..errors import CtxwinError, CtxwinWarning, InputError
from .library import LibraryEmbedder
from .minilm import MiniLmEmbedder
from .multilingual import MultilingualEmbedder
from .nearest import INDEXED_FROM, Nearest
from .scripts import Script, is_foreign
from .static import StaticEmbedder
from .vectors import CachedEmbedder, Progress, Reading, drop_indexed

__all__ = [
    "ALLOWANCE",
    "INDEXED_FROM",
    "CachedEmbedder",
    "Embedder",
    "EmbedderWarning",
    "LibraryEmbedder",
    "MiniLmEmbedder",
    "MultilingualEmbedder",
    "Nearest",
    "Reading",
    "Script",
    "StaticEmbedder",
    "drop_indexed",
    "get_embedder",
    "is_foreign",
]


ALLOWANCE = 50_000
"""The most tokens that `"auto"` embeds for one question: 4 seconds of a core; all of 10,000 turns took 35. Against
all, with whole sets as one pool: LoCoMo +.1 and -.1 at 1k and 2k, FriendsQA 0, MemoryCode -.5 [-1.6, .1],
LongMemEval +2.9 [0, 8.8] and 0, QMSum +.8 [0, 1.9], BEAM +.6 [-1, 2.4] at 2k and -1.3 [-2.9, 0] at 8k."""


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into vectors; the dot product of two vectors says how similar in meaning their texts are."""

    @property
    def name(self) -> str:
        """The model and its version: the key that its vectors are cached under."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, d) float32, one row of length 1 for each text, the same for the same text."""
        ...


class EmbedderWarning(CtxwinWarning):
    """The default embedder cannot be loaded, so a weaker one, or none, is used."""


def get_embedder(
    which: object = "auto",
    *,
    on_progress: Progress | None = None,
    allowance: int | None = None,
    indexed_from: int = INDEXED_FROM,
) -> CachedEmbedder | None:
    """Return an embedder that caches its vectors, or None to match by words only.

    Args:
        which: `"auto"` (the first of the next two that loads and, for texts that are not in Latin script, the third),
            `"minilm"` (all-MiniLM-L6-v2, English), `"static"` (a table of token vectors: fast, coarse, English),
            `"multilingual"` (universal-sentence-encoder-multilingual 3, 16 languages), `"none"`, the name or folder of
            a sentence-transformers model, an `Embedder`, an object with `encode`, or a function from texts to vectors.
            Only vectors of an embedder with a `name` are cached on disk.
        on_progress: called with (texts done, texts to do) while new texts are embedded. The work waits for it; an error
            that it raises ends the call, and the vectors made so far are kept.
        allowance: the most tokens to embed for one question, as items estimate them and as far as a model reads them.
            If the items have more, the best by words and static vectors are embedded and the rest are matched by
            words. Items and question decide, never the clock or the cache, so that equal input gives an equal plan.
            Default: `ALLOWANCE` for `"auto"`, no limit for the others.
        indexed_from: number of texts from which their vectors are kept in an index on disk, memory-mapped, where
            FAISS finds the best; below, all are in memory and compared.

    Raises:
        InputError: `which` is none of these, or the model of this name cannot be loaded.
        MissingExtra: the package that holds the model is not installed.

    Example:
        >>> embedder = get_embedder("static")
        >>> embedder.embed(["a dog", "a puppy", "tax law"]).shape
        (3, 256)
        >>> get_embedder("none") is None
        True
    """
    if isinstance(which, CachedEmbedder) and on_progress is None:
        return which
    inner = _named(which) if isinstance(which, str) else _given(which)
    if inner is None:
        return None
    keep = not isinstance(inner, _FunctionEmbedder)
    more = partial(get_embedder, on_progress=on_progress, indexed_from=indexed_from)
    foreign = partial(_foreign, more) if which == "auto" else None
    if allowance is None and which == "auto":
        allowance = ALLOWANCE
    return CachedEmbedder(
        inner,
        on_progress=on_progress,
        keep=keep,
        foreign=foreign,
        allowance=allowance,
        quick=partial(_quick, more),
        indexed_from=indexed_from,
    )


def _quick(get: Callable[[str], CachedEmbedder | None]) -> CachedEmbedder | None:
    """Return the embedder that chooses the texts worth embedding, or None if it is not installed."""
    try:
        return get("static")
    except (CtxwinError, ImportError, OSError):
        return None


def _foreign(get: Callable[[str], CachedEmbedder | None]) -> CachedEmbedder | None:
    """Return the embedder for other scripts than Latin; without it, their texts are matched by words only."""
    try:
        return get("multilingual")
    except (CtxwinError, ImportError, OSError) as error:
        message = f"the embedder for other scripts than Latin cannot be loaded ({error}); words alone match those"
        warnings.warn(message, EmbedderWarning, stacklevel=4)
        return None


@lru_cache(maxsize=8)
def _named(which: str) -> Embedder | None:
    """Load a model, once for each process, since loading costs a second and some memory."""
    match which:
        case "auto":
            return _first_that_loads()
        case "minilm":
            return MiniLmEmbedder()
        case "multilingual":
            return MultilingualEmbedder()
        case "static":
            return StaticEmbedder()
        case "none":
            return None
        case "":
            raise InputError("the embedder's name is empty; use 'auto', 'minilm', 'multilingual', 'static' or 'none'")
    return LibraryEmbedder(which)


def _first_that_loads() -> Embedder | None:
    try:
        return MiniLmEmbedder()
    except (CtxwinError, ImportError, OSError) as error:
        reason = f"the default embedder cannot be loaded ({error})"
    found: Embedder | None = None
    try:
        found = StaticEmbedder()
        instead = "the coarser static vectors are used"
    except (CtxwinError, ImportError, OSError) as error:
        instead = f"nor can the static vectors ({error}): texts are matched by words alone"
    warnings.warn(f"{reason}; {instead}", EmbedderWarning, stacklevel=4)
    return found


def _given(which: Any) -> Embedder:
    """Make an embedder of a caller's object or function."""
    if isinstance(which, CachedEmbedder):
        return which.inner
    if isinstance(which, Embedder):
        return which
    for function in (getattr(which, "embed", None), getattr(which, "encode", None), which):
        if callable(function):
            return _FunctionEmbedder(function)
    raise InputError(
        f"an embedder is a name, a function from texts to vectors or an object with `embed`, not {type(which).__name__}"
    )


class _FunctionEmbedder:
    """An embedder made of a plain function, whose name does not say what it computes; its vectors are not cached."""

    def __init__(self, function: Callable[[list[str]], Any]) -> None:
        self._function = function
        owner = getattr(function, "__self__", None)
        kind = function if owner is None else type(owner)
        name = f"{kind.__module__}.{getattr(kind, '__qualname__', type(kind).__qualname__)}"
        # One function of a module has one name; lambdas, closures and methods of objects share theirs.
        self.name = name if owner is None and "<" not in name else f"{name}@{id(owner or function):x}"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Call the function."""
        return np.asarray(self._function(list(texts)), dtype=np.float32)
