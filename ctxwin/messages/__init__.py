"""Messages of OpenAI chat, OpenAI Responses and Anthropic: in and out without loss, checked, shortened.

    dicts ──read──▶ Conversation(items, groups) ──rewrite, note, write──▶ dicts ──check──▶ problems

`read` turns each message into an `Item` whose parts say where in the message they stand, and finds what
hangs together; nothing is ever changed in what came in.

The dialect is the first that is told: by keys of a request body (`input`: responses; `system`: anthropic),
by its tool schemas, then by the messages in order: a content block that only one dialect has, role `tool`
or a key such as `tool_calls` (openai), a `type` beside or instead of the role (responses). Plain
messages tell nothing and count as openai; `dialect=` decides before all of this.
"""

from __future__ import annotations

from .checks import check
from .conversation import Conversation, Dialect, Repair, Violation
from .groups import last_user, open_tail, typed, waits_for_results
from .loading import Loaded, conversations, holds_conversations, load, loaded
from .origins import Export, Source, open_place
from .picking import Candidate, pick_one
from .reading import note, write
from .repairs import repair
from .rewriting import as_written, rewrite, texts_within
from .sdk_objects import as_plain
from .transcript import Transcript, read

__all__ = [
    "Candidate",
    "Conversation",
    "Dialect",
    "Export",
    "Loaded",
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
