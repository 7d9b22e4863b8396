"""Large files are searched for each question: the right lines with their true numbers, within bounds."""

import gzip
import json
import os
import random
import re
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

from ctxwin import get_tokenizer, pack
from ctxwin.citations import Checker
from ctxwin.errors import InputError
from ctxwin.files import Files
from ctxwin.files.needles import terms_of
from ctxwin.files.scanning import Target, search
from ctxwin.files.text_stream import texts

WORDS = ("error", "gate", "payment", "user", "valve", "pump", "disk")
SMALL = 20_000
"""Bytes from which a file is large here."""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path / "cache"))


def log(count: int, odd: dict[int, str], *, form: str = "2026-03-{day:02}T{hour:02}:{minute:02}:{second:02}Z") -> str:
    """Write a log with a line every ten seconds from 1 March on; `odd` lines, from 1, say something else."""
    lines = []
    for n in range(count):
        minute, second = divmod(10 * n, 60)
        hour, minute = divmod(minute, 60)
        day, hour = divmod(hour, 24)
        when = form.format(day=day + 1, hour=hour, minute=minute, second=second, half=hour % 12 or 12)
        lines.append(f"{when} {odd.get(n + 1, f'INFO worker tick {n * 7919 % 10_007} took {n % 89} ms')}\n")
    return "".join(lines)


def shown(packed, path: str) -> list[tuple[int, int]]:
    """Return the ranges of lines that a request shows of a file."""
    return [pair for one in packed.report.excerpts if one.path == path for pair in one.lines]


def holds(packed, path: str, line: int) -> bool:
    return any(first <= line <= last for first, last in shown(packed, path))


def asked(folder: Path, question: str, budget: int = 600, **options):
    files = Files(folder, max_bytes=SMALL, **options)
    return pack(query=question, files=files, budget=budget, embedder="none")


def true_lines(packed, texts: dict[str, str]) -> None:
    """Hold every slice that a request shows against the lines of the file that it names."""
    for one in packed.report.excerpts:
        lines = texts[one.path].split("\n")
        for first, piece in one.parts:
            for offset, line in enumerate(piece.rstrip("\n").split("\n")):
                assert line in lines[first - 1 + offset], (one.path, first, line)


def test_a_log_is_searched_and_its_line_numbers_are_true(tmp_path):
    text = log(9_000, {7_001: "ERROR gate jammed"})
    (tmp_path / "x.log").write_text(text)
    files = Files(tmp_path, max_bytes=SMALL)
    assert (files.skipped, files.large, dict(files.texts)) == ((), {"x.log": len(text)}, {})
    packed = pack(query="Why was the gate jammed?", files=files, budget=300, embedder="none")
    assert "ERROR gate jammed" in packed.text and holds(packed, "x.log", 7_001)
    assert packed.report.scanned == (("x.log", f"{len(text):,} bytes searched for the question: 1 place"),)
    assert packed.report.to_dict()["scanned"][0]["path"] == "x.log"
    assert Checker(packed.report.excerpts).check("See x.log:7001.")[0].right
    true_lines(packed, {"x.log": text})


def test_a_chunk_is_a_slice_of_its_file_by_characters_and_by_bytes(tmp_path):
    text = log(4_000, {n: f"WARN Tür {n} klemmt – 门卡住了 🚪" for n in range(100, 4_000, 400)})
    (tmp_path / "x.log").write_text(text, encoding="utf-8")
    found = search([Target(source="x.log", path=str(tmp_path / "x.log"), size=len(text))], "Tür klemmt").items
    assert sum("klemmt" in item.text for item in found) == 10
    for item in found:
        first, last = item.lines
        assert text[slice(*item.span)] == item.text == text.encode()[slice(*item.bytes)].decode()
        assert text.count("\n", 0, item.span[0]) + 1 == first
        assert item.text.count("\n") == last - first + 1
    assert all(before.span[1] <= after.span[0] for before, after in pairwise(found))


