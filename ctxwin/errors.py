"""Defines every error and warning that ctxwin raises on purpose.

    CtxwinError
    ├── BudgetError        (ValueError)   the parts that must stay do not fit
    ├── MessageError       (ValueError)   a message or item is malformed; carries its index
    ├── InputError         (ValueError)   a path, file, option or setting is wrong
    ├── UnknownModel       (LookupError)  no such model or tokenizer; carries the nearest names
    ├── MissingExtra       (ImportError)  an optional package is not installed; carries the command
    ├── EndpointError      (OSError)      a model's endpoint did not answer as it should
    └── StoreError         (OSError)      a cache or store on disk cannot be read or written

A `CtxwinWarning` says that a lesser substitute is used, and that the result is still valid.

An error names the thing, gives the numbers, and ends with what to do. No error carries message text or a key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = [
    "BudgetError",
    "CtxwinError",
    "CtxwinWarning",
    "EndpointError",
    "InputError",
    "MessageError",
    "MissingExtra",
    "StoreError",
    "UnknownModel",
]


class CtxwinError(Exception):
    """The root of all errors that ctxwin raises on purpose."""

    def __reduce__(self) -> tuple[object, ...]:
        """Make an error picklable, whatever its constructor takes, so that it can cross processes."""
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[CtxwinError], args: tuple[object, ...], state: dict[str, object]) -> CtxwinError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class CtxwinWarning(UserWarning):
    """The root of all warnings: a lesser substitute is used, and the result is still valid."""


class BudgetError(CtxwinError, ValueError):
    """The parts that must stay are larger than the budget.

    Attributes:
        sums: tokens by part: `system`, `tools`, `pins`, `tail`, `query` and so on, or by source if the sources' floors
            do not fit.
        limit: tokens that the request may have (total - reserve - margin).
    """

    def __init__(self, what: str, *, sums: Mapping[str, int], limit: int, remedy: str) -> None:
        self.sums = dict(sums)
        self.limit = limit
        needed = sum(self.sums.values())
        account = " + ".join(f"{name} {tokens:,}" for name, tokens in self.sums.items() if tokens)
        total = f" ({account} = {needed:,} tokens; limit {limit:,})" if account else ""
        super().__init__(f"{what}{total}; {remedy}")


class MessageError(CtxwinError, ValueError):
    """A message or item has no known form, or breaks a rule of its provider.

    Attributes:
        index: the position of the message or item in the list, from 0; None outside a list.
    """

    def __init__(self, what: str, *, index: int | None = None) -> None:
        self.index = index
        super().__init__(what if index is None else f"message {index}: {what}")


class InputError(CtxwinError, ValueError):
    """A path, a file's content, an option or a setting is wrong."""


class UnknownModel(CtxwinError, LookupError):
    """No model or tokenizer has this name.

    Attributes:
        name: the unknown name.
        nearest: similar known names, best first.
    """

    def __init__(self, name: str, nearest: Sequence[str] = (), *, what: str = "model") -> None:
        self.name = name
        self.nearest = tuple(nearest)
        hint = f"; did you mean {', '.join(map(repr, self.nearest))}?" if self.nearest else ""
        super().__init__(f"unknown {what} {name!r}{hint} (`ctxwin models` lists all)")

    def __str__(self) -> str:  # LookupError subclasses may print the repr of their argument
        return str(self.args[0])


class MissingExtra(CtxwinError, ImportError):
    """A feature needs a package that is not installed.

    Attributes:
        package: the import name of the missing package.
        command: the shell command that installs the package.
    """

    def __init__(self, package: str, *, feature: str, command: str) -> None:
        self.package = package
        self.command = command
        super().__init__(f"{feature} needs {package!r}, which is not installed; run `{command}`")


class EndpointError(CtxwinError, OSError):
    """A model's endpoint could not be reached, refused the request, or sent an invalid answer."""


class StoreError(CtxwinError, OSError):
    """A cache or store on disk cannot be read or written; its content is untouched."""
