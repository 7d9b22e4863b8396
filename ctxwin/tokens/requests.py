"""Count messages and requests: words, roles, names, parts, media, tool calls and the start of the reply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..items import Item, MediaKind, Part
from ..messages import Dialect, note, read
from ..models import Model, get_model
from .counts import Count, Counted
from .media import media_tokens, sealed_tokens
from .overheads import REPLY_PRIMING, RequestRules, get_rules
from .tokenizers import Tokenizer, get_tokenizer
from .tools import count_tools, spell_tools

__all__ = ["count_item", "count_items", "count_note", "count_tokens", "spell"]


def count_items(items: Sequence[Item], tokenizer: Tokenizer, rules: RequestRules | Dialect = "openai") -> list[int]:
    """Count each item as one message of a request, in one call of the tokenizer.

    An item without parts is a message with its text. `REPLY_PRIMING` and tools are added once for each request. Sealed
    content counts by its upper bound, so that a request planned with these counts keeps its budget.

    Args:
        items: n items.
        tokenizer: counts the texts.
        rules: the rules of a model (`get_rules`), or the dialect of the messages.

    Example:
        >>> count_items([Item(text="Hello", role="user"), Item(text="")], get_tokenizer("o200k_base"))
        [5, 4]
    """
    rules = get_rules(rules) if isinstance(rules, str) else rules
    texts: list[str] = []
    owners: list[int] = []
    totals: list[int] = []
    for position, item in enumerate(items):
        if (plain := _plain(item)) is not None:  # nearly every message, in a loop over thousands
            texts.append(plain)
            owners.append(position)
            totals.append(rules.message)
            continue
        own = _texts(item)
        texts += own
        owners += [position] * len(own)
        totals.append(_around(item, rules) + sum(_planned(part, rules) for part in item.parts))
    for position, tokens in zip(owners, tokenizer.count_many(texts), strict=True):
        totals[position] += tokens
    return totals


def count_item(item: Item, tokenizer: Tokenizer, rules: RequestRules | Dialect = "openai") -> Count:
    """Count one item as a message of a request, with bounds.

    Example:
        >>> count_item(Item(text="Hello", role="user"), get_tokenizer("o200k_base"))
        Count(tokens=5, low=5, high=5, exact=True)
    """
    rules = get_rules(rules) if isinstance(rules, str) else rules
    words = Count.of(sum(tokenizer.count_many(_texts(item))), error=tokenizer.error)
    around = _around(item, rules)
    total = words + Count(tokens=around, low=around, high=around, exact=rules.exact and _plain(item) is not None)
    for part in item.parts:
        if (beside := _beside(part, rules)) is not None:
            total += beside
    return total


def count_note(text: str, dialect: Dialect, tokenizer: Tokenizer, rules: RequestRules) -> int:
    """Count a text as a message of its own, as `ctxwin.messages.note` writes it.

    Args:
        text: the text of the message.
        dialect: the dialect of the request.
        tokenizer: the tokenizer that counts.
        rules: the request rules of the dialect and the model.

    Example:
        >>> from ctxwin.tokens import get_rules, get_tokenizer
        >>> count_note("[3 turns omitted]", "openai", get_tokenizer("o200k_base"), get_rules("openai"))
        9
    """
    return count_items(read([note(text, dialect)], dialect=dialect).items, tokenizer, rules)[0]


def count_tokens(
    x: str | Item | Sequence[Mapping[str, Any] | Item] | Mapping[str, Any],
    *,
    model: str | Model | None = None,
    tokenizer: Any = None,
    tools: Sequence[Mapping[str, Any]] | None = None,
) -> Count:
    """Count the tokens of a text, of messages, or of a whole request.

    A text is counted alone; messages are counted with everything around them, as the provider bills input.

    Args:
        x: a text, an `Item`, messages of any of the three dialects, or a request body around them.
        model: the model that gives tokenizer, message and media rules.
        tokenizer: anything that `get_tokenizer` takes, in place of the model's.
        tools: tool schemas, in place of those of the request body.

    Raises:
        MessageError: a message is malformed; carries its index.
        UnknownModel: no model or tokenizer has this name.

    Example:
        >>> count_tokens([{"role": "user", "content": "How many tokens is this?"}], model="gpt-4o")
        Count(tokens=13, low=13, high=13, exact=True)
        >>> count_tokens("四十二")
        Count(tokens=2, low=2, high=2, exact=True)
    """
    row = get_model(model) if model is not None else None
    counter = get_tokenizer(tokenizer if tokenizer is not None else row)
    if isinstance(x, str):
        return counter.count(x) + count_tools(tools or (), counter, get_rules(model=row))
    conversation = read([x] if isinstance(x, Item) else x)
    rules = get_rules(conversation.dialect, row)
    total = count_tools(conversation.tools if tools is None else tools, counter, rules)
    for item in conversation.items:
        total += count_item(item, counter, rules)
    return total + Count.of(REPLY_PRIMING)


def spell(
    x: Sequence[Mapping[str, Any] | Item] | Mapping[str, Any],
    *,
    model: str | Model | None = None,
    tools: Sequence[Mapping[str, Any]] | None = None,
    dialect: Dialect | None = None,
) -> tuple[Counted, ...]:
    """Split a request into the pieces to count: one for each message, for the tools and for the start of the reply.

    Their counts and fixed tokens add up to the `count_tokens` of the same request.

    Args:
        x: messages of any of the three dialects, or a request body around them.
        model: the model that gives message and media rules.
        tools: tool schemas, in place of those of the request body.
        dialect: the dialect of the messages. Default: read from the messages.

    Raises:
        MessageError: a message is malformed; carries its index.
        UnknownModel: no model has this name.

    Example:
        >>> spell([{"role": "user", "content": "Hello"}])
        (Counted(texts=('Hello',), fixed=4), Counted(texts=(), fixed=3))
    """
    conversation = read(x, dialect=dialect)
    rules = get_rules(conversation.dialect, model)
    given = conversation.tools if tools is None else tools
    pieces = [_spelled(item, rules) for item in conversation.items]
    return (*([spell_tools(given, rules)] if given else []), *pieces, Counted((), REPLY_PRIMING))


def _spelled(item: Item, rules: RequestRules) -> Counted:
    beside = (_beside(part, rules) for part in item.parts)
    fixed = sum(count.tokens for count in beside if count is not None)
    return Counted(tuple(_texts(item)), _around(item, rules) + fixed)


def _plain(item: Item) -> str | None:
    """Return the text of an item that is only one text, else None."""
    parts, raw = item.parts, item.raw
    if raw is not None and "name" in raw:
        return None
    if not parts:
        return item.text
    return parts[0].text if len(parts) == 1 and parts[0].kind == "text" else None


def _texts(item: Item) -> list[str]:
    """Return all words of an item that cost tokens."""
    texts = [part.text for part in item.parts] if item.parts else [item.text]
    texts += [part.name for part in item.parts if part.kind == "call" and part.name]
    if name := _name(item):
        texts.append(name)
    return texts


def _name(item: Item) -> str | None:
    name = item.raw.get("name") if item.raw is not None else None
    return name if isinstance(name, str) and item.role not in ("tool", "function") else None


def _around(item: Item, rules: RequestRules) -> int:
    """Return what an item costs besides words and media."""
    tokens = rules.message + (rules.name if _name(item) else 0)
    if len(item.parts) == 1 and item.parts[0].kind == "text":
        return tokens
    kinds = [part.kind for part in item.parts]
    further = rules.part * max(0, len(kinds) - 1)
    return tokens + further + rules.call * kinds.count("call") + rules.result * kinds.count("result")


_MEDIA: Mapping[str, MediaKind] = {"image": "image", "audio": "audio", "video": "video", "file": "file"}


def _beside(part: Part, rules: RequestRules) -> Count | None:
    """Return what a part costs besides its words: media by their rule, sealed content by its size."""
    if part.kind == "sealed":
        return sealed_tokens(part.media.size or 0 if part.media else 0, part.name)
    kind = _MEDIA.get(part.kind)
    return media_tokens(part.media, kind, rules.media) if kind is not None else None


def _planned(part: Part, rules: RequestRules) -> int:
    """Return the tokens to plan with: for sealed content the upper bound, since nobody can read it."""
    count = _beside(part, rules)
    if count is None:
        return 0
    return count.high if part.kind == "sealed" else count.tokens
