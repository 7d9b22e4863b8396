"""Chunks are slices of the text, at the places where its author cut it, whatever the text is."""

import gzip
import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ctxwin import chunking
from ctxwin.chunking import CODE_TOKENS, TEXT_TOKENS, chunk, chunk_item, language_of
from ctxwin.chunking.syntax import LANGUAGES
from ctxwin.errors import InputError
from ctxwin.items import Item
from ctxwin.retrieve.words.lexical import Bm25, tokenize
from ctxwin.tokens import get_tokenizer

PIECES = st.sampled_from(
    [
        "# Title\n", "## Part two ##\n", "Name\n====\n", "```\n", "def f(x):\n", "    return x\n", "class A:\n", "\n",
        "\r\n", "\r", "@decorator\n", "// note\n", "# note\n", "export function go() {\n", "}\n", "Words stand here. ",
        "More of them! ", "今天下雨。", "我们在家，", "👨‍👩‍👧", "\x00", "\ud800", "\u2028", " " * 9, "\t", "x" * 40,
        "| a | b |\n", "> quote\n", "- point\n", "'''",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=60).map("".join) | st.text(max_size=200)

MODULE = '''"""What the module is for."""

import os

LIMIT = 3


# Why this one exists.
@cache
def load(path):
    with open(path) as file:
        return file.read()


class Store:
    """Keeps things."""

    size = 0

    def get(self, key):
        return self.rows[key]

    async def put(self, key, row):
        self.rows[key] = row


store = Store()
'''

PAGE = """Preface.

# Lease
We sign on Friday.

## Pets
```
# not a heading
```
None are allowed.

Rent
----
It is 900 a month.

# Garden
Roses.
"""


@given(text=TEXTS, language=st.sampled_from(LANGUAGES), size=st.integers(1, 60))
@example(text="a\n" * 50 + "\n" * 50, language="text", size=3)
@example(text="x = '''\ud800'''\n" * 9, language="python", size=4)
def test_chunks_are_slices_that_join_to_the_text(text: str, language: str, size: int) -> None:
    chunks = chunk(text, source="a/b.xyz", language=language, size=size)
    assert "".join(one.text for one in chunks) == text
    assert all(one.text and one.text == text[slice(*one.span)] for one in chunks)
    data = text.encode("utf-8", "surrogatepass")
    assert all(one.text.encode("utf-8", "surrogatepass") == data[slice(*one.bytes)] for one in chunks)
    assert [one.span[1] for one in chunks[:-1]] == [one.span[0] for one in chunks[1:]]
    for one in chunks:
        first = text.count("\n", 0, one.span[0]) + 1
        last = text.count("\n", 0, one.span[1] - 1) + 1
        assert one.lines == (first, last)
    assert len({one.id for one in chunks}) == len(chunks)
    assert {one.kind for one in chunks} <= {"chunk"}


@given(text=TEXTS, size=st.integers(5, 60))
def test_no_two_neighbours_would_fit_into_one_chunk(text: str, size: int) -> None:
    chunks = chunk(text, language="markdown", size=size)
    room = chunking._characters(text, size)
    assert all(len(a.text) + len(b.text) > room for a, b in pairwise(chunks))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_chunk_has_about_the_tokens_asked_for(language: str) -> None:
    text = (PAGE if language in ("text", "markdown") else MODULE) * 40
    counts = get_tokenizer("o200k_base").count_many([one.text for one in chunk(text, language=language, size=100)])
    assert max(counts) <= 130
    assert sum(counts) / len(counts) >= 40


def test_chinese_chunks_are_as_long_in_tokens_as_english_ones() -> None:
    text = "今天天气很好，我们去公园散步，然后回家吃饭。" * 200
    counts = get_tokenizer("o200k_base").count_many([one.text for one in chunk(text)])
    assert TEXT_TOKENS / 2 <= max(counts) <= TEXT_TOKENS * 1.3


def test_python_is_cut_at_definitions_with_their_comments_and_decorators() -> None:
    chunks = chunk(MODULE, source="store.py", size=20)
    starts = {one.text.lstrip().split("\n")[0]: one.title for one in chunks}
    assert starts["# Why this one exists."] == "load"
    assert starts["class Store:"] == "Store"
    assert starts["def get(self, key):"] == "Store.get"
    assert starts["async def put(self, key, row):"] == "Store.put"
    assert starts["store = Store()"] is None


def test_code_with_errors_is_cut_at_definitions_all_the_same() -> None:
    chunks = chunk("print 'old'\n" + MODULE + "def broken(:\n", source="store.py", size=20)
    assert {"load", "Store", "Store.get", "Store.put"} <= {one.title for one in chunks}


def test_a_bad_escape_in_python_is_no_warning_of_ours() -> None:
    assert chunk("x = '\\d'\n", source="a.py")


TYPESCRIPT = """import x

export async function load(a) {
  return a
}

export class Store {
  get() {}
}
"""
GO = """package a

func (s *Store) Get(k string) int {
    return 1
}

type T int

func Put() {
}
"""
RUST = """use x;

/// Loads.
pub(crate) fn load() {
    1;
}

#[derive(Debug)]
struct Store;
"""
RUBY = """require 'x'

def load(a)
  a + 1 + 2
end

class Store < Base
  attr :a, :b
end
"""


@pytest.mark.parametrize(
    ("source", "text", "titles"),
    [
        ("a.ts", TYPESCRIPT, {"load", "Store"}),
        ("a.go", GO, {"Store.Get", "Put"}),
        ("a.rs", RUST, {"load", "Store"}),
        ("a.rb", RUBY, {"load", "Store"}),
        ("a.scala", TYPESCRIPT, {"load", "Store"}),
        ("a.zig", GO, {"Get", "Put"}),
    ],
)
def test_code_is_cut_at_definitions_with_a_grammar_or_without(source: str, text: str, titles: set[str]) -> None:
    assert titles <= {one.title for one in chunk(text, source=source, size=3)}


def test_markdown_titles_are_the_path_of_headings_outside_fences() -> None:
    chunks = chunk(PAGE, source="lease.md", size=6)
    title_of = {line: one.title for one in chunks for line in one.text.splitlines()}
    assert title_of["Preface."] is None
    assert title_of["We sign on Friday."] == "Lease"
    assert title_of["# not a heading"] == "Lease > Pets"
    assert title_of["None are allowed."] == "Lease > Pets"
    assert title_of["It is 900 a month."] == "Lease > Rent"
    assert title_of["Roses."] == "Garden"


REST = """=====
Lease
=====
We sign on Friday.

Pets
----
None are allowed.

::

    ------

Rent
----
It is 900 a month.

Garden
======
Roses.
"""
ASCIIDOC = """= Lease
We sign on Friday.

== Pets
----
== no heading
----
None are allowed.

== Rent
It is 900 a month.
"""


def test_restructured_text_is_cut_at_titles_by_the_order_of_their_styles() -> None:
    chunks = chunk(REST, source="lease.rst", size=8)
    title_of = {line: one.title for one in chunks for line in one.text.splitlines()}
    assert title_of["We sign on Friday."] == "Lease"
    assert title_of["None are allowed."] == "Lease > Pets"
    assert title_of["It is 900 a month."] == "Lease > Rent"
    assert title_of["Roses."] == "Lease > Rent > Garden"


def test_asciidoc_is_cut_at_headings_outside_listings() -> None:
    chunks = chunk(ASCIIDOC, source="lease.adoc", size=8)
    title_of = {line: one.title for one in chunks for line in one.text.splitlines()}
    assert title_of["We sign on Friday."] == "Lease"
    assert title_of["== no heading"] == "Lease > Pets"
    assert title_of["It is 900 a month."] == "Lease > Rent"


def test_a_table_is_cut_between_rows_and_each_chunk_names_the_header() -> None:
    text = "flat,rent,note\n" + "".join(f'A{i},900,"two\nlines, ""quoted"""\n' for i in range(40))
    chunks = chunk(text, source="rents.csv", size=20)
    assert len(chunks) > 5
    assert {one.title for one in chunks} == {"flat,rent,note"}
    assert chunks[0].text == "flat,rent,note\n" and chunks[0].header is None
    assert all(one.text.startswith("A") and one.text.endswith('"""\n') for one in chunks[1:])
    assert {one.header for one in chunks[1:]} == {(1, "flat,rent,note\n")}


def test_a_log_is_cut_between_entries_which_keep_their_traces() -> None:
    text = "".join(
        f"2024-05-03 10:{i:02}:00,123 {'ERROR' if i == 7 else 'INFO'} worker: step {i}\n"
        + "Traceback (most recent call last):\n  File a.py\nKeyError\n" * (i == 7)
        for i in range(30)
    )
    chunks = chunk(text, source="app.log", size=40)
    assert all(one.text.startswith("2024") and one.text.endswith("\n") for one in chunks)
    assert all(one.title.startswith(one.text[:16]) for one in chunks)
    (traced,) = (one for one in chunks if "KeyError" in one.text)
    assert traced.title.endswith("ERROR")


def test_joined_sections_carry_the_heading_they_share() -> None:
    assert [one.title for one in chunk(PAGE, source="lease.md", size=400)] == [None]
    inner = PAGE[PAGE.index("## Pets") : PAGE.index("# Garden")]
    assert [one.title for one in chunk("# Lease\n" + inner, source="lease.md", size=400)] == ["Lease"]


def test_line_ends_stay_with_their_line() -> None:
    text = "".join(f"line {i} has some words in it\n" for i in range(200))
    chunks = chunk(text, language="text", size=20)
    assert all(one.text.endswith("\n") and one.text.startswith("line") for one in chunks)
    assert [one.lines[1] + 1 for one in chunks[:-1]] == [one.lines[0] for one in chunks[1:]]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "unit",
    ["a", "foo bar ", "\n", " ", "今天，", "x = 1\n", "[", "# a\n", "def f(): pass\n", "a\ud800", "a\n=\n", "public "],
)
def test_hostile_texts_are_cut_in_bounded_pieces(language: str, unit: str) -> None:
    text = unit * (30_000 // len(unit))
    chunks = chunk(text, language=language)
    size = max(TEXT_TOKENS, CODE_TOKENS)
    assert "".join(one.text for one in chunks) == text
    assert max(len(one.text) for one in chunks) <= size * 4 + 1
    assert max(len(one.title or "") for one in chunks) <= 100


def test_a_long_heading_is_no_long_title() -> None:
    assert max(len(one.title) for one in chunk("# " + "a" * 50_000 + "\ntext\n", source="a.md")) <= 100


def test_deeply_nested_python_does_not_break_the_parser() -> None:
    assert chunk("-" * 100_000 + "1", source="a.py")
    assert chunk("".join(" " * i + "if x:\n" for i in range(1_000)), source="a.py")


def test_an_empty_text_has_no_chunk() -> None:
    assert chunk("") == []


@pytest.mark.parametrize(
    ("bad", "match"), [({"size": 0}, "0 tokens"), ({"language": "latin"}, "unknown language 'latin'; use one of")]
)
def test_wrong_settings_are_named(bad: dict[str, object], match: str) -> None:
    with pytest.raises(InputError, match=match):
        chunk("text", **bad)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "language"),
    [
        ("a.PY", "python"),
        ("b/c.Md", "markdown"),
        ("x.tsx", "tsx"),
        ("x.scala", "code"),
        ("notes.txt", "text"),
        (None, "text"),
        (".py", "text"),
    ],
)
def test_the_name_tells_the_language(source: str | None, language: str) -> None:
    assert language_of(source) == language


