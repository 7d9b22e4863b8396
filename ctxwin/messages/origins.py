"""Opens the places that conversations are read from: a file, standard input, a folder, a zip."""

from __future__ import annotations

import codecs
import io
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, TextIO, cast

from ..errors import InputError
from .json_values import MOST, JsonValues

__all__ = ["Export", "Source", "is_place", "open_place"]

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
