"""What a node of the tree says: places of sentences, and sentences that a model wrote; both as bytes for a store."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...items import content_hash

__all__ = ["FAN", "FEWEST", "NodeSentence", "NodeSummary", "TreeNode", "summary_key"]

FAN = 16
"""Most children of a node; the fewest are a quarter. With 8 / 16 / 32 of 18 answers of BEAM that are summaries 52 / 52
/ 52 % survive in 2,000 tokens, 71 / 71 / 71 in 8,000, where 1,000 sentences are compared, so that nodes say nearly all;
53 / 71 where segments are eight turns whatever the topic."""
FEWEST = FAN // 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TreeNode:
    """What one node says of the leaves that it covers."""

    children: int
    """Nodes or leaves of the level below."""
    size: int
    """Leaves."""
    leaf: NDArray[np.int32]
    """(k,) the leaf of each sentence of the gist, from 0 for the first that the node covers."""
    number: NDArray[np.int32]
    """(k,) the sentence's place in its text."""

    def to_bytes(self) -> bytes:
        """Return the node as bytes; it holds places and no text."""
        return np.concatenate([[self.children, self.size], self.leaf, self.number]).astype("<u4").tobytes()

    @classmethod
    def from_bytes(cls, kept: bytes) -> TreeNode | None:
        """Return the node; None if the bytes are none of `to_bytes`."""
        if len(kept) < 8 or len(kept) % 8:
            return None
        (children, size), places = np.split(np.frombuffer(kept, "<u4").astype(np.int32), [2])
        leaf, number = np.split(places, 2)
        if not (FEWEST <= children <= FAN and children <= size and (leaf < size).all() and (places >= 0).all()):
            return None
        return cls(children=int(children), size=int(size), leaf=leaf, number=number)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSentence:
    """A sentence that a model wrote and that was checked."""

    text: str
    leaves: tuple[int, ...]
    """The leaves that say so, ascending, from 0 for the first that the node covers; one at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSummary:
    """What a model wrote of a node, as far as the leaves bear it out."""

    by: str
    """Says by what and how it was asked for (`summarize.version_of`)."""
    sentences: tuple[NodeSentence, ...]
    """None if nothing of the answer stays; then nobody asks again."""
    refused: tuple[tuple[str, str], ...] = ()
    """The other sentences, each with the reason; they are kept nowhere."""

    def to_bytes(self) -> bytes:
        """Return the summary as bytes, without what was refused."""
        said = [[one.text, one.leaves] for one in self.sentences]
        return json.dumps([self.by, said], ensure_ascii=False).encode("utf-8", "surrogatepass")

    @classmethod
    def from_bytes(cls, kept: bytes, size: int) -> NodeSummary | None:
        """Return the summary of a node with so many leaves; None if the bytes are none of `to_bytes`."""
        try:
            by, said = json.loads(kept.decode("utf-8", "surrogatepass"))
            sentences = tuple(NodeSentence(text=str(text), leaves=tuple(map(int, leaves))) for text, leaves in said)
        except (ValueError, TypeError):
            return None
        if not all(one.leaves and min(one.leaves) >= 0 and max(one.leaves) < size for one in sentences):
            return None
        return cls(by=str(by), sentences=sentences)


def summary_key(node: str) -> str:
    """Return the key under which the summary of a node is kept beside it, given the node's key."""
    return content_hash("summary", node)
