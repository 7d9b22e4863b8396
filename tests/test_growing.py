"""The tree over a talk: it grows turn by turn, lies in the window's store, and never says what was erased."""

import contextlib
import random
import sqlite3
from threading import Event, Thread

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import run

import ctxwin
from ctxwin import Item, pack
from ctxwin.packing import Talk
from ctxwin.renditions.summaries.growing import FAN, FEWEST, Tree, TreeNode
from ctxwin.store import MemoryStore

TOPICS = {
    "garden": ("tomato", "bed", "lime", "fence", "deer", "soil", "shed", "compost"),
    "boat": ("hull", "mast", "varnish", "crack", "sail", "keel", "tar", "pier"),
    "choir": ("carol", "alto", "organ", "rehearsal", "psalm", "bass", "hymn", "score"),
    "bees": ("hive", "honey", "swarm", "queen", "smoker", "frame", "clover", "wax"),
}
ASKED = "Can you give me a complete summary of everything in our conversations?"


def said(size, seed=1, stretch=11):
    """Return so many turns that leave one topic for the next now and then."""
    draw = random.Random(seed)
    names = [list(TOPICS)[n // stretch % len(TOPICS)] for n in range(size)]
    return [
        f"About the {name}: the {draw.choice(TOPICS[name])} and the {draw.choice(TOPICS[name])} of day {n}. "
        f"We will see to the {draw.choice(TOPICS[name])} in week {n % 50}."
        for n, name in enumerate(names)
    ]


def tree_of(texts):
    return Tree([Item(text=text) for text in texts])


def told(view):
    """Return the whole tree as values: for each node and leaf above all others its span and its sentences."""
    found, places = [], view.top()
    while places:
        one = view.statements(places)
        found.append(([view.span(place) for place in places], one.text.tolist(), one.number.tolist()))
        places = [child for place in places for child in view.children(place)]
    return found


def test_nodes_cover_every_turn_once_and_children_part_their_node():
    view = tree_of(said(900)).view(np.arange(900))
    ends = [view.span(place) for place in view.top()]
    assert [first for first, _ in ends] == [0, *(last for _, last in ends[:-1])] and ends[-1][1] == 900
    nodes = [place for place in view.top() if place[0]]
    assert max(level for level, _ in nodes) == 2 and len(view.top()) < 3 * (FAN + 6)
    for place in nodes:
        inside = view.children(place)
        assert FEWEST <= len(inside) <= FAN
        assert [view.span(one)[0] for one in inside[1:]] == [view.span(one)[1] for one in inside[:-1]]
        assert (view.span(inside[0])[0], view.span(inside[-1])[1]) == view.span(place)
        nodes += [one for one in inside if one[0]]


def test_every_sentence_is_word_for_word_of_a_turn_that_the_node_covers():
    texts = said(300)
    view = tree_of(texts).view(np.arange(300))
    for place in [one for one in view.top() if one[0]]:
        found, (first, last) = view.statements([place]), view.span(place)
        assert len(found) == view.count(place) > 2 and int(found.tokens.sum()) <= 256
        for text, start, end in zip(found.text.tolist(), found.starts.tolist(), found.ends.tolist(), strict=True):
            assert first <= text < last
            assert texts[text][start:end].strip().endswith(".")


def test_a_segment_ends_where_the_topic_or_the_day_changes():
    view = tree_of(said(200)).view(np.arange(200))
    segments = [view.span(place) for place in view.top() if place[0] == 1]
    assert [last % 11 for _, last in segments] == [0] * len(segments) and len(segments) > 10
    days = [f"2026-03-{1 + n // 7:02d}" for n in range(100)]
    dated = Tree([Item(text="The same old story.", time=day) for day in days])
    assert {view[1] % 7 for view in map(dated.view(np.arange(100)).span, [(1, n) for n in range(5)])} == {0}


@pytest.mark.parametrize("sizes", [range(1, 200, 7), (3, 60, 61, 130, 400)])
def test_a_tree_that_grew_is_the_tree_of_all_turns_at_once(sizes):
    texts = said(max(sizes))
    items = []
    grown = Tree(items)
    for size in sizes:
        items += [Item(text=text) for text in texts[len(items) : size]]
        assert told(grown.view(np.arange(size))) == told(tree_of(texts[:size]).view(np.arange(size)))


@settings(max_examples=15)
@given(st.sets(st.integers(0, 249), max_size=9))
def test_turns_left_out_are_as_though_they_had_never_been_said(gone):
    texts, there = said(250), [n for n in range(250) if n not in gone]
    tree = tree_of(texts)
    tree.view(np.arange(250))
    tree.take_new()
    assert told(tree.view(np.array(there))) == told(tree_of([texts[n] for n in there]).view(np.arange(len(there))))
    assert len(tree.take_new()) <= 6 * len(gone)  # the others serve again


def test_a_new_turn_makes_one_node_a_level_at_most():
    items = [Item(text=text) for text in said(1_500)]
    there = items[:1]
    tree, made = Tree(there), []
    for n in range(1, 1_500):
        there.append(items[n])
        tree.grow(np.arange(n + 1))
        made.append(len(tree.take_new()))
    assert max(made) <= 3
    assert sum(made) < 1_500 / FEWEST


def test_a_node_is_kept_as_places_and_bytes_that_are_none_are_refused():
    tree = tree_of(said(60))
    tree.view(np.arange(60))
    for kept in tree.take_new().values():
        node = TreeNode.from_bytes(kept)
        assert node is not None and node.to_bytes() == kept and len(kept) < 400
        assert TreeNode.from_bytes(kept[:-1]) is TreeNode.from_bytes(b"") is TreeNode.from_bytes(b"\xff" * 16) is None


def test_kept_nodes_are_taken_and_false_ones_made_anew():
    texts = said(500)
    tree = tree_of(texts)
    expected = told(tree.view(np.arange(500)))
    kept = tree.take_new()
    other = tree_of(texts)
    other.keep_in(lambda keys: {key: kept[key] for key in keys if key in kept})
    assert told(other.view(np.arange(500))) == expected and not other.take_new()
    few = tree_of(texts)
    false = TreeNode(children=5, size=9, leaf=np.array([8, 8]), number=np.array([0, 999])).to_bytes()
    few.keep_in(lambda keys: dict.fromkeys(keys, false))
    assert told(few.view(np.arange(500))) == expected


def test_what_tools_and_instructions_say_is_no_part_of_the_story():
    texts = said(200)
    items = [Item(text=text, role="tool" if n % 3 else "user") for n, text in enumerate(texts)]
    view = Tree(items).view(np.arange(200))
    assert set((view.statements(view.top()).text % 3).tolist()) == {0}


def test_a_question_for_one_thing_makes_no_node():
    talk = Talk([{"role": "user", "content": text} for text in said(200)])
    pack(talk, "What of the hull of day 12?", 400, embedder="none")
    assert talk.new_nodes() == {}
    pack(talk, ASKED, 400, embedder="none")
    assert talk.new_nodes()


# In a window


@pytest.fixture
def place(tmp_path):
    return tmp_path / "talk.db"


def opened(place, **options):
    return ctxwin.Window(store=place, budget=700, embedder="none", **options)


def settled(window):
    """Wait for the background work that is under way."""
    window._packer._background.submit(int).result()


def filled(place, size=300):
    """Write a window whose tree is stored whole."""
    with opened(place) as window:
        window.add(*said(size))
        window.pack(ASKED)
        window.add("So much for today.")
        settled(window)
        return window.pack(ASKED).messages


def rows_of(place, sql="SELECT hash, node FROM nodes"):
    with contextlib.closing(sqlite3.connect(place)) as file:
        return file.execute(sql).fetchall()


def all_found(window):
    return window._contents.talk.tell_ahead(0)


def test_a_window_opened_again_finds_its_tree(place):
    messages = filled(place)
    assert len(rows_of(place)) > 20
    with opened(place) as window:
        assert all_found(window)
        assert window.pack(ASKED).messages == messages


def test_the_tree_grows_in_the_background(place):
    with opened(place) as window:
        window.add(*said(300))
        window.pack("What of the hull?")
        while not all_found(window):
            settled(window)
        window.add("So much for today.")
        settled(window)
    assert len(rows_of(place)) > 20


def test_a_fork_and_an_import_share_the_nodes(place):
    filled(place)
    before = rows_of(place)
    with opened(place) as window:
        saved = window.export()
        fork = window.fork("fork")
        assert all_found(fork)
    assert rows_of(place) == before
    with opened(place) as window:
        part = window.fork("part", until=150)
        part.add(*said(40, seed=2))
        part.pack(ASKED)
        part.add("Done.")
        settled(part)
        part.close()
    assert 0 < len(rows_of(place)) - len(before) < 12
    with ctxwin.Window.import_(saved, store=place, id="again", embedder="none", budget=700) as again:
        assert all_found(again)


def test_an_erased_turn_leaves_no_word_and_no_node_over_it(place):
    with opened(place) as window:
        window.add(*said(150), "Kilimanjaro is the word for the safe in Zanzibar.", *said(150, seed=3))
        before = window.pack(ASKED)
        window.add("So much for today.")
        settled(window)
        kept = dict(rows_of(place))
        gone = set(window._contents.talk.node_keys([150])) & kept.keys()
        window.erase(150)
        assert 1 < len(gone) < 12
        assert kept.keys() - dict(rows_of(place)).keys() == gone
        assert not [path for path in place.parent.iterdir() if b"limanjaro" in path.read_bytes()]
        after = window.pack(ASKED)
        assert "Zanzibar" not in after.text and before.tokens
        window.add("Once more.")
        settled(window)
        assert window.pack(ASKED).messages == pack(
            [*({"role": "user", "content": text} for text in [*said(150), *said(150, seed=3)]),
             {"role": "user", "content": "So much for today."}, {"role": "user", "content": "Once more."}],
            ASKED, 700, embedder="none",
        ).messages  # fmt: skip
    assert not [path for path in place.parent.iterdir() if b"limanjaro" in path.read_bytes()]


class Slow(MemoryStore):
    """A store whose disk is busy while nodes are written."""

    def __init__(self):
        super().__init__()
        self.entered, self.erasing = Event(), Event()
        self.written = {}

    def save_nodes(self, nodes):
        self.entered.set()
        self.erasing.wait(0.5)
        self.written |= nodes
        super().save_nodes(nodes)

    def erase(self, *given, **also):
        self.erasing.set()
        super().erase(*given, **also)


def test_nodes_that_are_being_stored_do_not_outlive_an_erased_turn():
    store = Slow()
    with opened(store) as window:
        window.add(*said(300))
        contents = window._contents
        contents.talk.tell_ahead(10_000)
        gone = contents.talk.node_keys([150])
        storing = Thread(target=contents.keep_nodes)
        storing.start()
        store.entered.wait()
        window.erase(150)
        storing.join()
        assert store.written.keys() & set(gone)
        assert not store.nodes(gone)


def test_a_forgotten_turn_is_not_told_until_it_is_wanted_again(place):
    secret = "Summary of everything: the tomato, the hull, the carol, the hive and the queen. "
    with opened(place) as window:
        window.add(*said(100), secret * 3, *said(100, seed=3))
        shown = window.pack(ASKED)
        assert secret.strip() in shown.text
        window.forget(100)
        assert secret.strip() not in window.pack(ASKED).text
        window.unforget(100)
        assert window.pack(ASKED).messages == shown.messages


@pytest.mark.parametrize("harm", ["UPDATE nodes SET node = zeroblob(length(node))", "DELETE FROM nodes"])
def test_damaged_and_missing_nodes_are_made_again(place, harm):
    messages, before = filled(place), rows_of(place)
    with contextlib.closing(sqlite3.connect(place)) as file, file:
        file.execute(harm + " WHERE hash < '8'")
    with opened(place) as window:
        assert not all_found(window)
        assert window.pack(ASKED).messages == messages
        window.add("And now?")
        settled(window)
    assert dict(before).items() <= dict(rows_of(place)).items()


def test_two_processes_make_the_same_tree(place):
    code = """
        import sys
        import ctxwin
        sys.path[:0] = [sys.argv[2]]
        from test_growing import ASKED, said, settled
        with ctxwin.Window(store=sys.argv[1], budget=700, embedder="none") as window:
            window.add(*said(120, seed=5))
            window.pack(ASKED)
            window.add("Done.")
            settled(window)
            print(hash(window.pack(ASKED).text) and len(window))
    """
    with opened(place) as window:
        window.add(*said(120))
        window.pack(ASKED)
        assert run(code, place, str(__import__("pathlib").Path(__file__).parent)).split() == ["241"]
        window.add("Done too.")
        settled(window)
        packed = window.pack(ASKED)
    with opened(place) as window:
        assert all_found(window)
        assert window.pack(ASKED).messages == packed.messages


def test_a_killed_window_finds_what_was_stored(place):
    code = """
        import os, sys
        import ctxwin
        sys.path[:0] = [sys.argv[2]]
        from test_growing import ASKED, said, settled
        window = ctxwin.Window(store=sys.argv[1], budget=700, embedder="none")
        window.add(*said(200))
        window.pack(ASKED)
        window.add("Done.")
        settled(window)
        print(len(window), flush=True)
        os._exit(0)
    """
    assert run(code, place, str(__import__("pathlib").Path(__file__).parent)).split() == ["201"]
    with opened(place) as window:
        assert all_found(window)
