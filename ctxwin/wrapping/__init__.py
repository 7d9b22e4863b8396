"""Wraps a provider's client so that it packs its messages: `wrap`.

    the program ──create(messages=...)──▶ wrapped client ──sync, pack──▶ the provider
                ◀─the provider's answer── wrapped client ◀────record────

An SDK sends all requests through one method, `post`. A wrapped client is a copy of the client, of the same class and
over the same connections, with another `post`: messages sent through it (`create`, `parse`, `stream`, tool runners, raw
and streaming responses) are packed, everything else is unchanged. The package is not named `wrap`, since such a module
would hide the function.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ..clients.adapting import is_litellm
from ..clients.sdk_apis import apis_of
from ..errors import InputError
from ..files import Files
from ..items import Budget, Item
from ..packing import pack
from ..pool import Pool
from .litellm import wrap_litellm
from .policy import Passing
from .sdk import wrap_sdk

if TYPE_CHECKING:
    from ..window import Window

__all__ = ["wrap"]

T = TypeVar("T")

OPTIONS = tuple(
    name
    for name, parameter in inspect.signature(pack).parameters.items()
    if parameter.kind is parameter.KEYWORD_ONLY and name not in ("model", "tools", "allow_secrets")
)
"""Arguments of `pack` that hold for every request; `allow_secrets` is missing, since it is given to `Files`."""


def wrap(
    client: T,
    *,
    budget: int | str | Budget | None = None,
    model: str | None = None,
    window: Window | None = None,
    recall: bool = False,
    repair: bool = False,
    **options: Any,
) -> T:
    """Return a client that packs the messages of each request; everything else about the client stays the same.

    The given client is not changed. Messages that fit are sent as they came, byte for byte; all other fields of a
    request always are. The provider's answers, streams and errors reach the caller unchanged. In a Responses request
    with `previous_response_id` or `conversation` only the items in the request are packed: items that the provider
    keeps are neither seen nor counted.

    Args:
        client: `OpenAI()`, `AsyncOpenAI()`, `Anthropic()`, `AsyncAnthropic()` or a subclass (chat completions,
            Responses, messages), or the module `litellm` or one of its routers (`completion`, `acompletion`).
        budget: tokens of a request ("8k"), or `Budget(total=, reserve=, margin=, enough=)`. Default: the window
            of the request's model, less the tokens that the request allows for the answer, or less a usual answer.
        model: a name from `ctxwin models` to count by, if the catalogue does not know the request's model.
        window: a stored conversation: new messages of a request are stored before it is sent, the request is packed
            from all stored messages, and the answer is stored once it is whole. If an answer breaks off, only the
            program's message stays stored.
        recall: whether the model gets a tool to ask for the full text of items that were shortened or left out. The
            wrapped client answers the tool's calls, and the program gets the answer that follows. A window's own
            `recall` holds too. The tool is not offered when its calls cannot be hidden from the program: together with
            `n` or `functions`, in conversations that the provider continues, and in streams of raw responses.

            In a stream, text is passed on at once, and thoughts as soon as something other than a recall follows them.
            The text after a recall continues the same answer: as a new paragraph in chat completions, as further blocks
            or items in the other APIs. The reported usage is that of the last request, as in whole answers.
        repair: whether messages that the provider would refuse are mended first, as by `ctxwin.repair`; a
            `CtxwinWarning` tells how many, without their text. Tools stay unchanged.
        options: further arguments of `pack`, such as `strategy`, `embedder`, `files` or `items`; files and items are
            read now, once for all requests. Keys and passwords in files are let in by
            `files=ctxwin.Files(path, allow_secrets=True)`.

    Raises:
        InputError: the client or an option is not known. A request raises the errors of `pack`.

    Example:
        >>> import openai
        >>> client = wrap(openai.OpenAI(api_key="none"), budget=8_000)
        >>> isinstance(client, openai.OpenAI)
        True
    """
    if unknown := sorted(options.keys() - set(OPTIONS)):
        raise InputError(f"unknown option {', '.join(map(repr, unknown))}; use some of {', '.join(sorted(OPTIONS))}")
    mending = repair or (window is not None and window.repair)
    passing = Passing(budget=budget, model=model, window=window, recall=recall, repair=mending, options=_read(options))
    wrapped: T
    if (apis := apis_of(client)) is not None:
        wrapped = wrap_sdk(client, apis, passing)
    elif is_litellm(client):
        wrapped = wrap_litellm(client, passing)
    else:
        raise InputError(
            f"a client of type {type(client).__name__} cannot be wrapped; give OpenAI(), Anthropic(), their Async "
            "forms or the module litellm"
        )
    return wrapped


def _read(options: Mapping[str, Any]) -> dict[str, Any]:
    """Read files and items once, so that they are indexed once."""
    found = {name: value for name, value in options.items() if value is not None}
    files, items = found.get("files"), found.get("items")
    if files is not None and not isinstance(files, Files):
        files = found["files"] = Files(files)
    if items is not None and not isinstance(items, str | Item | Mapping | Pool):  # what is wrong is said by `pack`
        items = found["items"] = Pool(items)
    if isinstance(files, Files) and isinstance(items, Pool) and not files.large:  # those wait for the question
        found["items"] = Pool([*items.items, *found.pop("files").items], weights=items.weights)
    return found
