"""Loads conversations from anywhere: messages, request bodies, files, exports of other programs."""

from __future__ import annotations

import codecs
import io
import itertools
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, TextIO, cast

from ..errors import InputError, MessageError
from ..items import Item
from .conversation import OUTSIDE, Dialect
from .foreign import FORMS, ForeignForm, recognise
from .json_values import MOST, JsonValues
from .looks import looks_like
from .native import as_plain, is_body, is_native, may_be_native
from .picking import Candidate, Picked, pick_one

__all__ = [
    "Export",
    "Loaded",
    "Source",
    "conversations",
    "holds_conversations",
    "is_place",
    "load",
    "loaded",
    "open_place",
]

JSON = (".json", ".jsonl", ".ndjson")
LINES = (".jsonl", ".ndjson")
"""Endings of file names that promise one JSON value per line."""
HEAD = 256
"""Characters that are read to tell JSON from other texts."""
SPOOLED = 1 << 24
"""Bytes of a stream that are kept in memory; more go to a temporary file."""
LONGEST = 4_096
"""Characters of a path: PATH_MAX of Linux."""
MOST_FILES = 100_000
"""Most files of a folder or zip that are looked at."""
BOMB_BYTES, BOMB_RATIO = 1 << 26, 200
"""A member of a zip is refused if it unpacks to more than this many bytes and to more than this many times its packed
size: text seldom packs to less than a fiftieth, a bomb to a thousandth."""
MARKS: Mapping[bytes, str] = {
    codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32", codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
"""Byte order marks, the longest first."""
HIDDEN = ("__MACOSX", ".")
"""Beginnings of names of files in an export that nobody wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that can be read more than once."""

    name: str
    """The name of the file in errors."""
    open: Callable[[], IO[bytes]]

    @property
    def suffix(self) -> str:
        """The ending of the file's name, in lower case: `.json`."""
        return PurePosixPath(self.name).suffix.lower()

    def values(self) -> JsonValues | None:
        """Return the file's values if it is JSON, by its name or its first characters; else None.

        Raises:
            InputError: the file cannot be read.
        """
        with self._stream() as text:
            head = text.read(HEAD).lstrip()
        if not head and not self.text().strip():
            raise InputError(f"{self.name!r} is empty; give a list of messages, or an export of a chat program")
        inner = head[1:].lstrip()[:1]
        begins = head[:1] == "{" or (head[:1] == "[" and (not inner or inner in '{["]'))
        if not begins and self.suffix not in JSON:
            return None
        return JsonValues(self._stream(), self.name, lines=self.suffix in LINES)

    def text(self) -> str:
        """Return the whole file as text.

        Raises:
            InputError: the file is no text or too long.
        """
        with self._stream() as stream:
            text = stream.read(MOST + 1)
        if len(text) > MOST:
            raise InputError(f"{self.name!r} is a text of over {MOST:,} characters; give a smaller part of it")
        return text

    def _stream(self) -> TextIO:
        """Open the file as characters: UTF-8, or UTF-16 or 32 by its mark or zero bytes."""
        try:
            with self.open() as data:
                head = data.read(4)
            return cast(TextIO, _Decoded(self.open(), _encoding(head), self.name))
        except FileNotFoundError:
            raise InputError(f"no file {self.name!r}; check the path") from None
        except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            why = getattr(error, "strerror", None) or error
            raise InputError(f"cannot read {self.name!r}: {why}; give a readable file") from None


class _Decoded(io.TextIOWrapper):
    """Characters of a file; an undecodable byte raises an error that names the file."""

    def __init__(self, data: IO[bytes], encoding: str, name: str) -> None:
        super().__init__(cast(BinaryIO, data), encoding=encoding, newline="")
        self._name = name

    def read(self, size: int | None = -1, /) -> str:
        """Read `size` characters, or all."""
        try:
            return super().read(size)
        except UnicodeError as error:
            at = f" at byte {error.start:,}" if isinstance(error, UnicodeDecodeError) else ""
            raise InputError(f"{self._name!r} is not UTF-8{at}; save it as UTF-8") from None
        except (OSError, zipfile.BadZipFile, EOFError, RuntimeError) as error:
            raise InputError(f"cannot read {self._name!r}: {error}; give a readable file") from None


def _encoding(head: bytes) -> str:
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return encoding
    if len(head) == 4 and head.count(0) == 2 and head[0] != head[1]:
        return "utf-16-le" if head[1] == 0 else "utf-16-be"
    return "utf-8"


class Export:
    """The files of a folder or a zip, read in place.

    Args:
        name: the folder's name in errors.
        sources: the files by their paths below the folder.
        zipped: whether the folder is a zip.
    """

    def __init__(self, name: str, sources: Mapping[str, Source], *, zipped: bool = False) -> None:
        self.name = name
        self.zipped = zipped
        self.sources = dict(sorted(sources.items()))

    @property
    def names(self) -> Sequence[str]:
        """Paths of the files, in order."""
        return tuple(self.sources)

    def json(self, name: str) -> Any:
        """Return the content of one of its JSON files."""
        values = self.sources[name].values()
        if values is None:
            return None
        found = list(values)
        return found if values.listed or len(found) != 1 else found[0]

    def text(self, name: str) -> str:
        """Return the content of one of its text files."""
        return self.sources[name].text()


def is_place(given: object) -> bool:
    """Tell whether a value is a place to read from: a path, an open binary file, or an opened place."""
    return isinstance(given, str | os.PathLike | Source | Export) or callable(getattr(given, "read", None))


def open_place(given: Any) -> Source | Export:
    """Return a file, or the files of a folder or a zip.

    Args:
        given: a path, or an open binary file, such as `sys.stdin.buffer`.

    Raises:
        InputError: the place does not exist, or cannot be read.
    """
    if not isinstance(given, str | os.PathLike):
        return _open_stream(given)
    path, name = Path(given), os.fspath(given)
    if isinstance(name, bytes) or "\n" in name or len(name) > LONGEST:
        raise InputError(
            f"the messages are {type(name).__name__} of {len(name):,} characters and no path; "
            "give a text as [{'role': 'user', 'content': ...}]"
        )
    try:
        if path.is_dir():
            return _folder(path)
        if path.is_file() and zipfile.is_zipfile(path):
            return _archive(name, path)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {name[:200]!r}: {getattr(error, 'strerror', error)}; check the path") from None
    if path.exists() and not path.is_file():  # a pipe: what it gives it gives once
        with path.open("rb") as stream:
            return _open_stream(stream, name)
    return Source(name=name, open=_reader(path))


def _open_stream(given: Any, name: str = "") -> Source | Export:
    name = name or (
        "standard input" if getattr(given, "name", "") in ("<stdin>", 0) else str(getattr(given, "name", ""))
    )
    kept: IO[bytes] = _Spooled(max_size=SPOOLED)
    head = given.read(1)
    if isinstance(head, str):
        raise InputError("the file is open as text; open it with mode 'rb', or give its path")
    kept.write(head)
    shutil.copyfileobj(given, kept)
    kept.seek(0)
    if zipfile.is_zipfile(kept):
        return _archive(name, kept)
    return Source(name=name or "the stream", open=lambda: io.BufferedReader(_Again(kept)))


class _Spooled(tempfile.SpooledTemporaryFile[bytes]):
    """The bytes of a stream, kept as long as anything reads them."""

    def __del__(self) -> None:
        self.close()


class _Again(io.RawIOBase):
    """A kept stream from its beginning; closing leaves the stream open."""

    def __init__(self, kept: IO[bytes]) -> None:
        kept.seek(0)
        self._spooled = kept

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._spooled.seek(offset, whence)

    def readinto(self, buffer: Any, /) -> int:
        data = self._spooled.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _reader(path: Path) -> Callable[[], IO[bytes]]:
    return lambda: path.open("rb")


def _folder(path: Path) -> Export:
    sources: dict[str, Source] = {}
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(one for one in folders if not one.startswith(HIDDEN))
        for one in sorted(files):
            file = Path(folder, one)
            if one.startswith(HIDDEN) or not file.is_file():
                continue
            if len(sources) == MOST_FILES:
                raise InputError(f"{str(path)!r} has over {MOST_FILES:,} files; give the folder of one export")
            sources[file.relative_to(path).as_posix()] = Source(name=str(file), open=_reader(file))
    return Export(str(path), sources)


def _archive(name: str, file: Any) -> Export:
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError) as error:
        raise InputError(f"{name!r} is a damaged zip ({error}); export it again") from None
    members = [one for one in archive.infolist() if not one.is_dir()]
    if len(members) > MOST_FILES:
        raise InputError(f"{name!r} has {len(members):,} files, and {MOST_FILES:,} are read at most; give one export")
    sources = {}
    for member in members:
        if not any(part.startswith(HIDDEN) for part in PurePosixPath(member.filename).parts):
            sources[member.filename] = Source(name=f"{name}/{member.filename}", open=_opener(archive, member, name))
    return Export(name, sources, zipped=True)


