"""What comes in from outside: hostile plans, reports, evaluation sets, catalogue rows and saved windows are refused in
one sentence of ctxwin's own, which names the place and the key and repeats no text; and nothing is half-written."""

import copy
import gzip
import json
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from importlib.resources import files

import pytest
from genai_prices.data_snapshot import DataSnapshot, get_snapshot, set_custom_snapshot

import ctxwin
from ctxwin.errors import CtxwinError, InputError, MessageError
from ctxwin.evaluate.data import load
from ctxwin.evaluate.spoken import spoken
from ctxwin.items.outside import read_json, read_value
from ctxwin.models import Family, get_model
from ctxwin.packing import Plan
from ctxwin.report.record import ReportRecord
from ctxwin.store import MemoryStore

SECRET = "The safe's number is 7731, tell nobody about it"
"""Stands wherever a text may stand; no error may repeat it."""
DEEP = 10_000

TALK = [{"role": "user", "content": f"Note {number}: {SECRET}, and the lease ends in May."} for number in range(12)] + [
    {"role": "user", "content": "When does the lease end?"}
]


@pytest.fixture(scope="module")
def packed():
    return ctxwin.pack(TALK, budget=200, embedder="none", model="gpt-4o")


# --- every reader, and a text that it reads ----------------------------------------------------------------


def read_plan(text, tmp_path):
    return Plan.from_json(text)


def read_report(text, tmp_path):
    return ReportRecord.from_json(text)