@pytest.mark.parametrize(
    ("form", "question"),
    [
        ("2026-03-{day:02}T{hour:02}:{minute:02}:{second:02}Z", "What happened at 14:03 on 3 March?"),
        ("2026-03-{day:02} {hour:02}:{minute:02}:{second:02},123", "what went on at 2:03 pm on March 3rd, 2026"),
        ("Mar {day:2} {hour:02}:{minute:02}:{second:02} host sshd[9]:", "Anything at 14:03 on 2026-03-03?"),
        ('1.2.3.4 - - [{day:02}/Mar/2026:{hour:02}:{minute:02}:{second:02} +0000] "GET /"', "3 March 14:03"),
        ("3/{day}/2026 {half}:{minute:02}:{second:02} PM", "what was at 2:03 pm?"),
        ("[{day:02}.03.2026 {hour:02}:{minute:02}:{second:02}]", "3月3日14点03分发生了什么？"),
    ],
)
def test_one_minute_of_a_log_is_found_however_it_is_written(tmp_path, form, question):
    text = log(30_000, {}, form=form)
    line = 1 + (2 * 24 * 60 + 14 * 60 + 3) * 6
    (tmp_path / "x.log").write_text(text)
    packed = asked(tmp_path, question, 1_000)
    assert holds(packed, "x.log", line) and holds(packed, "x.log", line + 5)
    true_lines(packed, {"x.log": text})


def test_a_day_that_is_named_is_meant_however_long_it_is_in_the_file(tmp_path):
    text = log(20_000, dict.fromkeys(range(7, 20000, 40), "ERROR [payment] refused"))
    (tmp_path / "x.log").write_text(text)
    packed = asked(tmp_path, "Which errors did payment have around 14:03 on 2 March?", 500)
    hits = [line for one in packed.report.excerpts for line in one.text.splitlines() if "T14:03" in line]
    assert hits and all(line.startswith("2026-03-02") for line in hits)


def test_an_hour_and_a_span_of_minutes_are_found(tmp_path):
    text = log(30_000, {8_700: "ERROR pump stopped"})  # 2 March, 00:09:50
    (tmp_path / "x.log").write_text(text)
    assert holds(asked(tmp_path, "which errors were there around midnight, 0 o'clock, on 2 March?"), "x.log", 8_700)
    assert holds(asked(tmp_path, "which errors between 00:08 and 00:11?"), "x.log", 8_700)


def test_errors_are_found_where_the_question_says_failure(tmp_path):
    text = log(9_000, {5_000: "FATAL [db] out of disk", 6_000: "WARN slow disk"})
    (tmp_path / "x.log").write_text(text)
    assert holds(asked(tmp_path, "what problems did db have?"), "x.log", 5_000)
    assert holds(asked(tmp_path, "any warnings?"), "x.log", 6_000)


def test_rows_of_a_table_come_with_their_header(tmp_path):
    text = "day,region,item,units,price\n" + "".join(
        f"2026-{n % 12 + 1:02}-{n % 28 + 1:02},{['north', 'south'][n % 2]},SKU-{n * 7919 % 99_991},{n % 97},1.5\n"
        for n in range(9_000)
    )
    (tmp_path / "sales.csv").write_text(text)
    key = f"SKU-{5_432 * 7919 % 99_991}"
    packed = asked(tmp_path, f"How many units of {key} were sold?", 400)
    assert holds(packed, "sales.csv", 5_434)
    excerpt = next(one for one in packed.report.excerpts if key in one.text)
    assert excerpt.header == "day,region,item,units,price\n"
    assert f"{excerpt.citation}\n{excerpt.header}" in packed.text
    assert Checker(packed.report.excerpts).check(f"{excerpt.citation} and sales.csv:1")[1].right
    true_lines(packed, {"sales.csv": text})


def test_a_table_without_a_header_gets_none(tmp_path):
    text = "".join(f"2026-03-{n % 28 + 1:02},SKU-{n},{n % 97}\n" for n in range(9_000))
    (tmp_path / "sales.csv").write_text(text)
    packed = asked(tmp_path, "How many of SKU-8123?")
    assert holds(packed, "sales.csv", 8_124) and not any(one.header for one in packed.report.excerpts)


