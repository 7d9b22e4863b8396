"""What every store gives, compared by value; and the file against memory over random histories."""

import contextlib
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import ctxwin
from ctxwin.errors import InputError, MessageError, StoreError
from ctxwin.items import Budget
from ctxwin.store import MemoryStore, SqliteStore, Store, UsageRecord, WindowSettings, open_store

HELLO = {"role": "user", "content": "Hello."}
REPLY = {"role": "assistant", "content": "Hello back."}
TALK = [
    {"role": "system", "content": "Be brief."},
    {
        "role": "user",
        "content": [{"type": "text", "text": "春天的花开了。🌸"}, {"type": "image_url", "image_url": {"url": "x"}}],
    },
    {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]},
    {"type": "function_call_output", "call_id": "1", "output": "\x00\x01 NUL, \u2028, \ud800 a lone surrogate"},
    {"role": "user", "content": "\ud83d\ude00 two halves of one sign, and 😀 whole"},
    {"role": "user", "content": "", "n": [1, 1.5, 2**70, -0.0, 1e300, True, False, None, {}, []]},
]


@pytest.fixture(params=["sqlite", "memory"])
def store(request, tmp_path):
    opened = SqliteStore(tmp_path / "chat.db") if request.param == "sqlite" else MemoryStore()
    yield opened
    opened.close()


def said(store, window="w"):
    return [turn.message for turn in store.turns(window)]


def test_it_is_a_store_by_its_public_name(store):
    assert isinstance(store, ctxwin.Store)
    assert open_store(store) is store


def test_messages_come_back_as_they_were_given(store):
    added = store.append("w", TALK)
    assert store.turns("w") == added
    assert [turn.position for turn in added] == [*range(len(TALK))]
    given = [json.dumps(message) for message in TALK]  # values, their types and the order of their keys
    assert [json.dumps(message) for message in said(store)] == given


def test_what_changes_a_message_outside_does_not_change_the_stored_one(store):
    message = {"role": "user", "content": [{"type": "text", "text": "first"}]}
    added = store.append("w", [message])
    message["content"][0]["text"] = "second"
    added[0].message["content"][0]["text"] = "third"
    said(store)[0]["content"].clear()
    assert said(store) == [{"role": "user", "content": [{"type": "text", "text": "first"}]}]


def test_equal_json_has_one_hash_and_keeps_the_form_that_was_given(store):
    forms = [{"a": 1, "b": {"c": 2, "d": "x"}}, {"b": {"d": "x", "c": 2.0}, "a": 1.0}]
    one, other = store.append("w", forms)
    assert one.hash == other.hash
    assert [json.dumps(message) for message in said(store)] == [json.dumps(form) for form in forms]
    different = store.append("w", [{"a": True, "b": {"c": 2, "d": "x"}}, {"a": "1", "b": {"c": 2, "d": "x"}}, {"a": 1}])
    assert len({one.hash, *(turn.hash for turn in different)}) == 4


@pytest.mark.parametrize(
    ("message", "match"),
    [
        ("Hello.", "is str"),
        ({"content": float("nan")}, "NaN"),
        ({"content": [{"n": float("-inf")}]}, "NaN or an infinity"),
        ({"content": {1: "x"}}, "key of type int"),
        ({None: "x"}, "key of type NoneType"),
        ({"content": {"a", "b"}}, "type set"),
        ({"content": b"bytes"}, "type bytes"),
        ({"content": 10**5_000}, "thousands of digits"),
        ({"content": HELLO | {"at": Path("x")}}, "model_dump"),
    ],
)
def test_what_is_no_json_is_refused_with_its_index_and_nothing_is_kept(store, message, match):
    with pytest.raises(MessageError, match=match) as caught:
        store.append("w", [HELLO, message])
    assert caught.value.index == 1
    assert "bytes" not in str(caught.value).replace("type bytes", "")
    assert said(store) == []


