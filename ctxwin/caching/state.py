"""Holds what a plan must know of the requests before it, as a small value that can be stored as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from .prices import Bill

__all__ = ["Note", "Sent", "State"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A message between the turns that is not a turn: what stands, the note of a gap, or the retrieved block."""

    before: str
    """Id of the turn that the note stands before."""
    text: str
    turns: tuple[str, ...] = ()
    """Ids of the turns that the note shows."""
    role: Literal["user", "assistant"] = "user"
    stands: bool = False
    """Whether the note holds what stands in the turns that were left out when the history was cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request whose beginning the provider may hold: hashes of the tools and the messages."""

    time: float
    """Seconds since the epoch."""
    hashes: tuple[str, ...]
    tokens: tuple[int, ...]
    """Tokens of the tools and of each message."""
    ends: tuple[int, ...] = ()
    """Ends of the marked prefixes, as numbers of messages, ascending."""

    def common(self, other: Sent) -> int:
        """Return how many leading messages two requests share."""
        pairs = zip(self.hashes, other.hashes, strict=False)
        return next((n for n, (one, two) in enumerate(pairs) if one != two), min(len(self.hashes), len(other.hashes)))


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The last request of a conversation, and the history that goes on from request to request.

    The state holds ids, hashes, counts, and the text of notes, but no other text of the conversation.

    Example:
        >>> state = State(turns=("m0", "m1"), last="m1")
        >>> State.from_dict(state.to_dict()) == state
        True
    """

    turns: tuple[str, ...] = ()
    """Ids of the turns that are carried on whole, in order."""
    notes: tuple[Note, ...] = ()
    """The notes between these turns."""
    aside: tuple[str, ...] = ()
    """Ids of the turns of the last request if it was an exception, since much had to be retrieved; else empty."""
    aside_notes: tuple[Note, ...] = ()
    last: str = ""
    """Id of the newest turn at the last request."""
    question: str = ""
    """Id of the question that the request ended with."""
    growth: float = 0.0
    """Tokens that a request adds, averaged over recent requests."""
    sent: tuple[Sent, ...] = ()
    """The last request, then the last request with the carried history if that is another one."""
    bill: Bill = field(default_factory=Bill)
    """The estimated bill of the last request."""

    def to_dict(self) -> dict[str, Any]:
        """Return the state as plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> State:
        """Read a state from `to_dict`, also after a round through JSON."""
        fields = dict(plain)
        for name in ("notes", "aside_notes"):
            fields[name] = tuple(Note(**{**note, "turns": tuple(note["turns"])}) for note in plain[name])
        fields["sent"] = tuple(Sent(**{name: _tuple(value) for name, value in one.items()}) for one in plain["sent"])
        fields["bill"] = Bill(**plain["bill"])
        return cls(**{name: _tuple(value) for name, value in fields.items()})


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
