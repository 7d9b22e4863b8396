"""Converts documents to text, once and within bounds: PDF, Word, PowerPoint, Excel, EPUB and notebooks.

    bytes --notebook--> text in percent form
    bytes --convert, in a process of its own--> pages with a form feed between them, or Markdown --> cache

A document may come from an attacker: a converter runs in a process of its own, with limits of time and memory, and the
size of an archive is checked before it is opened. The text is kept by the hash of the document, as long as the file
exists and is asked for.
"""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePath

from ...errors import InputError, MissingExtra
from ...store.cache import TextCache, drop_old, locked
from .notebook import notebook_text

__all__ = ["MAX_BYTES", "SECONDS", "NotNow", "drop_documents", "is_document", "read_document"]

MAX_BYTES = 50_000_000
"""Bytes of the largest document; most bytes of a large document are pictures."""
SECONDS = 60.0
"""Longest time of one conversion."""
MEMORY = 1_000_000_000
"""Bytes that a converter may hold, if the system can limit them."""

_CONVERTERS = {
    "pdf": "pypdf", "docx": "markitdown", "pptx": "markitdown", "xlsx": "markitdown", "epub": "markitdown",
}  # fmt: skip
_NOTEBOOK = "ipynb"
_REFUSED = "\x00"
"""Prefix of the cache entry of a document that cannot be converted; the reason follows."""

OLD = "document-*.txt*"
"""Cache files of version 0.1.0, which do not tell from which files they come."""

_texts = TextCache("documents-2")


class NotNow(InputError):
    """A document could not be converted this time; another time may succeed."""


def is_document(path: str) -> bool:
    """Tell by a file's name whether `read_document` reads it.

    Example:
        >>> is_document("Report.PDF"), is_document("analysis.ipynb"), is_document("notes.md")
        (True, True, False)
    """
    kind = _kind(path)
    return kind in _CONVERTERS or kind == _NOTEBOOK


def read_document(data: bytes, path: str, *, seconds: float = math.inf) -> str:
    """Return a document's text: PDF pages with form feeds between them, notebook cells, else Markdown.

    Line numbers of the document refer to this text. `chunk(text, source=path)` knows by the name how to cut it.

    Args:
        data: the file's bytes.
        path: the file's name, which tells the kind of document.
        seconds: longest time of the conversion; never more than `SECONDS`.

    Raises:
        InputError: the document is too large, damaged, encrypted, without text, or too costly; the message says which.
        NotNow: the conversion was ended from outside or took too long; the next call tries again.
        MissingExtra: the converter is not installed.
    """
    kind = _kind(path)
    if len(data) > MAX_BYTES:
        raise InputError(f"{len(data):,} bytes; the limit for documents is {MAX_BYTES:,}")
    if kind == _NOTEBOOK:
        return notebook_text(data)
    package = _CONVERTERS[kind]
    try:
        found = version(package)
    except PackageNotFoundError as error:
        raise MissingExtra(package, feature=f"reading {kind}", command="pip install 'ctxwin[documents]'") from error
    key = f"{hashlib.blake2b(data, digest_size=16).hexdigest()}-{kind}-{package}-{found}"
    drop_old(OLD, "texts of documents")
    text = _texts.get(key)
    if text is None:
        with locked(f"document-{key}"):
            text = _texts.get(key)
            if text is None:
                text = _converted(data, kind, min(seconds, SECONDS))
                _texts.put(key, text, source=os.path.abspath(path))
    if text.startswith(_REFUSED):
        raise InputError(text[1:])
    return text


def drop_documents() -> list[tuple[str, str]]:
    """Remove the cached texts of documents that are gone, or that nobody has asked for in a long time.

    Returns:
        Path and text of each document that is gone.
    """
    drop_old(OLD, "texts of documents")
    return _texts.sweep()


def _kind(path: str) -> str:
    return PurePath(path).suffix[1:].lower()


def _converted(data: bytes, kind: str, seconds: float) -> str:
    """Convert in another process; return the cache entry: the text, or the reason why there is none.

    The process runs a file and not a module (`-P`): nothing is imported from the working directory, which may hold the
    documents.

    Raises:
        NotNow: the conversion was ended from outside, or took too long; this is not cached, since another time may
            succeed.
    """
    command = [sys.executable, "-P", "-X", "utf8", str(Path(__file__).with_name("convert.py")), kind, str(MEMORY)]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise NotNow(f"its conversion takes longer than {seconds:.0f} s; try again later, or give it as text") from None
    if done.returncode == 0:
        return done.stdout.decode("utf-8")
    if _REFUSED.encode() not in done.stderr:
        raise NotNow("its conversion was ended from outside; try again later, or give it as text")
    return _REFUSED + done.stderr.rpartition(_REFUSED.encode())[2].decode("utf-8", "replace")
