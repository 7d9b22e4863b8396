"""Add up tokens as a tree: of folders and files, or of messages and their parts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePath

from ..items import Item, Part
from ..messages import Conversation
from .overheads import REPLY_PRIMING, RequestRules, get_rules
from .requests import count_items
from .tokenizers import Tokenizer
from .tools import count_tools

__all__ = ["Node", "count_conversation", "count_tree"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A name with its tokens; a node with children has the sum of their tokens."""

    name: str
    tokens: int
    children: tuple[Node, ...] = ()


@dataclass(slots=True)
class _OpenFolder:
    folders: dict[str, _OpenFolder] = field(default_factory=dict)
    files: list[Node] = field(default_factory=list)

    def frozen(self, name: str) -> Node:
        children = [inner.frozen(inner_name) for inner_name, inner in self.folders.items()] + self.files
        ordered = tuple(sorted(children, key=lambda node: node.name))
        return Node(name=name, tokens=sum(node.tokens for node in ordered), children=ordered)


def count_tree(
    files: Iterable[tuple[str | PurePath, str]],
    tokenizer: Tokenizer,
    *,
    name: str = ".",
    counted: Iterable[tuple[str | PurePath, int]] = (),
) -> Node:
    r"""Count files and add them up by folder.

    Args:
        files: paths, relative to the root, with the text of each.
        tokenizer: counts the tokens; it is called once for all files.
        name: the root's name.
        counted: paths of other files, with the tokens of each.

    Example:
        >>> from ctxwin import get_tokenizer
        >>> tree = count_tree([("src/a.py", "x = 1\n"), ("README.md", "Hello")], get_tokenizer())
        >>> tree.tokens, [(node.name, node.tokens) for node in tree.children]
        (6, [('README.md', 1), ('src', 5)])
    """
    given = [(PurePath(path), text) for path, text in files]
    counts = tokenizer.count_many([text for _, text in given])
    root = _OpenFolder()
    named = zip((path for path, _ in given), counts, strict=True)
    for path, tokens in [*named, *((PurePath(path), tokens) for path, tokens in counted)]:
        folder = root
        for part in path.parts[:-1]:
            folder = folder.folders.setdefault(part, _OpenFolder())
        folder.files.append(Node(name=path.name, tokens=tokens))
    return root.frozen(name)


def count_conversation(
    conversation: Conversation,
    tokenizer: Tokenizer,
    rules: RequestRules | None = None,
    *,
    name: str = "messages",
) -> Node:
    """Count a conversation and add it up by message and part; the root is the request's cost as input.

    Args:
        conversation: the messages, as read.
        tokenizer: counts the tokens.
        rules: the rules of a model (`get_rules`). Default: those of the conversation's dialect.
        name: the root's name.

    Example:
        >>> from ctxwin import get_tokenizer
        >>> from ctxwin.messages import read
        >>> tree = count_conversation(read([{"role": "user", "content": "Hello"}]), get_tokenizer())
        >>> tree.tokens, [(node.name, node.tokens) for node in tree.children]
        (8, [('0 user', 5), ('reply', 3)])
    """
    rules = rules or get_rules(conversation.dialect)
    totals = count_items(conversation.items, tokenizer, rules)
    several = [item for item in conversation.items if len(item.parts) > 1]
    single = [Item(text="", id="-", parts=(part,)) for item in several for part in item.parts]
    tokens = iter(count - rules.message for count in count_items(single, tokenizer, rules))
    children = []
    for position, (item, total) in enumerate(zip(conversation.items, totals, strict=True)):
        parts = [Node(name=_title(part), tokens=next(tokens)) for part in item.parts if len(item.parts) > 1]
        if parts:
            parts.append(Node(name="around", tokens=total - sum(part.tokens for part in parts)))
        name_of = f"{position} {item.role or item.kind}"
        children.append(Node(name=name_of, tokens=total, children=tuple(parts)))
    if conversation.tools:
        tools = count_tools(conversation.tools, tokenizer, rules).tokens
        children.append(Node(name="tools", tokens=tools))
    children.append(Node(name="reply", tokens=REPLY_PRIMING))
    return Node(name=name, tokens=sum(node.tokens for node in children), children=tuple(children))


def _title(part: Part) -> str:
    return f"{part.kind} {part.name}" if part.name else part.kind
