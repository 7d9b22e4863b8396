"""A provider's client that packs its messages: `wrap`.

    the program ──create(messages=...)──▶ wrapped client ──sync, pack──▶ the provider
                ◀─the provider's answer── wrapped client ◀────record────

Where an SDK sends its requests there is one method, `post`. A wrapped client is a copy of the client, of the same
class and over the same connections, with another `post`: whatever leads there (`create`, `parse`, `stream`, tool
runners, raw and streaming responses) is packed, whatever does not is as it was. The package is named as `packing` is,
since a module `wrap` would hide the function.
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
"""What `pack` takes and is not told by each request; `Files` is told whether secrets are read when it is made."""


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
    """Return a client that packs the messages of each request; everything else about it stays as it is.

    The client that is given is not changed. Messages that fit are sent as they came, byte for byte; other fields of
    a request always are. The provider's answers, streams and errors reach the caller unchanged. In a Responses
    request with `previous_response_id` or `conversation` only the items that it holds are packed: what the provider
    keeps is neither seen nor counted.

    Args:
        client: `OpenAI()`, `AsyncOpenAI()`, `Anthropic()`, `AsyncAnthropic()` and what is derived from them (chat
            completions, Responses, messages), or the module `litellm` or one of its routers (`completion`,
            `acompletion`).
        budget: tokens of a request ("8k"), or `Budget(total=, reserve=, margin=)`; None: the window of its model
            less what the request allows for the answer, or less a usual answer.
        model: a name from `ctxwin models` to count by, where the request's own is none.
        window: a conversation that is kept: what is new in a request is stored before it is sent, the request is
            packed from all that is stored, and the answer is stored once it is whole. An answer that was broken off
            is not; the program's message is.
        recall: whether the model gets a tool with which it can ask for the full text of what was shortened or left
            out. Its calls are answered here, and the program gets the answer that follows. A window's own `recall`
            holds too. It is not offered where its calls cannot be taken out: beside `n` or `functions`, in what the
            provider continues, in streams of raw responses.

            In a stream, what the model says is passed on at once, its thoughts as soon as they lead to something, and
            what follows a recall continues the same answer: chat gets a paragraph of its text, the other APIs get
            further blocks or items. The usage that is told is that of the last request, as it is of whole answers.
        repair: whether messages that the provider would refuse are mended first, as `ctxwin.repair` does; a
            `CtxwinWarning` says of how many, in numbers alone. Tools stay as they are.
        options: further arguments of `pack`, such as `strategy`, `embedder`, `files` or `items`; files and items are
            read now, once for all requests.

    Raises:
        InputError: the client or an option is not known. A request raises what `pack` raises.

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
