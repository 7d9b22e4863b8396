"""What a store of windows can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from .turns import Turn, UsageRecord, Vector, WindowSettings

__all__ = ["Store"]


@runtime_checkable
class Store(Protocol):
    """Where windows are kept: their turns, settings and usage, and counts and vectors of their texts.

    What a method saved is there for good when the method returns. A window begins with the first thing that is saved
    for it; one that is not there has no turns and no usage. A store may be used from several threads, and its file by
    several processes, at once: turns get their positions one after the other, of settings the last saved ones stay.

    Every method raises `StoreError` where the store cannot be read or written; nothing of the call is kept then.
    """

    def windows(self) -> Sequence[str]:
        """Return the names of all windows, oldest first."""

    def settings(self, window: str) -> WindowSettings | None:
        """Return a window's settings, or None where there is no such window."""

    def save_settings(self, window: str, settings: WindowSettings) -> None:
        """Replace a window's settings; `created` only where it is given."""

    def append(
        self,
        window: str,
        messages: Sequence[Mapping[str, Any]],
        *,
        expected: int | None = None,
        times: Sequence[str | None] | None = None,
        behind: int | None = None,
    ) -> Sequence[Turn]:
        """Add messages at the end, all or none.

        Args:
            window: its name.
            messages: of any dialect.
            expected: length of the window as the caller knows it.
            times: when each message was said, ISO 8601; None: now.
            behind: position of the turn that they follow, where others may have been added since; they get the next
                positions all the same, and `Turn.behind` says where they belong.

        Returns:
            The new turns; with `expected`, before them those which others added from that position on.

        Raises:
            MessageError: a message is no JSON object; carries its index.
            StoreError: the window is shorter than `expected`.
        """

    def turns(self, window: str, after: int = -1) -> Sequence[Turn]:
        """Return the turns with a position greater than `after`, in order; erased ones are not among them."""

    def changes(self, window: str) -> int:
        """Return how often turns of a window were marked or erased: what tells whether those read before still hold."""

    def mark(self, window: str, position: int, *, pinned: bool | None = None, forgotten: bool | None = None) -> None:
        """Set or clear marks of a turn; None leaves a mark as it is.

        Raises:
            InputError: there is no such turn.
        """

    def erase(self, window: str, positions: Sequence[int], *, derived: Sequence[str] = ()) -> None:
        """Remove turns and their content for good; their positions stay empty.

        Content that another turn has too, in this or another window, stays. Counts and vectors that are kept under the
        hash of an erased message go.

        Args:
            window: its name.
            positions: of the turns; those of turns erased before are taken.
            derived: further hashes whose counts and vectors go: of texts that were cut from the messages.

        Raises:
            InputError: there is no such position; nothing is erased.
            StoreError: as for every method; or the turns are gone, but bytes of theirs could not be removed yet. Erase
                them again later.
        """

    def fork(self, window: str, new: str, until: int | None = None) -> None:
        """Begin a window with another's turns, marks and settings; what it shares is stored once.

        Args:
            window: whose turns it has.
            new: its name.
            until: last position that it has; None: all.

        Raises:
            InputError: `window` or that position is not there, or `new` is there already.
        """

    def record_usage(self, window: str, record: UsageRecord) -> None:
        """Add what a provider reported for a request."""

    def usage(self, window: str) -> Sequence[UsageRecord]:
        """Return what was recorded, oldest first. A fork begins with none."""

    def counts(self, tokenizer: str, hashes: Sequence[str]) -> Mapping[str, int]:
        """Return tokens by hash of the text, for those texts that this tokenizer has counted."""

    def save_counts(self, tokenizer: str, counts: Mapping[str, int]) -> None:
        """Keep tokens by hash of the text."""

    def vectors(self, embedder: str, hashes: Sequence[str]) -> Mapping[str, Vector]:
        """Return vectors by hash of the text, for those texts that this embedder has read; they are read-only."""

    def save_vectors(self, embedder: str, vectors: Mapping[str, Vector]) -> None:
        """Keep vectors by hash of the text.

        Raises:
            InputError: one is not of shape (d,) or neither float16 nor float32.
        """

    def close(self) -> None:
        """Let go of the file; closing again does nothing."""
