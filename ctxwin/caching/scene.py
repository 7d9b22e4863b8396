"""Shows a conversation at one moment to the planner, and arranges which turns stand in a request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..items import Item, parse_query
from ..messages import note, read
from ..messages.conversation import Raw
from ..packing import Talk
from ..packing.standing import SHARE, notes_beside
from ..pool.layout import omitted_run
from ..pool.units import ALWAYS_WHOLE, conversation_units
from ..retrieve import Index, Query
from ..tokens import REPLY_PRIMING, RequestRules, Tokenizer, count_items
from .folded_turns import FoldedTurn
from .need import need
from .state import Note, State

__all__ = ["Arrangement", "Scene"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """Turns that stand whole in the request, in order, and the notes between them."""

    rows: tuple[int, ...]
    """Rows of the scene's items, ascending."""
    notes: tuple[Note, ...] = ()
    tokens: int
    """Tokens of the turns and the notes."""


CALLS_SEEN = 24
"""Newest messages that are searched for tool calls: if there are some, more are likely to come.

On transcripts all messages give the same requests, since calls are everywhere or nowhere; the limit bounds the work."""
LAST = 1 / 3
"""Share of the limit up to which the last group stays, however few tokens are wanted.

Without it a request on BEAM costs 284 [113, 456] more at equal recall (`policies` says how it was measured)."""


