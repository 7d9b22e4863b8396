"""Files and folders as a pool of chunks: which files, read how, and what was left out and why.

    paths, globs --walk--> files --read--> texts --chunking--> Items --> Pool

Folders are walked in the order of names, without hidden entries, without what `.gitignore` and
`.ctxwinignore` exclude, and without following links, so that no cycle and no way out of the folder exists.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from .chunking import chunk
from .errors import InputError
from .items import Item
from .pool import Pool

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

__all__ = ["IGNORED", "IGNORE_FILES", "MAX_BYTES", "Files", "Skipped", "decode"]

MAX_BYTES = 2_000_000
"""Bytes; a larger file is seldom written by hand, and is skipped unless `max_bytes` is raised."""
IGNORE_FILES = (".gitignore", ".ctxwinignore")
"""Both have git's syntax; the second one is for ctxwin alone, and wins over the first one beside it."""
IGNORED = ("__pycache__/", "node_modules/")
"""Left out of folders unless an ignore file says otherwise: made by machines, and large."""

_SNIFFED = 65_536  # bytes by which an unnamed encoding is guessed, 0.1 s at most
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A file that could not be used."""

    path: str
    reason: str


class Files:
    """The readable files under some paths, as texts, chunks and a pool.

    A chunk's `source` is the file's path below the folder, when one folder is given; else the path as given.

    Args:
        paths: files, folders and globs (`src/**/*.py`), one or several.
        max_bytes: larger files are skipped.
        on_file: called with the path of each file before it is read, for a progress bar.

    Raises:
        InputError: a path does not exist, a glob matches nothing, or no file can be read.

    Attributes:
        texts: path to text of each file read, in order.
        skipped: files that were not used, with the reason; what is hidden or ignored is not listed.

    Example:
        >>> from ctxwin import sample
        >>> found = Files(sample.files())
        >>> found.items[0].source in found.texts, found.skipped
        (True, ())
    """

    def __init__(
        self,
        paths: str | Path | Iterable[str | Path],
        *,
        max_bytes: int = MAX_BYTES,
        on_file: Callable[[str], None] | None = None,
    ) -> None:
        given = [paths] if isinstance(paths, str | Path) else list(paths)
        skipped: list[Skipped] = []
        texts: dict[str, str] = {}
        for path, source, why in _found(given):
            if why:
                skipped.append(Skipped(path=source, reason=why))
            elif source not in texts:
                if on_file:
                    on_file(source)
                try:
                    texts[source] = _read(path, max_bytes)
                except _Unusable as error:
                    skipped.append(Skipped(path=source, reason=str(error)))
        if not texts:
            raise InputError(_nothing(given, skipped))
        self.texts: Mapping[str, str] = MappingProxyType(texts)
        self.skipped: tuple[Skipped, ...] = tuple(skipped)

    def __repr__(self) -> str:
        return f"Files({len(self.texts):,} files, {len(self.skipped):,} skipped)"

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """The chunks of all files, in the order of files and lines."""
        return tuple(part for source, text in self.texts.items() for part in chunk(text, source=source))

    @cached_property
    def pool(self) -> Pool:
        """The chunks, to be counted and indexed once."""
        return Pool(self.items)


class _Unusable(Exception):
    """A file that is left out; the message says why."""


def decode(data: bytes) -> str | None:
    r"""Decode a file's bytes: by their mark, as UTF-8, else as what they look like; None for binary data.

    Line ends stay as they are.

    Example:
        >>> decode("Grüße".encode("utf-16")), decode(b"\x7fELF\x00\x01")
        ('Grüße', None)
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    if b"\x00" in data[:_SNIFFED] or data.startswith(b"%PDF-"):
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _guessed(data)


def _guessed(data: bytes) -> str | None:
    from charset_normalizer import from_bytes

    best = from_bytes(data[:_SNIFFED]).best()
    if best is None:
        return None
    try:
        return data.decode(best.encoding)
    except UnicodeDecodeError:  # the guess held for the beginning alone; a character cut at its end is no reason
        return data.decode("latin-1")


def _read(path: str, max_bytes: int) -> str:
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
            raise _Unusable("not a regular file")
        if status.st_size > max_bytes:
            raise _Unusable(f"{status.st_size:,} bytes; the limit is {max_bytes:,}")
        with open(path, "rb") as file:
            data = file.read(max_bytes)
    except OSError as error:
        raise _Unusable(_why(error)) from error
    text = decode(data)
    if text is None:
        raise _Unusable("binary")
    return text


