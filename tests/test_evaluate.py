"""The scorer on cases made by hand, the reading of sets, the runner on a small set, the intervals."""

from __future__ import annotations

import gzip
import itertools
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctxwin.errors import InputError
from ctxwin.evaluate import Dataset, GoldQuery, Score, evaluate, load, load_sample, recall, request_text, request_tokens
from ctxwin.evaluate.limits import spread
from ctxwin.evaluate.recall_run import with_evidence
from ctxwin.evaluate.score import sentences
from ctxwin.evaluate.stats import bootstrap, differences, rows, source_rows
from ctxwin.items import Item

DATA = Path(__file__).parents[2] / "shared" / "data"

LEASE = "We sign the lease on Friday morning."
DEPOSIT = "The deposit is two months of rent."
KEYS = "Ask the caretaker for the second set of keys."


def score(packed, *units, text="What about the flat?", **query):
    named = {unit.id: unit for unit in units}
    gold = query.pop("gold", tuple(named))
    return recall(packed, GoldQuery(qid="q", source="s", text=text, gold=gold, **query), named)


def turn(uid, text):
    return Item(id=uid, text=text)


# -- sentences


def test_a_whole_turn_earns_everything_and_an_empty_request_nothing():
    unit = turn("a", f"{LEASE} {DEPOSIT}")
    assert score(f"8 May:\nAna: {LEASE} {DEPOSIT}\n", unit) == 1.0
    assert score("", unit) == 0.0


def test_an_extract_earns_the_characters_that_it_kept():
    unit = turn("a", f"{LEASE} {DEPOSIT}\n{KEYS}")
    kept = len(LEASE) + len(KEYS)
    assert score(f"Ana: {LEASE} … {KEYS}", unit) == pytest.approx(kept / (kept + len(DEPOSIT)))


def test_a_paraphrase_a_changed_word_and_changed_white_space_earn_nothing():
    unit = turn("a", LEASE)
    assert score("They sign the lease Friday morning.", unit) == 0.0
    assert score(LEASE.replace("Friday", "Monday"), unit) == 0.0
    assert score(LEASE.replace(" the ", "  the "), unit) == 0.0
    assert score(LEASE.lower(), unit) == 0.0


def test_half_a_sentence_earns_nothing():
    assert score(LEASE[:-10], turn("a", f"{LEASE} {DEPOSIT}")) == 0.0


def test_a_short_sentence_counts_only_beside_its_neighbour():
    unit = turn("a", f"Oh no! {LEASE} Sorry.")
    whole = len("Oh no!") + len(LEASE) + len("Sorry.")
    assert score(f"Oh no! Something else. {LEASE} And then. Sorry.", unit) == len(LEASE) / whole
    assert score(f"Oh no! {LEASE}", unit) == (len("Oh no!") + len(LEASE)) / whole
    assert score(f"{LEASE} Sorry.", unit) == (len(LEASE) + len("Sorry.")) / whole


def test_a_single_short_turn_must_stand_as_words():
    assert score("Ben: Yes\n", turn("a", "Yes")) == 1.0
    assert score("Ben: Yesterday\n", turn("a", "Yes")) == 0.0
    assert score("小林：好的呀", turn("a", "好的")) == 1.0


def test_windows_line_ends_are_read_as_plain_ones():
    assert score(f"{LEASE}\n{KEYS}", turn("a", f"{LEASE}\r\n{KEYS}")) == 1.0


def test_chinese_sentences_are_cut_without_spaces():
    unit = turn("a", "我们星期五早上签租房合同。押金是两个月的房租。")
    assert score("安娜：押金是两个月的房租。", unit) == pytest.approx(10 / 23)


@given(st.text(alphabet="ab .!?。！\n\t我", max_size=60))
def test_sentences_are_trimmed_ordered_and_lose_nothing_but_white_space(text):
    spans = sentences(text)
    assert all(a < b for a, b in spans) and all(b <= c for (_, b), (c, _) in itertools.pairwise(spans))
    assert all(text[a:b] == text[a:b].strip() for a, b in spans)
    assert "".join(text[a:b] for a, b in spans).split() or not text.strip()
    assert "".join("".join(text[a:b] for a, b in spans).split()) == "".join(text.split())


