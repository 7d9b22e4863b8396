"""Files that are gone: nothing of what was in them stays in any file that ctxwin wrote."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import openai
import pytest
from server import Provider
from test_documents import WORD, pdf, word

import ctxwin
from ctxwin.store import SqliteStore

WORDS = ("Kilimanjaro", "Zanzibar", "Quokka")
TEXT = "The code of the safe on Kilimanjaro is kept in Zanzibar by Quokka."


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path / "written" / "cache"))
    return tmp_path / "written"


def holding(folder: Path, *needles: str) -> set[str]:
    """Return the names of the files below a folder in which one of some words stands, in capitals or not."""
    found = set()
    for path in folder.rglob("*"):
        data = path.read_bytes().lower() if path.is_file() else b""
        if any(one.lower().encode() in data for one in needles):
            found.add(path.name)
    return found


DOCUMENTS: dict[str, Callable[[], bytes]] = {
    "a.pdf": lambda: pdf("A first page about nothing.", TEXT),
    "a.docx": lambda: word(WORD.replace("Friday", TEXT)),
    "a.md": lambda: f"# {WORDS[0]}\n\n{TEXT}\n".encode(),
}


def shorten(text: str) -> str:
    return text[: len(text) // 3]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_nothing_of_a_file_that_is_gone_is_left(name: str, tmp_path: Path, place: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / name).write_bytes(DOCUMENTS[name]())
    (notes / "b.md").write_text("# Other\n\nThe gate opens at nine.\n" * 40)
    place.mkdir()
    files = ctxwin.Files(notes)
    question = "Where is the code of the safe kept?"
    packed = ctxwin.pack(query=question, files=files, budget=300, embedder="static", summarizer=shorten)
    assert WORDS[1] in packed.text
    with Provider() as provider, openai.OpenAI(base_url=provider.openai, api_key="any", max_retries=0) as client:
        provider.script("I do not say.")
        with ctxwin.Window(
            model="gpt-4o", client=client, files=files, store=place / "talk.db", embedder="static", budget=900
        ) as window:
            assert window.send(question).text == "I do not say."
            assert WORDS[1] in json.dumps(provider.last.body)
            (notes / name).unlink()
            assert files.refresh().removed == (name,)
            assert holding(place, *WORDS) == set()
            assert not any(WORDS[1] in item.text for item in files.items)
    assert holding(place, *WORDS) == set()
    assert "b.md" in ctxwin.Files(notes).texts


def test_a_refresh_takes_what_another_process_kept_of_a_document_that_is_gone(tmp_path: Path, place: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    for name in ("a.pdf", "a.docx"):
        (notes / name).write_bytes(DOCUMENTS[name]())
    (notes / "b.md").write_text("other\n")
    script = f"from ctxwin.files import Files; len(Files({str(notes)!r}).pool)"
    subprocess.run([sys.executable, "-c", script], check=True, env=dict(os.environ))
    assert holding(place, *WORDS)
    for name in ("a.pdf", "a.docx"):
        (notes / name).unlink()
    (notes / "c.pdf").write_bytes(pdf("Another page."))  # which is converted and kept meanwhile
    script = f"from ctxwin.files import Files; Files({str(notes)!r}).refresh()"
    subprocess.run([sys.executable, "-c", script], check=True, env=dict(os.environ))
    assert holding(place, *WORDS) == set()


def test_what_another_file_still_holds_stays_known(tmp_path: Path, place: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.pdf").write_bytes(DOCUMENTS["a.pdf"]())
    files = ctxwin.Files([tmp_path / "one", tmp_path / "two"])
    assert len(files.pool)
    (tmp_path / "one" / "a.pdf").unlink()
    assert files.refresh().removed == (str(tmp_path / "one" / "a.pdf"),)
    assert holding(place, *WORDS)
    (tmp_path / "two" / "a.pdf").unlink()
    files.refresh()
    assert holding(place, *WORDS) == set()


def test_an_attached_pdf_goes_with_its_message(tmp_path: Path, place: Path) -> None:
    place.mkdir()
    data = base64.b64encode(DOCUMENTS["a.pdf"]()).decode()
    parts = [
        {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{data}"}},
        {"type": "text", "text": f"What about {WORDS[2]}?"},
    ]
    for kind in (str, SqliteStore):
        name = f"{kind.__name__}.db"
        with ctxwin.Window(model="gpt-4o", store=kind(place / name), embedder="static", budget=9_000) as window:
            window.add({"role": "user", "content": parts}, {"role": "user", "content": "Hello?"})
            window.pack()
            assert holding(place, data[200:240], WORDS[2]) >= {name} or (place / f"{name}-wal").exists()
            window.erase(0)
        assert holding(place, data[200:240], data[-60:-20], WORDS[2]) == set()
