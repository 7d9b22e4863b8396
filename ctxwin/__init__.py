"""ctxwin packs a long conversation, files and a question into a model's window under a hard token budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .allocate import Allocator, strategies
    from .embed import Embedder
    from .errors import BudgetError, CtxwinError, MessageError, MissingExtra, StoreError, UnknownModel
    from .files import Files
    from .items import Budget, Item
    from .messages import check, repair
    from .models import get_model
    from .packing import Packed, apack, pack
    from .pool import Pool
    from .report import Report
    from .store import Store
    from .summarize import Summarizer
    from .tokens import Tokenizer, count_tokens, get_tokenizer
    from .window import Window
    from .wrapping import wrap

__version__ = "0.1.0"

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
    "Summarizer": "summarize",
    "Tokenizer": "tokens",
    "UnknownModel": "errors",
    "Window": "window",
    "apack": "packing",
    "check": "messages",
    "count_tokens": "tokens",
    "get_model": "models",
    "get_tokenizer": "tokens",
    "pack": "packing",
    "repair": "messages",
    "strategies": "allocate",
    "wrap": "wrapping",
}
"""Public names and the modules they live in; loaded when first used, so that `import ctxwin` is quick."""

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'ctxwin' has no attribute {name!r}; see ctxwin.__all__")
    from importlib import import_module

    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
