"""Trees that nobody would want to read: bounded, named in the report, and over in no time."""

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

from ctxwin import pack
from ctxwin.files import Files, Skipped
from ctxwin.files.file_text import read
from ctxwin.files.walking import find


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path_factory.mktemp("cache")))


def reasons(files):
    return {one.path: one.reason for one in files.skipped}


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
from ctxwin.files import Files
files = Files(sys.argv[1])
print(len(files.pool), *files.skipped, sep="\\n")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are enforced by Linux alone")
def test_huge_files_take_neither_memory_nor_time(tmp_path):
    (tmp_path / "a.md").write_text("# Notes\n")
    with (tmp_path / "server.log").open("w") as file:
        file.write("2024-05-03 INFO started\n" * 1_000)
        file.truncate(4 * 2**30)
    bomb = zipfile.ZipFile(tmp_path / "bomb.docx", "w", zipfile.ZIP_DEFLATED)
    with bomb, bomb.open("word/document.xml", "w") as inside:
        for _ in range(256):
            inside.write(b"\0" * 2**20)
    assert (tmp_path / "bomb.docx").stat().st_size < 300_000
    run = [sys.executable, "-c", LIMITED, str(tmp_path)]
    done = subprocess.run(run, capture_output=True, text=True, check=False, timeout=100)
    assert done.stderr == ""
    first, *skipped = done.stdout.splitlines()
    assert first == "1"
    assert any("server.log" in line and "binary" in line for line in skipped)
    assert any("bomb.docx" in line for line in skipped)


def test_files_that_are_not_what_their_names_say_are_skipped_with_the_reason(tmp_path):
    (tmp_path / "notes.txt").write_text("Some notes.\n")
    (tmp_path / "text.pdf").write_text("Only text.\n")
    (tmp_path / "cut.pdf").write_bytes(b"%PDF-1.7\n1 0 obj\n<< /Length 9999999")
    (tmp_path / "picture.py").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00" * 9)
    (tmp_path / "archive.md").write_bytes(b"PK\x03\x04\x14\x00\x08\x00" * 9)
    files = Files(tmp_path)
    assert list(files.texts) == ["notes.txt"]
    assert set(reasons(files)) == {"text.pdf", "cut.pdf", "picture.py", "archive.md"}


def test_of_too_many_files_a_sample_is_read_and_small_folders_stay_whole(tmp_path):
    for folder, count in (("data", 2_000), ("other", 1_000), ("src", 30)):
        (tmp_path / folder).mkdir()
        for n in range(count):
            (tmp_path / folder / f"{n}.txt").write_text(f"Number {n}.\n")
    files = Files(tmp_path, max_files=430)
    have = [source.split("/")[0] for source in files.texts]
    assert {folder: have.count(folder) for folder in ("data", "other", "src")} == {"data": 200, "other": 200, "src": 30}
    assert list(files.texts) == sorted(files.texts, key=lambda source: source.split("/"))
    assert reasons(files) == {
        "data": "2,000 files, of which a sample of 200 is read; the limit is 430 in all",
        "other": "1,000 files, of which a sample of 200 is read; the limit is 430 in all",
    }
    assert pack(query="Number 7", files=files, budget=100, embedder="none").report.skipped
    # One more file moves no more than one, and what was given itself is always there.
    (tmp_path / "data" / "new.txt").write_text("New.\n")
    changes = files.refresh()
    assert len(changes.added) == len(changes.removed) <= 1
    named = tmp_path / "data" / "7.txt"
    assert str(named) in Files([tmp_path, named], max_files=10).texts


def test_the_walk_keeps_few_of_many_files(tmp_path):
    for n in range(40):
        folder = tmp_path / f"{n:02}"
        folder.mkdir()
        for k in range(50):
            (folder / f"{k}.txt").touch()
    found = find([tmp_path], 100)
    assert len([one for one in found if one.folder]) <= 100
    assert len([one for one in found if one.reason]) == 40
    # However the folders came one after the other, the sample is the one drawn from all.
    few = [one for one in find([tmp_path], 80) if one.folder]
    assert {one.path for one in few} <= {one.path for one in found}


def test_where_there_is_no_room_the_largest_files_are_searched_for_each_question(tmp_path):
    for name, size in (("a.txt", 500), ("b.txt", 300), ("c.txt", 1_000), ("d.txt", 100), ("e.bin", 200)):
        (tmp_path / name).write_bytes(b"x" * size if name != "e.bin" else bytes(size))
    files = Files(tmp_path, max_total=950)
    assert list(files.texts) == ["a.txt", "b.txt", "d.txt"]
    assert files.large == {"c.txt": 1_000}
    (tmp_path / "a.txt").unlink()
    files.refresh()
    assert list(files.texts) == ["b.txt", "d.txt"] and files.large == {"c.txt": 1_000}
    (tmp_path / "b.txt").write_bytes(b"x" * 900)
    files.refresh()
    assert list(files.texts) == ["d.txt"] and files.large == {"b.txt": 900, "c.txt": 1_000}
    (tmp_path / "b.txt").unlink()
    (tmp_path / "c.txt").write_bytes(b"x" * 800)
    files.refresh()
    assert list(files.texts) == ["c.txt", "d.txt"] and files.large == {}
    for name, size in (("a.txt", 500), ("b.txt", 300), ("c.txt", 1_000)):
        (tmp_path / name).write_bytes(b"x" * size)
    files.refresh()
    assert list(files.texts) == ["a.txt", "b.txt", "d.txt"]
    assert reasons(files) == {
        "e.bin": "binary",
    }


