"""Pictures of a packing: true figures, bounded size, and nothing that hostile text can break."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import unicodedata
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from ctxwin.citations.excerpts import Excerpt
from ctxwin.items import Budget
from ctxwin.models import Model
from ctxwin.models.footprint import Billed, spending
from ctxwin.report import Cost, Decision, Offer, Report
from ctxwin.report.page import ROWS_IN, ROWS_OUT
from ctxwin.report.picture import clean, columns, html, listing, table
from ctxwin.report.terminal import SIGNS, WIDTH, strip_of

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><style>*{display:none}</style>",
    "</div></details></bdi>",
    "url(http://example.com/x.png) ; background:red",
    "\x1b[31mred\x1b[0m \x07 \x00",
    "abc \u202e fed \u2066 x",
    "lone \ud800 surrogate \udfff",
    "&amp; &lt; &#60;script&#62;",
    "line\u2028break\nand\ttab",
    "مرحبا بالعالم 我们星期五签租约 👩‍👩‍👧 Z̷̢̛a̴",
    "x" * 100_000,
)
CALL = Billed(model=Model(name="mine", input_price=1.0, output_price=4.0), input=500, unpacked=6_000)
VOID = {"img", "br", "hr", "input", "link", "meta"}


class Reader(HTMLParser):
    """Collects tags, attributes and text of a fragment, and checks that every tag is closed in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, (tag, self.open)
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(fragment: str) -> Reader:
    reader = Reader()
    reader.feed(fragment)
    reader.close()
    assert reader.open == []
    return reader


def decision(position: int, rung: str = "full", *, tokens: int = 20, p: float = 0.5, text: str = "words") -> Decision:
    return Decision(
        id=text,
        position=position,
        kind="turn",
        label=text,
        rung=rung,  # type: ignore[arg-type]
        tokens=0 if rung == "out" else tokens,
        full_tokens=tokens if rung in ("full", "out") else 3 * tokens,
        p=p,
        reason=text if rung != "full" else "relevant",
        cause="relevant",
        preview=text,
    )


def report(decisions: list[Decision], *, text: str = "words", **changes: object) -> Report:
    tokens = sum(one.tokens for one in decisions) + 30
    plain: dict[str, object] = {
        "budget": Budget(total=tokens + 50),
        "limit": tokens + 50,
        "tokens": tokens,
        "given": sum(one.full_tokens for one in decisions),
        "parts": {
            "system": 0,
            "tools": 0,
            "history": tokens - 30,
            "retrieved": 0,
            "query": 20,
            "overhead": 10,
        },
        "strategy": "auto",
        "tokenizer": "o200k_base",
        "exact": True,
        "embedder": text,
        "value": 90.0,
        "bound": 100.0,
        "price": 0.2,
        "excerpts": [Excerpt(path=text, lines=(), text=text, parts=((None, text),), ids=())] * 6,
        "skipped": [(text, text)],
        "warnings": [text],
        "cost": Cost(model=text, date="2025-01-01", spending=spending([CALL])),
        "decide": lambda: decisions,
        "offer": lambda extra: [Offer(id=text, label=text, rung="full", tokens=41, value=3.0)],
        "lose": lambda: [text],
    }
    return Report(**(plain | changes))  # type: ignore[arg-type]


