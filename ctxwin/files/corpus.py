"""Defines `Files`: the readable files under some paths, read, cut and indexed once, and again only when they change."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, RLock
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..chunking import chunk
from ..embed import drop_indexed, get_embedder
from ..errors import InputError
from ..items import Item, parse_query
from ..pool import Pool
from ..renditions.summarize import drop_summaries
from ..retrieve import count_terms
from ..tokens import get_tokenizer
from .background import Filling
from .changes import Changes, changes_between
from .converting import read_together
from .cut_cache import Chunked, CutCache, key_of
from .documents import drop_documents, is_document
from .file_text import FileText, digests_of, read, why
from .repomap import Atlas
from .scanning import MAX_SCANNED, Scanned, Target
from .searches import Searches
from .secret_places import SecretPlaces
from .secrets import Secret
from .text_stream import texts
from .walking import Walked, find, roots
from .watching import until_something_changes

__all__ = ["MAX_BYTES", "MAX_FILES", "MAX_TOTAL", "Changes", "Files", "Progress", "Skipped"]

MAX_BYTES = 2_000_000
"""Bytes of the largest file that is indexed; a larger file is seldom written by hand, and is searched for each
question."""
MAX_FILES = 20_000
"""Most files that are read."""
MAX_TOTAL = 100_000_000
"""Most bytes of text that are read: some three million lines, which take 1 GB of memory once they are indexed."""
BATCH = 100
"""Files that are cut between two writes to the cache. An interruption loses one batch, less than a second of work."""

Progress = Callable[[str, int, int], None]
"""Called with (activity, number done, number in all)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A file that could not be used, or a folder that is only partly used."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _FilePool:
    """A pool of chunks, with the rows and the hash of each file."""

    pool: Pool
    rows: Mapping[str, NDArray[np.intp]]
    """Rows of each file's chunks in the pool, by source."""
    digests: Mapping[str, bytes]
    """Hash of each file's content, by source."""


