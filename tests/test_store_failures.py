"""What `SqliteStore` does when processes are killed, disks are full, folders read-only and files damaged."""

import contextlib
import json
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import processes
import pytest

import ctxwin
from ctxwin.errors import StoreError
from ctxwin.store import SqliteStore, file

pytestmark = pytest.mark.usefixtures("private_files")
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs signals, forks and limits of POSIX")
HELLO = {"role": "user", "content": "Hello."}
SECRET = "4711-ABSINTH"


@pytest.fixture
def place(tmp_path):
    return tmp_path / "chat.db"


@contextlib.contextmanager
def opened(place):
    with contextlib.closing(SqliteStore(place)) as store:
        yield store


def filled(place, turns=200):
    """Make a store of some pages, closed, and return its bytes."""
    with opened(place) as store:
        store.append("w", [{"role": "user", "content": f"{SECRET} {n} " + "z" * 300} for n in range(turns)])
    return place.read_bytes()


# Killed


@POSIX
@pytest.mark.parametrize("rounds", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_a_killed_process_loses_nothing_that_was_acknowledged(tmp_path, rounds):
    command = [sys.executable, "-W", "error", processes.__file__, str(tmp_path), str(rounds), f"{random.random()}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1_200, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    found = json.loads(done.stdout)
    assert found["killed"] == rounds
    assert found["acknowledged"] > 0


# Damaged, foreign, newer


def other_program(place):
    with contextlib.closing(sqlite3.connect(place)) as connection:
        connection.executescript(
            "CREATE TABLE notes (text); INSERT INTO notes VALUES ('mine'); PRAGMA user_version = 1;"
        )


def other_application(place):
    with contextlib.closing(sqlite3.connect(place)) as connection:
        connection.executescript("PRAGMA application_id = 7;")


def newer(place):
    filled(place)
    with contextlib.closing(sqlite3.connect(place)) as connection:
        connection.executescript("CREATE TABLE newer (text); PRAGMA user_version = 12;")


def beheaded(place):
    place.write_bytes(b"\xff" * 100 + filled(place)[100:])


def cut_off(place):
    place.write_bytes(filled(place)[: 5 * 4096 + 100])


def without_schema(place):
    whole = filled(place)
    place.write_bytes(whole[:100] + b"\xa5" * 3_996 + whole[4_096:])


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda place: place.write_text("Dear diary, " * 1_000), "is no store: its content is not SQLite's"),
        (lambda place: place.write_text("short"), "has 5 bytes, fewer than any store"),
        (lambda place: place.write_bytes(b""), "has 0 bytes, fewer than any store: it was cut off, or never was one"),
        (lambda place: place.write_bytes(filled(place)[:1]), "has 1 bytes, fewer than any store"),
        (lambda place: place.write_bytes(bytes(8_192)), "is no store: its content is not SQLite's"),
        (other_program, "of another program; it was left as it is, choose another path"),
        (other_application, "of another program"),
        (newer, r"has schema 12, and this ctxwin knows schemas up to \d+; .* `pip install -U ctxwin`"),
        (beheaded, "is no store"),
        (cut_off, "is damaged and was left as it is; put a copy of it back"),
        (without_schema, "is damaged and was left as it is"),
    ],
    ids=[
        "text",
        "short",
        "empty",
        "one byte",
        "zeros",
        "other program",
        "other application",
        "newer",
        "beheaded",
        "cut off",
        "no schema",
    ],
)
def test_a_file_that_is_no_store_of_ours_is_refused_and_left_as_it_is(place, make, match):
    make(place)
    before = place.read_bytes()
    with pytest.raises(StoreError, match=match) as caught:
        SqliteStore(place)
    assert str(place) in str(caught.value)
    assert place.read_bytes() == before
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_turns_that_are_missing_are_told_whatever_took_them(place):
    """Pages may be lost so that the file is whole to SQLite, and rows are not there."""
    for statement, last in (
        ("DELETE FROM turns WHERE position = 3", 2),
        ("DELETE FROM turns WHERE position >= 6", 5),
        ("DELETE FROM messages WHERE id = 4", 2),
    ):
        place.unlink(missing_ok=True)
        with opened(place) as store:
            store.append("w", [{**HELLO, "n": number} for number in range(8)])
        with contextlib.closing(sqlite3.connect(place)) as file:
            file.execute(statement)
            file.commit()
        with opened(place) as store, pytest.raises(StoreError, match="is damaged") as caught:
            store.turns("w", after=last)
        assert str(place) in str(caught.value)
        with pytest.raises(StoreError, match="is damaged"):
            ctxwin.Window(store=place, id="w", budget=500, embedder="none")