def mixed(count: int, seed: int = 1) -> list[Decision]:
    choose = random.Random(seed)
    return [
        decision(i, choose.choice(["full", "extract", "stub", "summary", "out", "out"]), p=choose.random())
        for i in range(count)
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    decisions = [decision(i, rung, text=text) for i, rung in enumerate(("full", "extract", "out", "stub"))]
    fragment = html(report(decisions, text=text))
    seen = read(fragment)
    assert set(seen.tags) <= {"div", "style", "span", "i", "b", "bdi", "details", "summary"}
    assert seen.tags.count("style") == 1
    assert {name for name, _ in seen.attributes} <= {"class", "style", "title", "role", "aria-label"}
    styles = [value for name, value in seen.attributes if name == "style"]
    assert not any("url(" in value or "x.png" in value for value in styles)
    fragment.encode("utf-8")
    for drawn in (fragment, table(report(decisions, text=text)), listing(report(decisions, text=text))):
        assert not {sign for sign in drawn if unicodedata.category(sign) in ("Cc", "Cs")} - {"\n"}
        assert not set(drawn) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069")
        assert len(drawn) < 20_000


@given(st.text(st.characters(), max_size=300))
def test_any_text_is_one_printable_line(text: str) -> None:
    line = clean(text, 40)
    assert len(line) <= 40
    assert line == " ".join(line.split())
    line.encode("utf-8")


def test_plain_words_are_left_alone() -> None:
    assert clean("The lease ends on 31 May; 押金 is 2,400 €.") == "The lease ends on 31 May; 押金 is 2,400 €."
    assert clean("a" * 50, 10) == "a" * 9 + "…"


def test_nothing_is_loaded_and_nothing_runs() -> None:
    fragment = html(report(mixed(60))).lower()
    for word in ("<script", "javascript:", "http", "@import", "url(", "src=", "href=", "onclick", "onload"):
        assert word not in fragment


def test_every_rule_is_scoped() -> None:
    fragment = html(report(mixed(3)))
    rules = fragment.split("<style>")[1].split("</style>")[0]
    selectors = [rule.split("{")[0].strip() for rule in rules.split("}") if rule.strip()]
    assert selectors
    assert all(one.startswith((".ctxwin", "@container ctxwin ")) for one in selectors)


def test_html_is_bounded_and_says_what_it_leaves_out() -> None:
    decisions = [decision(i, "full" if i % 3 else "out") for i in range(6_000)]
    seen = read(fragment := html(report(decisions)))
    rows = [value for name, value in seen.attributes if name == "class" and value.startswith("cw-row")]
    assert len(rows) <= 2 * ROWS_IN + ROWS_OUT + 3
    assert len(fragment) < 300_000
    assert "3,840 more in and" in " ".join(seen.words)


def test_html_rows_add_up() -> None:
    decisions = mixed(120)
    seen = read(html(report(decisions)))
    inside = sum(one.rung != "out" for one in decisions)
    chips = [value for name, value in seen.attributes if name == "class" and value == "cw-chip"]
    assert inside <= len(chips) <= len(decisions)
    folded = sum(int(word.split(" out,")[0]) for word in seen.words if " out, " in word and "relevance" in word)
    assert folded == len(decisions) - inside


def test_segments_are_in_proportion() -> None:
    parts = {"system": 100, "tools": 0, "history": 300, "retrieved": 500, "query": 50, "overhead": 50}
    seen = read(html(report([], limit=2_000, tokens=1_000, parts=parts)))
    widths = [float(v.split("%")[0][6:]) for n, v in seen.attributes if n == "style" and v.startswith("width:")]
    assert widths == pytest.approx([5.0, 15.0, 25.0, 2.5, 2.5])


def test_an_empty_packing_can_be_drawn() -> None:
    nothing = report([], excerpts=(), skipped=(), warnings=(), cost=None, offer=lambda extra: [], lose=list)
    read(html(nothing))
    assert "30 of 80 tokens (37 %)" in table(nothing)
    assert "everything that was given fits" in table(nothing)


@pytest.mark.parametrize("count", [1, 5, 40, 3_000])
def test_the_table_fits_a_screen(count: int) -> None:
    account = report(mixed(count))
    lines = table(account).splitlines()
    assert len(lines) <= 30
    assert max(map(cell_len, lines)) <= WIDTH
    kept = f"{len(account.kept):,} whole, {len(account.shortened):,} shortened, {len(account.dropped):,} out"
    assert kept in table(account)
    assert "at most 10.0 % from the best" in table(account) or not account.dropped + account.shortened


@pytest.mark.parametrize("width", [40, 60, 71, 72, 80, 100, 120])
@pytest.mark.parametrize(
    "text", ["我们星期五签租约，房东要两个月的押金，请记得带身份证" * 3, "notes/" * 20, "👩‍👩‍👧" * 30]
)
def test_wide_signs_keep_the_columns_at_any_width(text: str, width: int) -> None:
    account = report([decision(i, text=text) for i in range(4)], text=text)
    for drawn in (table(account, width), listing(account, width=width)):
        lines = drawn.splitlines()
        assert max(map(cell_len, lines)) <= width
        assert any(line.startswith("[") and cell_len(line) == width for line in lines)


def test_the_columns_are_those_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((80, 24)))
    monkeypatch.setattr(sys, "__stdout__", sys.__stderr__)
    assert columns() == 80
    for chosen, taken in (("60", 60), ("0", 80), ("many", 80), ("7", 40), ("500", 120)):
        monkeypatch.setenv("COLUMNS", chosen)
        assert columns() == taken
    assert "why" not in table(report(mixed(9)), 60)


