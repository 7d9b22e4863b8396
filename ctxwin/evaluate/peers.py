"""Run other packages that fill a window, unchanged, on the same items with the same token count.

A peer is a function from items, question, budget and counter to OpenAI messages: the kept items, in order, then
the question. Every peer sees only the items' texts, without the lines that `ctxwin` adds to say who spoke and
when, so it has more room for evidence. A turn is a message of its own role; an item without a role is the user's.

The docstrings name two kinds. *By recency*: the newest items that fit, for any question. *By a score*: the package
lets its caller score the items, and gets BM25 scores from `ctxwin.retrieve.words.lexical`, the better of the
rankings at hand; how it uses them is its own.

If a package counts less than it sends, its budget is lowered until the result fits.
All come with `pip install "ctxwin[peers]"`; each is imported when first used.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import re
import warnings
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

from ..errors import BudgetError, MissingExtra
from ..items import Item
from ..retrieve.words.lexical import term_counts, tokenize
from .references import ChatMessages, CountText, words_of
from .score import TOKENS_PER_MESSAGE

__all__ = ["PEERS", "Peer"]

Peer = Callable[[Sequence[Item], str, int, CountText], ChatMessages]
"""A function from items, question, tokens and counter to messages, the question last."""

ROLES = ("system", "user", "assistant")
"""Roles that a turn may have for a package; turns of other roles are sent as the user's."""
TIE = 1e-6
"""Bonus on a score for the newest item of all, so small that it only decides ties."""
COMMAND = 'pip install "ctxwin[peers]"'


def langchain_core(items: Sequence[Item], question: str, budget: int, count: CountText) -> ChatMessages:
    """By recency: `trim_messages(strategy="last", allow_partial=True)` of langchain-core 1.8.

    Its `token_counter` is exact here. The oldest message kept may be a part, cut between sentences.
    """
    module = _module("langchain_core.messages", "langchain-core")
    classes = {"system": module.SystemMessage, "user": module.HumanMessage, "assistant": module.AIMessage}
    talk = [classes[one["role"]](content=one["content"]) for one in _talk(items, question)]

    def choose(limit: int) -> ChatMessages:
        kept = module.trim_messages(
            talk,
            max_tokens=limit,
            token_counter=lambda some: sum(count(one.content) + TOKENS_PER_MESSAGE for one in some),
            strategy="last",
            include_system=True,
            allow_partial=True,
            text_splitter=lambda text: re.split(r"(?<=[.!?。！？\n])", text),
        )
        roles = {kind: role for role, kind in classes.items()}
        return [{"role": roles[type(one)], "content": one.content} for one in kept]

    return _fitted(choose, question, budget, count)


