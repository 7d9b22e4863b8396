"""What a foreign form is: how it is recognised, and how the conversations in it are read.

A form is one file of this folder with one `FORM` in it. Whatever comes in, a conversation comes out as Items, each
with an OpenAI chat message as its `raw`, and with the time, the speaker and the session that the form knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ...items import Item
from ..conversation import Dialect

__all__ = ["ExportFolder", "ForeignForm", "ForeignTalk", "said"]

_NOT_IN_NAMES = re.compile(r"[\s<|\\/>]+")
LONGEST_NAME = 64
"""Characters of a message's `name` [OpenAI, Chat completions, as its errors give the rule]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignTalk:
    """One conversation of a foreign file."""

    items: Sequence[Item]
    """Its messages, oldest first, each with an OpenAI chat message as `raw`."""
    title: str = ""
    id: str = ""
    dialect: Dialect = "openai"
    """Whose messages its items have, where that is a provider's own form."""


class ExportFolder(Protocol):
    """The files of an export: a folder, or a zip that is read where it lies."""

    @property
    def names(self) -> Sequence[str]:
        """Paths of the files below it, with `/` between their parts, in order."""

    def json(self, name: str) -> Any:
        """Return what a JSON file holds.

        Raises:
            InputError: it is damaged or too large.
        """

    def text(self, name: str) -> str:
        """Return what a text file holds.

        Raises:
            InputError: it cannot be decoded or is too large.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignForm:
    """A form in which other programs keep conversations."""

    name: str
    """What it is called in reports and errors: "ChatGPT export"."""
    recognise: Callable[[Any], bool]
    """Tells whether a value has this form by its shape alone: loaded JSON, or a string where the form is a text."""
    read: Callable[[Any], Iterable[ForeignTalk]]
    """Reads the conversations of a value that was recognised.

    Raises:
        MessageError: it is damaged; the error says where.
    """
    each: bool = False
    """Whether a file is a list of values of this form, which are recognised and read one by one."""
    unfold: Callable[[ExportFolder], Iterable[Any]] | None = None
    """Makes values of this form of a folder whose files belong together; none where the folder is no such export."""


def said(
    role: str,
    content: Any,
    *,
    speaker: str | None = None,
    time: str | None = None,
    session: str | None = None,
    **more: Any,
) -> Item:
    """Return an Item around an OpenAI chat message.

    Args:
        role: of the message.
        content: a string, a list of content parts, or None.
        speaker: who spoke, in people's words; the message's `name` has it without what no name may hold.
        time: when, in any form that `Item.when` reads.
        session: which sitting.
        more: further keys of the message, such as `tool_calls`; those that are None are left out.

    Example:
        >>> said("user", "Hello", speaker="Ana Li").raw
        {'role': 'user', 'content': 'Hello', 'name': 'Ana_Li'}
    """
    raw: dict[str, Any] = {"role": role, "content": content}
    if speaker and (name := _NOT_IN_NAMES.sub("_", speaker)[:LONGEST_NAME]):
        raw["name"] = name
    raw |= {key: value for key, value in more.items() if value is not None}
    return Item(text="", role=role, speaker=speaker or None, time=time, session=session, raw=raw)