def test_records_dumps_and_lock_files_are_searched(tmp_path):
    draw = random.Random(3)
    ids = [f"{draw.randrange(16**12):012x}" for _ in range(3_000)]
    texts = {
        "events.jsonl": "".join(json.dumps({"id": one, "user": n % 50}) + "\n" for n, one in enumerate(ids)),
        "dump.sql": "CREATE TABLE t (id int);\n"
        + "".join(f"INSERT INTO t VALUES ({n}, '{one}', 'Müller {n}');\n" for n, one in enumerate(ids)),
        "poetry.lock": "".join(f'[[package]]\nname = "p{n}"\nversion = "1.{n}.0"\n\n' for n in range(3_000)),
        "notes.md": "".join(f"# Section {n}\nNothing of note, {one[:4]}.\n" for n, one in enumerate(ids)),
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    for question, name, line in (
        (f"Which user has event {ids[2_222]}?", "events.jsonl", 2_223),
        ("Where is Müller 1777 inserted?", "dump.sql", 1_779),
        ("Which version has p2741?", "poetry.lock", 2_741 * 4 + 2),
        ("What does section 1234 say?", "notes.md", 2_469),
    ):
        packed = asked(tmp_path, question, 900)
        assert holds(packed, name, line), question
        true_lines(packed, texts)


def test_one_line_without_end_is_searched_within_it(tmp_path):
    parts = [f"function f{n}(a,b){{return a*{n}+b}};" for n in range(20_000)]
    parts[15_432] = "function jammedGate(a){return'valve 17 is stuck'};"
    (tmp_path / "app.min.js").write_text("".join(parts))
    packed = asked(tmp_path, "where is the valve stuck?", 500)
    assert "valve 17 is stuck" in packed.text and shown(packed, "app.min.js") == [(1, 1)] * len(packed.report.excerpts)
    assert packed.tokens <= 500


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig", "cp1252", "gb18030"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings_and_line_ends_are_those_of_the_file(tmp_path, encoding, end):
    word = "门被卡住了" if encoding == "gb18030" else "Schlüssel für Tür verloren"
    text = log(9_000, {n: f"WARN {word} {n}" for n in range(100, 9_000, 100)}).replace("\n", end)
    (tmp_path / "x.log").write_bytes(text.encode(encoding))
    packed = asked(tmp_path, "哪里卡住了 7000" if encoding == "gb18030" else "Wo ist der SCHLÜSSEL 7000?")
    assert holds(packed, "x.log", 7_000) and f"{word} 7000" in packed.text


def test_compressed_logs_are_searched_however_small(tmp_path):
    text = log(9_000, {7_001: "ERROR gate jammed"})
    (tmp_path / "x.log.2.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "cut.log.gz").write_bytes(gzip.compress(text.encode())[:-3_000])
    (tmp_path / "no.gz").write_bytes(b"\x1f\x8b no")
    packed = asked(tmp_path, "gate jammed", 900)
    assert holds(packed, "x.log.2.gz", 7_001)
    assert "not read to its end" in dict(packed.report.scanned)["cut.log.gz"]
    assert dict(packed.report.skipped).keys() == {"no.gz"}


def test_several_rotated_logs_share_the_budget(tmp_path):
    for n in range(1, 5):
        (tmp_path / f"app.log.{n}").write_text(log(3_000, {100 * k: "ERROR gate jammed" for k in range(1, 30)}))
    (tmp_path / "app.log").write_text(log(3_000, {2_500: "ERROR gate jammed by a sparrow"}))
    packed = asked(tmp_path, "which sparrow jammed the gate?", 2_000)
    assert holds(packed, "app.log", 2_500)
    assert len({one.path for one in packed.report.excerpts}) == 5


def test_what_stands_together_wins_over_what_stands_everywhere(tmp_path):
    odd = dict.fromkeys(range(1, 9000, 3), "INFO payment accepted") | dict.fromkeys(
        range(2, 9000, 3), "ERROR cache miss"
    )
    (tmp_path / "x.log").write_text(log(9_000, odd | {6_001: "ERROR payment refused"}))
    assert holds(asked(tmp_path, "payment errors", 300), "x.log", 6_001)


def test_a_large_file_competes_with_many_small_ones(tmp_path):
    for n in range(40):
        (tmp_path / f"note{n}.md").write_text(f"# Note {n}\nThe shed is painted in colour {n}.\n")
    (tmp_path / "x.log").write_text(log(9_000, {7_001: "ERROR gate jammed"}))
    files = Files(tmp_path, max_bytes=SMALL)
    before = len(files.pool)
    packed = pack(query="Why was the gate jammed?", files=files, budget=300, embedder="none")
    assert holds(packed, "x.log", 7_001)
    packed = pack(query="In which colour is the shed of note 7?", files=files, budget=300, embedder="none")
    assert "colour 7" in packed.text
    for n in range(30):  # questions leave nothing behind
        pack(query=f"tick {n}", files=files, budget=300, embedder="none")
    assert len(files.pool) == before == 40
    assert len(files.pool_for("tick 3")[0]._all) < 4 * 40 + 2_000


def test_where_nothing_is_found_the_ends_of_the_file_are_shown(tmp_path):
    text = log(9_000, {})
    (tmp_path / "x.log").write_text(text)
    for question in ("Zebras?", "the"):
        packed = asked(tmp_path, question, 900)
        assert shown(packed, "x.log")[0][0] == 1 and shown(packed, "x.log")[-1][1] == 9_000
        assert "0 places" in packed.report.scanned[0][1]
        true_lines(packed, {"x.log": text})


def test_one_question_reads_a_stated_number_of_bytes(tmp_path):
    for name in ("a.log", "b.log"):
        (tmp_path / name).write_text(log(9_000, {8_999: "ERROR gate jammed"}))
    size = (tmp_path / "a.log").stat().st_size
    packed = asked(tmp_path, "gate jammed", max_scanned=size + 1_000)
    said = dict(packed.report.scanned)
    assert holds(packed, "a.log", 8_999) and "places" not in said["a.log"]
    assert "only its first 1,000 bytes, the most that one question reads" in said["b.log"]


def test_a_file_is_read_as_it_is_when_it_is_asked(tmp_path):
    path = tmp_path / "x.log"
    path.write_text(log(3_000, {}))
    (tmp_path / "y.md").write_text("# Yes\n")
    files = Files(tmp_path, max_bytes=SMALL)

    def ask():
        return pack(query="gate jammed", files=files, budget=300, embedder="none")

    assert "jammed" not in ask().report.citations
    with path.open("a") as file:
        file.write("ERROR gate jammed\n")
    assert holds(ask(), "x.log", 3_001)
    assert files.refresh().changed == ("x.log",)
    path.unlink()
    assert "not read" in ask().report.scanned[0][1]
    assert files.refresh().removed == ("x.log",) and not files.large


def test_the_same_question_reads_the_same_files_once(tmp_path):
    (tmp_path / "x.log").write_text(log(9_000, {7_001: "ERROR gate jammed"}))
    heard: list[str] = []
    files = Files(tmp_path, max_bytes=SMALL, on_progress=lambda what, done, total: heard.append(what))
    first = pack(query="gate jammed", files=files, budget=300, embedder="none")
    searched = heard.count("searching x.log")
    assert searched > 0
    with ThreadPoolExecutor(4) as pool:
        again = list(pool.map(lambda _: pack(query="gate jammed", files=files, budget=300, embedder="none"), range(8)))
    assert heard.count("searching x.log") == searched
    assert len({re.sub(r"(data|end) \d+", "", one.text) for one in [first, *again]}) == 1


def test_a_search_takes_linear_time_whatever_is_in_the_file(tmp_path):
    draw = random.Random(5)
    shapes = {
        "every line": lambda n: "error gate payment 14:03 user\n" * (n // 30),
        "one line": lambda n: "error gate payment " * (n // 19),
        "line ends": lambda n: "\n" * n,
        "all sets": lambda n: "\n".join(" ".join(draw.sample(WORDS, 3)) for _ in range(n // 20)),
        "prefixes": lambda n: "erro gat paymen 14:0" * (n // 20),
    }
    question = "error of gate payment for user at 14:03, valve pump disk"
    for name, shape in shapes.items():
        seconds = []
        for size in (1_000_000, 4_000_000):
            path = tmp_path / "x.log"
            path.write_text(shape(size))
            start = time.process_time()
            search([Target(source="x.log", path=str(path), size=size)], question)
            seconds.append(time.process_time() - start)
        assert seconds[1] < 12 * seconds[0] + 0.5, (name, seconds)


def test_files_that_are_no_text_are_named(tmp_path):
    (tmp_path / "a.md").write_text("text\n")
    (tmp_path / "core.log").write_bytes(os.urandom(SMALL) + b"\x00" * SMALL)
    files = Files(tmp_path, max_bytes=SMALL)
    assert [(one.path, one.reason) for one in files.skipped] == [("core.log", "binary")] and not files.large


def test_needles_are_few_and_the_telling_ones_come_first():
    question = "What happened to order A-17/b of user 4711 at 14:03 on 3 March 2026, " + "and why, dear reader " * 40
    terms = terms_of(question, b"2026-03-01T00:00:00Z INFO\n")
    assert len([needle for term in terms for needle in term.needles]) <= 10
    assert [term.needles[0].literal for term in terms[:4]] == [b"14:03", b"2026-03-03", b"a-17/b", b"4711"]


SEAMS = {
    "code": "def f(x):\n\n    return x / 2  # it's\n\n\n" * 6_000,
    "one_line": json.dumps(
        [{"a": "grass", "b": i, "c": "größe it's 中文"} for i in range(5_000)], separators=(",", ":")
    ),
    "prose_without_lines": "It's a long way, they'd say; so we've gone on. " * 5_000,
    "chinese": "这是一个测试句子，没有空格，也没有换行。" * 8_000,
    "slashes": "//c\n/x\n\n\n  \n\tz" * 20_000,
    "line_ends": "a line\r\n\r\n  another\r\n" * 12_000,
}


@pytest.mark.parametrize("name", SEAMS)
def test_the_pieces_of_a_large_file_have_as_many_tokens_as_all_of_it(name, tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(SEAMS[name].encode())
    pieces = list(texts(str(path), lambda read: None, 20_000))
    assert len(pieces) > 5 and "".join(pieces) == SEAMS[name]
    for encoding in ("o200k_base", "cl100k_base"):
        tokenizer = get_tokenizer(encoding)
        assert sum(tokenizer.count_many(pieces)) == tokenizer.count_many([SEAMS[name]])[0]


def test_pieces_are_those_of_the_file_in_its_encoding_and_end_with_an_error_where_it_is_damaged(tmp_path):
    text = "Grüße aus Köln, 3 €\n" * 90_000
    (tmp_path / "a.txt").write_bytes(text.encode("utf-16"))
    with gzip.open(tmp_path / "b.log.gz", "wt", encoding="utf-8") as file:
        file.write(text)
    found = Files(tmp_path, max_bytes=10_000)
    assert ["".join(found.pieces(name)) for name in ("a.txt", "b.log.gz")] == [text, text]
    whole = (tmp_path / "b.log.gz").read_bytes()
    (tmp_path / "b.log.gz").write_bytes(whole[: len(whole) - 40])
    with pytest.raises(InputError, match=r"b\.log\.gz.*mend"):
        list(found.pieces("b.log.gz"))
    (tmp_path / "a.txt").unlink()
    with pytest.raises(InputError, match="FileNotFoundError"):
        list(found.pieces("a.txt"))
