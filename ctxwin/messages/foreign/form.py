"""Defines a foreign form: how it is recognised, and how its conversations are read.

A form is one file of this folder with one `FORM` in it. Every conversation is read as Items, each with an OpenAI chat
message as its `raw`, and with the time, the speaker and the session that the form knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ...items import Item
from ..conversation import Dialect
from .wording import LONGEST

__all__ = ["ExportFolder", "ForeignForm", "ForeignTalk", "said"]

_NOT_IN_NAMES = re.compile(r"[\s<|\\/>]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignTalk:
    """One conversation of a foreign file."""

    items: Sequence[Item]
    """The messages, oldest first, each with an OpenAI chat message as `raw`."""
    title: str = ""
    id: str = ""
    dialect: Dialect = "openai"
    """Dialect of the items' messages, if the form is a provider's own."""


class ExportFolder(Protocol):
    """The files of an export: a folder, or a zip that is read in place."""

    @property
    def names(self) -> Sequence[str]:
        """Paths of the files below the folder, with `/` between their parts, in order."""

    def json(self, name: str) -> Any:
        """Return the content of a JSON file.

        Raises:
            InputError: the file is damaged or too large.
        """

    def text(self, name: str) -> str:
        """Return the content of a text file.

        Raises:
            InputError: the file cannot be decoded or is too large.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignForm:
    """A form in which other programs keep conversations."""

    name: str
    """The form's name in reports and errors: "ChatGPT export"."""
    recognise: Callable[[Any], bool]
    """Tells whether a value has this form by its shape alone: loaded JSON, or a string if the form is a text."""
    read: Callable[[Any], Iterable[ForeignTalk]]
    """Reads the conversations of a recognised value.

    Raises:
        MessageError: the value is damaged; the error says where.
    """
    each: bool = False
    """Whether a file is a list of values of this form, which are recognised and read one by one."""
    unfold: Callable[[ExportFolder], Iterable[Any]] | None = None
    """Makes values of this form from a folder of files that belong together; none if the folder is no such export."""


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
        role: the message's role.
        content: a string, a list of content parts, or None.
        speaker: the speaker, as people write the name; the message's `name` omits characters that no name may hold.
        time: the time, in any form that `Item.when` reads.
        session: the sitting.
        more: further keys of the message, such as `tool_calls`; None values are left out.

    Example:
        >>> said("user", "Hello", speaker="Ana Li").raw
        {'role': 'user', 'content': 'Hello', 'name': 'Ana_Li'}
    """
    raw: dict[str, Any] = {"role": role, "content": content}
    if speaker and (name := _NOT_IN_NAMES.sub("_", speaker)[:LONGEST]):
        raw["name"] = name
    raw |= {key: value for key, value in more.items() if value is not None}
    return Item(text="", role=role, speaker=speaker or None, time=time, session=session, raw=raw)
