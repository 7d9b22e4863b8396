"""What is kept beside the user's own files: whose it is, when it goes, what becomes of it when it is damaged."""

import contextlib
import json
import os
import sqlite3
import stat
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest
from test_documents import WORD, word

import ctxwin
from ctxwin import pack
from ctxwin.cli import main
from ctxwin.evaluate import baselines
from ctxwin.files import documents
from ctxwin.files.documents import NotNow, read_document
from ctxwin.packing.needs import SummaryWarning
from ctxwin.renditions.summarize import ChatSummarizer, drop_summaries, load_summary, save_summary
from ctxwin.store.cache import CacheWarning, TextCache, cache_folder

POSIX = pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
SECRET = "ZEBRAQUARTZ7731"
LATE = time.time() - 61 * 86_400


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path / "cache"))
    before = os.umask(0o022)
    yield tmp_path / "cache"
    os.umask(before)


def docx(text: str) -> bytes:
    """A Word document that holds a text."""
    return word(WORD.replace("Friday", text))


def modes(folder: Path) -> dict[str, str]:
    found = [folder, *folder.rglob("*")] if folder.is_dir() else [folder]
    return {str(path.relative_to(folder.parent)): oct(stat.S_IMODE(path.stat().st_mode)) for path in found}


def holding(folder: Path, text: str) -> list[str]:
    """Names of the files below a folder that hold a text, in any case of its letters."""
    needles = (text.encode(), text.lower().encode())
    return [
        path.name
        for path in folder.rglob("*")
        if path.is_file() and any(needle in path.read_bytes() for needle in needles)
    ]


# Whose it is.


@POSIX
def test_what_is_kept_is_the_users_alone(tmp_path, place):
    window = ctxwin.Window(budget=500, store=tmp_path / "chat.db", client=lambda messages: "ok", embedder="none")
    window.add("My PIN is 4711.")
    window.export(tmp_path / "export.json")
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.md").write_text("diagnosis\n")
    (notes / "b.docx").write_bytes(docx("The lease ends in May."))
    pack(query="diagnosis", files=[str(notes)], budget=200, embedder="static")
    save_summary("me", "a text", 96, "short")
    stores = {name: mode for path in tmp_path.glob("chat.db*") for name, mode in modes(path).items()}
    assert len(stores) == 3 and set(stores.values()) == {"0o600"}
    assert modes(tmp_path / "export.json") == {"export.json": "0o600"}
    folders = {"cache", "cache/documents-2", "cache/summaries-2"}
    for name, mode in modes(place).items():
        assert mode == ("0o700" if name in folders else "0o600"), name
    window.close()


@POSIX
def test_what_an_earlier_version_left_open_is_closed_and_told_once(tmp_path, place):
    place.mkdir(mode=0o755)
    for name in ("files-1.sqlite", "chat.db"):
        sqlite3.connect((place if name.startswith("files") else tmp_path) / name).close()
    window = ctxwin.Window(budget=500, store=tmp_path / "w.db", embedder="none")
    window.add("Hello.")
    window.close()
    (tmp_path / "w.db").chmod(0o644)
    with pytest.warns(CacheWarning, match="could be read by others; it is now yours alone"):
        cache_folder()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cache_folder()
    with pytest.warns(ctxwin.errors.CtxwinWarning, match=r"w\.db' could be read by others; it is now yours alone"):
        window = ctxwin.Window(store=tmp_path / "w.db", embedder="none")
    window.close()
    assert modes(tmp_path / "w.db") == {"w.db": "0o600"}
    assert modes(place)["cache"] == "0o700"


@POSIX
def test_a_group_that_may_write_was_let_in_on_purpose(tmp_path):
    window = ctxwin.Window(budget=500, store=tmp_path / "w.db", embedder="none")
    window.close()
    (tmp_path / "w.db").chmod(0o660)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ctxwin.Window(store=tmp_path / "w.db", embedder="none").close()
    assert modes(tmp_path / "w.db") == {"w.db": "0o660"}


# Summaries.


