"""Turn what a caller gave into a `Task`: the first station, "read", of a packing.

A `Task` has every name resolved: messages and files as items, the tokenizer, the model, the strategy, the budget.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..allocate import Allocator, get_allocator
from ..embed import CachedEmbedder, get_embedder
from ..errors import InputError, MessageError, UnknownModel
from ..items import Budget, Item, name_of, parse_query, parse_tokens
from ..messages import Conversation, last_user, load, typed
from ..models import Model, get_model
from ..pool import Pool
from ..pool.units import resolve_pins
from ..recall import can_recall
from ..renditions.summarize import Summarizer, get_summarizer
from ..retrieve import asking, asks_nothing
from ..retrieve.rerank import Reranker, get_reranker
from ..standing import Propose, Wanted, wanted
from ..standing.masking import masked
from ..tokens import Tokenizer, get_tokenizer
from .shares import check_shares
from .talk import Snapshot, Talk

if TYPE_CHECKING:
    from ..files import Files, Scanned

__all__ = ["DEFAULT_BUDGET", "Task", "fill_budget", "make_task"]

DEFAULT_BUDGET = 2048
"""Tokens of a request when neither a budget nor a model is given. Half, double: none of 22 requests differs."""
OUTPUT_SHARE = 4
"""When no budget is given, at most 1 / OUTPUT_SHARE of a model's window is reserved for the answer. Half, double: none
of 4 requests differs."""
SHARING = ("auto", "knapsack")
"""Strategies that keep the shares of sources."""
BLIND = frozenset({"recency", "head_tail"})
"""Strategies that never look at the question; nothing is scored or embedded for these strategies."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task:
    """Everything that one packing needs, with all names resolved."""

    talk: Snapshot
    origin: str
    """The format that the messages were read from; "" for a provider's messages."""
    pool: Pool | None
    """The items and file chunks for the retrieved block; None without items and files."""
    skipped: Sequence[tuple[str, str]]
    """Files that are not used, each with the reason."""
    secrets: Sequence[tuple[str, str]]
    """Places in files where a secret was left out, each with the kind of secret."""
    scanned: Sequence[tuple[str, str]]
    """Large files that were searched for the question, each with a note of the part that was read."""
    question: str
    """The text by which relevance is judged: the query, or the last user message; "" when there is neither."""
    asked: datetime | None
    """The time of the last user message; None where the messages do not say."""
    query: str | None
    """A question to append to the request; None when the messages already hold the question."""
    budget: Budget
    tokenizer: Tokenizer
    model: Model | None
    allocator: Allocator
    strategy: str
    """The strategy's name, as the report shows it."""
    allow_secrets: bool
    """Whether passwords and keys may stand."""
    wanted: Wanted
    """What a compaction prompt asks to keep."""
    compacts: bool
    """Whether there is no question: what stands and the recent turns matter, whatever they are about."""
    own: bool
    """Whether the strategy is a function or object, of which the name says nothing."""
    embedder: CachedEmbedder | None
    reranker: Reranker | None
    summarizer: Summarizer | None
    pins: frozenset[int]
    tools: Sequence[Mapping[str, Any]]
    shares: Mapping[str, tuple[float, float | None]]
    """Floor and cap of sources, in tokens or parts of the limit."""

    @property
    def conversation(self) -> Conversation:
        """The messages that may be packed."""
        return self.talk.conversation

    @property
    def recall(self) -> bool:
        """Whether the model can ask for omitted items, so that naming ids pays."""
        return can_recall(self.tools)

    @property
    def blind(self) -> bool:
        """Whether the packing needs no relevance: the strategy ignores the question, or there is none."""
        return self.follows(BLIND) or not self.question

    def follows(self, strategies: Collection[str]) -> bool:
        """Tell whether the strategy was given by a name, and is one of these."""
        return not self.own and self.strategy in strategies

    def under(self, budget: int | str | Budget | None, model: str | None) -> Task:
        """Return the same task under another budget, or for another model with its window and tokenizer."""
        row = get_model(model) if model is not None else self.model
        counter = get_tokenizer(row) if model is not None else self.tokenizer
        if budget is None:
            budget = replace(self.budget, margin=None) if model is None else None
        return replace(self, budget=fill_budget(budget, row, counter), tokenizer=counter, model=row)


