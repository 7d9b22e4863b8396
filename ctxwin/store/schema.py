"""Defines the tables of a store's file, as numbered steps from the first schema on.

A released step is never changed: a new schema is a further step, and every file is brought to the newest schema by the
steps that it lacks, in one transaction. `PRAGMA user_version` has the number of steps done.
"""

from __future__ import annotations

__all__ = ["APPLICATION", "MIGRATIONS"]

APPLICATION = 0x43545857
"""`PRAGMA application_id` of our files, "CTXW", which tells them from other programs' SQLite files."""

_MESSAGES_WINDOWS_TURNS = (
    """CREATE TABLE messages (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,  -- hash of form: what is the same is stored once
        hash TEXT NOT NULL,        -- hash of the canonical JSON
        form NOT NULL              -- JSON as given: TEXT, or a BLOB (UTF-8) where it holds lone surrogates
    )""",
    """CREATE TABLE windows (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        created TEXT NOT NULL,     -- times are ISO 8601
        dialect TEXT,
        model TEXT,
        total INTEGER,             -- the budget, in tokens; all NULL where there is none
        reserve INTEGER,
        margin INTEGER,
        parent TEXT,               -- of a fork: the window's name and the last position that both have
        until INTEGER,
        state TEXT NOT NULL DEFAULT '{}'
    )""",
    """CREATE TABLE turns (
        window INTEGER NOT NULL REFERENCES windows,
        position INTEGER NOT NULL,
        message INTEGER REFERENCES messages,  -- NULL: erased
        time TEXT,
        pinned INTEGER NOT NULL DEFAULT 0,
        forgotten INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (window, position)
    ) WITHOUT ROWID""",
    "CREATE INDEX turns_by_message ON turns (message)",
)

_COUNTS_VECTORS_USAGE = (
    """CREATE TABLE counts (
        hash TEXT NOT NULL,        -- of the text
        tokenizer TEXT NOT NULL,
        tokens INTEGER NOT NULL,
        PRIMARY KEY (hash, tokenizer)
    ) WITHOUT ROWID""",
    """CREATE TABLE vectors (
        hash TEXT NOT NULL,        -- of the text
        embedder TEXT NOT NULL,
        dtype TEXT NOT NULL,       -- numpy's: <f2 or <f4
        vector BLOB NOT NULL,
        PRIMARY KEY (hash, embedder)
    )""",
    """CREATE TABLE usage (
        id INTEGER PRIMARY KEY,
        window INTEGER NOT NULL REFERENCES windows,
        input INTEGER NOT NULL,    -- tokens, as are the next
        cached INTEGER NOT NULL,
        written INTEGER NOT NULL,
        output INTEGER NOT NULL,
        model TEXT,
        time TEXT NOT NULL,
        position INTEGER,          -- of the reply's first turn
        counted INTEGER,
        unpacked INTEGER,
        cost REAL                  -- US dollars
    )""",
    "CREATE INDEX usage_by_window ON usage (window)",
)

_SYSTEM = ("ALTER TABLE windows ADD COLUMN system TEXT",)  # JSON: {"prompt": ...}; NULL: none

_CHANGES = ("ALTER TABLE windows ADD COLUMN changes INTEGER NOT NULL DEFAULT 0",)  # of marks and erasures

_BEHIND = ("ALTER TABLE turns ADD COLUMN behind INTEGER",)  # position of a turn; NULL: it stands at its own position

_LENGTH_SUMS_PURGING = (
    "ALTER TABLE windows ADD COLUMN length INTEGER NOT NULL DEFAULT 0",  # positions used: tells whether turns are lost
    'UPDATE windows SET length = coalesce((SELECT max(position) + 1 FROM turns WHERE "window" = windows.id), 0)',
    *(f"ALTER TABLE {table} ADD COLUMN crc INTEGER" for table in ("turns", "windows", "usage", "counts", "vectors")),
    "ALTER TABLE windows ADD COLUMN state_crc INTEGER",  # of the state alone, which can be begun anew
    "CREATE TABLE purging (since TEXT NOT NULL)",  # a row: bytes of what was erased may still be in the file
)  # crc: sum of what the row holds, by which damage is told; NULL: written before there were sums

_ENOUGH = ("ALTER TABLE windows ADD COLUMN enough REAL",)  # of the budget; NULL: none, and no part of the sum

_NODES = (
    """CREATE TABLE nodes (
        hash TEXT NOT NULL PRIMARY KEY,  -- of all that the node depends on
        node BLOB NOT NULL,              -- places of sentences in turns; no text
        crc INTEGER NOT NULL
    ) WITHOUT ROWID""",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    _MESSAGES_WINDOWS_TURNS,
    _COUNTS_VECTORS_USAGE,
    _SYSTEM,
    _CHANGES,
    _BEHIND,
    _LENGTH_SUMS_PURGING,
    _ENOUGH,
    _NODES,
)
"""Statements of each step."""