@given(st.text(min_size=1, max_size=80), st.text(max_size=20), st.text(max_size=20))
def test_a_unit_that_stands_whole_and_apart_earns_everything(text, before, after):
    text = text.strip()
    if text:
        assert score(f"{before}\n{text}\n{after}.", turn("a", text)) == 1.0


# -- short turns, modes, groups


def test_short_gold_turns_count_only_where_there_is_no_longer_one():
    short, long = turn("a", "Sounds good to me."), turn("b", LEASE)
    assert score(LEASE, short, long) == 1.0
    assert score(short.text, short, long) == 0.0
    assert score(short.text, short, turn("c", "Never.")) == 0.5


def test_the_limit_for_short_turns_is_lower_in_chinese():
    long = turn("b", "押金是两个月的房租")
    assert score(long.text, turn("a", "好的，谢谢你"), long) == 1.0
    assert score(long.text, turn("a", "星期五早上签合同"), long) == 0.5


def test_short_passages_and_memories_always_count():
    for kind in ("passage", "memory"):
        short = Item(id="a", text="The cat is Miso.", kind=kind)
        assert score(LEASE, short, turn("b", LEASE)) == 0.5


def test_gold_counts_alike_or_any_or_one_of_each_group():
    units = [turn("a", LEASE), turn("b", DEPOSIT), turn("c", KEYS)]
    assert score(LEASE, *units) == pytest.approx(1 / 3)
    assert score(LEASE, *units, mode="any") == 1.0
    groups = (("a", "b"), ("c",))
    assert score(LEASE, *units, mode="one_of_each_group", groups=groups) == 0.5
    assert score(f"{LEASE} {DEPOSIT}", *units, mode="one_of_each_group", groups=groups) == 0.5
    assert score(f"{DEPOSIT} {KEYS}", *units, mode="one_of_each_group", groups=groups) == 1.0


def test_groups_without_the_mode_do_not_matter():
    assert score(LEASE, turn("a", LEASE), turn("b", KEYS), groups=(("a", "b"),)) == 0.5


def test_the_question_that_ends_the_request_is_no_evidence():
    unit = turn("a", LEASE)
    assert score(f"[2 turns omitted]\n\n{LEASE}", unit, text=LEASE) == 0.0
    assert score(f"Ana: {LEASE}\n\n{LEASE}", unit, text=LEASE) == 1.0


def test_no_gold_and_unknown_gold_are_refused():
    with pytest.raises(InputError, match="'q' has no gold evidence"):
        score(LEASE)
    with pytest.raises(InputError, match="'z' as gold"):
        score(LEASE, turn("a", LEASE), gold=("z",))


# -- spans

ARTICLE = (
    "The tower was begun in 1173 and its foundation sank on one side from the third floor on. "
    "Work stopped for almost a century, which let the soil settle and saved it from falling. "
    "The bells were hung in 1372, the heaviest of them on the high side."
)


def span_of(part):
    return ARTICLE.index(part), ARTICLE.index(part) + len(part)


def test_a_span_earns_its_characters():
    document = Item(id="d", text=ARTICLE, kind="document")
    start, stop = span_of("Work stopped for almost a century, which let the soil settle and saved it from falling.")
    spans = {"d": ((start, stop),)}
    assert score(ARTICLE, document, spans=spans) == 1.0
    assert score(ARTICLE[:start], document, spans=spans) == 0.0
    half = start + (stop - start) // 2
    assert score(ARTICLE[:half], document, spans=spans) == pytest.approx((half - start) / (stop - start))


def test_several_spans_of_a_document_weigh_by_their_length():
    document = Item(id="d", text=ARTICLE, kind="document")
    first, last = span_of("begun in 1173"), span_of("the heaviest of them on the high side")
    spans = {"d": (first, last)}
    assert score(ARTICLE[:80], document, spans=spans) == pytest.approx(13 / (13 + 37))


