"""Terms, and BM25 against bm25s as its slow twin."""

import bm25s
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctxwin import pack
from ctxwin.retrieve.words import lexical
from ctxwin.retrieve.words.lexical import Bm25, cjk_share, term_counts, tokenize

WORDS = st.sampled_from(["cat", "dog", "house", "tree", "river", "stone", "cloud"])
DOCUMENTS = st.lists(st.lists(WORDS, max_size=8), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("The cats were running", ["cat", "run"]),
        ("what is it?", []),
        ("parseHTTPHeader", ["parsehttphead", "pars", "http", "header"]),
        ("snake_case_name", ["snake_case_nam", "snake", "case", "name"]),
        ("version 2.4.1", ["version", "2.4.1", "2", "4", "1"]),
        ("Ana's naïve café", ["ana", "naïv", "café"]),
        ("图书馆", ["图", "书", "馆", "图书", "书馆"]),
        ("我的", []),
        ("东京 Tokyo タワー", ["东", "京", "东京", "tokyo", "タ", "ワ", "ー", "タワ", "ワー"]),
        ("한국어", ["한", "국", "어", "한국", "국어"]),
        ("ＡＢＣ", ["abc"]),
    ],
)
def test_terms(text, terms):
    assert tokenize(text) == terms


@given(st.text())
def test_any_text_has_terms_that_are_words(text):
    for term in tokenize(text):
        assert term
        assert not term.isspace()


def test_lone_surrogates_and_nuls_are_no_trouble():
    assert tokenize("\ud800 cat\0dog") == ["cat", "dog"]


@settings(max_examples=60, deadline=None)
@given(DOCUMENTS, st.lists(WORDS, min_size=1, max_size=4))
def test_scores_are_those_of_bm25s(documents, query):
    if not any(documents):
        return
    twin = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
    twin.index(documents, show_progress=False)
    known = [term for term in query if any(term in document for document in documents)]
    expected = twin.get_scores(known) if known else np.zeros(len(documents))
    assert np.allclose(Bm25(documents).scores(query), expected, atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(DOCUMENTS, DOCUMENTS, st.lists(WORDS, max_size=4))
def test_a_grown_index_equals_one_built_at_once(some, more, query):
    grown = Bm25(some)
    grown.extend(more)
    assert np.array_equal(grown.scores(query), Bm25([*some, *more]).scores(query))


@settings(max_examples=60, deadline=None)
@given(DOCUMENTS, DOCUMENTS, st.lists(WORDS, min_size=1, max_size=4), st.sampled_from([0, 6, 1 << 18]), st.data())
def test_some_documents_score_as_an_index_of_them_alone_sorted_by_term_or_not(some, more, query, looked_through, data):
    rows = np.flatnonzero([data.draw(st.booleans()) for _ in some])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lexical, "LOOKED_THROUGH", looked_through)
        index, alone = Bm25(some), Bm25([some[i] for i in rows])
        part = index.select(rows)
        index.extend(more)
        index.scores(query)
        shares = {0: 1.0, len(rows) - 1: 0.5} if len(rows) else {}
        for one in (part, index):
            twin = alone if one is part else Bm25([*some, *more])
            assert np.array_equal(one.scores(query), twin.scores(query))
            assert np.array_equal(one.coverage(term_counts(query)), twin.coverage(term_counts(query)))
            assert np.array_equal(one.content, twin.content)
            assert np.array_equal(one.expansion(shares, {}, 2), twin.expansion(shares, {}, 2))
            assert one.query_weights(" ".join(query)) == twin.query_weights(" ".join(query))


def test_an_empty_index_and_an_empty_question():
    assert Bm25().scores(["cat"]).shape == (0,)
    assert Bm25([["cat"], []]).scores([]).tolist() == [0.0, 0.0]


def test_weights_scale_the_share_of_a_term():
    index = Bm25([["cat"], ["dog"], ["cat", "dog"]])
    assert np.allclose(index.scores({"cat": 2.0}), 2 * index.scores(["cat"]))


def test_a_single_character_weighs_half():
    assert term_counts(tokenize("书馆")) == {"书": 0.5, "馆": 0.5, "书馆": 1.0}


def test_rare_terms_weigh_more_and_unseen_ones_most():
    index = Bm25([["cat"], ["cat"], ["cat", "dog"]])
    weights = index.query_weights("cat dog zebra")
    assert weights["cat"] < weights["dog"] < weights["zebra"]


def test_expansion_follows_shared_rare_terms():
    documents = [["spouse", "ana", "bruno"], ["bruno", "oslo"], ["rain"], ["ana"]]
    index = Bm25(documents)
    scores = index.expansion({0: 1.0}, {"spouse": 1.0, "ana": 1.0}, 5)
    assert scores[1] > 0
    assert scores[2] == scores[3] == 0


def test_content_is_the_rarity_of_the_different_terms():
    index = Bm25([["cat", "cat", "sat"], ["cat"], []])
    assert index.content.tolist() == pytest.approx([np.log1p(1.5 / 2.5) + np.log1p(2.5 / 1.5), np.log1p(1.5 / 2.5), 0])


def test_share_of_cjk():
    assert cjk_share("hello") == 0
    assert cjk_share("你好") == 1
    assert cjk_share("你好ab") == 0.5
    assert cjk_share("") == 0


def test_a_name_with_a_number_behind_a_hyphen_is_a_term_of_its_own():
    assert tokenize("SKU-2237, CVE-2024-1234 and gpt-4o") == [
        *("sku-2237", "sku", "2237"), *("cve-2024-1234", "cve", "2024", "1234"), *("gpt-4o", "gpt", "4", "o"),
    ]  # fmt: skip
    assert tokenize("self-made -5 a-b") == ["self", "made", "5", "b"]


def test_a_row_is_found_by_its_id_where_its_number_stands_elsewhere_too(tmp_path):
    rows = [f"2025-{n % 12 + 1:02}-{n % 28 + 1:02},west,SKU-{1200 + n},{n % 50},{n * 1.7:.2f}" for n in range(2_000)]
    (tmp_path / "sales.csv").write_text("\n".join(["day,region,item,units,price", *rows]) + "\n")
    packed = pack(query="How many units of SKU-2237 were sold?", files=tmp_path, budget=200, embedder="none")
    assert "SKU-2237,37," in packed.text and "day,region,item,units,price" in packed.text
