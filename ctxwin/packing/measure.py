"""Measure what everything costs in tokens: the second station, "measure", of a packing.

`Measured` holds the costs of one packing: the fixed parts, the two sections whose groups compete, and the limit. It
also checks that what must stay fits.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from ..messages import OlderResult, older_results
from ..pool import Scored
from ..pool.layout import frame
from ..pool.units import conversation_units, require_room
from ..retrieve import asks_for_the_whole
from ..standing import Said, is_note, left_out
from ..tokens import REPLY_PRIMING, count_note, count_tools, get_rules
from .read import Task
from .shares import ShareUnits, sources_of
from .shorten import Block, History, Section, parted
from .standing import DENSE, NONE, RECENT, SHARE, SPARSE, SURE, Notes, Space, write_notes

__all__ = ["Measured"]

MAP_SHARES = (0.25, 0.125, 0.0625)
"""Sizes of the map of the files, as parts of the capacity, for a question about the whole."""
FEW_SENTENCES = 300
"""Tokens below which texts compete by their sentences: evidence is a sentence or two (`SATURATION`). Answers within 128
/ 256 / 512 tokens, 8 sets, 678 questions, with 150, texts whole above it, and now (with `Weights.link`): 62.4 / 79.2 /
88.5 and 68.0 / 81.9 / 90.7, +5.6 [3.2, 8.1] and +2.8 [.8, 4.8] within 128 and 256. With 600 it is 90.4 within 512, and
an extract that fills the room may push out an earlier turn of a chat (`ctxwin ask -i` at 500 tokens)."""
LEAST_OF_MAP, MOST_OF_MAP = 40, 2_000
"""Tokens of a map: a smaller map names no definition, and nobody reads a larger map."""


class Measured:
    """The costs of one packing: two sections whose groups compete, and the fixed parts around the sections.

    Attributes:
        scored: indices of the messages whose relevance is judged. Messages that must stay, such as the question, are
            not judged.
        history: the section of the messages.
        block: the section of items and file chunks, or None.
        tools, query, frame: tokens of the tools, of an appended question, and of the frame around the block.
        notes: what stands, printed at the head of the request.
        limit: tokens that the request may have.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.limit = task.budget.limit
        self.rules = get_rules(task.conversation.dialect, task.model)
        units = conversation_units(task.conversation, task.pins, task.talk.stand)
        stays = np.repeat(units.required, np.diff(units.members.start))
        self.scored = np.sort(units.members.items[~stays])
        self.history = History(task.talk, units, task.tokenizer, self.rules, task.recall)
        self.block = Block(task.pool, task.tokenizer, task.recall) if task.pool is not None and len(task.pool) else None
        self.tools = count_tools(task.tools, task.tokenizer, self.rules).tokens
        self.query = self._message(task.query) if task.query is not None else 0
        size = int((~self.block.units.barred).sum()) if self.block else 0
        kinds = {item.kind for item in self.block.items} if self.block else set()
        self.frame = self._message(frame(kinds, size)) if size else 0
        self.notes: Notes = NONE

    @cached_property
    def sources(self) -> tuple[ShareUnits, ...]:
        """The sources that have a floor or a cap."""
        return sources_of(self.task.shares, self.limit, self.sections)

    def under(self, limit: int) -> Measured:
        """Return a copy with another limit."""
        other = copy.copy(self)
        other.limit = limit
        other.__dict__.pop("sources", None)
        return other

    @property
    def has_enough(self) -> bool:
        """Whether less than everything may be enough; what was packed before is not cut again."""
        task = self.task
        return task.budget.enough is not None and not task.blind and not task.talk.noted.any()

    @property
    def has_chunks(self) -> bool:
        """Whether chunks of files compete, of which those that have nothing to do with the question may stay out."""
        free = self.block is not None and not self.task.blind and not self.task.shares
        return free and self.block is not None and any(item.kind == "chunk" for item in self.block.items)

    def with_map(self) -> Measured:
        """Return a copy with a map of the files in the block, where the question is about the whole; else `self`."""
        pool, block = self.task.pool, self.block
        if pool is None or block is None or not asks_for_the_whole(self.task.question):
            return self
        if len({item.source for item in pool if item.kind == "chunk" and item.source}) < 2:
            return self
        from ..files.repomap import Atlas  # as in `read`

        atlas, tokenizer = Atlas(pool), self.task.tokenizer
        sizes = [min(MOST_OF_MAP, int(share * self.capacity)) for share in MAP_SHARES]
        maps = [atlas.draw(size, tokenizer) for size in sizes if size >= LEAST_OF_MAP]
        maps = list({made.text: made for made in maps if made.text}.values())
        if not maps:
            return self
        other = copy.copy(self)
        other.block = Block(pool, tokenizer, self.task.recall, maps)
        other.__dict__.pop("sources", None)  # the shares count the units of the former block
        return other

    def with_notes(self) -> Measured:
        """Return a copy with notes of what stands at the head of the request; earlier notes are written anew.

        Results of tools of which the request has a newer one become stubs; others are written shorter without loss.
        """
        other = copy.copy(self)
        other.history = self.history.without(self._notes())
        superseded = other.history.superseding(self._older_results())
        other.history = uncut = superseded.folding(self.task.talk.folded(self.task.tokenizer))
        if self.task.compacts:
            room = other._compacted()
        else:
            said = self._unsaid(set(np.flatnonzero(self.history.units.required).tolist()))
            tokens = other._spared(int(SHARE * self.limit))
            room = Space(tokens=tokens, said=said, wanted=self.task.wanted, least=SURE)
        other.notes = other._written(room)
        if (over := other.notes.tokens - room.tokens) > 0:  # lines may take more tokens together than one by one
            other.notes = other._written(replace(room, tokens=room.tokens - over))
        if not other._spared(1):
            other.history = uncut
        return other

    def _written(self, room: Space) -> Notes:
        return write_notes(room, self.task.conversation.dialect, self.task.tokenizer, self.rules)

    def _compacted(self) -> Space:
        """Return the room of the notes beside the recent turns, and require the turn that is to be shortened."""
        shown, recent, short = self._recent()
        room = self._room_for_notes(recent)
        required = np.flatnonzero(self.history.units.required).tolist()
        self.history = self.history.requiring([] if short is None else [short], whole=shown.intersection(required))
        names = [name for name in self.task.talk.names() if not shown & set(map(self._unit_of, name.positions))]
        return Space(
            tokens=self._spared(room),
            said=self._unsaid(shown),
            wanted=self.task.wanted,
            names=names,
            left_out=max(0, self._ever - self.limit),
            weak=True,
        )

    def _unsaid(self, shown: set[int]) -> Said:
        """Return the sentences of the groups that are not shown."""
        said = self.task.talk.said(allow_secrets=self.task.allow_secrets)
        heard = np.zeros(len(self.history.units), np.bool_)
        heard[list(shown)] = True
        return said.only(~heard[self.history.unit_of_item[self.task.talk.indices(said.positions)]])

    @cached_property
    def _dense(self) -> bool:
        """Whether so much of the conversation stands that it goes before the recent turns."""
        entries = self.task.talk.said().standing()
        return sum(self.task.tokenizer.count_many([one.text for one in entries])) * DENSE > self._ever

    @property
    def _sparse(self) -> bool:
        """Whether so little of the conversation may stay that what stands goes before the recent turns."""
        return self.limit * SPARSE < self._ever

    @property
    def _ever(self) -> int:
        """Tokens of the conversation, with those that earlier compactions left out."""
        return self.given + sum(map(left_out, self.history.items))

    def _unit_of(self, position: int) -> int:
        return int(self.history.unit_of_item[self.task.talk.index(position)])

    def _older_results(self) -> list[OlderResult]:
        """Return the results that a stub may stand for: a newer one is in the request wherever the older one is.

        A compaction keeps the newest turns without a gap; otherwise the newer result must be in a turn that stays.
        """
        items, units, unit = self.history.items, self.history.units, self.history.unit_of_item
        stay = [items[member] for one in np.flatnonzero(units.required) for member in units.members[int(one)]]
        if not self.task.compacts and not any(part.kind == "result" for item in stay for part in item.parts):
            return []
        return [
            one
            for one in older_results(items)
            if not units.required[unit[one.item]] and (self.task.compacts or units.required[unit[one.newer]])
        ]

    def _free_units(self) -> list[int]:
        units = self.history.units
        free: list[int] = np.flatnonzero(~units.required & ~units.barred).tolist()
        return free

    def _notes(self) -> list[int]:
        """Return the free groups that are notes of an earlier packing: of what stands or of what is out."""
        units = self.history.units
        free = ~units.required & ~units.barred
        free[self.history.unit_of_item[~self.task.talk.noted]] = False
        noted: list[int] = np.flatnonzero(free).tolist()
        if self.task.compacts:
            return noted
        items, members = self.history.items, self.history.units.members
        return [unit for unit in noted if all(is_note(items[member]) for member in members[unit])]

    def _recent(self) -> tuple[set[int], int, int | None]:
        """Return the groups that a compaction shows whole, the tokens of recent turns, and a turn to be shortened.

        Recent turns have a part of the room, the tail included. Where the newest of them is larger than what is left of
        that part, it is shortened.
        """
        units, tokens = self.history.units, self.history.costs.tokens
        shown: set[int] = set(np.flatnonzero(units.whole).tolist())
        tail = np.flatnonzero(units.required & ~units.whole).tolist()
        left, spent = self._room_for_recent(), int(tokens[tail].sum())
        if spent > left:
            shown.update(unit for unit in tail if tokens[unit] <= left and (unit == tail[0] or not self._sparse))
            cut = [unit for unit in tail if unit not in shown]
            held = spent - int(tokens[cut].sum())
            return shown, held + (max(left - held, sum(map(self.history.least, cut))) if cut else 0), None
        shown.update(tail)
        if self._sparse or self._dense:
            return shown, spent, None
        free = self._free_units()
        for unit in reversed(free):
            if spent + int(tokens[unit]) > left:
                large = unit == free[-1] and int(tokens[unit]) > left
                short = unit if large and 2 * self.history.least(unit) < left - spent else None
                return shown, left if short is not None else spent, short
            spent += int(tokens[unit])
            shown.add(unit)
        return shown, spent, None

    def _room_for_notes(self, recent: int) -> int:
        """Return the tokens that notes of what stands may have beside recent turns of so many tokens."""
        costs, units = self.history.costs, self.history.units
        gaps = int(costs.gap_tokens[0]) * 2 if len(units) else 0
        return self.capacity - int(costs.tokens[units.whole].sum()) - recent - gaps

    def _spared(self, tokens: int) -> int:
        """Return as many of some tokens as everything that must stay leaves, shortened if need be."""
        must = [(section, int(unit)) for section in self.sections for unit in np.flatnonzero(section.units.required)]
        left = self.capacity - sum(int(section.costs.gap_tokens[parted(section)].sum()) for section in self.sections)
        if left - sum(int(section.costs.tokens[unit]) for section, unit in must) < tokens:
            for section, unit in must:
                left -= int(section.costs.tokens[unit]) if section.units.whole[unit] else section.least(unit)
            return max(0, min(tokens, left))
        return tokens

    def _room_for_recent(self) -> int:
        """Return the tokens that recent turns have before what stands: a part of what instructions leave."""
        units = self.history.units
        return int(RECENT * (self.limit - int(self.history.costs.tokens[units.whole].sum())))

    @cached_property
    def turns(self) -> Scored:
        """The messages named by `scored`, ready to be scored."""
        return self.task.talk.select(self.scored)

    @property
    def sections(self) -> Sequence[Section]:
        """The sections that compete, the messages first."""
        return [self.history, self.block] if self.block else [self.history]

    @property
    def fixed(self) -> int:
        """Tokens that do not depend on the choice: tools, question, priming, what stands, the block's frame."""
        return self.tools + self.query + REPLY_PRIMING + self.frame + self.notes.tokens

    @property
    def capacity(self) -> int:
        """Tokens for which the sections compete."""
        return self.limit - self.fixed

    @property
    def few(self) -> int | None:
        """Tokens for which sentences compete instead of whole groups, or None where there is room for more."""
        return self.capacity if self.capacity < FEW_SENTENCES else None

    def _message(self, text: str) -> int:
        return count_note(text, self.task.conversation.dialect, self.task.tokenizer, self.rules)

    @property
    def given(self) -> int:
        """Tokens of everything that was given, unshortened."""
        whole = self.fixed + int(self.history.costs.tokens.sum() + self.history.saved.sum())
        if self.block is not None:
            costs = self.block.costs
            whole += int(costs.tokens[~self.block.units.barred].sum() + costs.header_tokens.sum())
        return whole

    def require_room(self) -> None:
        """Check that everything that must stay fits in the shortest allowed form.

        Raises:
            BudgetError: it does not fit; the message itemises system, tools, pins, tail, query, and the notes that
                stand where something is left out.
        """
        whole = sum(int(section.costs.tokens[section.units.required].sum()) for section in self.sections)
        whole += sum(int(section.costs.gap_tokens[parted(section)].sum()) for section in self.sections)
        if whole + self.fixed <= self.limit:
            return  # everything that must stay fits whole
        sums = {"system": 0, "tools": self.tools, "pins": 0, "tail": 0, "query": self.query}
        names = {"system": "system", "pinned": "pins", "tail": "tail"}
        for section in self.sections:
            for unit in np.flatnonzero(section.units.required).tolist():
                tokens = int(section.costs.tokens[unit])
                if not section.units.whole[unit]:
                    tokens = section.least(unit)
                sums[names[section.units.reasons[unit]]] += tokens
        notes = sum(int(section.costs.gap_tokens[parted(section)].sum()) for section in self.sections)
        require_room({**sums, "notes": notes, "overhead": REPLY_PRIMING + self.frame}, self.limit)