def test_deep_messages_are_refused_before_they_could_not_be_read_again(store):
    def nested(levels):
        return {"content": nested(levels - 1)} if levels > 1 else {"content": "x"}

    store.append("w", [nested(100)])
    assert said(store) == [nested(100)]
    with pytest.raises(MessageError, match="nested more than 100 levels"):
        store.append("w", [nested(101)])
    endless = {}
    endless["content"] = endless
    with pytest.raises(MessageError, match="nested"):
        store.append("w", [endless])


def test_positions_follow_and_turns_are_read_from_any_of_them(store):
    store.append("w", [HELLO, REPLY])
    assert [turn.position for turn in store.append("w", [HELLO])] == [2]
    assert [turn.position for turn in store.turns("w", after=0)] == [1, 2]
    assert store.turns("w", after=2) == store.turns("nobody") == []
    assert store.append("w", []) == []


def test_an_append_tells_what_others_added_before_it(store):
    store.append("w", [HELLO])
    store.append("w", [REPLY])  # another process
    added = store.append("w", [HELLO], expected=1)
    assert [(turn.position, turn.message) for turn in added] == [(1, REPLY), (2, HELLO)]
    assert [turn.position for turn in store.append("w", [HELLO], expected=3)] == [3]
    with pytest.raises(StoreError, match="has 4 turns where 9 were known"):
        store.append("w", [HELLO], expected=9)
    assert len(store.turns("w")) == 4


def test_a_turn_has_the_time_of_adding_or_the_given_one(store):
    (turn,) = store.append("w", [HELLO])
    assert turn.time.endswith("+00:00")
    times = ["2023-05-08T13:56:00", None]
    assert [turn.time for turn in store.append("w", [HELLO, REPLY], times=times)] == times
    assert [turn.time for turn in store.turns("w", after=0)] == times
    with pytest.raises(InputError, match="1 times for 2 messages"):
        store.append("w", [HELLO, REPLY], times=["2023"])


def test_marks_are_set_and_cleared_one_by_one(store):
    store.append("w", [HELLO, REPLY])
    store.mark("w", 1, pinned=True)
    store.mark("w", 1, forgotten=True)
    store.mark("w", 1)
    assert [(turn.pinned, turn.forgotten) for turn in store.turns("w")] == [(False, False), (True, True)]
    store.mark("w", 1, pinned=False)
    assert [(turn.pinned, turn.forgotten) for turn in store.turns("w")] == [(False, False), (False, True)]


def test_marks_and_erasures_are_told_from_additions(store):
    assert store.changes("w") == 0
    store.append("w", [HELLO, REPLY])
    store.append("other", [HELLO])
    assert store.changes("w") == 0
    store.mark("w", 1, pinned=True)
    marked = store.changes("w")
    store.erase("w", [0])
    assert 0 < marked < store.changes("w")
    assert store.changes("other") == 0


@pytest.mark.parametrize("position", [-1, 2, 10**6])
def test_what_is_not_there_cannot_be_marked_erased_or_forked(store, position):
    with pytest.raises(InputError, match="no window 'w'"):
        store.mark("w", 0, pinned=True)
    with pytest.raises(InputError, match="no window 'w'"):
        store.erase("w", [0])
    with pytest.raises(InputError, match="no window 'w'"):
        store.fork("w", "new")
    store.append("w", [HELLO, REPLY])
    with pytest.raises(InputError, match=f"no turn {position}; it has had 2 turns"):
        store.mark("w", position, pinned=True)
    with pytest.raises(InputError, match=f"no turn {position}"):
        store.erase("w", [0, position])
    with pytest.raises(InputError, match="no turn"):
        store.fork("w", "new", until=position if position > 0 else -2)
    assert said(store) == [HELLO, REPLY]
    assert store.windows() == ["w"]


def test_an_erased_turn_is_gone_and_its_position_is_never_used_again(store):
    store.append("w", [HELLO, REPLY, HELLO])
    store.erase("w", [2, 1])
    assert [turn.position for turn in store.turns("w")] == [0]
    assert [turn.position for turn in store.append("w", [REPLY], expected=1)] == [3]
    store.erase("w", [1, 1])  # again: nothing to do
    with pytest.raises(InputError, match="no turn 1"):
        store.mark("w", 1, pinned=True)
    assert said(store) == [HELLO, REPLY]


