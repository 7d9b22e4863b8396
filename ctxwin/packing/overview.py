"""The map of all files as one more unit of the block, in several sizes, where the question is about the whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..retrieve import asks_for_the_whole
from .judge import Relevance
from .measure import Measured

__all__ = ["with_overview"]

SHARES = (0.25, 0.125, 0.0625)
"""Sizes of the map, as parts of the room for everything."""
LITTLE = 120
"""Tokens for everything, below which a map near the question competes whatever it asks: less than a chunk of code.
At 150 tokens with the question, requests then name 69 percent of the files with evidence and 2 of its lines, without
the map 64 and 5 (code_sweqa_wheels). A quarter for a map at 250 / 500 / 1k / 2k would name 72 / 78 / 83 / 94 percent of
the files and not 68 / 73 / 79 / 85, but keep 12 / 31 / 49 / 63 percent of the lines and not 17 / 38 / 54 / 67."""
SHARES_OF_LITTLE = (0.5,)
"""Sizes of the map then."""
LEAST, MOST = 40, 2_000
"""Tokens of a map; a smaller one names no definition, a larger one nobody reads."""
ANSWERS = 10.0
"""Items that such a question can be about, together: where hundreds match alike, none of them answers it."""


def with_overview(draft: Measured, relevance: Relevance) -> tuple[Measured, Relevance]:
    """Let a map of the files compete with all else, as relevant as the best item, where it may be what serves best.

    That is where the question is about the whole, and where there is room for next to nothing: then it is near the
    question, and says at least where to look.
    """
    task = draft.task
    about_all = asks_for_the_whole(task.question)
    if draft.block is None or task.pool is None or not (about_all or draft.capacity < LITTLE):
        return draft, relevance
    if len({item.source for item in task.pool if item.kind == "chunk" and item.source}) < 2:
        return draft, relevance
    from ..files.repomap import Atlas  # as in `read`

    atlas = Atlas(task.pool, relevance=None if about_all else relevance.p[1])
    sizes = [min(MOST, int(share * draft.capacity)) for share in (SHARES if about_all else SHARES_OF_LITTLE)]
    drawn = {made.text: made for size in sizes if size >= LEAST and (made := atlas.draw(size, task.tokenizer)).text}
    if not drawn:
        return draft, relevance
    total = max(1.0, sum(float(part.sum()) for part in relevance.p))
    turns, chunks = (part * np.float32(min(1.0, ANSWERS / total)) for part in relevance.p)
    vectors = relevance.vectors
    judged = replace(
        relevance,
        p=[turns, np.append(chunks, np.float32(1.0))],
        vectors=vectors.padded(1) if vectors is not None else None,
    )
    return draft.with_block(draft.block.with_overview(list(drawn.values()))), judged