def test_damage_in_the_middle_is_found_when_it_is_read_and_never_written_over(place):
    whole = filled(place)
    hurt = bytearray(whole)
    hurt[3 * 4_096 :] = random.Random(0).randbytes(len(whole) - 3 * 4_096)
    place.write_bytes(hurt)
    with pytest.raises(StoreError, match="is damaged") as caught, opened(place) as store:
        store.turns("w")
    with pytest.raises(StoreError, match="is damaged"), opened(place) as store:
        store.append("w", [HELLO])
    assert SECRET not in str(caught.value)
    assert place.read_bytes() == hurt


@pytest.mark.parametrize(
    "damage", [b"4711-absinth", b"4711-\xff\xfe\xffINTH", b'4711-A"SINTH'], ids=["bit", "utf-8", "json"]
)
def test_a_changed_text_is_noticed_and_only_its_turn_is_lost(place, damage):
    whole = filled(place, turns=5)
    at = whole.index(f"{SECRET} 3 ".encode())
    place.write_bytes(whole[:at] + damage + whole[at + len(damage) :])
    with opened(place) as store:
        with pytest.raises(StoreError, match=r"chat.db' is damaged: turn 3 of window 'w'") as caught:
            store.turns("w")
        assert "4711" not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"
        with pytest.raises(StoreError, match="turn 3"):
            store.append("w", [HELLO], expected=2)  # whose answer would need the damaged turn: nothing is kept
        assert [turn.position for turn in store.append("w", [HELLO])] == [5]
        store.erase("w", [3, 5])  # what the error proposes
        assert [turn.position for turn in store.turns("w")] == [0, 1, 2, 4]


def test_a_damaged_text_is_mended_when_the_same_is_said_again(place):
    whole = filled(place, turns=1)
    place.write_bytes(whole.replace(b"ABSINTH", b"ABSINT?"))
    with opened(place) as store:
        store.append("w", [{"role": "user", "content": f"{SECRET} 0 " + "z" * 300}])
        assert store.turns("w")[0].message == store.turns("w")[1].message


def test_a_damaged_name_is_told_without_quoting_it(place):
    with opened(place) as store:
        store.append(f"window {SECRET}", [HELLO])
    whole = place.read_bytes()
    place.write_bytes(whole.replace(f"window {SECRET}".encode(), f"wind\xff {SECRET}".encode("latin-1")))
    with pytest.raises(StoreError, match="is damaged") as caught, opened(place) as store:
        store.windows()
    assert SECRET not in f"{caught.value!r} {caught.value.__cause__!r}"


def zeroed(log, at):
    page = at // 4_096 * 4_096
    return log[:page] + bytes(len(log[page : page + 4_096])) + log[page + 4_096 :]


def flipped(log, at):
    return log[:at] + bytes([log[at] ^ 1 << at % 8]) + log[at + 1 :]


@POSIX
@pytest.mark.parametrize(
    "hurt",
    [flipped, zeroed, lambda log, at: log[:at], lambda log, at: b"", lambda log, at: None],
    ids=["flipped", "zeroed", "cut", "emptied", "deleted"],
)
def test_damage_of_the_log_after_a_crash_takes_no_turn(place, hurt):
    """SQLite ends reading its log at the first damaged place, without a word: no turn may stand there alone."""
    processes.run(
        """
        import os, sys
        from ctxwin.store import SqliteStore
        store = SqliteStore(sys.argv[1])
        for n in range(30):
            store.append("w", [{"role": "user", "content": f"{n} " + "z" * 300}])
            store.save_counts("t", {f"{n}": n})
        store.mark("w", 3, pinned=True)
        store.save_counts("t", {f"{n}": n for n in range(1_000)})
        os._exit(0)
        """,
        place,
    )
    file, log = place.read_bytes(), place.with_name("chat.db-wal").read_bytes()
    chance = random.Random(11)
    for number in range(200 if hurt is flipped else 20):
        other = place.with_name(f"{number}.db")
        other.write_bytes(file)
        other.with_name(f"{number}.db-wal").write_bytes(log)
        if (damaged := hurt(log, chance.randrange(len(log)))) is None:
            other.with_name(f"{number}.db-wal").unlink()
        else:
            other.with_name(f"{number}.db-wal").write_bytes(damaged)
        with opened(other) as store:
            turns = store.turns("w")
            assert [turn.message["content"] for turn in turns] == [f"{n} " + "z" * 300 for n in range(30)]
            assert [turn.position for turn in turns if turn.pinned] == [3]
            counts = store.counts("t", [f"{n}" for n in range(1_000)])
            assert all(tokens == int(key) for key, tokens in counts.items())
            assert store.append("w", [HELLO])[0].position == 30