def test_a_short_span_needs_its_surroundings():
    document = Item(id="d", text=ARTICLE, kind="document")
    spans = {"d": (span_of("1372"),)}
    assert score("Room 1372 is on the left.", document, spans=spans) == 0.0
    assert score("The bells were hung in 1372, the heaviest of them on the high side.", document, spans=spans) == 1.0


def slow_share_of_span(packed, text, start, stop, width):
    width = min(width, len(text))
    return fmean(
        any(text[a : a + width] in packed for a in range(len(text) - width + 1) if a <= at < a + width)
        for at in range(start, stop)
    )


@given(st.integers(0, 240), st.integers(1, 60), st.integers(0, 240), st.integers(1, 200))
def test_spans_agree_with_the_slow_reading(start, length, cut, size):
    stop = min(start + length, len(ARTICLE))
    document = Item(id="d", text=ARTICLE, kind="document")
    packed = f"Notes: {ARTICLE[cut : cut + size]}|"
    fast = score(packed, document, spans={"d": ((start, stop),)})
    assert fast == pytest.approx(slow_share_of_span(packed, ARTICLE, start, stop, 50))


# -- lines

MODULE = """import os

def sign(cookie):
    key = load()
    return hmac(key, cookie)

def load():
    return 1
"""


def lines(first, last):
    return "\n".join(MODULE.split("\n")[first - 1 : last])


def test_a_line_counts_when_it_and_its_neighbours_in_the_range_stand_together():
    file = Item(id="app.py", text=MODULE, kind="document")
    ranges = {"app.py": ((3, 5),)}
    assert score(f"app.py:3-5\n{lines(3, 5)}\n", file, ranges=ranges) == 1.0
    assert score(f"app.py:3-4\n{lines(3, 4)}\n", file, ranges=ranges) == pytest.approx(1 / 3)
    assert score(f"{lines(3, 3)}\n…\n{lines(5, 5)}", file, ranges=ranges) == 0.0


def test_lines_stand_whole_with_their_indentation_and_without_numbers():
    file = Item(id="app.py", text=MODULE, kind="document")
    ranges = {"app.py": ((4, 4),)}
    assert score("    key = load()", file, ranges=ranges) == 1.0
    assert score("key = load()", file, ranges=ranges) == 0.0
    assert score("    key = load() or None", file, ranges=ranges) == 0.0
    assert score("4     key = load()", file, ranges=ranges) == 0.0


def test_blank_lines_and_trailing_blanks_carry_no_weight():
    file = Item(id="app.py", text=MODULE.replace("load()\n", "load()  \n"), kind="document")
    assert score(lines(1, 3), file, ranges={"app.py": ((1, 3),)}) == 1.0
    assert score(lines(3, 4) + "\n" + lines(5, 5), file, ranges={"app.py": ((3, 5),)}) == 1.0


def test_files_are_averaged_and_ranges_of_one_file_pooled():
    one, two = (Item(id=name, text=MODULE, kind="document") for name in ("a.py", "b.py"))
    ranges = {"a.py": ((3, 5),), "b.py": ((1, 1), (7, 8))}
    assert score(lines(7, 8), one, two, ranges=ranges) == pytest.approx((0 + 2 / 3) / 2)


# -- requests


def test_a_request_is_read_with_its_parts_calls_and_results():
    call = {"id": "c", "type": "function", "function": {"name": "book", "arguments": '{"room": 4}'}}
    messages = [
        {
            "role": "user",
            "content": [{"type": "text", "text": "Hello"}, {"type": "image_url", "image_url": {}}],
        },
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "done"},
    ]
    assert request_text(messages) == 'Hello\n\nbook({"room": 4})\n\ndone'


def test_a_request_costs_its_tokens_and_four_for_each_message():
    texts = {"hello world": 2, "": 0, "Pack my box with five dozen liquor jugs.": 10, "<|endoftext|>": 7}
    for text, tokens in texts.items():
        assert request_tokens([{"role": "user", "content": text}]) == tokens + 4
    assert request_tokens([{"role": "user", "content": text} for text in texts]) == sum(texts.values()) + 16


