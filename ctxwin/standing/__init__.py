"""What stands in a conversation: rules, limits, facts, decisions, tasks and preferences that must survive unasked.

Each sentence of a message is read once, when the message arrives: named cues of words, forms of values and the shape of
the sentence give a strength (`features`, `odds`) and a kind. What is said nowhere else stands more surely. A newer
sentence about the same thing replaces an older one (`superseding`). Passwords and keys are left out (`masking`).
`notes` prints what stands for a request, and reads such a print back.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import log

import numpy as np
from numpy.typing import NDArray

from ..items import Item
from ..retrieve.words.lexical import STOP_WORDS
from .entry import Entry, entries_of
from .features import words_of
from .known_languages import UNREAD, understood
from .masking import masked
from .naming import Name, Names
from .notes import COMMAND, NAMED, Voice, heading, index_lines, is_note, is_omitted, left_out, turns_of
from .odds import KINDS, Kind
from .superseding import Subjects
from .wanted import Propose, Wanted, wanted

__all__ = [
    "COMMAND",
    "KINDS",
    "NAMED",
    "STANDS",
    "UNREAD",
    "Entry",
    "Kind",
    "Name",
    "Names",
    "Propose",
    "Said",
    "Standing",
    "Voice",
    "Wanted",
    "heading",
    "index_lines",
    "is_note",
    "is_omitted",
    "left_out",
    "turns_of",
    "understood",
    "wanted",
]

STANDS = 0.6
"""Strength from which a sentence stands. Of what is over .6 in 20 real conversations where nothing was planted a person
would keep 11 of 14, over .5 13 of 22 (`tests/tools/measure_kept.py`). A compaction fills its room with weaker ones."""
FEW = 3
"""Words of a sentence below which the share of rare ones says little: a shorter sentence counts as one of so many."""
RARE = 4.0
"""Log odds by which a sentence of words that no other message has exceeds a sentence of words said elsewhere.
Chosen on planted talk that is not public: there 2 / 3 / 4 rank 71 / 75 / 78 % of what stands within 3 % of the
tokens."""
USUAL = 0.12
"""Share of a user's sentences that stand, as in the fit (`tests/tools/fit_standing.py`)."""
USUAL_SEEN = 100
"""Sentences by which a talk must differ from the usual share before its own share counts as much."""
_BINS = 4
"""Bins of each unit of log odds in which `_level` counts the sentences: in long talks that is fast."""
_MOST = 8
"""Log odds of the last bin."""
_ROUNDS = 20
"""Steps of `_level`; the next ones move it by less than a hundredth."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Said:
    """The n sentences of a conversation that no newer one replaces, in order, with their strength."""

    every: Sequence[Entry]
    """All sentences of the conversation, replaced ones included."""
    at: NDArray[np.intp]
    """(n,) the places of these among all."""
    positions: NDArray[np.int64]
    """(n,) the positions of their messages."""
    strength: NDArray[np.float64]
    """(n,) how surely each stands, from 0 to 1."""
    masks: dict[int, str]
    """Sentences without their secrets, by their places among all, as far as they were asked for."""
    allow_secrets: bool = False
    """Whether passwords and keys may stand."""

    def __len__(self) -> int:
        return len(self.at)

    def __iter__(self) -> Iterator[Entry]:
        return (self[i] for i in range(len(self)))

    @property
    def entries(self) -> Sequence[Entry]:
        """The sentences as they were said: with the secrets in them, and the log odds of their own cues."""
        return [self.every[i] for i in self.at.tolist()]

    def as_said(self, i: int) -> Entry:
        """Return one of `entries`."""
        return self.every[int(self.at[i])]

    def standing(self) -> list[Entry]:
        """Return the sentences that stand, each with its strength."""
        return [self[i] for i in np.flatnonzero(self.strength >= STANDS).tolist()]

    def best(self, size: int) -> list[int]:
        """Return the numbers of the strongest sentences, the strongest first, at most `size`."""
        if not 0 < size < len(self):
            order: list[int] = np.argsort(-self.strength, kind="stable")[:size].tolist()
            return order
        weakest = np.partition(self.strength, -size)[-size]
        among = np.flatnonzero(self.strength >= weakest)  # more than `size` where several are as weak
        order = among[np.argsort(-self.strength[among], kind="stable")][:size].tolist()
        return order

    def __getitem__(self, i: int) -> Entry:
        """Return a sentence with its strength, without the passwords and keys in it unless secrets are allowed."""
        one = self.as_said(i)
        text = one.text if self.allow_secrets else self._masked(int(self.at[i]))
        return replace(one, text=text, strength=round(float(self.strength[i]), 4))

    def _masked(self, place: int) -> str:
        if place not in self.masks:
            self.masks[place] = masked(self.every[place].text)
        return self.masks[place]

    def only(self, mask: NDArray[np.bool_]) -> Said:
        """Return the sentences for which the (n,) mask is true."""
        return replace(self, at=self.at[mask], positions=self.positions[mask], strength=self.strength[mask])


class Standing:
    """What stands in a conversation that grows.

    Example:
        >>> talk = Standing()
        >>> talk.extend([Item(text="Never call me before nine.", role="user", id="m1")])
        >>> [(entry.kind, entry.source) for entry in talk.entries()]
        [('rule', 'm1')]
    """

    def __init__(self) -> None:
        self._read = 0
        self._entries: list[Entry] = []
        self._subjects = Subjects()
        self._replaced, self._replacing = array("q"), array("q")
        """Numbers of sentences: the older one and the newer one of each pair."""
        self._number: dict[str, int] = {}
        """The number of each word of the conversation."""
        self._messages = array("q")
        """(w,) the number of messages that hold each word."""
        self._words, self._ends, self._odds = array("q"), array("q"), array("d")
        """The words of all sentences one after the other, where each sentence ends, and the log odds of its cues."""
        self._positions = array("q")
        self._users = array("b")
        """Whether each sentence is a user's."""
        self._strengths: NDArray[np.float64] | None = None
        """The result of `_strength`, until a message is read."""
        self._masks: dict[int, str] = {}

    def __len__(self) -> int:
        return self._read

    def extend(self, items: Iterable[Item]) -> None:
        """Read the next messages."""
        for item in items:
            self._strengths = None
            if not is_note(item):  # the sentences of a note are those of messages that are gone
                self._count(item)
            for entry in entries_of(item, self._read):
                self._add(entry)
            self._read += 1

    def _count(self, item: Item) -> None:
        for word in {*self._content(item.text)}:
            number = self._number.setdefault(word, len(self._number))
            if number == len(self._messages):
                self._messages.append(0)
            self._messages[number] += 1

    def _add(self, entry: Entry) -> None:
        number = len(self._entries)
        replaced, related = self._subjects.add(number, entry)
        self._entries.append(entry)
        # What is said again, or of the same thing, is no more common for it; filler that is repeated is.
        same = {word for older in replaced if entry.strength > 0 for word in self._content(self._entries[older].text)}
        self._replaced.extend(replaced)
        self._replacing.extend(related if replaced == [number] else [number] * len(replaced))
        self._positions.append(entry.position)
        self._users.append(entry.voice == "user")
        for word in self._content(entry.text):
            at = self._number.setdefault(word, len(self._number))
            if at == len(self._messages):
                self._messages.append(0)
            self._words.append(at)
            if word in same:
                self._messages[at] = max(1, self._messages[at] - 1)
        self._ends.append(len(self._words))
        self._odds.append(max([entry.strength, *(self._odds[older] for older in related)]))

    @staticmethod
    def _content(text: str) -> Iterator[str]:
        return (word for word in words_of(text) if word not in STOP_WORDS)

    def said(self, there: NDArray[np.bool_] | None = None) -> Said:
        """Return all sentences in order, weak ones included, but those that a newer one replaces.

        Args:
            there: (m,) for each message whether it counts; what is forgotten neither stands nor replaces. Default: all
                messages count.
        """
        size = len(self._entries)
        positions = np.frombuffer(self._positions, np.int64) if size else np.zeros(0, np.int64)
        alive = np.ones(size, np.bool_)
        if there is not None:
            inside = positions < len(there)
            alive = inside.copy()
            alive[inside] = there[positions[inside]]
        stays = alive.copy()
        if len(self._replaced):
            stays[np.frombuffer(self._replaced, np.int64)[alive[np.frombuffer(self._replacing, np.int64)]]] = False
        if self._strengths is None:
            self._strengths = self._strength()
        return Said(
            every=self._entries,
            at=np.flatnonzero(stays),
            positions=positions[stays],
            strength=self._strengths[stays],
            masks=self._masks,
        )

    def entries(self, there: NDArray[np.bool_] | None = None) -> list[Entry]:
        """Return what stands, in order."""
        return self.said(there).standing()

    def _strength(self) -> NDArray[np.float64]:
        """Return how surely each sentence stands: its own cues, and how many of its words are said nowhere else."""
        if not self._entries:
            return np.zeros(0)
        ends = np.frombuffer(self._ends, np.int64)
        words = np.concatenate(
            [[0], np.cumsum(np.frombuffer(self._messages, np.int64)[np.frombuffer(self._words, np.int64)] <= 1)]
        )
        starts = np.concatenate([[0], ends[:-1]])
        rare = (words[ends] - words[starts]) / np.maximum(FEW, ends - starts)
        odds = np.frombuffer(self._odds, np.float64) + RARE * (rare - 0.5)
        odds += _level(odds[np.frombuffer(self._users, np.int8) != 0])
        strength: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-odds))
        return strength


def _level(odds: NDArray[np.float64]) -> float:
    """Return the log odds that sentences lose in a talk of which fewer stand than usual: there, chance finds more.

    The share that stands is estimated from the (n,) odds of users' sentences: Saerens, Latinne and Decaestecker,
    "Adjusting the outputs of a classifier to new a priori probabilities" (2002), held near the usual share.
    """
    bins = np.round(odds.clip(-_MOST, _MOST) * _BINS).astype(np.intp) + _MOST * _BINS
    counts = np.bincount(bins, minlength=2 * _MOST * _BINS + 1)
    middles = np.arange(len(counts)) / _BINS - _MOST
    usual, level = log(USUAL / (1 - USUAL)), 0.0
    for _ in range(_ROUNDS):
        standing = (counts / (1.0 + np.exp(-(middles + level)))).sum() + USUAL * USUAL_SEEN
        share = standing / (len(odds) + USUAL_SEEN)
        level = log(share / (1 - share)) - usual
    return min(0.0, level)
