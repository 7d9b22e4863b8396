"""Documents become text within bounds, and say why where they do not."""

import io
import json
import zipfile
from pathlib import Path

import openpyxl
import pptx
import pypdf
import pytest

from ctxwin.chunking import chunk
from ctxwin.errors import InputError
from ctxwin.files import Files, documents
from ctxwin.files.documents import MAX_BYTES, is_document, read_document
from ctxwin.files.documents.notebook import MAX_LINES

WORD = (
    '<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
    '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Lease</w:t></w:r></w:p>'
    "<w:p><w:r><w:t>We sign on Friday.</w:t></w:r></w:p></w:body></w:document>"
)
TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
RELATIONS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Target="word/document.xml" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>'
)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path / "cache"))


def archive(**entries: str | bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in entries.items():
            packed.writestr(name, content)
    return file.getvalue()


def word(body: str = WORD, **more: str | bytes) -> bytes:
    return archive(**{"[Content_Types].xml": TYPES, "_rels/.rels": RELATIONS, "word/document.xml": body, **more})


def pdf(*pages: str, password: str = "") -> bytes:
    """Write a PDF by hand, a line of text a page."""
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for i, page in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 720 Td ({page}) Tj ET"
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * i} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>",
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        ]
    written = "%PDF-1.4\n"
    places = []
    for i, one in enumerate(objects, start=1):
        places.append(len(written))
        written += f"{i} 0 obj\n{one}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    written += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    written += f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{written.index('xref')}\n%%EOF\n"
    if not password:
        return written.encode()
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(written.encode()))
    writer.encrypt(password, algorithm="RC4-128")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def test_a_pdf_is_cut_at_its_pages_which_name_themselves() -> None:
    text = read_document(pdf("We sign on Friday.", "No pets are allowed."), "lease.pdf")
    assert text == "We sign on Friday.\n\fNo pets are allowed.\n"
    chunks = chunk(text, source="lease.pdf", size=6)
    assert [(one.title, one.text.strip()) for one in chunks] == [
        ("page 1", "We sign on Friday."),
        ("page 2", "No pets are allowed."),
    ]


def test_word_is_cut_at_its_headings() -> None:
    text = read_document(word(), "lease.docx")
    assert [(one.title, "Friday" in one.text) for one in chunk(text, source="lease.docx")] == [("Lease", True)]


def test_sheets_and_slides_are_read() -> None:
    book = openpyxl.Workbook()
    book.active.title = "Rents"
    for row in (("flat", "rent"), ("A1", 900)):
        book.active.append(row)
    book.save(file := io.BytesIO())
    text = read_document(file.getvalue(), "rents.xlsx")
    assert "| A1 | 900 |" in text
    assert chunk(text, source="rents.xlsx")[0].title == "Rents"

    deck = pptx.Presentation()
    deck.slides.add_slide(deck.slide_layouts[0]).shapes.title.text = "Quarterly numbers"
    deck.save(file := io.BytesIO())
    assert "Quarterly numbers" in read_document(file.getvalue(), "deck.pptx")


def test_a_document_is_converted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = read_document(pdf("Once."), "a.pdf")
    monkeypatch.setattr(documents, "_converted", lambda data, kind: pytest.fail("converted again"))
    assert read_document(pdf("Once."), "elsewhere/b.pdf") == first


def test_a_document_that_cannot_be_converted_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="not a PDF"):
        read_document(b"MZ no pdf", "a.pdf")
    monkeypatch.setattr(documents, "_converted", lambda data, kind: pytest.fail("converted again"))
    with pytest.raises(InputError, match="not a PDF"):
        read_document(b"MZ no pdf", "a.pdf")


