"""Define the values that every module passes on: items, their parts, and budgets.

All are frozen and compare by content; functions return new ones. An `Item` is a turn of a
conversation, a chunk or passage of a document, a memory, or a whole document (which a `Pool` cuts into chunks).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, ClassVar, Literal, get_args

from ..errors import InputError, MessageError

__all__ = [
    "FORM_KINDS",
    "KINDS",
    "Budget",
    "FormKind",
    "Header",
    "Item",
    "Kind",
    "Media",
    "MediaKind",
    "Part",
    "PartKind",
    "content_hash",
    "name_of",
    "parse_query",
    "parse_time",
    "parse_tokens",
]

Kind = Literal["turn", "chunk", "passage", "memory", "document"]
KINDS: tuple[str, ...] = get_args(Kind)

Header = tuple[int, str]
"""A row of column names in a source: the number of its first line, from 1, and its text."""
FormKind = Literal["full", "extract", "summary", "stub"]
FORM_KINDS: tuple[FormKind, ...] = get_args(FormKind)
"""The kinds of form in which an item or a text is shown: whole, by its own sentences, retold, or named."""

MediaKind = Literal["image", "audio", "video", "file"]
"""How an attachment is shown."""

PartKind = Literal["text", "image", "audio", "video", "file", "call", "result", "reasoning", "sealed", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """The facts about an image, sound, film or document that are known without decoding it.

    An unknown figure is None; the token rules then take the provider's worst case or default and say so.
    """

    mime: str | None = None
    width: int | None = None
    """Pixels."""
    height: int | None = None
    """Pixels."""
    detail: str | None = None
    """OpenAI's `low`, `high` or `auto`."""
    seconds: float | None = None
    """Length of sound or film."""
    pages: int | None = None
    """Pages of a document."""
    text_size: tuple[int, int] | None = None
    """Least and most bytes of the text (UTF-8) inside a document that is neither text nor PDF."""
    size: int | None = None
    """Bytes of the decoded content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One piece of a message: text, an image, a tool call, a tool result, reasoning.

    `path` says where the piece stands in the original message (keys and indices), so that a
    shortened text can be put back at the same place while everything else stays the same.
    """

    kind: PartKind
    text: str = ""
    """The words of the piece: text, a call's arguments, a result's content, a caption; "" for bare media."""
    path: tuple[str | int, ...] = ()
    name: str | None = None
    """The function's name for a call; the content's hash for sealed content."""
    call_id: str | None = None
    """The id that ties a call to its result."""
    media: Media | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that may be packed: `Item(text="...", speaker="Ana", time="2024-05-03")`.

    Raises:
        MessageError: `text` is not a string or `kind` is unknown.

    Example:
        >>> Item(text="We sign the lease on Friday.", speaker="Ana", time="1:56 pm on 8 May, 2023").when
        datetime.datetime(2023, 5, 8, 13, 56)
    """

    text: str
    """The words that the item is found and counted by; for a message, the words of all its parts."""
    id: str = ""
    """The item's name in reports and plans; if empty, it is made from the content."""
    kind: Kind = "turn"
    role: str | None = None
    """`system`, `user`, `assistant`, `tool`, ... for turns."""
    speaker: str | None = None
    session: str | None = None
    """The sitting of a conversation that a turn belongs to."""
    time: str | datetime | None = None
    """A time in ISO format, or as people write it; `when` is the parsed time."""
    source: str | None = None
    """Where the item comes from: a file's path, a store's name, a conversation's id."""
    title: str | None = None
    """The section's heading, the function's name or the passage's title."""
    lines: tuple[int, int] | None = None
    """First and last line in the source, from 1, inclusive."""
    span: tuple[int, int] | None = None
    """First character and the one after the last, in the source."""
    bytes: tuple[int, int] | None = None
    """First byte and the one after the last, in the source's text as UTF-8 (without a byte order mark)."""
    place: str | None = None
    """Where the item stands in a document that shows readers no line numbers: `p. 3`, `slide 4`, `sheet Sales`."""
    header: Header | None = None
    """The row of column names above the item in its source; the request shows this row with the item."""
    prior: float = 1.0
    """The score from the search that found the item, 0 to 1 (best); relevance is multiplied by it."""
    pinned: bool = False
    """The item must stay, whole."""
    parts: tuple[Part, ...] = ()
    """The pieces of a message; empty for plain text."""
    raw: Mapping[str, Any] | None = field(default=None, hash=False)
    """The original message; never changed."""

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise MessageError(f"an Item's text is a string, not {type(self.text).__name__}")
        if self.kind not in KINDS:
            raise MessageError(f"unknown kind {self.kind!r} of an Item; use one of {', '.join(KINDS)}")
        if not self.id:
            who = (self.kind, self.role, self.speaker, self.session, str(self.time), self.source, self.span)
            object.__setattr__(self, "id", content_hash(repr(who), self.text)[:12])

    @property
    def when(self) -> datetime | None:
        """`time` as a naive datetime (in UTC if `time` named a zone), or None if it cannot be read."""
        return parse_time(self.time)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The number of tokens that a request may have: `Budget(total=8_000, reserve=1_000)`.

    Raises:
        InputError: a figure is negative, or nothing is left.
    """

    total: int
    """Tokens of the window, or of the part of the window that may be used."""
    reserve: int = 0
    """Tokens kept free for the answer."""
    margin: int | None = None
    """Tokens kept free for counting errors. Default: 0 for an exact tokenizer, else the error that 95 % of the
    tokenizer's counts stay within."""
    enough: float | None = None
    """Share of what the whole budget is expected to hold of the evidence that is enough, over 0 to 1: a request takes
    no more tokens than that needs. None fills the budget with what is relevant."""
    __pydantic_config__: ClassVar = {"extra": "forbid"}  # from outside: a misspelt figure would be no figure

    def __post_init__(self) -> None:
        for name in ("total", "reserve", "margin"):
            figure = getattr(self, name)
            if figure is None and name == "margin":
                continue
            if isinstance(figure, bool) or not isinstance(figure, int):
                raise InputError(f"budget {name} is a whole number of tokens, not {figure!r}")
            if figure < 0:
                raise InputError(f"budget {name} is {figure:,} tokens; give 0 or more")
        share = self.enough
        if share is not None and (isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1):
            raise InputError(f"budget enough is {share!r}; give a share over 0 and up to 1, such as 0.95")
        if self.limit <= 0:
            raise InputError(
                f"budget total {self.total:,} - reserve {self.reserve:,} - margin {self.margin or 0:,} "
                "leaves no token for the request; raise the total or lower the reserve"
            )

    @property
    def limit(self) -> int:
        """Tokens that the request may have: total - reserve - margin."""
        return self.total - self.reserve - (self.margin or 0)