def read_queries(text, tmp_path):
    folder = tmp_path / "set"
    folder.mkdir(exist_ok=True)
    unit = {"source": "s", "uid": "1", "text": "We sign the lease on Friday."}
    with gzip.open(folder / "units.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps(unit) + "\n")
    (folder / "queries.jsonl").write_bytes(as_bytes(text))
    return load(folder)


def read_units(text, tmp_path):
    folder = tmp_path / "set"
    folder.mkdir(exist_ok=True)
    with gzip.open(folder / "units.jsonl.gz", "wb") as file:
        file.write(as_bytes(text))
    query = {"qid": "q", "source": "s", "query": "When is the lease signed?", "gold": ["1"]}
    (folder / "queries.jsonl").write_text(json.dumps(query), encoding="utf-8")
    return load(folder)


def read_transcripts(text, tmp_path):
    with gzip.open(tmp_path / "transcripts.jsonl.gz", "wb") as file:
        file.write(as_bytes(text))
    return spoken(tmp_path)


def read_window(text, tmp_path):
    path = tmp_path / "saved.json"
    path.write_bytes(as_bytes(text))
    store = MemoryStore()
    try:
        with ctxwin.Window.import_(path, store=store, embedder="none") as window:
            return window.export()
    except CtxwinError:
        assert list(store.windows()) == []
        raise


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class Outside:
    """A reader of values from outside."""

    read: object
    plain: object
    """A value that it reads."""
    place: str
    """How errors name it."""


QUERY = {
    "qid": "q", "source": "s", "query": SECRET, "category": "single", "gold": ["1"], "gold_mode": "all",
    "gold_groups": {"a": ["1"]}, "gold_spans": [["1", 0, 4]], "gold_ranges": {"1": [[1, 1]]},
    "history": [{"role": "user", "content": SECRET}], "question_date": "2024-05-01",
}  # fmt: skip
UNIT = {
    "source": "s", "uid": "1", "text": SECRET, "kind": "turn", "role": "user", "speaker": "Ana", "session": "1",
    "time": "2024-05-01", "title": "Lease",
}  # fmt: skip
SPOKEN = {"messages": [{"role": "user", "content": SECRET}, {"role": "assistant", "content": SECRET}]}
WINDOW = {
    "format": "ctxwin.window", "version": 1, "id": "w", "created": "2024-05-01T10:00:00+00:00", "dialect": "openai",
    "model": "gpt-4o", "budget": {"total": 500, "reserve": 100, "margin": None, "enough": 0.9}, "system": SECRET,
    "turns": [{"message": {"role": "user", "content": SECRET}, "time": None, "pinned": True, "forgotten": False}],
}  # fmt: skip
NAMES = ("plan", "report", "queries", "units", "transcripts", "window")


def outsides(packed):
    return {
        "plan": Outside(read_plan, json.loads(packed.plan.to_json()), "this plan: "),
        "report": Outside(read_report, json.loads(json.dumps(packed.report.to_dict())), "this report: "),
        "queries": Outside(read_queries, QUERY, "queries.jsonl"),
        "units": Outside(read_units, UNIT, "units.jsonl.gz"),
        "transcripts": Outside(read_transcripts, SPOKEN, "transcripts.jsonl.gz"),
        "window": Outside(read_window, WINDOW, "saved.json"),
    }


@pytest.fixture(params=NAMES)
def outside(request, packed):
    return outsides(packed)[request.param]


def refused(outside, text, tmp_path, *words):
    """Return the error, which is ctxwin's own, names the place, says what to do, and repeats no text."""
    with pytest.raises(CtxwinError) as error:
        outside.read(text, tmp_path)
    told = str(error.value)
    assert isinstance(error.value, InputError | MessageError)
    for word in words:
        assert word in told, told
    chain = error.value
    while chain is not None:
        assert type(chain).__module__.split(".")[0] != "pydantic_core"
        assert "safe" not in str(chain) and "7731" not in str(chain)
        chain = chain.__cause__ or chain.__context__
    assert "pydantic" not in told
    assert len(told) < 600 and "\n" not in told
    assert ";" in told, f"{told} ends with nothing to do"
    return told


def test_what_is_right_is_read(outside, tmp_path):
    assert outside.read(json.dumps(outside.plain), tmp_path) is not None


def test_a_plan_and_a_window_come_back_as_they_were(packed, tmp_path):
    assert Plan.from_json(packed.plan.to_json()) == packed.plan
    assert Plan.from_json(packed.plan.to_json().encode("utf-16")) == packed.plan
    again = read_window(json.dumps(WINDOW), tmp_path)
    assert {name: again[name] for name in WINDOW} == WINDOW


# --- wrong values under every key --------------------------------------------------------------------------

WRONG = (None, True, False, 3, 2.5, -1, 10**30, float("nan"), float("inf"), SECRET, "", [], [SECRET], {}, {SECRET: 1})

IDS = ("gold", "gold_groups", "gold_ranges", "gold_spans", "qid", "source", "uid")
"""Keys of names by which errors tell units and queries apart; these are shown."""


TOLD = ("names ", "budget ", "no turn of", "holds a JSON object", "no released wheel")
"""Words of errors that are of the value as a whole."""


def changed(plain):
    """Yield copies of a value, each with one key, at any depth, of another value or gone."""
    for path in paths(plain):
        for wrong in WRONG:
            other = copy.deepcopy(plain)
            *above, last = path
            inner = other
            for key in above:
                inner = inner[key]
            inner[last] = json.loads(json.dumps(wrong).replace(SECRET, "x")) if path[0] in IDS else wrong
            yield path, other
        if isinstance(path[-1], str):
            del inner[last]
            yield path, other


def paths(value, above=()):
    keys = value.keys() if isinstance(value, dict) else range(min(len(value), 2)) if isinstance(value, list) else ()
    for key in keys:
        yield (*above, key)
        yield from paths(value[key], (*above, key))


def test_whatever_stands_under_a_key_is_read_or_refused_by_its_name(outside, tmp_path):
    """A message's own fields are read by the reader of its dialect, which takes much; all others are taken exactly."""
    refusals = 0
    for number, (path, other) in enumerate(changed(outside.plain)):
        place = tmp_path / str(number)
        place.mkdir()
        try:
            outside.read(json.dumps(other), place)
        except CtxwinError:
            told = refused(outside, json.dumps(other), place)
            refusals += 1
            if "message" not in path and "messages" not in path:
                assert str(path[0]) in told or any(word in told for word in TOLD), told
    assert refusals > 10


@pytest.mark.parametrize(
    ("name", "path", "value", "told"),
    [
        ("plan", ("limit",), "9", "'limit' is a whole number, not a string of 1 characters"),
        ("plan", ("limit",), True, "'limit' is a whole number, not True"),
        ("plan", ("limit",), float("nan"), "'limit' is a whole number, not nan"),
        ("plan", ("choices", 0), ["m0"], "'choices[0][1]' is missing"),
        ("plan", ("choices", 0), ["m0", "full", 1], "'choices[0]' is a list of 2, not of 3"),
        ("plan", ("choices", 0, 1), "whole", "is one of 'full', 'extract', 'summary' or 'stub', not 'whole'"),
        ("plan", ("version",), 2, "'version' is 2, and this ctxwin reads version 1"),
        ("plan", ("version",), True, "'version' is a whole number, not True"),
        ("report", ("count", "exact"), 1, "'count.exact' is true or false, not 1"),
        ("report", ("gap",), float("inf"), "'gap' is a finite number, not inf"),
        ("report", ("budget", "totel"), 1, "'budget.totel' is not known"),
        ("report", ("items", 0, "p"), "1", "'items[0].p' is a number, not a string of 1 characters"),
        ("queries", ("gold_ranges",), {"src/a.py": 3}, "\"gold_ranges['src/a.py']\" is a list, not 3"),
        ("queries", ("gold_spans",), [["1", 0]], "'gold_spans[0][2]' is missing"),
        ("queries", ("gold_ranges",), {"1": [[1, 10**30]]}, "names lines 1 to 1000000000000000000000000000000 of '1'"),
        ("units", ("session",), 3, "'session' is a string, not 3"),
        ("transcripts", ("messages", 0), SECRET, "'messages[0]' is an object, not a string of 47 characters"),
        ("window", ("budget",), {"total": 100, "reserve": 100}, "leaves no token for the request"),
        ("window", ("budget", "total"), "8k", "'budget.total' is a whole number, not a string of 2 characters"),
        ("window", ("dialect",), "klingon", "'dialect' is one of"),
        ("window", ("turns", 0, "message"), [], "'turns[0].message' is an object, not a list of 0"),
        ("window", ("turns", 0, "message", "n"), float("nan"), "message 0: holds a number that JSON has not"),
        ("window", ("turns", 0, "message", "content"), 3, "message 0: "),
        ("window", ("turns", 0, "pinned"), 1, "'turns[0].pinned' is true or false, not 1"),
        ("window", ("system",), True, "'system': content is bool"),
        ("window", ("system",), [{"type": "text", "n": float("nan")}], "'system': the state of a window holds"),
        ("window", ("turns",), None, "'turns' is a list, not None"),
    ],
)  # fmt: skip
def test_the_error_names_the_key_and_what_stands_there(packed, tmp_path, name, path, value, told):
    outside = outsides(packed)[name]
    other = copy.deepcopy(outside.plain)
    inner = other
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    said = refused(outside, json.dumps(other), tmp_path, told)
    assert outside.place in said or "query 'q'" in said


# --- texts that are no JSON, or more than JSON -------------------------------------------------------------


def twice(text):
    """Write the first key of an object a second time."""
    key = next(iter(json.loads(text)))
    return text.replace("{", '{"' + key + '": null, ', 1)


TEXTS = {
    "empty": lambda text: "{}",
    "truncated": lambda text: text[: len(text) // 2],
    "no JSON": lambda text: SECRET,
    "a list": lambda text: f"[{text}]",
    "a string": lambda text: json.dumps(SECRET),
    "deep": lambda text: "[" * DEEP + "]" * DEEP,
    "deep inside": lambda text: text[:-1] + ', "more": ' + '{"a":' * DEEP + "1" + "}" * DEEP + "}",
    "a number of 5,000 digits": lambda text: text[:-1] + ', "more": ' + "9" * 5_000 + "}",
    "bytes of no encoding": lambda text: b"\xff\xfe\xfd" + text.encode(),
    "Latin-1": lambda text: (text[:-1] + ', "more": "\u00e9t\u00e9"}').encode("latin-1"),
    "two values": lambda text: f"{text} {text}",
}


@pytest.mark.parametrize("kind", TEXTS)
def test_a_text_that_is_no_such_value_is_refused(outside, kind, tmp_path):
    refused(
        outside, TEXTS[kind](json.dumps(outside.plain)), tmp_path, *([] if kind == "empty" else [outside.place[:9]])
    )


@pytest.mark.parametrize("name", ["plan", "report", "queries", "units", "transcripts"])
def test_a_key_that_stands_twice_is_named(packed, name, tmp_path):
    outside = outsides(packed)[name]
    key = next(iter(outside.plain))
    text = json.dumps(outside.plain)
    refused(
        outside, '{"' + key + '": null, ' + text[1:], tmp_path, outside.place, f": {key!r} stands twice in one object"
    )
    refused(outside, text[:-1] + ', "more": {"a": 1, "a": 2}}', tmp_path, "'a' stands twice")


@pytest.mark.parametrize("name", ["plan", "report", "queries", "units", "transcripts"])
def test_a_byte_order_mark_is_named(packed, name, tmp_path):
    outside = outsides(packed)[name]
    refused(outside, "\ufeff" + json.dumps(outside.plain), tmp_path, "BOM")


def test_a_saved_window_may_have_a_mark_and_another_encoding(tmp_path):
    for number, coding in enumerate(("utf-8-sig", "utf-16", "utf-32")):
        place = tmp_path / str(number)
        place.mkdir()
        assert read_window(json.dumps(WINDOW).encode(coding), place)["turns"] == WINDOW["turns"]


def test_lone_surrogates_pass_as_they_are(packed):
    plan = Plan(choices=(("half \ud83d", "full"),), strategy="auto", limit=9, tokens=7, tokenizer="generic")
    assert Plan.from_json(plan.to_json()) == plan


def test_keys_that_nobody_knows_are_left_aside_as_before(outside, tmp_path):
    assert outside.read(json.dumps(outside.plain | {"more": {"a": [1, None]}}), tmp_path) is not None


def test_a_loaded_window_is_checked_like_its_file():
    with pytest.raises(InputError, match=r"this saved window: 'turns\[0\]\.time' is a string, not 3; mend the file"):
        ctxwin.Window.import_(WINDOW | {"turns": [WINDOW["turns"][0] | {"time": 3}]}, embedder="none")


def test_what_is_no_text_is_no_plan():
    for given in (None, 3, json.loads, {"choices": []}):
        with pytest.raises(InputError, match="this plan: a JSON text, not"):
            Plan.from_json(given)


@pytest.mark.parametrize("cut", [0, 1, 9, 40])
def test_a_packed_set_that_is_cut_off_is_refused(tmp_path, cut):
    read_units(json.dumps(UNIT), tmp_path)
    units = tmp_path / "set" / "units.jsonl.gz"
    whole = units.read_bytes()
    for broken in (whole[: len(whole) - cut - 1], whole[: cut + 1], whole[:-20] + b"\xff" * 20):
        units.write_bytes(broken)
        with pytest.raises(InputError, match=r"cannot read .*units\.jsonl\.gz"):
            load(tmp_path / "set")


# --- the catalogue -----------------------------------------------------------------------------------------

FAMILIES = tomllib.loads((files("ctxwin.models") / "models.toml").read_text(encoding="utf-8"))["family"]


@pytest.mark.parametrize("row", FAMILIES, ids=lambda row: row["prefixes"][0] if row["prefixes"] else row["models"][0])
def test_each_family_of_the_catalogue_has_its_form(row):
    family = read_value(row, Family, "models.toml", remedy="mend it")
    assert (family.models or family.prefixes) and family.source and family.prices.count(":") == 1


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("output", "128k", "'output' is a whole number, not a string of 4 characters"),
        ("date", "yesterday", "'date' is a date, not a string of 9 characters"),
        ("models", "gpt-4o", "'models' is a list, not a string of 6 characters"),
        ("windows", {"gpt": 1.5}, "'windows.gpt' is a whole number, not 1.5"),
        ("ouput", 1, "'ouput' is not known"),
    ],
)
def test_a_wrong_row_of_the_catalogue_is_told_by_its_key(field, value, told):
    with pytest.raises(InputError) as error:
        read_value(FAMILIES[0] | {field: value}, Family, "models.toml, row 1", remedy="mend it")
    assert str(error.value).startswith("models.toml, row 1: ")
    assert told in str(error.value)
    without = {name: one for name, one in FAMILIES[0].items() if name != "source"}
    with pytest.raises(InputError, match=r"models\.toml: 'source' is missing; mend it"):
        read_value(without, Family, "models.toml", remedy="mend it")


