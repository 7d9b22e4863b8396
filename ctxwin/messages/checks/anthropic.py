"""Defines the rules of Anthropic Messages.

To the API, neighbouring messages of one role are one turn, so rules on order look at turns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ..conversation import Raw, brief
from .well_formed import (
    MAX_MARKS,
    NAME,
    Finding,
    Log,
    content_blocks,
    keys_known,
    misnamed,
    rule,
    tools_named,
    types_known,
)

__all__ = [
    "ASSISTANT_ONLY",
    "RULES",
    "SERVER_CALLS",
    "SERVER_ID",
    "SYSTEM",
    "THINKING",
    "USER_ONLY",
    "answer_of",
    "is_server_result",
    "marks",
    "nested",
]

THINKING = frozenset({"thinking", "redacted_thinking"})

SERVER_CALLS = frozenset({"server_tool_use", "mcp_tool_use"})
"""Calls of tools that the provider runs; their results stand in the same turn."""

USER_ONLY = frozenset({"image", "document", "search_result", "tool_result", "container_upload"})
ASSISTANT_ONLY = frozenset({"tool_use"}) | SERVER_CALLS | THINKING
SYSTEM = frozenset({"text", "tool_addition", "tool_removal"})

SERVER_ID = re.compile(r"srvtoolu_[a-zA-Z0-9_]+")
"""Source: "server_tool_use.id: String should match pattern '^srvtoolu_[a-zA-Z0-9_]+$'"."""


@dataclass(frozen=True, slots=True)
class _AnthropicTurn:
    role: str
    blocks: Sequence[tuple[int, Raw]]
    """Blocks, each with the position of its message."""

    def of(self, kind: str) -> list[tuple[int, Raw]]:
        return [(index, block) for index, block in self.blocks if block["type"] == kind]


def _turns(log: Log) -> list[_AnthropicTurn]:
    turns: list[_AnthropicTurn] = []
    for index, raw in _messages(log):
        blocks = [(index, block) for block in content_blocks(raw)]
        if turns and turns[-1].role == raw["role"]:
            turns[-1] = _AnthropicTurn(raw["role"], [*turns[-1].blocks, *blocks])
        else:
            turns.append(_AnthropicTurn(raw["role"], blocks))
    return turns


def _messages(log: Log) -> Iterator[tuple[int, Raw]]:
    """Yield the messages without a system prompt from outside, each with its position in the log."""
    yield from list(enumerate(log.raws))[int(log.lifted) :]


@rule('messages: first message must use the "user" role')
def first_is_user(log: Log) -> Iterable[Finding]:
    """A conversation starts with the user; the system prompt stands outside of it."""
    for index, raw in _messages(log):
        if raw["role"] != "user":
            yield index, f"the first message is of role {brief(raw['role'])}; start with a user message"
        return


@rule("messages.2: role 'system' must follow a user message (Mid-conversation system messages)")
def system_placed(log: Log) -> Iterable[Finding]:
    """A system message follows a user message (or a tool of the server) and stands before an answer."""
    for (_, earlier), (index, raw) in pairwise(_messages(log)):
        if raw["role"] != "system":
            continue
        kinds = [block["type"] for block in content_blocks(earlier)]
        server = earlier["role"] == "assistant" and kinds[-1:] == ["server_tool_use"]
        if earlier["role"] != "user" and not server:
            yield (
                index,
                f"a system message after one of role {brief(earlier['role'])}; put it after a user message",
            )
        following = log.raws[index + 1]["role"] if index + 1 < len(log.raws) else "assistant"
        if following == "user":
            yield index, "a system message before a user message; put it last or before an answer"


@rule("messages.1: all messages must have non-empty content except for the optional final assistant message")
def content_not_empty(log: Log) -> Iterable[Finding]:
    """Every message says something; only an assistant message at the end may be empty."""
    for index, raw in _messages(log):
        final = index == len(log.raws) - 1 and raw["role"] == "assistant"
        if not raw["content"] and not final:
            yield index, f"a {raw['role']} message without content; give text or leave the message out"


@rule("messages: text content blocks must contain non-whitespace text")
def text_not_blank(log: Log) -> Iterable[Finding]:
    """A text block is more than white space; results may be empty, their text blocks may not."""
    for index, raw in enumerate(log.raws):
        if isinstance(raw["content"], str):
            if raw["content"] and not raw["content"].strip():
                yield index, "text of nothing but white space; give text or leave the message out"
            continue
        for block in nested(content_blocks(raw)):
            if block["type"] == "text" and not block["text"].strip():
                yield index, "an empty text block; leave it out"


def nested(blocks: Iterable[Raw]) -> Iterator[Raw]:
    """Yield blocks, and the blocks inside results and documents."""
    for block in blocks:
        yield block
        inner = block.get("source") if block["type"] == "document" else block
        content = inner.get("content") if isinstance(inner, Mapping) else None
        if isinstance(content, list | tuple):
            yield from nested(one for one in content if isinstance(one, Mapping) and "type" in one)


@rule("messages.1.content.0: `tool_result` blocks can only be in `user` messages")
def blocks_by_role(log: Log) -> Iterable[Finding]:
    """The user shows and answers, the assistant thinks and calls, the system writes."""
    for index, raw in enumerate(log.raws):
        role = raw["role"]
        for block in content_blocks(raw):
            kind = block["type"]
            wrong = (role != "user" and kind in USER_ONLY) or (role != "assistant" and _of_assistant(kind))
            if wrong or (role == "system" and kind not in SYSTEM):
                yield index, f"a {role} message may not have a block of type {brief(kind)}"


def _of_assistant(kind: str) -> bool:
    return kind in ASSISTANT_ONLY or is_server_result(kind)


def is_server_result(kind: str) -> bool:
    """Tell whether a block of a type is the result of a tool that the provider ran."""
    return kind.endswith("_tool_result")


def answer_of(call: Raw) -> str:
    """Return the type of the result that a call of a provider's tool gets.

    Example:
        >>> answer_of({"type": "server_tool_use", "name": "web_fetch"})
        'web_fetch_tool_result'
    """
    if call["type"] == "mcp_tool_use":
        return "mcp_tool_result"
    name = str(call["name"])
    return "tool_search_tool_result" if name.startswith("tool_search_tool") else f"{name}_tool_result"


@rule("messages.3.content.0.tool_use.name: String should have at most 200 characters")
def tools_called_by_name(log: Log) -> Iterable[Finding]:
    """A call names its tool by 1 to 128 letters, digits, `_` and `-`."""
    for index, raw in enumerate(log.raws):
        for block in content_blocks(raw):
            if block["type"] == "tool_use" and (wrong := misnamed(block["name"], log.dialect)):
                yield index, f"the tool's {wrong}"


@rule("messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
def ids_plain(log: Log) -> Iterable[Finding]:
    """The id of a call is letters, digits, `_` and `-`; that of a provider's tool begins with srvtoolu_."""
    for index, raw in enumerate(log.raws):
        for block in content_blocks(raw):
            key = "tool_use_id" if block["type"].endswith("tool_result") else "id"
            pattern = SERVER_ID if block["type"] == "server_tool_use" else NAME
            if isinstance(block.get(key), str) and not pattern.fullmatch(block[key]):
                yield index, f"the {key} {brief(block[key])} of a {block['type']} is not {pattern.pattern}; rename it"


