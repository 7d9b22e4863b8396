"""Variants by their text and by value, ablations, references, and questions with a dialogue before them."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctxwin import pack
from ctxwin.errors import InputError
from ctxwin.evaluate import (
    OUTSIDE,
    Dataset,
    GoldQuery,
    Variant,
    ablations,
    evaluate,
    get_variant,
    load_sample,
    recall,
    request_text,
    request_tokens,
)
from ctxwin.evaluate.recall_task import RecallTask, silent_features
from ctxwin.evaluate.references import bm25, ceiling
from ctxwin.evaluate.score import text_tokens
from ctxwin.items import Item
from ctxwin.retrieve import FEATURES, Index, shipped_weights

FLATS = tuple(
    Item(id=str(n), text=f"Flat {n} costs {n * 37} a month, heating included, no dogs at all.") for n in range(40)
)
ASKED = GoldQuery(qid="q", source="s", text="What is the rent of flat 17?", gold=("17",))


def flats(*queries, items=FLATS):
    return Dataset(name="flats", sources={"s": items}, queries=queries or (ASKED,))


def scores(dataset, *variants, **settings):
    result = evaluate([dataset], variants=variants, processes=1, **{"budgets": [120]} | settings)
    return result, {(score.variant, score.qid, score.budget): score for score in result.scores}


# -- names


def test_a_variant_is_read_from_its_text():
    assert get_variant("auto") == Variant()
    assert get_variant("relevance@none") == Variant(strategy="relevance", embedder="none")
    assert get_variant("auto@some-org/all-MiniLM-L6-v2").embedder == "some-org/all-MiniLM-L6-v2"
    assert get_variant("auto@C:/models/mine").embedder == "C:/models/mine"
    both = get_variant("auto-session-date@static")
    assert (both.strategy, both.embedder, both.name) == ("auto", "static", "auto-session-date@static")
    assert both.weights == shipped_weights().without("session").without("date")
    assert get_variant("ref:bm25") == Variant(strategy="ref:bm25")
    assert get_variant(both) is both


@given(
    st.sampled_from(["auto", "relevance", "ref:head_tail"]),
    st.lists(st.sampled_from(FEATURES), unique=True),
    st.sampled_from(["auto", "none", "a-b@c"]),
)
def test_a_variant_made_step_by_step_is_the_one_read_from_its_name(strategy, features, embedder):
    variant = Variant(strategy=strategy, embedder=embedder)
    for feature in features:
        variant = variant.drop(feature)
    assert get_variant(variant.name) == variant == pickle.loads(pickle.dumps(variant))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "unknown strategy ''"),
        ("magic@none", "unknown strategy 'magic'"),
        ("auto-", "no feature ''"),
        ("auto-magic", "no feature 'magic'; the features are lexical"),
        ("auto@", "'auto@' names no embedder after '@'"),
        ("ref:bm52", "unknown variant 'ref:bm52'; did you mean 'ref:bm25'"),
        ("ref:bm25@none", "unknown variant 'ref:bm25@none'; did you mean 'ref:bm25'"),
        ("what:ever", "use one of ref:coverage, ref:greedy, ref:head_tail, ref:mmr, ref:summary, ref:bm25"),
    ],
)
def test_an_unknown_part_is_named(text, message):
    with pytest.raises(InputError) as error:
        get_variant(text)
    assert message in str(error.value)


def test_own_weights_keep_their_name_and_act():
    words = replace(shipped_weights(), lexical=0.0, dense=0.0, neighbours=0.0, bridge=0.0)
    mine = Variant(embedder="none", weights=words, name="mine")
    assert mine.drop("role").name == "mine-role"
    result, found = scores(flats(), "auto@none", mine)
    assert result.variants == ("auto@none", "mine")
    assert found["auto@none", "q", 120].recall == 1.0 and found["mine", "q", 120].recall == 0.0


def test_a_strategy_of_the_references_is_packed_with_its_embedder_and_without_features():
    result, found = scores(flats(), "ref:greedy@none", "ref:greedy-lexical-phrase@none", "ref:head_tail@none")
    assert result.variants == ("ref:greedy@none", "ref:greedy-lexical-phrase@none", "ref:head_tail@none")
    recalls = [found[name, "q", 120].recall for name in result.variants]
    assert recalls[0] == 1.0 and recalls[2] == 0.0  # the middle is left out
    assert recalls[1] < 1.0


# -- ablations


def test_an_ablation_drops_every_feature_once():
    whole, *others = ablations("auto@none")
    assert whole == get_variant("auto@none")
    assert [one.weights for one in others] == [shipped_weights().without(feature) for feature in FEATURES]
    with pytest.raises(InputError, match="'peer:retainkit' has no features"):
        ablations("peer:retainkit")


TALK = (
    *FLATS[:12],
    Item(id="ana", text='She has "the red door".', speaker="Ana", time="2024-05-03", title="Doors", role="user"),
    Item(id="rule", text="From now on, always state sums in euros, never in dollars.", role="user", session="2"),
    *(replace(item, session="2", role="assistant") for item in FLATS[12:]),
)
QUESTIONS = (
    ASKED,
    GoldQuery(qid="who", source="s", text='What did Ana say of "the red door" on 3 May 2024?', gold=("ana",)),
    GoldQuery(qid="task", source="s", text="Write an offer for flat 9.", gold=("rule", "9")),
    GoldQuery(qid="lean", source="s", text="And what is hers?", gold=("ana",), history=(Item(text="The door?"),)),
    GoldQuery(qid="day", source="s", text="What was said three days ago?", gold=("ana",), asked="2024-05-06"),
)


@pytest.mark.parametrize("items", [FLATS, TALK], ids=["plain", "with speakers, sessions, dates, titles"])
@pytest.mark.parametrize("embedder", ["none", "static"])
def test_scores_that_are_copied_are_those_that_packing_gives(items, embedder):
    known = {item.id for item in items}
    dataset = flats(*(query for query in QUESTIONS if known.issuperset(query.gold)), items=items)
    together, found = scores(dataset, *ablations(f"auto@{embedder}"), budgets=[60, 150])
    assert len(together.scores) == len(dataset.queries) * (len(FEATURES) + 1) * 2
    for variant in ablations(f"auto@{embedder}")[1:]:
        for key, score in scores(dataset, variant, budgets=[60, 150])[1].items():
            assert replace(found[key], seconds=0.0) == replace(score, seconds=0.0)


def test_a_feature_is_silent_where_nothing_in_the_items_or_the_question_speaks_for_it():
    def silent(items, query, history=True):
        task = RecallTask(
            dataset="d", items=items, queries=(query,), variants=(), budgets=(), tokenizer="o200k_base", history=history
        )
        return silent_features(task, Index(items), query)

    of_code = {"name", "path", "trace", "prose", "tests", "calls"}
    always = {"speaker", "instruction", "date", "phrase", "link", "history"} | of_code
    assert silent(FLATS, ASKED) == always
    assert silent(TALK, ASKED) == always - {"link"}
    assert silent(TALK, QUESTIONS[1]) == {"instruction", "history"} | of_code
    assert silent(TALK, QUESTIONS[2]) == always - {"link", "instruction"}
    assert silent(TALK, QUESTIONS[3]) == set()
    assert silent(TALK, QUESTIONS[3], history=False) == always - {"link"}
    assert silent(TALK, QUESTIONS[4]) == always - {"link", "date"}
    assert silent(TALK, replace(QUESTIONS[4], asked="2024-09-01")) == always - {"link"}


def test_features_that_matter_here_are_worth_something():
    def lost(query, feature, items):
        found = scores(flats(query, items=items), *ablations("auto@none"), budgets=[70])[1]
        return found["auto@none", query.qid, 70].recall - found[f"auto-{feature}@none", query.qid, 70].recall

    assert lost(ASKED, "lexical", FLATS) == 1.0
    rule = Item(id="rule", text="From now on, always state sums in euros, never in dollars.")
    task = GoldQuery(qid="task", source="s", text="Write an offer for flat 9.", gold=("rule",))
    assert lost(task, "instruction", (*FLATS[:20], rule, *FLATS[20:])) == 1.0


# -- references


def words(text):
    return len(text.split())


def test_bm25_takes_the_best_that_fit_and_prints_them_in_order():
    items = [
        Item(text="The red door is new.", speaker="Ana"),
        Item(text="It rains."),
        Item(text="A red door, a red door, " + "and more " * 20, id="long"),
        Item(text="The door is red.", role="user"),
    ]
    query = GoldQuery(qid="1", source="s", text="red door?")
    made = bm25({}, items, query, 21, words)
    assert made == [
        {"role": "user", "content": "Ana: The red door is new.\nuser: The door is red.\n"},
        {"role": "user", "content": "red door?"},
    ]
    assert bm25({}, items, query, 11, words) == made[1:]


def test_the_ceiling_is_the_gold_alone_cheapest_first():
    units = {"a": Item(text="one two three four five six seven"), "b": Item(text="Eight nine ten, so I think.")}
    query = GoldQuery(qid="1", source="s", text="How many?", gold=("a", "b"))

    def text(budget, **changes):
        return "".join(one["content"] for one in ceiling(units, [], replace(query, **changes), budget, words)[:-1])

    assert text(40) == "Eight nine ten, so I think.\none two three four five six seven\n"
    assert text(16) == "Eight nine ten, so I think.\n"
    assert text(15) == ""
    assert text(40, mode="any") == "Eight nine ten, so I think.\n"
    assert text(40, mode="one_of_each_group", groups=(("a",), ("a", "b"))) == text(40)


@pytest.mark.parametrize(
    "parts",
    [
        {"spans": {"d": ((400, 420), (1190, 1200))}},
        {"spans": {"d": ((0, 3), (1197, 1200))}},
        {"ranges": {"d": ((2, 4), (5, 5), (11, 12))}},
        {},
    ],
)
def test_the_ceiling_earns_everything_where_it_fits(parts):
    text = "\n".join(f"Line {n}: " + f"{n * 7919} " * 15 for n in range(16))[:1200]
    units = {"d": Item(id="d", text=text, kind="document")}
    query = GoldQuery(qid="1", source="s", text="Which?", gold=("d",), **parts)
    made = ceiling(units, [], query, 2_000, text_tokens)
    assert recall(request_text(made), query, units) == 1.0
    assert bool(parts) == (request_tokens(made) < 400)


@pytest.mark.parametrize("name", ["ref:bm25", "ref:ceiling"])
def test_references_keep_to_the_budget_on_the_sample(name):
    result, _ = scores(load_sample(), name, budgets=[100, 300, 1_000])
    assert result.overruns == result.failures == ()
    recalls = [row.recall for row in result.rows if row.category is None]
    assert recalls == sorted(recalls) and recalls[-1] > 80.0


def test_what_is_over_the_budget_scores_nothing_and_is_listed(monkeypatch):
    everything = lambda units, items, query, budget, count: [  # noqa: E731
        {"role": "user", "content": "".join(item.text for item in items)}
    ]
    monkeypatch.setitem(OUTSIDE, "ref:bm25", everything)
    result, found = scores(flats(), "ref:bm25")
    assert found["ref:bm25", "q", 120].recall == 0.0
    assert [score.tokens > 120 for score in result.overruns] == [True]


# -- history


DIALOGUE = (
    Item(id="h0", text="Is there anything on Elm Street?", role="user"),
    Item(id="h1", text="Yes, there is flat 23 on Elm Street.", role="assistant"),
)
LEANING = GoldQuery(qid="l", source="s", text="And its rent?", gold=("23",), history=DIALOGUE)


def test_history_is_packed_and_finds_what_the_question_leans_on():
    _, found = scores(flats(LEANING), "auto@none", budgets=[100])
    _, bare = scores(flats(LEANING), "auto@none", budgets=[100], history=False)
    assert found["auto@none", "l", 100].recall == 1.0
    assert bare["auto@none", "l", 100].recall == 0.0


def test_history_competes_for_the_budget_and_is_no_evidence_by_itself():
    long = replace(LEANING, history=tuple(replace(turn, text=turn.text * 40) for turn in DIALOGUE))
    result, _ = scores(flats(long), "auto@none", budgets=[60])
    assert result.overruns == result.failures == ()
    said = GoldQuery(
        qid="u", source="s", text="And its rent?", gold=("39",), history=(Item(text="Nothing.", role="user"),)
    )
    _, found = scores(flats(said), "recency", budgets=[60])
    assert found["recency", "u", 60].tokens <= 60


def test_the_date_of_a_question_is_its_clock_and_costs_no_token():
    turns = [
        Item(id=f"{n}", text=f"It was a day like others, number {n}.", time=f"2024-{n:02}-10") for n in range(1, 13)
    ]
    query = GoldQuery(qid="d", source="s", text="What happened yesterday?", gold=("5",), asked="2024-05-11")
    dataset = flats(query, items=tuple(turns))
    _, dated = scores(dataset, "auto@none", budgets=[80])
    _, bare = scores(dataset, "auto@none", budgets=[80], history=False)
    assert dated["auto@none", "d", 80].recall == 1.0 and bare["auto@none", "d", 80].recall == 0.0
    everything = [scores(dataset, "auto@none", budgets=[4_000], history=history)[1] for history in (True, False)]
    assert len({one["auto@none", "d", 4_000].tokens for one in everything}) == 1


def test_without_dialogue_and_date_the_request_is_that_of_the_bare_question():
    result, found = scores(flats(), "auto@none")
    packed = pack(items=list(FLATS), query=ASKED.text, budget=120, embedder="none")
    assert found["auto@none", "q", 120].tokens == request_tokens(packed.messages)
    bare = scores(flats(), "auto@none", history=False)[0]
    assert [replace(one, seconds=0.0) for one in bare.scores] == [replace(one, seconds=0.0) for one in result.scores]