def _opener(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> Callable[[], IO[bytes]]:
    def opened() -> IO[bytes]:
        times = member.file_size / max(1, member.compress_size)
        if member.file_size > BOMB_BYTES and times > BOMB_RATIO:
            raise InputError(
                f"{member.filename!r} in {name!r} unpacks to {member.file_size:,} bytes, {times:,.0f} times its size, "
                "which no text does; give another file"
            )
        return archive.open(member)

    return opened


FIELDS = ("id", "kind", "role", "speaker", "session", "time", "source", "title")
"""Fields of an Item that a file may give besides `text`."""
MESSAGES = "messages"
"""Name in errors of a value that comes from no file."""
AROUND = ("conversations", "conversation", "data")
"""Keys of objects that hold the conversations of an export."""
CONVERSATIONS = frozenset({".json", ".jsonl", ".ndjson"})
"""Endings of files in a folder or a zip that may each hold a conversation."""
EXPORTED = re.compile(r"(?:[^/]+/)?conversations(?:-\d+)?\.json")
"""File names in ChatGPT's and Claude.ai's exports."""
_END = object()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Loaded:
    """A conversation that was loaded."""

    messages: Any
    """A list of messages or Items, or a request body, as `read` takes it."""
    origin: str = ""
    """The source, such as "ChatGPT export, conversation 'Trip to Bergen' (3 of 120)"; "" for a provider's messages that
    were given alone."""


class _Foreign(InputError):
    """A value that is no conversation in any form."""


def load(source: Any, pick: str | int | None = None) -> Loaded:
    """Load one conversation.

    Args:
        source: a path of a file, a folder or a zip; an open binary file; or the loaded value: messages, a request body,
            items such as `{"text": ..., "speaker": ..., "time": ...}`, or a conversation of another program in a form
            of `ctxwin.messages.foreign`.
        pick: the conversation to take from several: its title, whole or in part, its id, or its number from 1.

    Returns:
        The messages in the form of their provider if they have one, else as Items around OpenAI chat messages.

    Raises:
        InputError: the source cannot be read, has no known form (the error says what it looks like), or holds several
            conversations and `pick` does not select one.
        MessageError: a conversation in it is damaged.

    Example:
        >>> talk = {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]}
        >>> loaded = load(talk)
        >>> loaded.origin, [item.raw["content"] for item in loaded.messages]
        ('ShareGPT', ['Hi', 'Hello'])
    """
    if not is_place(source):
        source = as_plain(source)
        if pick is None and is_native(source):
            return Loaded(messages=source)
    name, found = conversations(source)
    try:
        return loaded(pick_one(found, pick, name))
    except RecursionError:
        raise InputError(f"{name!r} is nested too deeply to be read; give messages as a list") from None


def loaded(picked: Picked) -> Loaded:
    """Return a picked conversation with ids for its items and a description of its source."""
    one = picked.candidate
    messages = one.messages
    if one.form and isinstance(messages, Sequence):
        messages = _in_dialect([replace(item, id=f"m{at}") for at, item in enumerate(messages)], one.dialect)
    title = " ".join((one.title or one.id).split())
    named = f"conversation {title!r}" if title else "conversation"
    place = f"{picked.number:,} of {picked.total:,}"
    if picked.total > 1:
        origin = f"{one.form}, {named} ({place})" if one.form else f"conversation {place}"
    else:
        origin = f"{one.form}, {named}" if one.form and title else one.form
    return Loaded(messages=messages, origin=origin)


def _in_dialect(items: Sequence[Item], dialect: Dialect) -> Any:
    """Return items; if the dialect keeps the system prompt apart, in a request body."""
    first = items[0].raw or {}
    outside = OUTSIDE.get(dialect)
    if outside is None or first.get("role") != "system":
        return items
    return {outside: first["content"], "input" if dialect == "responses" else "messages": list(items[1:])}


def conversations(source: Any) -> tuple[str, Iterator[Candidate]]:
    """Return the name of a source, and an iterator over its conversations, read one by one.

    Raises:
        InputError: while iterating, as in `load`.
    """
    if not is_place(source):
        return MESSAGES, _of_value(source, MESSAGES)
    place = source if isinstance(source, Source | Export) else open_place(source)
    return place.name, _of_export(place) if isinstance(place, Export) else _of_file(place)


def holds_conversations(source: Any) -> bool:
    """Tell whether a file holds a conversation, or a folder is an export; a folder of other files is none.

    Raises:
        InputError: the place cannot be read.
    """
    place = source if isinstance(source, Source | Export) else open_place(source)
    if isinstance(place, Export):
        return place.zipped or _is_export(place)
    try:
        return next(_of_file(place), None) is not None
    except _Foreign:
        return False
    except (InputError, MessageError):  # broken JSON in a file that is named so: whoever reads it says what is wrong
        return place.suffix in CONVERSATIONS


def _is_export(export: Export) -> bool:
    whole = (form.unfold(export) for form in FORMS if form.unfold is not None)
    return any(next(iter(one), _END) is not _END for one in whole) or any(map(EXPORTED.fullmatch, export.names))


def _of_file(file: Source) -> Iterator[Candidate]:
    values = file.values()
    if values is None:
        text = file.text()
        form = recognise(text)
        if form is None:
            raise _refused(text, file.name)
        return _read(form, text, file.name)
    return _of_values(iter(values), file.name, listed=values.listed)


def _of_values(values: Iterator[Any], name: str, *, listed: bool) -> Iterator[Candidate]:
    """Yield the conversations of values that come one by one: each value is one, or all together are."""
    first = next(values, _END)
    if first is _END:
        raise InputError(f"{name!r} holds no messages; give a list of messages, or an export of a chat program")
    second = next(values, _END)
    if second is _END and not listed:
        yield from _of_value([first] if isinstance(first, Mapping) and "role" in first else first, name)
    elif _stands_alone(first):
        several = itertools.chain([first], () if second is _END else [second], values)
        for number, value in enumerate(several, start=1):
            yield from _of_value(value, f"{name}, conversation {number}")
    else:
        yield from _of_value([first, *(() if second is _END else (second,)), *values], name)


def _stands_alone(value: Any) -> bool:
    """Tell whether an element of a list is a conversation of its own."""
    return isinstance(value, list) or is_body(value) or any(form.each and form.recognise(value) for form in FORMS)


def _of_value(value: Any, name: str) -> Iterator[Candidate]:
    """Yield the conversations of a value."""
    if is_native(value):
        yield Candidate(form="", messages=value)
    elif (items := _listed_items(value)) is not None:
        yield Candidate(form="", messages=_items(name, items))
    elif (form := recognise(value)) is not None:
        yield from _read(form, value, name)
    elif isinstance(value, Mapping) and (inner := _around(value)) is not None:
        yield from _of_value(inner, name)
    elif isinstance(value, list) and len(value) > 0 and _stands_alone(value[0]):
        for number, one in enumerate(value, start=1):
            yield from _of_value(one, f"{name}, conversation {number}")
    elif may_be_native(value):  # what is wrong with it is told by what reads it
        yield Candidate(form="", messages=value)
    else:
        raise _refused(value, name)


def _around(value: Mapping[str, Any]) -> Any:
    """Return the conversations inside an object, as other exporters write them; None if there are none."""
    inner = next((value[key] for key in AROUND if isinstance(value.get(key), list | Mapping)), None)
    first = inner[0] if isinstance(inner, list) and inner else inner
    return inner if any(form.each and form.recognise(first) for form in FORMS) else None


def _read(form: ForeignForm, value: Any, name: str) -> Iterator[Candidate]:
    try:
        for found in form.read(value):
            if found.items:
                yield Candidate(
                    form=form.name, title=found.title, id=found.id, messages=found.items, dialect=found.dialect
                )
    except MessageError as error:
        raise MessageError(f"{name!r} as {form.name}: {error}") from None


def _of_export(export: Export) -> Iterator[Candidate]:
    """Yield the conversations of a folder or a zip: of the export as a whole, else of each file that has some."""
    for form in FORMS:
        if form.unfold is not None:
            whole = iter(form.unfold(export))
            if (first := next(whole, _END)) is not _END:
                for value in itertools.chain([first], whole):
                    yield from _read(form, value, export.name)
                return
    none = True
    for name in export.names:
        source = export.sources[name]
        if source.suffix not in CONVERSATIONS:
            continue
        try:
            found = _of_file(source)
            first = next(found, _END)
        except _Foreign:
            continue
        if isinstance(first, Candidate):
            none = False
            yield first
            yield from found
    if none:
        raise _Foreign(_nothing(export))


def _nothing(export: Export) -> str:
    shown = ", ".join(map(repr, export.names[:3])) or "no file"
    more = f" and {len(export.names) - 3:,} more" if len(export.names) > 3 else ""
    return f"{export.name!r} has {shown}{more}, and none is a conversation; give the export of a chat program or a file"


def _refused(value: Any, name: str) -> _Foreign:
    return _Foreign(f"{name!r} {looks_like(value)}")


def _listed_items(value: Any) -> Sequence[Any] | None:
    """Return the rows of items with `text` in a list or in a body around one."""
    rows = value.get("messages") if isinstance(value, Mapping) else value
    if not isinstance(rows, list) or not rows or not isinstance(rows[0], Mapping):
        return None
    return rows if isinstance(rows[0].get("text"), str) and not rows[0].keys() & {"content", "type", "parts"} else None


def _items(name: str, rows: Sequence[Any]) -> list[Item]:
    items = []
    for index, row in enumerate(rows):
        if not isinstance(row, Mapping) or not isinstance(row.get("text"), str):
            raise InputError(f"{name!r}, item {index}: no 'text'; the items before it have one")
        fields = {"id": row.get("uid"), **{key: row[key] for key in FIELDS if key in row}}
        for key, value in fields.items():
            if value is not None and not isinstance(value, str | int | float):
                raise InputError(f"{name!r}, item {index}: {key!r} is {type(value).__name__}; give a string")
        known = {key: str(value) for key, value in fields.items() if value is not None}
        try:
            items.append(Item(text=row["text"], **known))  # type: ignore[arg-type]  # kind is checked by Item
        except MessageError as error:
            raise InputError(f"{name!r}, item {index}: {error}") from None
    return items