def test_what_is_no_file_is_never_waited_for(tmp_path):
    (tmp_path / "a.md").write_text("text\n")
    os.mkfifo(tmp_path / "pipe.md")
    os.mkfifo(tmp_path / ".gitignore")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / ".gitignore").mkdir()
    (tmp_path / "sub" / "self").symlink_to(tmp_path)
    (tmp_path / "gone").symlink_to("nowhere")
    files = Files([tmp_path, "/dev/zero", tmp_path / "gone"])
    assert list(files.texts) == [f"{tmp_path}/a.md"]
    assert reasons(files) == {
        f"{tmp_path}/pipe.md": "not a regular file",
        f"{tmp_path}/sub/self": "a link; give its target itself",
        f"{tmp_path}/gone": "a link; give its target itself",
        "/dev/zero": "not a regular file",
    }


def test_a_file_that_becomes_another_between_looking_and_reading(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("text\n")
    status = path.stat()
    path.write_text("x" * 1_001)
    assert read(str(path), status, 1_000).reason == "1,001 bytes; the limit is 1,000"
    path.unlink()
    assert read(str(path), status, 1_000).reason == "no such file or directory"
    os.mkfifo(path)
    assert read(str(path), status, 1_000).reason == "not a regular file"
    path.unlink()
    path.mkdir()
    assert read(str(path), status, 1_000).reason in ("is a directory", "not a regular file")


def test_files_and_folders_that_vanish_meanwhile_are_named(tmp_path):
    for name in ("a.md", "b.md", "c.md"):
        (tmp_path / name).write_text(f"{name}\n")

    def vanish(what, done, total):
        if done == 1:
            (tmp_path / "b.md").unlink(missing_ok=True)
            (tmp_path / "c.md").write_text("c.md, and more\n")

    files = Files(tmp_path, on_progress=vanish)
    assert dict(files.texts) == {"a.md": "a.md\n", "c.md": "c.md, and more\n"}
    assert files.skipped == (Skipped(path="b.md", reason="no such file or directory"),)


@pytest.mark.filterwarnings("ignore::ctxwin.store.cache.CacheWarning")  # nobody cannot write to the cache of root
def test_a_folder_without_permission_is_named_for_anybody_but_root():
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        for folder in ("closed", "listed", "open"):
            (root / folder).mkdir()
            (root / folder / "a.md").write_text("text\n")
        (root / "open" / "b.md").write_text("text\n")
        (root / "open" / "b.md").chmod(0)
        (root / "closed").chmod(0)
        (root / "listed").chmod(0o444)  # names may be read, and nothing else
        assert Files(root / "open", max_bytes=100).texts  # what is imported late is there
        is_root = os.geteuid() == 0
        try:
            if is_root:
                os.seteuid(65_534)
            files = Files(root)
        finally:
            if is_root:
                os.seteuid(0)
            (root / "closed").chmod(0o700)
            (root / "listed").chmod(0o700)
    assert list(files.texts) == ["open/a.md"]
    assert reasons(files) == dict.fromkeys(("closed", "listed/a.md", "open/b.md"), "permission denied")


def test_a_tree_that_is_deeper_than_paths_may_be_is_named(tmp_path):
    (tmp_path / "a.md").write_text("text\n")
    number = os.open(tmp_path, os.O_RDONLY)
    for _ in range(25):
        os.mkdir("d" * 200, dir_fd=number)
        number, above = os.open("d" * 200, os.O_RDONLY, dir_fd=number), number
        os.close(above)
    os.close(number)
    files = Files(tmp_path)
    assert list(files.texts) == ["a.md"]
    assert [one.reason for one in files.skipped] == ["file name too long"]


def test_names_of_any_bytes_can_be_cited_and_told_apart(tmp_path):
    for name in (b"a\nb.md", b"a\x1b[31m.md", b"\xff.md", b"\xfe.md", b" .md", b"-rf", "名前.md".encode(), b"x" * 255):
        with open(os.fsencode(tmp_path) + b"/" + name, "w") as file:
            file.write("words\n")
    files = Files(tmp_path)
    assert len(files.texts) == 8
    for source in files.texts:
        assert source.isprintable()
        assert source.encode()
    text = pack(query="words", files=files, budget=2_000, embedder="none").text
    assert "a\\x0ab.md" in text
    assert "\x1b" not in text
    (tmp_path / "c.md").write_text("more\n")
    assert files.refresh().added == ("c.md",)


def test_an_ignore_file_cannot_stop_the_walk(tmp_path):
    lines = ["*a" * 9 + "*b", "**/a/" * 9 + "b", "[" * 5_000, "\\", "!" * 99, "*" * 3_000, "*.log"]
    (tmp_path / ".gitignore").write_text("\n".join(lines))
    deep = tmp_path.joinpath(*["a"] * 99)
    deep.mkdir(parents=True)
    for path in (tmp_path / ("a" * 250), tmp_path / "b.log", deep / "c.md"):
        path.write_text("text\n")
    assert [source.split("/")[-1] for source in Files(tmp_path).texts] == ["a" * 250, "c.md"]
