"""What each law is tried with: logs of all dialects, budgets, embedders, and the attempt to pack."""

import zlib

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from ctxwin import BudgetError, Packed, pack
from ctxwin.errors import InputError

from .chat import openai_logs
from .claude import anthropic_logs
from .items import responses_logs

LOGS = st.one_of(openai_logs(), anthropic_logs(), responses_logs())
BUDGETS = st.one_of(st.integers(16, 400), st.integers(400, 6000))
"""Tokens: often too few for what must stay, at times enough for all."""

law = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

DIMENSIONS = 16
LETTERS = 400
"""Characters of a text that the toy embedder reads, as a model reads only the beginning."""


def trigrams(texts):
    """Embed texts as their hashed trigrams: texts alike in writing are near each other, long ones in one language too.

    It knows no meaning, is the same in every process, and takes no time beside a packing.
    """
    matrix = np.zeros((len(texts), DIMENSIONS), np.float32)
    for row, text in zip(matrix, texts, strict=True):
        shown = f"  {text[:LETTERS].lower()}  ".encode("utf-8", "surrogatepass")
        np.add.at(row, [zlib.crc32(shown[start : start + 3]) % DIMENSIONS for start in range(len(shown) - 2)], 1)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


EMBEDDERS = st.sampled_from(["none", trigrams])
"""With vectors every near-duplicate, cosine and mix of scores is in play; without, words alone."""


def tried(log, **options):
    """Pack, by words alone unless told otherwise; return the request, or the error of what cannot be packed."""
    try:
        return pack(log, **{"embedder": "none", "tokenizer": "o200k_base", **options})
    except (BudgetError, InputError) as error:
        return error


def attempt(log, **options):
    """Pack, or return None where what must stay does not fit and the error itemises it."""
    found = tried(log, **options)
    if isinstance(found, Packed):
        return found
    assert isinstance(found, BudgetError), found
    assert sum(found.sums.values()) > found.limit
    assert f"{found.limit:,}" in str(found)
    return None