def test_erasing_takes_what_is_kept_under_the_hashes_and_leaves_what_others_hold(store):
    store.append("w", [HELLO, REPLY])
    (other,) = store.append("other", [HELLO])
    first, second = store.turns("w")
    store.save_counts("t", {first.hash: 1, second.hash: 2, "text": 3, "kept": 4})
    store.save_vectors("e", {key: np.ones(2, np.float32) for key in (second.hash, "text", "kept")})
    store.erase("w", [0, 1], derived=["text"])
    assert store.turns("w") == []
    assert store.turns("other") == [other]
    assert store.counts("t", [second.hash, "text", "kept"]) == {"kept": 4}
    assert list(store.vectors("e", [second.hash, "text", "kept"])) == ["kept"]


def test_a_fork_has_the_turns_marks_and_settings_up_to_a_position_and_goes_its_own_way(store):
    store.save_settings(
        "w", WindowSettings(dialect="openai", model="m", budget=Budget(total=10), state={"a": 1}, system="Be brief.")
    )
    store.append("w", [HELLO, REPLY, HELLO])
    store.mark("w", 0, pinned=True)
    store.record_usage("w", UsageRecord(input=1))
    before = store.turns("w")
    store.fork("w", "new", until=1)
    assert store.turns("new") == before[:2]
    forked = store.settings("new")
    assert replace(forked, created=None) == replace(store.settings("w"), created=None, parent="w", until=1)
    assert forked.created
    assert store.usage("new") == []
    assert [turn.position for turn in store.append("new", [REPLY])] == [2]
    store.mark("new", 0, pinned=False)
    store.erase("new", [1])
    assert store.turns("w") == before
    store.erase("w", [0])
    assert said(store, "new") == [HELLO, REPLY]
    with pytest.raises(InputError, match="'new' already"):
        store.fork("w", "new")


def test_a_fork_of_everything_keeps_erased_positions_empty(store):
    store.append("w", [HELLO, REPLY, HELLO])
    store.erase("w", [1, 2])
    store.fork("w", "new")
    assert store.settings("new").until == 2
    assert [turn.position for turn in store.append("new", [REPLY])] == [3]
    store.fork("w", "empty", until=-1)
    assert store.turns("empty") == []
    assert store.settings("empty").until == -1


def test_settings_are_kept_and_the_beginning_of_the_window_with_them(store):
    assert store.settings("w") is None
    store.append("w", [HELLO])
    begun = store.settings("w")
    assert begun == WindowSettings(created=begun.created)
    state = {"b": [1, 2.5, None], "a": {"\ud800": "é"}}
    system = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    budget = Budget(total=9, reserve=2, margin=None)
    saved = WindowSettings(dialect="anthropic", model="m", budget=budget, state=state, system=system)
    store.save_settings("w", saved)
    assert store.settings("w") == replace(saved, created=begun.created)
    assert list(store.settings("w").state) == ["b", "a"]
    store.settings("w").state.clear()
    state.clear()
    system.append("more")
    assert len(store.settings("w").system) == 1
    assert list(store.settings("w").state) == ["b", "a"]
    store.save_settings(
        "w", WindowSettings(budget=Budget(total=9, margin=0), created="2020-01-01", parent="p", until=3)
    )
    assert store.settings("w") == WindowSettings(
        budget=Budget(total=9, margin=0), created="2020-01-01", parent="p", until=3
    )
    with pytest.raises(InputError, match="state of a window holds a value of type set"):
        store.save_settings("w", WindowSettings(state={"a": set()}))


def test_windows_are_listed_oldest_first_whatever_began_them(store):
    assert store.windows() == []
    store.append("z", [HELLO])
    store.save_settings("b", WindowSettings())
    store.record_usage("a", UsageRecord(input=1))
    store.fork("z", "c")
    store.append("fünf 😀", [HELLO])
    assert store.windows() == ["z", "b", "a", "c", "fünf 😀"]
    assert [turn.position for turn in store.append("fünf 😀", [])] == []


