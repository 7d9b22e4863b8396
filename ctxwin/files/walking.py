"""Finds the files under some paths: walks folders by name, obeys ignore files, and samples crowded folders."""

from __future__ import annotations

import os
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import groupby
from operator import itemgetter
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .file_text import read, why

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

__all__ = ["IGNORED", "IGNORE_FILES", "Walked", "find", "roots"]

IGNORE_FILES = (".gitignore", ".ctxwinignore")
"""Names of ignore files. Both have git's syntax; the second is for ctxwin alone, and wins over the first in the same
folder."""
IGNORED = ("__pycache__/", "node_modules/")
"""Folders that are left out unless an ignore file says otherwise: made by machines, and large."""
RULES_BYTES = 1_000_000
"""Bytes of the largest ignore file that is obeyed."""
MOST_STARS, MOST_CROSSING = 3, 2
"""Most wildcards `*` in one part of a pattern, and most `**` in a whole pattern. Up to these, matching the longest name
takes 2 ms; one more takes 0.1 to 0.3 s, and two more take minutes, so that an ignore file could stop the walk."""

_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\xad\U000e0000-\U000e007f]"
)
"""Characters that command a terminal, end a line, turn the direction of writing, or are invisible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """A file that was found, or a path that cannot be used, with the reason."""

    path: str
    """The path of the file."""
    source: str
    """The name of the file in citations."""
    reason: str = ""
    """The reason why the file cannot be used; "" if it may be used."""
    folder: str | None = None
    """The folder that was walked; None for a file that was given by path."""


def find(given: Sequence[str | Path], max_files: int, *, again: bool = False) -> list[Walked]:
    """Find the files under some paths, in the order of the paths and of names, files before folders.

    A folder with too many files is sampled; the sample changes little when files come and go.

    Args:
        given: files, folders and globs.
        max_files: most files that are returned, without the files given by path; small folders stay whole, and large
            folders share the rest.
        again: whether each path had files before, so that an empty path is no mistake.

    Raises:
        InputError: a path does not exist, or a glob matches nothing.
    """
    found: list[Walked] = []
    whole: dict[str, tuple[str, int]] = {}
    for files in _found(given, max_files, whole, again):
        found += files
        if len(found) > 2 * max_files:  # the shares only fall as more folders come
            found = _shared(found, max_files)
    found = _shared(found, max_files)
    return found + _reported(found, whole, max_files)


def roots(given: Iterable[str | Path]) -> list[str]:
    """Return the files and folders in which a change matters."""
    names = [os.path.expanduser(one) for one in given]
    return [name if os.path.lexists(name) else _glob(name)[0] for name in names]


def _shared(found: list[Walked], room: int) -> list[Walked]:
    """Keep the same number of files of each folder that must be cut, as many as fit into `room`."""
    sizes = Counter(one.folder for one in found if one.folder is not None)
    if sizes.total() <= room:
        return found
    share = _share(list(sizes.values()), room)
    kept: list[Walked] = []
    for folder, files in groupby(found, key=lambda one: one.folder):
        some = list(files)
        kept += some if folder is None else _drawn(some, share, lambda one: os.path.basename(one.path))
    return kept


def _share(sizes: Sequence[int], room: int) -> int:
    """Return the largest share such that all sizes, each cut to this share, sum to at most `room`."""
    left = len(sizes)
    for size in sorted(sizes):
        if size * left > room:
            return room // left
        room -= size
        left -= 1
    return max(sizes, default=0)


def _drawn(some: list[Any], most: int, name: Callable[[Any], str]) -> list[Any]:
    """Draw at most `most` entries by lots that depend on their names alone; the order stays."""
    if len(some) <= most:
        return some
    lots = [zlib.crc32(os.fsencode(name(one))) for one in some]
    return [some[i] for i in sorted(nsmallest(most, range(len(some)), key=lots.__getitem__))]


def _reported(found: Sequence[Walked], whole: Mapping[str, tuple[str, int]], max_files: int) -> list[Walked]:
    """Name the folders of which only some files are read."""
    have = Counter(one.folder for one in found)
    return [
        Walked(
            path=folder,
            source=source,
            reason=f"{files:,} files, of which a sample of {have[folder]:,} is read; the limit is {max_files:,} in all",
        )
        for folder, (source, files) in whole.items()
        if have[folder] < files
    ]


def _found(
    given: Sequence[str | Path], most: int, whole: dict[str, tuple[str, int]], again: bool
) -> Iterator[list[Walked]]:
    """Yield the files under the paths, at most `most` of a folder at a time, and note how many each folder has."""
    for one in given:
        name = os.path.expanduser(one)
        try:
            root, pattern = (name, "") if os.path.lexists(name) else _glob(name)
        except InputError:
            if not again:
                raise
            root, pattern = name, ""
        if not os.path.isdir(root):
            yield [Walked(path=root, source=shown(root))]
            continue
        alone = len(given) == 1 and not pattern
        matches = False
        for below, names, reason in _walk(root, pattern):
            folder = os.path.join(root, below)
            source = shown(below if alone and below else folder)
            if reason:
                yield [Walked(path=folder, source=source, reason=reason)]
                continue
            matches = matches or bool(names)
            whole[folder] = source, len(names)
            prefix = "" if source == os.curdir or (alone and not below) else source.rstrip("/") + "/"
            yield [
                Walked(
                    path=os.path.join(folder, file),
                    source=prefix + _clean(file),
                    reason="a link; give its target itself" if is_link else "",
                    folder=folder,
                )
                for file, is_link in _drawn(names, most, itemgetter(0))
            ]
        if pattern and not matches and not again:
            raise InputError(f"{name!r} matches no file (seen from {os.getcwd()!r}); check the pattern")


def _glob(name: str) -> tuple[str, str]:
    """Split a glob into the folder to walk and the pattern below it."""
    parts = Path(name).parts
    plain = next((i for i, part in enumerate(parts) if set(part) & set("*?[")), len(parts))
    root = os.path.join(*parts[:plain]) if plain else os.curdir
    if plain == len(parts) or not os.path.isdir(root):
        raise InputError(f"no file or folder {name!r} (seen from {os.getcwd()!r}); check the path")
    return root, "/".join(parts[plain:])


def shown(path: str) -> str:
    """Return a path for citations: slashes, no control or hidden characters, valid Unicode."""
    return PurePath(_clean(path)).as_posix()


def _clean(name: str) -> str:
    if name.isascii() and name.isprintable():
        return name
    name = os.fsencode(name).decode("utf-8", errors="backslashreplace")
    return _CONTROL.sub(_escape, name)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


# (folder, what it ignores) from the outermost folder inwards; the innermost that says something wins.
_Rules = tuple[tuple[str, "GitIgnoreSpec"], ...]


def _walk(root: str, pattern: str = "") -> Iterator[tuple[str, list[tuple[str, bool]], str]]:
    """Yield (folder below the root, its files by name and whether each is a link, why it cannot be used or "")."""
    wanted = _wanted(pattern)
    top = os.path.abspath(root)
    waiting: list[tuple[str, _Rules]] = [(top, _rules_above(top))]
    while waiting:
        folder, rules = waiting.pop()
        rules += _rules_of(folder)
        files: list[tuple[str, bool]] = []
        folders: list[str] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    is_folder = entry.is_dir(follow_symlinks=False)
                    if entry.name.startswith(".") or _is_ignored(entry.path, is_folder, rules):
                        continue
                    if is_folder:
                        folders.append(entry.path)
                    elif wanted(_below(entry.path, top)):
                        files.append((entry.name, entry.is_symlink()))
        except OSError as error:
            yield _below(folder, top), [], why(error)
            continue
        files.sort()
        yield _below(folder, top), files, ""
        waiting += ((one, rules) for one in sorted(folders, reverse=True))


def _wanted(pattern: str) -> Callable[[str], bool]:
    """Return a test of relative paths against a glob, in git's syntax: `**` crosses folders; "" takes all."""
    return _patterns([f"/{pattern}"]).match_file if pattern else lambda _: True


