"""Converts a document on standard input to text on standard output: a program that imports no part of the package.

    python convert.py KIND BYTES_OF_MEMORY < document > text

If there is no text, the reason stands on standard error, after a NUL byte.
"""

from __future__ import annotations

import contextlib
import io
import sys
import zipfile

MAX_UNPACKED = 200_000_000
"""Bytes that an archive may hold unpacked; a zip bomb of 10 kB holds gigabytes."""
MAX_ENTRIES = 20_000
"""Most files that an archive may hold."""
MAX_CHARS = 20_000_000
"""Characters of text, some 5,000 pages."""


CONVERTERS = {
    "docx": "DocxConverter",
    "pptx": "PptxConverter",
    "xlsx": "XlsxConverter",
    "epub": "EpubConverter",
}
"""Maps kinds of documents to classes of markitdown."""


class Refused(Exception):
    """The reason why there is no text, in words for the user."""


def main() -> None:
    """Convert standard input to standard output."""
    kind, memory = sys.argv[1], int(sys.argv[2])
    _limit(memory)
    try:
        text = _pages(sys.stdin.buffer.read()) if kind == "pdf" else _markdown(sys.stdin.buffer.read(), kind)
        if not text.strip():
            raise Refused("no text in it; a scan needs character recognition first")
        if len(text) > MAX_CHARS:
            raise Refused(f"{len(text):,} characters of text; the limit is {MAX_CHARS:,}")
    except Refused as error:
        _refuse(str(error))
    except MemoryError:
        _refuse(f"its conversion needs more than {memory / 1e9:g} GB of memory; give it as text")
    except Exception as error:  # noqa: BLE001 - converters raise whatever they like on damaged files
        _refuse(f"damaged, or no {kind} ({type(error).__name__})")
    sys.stdout.buffer.write(text.replace("\x00", " ").encode("utf-8", "replace"))


def _refuse(reason: str) -> None:
    sys.stderr.buffer.write(b"\x00" + reason.encode())
    sys.stderr.flush()
    sys.exit(1)


def _limit(memory: int) -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # where the system has no such limit
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


def _pages(data: bytes) -> str:
    """Return the text of a PDF, with a form feed between pages."""
    from pypdf import PdfReader

    if b"%PDF-" not in data[:1024]:
        raise Refused("not a PDF, whatever its name says")
    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise Refused("encrypted; save it without its password")
    pages: list[str] = []
    length = 0
    for page in reader.pages:
        pages.append(page.extract_text().replace("\f", "\n").rstrip() + "\n")
        length += len(pages[-1])
        if length > MAX_CHARS:
            raise Refused(f"more than {MAX_CHARS:,} characters of text")
    return "\f".join(pages)


def _markdown(data: bytes, kind: str) -> str:
    """Return a document of Word, PowerPoint, Excel or an e-book as Markdown."""
    _weigh(data, kind)
    from markitdown import StreamInfo, converters  # not MarkItDown: it opens whatever it thinks the file is

    converter = getattr(converters, CONVERTERS[kind])()
    text: str = converter.convert(io.BytesIO(data), StreamInfo(extension=f".{kind}")).markdown
    return text


def _weigh(data: bytes, kind: str) -> None:
    """Refuse an archive whose declared sizes are too large; no more than the declared sizes is unpacked."""
    try:
        entries = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except zipfile.BadZipFile as error:
        raise Refused(f"not a {kind} file, whatever its name says, or one with a password") from error
    size = sum(entry.file_size for entry in entries)
    if size > MAX_UNPACKED or len(entries) > MAX_ENTRIES:
        raise Refused(f"{size:,} bytes unpacked in {len(entries):,} entries; the limit is {MAX_UNPACKED:,}")


if __name__ == "__main__":
    main()