def haystack_ai(items: Sequence[Item], question: str, budget: int, count: CountText) -> ChatMessages:
    """By recency: `SlidingWindowCompactor(omission_note=None).compact` of haystack-ai 3.4.

    Its `token_counter` is exact here. It keeps whole exchanges: a user's message with its answers.
    """
    os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "False")  # an evaluation reports to nobody
    compaction = _module("haystack.hooks.compaction", "haystack-ai")
    chat = _module("haystack.dataclasses", "haystack-ai").ChatMessage
    makers = {"system": chat.from_system, "user": chat.from_user, "assistant": chat.from_assistant}
    talk = [makers[one["role"]](one["content"]) for one in _talk(items, question)]
    counter = SimpleNamespace(
        count=lambda messages, tools=None: sum(count(one.text) + TOKENS_PER_MESSAGE for one in messages)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is experimental
        compactor = compaction.SlidingWindowCompactor(omission_note=None)

    def choose(limit: int) -> ChatMessages:
        kept = compactor.compact(messages=talk, target_tokens=limit, token_counter=counter)
        return [{"role": one.role.value, "content": one.text} for one in (talk if kept is None else kept)]

    return _fitted(choose, question, budget, count)


def agent_framework_core(items: Sequence[Item], question: str, budget: int, count: CountText) -> ChatMessages:
    """By recency: `apply_compaction` with `TruncationStrategy` of agent-framework-core 1.23.

    It hands its tokenizer each message as JSON; the tokenizer given here counts only the texts in the JSON.
    """
    module = _module("agent_framework", "agent-framework-core")

    def tokens(serialised: str) -> int:
        contents = json.loads(serialised)["contents"]
        return TOKENS_PER_MESSAGE + sum(count(one.get("text") or "") for one in contents)

    tokenizer = SimpleNamespace(count_tokens=tokens)

    def choose(limit: int) -> ChatMessages:
        talk = [module.Message(one["role"], [one["content"]]) for one in _talk(items, question)]
        strategy = module.TruncationStrategy(max_n=limit, compact_to=limit, tokenizer=tokenizer)
        kept = _run(module.apply_compaction(talk, strategy=strategy, tokenizer=tokenizer))
        return [{"role": str(one.role), "content": one.text} for one in kept]

    return _fitted(choose, question, budget, count)


def convopack(items: Sequence[Item], question: str, budget: int, count: CountText) -> ChatMessages:
    """By recency: `Packer(strategy=Recency(min_keep=0))` of convopack 0.3; its `tokenizer` is exact here."""
    module = _module("convopack", "convopack")
    return _convopack(module, module.Recency(min_keep=0), items, question, budget, count)


def convopack_importance(items: Sequence[Item], question: str, budget: int, count: CountText) -> ChatMessages:
    """By a score: `Packer(strategy=Importance(scorer))` of convopack 0.3; its `tokenizer` is exact here."""
    module = _module("convopack", "convopack")
    scores = [*_bm25(items, question), 0.0]  # the question is pinned, whatever its score
    strategy = module.Importance(lambda message: scores[message.metadata["position"]])
    return _convopack(module, strategy, items, question, budget, count)


def _convopack(
    module: Any, strategy: Any, items: Sequence[Item], question: str, budget: int, count: CountText
) -> ChatMessages:
    talk = [
        module.Message(
            role=one["role"], content=[module.TextBlock(text=one["content"])], metadata={"position": position}
        )
        for position, one in enumerate(_talk(items, question))
    ]
    tokenizer = SimpleNamespace(
        name="exact",
        count=count,
        count_message=lambda one: count(one.text()) + TOKENS_PER_MESSAGE,
        count_messages=lambda some: sum(count(one.text()) + TOKENS_PER_MESSAGE for one in some),
    )

    def choose(limit: int) -> ChatMessages:
        packer = module.Packer(budget=limit, tokenizer=tokenizer, strategy=strategy, pin=("system", -1))
        return [{"role": one.role, "content": one.text()} for one in packer.pack(talk).kept]

    return _fitted(choose, question, budget, count)


def astromesh_context(items: Sequence[Item], question: str, budget: int, count: CountText) -> ChatMessages:
    """By a score: `ContextEngine` with a `CallableSource` and `ScoredKnapsack` of astromesh-context 0.1.

    Its `tokenizer` is exact here. Near-duplicates are removed, as it does by default. Its items are sent as
    messages, in order, which is shorter than the tagged blocks of its own `to_messages`.
    """
    module = _module("astromesh_context", "astromesh-context")
    given = _given(items)
    scores = _bm25(items, question)
    candidates = [
        module.ContextItem(
            id=f"{position:08}",
            content=item.text,
            source="items",
            kind="memory",
            stability="session",
            score=scores[position],
            order_key=f"{position:08}",
        )
        for position, item in enumerate(given)
    ]
    source = module.CallableSource(lambda query, context: candidates, name="items")
    tokenizer = SimpleNamespace(count=lambda text: count(text) + TOKENS_PER_MESSAGE)

    def choose(limit: int) -> ChatMessages:
        engine = module.ContextEngine([source], budget=max(1, limit - tokenizer.count(question)), tokenizer=tokenizer)
        kept = _run(engine.build(question)).items
        return [*(_message(given[int(one.id)]) for one in kept), _asked(question)]

    return _fitted(choose, question, budget, count)


def contextcram(items: Sequence[Item], question: str, budget: int, count: CountText) -> ChatMessages:
    r"""By a score: `Packer.add(text, priority=..., strategy="drop")` and `.fit()` of contextcram 0.2.

    Priorities are ranks by BM25. The package joins the kept texts to one text; the tokenizer given here counts a text
    with the blank line after it, which the package does not count itself.
    """
    module = _module("contextcram", "contextcram")
    given = _given(items)
    scores = _bm25(items, question)
    ranks = {position: rank for rank, position in enumerate(sorted(range(len(given)), key=scores.__getitem__))}
    tokenizer = module.CallableTokenizer(lambda text: count(text + "\n\n"))

    def choose(limit: int) -> ChatMessages:
        packer = module.Packer(budget=max(0, limit - count(question) - 2 * TOKENS_PER_MESSAGE), tokenizer=tokenizer)
        for position, item in enumerate(given):
            packer.add(item.text, priority=ranks[position], strategy="drop")
        text = packer.fit().text
        return [*([{"role": "user", "content": text}] if text else []), _asked(question)]

    return _fitted(choose, question, budget, count)


def retainkit(items: Sequence[Item], question: str, budget: int, count: CountText) -> ChatMessages:
    """By the question: the policy `Retrieval` of retainkit 0.1, whole turns by its own BM25 of Latin letters.

    Its `tokenizer` is exact here, and the package itself adds 4 tokens a turn.
    """
    module = _module("retainkit", "retainkit")
    given = _given(items)
    sessions: dict[str | None, int] = {}
    turns = tuple(
        module.Turn(
            id=str(position),
            session=sessions.setdefault(item.session, len(sessions)),
            speaker=item.speaker or "",
            text=item.text,
        )
        for position, item in enumerate(given)
    )
    transcript = module.Transcript(id="items", turns=turns)
    probe = module.Probe(id="question", question=question, evidence=("unknown",))  # it asks for some, and reads none

    def choose(limit: int) -> ChatMessages:
        room = max(0, limit - count(question) - TOKENS_PER_MESSAGE)
        kept = module.Retrieval().select(transcript, probe, room, count).fragments
        return [*({**_message(given[int(one.source_id)]), "content": one.text} for one in kept), _asked(question)]

    return _fitted(choose, question, budget, count)


PEERS: Mapping[str, Peer] = {
    "langchain-core": langchain_core,
    "haystack-ai": haystack_ai,
    "agent-framework-core": agent_framework_core,
    "convopack": convopack,
    "convopack-importance": convopack_importance,
    "astromesh-context": astromesh_context,
    "contextcram": contextcram,
    "retainkit": retainkit,
}
"""Peers by the installed package's name, followed by the method if the package has two."""


def _module(name: str, package: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtra(error.name or name, feature=f"peer {package!r}", command=COMMAND) from error


def _given(items: Sequence[Item]) -> list[Item]:
    return [item for item in items if item.text.strip()]


def _message(item: Item) -> dict[str, str]:
    return {"role": item.role if item.role in ROLES else "user", "content": item.text}


def _asked(question: str) -> dict[str, str]:
    return {"role": "user", "content": question}


def _talk(items: Sequence[Item], question: str) -> ChatMessages:
    return [*map(_message, _given(items)), _asked(question)]


def _bm25(items: Sequence[Item], question: str) -> list[float]:
    """Score the items given to a peer, in order; a title and a speaker count as words."""
    given = _given(items)
    texts = (" ".join(filter(None, (item.title, item.speaker, item.text))) for item in given)
    scores = words_of(tuple(texts)).scores(term_counts(tokenize(question)))
    return [float(score) + TIE * position / len(given) for position, score in enumerate(scores)]


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    """Await in a thread, since a notebook already runs a loop of its own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def _fitted(choose: Callable[[int], ChatMessages], question: str, budget: int, count: CountText) -> ChatMessages:
    """Choose under the budget, and under lower ones while the result exceeds it; at least the question remains.

    Raises:
        BudgetError: the question alone is over the budget.
    """

    def cost(messages: ChatMessages) -> int:
        return sum(count(one["content"]) + TOKENS_PER_MESSAGE for one in messages)

    if (least := cost([_asked(question)])) > budget:
        raise BudgetError("the question is over the budget", sums={"query": least}, limit=budget, remedy="raise it")
    limit, messages = budget, ChatMessages()
    while limit > 0 and (over := cost(messages := choose(limit)) - budget) > 0:
        limit, messages = limit - over, ChatMessages()
    return messages or [_asked(question)]
