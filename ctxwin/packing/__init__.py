"""Pack messages, files and items into one request under a hard token budget: `pack` and `apack`.

The data pass seven stations, in this order:

    read     messages, files and arguments into items, groups and a `Task`    read.py, talk.py
    measure  what everything costs, and whether what must stay fits           measure.py
    judge    how probable each group is to hold evidence                      judge.py
    shorten  the shorter forms of a group                                     shorten.py
    choose   which form of which group, recounted until the request fits      choose.py, shares.py, expected.py,
                                                                              summarise.py, story.py
    print    the chosen forms as a request in the caller's dialect            print.py
    explain  the report: why each item is in, shortened or out                explain.py, packed.py

`_flow` is one generator that passes them and does no input or output. Where a station needs vectors, scores or
summaries, `_flow` yields a need (needs.py) and is sent the answer. `pack` drives `_flow` in a short loop, and `apack`
runs `pack` in a thread.
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
from ..report import Summarized
from ..retrieve.rerank import Reranker
from ..standing import Propose
from ..waiting import Unanswered
from .choose import choose, everything
from .expected import within_enough
from .explain import explain
from .judge import judge
from .measure import Measured
from .needs import IndexNeeded, LateWarning, Need, Summaries, VectorsNeeded, answer
from .packed import Change, Packed, Plan
from .read import Task, make_task
from .story import told
from .summarise import SUMMARIES, NodeSummaries, account, lossy, summaries
from .talk import Talk

__all__ = ["Change", "Packed", "Plan", "Talk", "acompact", "apack", "compact", "pack"]


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
        query: the question that the request should help to answer. Default: the last user message. A query that is
            not the last user message ends the request and is counted.
        budget: tokens, such as 2000 or "2k", or `Budget(total=, reserve=, margin=, enough=)`. Default: the model's
            window less room for the answer, or 2,048 without a model.
        pick: which conversation, where the file holds several: its title or a part of it, its id, or its number from 1.
        model: a name from `ctxwin models`; gives window, tokenizer and prices.
        tokenizer: an encoding's or model's name, a path to a `tokenizer.json`, or an object with `count`.
        files: paths, globs or `Files`; chunks of them compete for the budget and are cited in the request.
        items: a `Pool`, or `Item`s and strings from anywhere, for instance a memory store's hits.
        strategy: a name from `ctxwin.strategies()`, an `Allocator`, or a function from `Problem` to `Selection`.
        solver: `greedy`; or `exact`, which proves the best choice of a few hundred items, with strategy `auto`.
        embedder: the model that compares meaning, in addition to words: `auto`, `minilm`, `multilingual`, `static`,
            `none`, a sentence-transformers model's name, or an `Embedder`. Default: `auto`.
        reranker: a second judge of the best items: the name of a sentence-transformers cross-encoder, a `Reranker`, or
            a function from question and texts to a number for each text. None disables it.
        summarizer: a `Summarizer` such as `ctxwin.renditions.summarize.ChatSummarizer`, which has limits, or a
            function from text to shorter text; asked only when something would be lost that is worth a summary: for
            turns that are long, and, where a summary of the whole is asked for, for stretches of the conversation.
        pins: indices or ids of messages that must stay whole.
        tools: tool schemas that go with the request and are counted. With `ctxwin.recall.recall_tool` among them, the
            request names shortened and omitted items by ids that the model can ask for.
        shares: floor and cap of sources, each in tokens (an int) or as a part of the budget (a float), None for no
            cap: `{"files": (0.3, 0.7), "tool_output": (0, 2_000), "src/vendor": (0, 0.05)}`. A source is `messages`,
            `tool_output` (calls with their results), `files` (with documents among the items), `items` (all others), a
            path (with everything below the path), or a glob. Shares count the items that compete, without the headings
            and marks around the items; items that must stay are outside all shares. Strategy `auto` keeps
            shares.
        allow_secrets: whether keys, tokens and passwords in files are packed too. Otherwise the lines that hold secrets
            are left out and named in `report.secrets`. For `Files`, set it in `Files(..., allow_secrets=)`.

    Returns:
        The request, never over the budget, with a report of every choice.

    Raises:
        BudgetError: the items that must stay do not fit, or a floor cannot be kept; the message has the sum and the
            way out.
        MessageError: a message is malformed; the message has its index.
        InputError: an argument or file is wrong.
        UnknownModel: no model or tokenizer has this name.
        MissingExtra: an argument needs a package that is not installed.

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
    """Run `pack` in another thread, so that the event loop stays free.

    Arguments, result and errors are the same as for `pack`.

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


