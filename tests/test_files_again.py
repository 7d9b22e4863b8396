"""Files that change: what is read, cut and indexed again, what is kept on disk, and for whom."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Event, Thread

import iniconfig
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctxwin import pack
from ctxwin import pool as room
from ctxwin.embed import get_embedder
from ctxwin.errors import MissingExtra
from ctxwin.files import Changes, Files, corpus
from ctxwin.files import cut_cache as kept
from ctxwin.retrieve import Query
from ctxwin.store.cache import CacheWarning
from ctxwin.tokens import get_tokenizer


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("CTXWIN_CACHE", str(folder))
    return folder


@pytest.fixture
def cut(monkeypatch):
    """Sources of the files that are cut, in order."""
    seen = []
    chunk = corpus.chunk
    monkeypatch.setattr(corpus, "chunk", lambda text, source: seen.append(source) or chunk(text, source=source))
    return seen


_opening = []
"""The sets that the files opened now are added to."""
sys.addaudithook(lambda event, given: event == "open" and [seen.add(given[0]) for seen in _opening])


@contextmanager
def opened():
    """Gather the paths that are opened meanwhile."""
    _opening.append(seen := set())
    yield seen
    _opening.remove(seen)


def write(root, **files):
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_py", ".py").replace("_md", ".md").replace("_log", ".log")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def code(name, count=40):
    return "".join(f"def {name}_{n}(boat):\n    return boat.{name} + {n}\n\n\n" for n in range(count))


def same(files, fresh):
    """Hold that refreshed files are those read anew, down to scores, costs and the packed request."""
    assert dict(files.texts) == dict(fresh.texts)
    assert list(files.texts) == list(fresh.texts)
    assert files.skipped == fresh.skipped
    assert files.items == fresh.items
    tokenizer = get_tokenizer("o200k_base")
    costs, others = files.pool.costs(tokenizer), fresh.pool.costs(tokenizer)
    assert all(
        np.array_equal(getattr(costs, name), getattr(others, name)) for name in ("tokens", "order", "gap_tokens")
    )
    for query in ("where is alpha_7 of the boat?", "beta return", "what is in the readme"):
        assert np.array_equal(
            files.pool.index.score(Query(text=query)), fresh.pool.index.score(Query(text=query)), equal_nan=True
        )
        if len(fresh.pool):
            one, two = (pack(query=query, budget=300, files=some, embedder="none") for some in (files, fresh))
            assert one.messages == two.messages
            assert one.plan.choices == two.plan.choices
            assert one.report.to_dict() == two.report.to_dict()


def test_a_changed_file_is_cut_alone_and_a_deleted_one_goes(tmp_path, cut):
    write(tmp_path, a_py=code("alpha"), b_py=code("beta"), c__d_md="# Readme\n\nBoats.\n")
    files = Files(tmp_path)
    before = files.pool
    assert cut == ["a.py", "b.py", "c/d.md"]
    assert files.refresh() == Changes()
    assert files.pool is before
    write(tmp_path, b_py=code("beta", 50))
    (tmp_path / "c" / "d.md").unlink()
    write(tmp_path, aa_md="# New\n")
    assert files.refresh() == Changes(added=("aa.md",), changed=("b.py",), removed=("c/d.md",))
    assert cut[3:] == ["aa.md", "b.py"]
    same(files, Files(tmp_path))
    # Whoever had the pool before still has it as it was.
    assert [item.source for item in before][-1] == "c/d.md"
    assert "Boats" in before[len(before) - 1].text


def test_a_file_that_is_the_same_is_not_read_and_one_that_only_looks_so_is(tmp_path):
    write(tmp_path, a_py="a = 1\n")
    old = (tmp_path / "a.py").stat().st_mtime_ns - 3_600 * 10**9
    os.utime(tmp_path / "a.py", ns=(old, old))
    old_files = [str(path) for path in Path(iniconfig.__file__).parent.glob("*.py")]  # written long ago by an installer
    files = Files([tmp_path, *old_files])
    changed = str(tmp_path / "a.py")
    with opened() as seen:
        assert not files.refresh()
    assert changed in seen  # which the system saw change a moment ago
    assert old_files and seen.isdisjoint(old_files) and len(files.texts) == 1 + len(old_files)
    # The same size and the same time of change, as tools that put times back leave it.
    (tmp_path / "a.py").write_text("a = 2\n")
    os.utime(tmp_path / "a.py", ns=(old, old))
    assert files.refresh() == Changes(changed=(changed,))
    assert files.texts[changed] == "a = 2\n"


def test_a_file_written_twice_within_a_tick_of_the_clock_is_read_twice(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("a = 1\n")
    files = Files(tmp_path)
    status = path.stat()
    with path.open("r+") as file:  # the same file, size and, once it is set back, time
        file.write("a = 2\n")
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))
    assert files.refresh() == Changes(changed=("a.py",))


def test_a_file_that_was_moved_or_comes_back_is_not_cut_again(tmp_path, cut):
    write(tmp_path, a_py=code("alpha"), sub__b_py=code("beta"))
    files = Files(tmp_path)
    assert files.pool
    (tmp_path / "new").mkdir()
    (tmp_path / "a.py").rename(tmp_path / "new" / "a.py")
    assert files.refresh() == Changes(added=("new/a.py",), removed=("a.py",))
    write(tmp_path, sub__b_py=code("gamma"))
    files.refresh()
    write(tmp_path, sub__b_py=code("beta"))
    files.refresh()
    assert cut == ["a.py", "sub/b.py", "sub/b.py"]
    fresh = Files(tmp_path)
    same(files, fresh)
    assert len(cut) == 3
    assert {item.source for item in fresh.items} == {"new/a.py", "sub/b.py"}


NAMES = ["a.py", "b.md", "sub/a.py", "sub/c.txt", "sub/deep/d.py"]
TEXTS = ["", code("alpha", 9), code("beta", 5), "# Readme\n\nBoats lie in Oslo.\n\n# More\n\nRain.\n" * 9, "x" * 3_000]
EDIT = st.tuples(st.sampled_from(NAMES), st.sampled_from([*TEXTS, None, "\0", "move"]))


@settings(max_examples=25, deadline=None)
@given(rounds=st.lists(st.lists(EDIT, max_size=4), min_size=1, max_size=6), sparse=st.sampled_from([0, 1_000]))
def test_any_edits_leave_what_reading_anew_gives(tmp_path_factory, rounds, sparse):
    root = tmp_path_factory.mktemp("tree")
    write(root, always_md="# Readme\n")
    files = Files(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "SPARSE", sparse)
        for edits in rounds:
            for name, text in edits:
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                if text is None:
                    path.unlink(missing_ok=True)
                elif text == "move":
                    if path.exists():
                        path.rename(root / "moved.py")
                else:
                    path.write_text(text)
            had = dict(files.texts)
            changes = files.refresh()
            fresh = Files(root)
            assert bool(changes) == (had != dict(fresh.texts))
            same(files, fresh)


def test_everything_may_go_and_come_back(tmp_path):
    write(tmp_path, only__a_py=code("alpha"))
    files = Files(tmp_path / "only")
    assert files.pool
    (tmp_path / "only" / "a.py").unlink()
    (tmp_path / "only").rmdir()
    assert files.refresh() == Changes(removed=("a.py",))
    assert len(files.pool) == 0
    assert pack(query="Hello", files=files, embedder="none").tokens
    write(tmp_path, only__a_py=code("alpha"))
    assert files.refresh() == Changes(added=("a.py",))
    same(files, Files(tmp_path / "only"))


def test_another_process_finds_what_was_cut(tmp_path, cut):
    write(tmp_path, a_py=code("alpha"), b_py=code("beta"), twin__b_py=code("beta"), c_md="# Log\n\nRain.\n" * 50)
    script = f"from ctxwin.files import Files; print(len(Files({str(tmp_path)!r}).pool))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    files = Files(tmp_path)
    assert len(files.pool) == int(done.stdout)
    assert cut == []
    same(files, Files(tmp_path))


def test_other_ways_of_cutting_begin_anew(tmp_path, cut, monkeypatch):
    write(tmp_path, a_py=code("alpha"))
    assert Files(tmp_path).pool
    monkeypatch.setattr(kept, "_ways", lambda: b"another version")
    assert Files(tmp_path).pool
    assert cut == ["a.py", "a.py"]


@pytest.mark.parametrize("damage", ["cut", "noise", "empty", "rows", "newer"])
def test_a_damaged_cache_is_made_again(tmp_path, cache, cut, damage):
    write(tmp_path, a_py=code("alpha"), b_py=code("beta"))
    expected = Files(tmp_path).items
    place = cache / kept.FILE
    data = place.read_bytes()
    match damage:
        case "cut":
            place.write_bytes(data[: len(data) // 2 + 100])
        case "noise":
            place.write_bytes(b"\xff" * 5_000)
        case "empty":
            place.write_bytes(b"")
        case "rows":
            with sqlite3.connect(place) as file:
                file.execute("UPDATE files SET value = substr(value, 1, length(value) - 9)")
        case "newer":
            place.unlink()
            with sqlite3.connect(place) as file:
                file.execute("CREATE TABLE files (something TEXT)")
    if damage in ("cut", "noise", "newer"):
        with pytest.warns(CacheWarning, match="the cache of files"):
            assert Files(tmp_path).items == expected
    else:
        assert Files(tmp_path).items == expected
    cut.clear()
    if damage != "newer":  # which stays as it is: the file's name has the version, and this is somebody else's
        assert Files(tmp_path).items == expected
        assert cut == []


def test_what_nobody_asks_for_goes(tmp_path, cache, monkeypatch):
    write(tmp_path, a_py=code("alpha"))
    assert Files(tmp_path).pool
    today = kept._today()
    monkeypatch.setattr(kept, "_today", lambda: today + kept.DAYS)
    assert Files(tmp_path).pool  # asked for, and so kept
    write(tmp_path, a_py=code("beta"))
    monkeypatch.setattr(kept, "_today", lambda: today + 2 * kept.DAYS)
    assert Files(tmp_path).pool
    monkeypatch.setattr(kept, "_today", lambda: today + 2 * kept.DAYS + 1)
    write(tmp_path, a_py=code("gamma"))
    assert Files(tmp_path).pool
    with sqlite3.connect(cache / kept.FILE) as file:
        assert file.execute("SELECT count(*) FROM files").fetchone() == (3,)  # and the places of secrets


INDEX = """
import sys
from ctxwin.files import Files, corpus
corpus.BATCH = 5
files = Files(sys.argv[1], on_progress=lambda *told: print(*told, flush=True))
print(len(files.pool), flush=True)
"""


def test_processes_index_one_tree_at_once_and_a_killed_one_leaves_what_it_did(tmp_path, cache, cut):
    write(tmp_path, **{f"f{n}_py": code(f"name{n}") for n in range(120)})
    run = [sys.executable, "-c", INDEX, str(tmp_path)]
    for done, left in ((10, 120), (50, 110)):  # the second one goes on where the first one was
        with subprocess.Popen(run, stdout=subprocess.PIPE, text=True) as killed:
            cutting = (line for line in killed.stdout if line.startswith("cutting"))
            line = next(line for line in cutting if int(line.split()[2]) >= done)
            killed.send_signal(signal.SIGKILL)
        assert done <= int(line.split()[3]) <= left
    at_once = [subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    said = [one.communicate() for one in at_once]
    assert [err for _, err in said] == [""] * 3
    assert len({out.splitlines()[-1] for out, _ in said}) == 1
    files = Files(tmp_path)
    assert said[0][0].splitlines()[-1] == f"{len(files.pool)}"
    assert cut == []
    with sqlite3.connect(cache / kept.FILE) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_watching_tells_what_changed(tmp_path):
    pytest.importorskip("watchfiles")
    write(tmp_path, a_py=code("alpha"), b_py=code("beta"))
    files = Files(tmp_path)
    assert files.pool
    stop, seen = Event(), []

    def listen():
        for changes in files.watch(stop):
            seen.append(changes)
            heard.set()

    heard = Event()
    thread = Thread(target=listen)
    thread.start()
    try:
        for name, word in (("b.py", "gamma"), ("c.py", "delta")):
            heard.clear()
            (tmp_path / ".new").write_text(code(word))
            (tmp_path / ".new").rename(tmp_path / name)  # in one step, as editors do
            assert heard.wait(30)
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()
    assert seen == [Changes(changed=("b.py",)), Changes(added=("c.py",))]
    same(files, Files(tmp_path))


def test_watching_without_its_package_says_what_to_install(tmp_path, monkeypatch):
    write(tmp_path, a_py=code("alpha"))
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    with pytest.raises(MissingExtra, match=r'pip install "ctxwin\[watch\]"'):
        next(Files(tmp_path).watch())


class Slow:
    """An embedder that waits to be let go before each step."""

    name = "slow"

    def __init__(self):
        self.go, self.asked = Event(), 0

    def embed(self, texts):
        self.go.wait(30)
        self.asked += len(texts)
        matrix = np.array([[text.count(chr(97 + i)) + 0.1 for i in range(26)] for text in texts], np.float32)
        return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def test_vectors_fill_in_while_one_asks(tmp_path):
    write(tmp_path, **{f"f{n}_py": code(f"name{n}") for n in range(9)})
    files, slow = Files(tmp_path), Slow()
    heard = []
    filling = files.embed(slow, on_progress=lambda done, total: heard.append((done, total)))
    assert not filling.wait(0.01)
    assert pack(query="name3_7", budget=300, files=files, embedder="none").report.citations
    slow.go.set()
    assert filling.wait(30)
    assert filling.done == filling.total == len(files.pool) == slow.asked
    assert heard[-1] == (filling.total, filling.total)
    packed = pack(query="name3_7", budget=300, files=files, embedder=slow)
    assert slow.asked == filling.total + 1  # the question alone
    assert packed.messages == pack(query="name3_7", budget=300, files=Files(tmp_path), embedder=slow).messages


def test_filling_can_be_stopped_and_tells_what_went_wrong(tmp_path):
    write(tmp_path, **{f"f{n}_py": code(f"name{n}", 200) for n in range(40)})
    files, slow = Files(tmp_path), Slow()
    filling = files.embed(slow)
    Thread(target=slow.go.set).start()
    filling.stop()
    assert filling.wait() == (filling.done == filling.total)

    def broken(texts):
        raise RuntimeError("out of order")

    with pytest.raises(RuntimeError, match="out of order"):
        files.embed(broken).wait()
    assert files.embed("none").wait()


def test_a_packing_sees_the_files_as_they_were_when_it_began(tmp_path):
    versions = [code("alpha", n) for n in range(30, 40)]
    write(tmp_path, a_py=versions[0], b_py=code("beta"), c_py=code("gamma"))
    files = Files(tmp_path)
    assert files.pool
    done, packed = Event(), []

    def ask():
        while not done.is_set():
            packed.append(pack(query="where is alpha_29 of the boat?", budget=400, files=files, embedder="none"))

    threads = [Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    possible = []
    for text in versions:
        write(tmp_path, a_py=text)
        files.refresh()
        possible.append(pack(query="where is alpha_29 of the boat?", budget=400, files=files, embedder="none").messages)
    done.set()
    for thread in threads:
        thread.join()
    assert len(packed) > 1
    assert all(one.messages in possible for one in packed)


def test_edits_without_end_leave_no_more_behind_than_there_is(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "SPARSE", 0)
    write(tmp_path, a_py=code("alpha"), b_py=code("beta"))
    files = Files(tmp_path)
    for n in range(30):
        assert files.pool.costs(get_tokenizer("o200k_base"))
        write(tmp_path, a_py=code(f"alpha{n}"))
        assert files.refresh()
        assert len(files.pool._all) <= 2 * len(files.pool)
    same(files, Files(tmp_path))


class Stop(Exception):
    """What a caller of ours raises."""


def failing(after):
    """Return a callback that raises at its call number `after`."""
    calls = count()

    def tell(*_):
        if next(calls) == after:
            raise Stop

    return tell


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize("after", range(12))
def test_an_error_of_on_progress_passes_through_and_leaves_nothing_half_done(tmp_path, after, indexed):
    write(tmp_path, a_py=code("alpha"), b_md="# Readme\n\nBoats.\n", big_log="a row\n" * 40_000)
    files = Files(tmp_path, max_bytes=100_000)
    if indexed:
        assert files.pool
    had = dict(files.texts)
    write(tmp_path, a_py=code("beta"), c_md="# More\n\nRain.\n", huge_log="a zebra\n" * 40_000)
    (tmp_path / "b.md").unlink()
    (tmp_path / "big.log").unlink()
    files.on_progress = failing(after)
    try:
        files.refresh()
        failed = False
        assert len(files.pool) > 0
    except Stop:
        failed = dict(files.texts) == had  # else it was the pool that failed, after the refresh
    files.on_progress = None
    assert pack(query="zebra", files=files, embedder="none", budget=400).tokens
    if failed:
        assert files.refresh() == Changes(added=("c.md", "huge.log"), changed=("a.py",), removed=("b.md", "big.log"))
    same(files, Files(tmp_path, max_bytes=100_000))


@pytest.mark.parametrize("after", range(3))
def test_the_same_holds_for_embedding_and_for_searches(tmp_path, cache, after):
    write(
        tmp_path,
        **{f"n{i}_md": f"# Note {i}\n\nBoat {i} lies in Oslo.\n" for i in range(600)},
        big_log="a zebra\n" * 40_000,
    )
    files = Files(tmp_path, max_bytes=100_000)
    asked = {"query": "Which boat and zebra?", "files": files, "budget": 400}
    with pytest.raises(Stop):
        pack(**asked, embedder=get_embedder("static", on_progress=failing(after)))
    files.on_progress = failing(0)
    with pytest.raises(Stop):
        pack(**asked | {"query": "Which ape?"}, embedder="none")  # what was searched is remembered
    with pytest.raises(Stop):
        files.embed("static", on_progress=failing(0)).wait()
    files.on_progress = None
    fresh = pack(**asked | {"files": Files(tmp_path, max_bytes=100_000)}, embedder="static")
    assert pack(**asked, embedder="static").messages == fresh.messages