def test_usage_is_kept_in_order(store):
    assert store.usage("w") == []
    full = UsageRecord(
        input=100, cached=50, written=20, output=7, model="m", time="2024-01-01T00:00:00", position=3, counted=99,
        unpacked=5_000, cost=0.0125,
    )  # fmt: skip
    store.record_usage("w", full)
    store.record_usage("w", UsageRecord(input=1))
    first, second = store.usage("w")
    assert first == full
    assert second == UsageRecord(input=1, time=second.time)
    assert second.time.endswith("+00:00")


def test_counts_are_kept_by_text_and_tokenizer(store):
    store.save_counts("t", {f"{n}": n for n in range(5_000)})
    store.save_counts("u", {"1": 100})
    assert store.counts("t", [f"{n}" for n in range(4_998, 5_002)]) == {"4998": 4_998, "4999": 4_999}
    store.save_counts("t", {"1": 7})
    assert store.counts("t", ["1"]) == {"1": 7}
    assert store.counts("u", ["1", "2"]) == {"1": 100}
    assert store.counts("v", ["1"]) == store.counts("t", []) == {}


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_vectors_come_back_to_the_bit_in_their_type(store, dtype):
    rows = np.random.default_rng(0).normal(size=(3_000, 8)).astype(dtype)
    rows[0, :3] = np.nan, np.inf, -0.0
    store.save_vectors("e", {f"{n}": row for n, row in enumerate(rows)})
    found = store.vectors("e", ["2999", "0", "nothing"])
    assert found.keys() == {"0", "2999"}
    for key, vector in found.items():
        assert vector.dtype == dtype
        assert vector.tobytes() == rows[int(key)].tobytes()
        with pytest.raises(ValueError, match="read-only"):
            vector[0] = 1
    rows[:] = 0
    assert store.vectors("e", ["2999"])["2999"].any()
    store.save_vectors("e", {"0": np.zeros(2, dtype)})
    assert store.vectors("e", ["0"])["0"].shape == (2,)
    assert store.vectors("f", ["0"]) == {}


def test_nodes_come_back_by_their_hash_until_it_is_erased(store):
    (turn,) = store.append("w", [HELLO])
    store.save_nodes({"a": b"", "b": bytes(range(256)), turn.hash: b"x", "gone": b"y"})
    assert store.nodes(["a", "b", "c"]) == {"a": b"", "b": bytes(range(256))}
    store.save_nodes({"a": b"new"})
    assert store.nodes(["a"]) == {"a": b"new"}
    store.erase("w", [0], derived=["gone"])
    assert store.nodes(["a", "gone", turn.hash]) == {"a": b"new"}
    assert store.nodes([]) == {}


@pytest.mark.parametrize("vector", [np.zeros(3), np.zeros((1, 3), np.float32), np.zeros(3, np.int8)])
def test_what_is_no_vector_is_refused(store, vector):
    with pytest.raises(InputError, match=r"'e' has shape .* float16 or float32"):
        store.save_vectors("e", {"0": np.zeros(3, np.float32), "1": vector})
    assert store.vectors("e", ["0", "1"]) == {}


def test_threads_add_at_once_and_no_turn_is_lost(store):
    def add(who):
        for n in range(25):
            store.append("w", [{"role": "user", "content": f"{who} {n}"}])
            store.turns("w", after=20)

    threads = [Thread(target=add, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    turns = store.turns("w")
    assert [turn.position for turn in turns] == [*range(100)]
    for who in range(4):
        mine = [turn.message["content"] for turn in turns if turn.message["content"].startswith(f"{who} ")]
        assert mine == [f"{who} {n}" for n in range(25)]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters()), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=40)
@given(messages=st.lists(st.dictionaries(st.text(st.characters()), JSON, max_size=4), max_size=4))
def test_any_json_comes_back_from_the_file_as_it_was(messages, tmp_path_factory):
    with contextlib.closing(SqliteStore(tmp_path_factory.mktemp("any") / "chat.db")) as store:
        store.append("w", messages)
        assert [json.dumps(message) for message in said(store)] == [json.dumps(message) for message in messages]
        assert said(store) == messages