def compact(
    messages: Any,
    budget: int | str | Budget | None = None,
    *,
    pick: str | int | None = None,
    model: str | None = None,
    tokenizer: Any = None,
    pins: Iterable[int | str] = (),
    tools: Sequence[Mapping[str, Any]] | None = None,
    keep: str | None = None,
    propose: Propose | None = None,
    allow_secrets: bool = False,
) -> Packed:
    """Compact a conversation without a question: what stands in it, word for word, and the recent turns.

    Args:
        messages: messages as `pack` takes them.
        budget: tokens, as for `pack`.
        pick: which conversation, where the file holds several, as for `pack`.
        model: a name from `ctxwin models`; gives window, tokenizer and prices.
        tokenizer: as for `pack`.
        pins: indices or ids of messages that must stay whole.
        tools: tool schemas that go with the request and are counted.
        keep: a compaction prompt in words; where it names kinds of things ("keep all file paths and decisions", in
            English or Chinese), sentences with these stand surely. Nothing else of the prompt is understood.
        propose: a function, such as a model's call, from the texts of the messages to sentences that should stand. What
            no message of a user, a system prompt or an assistant has word for word is ignored.
        allow_secrets: whether passwords and keys may stand; otherwise a mark stands in their place.

    Returns:
        The compacted conversation in the caller's form. `report.standing` names what stands, with its sources.

    Raises:
        BudgetError: what must stay does not fit.
        MessageError: a message is malformed.
        InputError: an argument is wrong.

    Example:
        >>> talk = [{"role": "user", "content": "Never call me before nine."}]
        >>> talk += [{"role": "user", "content": f"Number {n} is {n * n}."} for n in range(50)]
        >>> "Never call me before nine." in compact(talk, budget=100).text
        True
    """
    return _run(
        make_task(
            messages, None, budget, pick=pick, model=model, tokenizer=tokenizer, pins=pins, tools=tools,
            embedder="none", allow_secrets=allow_secrets, keep=keep, propose=propose, compacts=True,
        )
    )  # fmt: skip


async def acompact(
    messages: Any,
    budget: int | str | Budget | None = None,
    *,
    pick: str | int | None = None,
    model: str | None = None,
    tokenizer: Any = None,
    pins: Iterable[int | str] = (),
    tools: Sequence[Mapping[str, Any]] | None = None,
    keep: str | None = None,
    propose: Propose | None = None,
    allow_secrets: bool = False,
) -> Packed:
    """Run `compact` in another thread, so that the event loop stays free.

    Arguments, result and errors are the same as for `compact`.
    """
    import asyncio  # as in `needs`

    return await asyncio.to_thread(
        compact,
        messages,
        budget,
        pick=pick,
        model=model,
        tokenizer=tokenizer,
        pins=pins,
        tools=tools,
        keep=keep,
        propose=propose,
        allow_secrets=allow_secrets,
    )


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
    """Return the task without the embedder or reranker that did not answer, and warn about it."""
    of_vectors = isinstance(need, VectorsNeeded | IndexNeeded)
    instead = "words alone match the texts" if of_vectors else "their order stands as it is"
    warnings.warn(f"{error}; {instead} in this request", LateWarning, stacklevel=4)
    return replace(task, embedder=None) if of_vectors else replace(task, reranker=None)


def _flow(task: Task) -> Generator[Need | Packed, Any, None]:
    """Pack one task: yield each need and be sent the answer; the last yield is the packed request."""
    measured = Measured(task)

    def again(budget: int | str | Budget | None, model: str | None) -> Packed:
        return _run(task.under(budget, model))

    whole = everything(measured)
    if whole is not None and not measured.has_enough:
        relevance = (yield from judge(measured)) if measured.has_chunks else None
        fewer = everything(measured, relevance) if relevance is not None else None
        if fewer is not None and fewer.tokens < whole.tokens:
            yield explain(measured, fewer, relevance=relevance, again=again)
        else:
            yield explain(measured, whole, again=again)
        return
    measured.require_room()
    measured = measured.with_map().with_notes()
    relevance = yield from judge(measured)
    needed = within_enough(measured, relevance)
    if whole is not None and whole.tokens <= needed.limit:
        yield explain(measured, whole, again=again)
        return
    choice = None if task.summarizer is not None else told(needed, relevance)
    choice = choice or choose(needed, relevance)
    said: tuple[Summarized, ...] = ()
    if task.summarizer is not None:
        nodes = NodeSummaries(needed, relevance, choice)
        first = len(nodes.texts)
        units = lossy(needed, choice)[: SUMMARIES - first]
        texts = [*nodes.texts, *(one.text for one in units)]
        need = Summaries(summarizer=task.summarizer, texts=texts, taken=nodes.taken)
        written = (yield need) if texts else []
        nodes.take(written[:first])
        found = summaries(needed, relevance, units, written[first:])
        forms = {(one.of.section, one.of.unit): [one.form] for one in found if one.form is not None}
        choice = told(needed, relevance, forms) or (choose(needed, relevance, forms) if forms else choice)
        said = (*nodes.account(choice), *account(needed, found, choice))
    yield explain(measured, choice.request, choice=choice, relevance=relevance, summaries=said, again=again)
