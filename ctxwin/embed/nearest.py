"""Keep the vectors of very many texts on disk, and find those near a question's with FAISS.

A folder of the cache for each set of texts, written once and named by the hash of the embedder's name and the texts:

    keys.npy     (n, 2) the hashes of the texts, sorted; rows of the other files are in this order
    vectors.npy  (n, d) float16, as the cache of vectors has them; memory-mapped, so that only the best are read
    mean.npy     (d,) the mean of the vectors
    codes.faiss  4 bits for each two numbers of a vector, which FAISS scans in full
    about.json   the embedder's name, and size and sum of each file

Scanning all codes is both quicker and surer than lists of clusters: of 131,072 lines of installed packages (256
dimensions, one core) it found .999 of the best 200 among 1,000 in .4 ms, lists of which a sixth was read .94 in 1.7 ms.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..store.cache import DAY, DAYS, STALE, CacheWarning, cache_dir, cache_folder, locked

__all__ = ["INDEXED_FROM", "Keys", "Nearest", "drop", "find_or_build", "packed_keys"]

INDEXED_FROM = 50_000
"""Number of texts from which their vectors are kept in an index and no longer read into memory for each process."""
TRAINED = 20_000
"""Vectors that the codes are learned from; with 2,000 the best 200 of 131,072 were found as well, .3 s sooner."""
ADDED = 65_536
"""Vectors that are turned into codes at once: 67 MB of 256 dimensions."""
READ = 1_000
"""Texts whose vectors are read or made between two reports of progress."""

FOLDER = "nearest-1"
"""Name of the folder of all indexes; the number goes up with their form."""
ABOUT, CODES, KEYS, MEAN, VECTORS = "about.json", "codes.faiss", "keys.npy", "mean.npy", "vectors.npy"
BUILDING = ".building-"
"""Begin of the name of a folder that is being written."""

LEFT = 3_600.0
"""Seconds after which a folder that is being written counts as left by a process that has ended."""

_log = logging.getLogger(__name__)

Keys = NDArray[np.uint64]
"""(n, 2) keys of texts, as `packed_keys` gives them."""
Embed = Callable[[int, int], NDArray[np.float32]]
"""Returns the vectors of the texts from one place up to another."""


class Nearest:
    """The vectors of many texts, by row: those near another vector are found without reading all.

    Args:
        keys: (n, 2) keys of the texts, sorted.
        vectors: (n, d) rows of length 1, or of zeros.
        mean: (d,) their mean.
        codes: the FAISS index of the same rows.
    """

    def __init__(self, keys: Keys, vectors: NDArray[np.float16], mean: NDArray[np.float32], codes: Any) -> None:
        self.shape: tuple[int, ...] = vectors.shape
        self.mean = mean
        self._keys, self._vectors, self._codes = keys, vectors, codes

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: int | NDArray[np.integer]) -> NDArray[np.float32]:
        return np.asarray(self._vectors[rows], np.float32)

    def rows_of(self, keys: Keys) -> NDArray[np.intp]:
        """Return the row of each text's vector, -1 for a text without one."""
        return _rows_of(keys, self._keys)

    def near(self, direction: NDArray[np.float32], most: int) -> NDArray[np.intp]:
        """Return up to `most` rows whose vectors are probably the nearest to a direction, (d,), ascending."""
        with _one_thread():
            _, rows = self._codes.search(direction[None], min(most, len(self)))
        return np.sort(rows[0][rows[0] >= 0])


def packed_keys(keys: Sequence[bytes]) -> Keys:
    """Return keys of 16 bytes as an array, in their order."""
    return np.frombuffer(b"".join(keys), ">u8").reshape(-1, 2).astype(np.uint64)