def test_the_limit_says_why_it_is_smaller_than_the_budget() -> None:
    small = report(mixed(9), budget=Budget(total=1_000, reserve=200), limit=760, exact=False, tokenizer="claude")
    words = " ".join(table(small).split())
    assert "limit 760: a budget of 1,000 less 200 reserved for the answer and a margin of 40" in words
    assert "since claude is estimated" in words
    assert "limit" not in table(report(mixed(9), budget=Budget(total=760), limit=760))


def test_money_and_energy_are_not_in_the_table() -> None:
    assert "$" not in table(report(mixed(9))) and "CO2" not in table(report(mixed(9)))


def test_embedders_have_short_names() -> None:
    judged = report(
        mixed(9), embedder="all-MiniLM-L6-v2/int8-1/0.1.0 and universal-sentence-encoder-multilingual-3/int8-2/1"
    )
    assert "relevance by words and minilm and multilingual" in " ".join(table(judged).split())


def test_the_end_of_a_long_path_is_kept(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    path = "a/very/long/folder/that/goes/on/and/on/sessions.py:120-131"
    assert "sessions.py:120-131" in table(report([decision(0, text=path)]))
    assert "-10234" in table(report([decision(0, text="a_very_long_name.py:10198-10234")]), 60)


def test_the_table_puts_the_most_relevant_first() -> None:
    decisions = [decision(i, p=i / 100, text=f"turn{i:02}") for i in range(50)]
    lines = table(report(decisions)).splitlines()
    rows = [line.split()[4] for line in lines if line.startswith("full")]
    assert rows[:3] == ["turn49", "turn48", "turn47"]
    assert "… 42 more in" in "\n".join(lines)


def test_the_listing_has_every_item_in_order() -> None:
    decisions = mixed(30)
    rows = [line for line in listing(report(decisions), dropped=True).splitlines() if " 0." in line[:13]]
    assert [line.split()[0] for line in rows] == [one.rung for one in decisions]
    short = listing(report(decisions))
    runs = [int(line.split("…")[1].split()[0]) for line in short.splitlines() if line.strip().startswith("…")]
    assert sum(runs) == sum(one.rung == "out" for one in decisions)


shares = st.dictionaries(st.sampled_from([*SIGNS, "free"]), st.integers(0, 100_000), min_size=1)


@given(shares, st.integers(20, 200))
def test_the_bar_fills_its_width_in_proportion(parts: dict[str, int], width: int) -> None:
    parts["free"] = parts.get("free", 0) + 1
    bar = strip_of(parts, width)
    assert len(bar) == width
    total = sum(parts.values())
    for name, tokens in parts.items():
        drawn = bar.count(SIGNS.get(name, "."))
        assert (drawn > 0) == (tokens > 0)
        assert abs(drawn - width * tokens / total) < len(parts) + 1


def test_the_colours_of_the_strip_are_named_where_they_occur() -> None:
    fragment = html(report(mixed(3)))
    key = fragment.split('<div class="cw-key"><span class="cw-dim">given</span>')[1].split("</div>")[0]
    named = re.findall(r"</span>(\w+)</span>", key)
    assert named == [name for name in ("full", "extract", "summary", "stub", "out") if name in named]
    assert set(named) == {one.rung for one in report(mixed(3)).decisions}


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no browser is installed")
def test_on_a_phone_what_an_item_begins_with_is_in_sight(tmp_path: Path) -> None:
    script = """<script>addEventListener("load", () => {
      const inner = document.querySelector("iframe").contentDocument;
      const cells = [...inner.querySelectorAll(".cw-row>:nth-child(6)")].map(one => one.getBoundingClientRect());
      document.title = JSON.stringify([cells.length, Math.max(...cells.map(one => one.right)),
        Math.min(...cells.map(one => one.width)), inner.documentElement.scrollWidth]);
    })</script>"""
    page = f"<!doctype html><meta charset=utf-8>{html(report(mixed(3)))}"
    frame = f"<iframe width=390 height=900 srcdoc='{escape(page)}'></iframe>{script}"
    (tmp_path / "frame.html").write_text(frame, encoding="utf-8")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", f"file://{tmp_path}/frame.html"]
    seen = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    found = re.search(r"<title>(.*?)</title>", seen)
    assert found is not None
    cells, right, width, whole = json.loads(found[1])
    assert cells > 1 and width > 200 and right <= 390 and whole <= 390
