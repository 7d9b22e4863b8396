"""Add a map of all files to the block where the question is about the whole: part of the station "judge".

The map is one more unit of the block, in several sizes, and competes for the budget with all other items.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..retrieve import asks_for_the_whole
from .judge import Relevance
from .measure import Measured

__all__ = ["with_overview"]

SHARES = (0.25, 0.125, 0.0625)
"""Sizes of the map, as parts of the capacity, for a question about the whole."""
LITTLE = 120
"""Capacity in tokens below which a map near the question competes with any question: less than a chunk of code.
At 150 tokens with the question, requests with the map name 69 percent of the files with evidence and keep 2 percent of
the lines, without the map 64 and 5 (code_sweqa_wheels). A quarter for a map at 250 / 500 / 1k / 2k would name 72 / 78 /
83 / 94 percent of the files and not 68 / 73 / 79 / 85, but keep 12 / 31 / 49 / 63 percent of the lines and not 17 / 38
/ 54 / 67."""
SHARES_OF_LITTLE = (0.5,)
"""Sizes of the map, as parts of the capacity, where the capacity is below `LITTLE`."""
LEAST, MOST = 40, 2_000
"""Tokens of a map: a smaller map names no definition, and nobody reads a larger map."""
ANSWERS = 10.0
"""Sum of probabilities that the items may keep beside a map: where hundreds match alike, no single item answers."""


def with_overview(measured: Measured, relevance: Relevance) -> tuple[Measured, Relevance]:
    """Let a map of the files compete with all other items, as relevant as the best item, where a map may serve best.

    A map serves where the question is about the whole, and where the capacity is below `LITTLE`. In the second case the
    map shows the files near the question, so that the request says at least where to look.
    """
    task = measured.task
    about_all = asks_for_the_whole(task.question)
    if measured.block is None or task.pool is None or not (about_all or measured.capacity < LITTLE):
        return measured, relevance
    if len({item.source for item in task.pool if item.kind == "chunk" and item.source}) < 2:
        return measured, relevance
    from ..files.repomap import Atlas  # as in `read`

    atlas = Atlas(task.pool, relevance=None if about_all else relevance.p[1])
    sizes = [min(MOST, int(share * measured.capacity)) for share in (SHARES if about_all else SHARES_OF_LITTLE)]
    drawn = {made.text: made for size in sizes if size >= LEAST and (made := atlas.draw(size, task.tokenizer)).text}
    if not drawn:
        return measured, relevance
    total = max(1.0, sum(float(part.sum()) for part in relevance.p))
    turns, chunks = (part * np.float32(min(1.0, ANSWERS / total)) for part in relevance.p)
    vectors = relevance.vectors
    judged = replace(
        relevance,
        p=[turns, np.append(chunks, np.float32(1.0))],
        vectors=vectors.padded(1) if vectors is not None else None,
    )
    return measured.with_block(measured.block.with_overview(list(drawn.values()))), judged
