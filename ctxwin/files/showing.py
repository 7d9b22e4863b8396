"""Windows of a large file as chunks, without the secrets in them, and without their parts of longer ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ..items import Header, Item
from .encodings import decoded
from .hits import EDGE, HitWindow
from .secrets import Secret, redacted

__all__ = ["chunks", "text_of"]

TITLE = 100
"""Characters of a header by which a row is found."""


def chunks(
    windows: Iterable[HitWindow], source: str, header: Header | None, secrets: list[Secret] | None
) -> Iterator[Item]:
    """Turn windows of a file into chunks, none of which overlap.

    Args:
        windows: of the file, in any order.
        source: how it is cited.
        header: of a table.
        secrets: those that are left out are added to it; None: they stay.
    """
    end = 0
    for window in sorted(windows):
        one = _cut(window, max(0, end - window.at))
        if not one.data:
            continue
        end = one.at + len(one.data)
        item = _chunk(one, source, header)
        yield item if secrets is None else _without_secrets(item, one, secrets)


def _cut(window: HitWindow, count: int) -> HitWindow:
    """Return a window without its first bytes, which another one has."""
    gone = window.data[:count]
    if not gone:
        return window
    return window._replace(
        at=window.at + count,
        char=window.char + len(text_of(gone)),
        line=window.line + gone.count(b"\n"),
        whole=gone.endswith(b"\n"),
        data=window.data[count:],
        before=(window.before + gone)[-EDGE:],
    )


def _chunk(window: HitWindow, source: str, header: Header | None) -> Item:
    text = text_of(window.data)
    line = 1 + window.line
    last = line + text.count("\n", 0, len(text) - 1)
    return Item(
        kind="chunk",
        title=" ".join(header[1].split())[:TITLE] if header is not None else None,
        prior=window.prior,
        header=header if header is not None and line > header[0] else None,
        id=f"{source}#L{line}-{last}" if window.whole else f"{source}#L{line}:{window.char}-{last}",
        text=text,
        source=source,
        lines=(line, last),
        span=(window.char, window.char + len(text)),
        bytes=(window.at, window.at + len(window.data)),
    )


def _without_secrets(item: Item, window: HitWindow, secrets: list[Secret]) -> Item:
    """Return a chunk without its secrets, which are added to the list with their lines in the file."""
    assert item.source is not None and item.lines is not None
    before, after = (data.decode("utf-8", "replace") for data in (window.before, window.after))
    keys = [(_place(window, start), _place(window, stop)) for start, stop in window.keys]
    text, found = redacted(item.text, item.source, before=before, after=after, keys=keys)
    header = item.header and (item.header[0], redacted(item.header[1], item.source)[0])
    secrets += (replace(one, line=one.line + item.lines[0] - 1) for one in found)
    return replace(item, text=text, header=header) if found or header != item.header else item


def _place(window: HitWindow, at: int) -> int:
    """Return the character of a window at a byte of its file; its first or last for one outside."""
    return len(text_of(window.data[: max(0, at - window.at)]))


def text_of(data: bytes) -> str:
    """Decode bytes of a stream that is UTF-8, or was meant to be."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        found = decoded(data)
        return data.decode("utf-8", "replace") if found is None else found[0]
