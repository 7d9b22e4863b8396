"""Reads one file within bounds, and finds the text in its bytes."""

from __future__ import annotations

import hashlib
import math
import os
import re
import stat
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

from ..errors import InputError, MissingExtra
from .documents import MAX_BYTES as DOCUMENT_BYTES
from .documents import NotNow, is_document, read_document
from .encodings import SNIFFED, decoded, is_binary
from .secret_places import SecretPlaces
from .secrets import Place, Secret, find_secrets, leave_out, nothing_else, redacted
from .text_stream import UNREADABLE, encoding_of, is_packed, opened

__all__ = ["FileText", "decode", "digests_of", "mark_of", "read", "why"]

RACY = 2_000_000_000
"""Nanoseconds: the coarsest clock of a file system (FAT). A file that was changed less than this before it was read may
change again without a new time, so it is read again."""

MAX_DATA = 300_000
"""Bytes of the largest file of records that is indexed. Of larger files few records are ever asked for; 1.2 MB of a
lock file took 7 s of a core to index and take 0.1 s to search."""

_DATA = re.compile(
    r"\.(?:csv|tsv|jsonl?|ndjson|geojson|har|lock|sum|sql|map|svg|xml|min\.(?:js|css)|log(?:[._-][\w.-]+)?)$"
    r"|[/\\][\w.-]*-lock\.\w+$|[/\\]npm-shrinkwrap",
    re.IGNORECASE,
)
"""Names of files of records, and of files that only machines write."""

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)

FileMark = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileText:
    """The content of a file when it was read."""

    text: str | None = None
    """None for a file that is left out, or too large for memory."""
    large: int = 0
    """Bytes of a file that is searched for each question and not indexed; 0 for other files."""
    reason: str = ""
    """The reason why the file is left out."""
    digest: bytes = b""
    """Hash of the text."""
    secrets: tuple[Secret, ...] = ()
    """Secrets that are left out of the text."""
    late: bool = False
    """Whether the file is left out for lack of time, so that another time may succeed."""
    encoding: str = "utf-8"
    """The encoding of the file's bytes."""
    mark: FileMark | None = None
    """Tells a change of the file without reading it; None if it cannot."""


def read(
    path: str,
    status: os.stat_result,
    max_bytes: int,
    before: FileText | None = None,
    *,
    source: str = "",
    allow_secrets: bool = False,
    places: SecretPlaces | None = None,
    seconds: float = math.inf,
) -> FileText:
    """Read a file that may be anything, may change, and may vanish meanwhile.

    Args:
        path: the file's path.
        status: the file's `os.stat`.
        max_bytes: of a larger file only the beginning is read, to tell text from binary data.
        before: the result of an earlier call with the same `allow_secrets`; returned again if nothing has changed.
        source: the file's name in citations. Default: the path.
        allow_secrets: whether lines with keys and passwords stay in the text.
        places: where secrets were found by an earlier process. Default: they are looked for.
        seconds: longest time that the conversion of a document may take.
    """
    mark = _mark(status)
    if before is not None and before.mark == mark:
        return before
    if not stat.S_ISREG(status.st_mode):
        return FileText(reason="not a regular file")
    if is_document(path):
        max_bytes = max(max_bytes, DOCUMENT_BYTES)
    if not is_document(path) and (status.st_size > max_bytes or is_packed(path)):
        found = _large(path, status)
        return found if allow_secrets or not nothing_else("", source or path, ()) else _secret(found, ())
    if status.st_size > max_bytes:
        return FileText(reason=_too_large(status.st_size, max_bytes))
    try:
        # It may be a pipe by now, of which opening would wait for somebody to write.
        with open(os.open(path, _FLAGS), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return FileText(reason="not a regular file")
            racy = max(status.st_mtime_ns, status.st_ctime_ns) > time.time_ns() - RACY
            kept = None if racy else _mark(status)
            found = _convert(file, path, kept, seconds) if is_document(path) else _read(file, path, max_bytes, kept)
    except OSError as error:
        return FileText(reason=why(error))
    if allow_secrets or found.text is None:
        return found
    source, text = source or path, found.text
    secret = find_secrets(text, source) if places is None else places.of(text, source, found.digest)
    return _without_secrets(found, text, source, secret)


def _without_secrets(found: FileText, text: str, source: str, places: Sequence[Place]) -> FileText:
    """Return a reading without its secrets, or without a text if there is nothing else."""
    text, secrets = leave_out(text, source, places)
    if nothing_else(text, source, secrets):
        return _secret(found, secrets)
    return replace(found, text=text, digest=_digest(text), secrets=secrets) if secrets else found


def digests_of(text: str, source: str) -> tuple[bytes, bytes]:
    """Return the hashes under which a text is indexed: as it is, and without its secrets."""
    return _digest(text), _digest(redacted(text, source)[0])


def _secret(found: FileText, secrets: tuple[Secret, ...]) -> FileText:
    """Return the reading of a file that holds only secrets: the reason why it is left out."""
    kinds = ", ".join(dict.fromkeys(one.kind for one in secrets))
    what = f"nothing but secrets ({kinds})" if kinds else "a file for secrets by its name"
    reason = f"{what}; allow_secrets=True or --allow-secrets reads it"
    return replace(found, text=None, large=0, reason=reason, digest=b"", secrets=secrets)


def mark_of(path: str) -> FileMark | None:
    """Return the present mark of a file, which changes with the file; None if the file is gone."""
    try:
        return _mark(os.stat(path))
    except OSError:
        return None


def _mark(status: os.stat_result) -> FileMark:
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev)


