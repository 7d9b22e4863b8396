"""What a plan must know of the requests before it, as a small value that can be stored as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from .prices import Bill

__all__ = ["Note", "Sent", "State"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A message between the turns that is none of them: what was left out, or the retrieved block."""

    before: str
    """Id of the turn that it stands before."""
    text: str
    turns: tuple[str, ...] = ()
    """Ids of the turns that it shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request whose beginning the provider may hold: its messages, the tools before them, as hashes."""

    time: float
    """Seconds since the epoch."""
    hashes: tuple[str, ...]
    tokens: tuple[int, ...]
    """Of each message."""
    ends: tuple[int, ...] = ()
    """After how many messages a prefix ends that was marked, ascending."""

    def common(self, other: Sent) -> int:
        """Return how many leading messages two requests share."""
        pairs = zip(self.hashes, other.hashes, strict=False)
        return next((n for n, (one, two) in enumerate(pairs) if one != two), min(len(self.hashes), len(other.hashes)))


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The last request of a conversation, and the history that goes on from request to request.

    It holds ids, hashes, counts, and the text of notes: nothing else that was said.

    Example:
        >>> state = State(turns=("m0", "m1"), last="m1")
        >>> State.from_dict(state.to_dict()) == state
        True
    """

    turns: tuple[str, ...] = ()
    """Ids of the turns that are carried on, whole, in order."""
    notes: tuple[Note, ...] = ()
    """What stands between them."""
    aside: tuple[str, ...] = ()
    """The same of the last request, where it was an exception since much had to be retrieved; else empty."""
    aside_notes: tuple[Note, ...] = ()
    last: str = ""
    """Id of the newest turn that was there."""
    question: str = ""
    """Id of the turn that the request ended with."""
    growth: float = 0.0
    """Tokens that a request brings, lately."""
    sent: tuple[Sent, ...] = ()
    """The last request, and before it the last one with the carried history if that is another."""
    bill: Bill = field(default_factory=Bill)
    """What the last request was reckoned to cost."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> State:
        """Read what `to_dict` returned, also after a round through JSON."""
        fields = dict(plain)
        for name in ("notes", "aside_notes"):
            fields[name] = tuple(Note(**{**note, "turns": tuple(note["turns"])}) for note in plain[name])
        fields["sent"] = tuple(Sent(**{name: _tuple(value) for name, value in one.items()}) for one in plain["sent"])
        fields["bill"] = Bill(**plain["bill"])
        return cls(**{name: _tuple(value) for name, value in fields.items()})


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
