"""Text that is written shorter without loss: it reads back character for character, whatever stands in it."""

import json
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctxwin import check, pack
from ctxwin.messages import read
from ctxwin.recall import recall_tool
from ctxwin.renditions import fold, unfold
from ctxwin.renditions.outputs.hit_lists import read_hits, write_hits
from ctxwin.renditions.outputs.json_tables import write_line_table
from ctxwin.renditions.outputs.line_patterns import mined, read_patterns, write_patterns
from ctxwin.tokens import get_tokenizer

WAYS = {"hits": (write_hits, read_hits), "patterns": (write_patterns, read_patterns)}
WORDS = st.sampled_from(
    ["", "~", "~1", "~1 = ", "~=2", "~ a.py:", "*", "¤", "took", "31", "ms", "a.py:7:", "a.py:9:x", "key=17", "key=b",
     "ERROR", "=", "潮", "\r", "\t", "08:00:01,117", "/srv/a/17", '"a"', '"b"', "12:34"]
)  # fmt: skip
LINES = st.lists(WORDS, max_size=5).map(" ".join)
TEXTS = st.lists(LINES, max_size=6).flatmap(lambda known: st.lists(st.sampled_from(known or [""]) | LINES, max_size=14))
REQUESTS = "\n".join(f"2026-11-29 08:00:{n:02},117 INFO http: GET /items/{n * 37} 200 in {n % 7} ms" for n in range(40))


@given(st.sampled_from(sorted(WAYS)), TEXTS.map("\n".join))
def test_lines_read_back(way, text):
    write, read_back = WAYS[way]
    written = write(text)
    assert written is None or (read_back(written) == text and len(written) < len(text))


@given(st.lists(LINES, min_size=1, max_size=9))
def test_each_line_follows_one_pattern(lines):
    assert sorted(line for members in mined(lines) for line in members) == list(range(len(lines)))


def test_a_log_is_written_by_its_patterns():
    log = REQUESTS + "\n2026-11-29 08:01:00,001 ERROR pool: no connection to db-2.internal\n" + REQUESTS
    (folded,) = fold([log], get_tokenizer())
    assert folded.how == "lines by patterns" and unfold(folded) == log
    head, *rest = folded.text.split("\n")
    assert head == "~1 = 2026-11-29 * INFO http: GET * 200 in * ms"
    assert rest[:2] == ["~1 08:00:00,117 /items/0 0", "~1 08:00:01,117 /items/37 1"]
    assert "2026-11-29 08:01:00,001 ERROR pool: no connection to db-2.internal" in rest


def test_what_went_wrong_is_never_written_by_a_pattern():
    failed = "\n".join(f"tests/test_a.py::test_{n} FAILED in {n} ms on host-7" for n in range(20))
    assert write_patterns(failed) is None
    assert fold([failed], get_tokenizer()) == [None]


def test_paths_and_ids_stay_whole():
    jobs = [f"job {n} done: order=ord_{n * 7919} from /srv/app/queue/{n}.json in 3 ms" for n in range(30)]
    written = write_patterns("\n".join(jobs))
    assert all(f"ord_{n * 7919} /srv/app/queue/{n}.json" in written for n in range(30))


def test_equal_lines_are_counted():
    assert write_patterns("start\n" + "waiting for the lock\n" * 9 + "done") == "start\nwaiting for the lock\n~=8\ndone"


def test_a_text_with_asterisks_takes_another_sign():
    text = "\n".join(f"* item {n} is at shelf {n * 3} of the *main* hall" for n in range(9))
    written = write_patterns(text)
    assert written.startswith("~* = ¤\n~1 = * item ¤ is at shelf ¤ of the *main* hall\n")
    assert read_patterns(written) == text


def test_hits_have_their_path_once():
    hits = [f"src/app/{name}.py:{n}:    return value" for name in ("pool", "queue") for n in (3, 40, 512)]
    text = "\n".join([*hits, "2 files"])
    (folded,) = fold([text], get_tokenizer())
    assert folded.how == "hits by file" and unfold(folded) == text
    assert folded.text.count("src/app/pool.py") == 1