SCALES = {"": 1, "k": 1_000, "m": 1_000_000}
"""The factor that a letter after a number of tokens stands for."""
MOST_TOKENS = 1_000_000_000
"""The most tokens that a budget may have: a thousand times the largest window there is."""
_TOKENS = re.compile(r"(?P<sign>[-+]?)(?P<figure>[0-9][0-9_]*(?:\.[0-9]+)?)\s*(?P<scale>[km]?)", re.IGNORECASE)


def parse_query(query: object) -> str | None:
    """Return the query, or None if it is empty.

    Raises:
        InputError: the query is no string.

    Example:
        >>> parse_query("  ") is None
        True
    """
    if query is not None and not isinstance(query, str):
        raise InputError(f"a query is a string, not {type(query).__name__}; give the text of the question")
    return query if query is not None and query.strip() else None


def parse_tokens(text: str, *, option: str = "budget") -> int:
    """Read a number of tokens as people write it, such as `8k`.

    Raises:
        InputError: the text is not a whole number of tokens above 0; the message names the option.

    Example:
        >>> parse_tokens("2k"), parse_tokens("8_000"), parse_tokens("1.5k"), parse_tokens("1m")
        (2000, 8000, 1500, 1000000)
    """
    found = _TOKENS.fullmatch(text.strip())
    if found is None:
        raise InputError(f"{option} {text!r} is no number of tokens; write it like 2000, 8_000, 2k or 1.5k")
    tokens = float(found["figure"].replace("_", "")) * SCALES[found["scale"].lower()]
    if tokens > MOST_TOKENS:
        raise InputError(
            f"{option} {text[:20]!r}... is over {MOST_TOKENS:,} tokens, more than any window; write it like 2k"
        )
    if found["sign"] == "-" or tokens < 1:
        raise InputError(f"{option} {text!r} is no budget: it must be at least 1 token; write it like 2k")
    if tokens != int(tokens):
        raise InputError(f"{option} {text!r} is {tokens:,} tokens; give a whole number")
    return int(tokens)


