"""The file of `SqliteStore`: schemas, sharing, erasing, threads, processes and forks."""

import contextlib
import hashlib
import json
import random
import sqlite3
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from processes import run

from ctxwin.errors import InputError, StoreError
from ctxwin.items import Budget, content_hash
from ctxwin.store import SqliteStore, UsageRecord, WindowSettings, file
from ctxwin.store.schema import APPLICATION, MIGRATIONS

pytestmark = pytest.mark.usefixtures("private_files")
SCHEMA_1 = """
CREATE TABLE messages (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,  -- hash of form: what is the same is stored once
        hash TEXT NOT NULL,        -- hash of the canonical JSON
        form NOT NULL              -- JSON as given: TEXT, or a BLOB (UTF-8) where it holds lone surrogates
    );
CREATE TABLE windows (
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
    );
CREATE TABLE turns (
        window INTEGER NOT NULL REFERENCES windows,
        position INTEGER NOT NULL,
        message INTEGER REFERENCES messages,  -- NULL: erased
        time TEXT,
        pinned INTEGER NOT NULL DEFAULT 0,
        forgotten INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (window, position)
    ) WITHOUT ROWID;
CREATE INDEX turns_by_message ON turns (message);
PRAGMA application_id = 1129601111;
PRAGMA user_version = 1;
"""
"""What the first ctxwin with a store wrote; it stays here as it is for ever."""

ROWS_1 = """
INSERT INTO windows VALUES
    (7, 'old', '2024-01-01T00:00:00+00:00', 'openai', 'gpt-5', 8000, 1000, NULL, NULL, NULL, '{"a":1}'),
    (9, 'fork', '2024-02-01T00:00:00+00:00', NULL, NULL, NULL, NULL, NULL, 'old', 1, '{}');
INSERT INTO turns VALUES (7, 0, 1, '2024-01-01T00:00:01+00:00', 1, 0), (7, 1, 3, NULL, 0, 1), (7, 2, NULL, NULL, 0, 0);
INSERT INTO turns VALUES (9, 0, 1, '2024-01-01T00:00:01+00:00', 0, 0), (9, 1, 3, NULL, 0, 0);
"""
HELLO = {"role": "user", "content": "Hello."}
REPLY = {"content": "\ud800 back", "role": "assistant"}


@pytest.fixture
def place(tmp_path):
    return tmp_path / "chat.db"


@pytest.fixture
def store(place):
    with contextlib.closing(SqliteStore(place)) as opened:
        yield opened


def sql(place, statement, *values):
    with contextlib.closing(sqlite3.connect(place)) as connection, connection:
        return connection.execute(statement, values).fetchall()


def all_bytes(place):
    """Return the bytes of the file and of what SQLite keeps beside it."""
    return b"".join(path.read_bytes() for path in sorted(place.parent.glob(f"{place.name}*")))