class Scene:
    """One talk at one moment: n items, perhaps with a separate system prompt as the first.

    Args:
        talk: the conversation.
        limit: tokens that the request may have, without the tools' tokens.
        tokenizer: counts the messages.
        rules: the counting rules of the model, or of the dialect.
        pins: indices or ids of messages that must stay whole.
        query: a question that ends the request and is not among the messages.
        tools: whether the request has tools.
        folded: turns that are written shorter without loss, by row, but those that must stay as they are.
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
        folded: Mapping[int, FoldedTurn] | None = None,
    ) -> None:
        self.now = talk.snapshot()
        self.talk = talk
        self.limit = limit
        conversation = self.now.conversation
        self.items: Sequence[Item] = conversation.items
        self.dialect = conversation.dialect
        self.counter, self.rules = tokenizer, rules
        self._tools = tools
        self._notes: dict[tuple[str, str], int] = {}
        self.tokens: NDArray[np.int64] = self.now.counts(tokenizer, rules)
        self.given = self.tokens
        units = conversation_units(conversation, self.now.pinned(pins), self.now.stand)
        self.groups = np.asarray(conversation.groups, np.intp)
        self.must = self._of_units(units.required)
        whole = self._of_units(units.whole)
        self.folded = {row: turn for row, turn in (folded or {}).items() if not whole[row]}
        if self.folded:
            self.items = [self.folded[i].item if i in self.folded else item for i, item in enumerate(self.items)]
            self.tokens = self.tokens.copy()
            self.tokens[list(self.folded)] = [turn.tokens for turn in self.folded.values()]
        self.barred = self._of_units(units.barred)
        said = self.items[conversation.asked].text if conversation.asked is not None else ""
        query = parse_query(query)
        self.query = query if query is not None and query.strip() != said.strip() else None
        self.asked = conversation.asked
        self.fixed = REPLY_PRIMING + (self.note_tokens(self.query) if self.query is not None else 0)

    def find(self, turn: str) -> int | None:
        """Return the row of a turn's item; None if the scene does not hold the turn."""
        return self.now.find(turn)

    def _of_units(self, units: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which items belong to the marked units, (n,)."""
        return units[self.groups] if len(self.groups) else np.zeros(0, np.bool_)

    @cached_property
    def question(self) -> Query:
        """The question that the request should answer."""
        asked = self.items[self.asked] if self.asked is not None else None
        text = self.query if self.query is not None else asked.text if asked is not None else ""
        return Query(text=text.strip(), when=asked.when if asked is not None else None)

    @property
    def question_id(self) -> str:
        """Identifies the question: the id of the turn that asks it, or its own words."""
        if self.query is not None:
            return f"? {self.query}"
        return self.items[self.asked].id if self.asked is not None else ""

    def note_tokens(self, text: str, role: Literal["user", "assistant"] = "user") -> int:
        """Count a note as a message of its own."""
        if (role, text) not in self._notes:
            raw = note(text, self.dialect, role=role)
            items = read([raw], dialect=self.dialect).items
            self._notes[role, text] = sum(count_items(items, self.counter, self.rules))
        return self._notes[role, text]

    def room(self, arrangement: Arrangement) -> int:
        """Return the tokens that an arrangement leaves free; below 0 it does not fit."""
        return self.limit - self.fixed - arrangement.tokens

    def arrange(self, rows: Iterable[int], notes: Iterable[Note] = ()) -> Arrangement:
        """Arrange some items and all required items, in whole groups; notes before other items are dropped."""
        there = self.must.copy()
        there[list(rows)] = True
        whole = np.zeros(1 + self.groups.max(initial=-1), np.bool_)
        whole[self.groups[there]] = True
        there = whole[self.groups] & ~self.barred
        kept = tuple(np.flatnonzero(there).tolist())
        ids = {self.items[i].id for i in kept}
        notes = tuple(one for one in notes if one.before in ids)
        tokens = int(self.tokens[there].sum()) + sum(self.note_tokens(one.text, one.role) for one in notes)
        return Arrangement(rows=kept, notes=notes, tokens=tokens)

    def everything(self) -> Arrangement | None:
        """Return an arrangement of all items that may be sent; None if it does not fit."""
        if self.fixed + int(self.tokens[~self.barred].sum()) > self.limit:
            return None
        found = self.with_gaps(range(len(self.items)))
        return found if self.room(found) >= 0 else None

    def newest(self, tokens: float) -> Arrangement:
        """Return the required items and the newest whole groups up to `tokens`, with a note for each gap.

        The last group, to which the question most often refers, is included unless it is very long.
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
        """Arrange some items, with a note before each gap of left-out items; a note that is there already stays."""
        rows, notes = self.arrange(rows).rows, tuple(notes)
        noted = {one.before for one in notes if not one.turns and not one.stands}
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
        """Tell for each of some items, ascending, whether it stands within a group that began before it, (m)."""
        groups = self.groups[list(rows)]
        first = np.unique(groups, return_index=True)[1]
        last = len(rows) - 1 - np.unique(groups[::-1], return_index=True)[1]
        open_groups = np.zeros(len(rows) + 1, np.int64)
        open_groups[first + 1] += 1
        open_groups[last + 1] -= 1
        within: list[bool] = (np.cumsum(open_groups[:-1]) > 0).tolist()
        return within

    def with_standing(self, arrangement: Arrangement) -> Arrangement:
        """Put notes of what stands in the turns that are left out behind the instructions, as far as there is room.

        The notes go on with the history, byte for byte, until the history is cut again.
        """
        ahead = (i for i in arrangement.rows if self.items[i].role not in ALWAYS_WHOLE)
        first = next(ahead, None)
        room = min(int(SHARE * self.limit), self.room(arrangement))
        if first is None or room <= 0:
            return arrangement
        written = notes_beside(self.now, arrangement.rows, room, self.counter, self.rules)
        if not written.messages:
            return arrangement
        roles: tuple[Literal["user", "assistant"], ...] = ("user", "assistant")  # in this order
        notes = [
            Note(before=self.items[first].id, text=item.text, role=role, stands=True)
            for item, role in zip(read(written.messages, dialect=self.dialect).items, roles, strict=False)
        ]
        return self.arrange(arrangement.rows, (*notes, *arrangement.notes))

    def carried(self, state: State) -> Arrangement | None:
        """Return the carried history of the last request with all newer items; None if some of it is gone."""
        turns, notes = state.turns, state.notes
        if state.aside and state.question == self.question_id:  # a chain of calls goes on from the exception
            turns, notes = state.aside, state.aside_notes
        last, rows = self.find(state.last), self._found(turns)
        if last is None or not rows or len(rows) < len(turns):
            return None
        return self.with_gaps([*rows, *range(last + 1, len(self.items))], notes)

    def _found(self, turns: Iterable[str]) -> list[int]:
        """Return the rows of those turns that the scene holds."""
        return [i for turn in turns if (i := self.find(turn)) is not None]

    def messages(self, arrangement: Arrangement) -> Iterator[tuple[int | None, Raw]]:
        """Yield the messages of an arrangement with their rows (None for a note), a separate system prompt first."""
        notes: dict[str, list[Note]] = {}
        for one in arrangement.notes:
            notes.setdefault(one.before, []).append(one)
        for i in arrangement.rows:
            for one in notes.get(self.items[i].id, ()):
                yield None, note(one.text, self.dialect, role=one.role)
            yield i, self.items[i].raw or {}

    def left_out(self, arrangement: Arrangement) -> NDArray[np.bool_]:
        """Return which items could come back through a retrieved block, (n,)."""
        out: NDArray[np.bool_] = ~self.barred & (self.now.stand == 0)
        out[list(arrangement.rows)] = False
        out[self._found(turn for one in arrangement.notes for turn in one.turns)] = False
        return out

    @property
    def ahead(self) -> Item | None:
        """The separate system prompt; None if there is none."""
        return self.now.head

    def positions(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the places of items in the talk; none of them may be the separate system prompt."""
        return self.now.there[rows - int(self.ahead is not None)]

    @cached_property
    def free(self) -> NDArray[np.intp]:
        """Rows of the items that are judged by relevance, (m,)."""
        return np.flatnonzero(~self.must & ~self.barred)

    @cached_property
    def index(self) -> Index:
        """The index of the items that are judged by relevance."""
        return self.now.select(self.free).index

    @cached_property
    def calls_tools(self) -> bool:
        """Whether the model is likely to call a tool; the result then follows this very request."""
        return self._tools or any(part.kind == "call" for item in self.items[-CALLS_SEEN:] for part in item.parts)

    def need(self, arrangement: Arrangement) -> float:
        """Return how probable it is that the question asks for items that an arrangement leaves out, 0 to 1."""
        if not len(self.free) or not self.question.text:
            return 0.0
        return need(self.index, self.question, ~self.left_out(arrangement)[self.free])
