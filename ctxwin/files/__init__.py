"""Reads files and folders into a pool of chunks, and lists what was left out and why.

    paths, globs --walk--> files --read--> texts --chunking--> Items --> Pool

Folders are walked in the order of names, without hidden entries, without entries that `.gitignore` and `.ctxwinignore`
exclude, and without following links, so that no cycle and no way out of the folder exists. The chunks and terms of
files are kept in the user's cache, by the files' content.
"""

from .background import Filling
from .corpus import MAX_BYTES, MAX_FILES, MAX_TOTAL, Changes, Files, Skipped
from .file_text import decode
from .scanning import Scanned
from .secrets import MARK, Secret, redacted
from .walking import IGNORE_FILES, IGNORED

__all__ = [
    "IGNORED",
    "IGNORE_FILES",
    "MARK",
    "MAX_BYTES",
    "MAX_FILES",
    "MAX_TOTAL",
    "Changes",
    "Files",
    "Filling",
    "Scanned",
    "Secret",
    "Skipped",
    "decode",
    "redacted",
]
