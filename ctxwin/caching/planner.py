"""Plans the requests of a conversation, one after the other, so that the provider's prompt cache is used."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..items import Budget
from ..messages import read
from ..models import Model, get_model
from ..packing import Packed, Talk, pack
from ..packing.read import fill_budget
from ..pool.units import ALWAYS_WHOLE
from ..tokens import count_items, count_tools, get_rules, get_tokenizer
from .folded_turns import FoldedTurns
from .held import Held, message_hash
from .policies import get_policy
from .prices import Prices
from .proposal import Policy, Proposal, RequestCosts
from .providers import cache_rules
from .request import Filled, fill, text_of
from .scene import Arrangement, Scene
from .state import Sent, State

__all__ = ["Planner"]

RECENT = 0.3
"""Weight of the last request in the expected growth, against that of all before it.

With 1, the last request alone, a request on BEAM costs 11 [-67, 88] less (`policies` says how it was measured).
"""


class Planner:
    """Makes the requests of a conversation so that their common beginning stays in the provider's cache.

    Args:
        model: gives window, tokenizer, prices and the provider's caching rules; without a model cached tokens cost as
            much as fresh ones.
        ttl: seconds that a prefix is kept after its last use. Default: the provider's promise.
        policy: `auto`, or a function of your own; `ctxwin.evaluate.cache_policies` has some to compare with.

    Raises:
        InputError: there is no such policy.
        UnknownModel: there is no such model.

    Example:
        >>> planner, talk, state = Planner(model="gpt-5-mini"), Talk(), None
        >>> for n in range(40):
        ...     talk.extend([{"role": "user", "content": f"Locker {n} opens with {n * n}."}])
        ...     packed, state = planner.plan(talk, state, budget=300, embedder="none", now=60.0 * n)
        >>> packed.tokens <= 300, len(state.turns) < 40
        (True, True)
    """

    def __init__(
        self, *, model: str | Model | None = None, ttl: float | None = None, policy: str | Policy = "auto"
    ) -> None:
        self.policy = get_policy(policy)
        self.model = get_model(model) if model is not None else None
        self.prices = Prices.of_model(self.model)
        self.rules = cache_rules(self.model)
        self.ttl = self.rules.ttl if ttl is None else ttl
        self._folded = FoldedTurns()

    def plan(
        self,
        talk: Talk,
        state: State | None = None,
        *,
        query: str | None = None,
        budget: int | str | Budget | None = None,
        now: float | None = None,
        tokenizer: Any = None,
        pins: Sequence[int | str] = (),
        tools: Sequence[Mapping[str, Any]] | None = None,
        **options: Any,
    ) -> tuple[Packed, State]:
        """Return the next request, and the state that the next call needs.

        Args:
            talk: the conversation up to the question.
            state: the state that the last call returned; None for the first call.
            query: as for `pack`; a question that is not in the talk ends the request and is not carried on.
            budget: as for `pack`.
            now: seconds since the epoch. Default: the clock.
            tokenizer: as for `pack`.
            pins: as for `pack`.
            tools: as for `pack`.
            options: further arguments of `pack`, such as `embedder` and `summarizer`.

        Raises:
            BudgetError: the required messages do not fit.
        """
        now = time.time() if now is None else now
        counter = get_tokenizer(tokenizer if tokenizer is not None else self.model)
        dialect = talk.dialect
        rules = get_rules(dialect, self.model)
        tools = tuple(tools) if tools is not None else talk.snapshot().conversation.tools
        tool_tokens = count_tools(tools, counter, rules).tokens
        room = fill_budget(budget, self.model, counter)
        seen = partial(
            Scene,
            talk,
            limit=room.limit - tool_tokens,
            tokenizer=counter,
            rules=rules,
            pins=pins,
            query=query,
            tools=bool(tools),
        )
        scene = seen()
        if scene.everything() is None and (folded := self._folded.of(scene.now, counter, rules)):
            scene = seen(folded=folded)
        desk = _Desk(
            held=Held(rules=self.rules, sent=self._live(state, now)),
            tools=message_hash(tools),
            tool_tokens=tool_tokens,
            scene=scene,
        )
        plan = self._choose(scene, state, desk)
        given = {**options, "tokenizer": counter, "model": self.model}
        if plan is not None and not plan.anew:
            filled = fill(scene, plan, budget=room, tools=tools, tool_tokens=tool_tokens, **given)
        else:
            packed = pack(talk, query, room, pins=pins, tools=tools, **given)
            raws = [item.raw or {} for item in read(packed.messages, dialect=dialect).items]
            filled = Filled(packed=packed, raws=raws, block=None, place=0)
        return filled.packed, desk.state(state, plan, filled, now)

    def _live(self, state: State | None, now: float) -> tuple[Sent, ...]:
        """Return the requests that the provider still holds."""
        return tuple(one for one in state.sent if now - one.time <= self.ttl) if state is not None else ()

    def _choose(self, scene: Scene, state: State | None, desk: _Desk) -> Proposal | None:
        """Choose the arrangement of the request; None for a plain packing of all messages."""
        everything = scene.everything()
        if everything is not None:
            return Proposal(request=everything, carry=everything, stable="all")
        cold = not desk.held.sent
        costs = RequestCosts(prices=self.prices, warm=desk.warm, cold=cold, minimum=self.rules.minimum)
        plan = self.policy(scene, state, costs)
        return plan if plan is not None and scene.room(plan.request) >= 0 else None


@dataclass(frozen=True, kw_only=True)
class _Desk:
    """The tools, tokens and scene that one plan works with."""

    held: Held
    tools: str
    """Hash of the tools, which stand before all messages."""
    tool_tokens: int
    scene: Scene

    def warm(self, arrangement: Arrangement) -> int:
        """Return how many tokens of an arrangement, tools included, are read from the cache."""
        scene = self.scene
        hashes, tokens = [self.tools], [self.tool_tokens]
        for item, raw in scene.messages(arrangement):
            hashes.append(message_hash(raw))
            tokens.append(int(scene.tokens[item]) if item is not None else scene.note_tokens(text_of(raw), raw["role"]))
        return self.held.read(hashes, tokens)

    def state(self, before: State | None, plan: Proposal | None, filled: Filled, now: float) -> State:
        """Return the state that the next plan needs."""
        scene, packed = self.scene, filled.packed
        items = read(packed.messages, dialect=scene.dialect).items
        hashes = (self.tools, *(message_hash(raw) for raw in filled.raws))
        tokens = (self.tool_tokens, *count_items(items, scene.counter, scene.rules))
        ends = self.held.marked(hashes, self._ends(plan, filled))
        sent = Sent(time=now, hashes=hashes, tokens=tokens, ends=ends)
        bill = self.held.bill(sent, packed.tokens)
        carry = plan.carry if plan is not None else Arrangement(rows=(), tokens=0)
        request = plan.request if plan is not None else carry
        anew = plan is not None and plan.anew
        exception = anew or carry != request
        block = (filled.block,) if filled.block is not None and filled.block.before else ()
        new = sum(scene.tokens[i] for i in range(self._first_new(before), len(scene.items)))
        return State(
            turns=self._ids(carry),
            notes=carry.notes if exception else (*carry.notes, *block),
            aside=self._aside(plan, packed) if exception else (),
            aside_notes=(*request.notes, *block) if exception and not anew else (),
            last=scene.items[-1].id if scene.items else "",
            question=scene.question_id,
            growth=float(new) if before is None else (1 - RECENT) * before.growth + RECENT * float(new),
            sent=(sent, *(tuple(self.held.sent)[-1:] if exception else ())),
            bill=bill,
        )

    def _aside(self, plan: Proposal | None, packed: Packed) -> tuple[str, ...]:
        """Return the ids of the turns that stand whole in an exception."""
        if plan is None or not plan.anew:
            return self._ids(plan.request) if plan is not None else ()
        whole = (name for name, form in packed.plan.choices if form in ("full", "folded"))
        return tuple(name for name in whole if self.scene.find(name) is not None)

    def _ids(self, arrangement: Arrangement) -> tuple[str, ...]:
        return tuple(self.scene.items[i].id for i in arrangement.rows)

    def _first_new(self, before: State | None) -> int:
        known = self.scene.find(before.last) if before is not None else None
        return 0 if known is None else known + 1

    def _ends(self, plan: Proposal | None, filled: Filled) -> set[int]:
        """Return the ends of prefixes that will probably come again, as numbers of messages; the tools count as one."""
        items = self.scene.items
        lead = next((n for n, item in enumerate(items) if item.role not in ALWAYS_WHOLE), len(items))
        ends = {1 + lead}
        stable = plan.stable if plan is not None else "system"
        if stable == "all" or self.scene.calls_tools:
            ends.add(1 + len(filled.raws))
        if stable == "history":
            ends.add(1 + filled.place)
        return ends
