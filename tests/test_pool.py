from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctxwin import Item, Pool, pack
from ctxwin import pool as room
from ctxwin.embed import CachedEmbedder, get_embedder
from ctxwin.errors import MessageError
from ctxwin.pool.layout import costs_of
from ctxwin.retrieve import Query
from ctxwin.tokens import get_tokenizer


class Toy:
    """An embedder that counts what it is asked: letters of the alphabet as dimensions."""

    def __init__(self, name="toy"):
        self.name, self.texts = name, []

    def embed(self, texts):
        self.texts += texts
        matrix = np.array([[text.lower().count(chr(97 + i)) for i in range(26)] for text in texts], np.float32) + 0.01
        return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def test_items_get_ids_that_are_their_own():
    pool = Pool([Item(text="a", id="x"), Item(text="b", id="x"), "c", "c"])
    assert len({item.id for item in pool}) == 4
    assert pool[1].id == "x~2"


def test_a_document_is_chunked_and_its_chunks_give_it_back():
    text = "\n\n".join(f"# Part {n}\n\n" + f"Sentence {n} about boats. " * 30 for n in range(9))
    pool = Pool([Item(text=text, kind="document", source="boats.md")])
    assert len(pool) > 4
    assert "".join(item.text for item in pool) == text
    assert all(item.kind == "chunk" and item.source == "boats.md" for item in pool)


def test_what_is_no_item_is_named_by_its_index():
    with pytest.raises(MessageError, match=r"message 1: .*dict"):
        Pool(["a", {"role": "user", "content": "b"}])


def test_a_pool_is_embedded_once_and_grows(tmp_path, monkeypatch):
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path))
    toy = Toy()
    pool = Pool(f"Number {n} is {n * n}." for n in range(200))
    ask = {"query": "What is number 12?", "budget": 100, "embedder": toy}
    first = pack(items=pool, **ask)
    assert len(toy.texts) == 201
    assert pack(items=pool, **ask).messages == first.messages
    assert len(toy.texts) == 201
    pool.extend([Item(text="Number 12 is 144, again.", kind="passage")])
    grown = pack(items=pool, **ask)
    assert len(toy.texts) == 202
    assert "144, again" in grown.text
    fresh = Pool(pool.items)
    assert pack(items=fresh, **ask).messages == grown.messages


ALLOWANCE = 500
"""Estimated tokens: enough for some sixty of the parts below, of which each has 7 to 9."""


@pytest.fixture
def parts(tmp_path, monkeypatch):
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path))
    return [f"Part {n} is {chr(97 + n % 26) * (n // 26 + 3)}." for n in range(200)]


def sparing(toy, quick=None):
    return CachedEmbedder(toy, keep=False, allowance=ALLOWANCE, quick=quick and (lambda: CachedEmbedder(quick)))


def spent(pool, toy):
    sizes = zip(pool.index.texts_to_embed, pool.index.sizes, strict=True)
    return sum(size for text, size in sizes if text in toy.texts)


def test_beyond_the_allowance_the_best_by_words_and_quick_vectors_are_embedded(parts):
    toy, quick, pool = Toy(), Toy("quick"), Pool(parts)
    packed = pack(items=pool, query="What is part 12?", budget=100, embedder=sparing(toy, quick))
    assert len(quick.texts) == 201
    assert ALLOWANCE - 10 < spent(pool, toy) <= ALLOWANCE
    assert "Part 12 is mmm." in toy.texts
    assert "Part 12 is mmm." in packed.text


def test_within_the_allowance_all_are_embedded_and_the_quick_one_is_not_loaded(parts):
    toy = Toy()
    embedder = CachedEmbedder(toy, keep=False, allowance=5_000, quick=lambda: pytest.fail("not needed"))
    pack(items=Pool(parts), query="What is part 12?", budget=100, embedder=embedder)
    assert len(toy.texts) == 201


def test_without_a_quick_embedder_words_choose_what_is_embedded(parts):
    toy, pool = Toy(), Pool(parts)
    pack(items=pool, query="What is part 198?", budget=100, embedder=sparing(toy))
    assert ALLOWANCE - 10 < spent(pool, toy) <= ALLOWANCE
    assert parts[198] in toy.texts