def test_summaries_are_kept_byte_for_byte_and_go_with_their_texts():
    for summary in ("The lease ends\r\nin May.", "a\rb\n\n", "\ud800", "", "x\x00y"):
        save_summary("me", "the text", 96, summary)
        assert load_summary("me", "the text", 96) == summary
    save_summary("you", "the text", 50, "another")
    save_summary("me", "other text", 96, "stays")
    drop_summaries(["the text"])
    assert load_summary("me", "the text", 96) is load_summary("you", "the text", 50) is None
    assert load_summary("me", "other text", 96) == "stays"


def test_a_summary_that_cannot_be_removed_is_named(place):
    save_summary("me", "a text", 96, "short")
    (kept,) = (place / "summaries-2").iterdir()
    kept.unlink()
    kept.mkdir()  # what no permission of this user can undo looks the same from within
    with pytest.warns(CacheWarning, match=rf"{kept.name}' holds what was to be erased .* by hand"):
        drop_summaries(["a text"])


def test_equal_input_gives_an_equal_plan_whatever_line_ends_a_summary_has():
    talk = [
        {"role": "user", "content": f"The lease ends in May, flat of Ana number {i}. " + "The wall is green. " * 40}
        for i in range(6)
    ]
    talk.append({"role": "user", "content": "When does the lease end?"})

    def shorten(text):
        return "The lease ends\r\nin May."

    first, second = (
        pack(talk, budget=260, embedder="none", strategy=baselines.summary, summarizer=shorten).messages
        for _ in range(2)
    )
    assert first == second
    assert "\r\n" in json.dumps(first).encode().decode("unicode_escape")


def test_damaged_and_old_texts_are_not_there(place):
    kept = TextCache("texts")
    kept.put("a", "first")
    kept.put("b", "second")
    (place / "texts" / "a").write_bytes((place / "texts" / "a").read_bytes()[:-1] + b"?")
    assert kept.get("a") is None and not (place / "texts" / "a").exists()
    os.utime(place / "texts" / "b", (LATE, LATE))
    kept.sweep()
    assert kept.get("b") is None
    kept.put("c", "third")
    os.utime(place / "texts" / "c", (time.time() - 30 * 86_400,) * 2)
    assert kept.get("c") == "third"
    assert time.time() - (place / "texts" / "c").stat().st_mtime < 86_400  # asked for, so kept on


def test_summaries_of_the_first_version_are_removed_and_told(place):
    old = place / "summaries"
    old.mkdir(parents=True, mode=0o700)
    place.chmod(0o700)
    (old / f"{'0' * 32}.txt").write_text(SECRET)
    with pytest.warns(CacheWarning, match="summaries that an earlier ctxwin kept in .* are removed"):
        load_summary("me", "any", 96)
    assert holding(place, SECRET) == []


def test_a_summarizer_that_hangs_is_left():
    never, asked = threading.Event(), []

    def hang(messages):
        asked.append(messages)
        never.wait(60)
        return "late"

    chat = ChatSummarizer(hang, "hanging", timeout=0.05, workers=1)

    texts = [f"Flat {i}. " + f"The lease of Ana ends in May {i}. " * 40 for i in range(6)]
    with pytest.warns(SummaryWarning, match=r"gave no answer for 0\.05 s; extracts are used instead"):
        packed = pack(items=texts, query="When does the lease end?", budget=300, embedder="none", summarizer=chat)
    again = pack(items=texts, query="When does the lease end?", budget=300, embedder="none", summarizer=chat)
    never.set()
    assert packed.tokens <= 300 and "May" in packed.text
    assert len(asked) == 1
    assert again.messages == packed.messages
    assert all(one.reason.startswith("left alone for") for one in again.report.summaries)


# Documents.


def test_a_document_goes_from_the_cache_when_its_file_is_gone(tmp_path, place):
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.docx").write_bytes(docx(f"The code is {SECRET}."))
    (notes / "b.md").write_text("other\n")
    found = ctxwin.Files(str(notes))
    assert SECRET in found.texts["a.docx"]
    assert len(holding(place, SECRET)) == 1
    (notes / "a.docx").unlink()
    # Another process may have read it: whoever refreshes removes it.
    assert not ctxwin.Files(str(notes)).refresh()
    assert [name for name in holding(place, SECRET) if "sqlite" not in name] == []