def test_a_document_hands_down_what_it_knows() -> None:
    document = Item(
        id="d7", kind="document", text=PAGE * 20, source="lease.md", title="Contract", session="s1", time="2024-05-03",
        speaker="Ana", role="user", pinned=True,
    )  # fmt: skip
    parts = chunk_item(document)
    assert "".join(part.text for part in parts) == document.text
    assert len(parts) > 3
    assert len({part.id for part in parts}) == len(parts)
    for part in parts:
        assert (part.kind, part.session, part.time, part.speaker, part.role) == (
            "chunk", "s1", "2024-05-03", "Ana", "user",
        )  # fmt: skip
        assert part.pinned
        assert part.source == "lease.md"
        assert part.id.startswith(f"d7#L{part.lines[0]}")
        assert part.title.startswith("Contract")
    assert chunk_item(Item(id="d8", kind="document", text="x " * 2000))[1].id.startswith("d8#L1:")


def test_words_alone_find_the_evidence_in_few_chunks(data: Path) -> None:
    """Best chunks first within 512 tokens, their citations and the question paid for; the reference is 80 percent."""
    folder = data / "chunking_eval"
    with gzip.open(folder / "units.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = {unit["uid"]: unit["text"] for unit in map(json.loads, lines)}
    chunks = {name: chunk(text) for name, text in texts.items()}
    index = {name: Bm25(tokenize(one.text) for one in parts) for name, parts in chunks.items()}
    count = get_tokenizer("o200k_base").count_many
    costs = {name: count([one.text for one in parts]) for name, parts in chunks.items()}
    recalls = []
    for query in map(json.loads, (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()):
        name = query["source"]
        room = 512 - 20 - count([query["query"]])[0]
        seen: set[int] = set()
        for i in (-index[name].scores(tokenize(query["query"]))).argsort(kind="stable"):
            if costs[name][i] + 8 <= room:
                room -= costs[name][i] + 8
                seen.update(range(*chunks[name][i].span))
        spans = [range(start, end) for _, start, end in query["gold_spans"]]
        recalls.append(sum(len(seen.intersection(span)) / len(span) for span in spans) / len(spans))
    assert sum(recalls) / len(recalls) >= 0.85