@rule("messages: `tool_use` ids must be unique")
def call_ids_unique(log: Log) -> Iterable[Finding]:
    """An id names one call in the whole request."""
    seen: set[str] = set()
    for index, raw in enumerate(log.raws):
        for block in content_blocks(raw):
            if block["type"] == "tool_use" or block["type"] in SERVER_CALLS:
                if block["id"] in seen:
                    yield index, f"the {block['type']} id {brief(block['id'])} was used before; give each call its own"
                seen.add(block["id"])


@rule(
    "messages.7.content.0: unexpected `tool_use_id` found in `web_search_tool_result` blocks. Each must have a"
    " corresponding `server_tool_use` block before it."
)
def server_results_follow(log: Log) -> Iterable[Finding]:
    """The result of a provider's tool comes after its call, in the same turn or after the results it waited for."""
    return ((index, said) for index, said, late in _server_pairs(log) if not late)


@rule("`web_search` tool use with id srvtoolu_1 was found without a corresponding `web_search_tool_result` block")
def server_calls_answered(log: Log) -> Iterable[Finding]:
    """A provider's tool has its result in its turn; a call beside open calls, and a turn at the end, may wait."""
    return ((index, said) for index, said, late in _server_pairs(log) if late)


def _server_pairs(log: Log) -> Iterator[tuple[int, str, bool]]:
    """Yield each fault of a call-result pair: where, what, and whether a call is the one left over."""
    waiting: dict[str, tuple[int, str]] = {}
    turns = _turns(log)
    for number, turn in enumerate(turns):
        if turn.role != "assistant":
            continue
        for index, block in turn.blocks:
            if block["type"] in SERVER_CALLS:
                waiting[block["id"]] = (index, answer_of(block))
            elif is_server_result(block["type"]):
                _, kind = waiting.pop(block["tool_use_id"], (0, ""))
                if kind != block["type"] and not log.elsewhere:
                    said = f"no {block['type']} was asked for by the id {brief(block['tool_use_id'])}"
                    yield index, f"{said}; put it behind its call or leave it out", False
        if turn.of("tool_use") or number == len(turns) - 1:
            continue
        for index, kind in waiting.values():
            yield index, f"a call without its {kind} in the same turn; add it or remove the call", True
        waiting.clear()