def test_summaries_of_a_file_go_when_it_is_gone(tmp_path):
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.md").write_text("The lease ends in May.\n")
    (notes / "b.md").write_text("other\n")
    found = ctxwin.Files(str(notes))
    text = next(item.text for item in found.items if item.source == "a.md")
    save_summary("me", text, 96, "May.")
    (notes / "a.md").unlink()
    assert found.refresh().removed == ("a.md",)
    assert load_summary("me", text, 96) is None


def test_a_conversion_that_was_ended_is_tried_again(tmp_path, monkeypatch):
    data = docx("The lease ends in May.")
    with monkeypatch.context() as hurried:
        hurried.setattr(documents, "SECONDS", 0.01)
        with pytest.raises(NotNow, match="try again later"):
            read_document(data, "a.docx")
    if os.name == "posix":
        killed = tmp_path / "killed"
        killed.write_text("#!/bin/sh\nkill -9 $$\n")
        killed.chmod(0o700)
        with monkeypatch.context() as ended:
            ended.setattr(sys, "executable", str(killed))
            with pytest.raises(NotNow, match="was ended from outside; try again later"):
                read_document(data, "a.docx")
    assert "The lease ends in May." in read_document(data, "a.docx")


# Vectors.

NOTES = [f"Note {i}: the lease of flat {i} ends in May {i}." for i in range(60)]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE vectors SET vector = x'0102' WHERE rowid = (SELECT min(rowid) FROM vectors)",
        "UPDATE vectors SET vector = x'010203'",
        "UPDATE vectors SET vector = x''",
        "UPDATE vectors SET vector = 'a text'",
        "UPDATE vectors SET vector = substr(vector, 1, length(vector) - 2)",
        "UPDATE vectors SET vector = zeroblob(length(vector))",
        "UPDATE vectors SET vector = NULL WHERE 0",
        "UPDATE vectors SET vector = substr(vector, 9)",  # as version 0.1.0 wrote them
    ],
)
def test_damaged_vectors_are_made_anew(place, damage):
    asked = []

    class Letters:
        name = "letters"

        def embed(self, texts):
            asked.extend(texts)
            return [[float(len(text)), float(text.count("7")), 1.0] for text in texts]

    def plan():
        return pack(items=NOTES, query="When does the lease of flat 17 end?", budget=200, embedder=Letters()).messages

    first = plan()
    asked.clear()
    assert plan() == first and asked == []
    with sqlite3.connect(place / "vectors-1.sqlite") as file:
        changed = file.execute(damage).rowcount
    file.close()
    assert plan() == first
    assert bool(asked) == bool(changed)
    asked.clear()
    assert plan() == first and asked == []


def test_damaged_rows_of_files_are_made_anew(tmp_path, place):
    (tmp_path / "a.md").write_text("The lease ends in May.\n")
    first = [item.text for item in ctxwin.Files(str(tmp_path / "a.md")).items]
    for damage in ("x'00'", "'a text'", "x''"):
        with sqlite3.connect(place / "files-1.sqlite") as file:
            file.execute(f"UPDATE files SET value = {damage}")
        file.close()
        assert [item.text for item in ctxwin.Files(str(tmp_path / "a.md")).items] == first


def damaged(place, *statements):
    with sqlite3.connect(place) as file:
        for statement in statements:
            file.execute(statement)
    file.close()