def name_of(given: object) -> str:
    """Return the name of a function, as reports show it; of any other object, the name of its class.

    Example:
        >>> name_of(parse_tokens), name_of(Budget(total=9))
        ('parse_tokens', 'Budget')
    """
    given = given.func if isinstance(given, partial) else given
    name = getattr(given, "__qualname__", None) or type(given).__name__
    return str(name).rpartition("<locals>.")[2]


def content_hash(*texts: str) -> str:
    """Hash texts (lone surrogates included) to 32 hexadecimal digits, the key of every cache."""
    digest = hashlib.blake2b(digest_size=16)
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul",
            "august aug", "september sep sept", "october oct", "november nov", "december dec",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_DAY_FORMS = (
    re.compile(r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})"),
    re.compile(r"(?P<year>\d{4})\s*年\s*(?P<month>\d{1,2})\s*月\s*(?P<day>\d{1,2})\s*[日号]?"),
    re.compile(
        rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[\s-]+(?:of\s+)?(?P<name>{_MONTH})\.?,?[\s-]+(?P<year>\d{{4}})",
        re.I,
    ),
    re.compile(rf"(?P<name>{_MONTH})\.?[\s-]+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?[\s-]+(?P<year>\d{{4}})", re.I),
)
_CLOCK = re.compile(r"(?<!\d)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::\d{2})?\s*(?P<half>[ap]\.?m\.?)?", re.I)


@lru_cache(maxsize=65_536)
def parse_time(time: str | datetime | None) -> datetime | None:
    """Read a time in ISO format or as people write it; return None if it cannot be read.

    A time with a zone is converted to UTC; the result has no zone, so that all times can be compared.

    Example:
        >>> parse_time("2023/07/12 (Wed) 10:14")
        datetime.datetime(2023, 7, 12, 10, 14)
        >>> parse_time("March-15-2024")
        datetime.datetime(2024, 3, 15, 0, 0)
    """
    if isinstance(time, str):
        try:
            time = datetime.fromisoformat(time.strip())
        except ValueError:
            return _parse_free(str(time))
    if time is not None and time.tzinfo is not None:
        return time.astimezone(UTC).replace(tzinfo=None)
    return time


def _parse_free(text: str) -> datetime | None:
    for form in _DAY_FORMS:
        if day := form.search(text):
            found = day.groupdict()
            month = MONTHS[found["name"].lower()] if found.get("name") else int(found["month"])
            clock = _CLOCK.search(text[: day.start()] + " " + text[day.end() :])
            hour, minute = (int(clock["hour"]), int(clock["minute"])) if clock else (0, 0)
            if clock and clock["half"]:
                hour = hour % 12 + (12 if clock["half"].lower().startswith("p") else 0)
            try:
                return datetime(int(found["year"]), month, int(found["day"]), hour, minute)  # noqa: DTZ001
            except ValueError:
                return None
    return None
