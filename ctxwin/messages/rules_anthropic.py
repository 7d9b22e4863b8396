"""Rules of Anthropic Messages.

Neighbouring messages of one role are one turn to the API, so rules on order look at turns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .rules import Finding, Log, Rule, content_blocks
from .values import Raw

__all__ = ["RULES"]

THINKING = frozenset({"thinking", "redacted_thinking"})

USER_ONLY = frozenset({"image", "document", "search_result", "tool_result", "container_upload"})
ASSISTANT_ONLY = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"}) | THINKING


@dataclass(frozen=True, slots=True)
class _Turn:
    role: str
    blocks: Sequence[tuple[int, Raw]]
    """Blocks with the position of their message."""

    def of(self, kind: str) -> list[tuple[int, Raw]]:
        return [(index, block) for index, block in self.blocks if block["type"] == kind]


def _turns(log: Log) -> list[_Turn]:
    turns: list[_Turn] = []
    for index, raw in _messages(log):
        blocks = [(index, block) for block in content_blocks(raw)]
        if turns and turns[-1].role == raw["role"]:
            turns[-1] = _Turn(raw["role"], [*turns[-1].blocks, *blocks])
        else:
            turns.append(_Turn(raw["role"], blocks))
    return turns


def _messages(log: Log) -> Iterator[tuple[int, Raw]]:
    """Yield the messages but for a system prompt from outside, each with its position in the log."""
    yield from list(enumerate(log.raws))[int(log.lifted) :]


def first_is_user(log: Log) -> Iterable[Finding]:
    """A conversation starts with the user; the system prompt stands outside of it."""
    for index, raw in _messages(log):
        if raw["role"] != "user":
            yield index, f"the first message is of role {raw['role']!r}; start with a user message"
        return


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
                f"a system message after one of role {earlier['role']!r}; put it after a user message",
            )
        following = log.raws[index + 1]["role"] if index + 1 < len(log.raws) else "assistant"
        if following == "user":
            yield index, "a system message before a user message; put it last or before an answer"


def content_not_empty(log: Log) -> Iterable[Finding]:
    """Every message says something; only an assistant message at the end may be empty."""
    for index, raw in _messages(log):
        final = index == len(log.raws) - 1 and raw["role"] == "assistant"
        if not raw["content"] and not final:
            yield index, f"a {raw['role']} message without content; give text or leave the message out"


def text_not_blank(log: Log) -> Iterable[Finding]:
    """A text block is more than white space; results may be empty, their text blocks may not."""
    for index, raw in enumerate(log.raws):
        if isinstance(raw["content"], str):
            if raw["content"] and not raw["content"].strip():
                yield index, "text of nothing but white space; give text or leave the message out"
            continue
        for block in _nested(content_blocks(raw)):
            if block["type"] == "text" and not block["text"].strip():
                yield index, "an empty text block; leave it out"


def _nested(blocks: Iterable[Raw]) -> Iterator[Raw]:
    for block in blocks:
        yield block
        if block["type"] == "tool_result" and not isinstance(block.get("content"), str):
            yield from _nested(content_blocks(block))


def blocks_by_role(log: Log) -> Iterable[Finding]:
    """The user shows and answers, the assistant thinks and calls, the system writes."""
    for index, raw in enumerate(log.raws):
        role = raw["role"]
        for block in content_blocks(raw):
            kind = block["type"]
            wrong = (role != "user" and kind in USER_ONLY) or (role != "assistant" and kind in ASSISTANT_ONLY)
            if wrong or (role == "system" and kind != "text"):
                yield index, f"a {role} message may not have a block of type {kind!r}"


def call_ids_unique(log: Log) -> Iterable[Finding]:
    """An id names one call in the whole request."""
    seen: set[str] = set()
    for turn in _turns(log):
        for index, block in turn.of("tool_use"):
            if block["id"] in seen:
                yield index, f"the tool_use id {block['id']!r} was used before; give each call its own"
            seen.add(block["id"])


def calls_come_last(log: Log) -> Iterable[Finding]:
    """Their results follow in the next message, so nothing may stand between."""
    for turn in _turns(log):
        called = False
        for index, block in turn.blocks:
            if called and block["type"] != "tool_use":
                yield index, f"a block of type {block['type']!r} after a tool_use; put it before the calls"
            called = called or block["type"] == "tool_use"


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
                yield index, f"the turn before has no open call {call_id!r}; put one result behind each call"
            elif said:
                yield index, f"the result of {call_id!r} stands behind other blocks; put results first"
            if calls is not None:
                calls.discard(call_id)
        calls = {block["id"] for _, block in turn.of("tool_use")}


def calls_answered(log: Log) -> Iterable[Finding]:
    """Every call has its result in the next user message; calls at the end may wait."""
    for turn, following in pairwise(_turns(log)):
        answered = {block["tool_use_id"] for _, block in following.of("tool_result")}
        for index, block in turn.of("tool_use"):
            if block["id"] not in answered:
                yield (
                    index,
                    f"the call {block['id']!r} has no result in the next message; add it or remove the call",
                )


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


def prefill_trimmed(log: Log) -> Iterable[Finding]:
    """An answer to go on with does not end in white space."""
    if not log.raws or log.raws[-1]["role"] != "assistant":
        return
    blocks = list(content_blocks(log.raws[-1]))
    if blocks and blocks[-1]["type"] == "text" and blocks[-1]["text"] != blocks[-1]["text"].rstrip():
        yield len(log.raws) - 1, "the final assistant message ends in white space; strip it"


RULES: tuple[Rule, ...] = (
    first_is_user,
    system_placed,
    content_not_empty,
    text_not_blank,
    blocks_by_role,
    call_ids_unique,
    calls_come_last,
    results_follow_calls,
    calls_answered,
    thinking_kept,
    prefill_trimmed,
)