class Files:
    """The readable files under some paths, as texts, chunks and a pool.

    A chunk's `source` is the file's path below the folder if one folder is given, else the path as given. Threads may
    refresh and pack at the same time: a packing keeps the pool with which it began.

    Args:
        paths: files, folders and globs (`src/**/*.py`), one or several.
        max_bytes: larger files are not indexed but searched for each question.
        max_files: if there are more files, only a sample of the largest folders is read; files that are given by path
            do not count.
        max_total: bytes of all files that are indexed; if the files have more, the largest are searched for each
            question.
        max_scanned: bytes of large files that one question reads at most.
        allow_secrets: whether keys, tokens and passwords are read; otherwise lines with secrets are left out, and files
            that hold nothing else are skipped.
        on_progress: called with (activity, files done, files in all) for a progress bar. The work waits for it, so one
            that hangs holds its caller up; an error that it raises ends the call, and nothing is half done.

    Raises:
        InputError: a path does not exist, a glob matches nothing, or no file can be read.

    Attributes:
        texts: path to text of each file read, in order; of large files only those up to `max_bytes`.
        large: path to bytes of each file that is not indexed but searched for each question.
        skipped: files that were not used, with the reason; hidden and ignored files are not listed.
        secrets: place and kind of each secret that was left out.

    Example:
        >>> from ctxwin import sample
        >>> found = Files(sample.files())
        >>> found.items[0].source in found.texts, found.skipped
        (True, ())
        >>> bool(found.refresh())
        False
    """

    def __init__(
        self,
        paths: str | Path | Iterable[str | Path],
        *,
        max_bytes: int = MAX_BYTES,
        max_files: int = MAX_FILES,
        max_total: int = MAX_TOTAL,
        max_scanned: int = MAX_SCANNED,
        allow_secrets: bool = False,
        on_progress: Progress | None = None,
    ) -> None:
        self._given = [paths] if isinstance(paths, str | Path) else list(paths)
        self._max_bytes, self._max_files, self._max_total = max_bytes, max_files, max_total
        self._allow_secrets = allow_secrets
        self.on_progress = on_progress
        self._lock = RLock()
        self._cuts = CutCache()
        self._places = None if allow_secrets else SecretPlaces(self._given)
        self._readings: Mapping[str, FileText] = {}
        self._indexed: _FilePool | None = None
        self._searches = Searches(most=max_scanned, allow_secrets=allow_secrets, tell=self._tell)
        self._take(*self._read(find(self._given, max_files)))
        if not self.texts and not self.large:
            raise InputError(_nothing(self._given, self.skipped))

    def __repr__(self) -> str:
        files = len(self.texts.keys() | self.large.keys())
        return f"Files({files:,} files, {len(self.skipped):,} skipped)"

    @property
    def encodings(self) -> Mapping[str, str]:
        """The encoding of each file that is not UTF-8, known by a mark or guessed from the bytes."""
        return {
            source: one.encoding
            for source, one in self._readings.items()
            if _is_used(one) and one.encoding not in ("utf-8", "utf-8-sig")
        }

    @property
    def items(self) -> Sequence[Item]:
        """The chunks of all indexed files, in the order of files and lines."""
        return tuple(self.pool.items)

    @property
    def pool(self) -> Pool:
        """The chunks, counted and indexed once; the pool never changes, a refresh with changes makes a new one."""
        with self._lock:
            if self._indexed is None:
                empty = _FilePool(pool=Pool().take(np.empty(0, np.intp)), rows={}, digests={})
                self._indexed = self._index(empty)
            return self._indexed.pool

    def pool_for(self, question: str) -> tuple[Pool, Sequence[Scanned]]:
        """Return the pool with a question's finds in large files, and how much of each large file was read.

        Example:
            >>> from ctxwin import sample
            >>> pool, scanned = Files(sample.files()).pool_for("How many retries?")
            >>> len(pool) > 0, scanned
            (True, ())
        """
        with self._lock:
            pool, targets = self.pool, self._targets()
        if not targets:
            return pool, ()
        return self._searches.joined(pool, targets, question)

    @property
    def found(self) -> Sequence[Item]:
        """The last questions' finds in large files, to look up shortened items by id."""
        return self._searches.found

    def pieces(self, source: str) -> Iterator[str]:
        """Yield the text of a file as it stands on disk, piece by piece, so that a large one takes no memory.

        Raises:
            InputError: it is no text any more, or not readable to its end.

        Example:
            >>> from ctxwin import sample
            >>> found = Files(sample.files())
            >>> all("".join(found.pieces(source)) == text for source, text in found.texts.items())
            True
        """
        return texts(self._paths[source], lambda read: self._tell(f"reading {source}", read, self.large.get(source, 0)))

    def map(self, query: str | None = None, tokens: int = 1_000, *, tokenizer: Any = "o200k_base") -> str:
        """Draw a map by file: the folders, and the lines of the definitions that other code refers to most.

        Args:
            query: the question that the map should serve; None maps the whole.
            tokens: most tokens of the map, counted exactly.
            tokenizer: counts the tokens, as for `pack`.

        Returns:
            The map; "" if nothing fits.

        Raises:
            InputError: `tokens` is not positive, or the query is no string.

        Example:
            >>> from ctxwin import sample
            >>> len(Files(sample.files()).map("retry", 60)) > 0
            True
        """
        if tokens <= 0:
            raise InputError(f"a map of {tokens} tokens cannot be drawn; give 1 or more")
        return Atlas(self.pool, parse_query(query)).draw(tokens, get_tokenizer(tokenizer)).text

    def refresh(self) -> Changes:
        """Read changed files anew, drop files that are gone (also from the caches), and return the changes.

        The result is the same as that of a new `Files`. A file with the same size and times as before is not read.
        """
        with self._lock:
            before, paths, texts, indexed = self._readings, self._paths, self.texts, self._indexed
            self._take(*self._read(find(self._given, self._max_files, again=True)))
            had, have = _digests(before), _digests(self._readings)
            changes = changes_between(had, have)
            try:
                if changes and indexed is not None:
                    self._indexed = self._index(indexed)
            except BaseException:  # of `on_progress`, or Ctrl-C: the next refresh finds the changes again
                self._take(before, paths)
                raise
            if changes:
                self._forget([*changes.changed, *changes.removed], texts, indexed.pool if indexed else None)
            gone = {key_of(source, had[source]) for source in changes.removed}
            gone |= {key_of(path, digest) for path, text in drop_documents() for digest in digests_of(text, path)}
            if gone:
                self._cuts.drop(gone - {key_of(source, digest) for source, digest in have.items()})
            return changes

    def _forget(self, sources: Sequence[str], texts: Mapping[str, str], pool: Pool | None) -> None:
        """Remove the summaries of texts in files that are gone or changed, and indexes with the texts' vectors."""
        gone = set(sources)
        chunks = [i for i, item in enumerate(pool or ()) if item.source in gone]
        drop_summaries([*(texts[one] for one in gone & texts.keys()), *(pool[i].text for i in chunks if pool)])
        drop_indexed(pool.index.text_to_embed(i) for i in chunks if pool)

    def watch(self, stop: Event | None = None) -> Iterator[Changes]:
        """Refresh whenever something under the paths changes, and yield the changes, until told to stop.

        Args:
            stop: set it from another thread to end the loop; within the loop, use `break`.

        Raises:
            MissingExtra: watchfiles is not installed.

        Example:
            >>> for changes in Files("src").watch():  # doctest: +SKIP
            ...     print(changes.changed)
        """
        for _ in until_something_changes(roots(self._given), stop or Event()):
            if changes := self.refresh():
                yield changes

    def embed(self, embedder: Any = "auto", *, on_progress: Callable[[int, int], None] | None = None) -> Filling:
        """Embed all chunks in the background, so that no question has to wait for embeddings.

        Packing works meanwhile with the same results, only slower: a question itself embeds the chunks that it lacks.

        Args:
            embedder: the embedder that `pack` will be given.
            on_progress: called in the background with (chunks embedded, chunks in all); an error that it raises ends
                the embedding, and `wait` raises it.
        """
        return Filling(self.pool, get_embedder(embedder), on_progress)

    def _read(self, found: Sequence[Walked]) -> tuple[dict[str, FileText], dict[str, str]]:
        """Read the found files, small ones first, until there is no room; keep the readings of unchanged files.

        Returns:
            What was read of each file, and the path of each, by source.
        """
        first = {one.source: one for one in reversed(found)}
        paths = {source: one.path for source, one in first.items()}
        readings: dict[str, FileText] = {}
        waiting: list[tuple[int, str, os.stat_result]] = []
        for source, one in first.items():
            if one.reason:
                readings[source] = FileText(reason=one.reason)
                continue
            try:
                status = os.stat(one.path)
                waiting.append((status.st_size, source, status))
            except (OSError, ValueError) as error:
                readings[source] = FileText(reason=why(error) if isinstance(error, OSError) else "no valid path")
        waiting.sort(key=lambda one: one[:2])
        jobs = {
            source: (paths[source], status, self._readings.get(source))
            for _, source, status in waiting
            if is_document(paths[source])
        }
        documents = read_together(jobs, self._tell, allow_secrets=self._allow_secrets, places=self._places)
        room = self._max_total
        for done, (size, source, status) in enumerate(waiting):
            self._tell("reading files", done, len(waiting))
            crowded = room < size <= self._max_bytes
            if crowded and is_document(paths[source]):
                reason = f"{size:,} bytes; smaller files have filled the {self._max_total:,} bytes for all"
                readings[source] = FileText(reason=reason)
                continue
            most = 0 if crowded else self._max_bytes
            before = self._readings.get(source)
            if before is not None and (crowded if before.text is not None else before.large and not crowded):
                before = None  # there is room now, or none any more
            one_read = documents.get(source) or read(
                paths[source], status, most, before,
                source=source, allow_secrets=self._allow_secrets, places=self._places,
            )  # fmt: skip
            readings[source] = one_read
            room -= size if one_read.text is not None else 0
        if self._places is not None:
            self._places.keep(readings)
        return {one.source: readings[one.source] for one in found}, paths

    def _take(self, readings: Mapping[str, FileText], paths: Mapping[str, str]) -> None:
        self._readings, self._paths = readings, paths
        self.texts: Mapping[str, str] = MappingProxyType(
            {source: one.text for source, one in readings.items() if one.text is not None}
        )
        self.skipped: tuple[Skipped, ...] = tuple(
            Skipped(path=source, reason=one.reason) for source, one in readings.items() if not _is_used(one)
        )
        self.secrets: tuple[Secret, ...] = tuple(secret for one in readings.values() for secret in one.secrets)
        self.large: Mapping[str, int] = MappingProxyType(
            {source: one.large for source, one in readings.items() if one.large}
        )

    @property
    def allow_secrets(self) -> bool:
        """Whether secrets are read."""
        return self._allow_secrets

    def _targets(self) -> list[Target]:
        """Return the files that are searched for each question."""
        return [
            Target(source=source, path=self._paths[source], size=size, text=self.texts.get(source))
            for source, size in self.large.items()
        ]

    def _tell(self, what: str, done: int, total: int) -> None:
        if self.on_progress is not None:
            self.on_progress(what, done, total)

    def _index(self, before: _FilePool) -> _FilePool:
        """Index new files and leave out files that are gone, in the order of the files."""
        digests = {source: self._readings[source].digest for source in self.texts if source not in self.large}
        new = [source for source, digest in digests.items() if before.digests.get(source) != digest]
        chunked = self._cut({source: (key_of(source, digests[source]), self.texts[source]) for source in new})
        self._tell("indexing", 0, 1)
        where = {source: rows for source, rows in before.rows.items() if digests.get(source) == before.digests[source]}
        end = len(before.pool)
        for source in new:
            where[source] = np.arange(end, end + len(chunked[source].items))
            end += len(chunked[source].items)
        rows = [where[source] for source in digests]
        pool = before.pool.take(
            np.concatenate([np.empty(0, np.intp), *rows]),
            [item for source in new for item in chunked[source].items],
            [chunked[source].terms for source in new],
        )
        bounds = np.cumsum([0, *map(len, rows)])
        now = {source: np.arange(bounds[i], bounds[i + 1]) for i, source in enumerate(digests)}
        return _FilePool(pool=pool, rows=now, digests=digests)

    def _cut(self, texts: Mapping[str, tuple[bytes, str]]) -> dict[str, Chunked]:
        """Cut texts, given by source with their keys, into chunks, unless the cache has the chunks."""
        found = dict(self._cuts.get(texts))
        new = [source for source in texts if source not in found]
        for start in range(0, len(new), BATCH):
            self._tell("cutting files", start, len(new))
            for source in (batch := new[start : start + BATCH]):
                items = chunk(texts[source][1], source=source)
                found[source] = Chunked(items=items, terms=count_terms(items))
            self._cuts.put((*texts[source], found[source]) for source in batch)
        return found


def _digests(readings: Mapping[str, FileText]) -> dict[str, bytes]:
    return {source: one.digest for source, one in readings.items() if _is_used(one)}


def _is_used(one: FileText) -> bool:
    return one.text is not None or one.large > 0


def _nothing(given: Sequence[str | Path], skipped: Sequence[Skipped]) -> str:
    if not given:
        return "no path given; give files, folders or globs"
    where = ", ".join(repr(str(path)) for path in given[:3])
    shown = ", ".join(f"{one.path!r} ({one.reason})" for one in skipped[:3])
    why = f"; {len(skipped):,} skipped: {shown}" if skipped else ""
    return f"no readable file in {where}{why}; give text, Markdown or code"
