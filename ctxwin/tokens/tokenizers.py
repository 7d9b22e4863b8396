"""Find or make tokenizers: exact ones that work offline, those of files and packages, estimates, a caller's own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ..errors import InputError, UnknownModel
from ..models import NEAREST, Model, get_family, names
from .counts import Count
from .estimates import BASES, ESTIMATES, weigh

if TYPE_CHECKING:
    import tiktoken
    import tokenizers

__all__ = ["DEFAULT_TOKENIZER", "BatchTokenizer", "Tokenizer", "encodings", "get_tokenizer"]

DEFAULT_TOKENIZER = "o200k_base"
"""The tokenizer used if neither a tokenizer nor a model is named."""
TOKTOK = ("cl100k_base", "o200k_base", "o200k_harmony", "qwen3.5")
"""Vocabularies in the package toktok-rs, which count offline and several times faster than tiktoken."""
TIKTOKEN = ("gpt2", "r50k_base", "p50k_base", "p50k_edit")
"""tiktoken's other vocabularies, which it downloads when they are first used."""
PARALLEL_FROM = 64
"""Number of texts from which toktok's threads are worth starting."""


@runtime_checkable
class Tokenizer(Protocol):
    """An object that counts tokens, many texts at a time.

    `get_tokenizer` makes a tokenizer of any object with `count(text) -> int`, and of any such function.
    A class that derives from this protocol only has to define `count_many`.
    """

    name: str
    """The key that counts are cached under: equal names mean equal counts."""
    error: float
    """Relative error that 95 % of counts stay within; 0 for an exact tokenizer."""

    def count_many(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text; lone surrogates count as U+FFFD."""

    @property
    def exact(self) -> bool:
        """Whether the counts are the model's own."""
        return self.error == 0

    def count(self, text: str) -> Count:
        """Count one text, with bounds."""
        return Count.of(self.count_many([text])[0], error=self.error)

    def truncate(self, text: str, tokens: int) -> str:
        """Return the longest prefix found that has at most `tokens` tokens."""
        return _longest(self, text, tokens)


class BatchTokenizer(Tokenizer):
    """A tokenizer made of a function that counts a batch.

    Args:
        name: the tokenizer's name.
        count_batch: returns the counts of texts.
        error: relative error that 95 % of counts stay within.
    """

    def __init__(self, name: str, count_batch: Callable[[Sequence[str]], Sequence[int]], error: float = 0.0) -> None:
        self.name, self.error, self._count_batch = name, error, count_batch

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def count_many(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text; lone surrogates count as U+FFFD."""
        texts = list(texts)
        if not texts:
            return []
        try:
            return list(self._count_batch(texts))
        except UnicodeEncodeError:
            return list(self._count_batch([_whole(text) for text in texts]))


class _Toktok(BatchTokenizer):
    """A vocabulary of toktok-rs."""

    def __init__(self, name: str) -> None:
        super().__init__(name, self._count)

    def _count(self, texts: Sequence[str]) -> Sequence[int]:
        import toktok

        found: list[int] = toktok.batch_count(texts, self.name, threads=int(len(texts) < PARALLEL_FROM))
        return found

    def truncate(self, text: str, tokens: int) -> str:
        """Return the longest prefix found that has at most `tokens` tokens."""
        import toktok

        for target in range(tokens, 0, -1):  # a prefix may be split otherwise than inside its text: look again
            try:
                kept: str = toktok.truncate(text, target, self.name)[0]
            except UnicodeEncodeError:
                break
            if not text.startswith(kept):  # Qwen normalises a text before it counts
                break
            if self.count_many([kept])[0] <= tokens:
                return kept
        return _longest(self, text, tokens)


def get_tokenizer(source: Any = None) -> Tokenizer:
    """Find or make the tokenizer for a name, a file, a model or an object.

    Args:
        source: an encoding (`o200k_base`), a model (`gpt-5-mini`, `claude-sonnet-5`), an estimate
            (`claude-4.7`, `gemini`, `generic`), the path of a Hugging Face `tokenizer.json`, a `Model`, an
            object with `count_many(texts)`, `count(text)` or `encode(text)`, or a function that counts a
            text. Default: `o200k_base`.

    Raises:
        UnknownModel: no tokenizer or model has this name; carries the nearest names.
        InputError: the file or object is not a tokenizer, or a vocabulary cannot be downloaded.

    Example:
        >>> get_tokenizer("gpt-4o").count("How many tokens is this?")
        Count(tokens=6, low=6, high=6, exact=True)
        >>> get_tokenizer(lambda text: len(text.split())).count_many(["two words", ""])
        [2, 0]
    """
    match source:
        case None:
            return _named(DEFAULT_TOKENIZER)
        case Tokenizer():
            return source
        case Model():
            return _named(source.tokenizer)
        case PathLike():
            return _from_file(str(source))
        case str():
            return _from_file(source) if source.endswith(".json") else _named(source)
        case _:
            return _adapted(source)


def encodings() -> tuple[str, ...]:
    """Return the names of all tokenizers other than models' names."""
    return (*TOKTOK, *TIKTOKEN, *ESTIMATES)


@lru_cache(maxsize=64)
def _named(name: str) -> Tokenizer:
    if name in TOKTOK:
        return _Toktok(name)
    if name in ESTIMATES:
        return BatchTokenizer(name, lambda texts: _estimated(texts, name), ESTIMATES[name].error)
    if name in TIKTOKEN:
        encoding = _tiktoken(name)
        return BatchTokenizer(name, lambda texts: [len(ids) for ids in encoding.encode_ordinary_batch(list(texts))])
    try:
        return _named(get_family(name).tokenizer)
    except UnknownModel as error:
        known = (*encodings(), *names())
        nearest = get_close_matches(name.lower(), known, n=NEAREST, cutoff=0.5)
        raise UnknownModel(name, nearest or TOKTOK, what="tokenizer or model") from error


def _estimated(texts: Sequence[str], name: str) -> list[int]:
    return weigh(texts, [_named(base).count_many(texts) for base in BASES], name)


def _tiktoken(name: str) -> tiktoken.Encoding:
    import tiktoken

    try:
        return tiktoken.get_encoding(name)
    except OSError as error:  # what its download raises
        raise InputError(
            f"the vocabulary {name!r} is not on this machine and tiktoken could not download it "
            f"({type(error).__name__}); go online once, set TIKTOKEN_CACHE_DIR to a folder that has it, or "
            f"use one that works offline: {', '.join(TOKTOK)}"
        ) from error


def _from_file(path: str) -> Tokenizer:
    from tokenizers import Tokenizer as HuggingFace

    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
        content = json.loads(text)
    except OSError as error:
        raise InputError(f"cannot read the tokenizer {path!r}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path!r} is not JSON; give a Hugging Face tokenizer.json") from error
    if not isinstance(content, dict) or "model" not in content:
        raise InputError(f"{path!r} has no 'model'; give a Hugging Face tokenizer.json")
    try:
        tokenizer = HuggingFace.from_str(text)
    except Exception as error:  # the package has no narrower one
        raise InputError(f"{path!r} is no tokenizer ({error}); give a Hugging Face tokenizer.json") from error
    return _hugging_face(tokenizer, str(file.resolve()))


def _hugging_face(tokenizer: tokenizers.Tokenizer, name: str) -> Tokenizer:
    tokenizer.no_truncation()  # a file may carry both settings of its model, which would falsify counts
    tokenizer.no_padding()

    def count(texts: Sequence[str]) -> list[int]:
        whole = [_whole(text) for text in texts]  # releases differ in how they refuse lone surrogates
        return [len(one.ids) for one in tokenizer.encode_batch_fast(whole, add_special_tokens=False)]

    return BatchTokenizer(name, count)


def _adapted(source: Any) -> Tokenizer:
    """Make a tokenizer from an object or function that counts or encodes."""
    name = getattr(source, "name", None) or getattr(source, "__name__", None) or type(source).__name__
    if callable(batch := getattr(source, "count_many", None)):
        return BatchTokenizer(str(name), batch, float(getattr(source, "error", 0.0)))
    if callable(encode := getattr(source, "encode_ordinary", getattr(source, "encode", None))):
        return BatchTokenizer(str(name), lambda texts: [len(encode(text)) for text in texts])
    if callable(count := getattr(source, "count", source)):
        return BatchTokenizer(str(name), lambda texts: [int(count(text)) for text in texts])
    raise InputError(
        f"{type(source).__name__} is no tokenizer; give a name, the path of a tokenizer.json, a function "
        "that counts a text, or an object with count(text)"
    )


def _longest(tokenizer: Tokenizer, text: str, tokens: int) -> str:
    """Return the longest prefix of at most `tokens` tokens, found by bisection."""
    if tokens <= 0:
        return ""
    low, high = 0, len(text)
    if tokenizer.count_many([text])[0] <= tokens:
        return text
    while low < high:  # text[:low] always fits
        middle = (low + high + 1) // 2
        fits = tokenizer.count_many([text[:middle]])[0] <= tokens
        low, high = (middle, high) if fits else (low, middle - 1)
    return text[:low]


_SURROGATES = re.compile("[\ud800-\udfff]")


def _whole(text: str) -> str:
    """Join paired surrogates and replace lone ones, as tiktoken does."""
    if not _SURROGATES.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