def test_rows_whose_keys_or_texts_are_damaged_count_as_not_there(place, tmp_path):
    (tmp_path / "a.md").write_text("# Flat 3\n\nThe rent of flat 3 is 900 francs.\n" * 20)
    (tmp_path / "b.md").write_text("# Flat 4\n\nThe rent of flat 4 is 400 francs.\n" * 20)

    def packed():
        found = ctxwin.Files(str(tmp_path / "*.md"))
        return pack(files=found, query="What is the rent of flat 3?", budget=200, embedder="static").messages

    first = packed()
    exchanged = "UPDATE files SET value = (SELECT value FROM files AS other WHERE other.key != files.key)"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for file, statement in (
            ("files-1.sqlite", exchanged),
            ("files-1.sqlite", "UPDATE files SET value = CAST(x'80ff' AS TEXT)"),
            ("vectors-1.sqlite", "UPDATE vectors SET vector = CAST(x'80ff' AS TEXT)"),
        ):
            damaged(place / file, statement)
            assert packed() == first


def test_an_index_that_gives_other_rows_than_it_was_asked_for_is_no_error(place, tmp_path):
    (tmp_path / "a.md").write_text("# Flat 3\n\nThe rent of flat 3 is 900 francs.\n")
    first = [item.text for item in ctxwin.Files(str(tmp_path / "a.md")).items]
    with contextlib.closing(sqlite3.connect(place / "files-1.sqlite")) as file:
        (key,) = file.execute("SELECT key FROM files").fetchone()
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = (place / "files-1.sqlite").read_bytes()
    at = content.index(key, content.index(key) + 1)  # the table's and the index's: one of them is another now
    for start in (at, content.index(key)):
        (place / "files-1.sqlite").write_bytes(content[:start] + bytes(len(key)) + content[start + len(key) :])
        assert [item.text for item in ctxwin.Files(str(tmp_path / "a.md")).items] == first


@pytest.mark.parametrize("table", ["files", "vectors"])
def test_a_table_of_other_columns_is_set_aside_once(place, tmp_path, table):
    (tmp_path / "a.md").write_text("# Flat 3\n\nThe rent of flat 3 is 900 francs.\n" * 20)

    def packed():
        found = ctxwin.Files(str(tmp_path / "a.md"))
        return pack(files=found, query="What is the rent of flat 3?", budget=200, embedder="static").messages

    first = packed()
    name = {"files": "files-1", "vectors": "vectors-1"}[table]
    for other in (f"CREATE TABLE {table} (odd)", f"CREATE VIEW {table} AS SELECT 1 AS key"):
        damaged(place / f"{name}.sqlite", f"DROP TABLE {table}", other)
        with pytest.warns(CacheWarning, match=f"is damaged .*{name}.damaged"):
            assert packed() == first
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert packed() == first


def test_a_table_whose_damaged_name_is_no_text_is_set_aside(place):
    pack(items=NOTES, query="flat 3", budget=200, embedder="static")
    file = place / "vectors-1.sqlite"
    with contextlib.closing(sqlite3.connect(file)) as opened:
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = file.read_bytes()
    file.write_bytes(content.replace(b"sqlite_autoindex_vectors_1", b"sqlite_\x80utoindex_vectors_1"))
    with pytest.warns(CacheWarning, match="is damaged"):
        pack(items=NOTES, query="flat 3", budget=200, embedder="static")


# The command.


def test_the_command_shows_and_empties_the_cache_and_leaves_others_files(place, capsys):
    save_summary("me", "a text", 96, "short")
    pack(items=NOTES, query="flat 3", budget=200, embedder="static")
    (place / "mine.txt").write_text("not ctxwin's")

    def run(*arguments):
        with pytest.raises(SystemExit) as left:
            main(["cache", *arguments])
        assert left.value.code == 0
        return capsys.readouterr().out

    shown = run()
    assert all(len(line) <= 80 for line in shown.splitlines()[1:])
    before = {one["kind"]: one["files"] for one in json.loads(run("--json"))["kept"]}
    assert before["summaries"] == 1 and before["vectors"] >= 1
    assert "nothing removed; `ctxwin cache clear --yes`" in run("clear")
    assert load_summary("me", "a text", 96) == "short"
    assert json.loads(run("clear", "--yes", "--json"))["removed"] is True
    assert load_summary("me", "a text", 96) is None
    assert {one["kind"]: one["files"] for one in json.loads(run("--json"))["kept"]} == dict.fromkeys(before, 0)
    assert (place / "mine.txt").read_text() == "not ctxwin's"