def test_a_log_that_another_reads_stays_until_it_is_free(place):
    log = place.with_name("chat.db-wal")
    with opened(place) as store, contextlib.closing(sqlite3.connect(place, isolation_level=None)) as reader:
        store.append("w", [HELLO])
        assert log.stat().st_size == 0
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM turns").fetchone() == (1,)
        for position in (1, 2, 3):
            assert store.append("w", [HELLO])[0].position == position  # and waits for nobody
        assert log.stat().st_size > 0
        assert reader.execute("SELECT count(*) FROM turns").fetchone() == (1,)
        reader.execute("COMMIT")
        store.append("w", [HELLO])
        assert log.stat().st_size == 0
        assert len(store.turns("w")) == 5


# No place, no right


@pytest.mark.parametrize(
    ("where", "match"),
    [
        ("none/chat.db", r"cannot be made: there is no folder '.*none'; make it first"),
        (".", "is a folder; give the path of a file"),
        ("chat.txt/chat.db", "there is no folder"),
    ],
)
def test_a_place_that_cannot_be_says_why(tmp_path, where, match):
    (tmp_path / "chat.txt").touch()
    with pytest.raises(StoreError, match=match):
        SqliteStore(tmp_path / where)
    assert [path.name for path in tmp_path.iterdir()] == ["chat.txt"]


