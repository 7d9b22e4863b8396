"""Documents to text: PDF, Word, PowerPoint, Excel, EPUB and notebooks, within bounds, converted once.

    bytes --notebook--> text in percent form
    bytes --convert, in a process of its own--> pages with a form feed between them, or Markdown --> cache

A document may be anything that an attacker sends: a converter has a process of its own, with limits of time and memory,
and an archive is weighed before it is opened. What comes out is kept by the hash of what went in.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePath

from ..cache import cached_bytes
from ..errors import InputError, MissingExtra
from .notebook import notebook_text

__all__ = ["MAX_BYTES", "is_document", "read_document"]

MAX_BYTES = 50_000_000
"""Bytes of a document; most of them are pictures."""
SECONDS = 60.0
"""Time that a conversion may take."""
MEMORY = 1_000_000_000
"""Bytes that a converter may hold, where the system can limit them."""

_CONVERTERS = {
    "pdf": "pypdf", "docx": "markitdown", "pptx": "markitdown", "xlsx": "markitdown", "epub": "markitdown",
}  # fmt: skip
_NOTEBOOK = "ipynb"
_REFUSED = b"\x00"
"""Begins what is kept of a document that cannot be converted; the reason follows."""


def is_document(path: str) -> bool:
    """Tell by a file's name whether `read_document` is what reads it.

    Example:
        >>> is_document("Report.PDF"), is_document("analysis.ipynb"), is_document("notes.md")
        (True, True, False)
    """
    kind = _kind(path)
    return kind in _CONVERTERS or kind == _NOTEBOOK


def read_document(data: bytes, path: str) -> str:
    """Return the text of a document: pages with a form feed between them for PDF, cells for a notebook, else Markdown.

    Its lines are those of this text. `chunk(text, source=path)` knows by the name how to cut it.

    Args:
        data: the file's bytes.
        path: its name, which tells what it is.

    Raises:
        InputError: it is too large, damaged, encrypted, without text, or too costly; the message says which.
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
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    kept = cached_bytes(f"document-{kind}-{package}-{found}-{digest}.txt", lambda: _converted(data, kind))
    if kept.startswith(_REFUSED):
        raise InputError(kept[1:].decode())
    return kept.decode()


def _kind(path: str) -> str:
    return PurePath(path).suffix[1:].lower()


def _converted(data: bytes, kind: str) -> bytes:
    """Convert in another process; return the text, or why there is none, as it is kept.

    The process runs a file and not a module (`-P`): nothing in the working directory, which may hold what is read, is
    imported.
    """
    command = [sys.executable, "-P", "-X", "utf8", str(Path(__file__).with_name("convert.py")), kind, str(MEMORY)]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return _REFUSED + f"its conversion takes longer than {SECONDS:.0f} s; give it as text".encode()
    if done.returncode == 0:
        return done.stdout
    said = done.stderr.rpartition(_REFUSED)[2] if _REFUSED in done.stderr else b"its conversion crashed"
    return _REFUSED + said