def test_beyond_the_allowance_a_plan_depends_on_items_and_question_alone(parts):
    pool, embedder = Pool(parts), get_embedder(Toy(), allowance=ALLOWANCE)
    for first in range(0, 200, 20):  # by and by, all are embedded
        named = " ".join(str(n) for n in range(first, first + 20))
        pack(items=pool, query=f"What are parts {named}?", budget=100, embedder=embedder)
    for n in (12, 57, 199):
        ask = {"query": f"What is part {n}?", "budget": 100, "embedder": embedder}
        asked, fresh = pack(items=pool, **ask), pack(items=Pool(parts), **ask)
        assert asked.messages == fresh.messages
        assert [one.p for one in asked.report.decisions] == [one.p for one in fresh.report.decisions]


def test_messages_and_items_share_one_allowance(parts):
    toy, pool = Toy(), Pool(parts[100:])
    talk = [{"role": "user", "content": text} for text in parts[:100]]
    pack(talk, "What is part 150, and part 12?", 100, items=pool, embedder=sparing(toy))
    assert 0 < spent(pool, toy) < spent(Pool(parts), toy) <= ALLOWANCE
    assert {parts[12], parts[150]} <= set(toy.texts)


def test_counts_are_those_of_the_printed_lines():
    pool = Pool([Item(text="Hello there", speaker="Ana"), Item(text="Hi", speaker="Bo")])
    tokenizer = get_tokenizer("o200k_base")
    assert pool.count() == sum(tokenizer.count_many(["Ana: Hello there\n", "Bo: Hi\n"]))


def test_a_near_duplicate_of_what_is_kept_gives_way(tmp_path, monkeypatch):
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path))

    class Fixed:
        """An embedder to which all notes on rent are the same."""

        name = "fixed"

        def embed(self, texts):
            return np.array([[1, 0, 0] if "rent" in text else [0.6, 0.8, 0] for text in texts], np.float32)

    items = [f"The rent is 900 euros, says note {n} of many on the very same thing." for n in range(8)]
    items += ["The deposit of the flat is 1800 euros, and it is held by the bank until the end."]
    packed = pack(items=items, query="What is the rent of the flat?", budget=90, embedder=Fixed())
    assert "900 euros" in packed.text
    assert "deposit" in packed.text


def test_one_pool_serves_several_threads(tmp_path, monkeypatch):
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path))
    items = [f"Number {n} is {n * n}." for n in range(300)]
    alone = pack(items=items, query="What is number 12?", budget=100, embedder=Toy()).messages
    meet = Barrier(4)

    class Slow(Toy):
        """All four threads have asked what is missing before the first gets its vectors."""

        name = "slow"

        def embed(self, texts):
            if len(texts) > 1:
                meet.wait(timeout=30)
            return super().embed(texts)

    pool = Pool(items)
    with ThreadPoolExecutor(4) as threads:
        packing = [
            threads.submit(pack, items=pool, query="What is number 12?", budget=100, embedder=Slow()) for _ in range(4)
        ]
        assert [one.result().messages for one in packing] == [alone] * 4


WORDS = ["boat", "lease", "cookie", "Oslo", "parseHeader", "rain", "2.4.1", "猫在", "rent", "Friday"]


@st.composite
def some_items(draw):
    """A handful of items of all kinds: turns of people with like names, chunks of a file, passages, memories."""
    kind = draw(st.sampled_from(["turn", "chunk", "passage", "memory"]))
    source = draw(st.sampled_from([None, "a.py", "notes.md"]))
    time = draw(st.sampled_from([None, "2024-05-03", "2024-05-04", "some day"]))
    texts = draw(st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join), max_size=4))
    ends = np.cumsum([0, *map(len, texts)]).tolist()
    return [
        {
            "text": text,
            "kind": kind,
            "source": source,
            "time": time,
            "session": draw(st.sampled_from([None, None, "s1"])),
            "speaker": draw(st.sampled_from([None, "Ana", "Ana Lee", "Bo"])) if kind == "turn" else None,
            "title": draw(st.sampled_from([None, "boat", "parseHeader"])),
            "span": span if kind == "chunk" else None,
            "lines": (1, 1) if kind == "chunk" else None,
        }
        for text, span in zip(texts, pairwise(ends), strict=True)
    ]