def _large(path: str, status: os.stat_result) -> FileText:
    """Check by its beginning whether a file too large to be indexed is text, and return its reading."""
    try:
        with opened(path) as file:
            known = encoding_of(file, 0 if is_packed(path) else status.st_size)
    except UNREADABLE as error:
        return FileText(reason=why(error) if isinstance(error, OSError) else "damaged")
    if known is None:
        return FileText(reason="binary", mark=_mark(status))
    mark = _mark(status)
    return FileText(large=status.st_size, digest=_digest(repr(mark)), encoding=known[0], mark=mark)


def _read(file: BinaryIO, path: str, max_bytes: int, mark: FileMark | None) -> FileText:
    data = file.read(min(SNIFFED, max_bytes + 1))
    if is_binary(data):
        return FileText(reason="binary", mark=mark)
    data += file.read(max_bytes + 1 - len(data))
    if len(data) > max_bytes:  # it has grown
        return FileText(reason=_too_large(len(data), max_bytes))
    found = decoded(data)
    if found is None:
        return FileText(reason="binary", mark=mark)
    text, encoding = found
    large = len(data) if len(data) > MAX_DATA and _DATA.search(path) else 0
    return FileText(text=text, large=large, digest=_digest(text), encoding=encoding, mark=mark)


def _convert(file: BinaryIO, path: str, mark: FileMark | None, seconds: float) -> FileText:
    try:
        text = read_document(file.read(DOCUMENT_BYTES + 1), path, seconds=seconds)
    except NotNow as error:
        return FileText(reason=str(error), late=True)
    except (InputError, MissingExtra) as error:
        return FileText(reason=str(error), mark=mark)
    return FileText(text=text, digest=_digest(text), mark=mark)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _too_large(size: int, max_bytes: int) -> str:
    return f"{size:,} bytes; the limit is {max_bytes:,}"


def why(error: OSError) -> str:
    """Say in a few words why the system refused."""
    return (error.strerror or type(error).__name__).lower()


def decode(data: bytes) -> str | None:
    r"""Decode a file's bytes: by their mark, as UTF-8, else by a guess; None for binary data.

    Line ends stay as they are.

    Example:
        >>> decode("Grüße".encode("utf-16")), decode(b"\x7fELF\x00\x01")
        ('Grüße', None)
    """
    found = decoded(data)
    return found[0] if found else None