def find_or_build(name: str, keys: Keys, embed: Embed, on_progress: Callable[[int, int], None] | None) -> Nearest:
    """Return an index of the vectors of these texts, from disk if there is one of just these texts.

    An index of nearly the same texts would find other vectors than one made anew, so that plans would depend on what
    was packed before. A damaged index is removed and built again. If the folder cannot be written, the index is built
    in memory.

    Args:
        name: the embedder's name.
        keys: the keys of the texts, sorted, each once.
        embed: returns the vectors of the texts from one place up to another, in the order of the keys.
        on_progress: called with (texts read, texts in all) while an index is built.
    """
    if (found := _find(name, keys)) is not None:
        return found
    blocks = partial(_blocks, len(keys), embed, on_progress)
    with locked(f"{FOLDER}-{_stem(name)}"):
        found = _find(name, keys)  # another process may have built it meanwhile
        if found is None:
            try:
                found = _built_on_disk(name, keys, blocks())
            except OSError as error:
                _log.info("an index of vectors cannot be kept (%s)", type(error).__name__)
    if found is None:
        vectors = np.concatenate(list(blocks()))
        found = Nearest(keys, vectors, *_coded(vectors))
    return found


def drop(keys_by: Callable[[str], Keys]) -> None:
    """Remove the indexes that hold any of some texts; a `CacheWarning` names any that cannot be removed.

    Args:
        keys_by: returns the keys of the texts for an embedder's name.
    """
    for place in _places():
        keys, name = _read_keys(place), _read_about(place).get("embedder", "")
        if keys is None or (_rows_of(keys_by(name), keys) >= 0).any():
            _remove(place)
            if place.exists():
                message = f"{str(place)!r} holds what was to be erased and cannot be removed; remove it by hand"
                warnings.warn(message, CacheWarning, stacklevel=3)


def _blocks(size: int, embed: Embed, on_progress: Callable[[int, int], None] | None) -> Iterator[NDArray[np.float16]]:
    for start in range(0, size, READ):
        stop = min(start + READ, size)
        yield embed(start, stop).astype(np.float16)
        if on_progress is not None:
            on_progress(stop, size)