def said(pool, question, **options):
    packed = pack(items=pool, query=question, budget=120, **options)
    return packed.messages, packed.report.to_dict(), packed.plan.choices


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_pool_of_which_items_were_taken_is_the_one_built_of_them(data):
    toy = get_embedder(Toy().embed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "SPARSE", data.draw(st.sampled_from([0, 1_000]), label="when it lets go"))
        pool, made = Pool(), 0
        for _ in range(data.draw(st.integers(1, 6))):
            if data.draw(st.booleans(), label="grow"):
                new = data.draw(some_items())
                pool.extend([Item(**one, id=f"i{made + n}") for n, one in enumerate(new)])
                made += len(new)
            else:
                order = data.draw(st.permutations(range(len(pool))))
                before = list(pool.items)
                new = data.draw(some_items())
                more = [Item(**one, id=f"i{made + n}") for n, one in enumerate(new)]
                made += len(new)
                rows = [*order[: data.draw(st.integers(0, len(order)))], *range(len(order), len(order) + len(more))]
                rows = data.draw(st.permutations(rows))
                taken = pool.take(np.array(rows, np.intp), more)
                assert len(taken) == len(rows)
                assert pool.items == before
                pool = taken
            if data.draw(st.booleans(), label="ask") and len(pool):
                said(pool, "boat of Ana", embedder=toy)
        fresh = Pool(pool.items)
        assert [item.id for item in fresh] == [item.id for item in pool]
        for query in ("Where is Ana's boat?", "parseHeader cookie on 3 May 2024", "猫在 rain"):
            for index, other in ((pool.index, fresh.index),):
                assert np.array_equal(index.score(Query(text=query)), other.score(Query(text=query)))
            if len(pool):
                assert said(pool, query, embedder="none") == said(fresh, query, embedder="none")
                assert said(pool, query, embedder=toy) == said(fresh, query, embedder=toy)
        costs, others = pool.costs(get_tokenizer("o200k_base")), fresh.costs(get_tokenizer("o200k_base"))
        for name in ("tokens", "order", "gap_tokens", "header", "header_tokens", "labels", "duplicate_weight"):
            assert np.array_equal(getattr(costs, name), getattr(others, name)), name


def test_pools_that_share_their_items_grow_for_themselves():
    first = Pool(f"Number {n} is {n * n}." for n in range(9))
    odd = first.take(np.arange(1, 9, 2))
    first.extend(["Number 9 is 81."])
    odd.extend(["Number 11 is 121."])
    assert [item.text[7:9].strip() for item in odd] == ["1", "3", "5", "7", "11"]
    for pool, last in ((first, "Number 9 is 81."), (odd, "Number 11 is 121.")):
        assert pool[-1].text == last
        assert said(pool, "What is number 11?", embedder="none") == said(
            Pool(pool.items), "What is number 11?", embedder="none"
        )


@settings(max_examples=200, deadline=None)
@given(groups=st.lists(some_items(), min_size=1, max_size=4), data=st.data())
def test_what_items_cost_is_known_in_any_order(groups, data):
    tokenizer = get_tokenizer("o200k_base")
    made = [{**one, "speaker": None} for group in groups for one in group]
    pool = Pool(Item(**one, id=f"i{n}") for n, one in enumerate(made))
    pool.costs(tokenizer)
    # Runs of the items change places, as files do.
    cuts = sorted(data.draw(st.sets(st.integers(0, len(made)), max_size=4)))
    runs = data.draw(st.permutations([range(*run) for run in pairwise([0, *cuts, len(made)])]))
    kept = data.draw(st.lists(st.booleans(), min_size=len(runs), max_size=len(runs)))
    taken = pool.take(np.array([row for run, keep in zip(runs, kept, strict=True) if keep for row in run], np.intp))
    costs, others = taken.costs(tokenizer), costs_of(taken.items, tokenizer)
    for name in ("tokens", "order", "gap_tokens", "header", "header_tokens", "labels", "duplicate_weight"):
        assert np.array_equal(getattr(costs, name), getattr(others, name)), name
