"""`ctxwin cache`: shows the content of the user's cache folder, and empties it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..errors import StoreError
from ..store.cache import DAYS, cache_dir
from .inputs import JsonOption
from .options import many, print_json, printable

__all__ = ["run"]

_HASH = "[0-9a-f]" * 32


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheKind:
    """One kind of cache content."""

    kind: str
    holds: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRecord:
    """What `--json` prints."""

    folder: str
    removed: bool
    kept: Sequence[CacheKind]


OUTPUT = CacheRecord

KINDS: Mapping[str, tuple[str, Sequence[str]]] = {
    "files": (f"terms, places of secrets; {DAYS} days", ("files-*.sqlite*", "files-*.damaged")),
    "vectors": ("vectors under hashes; until cleared", ("vectors-*.sqlite*", "vectors-*.damaged")),
    "nearest": (f"indexes; {DAYS} days, or until erased", ("nearest-*/*",)),
    "documents": (f"texts of PDF, Word, ...; {DAYS} days", ("documents-2/*", "document-*")),
    "summaries": (f"summaries; {DAYS} days, or until erased", ("summaries*/*",)),
    "models": ("models as they run; until cleared", (f"*-{_HASH}.*",)),
    "rules": ("rules for secrets; until cleared", ("secret-rules/*",)),
    "locks": ("nothing but names; until cleared", ("*.lock",)),
}
"""Kinds of cache content: what it is, how long it stays, and the patterns of its files in the cache folder."""


def run(
    action: Annotated[
        Literal["show", "clear"], typer.Argument(metavar="[show|clear]", help="Show what is kept, or remove it.")
    ] = "show",
    yes: Annotated[bool, typer.Option("--yes", help="With clear: remove it; else it is only shown.")] = False,
    as_json: JsonOption = False,
) -> None:
    r"""Show what is kept in the cache folder and how long, or remove it.

    All of it can be made again. Texts and terms of files also go when `Files.refresh` finds their file gone, and
    summaries when what they are of is erased. Windows and chats are not kept there, and files of others in the
    folder are left alone. The folder is that of CTXWIN_CACHE, or the user's cache folder.

    \b
    Example:
      ctxwin cache
      ctxwin cache clear --yes

    \b
    Exit codes: 0 done; 2 something could not be removed.
    """
    found = _found()
    kept = [
        CacheKind(kind=kind, holds=KINDS[kind][0], files=len(paths), bytes=sum(_size(path) for path in paths))
        for kind, paths in found.items()
    ]
    removed = action == "clear" and yes
    if removed:
        _remove([path for paths in found.values() for path in paths])
    if as_json:
        print_json(CacheRecord(folder=str(cache_dir()), removed=removed, kept=kept))
        return
    _show(kept)
    total = sum(one.bytes for one in kept)
    if removed:
        typer.echo(f"removed {total:,} bytes")
    elif action == "clear":
        typer.echo(f"nothing removed; `ctxwin cache clear --yes` removes these {total:,} bytes")


def _found() -> dict[str, list[Path]]:
    """Return the files of each kind; a file belongs to the first kind that matches."""
    found: dict[str, list[Path]] = {}
    taken: set[Path] = set()
    for kind, (_, patterns) in KINDS.items():
        paths = {path for pattern in patterns for path in cache_dir().glob(pattern) if path.suffix != ".lock"}
        if kind == "locks":
            paths = set(cache_dir().glob("*.lock"))
        found[kind] = sorted(paths - taken)
        taken |= paths
    return found


def _size(path: Path) -> int:
    try:
        return sum(one.stat().st_size for one in path.rglob("*")) if path.is_dir() else path.stat().st_size
    except OSError:  # it went meanwhile
        return 0


def _remove(paths: Sequence[Path]) -> None:
    """Remove files and folders.

    Raises:
        StoreError: a file could not be removed; the others are removed.
    """
    failed = []
    for path in paths:
        try:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        except OSError as error:
            failed.append(f"{str(path)!r} ({error.strerror or type(error).__name__})")
    if failed:
        raise StoreError(f"{len(failed):,} of {len(paths):,} cannot be removed: {failed[0]}; remove them by hand")


def _show(kept: Sequence[CacheKind]) -> None:
    typer.echo(printable(str(cache_dir())))
    for one in kept:
        typer.echo(f"{one.kind:<10}{many(one.files, 'file'):>13} {one.bytes / 1e6:>10,.1f} MB  {one.holds}")