@pytest.fixture
def prices():
    """A price table that a program has put in place of the package's own; the one of gpt-4o may be changed."""
    from ctxwin.models import priced_model

    mine = copy.deepcopy(get_snapshot().find_provider_model("gpt-4o", None, "openai", None)[1])
    provider = copy.deepcopy(next(one for one in get_snapshot().providers if one.id == "openai"))
    provider.models = [mine]
    priced_model.cache_clear()
    set_custom_snapshot(DataSnapshot(providers=[provider], from_auto_update=False))
    yield mine
    set_custom_snapshot(None)
    priced_model.cache_clear()


@pytest.mark.parametrize("window", ["128k", 2.5, True, float("nan"), [128_000]])
def test_a_window_of_another_table_that_is_none_is_refused(prices, window):
    assert get_model("gpt-4o").window == 128_000
    prices.context_window = window
    with pytest.raises(InputError, match=r"row of 'gpt-4o': 'window' is a whole number, not .*; install another"):
        get_model("gpt-4o")


# --- the edge itself ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """A value of every kind."""

    text: str = ""
    whole: int = 0
    number: float = 0.0
    truth: bool = False
    either: dict[str, int] | tuple[int, ...] = ()


@pytest.mark.parametrize(
    ("plain", "told"),
    [
        ({"text": 3}, "'text' is a string, not 3"),
        ({"whole": 3.0}, "'whole' is a whole number, not 3.0"),
        ({"whole": "3"}, "'whole' is a whole number, not a string of 1 characters"),
        ({"number": True}, "'number' is a number, not True"),
        ({"number": "1"}, "'number' is a number, not a string of 1 characters"),
        ({"number": float("-inf")}, "'number' is a finite number, not -inf"),
        ({"truth": 0}, "'truth' is true or false, not 0"),
        ({"truth": "yes"}, "'truth' is true or false, not a string of 3 characters"),
        ({"either": {"a": "b"}}, "'either.a' is a whole number, not a string of 1 characters"),
        ({"either": [1, None]}, "'either[1]' is a whole number, not None"),
        ({"whole": {"a": 1}}, "'whole' is a whole number, not an object"),
        ([], "this is an object, not a list of 0"),
    ],
)
def test_no_value_stands_in_for_another(plain, told):
    with pytest.raises(InputError) as error:
        read_value(plain, Every, "here", remedy="mend it")
    assert str(error.value) == f"here: {told}; mend it"


def test_whole_numbers_are_numbers_and_lists_are_read():
    assert read_json('{"number": 3, "either": [1, 2]}', Every, "here", remedy="mend it") == Every(
        number=3, either=(1, 2)
    )


def test_pydantic_is_loaded_where_something_is_read_and_nowhere_else():
    code = """
import sys
import ctxwin, ctxwin.evaluate, ctxwin.files, ctxwin.models, ctxwin.report.record, ctxwin.window, ctxwin.wrapping
packed = ctxwin.pack([{"role": "user", "content": "When does the lease end?"}], budget=90)
with ctxwin.Window(budget=90, embedder="none") as window:
    window.add("When does the lease end?")
    window.pack()
    window.export()
packed.report.to_dict(), packed.to_dict()
assert not {"pydantic", "pydantic_core"} & sys.modules.keys()
ctxwin.packing.packed.Plan.from_json(packed.plan.to_json())
assert "pydantic" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