@pytest.mark.parametrize(
    ("data", "name", "why"),
    [
        (b"not one at all", "a.pdf", "not a PDF"),
        (b"%PDF-1.4\nbut no more", "a.pdf", "damaged, or no pdf"),
        (pdf("Secret.", password="key"), "a.pdf", "encrypted; save it without its password"),
        (pdf(""), "a.pdf", "no text in it"),
        (b"no archive", "a.docx", "not a docx"),
        (archive(readme="hello"), "a.docx", "damaged, or no docx"),
        (word(body="<w:document"), "a.docx", "damaged, or no docx"),
        (archive(**{f"{i}": b"" for i in range(20_001)}), "a.docx", "20,001 entries"),
        (b"0" * (MAX_BYTES + 1), "a.docx", "the limit for documents is 50,000,000"),
        (b"[1, 2", "a.ipynb", "no notebook"),
        (b"[" * 100_000, "a.ipynb", "no notebook"),
        (b'{"cells": [3]}', "a.ipynb", "no notebook"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_says_why(data: bytes, name: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        read_document(data, name)


def test_a_zip_bomb_is_not_unpacked() -> None:
    bomb = word(bomb=b"0" * 210_000_000)
    assert len(bomb) < 300_000
    with pytest.raises(InputError, match=r"210,\d{3},\d{3} bytes unpacked in 4 entries; the limit is 200,000,000"):
        read_document(bomb, "bomb.docx")


def test_an_archive_that_lies_about_its_size_is_stopped() -> None:
    honest = word(body=WORD.replace("We sign", "We sign " * 10_000_000))
    lying = bytearray(honest)
    size = len(WORD.replace("We sign", "We sign " * 10_000_000)).to_bytes(4, "little")
    while (at := lying.find(size)) >= 0:
        lying[at : at + 4] = (1_000).to_bytes(4, "little")
    with pytest.raises(InputError, match="damaged, or no docx"):
        read_document(bytes(lying), "a.docx")


def test_entities_that_expand_without_end_are_stopped() -> None:
    entities = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12))
    body = f'<!DOCTYPE d [<!ENTITY a0 "ha">{entities}]>' + WORD.partition("?>")[2].replace("Friday", "&a11;")
    with pytest.raises(InputError, match=r"damaged, or no docx|memory|longer than"):
        read_document(word(body=body), "a.docx")


def test_a_conversion_has_a_limit_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "SECONDS", 0.01)
    with pytest.raises(InputError, match="takes longer than 0 s; try again later, or give it as text"):
        read_document(word(), "a.docx")


def test_a_conversion_has_a_limit_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MEMORY", 10_000_000)
    with pytest.raises(InputError, match=r"more than 0\.01 GB of memory|crashed|damaged"):
        read_document(pdf("x" * 8_000_000), "a.pdf")


def test_nothing_in_the_working_folder_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pypdf", "io", "zipfile"):
        (tmp_path / f"{name}.py").write_text("import sys; sys.exit('taken over')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert read_document(pdf("Safe."), "a.pdf") == "Safe.\n"


def test_a_notebook_is_its_cells_with_shortened_outputs() -> None:
    many = "".join(f"line {i}\n" for i in range(1_000))
    cells = [
        {"cell_type": "markdown", "source": ["# Rents\n", "Per month."]},
        {"cell_type": "code", "source": "rents = load()\nrents", "outputs": [{"data": {"text/plain": ["900"]}}]},
        {"cell_type": "code", "source": "plot()", "outputs": [{"data": {"image/png": "iVBORw0KGgo"}}]},
        {"cell_type": "code", "source": "loop()", "outputs": [{"name": "stdout", "text": many}]},
        {
            "cell_type": "code",
            "source": "fail()",
            "outputs": [{"ename": "KeyError", "evalue": "'b'", "traceback": ["\x1b[31mFile a.py\x1b[0m"]}],
        },
    ]
    text = read_document(json.dumps({"cells": cells}).encode(), "rents.ipynb")
    assert text.startswith("# %% [markdown]\n# Rents\nPer month.\n\n# %%\nrents = load()\nrents\n#> 900\n")
    assert "#> [image/png]\n" in text
    assert "iVBOR" not in text
    assert text.count("#> line ") == MAX_LINES
    assert f"#> ... {1_000 - MAX_LINES:,} lines ...\n" in text
    assert "#> File a.py\n#> KeyError: 'b'\n" in text
    titles = [one.title for one in chunk(text, source="rents.ipynb", size=15)]
    assert titles[0] == "Rents > cell 1"
    assert titles[-1] == "Rents > cell 5"


@pytest.mark.parametrize(("name", "is_one"), [("a.PDF", True), ("b.epub", True), ("c.html", False), ("pdf", False)])
def test_the_name_tells_a_document(name: str, is_one: bool) -> None:
    assert is_document(name) is is_one


def test_documents_in_a_folder_are_read_or_skipped_with_the_reason(tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "lease.pdf").write_bytes(pdf("We sign on Friday.", "No pets."))
    (folder / "bomb.docx").write_bytes(word(bomb=b"0" * 210_000_000))
    (folder / "fake.pdf").write_bytes(b"MZ")
    files = Files(folder)
    assert dict(files.texts) == {"lease.pdf": "We sign on Friday.\n\fNo pets.\n"}
    assert {one.path: one.reason.split(";")[0] for one in files.skipped} == {
        "bomb.docx": "210,000,824 bytes unpacked in 4 entries",
        "fake.pdf": "not a PDF, whatever its name says",
    }
