"""Rows come with their header, and pages, slides and sheets are what documents are cited by."""

from pathlib import Path

import openpyxl
import pptx
import pytest
from test_documents import pdf
from typer.testing import CliRunner

from ctxwin import pack
from ctxwin.chunking import chunk, header_of
from ctxwin.citations import Checker
from ctxwin.citations.excerpts import Excerpt
from ctxwin.cli import app
from ctxwin.files import Files


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path / "cache"))


ROWS = "".join(f"2026-03-{n % 28 + 1:02},north,SKU-{n},{n % 9},{n}.5\n" for n in range(200))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("day,region,item,units,price\n" + ROWS, (1, "day,region,item,units,price\n")),
        (ROWS, None),
        ("# made at noon\n\nday,region,item,units,price\n" + ROWS, (3, "day,region,item,units,price\n")),
        ("sep=;\nday;item\n2026-01-01;a\n2026-01-02;b\n", (2, "day;item\n")),
        ("day\titem\n2026-01-01\ta\n2026-01-02\tb\n", (1, "day\titem\n")),
        ('"first\nname","age"\n"Ana",3\n"Bo",4\n', (1, '"first\nname","age"\n')),
        ("id,name\r\n1,Ana\r\n2,Bo\r\n", (1, "id,name\r\n")),
        ("Ana,Oslo\nBo,Bergen\nAna,Bergen\n", None),  # Ana stands again below: a row like the others
        ("name,name\na,b\nc,d\n", None),
        ("day,item\n", None),
        ("just words\nand more\n", None),
        ("", None),
        ("a," + "b" * 2_000 + "\n1,2\n3,4\n", None),
        ("城市,人口\n北京,21\n上海,24\n", (1, "城市,人口\n")),
        ("x\x00y,z\n1,2\n3,4\n", (1, "x\x00y,z\n")),
    ],
)
def test_a_header_is_told_from_rows(text, expected):
    assert header_of(text) == expected


def test_rows_after_the_first_carry_the_header_and_the_citation_names_the_rows(tmp_path):
    (tmp_path / "sales.csv").write_text("day,region,item,units,price\n" + ROWS)
    packed = pack(query="How many units of SKU-137 were sold?", files=tmp_path, budget=250, embedder="none")
    excerpt = next(one for one in packed.report.excerpts if "SKU-137," in one.text)
    assert packed.text.count("day,region,item,units,price\n") == 1 and packed.tokens <= 250
    assert any(1 < first <= 139 <= last for first, last in excerpt.lines)
    assert excerpt.citation in packed.report.citations and not excerpt.citation.startswith("sales.csv:1-")
    checks = Checker(packed.report.excerpts).check("sales.csv:139 sales.csv:1 sales.csv:2")
    assert [one.verdict for one in checks] == ["right", "right", "lines not shown"]


def test_the_rows_of_a_table_in_markdown_carry_its_header():
    table = "| city | people |\n| --- | ---: |\n" + "".join(f"| City number {n} | {n * 1_000} |\n" for n in range(90))
    text = f"# Cities\n\n{table}\nThat is all.\n"
    chunks = chunk(text, source="cities.md")
    assert chunks[0].header is None and len(chunks) > 3
    assert {one.header for one in chunks[1:]} == {(3, "| city | people |\n| --- | ---: |\n")}
    assert "".join(one.text for one in chunks) == text
    assert chunk("Text.\n\n" * 99, source="a.md")[-1].header is None


def test_of_a_pdf_the_pages_are_cited_in_every_format(tmp_path):
    about = ["The rent is due on the first.", "Pets are allowed.", "The deposit is two months of rent.", "Signed."]
    tmp_path = tmp_path / "docs"
    tmp_path.mkdir()
    (tmp_path / "rental.pdf").write_bytes(pdf(*about))
    packed = pack(query="How high is the deposit?", files=tmp_path, budget=120, embedder="none")
    assert "rental.pdf:p. 3" in packed.report.citations or "rental.pdf:p. 1-4" in packed.report.citations
    alone = [one for one in Files(tmp_path).items if "deposit" in one.text]
    assert [(one.place, one.title) for one in alone] == [("p. 3", "page 3")]
    run = CliRunner()
    for form, expected in (
        ("text", "rental.pdf:p. "),
        ("markdown", "### rental.pdf:p. "),
        ("xml", 'path="rental.pdf" place="p. '),
        ("json", '"citation": "rental.pdf:p. '),
    ):
        done = run.invoke(
            app, ["ask", "How high is the deposit?", str(tmp_path), "--format", form, "--embedder", "none"]
        )
        assert done.exit_code == 0 and expected in done.stdout, done.output


def test_no_chunk_has_two_pages_and_together_they_are_the_text():
    text = "\f".join(f"Page {n} begins. " + "It has words. " * (n * 9) + "\n" for n in range(1, 9)) + "\f\n"
    chunks = chunk(text, source="book.pdf")
    assert "".join(one.text for one in chunks) == text
    assert all(one.text.rstrip("\f").count("\f") == 0 for one in chunks)
    assert {one.place for one in chunks if "Page 5" in one.text} == {"p. 5"}


def test_sheets_and_slides_are_cited(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "Costs"
    book.active.append(["what", "euro"])
    book.active.append(["Gate", 900])
    sheet = book.create_sheet("Sales 2026")
    sheet.append(["item", "units"])
    for n in range(300):
        sheet.append([f"SKU-{n}", n * 3])
    book.save(tmp_path / "book.xlsx")
    deck = pptx.Presentation()
    for title in ("Welcome", "The gate is red"):
        deck.slides.add_slide(deck.slide_layouts[5]).shapes.title.text = title
    deck.save(tmp_path / "deck.pptx")
    packed = pack(query="units of SKU-277", files=tmp_path / "book.xlsx", budget=300, embedder="none")
    excerpt = next(one for one in packed.report.excerpts if "SKU-277 " in one.text)
    assert excerpt.citation == f"{tmp_path}/book.xlsx:sheet Sales 2026"
    assert "item" in excerpt.header and "units" in excerpt.header
    checks = Checker(packed.report.excerpts).check("book.xlsx:sheet Sales 2026; book.xlsx, sheet Rents")
    assert [one.verdict for one in checks] == ["right", "lines not shown"]
    slides = {one.place for one in Files(tmp_path / "deck.pptx").items if "red" in one.text}
    assert slides == {"slide 2"}


def test_pages_in_an_answer_are_held_against_those_shown():
    def shown(**given):
        return Excerpt(**{"lines": ((9, 12),), "text": "x", "parts": ((9, "x"),), "ids": (), **given})

    excerpts = [shown(path="docs/rental.pdf", places=("p. 3", "p. 4")), shown(path="deck.pptx", places=("slide 2",))]
    checker = Checker(excerpts, ["other.pdf"])
    for said, verdict in (
        ("See docs/rental.pdf:p. 3.", "right"),
        ("`docs/rental.pdf:p. 3-4`", "right"),
        ("(rental.pdf, page 5)", "lines not shown"),
        ("[docs/rental.pdf, pp. 3–5]", "lines not shown"),
        ("docs/rental.pdf (p. 4)", "right"),
        ("rental.pdf：第3页", "right"),
        ("rental.pdf:3", "right"),
        ("deck.pptx:slide 2", "right"),
        ("deck.pptx slide 3", "lines not shown"),
        ("other.pdf p. 2", "file not packed"),
    ):
        assert [one.verdict for one in checker.check(said)] == [verdict], said
    assert checker.check("see page 3 of it, e.g. p. 4") == []