@pytest.fixture
def open_folder():
    """A folder that any user can reach, other than pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@POSIX
@pytest.mark.parametrize("there", [False, True], ids=["new", "kept"])
@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_read_only_folder_or_file_is_refused_for_writing(open_folder, there, what):
    """As a user without rights: root may write anywhere."""
    place = open_folder / "chat.db"
    if there:
        filled(place)
    elif what == "file":
        return
    before = place.read_bytes() if there else None
    place.parent.chmod(0o555 if what == "folder" else 0o777)
    if there:
        place.chmod(0o400 if what == "file" else 0o666)
    said = processes.run(
        """
        import os, sys
        from ctxwin.errors import StoreError
        from ctxwin.store import SqliteStore
        if os.getuid() == 0:
            os.setuid(65534)
        try:
            SqliteStore(sys.argv[1]).append("w", [{"role": "user", "content": "4711-ABSINTH"}])
        except StoreError as error:
            print(error)
        """,
        place,
    )
    place.parent.chmod(0o755)
    assert f"the store {str(place)!r} may not be written; make the file and its folder writable" in said
    assert SECRET not in said
    assert (place.read_bytes() if place.exists() else None) == before


@contextlib.contextmanager
def mounted(folder, size="1m"):
    """Give a small disk of its own, where this user may mount one."""
    if shutil.which("mount") is None or sys.platform != "linux":
        pytest.skip("no mounts here")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if done.returncode:
        pytest.skip("this user may not mount a disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_becomes_read_only_keeps_what_is_there(tmp_path):
    with mounted(tmp_path) as disk:
        before = filled(disk / "chat.db")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        for name in ("chat.db", "new.db"):
            with (
                pytest.raises(StoreError, match="may not be written; make the file and its folder writable"),
                opened(disk / name) as store,
            ):
                store.append("w", [HELLO])
        assert (disk / "chat.db").read_bytes() == before
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        with opened(disk / "chat.db") as store:
            assert [turn.position for turn in store.append("w", [HELLO])] == [200]


def fill(store, limit=10_000):
    """Append until the disk refuses; return the error and how many turns were acknowledged."""
    for number in range(limit):
        try:
            store.append("w", [{"role": "user", "content": f"{SECRET} {number} " + "z" * 3_000}])
        except StoreError as error:
            return error, number
    raise AssertionError("the disk never refused")


def test_a_full_disk_keeps_what_was_acknowledged_and_goes_on_when_there_is_room(tmp_path):
    with mounted(tmp_path) as disk, opened(disk / "chat.db") as store:
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(300_000))
        error, acknowledged = fill(store)
        assert str(error) == (
            f"the store {str(disk / 'chat.db')!r} cannot grow: the disk is full; free some space and try again"
        )
        assert acknowledged > 20
        assert [turn.position for turn in store.turns("w")] == [*range(acknowledged)]  # reading goes on
        with pytest.raises(StoreError, match="the disk is full"):
            store.append("w", [{"role": "user", "content": "z" * 100_000}])
        with pytest.raises(StoreError, match="the disk is full"):
            SqliteStore(disk / "another.db").append("w", [HELLO])
        ballast.unlink()
        assert [turn.position for turn in store.append("w", [HELLO])] == [acknowledged]
        store.close()
        with opened(disk / "chat.db") as store:
            assert [turn.position for turn in store.turns("w")] == [*range(acknowledged + 1)]
            assert store.turns("w")[0].message["content"].startswith(f"{SECRET} 0 ")


@POSIX
def test_a_limit_on_the_size_of_files_is_an_error_of_writing_that_loses_nothing(place):
    """As a disk that refuses: needs no rights, unlike a mounted disk."""
    said = processes.run(
        """
        import resource, sys
        from ctxwin.errors import StoreError
        from ctxwin.store import SqliteStore

        store = SqliteStore(sys.argv[1])
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
        message = {"role": "user", "content": "4711-ABSINTH " + "z" * 3_000}
        number = 0
        try:
            while True:
                store.append("w", [dict(message, n=number)])
                number += 1
        except StoreError as error:
            print(error)
        assert [turn.position for turn in store.turns("w")] == [*range(number)]
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert store.append("w", [message])[0].position == number > 20
        store.close()
        """,
        place,
    )
    assert "chat.db' cannot be read or written: the disk refused; look at its health, quota and size limits" in said
    assert SECRET not in said
    with opened(place) as store:
        assert len(store.turns("w")) > 20


# Others in the way


def test_a_file_that_another_keeps_locked_is_told_and_used_when_it_is_free(place, monkeypatch):
    monkeypatch.setattr(file, "BUSY_SECONDS", 0.1)
    with opened(place) as store, contextlib.closing(sqlite3.connect(place, isolation_level=None)) as other:
        store.append("w", [HELLO])
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="is locked by another process"):
            store.append("w", [HELLO])
        assert len(store.turns("w")) == 1
        other.execute("COMMIT")
        assert [turn.position for turn in store.append("w", [HELLO])] == [1]


def test_nothing_is_written_into_a_file_that_lost_its_name(place):
    with opened(place) as store:
        store.append("w", [HELLO])
        aside = place.rename(place.with_name("aside.db"))
        with pytest.raises(StoreError, match="was moved, deleted or replaced while it was open"):
            store.append("w", [HELLO])
        place.touch()
        with pytest.raises(StoreError, match="was moved, deleted or replaced"):
            store.turns("w")
        aside.replace(place)
        assert [turn.position for turn in store.append("w", [HELLO])] == [1]


def test_an_interrupted_write_is_undone(place):
    with opened(place) as store:
        store.append("w", [HELLO])
        with pytest.raises(KeyboardInterrupt), store._file.writing() as connection:
            connection.execute("DELETE FROM turns")
            raise KeyboardInterrupt
        assert len(store.turns("w")) == 1
        assert [turn.position for turn in store.append("w", [HELLO])] == [1]


def looked_at(place):
    """Return all that a window of a store shows."""
    with ctxwin.Window(store=place, embedder="static", client=lambda messages: "Yes.") as window:
        packed = window.pack("What about flat 17?")
        return packed.messages, list(window.turns), window.prompt, window.budget, list(window.records)


@pytest.mark.filterwarnings("ignore::ctxwin.errors.CtxwinWarning")  # of a state that is begun anew
def test_no_damage_shows_another_window(place):
    """Bytes inside of pages that are whole to SQLite: texts, marks, counts, vectors, names, settings."""
    with ctxwin.Window(
        budget=900, store=place, embedder="static", client=lambda messages: "Yes.", model="gpt-4o", system="Be brief."
    ) as window:
        for number in range(30):
            window.send(f"Message {number} about the lease of flat {number}, {number * 7919}.")
        window.pin(3)
        window.forget(5)
    right, whole = looked_at(place), place.read_bytes()
    chance = random.Random(5)
    told = 0
    for number in range(120):
        hurt, at = bytearray(whole), chance.randrange(len(whole))
        match number % 4:
            case 0:
                hurt[at] ^= chance.randrange(1, 256)
            case 1:
                hurt[at] ^= 1 << chance.randrange(8)
            case 2:
                hurt[at : at + 16] = chance.randbytes(len(hurt[at : at + 16]))
            case 3:
                page = at // 4_096 * 4_096
                hurt[page : page + 4_096] = bytes(4_096)
        other = place.with_name(f"{number}.db")
        other.write_bytes(hurt)
        try:
            assert looked_at(other) == right, f"byte {at} of {len(whole)}"
        except StoreError as error:
            assert str(other) in str(error)
            told += 1
    assert told >= 10