def write_schema_1(place):
    with contextlib.closing(sqlite3.connect(place)) as connection:
        connection.executescript(SCHEMA_1)
        for number, message in ((1, HELLO), (3, REPLY)):
            form = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
            canonical = json.dumps(message, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
            kept = form if form.isascii() else form.encode("utf-8", "surrogatepass")
            row = (number, content_hash(form), content_hash(canonical), kept)
            connection.execute("INSERT INTO messages VALUES (?, ?, ?, ?)", row)
        connection.commit()
        connection.executescript(ROWS_1)


# Schemas


def test_a_file_of_the_first_schema_opens_and_keeps_everything(place):
    write_schema_1(place)
    for _ in range(2):  # the second time there is nothing to migrate
        with contextlib.closing(SqliteStore(place)) as store:
            assert store.windows() == ["old", "fork"]
            assert store.settings("old") == WindowSettings(
                dialect="openai",
                model="gpt-5",
                budget=Budget(total=8_000, reserve=1_000),
                created="2024-01-01T00:00:00+00:00",
                state={"a": 1},
            )
            assert store.settings("fork") == WindowSettings(created="2024-02-01T00:00:00+00:00", parent="old", until=1)
            first, second = store.turns("old")
            assert [json.dumps(turn.message) for turn in (first, second)] == [json.dumps(HELLO), json.dumps(REPLY)]
            assert (first.position, first.time, first.pinned) == (0, "2024-01-01T00:00:01+00:00", True)
            assert (second.position, second.time, second.forgotten) == (1, None, True)
            assert [turn.message for turn in store.turns("fork")] == [HELLO, REPLY]
    with contextlib.closing(SqliteStore(place)) as store:
        assert [turn.position for turn in store.append("old", [HELLO])] == [3]
        store.record_usage("old", UsageRecord(input=1))
        store.save_counts("t", {"x": 1})
        store.save_vectors("e", {"x": np.ones(2, np.float32)})
        assert len(store.usage("old")) == 1
    assert sql(place, "SELECT count(*) FROM messages") == [(2,)]


def test_an_old_file_and_a_new_one_have_the_same_tables(tmp_path):
    """So that no released step is ever changed."""
    assert APPLICATION == 1129601111
    write_schema_1(tmp_path / "old.db")
    found = []
    for name in ("old.db", "new.db"):
        SqliteStore(tmp_path / name).close()
        found.append(sql(tmp_path / name, "SELECT type, name, sql FROM sqlite_master ORDER BY name"))
        assert sql(tmp_path / name, "PRAGMA user_version") == [(len(MIGRATIONS),)]
        assert sql(tmp_path / name, "PRAGMA integrity_check") == [("ok",)]
    assert found[0] == found[1]


RELEASED = (
    "a3cea52d0c5c",
    "dd231973e230",
    "284c8412cce6",
    "2134553a3737",
    "b2aacd95f2cd",
    "ab7d1a6521aa",
    "838f9739cd27",
    "141c9f59eb2f",
)


def test_released_steps_are_as_they_were():
    """A file whose number is past a step never sees what is added to it; add another step, and its digest here."""
    steps = [hashlib.sha256("\n".join(step).encode()).hexdigest()[:12] for step in MIGRATIONS]
    assert tuple(steps) == RELEASED


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_a_file_of_each_released_version_is_read_and_written(tmp_path, version):
    write_schema_1(tmp_path / "old.db")
    with contextlib.closing(sqlite3.connect(tmp_path / "old.db")) as file, file:
        for step in MIGRATIONS[1:version]:
            for statement in step:
                file.execute(statement)
        file.execute(f"PRAGMA user_version = {version}")
    with contextlib.closing(SqliteStore(tmp_path / "old.db")) as store:
        before = len(store.turns("old"))
        assert before > 0
        store.append("old", [REPLY])
        assert len(store.turns("old")) == before + 1


def test_a_migration_that_fails_leaves_the_old_file(place, monkeypatch):
    write_schema_1(place)
    with contextlib.closing(sqlite3.connect(place)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    before = place.read_bytes()
    monkeypatch.setattr(file, "MIGRATIONS", (*MIGRATIONS, ("CREATE TABLE more (id)", "CREATE TABLE turns (id)")))
    with pytest.raises(StoreError, match="table turns already exists"):
        SqliteStore(place)
    assert place.read_bytes() == before


def test_a_file_that_a_newer_ctxwin_upgrades_while_it_is_open_is_not_written_any_more(store, place):
    store.append("w", [HELLO])
    sql(place, "PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="schema 99"):
        store.append("w", [HELLO])
    sql(place, f"PRAGMA user_version = {len(MIGRATIONS)}")
    assert [turn.position for turn in store.append("w", [HELLO])] == [1]


def test_processes_that_make_the_file_at_once_all_succeed(place):
    code = """
        import sys
        from ctxwin.store import SqliteStore
        print("ready", flush=True)
        sys.stdin.readline()
        store = SqliteStore(sys.argv[1])
        store.append("w", [{"role": "user", "content": sys.argv[2]}])
        store.close()
    """
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(code), str(place)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with contextlib.ExitStack() as stack:
        children = [stack.enter_context(subprocess.Popen([*command, str(n)], **pipes)) for n in range(6)]
        for child in children:
            assert child.stdout.readline() == "ready\n"
        for child in children:
            child.stdin.write("go\n")
            child.stdin.flush()
        assert [child.wait(timeout=120) for child in children] == [0] * 6
    with contextlib.closing(SqliteStore(place)) as store:
        assert sorted(turn.message["content"] for turn in store.turns("w")) == list("012345")


# What is kept how


def test_equal_messages_and_forks_share_one_row(store, place):
    store.append("w", [HELLO, REPLY] * 50)
    store.append("w", [dict(reversed(HELLO.items()))])  # another form of the same
    for n in range(5):
        store.fork("w", f"fork {n}")
    assert sql(place, "SELECT count(*), count(DISTINCT hash) FROM messages") == [(3, 2)]
    assert sql(place, "SELECT count(*) FROM turns") == [(6 * 101,)]


def test_a_commit_is_on_the_disk_before_it_is_acknowledged(store):
    with store._file.reading() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_appending_costs_the_same_whatever_the_length(store):
    """Counted in steps of SQLite's virtual machine, not in time."""

    def steps(length):
        counted = []
        with store._file.reading() as connection:
            connection.set_progress_handler(lambda: counted.append(1), 1)
        store.append("w", [{"role": "user", "content": f"the one after {length}"}], expected=length)
        with store._file.reading() as connection:
            connection.set_progress_handler(None, 1)
        return len(counted)

    store.append("w", [{"role": "user", "content": f"{n}"} for n in range(10)])
    few = steps(10)
    store.append("w", [{"role": "user", "content": f"more {n}"} for n in range(10_000)])
    assert steps(10_011) < 1.2 * few


@pytest.mark.parametrize(
    "read",
    [
        lambda store: store.turns("w"),
        lambda store: store.vectors("e", [f"{n}" for n in range(10_000)]),
        lambda store: store.counts("t", [f"{n}" for n in range(10_000)]),
    ],
    ids=["turns", "vectors", "counts"],
)
def test_any_number_is_read_by_one_query(store, read):
    store.append("w", [{"role": "user", "content": f"{n}"} for n in range(2_000)])
    store.save_vectors("e", {f"{n}": np.ones(2, np.float16) for n in range(2_000)})
    store.save_counts("t", {f"{n}": n for n in range(2_000)})
    statements = []
    with store._file.reading() as connection:
        connection.set_trace_callback(statements.append)
    assert len(read(store)) == 2_000
    assert len(statements) == 1


def test_a_path_is_taken_as_written(tmp_path, monkeypatch):
    odd = tmp_path / "a ?mode=ro #1 %41 ü.db"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for path in (odd, str(odd), odd.name, f"~/{odd.name}"):
        with contextlib.closing(SqliteStore(path)) as store:
            store.append("w", [HELLO])
            monkeypatch.chdir("/")
            assert store.path == odd
            store.append("w", [HELLO])
            monkeypatch.chdir(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [odd.name]
    assert sql(odd, "SELECT count(*) FROM turns") == [(8,)]


# Erasing


def test_what_is_erased_is_in_no_byte_of_the_file_or_its_log(store, place):
    secret = {"role": "user", "content": "the code is 4711-ABSINTH " + "and more " * 2_000 + "until 4712-BITTERS"}
    (turn,) = store.append("w", [HELLO, secret])[1:]
    vector = np.random.default_rng(0).normal(size=64).astype(np.float32)
    store.save_vectors("e", {turn.hash: vector, content_hash("ABSINTH"): vector})
    for needle in (b"4711-ABSINTH", b"4712-BITTERS", turn.hash.encode(), vector.tobytes()):
        assert needle in all_bytes(place)
    store.erase("w", [1], derived=[content_hash("ABSINTH")])
    for needle in (b"4711-ABSINTH", b"4712-BITTERS", b"and more and more", turn.hash.encode(), vector.tobytes()):
        assert needle not in all_bytes(place)
    assert [turn.message for turn in store.turns("w")] == [HELLO]


@pytest.mark.parametrize("seed", [3, 19])
def test_nothing_is_left_where_rows_were_moved_between_pages(place, seed):
    """With `secure_delete` and an empty log, but without rewriting the file, each of these seeds left something."""
    chance = random.Random(seed)
    alive = {}
    with contextlib.closing(SqliteStore(place)) as one, contextlib.closing(SqliteStore(place)) as other:
        for _ in range(60):
            for _ in range(chance.choice([1, 1, 5, 30])):
                name = f"tok{seed}x{len(alive)}y{chance.random()}"
                size = chance.randrange(chance.choice([5, 50, 300, 900, 1_000, 2_000, 4_000, 5_000, 20_000]))
                window = chance.choice("ab")
                message = {"role": "user", "content": f"{name} {'z' * size} {name}"}
                (turn,) = chance.choice([one, other]).append(window, [message])
                alive[window, turn.position] = name
            window = chance.choice("ab")
            there = [key for key in alive if key[0] == window]
            out = chance.sample(there, min(len(there), chance.choice([1, 3, 20])))
            if out:
                chance.choice([one, other]).erase(window, [position for _, position in out])
                found = all_bytes(place)
                assert [name for name in map(alive.pop, out) if name.encode() in found] == []
        kept = {(window, turn.position): turn.message["content"] for window in "ab" for turn in one.turns(window)}
    assert kept.keys() == alive.keys()
    assert all(kept[key].startswith(f"{name} ") for key, name in alive.items())


def test_what_another_window_holds_stays_until_it_is_erased_there_too(store, place):
    store.append("w", [{"role": "user", "content": "4711-ABSINTH"}])
    store.fork("w", "fork")
    store.erase("w", [0])
    assert store.turns("w") == []
    assert store.turns("fork")[0].message["content"] == "4711-ABSINTH"
    store.erase("fork", [0])
    assert b"ABSINTH" not in all_bytes(place)


def test_an_erasure_that_another_reader_holds_up_says_so_and_can_be_done_again(place, monkeypatch):
    monkeypatch.setattr(file, "BUSY_SECONDS", 0.1)
    with contextlib.closing(SqliteStore(place)) as store:
        store.append("w", [{"role": "user", "content": "4711-ABSINTH"}])
        with contextlib.closing(sqlite3.connect(place, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM turns").fetchall()
            with pytest.raises(StoreError, match="its bytes are still in the file"):
                store.erase("w", [0])
            assert store.turns("w") == []
            assert b"ABSINTH" in all_bytes(place)
            SqliteStore(place).close()  # which tries again, and waits for nobody
            assert b"ABSINTH" in all_bytes(place)
        store.erase("w", [0])
        assert b"ABSINTH" not in all_bytes(place)


def test_what_could_not_be_removed_from_the_file_goes_when_it_is_opened_again(place):
    run(
        """
        import os, sqlite3, sys
        from ctxwin.store import SqliteStore
        from ctxwin.store.file import StoreFile
        store = SqliteStore(sys.argv[1])
        store.append("w", [{"role": "user", "content": "4711-ABSINTH"}, {"role": "user", "content": "stays"}])
        reader = sqlite3.connect(sys.argv[1], isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM turns").fetchall()  # so that the file stays as it is read here
        StoreFile.purge = lambda self: os._exit(0)  # as if it were killed here
        store.erase("w", [0])
        """,
        place,
    )
    assert b"ABSINTH" in all_bytes(place)
    with contextlib.closing(SqliteStore(place)) as store:
        assert b"ABSINTH" not in all_bytes(place)
        assert [turn.position for turn in store.turns("w")] == [1]


# Processes, forks, threads


WRITER = """
    import sys
    from ctxwin.store import SqliteStore
    store = SqliteStore(sys.argv[1])
    for n in range(int(sys.argv[3])):
        (*others, mine) = store.append("w", [{"role": "user", "content": f"{sys.argv[2]} {n}"}], expected=0)
        assert mine.message["content"] == f"{sys.argv[2]} {n}" and mine.position == len(others)
    store.close()
"""


def assert_dense(place, writers, each):
    """Check that each writer's turns are all there, in their order, at positions without a gap."""
    with contextlib.closing(SqliteStore(place)) as store:
        turns = store.turns("w")
    assert [turn.position for turn in turns] == [*range(len(writers) * each)]
    said = [turn.message["content"] for turn in turns]
    for writer in writers:
        assert [text for text in said if text.startswith(f"{writer} ")] == [f"{writer} {n}" for n in range(each)]
    assert sql(place, "PRAGMA integrity_check") == [("ok",)]


def test_two_processes_write_the_same_window_at_once_and_no_turn_is_lost(place):
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(WRITER), str(place)]
    with contextlib.ExitStack() as stack:
        children = [stack.enter_context(subprocess.Popen([*command, writer, "150"])) for writer in "ab"]
        assert [child.wait(timeout=300) for child in children] == [0, 0]
    assert_dense(place, "ab", 150)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no forks")
def test_a_store_that_is_open_when_the_process_forks_serves_parent_and_children(place):
    """SQLite's connections must not be carried over a fork; here threads write while it happens, too."""
    run(
        """
        import os, sys, threading, warnings
        from ctxwin.store import SqliteStore

        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks beside threads
        store = SqliteStore(sys.argv[1])

        def write(who, times):
            for n in range(times):
                store.append("w", [{"role": "user", "content": f"{who} {n}"}])

        threads = [threading.Thread(target=write, args=(who, 40)) for who in ("one", "two")]
        for thread in threads:
            thread.start()
        children = []
        for who in ("three", "four", "five"):
            child = os.fork()
            if child == 0:
                assert store._file._connection is None
                write(who, 40)
                os._exit(0)
            children.append(child)
        for thread in threads:
            thread.join()
        assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
        store.close()
        """,
        place,
    )
    assert_dense(place, ["one", "two", "three", "four", "five"], 40)


def test_a_closed_store_says_so_and_closing_it_again_does_nothing(place):
    store = SqliteStore(place)
    store.append("w", [HELLO])
    store.close()
    store.close()
    for use in (lambda: store.turns("w"), lambda: store.append("w", [HELLO]), lambda: store.windows()):
        with pytest.raises(StoreError, match=r"chat\.db' is closed; open it again"):
            use()
    assert [path.name for path in place.parent.iterdir()] == [place.name]  # the log is gone with the last that closes


def test_names_that_are_no_unicode_are_refused(store):
    for use in (
        lambda: store.append("\ud800", [HELLO]),
        lambda: store.save_counts("\ud800", {"x": 1}),
        lambda: store.save_settings("w", WindowSettings(model="\ud800")),
    ):
        with pytest.raises(InputError, match="not valid Unicode"):
            use()
    assert store.windows() == []
