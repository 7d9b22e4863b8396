"""A conversation at one moment, as a plan sees it, and arrangements of it: which turns stand in a request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..items import Item, parse_query
from ..messages import note, read
from ..messages.conversation import Raw
from ..packing import Talk
from ..pool.layout import omitted_run
from ..pool.units import conversation_units
from ..retrieve import Index, Query
from ..tokens import REPLY_PRIMING, RequestRules, Tokenizer, count_items
from .need import need
from .state import Note, State

__all__ = ["Arrangement", "Scene"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """Turns that stand in the request whole, in order, and the notes between them."""

    rows: tuple[int, ...]
    """Items of the scene, ascending."""
    notes: tuple[Note, ...] = ()
    tokens: int
    """Of both."""


CALLS_SEEN = 24
"""Newest messages that are looked at for tool calls: where there are some, more are likely to come."""
LAST = 1 / 3
"""Of the limit: how long the last group may be to stay, however few tokens are wanted."""


class Scene:
    """One talk at one moment: n items, of them perhaps a system prompt apart before all.

    Args:
        talk: the conversation.
        limit: tokens that the request may have, tools counted off.
        tokenizer: what counts.
        rules: of the model, or of the dialect.
        pins: indices or ids of messages that must stay whole.
        query: a question that is not among the messages and ends the request.
        tools: whether the model has some.
    """

    def __init__(
        self,
        talk: Talk,
        *,
        limit: int,
        tokenizer: Tokenizer,
        rules: RequestRules,
        pins: Iterable[int | str] = (),
        query: str | None = None,
        tools: bool = False,
    ) -> None:
        self.now = talk.snapshot()
        self.talk = talk
        self.limit = limit
        conversation = self.now.conversation
        self.items: Sequence[Item] = conversation.items
        self.dialect = conversation.dialect
        self.counter, self.rules = tokenizer, rules
        self._tools = tools
        self._notes: dict[str, int] = {}
        self.tokens: NDArray[np.int64] = self.now.counts(tokenizer, rules)
        units = conversation_units(conversation, self.now.pinned(pins), self.now.stand)
        self.groups = np.asarray(conversation.groups, np.intp)
        self.must = self._of_units(units.required)
        self.barred = self._of_units(units.barred)
        said = self.items[conversation.asked].text if conversation.asked is not None else ""
        query = parse_query(query)
        self.query = query if query is not None and query.strip() != said.strip() else None
        self.asked = conversation.asked
        self.fixed = REPLY_PRIMING + (self.note_tokens(self.query) if self.query is not None else 0)

    def find(self, turn: str) -> int | None:
        """Return which item a turn is; None where it is not there, or no more."""
        return self.now.find(turn)

    def _of_units(self, units: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the items of some units, (n,)."""
        return units[self.groups] if len(self.groups) else np.zeros(0, np.bool_)

    @cached_property
    def question(self) -> Query:
        """What the request should be good for."""
        asked = self.items[self.asked] if self.asked is not None else None
        text = self.query if self.query is not None else asked.text if asked is not None else ""
        return Query(text=text.strip(), when=asked.when if asked is not None else None)

    @property
    def question_id(self) -> str:
        """What tells this question from another: the turn that asks it, or its own words."""
        if self.query is not None:
            return f"? {self.query}"
        return self.items[self.asked].id if self.asked is not None else ""

    def note_tokens(self, text: str) -> int:
        """Count a note as a message of its own."""
        if text not in self._notes:
            written = read([note(text, self.dialect)], dialect=self.dialect)
            self._notes[text] = count_items(written.items, self.counter, self.rules)[0]
        return self._notes[text]

    def room(self, arrangement: Arrangement) -> int:
        """Return the tokens that an arrangement leaves; below 0 it does not fit."""
        return self.limit - self.fixed - arrangement.tokens

    def arrange(self, rows: Iterable[int], notes: Iterable[Note] = ()) -> Arrangement:
        """Arrange some items and all that must stand there, in whole groups; notes before others are dropped."""
        there = self.must.copy()
        there[list(rows)] = True
        whole = np.zeros(1 + self.groups.max(initial=-1), np.bool_)
        whole[self.groups[there]] = True
        there = whole[self.groups] & ~self.barred
        kept = tuple(np.flatnonzero(there).tolist())
        ids = {self.items[i].id for i in kept}
        notes = tuple(one for one in notes if one.before in ids)
        tokens = int(self.tokens[there].sum()) + sum(self.note_tokens(one.text) for one in notes)
        return Arrangement(rows=kept, notes=notes, tokens=tokens)

    def everything(self) -> Arrangement | None:
        """Return all that may be sent; None where it does not fit."""
        if self.fixed + int(self.tokens[~self.barred].sum()) > self.limit:
            return None
        found = self.with_gaps(range(len(self.items)))
        return found if self.room(found) >= 0 else None

    def newest(self, tokens: float) -> Arrangement:
        """Return what must stay and the newest whole groups up to so many tokens, with a note for each gap.

        The last one, to which the question most often answers, is there unless it is very long.
        """
        return self.with_gaps(self._newest(tokens))

    def _newest(self, tokens: float) -> Iterator[int]:
        group, own = -1, np.bincount(self.groups, self.tokens)
        for i in reversed(range(len(self.items))):
            if self.must[i] or self.barred[i]:
                continue
            if self.groups[i] != group:
                last = group < 0
                group = int(self.groups[i])
                tokens -= float(own[group])
            if tokens < 0 and not (last and own[group] <= LAST * self.limit):
                return
            yield i

    def with_gaps(self, rows: Iterable[int], notes: Iterable[Note] = ()) -> Arrangement:
        """Arrange some items, with a note wherever some before one are left out; one that stands there stays."""
        rows, notes = self.arrange(rows).rows, tuple(notes)
        noted = {one.before for one in notes if not one.turns}
        new, skipped, last = [], 0, -1
        for i, begun in zip(rows, self._begun(rows), strict=True):
            skipped += i - last - 1
            if skipped and not begun:
                if self.items[i].id not in noted:
                    new.append(Note(before=self.items[i].id, text=omitted_run(skipped)))
                skipped = 0
            last = i
        return self.arrange(rows, (*new, *notes))

    def _begun(self, rows: Sequence[int]) -> list[bool]:
        """Return for each of some items, ascending, whether a group has begun before it that it is within, (m)."""
        groups = self.groups[list(rows)]
        first = np.unique(groups, return_index=True)[1]
        last = len(rows) - 1 - np.unique(groups[::-1], return_index=True)[1]
        open_groups = np.zeros(len(rows) + 1, np.int64)
        open_groups[first + 1] += 1
        open_groups[last + 1] -= 1
        within: list[bool] = (np.cumsum(open_groups[:-1]) > 0).tolist()
        return within

    def carried(self, state: State) -> Arrangement | None:
        """Return what went on from the last request, with all that has come since; None where some of it is gone."""
        turns, notes = state.turns, state.notes
        if state.aside and state.question == self.question_id:  # a chain of calls goes on from the exception
            turns, notes = state.aside, state.aside_notes
        last, rows = self.find(state.last), self._found(turns)
        if last is None or not rows or len(rows) < len(turns):
            return None
        return self.with_gaps([*rows, *range(last + 1, len(self.items))], notes)

    def _found(self, turns: Iterable[str]) -> list[int]:
        """Return those of some turns that are there."""
        return [i for turn in turns if (i := self.find(turn)) is not None]

    def messages(self, arrangement: Arrangement) -> Iterator[tuple[int | None, Raw]]:
        """Yield the messages of an arrangement, a system prompt apart first, each with its item; None for a note."""
        notes: dict[str, list[Note]] = {}
        for one in arrangement.notes:
            notes.setdefault(one.before, []).append(one)
        for i in arrangement.rows:
            for one in notes.get(self.items[i].id, ()):
                yield None, note(one.text, self.dialect)
            yield i, self.items[i].raw or {}

    def left_out(self, arrangement: Arrangement) -> NDArray[np.bool_]:
        """Return which items could come back through a retrieved block, (n,)."""
        out: NDArray[np.bool_] = ~self.barred & (self.now.stand == 0)
        out[list(arrangement.rows)] = False
        out[self._found(turn for one in arrangement.notes for turn in one.turns)] = False
        return out

    @property
    def ahead(self) -> Item | None:
        """The system prompt apart from the messages."""
        return self.now.head

    def positions(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return where items stand in the talk, none of them the system prompt apart."""
        return self.now.there[rows - int(self.ahead is not None)]

    @cached_property
    def free(self) -> NDArray[np.intp]:
        """Items whose relevance is judged, (m,)."""
        return np.flatnonzero(~self.must & ~self.barred)

    @cached_property
    def index(self) -> Index:
        """The index of the items whose relevance is judged."""
        return self.now.select(self.free).index

    @cached_property
    def calls_tools(self) -> bool:
        """Whether the model is likely to call a tool, whose result goes on from this very request."""
        return self._tools or any(part.kind == "call" for item in self.items[-CALLS_SEEN:] for part in item.parts)

    def need(self, arrangement: Arrangement) -> float:
        """Return how probable it is that the question asks for what an arrangement leaves out, 0 to 1."""
        if not len(self.free) or not self.question.text:
            return 0.0
        return need(self.index, self.question, ~self.left_out(arrangement)[self.free])