def test_json_lines_are_one_table():
    lines = "".join(json.dumps({"level": "info", "ms": n, "path": f"/a/{n}"}) + "\n" for n in range(9))
    (folded,) = fold([lines], get_tokenizer())
    assert folded.how == "JSON lines as a table"
    assert [json.loads(line) for line in unfold(folded).splitlines()] == [
        json.loads(line) for line in lines.splitlines()
    ]
    assert write_line_table('{"a": 1}\n{"b": 2}\n[3]') is None


@pytest.mark.parametrize("given_text", ["", "One line.", "Some prose. " * 40, "a\nb\nc\n" * 3, "[]", '"text"', "17"])
def test_what_gains_little_stays_as_it_is(given_text):
    folded = fold([given_text], get_tokenizer())[0]
    assert folded is None or folded.saved * 10 >= get_tokenizer().count_many([given_text])[0]


@pytest.mark.parametrize(
    "text",
    ["a " * 60_000, "a\n" * 60_000, "\n".join(f"{n} " * 40 for n in range(2_000)), "x" * 200_000,
     "\n".join(f"a{n}.py:{n}:" for n in range(20_000)), "[" * 60_000, '[{"a":' * 9_000,
     json.dumps([{f"k{n}": n} for n in range(9_000)]), json.dumps([{f"k{n}": n for n in range(4_000)}] * 2),
     "\n".join(f"w{n} w{n + 1} w{n + 2}" for n in range(20_000)), "~=9\n" * 20_000, '{"a": "\\ud800"}'],
)  # fmt: skip
def test_hostile_text_takes_linear_time(text):
    began = process_time()
    fold([text], get_tokenizer())
    assert process_time() - began < 10  # a quadratic way would take minutes


ROWS = json.dumps([{"id": f"pod-{n}", "zone": "eu", "ready": n % 3 != 0, "restarts": n} for n in range(40)])
TALKS = {
    "openai": [
        {"role": "user", "content": "List the pods."},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "pods", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": ROWS},
        {"role": "assistant", "content": "There are 40."},
        {"role": "user", "content": "Which pod has 17 restarts?"},
    ],
    "responses": [
        {"role": "user", "content": "List the pods."},
        {"type": "function_call", "call_id": "c1", "name": "pods", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": ROWS},
        {"role": "assistant", "content": "There are 40."},
        {"role": "user", "content": "Which pod has 17 restarts?"},
    ],
    "anthropic": [
        {"role": "user", "content": "List the pods."},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "pods", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": ROWS}]},
        {"role": "assistant", "content": "There are 40."},
        {"role": "user", "content": "Which pod has 17 restarts?"},
    ],
}  # fmt: skip


@pytest.mark.parametrize("dialect", sorted(TALKS))
@pytest.mark.parametrize("recall", [False, True])
def test_a_result_is_folded_rather_than_cut(dialect, recall):
    tools = [recall_tool(dialect)] if recall else []
    packed = pack(TALKS[dialect], budget=900, embedder="none", tools=tools)
    folded = [one for one in packed.report.decisions if one.form == "folded"]
    assert [one.folded for one in folded] == ["JSON as tables"]
    assert all(f"pod-{n}," in packed.text for n in range(40)) and not check(packed.messages, dialect=dialect)
    assert packed.report.given > 1_000 > packed.tokens
    assert packed.report.shortened == () and "folded without loss: 1 item" in str(packed)
    again = pack(packed.messages, budget=900, embedder="none", tools=tools)
    assert again.messages == packed.messages


@pytest.mark.parametrize("dialect", sorted(TALKS))
def test_what_fits_or_is_pinned_stays_as_it_is(dialect):
    talk = TALKS[dialect]
    assert pack(talk, budget=4_000, embedder="none").messages == talk
    longer = [{"role": "user", "content": "Rain. " * 60}, {"role": "assistant", "content": "Sun. " * 60}, *talk]
    pinned = pack(longer, budget=1_190, embedder="none", pins=[3, 4])
    sent = read(pinned.messages).items
    assert ROWS in [part.text for item in sent for part in item.parts]


def test_a_folded_result_is_folded_in_each_later_request():
    """A prompt cache stays warm: the text of a result does not change from turn to turn."""
    talk = list(TALKS["openai"])
    shown = set()
    for turn in range(6):
        talk += [{"role": "assistant", "content": "pod-17"}, {"role": "user", "content": f"And the one with {turn}?"}]
        packed = pack(talk, budget=700, embedder="none")
        shown |= {one["content"] for one in packed.messages if one["role"] == "tool"}
    assert len(shown) == 1