def _coded(vectors: NDArray[np.float16]) -> tuple[NDArray[np.float32], Any]:
    """Return the mean of the vectors, (d,), and a FAISS index of them; equal vectors give equal bytes."""
    import faiss

    size, width = vectors.shape
    index = faiss.IndexPQFastScan(width, width if width % 2 else width // 2, 4, faiss.METRIC_INNER_PRODUCT)
    total = np.zeros(width)
    with _one_thread():
        index.train(vectors[np.linspace(0, size - 1, min(size, TRAINED)).astype(np.intp)].astype(np.float32))
        for start in range(0, size, ADDED):
            block = vectors[start : start + ADDED].astype(np.float32)
            index.add(block)
            total += block.sum(axis=0, dtype=np.float64)
    return (total / size).astype(np.float32), index


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Let FAISS use one thread: it gives a question to one, and cuts training into parts so small that others wait."""
    import faiss

    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


def _built_on_disk(name: str, keys: Keys, blocks: Iterator[NDArray[np.float16]]) -> Nearest | None:
    """Write an index beside its place and put it there in one step; return it, opened.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    import faiss

    folder, place = cache_folder() / FOLDER, _place(name, keys)
    folder.mkdir(exist_ok=True, mode=0o700)
    part = Path(tempfile.mkdtemp(dir=folder, prefix=BUILDING))
    try:
        np.save(part / KEYS, keys)
        _write_rows(part / VECTORS, len(keys), blocks)
        mean, codes = _coded(np.load(part / VECTORS, mmap_mode="r"))
        np.save(part / MEAN, mean)
        (part / CODES).write_bytes(faiss.serialize_index(codes).tobytes())
        sums = {file: _sum(part / file) for file in (KEYS, VECTORS, MEAN, CODES)}
        (part / ABOUT).write_text(json.dumps({"embedder": name, "sums": sums}), encoding="utf-8")
        _remove(place)  # if there is one, it is damaged, else it would have been found
        part.replace(place)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    _sweep(place, keys)
    return _opened(place)


def _write_rows(path: Path, size: int, blocks: Iterator[NDArray[np.float16]]) -> None:
    """Write (n, d) as `np.save` does, some rows at a time; a full disk raises an error, which a map would not."""
    first = next(blocks)
    with path.open("wb") as file:
        header = {"descr": first.dtype.str, "fortran_order": False, "shape": (size, first.shape[1])}
        np.lib.format.write_array_header_1_0(file, header)
        for block in chain([first], blocks):
            file.write(block.tobytes())


def _find(name: str, keys: Keys) -> Nearest | None:
    """Open the index of these texts."""
    place = _place(name, keys)
    found = _opened(place) if place.exists() else None
    if found is not None:
        with contextlib.suppress(OSError):
            if _age(place) > STALE * DAY:
                os.utime(place)
    return found


def _opened(place: Path) -> Nearest | None:
    """Open an index; a damaged one is removed."""
    import faiss

    try:
        sums = _read_about(place)["sums"]
        if any(_sum(place / file) != tuple(sums[file]) for file in (KEYS, VECTORS, MEAN, CODES)):
            raise ValueError(place)
        codes = faiss.deserialize_index(np.fromfile(place / CODES, np.uint8))
        keys, vectors = (np.load(place / file, mmap_mode="r") for file in (KEYS, VECTORS))
        return Nearest(keys, vectors, np.load(place / MEAN), codes)
    except (OSError, ValueError, EOFError, KeyError, TypeError, RuntimeError):
        _remove(place)
        return None


def _sweep(new: Path, keys: Keys) -> None:
    """Remove indexes that nobody has opened in `DAYS`, and those that a new one stands for."""
    for place in _places():
        theirs = _read_keys(place)
        replaced = (
            place.name.startswith(new.name.partition("-")[0])
            and theirs is not None
            and 2 * (_rows_of(theirs, keys) >= 0).sum() >= len(theirs)
        )
        if place != new and (theirs is None or replaced or _age(place) > DAYS * DAY):
            _remove(place)


def _places() -> list[Path]:
    """List the folders of indexes; what a build has left that came to no end is removed."""
    places = []
    for place in sorted((cache_dir() / FOLDER).glob("*")):
        if not place.name.startswith(BUILDING):
            places.append(place)
        elif _age(place) > LEFT:
            _remove(place)
    return places


def _stem(name: str) -> str:
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _place(name: str, keys: Keys) -> Path:
    digest = hashlib.blake2b(np.ascontiguousarray(keys).tobytes(), digest_size=16).hexdigest()
    return cache_dir() / FOLDER / f"{_stem(name)}-{digest}"


def _rows_of(wanted: Keys, keys: Keys) -> NDArray[np.intp]:
    if not len(keys):
        return np.full(len(wanted), -1, np.intp)
    rows = np.minimum(np.searchsorted(keys[:, 0], wanted[:, 0]), len(keys) - 1)
    return np.where((keys[rows] == wanted).all(axis=1), rows, -1)


def _read_keys(place: Path) -> Keys | None:
    try:
        keys: Keys = np.load(place / KEYS, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return None
    return keys if keys.ndim == 2 and keys.shape[1] == 2 and keys.dtype == np.uint64 else None


def _read_about(place: Path) -> dict[str, Any]:
    try:
        about = json.loads((place / ABOUT).read_bytes())
    except (OSError, ValueError):
        return {}
    return about if isinstance(about, dict) else {}


def _sum(path: Path) -> tuple[int, int]:
    """Return a file's bytes, and the sum of its words: .1 s for 600 MB that were read before."""
    content = np.memmap(path, np.uint8, "r")
    whole = len(content) // 8 * 8
    words = int(content[:whole].view(np.uint64).sum(dtype=np.uint64))
    return len(content), words + int(content[whole:].sum(dtype=np.uint64))


def _age(place: Path) -> float:
    try:
        return time.time() - place.stat().st_mtime
    except OSError:
        return 0.0


def _remove(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
