"""The whole pipeline, in the order of the data: `pack` and `apack`.

    messages, files, items -> what must stay -> relevance -> forms -> allocation -> request, recounted

`_flow` is one generator without input or output of its own: where it lacks vectors or summaries it yields
what it needs and is sent the answer. `pack` is the short loop that drives it, and `apack` does so in a thread.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..allocate import Allocator, Problem, Selection
from ..embed import Embedder
from ..items import Budget, Item
from ..pool import Pool
from ..renditions.summarize import Summarizer
from ..retrieve.rerank import Reranker
from ..waiting import Unanswered
from .choose import choose, lossy, summary_forms
from .explain import account
from .judge import judge
from .measure import Measured
from .needs import LateWarning, Need, Summaries, VectorsNeeded, answer
from .overview import with_overview
from .packed import Change, Packed, Plan
from .read import Task, make_task
from .talk import Talk

__all__ = ["Change", "Packed", "Plan", "Talk", "apack", "pack"]


def pack(
    messages: Any = None,
    query: str | None = None,
    budget: int | str | Budget | None = None,
    *,
    pick: str | int | None = None,
    model: str | None = None,
    tokenizer: Any = None,
    files: Any = None,
    items: Pool | Iterable[Item | str] | None = None,
    strategy: str | Allocator | Callable[[Problem], Selection] = "auto",
    solver: str = "greedy",
    embedder: str | Embedder | None = None,
    reranker: str | Reranker | Callable[[str, list[str]], Any] | None = None,
    summarizer: Summarizer | Any = None,
    pins: Iterable[int | str] = (),
    tools: Sequence[Mapping[str, Any]] | None = None,
    shares: Mapping[str, tuple[float, float | None]] | None = None,
    allow_secrets: bool = False,
) -> Packed:
    """Pack the most useful of messages, files and items into a hard token budget.

    Args:
        messages: OpenAI chat or Responses or Anthropic messages, a request body around them, turns as `Item`s, or a
            `Talk` of any of these that grows; the request comes back in the same form. Or a conversation as another
            program keeps it, loaded or as a path of its file, folder or zip: an export of ChatGPT, Claude.ai, Slack or
            WhatsApp, a transcript, a table and more (`ctxwin.messages.foreign`); it comes back as OpenAI chat, and
            `report.origin` names what it was read as.
        query: what the request should be good for; default: the last user message. A query that is not the
            last user message ends the request and is counted.
        budget: tokens, such as 2000 or "2k", or `Budget(total=, reserve=, margin=)`; default: the model's window less
            room for the answer, or 2,048 without a model.
        pick: which conversation, where the file holds several: its title or a part of it, its id, or its number from 1.
        model: a name from `ctxwin models`; gives window, tokenizer and prices.
        tokenizer: an encoding's or model's name, a path to a `tokenizer.json`, or an object with `count`.
        files: paths, globs or `Files`; chunks of them compete for the budget and are cited in the request.
        items: a `Pool`, or `Item`s and strings from anywhere, for instance a memory store's hits.
        strategy: a name from `ctxwin.strategies()`, an `Allocator`, or a function from `Problem` to `Selection`.
        solver: `greedy`; or `exact`, which proves the best choice of a few hundred items, with strategy `auto`.
        embedder: what judges meaning beside words: `auto` (as is None), `minilm`, `multilingual`, `static`, `none`, a
            sentence-transformers model's name, or an `Embedder`.
        reranker: looks again at the best items: the name of a sentence-transformers cross-encoder, a `Reranker`, or a
            function from question and texts to a number for each; None: nothing does.
        summarizer: a `Summarizer` or a function from text to shorter text; asked only when something would
            be lost.
        pins: indices or ids of messages that must stay whole.
        tools: tool schemas that go with the request, to be counted. With `ctxwin.recall.recall_tool` among them, what
            is shortened or left out is named by ids that the model can ask for.
        shares: floor and cap of sources, each in tokens (an int) or as a part of the budget (a float), None for no
            cap: `{"files": (0.3, 0.7), "tool_output": (0, 2_000), "src/vendor": (0, 0.05)}`. A source is `messages`,
            `tool_output` (calls with their results), `files` (with documents among the items), `items` (all others), or
            a path, what is below it, or a glob. They hold for what competes, without what is printed around it; what
            must stay is outside all shares. Strategy `auto` keeps them.
        allow_secrets: whether keys, tokens and passwords in files are packed too; else the lines that hold them are
            left out and named in `report.secrets`. A `Files` is told when it is made.

    Returns:
        The request, never over the budget, with a report of every choice.

    Raises:
        BudgetError: what must stay does not fit, or a floor cannot be kept; the message has the sum and the way out.
        MessageError: a message is malformed; the message has its index.
        InputError: an argument or file is wrong.
        UnknownModel: no model or tokenizer has this name.
        MissingExtra: what was asked for needs a package that is not installed.

    Example:
        >>> talk = [{"role": "user", "content": f"Number {n} is {n * n}."} for n in range(50)]
        >>> packed = pack(talk, query="What is number 31?", budget=100, embedder="none")
        >>> packed.tokens <= 100, "Number 31 is 961." in packed.text
        (True, True)
    """
    task = make_task(
        messages, query, budget, pick=pick, model=model, tokenizer=tokenizer, files=files, items=items,
        strategy=strategy, solver=solver, embedder=embedder, reranker=reranker, summarizer=summarizer, pins=pins,
        tools=tools, shares=shares, allow_secrets=allow_secrets,
    )  # fmt: skip
    return _run(task)


async def apack(
    messages: Any = None,
    query: str | None = None,
    budget: int | str | Budget | None = None,
    *,
    pick: str | int | None = None,
    model: str | None = None,
    tokenizer: Any = None,
    files: Any = None,
    items: Pool | Iterable[Item | str] | None = None,
    strategy: str | Allocator | Callable[[Problem], Selection] = "auto",
    solver: str = "greedy",
    embedder: str | Embedder | None = None,
    reranker: str | Reranker | Callable[[str, list[str]], Any] | None = None,
    summarizer: Summarizer | Any = None,
    pins: Iterable[int | str] = (),
    tools: Sequence[Mapping[str, Any]] | None = None,
    shares: Mapping[str, tuple[float, float | None]] | None = None,
    allow_secrets: bool = False,
) -> Packed:
    """Pack in another thread, so that the event loop is free; arguments, result and errors are those of `pack`.

    Example:
        >>> import asyncio
        >>> asyncio.run(apack(items=["The cat is called Miso."], query="Who is Miso?", budget=64)).tokens <= 64
        True
    """
    import asyncio  # as in `needs`

    return await asyncio.to_thread(
        pack, messages, query, budget, pick=pick, model=model, tokenizer=tokenizer, files=files, items=items,
        strategy=strategy, solver=solver, embedder=embedder, reranker=reranker, summarizer=summarizer,
        pins=pins, tools=tools, shares=shares, allow_secrets=allow_secrets,
    )  # fmt: skip


def _run(task: Task) -> Packed:
    flow = _flow(task)
    step = next(flow)
    while not isinstance(step, Packed):
        try:
            given = answer(step)
        except Unanswered as error:
            return _run(_without(task, step, error))
        step = flow.send(given)
    return step


def _without(task: Task, need: Need, error: Unanswered) -> Task:
    """Return a task that does without what did not answer, and say so."""
    instead = "words alone match the texts" if isinstance(need, VectorsNeeded) else "their order stands as it is"
    warnings.warn(f"{error}; {instead} in this request", LateWarning, stacklevel=4)
    return replace(task, embedder=None) if isinstance(need, VectorsNeeded) else replace(task, reranker=None)


def _flow(task: Task) -> Generator[Need | Packed, Any, None]:
    """Pack one task: yield what is needed from outside and be sent the answer; the last yield is the result."""
    draft = Measured(task)

    def again(budget: int | str | Budget | None, model: str | None) -> Packed:
        return _run(task.under(budget, model))

    if (request := draft.everything()) is not None:
        yield account(draft, request, again=again)
        return
    draft.require_room()
    draft, relevance = with_overview(draft, (yield from judge(draft)))
    choice = choose(draft, relevance)
    if task.summarizer is not None and (asked := lossy(draft, choice)):
        written = yield Summaries(summarizer=task.summarizer, texts=[one.text for one in asked])
        if forms := summary_forms(draft, asked, written):
            choice = choose(draft, relevance, forms)
    yield account(draft, choice.request, choice=choice, relevance=relevance, again=again)
