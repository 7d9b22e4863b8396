"""Reads and writes messages of OpenAI chat, OpenAI Responses and Anthropic without loss, checks and shortens them.

    dicts ──read──▶ Conversation(items, groups) ──rewrite, note, write──▶ dicts ──check──▶ problems

`read` turns each message into an `Item` with parts that know their place in the message, and finds the messages that
belong together. The given messages are never changed.

The first sign decides the dialect: keys of a request body (`input`: responses; `system`: anthropic), then its tool
schemas, then the messages in order: a content block that only one dialect has, role `tool` or a key such as
`tool_calls` (openai), a `type` with or instead of the role (responses). Plain messages have no sign and count as
openai. A given `dialect=` overrides all signs.
"""

from __future__ import annotations

from .checks import check
from .conversation import Conversation, Dialect, Repair, Violation
from .loading import Export, Loaded, Source, conversations, holds_conversations, load, loaded, open_place
from .native import as_plain
from .picking import Candidate, pick_one
from .reading import note, write
from .repairs import repair
from .repeated import OlderResult, older_results
from .rewriting import as_written, rewrite, texts_within
from .transcript import Transcript, last_user, open_tail, read, typed, waits_for_results

__all__ = [
    "Candidate",
    "Conversation",
    "Dialect",
    "Export",
    "Loaded",
    "OlderResult",
    "Repair",
    "Source",
    "Transcript",
    "Violation",
    "as_plain",
    "as_written",
    "check",
    "conversations",
    "holds_conversations",
    "last_user",
    "load",
    "loaded",
    "note",
    "older_results",
    "open_place",
    "open_tail",
    "pick_one",
    "read",
    "repair",
    "rewrite",
    "texts_within",
    "typed",
    "waits_for_results",
    "write",
]