def _patterns(lines: Iterable[str]) -> GitIgnoreSpec:
    """Compile patterns; skip a line that is no pattern, as git does, or that would take minutes to match."""
    from pathspec import GitIgnoreSpec

    good: list[str] = []
    for line in lines:
        if line.count("**") > MOST_CROSSING or max(map(_stars, line.split("/"))) > MOST_STARS:
            continue
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:
            continue
        good.append(line)
    return GitIgnoreSpec.from_lines(good)


def _stars(part: str) -> int:
    return 0 if part == "**" else part.count("*")


def _below(path: str, folder: str) -> str:
    return path[len(folder) :].lstrip(os.sep)


def _rules_of(folder: str) -> _Rules:
    rules: list[tuple[str, GitIgnoreSpec]] = []
    for name in IGNORE_FILES:
        path = os.path.join(folder, name)
        try:
            text = read(path, os.stat(path), RULES_BYTES, allow_secrets=True).text
        except OSError:
            continue
        if text is not None:
            rules.append((folder, _patterns(text.splitlines())))
    return tuple(rules)


def _rules_above(folder: str) -> _Rules:
    """Return the rules that hold around a folder: ours, and the ignore files up to the top of its repository.

    If ignore files exclude the folder itself, they do not hold: the folder was asked for all the same (such as a
    package in a virtual environment inside a checkout).
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