class Histories(RuleBasedStateMachine):
    """The same calls on a file and in memory give the same, also after the file was closed."""

    names = st.sampled_from(["a", "b", "c"])
    texts = st.sampled_from(["x", "y", "z", "\ud800"])

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.file = SqliteStore(Path(self.folder.name) / "chat.db")
        self.memory = MemoryStore()

    def teardown(self):
        self.file.close()
        self.folder.cleanup()

    def both(self, work):
        gave = []
        for store in (self.file, self.memory):
            try:
                gave.append(work(store))
            except (InputError, StoreError) as error:
                gave.append((type(error), str(error)))
        assert gave[0] == gave[1]

    @rule(window=names, text=texts, number=st.integers(0, 3), expected=st.none() | st.integers(0, 5))
    def append(self, window, text, number, expected):
        messages = [{"role": "user", "content": text, "n": n} for n in range(number)]
        self.both(lambda store: store.append(window, messages, expected=expected, times=["2024"] * number))

    @rule(
        window=names, position=st.integers(-1, 6), pinned=st.none() | st.booleans(), forgotten=st.none() | st.booleans()
    )
    def mark(self, window, position, pinned, forgotten):
        self.both(lambda store: store.mark(window, position, pinned=pinned, forgotten=forgotten))

    @rule(window=names, positions=st.lists(st.integers(-1, 6), max_size=3), derived=st.lists(texts, max_size=1))
    def erase(self, window, positions, derived):
        self.both(lambda store: store.erase(window, positions, derived=derived))

    @rule(window=names, new=names, until=st.none() | st.integers(-2, 6))
    def fork(self, window, new, until):
        self.both(lambda store: store.fork(window, new, until))

    @rule(window=names, total=st.none() | st.integers(1, 9), model=st.none() | texts.filter(str.isascii), state=texts)
    def save_settings(self, window, total, model, state):
        budget = Budget(total=total) if total else None
        self.both(
            lambda store: store.save_settings(
                window, WindowSettings(budget=budget, model=model, state={state: 1}, system=state)
            )
        )

    @rule(window=names, tokens=st.integers(0, 9))
    def record(self, window, tokens):
        self.both(lambda store: store.record_usage(window, UsageRecord(input=tokens, time="2024")))

    @rule(text=texts.filter(str.isascii), tokens=st.integers(0, 9))
    def count(self, text, tokens):
        self.both(lambda store: store.save_counts("t", {text: tokens}))

    @rule(text=texts.filter(str.isascii), node=st.binary(max_size=3))
    def keep_node(self, text, node):
        self.both(lambda store: store.save_nodes({text: node}))

    @precondition(lambda self: self.file.windows())
    @rule()
    def reopen(self):
        self.file.close()
        self.file = SqliteStore(self.file.path)

    @invariant()
    def they_hold_the_same(self):
        self.both(lambda store: store.windows())
        self.both(lambda store: store.counts("t", ["x", "y", "z"]))
        self.both(lambda store: store.nodes(["x", "y", "z"]))
        for window in ("a", "b", "c"):
            self.both(lambda store, window=window: (store.turns(window), store.usage(window)))
            found = [store.settings(window) for store in (self.file, self.memory)]
            assert (found[0] is None) == (found[1] is None)
            if found[0]:
                assert replace(found[0], created="") == replace(found[1], created="")
                assert bool(found[0].created) == bool(found[1].created)


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=25, stateful_step_count=15)


def test_a_place_is_resolved_to_a_store(tmp_path):
    assert isinstance(open_store(None), MemoryStore)
    for where in (tmp_path / "a.db", str(tmp_path / "a.db")):
        with contextlib.closing(open_store(where)) as store:
            assert isinstance(store, SqliteStore)
            assert store.path == tmp_path / "a.db"
    with pytest.raises(InputError, match="only SQLite knows"):
        open_store(":memory:")
    with pytest.raises(InputError, match="not int"):
        open_store(5)
    assert issubclass(SqliteStore, Store)