def test_lone_surrogates_are_counted_and_unknown_counters_refused():
    assert request_tokens([{"role": "user", "content": "a\ud800b"}]) > 4
    with pytest.raises(InputError, match="no independent counter for 'claude'"):
        request_tokens([], "claude")


# -- reading sets


def write_set(folder, units, queries):
    folder.mkdir(parents=True, exist_ok=True)
    if units is not None:
        with gzip.open(folder / "units.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(unit) + "\n" for unit in units)
    (folder / "queries.jsonl").write_text("".join(json.dumps(query) + "\n" for query in queries), encoding="utf-8")
    return folder


UNITS = [
    {"source": "s", "uid": "1", "text": LEASE, "speaker": "Ana", "session": "1", "time": "2024-05-03"},
    {"source": "t", "uid": "1", "text": DEPOSIT, "kind": "passage", "title": "Lease"},
    {"source": "s", "uid": "2", "text": "  ", "role": "user"},
]
ROW = {"qid": "q1", "source": "s", "query": "When?", "category": "c", "gold": ["1"]}


def test_units_become_items_of_their_source(tmp_path):
    dataset = load(write_set(tmp_path / "flat", UNITS, [ROW]))
    assert dataset.name == "flat"
    assert dataset.sources["t"] == (Item(id="1", text=DEPOSIT, kind="passage", source="t", title="Lease"),)
    first, second = dataset.sources["s"]
    assert (first.speaker, first.session, first.time, first.kind) == ("Ana", "1", "2024-05-03", "turn")
    assert (second.id, second.role) == ("2", "user")


def test_queries_keep_their_gold_and_how_it_counts(tmp_path):
    queries = [
        ROW | {"gold": ["1", "2", "1"], "gold_mode": "any"},
        ROW | {"gold_mode": "one_of_each_group", "gold_groups": {"0": ["1"]}},
        ROW | {"gold_spans": [["1", 0, 2], ["1", 4, 8]]},
        ROW | {"gold_ranges": {"1": [[1, 1]]}},
        ROW | {"gold_ranges": [[459, 530]]},
        ROW
        | {
            "source": "u",
            "gold": ["a.py", "b.py"],
            "gold_ranges": {"a.py": [[1, 3], [2, 2]], "b.py": [[2, 2]]},
        },
        ROW | {"gold": [], "gold_groups": {}},
    ]
    files = [{"source": "u", "uid": name, "kind": "document", "text": "def f():\n\n"} for name in ("a.py", "b.py")]
    loaded = load(write_set(tmp_path / "flat", UNITS + files, queries)).queries
    assert (loaded[0].gold, loaded[0].mode) == (("1",), "any")  # unit 2 is blank
    assert (loaded[1].mode, loaded[1].groups) == ("one_of_each_group", (("1",),))
    assert loaded[2].spans == {"1": ((0, 2), (4, 8))}
    assert loaded[3].ranges == {"1": ((1, 1),)}
    assert loaded[4].ranges == {}
    assert (loaded[5].gold, loaded[5].ranges["a.py"]) == (("a.py",), ((1, 1),))  # blank lines are no evidence
    assert loaded[6].gold == ()


def test_queries_keep_what_was_said_before_them_and_when_they_are_asked(tmp_path):
    said = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good morning."}]
    asked = {"role": "user", "content": " When?\n"}
    rows = [
        ROW | {"history": said, "question_date": "2023/12/18 (Mon) 04:17"},
        ROW | {"history": [*said, asked]},  # the question itself ends it
        ROW | {"history": [*said, asked | {"role": "assistant"}]},
        ROW | {"history": [asked]},
        ROW | {"history": [], "question_date": None},
    ]
    loaded = load(write_set(tmp_path / "flat", UNITS, rows)).queries
    assert [(turn.role, turn.text) for turn in loaded[0].history] == [("user", "Hello"), ("assistant", "Good morning.")]
    assert loaded[1].history == loaded[0].history
    assert [len(query.history) for query in loaded] == [2, 2, 3, 0, 0]
    assert [query.asked for query in loaded] == ["2023/12/18 (Mon) 04:17", None, None, None, None]


@pytest.mark.parametrize(
    ("units", "row", "message"),
    [
        (UNITS, {"history": ["Hello"]}, "queries.jsonl:1: 'history[0]' is an object, not a string of 5"),
        (
            UNITS,
            {"history": [{"role": "tool", "content": "4"}]},
            "'history[0].role' is one of 'user' or 'assistant', not 'tool'",
        ),
        (UNITS, {"history": [{"role": "user"}]}, "queries.jsonl:1: 'history[0].content' is missing; correct the line"),
        (UNITS, {"question_date": 2023}, "queries.jsonl:1: 'question_date' is a string, not 2023"),
        (UNITS, {"gold": ["9"]}, "'q1' names '9' as gold, which 's' does not hold"),
        (
            UNITS,
            {"gold_mode": "some"},
            "'gold_mode' is one of 'all', 'any' or 'one_of_each_group', not 'some'",
        ),
        (UNITS, {"gold_ranges": {"1": [[0, 1]]}}, "names lines 0 to 1 of '1', which has 1; correct"),
        (UNITS, {"gold_ranges": {"9": [[1, 1]]}}, "'q1' names '9' as gold, which 's' does not hold"),
        (UNITS, {"gold_ranges": {"1": [[1, "2"]]}}, '[0][1]" is a whole number, not a string of 1 characters'),
        (UNITS, {"gold_spans": [["1", 0, 900]]}, "names characters 0 to 900 of '1', which has"),
        (UNITS, {"gold_groups": ["1"]}, "queries.jsonl:1: 'gold_groups' is an object, not a list of 1"),
        (UNITS, {"query": None}, "queries.jsonl:1: 'query' is a string, not None"),
        (UNITS, {"gold_ranges": {"1": [[1, 7]]}}, "names lines 1 to 7 of '1', which has 1; correct"),
        ([UNITS[0] | {"kind": "song"}], {}, "units.jsonl.gz:1: 'kind' is one of"),
        ([UNITS[0] | {"text": 3}], {}, "units.jsonl.gz:1: 'text' is a string, not 3"),
        (None, {}, "no units.jsonl.gz, and its source 's' is no released wheel"),
    ],
)
def test_a_malformed_set_is_refused_with_its_place(tmp_path, units, row, message):
    folder = write_set(tmp_path / "flat", units, [ROW | row])
    with pytest.raises(InputError) as error:
        load(folder)
    assert message in str(error.value)


def test_missing_and_broken_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="it has no queries"):
        load(tmp_path)
    folder = write_set(tmp_path / "flat", UNITS, [ROW])
    (folder / "queries.jsonl").write_text('{"qid": 1}\n{"qid"', encoding="utf-8")
    with pytest.raises(InputError, match=r"queries\.jsonl:1: 'qid' is a string"):
        load(folder)
    (folder / "queries.jsonl").write_text("[1]\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"queries\.jsonl:1: this is an object, not a list of 1"):
        load(folder)
    (folder / "queries.jsonl").write_text(json.dumps(ROW) + "\n{oops\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"queries\.jsonl:2: broken JSON"):
        load(folder)
    (folder / "queries.jsonl").write_text(json.dumps(ROW), encoding="utf-8")
    (folder / "units.jsonl.gz").write_bytes(b"\x1f\x8bnonsense")
    with pytest.raises(InputError, match=r"cannot read .*units\.jsonl\.gz"):
        load(folder)


@pytest.fixture
def wheel(tmp_path):
    path = tmp_path / "wheels" / "My_Flat-1.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("my_flat/app.py", MODULE)
        archive.writestr("my_flat/logo.png", b"\x89PNG\0\xff")
        archive.writestr("my_flat-1.0.dist-info/METADATA", "Name: my-flat\n")
        names = ("my_flat/app.py", "my_flat/logo.png", "my_flat-1.0.dist-info/METADATA")
        archive.writestr("my_flat-1.0.dist-info/RECORD", "".join(f"{name},,\n" for name in names))
    return path


WHEEL_ROW = {
    "source": "my-flat==1.0",
    "gold": ["my_flat/app.py"],
    "gold_ranges": {"my_flat/app.py": [[3, 5]]},
}


def test_a_wheel_is_read_packed_and_unpacked(tmp_path, wheel):
    folder = write_set(tmp_path / "code", None, [ROW | WHEEL_ROW])
    expected = (Item(id="my_flat/app.py", source="my_flat/app.py", kind="document", text=MODULE),)
    assert load(folder, wheels=wheel.parent).sources["my-flat==1.0"] == expected
    zipfile.ZipFile(wheel).extractall(wheel.parent / "flat")
    wheel.unlink()
    assert load(folder, wheels=wheel.parent).sources["my-flat==1.0"] == expected
    assert load(folder, wheels=wheel.parent / "flat").sources["my-flat==1.0"] == expected


def test_a_missing_wheel_is_named_with_the_command_that_fetches_it(tmp_path, wheel):
    folder = write_set(tmp_path / "code", None, [ROW | WHEEL_ROW])
    for wheels in (None, tmp_path):
        with pytest.raises(InputError, match=r"pip download --no-deps --dest WHEELS my-flat==1\.0"):
            load(folder, wheels=wheels)


# -- means and intervals


def made(recall, *, qid="q", variant="auto", budget=100, tokens=50, **fields):
    kept = {"dataset": "d", "source": "s", "category": "c"} | fields
    return Score(qid=qid, variant=variant, budget=budget, recall=recall, tokens=tokens, **kept)


def test_rows_average_and_keep_adversarial_questions_apart():
    scores = [
        made(1.0, qid="1"),
        made(0.5, qid="2", category="e", tokens=120),
        made(0.0, qid="3", category="adversarial", gap=0.1),
        made(0.0, qid="4", tokens=0, failure="too small"),
    ]
    by_category = {row.category: row for row in rows(scores)}
    assert set(by_category) == {None, "c", "e", "adversarial"}
    whole = by_category[None]
    assert (whole.queries, whole.recall, whole.overruns, whole.failures) == (3, 50.0, 1, 1)
    assert whole.tokens == pytest.approx(170 / 3)
    assert by_category["c"].recall == 50.0
    assert by_category["adversarial"].recall == 0.0 and by_category["adversarial"].gap == pytest.approx(10)


def test_rows_of_a_source_have_its_questions_and_their_files():
    scores = [made(1.0, qid="1", files=1.0), made(0.0, qid="2", files=0.5), made(0.5, qid="3", source="t")]
    found = {row.category: (row.queries, row.recall, row.files) for row in source_rows(scores)}
    assert found == {"s": (2, 50.0, 75.0), "t": (1, 50.0, None)}


def test_differences_pair_the_queries():
    first = [made(value, qid=str(n), variant="relevance") for n, value in enumerate((0.0, 0.5, 1.0))]
    second = [replace(score, variant="auto", recall=score.recall / 2 + 0.5) for score in reversed(first)]
    unpaired = made(1.0, qid="only", variant="auto")
    (found,) = differences([*first, *second, unpaired], "relevance", "auto")
    assert (found.queries, found.mean) == (3, pytest.approx(25.0))
    assert 0.0 <= found.low < found.mean < found.high <= 50.0


def test_the_interval_is_that_of_all_resamples_of_a_small_sample():
    values = [0.0, 1.0, 5.0, 7.0]
    means = [fmean(sample) for sample in itertools.product(values, repeat=4)]
    assert bootstrap(values) == pytest.approx(tuple(np.percentile(means, (2.5, 97.5))), abs=0.26)
    assert bootstrap(values) == bootstrap(values)


# -- running


def test_limit_takes_even_steps_over_the_sources():
    queries = [
        GoldQuery(qid=f"{source}{n}", source=source, text="?", gold=("1",) if n else ())
        for n in range(5)
        for source in "abc"
    ]
    scored = with_evidence(Dataset(name="set", sources={}, queries=tuple(queries)))
    assert [query.qid for query in spread(scored, 6)] == ["a1", "a3", "b1", "b3", "c1", "c3"]
    assert len(spread(scored, None)) == len(spread(scored, 99)) == 12
    assert [query.source for query in spread(scored, 3)] == ["a", "b", "c"]


def test_the_sample_fits_whole_into_a_large_budget_and_not_into_a_small_one():
    result = evaluate(
        [load_sample()],
        variants=["relevance@none", "recency"],
        budgets=[600, 40_000],
        processes=1,
    )
    recalls = {(row.variant, row.budget): row.recall for row in result.rows if row.category is None}
    assert recalls["relevance@none", 40_000] == recalls["recency", 40_000] == 100.0
    assert recalls["recency", 600] < recalls["relevance@none", 600] < 100.0
    assert result.overruns == result.failures == ()
    small, large = result.differences
    assert small.high < 0.0 and (large.mean, large.low, large.high) == (0.0, 0.0, 0.0)


def test_processes_progress_and_limit_do_not_change_a_score(tmp_path):
    units = [
        {
            "source": source,
            "uid": str(n),
            "text": f"Flat {n} in street {source} costs {n * 37} a month, heating included.",
        }
        for source in ("oak", "elm", "ash")
        for n in range(30)
    ]
    queries = [
        {"qid": f"{source}-{n}", "source": source, "query": f"What does flat {n} cost?", "gold": [str(n)]}
        for source in ("oak", "elm", "ash")
        for n in (3, 11, 27)
    ]
    folder = write_set(tmp_path / "flats", units, queries)
    told = []
    settings = {"variants": ["auto@none"], "budgets": [120], "limit": 6}
    here = evaluate([folder], processes=1, on_progress=lambda *progress: told.append(progress), **settings)
    assert told == [(n, 6) for n in range(1, 7)]
    told.clear()
    spawned = evaluate([folder], processes=2, on_progress=lambda *progress: told.append(progress), **settings)
    assert told == [(n, 6) for n in range(1, 7)]
    assert [replace(score, seconds=0.0) for score in here.scores] == [
        replace(score, seconds=0.0) for score in spawned.scores
    ]
    assert here.rows[0].recall > 50.0


def test_a_query_larger_than_the_budget_is_listed_and_scores_nothing():
    item = Item(id="1", text=LEASE)
    query = GoldQuery(qid="q", source="s", text="When is that? " * 40, gold=("1",))
    dataset = Dataset(name="d", sources={"s": (item,)}, queries=(query,))
    result = evaluate([dataset], variants=["auto@none"], budgets=[30], processes=1)
    assert [(score.qid, score.recall, score.tokens) for score in result.failures] == [("q", 0.0, 0)]
    assert result.to_dict()["failures"][0]["failure"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sets": []}, "no sets given"),
        ({"variants": []}, "no variants given"),
        ({"limit": 0}, "limit is 0"),
        ({"processes": -1}, "processes is -1"),
        ({"tokenizer": "claude-sonnet-4-5"}, "no independent counter for 'claude-sonnet-4-5'"),
        ({"variants": ["magic"]}, "magic"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        evaluate(**{"sets": [load_sample()], "variants": ["auto@none"], "processes": 1} | arguments)


# -- real sets


@pytest.mark.skipif(not DATA.is_dir(), reason="the evaluation data is not here")
@pytest.mark.parametrize("name", ["locomo", "rgb_zh", "qmsum", "chunking_eval", "memorybank_zh", "mtrag_un"])
def test_every_real_query_earns_everything_from_its_whole_source(name):
    dataset = load(DATA / name)
    whole = {
        source: "\n\n".join(f"{unit.speaker or unit.role}: {unit.text}" for unit in units)
        for source, units in dataset.sources.items()
    }
    scored = [query for query in dataset.queries if query.gold][::7]
    assert scored
    for query in scored:
        units = {unit.id: unit for unit in dataset.sources[query.source]}
        assert recall(whole[query.source], query, units) == 1.0
        assert recall("", query, units) == 0.0


@pytest.mark.skipif(not DATA.is_dir(), reason="the evaluation data is not here")
def test_the_wheel_set_says_what_it_needs():
    with pytest.raises(InputError, match=r"pip download .* flask==3\.1\.1"):
        load(DATA / "code_sweqa_wheels")