@rule("A maximum of 4 blocks with cache_control may be provided. Found 5.")
def marks_few(log: Log) -> Iterable[Finding]:
    """A request has at most four cache marks, those of tools and system prompt included."""
    count = sum(1 for _ in marks(log.raws, log.body)) + isinstance(log.body.get("cache_control"), Mapping)
    if count > MAX_MARKS:
        yield None, f"{count} blocks with cache_control; keep at most {MAX_MARKS}"


@rule("a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block")
def marks_ordered(log: Log) -> Iterable[Finding]:
    """Cache marks that last an hour come before those of five minutes."""
    short = False
    for index, holder in marks(log.raws, log.body):
        long = holder["cache_control"].get("ttl") == "1h"
        if long and short:
            yield index, "a cache mark of an hour after one of five minutes; give them one ttl or swap them"
        short = short or not long


def marks(raws: Sequence[Raw], body: Mapping[str, Any]) -> Iterator[tuple[int | None, Raw]]:
    """Yield the tools and blocks with a cache mark, each with its message's position; None for a tool."""
    holders: list[tuple[int | None, Raw]] = [(None, tool) for tool in body.get("tools") or ()]
    for index, raw in enumerate(raws):
        holders += [(index, block) for block in nested(content_blocks(raw))]
    yield from (holder for holder in holders if isinstance(holder[1].get("cache_control"), Mapping))


@rule("messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1.")
def calls_come_last(log: Log) -> Iterable[Finding]:
    """Their results follow in the next message, so nothing may stand between."""
    for turn in _turns(log):
        called = False
        for index, block in turn.blocks:
            if called and block["type"] != "tool_use":
                yield index, f"a block of type {brief(block['type'])} after a tool_use; put it before the calls"
            called = called or block["type"] == "tool_use"


@rule("messages.2.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1.")
def results_follow_calls(log: Log) -> Iterable[Finding]:
    """A result answers a call of the turn right before it, once, before anything else is said."""
    calls: set[str] | None = None if log.elsewhere else set()  # None: the provider keeps the turn before
    for turn in _turns(log):
        said = False
        for index, block in turn.blocks:
            if block["type"] != "tool_result":
                said = True
                continue
            call_id = block["tool_use_id"]
            if calls is not None and call_id not in calls:
                yield index, f"the turn before has no open call {brief(call_id)}; put one result behind each call"
            elif said:
                yield index, f"the result of {brief(call_id)} stands behind other blocks; put results first"
            if calls is not None:
                calls.discard(call_id)
        calls = {block["id"] for _, block in turn.of("tool_use")}


@rule("Each `tool_use` block must have a corresponding `tool_result` block in the next message.")
def calls_answered(log: Log) -> Iterable[Finding]:
    """Every call has its result in the next user message; calls at the end may wait."""
    for turn, following in pairwise(_turns(log)):
        answered = {block["tool_use_id"] for _, block in following.of("tool_result")}
        for index, block in turn.of("tool_use"):
            if block["id"] not in answered:
                yield (
                    index,
                    f"the call {brief(block['id'])} has no result in the next message; add it or remove the call",
                )


@rule("messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`.")
def thinking_kept(log: Log) -> Iterable[Finding]:
    """Thinking is never the last block, and with thinking enabled an open tool chain starts with it."""
    for index, raw in _messages(log):
        kinds = [block["type"] for block in content_blocks(raw)]
        if raw["role"] == "assistant" and kinds and kinds[-1] in THINKING:
            yield index, "thinking is the last block; keep what it led to"
    enabled = log.body.get("thinking")
    if not isinstance(enabled, dict) or enabled.get("type") != "enabled":
        return
    turns = _turns(log)
    if len(turns) > 1 and turns[-1].of("tool_result"):
        index, block = turns[-2].blocks[0]
        if block["type"] not in THINKING:
            yield index, "thinking is enabled, but the open tool chain lost its thinking block; keep it"


@rule("messages: final assistant content cannot end with trailing whitespace")
def prefill_trimmed(log: Log) -> Iterable[Finding]:
    """An answer to go on with does not end in white space."""
    if not log.raws or log.raws[-1]["role"] != "assistant":
        return
    blocks = list(content_blocks(log.raws[-1]))
    if blocks and blocks[-1]["type"] == "text" and blocks[-1]["text"] != blocks[-1]["text"].rstrip():
        yield len(log.raws) - 1, "the final assistant message ends in white space; strip it"


RULES = (
    types_known("messages.0.content.0: Input tag 'foo' found using 'type' does not match any of the expected tags"),
    keys_known("messages.65.content.1.tool_use.text: Extra inputs are not permitted"),
    tools_named("tools.7.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"),
    first_is_user,
    system_placed,
    content_not_empty,
    text_not_blank,
    blocks_by_role,
    tools_called_by_name,
    ids_plain,
    call_ids_unique,
    calls_come_last,
    results_follow_calls,
    calls_answered,
    server_results_follow,
    server_calls_answered,
    marks_few,
    marks_ordered,
    thinking_kept,
    prefill_trimmed,
)
