"""ctxwin packs a long conversation, files and a question into a model's window under a hard token budget.

The house, from the door down; a room imports only from the lines below its own (`pyproject.toml` holds it):

    cli                  one file a command
    integrations         one file a framework: LangChain, Pydantic AI, OpenAI Agents
    wrapping             a provider's client that packs its messages: `wrap`
    evaluate             how much evidence a packing keeps, and what its requests cost beside a prompt cache
    window               a conversation that is stored, packed for each request and sent: `Window`
    caching              what the next request looks like, given the one that the provider holds
    packing              the pipeline: read, measure, judge, shorten, choose, print, explain
    files                files and folders as items: walked, read, cut, watched; documents, large files, secrets
    pool                 items beside the messages, the groups that they are chosen by, and the block that they print
    report               what a packing did, as values, for a terminal, and as a page
    standing             what must survive unasked: rules, limits, facts, decisions, tasks, preferences
    allocate             the strategies: which form of which group, within the capacity
    renditions           shorter forms of a text: extracts, signatures, summaries
    retrieve             how probable it is that an item helps: words, vectors, place, dates, code
    embed                texts to vectors
    clients              asking a model: endpoints, the SDKs, a local model
    recall               the tool by which a model asks for what was left out
    tokens               what texts, messages, tools and media cost
    store                conversations on disk, and caches of what can be made again
    messages             the providers' messages in and out without loss, checked, repaired, read from other programs
    chunking             texts cut where they may be cut; code parsed
    models               the catalogue: windows, prices, energy
    citations            text that is quoted: fences, excerpts, citations checked, orders in it found
    items                the values that everything passes on: Item, Part, Budget
    waiting              work of others, waited for no longer than a limit
    sample               a conversation, files and questions to try things on
    errors               every error and warning

Words, each for one thing:

    item        one thing that may be packed (`items.Item`); its kind says turn, chunk, passage, memory or document
    group       items that stay or go together, such as a call with its result (`pool.units.Units` holds them)
    form        one way to show an item: full, extract, summary, stub (`renditions.TextForm`)
    folded      whole, but written shorter without loss, as a tool's JSON in tables (`renditions.fold`)
    costs       the tokens of each item in its place, with the headings and marks around it (`pool.layout.Costs`)
    heading     a date or source that is printed once above several items
    block       the part of a request that holds items from beside the messages (`packing.shorten.Block`)
    strategy    what chooses forms within a capacity (`allocate.Allocator`)
    mark, note  what stands where something is missing: a mark in a block, a note between messages
    standing    what must survive unasked, sentence by sentence (`standing.Entry`), printed as notes at a request's head
    tree, node  what a talk was about, coarse to fine, by its own sentences (`renditions.summaries.growing.Tree`) or a
                model's (`renditions.summaries.telling.Telling`)
    share       a floor and a cap on the tokens of a source (`packing.shares.ShareUnits`)
    budget      the tokens that a caller allows (`items.Budget`); the limit is what is left of them for the request
    expected    the share of the evidence that a request is believed to hold (`report.Expected`)
    noise       what is no more like a question than unrelated items of its pool (`retrieve.noise`)
    dialect     whose messages they are: openai, responses or anthropic (`messages.Dialect`)
    Talk        a conversation that grows while a program runs (`packing.Talk`)
    Conversation  one that was read, as a value (`messages.Conversation`)
    Window      one that is stored (`window.Window`)
    store       what cannot be made again (`store.Store`); a cache holds what can (`store.cache`)
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .allocate import Allocator, strategies
    from .embed import Embedder
    from .errors import BudgetError, CtxwinError, MessageError, MissingExtra, StoreError, UnknownModel
    from .files import Files
    from .items import Budget, Item
    from .messages import check, repair
    from .models import get_model
    from .packing import Packed, acompact, apack, compact, pack
    from .pool import Pool
    from .renditions.summarize import Summarizer
    from .report import Report
    from .store import Store
    from .tokens import Tokenizer, count_tokens, get_tokenizer
    from .window import Window
    from .wrapping import wrap

__version__ = "0.2.0"

_HOME = {
    "Allocator": "allocate",
    "Budget": "items",
    "BudgetError": "errors",
    "CtxwinError": "errors",
    "Embedder": "embed",
    "Files": "files",
    "Item": "items",
    "MessageError": "errors",
    "MissingExtra": "errors",
    "Packed": "packing",
    "Pool": "pool",
    "Report": "report",
    "Store": "store",
    "StoreError": "errors",
    "Summarizer": "renditions.summarize",
    "Tokenizer": "tokens",
    "UnknownModel": "errors",
    "Window": "window",
    "acompact": "packing",
    "apack": "packing",
    "check": "messages",
    "compact": "packing",
    "count_tokens": "tokens",
    "get_model": "models",
    "get_tokenizer": "tokens",
    "pack": "packing",
    "repair": "messages",
    "strategies": "allocate",
    "wrap": "wrapping",
}
"""Public names and the modules they live in; loaded when first used, so that `import ctxwin` is quick."""

__all__ = [  # written out, since type checkers read it
    "Allocator",
    "Budget",
    "BudgetError",
    "CtxwinError",
    "Embedder",
    "Files",
    "Item",
    "MessageError",
    "MissingExtra",
    "Packed",
    "Pool",
    "Report",
    "Store",
    "StoreError",
    "Summarizer",
    "Tokenizer",
    "UnknownModel",
    "Window",
    "acompact",
    "apack",
    "check",
    "compact",
    "count_tokens",
    "get_model",
    "get_tokenizer",
    "pack",
    "repair",
    "strategies",
    "wrap",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'ctxwin' has no attribute {name!r}; see ctxwin.__all__")
    from importlib import import_module

    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


class _Moved:
    """Finds modules by names that they had in an earlier release."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> Any:
        """Return the module's spec, None for what ctxwin never had."""
        if not name.startswith("ctxwin.") or name == "ctxwin.moved":
            return None
        from .moved import spec_of

        return spec_of(name)


sys.meta_path.append(_Moved)  # asked last, for names that nothing else has


def __dir__() -> list[str]:
    return ["__version__", *__all__]