def _why(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()


def _nothing(given: Sequence[str | Path], skipped: Sequence[Skipped]) -> str:
    if not given:
        return "no path given; give files, folders or globs"
    where = ", ".join(repr(str(path)) for path in given[:3])
    shown = ", ".join(f"{one.path!r} ({one.reason})" for one in skipped[:3])
    why = f"; {len(skipped):,} skipped: {shown}" if skipped else ""
    return f"no readable file in {where}{why}; give text, Markdown or code"


def _found(given: Sequence[str | Path]) -> Iterator[tuple[str, str, str]]:
    """Yield (path, source, why it cannot be used or "") of the files under the paths."""
    for one in given:
        name = os.path.expanduser(one)
        if os.path.lexists(name) and not os.path.isdir(name):
            yield name, _shown(name), ""
            continue
        root, pattern = (name, "") if os.path.isdir(name) else _glob(name)
        alone = len(given) == 1 and not pattern
        found = False
        for below, why in _walk(root, pattern):
            found = True
            path = os.path.join(root, below)
            yield path, _shown(below if alone else path), why
        if pattern and not found:
            raise InputError(f"{name!r} matches no file (seen from {os.getcwd()!r}); check the pattern")


def _glob(name: str) -> tuple[str, str]:
    """Split a glob into the folder to walk and the pattern below it."""
    parts = Path(name).parts
    plain = next((i for i, part in enumerate(parts) if set(part) & set("*?[")), len(parts))
    root = os.path.join(*parts[:plain]) if plain else os.curdir
    if plain == len(parts) or not os.path.isdir(root):
        raise InputError(f"no file or folder {name!r} (seen from {os.getcwd()!r}); check the path")
    return root, "/".join(parts[plain:])


def _shown(path: str) -> str:
    """Return a path as it may stand in a citation: slashes, no control characters, valid Unicode."""
    name = os.fsencode(Path(path).as_posix()).decode("utf-8", errors="replace")
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", name)


# (folder, what it ignores) from the outermost folder inwards; the innermost that says something wins.
_Rules = tuple[tuple[str, "GitIgnoreSpec"], ...]


def _walk(root: str, pattern: str = "") -> Iterator[tuple[str, str]]:
    """Yield (path below a folder, why it cannot be used or "") by name, files before folders."""
    wanted = _wanted(pattern)
    top = os.path.abspath(root)
    waiting: list[tuple[str, _Rules]] = [(top, _rules_above(top))]
    while waiting:
        folder, rules = waiting.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            yield _below(folder, top), _why(error)
            continue
        rules += _rules_of(folder)
        folders: list[tuple[str, _Rules]] = []
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if entry.name.startswith(".") or _is_ignored(entry.path, is_folder, rules):
                continue
            if is_folder:
                folders.append((entry.path, rules))
            elif wanted(below := _below(entry.path, top)):
                yield below, "a link; give its target itself" if entry.is_symlink() else ""
        waiting += reversed(folders)


def _wanted(pattern: str) -> Callable[[str], bool]:
    """Return a test of relative paths against a glob, in git's syntax: `**` crosses folders; "" takes all."""
    return _patterns([f"/{pattern}"]).match_file if pattern else lambda _: True


def _patterns(lines: Iterable[str]) -> GitIgnoreSpec:
    """Compile patterns; like git, pass over a line that is none."""
    from pathspec import GitIgnoreSpec

    good: list[str] = []
    for line in lines:
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:
            continue
        good.append(line)
    return GitIgnoreSpec.from_lines(good)


def _below(path: str, folder: str) -> str:
    return path[len(folder) :].lstrip(os.sep)


def _rules_of(folder: str) -> _Rules:
    rules: list[tuple[str, GitIgnoreSpec]] = []
    for name in IGNORE_FILES:
        try:
            text = _read(os.path.join(folder, name), MAX_BYTES)
        except _Unusable:
            continue
        rules.append((folder, _patterns(text.splitlines())))
    return tuple(rules)


def _rules_above(folder: str) -> _Rules:
    """Return the rules that hold around a folder: ours, and those up to the top of its repository.

    Where those exclude the folder itself, it was asked for all the same (a package in a virtual environment inside a
    checkout), and they do not hold.
    """
    ours = ((folder, _patterns(IGNORED)),)
    around = [str(parent) for parent in Path(folder).parents]
    for count, parent in enumerate([folder, *around]):
        if os.path.exists(os.path.join(parent, ".git")):
            outer = tuple(rule for above in reversed(around[:count]) for rule in _rules_of(above))
            return ours if _is_ignored(folder, True, outer) else ours + outer
    return ours


def _is_ignored(path: str, is_folder: bool, rules: _Rules) -> bool:
    for folder, spec in reversed(rules):
        below = _below(path, folder)
        said = spec.check_file(f"{below}/" if is_folder else below).include
        if said is not None:
            return said
    return False
