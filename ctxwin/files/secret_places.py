"""Remember where secrets stand in files, so that a later process need not look for them again.

    hash of (the rules, the paths that were given) -> for each file: hash of its name and content, and the places

One entry of the user's cache holds all files of one `Files`. It is written anew without the files that are gone. The
entry holds places and kinds, no text. A changed rule, name or content has another hash, so no place is out of date.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property, partial
from pathlib import Path

from ..store.cache import CacheDatabase
from .cut_cache import FILE, HASH, SCHEMA, fetch, insert, ways
from .secrets import Place, find_secrets

__all__ = ["SecretPlaces"]

RULES = (
    "chunking/syntax",
    "files/encodings",
    "files/keys",
    "files/named",
    "files/phrased",
    "files/secrets",
    "files/text_stream",
)
"""Modules of this package that decide what a secret is; a change to any of them starts the places anew."""
SCANNER = ("kingfisher_secret_scanner",)
"""Prefix of the name of the other package that decides the same."""


class SecretPlaces:
    """The places of secrets in the files of one `Files`; a damaged entry counts as missing.

    Args:
        given: the paths of the `Files`.
    """

    def __init__(self, given: Iterable[str | Path]) -> None:
        paths = [os.path.abspath(path) for path in given]
        self._key = _hash(ways(RULES, SCANNER), *(path.encode("utf-8", "surrogatepass") for path in paths))
        self._file = CacheDatabase(FILE, SCHEMA, what="files", again="files are cut anew")
        self._written = b""

    def of(self, text: str, source: str, digest: bytes) -> Sequence[Place]:
        """Return where secrets stand in a text, looked for unless known, as `find_secrets` does.

        Args:
            text: the content of the file.
            source: the name of the file.
            digest: the hash of the content.
        """
        name = _name(source)
        sign = _hash(bytes.fromhex(name), digest).hex()
        known = self._known.get(name)
        if known is None or known[0] != sign:
            self._known[name] = known = (sign, find_secrets(text, source))
        return known[1]

    def keep(self, sources: Collection[str]) -> None:
        """Write the places into the cache, without those in files other than `sources`, unless nothing has changed."""
        names = {_name(source) for source in sources}
        for name in self._known.keys() - names:
            del self._known[name]
        body = json.dumps(self._known, sort_keys=True).encode()
        if body != self._written:
            self._file.run(partial(insert, rows=[(self._key, _hash(self._key, body) + body)]))
            self._written = body

    @cached_property
    def _known(self) -> dict[str, tuple[str, Sequence[Place]]]:
        for _, value in self._file.run(partial(fetch, keys=[self._key])) or ():
            body = value[HASH:]
            if _hash(self._key, body) == value[:HASH]:
                self._written = body
                return {
                    name: (sign, [(start, end, kind) for start, end, kind in places])
                    for name, (sign, places) in json.loads(body).items()
                }
        return {}


def _name(source: str) -> str:
    return _hash(source.encode("utf-8", "surrogatepass")).hex()


def _hash(*parts: bytes) -> bytes:
    return hashlib.blake2b(b"\0".join(parts), digest_size=HASH).digest()
