"""JSON written with tables: equal when read back, whatever is in it; kept as it is where that cannot be shown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctxwin.renditions.outputs.json_tables import write_tables
from ctxwin.renditions.outputs.table_reading import read_tables
from ctxwin.renditions.outputs.table_values import Number, compact_json, read_json

WORDS = st.sampled_from(
    ["", " ", "a", "null", "true", "-0", "1.0", "1e5", "NaN", "-Infinity", "a,b", "a;b", "[2]{x}:", "{", "}", "]", '"',
     "x=1", "a: b", "\n", "\\", "\u2028", "\ud800", "é", "潮", " a", "a ", "00", "[1]", "=:", ":", "\x00", "😀"]
)  # fmt: skip
TEXTS = WORDS | st.text(max_size=6)
NUMBERS = st.sampled_from(["0", "-0", "1.0", "1", "1e5", "1E+400", "-1e-9", "12345678901234567890123", "NaN"])
KEYS = st.sampled_from(["id", "name", "at", "x y", "1", "", "a,b", "k:", "n=", "ключ"])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS.map(Number) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.lists(st.fixed_dictionaries({"id": inner, "n": inner}, optional={"z": inner}), min_size=2, max_size=4)
        | st.dictionaries(KEYS, st.fixed_dictionaries({"id": inner}, optional={"n": inner}), min_size=2, max_size=3)
    ),
    max_leaves=30,
)


@given(VALUES)
def test_every_value_reads_back(value):
    written = write_tables(compact_json(value))
    assert written is not None
    assert compact_json(read_tables(written)) == compact_json(value)


@given(VALUES)
def test_blanks_do_not_matter(value):
    text = compact_json(value)
    if "NaN" not in text and "1E+400" not in text and "\ud800" not in text:
        spread = json.dumps(json.loads(text, parse_float=str, parse_int=str), indent=3)
        assert write_tables(spread) == write_tables(json.dumps(json.loads(spread)))


@pytest.mark.parametrize(
    "text",
    ["", "no JSON", "{'a': 1}", '{"a": 1', '{"a": 1, "a": 2}', '[{"a": 1, "a": 2}]', "[" * 5_000 + "]" * 5_000,
     '{"a":' * 70 + "1" + "}" * 70, '[{"a": 1}] and more'],
)  # fmt: skip
def test_what_is_no_clean_json_stays_as_it_is(text):
    assert write_tables(text) is None


def test_a_table_has_its_keys_once():
    rows = [{"id": f"r{n}", "at": {"x": n, "y": -n}, "ok": True, "tags": [{"k": "a", "v": n}] * 2} for n in range(3)]
    assert write_tables(json.dumps(rows)) == (
        "[3]{id,at{x,y},ok=true,tags[k=a,v]}:\nr0,0,0,[0;0]\nr1,1,-1,[1;1]\nr2,2,-2,[2;2]\n"
    )


def test_an_object_of_like_objects_has_a_row_for_each_key():
    shelf = {"71": {"id": "71", "left": 3, "note": None}, "72": {"id": "72", "left": 0}}
    assert write_tables(json.dumps(shelf)) == "[2:]{id=:,left,note}:\n71: 3,null\n72: 0,\n"


def test_lists_of_lists_share_one_head():
    legs = [[{"from": "A", "to": "B"}, {"from": "B", "to": "C"}], [{"from": "A", "to": "C"}]]
    assert write_tables(json.dumps(legs)) == "[[2]]{from,to}:\nA,B\nB,C\n\nA,C\n\n"


def test_numbers_keep_their_digits():
    text = '[{"a": 1.0, "b": 1e400}, {"a": 1, "b": -0}, {"a": 10000000000000000000000, "b": 0.10}]'
    assert write_tables(text) == "[3]{a,b}:\n1.0,1e400\n1,-0\n10000000000000000000000,0.10\n"


def test_text_that_looks_like_a_number_is_quoted():
    assert write_tables('[{"zip": "01020", "n": 1}, {"zip": "null", "n": 2}]') == '[2]{zip,n}:\n"01020",1\n"null",2\n'


def test_rows_that_share_little_are_no_table():
    assert write_tables('[{"a": 1}, {"b": 1}, {"c": 1}, {"d": 1}]') == '[{"a":1},{"b":1},{"c":1},{"d":1}]'


def test_what_is_no_notation_is_refused():
    for text in ("[2]{a}:\n1\n", "[1]{a}: 1", '[1]{a}:\n1\n"more"', "", "[2]{a"):
        with pytest.raises(ValueError):
            read_tables(text)
    assert read_json("1.0") == Number("1.0")
