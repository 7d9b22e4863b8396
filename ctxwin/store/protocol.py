"""Defines what a store of windows can do: `Store`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from .turns import Turn, UsageRecord, Vector, WindowSettings

__all__ = ["Store"]


@runtime_checkable
class Store(Protocol):
    """Keeps windows: their turns, settings and usage, the counts and vectors of their texts, and nodes over the texts.

    Saved data is there for good when the method returns. A window exists from the first data that is saved for it;
    before that it has no turns and no usage. Several threads may use a store, and several processes its file, at once:
    turns get their positions one after the other, and the settings that were saved last stay.

    Every method raises `StoreError` if the store cannot be read or written; the call then changes nothing.
    """

    def windows(self) -> Sequence[str]:
        """Return the names of all windows, oldest first."""

    def settings(self, window: str) -> WindowSettings | None:
        """Return a window's settings; None if there is no such window."""

    def save_settings(self, window: str, settings: WindowSettings) -> None:
        """Replace a window's settings; `created` only if it is given."""

    def append(
        self,
        window: str,
        messages: Sequence[Mapping[str, Any]],
        *,
        expected: int | None = None,
        times: Sequence[str | None] | None = None,
        behind: int | None = None,
    ) -> Sequence[Turn]:
        """Add all messages at the end, or none.

        Args:
            window: the window's name.
            messages: of any dialect.
            expected: the window's length as the caller knows it.
            times: when each message was said, ISO 8601. Default: now.
            behind: position of the turn that the messages follow, if others may have added turns since. The messages
                still get the next positions, and `Turn.behind` says where they belong.

        Returns:
            The new turns; with `expected`, preceded by the turns that others added from that position on.

        Raises:
            MessageError: a message is no JSON object; the error carries its index.
            StoreError: the window is shorter than `expected`.
        """

    def turns(self, window: str, after: int = -1) -> Sequence[Turn]:
        """Return the turns with a position greater than `after`, in order, without erased turns."""

    def changes(self, window: str) -> int:
        """Return how often turns of a window were marked or erased, to tell whether turns read before still hold."""

    def mark(self, window: str, position: int, *, pinned: bool | None = None, forgotten: bool | None = None) -> None:
        """Set or clear marks of a turn; None keeps a mark unchanged.

        Raises:
            InputError: there is no such turn.
        """

    def erase(self, window: str, positions: Sequence[int], *, derived: Sequence[str] = ()) -> None:
        """Remove turns and their content for good; their positions stay empty.

        Content that another turn has too, in this or another window, stays. Counts, vectors and nodes under the hash of
        an erased message are removed.

        Args:
            window: the window's name.
            positions: of the turns; positions of turns that were erased before are allowed.
            derived: further hashes whose counts, vectors and nodes are removed: of texts that were cut from the
                messages, and of nodes over the messages.

        Raises:
            InputError: there is no such position; nothing is erased.
            StoreError: as for every method; or the turns are gone, but some of their bytes could not be removed yet.
                Erase the turns again later.
        """

    def fork(self, window: str, new: str, until: int | None = None) -> None:
        """Start a window with the turns, marks and settings of another; shared turns are stored once.

        Args:
            window: the name of the window to copy from.
            new: the new window's name.
            until: the last position of the new window. Default: all turns.

        Raises:
            InputError: `window` or the position does not exist, or `new` exists already.
        """

    def record_usage(self, window: str, record: UsageRecord) -> None:
        """Add the usage that a provider reported for a request."""

    def usage(self, window: str) -> Sequence[UsageRecord]:
        """Return the recorded usage, oldest first. A fork starts without any."""

    def counts(self, tokenizer: str, hashes: Sequence[str]) -> Mapping[str, int]:
        """Return tokens by hash of the text, for the texts that this tokenizer has counted."""

    def save_counts(self, tokenizer: str, counts: Mapping[str, int]) -> None:
        """Store tokens by hash of the text."""

    def vectors(self, embedder: str, hashes: Sequence[str]) -> Mapping[str, Vector]:
        """Return read-only vectors by hash of the text, for the texts that this embedder has read."""

    def save_vectors(self, embedder: str, vectors: Mapping[str, Vector]) -> None:
        """Store vectors by hash of the text.

        Raises:
            InputError: a vector is not of shape (d,), or neither float16 nor float32.
        """

    def nodes(self, hashes: Sequence[str]) -> Mapping[str, bytes]:
        """Return nodes of the trees over windows, and what models wrote of these, by hash, where there are any."""

    def save_nodes(self, nodes: Mapping[str, bytes]) -> None:
        """Store nodes by hash of all that they depend on."""

    def close(self) -> None:
        """Close the file; closing again does nothing."""