def make_task(
    messages: Any = None,
    query: str | None = None,
    budget: int | str | Budget | None = None,
    *,
    pick: str | int | None = None,
    model: str | None = None,
    tokenizer: Any = None,
    files: Any = None,
    items: Pool | Iterable[Item | str] | None = None,
    strategy: Any = "auto",
    solver: str = "greedy",
    embedder: Any = None,
    reranker: Any = None,
    summarizer: Any = None,
    pins: Iterable[int | str] = (),
    tools: Sequence[Mapping[str, Any]] | None = None,
    shares: Mapping[str, tuple[float, float | None]] | None = None,
    allow_secrets: bool = False,
    compacts: bool = False,
    keep: str | None = None,
    propose: Propose | None = None,
) -> Task:
    """Resolve the arguments of `ctxwin.pack` into a task; the docstring of `pack` explains the arguments."""
    query = parse_query(query)
    given, origin = _loaded(messages, pick)
    talk = given.snapshot()
    conversation = talk.conversation
    row = get_model(model) if model is not None else _named_in(conversation, tokenizer)
    counter = get_tokenizer(tokenizer if tokenizer is not None else row)
    said = _last_question(conversation)
    asked = typed(said) if said is not None else ""
    compacts = compacts or (query is None and asks_nothing(asked) and not items and not files)
    strategy = "recency" if compacts and strategy == "auto" else strategy
    question = "" if compacts else asking(query if query is not None else asked)
    found = _found(files, allow_secrets)
    pool, scanned = _block_pool(items, found, question)
    secrets = [*(found.secrets if found else ()), *(secret for one in scanned for secret in one.secrets)]
    kept = wanted(keep)
    if propose is not None:
        kept = kept.proposed(propose([one.text if allow_secrets else masked(one.text) for one in conversation.items]))
    if not pool and not conversation.items and query is None:
        raise InputError("nothing to pack: give messages, items or files")
    return Task(
        talk=talk,
        origin=origin,
        pool=pool,
        skipped=[(str(one.path), one.reason) for one in found.skipped] if found else [],
        secrets=tuple((f"{one.path}:{one.line}", one.kind) for one in secrets),
        scanned=tuple((one.path, one.said) for one in scanned),
        question=question,
        asked=said.when if said is not None else None,
        query=query if query is not None and query.strip() != asked.strip() else None,
        budget=fill_budget(budget, row, counter),
        tokenizer=counter,
        model=row,
        allocator=get_allocator(strategy, solver=solver),
        strategy=strategy if isinstance(strategy, str) else name_of(strategy),
        allow_secrets=allow_secrets,
        wanted=kept,
        compacts=compacts,
        own=not isinstance(strategy, str),
        embedder=get_embedder("auto" if embedder is None else embedder),
        reranker=get_reranker(reranker) if reranker is not None else None,
        summarizer=get_summarizer(summarizer) if summarizer is not None else None,
        pins=talk.pinned(pins) if messages is given else resolve_pins(conversation.items, pins),
        tools=tuple(tools) if tools is not None else conversation.tools,
        shares=_shares(shares, pool, strategy),
    )


def _named_in(conversation: Conversation, tokenizer: Any) -> Model | None:
    """Return the model that a request body names, if the catalogue has the model and no tokenizer is given."""
    named = (conversation.envelope or {}).get("model")
    if tokenizer is not None or not isinstance(named, str):
        return None
    try:
        return get_model(named)
    except UnknownModel:
        return None


def _loaded(messages: Any, pick: str | int | None) -> tuple[Talk, str]:
    """Return the talk to be packed, and the format that the talk was read from.

    A request body without messages is an error; no messages at all are no error.
    """
    if messages is None or isinstance(messages, Talk):
        if pick is not None:
            raise InputError(f"pick={pick!r} chooses a conversation of a file or an export; give that as messages")
        return (Talk() if messages is None else messages), ""
    found = load(messages, pick)
    talk = Talk(found.messages)
    if isinstance(found.messages, Mapping) and not talk.snapshot().conversation.items:
        raise MessageError("no messages; give at least one")
    return talk, found.origin


def _shares(shares: Any, pool: Pool | None, strategy: Any) -> Mapping[str, tuple[float, float | None]]:
    if shares and isinstance(strategy, str) and strategy not in SHARING:
        raise InputError(f"shares go with strategy 'auto', not with {strategy!r}")
    return check_shares(shares, pool)


def _found(files: Any, allow_secrets: bool) -> Files | None:
    if files is None:
        return None
    from ..files import Files  # the heaviest room, of no use to a conversation without files

    if isinstance(files, Files):
        if allow_secrets and not files.allow_secrets:
            raise InputError("these Files were read without secrets; make them with Files(..., allow_secrets=True)")
        return files
    return Files([files] if isinstance(files, str | Path) else list(files), allow_secrets=allow_secrets)


def _block_pool(items: Any, found: Files | None, question: str) -> tuple[Pool | None, Sequence[Scanned]]:
    """Return the pool of the retrieved block, and the scans of large files for the question."""
    if isinstance(items, str | Item | Mapping):
        raise InputError(
            f"items is a list of Items or strings, or a Pool; put the one {type(items).__name__} in a list"
        )
    of_files, scanned = found.pool_for(question) if found else (None, ())
    if items is None:
        return of_files, scanned
    pool = items if isinstance(items, Pool) else Pool(items)
    if of_files is not None:
        pool = Pool([*pool.items, *of_files.items], weights=pool.weights)
    return pool, scanned


def _last_question(conversation: Conversation) -> Item | None:
    asked = last_user(conversation) if conversation.items else None
    return conversation.items[asked] if asked is not None else None


def fill_budget(budget: int | str | Budget | None, model: Model | None, tokenizer: Tokenizer) -> Budget:
    """Return a complete budget: the default where none is given, and the margin filled in."""
    if budget is None:
        budget = _window(model) if model is not None else DEFAULT_BUDGET
    if not isinstance(budget, Budget):
        budget = Budget(total=parse_tokens(budget) if isinstance(budget, str) else budget)
    if budget.margin is None:
        room = budget.total - budget.reserve
        margin = 0 if tokenizer.exact else room - int(room / (1 + tokenizer.error))
        budget = replace(budget, margin=margin)
    return budget


def _window(model: Model) -> Budget:
    if model.window is None:
        raise InputError(f"the catalogue has no window for {model.name!r}; give a budget")
    return Budget(total=model.window, reserve=min(model.output or model.window, model.window // OUTPUT_SHARE))
