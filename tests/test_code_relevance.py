"""Relevance of code: names, paths, references, places in traces, tests, and how all of it keeps silent elsewhere."""

import numpy as np
import pytest

from ctxwin.items import Item
from ctxwin.retrieve import Index, Query
from ctxwin.retrieve.code.graph import CodeGraph, link
from ctxwin.retrieve.code.traces import frames

OF_CODE = {"name", "path", "calls", "trace", "prose", "tests"}

FILES = {
    "src/shop/cart.py": [
        "def total(cart):\n    return sum(price(x) for x in cart)",
        "def empty(cart):\n    cart.clear()",
    ],
    "src/shop/money.py": ["def price(item):\n    return item.cents / 100", "def coin(cents):\n    return cents"],
    "src/bank/money.py": ["def interest(years):\n    return 0.02 * years"],
    "tests/test_cart.py": ["def test_total():\n    assert total([]) == 0  # the total of an empty cart"],
    "docs/cart.md": ["# The total of a cart\nThe total of a cart is the sum of the prices in the cart."],
}


def chunks(files=FILES):
    found = []
    for source, texts in files.items():
        line = 1
        for text in texts:
            last = line + text.count("\n")
            found.append(Item(kind="chunk", id=f"{source}#{line}", source=source, text=text, lines=(line, last)))
            line = last + 1
    return found


def order(text, items=None):
    """Return the ids of the items, the likeliest first."""
    items = chunks() if items is None else items
    return [items[i].id for i in np.argsort(-Index(items).score(Query(text=text)), kind="stable")]


def test_what_defines_a_name_comes_before_what_mentions_it():
    items = [
        Item(kind="chunk", source="a.py", text="def first():\n    return load_user()"),
        Item(kind="chunk", source="b.py", text="def load_user():\n    return None"),
        *(Item(kind="chunk", source=f"c{n}.py", text=f"def other{n}():\n    return {n}") for n in range(6)),
    ]
    assert int(Index(items).score(Query(text="What does load_user do?")).argmax()) == 1


@pytest.mark.parametrize("asked", ["load_user", "loadUser", "load user", "users.load_user()"])
def test_a_name_is_found_however_it_is_written(asked):
    items = [Item(kind="chunk", source=f"{n}.py", text=f"def f{n}():\n    return {n}") for n in range(6)]
    items.insert(3, Item(kind="chunk", source="x.py", text="def load_user():\n    return None"))
    assert int(Index(items).score(Query(text=f"Where is {asked} defined?")).argmax()) == 3


def test_a_path_raises_its_chunks():
    text = "def interest(years):\n    return 0.02 * years"
    items = chunks({f"src/{folder}/money.py": [text] for folder in ("shop", "bank", "post", "club")})
    assert order("How is interest reckoned by the bank?", items)[0] == "src/bank/money.py#1"


def test_what_likely_code_refers_to_rises():
    parts = Index(chunks()).features(Query(text="How is the total of the cart reckoned?"))
    by_id = dict(zip([item.id for item in chunks()], parts["calls"], strict=True))
    assert by_id["src/shop/money.py#1"] > by_id["src/shop/money.py#3"]


def test_tests_and_prose_do_not_crowd_out_code_unless_asked_for():
    assert order("Where does `total` of a cart come from?")[0] == "src/shop/cart.py#1"
    assert order("Which test covers the total of an empty cart?")[0] == "tests/test_cart.py#1"
    assert order("What is the sum of the prices in the cart?")[0] == "docs/cart.md#1"


TRACES = {
    "python": '  File "/home/ana/.venv/lib/python3.11/site-packages/shop/money.py", line 2, in price\nTypeError: bad',
    "windows": '  File "C:\\py\\Lib\\site-packages\\shop\\money.py", line 2, in price\nTypeError: bad',
    "pytest": "src/shop/money.py:2: TypeError",
    "compiler": "./src/shop/money.py:2:14: error: bad operand",
}


@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
def test_a_frame_leads_to_its_lines_whatever_the_folder_it_ran_in(trace):
    assert order(f"It fails, please help me with the total of the cart:\n\n{trace}")[0] == "src/shop/money.py#1"


def test_a_frame_of_another_version_leads_to_its_function():
    text = 'It fails:\n  File "/app/shop/money.py", line 400, in price\nTypeError: bad'
    parts = Index(chunks()).features(Query(text=text))
    traced = [item.id for item, part in zip(chunks(), parts["trace"], strict=True) if part]
    assert traced == ["src/shop/money.py#1"]


def test_a_frame_of_another_library_leads_nowhere():
    parts = Index(chunks()).features(Query(text='File "/usr/lib/python3.11/money.py", line 2, in price'))
    assert not parts["trace"].any()


def test_the_place_where_it_went_wrong_counts_most():
    text = '  File "shop/cart.py", line 2, in total\n  File "shop/money.py", line 2, in price\nTypeError: bad'
    parts = Index(chunks()).features(Query(text=text))["trace"]
    by_id = dict(zip([item.id for item in chunks()], parts, strict=True))
    assert by_id["src/shop/money.py#1"] > by_id["src/shop/cart.py#1"] > 0


FORMS = {
    "    at Cart.total (/srv/app/lib/cart.js:47:12)": ("cart.js", 47, "total"),
    "    at async file:///srv/app/lib/cart.mjs:3:4": ("cart.mjs", 3, ""),
    "\tat com.acme.shop.Cart.total(Cart.java:42)": ("Cart.java", 42, "total"),
    "   at Acme.Cart.Total(Int32 a) in /src/Acme/Cart.cs:line 42": ("Cart.cs", 42, "Total"),
    "\t/home/u/go/src/app/server.go:88 +0x1d": ("server.go", 88, ""),
    "thread 'main' panicked at src/main.rs:4:5:": ("main.rs", 4, ""),
    "app/models/user.rb:12:in `save'": ("user.rb", 12, "save"),
    "#0 /var/www/app/Cart.php(12): Cart->total()": ("Cart.php", 12, "total"),
    "cart.c:12:3: error: expected ';'": ("cart.c", 12, ""),
}


@pytest.mark.parametrize(("line", "place"), FORMS.items(), ids=[path for path, *_ in FORMS.values()])
def test_frames_of_many_languages_are_read(line, place):
    (frame,) = frames(line)
    assert (frame.path[-1], frame.line, frame.name) == place


def test_a_java_frame_has_the_folders_of_its_package():
    assert frames("at com.acme.shop.Cart.total(Cart.java:42)")[0].path == ("com", "acme", "shop", "Cart.java")


@pytest.mark.parametrize("text", ["We met at 10:30.", "See http://example.org/a for more.", "Version 1.2.3: fixed", ""])
def test_what_is_no_frame_is_none(text):
    assert frames(text) == []


def test_talk_and_documents_hear_nothing_of_it():
    talk = [Item(text="We moved `load_user` to users.py:12.", role="user"), Item(text="Fine.", role="assistant")]
    prose = [Item(kind="chunk", source="notes.md", text="load_user loads a user.")]
    for items in (talk, prose):
        assert not OF_CODE & Index(items).features(Query(text='File "users.py", line 12, in load_user')).keys()


def test_code_that_comes_later_is_read_with_all_before_it():
    items = [Item(text="The cart is empty."), *chunks()]
    grown = Index(items[:1])
    grown.extend(items[1:4])
    grown.extend(items[4:])
    query = Query(text="What does `total` of cart.py call?")
    assert grown.score(query).tolist() == Index(items).score(query).tolist()


def test_some_items_score_as_though_there_were_no_others():
    items, query = chunks(), Query(text='What calls `price`?\n File "shop/money.py", line 2, in price')
    rows = np.array([6, 0, 2])
    some, alone = Index(items).select(rows), Index([items[i] for i in rows])
    assert some.features(query).keys() == alone.features(query).keys()
    assert np.allclose(some.score(query), alone.score(query), atol=1e-6)


def test_in_a_long_report_code_outweighs_its_prose():
    words = " ".join(f"w{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(60))
    terms = Query(text=f"{words}\n\n`load_user` fails").terms(0.0, prose_weight=0.25)
    assert (terms["load_us"], terms["waa"]) == (1.0, 0.25)
    assert Query(text="a short cart").terms(0.0, prose_weight=0.25)["cart"] == 1.0


def test_a_walk_ranks_as_the_equations_say():
    random = np.random.default_rng(7)
    source, target = np.nonzero((random.random((30, 30)) < 0.1) & ~np.eye(30, dtype=bool))
    graph = CodeGraph.of(30, (np.arange(30), np.arange(30)), (target, source))
    edges = np.zeros((30, 30))
    edges[source, target] = 1.0
    step = (edges / edges.sum(1, keepdims=True).clip(1e-9) + edges.T / edges.sum(0)[:, None].clip(1e-9)) / 2
    start = random.random(30)
    exact, share = np.zeros(30), start / start.sum()
    for _ in range(500):  # what does not go on comes back to the start
        gone = 0.85 * step.T @ exact
        exact = gone + (1 - gone.sum()) * share
    assert np.allclose(graph.central(start, steps=200), exact, atol=1e-6)


def test_names_that_many_define_tie_nothing_together():
    run = [{"run"} for _ in range(12)]
    assert isinstance(graph := link(run, [set() for _ in range(11)] + [{"run"}]), CodeGraph)
    assert len(graph.source) == 0


def test_a_name_defined_in_the_same_file_is_meant():
    graph = link([{"load"}, {"load"}, {"main"}], [set(), set(), {"load"}], np.array([0, 1, 1]))
    assert list(zip(graph.source, graph.target, graph.share, strict=True)) == [(2, 1, 1)]
